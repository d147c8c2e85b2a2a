//! The grammar of the AWS files: one pass over a text, which records spans and copies nothing.
//!
//! It is the grammar of the Rust SDK (`aws-runtime`, `env_config`), which the test module `oracle` compares it with. In
//! addition, as in the AWS CLI, a byte order mark is skipped, a quoted name in the config file may contain any
//! printable characters, and a name in the credentials file may contain spaces; and if the first property of a section
//! is indented, that depth counts as none, as in the AWS CLI, boto3 and the SDKs for Go and JavaScript. Anything else
//! that the SDK refuses is a [`Fault`] for the whole file; what it ignores becomes a note. Pure and total: every text
//! gives one or the other.

mod header;

use std::ops::Range;

use super::{Holds, SectionKind, WhichFile};
use header::{section, unquoted_mark};

pub(super) use header::{is_identifier, is_of_identifier};

/// The white space around names and values: not `char::is_whitespace`, nor `\r`.
pub(super) const BLANK: [char; 2] = [' ', '\t'];
/// Characters that can take away the special meaning of others in a section's name.
const QUOTING: [char; 3] = ['"', '\'', '\\'];
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The rule that a line breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// `[profile x`
    #[error("a section header must end with `]`")]
    SectionUnclosed,
    /// A property or a continuation line before the first section.
    #[error("a section such as `[default]` must come first")]
    KeyBeforeSection,
    /// `region`
    #[error("there is no `=` after the key")]
    NoEquals,
    /// `= eu-west-1`
    #[error("there is no key before the `=`")]
    NoKey,
    /// An indented line under `s3 =` without `=`, even if it is a comment.
    #[error("there is no `=` after the nested key (a comment must not be indented here)")]
    NestedNoEquals,
    /// An indented `= path` under `s3 =`.
    #[error("there is no nested key before the `=`")]
    NestedNoKey,
}

/// Why a section or a key is not used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Ignored {
    /// `[x]` in the config file.
    #[error("ignored, because profiles in the config file are written `[profile NAME]`")]
    NoPrefix,
    /// `[profile x]` in the credentials file.
    #[error("ignored, because profiles in the credentials file are written `[NAME]`")]
    Prefix,
    /// `[sso-session x]` in the credentials file.
    #[error("ignored, because such sections belong in the config file")]
    Misplaced,
    /// `[Profile x]`
    #[error("ignored, because the word before the name must be lower case")]
    KindInCapitals,
    /// `[profiles x]`
    #[error("ignored here and by the SDKs, because the word before the name is not `profile` (the AWS CLI reads it)")]
    AlmostProfile,
    /// `[profle x]`
    #[error("ignored, because sections of this kind have no meaning here")]
    UnknownKind,
    /// `[profile]`, `[]`, `[profile ""]`
    #[error("ignored, because the section has no name")]
    NoName,
    /// `[profile x!]`
    #[error(
        "ignored, because the name has characters other than `A-Za-z0-9_-/.%@:+` (the config file allows them in quotes)"
    )]
    IllegalName,
    /// `[profile "x]`, `[profile "x" y]`, a tab in quotes.
    #[error(
        "ignored, because the quoted name must be one word without control characters, and each quote must be closed"
    )]
    IllegalQuoted,
    /// `a b = c`
    #[error("the key is ignored, because it has characters other than `A-Za-z0-9_-/.%@:+`")]
    IllegalKey,
    /// `[default]` in a file that also has `[profile default]`, before or after it.
    #[error("ignored, because `[profile default]` replaces it (in the AWS CLI, the later of the two counts)")]
    OtherDefault,
}

/// An error that ends the reading.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Fault {
    pub(super) line: u32,
    pub(super) what: Malformed,
}

/// A range of bytes of the file on disk. `u32` halves the index; the length of the file was checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    fn new(start: usize, end: usize) -> Self {
        Self { start: small(start), end: small(end) }
    }

    fn shift(&mut self, by: u32) {
        self.start += by;
        self.end += by;
    }

    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// An offset or a count in a file whose length was checked to fit.
