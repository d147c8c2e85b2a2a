//! `terraform show -json` of a plan or a state: the resources that will exist, or do exist.
//! <https://developer.hashicorp.com/terraform/internals/json-format>

use std::collections::HashMap;
use std::sync::Arc;

use super::terraform::{Resource, without_index};
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
        let unknown = change.at(&["change", "after_unknown"]);
        let known = expressions.get(&without_index(&address));
        let values = with_unknown(after, unknown, &address, known.copied());
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

fn resource(file: &Arc<File>, of: &Node, address: String, values: Node) -> Option<Resource> {
    let kind = of.text_of("type")?;
    let is_data = of.text_of("mode").is_some_and(|mode| mode == "data");
    let kind = if is_data { format!("data.{kind}") } else { kind };
    Some(Resource { file: Arc::clone(file), address, kind, values })
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

/// The values, with those that are known only after apply as unknown.
fn with_unknown(after: &Node, unknown: Option<&Node>, address: &str, arguments: Option<&Node>) -> Node {
    let mut members = after.members().to_vec();
    for (name, is) in unknown.map_or(&[][..], Node::members) {
        let is_unknown = match &is.value {
            Value::Bool(is) => *is,
            Value::List(_) => is.items().iter().any(|item| matches!(item.value, Value::Bool(true))),
            _ => false,
        };
        if !is_unknown {
            continue;
        }
        let references = arguments.and_then(|it| it.at(&[&name.text, "references"]));
        // The configuration of a module does not contain the address of the module.
        let first = references.and_then(|it| it.items().first()?.text());
        let what =
            first.map_or_else(|| format!("{address}.{}", name.text), |first| format!("{}{first}", module_of(address)));
        let node = Node::new(after.span.start..after.span.start, Value::Unknown(what));
        members.retain(|(own, _)| own.text != name.text);
        members.push((Name { text: name.text.clone(), span: name.span.clone() }, node));
    }
    Node::new(after.span.clone(), Value::Object(members))
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
