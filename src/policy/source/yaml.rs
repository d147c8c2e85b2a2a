//! YAML with CloudFormation's tags → the same tree as for JSON. Aliases are unknown: CloudFormation does not support
//! them, and a short file of aliases can expand to more than fits in memory.

use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::tree::{Name, Node, Text, Value};
use crate::policy::document::{DocumentError, File, Problem};

/// The JSON and Terraform parsers go at least this deep.
const DEEPEST: usize = 128;

/// A list or a mapping that is still open.
struct Open {
    start: usize,
    tag: Option<String>,
    is_list: bool,
    nodes: Vec<Node>,
}

/// The documents of the file.
pub(super) fn read(file: &Arc<File>) -> Result<Vec<Node>, DocumentError> {
    let mut documents = Vec::new();
    let mut cursor = Cursor { text: &file.text, index: 0, offset: 0 };
    let mut open: Vec<Open> = Vec::new();
    let fail = |offset: usize, words: String| DocumentError {
        name: file.name.clone(),
        place: file.place(offset),
        problem: Problem::NotYaml(words),
    };
    let mut parser = Parser::new_from_str(&file.text);
    while let Some(event) = parser.next_event() {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => return Err(fail(cursor.offset(*error.marker()), error.info().to_owned())),
        };
        let start = cursor.offset(span.start);
        let done = match event {
            Event::SequenceStart(_, tag) => {
                open.push(Open { start, tag: name_of(tag.as_deref()), is_list: true, nodes: Vec::new() });
                None
            }
            Event::MappingStart(_, tag) => {
                open.push(Open { start, tag: name_of(tag.as_deref()), is_list: false, nodes: Vec::new() });
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(|one| close(one, start)),
            Event::Scalar(text, style, _, tag) => {
                let end = cursor.offset(span.end).max(start);
                Some(scalar(&text, style, name_of(tag.as_deref()), (start..end, file)))
            }
            Event::Alias(_) => Some(Node::new(start..start, Value::Unknown("a YAML alias".to_owned()))),
            _ => None,
        };
        if open.len() > DEEPEST {
            return Err(fail(start, "nested more deeply than any template".to_owned()));
        }
        if let Some(node) = done {
            match open.last_mut() {
                Some(one) => one.nodes.push(node),
                None => documents.push(node),
            }
        }
    }
    Ok(documents)
}

fn close(one: Open, end: usize) -> Node {
    let span = one.start..end.max(one.start);
    let value = if one.is_list {
        Value::List(one.nodes)
    } else {
        let mut members = Vec::new();
        let mut nodes = one.nodes.into_iter();
        while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
            let text = match &key.value {
                Value::Text(text) => text.whole().unwrap_or_default(),
                Value::Number(number) => number.clone(),
                Value::Bool(is) => is.to_string(),
                _ => String::new(),
            };
            members.push((Name { text, span: key.span }, value));
        }
        Value::Object(members)
    };
    tagged(one.tag, Node::new(span, value))
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<String>, (span, file): (std::ops::Range<usize>, &File)) -> Node {
    let is_plain = style == ScalarStyle::Plain && tag.is_none();
    let value = match text {
        "true" | "True" | "TRUE" if is_plain => Value::Bool(true),
        "false" | "False" | "FALSE" if is_plain => Value::Bool(false),
        "" | "null" | "Null" | "NULL" | "~" if is_plain => Value::Null,
        number if is_plain && serde_json::from_str::<serde_json::Number>(number).is_ok() => {
            Value::Number(number.to_owned())
        }
        text => {
            let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
            let map = if is_block { lines(text, span.start, &file.text) } else { Vec::new() };
            Value::Text(Text { map, ..Text::known(text) })
        }
    };
    tagged(tag, Node::new(span, value))
}

/// The places of the lines of a block scalar: below its indicator, or at it if the parser gives the text's own place.
fn lines(text: &str, start: usize, file: &str) -> Vec<(usize, usize)> {
    let (mut map, mut own) = (Vec::new(), 0);
    let first = if file[start..].starts_with(['|', '>']) {
        file[start..].find('\n').map_or(file.len(), |feed| start + feed + 1)
    } else {
        start
    };
    let mut raw = first;
    for line in text.split_inclusive('\n') {
        let Some(from) = file.get(raw..).and_then(|rest| rest.split_inclusive('\n').next()) else { break };
        map.push((own, raw + (from.len() - from.trim_start_matches(' ').len())));
        own += line.len();
        raw += from.len();
    }
    map
}

/// `Sub` of `!Sub`.
fn name_of(tag: Option<&Tag>) -> Option<String> {
    tag.filter(|tag| tag.handle == "!").map(|tag| tag.suffix.clone())
}

/// The long form of a function.
fn tagged(tag: Option<String>, node: Node) -> Node {
    let Some(tag) = tag else { return node };
    let text = if matches!(tag.as_str(), "Ref" | "Condition") { tag } else { format!("Fn::{tag}") };
    let span = node.span.clone();
    Node::new(span.clone(), Value::Object(vec![(Name { text, span }, node)]))
}

/// The parser counts characters, and we count bytes; its places come in order, except for a step back.
struct Cursor<'a> {
    text: &'a str,
    index: usize,
    offset: usize,
}

impl Cursor<'_> {
    fn offset(&mut self, mark: Marker) -> usize {
        while self.index > mark.index() {
            let before = self.text[..self.offset].chars().next_back();
            self.offset -= before.map_or(0, char::len_utf8);
            self.index -= 1;
        }
        while self.index < mark.index() {
            let Some(next) = self.text[self.offset..].chars().next() else { break };
            self.offset += next.len_utf8();
            self.index += 1;
        }
        self.offset
    }
}