pub(super) fn small(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The text at a span recorded by the reader. The file was checked to be UTF-8, and spans end between characters.
pub(super) fn text(file: &[u8], span: Span) -> &str {
    std::str::from_utf8(&file[span.range()]).unwrap_or_default()
}

/// One property.
#[derive(Debug)]
pub(super) struct Entry {
    /// The key as written; only indentation precedes it on its line.
    pub(super) key: Span,
    /// The value on the key's line; empty and directly after the `=` if there is none.
    pub(super) value: Span,
    /// Where the last continuation line ends, else the end of `value`.
    pub(super) end: u32,
    pub(super) line: u32,
    /// The indentation of the properties of its section: lines that are indented further continue it.
    pub(super) depth: u32,
}

impl Entry {
    /// Where its first line starts.
    pub(super) fn line_start(&self, file: &[u8]) -> usize {
        let key = self.key.start as usize;
        key - file[..key].iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
    }
}

/// A section's name.
#[derive(Debug)]
pub(super) enum Name {
    At(Span),
    Unquoted(Box<str>),
}

impl Name {
    pub(super) fn bytes<'a>(&'a self, file: &'a [u8]) -> &'a [u8] {
        match self {
            Self::At(span) => &file[span.range()],
            Self::Unquoted(name) => name.as_bytes(),
        }
    }

    pub(super) fn text<'a>(&'a self, file: &'a [u8]) -> &'a str {
        match self {
            Self::At(span) => text(file, *span),
            Self::Unquoted(name) => name,
        }
    }
}

/// A section header, and the range of properties after it.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) origin: WhichFile,
    pub(super) kind: SectionKind,
    pub(super) name: Name,
    /// The text between the brackets, without the white space around it.
    pub(super) written: Span,
    pub(super) line: u32,
    /// Is it the first header with its kind and name?
    pub(super) leads: bool,
    first: u32,
    after: u32,
}

impl Header {
    /// Its range in [`Found::entries`].
    pub(super) fn entries(&self) -> Range<usize> {
        self.first as usize..self.after as usize
    }
}

/// What was ignored.
#[derive(Debug)]
pub(super) struct NoteAt {
    pub(super) what: Ignored,
    pub(super) origin: WhichFile,
    pub(super) section: Span,
    pub(super) line: u32,
    pub(super) holds: Holds,
}

/// A line that the Rust SDK reads as the continuation of a property that does not exist, so that it refuses the file.
#[derive(Debug)]
pub(super) struct IndentedAt {
    pub(super) origin: WhichFile,
    pub(super) line: u32,
}

/// Everything in the files, in order.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) headers: Vec<Header>,
    pub(super) entries: Vec<Entry>,
    pub(super) notes: Vec<NoteAt>,
    pub(super) indented: Vec<IndentedAt>,
}

/// Adds the contents of a file.
pub(super) fn read(origin: WhichFile, text: &str, found: &mut Found) -> Result<(), Fault> {
    // About the length of a property and of a section in real files; growing step by step would cost a tenth of the
    // reading time.
    found.entries.reserve(text.len() / 36);
    found.headers.reserve(text.len() / 110);
    let mut reader = Reader::new(origin, text, found);
    let start = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
    reader.lines(start..text.len(), 1)?;
    reader.drop_other_default();
    Ok(())
}

/// Adds the contents of a part of a text: a section header and the lines below it. `at` is the offset of that header in
/// the text, and its line number.
pub(super) fn read_section(origin: WhichFile, part: &str, at: (u32, u32), found: &mut Found) -> Result<(), Fault> {
    let (start, first) = at;
    let (headers, entries, notes) = (found.headers.len(), found.entries.len(), found.notes.len());
    Reader::new(origin, part, found).lines(0..part.len(), first)?;
    for header in &mut found.headers[headers..] {
        header.written.shift(start);
        if let Name::At(span) = &mut header.name {
            span.shift(start);
        }
    }
    for entry in &mut found.entries[entries..] {
        entry.key.shift(start);
        entry.value.shift(start);
        entry.end += start;
    }
    found.notes[notes..].iter_mut().for_each(|note| note.section.shift(start));
    Ok(())
}

/// Does a line after a property belong to its value? Blank lines do not, nor do comments that are indented like the
/// properties.
pub(super) fn is_continuation(line: &str, depth: u32) -> bool {
    let indented = indentation(line);
    indented > depth as usize && indented < line.len()
}

/// The number of leading spaces and tabs.
fn indentation(line: &str) -> usize {
    line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

#[derive(Clone, Copy)]
enum State {
    Start,
    Section,
    /// After a property; `entry` is `None` if the property is ignored. After an empty value, every continuation line
    /// must itself be a property.
    Property {
        entry: Option<usize>,
        nested: bool,
    },
}

/// Where a `#` or `;` starts a comment.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Comments {
    Anywhere,
    AfterWhiteSpace,
}

