//! The profiles of `~/.aws/config` and `~/.aws/credentials`, every property with its file and line.
//!
//! In: the two files, through [`Files`]. Out: a [`ProfileSet`], which owns their bytes (they may hold access keys, so
//! they are zeroed with it) and an index of spans into them; values are decoded when asked for, so that thousands of
//! profiles cost a command that needs one of them little. It resolves nothing: chains, defaults and the meaning of a
//! value are the plan's. Only `edit.rs` writes, and neither its errors nor its `Debug` hold text from the files, except
//! the names of sections.

mod differences;
pub mod edit;
#[cfg(test)]
mod oracle;
mod read;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::hash_map::{DefaultHasher, Entry as Known, HashMap};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::host::Files;
use crate::secret::Secret;
use read::{Entry, Found, Header, Name};

pub use differences::{Difference, Differs};
pub use read::{Ignored, Malformed};

/// Why the files could not be read as profiles. Holds no text from them.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file is there and cannot be read, or is a directory.
    #[error("`{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is of 4 GiB or more, which its index cannot hold.
    #[error("`{}` is too large", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A line of the file is not UTF-8.
    #[error("{place}: the line is not UTF-8")]
    NotUtf8 {
        /// The line of the first byte that is wrong.
        place: Place,
    },
    /// A line breaks the grammar; the SDKs then refuse the whole file, and so does this.
    #[error("{place}: {what}")]
    Malformed {
        /// The line.
        place: Place,
        /// The rule that it breaks.
        what: Malformed,
    },
}

/// A line of a file. It shares the path, so that errors may keep it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The file, as it was given to [`ProfileSet::load`].
    pub file: Arc<Path>,
    /// Counted from 1.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Which of the two files.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Origin {
    /// `~/.aws/config`
    Config,
    /// `~/.aws/credentials`
    Credentials,
}

/// Whether a file was there. One that is not counts as empty, as in the SDKs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presence {
    /// It was read.
    Present,
    /// There is no such file.
    Missing,
}

/// What a section of the config file describes.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// `[profile NAME]` and `[default]`; in the credentials file, every section.
    Profile,
    /// `[sso-session NAME]`
    SsoSession,
    /// `[services NAME]`, whose nested properties are endpoints.
    Services,
    /// `[plugins]` of the AWS CLI, which has no name.
    Plugins,
}

#[derive(Debug)]
struct File {
    path: Arc<Path>,
    presence: Presence,
    /// As on disk, and known to be UTF-8. Bytes rather than a `String`, so that they are read, kept and zeroed once.
    text: Secret<Vec<u8>>,
}

/// Every profile of the two files.
#[derive(Debug)]
pub struct ProfileSet {
    files: [File; 2],
    found: Found,
    /// Every header, those of one section together and in order of precedence.
    sorted: Vec<Slot>,
}

/// A place in `found.headers`. Ordered by its hash first, since comparing names costs more; equal hashes do no harm.
#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u64,
    header: u32,
}

fn hash(kind: Kind, name: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind, name).hash(&mut hasher);
    hasher.finish()
}

impl ProfileSet {
    /// Reads the two files. A missing one is empty; see [`ProfileSet::sources`].
    pub fn load(files: &dyn Files, config: &Path, credentials: &Path) -> Result<Self, ProfileError> {
        Self::index([File::load(files, config)?, File::load(files, credentials)?])
    }

    /// Reads two texts that are in memory, as if they stood in files named `config` and `credentials`.
    pub fn parse(config: &str, credentials: &str) -> Result<Self, ProfileError> {
        let file = |path: &str, text: &str| File {
            path: Path::new(path).into(),
            presence: Presence::Present,
            text: Secret::new(text.as_bytes().to_vec()),
        };
        Self::index([file("config", config), file("credentials", credentials)])
    }

