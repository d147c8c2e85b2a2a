//! `data "aws_iam_policy_document"` → the document that it generates.
//! <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document>

use std::collections::HashMap;
use std::ops::Range;

use super::super::terraform::{DOCUMENT, Resource, without_index};
use super::super::tree::{Name, Node, Part, Text, Value};

/// The names of a statement's arguments, and of the corresponding elements in the document.
const ELEMENTS: [(&str, &str); 6] = [
    ("sid", "Sid"),
    ("effect", "Effect"),
    ("actions", "Action"),
    ("not_actions", "NotAction"),
    ("resources", "Resource"),
    ("not_resources", "NotResource"),
];

/// The document, without the source and override documents.
pub(super) fn document(values: &Node, span: Range<usize>) -> Node {
    let version = values.get("version").cloned().unwrap_or_else(|| text("2012-10-17", &span));
    let statements = values.get("statement").map_or(&[][..], Node::each).iter().map(statement).collect();
    let statements = Node::new(span.clone(), Value::List(statements));
    Node::new(
        span.clone(),
        Value::Object(vec![(name("Version", &version.span), version), (name("Statement", &span), statements)]),
    )
}

/// The document of the values in a plan, which lists every argument.
pub(in crate::policy::source) fn of_values(values: &Node) -> Node {
    let values = without_empty(values);
    let mut document = document(&values, values.span.clone());
    let sources = ["source_policy_documents", "override_policy_documents", "source_json", "override_json"];
    let others = sources.iter().filter_map(|name| values.get(name)).flat_map(Node::each);
    if let Value::Object(elements) = &mut document.value
        && let Some((_, Node { value: Value::List(statements), .. })) = elements.last_mut()
    {
        statements.extend(others.map(|it| Node::new(it.span.clone(), Value::Unknown("another document".to_owned()))));
    }
    document
}

fn without_empty(node: &Node) -> Node {
    let is_empty = |node: &Node| match &node.value {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        _ => false,
    };
    let value = match &node.value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, node)| !is_empty(node));
            Value::Object(kept.map(|(name, node)| (name.clone(), without_empty(node))).collect())
        }
        Value::List(items) => Value::List(items.iter().map(without_empty).collect()),
        other => other.clone(),
    };
    Node::new(node.span.clone(), value)
}

fn statement(block: &Node) -> Node {
    if let Value::Unknown(_) = block.value {
        return block.clone();
    }
    let mut members = Vec::new();
    for (member, node) in block.members() {
        let node = with_variables(node);
        if let Some((_, element)) = ELEMENTS.iter().find(|(own, _)| *own == member.text) {
            members.push((name(element, &member.span), node));
        } else if let "principals" | "not_principals" = member.text.as_str() {
            let element = if member.text == "principals" { "Principal" } else { "NotPrincipal" };
            members.push((name(element, &member.span), principals(&node)));
        } else if member.text == "condition" {
            members.push((name("Condition", &member.span), conditions(&node)));
        }
    }
    if block.get("effect").is_none() {
        let start = block.span.start..block.span.start;
        members.insert(0, (name("Effect", &start), text("Allow", &start)));
    }
    Node::new(block.span.clone(), Value::Object(members))
}

fn principals(blocks: &Node) -> Node {
    let mut members: Vec<(Name, Node)> = Vec::new();
    for block in blocks.each() {
        let (Some(kind), Some(identifiers)) = (block.text_of("type"), block.get("identifiers")) else {
            return Node::new(block.span.clone(), Value::Unknown("principals".to_owned()));
        };
        if kind == "*" {
            return text("*", &block.span);
        }
        add(&mut members, &kind, &block.span, identifiers);
    }
    Node::new(blocks.span.clone(), Value::Object(members))
}

fn conditions(blocks: &Node) -> Node {
    let mut members: Vec<(Name, Node)> = Vec::new();
    for block in blocks.each() {
        let said = (block.get("test").and_then(Node::text), block.get("variable").and_then(Node::text));
        let ((Some(test), Some(variable)), Some(values)) = (said, block.get("values")) else {
            return Node::new(block.span.clone(), Value::Unknown("condition".to_owned()));
        };
        let span = block.get("test").map_or(block.span.clone(), |node| node.span.clone());
        let at = members.iter().position(|(own, _)| own.text == test).unwrap_or_else(|| {
            members.push((name(&test, &span), Node::new(block.span.clone(), Value::Object(Vec::new()))));
            members.len() - 1
        });
        let key = block.get("variable").map_or(block.span.clone(), |node| node.span.clone());
        if let Value::Object(keys) = &mut members[at].1.value {
            add(keys, &variable, &key, values);
        }
    }
    Node::new(blocks.span.clone(), Value::Object(members))
}

