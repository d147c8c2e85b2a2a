//! The profiles of `~/.aws/config` and `~/.aws/credentials`, every property with its file and line.
//!
//! In: the two files, through [`Files`]. Out: a [`ProfileSet`], which owns their bytes (they may contain access keys,
//! so they are zeroed when it is dropped) and an index of spans into them: of the requested sections, or of all. Values
//! are decoded on demand, so thousands of profiles cost little if a command needs only one of them. Nothing is resolved
//! here: chains, defaults and the meaning of a value are up to the plan. Only `edit.rs` writes, and neither its errors
//! nor its `Debug` output contain text from the files, except the names of sections.

mod differences;
pub mod edit;
mod index;
#[cfg(test)]
mod oracle;
mod outline;
mod overlooked;
mod read;
mod section;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::host::Files;
use crate::secret::Secret;
use crate::web_token::{Identity, TokenFiles};
use index::{Index, Texts};
use outline::Outlines;
use read::Found;

pub use differences::{Difference, Differs};
pub use overlooked::Overlooked;
pub use read::{Ignored, Malformed};
pub use section::{Profile, Property, Section};

/// Why the files could not be read as profiles. Contains no text from them.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file exists but cannot be read, or is a directory.
    #[error("`{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The file has 4 GiB or more, and offsets have 32 bits.
    #[error("`{}` is too large", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A line of the file is not UTF-8.
    #[error("{place}: the line is not UTF-8")]
    NotUtf8 {
        /// The line of the first invalid byte.
        place: Location,
    },
    /// A line breaks the grammar. The SDKs then refuse the whole file, and so does this program.
    #[error("{place}: {what}")]
    Malformed {
        /// The line.
        place: Location,
        /// The rule that the line breaks.
        what: Malformed,
    },
}

/// A line of a file. The path is shared, so that errors can keep it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Location {
    /// The file, as it was passed to [`ProfileSet::load`].
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

/// Whether a file exists. A missing one counts as empty, as in the SDKs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presence {
    /// The file was read.
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

/// Access keys that are sealed and no longer in the files, by profile.
pub trait SealedKeys: fmt::Debug + Send + Sync {
    /// The identifier of a profile's sealed key, without opening it; `None` if it has none.
    ///
    /// # Errors
    /// Why that cannot be known, in words.
    fn access_key_id(&self, profile: &str) -> Result<Option<String>, String>;
}

#[derive(Debug)]
struct File {
    path: Arc<Path>,
    presence: Presence,
    /// The bytes as on disk, checked to be UTF-8. They are bytes rather than a `String` so that they are read, kept and
    /// zeroed in one place.
    text: Secret<Vec<u8>>,
}

/// All profiles of the two files.
#[derive(Debug)]
pub struct ProfileSet {
    files: [File; 2],
    /// Where the sections start. Present until more than a few of them are needed.
    outlines: Option<Outlines>,
    /// Everything in the files.
    whole: OnceLock<Index>,
    alike: overlooked::Index,
    sealed: Option<Box<dyn SealedKeys>>,
    tokens: Option<Box<dyn TokenFiles>>,
}

impl ProfileSet {
    /// Reads the two files. A missing one is empty; see [`ProfileSet::sources`].
    ///
    /// Every line is checked, and an error anywhere is reported here. Apart from that, only sections that are requested
    /// by name are read, until a request needs all of them: of thousands of profiles, a command needs two or three.
    pub fn load(files: &dyn Files, config: &Path, credentials: &Path) -> Result<Self, ProfileError> {
        let files = [File::load(files, config)?, File::load(files, credentials)?];
        let are_text = files.iter().all(|file| file.text.expose().is_ascii() || file.checked().is_ok());
        let outlines = if are_text { Outlines::of(texts(&files)) } else { None };
        if outlines.is_none() {
            return Self::of_all(files);
        }
        Ok(Self { outlines, ..Self::of(files, OnceLock::new()) })
    }

    /// The same profiles, some of which may have sealed access keys. They are looked up when they are asked for.
    #[must_use]
    pub fn with_sealed(self, keys: Box<dyn SealedKeys>) -> Self {
        Self { sealed: Some(keys), ..self }
    }

