//! `count`, `for_each` and `lifecycle.enabled`: whether a resource exists, and how many of it.

use hcl_edit::Span as _;
use hcl_edit::structure::Body;

use super::super::tree::{Node, Value};
use super::expressions::Scope;

/// A resource that exists, perhaps.
pub(super) struct Existence {
    /// What decides whether it does, if the file does not say.
    pub(super) only_if: Vec<String>,
    /// The expression of its `count` or `for_each`.
    pub(super) each: Option<String>,
}

/// `None` if there is no such resource.
pub(super) fn of(body: &Body, text: &str, scope: &Scope<'_>) -> Option<Existence> {
    let mut found = Existence { only_if: Vec::new(), each: None };
    let lifecycle = body.get_blocks("lifecycle").find_map(|block| block.body.get_attribute("enabled"));
    for attribute in [body.get_attribute("count"), body.get_attribute("for_each"), lifecycle].into_iter().flatten() {
        let span = attribute.value.span().unwrap_or_default();
        let words: Vec<&str> = text.get(span).unwrap_or_default().split_whitespace().collect();
        let words = words.join(" ");
        match exists(&scope.node(&attribute.value)) {
            Some(false) => return None,
            Some(true) => {}
            None => found.only_if.push(words.clone()),
        }
        if attribute.key.as_str() != "enabled" {
            found.each = Some(words);
        }
    }
    Some(found)
}

/// Does a resource with that `count` or `for_each` exist at least once? `None` if that is unknown.
fn exists(node: &Node) -> Option<bool> {
    let is_known = |node: &Node| !matches!(node.value, Value::Unknown(_));
    match &node.value {
        Value::Bool(is) => Some(*is),
        Value::Number(number) => Some(number != "0"),
        Value::List(items) if items.is_empty() => Some(false),
        // `concat(var.more)` may be empty.
        Value::List(items) => items.iter().any(is_known).then_some(true),
        Value::Object(members) => Some(!members.is_empty()),
        _ => None,
    }
}
