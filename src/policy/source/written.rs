//! A policy as a tree → a document that we write as JSON, with the place in the file for every value.
//!
//! Unknown parts are kept if the evaluator can handle them: an unknown part of a resource, a principal or a string in a
//! condition becomes a variable that no request has a value for. Otherwise the statement is left out and the document
//! is marked as incomplete, so that it may allow or deny anything.

use std::sync::Arc;

use super::tree::{Name, Node, Part, Text, Value};
use crate::policy::document::{Document, DocumentError, File, Operator, Origin, PolicyKind, Test, UNKNOWN, json};

/// The document in a tree, or in a text with JSON, which may be percent-encoded.
pub(super) fn document(
    file: &Arc<File>,
    label: &str,
    node: &Node,
    kind: PolicyKind,
) -> Result<Document, DocumentError> {
    let inner;
    let node = match &node.value {
        Value::Text(text) => {
            inner = parsed(file, node, text)?;
            &inner
        }
        _ => node,
    };
    let mut written = Written { file, text: String::new(), map: Vec::new(), gaps: Vec::new() };
    if let Value::Unknown(what) = &node.value {
        written.gap(what, node);
        return Ok(Document::unread_of(&written.origin(label), kind));
    }
    let kept = written.known(node);
    written.value(&kept, 0);
    written.text.push('\n');
    let text = std::mem::take(&mut written.text);
    Document::taken(&text, &written.origin(label), kind)
}

/// The kind of the document, judging by its elements; `None` for a resource-based policy.
pub(super) fn kind_of(file: &Arc<File>, node: &Node) -> Option<PolicyKind> {
    let inner;
    let node = match &node.value {
        Value::Text(text) => match parsed(file, node, text) {
            Ok(parsed) => {
                inner = parsed;
                &inner
            }
            Err(_) => return Some(PolicyKind::User),
        },
        _ => node,
    };
    let statements = node.get("Statement").map_or(&[][..], Node::each);
    let has = |names: [&str; 2]| statements.iter().any(|one| names.iter().any(|name| one.get(name).is_some()));
    match (has(["Principal", "NotPrincipal"]), has(["Resource", "NotResource"])) {
        (false, _) => Some(PolicyKind::User),
        (true, false) => Some(PolicyKind::Trust),
        (true, true) => None,
    }
}

/// A policy that is a text.
fn parsed(file: &Arc<File>, node: &Node, text: &Text) -> Result<Node, DocumentError> {
    let (mut marked, unknown) = text.marked();
    if marked.trim_start().starts_with("%7B") || marked.trim_start().starts_with("%7b") {
        marked = percent_encoding::percent_decode_str(&marked).decode_utf8_lossy().into_owned();
    }
    let place = |offset: usize| {
        let after = text.map.partition_point(|(own, _)| *own <= offset);
        after.checked_sub(1).map_or(node.span.start, |at| text.map[at].1 + (offset - text.map[at].0))
    };
    // Places are mapped line by line; an error is reported at its line.
    let lines: Vec<usize> = marked.match_indices('\n').map(|(at, _)| at + 1).collect();
    let mut map: Vec<(usize, usize)> = vec![(0, place(0))];
    map.extend(lines.iter().map(|at| (*at, place(*at))));
    let origin = Origin { file: Arc::clone(file), label: String::new(), map: Some(map.into()), gaps: Arc::new([]) };
    let own = File::new(&file.name, &marked);
    let source = json::SourceText { name: &file.name, text: &marked, lines: own.lines(), origin: Some(&origin) };
    json::text(&file.name, marked.as_bytes()).map_err(|error| source.at(0, error.problem))?;
    let tree = json::tree(&source)?;
    Ok(Node::of_json(&tree, &unknown, &place))
}

struct Written<'a> {
    file: &'a Arc<File>,
    text: String,
    map: Vec<(usize, usize)>,
    gaps: Vec<String>,
}

