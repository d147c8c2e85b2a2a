//! Terraform resources, from a plan, a state or configuration → the policies among them and their attachments.

mod attachments;
mod names;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::holder::{Called, Holder, words_of};
use super::inventory::Inventory;
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
    /// What decides whether it exists at all, if the file does not say.
    pub(super) only_if: Vec<String>,
    /// The expression of its `count` or `for_each`.
    pub(super) each: Option<String>,
}

/// All resources that belong together.
#[derive(Default)]
pub(super) struct Resources {
    all: Vec<Resource>,
    /// By address, without an index.
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

    pub(super) fn take_stock(&self, inventory: &mut Inventory) -> Result<(), DocumentError> {
        for resource in &self.all {
            self.one(resource, inventory)?;
        }
        let is_alone = self.all.iter().all(|resource| !resource.kind.starts_with("aws_iam_"));
        let used = self.merged();
        let documents = self.all.iter().enumerate().filter(|(_, it)| it.kind == "data.aws_iam_policy_document");
        for (at, resource) in documents.filter(|(at, _)| !used.contains(at)) {
            // A plan has already resolved them into the resources that use them.
            let is_resolved = resource.values.get("json").is_some_and(|json| json.text().is_some());
            if !self.taken.borrow().contains(&at) && (is_alone || !is_resolved) {
                let node = resource.values.get(DOCUMENT).or_else(|| resource.values.get("json"));
                if let Some(node) = node {
                    inventory.add_loose(&resource.file, &resource.address, node, &resource.only_if)?;
                }
            }
        }
        Ok(())
    }

    /// The documents that are a part of another one that is judged.
    fn merged(&self) -> HashSet<usize> {
        let parts = |at: usize| {
            let fields = ["source_policy_documents", "override_policy_documents"];
            let nodes = fields.into_iter().filter_map(move |field| self.all[at].values.get(field)).flat_map(Node::each);
            nodes.filter_map(|node| match &node.value {
                Value::Unknown(what) => self.found(what.strip_suffix(".json")?),
                _ => None,
            })
        };
        let every = || (0..self.all.len()).filter(|at| self.all[*at].kind == "data.aws_iam_policy_document");
        let named: HashSet<usize> = every().flat_map(parts).collect();
        // Documents that include each other in a circle are a part of nothing.
        let mut left: Vec<usize> =
            every().filter(|at| !named.contains(at) || self.taken.borrow().contains(at)).collect();
        let mut found = HashSet::new();
        while let Some(at) = left.pop() {
            left.extend(parts(at).filter(|part| found.insert(*part)));
        }
        found
    }

    fn one(&self, resource: &Resource, inventory: &mut Inventory) -> Result<(), DocumentError> {
        match resource.kind.as_str() {
            "aws_iam_policy" => self.managed(resource, inventory),
            "aws_iam_user_policy" | "aws_iam_group_policy" | "aws_iam_role_policy" => self.inline(resource, inventory),
            "aws_iam_role" => self.role(resource, inventory),
            "aws_iam_user" => {
                self.user(resource, inventory);
                Ok(())
            }
            "aws_iam_group" => {
                inventory.add_group(&resource.own());
                Ok(())
            }
            "aws_organizations_policy" => self.of_organization(resource, inventory),
            kind if kind.starts_with("data.") || self.attaches(resource, inventory) => Ok(()),
            _ => {
                let mut is_ignored = ignored::carries_policy(&resource.values);
                for (_, node) in resource.values.members() {
                    is_ignored |= self.named_document(node).is_some();
                }
                if is_ignored {
                    inventory.ignore(&resource.address, false);
                }
                Ok(())
            }
        }
    }

    fn managed(&self, resource: &Resource, inventory: &mut Inventory) -> Result<(), DocumentError> {
        let mut names = vec![resource.address.clone()];
        names.extend(resource.values.text_of("arn"));
        if let Some((file, label, node)) = self.policy(resource, "policy") {
            inventory.add_managed(&names, &resource.only_if, document(file, &label, node, PolicyKind::User)?);
        }
        Ok(())
    }

