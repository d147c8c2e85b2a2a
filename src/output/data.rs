//! The formats for scripts and files: JSON and dotenv.

use super::{Export, gather};
use crate::secret::Secret;

/// A JSON object of the variables in the order of the export; `null` means unset. Nushell loads it with `load-env`.
pub(super) fn json(export: &Export) -> Secret<String> {
    let member = |(n, (name, value)): (usize, (&str, Option<&Secret<String>>))| {
        let value = value.map_or_else(|| Secret::from("null"), |value| json_string(value.expose()));
        let comma = if n == 0 { "" } else { "," };
        Secret::concat(&[comma, "\"", name, "\":", value.expose()])
    };
    let members = export.iter().enumerate().map(member);
    gather(std::iter::once(Secret::from("{")).chain(members).chain(std::iter::once(Secret::from("}\n"))))
}

fn json_string(value: &str) -> Secret<String> {
    // A character takes at most six bytes, so the buffer never grows and leaves no copy of a secret.
    let mut text = Vec::with_capacity(value.len() * 6 + 2);
    serde_json::to_writer(&mut text, value).expect("a string is written to memory");
    Secret::new(String::from_utf8(text).expect("JSON is UTF-8"))
}

/// `NAME=value` lines for Compose and the dotenv libraries. Docker's `--env-file` does not support quotes, so it reads
/// plain values only. A variable to unset has no line, because the format cannot express it.
///
/// Plain values are not quoted. Other values are in single quotes, within which no library expands anything, not even
/// Ruby's `$(…)`; the libraries differ only on `\\` and on a `\` at the end. Values that single quotes cannot hold are
/// in double quotes.
pub(super) fn dotenv(export: &Export) -> Secret<String> {
    gather(export.iter().filter_map(|(name, value)| {
        let value = value?.expose();
        let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "_./:@%+=,-".contains(c));
        let is_literal = !value.contains(['\'', '\n', '\r']) && !value.contains("\\\\") && !value.ends_with('\\');
        Some(if is_plain {
            Secret::concat(&[name, "=", value, "\n"])
        } else if is_literal {
            Secret::concat(&[name, "='", value, "'\n"])
        } else {
            Secret::concat(&[name, "=", double_quoted(value).expose(), "\n"])
        })
    }))
}

/// Double quotes, in which the dotenv libraries read `\n`, `\"` and `\\`, and most of them `\$` (python-dotenv keeps
/// the backslash; without it, others would expand the name that follows).
fn double_quoted(value: &str) -> Secret<String> {
    let mut quoted = String::with_capacity(value.len() * 2 + 2);
    quoted.push('"');
    for c in value.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '"' | '\\' | '$' | '`' => quoted.extend(['\\', c]),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    Secret::new(quoted)
}