impl Written<'_> {
    fn origin(self, label: &str) -> Origin {
        let mut gaps = self.gaps;
        gaps.dedup();
        Origin { file: Arc::clone(self.file), label: label.to_owned(), map: Some(self.map.into()), gaps: gaps.into() }
    }

    fn gap(&mut self, what: &str, node: &Node) {
        let line = self.file.place(node.span.start).line;
        self.gaps.push(format!("`{what}` ({}:{line})", self.file.name));
    }

    /// The document without the parts that the evaluator cannot handle.
    fn known(&mut self, node: &Node) -> Node {
        let Value::Object(members) = &node.value else { return node.clone() };
        let is_current = node.text_of("Version").is_some_and(|version| version == "2012-10-17");
        let mut kept = Vec::new();
        for (name, member) in members {
            match (name.text.as_str(), &member.value) {
                ("Version", Value::Unknown(what)) => {
                    self.gap(what, member);
                    let value = Value::Text(Text::known("2012-10-17"));
                    kept.push((name.clone(), Node::new(member.span.clone(), value)));
                }
                ("Id", Value::Unknown(_)) => {}
                ("Statement", _) => {
                    let items = self.statements(member, is_current);
                    kept.push((name.clone(), Node::new(member.span.clone(), items)));
                }
                _ => kept.push((name.clone(), member.clone())),
            }
        }
        Node::new(node.span.clone(), Value::Object(kept))
    }

    fn statements(&mut self, node: &Node, is_current: bool) -> Value {
        match &node.value {
            Value::Unknown(what) => {
                self.gap(what, node);
                Value::List(Vec::new())
            }
            Value::List(items) => {
                Value::List(items.iter().filter_map(|item| self.statement(item, is_current)).collect())
            }
            Value::Object(_) => self.statement(node, is_current).map_or(Value::List(Vec::new()), |node| node.value),
            other => other.clone(),
        }
    }

    /// A statement; `None`, and a gap is recorded, if the evaluator cannot handle it.
    fn statement(&mut self, node: &Node, is_current: bool) -> Option<Node> {
        if let Value::Unknown(what) = &node.value {
            self.gap(what, node);
            return None;
        }
        let Value::Object(members) = &node.value else { return Some(node.clone()) };
        let mut kept = Vec::new();
        for (name, member) in members {
            let unknown = first_unknown(member);
            let keeps = match (name.text.as_str(), &unknown) {
                (_, None) => Some(member.clone()),
                ("Sid", Some(_)) => continue,
                ("Resource" | "NotResource" | "Principal" | "NotPrincipal", Some(_)) if is_current => {
                    Some(member.clone())
                }
                ("Condition", Some(_)) if is_current && is_carried(member) => Some(member.clone()),
                ("Action", Some((what, at))) => {
                    self.gap(what, at);
                    let known: Vec<Node> =
                        member.items().iter().filter(|it| first_unknown(it).is_none()).cloned().collect();
                    (!known.is_empty()).then(|| Node::new(member.span.clone(), Value::List(known)))
                }
                (_, Some((what, at))) => {
                    self.gap(what, at);
                    None
                }
            };
            kept.push((name.clone(), keeps?));
        }
        Some(Node::new(node.span.clone(), Value::Object(kept)))
    }

    fn put(&mut self, text: &str, place: usize) {
        self.map.push((self.text.len(), place));
        self.text += text;
    }

    fn value(&mut self, node: &Node, depth: usize) {
        let start = node.span.start;
        match &node.value {
            Value::Null => self.put("null", start),
            Value::Bool(is) => self.put(if *is { "true" } else { "false" }, start),
            Value::Number(number) => self.put(number, start),
            Value::Text(text) => self.put(&quoted(&joined(&text.parts)), start),
            Value::Unknown(what) => self.put(&quoted(&variable(what)), start),
            Value::List(items) => {
                self.put("[", start);
                for (at, item) in items.iter().enumerate() {
                    self.feed(at, depth + 1);
                    self.value(item, depth + 1);
                }
                self.close(!items.is_empty(), "]", node, depth);
            }
            Value::Object(members) => {
                self.put("{", start);
                for (at, (name, member)) in members.iter().enumerate() {
                    self.feed(at, depth + 1);
                    self.name(name);
                    self.value(member, depth + 1);
                }
                self.close(!members.is_empty(), "}", node, depth);
            }
        }
    }

    fn name(&mut self, name: &Name) {
        self.put(&quoted(&name.text), name.span.start);
        self.text += ": ";
    }

    fn feed(&mut self, at: usize, depth: usize) {
        self.text += if at == 0 { "\n" } else { ",\n" };
        self.text += &"  ".repeat(depth);
    }

    fn close(&mut self, has_items: bool, bracket: &str, node: &Node, depth: usize) {
        if has_items {
            self.text.push('\n');
            self.text += &"  ".repeat(depth);
        }
        self.put(bracket, node.span.end.saturating_sub(1).max(node.span.start));
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn joined(parts: &[Part]) -> String {
    let part = |part: &Part| match part {
        Part::Known(text) => text.clone(),
        Part::Unknown(what) => variable(what),
    };
    parts.iter().map(part).collect()
}

/// The variable for an unknown part; its name is what the part refers to, in characters that a variable allows.
fn variable(what: &str) -> String {
    const MOST: usize = 80;
    let legal = |c: char| if c.is_ascii_alphanumeric() || "._-:/[]()".contains(c) { c } else { '_' };
    format!("{UNKNOWN}{}}}", what.chars().take(MOST).map(legal).collect::<String>())
}

/// The first unknown part of the node.
fn first_unknown(node: &Node) -> Option<(String, &Node)> {
    match &node.value {
        Value::Unknown(what) => Some((what.clone(), node)),
        Value::Text(text) => text.parts.iter().find_map(|part| match part {
            Part::Unknown(what) => Some((what.clone(), node)),
            Part::Known(_) => None,
        }),
        Value::List(items) => items.iter().find_map(first_unknown),
        Value::Object(members) => members.iter().find_map(|(_, member)| first_unknown(member)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Can the evaluator handle the unknown parts of these conditions? Only in values that are compared as strings.
fn is_carried(conditions: &Node) -> bool {
    let is_text = |name: &str| {
        Operator::parse(name)
            .is_some_and(|operator| matches!(operator.test, Test::Text | Test::TextIgnoreCase | Test::Like | Test::Arn))
    };
    let Value::Object(operators) = &conditions.value else { return false };
    operators.iter().all(|(name, keys)| {
        first_unknown(keys).is_none() || is_text(&name.text) && matches!(keys.value, Value::Object(_))
    })
}
