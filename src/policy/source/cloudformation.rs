//! CloudFormation templates: the IAM resources, with the functions that the template alone can resolve.

mod functions;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::holder::{Called, Holder, Whom, words_of};
use super::inventory::Inventory;
use super::tree::{Name, Node, Value};
use super::written::document;
use super::{Here, ignored, organization};
use crate::policy::document::{DocumentError, File, PolicyKind};

pub(super) fn is_such(root: &Node) -> bool {
    root.get("AWSTemplateFormatVersion").is_some()
        || root.get("Resources").is_some_and(|it| it.members().iter().any(|(_, it)| it.get("Type").is_some()))
}

/// Is it a YAML template, judging by the start of a line?
pub(super) fn is_such_text(text: &str) -> bool {
    let is_start = |line: &str| {
        ["AWSTemplateFormatVersion:", "Resources:", "\"Resources\":", "'Resources':"]
            .iter()
            .any(|it| line.starts_with(it))
    };
    text.lines().any(is_start)
}

pub(super) fn read(file: &Arc<File>, root: &Node, here: &Here, inventory: &mut Inventory) -> Result<(), DocumentError> {
    let resources = root.get("Resources").map_or(&[][..], Node::members);
    let members = |name: &str| root.get(name).map_or(&[][..], Node::members).iter();
    let fixed = members("Parameters").chain(resources).map(|(name, _)| name.text.clone()).collect();
    let mut template = Template { file, root, here, fixed, names: HashMap::new(), holders: HashMap::new() };
    template.learn(resources);
    template.resources(resources, inventory)
}

struct Template<'a> {
    file: &'a Arc<File>,
    root: &'a Node,
    here: &'a Here,
    /// The parameters and the resources: a reference to one of them has one value throughout the stack.
    fixed: HashSet<String>,
    /// The names of users, groups and roles, by their logical IDs.
    names: HashMap<String, String>,
    /// The users, groups and roles, by their logical IDs.
    holders: HashMap<String, Holder>,
}

/// One resource.
struct Resource<'a> {
    id: &'a str,
    /// The conditions that decide whether it exists.
    only_if: Vec<String>,
    properties: &'a Node,
}

impl<'a> Template<'a> {
    /// Finds the users, groups and roles, and their names.
    fn learn(&mut self, resources: &[(Name, Node)]) {
        for (id, resource) in resources {
            if let Some(body) = loop_body(&id.text, resource) {
                self.learn(body);
            }
            let kind = resource.text_of("Type").unwrap_or_default();
            let (holder, field) = match kind.as_str() {
                "AWS::IAM::User" => (Holder::User, "UserName"),
                "AWS::IAM::Group" => (Holder::Group, "GroupName"),
                "AWS::IAM::Role" => (Holder::Role, "RoleName"),
                _ => continue,
            };
            self.holders.insert(id.text.clone(), holder);
            let name = resource.at(&["Properties", field]).and_then(|name| self.resolved(name));
            if let Some(Called::Name(name)) = name.and_then(|name| self.called(&name, &id.text)) {
                self.names.insert(id.text.clone(), name);
            }
        }
    }

    fn resources(&self, resources: &[(Name, Node)], inventory: &mut Inventory) -> Result<(), DocumentError> {
        for (id, resource) in resources {
            if let Some(body) = loop_body(&id.text, resource) {
                self.resources(body, inventory)?;
                continue;
            }
            let Some(kind) = resource.text_of("Type") else {
                // `Fn::Transform` adds resources from another file.
                if id.text.starts_with("Fn::") {
                    inventory.is_elsewhere(&id.text);
                }
                continue;
            };
            let given = resource.get("Properties");
            let empty = Node::new(resource.span.clone(), Value::Object(Vec::new()));
            let Some(properties) = self.resolved(given.unwrap_or(&empty)) else { continue };
            let only_if = resource.text_of("Condition").into_iter().collect();
            let one = Resource { id: &id.text, only_if, properties: &properties };
            match kind.strip_prefix("AWS::IAM::") {
                Some(kind) => self.resource(kind, &one, inventory)?,
                None if kind == "AWS::Organizations::Policy" => {
                    let of = (properties.get("Content"), properties.get("Type"));
                    organization::resource(self.file, &id.text, of, inventory)?;
                }
                None if kind == "AWS::CloudFormation::Stack" && is_of_iam(&id.text, &properties) => {
                    inventory.is_elsewhere(&id.text);
                }
                None if ignored::carries_policy(&properties) => inventory.ignore(&id.text, false),
                None => {}
            }
        }
        Ok(())
    }

