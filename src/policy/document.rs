//! Parses a policy document strictly into a [`Document`], in which every statement, element and value keeps its place
//! in the text.
//!
//! What IAM rejects is an error with line and column; what it accepts (such as a single object or string for a list of
//! one) is accepted here too. Only the grammar is checked.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

mod alike;
mod elements;
mod error;
pub(in crate::policy) mod json;
mod operator;
mod origin;

pub(in crate::policy) use origin::{File, Origin, UNKNOWN, UNKNOWN_KEY};

pub use error::{DocumentError, Problem};
pub use operator::{Operator, Order, Quantifier, Test};

use std::ops::Range;

/// What a document is attached to, which decides which elements it may have.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PolicyKind {
    /// To a user or a group.
    #[default]
    User,
    /// To a role.
    Role,
    /// The trust policy of a role: who may assume it.
    Trust,
    /// To an account or a part of the organization: a service control policy.
    Organization,
}

impl PolicyKind {
    /// The names of the variants, in their order.
    pub const NAMES: [&str; 4] = ["user", "role", "trust", "organization"];
}

impl std::str::FromStr for PolicyKind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        match name {
            "user" => Ok(Self::User),
            "role" => Ok(Self::Role),
            "trust" => Ok(Self::Trust),
            "organization" => Ok(Self::Organization),
            _ => Err(UnknownKind),
        }
    }
}

/// An unknown kind of policy.
#[derive(Debug, thiserror::Error)]
#[error("unknown kind of policy; expected one of {}", PolicyKind::NAMES.join(", "))]
pub struct UnknownKind;

/// The version of the policy language.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// No policy variables; also the version of a document that does not state one.
    V2008,
    /// The current one.
    V2012,
}

/// A place in the text, both counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A policy document, with the text that it was read from.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file's name, for people.
    pub name: String,
    /// What it is attached to.
    pub kind: PolicyKind,
    /// The language's version.
    pub version: Version,
    /// The place of the version's value, if the document states one.
    pub version_span: Option<Range<usize>>,
    /// The place of the document's object.
    pub span: Range<usize>,
    /// The statements: at least one, unless the document could not be read.
    pub statements: Vec<Statement>,
    /// Does it apply, although not all of its contents are known?
    pub is_unread: bool,
    /// It applies only if all of these hold, which the files do not say.
    depends_on: Vec<String>,
    /// For a trust policy: the name of its role, if IAM gave it.
    role: Option<String>,
    text: String,
    lines: Lines,
    origin: Option<Origin>,
}

/// One statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Its name.
    pub sid: Option<Text>,
    /// Does it deny?
    pub is_deny: bool,
    /// `Action` or `NotAction`.
    pub action: Scope,
    /// `Resource` or `NotResource`; a trust policy has neither.
    pub resource: Option<Scope>,
    /// The AWS principals of a trust policy.
    pub principals: Vec<Text>,
    /// Are all principals meant except those?
    pub is_all_but_principals: bool,
    /// Does it name `*`, which means everyone?
    pub is_everyone: bool,
    /// All of these must hold.
    pub conditions: Vec<Condition>,
    /// The place of the statement's object.
    pub span: Range<usize>,
}

/// An element such as `Action`, or its `Not…` counterpart.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Is it the `Not…` element, which means everything except what is listed?
    pub is_all_but: bool,
    /// The place of the element's name, quotes included.
    pub name_span: Range<usize>,
    /// The patterns.
    pub list: List,
}

/// One test of one condition key.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The test.
    pub operator: Operator,
    /// The place of the operator's name, quotes included.
    pub operator_span: Range<usize>,
    /// The number of keys under the same operator.
    pub keys_beside: usize,
    /// The key.
    pub key: Text,
    /// The values that the key is tested against.
    pub values: List,
}

