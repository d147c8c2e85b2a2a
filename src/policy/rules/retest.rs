//! Changes the operator of a condition, as edits: the operator is renamed if it has only this key; otherwise the key is
//! moved, under an existing operator of that name if there is one.

use super::{Edit, Inspection};
use crate::policy::document::Condition;

/// No edits if the target operator already has this key, which then has a meaning of its own.
pub(super) fn retest(one: &Inspection<'_>, condition: &Condition, name: &str, value: Option<&str>) -> Vec<Edit> {
    let text = one.document.text();
    let is_named = |other: &&Condition| text[other.operator_span.clone()].trim_matches('"').eq_ignore_ascii_case(name);
    let there: Vec<&Condition> = one.statement.conditions.iter().filter(is_named).collect();
    let is_same = |other: &&&Condition| other.key.value.eq_ignore_ascii_case(&condition.key.value);
    // Replacing several values by one would lose the meaning of the others.
    let value = value.filter(|_| condition.values.items.len() == 1);
    if there.iter().any(|other| is_same(&other)) {
        return Vec::new();
    }
    let Some(first) = there.first() else {
        return if condition.keys_beside == 0 {
            renamed(one, condition, name, value)
        } else {
            split(one, condition, name, value)
        };
    };
    let mut edits = gone(one, condition);
    edits.push(one.edit(first.key.span.start..first.key.span.start, member(text, condition, value) + ", "));
    edits
}

fn renamed(one: &Inspection<'_>, condition: &Condition, name: &str, value: Option<&str>) -> Vec<Edit> {
    let mut edits = vec![one.edit(condition.operator_span.clone(), format!("\"{name}\""))];
    if let (Some(value), [item]) = (value, &condition.values.items[..]) {
        edits.push(one.edit(item.span.clone(), format!("\"{value}\"")));
    }
    edits
}

/// Moves the key under a new operator, before the old one and formatted like it.
fn split(one: &Inspection<'_>, condition: &Condition, name: &str, value: Option<&str>) -> Vec<Edit> {
    let text = one.document.text();
    let start = condition.operator_span.start;
    let space = &text[text[..start].trim_end().len()..start];
    let space = if space.is_empty() { " " } else { space };
    let operator = format!("\"{name}\": {{{}}},{space}", member(text, condition, value));
    let mut edits = gone(one, condition);
    edits.push(one.edit(start..start, operator));
    edits
}

/// The key and its values, as written.
fn member(text: &str, condition: &Condition, value: Option<&str>) -> String {
    match value {
        Some(value) => format!("{}: \"{value}\"", &text[condition.key.span.clone()]),
        None => text[condition.key.span.start..condition.values.span.end].to_owned(),
    }
}

/// Removes the key, and its operator too if it has no other key.
fn gone(one: &Inspection<'_>, condition: &Condition) -> Vec<Edit> {
    let text = one.document.text();
    let (start, end) = if condition.keys_beside > 0 {
        (condition.key.span.start, condition.values.span.end)
    } else {
        let end = condition.values.span.end;
        (condition.operator_span.start, end + text[end..].find('}').map_or(0, |at| at + 1))
    };
    // A comma is removed too: the one after it, else the one before.
    let after = text[end..].trim_start();
    let range = if let Some(rest) = after.strip_prefix(',') {
        start..text.len() - rest.trim_start().len()
    } else {
        let before = text[..start].trim_end();
        before.strip_suffix(',').map_or(start, str::len)..end
    };
    vec![one.edit(range, String::new())]
}
