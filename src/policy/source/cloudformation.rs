//! CloudFormation templates: the IAM resources, with the functions that the template alone can resolve.

use std::collections::HashMap;
use std::sync::Arc;

use super::inventory::{Holder, Inventory, name_of};
use super::tree::{Name, Node, Part, Text, Value};
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
    let mut template = Template { file, here, names: HashMap::new() };
    for (id, resource) in resources {
        let properties = resource.get("Properties");
        for name in ["UserName", "GroupName", "RoleName"] {
            if let Some(said) = properties.and_then(|it| it.text_of(name))
                && resource
                    .text_of("Type")
                    .is_some_and(|kind| kind == format!("AWS::IAM::{}", name.trim_end_matches("Name")))
            {
                template.names.insert(id.text.clone(), said);
            }
        }
    }
    for (id, resource) in resources {
        let (Some(kind), Some(properties)) = (resource.text_of("Type"), resource.get("Properties")) else { continue };
        let Some(properties) = template.resolved(properties) else { continue };
        match kind.strip_prefix("AWS::IAM::") {
            Some(kind) => template.resource(&id.text, kind, &properties, inventory)?,
            None if kind == "AWS::Organizations::Policy" => {
                let of = (properties.get("Content"), properties.get("Type"));
                organization::resource(file, &id.text, of, inventory)?;
            }
            None if ignored::carries_policy(&properties) => inventory.ignore(&id.text, false),
            None => {}
        }
    }
    Ok(())
}

struct Template<'a> {
    file: &'a Arc<File>,
    here: &'a Here,
    /// The names of users, groups and roles, by their logical IDs.
    names: HashMap<String, String>,
}