    /// The same profiles, whose token files can be read. They are looked at when they are asked for.
    #[must_use]
    pub fn with_tokens(self, tokens: Box<dyn TokenFiles>) -> Self {
        Self { tokens: Some(tokens), ..self }
    }

    /// Whose token a file holds, as far as it tells.
    pub fn token_identity(&self, file: &Path) -> Identity {
        self.tokens.as_ref().map(|tokens| tokens.identity(file)).unwrap_or_default()
    }

    /// Reads two texts in memory as if they were files named `config` and `credentials`.
    pub fn parse(config: &str, credentials: &str) -> Result<Self, ProfileError> {
        let file = |path: &str, text: &str| File {
            path: Path::new(path).into(),
            presence: Presence::Present,
            text: Secret::new(text.as_bytes().to_vec()),
        };
        Self::of_all([file("config", config), file("credentials", credentials)])
    }

    fn of_all(files: [File; 2]) -> Result<Self, ProfileError> {
        let index = read_all(&files)?;
        Ok(Self::of(files, index.into()))
    }

    fn of(files: [File; 2], whole: OnceLock<Index>) -> Self {
        Self { files, outlines: None, whole, alike: overlooked::Index::default(), sealed: None, tokens: None }
    }

    /// Everything in the files, read now unless it was read before.
    fn all(&self) -> &Index {
        self.whole.get_or_init(|| read_all(&self.files).expect("an outline is made only of files without a fault"))
    }

    /// The outlines, unless everything has been read. Files with an outline have no ignored sections.
    fn outlines(&self) -> Option<&Outlines> {
        self.outlines.as_ref().filter(|_| self.whole.get().is_none())
    }

    fn bytes(&self, origin: WhichFile) -> &[u8] {
        self.file(origin).text.expose()
    }

    fn file(&self, origin: WhichFile) -> &File {
        &self.files[origin as usize]
    }

    /// The file of a place in this set.
    fn origin_of(&self, place: &Location) -> WhichFile {
        if Arc::ptr_eq(&place.file, &self.file(WhichFile::Config).path) {
            WhichFile::Config
        } else {
            WhichFile::Credentials
        }
    }

    /// The two files, config first, and whether each exists.
    pub fn sources(&self) -> [(&Path, Presence); 2] {
        self.files.each_ref().map(|file| (&*file.path, file.presence))
    }

    /// The profile with exactly that name.
    pub fn get(&self, name: &str) -> Option<Profile<'_>> {
        self.section(SectionKind::Profile, name)
    }

    /// The section with that kind and name; the name of `[plugins]` is empty.
    pub fn section(&self, kind: SectionKind, name: &str) -> Option<Section<'_>> {
        let texts = texts(&self.files);
        let part = self.outlines().and_then(|outlines| outlines.part(texts, kind, name));
        let index = part.unwrap_or_else(|| self.all());
        let headers = index.section(texts, kind, name);
        (!headers.is_empty()).then_some(Section { set: self, index, headers })
    }

    /// The names of all profiles, in order of first appearance, config before credentials.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names_of(SectionKind::Profile)
    }

    /// All profiles, in the same order. Reads the files as a whole, which costs less than section by section.
    pub fn profiles(&self) -> impl Iterator<Item = Profile<'_>> {
        self.all();
        self.names().filter_map(|name| self.get(name))
    }

    /// The names of all sections of one kind, in the same order.
    pub fn names_of(&self, kind: SectionKind) -> impl Iterator<Item = &str> {
        let names: Vec<&str> = match self.outlines() {
            Some(outlines) => outlines.names(texts(&self.files), kind),
            None => self.names_in(self.all(), kind).collect(),
        };
        names.into_iter()
    }

    fn names_in<'a>(&'a self, index: &'a Index, kind: SectionKind) -> impl Iterator<Item = &'a str> {
        let leads = index.found.headers.iter().filter(move |header| header.leads && header.kind == kind);
        leads.map(|header| header.name.text(self.bytes(header.origin)))
    }

    /// Up to three profile names that may have been meant by `name`, the most likely first.
    pub fn nearest(&self, name: &str) -> Vec<&str> {
        self.nearest_of(SectionKind::Profile, name)
    }

    /// The same for sections of that kind.
    pub fn nearest_of(&self, kind: SectionKind, name: &str) -> Vec<&str> {
        let wanted = name.to_lowercase();
        let names = self.names_of(kind);
        let mut near: Vec<(usize, &str)> =
            names.filter_map(|known| Some((distance(&wanted, &known.to_lowercase())?, known))).collect();
        near.sort_by_key(|(distance, _)| *distance);
        near.into_iter().take(3).map(|(_, known)| known).collect()
    }

    /// What was ignored, as in the SDKs, and why; for `-v` and `doctor`.
    pub fn notes(&self) -> impl Iterator<Item = Note<'_>> {
        (0..self.all().found.notes.len()).map(|at| self.note(at))
    }

    fn note(&self, at: usize) -> Note<'_> {
        let note = &self.all().found.notes[at];
        Note {
            what: note.what,
            place: self.file(note.origin).place(note.line),
            section: read::text(self.bytes(note.origin), note.section),
            holds: note.holds,
        }
    }

    /// Sections that would be the profile with that name if they were written differently, in the order of files and
    /// lines.
    pub fn overlooked(&self, name: &str) -> Vec<Overlooked> {
        if self.outlines().is_some() { Vec::new() } else { overlooked::ignored(self, name) }
    }

    /// Ignored sections that were meant to be profiles, under any name.
    pub fn meant_as_profiles(&self) -> impl Iterator<Item = Overlooked> {
        overlooked::meant_as_profiles(self)
    }

    /// Like [`Self::overlooked`], plus profiles whose names differ only in case.
    pub fn mistaken_for(&self, name: &str) -> Vec<Overlooked> {
        let has_none = self.outlines().is_some_and(|outlines| !outlines.has_of_other_case(texts(&self.files), name));
        if has_none { Vec::new() } else { overlooked::all(self, name) }
    }

    /// Where the AWS CLI or the SDKs read these files differently; for `show` and `doctor`. Computed on demand.
    pub fn differences(&self) -> Vec<Difference<'_>> {
        differences::find(self)
    }
}

