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
mod overlooked;
mod read;
mod section;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::host::Files;
use crate::secret::Secret;
use read::{Found, Header};

pub use differences::{Difference, Differs};
pub use overlooked::Overlooked;
pub use read::{Ignored, Malformed};
pub use section::{Profile, Property, Section};

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
        place: Location,
    },
    /// A line breaks the grammar; the SDKs then refuse the whole file, and so does this.
    #[error("{place}: {what}")]
    Malformed {
        /// The line.
        place: Location,
        /// The rule that it breaks.
        what: Malformed,
    },
}

/// A line of a file. It shares the path, so that errors may keep it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Location {
    /// The file, as it was given to [`ProfileSet::load`].
    pub file: Arc<Path>,
    /// Counted from 1.
    pub line: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Which of the two files.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum WhichFile {
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
pub enum SectionKind {
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
    index: overlooked::Index,
}

/// A place in `found.headers`. Ordered by its hash first, since comparing names costs more; equal hashes do no harm.
#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u64,
    header: u32,
}

fn hash(kind: SectionKind, name: &[u8]) -> u64 {
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
        for (file, origin) in files.iter().zip([WhichFile::Config, WhichFile::Credentials]) {
            read::read(origin, file.checked()?, &mut found)
                .map_err(|fault| ProfileError::Malformed { place: file.place(fault.line), what: fault.what })?;
        }
        let mut set = Self { files, found, sorted: Vec::new(), index: overlooked::Index::default() };
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

    fn identity(&self, slot: Slot) -> (SectionKind, &[u8]) {
        let header = &self.found.headers[slot.header as usize];
        (header.kind, header.name.bytes(self.bytes(header.origin)))
    }

    fn bytes(&self, origin: WhichFile) -> &[u8] {
        self.file(origin).text.expose()
    }

    fn file(&self, origin: WhichFile) -> &File {
        &self.files[origin as usize]
    }

    /// The file that a place of this set is in.
    fn origin_of(&self, place: &Location) -> WhichFile {
        if Arc::ptr_eq(&place.file, &self.file(WhichFile::Config).path) {
            WhichFile::Config
        } else {
            WhichFile::Credentials
        }
    }

    /// The two files, config first, and whether each was there.
    pub fn sources(&self) -> [(&Path, Presence); 2] {
        self.files.each_ref().map(|file| (&*file.path, file.presence))
    }

    /// The profile of exactly that name.
    pub fn get(&self, name: &str) -> Option<Profile<'_>> {
        self.section(SectionKind::Profile, name)
    }

    /// The section of that kind and name; `[plugins]` has the empty one.
    pub fn section(&self, kind: SectionKind, name: &str) -> Option<Section<'_>> {
        let (hash, wanted) = (hash(kind, name.as_bytes()), (kind, name.as_bytes()));
        let compare = |slot: &Slot| slot.hash.cmp(&hash).then_with(|| self.identity(*slot).cmp(&wanted));
        let rest = &self.sorted[self.sorted.partition_point(|slot| compare(slot).is_lt())..];
        let headers = &rest[..rest.partition_point(|slot| compare(slot).is_eq())];
        (!headers.is_empty()).then_some(Section { set: self, headers })
    }

    /// The names of all profiles, in order of first appearance, config before credentials.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names_of(SectionKind::Profile)
    }

    /// The names of all sections of one kind, in the same order.
    pub fn names_of(&self, kind: SectionKind) -> impl Iterator<Item = &str> {
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
        (0..self.found.notes.len()).map(|at| self.note(at))
    }

    fn note(&self, at: usize) -> Note<'_> {
        let note = &self.found.notes[at];
        Note {
            what: note.what,
            place: self.file(note.origin).place(note.line),
            section: read::text(self.bytes(note.origin), note.section),
            holds: note.holds,
        }
    }

    /// Sections that would be the profile of that name if they were written otherwise, in the order of files and lines.
    pub fn overlooked(&self, name: &str) -> Vec<Overlooked> {
        overlooked::ignored(self, name)
    }

    /// The same, and profiles whose names differ in upper and lower case alone.
    pub fn mistaken_for(&self, name: &str) -> Vec<Overlooked> {
        overlooked::all(self, name)
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

    fn place(&self, line: u32) -> Location {
        Location { file: Arc::clone(&self.path), line }
    }
}

/// A section that was ignored, or a key in one. Says what and where, never a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note<'a> {
    /// Why.
    pub what: Ignored,
    /// The line.
    pub place: Location,
    /// The section, as between its brackets. It comes from a file: `Display` escapes control characters.
    pub section: &'a str,
    /// What stands in the section that somebody may miss.
    pub holds: Holds,
}

/// What of weight an ignored section holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Holds {
    /// A part of an access key or of a session's credentials.
    pub keys: bool,
    /// `mfa_serial`
    pub serial: bool,
}

impl Holds {
    /// Notes a key, in whatever case it is written.
    fn add(&mut self, key: &str) {
        const KEYS: [&str; 4] =
            ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"];
        self.keys |= KEYS.iter().any(|known| key.eq_ignore_ascii_case(known));
        self.serial |= key.eq_ignore_ascii_case("mfa_serial");
    }
}

impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: in `[{}]`: {}", self.place, self.section.escape_debug(), self.what)
    }
}
