//! Section headers: the kind and the name of the section.

use super::{BLANK, Ignored, Name, QUOTING, SectionKind, Span, WhichFile};

/// The section opened by `[written]`, where `written` starts at byte `start`.
pub(super) fn section(origin: WhichFile, written: &str, start: usize) -> Result<(SectionKind, Name), Ignored> {
    let Some((prefix, rest)) = written.split_once(BLANK) else {
        let name = named(written.trim())?;
        let at = start + (written.len() - written.trim_start().len());
        return match (origin, name, kind(name)) {
            (WhichFile::Config, "default", _) | (WhichFile::Credentials, _, _) => {
                Ok((SectionKind::Profile, plain(name, at)?))
            }
            (WhichFile::Config, _, Some(SectionKind::Plugins)) => {
                Ok((SectionKind::Plugins, Name::At(Span::new(at, at))))
            }
            (WhichFile::Config, _, Some(_)) => Err(Ignored::NoName),
            (WhichFile::Config, _, None) => Err(Ignored::NoPrefix),
        };
    };
    match (origin, kind(prefix.trim())) {
        (WhichFile::Config, Some(kind)) => {
            let name = named(rest.trim())?;
            let at = start + (written.len() - rest.trim_start().len());
            Ok((kind, if name.contains(QUOTING) { unquote(rest.trim_matches(BLANK))? } else { plain(name, at)? }))
        }
        (WhichFile::Config, None) => Err(no_kind(prefix)),
        (WhichFile::Credentials, Some(SectionKind::Profile)) => Err(Ignored::Prefix),
        (WhichFile::Credentials, Some(_)) => Err(Ignored::Misplaced),
        // The AWS CLI takes the rest as the name, including spaces.
        (WhichFile::Credentials, None) if written.split(' ').all(is_identifier) => {
            Ok((SectionKind::Profile, Name::At(Span::new(start, start + written.len()))))
        }
        (WhichFile::Credentials, None) => Err(Ignored::IllegalName),
    }
}

fn kind(prefix: &str) -> Option<SectionKind> {
    match prefix {
        "profile" => Some(SectionKind::Profile),
        "sso-session" => Some(SectionKind::SsoSession),
        "services" => Some(SectionKind::Services),
        "plugins" => Some(SectionKind::Plugins),
        _ => None,
    }
}

/// Why that word is not a kind. The AWS CLI looks only at its first letters.
fn no_kind(prefix: &str) -> Ignored {
    match prefix {
        _ if kind(&prefix.to_ascii_lowercase()).is_some() => Ignored::KindInCapitals,
        _ if prefix.starts_with("profile") => Ignored::AlmostProfile,
        _ => Ignored::UnknownKind,
    }
}

fn named(name: &str) -> Result<&str, Ignored> {
    if name.is_empty() { Err(Ignored::NoName) } else { Ok(name) }
}

fn plain(name: &str, at: usize) -> Result<Name, Ignored> {
    is_identifier(name).then(|| Name::At(Span::new(at, at + name.len()))).ok_or(Ignored::IllegalName)
}

/// The AWS CLI splits a section header like a shell and requires one word after the kind. Whatever it allows in that
/// word is allowed here, except control characters.
fn unquote(name: &str) -> Result<Name, Ignored> {
    match one_word(name) {
        Some(word) if word.is_empty() => Err(Ignored::NoName),
        Some(word) if !word.contains(char::is_control) => Ok(Name::Unquoted(word.into())),
        _ => Err(Ignored::IllegalQuoted),
    }
}

/// The single word in the text, parsed like Python's `shlex`. This is not how a shell parses it: in double quotes a
/// backslash escapes only `"` and itself; before a `$` or a backquote it is kept.
fn one_word(text: &str) -> Option<String> {
    let mut word = String::with_capacity(text.len());
    let mut open = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (open, c) {
            (None, ' ' | '\t') => return None,
            (None, '"' | '\'') => open = Some(c),
            (Some(quote), _) if c == quote => open = None,
            (None, '\\') => word.push(chars.next()?),
            (Some('"'), '\\') => match chars.next()? {
                escaped @ ('"' | '\\') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            _ => word.push(c),
        }
    }
    open.is_none().then_some(word)
}

/// Where the first `#` or `;` outside quotes is, else the end; `None` if a quote before it is not closed.
pub(super) fn unquoted_mark(line: &str) -> Option<usize> {
    let mut open = None;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match (open, c) {
            (None, '#' | ';') => return Some(at),
            (None, '"' | '\'') => open = Some(c),
            (Some(quote), _) if c == quote => open = None,
            (None | Some('"'), '\\') => drop(chars.next()),
            _ => {}
        }
    }
    open.is_none().then_some(line.len())
}

/// Do all characters belong to those that names and keys consist of?
pub(in super::super) fn is_identifier(text: &str) -> bool {
    text.bytes().all(is_of_identifier)
}

/// Does it belong to them?
pub(in super::super) const fn is_of_identifier(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'/' | b'.' | b'%' | b'@' | b':' | b'+')
}