/// One or many values, as a bare value or as an array.
#[derive(Clone, Debug)]
pub struct List {
    /// The values.
    pub items: Vec<Text>,
    /// The place of the whole list.
    pub span: Range<usize>,
    /// Is it written as an array?
    pub is_array: bool,
}

/// A value and its place, quotes included.
#[derive(Clone, Debug)]
pub struct Text {
    /// The value; numbers and booleans as written.
    pub value: String,
    /// Its place.
    pub span: Range<usize>,
}

impl Condition {
    /// A condition that is not in the document: whether the document applies at all.
    fn outside(what: &str, span: &Range<usize>) -> Self {
        let text = |value: String| Text { value, span: span.clone() };
        Self {
            operator: Operator { test: Test::Bool, is_negated: false, is_if_exists: false, quantifier: None },
            operator_span: span.clone(),
            keys_beside: 0,
            key: text(format!("{UNKNOWN_KEY}{what}")),
            values: List { items: vec![text("true".to_owned())], span: span.clone(), is_array: false },
        }
    }

    /// What the document's application depends on, if it is such a condition.
    pub(in crate::policy) fn outside_of(key: &str) -> Option<&str> {
        key.strip_prefix(UNKNOWN_KEY)
    }
}

impl Document {
    /// Parses a document; `name` is its name in errors and findings.
    ///
    /// # Errors
    /// The first thing that IAM would reject, with its place.
    pub fn parse(name: &str, bytes: &[u8], kind: PolicyKind) -> Result<Self, DocumentError> {
        let text = json::text(name, bytes)?;
        let lines = Lines::of(text);
        elements::document(&json::SourceText { name, text, lines: &lines, origin: None }, kind)
    }

    /// Parses a document that was extracted from a larger file: `text` is JSON that we wrote, and every place refers to
    /// the original file.
    pub(in crate::policy) fn taken(text: &str, origin: &Origin, kind: PolicyKind) -> Result<Self, DocumentError> {
        let lines = Lines::of(text);
        let name = origin.file.name.as_str();
        let mut document =
            elements::document(&json::SourceText { name, text, lines: &lines, origin: Some(origin) }, kind)?;
        document.is_unread = !origin.gaps.is_empty();
        document.origin = Some(origin.clone());
        Ok(document)
    }

    /// The kind of a document, judging by its elements: with a principal it is a trust policy, or, with resources as
    /// well, a resource-based policy, which is `None`. An unreadable document counts as a user's, and fails to parse as
    /// such.
    pub fn kind_of(bytes: &[u8]) -> Option<PolicyKind> {
        let root: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
        let statements = match &root["Statement"] {
            serde_json::Value::Array(all) => &all[..],
            one => std::slice::from_ref(one),
        };
        let has = |names: [&str; 2]| statements.iter().any(|one| names.iter().any(|name| one.get(name).is_some()));
        match (has(["Principal", "NotPrincipal"]), has(["Resource", "NotResource"])) {
            (false, _) => Some(PolicyKind::User),
            (true, false) => Some(PolicyKind::Trust),
            (true, true) => None,
        }
    }

