//! Where the sections of two ordinary files start, found in one pass at the speed of searching for line feeds.
//!
//! In: the two texts. Out: the positions of the section headers, or nothing. Every line is looked at, but only far
//! enough to know that the reader in `read.rs` would find neither an error nor an ignored section. Anything unusual (a
//! comment after a section header, a quoted name, a property without an `=`) gives no outline, and that reader reads
//! the whole files. So an outline adds no grammar of its own: it never decides what something means, and requested
//! sections are read by the same reader, from where they start. Tests compare the two.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::BuildHasherDefault;
use std::sync::OnceLock;

use memchr::{memchr, memchr_iter};

use super::index::{Index, Texts};
use super::read::{Found, is_identifier, is_of_identifier, read_section, small};
use super::{SectionKind, WhichFile};

/// The number of sections that are read one by one; for a caller that needs more, the whole files are read. No chain
/// has as many.
const MOST: usize = 96;

/// The outlines of both files, and what was read with them.
#[derive(Debug)]
pub(super) struct Outlines {
    /// Where each section header starts, in the order of [`WhichFile`].
    starts: [Vec<u32>; 2],
    parts: OnceLock<Box<Part>>,
}

/// What was read for one name. A list, because callers keep references while more is read.
#[derive(Debug)]
struct Part {
    kind: SectionKind,
    name: Box<str>,
    index: Index,
    next: OnceLock<Box<Part>>,
}

impl Outlines {
    /// `None` if either text contains anything unusual.
    pub(super) fn of([config, credentials]: Texts<'_>) -> Option<Self> {
        let starts = [outline(WhichFile::Config, config)?, outline(WhichFile::Credentials, credentials)?];
        Some(Self { starts, parts: OnceLock::new() })
    }

    /// The sections of these texts with that kind and name. `None` once so many were requested that reading everything
    /// costs less.
    pub(super) fn part(&self, texts: Texts<'_>, kind: SectionKind, name: &str) -> Option<&Index> {
        let mut next = &self.parts;
        for _ in 0..MOST {
            let part = next.get_or_init(|| Box::new(self.read(texts, kind, name)));
            if part.kind == kind && *part.name == *name {
                return Some(&part.index);
            }
            next = &part.next;
        }
        None
    }

    fn read(&self, texts: Texts<'_>, kind: SectionKind, name: &str) -> Part {
        let mut found = Found::default();
        for origin in [WhichFile::Config, WhichFile::Credentials] {
            let (text, starts) = (texts[origin as usize], &self.starts[origin as usize]);
            let lines = written(origin, kind, name);
            let is_it = |start: usize| lines.iter().any(|line| text[start..].starts_with(line.as_bytes()));
            // Lines are counted from the last section that was found: one that is repeated thousands of times would
            // otherwise take quadratic time.
            let (mut counted, mut line) = (0, 1);
            for (at, start) in starts.iter().map(|start| *start as usize).enumerate().filter(|(_, start)| is_it(*start))
            {
                let end = starts.get(at + 1).map_or(text.len(), |next| *next as usize);
                let section = std::str::from_utf8(&text[start..end]).expect("the text was checked when it was loaded");
                line += small(memchr_iter(b'\n', &text[counted..start]).count());
                counted = start;
                let read = read_section(origin, section, (small(start), line), &mut found);
                read.expect("an outline is made only of files without a fault");
            }
        }
        Part { kind, name: name.into(), index: Index::of(found, texts), next: OnceLock::new() }
    }

    /// The names of the sections of a kind, without duplicates, in order of first appearance.
    pub(super) fn names<'a>(&self, texts: Texts<'a>, kind: SectionKind) -> Vec<&'a str> {
        let all = [WhichFile::Config, WhichFile::Credentials].into_iter().flat_map(|origin| {
            let (text, starts) = (texts[origin as usize], &self.starts[origin as usize]);
            starts.iter().filter_map(move |start| name(origin, kind, &text[*start as usize..]))
        });
        // Names are no secrets, and whoever writes the file harms nobody else: the hash need not be random.
        let mut known: HashSet<&str, BuildHasherDefault<DefaultHasher>> = HashSet::default();
        all.filter(|name| known.insert(*name)).collect()
    }

    /// Is there a profile whose name differs from this one only in case?
    pub(super) fn has_of_other_case(&self, texts: Texts<'_>, name: &str) -> bool {
        let name = name.as_bytes();
        let is_alike = |origin, line| {
            let there = profile_name(origin, line).filter(|there| there.get(name.len()) == Some(&b']'));
            there.is_some_and(|there| there[..name.len()].eq_ignore_ascii_case(name) && !there.starts_with(name))
        };
        [WhichFile::Config, WhichFile::Credentials].into_iter().any(|origin| {
            let text = texts[origin as usize];
            self.starts[origin as usize].iter().any(|start| is_alike(origin, &text[*start as usize..]))
        })
    }
}

/// The text from where the name starts in a profile's header to the end of the file.
fn profile_name(origin: WhichFile, line: &[u8]) -> Option<&[u8]> {
    match origin {
        WhichFile::Credentials => Some(&line[1..]),
        WhichFile::Config if line.starts_with(b"[default]") => Some(&line[1..]),
        WhichFile::Config => line.strip_prefix(b"[profile "),
    }
}

