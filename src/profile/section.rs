//! The content of a profile: the sections with one kind and name, merged, and their properties, each with its place.

use std::borrow::Cow;
use std::collections::btree_map::{BTreeMap, Entry as Known};
use std::fmt;
use std::ops::Range;

use super::index::{Index, Slot};
use super::read::{self, Entry, Header};
use super::{Location, Overlooked, ProfileSet, WhichFile};

/// A profile: a section of [`SectionKind::Profile`].
pub type Profile<'a> = Section<'a>;

/// All sections with one kind and name, merged: later lines win, and the credentials file wins over the config file.
#[derive(Clone, Copy)]
pub struct Section<'a> {
    pub(super) set: &'a ProfileSet,
    pub(super) index: &'a Index,
    /// Never empty.
    pub(super) headers: &'a [Slot],
}

impl<'a> Section<'a> {
    /// The name, unquoted and without its kind.
    pub fn name(self) -> &'a str {
        let first = &self.index.found.headers[self.headers[0].header as usize];
        first.name.text(self.set.bytes(first.origin))
    }

    /// The header as written between its brackets, where the section first appears.
    pub(super) fn written(self) -> &'a str {
        let first = &self.index.found.headers[self.headers[0].header as usize];
        read::text(self.set.bytes(first.origin), first.written)
    }

    /// The same in one of the files, if the section appears there.
    pub(super) fn header_in(self, origin: WhichFile) -> Option<&'a str> {
        let mut headers = self.headers.iter().map(|slot| &self.index.found.headers[slot.header as usize]);
        let header = headers.rfind(|header| header.origin == origin)?;
        Some(read::text(self.set.bytes(origin), header.written))
    }

    /// Where the section first appears.
    pub fn place(self) -> Location {
        let first = &self.index.found.headers[self.headers[0].header as usize];
        self.set.file(first.origin).place(first.line)
    }

    /// Sections that would also belong to this profile if they were written differently.
    pub fn overlooked(self) -> Vec<Overlooked> {
        self.set.overlooked(self.name())
    }

    /// The property that wins; the key is compared without regard to case.
    pub fn get(self, key: &str) -> Option<Property<'a>> {
        self.all().rfind(|property| property.is_named(key))
    }

    /// The same, if its value is not empty: `aws configure set KEY ""` clears a key, so an empty value counts as
    /// absent.
    pub fn filled(self, key: &str) -> Option<Property<'a>> {
        self.get(key).filter(|property| !property.is_empty())
    }

    /// The session token, under its current name or else its old one, as in the AWS CLI.
    pub fn session_token(self) -> Option<Property<'a>> {
        self.filled("aws_session_token").or_else(|| self.filled("aws_security_token"))
    }

    /// The identifier of the profile's sealed access key. Keys in the files come before it, as the SDKs see no other.
    ///
    /// # Errors
    /// Why that cannot be known, in words.
    pub fn sealed_key(self) -> Result<Option<String>, String> {
        self.set.sealed.as_ref().map_or(Ok(None), |keys| keys.access_key_id(self.name()))
    }

    /// The expiration times that tools write into files with a session, each under its own key.
    pub fn expirations(self) -> impl Iterator<Item = Property<'a>> {
        const KEYS: [&str; 4] =
            ["x_security_token_expires", "aws_session_expiration", "aws_credential_expiration", "expiration"];
        KEYS.into_iter().filter_map(move |key| self.filled(key))
    }

    /// Every line that sets the key, in order of precedence: the last one wins.
    pub fn occurrences(self, key: &str) -> impl Iterator<Item = Property<'a>> {
        self.all().filter(move |property| property.is_named(key))
    }

    /// The properties that win, ordered by the first appearance of their keys.
    pub fn properties(self) -> Vec<Property<'a>> {
        let mut slots = BTreeMap::new();
        let mut merged: Vec<Property<'a>> = Vec::new();
        for property in self.all() {
            match slots.entry(property.key()) {
                Known::Occupied(slot) => merged[*slot.get()] = property,
                Known::Vacant(slot) => {
                    slot.insert(merged.len());
                    merged.push(property);
                }
            }
        }
        merged
    }

    fn all(self) -> impl DoubleEndedIterator<Item = Property<'a>> {
        let set = self.set;
        self.headers().flat_map(move |(header, entries)| {
            let origin = header.origin;
            entries.iter().map(move |entry| Property { set, origin, entry })
        })
    }

    /// The headers, in order of precedence, each with the properties below it.
    pub(super) fn headers(self) -> impl DoubleEndedIterator<Item = (&'a Header, &'a [Entry])> {
        let found = &self.index.found;
        self.headers.iter().map(move |slot| {
            let header = &found.headers[slot.header as usize];
            (header, &found.entries[header.entries()])
        })
    }
}

