//! Patterns with wildcards and variables, of actions, of ARNs and of condition values.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use super::context::{Context, Known};
use super::truth::{Reason, Truth};
use crate::policy::document::Version;

/// A part of a pattern.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::policy) enum Piece {
    /// This character.
    Char(char),
    /// `?`
    One,
    /// `*`
    Any,
}

/// A pattern with its variables put in.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::policy) enum Resolved {
    Pattern(Vec<Piece>),
    /// The request lacks the variable's key, and it has no default.
    NoValue(String),
    /// The context does not say.
    Unknown(String),
}

/// What a resource's pattern comes to.
pub(super) enum Match {
    Is(Truth),
    /// A variable without a value.
    Unresolved(String),
}

/// Does the pattern cover the action? Without case.
pub fn matches_action(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.as_bytes(), action.as_bytes());
    glob(
        pattern.len(),
        action.len(),
        |p, a| match pattern[p] {
            b'*' => Step::Any,
            b'?' => Step::of(true),
            byte => Step::of(byte.eq_ignore_ascii_case(&action[a])),
        },
        |p| pattern[p] == b'*',
    )
}

/// Does the pattern, an ARN or `*`, cover the request's resource? With case; each of an ARN's six parts by itself.
pub(super) fn matches_resource(version: Version, pattern: &str, resource: &str, context: &Context) -> Match {
    if pattern == "*" {
        return Match::Is(Truth::Yes);
    }
    match resolve(version, pattern, context) {
        Resolved::Pattern(pieces) => Match::Is(matches_arn(&pieces, resource).into()),
        Resolved::NoValue(key) => Match::Unresolved(key),
        Resolved::Unknown(key) => {
            // Where the rest of it cannot match whatever the variable is, nothing depends on it.
            let widest = widest(pattern);
            let may = matches_arn(&widest, resource);
            Match::Is(if may { Truth::unknown(Reason::Key(key)) } else { Truth::No })
        }
    }
}

/// Part by part where both have six, else as a whole: a shorter pattern ends in a wildcard that takes the rest.
pub(super) fn matches_arn(pieces: &[Piece], arn: &str) -> bool {
    let of: Vec<&[Piece]> = pieces.splitn(6, |piece| *piece == Piece::Char(':')).collect();
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match (of.len(), parts.len()) {
        (6, 6) => of.iter().zip(parts).all(|(of, part)| matches_text(of, part)),
        (6, _) => false,
        _ => matches_text(pieces, arn),
    }
}

/// Does the pattern match the whole text?
pub(super) fn matches_text(pieces: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    glob(
        pieces.len(),
        text.len(),
        |p, t| match pieces[p] {
            Piece::Any => Step::Any,
            Piece::One => Step::of(true),
            Piece::Char(c) => Step::of(c == text[t]),
        },
        |p| pieces[p] == Piece::Any,
    )
}

/// Puts the variables in. Wildcards that come out of a variable's value are plain characters.
pub(in crate::policy) fn resolve(version: Version, pattern: &str, context: &Context) -> Resolved {
    let mut pieces = Vec::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if let Some((inner, after)) = variable(version, rest) {
            match value(inner, context) {
                Value::Is(text) => pieces.extend(text.chars().map(Piece::Char)),
                Value::Absent(key) => return Resolved::NoValue(key),
                Value::Unknown(key) => return Resolved::Unknown(key),
            }
            rest = after;
            continue;
        }
        pieces.push(wildcard(c));
        rest = &rest[c.len_utf8()..];
    }
    Resolved::Pattern(pieces)
}

fn wildcard(c: char) -> Piece {
    match c {
        '*' => Piece::Any,
        '?' => Piece::One,
        c => Piece::Char(c),
    }
}

/// The pattern with every variable as wide as it can be.
fn widest(pattern: &str) -> Vec<Piece> {
    let (mut pieces, mut rest) = (Vec::new(), pattern);
    while let Some(c) = rest.chars().next() {
        rest = if let Some((_, after)) = variable(Version::V2012, rest) {
            pieces.push(Piece::Any);
            after
        } else {
            pieces.push(wildcard(c));
            &rest[c.len_utf8()..]
        };
    }
    pieces
}

