//! Bytes → a JSON tree with the place of every value.
//!
//! Two parsers: one that records the places and recognizes comments, and then `serde_json`, which rejects everything
//! that the first one is lenient about.

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::alike;
use super::error::{DocumentError, Problem, quoted};
use super::{Lines, Origin, Position};

/// The name used in errors.
pub(in crate::policy) struct SourceText<'a> {
    pub(in crate::policy) name: &'a str,
    pub(in crate::policy) text: &'a str,
    pub(in crate::policy) lines: &'a Lines,
    /// Where the text was extracted from, unless it is the whole file.
    pub(in crate::policy) origin: Option<&'a Origin>,
}

impl SourceText<'_> {
    /// The error at that offset.
    pub(in crate::policy) fn at(&self, offset: usize, problem: Problem) -> DocumentError {
        let place = self.origin.map_or_else(|| self.lines.place(self.text, offset), |origin| origin.place(offset));
        DocumentError { name: self.name.to_owned(), place, problem }
    }
}

/// The bytes as text.
pub(in crate::policy) fn text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, DocumentError> {
    let at = |place, problem| DocumentError { name: name.to_owned(), place, problem };
    let start = Position { line: 1, column: 1 };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let legal = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        at(Lines::of(legal).place(legal, legal.len()), Problem::NotUtf8)
    })?;
    if text.starts_with('\u{feff}') {
        return Err(at(start, Problem::ByteOrderMark));
    }
    if text.trim().is_empty() {
        return Err(at(start, Problem::Empty));
    }
    Ok(text)
}

/// The text, parsed.
pub(in crate::policy) fn tree<'a>(source: &SourceText<'a>) -> Result<Value<'a>, DocumentError> {
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(source.text, &CollectOptions::default(), &strict).map_err(|error| {
        if let Some(what) = alike::of_text(source.text) {
            return source.at(0, Problem::Alike(what));
        }
        let problem = match error.kind() {
            ParseErrorKind::CommentsNotAllowed | ParseErrorKind::UnterminatedCommentBlock => Problem::Comment,
            ParseErrorKind::TrailingCommasNotAllowed => Problem::TrailingComma,
            ParseErrorKind::NestingDepthExceeded => Problem::TooDeep,
            kind => Problem::NotJson(lower_case(&kind.to_string())),
        };
        source.at(error.range().start, problem)
    })?;
    if let Some(offset) = control_character(source.text) {
        return Err(source.at(offset, Problem::ControlCharacter));
    }
    serde_json::from_str::<serde::de::IgnoredAny>(source.text).map_err(|error| {
        let place = Position { line: error.line().max(1), column: error.column().max(1) };
        let words = error.to_string();
        // The message starts with our own place.
        let words = words.split(" at line ").next().unwrap_or_default();
        DocumentError { name: source.name.to_owned(), place, problem: Problem::NotJson(words.to_owned()) }
    })?;
    parsed.value.ok_or_else(|| source.at(0, Problem::Empty))
}

/// The first control character within a string of valid JSON: the first parser accepts them.
fn control_character(text: &str) -> Option<usize> {
    let (mut is_string, mut is_escape) = (false, false);
    text.bytes().position(|byte| {
        match byte {
            _ if is_escape => is_escape = false,
            b'\\' if is_string => is_escape = true,
            b'"' => is_string = !is_string,
            _ => {}
        }
        is_string && byte < b' '
    })
}

/// A message of another crate, in our style.
fn lower_case(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// The type of a value, for messages.
pub(super) fn kind(value: &Value<'_>) -> &'static str {
    match value {
        Value::StringLit(_) => "a string",
        Value::NumberLit(_) => "a number",
        Value::BooleanLit(_) => "a boolean",
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::NullKeyword(_) => "null",
    }
}

/// The value as an object.
pub(super) fn object<'a, 'b>(
    source: &SourceText<'_>,
    value: &'b Value<'a>,
    what: &str,
) -> Result<&'b Object<'a>, DocumentError> {
    match value {
        Value::Object(object) => unique(source, object).map(|()| object),
        _ => Err(shape(source, value, what, "an object")),
    }
}

/// An error about a value of the wrong type.
pub(super) fn shape(source: &SourceText<'_>, value: &Value<'_>, what: &str, wanted: &'static str) -> DocumentError {
    use jsonc_parser::common::Ranged;
    let problem = Problem::Shape { what: what.to_owned(), wanted, found: kind(value) };
    source.at(value.range().start, problem)
}

/// IAM rejects duplicate names; other JSON parsers use one of the two, and not always the same.
fn unique(source: &SourceText<'_>, object: &Object<'_>) -> Result<(), DocumentError> {
    let mut seen = std::collections::HashSet::with_capacity(object.properties.len());
    for property in &object.properties {
        let name = property.name.as_str();
        if !seen.insert(name) {
            return Err(source.at(property.range.start, Problem::Duplicate(quoted(name))));
        }
    }
    Ok(())
}