    /// A policy of one user, group or role.
    fn inline(&self, resource: &Resource, inventory: &mut Inventory) -> Result<(), DocumentError> {
        let holder = holder_of(&resource.kind);
        let named = self.whom(resource, holder.name(), holder, inventory).into_iter().next();
        let whom = named.unwrap_or_else(|| {
            let what = format!("{}.{}", resource.address, holder.name());
            (holder, Called::Unknown { what, by: Some(resource.address.clone()) })
        });
        if let Some((file, label, node)) = self.policy(resource, "policy") {
            let only_if = self.only_if(resource, &whom.1);
            inventory.attach(whom, only_if, document(file, &label, node, kind_of(holder))?);
        }
        Ok(())
    }

    fn role(&self, resource: &Resource, inventory: &mut Inventory) -> Result<(), DocumentError> {
        let values = &resource.values;
        if let Some((file, label, node)) = self.policy(resource, "assume_role_policy") {
            let label = format!("trust policy of {label}");
            inventory.add_trust(document(file, &label, node, PolicyKind::Trust)?);
        }
        let whom = (Holder::Role, resource.own());
        for inline in values.get("inline_policy").map_or(&[][..], Node::each) {
            let node = if matches!(inline.value, Value::Unknown(_)) { Some(inline) } else { inline.get("policy") };
            if let Some(node) = node.filter(|node| !matches!(node.value, Value::Null)) {
                let document = document(&resource.file, &resource.address, node, PolicyKind::Role)?;
                inventory.attach(whom.clone(), &[], document);
            }
        }
        for node in values.get("managed_policy_arns").map_or(&[][..], Node::each) {
            if let Some(name) = self.policy_name(node) {
                inventory.attach_named(whom.clone(), &[], &name, (&resource.file, node));
            }
        }
        Ok(())
    }

    fn user(&self, resource: &Resource, inventory: &mut Inventory) {
        let own = resource.own();
        inventory.add_user(&own, resource.values.text_of("path"), &resource.only_if);
        if let Some(node) = resource.values.get("permissions_boundary")
            && let Some(policy) = self.policy_name(node).filter(|name| !name.is_empty())
        {
            inventory.bound(&own, &policy, (&resource.file, node));
        }
    }

    fn of_organization(&self, resource: &Resource, inventory: &mut Inventory) -> Result<(), DocumentError> {
        let own = resource.values.get("type");
        match self.policy(resource, "content") {
            Some((file, label, node)) => organization::resource(file, &label, (Some(node), own), inventory),
            None => organization::resource(&resource.file, &resource.address, (None, own), inventory),
        }
    }

    /// The policy in an argument: the document itself, or the data source that it names.
    fn policy<'a>(&'a self, resource: &'a Resource, field: &str) -> Option<(&'a Arc<File>, String, &'a Node)> {
        let node = resource.values.get(field).filter(|node| !matches!(node.value, Value::Null))?;
        let (file, node) = self.named_document(node).unwrap_or((&resource.file, node));
        Some((file, resource.address.clone(), node))
    }

    /// The document of the data source that an argument names; the data source counts as used.
    fn named_document<'a>(&'a self, node: &Node) -> Option<(&'a Arc<File>, &'a Node)> {
        let Value::Unknown(what) = &node.value else { return None };
        let at = self.found(what.strip_suffix(".json")?)?;
        let document = self.all[at].values.get(DOCUMENT)?;
        self.taken.borrow_mut().insert(at);
        Some((&self.all[at].file, document))
    }
}

/// The member in which the Terraform parsers store the document of a data source.
pub(super) const DOCUMENT: &str = "(document)";

/// The kind of identity that a resource is about.
fn holder_of(kind: &str) -> Holder {
    if kind.starts_with("aws_iam_user") {
        Holder::User
    } else if kind.starts_with("aws_iam_group") {
        Holder::Group
    } else {
        Holder::Role
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