impl fmt::Debug for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Section({:?} at {})", self.name(), self.place())
    }
}

/// A key and its value, which may continue on the following lines.
#[derive(Clone, Copy)]
pub struct Property<'a> {
    pub(super) set: &'a ProfileSet,
    pub(super) origin: WhichFile,
    pub(super) entry: &'a Entry,
}

impl<'a> Property<'a> {
    /// The key in lowercase.
    pub fn key(self) -> Cow<'a, str> {
        let key = read::text(self.bytes(), self.entry.key);
        if key.bytes().any(|byte| byte.is_ascii_uppercase()) { key.to_ascii_lowercase().into() } else { key.into() }
    }

    /// The value without surrounding white space and without the comment after it. Continuation lines follow, each
    /// after a `\n`, with the comments among them, as in the SDKs. It may be a secret, depending on the key.
    pub fn value(self) -> Cow<'a, str> {
        let first = read::text(self.bytes(), self.entry.value);
        if !self.is_continued() {
            return first.into();
        }
        let mut value = first.to_owned();
        for line in self.continuation() {
            value.push('\n');
            value.push_str(line);
        }
        value.into()
    }

    /// The value of the last nested property with that name, compared with case. One may be on the key's own line (`sts
    /// = endpoint_url = …`), as in the SDKs.
    pub fn nested(self, name: &str) -> Option<&'a str> {
        std::iter::once(read::text(self.bytes(), self.entry.value))
            .chain(self.continuation())
            .filter_map(|line| line.split_once('='))
            .filter(|(key, _)| key.trim_matches(read::BLANK) == name)
            .map(|(_, value)| value.trim_matches(read::BLANK))
            .last()
    }

    /// Where the key is.
    pub fn place(self) -> Location {
        self.set.file(self.origin).place(self.entry.line)
    }

    /// The file that contains it.
    pub fn origin(self) -> WhichFile {
        self.origin
    }

    /// The bytes of the value in its file, including continuation lines but not the comment after a single line.
    pub fn span(self) -> Range<usize> {
        self.entry.value.start as usize..self.entry.end as usize
    }

    /// The bytes of all its lines in its file, including indentation, key, comment and the last line ending.
    pub fn lines_span(self) -> Range<usize> {
        let end = self.entry.end as usize;
        let rest = self.bytes()[end..].iter().position(|byte| *byte == b'\n');
        self.entry.line_start(self.bytes())..rest.map_or(self.bytes().len(), |at| end + at + 1)
    }

    fn is_named(self, key: &str) -> bool {
        self.bytes()[self.entry.key.range()].eq_ignore_ascii_case(key.as_bytes())
    }

    fn is_empty(self) -> bool {
        self.entry.value.range().is_empty() && !self.is_continued()
    }

    fn is_continued(self) -> bool {
        self.entry.end > self.entry.value.end
    }

    /// The continuation lines of the value, without surrounding white space.
    fn continuation(self) -> impl Iterator<Item = &'a str> {
        self.lines_after()
            .filter(move |line| read::is_continuation(line, self.entry.depth))
            .map(|line| line.trim_matches(read::BLANK))
    }

    /// The same, together with the blank and comment lines between them, as written.
    pub(super) fn lines_after(self) -> impl Iterator<Item = &'a str> {
        let after = read::Span { start: self.entry.value.end, end: self.entry.end };
        read::text(self.bytes(), after).lines().skip(1)
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        self.set.bytes(self.origin)
    }
}

impl fmt::Debug for Property<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Property({:?} at {})", self.key(), self.place())
    }
}
