//! Patterns with wildcards and variables, in actions, ARNs and condition values.
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

/// A pattern with its variables replaced.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::policy) enum Resolved {
    Pattern(Vec<Piece>),
    /// The request lacks the variable's key, and it has no default.
    NoValue(String),
    /// The context does not say whether there is a value.
    Unknown(String),
}

/// The result of matching a resource's pattern.
pub(super) enum Match {
    Is(Truth),
    /// A variable without a value.
    Unresolved(String),
}

/// Does the pattern cover the action, ignoring case?
pub fn matches_action(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.as_bytes(), action.as_bytes());
    glob(
        pattern.len(),
        action.len(),
        |p, a| match pattern[p] {
            b'*' => Taken::Any,
            b'?' => Taken::of(true),
            byte => Taken::of(byte.eq_ignore_ascii_case(&action[a])),
        },
        |p| pattern[p] == b'*',
    )
}

/// Does the pattern, an ARN or `*`, cover the request's resource? Case matters.
pub(super) fn matches_resource(version: Version, pattern: &str, resource: &str, context: &Context) -> Match {
    if pattern == "*" {
        return Match::Is(Truth::Yes);
    }
    match resolve(version, pattern, context) {
        Resolved::Pattern(pieces) => Match::Is(covers_arn(&pieces, resource).into()),
        Resolved::NoValue(key) => Match::Unresolved(key),
        Resolved::Unknown(key) => {
            // If the rest cannot match whatever the variable's value is, nothing depends on it.
            let may = covers_arn(&widest(version, pattern), resource);
            Match::Is(if may { Truth::unknown(Reason::Key(key)) } else { Truth::No })
        }
    }
}

/// Matches an ARN as `Resource` does: part by part, but a `*` at the end of a part may also match the following colons.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
fn covers_arn(pieces: &[Piece], arn: &str) -> bool {
    if has_wild_type(pieces) {
        return false;
    }
    matches_arn(pieces, arn) || reaches(pieces) && matches_steps(&steps_of_arn(pieces), arn)
}

/// Does a `*` end one of the first five parts?
fn reaches(pieces: &[Piece]) -> bool {
    pieces.windows(2).any(|two| two == [Piece::Any, Piece::Char(':')])
}

/// AWS: an IAM ARN allows no wildcard in the resource type, such as `user` or `role`; `*` alone means all resources.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>
pub(in crate::policy) fn has_wild_type(pieces: &[Piece]) -> bool {
    let parts: Vec<&[Piece]> = pieces.splitn(6, |piece| *piece == Piece::Char(':')).collect();
    let is_iam = |service: &[Piece]| service == [Piece::Char('i'), Piece::Char('a'), Piece::Char('m')];
    match parts[..] {
        [_, _, service, _, _, name] if is_iam(service) && name != [Piece::Any] => {
            let kind = name.split(|piece| *piece == Piece::Char('/')).next().unwrap_or_default();
            kind.iter().any(|piece| matches!(piece, Piece::Any | Piece::One))
        }
        _ => false,
    }
}

/// One step of matching a pattern.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(in crate::policy) enum PatternPart {
    /// This character.
    Is(char),
    /// This letter, ignoring case.
    Letter(char),
    /// Any one character.
    One {
        /// Including a colon?
        over_colons: bool,
    },
    /// Any number of characters.
    Any {
        /// Including colons?
        over_colons: bool,
    },
}

impl PatternPart {
    /// Does it match the character?
    pub(in crate::policy) fn takes(self, c: char) -> bool {
        match self {
            Self::Is(own) => own == c,
            Self::Letter(own) => own.eq_ignore_ascii_case(&c),
            Self::One { over_colons } | Self::Any { over_colons } => over_colons || c != ':',
        }
    }
}

/// The steps for a resource's ARN.
pub(in crate::policy) fn steps_of_arn(pieces: &[Piece]) -> Vec<PatternPart> {
    let colons = pieces.iter().filter(|piece| **piece == Piece::Char(':')).count();
    let mut before = 0;
    let steps = pieces.iter().enumerate().map(|(at, piece)| {
        // A pattern with fewer parts ends in a wildcard that matches the rest.
        let is_last_part = before >= 5 || colons < 5;
        match piece {
            Piece::Char(c) => {
                before += usize::from(*c == ':');
                PatternPart::Is(*c)
            }
            Piece::One => PatternPart::One { over_colons: is_last_part },
            Piece::Any => {
                let ends_part = pieces.get(at + 1).is_none_or(|next| *next == Piece::Char(':'));
                PatternPart::Any { over_colons: is_last_part || ends_part }
            }
        }
    });
    steps.collect()
}