/// The name in a section header, if the section is of that kind.
fn name(origin: WhichFile, kind: SectionKind, line: &[u8]) -> Option<&str> {
    let rest = match kind {
        SectionKind::Profile => profile_name(origin, line)?,
        _ if origin == WhichFile::Credentials => return None,
        SectionKind::SsoSession => line.strip_prefix(b"[sso-session ")?,
        SectionKind::Services => line.strip_prefix(b"[services ")?,
        // It has no name.
        SectionKind::Plugins => return line.starts_with(b"[plugins]").then_some(""),
    };
    std::str::from_utf8(&rest[..while_in(&IDENTIFIER, rest)]).ok()
}

/// The ways to write the header of a section with that kind and name in an ordinary file.
fn written(origin: WhichFile, kind: SectionKind, name: &str) -> Vec<String> {
    if !is_identifier(name) || name.is_empty() != (kind == SectionKind::Plugins) {
        return Vec::new();
    }
    match (origin, kind) {
        (WhichFile::Credentials, SectionKind::Profile) => vec![format!("[{name}]")],
        (WhichFile::Credentials, _) => Vec::new(),
        (WhichFile::Config, SectionKind::Profile) if name == "default" => {
            vec!["[default]".into(), "[profile default]".into()]
        }
        (WhichFile::Config, SectionKind::Profile) => vec![format!("[profile {name}]")],
        (WhichFile::Config, SectionKind::SsoSession) => vec![format!("[sso-session {name}]")],
        (WhichFile::Config, SectionKind::Services) => vec![format!("[services {name}]")],
        (WhichFile::Config, SectionKind::Plugins) => vec!["[plugins]".into()],
    }
}

/// Where the section headers of an ordinary text start; `None` for any other text.
fn outline(origin: WhichFile, text: &[u8]) -> Option<Vec<u32>> {
    // About the length of a profile in real files.
    let mut starts = Vec::with_capacity(text.len() / 100);
    let mut defaults = Defaults::default();
    // Can an indented line continue the line above it?
    let mut is_in_property = false;
    let mut start = 0;
    while let Some(line) = text.get(start..).filter(|line| !line.is_empty()) {
        let checked = match line[0] {
            b'[' => {
                let length = section(origin, line, &mut defaults)?;
                starts.push(small(start));
                is_in_property = false;
                length
            }
            b'#' | b';' | b'\n' => 0,
            b' ' | b'\t' => indented(line, is_in_property)?,
            b'\r' if line.get(1) == Some(&b'\n') => 1,
            _ if starts.is_empty() => return None,
            _ => {
                is_in_property = true;
                property(line)?
            }
        };
        start += checked + memchr(b'\n', &line[checked..]).map_or(line.len() - checked, |at| at + 1);
    }
    Some(starts)
}

/// The default profile can be written in two ways in the config file, and one replaces the other.
#[derive(Default)]
struct Defaults {
    bare: bool,
    with_prefix: bool,
}

/// The header of a section with a plain name; returns how far it was examined.
fn section(origin: WhichFile, line: &[u8], defaults: &mut Defaults) -> Option<usize> {
    let kind = match origin {
        WhichFile::Credentials => 1,
        WhichFile::Config if line.starts_with(b"[profile ") => b"[profile ".len(),
        WhichFile::Config if line.starts_with(b"[default]") || line.starts_with(b"[plugins]") => 1,
        WhichFile::Config if line.starts_with(b"[sso-session ") => b"[sso-session ".len(),
        WhichFile::Config if line.starts_with(b"[services ") => b"[services ".len(),
        WhichFile::Config => return None,
    };
    let close = kind + while_in(&IDENTIFIER, &line[kind..]);
    defaults.bare |= origin == WhichFile::Config && line.starts_with(b"[default]");
    defaults.with_prefix |= origin == WhichFile::Config && line.starts_with(b"[profile default]");
    let is_end = matches!(line[close..], [b']'] | [b']', b'\n', ..] | [b']', b'\r', b'\n', ..]);
    (is_end && close > kind && !(defaults.bare && defaults.with_prefix)).then_some(close)
}

/// A line with a key and an `=` that no comment could hide; returns the position of the `=`.
fn property(line: &[u8]) -> Option<usize> {
    let at = while_in(&BEFORE_EQUALS, line);
    (at > 0 && line.get(at) == Some(&b'=')).then_some(at)
}

/// A line that starts with white space: it is otherwise empty, or it could be a nested property, which any property
/// above it accepts.
fn indented(line: &[u8], is_in_property: bool) -> Option<usize> {
    let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match &line[blanks..] {
        [] | [b'\n', ..] | [b'\r', b'\n', ..] => Some(blanks),
        rest if is_in_property => property(rest).map(|at| blanks + at),
        _ => None,
    }
}

/// The bytes that belong to a class.
type Class = [bool; 256];

/// The bytes that names consist of.
const IDENTIFIER: Class = {
    let mut class = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        class[byte] = is_of_identifier(byte.to_le_bytes()[0]);
        byte += 1;
    }
    class
};

/// All bytes except those that end a line or a key, or that may start a comment.
const BEFORE_EQUALS: Class = {
    let mut class = [true; 256];
    class[b'=' as usize] = false;
    class[b'#' as usize] = false;
    class[b';' as usize] = false;
    class[b'\n' as usize] = false;
    class
};

/// The number of leading bytes that belong to the class. A table and a simple loop, since this dominates the cost of a
/// large file.
fn while_in(class: &Class, bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() && class[bytes[at] as usize] {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests;