fn texts(files: &[File; 2]) -> Texts<'_> {
    files.each_ref().map(|file| file.text.expose().as_slice())
}

fn read_all(files: &[File; 2]) -> Result<Index, ProfileError> {
    let mut found = Found::default();
    // The order is the precedence: the credentials file wins.
    for (file, origin) in files.iter().zip([WhichFile::Config, WhichFile::Credentials]) {
        read::read(origin, file.checked()?, &mut found)
            .map_err(|fault| ProfileError::Malformed { place: file.place(fault.line), what: fault.what })?;
    }
    Ok(Index::of(found, texts(files)))
}

/// The distance between two lowercase names, if they are near enough to suggest one for the other.
fn distance(wanted: &str, known: &str) -> Option<usize> {
    const LONGEST: usize = 128;
    if wanted == known {
        return Some(0);
    }
    // The time is proportional to both lengths; nobody types a name longer than this.
    if wanted.len().max(known.len()) <= LONGEST {
        let edits = strsim::damerau_levenshtein(wanted, known);
        if edits <= (wanted.chars().count() / 3).max(1) {
            return Some(edits);
        }
    }
    let starts = wanted.len() >= 2 && known.starts_with(wanted) || known.len() >= 2 && wanted.starts_with(known);
    // After all misspellings, with the shorter rest first.
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

    /// The text, once it is known to be UTF-8 and short enough for 32-bit offsets.
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

/// An ignored section, or an ignored key in a section. Says what and where, never a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note<'a> {
    /// Why.
    pub what: Ignored,
    /// The line.
    pub place: Location,
    /// The section as written between its brackets. It comes from a file: `Display` escapes control characters.
    pub section: &'a str,
    /// The keys in the section that somebody may miss.
    pub holds: Holds,
}

/// The important keys that an ignored section contains.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Holds {
    /// A part of an access key or of temporary credentials.
    pub keys: bool,
    /// `mfa_serial`
    pub serial: bool,
}

impl Holds {
    /// Records a key, in upper or lower case.
    fn add(&mut self, key: &str) {
        const KEYS: [&str; 4] =
            ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"];
        self.keys |= KEYS.iter().any(|known| key.eq_ignore_ascii_case(known));
        self.serial |= key.eq_ignore_ascii_case("mfa_serial");
    }
}

impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: in `[{}]`: {}", self.place, overlooked::shown(self.section), self.what)
    }
}