/// Do the steps match the whole text? All possibilities are followed at once: backtracking to the last `*` is not
/// enough when some of them stop at colons.
pub(in crate::policy) fn matches_steps(steps: &[PatternPart], text: &str) -> bool {
    let mut at = vec![false; steps.len() + 1];
    at[0] = true;
    let skip = |at: &mut Vec<bool>| {
        for (index, step) in steps.iter().enumerate() {
            if at[index] && matches!(step, PatternPart::Any { .. }) {
                at[index + 1] = true;
            }
        }
    };
    skip(&mut at);
    for c in text.chars() {
        let mut next = vec![false; steps.len() + 1];
        for (index, step) in steps.iter().enumerate().filter(|(index, step)| at[*index] && step.takes(c)) {
            next[if matches!(step, PatternPart::Any { .. }) { index } else { index + 1 }] = true;
        }
        skip(&mut next);
        at = next;
    }
    at[steps.len()]
}

/// Part by part if both have six parts, else as a whole: a shorter pattern ends in a wildcard that matches the rest.
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
            Piece::Any => Taken::Any,
            Piece::One => Taken::of(true),
            Piece::Char(c) => Taken::of(c == text[t]),
        },
        |p| pieces[p] == Piece::Any,
    )
}

/// Replaces the variables. Wildcards within a variable's value are plain characters.
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

/// The pattern with every variable replaced by a wildcard.
pub(in crate::policy) fn widest(version: Version, pattern: &str) -> Vec<Piece> {
    let (mut pieces, mut rest) = (Vec::new(), pattern);
    while let Some(c) = rest.chars().next() {
        rest = if let Some((_, after)) = variable(version, rest) {
            pieces.push(Piece::Any);
            after
        } else {
            pieces.push(wildcard(c));
            &rest[c.len_utf8()..]
        };
    }
    pieces
}

/// The variable at the start of the text, and the rest.
fn variable(version: Version, text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix("${").filter(|_| version == Version::V2012)?;
    // `${*}`, `${?}` and `${$}` are the characters themselves; a default may contain any character except a quote.
    let quote_end = inner.split_once('\'').filter(|(before, _)| !before.contains('}'));
    let end = match quote_end {
        Some((before, after)) => {
            let close = after.find('\'')?;
            let start = before.len() + 1 + close + 1;
            start + inner[start..].find('}')?
        }
        None => inner.find('}')?,
    };
    let (inner, after) = (&inner[..end], &inner[end + 1..]);
    // AWS: with spaces around the name, it is not a variable.
    let key = inner.split_once(',').map_or(inner, |(key, _)| key);
    (!key.contains(char::is_whitespace)).then_some((inner, after))
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
        // A multivalued key cannot be used as a variable.
        (Some(Known::Absent | Known::Many(_)), Some(default)) => Value::Is(default.to_owned()),
        (Some(Known::Absent | Known::Many(_)), None) => Value::Absent(key.to_owned()),
        (None, _) => Value::Unknown(key.to_owned()),
    }
}

/// How one part of a pattern matches one character.
enum Taken {
    /// It is `*`.
    Any,
    /// It matches the character.
    Takes,
    /// It does not.
    Fails,
}

impl Taken {
    fn of(takes: bool) -> Self {
        if takes { Self::Takes } else { Self::Fails }
    }
}

/// Matches without recursion: after a mismatch, the last `*` takes one more character. At worst it takes the product
/// of the lengths.
fn glob(pattern: usize, text: usize, step: impl Fn(usize, usize) -> Taken, is_any: impl Fn(usize) -> bool) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text {
        match if p < pattern { step(p, t) } else { Taken::Fails } {
            Taken::Any => {
                star = Some((p, t));
                p += 1;
            }
            Taken::Takes => {
                p += 1;
                t += 1;
            }
            Taken::Fails => {
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