    fn index(files: [File; 2]) -> Result<Self, ProfileError> {
        let mut found = Found::default();
        // The order is the precedence: what the credentials file says wins.
        for (file, origin) in files.iter().zip([Origin::Config, Origin::Credentials]) {
            read::read(origin, file.checked()?, &mut found)
                .map_err(|fault| ProfileError::Malformed { place: file.place(fault.line), what: fault.what })?;
        }
        let mut set = Self { files, found, sorted: Vec::new() };
        let mut sorted: Vec<Slot> = (0..).zip(&set.found.headers).map(|(at, header)| set.slot(at, header)).collect();
        sorted.sort_unstable_by(|a, b| set.compare(*a, *b).then(a.header.cmp(&b.header)));
        let mut before = None;
        for slot in &sorted {
            let leads = before.is_none_or(|before| set.compare(before, *slot).is_ne());
            set.found.headers[slot.header as usize].leads = leads;
            before = Some(*slot);
        }
        set.sorted = sorted;
        Ok(set)
    }

    fn slot(&self, at: u32, header: &Header) -> Slot {
        Slot { hash: hash(header.kind, header.name.bytes(self.bytes(header.origin))), header: at }
    }

    fn compare(&self, a: Slot, b: Slot) -> Ordering {
        a.hash.cmp(&b.hash).then_with(|| self.identity(a).cmp(&self.identity(b)))
    }

    fn identity(&self, slot: Slot) -> (Kind, &[u8]) {
        let header = &self.found.headers[slot.header as usize];
        (header.kind, header.name.bytes(self.bytes(header.origin)))
    }

    fn bytes(&self, origin: Origin) -> &[u8] {
        self.file(origin).text.expose()
    }

    fn file(&self, origin: Origin) -> &File {
        &self.files[origin as usize]
    }

    /// The two files, config first, and whether each was there.
    pub fn sources(&self) -> [(&Path, Presence); 2] {
        self.files.each_ref().map(|file| (&*file.path, file.presence))
    }

    /// The profile of exactly that name.
    pub fn get(&self, name: &str) -> Option<Profile<'_>> {
        self.section(Kind::Profile, name)
    }

    /// The section of that kind and name; `[plugins]` has the empty one.
    pub fn section(&self, kind: Kind, name: &str) -> Option<Section<'_>> {
        let (hash, wanted) = (hash(kind, name.as_bytes()), (kind, name.as_bytes()));
        let compare = |slot: &Slot| slot.hash.cmp(&hash).then_with(|| self.identity(*slot).cmp(&wanted));
        let rest = &self.sorted[self.sorted.partition_point(|slot| compare(slot).is_lt())..];
        let headers = &rest[..rest.partition_point(|slot| compare(slot).is_eq())];
        (!headers.is_empty()).then_some(Section { set: self, headers })
    }

    /// The names of all profiles, in order of first appearance, config before credentials.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names_of(Kind::Profile)
    }

    /// The names of all sections of one kind, in the same order.
    pub fn names_of(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.found
            .headers
            .iter()
            .filter(move |header| header.leads && header.kind == kind)
            .map(|header| header.name.text(self.bytes(header.origin)))
    }

    /// Up to three names that a person who typed `name` may have meant, the likeliest first.
    pub fn nearest(&self, name: &str) -> Vec<&str> {
        let wanted = name.to_lowercase();
        let mut near: Vec<(usize, &str)> =
            self.names().filter_map(|known| Some((distance(&wanted, &known.to_lowercase())?, known))).collect();
        near.sort_by_key(|(distance, _)| *distance);
        near.into_iter().take(3).map(|(_, known)| known).collect()
    }

    /// What was ignored, as the SDKs do, and why; for `-v` and `doctor`.
    pub fn notes(&self) -> impl Iterator<Item = Note<'_>> {
        self.found.notes.iter().map(|note| Note {
            what: note.what,
            place: self.file(note.origin).place(note.line),
            section: read::text(self.bytes(note.origin), note.section),
        })
    }

    /// Where the AWS CLI or the SDKs read these files otherwise; for `show` and `doctor`. Computed when asked for.
    pub fn differences(&self) -> Vec<Difference<'_>> {
        differences::find(self)
    }
}

