//! `terraform show -json` of a plan or a state: the resources that will exist, or do exist.
//! <https://developer.hashicorp.com/terraform/internals/json-format>

use std::collections::HashMap;
use std::sync::Arc;

use super::hcl::statements;
use super::terraform::{DOCUMENT, Resource, without_index};
use super::tree::{Name, Node, Value};
use crate::policy::document::File;

pub(super) fn is_such(root: &Node) -> bool {
    root.get("format_version").is_some()
        && ["resource_changes", "planned_values", "values", "terraform_version"].iter().any(|it| root.get(it).is_some())
}

pub(super) fn read(file: &Arc<File>, root: &Node) -> Vec<Resource> {
    let mut found = Vec::new();
    let Some(changes) = root.get("resource_changes") else {
        for values in ["planned_values", "values"].iter().filter_map(|name| root.at(&[name, "root_module"])) {
            of_module(file, values, &mut found);
        }
        return found;
    };
    let mut expressions = HashMap::new();
    if let Some(module) = root.at(&["configuration", "root_module"]) {
        of_configuration(module, "", &mut expressions);
    }
    for change in changes.items() {
        let Some(after) = change.at(&["change", "after"]).filter(|after| !after.members().is_empty()) else { continue };
        let Some(address) = change.text_of("address") else { continue };
        let of = Unknown { module: module_of(&address) };
        let arguments = expressions.get(&without_index(&address)).copied();
        let values = match change.at(&["change", "after_unknown"]) {
            Some(unknown) => of.merged(Some(after), unknown, &address, arguments),
            None => after.clone(),
        };
        found.extend(resource(file, change, address, values));
    }
    // Data sources that are read while planning are known by then.
    if let Some(module) = root.at(&["prior_state", "values", "root_module"]) {
        let mut read = Vec::new();
        of_module(file, module, &mut read);
        found.extend(read.into_iter().filter(|resource| resource.kind.starts_with("data.")));
    }
    found
}

fn resource(file: &Arc<File>, of: &Node, address: String, mut values: Node) -> Option<Resource> {
    let kind = of.text_of("type")?;
    let is_data = of.text_of("mode").is_some_and(|mode| mode == "data");
    let kind = if is_data { format!("data.{kind}") } else { kind };
    if kind == "data.aws_iam_policy_document" && values.text_of("json").is_none() {
        let document = statements::of_values(&values);
        let name = Name { text: DOCUMENT.to_owned(), span: values.span.clone() };
        if let Value::Object(members) = &mut values.value {
            members.push((name, document));
        }
    }
    Some(Resource { file: Arc::clone(file), address, kind, values, only_if: Vec::new(), each: None })
}

fn of_module(file: &Arc<File>, module: &Node, found: &mut Vec<Resource>) {
    for one in module.get("resources").map_or(&[][..], Node::items) {
        if let (Some(address), Some(values)) = (one.text_of("address"), one.get("values")) {
            found.extend(resource(file, one, address, values.clone()));
        }
    }
    for child in module.get("child_modules").map_or(&[][..], Node::items) {
        of_module(file, child, found);
    }
}

/// The expressions of each resource's arguments, by its address.
fn of_configuration<'a>(module: &'a Node, prefix: &str, found: &mut HashMap<String, &'a Node>) {
    for one in module.get("resources").map_or(&[][..], Node::items) {
        if let (Some(address), Some(arguments)) = (one.text_of("address"), one.get("expressions")) {
            found.insert(format!("{prefix}{address}"), arguments);
        }
    }
    for (name, call) in module.get("module_calls").map_or(&[][..], Node::members) {
        if let Some(inner) = call.get("module") {
            of_configuration(inner, &format!("{prefix}module.{}.", name.text), found);
        }
    }
}

/// Values that are known only after apply.
struct Unknown<'a> {
    /// The module; its configuration does not contain it.
    module: &'a str,
}