    /// A document that applies but could not be read: it may allow or deny anything.
    pub fn unread(name: &str, kind: PolicyKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            version: Version::V2012,
            version_span: None,
            span: 0..0,
            statements: Vec::new(),
            is_unread: true,
            depends_on: Vec::new(),
            role: None,
            text: String::new(),
            lines: Lines::of(""),
            origin: None,
        }
    }

    /// A document within a file that applies but could not be read.
    pub(in crate::policy) fn unread_of(origin: &Origin, kind: PolicyKind) -> Self {
        Self { origin: Some(origin.clone()), ..Self::unread(&origin.file.name, kind) }
    }

    /// The same document, as the trust policy of that role.
    #[must_use]
    pub(in crate::policy) fn of_role(self, name: Option<String>) -> Self {
        Self { role: name, ..self }
    }

    /// The name of the role whose trust policy it is, if IAM gave it.
    pub(in crate::policy) fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// The same document, attached to something else that shares its grammar.
    #[must_use]
    pub fn of_kind(self, kind: PolicyKind) -> Self {
        Self { kind, ..self }
    }

    /// The same document, if it applies only when all of these hold, and the files do not say whether they do. Each is
    /// a condition of every statement, on a key that no request is known to have: two documents that depend on the same
    /// thing apply together or not at all.
    #[must_use]
    pub(in crate::policy) fn depending_on(mut self, what: &[String]) -> Self {
        for statement in &mut self.statements {
            statement.conditions.extend(what.iter().map(|it| Condition::outside(it, &statement.span)));
        }
        self.depends_on.extend_from_slice(what);
        self
    }

    /// Its name within its file, if the file contains more than the document.
    pub fn label(&self) -> Option<&str> {
        self.origin.as_ref().map(|origin| origin.label.as_str())
    }

    /// The document as messages call it.
    pub fn title(&self) -> String {
        self.label().map_or_else(|| self.name.clone(), |label| format!("{label} in {}", self.name))
    }

    /// A description of its unknown parts.
    pub fn unknown(&self) -> String {
        let gaps = self.origin.as_ref().map_or(&[][..], |origin| &origin.gaps[..]);
        if gaps.is_empty() { self.title() } else { gaps.join(", ") }
    }

    /// The same document with another text.
    pub(in crate::policy) fn rewritten(&self, text: &str) -> Result<Self, DocumentError> {
        let document = match &self.origin {
            None => Self::parse(&self.name, text.as_bytes(), self.kind),
            Some(origin) => Self::taken(text, &origin.of_itself(text), self.kind),
        }?;
        Ok(document.depending_on(&self.depends_on))
    }

    /// Replaces the placeholders for an account, as templates and documentation print them, and returns each
    /// placeholder once.
    pub fn fill_account(&mut self, account: &str) -> Vec<String> {
        let mut filled = Vec::new();
        let mut fill = |text: &mut Text| {
            let mut parts: Vec<&str> = text.value.splitn(6, ':').collect();
            if parts.len() == 6 && parts[0] == "arn" && origin::is_placeholder(parts[4]) {
                let word = std::mem::replace(&mut parts[4], account).to_owned();
                text.value = parts.join(":");
                if !filled.contains(&word) {
                    filled.push(word);
                }
            }
        };
        for statement in &mut self.statements {
            statement.resource.iter_mut().flat_map(|scope| &mut scope.list.items).for_each(&mut fill);
            statement.principals.iter_mut().for_each(&mut fill);
            statement.conditions.iter_mut().flat_map(|it| &mut it.values.items).for_each(&mut fill);
        }
        filled
    }

    /// The text that was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The place of an offset into the text.
    pub fn place(&self, offset: usize) -> Position {
        self.origin.as_ref().map_or_else(|| self.lines.place(&self.text, offset), |origin| origin.place(offset))
    }
}

/// The start of each line, and the number of characters before each block of the text: a file may be a single line.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Lines {
    starts: Vec<usize>,
    before: Vec<usize>,
}

impl Lines {
    const BLOCK: usize = 1024;

    pub(in crate::policy) fn of(text: &str) -> Self {
        let feeds = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let mut before = vec![0];
        for block in text.as_bytes().chunks(Self::BLOCK) {
            before.push(before[before.len() - 1] + characters(block));
        }
        Self { starts: std::iter::once(0).chain(feeds).collect(), before }
    }

    fn place(&self, text: &str, offset: usize) -> Position {
        let offset = offset.min(text.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let until = |offset: usize| {
            let block = offset / Self::BLOCK;
            self.before[block] + characters(&text.as_bytes()[block * Self::BLOCK..offset])
        };
        Position { line, column: until(offset) - until(self.starts[line - 1]) + 1 }
    }
}

/// The number of characters that start in these bytes of a text.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}
