//! Mechanical repairs: edits to the text that keep every other byte.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::document::{Document, List, Statement, Text};
use super::evaluate::StatementId;
use super::finding::{Edit, Finding};

/// Adds values to a list, formatted like its last ones.
pub(super) fn insert(at: StatementId, document: &Document, list: &List, values: &[&str]) -> Edit {
    let text = document.text();
    let many = |separator: &str| values.iter().map(|value| format!("{separator}\"{value}\"")).collect::<String>();
    let edit = |range, text| Edit { document: at.document, range, text };
    match &list.items[..] {
        [.., before, last] => {
            let separator = &text[before.span.end..last.span.start];
            edit(last.span.end..last.span.end, many(separator))
        }
        [only] if list.is_array => {
            let space = text[list.span.start + 1..only.span.start].to_owned();
            let separator = format!(",{}", if space.is_empty() { " " } else { &space });
            edit(only.span.end..only.span.end, many(&separator))
        }
        items => {
            let own: String = items.iter().map(|item| text[item.span.clone()].to_owned()).collect();
            edit(list.span.clone(), format!("[{own}{}]", many(", ")))
        }
    }
}

/// Removes these values from a list; `None` if none would remain. Neighbors are removed together, so that no two edits
/// touch.
pub(super) fn remove(at: StatementId, list: &List, gone: &[&Text]) -> Option<Vec<Edit>> {
    let is_gone = |item: &Text| gone.iter().any(|other| other.span == item.span);
    if list.items.iter().all(is_gone) {
        return None;
    }
    let mut edits = Vec::new();
    let mut index = 0;
    while index < list.items.len() {
        let end = index + list.items[index..].iter().take_while(|item| is_gone(item)).count();
        if end > index {
            let range = match list.items.get(end) {
                Some(next) => list.items[index].span.start..next.span.start,
                // Something remains, and it precedes these.
                None => list.items[index - 1].span.end..list.items[end - 1].span.end,
            };
            edits.push(Edit { document: at.document, range, text: String::new() });
        }
        index = end + 1;
    }
    Some(edits)
}

/// Adds a member after the statement's last one, formatted like the others.
pub(super) fn add_member(at: StatementId, document: &Document, statement: &Statement, member: &str) -> Edit {
    let text = document.text();
    let end = statement.span.start + text[statement.span.start..statement.span.end - 1].trim_end().len();
    let name = statement.action.name_span.start;
    let space = &text[text[..name].trim_end().len()..name];
    let space = if space.is_empty() { " " } else { space };
    Edit { document: at.document, range: end..end, text: format!(",{space}{member}") }
}

/// A value as JSON: a value from a document may contain quotes and control characters.
pub(super) fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

/// The edits of all findings that can be repaired at the same time. A finding's edits are applied all or not at all; if
/// two findings touch the same place, or would add the same operator to one statement, the second one waits.
pub(super) fn side_by_side(findings: &[Finding]) -> Vec<Edit> {
    let (mut chosen, mut taken) = (Vec::new(), HashSet::new());
    let mut ranges: HashMap<usize, BTreeMap<usize, usize>> = HashMap::new();
    for finding in findings {
        let is_free = |edit: &Edit| {
            let Some(of) = ranges.get(&edit.document) else { return true };
            let before = of.range(..=edit.range.start).next_back();
            let after = of.range(edit.range.start + 1..).next();
            before.is_none_or(|(start, end)| *end <= edit.range.start && *start < edit.range.start)
                && after.is_none_or(|(start, _)| edit.range.end <= *start)
        };
        let key = |edit: &Edit| (finding.at, edit.text.clone());
        let is_new = |edit: &Edit| edit.text.is_empty() || !taken.contains(&key(edit));
        if !finding.edits.iter().all(|edit| is_free(edit) && is_new(edit)) {
            continue;
        }
        for edit in &finding.edits {
            taken.insert(key(edit));
            ranges.entry(edit.document).or_default().insert(edit.range.start, edit.range.end);
            chosen.push(edit.clone());
        }
    }
    chosen
}

/// The values as a list on one line.
pub(super) fn quoted_list(values: &[&str]) -> String {
    format!("[\"{}\"]", values.join("\", \""))
}

/// Applies edits, which must not overlap, to the text.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let (mut repaired, mut end) = (String::with_capacity(text.len()), 0);
    for edit in edits {
        repaired.push_str(&text[end..edit.range.start]);
        repaired.push_str(&edit.text);
        end = edit.range.end;
    }
    repaired.push_str(&text[end..]);
    repaired
}

/// The changes as a unified diff; empty if there are none.
pub fn diff(name: &str, before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    diff.unified_diff().context_radius(2).header(name, name).to_string()
}
