//! Terraform configuration: resources and data sources with their arguments, as far as the file itself determines them.

mod existence;
mod expressions;
pub(super) mod statements;

use std::collections::HashMap;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::structure::{Block, Body};

use self::expressions::Scope;
use super::Here;
use super::terraform::{DOCUMENT, Resource};
use super::tree::{Name, Node, Value};
use crate::policy::document::{DocumentError, File, Problem};

/// Larger than any configuration that people write; the parser's time grows faster than the file.
const LARGEST: usize = 1 << 20;

/// The largest number of lines and members in one pair of braces, for the same reason.
const MOST_MEMBERS: usize = 5_000;

const STARTS: [&str; 9] = [
    "resource \"",
    "data \"",
    "module \"",
    "variable \"",
    "output \"",
    "provider \"",
    "locals {",
    "terraform {",
    "import {",
];

pub(super) fn is_such(text: &str, name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|it| it.eq_ignore_ascii_case("tf") || it.eq_ignore_ascii_case("tofu"))
        || text.lines().any(|line| STARTS.iter().any(|start| line.starts_with(start)))
}

/// What a configuration contains.
pub(super) struct Found {
    pub(super) resources: Vec<Resource>,
    /// The addresses of modules with IAM in their name or source: their files are not read.
    pub(super) modules: Vec<String>,
}

pub(super) fn read(file: &Arc<File>, here: &Here) -> Result<Found, DocumentError> {
    let text = file.text.as_str();
    let error = |offset: usize, problem| DocumentError { name: file.name.clone(), place: file.place(offset), problem };
    if text.len() > LARGEST {
        return Err(error(0, Problem::NotHcl("it is larger than 1 MiB".to_owned())));
    }
    if let Some(offset) = crowd(text) {
        return Err(error(offset, Problem::NotHcl(format!("more than {MOST_MEMBERS} members in one pair of braces"))));
    }
    let body = hcl_edit::parser::parse_body(text)
        .map_err(|problem| error(problem.location().offset(), Problem::NotHcl(problem.message().to_lowercase())))?;
    let locals = body.get_blocks("locals").flat_map(|block| block.body.attributes());
    let locals: HashMap<&str, _> = locals.map(|it| (it.key.as_str(), &it.value)).collect();
    let scope = Scope::new(text, here, locals);
    let mut found = Vec::new();
    let mut modules = Vec::new();
    for block in body.blocks() {
        let labels: Vec<&str> = block.labels.iter().map(hcl_edit::structure::BlockLabel::as_str).collect();
        let (is_data, [kind, name]) = match (block.ident.as_str(), &labels[..]) {
            ("resource", [kind, name]) => (false, [*kind, *name]),
            ("data", [kind, name]) => (true, [*kind, *name]),
            ("module", [name]) => {
                if is_of_iam(name, &block.body) {
                    modules.push(format!("module.{name}"));
                }
                continue;
            }
            _ => continue,
        };
        let is_iam = kind.starts_with("aws_iam_") || kind == "aws_organizations_policy";
        if !is_iam && (is_data || !kind.starts_with("aws_")) {
            continue;
        }
        let data = if is_data { "data." } else { "" };
        let mut values = if is_iam { node_of(&block.body, block, &scope) } else { policies_of(block, &scope) };
        let address = format!("{data}{kind}.{name}");
        if is_data
            && kind == "aws_iam_policy_document"
            && let Value::Object(members) = &mut values.value
        {
            let span = block.span().unwrap_or_default();
            let name = Name { text: DOCUMENT.to_owned(), span: span.clone() };
            let document = statements::document(&values_of(members, span.clone()), span);
            members.push((name, document));
        }
        let exists = existence::of(&block.body, text, &scope);
        if let Some(existence::Existence { only_if, each }) = exists {
            let kind = format!("{data}{kind}");
            found.push(Resource { file: Arc::clone(file), address, kind, values, only_if, each });
        }
    }
    statements::merge(&mut found);
    Ok(Found { resources: found, modules })
}

fn is_of_iam(name: &str, body: &Body) -> bool {
    let source = body.get_attribute("source").map(|it| it.value.to_string()).unwrap_or_default();
    let has_word =
        |text: &str| text.split(|c: char| !c.is_ascii_alphanumeric()).any(|it| it.eq_ignore_ascii_case("iam"));
    has_word(name) || has_word(&source)
}

/// The arguments of another service's resource that may be policies: the rest would only take time.
fn policies_of(block: &Block, scope: &Scope<'_>) -> Node {
    let attributes = block.body.attributes().filter(|it| it.key.contains("polic"));
    let member = |it: &hcl_edit::structure::Attribute| {
        let span = it.key.span().unwrap_or_default();
        (Name { text: it.key.to_string(), span }, scope.node(&it.value))
    };
    Node::new(block.span().unwrap_or_default(), Value::Object(attributes.map(member).collect()))
}

fn values_of(members: &[(Name, Node)], span: std::ops::Range<usize>) -> Node {
    Node::new(span, Value::Object(members.to_vec()))
}

/// A block's arguments, and under each block name the list of its blocks.
fn node_of(body: &Body, block: &Block, scope: &Scope<'_>) -> Node {
    let mut members: Vec<(Name, Node)> = Vec::new();
    for attribute in body.attributes() {
        let span = attribute.key.span().unwrap_or_default();
        members.push((Name { text: attribute.key.to_string(), span }, scope.node(&attribute.value)));
    }
    let mut blocks: Vec<(Name, Vec<Node>)> = Vec::new();
    for inner in body.blocks() {
        let span = inner.ident.span().unwrap_or_default();
        // The result of a `dynamic` block depends on the collection that it iterates over.
        let is_dynamic = inner.ident.as_str() == "dynamic";
        let label = inner.labels.first().filter(|_| is_dynamic).map(hcl_edit::structure::BlockLabel::as_str);
        let name = label.unwrap_or(inner.ident.as_str()).to_owned();
        let node = if is_dynamic {
            let what = format!("dynamic {name}");
            Node::new(inner.span().unwrap_or_default(), Value::Unknown(what))
        } else {
            node_of(&inner.body, inner, scope)
        };
        match blocks.iter_mut().find(|(own, _)| own.text == name) {
            Some((_, all)) => all.push(node),
            None => blocks.push((Name { text: name, span }, vec![node])),
        }
    }
    members.extend(blocks.into_iter().map(|(name, all)| {
        let span = name.span.start..all.last().map_or(name.span.end, |node| node.span.end);
        (name, Node::new(span, Value::List(all)))
    }));
    Node::new(block.span().unwrap_or_default(), Value::Object(members))
}

/// The offset of a pair of braces with too many members.
fn crowd(text: &str) -> Option<usize> {
    let mut counts: Vec<usize> = Vec::new();
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => counts.push(0),
            b'}' => drop(counts.pop()),
            b'\n' | b',' => {
                let count = counts.last_mut();
                if let Some(count) = count {
                    *count += 1;
                    if *count > MOST_MEMBERS {
                        return Some(offset);
                    }
                }
            }
            _ => {}
        }
    }
    None
}