    fn resource(&self, kind: &str, one: &Resource<'_>, inventory: &mut Inventory) -> Result<(), DocumentError> {
        let (id, of) = (one.id, one.properties);
        let is_merged = |(name, _): &(Name, Node)| name.text == "<<" || name.text.starts_with("Fn::");
        if !matches!(of.value, Value::Object(_)) || of.members().iter().any(is_merged) {
            inventory.add_unknown(&format!("the properties of {id}"), (self.file, of));
        }
        match (kind, of.get("PolicyDocument")) {
            ("ManagedPolicy", Some(node)) => {
                let policy = document(self.file, id, node, PolicyKind::User)?;
                inventory.add_managed(&[id.to_owned()], &one.only_if, policy);
                for (field, holder) in [("Users", Holder::User), ("Groups", Holder::Group), ("Roles", Holder::Role)] {
                    for whom in self.named(one, field, holder, inventory) {
                        inventory.attach_named(whom, &one.only_if, id, (self.file, node));
                    }
                }
            }
            ("Policy" | "UserPolicy" | "GroupPolicy" | "RolePolicy", Some(node)) => {
                self.inline(one, node, inventory)?;
            }
            ("ManagedPolicy" | "Policy" | "UserPolicy" | "GroupPolicy" | "RolePolicy", None) => {
                inventory.add_unknown(&format!("the policy of {id}"), (self.file, of));
            }
            ("User", _) => {
                let own = self.own(id);
                inventory.add_user(&own, of.text_of("Path"), &one.only_if);
                self.principal(&(Holder::User, own.clone()), one, inventory)?;
                self.members(std::slice::from_ref(&own), one, "Groups", inventory);
                if let Some(node) = of.get("PermissionsBoundary")
                    && let Some(name) = words_of(node)
                {
                    inventory.bound(&own, &name, (self.file, node));
                }
            }
            ("Group", _) => {
                inventory.add_group(&self.own(id));
                self.principal(&(Holder::Group, self.own(id)), one, inventory)?;
            }
            ("Role", _) => {
                if let Some(node) = of.get("AssumeRolePolicyDocument") {
                    let label = format!("trust policy of {id}");
                    inventory.add_trust(document(self.file, &label, node, PolicyKind::Trust)?);
                }
                self.principal(&(Holder::Role, self.own(id)), one, inventory)?;
            }
            ("UserToGroupAddition", _) => {
                let users: Vec<Called> = self.named(one, "Users", Holder::User, inventory).map(|(_, it)| it).collect();
                self.members(&users, one, "GroupName", inventory);
            }
            _ => {}
        }
        Ok(())
    }

    /// A policy with the list of its holders.
    fn inline(&self, one: &Resource<'_>, node: &Node, inventory: &mut Inventory) -> Result<(), DocumentError> {
        let fields = [
            (["Users", "UserName"], Holder::User),
            (["Groups", "GroupName"], Holder::Group),
            (["Roles", "RoleName"], Holder::Role),
        ];
        let mut is_held = false;
        for (fields, holder) in fields {
            let kind = if holder == Holder::Role { PolicyKind::Role } else { PolicyKind::User };
            for field in fields {
                for whom in self.named(one, field, holder, inventory) {
                    is_held = true;
                    inventory.attach(whom, &one.only_if, document(self.file, one.id, node, kind)?);
                }
            }
        }
        if is_held { Ok(()) } else { inventory.add_loose(self.file, one.id, node, &one.only_if) }
    }