struct Reader<'a> {
    origin: WhichFile,
    text: &'a str,
    found: &'a mut Found,
    /// The number of headers from files read before this one.
    known: usize,
    state: State,
    /// The current section as written, and whether it is ignored.
    section: Option<(Span, bool)>,
    /// The indentation of its properties.
    depth: usize,
}

impl<'a> Reader<'a> {
    fn new(origin: WhichFile, text: &'a str, found: &'a mut Found) -> Self {
        let known = found.headers.len();
        Self { origin, text, found, known, state: State::Start, section: None, depth: 0 }
    }

    fn lines(&mut self, lines: Range<usize>, first: u32) -> Result<(), Fault> {
        let (text, mut start) = (self.text, lines.start);
        for (number, line) in (first..).zip(text[lines].split_inclusive('\n')) {
            // A lone `\r` does not end a line, not even at the end of the file.
            let shown = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
            self.line(number, start, start + shown.len()).map_err(|what| Fault { line: number, what })?;
            start += line.len();
        }
        Ok(())
    }

    fn line(&mut self, number: u32, start: usize, end: usize) -> Result<(), Malformed> {
        let indented = indentation(&self.text[start..end]);
        if indented > self.depth {
            return self.deeper(number, start, end, indented);
        }
        let start = start + indented;
        match self.text.as_bytes()[start..end].first() {
            None | Some(b'#' | b';') => Ok(()),
            Some(b'[') => self.header(number, start, end),
            Some(_) => self.property(number, start, end),
        }
    }

    /// A line that is indented further than the section's properties.
    fn deeper(&mut self, number: u32, start: usize, end: usize, indented: usize) -> Result<(), Malformed> {
        let begins = self.text.as_bytes()[start..end].get(indented).copied();
        let start = start + indented;
        match (self.state, begins) {
            (_, None) => return Ok(()),
            (State::Property { entry, nested }, _) => return self.continuation(entry, nested, start, end),
            (State::Start, Some(byte)) if !b"#;[".contains(&byte) => return Err(Malformed::KeyBeforeSection),
            _ => {}
        }
        self.found.indented.push(IndentedAt { origin: self.origin, line: number });
        match begins {
            Some(b'#' | b';') => Ok(()),
            Some(b'[') => self.header(number, start, end),
            _ => {
                self.depth = indented;
                self.property(number, start, end)
            }
        }
    }

    fn header(&mut self, number: u32, start: usize, end: usize) -> Result<(), Malformed> {
        let (start, end) = self.section_body(start, end);
        if !self.text[start + 1..end].ends_with(']') {
            return Err(Malformed::SectionUnclosed);
        }
        let (from, to) = self.trim(start + 1, end - 1);
        let span = Span::new(from, to);
        match section(self.origin, &self.text[from..to], from) {
            Ok((kind, name)) => {
                let first = small(self.found.entries.len());
                let (origin, line) = (self.origin, number);
                let header = Header { origin, kind, name, written: span, line, leads: false, first, after: first };
                self.found.headers.push(header);
                self.section = Some((span, false));
            }
            Err(what) => {
                let (origin, line, holds) = (self.origin, number, Holds::default());
                self.found.notes.push(NoteAt { what, origin, section: span, line, holds });
                self.section = Some((span, true));
            }
        }
        self.state = State::Section;
        self.depth = 0;
        Ok(())
    }

    fn property(&mut self, number: u32, start: usize, end: usize) -> Result<(), Malformed> {
        let (section, ignored) = self.section.ok_or(Malformed::KeyBeforeSection)?;
        let (start, end) = self.body(start, end, Comments::AfterWhiteSpace);
        let equals = self.equals(start, end).ok_or(Malformed::NoEquals)?;
        let (key, value) = (self.trim(start, equals), self.trim(equals + 1, end));
        if key.0 == key.1 {
            return Err(Malformed::NoKey);
        }
        let legal = is_identifier(&self.text[key.0..key.1]);
        let entry = (legal && !ignored).then_some(self.found.entries.len());
        if entry.is_some() {
            let (key, value) = (Span::new(key.0, key.1), Span::new(value.0, value.1));
            let depth = small(self.depth);
            self.found.entries.push(Entry { key, value, end: value.end, line: number, depth });
            if let Some(header) = self.found.headers.last_mut() {
                header.after += 1;
            }
        } else if ignored {
            // The last note is about the section itself; its keys add no notes.
            if let Some(note) = self.found.notes.last_mut() {
                note.holds.add(&self.text[key.0..key.1]);
            }
        } else {
            let (what, origin, holds) = (Ignored::IllegalKey, self.origin, Holds::default());
            self.found.notes.push(NoteAt { what, origin, section, line: number, holds });
        }
        self.state = State::Property { entry, nested: value.0 == value.1 };
        Ok(())
    }