/// How far apart two lower-cased names are, if they are near enough to suggest one for the other.
fn distance(wanted: &str, known: &str) -> Option<usize> {
    const LONGEST: usize = 128;
    if wanted == known {
        return Some(0);
    }
    // The distance takes time in proportion to both lengths; no name that a person types is longer.
    if wanted.len().max(known.len()) <= LONGEST {
        let edits = strsim::damerau_levenshtein(wanted, known);
        if edits <= (wanted.chars().count() / 3).max(1) {
            return Some(edits);
        }
    }
    let starts = wanted.len() >= 2 && known.starts_with(wanted) || known.len() >= 2 && wanted.starts_with(known);
    // Behind every misspelling, the shorter rest first.
    starts.then(|| LONGEST + wanted.len().abs_diff(known.len()))
}

impl File {
    fn load(files: &dyn Files, path: &Path) -> Result<Self, ProfileError> {
        let (presence, text) = match files.read_regular(path) {
            Ok(text) => (Presence::Present, text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Presence::Missing, Secret::new(Vec::new())),
            Err(source) => return Err(ProfileError::Unreadable { path: path.to_owned(), source }),
        };
        Ok(Self { path: path.into(), presence, text })
    }

    /// The text, once it is known to be UTF-8 and that 32-bit offsets reach its end.
    fn checked(&self) -> Result<&str, ProfileError> {
        let bytes = self.text.expose();
        if u32::try_from(bytes.len()).is_err() {
            return Err(ProfileError::TooLarge { path: self.path.to_path_buf() });
        }
        std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
            ProfileError::NotUtf8 { place: self.place(read::small(line)) }
        })
    }

    fn place(&self, line: u32) -> Place {
        Place { file: Arc::clone(&self.path), line }
    }
}

/// A section that was ignored, or a key in one. Says what and where, never a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note<'a> {
    /// Why.
    pub what: Ignored,
    /// The line.
    pub place: Place,
    /// The section, as between its brackets. It comes from a file: `Display` escapes control characters.
    pub section: &'a str,
}

impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: in `[{}]`: {}", self.place, self.section.escape_debug(), self.what)
    }
}

/// A profile: a section of [`Kind::Profile`].
pub type Profile<'a> = Section<'a>;

/// All sections of one kind and name, merged: later lines win, and the credentials file wins over the config file.
#[derive(Clone, Copy)]
pub struct Section<'a> {
    set: &'a ProfileSet,
    /// Never empty.
    headers: &'a [Slot],
}

impl<'a> Section<'a> {
    /// The name, unquoted and without its kind.
    pub fn name(self) -> &'a str {
        let first = &self.set.found.headers[self.headers[0].header as usize];
        first.name.text(self.set.bytes(first.origin))
    }

    /// Where it is first opened.
    pub fn place(self) -> Place {
        let first = &self.set.found.headers[self.headers[0].header as usize];
        self.set.file(first.origin).place(first.line)
    }

    /// The property that wins; the key is compared in any case.
    pub fn get(self, key: &str) -> Option<Property<'a>> {
        self.all().rfind(|property| property.is_named(key))
    }

    /// The same, where it has a value: an empty one is how `aws configure set KEY ""` clears a key, and is absent.
    pub fn filled(self, key: &str) -> Option<Property<'a>> {
        self.get(key).filter(|property| !property.is_empty())
    }

    /// The session token, under its own name or else under that of old, as the AWS CLI reads it.
    pub fn session_token(self) -> Option<Property<'a>> {
        self.filled("aws_session_token").or_else(|| self.filled("aws_security_token"))
    }

    /// Every line that sets the key, in order of precedence: the last is the one that wins.
    pub fn occurrences(self, key: &str) -> impl Iterator<Item = Property<'a>> {
        self.all().filter(move |property| property.is_named(key))
    }

    /// The properties that win, in order of the first appearance of their keys.
    pub fn properties(self) -> Vec<Property<'a>> {
        let mut slots = HashMap::new();
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
        self.headers.iter().flat_map(move |slot| {
            let header = &set.found.headers[slot.header as usize];
            let origin = header.origin;
            set.found.entries[header.entries()].iter().map(move |entry| Property { set, origin, entry })
        })
    }
}