    /// The inline and managed policies of a user, a group or a role.
    fn principal(&self, whom: &Whom, one: &Resource<'_>, inventory: &mut Inventory) -> Result<(), DocumentError> {
        let (id, of) = (one.id, one.properties);
        let kind = if whom.0 == Holder::Role { PolicyKind::Role } else { PolicyKind::User };
        for policy in of.get("Policies").map_or(&[][..], Node::each) {
            let node = policy.get("PolicyDocument").unwrap_or(policy);
            let name = policy.text_of("PolicyName").map_or_else(|| id.to_owned(), |name| format!("{id}.{name}"));
            inventory.attach(whom.clone(), &[], document(self.file, &name, node, kind)?);
        }
        for node in of.get("ManagedPolicyArns").map_or(&[][..], Node::each) {
            let name = words_of(node).unwrap_or_else(|| "a managed policy".to_owned());
            inventory.attach_named(whom.clone(), &[], &name, (self.file, node));
        }
        Ok(())
    }

    fn members(&self, users: &[Called], one: &Resource<'_>, field: &str, inventory: &mut Inventory) {
        // What a user's own list says is so whenever the user exists.
        let only_if = if field == "Groups" { &[][..] } else { &one.only_if };
        for node in one.properties.get(field).map_or(&[][..], Node::each) {
            let Some(group) = self.called(node, one.id) else { continue };
            for user in users {
                inventory.add_member(user, &group, only_if, (self.file, node));
            }
        }
    }

    /// The user, the group or the role that a resource is.
    fn own(&self, id: &str) -> Called {
        self.names.get(id).map_or_else(|| Called::Resource(id.to_owned()), |name| Called::Name(name.clone()))
    }

    /// The users, groups or roles that a property names.
    fn named<'b>(
        &self,
        one: &'b Resource<'_>,
        field: &str,
        holder: Holder,
        inventory: &mut Inventory,
    ) -> impl Iterator<Item = Whom> + use<'b, 'a> {
        let nodes = one.properties.get(field).map_or(&[][..], Node::each);
        let whom = |node: &Node| {
            let whom = (holder, self.called(node, one.id)?);
            inventory.note_place(&whom, (self.file, node));
            Some(whom)
        };
        nodes.iter().filter_map(whom).collect::<Vec<_>>().into_iter()
    }

    /// What a value calls a user, a group or a role; `None` if there is no value.
    fn called(&self, node: &Node, by: &str) -> Option<Called> {
        if let Value::Unknown(what) = &node.value
            && self.holders.contains_key(what)
        {
            return Some(self.own(what));
        }
        Some(match &node.value {
            Value::Null => return None,
            Value::Number(number) => Called::Name(number.clone()),
            Value::Bool(is) => Called::Name(is.to_string()),
            value => match node.text() {
                Some(name) => Called::Name(name),
                None => self.unknown(value, words_of(node).unwrap_or_else(|| "an object".to_owned()), by),
            },
        })
    }

    fn unknown(&self, value: &Value, what: String, by: &str) -> Called {
        let is_fixed = |what: &str| self.fixed.contains(what) || what.starts_with("AWS::");
        let is_fixed = match value {
            Value::Unknown(what) => is_fixed(what),
            Value::Text(text) => text.unknown().all(is_fixed),
            _ => false,
        };
        Called::Unknown { what, by: (!is_fixed).then(|| by.to_owned()) }
    }
}

/// The resources that `Fn::ForEach::NAME: [IDENTIFIER, LIST, RESOURCES]` makes for each item of the list.
fn loop_body<'a>(id: &str, resource: &'a Node) -> Option<&'a [(Name, Node)]> {
    if id.starts_with("Fn::ForEach") { resource.items().get(2).map(Node::members) } else { None }
}

/// Judging by its name or its place, is it a stack of IAM resources?
fn is_of_iam(id: &str, properties: &Node) -> bool {
    let url = properties.text_of("TemplateURL").unwrap_or_default();
    ["IAM", "Iam", "iam"].iter().any(|word| id.contains(word) || url.contains(word))
}