impl Template<'_> {
    fn resource(&self, id: &str, kind: &str, of: &Node, inventory: &mut Inventory) -> Result<(), DocumentError> {
        let policy = of.get("PolicyDocument");
        match (kind, policy) {
            ("ManagedPolicy", Some(node)) => {
                inventory.add_managed(&[id.to_owned()], document(self.file, id, node, PolicyKind::User)?);
                for (field, holder) in [("Users", Holder::User), ("Groups", Holder::Group), ("Roles", Holder::Role)] {
                    for name in self.named(of, field) {
                        inventory.attach_named((holder, &name), id, (self.file, node));
                    }
                }
            }
            ("Policy" | "UserPolicy" | "GroupPolicy" | "RolePolicy", Some(node)) => {
                let fields = [
                    (["Users", "UserName"], Holder::User),
                    (["Groups", "GroupName"], Holder::Group),
                    (["Roles", "RoleName"], Holder::Role),
                ];
                let mut is_held = false;
                for (fields, holder) in fields {
                    for name in fields.iter().flat_map(|field| self.named(of, field)) {
                        is_held = true;
                        let kind = if holder == Holder::Role { PolicyKind::Role } else { PolicyKind::User };
                        inventory.attach((holder, &name), document(self.file, id, node, kind)?);
                    }
                }
                if !is_held {
                    inventory.add_loose(self.file, id, node)?;
                }
            }
            ("User", _) => {
                let own = self.name(id);
                inventory.add_user(&own, of.text_of("Path"));
                self.principal((Holder::User, &own), id, of, inventory)?;
                for group in self.named(of, "Groups") {
                    inventory.add_member(&own, &group);
                }
                if let Some(node) = of.get("PermissionsBoundary")
                    && let Some(name) = name_of(node)
                {
                    inventory.bound(&own, &name, (self.file, node));
                }
            }
            ("Group", _) => self.principal((Holder::Group, &self.name(id)), id, of, inventory)?,
            ("Role", _) => {
                if let Some(node) = of.get("AssumeRolePolicyDocument") {
                    inventory.add_trust(document(
                        self.file,
                        &format!("trust policy of {id}"),
                        node,
                        PolicyKind::Trust,
                    )?);
                }
                self.principal((Holder::Role, &self.name(id)), id, of, inventory)?;
            }
            ("UserToGroupAddition", _) => {
                for group in self.named(of, "GroupName") {
                    for user in self.named(of, "Users") {
                        inventory.add_member(&user, &group);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The inline and managed policies of a user, a group or a role.
    fn principal(
        &self,
        whom: (Holder, &str),
        id: &str,
        of: &Node,
        inventory: &mut Inventory,
    ) -> Result<(), DocumentError> {
        let kind = if whom.0 == Holder::Role { PolicyKind::Role } else { PolicyKind::User };
        for policy in of.get("Policies").map_or(&[][..], Node::each) {
            let node = policy.get("PolicyDocument").unwrap_or(policy);
            let name = policy.text_of("PolicyName").map_or_else(|| id.to_owned(), |name| format!("{id}.{name}"));
            inventory.attach(whom, document(self.file, &name, node, kind)?);
        }
        for node in of.get("ManagedPolicyArns").map_or(&[][..], Node::each) {
            let name = name_of(node).unwrap_or_else(|| "a managed policy".to_owned());
            inventory.attach_named(whom, &name, (self.file, node));
        }
        Ok(())
    }

    fn name(&self, id: &str) -> String {
        self.names.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    fn named(&self, of: &Node, field: &str) -> Vec<String> {
        let nodes = of.get(field).map_or(&[][..], Node::each);
        nodes.iter().filter_map(|node| Some(self.name(&name_of(node)?))).collect()
    }

    /// The node with its functions resolved; `None` for `AWS::NoValue`.
    fn resolved(&self, node: &Node) -> Option<Node> {
        let value = match &node.value {
            Value::Object(members) => {
                if let [(name, argument)] = &members[..]
                    && (name.text == "Ref" || name.text.starts_with("Fn::"))
                {
                    return self.function(&name.text, argument, node);
                }
                let member = |(name, node): &(Name, Node)| Some((name.clone(), self.resolved(node)?));
                Value::Object(members.iter().filter_map(member).collect())
            }
            Value::List(items) => Value::List(items.iter().filter_map(|item| self.resolved(item)).collect()),
            other => other.clone(),
        };
        Some(Node::new(node.span.clone(), value))
    }

    fn function(&self, name: &str, argument: &Node, node: &Node) -> Option<Node> {
        let value = match name {
            "Ref" => match argument.text().unwrap_or_default().as_str() {
                "AWS::NoValue" => return None,
                own => self.pseudo(own).map_or_else(|| Value::Unknown(own.to_owned()), known),
            },
            "Fn::Sub" => self.substituted(argument),
            "Fn::GetAtt" => {
                let parts: Vec<String> = argument.each().iter().filter_map(Node::text).collect();
                // For a policy, `Ref` returns the ARN.
                let whole = parts.join(".");
                Value::Unknown(whole.strip_suffix(".PolicyArn").map_or(whole.clone(), str::to_owned))
            }
            "Fn::Join" => self.joined(argument),
            other => Value::Unknown(other.trim_start_matches("Fn::").to_owned()),
        };
        Some(Node::new(node.span.clone(), value))
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        let suffix = if self.here.partition.as_str() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        match name {
            "AWS::AccountId" => Some(self.here.account.as_str().to_owned()),
            "AWS::Partition" => Some(self.here.partition.as_str().to_owned()),
            "AWS::URLSuffix" => Some(suffix.to_owned()),
            _ => None,
        }
    }

    /// `Fn::Sub`, with a text, or with a text and the values of its names.
    fn substituted(&self, argument: &Node) -> Value {
        let (text, names) = match &argument.value {
            Value::List(items) => (items.first(), items.get(1)),
            _ => (Some(argument), None),
        };
        let Some(Value::Text(own)) = text.map(|node| &node.value) else { return Value::Unknown("Sub".to_owned()) };
        let Some(whole) = own.whole() else { return Value::Unknown("Sub".to_owned()) };
        let mut parts = Vec::new();
        let mut rest = whole.as_str();
        while let Some((before, (name, after))) =
            rest.split_once("${").and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            parts.push(Part::Known(before.to_owned()));
            rest = after;
            let given = || self.resolved(names?.get(name.trim())?);
            match name.trim() {
                // `${!x}` is `${x}` for IAM.
                literal if literal.starts_with('!') => parts.push(Part::Known(format!("${{{}}}", &literal[1..]))),
                name => match (given().map(|node| node.value), self.pseudo(name)) {
                    (Some(Value::Text(text)), _) => parts.extend(text.parts),
                    (_, Some(known)) => parts.push(Part::Known(known)),
                    _ => parts.push(Part::Unknown(name.to_owned())),
                },
            }
        }
        parts.push(Part::Known(rest.to_owned()));
        // If nothing was replaced, the lines keep their places.
        let map = if parts.len() == 1 { own.map.clone() } else { own.map.iter().take(1).copied().collect() };
        text_of(Text { parts, map })
    }

    fn joined(&self, argument: &Node) -> Value {
        let [separator, list] = argument.items() else { return Value::Unknown("Join".to_owned()) };
        let (Some(separator), Value::List(items)) = (separator.text(), &list.value) else {
            return Value::Unknown("Join".to_owned());
        };
        let mut parts = Vec::new();
        for item in items.iter().filter_map(|item| self.resolved(item)) {
            if !parts.is_empty() {
                parts.push(Part::Known(separator.clone()));
            }
            match item.value {
                Value::Text(text) => parts.extend(text.parts),
                Value::Number(number) => parts.push(Part::Known(number)),
                Value::Unknown(what) => parts.push(Part::Unknown(what)),
                _ => return Value::Unknown("Join".to_owned()),
            }
        }
        text_of(Text { parts, map: Vec::new() })
    }
}

fn known(text: String) -> Value {
    Value::Text(Text::known(text))
}

/// A text; if it consists of a single reference, that reference.
fn text_of(text: Text) -> Value {
    let parts: Vec<Part> =
        text.parts.into_iter().filter(|part| !matches!(part, Part::Known(it) if it.is_empty())).collect();
    match &parts[..] {
        [Part::Unknown(what)] => Value::Unknown(what.clone()),
        _ => Value::Text(Text { parts, map: text.map }),
    }
}