/// The variable that the text starts with, and what follows it.
fn variable(version: Version, text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix("${").filter(|_| version == Version::V2012)?;
    // `${*}`, `${?}` and `${$}` are the characters themselves; a default may hold any character but a quote.
    let quote_end = inner.split_once('\'').filter(|(before, _)| !before.contains('}'));
    let end = match quote_end {
        Some((before, after)) => {
            let close = after.find('\'')?;
            let start = before.len() + 1 + close + 1;
            start + inner[start..].find('}')?
        }
        None => inner.find('}')?,
    };
    Some((&inner[..end], &inner[end + 1..]))
}

enum Value {
    Is(String),
    Absent(String),
    Unknown(String),
}

/// A variable's value: `name`, or `name, 'default'`.
fn value(inner: &str, context: &Context) -> Value {
    if let "*" | "?" | "$" = inner {
        return Value::Is(inner.to_owned());
    }
    let (key, default) = match inner.split_once(',') {
        Some((key, default)) => (key.trim(), default.trim().strip_prefix('\'').and_then(|it| it.strip_suffix('\''))),
        None => (inner.trim(), None),
    };
    match (context.get(key), default) {
        (Some(Known::One(value)), _) => Value::Is(value.clone()),
        // A key with many values is no variable.
        (Some(Known::Absent | Known::Many(_)), Some(default)) => Value::Is(default.to_owned()),
        (Some(Known::Absent | Known::Many(_)), None) => Value::Absent(key.to_owned()),
        (None, _) => Value::Unknown(key.to_owned()),
    }
}

/// What one part of a pattern makes of one character.
enum Step {
    /// It is `*`.
    Any,
    /// It takes the character.
    Takes,
    /// It does not.
    Fails,
}

impl Step {
    fn of(takes: bool) -> Self {
        if takes { Self::Takes } else { Self::Fails }
    }
}

/// Matches without recursion: at a mismatch the last `*` takes one more. Never worse than the product of the lengths.
fn glob(pattern: usize, text: usize, step: impl Fn(usize, usize) -> Step, is_any: impl Fn(usize) -> bool) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text {
        match if p < pattern { step(p, t) } else { Step::Fails } {
            Step::Any => {
                star = Some((p, t));
                p += 1;
            }
            Step::Takes => {
                p += 1;
                t += 1;
            }
            Step::Fails => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                p = at + 1;
                t = taken + 1;
            }
        }
    }
    (p..pattern).all(is_any)
}

#[cfg(test)]
mod tests {
    use super::{Context, Resolved, Version, matches_action, matches_text, resolve};

    fn matches(pattern: &str, text: &str) -> bool {
        match resolve(Version::V2012, pattern, &Context::default().with("aws:username", "a*b").without("aws:x")) {
            Resolved::Pattern(pieces) => matches_text(&pieces, text),
            other => panic!("{pattern}: {other:?}"),
        }
    }

    #[test]
    fn wildcards_and_variables() {
        for (pattern, text, is) in [
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
            ("a*c", "abcbc", true),
            ("a*c", "abcb", false),
            ("??", "ü東", true),
            ("*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("x/${aws:username}/*", "x/a*b/y", true),
            ("x/${aws:username}/*", "x/aZb/y", false),
            ("${*}${?}${$}", "*?$", true),
            ("${*}", "x", false),
            ("${aws:x, 'de}fault'}!", "de}fault!", true),
            ("${aws:x,''}", "", true),
            ("${open", "${open", true),
        ] {
            assert_eq!(matches(pattern, text), is, "{pattern} {text}");
        }
        assert!(matches_action("IAM:list*", "iam:ListUsers"));
        assert!(!matches_action("iam:List", "iam:ListUsers"));
    }
}
