//! Terraform resources, from a plan, a state or configuration → the policies among them and their attachments.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::inventory::{Holder, Inventory, name_of};
use super::tree::{Node, Value};
use super::written::document;
use super::{ignored, organization};
use crate::policy::document::{DocumentError, File, PolicyKind};

/// A resource or a data source.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) file: Arc<File>,
    /// `aws_iam_policy.mfa`, `module.users.data.aws_iam_policy_document.mfa`, perhaps with an index.
    pub(super) address: String,
    /// `aws_iam_policy`, `data.aws_iam_policy_document`.
    pub(super) kind: String,
    /// The arguments.
    pub(super) values: Node,
}

/// All resources that belong together.
#[derive(Default)]
pub(super) struct Resources {
    all: Vec<Resource>,
    by_address: HashMap<String, Vec<usize>>,
    /// Policy documents that some resource uses.
    taken: RefCell<HashSet<usize>>,
}

impl Resources {
    pub(super) fn extend(&mut self, resources: Vec<Resource>) {
        for resource in resources {
            let address = without_index(&resource.address);
            self.by_address.entry(address).or_default().push(self.all.len());
            self.all.push(resource);
        }
    }

    pub(super) fn take_stock(mut self, inventory: &mut Inventory) -> Result<(), DocumentError> {
        let all = std::mem::take(&mut self.all);
        for resource in &all {
            self.one(&all, resource, inventory)?;
        }
        let is_alone = all.iter().all(|resource| !resource.kind.starts_with("aws_iam_"));
        for (at, resource) in all.iter().enumerate().filter(|(_, it)| it.kind == "data.aws_iam_policy_document") {
            // A plan has already resolved them into the resources that use them.
            let is_resolved = resource.values.get("json").is_some();
            if !self.taken.borrow().contains(&at) && (is_alone || !is_resolved) {
                let node = resource.values.get("json").or_else(|| resource.values.get(DOCUMENT));
                if let Some(node) = node {
                    inventory.add_loose(&resource.file, &resource.address, node)?;
                }
            }
        }
        Ok(())
    }