    /// A continuation line of a property; the span excludes its leading white space.
    fn continuation(&mut self, entry: Option<usize>, nested: bool, start: usize, end: usize) -> Result<(), Malformed> {
        if nested {
            let (start, end) = self.body(start, end, Comments::AfterWhiteSpace);
            let equals = self.equals(start, end).ok_or(Malformed::NestedNoEquals)?;
            if self.trim(start, equals).0 == equals {
                return Err(Malformed::NestedNoKey);
            }
        }
        if let Some(entry) = entry {
            self.found.entries[entry].end = small(self.trim(start, end).1);
        }
        Ok(())
    }

    /// `[profile default]` replaces every `[default]` of the config file, in any order.
    fn drop_other_default(&mut self) {
        let (origin, text, known) = (self.origin, self.text, self.known);
        let is_default = |header: &Header| {
            header.kind == SectionKind::Profile && header.name.bytes(text.as_bytes()) == b"default".as_slice()
        };
        // The name may be surrounded by white space other than spaces and tabs: it is still the bare one.
        let is_bare = |header: &Header| text[header.written.range()].trim() == "default";
        let ours = &self.found.headers[known..];
        if origin != WhichFile::Config || !ours.iter().any(|header| is_default(header) && !is_bare(header)) {
            return;
        }
        let (notes, entries) = (&mut self.found.notes, &self.found.entries);
        self.found.headers.retain(|header| {
            let dropped = is_default(header) && is_bare(header);
            if dropped {
                let (section, line, mut holds) = (header.written, header.line, Holds::default());
                entries[header.entries()].iter().for_each(|entry| holds.add(&text[entry.key.range()]));
                notes.push(NoteAt { what: Ignored::OtherDefault, origin, section, line, holds });
            }
            !dropped
        });
        notes.sort_by_key(|note| note.line);
    }

    /// A section header without its comment: within quotes, characters do not start a comment, provided that the header
    /// is then complete.
    fn section_body(&self, start: usize, end: usize) -> (usize, usize) {
        let plain = self.body(start, end, Comments::Anywhere);
        // Quotes have a meaning only in the AWS CLI's config file; without a quote before it, a mark always starts a
        // comment.
        if self.origin != WhichFile::Config || !self.text[plain.0..plain.1].contains(QUOTING) {
            return plain;
        }
        let line = &self.text[start..end];
        let sheltered = unquoted_mark(line).map(|at| self.trim(start, start + at));
        sheltered.filter(|(start, end)| self.text[*start..*end].ends_with(']')).unwrap_or(plain)
    }

    /// A line without its comment and surrounding white space.
    fn body(&self, start: usize, end: usize, comments: Comments) -> (usize, usize) {
        let (start, end) = self.trim(start, end);
        let line = &self.text[start..end];
        let begins = |at: usize| {
            comments == Comments::Anywhere || line[..at].chars().next_back().is_some_and(char::is_whitespace)
        };
        let marks = line.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'#' | b';'));
        match marks.map(|(at, _)| at).find(|at| begins(*at)) {
            Some(at) => self.trim(start, start + at),
            None => (start, end),
        }
    }

    fn trim(&self, mut start: usize, mut end: usize) -> (usize, usize) {
        let bytes = self.text.as_bytes();
        while end > start && matches!(bytes[end - 1], b' ' | b'\t') {
            end -= 1;
        }
        while start < end && matches!(bytes[start], b' ' | b'\t') {
            start += 1;
        }
        (start, end)
    }

    fn equals(&self, start: usize, end: usize) -> Option<usize> {
        self.text.as_bytes()[start..end].iter().position(|byte| *byte == b'=').map(|at| start + at)
    }
}