impl Unknown<'_> {
    /// A value, with the parts of it that are unknown. `what` is its own address.
    fn merged(&self, after: Option<&Node>, unknown: &Node, what: &str, arguments: Option<&Node>) -> Node {
        let span = after.map_or(unknown.span.start..unknown.span.start, |after| after.span.clone());
        let value = match &unknown.value {
            Value::Bool(true) => {
                let targets = targets(arguments);
                let only = targets.first().filter(|target| targets.len() == 1 && is_attribute(target));
                Value::Unknown(only.map_or_else(|| what.to_owned(), |only| format!("{}{only}", self.module)))
            }
            Value::List(items) if !items.is_empty() => self.list(after, items, what, arguments),
            Value::Object(members) if !members.is_empty() => {
                let mut all = after.map_or(&[][..], Node::members).to_vec();
                for (name, unknown) in members {
                    let own = all.iter().position(|(own, _)| own.text == name.text);
                    let after = own.map(|at| all.remove(at).1);
                    let inner = arguments.and_then(|it| it.get(&name.text));
                    let what = format!("{what}.{}", name.text);
                    if after.is_some() || has_unknown(unknown) {
                        all.push((name.clone(), self.merged(after.as_ref(), unknown, &what, inner)));
                    }
                }
                Value::Object(all)
            }
            _ => return after.cloned().unwrap_or_else(|| Node::new(span, Value::Null)),
        };
        Node::new(span, value)
    }

    fn list(&self, after: Option<&Node>, unknown: &[Node], what: &str, arguments: Option<&Node>) -> Value {
        let targets = targets(arguments);
        let count = unknown.iter().filter(|item| matches!(item.value, Value::Bool(true))).count();
        // If as many attributes are named as are unknown, each is one of them.
        let is_each = count == targets.len() && targets.iter().all(|target| is_attribute(target));
        let mut targets = targets.into_iter();
        let known = after.map_or(&[][..], Node::items);
        let item = |(at, unknown): (usize, &Node)| {
            let inner = arguments.and_then(|it| it.items().get(at));
            let mut node = self.merged(known.get(at), unknown, &format!("{what}[{at}]"), inner);
            if is_each && matches!(unknown.value, Value::Bool(true)) {
                node.value = Value::Unknown(format!("{}{}", self.module, targets.next().unwrap_or_default()));
            }
            node
        };
        let mut all: Vec<Node> = unknown.iter().enumerate().map(item).collect();
        all.extend(known.iter().skip(all.len()).cloned());
        Value::List(all)
    }
}

fn has_unknown(node: &Node) -> bool {
    match &node.value {
        Value::Bool(is) => *is,
        Value::List(items) => items.iter().any(has_unknown),
        Value::Object(members) => members.iter().any(|(_, node)| has_unknown(node)),
        _ => false,
    }
}

/// What an expression refers to; a plan also lists the beginning of every reference.
fn targets(arguments: Option<&Node>) -> Vec<String> {
    let all: Vec<String> = arguments
        .and_then(|it| it.get("references"))
        .map_or(&[][..], Node::items)
        .iter()
        .filter_map(Node::text)
        .collect();
    let is_beginning = |one: &String| {
        all.iter().any(|other| other.strip_prefix(one.as_str()).is_some_and(|rest| rest.starts_with(['.', '['])))
    };
    all.iter().filter(|one| !is_beginning(one)).cloned().collect()
}

/// Is it an attribute that is used as it is? A plan does not say whether an expression does more with it, but nothing
/// more is ever done with an ARN, a name or a whole policy.
fn is_attribute(target: &str) -> bool {
    let is_iam = target.starts_with("aws_iam_") || target.starts_with("data.aws_iam_policy_document.");
    is_iam && [".arn", ".name", ".id", ".json"].iter().any(|end| target.ends_with(end))
}

/// `module.users.` of `module.users.aws_iam_policy.mfa[0]`.
fn module_of(address: &str) -> &str {
    let mut end = 0;
    while let Some(rest) = address[end..].strip_prefix("module.") {
        let Some(dot) = rest.find('.') else { break };
        end += "module.".len() + dot + 1;
    }
    &address[..end]
}