    fn one(&self, all: &[Resource], resource: &Resource, inventory: &mut Inventory) -> Result<(), DocumentError> {
        let (values, file) = (&resource.values, &resource.file);
        let name = |field: &str| values.get(field).and_then(|node| self.name(all, node, "name"));
        let holder = |field: &str, holder: Holder| Some((holder, name(field)?));
        let direct = || {
            holder("user", Holder::User)
                .or_else(|| holder("group", Holder::Group))
                .or_else(|| holder("role", Holder::Role))
        };
        match resource.kind.as_str() {
            "aws_iam_policy" => {
                let mut names = vec![without_index(&resource.address)];
                names.extend(values.text_of("arn"));
                if let Some((file, label, node)) = self.policy(all, resource, "policy") {
                    inventory.add_managed(&names, document(file, &label, node, PolicyKind::User)?);
                }
            }
            "aws_iam_user_policy" | "aws_iam_group_policy" | "aws_iam_role_policy" => {
                let whom = direct().unwrap_or_else(|| (holder_of(&resource.kind), resource.address.clone()));
                let kind = kind_of(whom.0);
                if let Some((file, label, node)) = self.policy(all, resource, "policy") {
                    inventory.attach((whom.0, &whom.1), document(file, &label, node, kind)?);
                }
            }
            "aws_iam_role" => {
                if let Some((file, label, node)) = self.policy(all, resource, "assume_role_policy") {
                    let label = format!("trust policy of {label}");
                    inventory.add_trust(document(file, &label, node, PolicyKind::Trust)?);
                }
                let own = name("name").unwrap_or_else(|| without_index(&resource.address));
                for inline in values.get("inline_policy").map_or(&[][..], Node::each) {
                    if let Some(node) = inline.get("policy") {
                        let document = document(file, &resource.address, node, PolicyKind::Role)?;
                        inventory.attach((Holder::Role, &own), document);
                    }
                }
                for arn in values.get("managed_policy_arns").map_or(&[][..], Node::items) {
                    self.attach(all, (Holder::Role, &own), (file, arn), inventory);
                }
            }
            "aws_iam_user" => {
                let own = name("name").unwrap_or_else(|| without_index(&resource.address));
                inventory.add_user(&own, values.text_of("path"));
                if let Some(node) = values.get("permissions_boundary")
                    && let Some(policy) = self.name(all, node, "arn")
                {
                    inventory.bound(&own, &policy, (file, node));
                }
            }
            "aws_iam_user_policy_attachment" | "aws_iam_group_policy_attachment" | "aws_iam_role_policy_attachment" => {
                if let (Some(whom), Some(arn)) = (direct(), values.get("policy_arn")) {
                    self.attach(all, (whom.0, &whom.1), (file, arn), inventory);
                }
            }
            "aws_iam_policy_attachment" => {
                let Some(arn) = values.get("policy_arn") else { return Ok(()) };
                for (field, holder) in [("users", Holder::User), ("groups", Holder::Group), ("roles", Holder::Role)] {
                    for node in values.get(field).map_or(&[][..], Node::each) {
                        if let Some(name) = self.name(all, node, "name") {
                            self.attach(all, (holder, &name), (file, arn), inventory);
                        }
                    }
                }
            }
            "aws_iam_group_membership" | "aws_iam_user_group_membership" => {
                let names = |field: &[&str]| -> Vec<String> {
                    let nodes = field.iter().filter_map(|field| values.get(field)).flat_map(Node::each);
                    nodes.filter_map(|node| self.name(all, node, "name")).collect()
                };
                for user in names(&["user", "users"]) {
                    for group in names(&["group", "groups"]) {
                        inventory.add_member(&user, &group);
                    }
                }
            }
            "aws_organizations_policy" => {
                let own = values.get("type");
                match self.policy(all, resource, "content") {
                    Some((file, label, node)) => {
                        organization::resource(file, &label, (Some(node), own), inventory)?;
                    }
                    None => organization::resource(file, &resource.address, (None, own), inventory)?,
                }
            }
            kind if !kind.starts_with("data.") => {
                let mut is_ignored = ignored::carries_policy(values);
                for (_, node) in values.members() {
                    is_ignored |= self.named_document(all, node).is_some();
                }
                if is_ignored {
                    inventory.ignore(&resource.address, false);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Attaches a managed policy.
    fn attach(&self, all: &[Resource], whom: (Holder, &str), at: (&Arc<File>, &Node), inventory: &mut Inventory) {
        if let Some(name) = self.name(all, at.1, "arn") {
            inventory.attach_named(whom, &name, at);
        }
    }

    /// The policy in an argument: the document itself, or the data source that it names.
    fn policy<'a>(
        &self,
        all: &'a [Resource],
        resource: &'a Resource,
        field: &str,
    ) -> Option<(&'a Arc<File>, String, &'a Node)> {
        let node = resource.values.get(field)?;
        let (file, node) = self.named_document(all, node).unwrap_or((&resource.file, node));
        Some((file, resource.address.clone(), node))
    }

    /// The document of the data source that an argument names; the data source counts as used.
    fn named_document<'a>(&self, all: &'a [Resource], node: &Node) -> Option<(&'a Arc<File>, &'a Node)> {
        let Value::Unknown(what) = &node.value else { return None };
        let at = *self.by_address.get(&without_index(what.strip_suffix(".json")?))?.first()?;
        let document = all[at].values.get(DOCUMENT)?;
        self.taken.borrow_mut().insert(at);
        Some((&all[at].file, document))
    }

    /// What an argument names: a text, or a resource by its own name if that is known, else by its address.
    fn name(&self, all: &[Resource], node: &Node, field: &str) -> Option<String> {
        let named = name_of(node)?;
        let Value::Unknown(what) = &node.value else { return Some(named) };
        let address = without_index(what);
        let address = address.rsplit_once('.').filter(|(_, last)| ["name", "arn", "id"].contains(last));
        let Some((address, _)) = address else { return Some(named) };
        let own = self.by_address.get(address).and_then(|found| found.first());
        let said = own.and_then(|at| all[*at].values.get(field)).and_then(Node::text);
        Some(said.unwrap_or_else(|| address.to_owned()))
    }
}

/// The member in which the Terraform parser stores the document of a data source.
pub(super) const DOCUMENT: &str = "(document)";

fn holder_of(kind: &str) -> Holder {
    match kind {
        "aws_iam_user_policy" => Holder::User,
        "aws_iam_group_policy" => Holder::Group,
        _ => Holder::Role,
    }
}

fn kind_of(holder: Holder) -> PolicyKind {
    if holder == Holder::Role { PolicyKind::Role } else { PolicyKind::User }
}

/// An address without the indices of `count` and `for_each`.
pub(super) fn without_index(address: &str) -> String {
    let (mut text, mut depth) = (String::with_capacity(address.len()), 0_usize);
    for c in address.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            c if depth == 0 => text.push(c),
            _ => {}
        }
    }
    text
}