/// Adds values to a member.
fn add(members: &mut Vec<(Name, Node)>, of: &str, span: &Range<usize>, values: &Node) {
    match members.iter_mut().find(|(own, _)| own.text == of) {
        Some((_, node)) => {
            let mut all = node.each().to_vec();
            all.extend(values.each().iter().cloned());
            node.value = Value::List(all);
        }
        None => members.push((name(of, span), values.clone())),
    }
}

/// The provider accepts `&{…}` for IAM's policy variables.
fn with_variables(node: &Node) -> Node {
    let part = |part: &Part| match part {
        Part::Known(text) => Part::Known(text.replace("&{", "${")),
        Part::Unknown(what) => Part::Unknown(what.clone()),
    };
    let value = match &node.value {
        Value::Text(text) => Value::Text(Text { parts: text.parts.iter().map(part).collect(), map: text.map.clone() }),
        Value::List(items) => Value::List(items.iter().map(with_variables).collect()),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, node)| (name.clone(), with_variables(node))).collect())
        }
        other => other.clone(),
    };
    Node::new(node.span.clone(), value)
}

/// The limits on how deep documents may include each other, and on the resulting number of statements.
const DEEPEST: usize = 32;
const MOST: usize = 2_000;

/// Merges the other documents of the file: `source_policy_documents` come first, and statements of
/// `override_policy_documents` replace those with the same Sid.
pub(super) fn merge(resources: &mut [Resource]) {
    let mut merged = Merged {
        places: resources.iter().enumerate().map(|(at, it)| (without_index(&it.address), at)).collect(),
        resources,
        done: HashMap::new(),
    };
    let all: Vec<usize> = merged.places.values().copied().collect();
    for at in all {
        merged.of(at, 0);
    }
    let Merged { done, .. } = merged;
    for (at, statements) in done {
        put(&mut resources[at].values, statements);
    }
}

struct Merged<'a> {
    places: HashMap<String, usize>,
    resources: &'a [Resource],
    done: HashMap<usize, Vec<Node>>,
}

impl Merged<'_> {
    /// The statements of a document, including those of the documents that it merges.
    fn of(&mut self, at: usize, depth: usize) -> Vec<Node> {
        if let Some(done) = self.done.get(&at) {
            return done.clone();
        }
        let resources = self.resources;
        let values = &resources[at].values;
        let own = values.at(&[DOCUMENT, "Statement"]).map_or(&[][..], Node::items).to_vec();
        let mut all = self.parts(values.get("source_policy_documents"), depth);
        let overrides = self.parts(values.get("override_policy_documents"), depth);
        for statement in own.into_iter().chain(overrides) {
            let sid = statement.text_of("Sid").filter(|sid| !sid.is_empty());
            match all.iter_mut().find(|it| sid.is_some() && it.text_of("Sid") == sid) {
                Some(same) => *same = statement,
                None => all.push(statement),
            }
        }
        if all.len() > MOST {
            all = vec![Node::new(values.span.clone(), Value::Unknown("too many statements".to_owned()))];
        }
        self.done.insert(at, all.clone());
        all
    }

    fn parts(&mut self, node: Option<&Node>, depth: usize) -> Vec<Node> {
        let mut found = Vec::new();
        for one in node.map_or(&[][..], Node::each) {
            if let (Value::Object(_), Some(own)) = (&one.value, one.get("Statement")) {
                found.extend(own.each().iter().cloned());
                continue;
            }
            let what = if let Value::Unknown(what) = &one.value { what.as_str() } else { "a document that is a text" };
            let address = what.strip_suffix(".json").map(without_index);
            match address.and_then(|address| self.places.get(&address).copied()) {
                Some(at) if depth < DEEPEST => found.extend(self.of(at, depth + 1)),
                _ => found.push(Node::new(one.span.clone(), Value::Unknown(what.to_owned()))),
            }
        }
        found
    }
}

fn put(values: &mut Node, statements: Vec<Node>) {
    let Value::Object(members) = &mut values.value else { return };
    let document = members.iter_mut().find(|(name, _)| name.text == DOCUMENT).map(|(_, node)| node);
    let Some(Node { value: Value::Object(elements), .. }) = document else { return };
    if let Some((_, node)) = elements.iter_mut().find(|(name, _)| name.text == "Statement") {
        node.value = Value::List(statements);
    }
}

fn name(text: &str, span: &Range<usize>) -> Name {
    Name { text: text.to_owned(), span: span.clone() }
}

fn text(words: &str, span: &Range<usize>) -> Node {
    Node::new(span.clone(), Value::Text(Text::known(words)))
}