impl fmt::Debug for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Section({:?} at {})", self.name(), self.place())
    }
}

/// One key and its value, on one line or continued on the lines behind it.
#[derive(Clone, Copy)]
pub struct Property<'a> {
    set: &'a ProfileSet,
    origin: Origin,
    entry: &'a Entry,
}

impl<'a> Property<'a> {
    /// The key in lower case.
    pub fn key(self) -> Cow<'a, str> {
        let key = read::text(self.bytes(), self.entry.key);
        if key.bytes().any(|byte| byte.is_ascii_uppercase()) { key.to_ascii_lowercase().into() } else { key.into() }
    }

    /// The value without what surrounds it and without the comment behind it; continued lines follow with a `\n`
    /// before each, comments among them kept, as in the SDKs. It may be a secret: the key tells.
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

    /// The value of a nested property, whose name is compared as it is written; the last one of that name. One may
    /// stand on the key's own line (`sts = endpoint_url = …`), as in the SDKs.
    pub fn nested(self, name: &str) -> Option<&'a str> {
        std::iter::once(read::text(self.bytes(), self.entry.value))
            .chain(self.continuation())
            .filter_map(|line| line.split_once('='))
            .filter(|(key, _)| key.trim_matches(read::BLANK) == name)
            .map(|(_, value)| value.trim_matches(read::BLANK))
            .last()
    }

    /// Where the key stands.
    pub fn place(self) -> Place {
        self.set.file(self.origin).place(self.entry.line)
    }

    /// The file in which it stands.
    pub fn origin(self) -> Origin {
        self.origin
    }

    /// The bytes of the value in its file, continued lines included and the comment behind a single line left out.
    pub fn span(self) -> Range<usize> {
        self.entry.value.start as usize..self.entry.end as usize
    }

    /// The bytes of all its lines in its file, key, comment and last line ending included.
    pub fn lines_span(self) -> Range<usize> {
        let end = self.entry.end as usize;
        let rest = self.bytes()[end..].iter().position(|byte| *byte == b'\n');
        self.entry.key.start as usize..rest.map_or(self.bytes().len(), |at| end + at + 1)
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

    /// The lines behind the first that belong to the value, without what surrounds them.
    fn continuation(self) -> impl Iterator<Item = &'a str> {
        self.lines_behind().filter(|line| read::is_continuation(line)).map(|line| line.trim_matches(read::BLANK))
    }

    /// The same with the blank and comment lines between them, as they are.
    fn lines_behind(self) -> impl Iterator<Item = &'a str> {
        let behind = read::Span { start: self.entry.value.end, end: self.entry.end };
        read::text(self.bytes(), behind).lines().skip(1)
    }

    fn bytes(self) -> &'a [u8] {
        self.set.bytes(self.origin)
    }
}

impl fmt::Debug for Property<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Property({:?} at {})", self.key(), self.place())
    }
}

impl Name {
    fn bytes<'a>(&'a self, file: &'a [u8]) -> &'a [u8] {
        match self {
            Self::At(span) => &file[span.range()],
            Self::Unquoted(name) => name.as_bytes(),
        }
    }

    fn text<'a>(&'a self, file: &'a [u8]) -> &'a str {
        match self {
            Self::At(span) => read::text(file, *span),
            Self::Unquoted(name) => name,
        }
    }
}
