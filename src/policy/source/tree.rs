//! A value from JSON, YAML or Terraform, with its place in the file and its unknown parts.

use std::ops::Range;

use jsonc_parser::ast::Value as Ast;
use jsonc_parser::common::Ranged;

/// A value and its place in the file.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(Text),
    List(Vec<Node>),
    Object(Vec<(Name, Node)>),
    /// A reference to something that is not in the files: its name.
    Unknown(String),
}

/// A member's name.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) span: Range<usize>,
}

/// A text, parts of which may be unknown.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    pub(super) parts: Vec<Part>,
    /// For a text of several lines: offsets into the concatenated known parts, and the corresponding offsets in the
    /// file.
    pub(super) map: Vec<(usize, usize)>,
}

#[derive(Clone, Debug)]
pub(super) enum Part {
    Known(String),
    /// An unknown part: what it refers to.
    Unknown(String),
}

/// Within JSON that is itself a text, these enclose the number of an unknown part.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

impl Text {
    pub(super) fn known(text: impl Into<String>) -> Self {
        Self { parts: vec![Part::Known(text.into())], map: Vec::new() }
    }

    /// The whole text, if all of it is known.
    pub(super) fn whole(&self) -> Option<String> {
        let mut whole = String::new();
        for part in &self.parts {
            let Part::Known(text) = part else { return None };
            whole += text;
        }
        Some(whole)
    }

    /// What its unknown parts refer to.
    pub(super) fn unknown(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Unknown(what) => Some(what.as_str()),
            Part::Known(_) => None,
        })
    }

    /// The text with marks for unknown parts; marks outside of JSON strings become strings.
    pub(super) fn marked(&self) -> (String, Vec<String>) {
        let (mut text, mut unknown, mut quotes) = (String::new(), Vec::new(), Quotes::default());
        for part in &self.parts {
            match part {
                Part::Known(known) => {
                    quotes.read(known);
                    text += known;
                }
                Part::Unknown(what) => {
                    let quote = if quotes.is_open { "" } else { "\"" };
                    text += &format!("{quote}{OPEN}{}{CLOSE}{quote}", unknown.len());
                    unknown.push(what.clone());
                }
            }
        }
        (text, unknown)
    }
}

/// Tracks where JSON strings begin and end.
#[derive(Default)]
struct Quotes {
    is_open: bool,
    is_escape: bool,
}

impl Quotes {
    fn read(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.is_escape => self.is_escape = false,
                b'\\' if self.is_open => self.is_escape = true,
                b'"' => self.is_open = !self.is_open,
                _ => {}
            }
        }
    }
}

impl Node {
    pub(super) fn new(span: Range<usize>, value: Value) -> Self {
        Self { span, value }
    }

    /// The value of a JSON tree. `unknown` are the parts that its marks stand for; `place` maps an offset in the JSON
    /// to one in the file.
    pub(super) fn of_json(tree: &Ast<'_>, unknown: &[String], place: &dyn Fn(usize) -> usize) -> Self {
        let span = |of: &dyn Ranged| place(of.range().start)..place(of.range().end);
        let value = match tree {
            Ast::NullKeyword(_) => Value::Null,
            Ast::BooleanLit(it) => Value::Bool(it.value),
            Ast::NumberLit(it) => Value::Number(it.value.to_owned()),
            Ast::StringLit(it) => of_text(&it.value, unknown),
            Ast::Array(it) => Value::List(it.elements.iter().map(|it| Self::of_json(it, unknown, place)).collect()),
            Ast::Object(it) => Value::Object(
                it.properties
                    .iter()
                    .map(|it| {
                        let name = Name { text: it.name.as_str().to_owned(), span: span(&it.name) };
                        (name, Self::of_json(&it.value, unknown, place))
                    })
                    .collect(),
            ),
        };
        Self::new(span(tree), value)
    }

    /// The member with that name.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.members().iter().find(|(own, _)| own.text == name).map(|(_, node)| node)
    }

    /// The node at the end of a path of names.
    pub(super) fn at(&self, names: &[&str]) -> Option<&Node> {
        names.iter().try_fold(self, |node, name| node.get(name))
    }

    pub(super) fn members(&self) -> &[(Name, Node)] {
        if let Value::Object(members) = &self.value { members } else { &[] }
    }

    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The items of a list, or a single value as the only one.
    pub(super) fn each(&self) -> &[Node] {
        if let Value::List(items) = &self.value { items } else { std::slice::from_ref(self) }
    }

    pub(super) fn text(&self) -> Option<String> {
        if let Value::Text(text) = &self.value { text.whole() } else { None }
    }

    /// The text of a member.
    pub(super) fn text_of(&self, name: &str) -> Option<String> {
        self.get(name)?.text()
    }
}

fn of_text(text: &str, unknown: &[String]) -> Value {
    if unknown.is_empty() || !text.contains(OPEN) {
        return Value::Text(Text::known(text));
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let marked =
            after.split_once(CLOSE).and_then(|(at, after)| Some((unknown.get(at.parse::<usize>().ok()?)?, after)));
        if !before.is_empty() {
            parts.push(Part::Known(before.to_owned()));
        }
        let Some((what, after)) = marked else { break };
        parts.push(Part::Unknown(what.clone()));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Known(rest.to_owned()));
    }
    match &parts[..] {
        [Part::Unknown(what)] => Value::Unknown(what.clone()),
        _ => Value::Text(Text { parts, map: Vec::new() }),
    }
}
