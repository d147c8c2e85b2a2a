//! The state folder: ours alone, and refused when it is not.
//!
//! `entries/`, `locks/` and `devices/` lie in it. Files are 0600 from the moment they exist, and are replaced, never
//! rewritten: a program that dies leaves the old file or the new one. Whoever could plant something here would choose
//! what we read and what we write to: a symbolic link or another user's folder in its place is refused, and a folder
//! that others could write to, or in which such a thing stands, is set aside. No file in it is used that is not ours
//! alone ([`private`]).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::MARGIN;
use super::entry::{self, Header, Sealed};
use super::identity::Key;
use crate::disk::private::{self, Refusal, refusal};
use crate::secret::Credentials;
use crate::talk::Talk;
use crate::vault::{self, Held, SealingKey};

const ENTRIES: &str = "entries";
pub(super) const DEVICES: &str = "devices";
pub(super) const LOCKS: &str = "locks";
/// Longer than any session lives (36 hours) and any write takes.
const STRAY: Duration = Duration::from_hours(48);

/// Why the state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system names no folder for state.
    #[error("no home folder is known")]
    Nowhere,
    /// It cannot be made or looked at.
    #[error("{} cannot be used: {source}", .path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something else is in its place.
    #[error("{} is a symbolic link or no folder; it is not used", .path.display())]
    NotAFolder {
        /// The folder.
        path: PathBuf,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to user {owner}; it is not used", .path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// The numerical user id.
        owner: u32,
    },
    /// Others could write to it, or what stands in it is not ours.
    #[error("{} {why}; it is not used", .path.display())]
    Touched {
        /// The folder, or what is in it.
        path: PathBuf,
        /// What is wrong with it.
        why: Refusal,
    },
}

/// A state folder that was checked.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes what is missing, mends a mode that lets others look in, and refuses what is not ours.
    pub fn open(path: Option<&Path>) -> Result<Self, FolderError> {
        let path = path.ok_or(FolderError::Nowhere)?.to_owned();
        match check(&path) {
            Ok(()) => return Ok(Self { path }),
            Err(FolderError::Unusable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        private::make_folder(&path).map_err(|source| FolderError::Unusable { path: path.clone(), source })?;
        check(&path)?;
        Ok(Self { path })
    }

    /// The same, with a new folder in the place of one that others could write to: that one is renamed, and a warning
    /// says to what.
    pub fn open_or_set_aside(path: Option<&Path>, talk: Talk) -> Result<Self, FolderError> {
        match (Self::open(path), path) {
            (Err(FolderError::Touched { path: touched, why }), Some(path)) => {
                let is_bad = || matches!(check(path), Err(FolderError::Touched { .. }));
                let unusable = |source| FolderError::Unusable { path: path.to_owned(), source };
                let aside = private::set_aside(path, &is_bad).map_err(unusable)?;
                let folder = Self::open(Some(path))?;
                if let Some(to) = aside {
                    vault::inherit(&to, path);
                    talk.warn(&format!(
                        "{} {why}, so nothing in the state folder can be trusted: it is now {}, and a new one is made",
                        touched.display(),
                        to.display()
                    ));
                }
                Ok(folder)
            }
            (result, _) => result,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of the folder, where it is there and ours.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        private::read(&self.path.join(name)).ok()
    }

    /// The same as text.
    pub fn read_text(&self, name: &str) -> Option<String> {
        private::read_text(&self.path.join(name))
    }

    /// A file of the folder, with `bytes` and nobody else's eyes, in one step.
    pub fn write(&self, folder: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        private::write(&self.subfolder(folder)?.join(name), bytes)
    }

    /// Adds to a file of the folder, in one write, and says how long it is then.
    pub fn append(&self, name: &str, bytes: &[u8]) -> io::Result<u64> {
        let mut file = private::open_or_make_for_more(&self.path.join(name))?;
        file.write_all(bytes)?;
        Ok(file.metadata()?.len())
    }

    /// A subfolder, made where it is missing; the empty name is the folder itself.
    pub(super) fn subfolder(&self, name: &str) -> io::Result<PathBuf> {
        if name.is_empty() {
            return Ok(self.path.clone());
        }
        let folder = self.path.join(name);
        match private::look(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => private::make_inner(&folder)?,
            result => result?,
        }
        Ok(folder)
    }

    pub(super) fn entry(&self, key: &Key) -> Option<Sealed> {
        self.sealed(key.file_name())
    }

    fn sealed(&self, file_name: &str) -> Option<Sealed> {
        Sealed::read(private::read(&self.path.join(ENTRIES).join(file_name)).ok()?)
    }

    /// Seals an entry, which [`Folder::headers`] has named, for another key.
    pub(super) fn reseal(&self, entry: &Header, old: &SealingKey, new: &Held) -> bool {
        let bytes = self.sealed(&entry.identity).and_then(|sealed| sealed.under(new, old));
        bytes.is_some_and(|bytes| self.write(ENTRIES, &entry.identity, &bytes).is_ok())
    }

    pub(super) fn write_entry(
        &self,
        key: &Key,
        credentials: &Credentials,
        held: &Held,
        made: Timestamp,
        end: Timestamp,
    ) -> io::Result<()> {
        let bytes = entry::write(key, credentials, held, made, end).map_err(io::Error::other)?;
        self.write(ENTRIES, key.file_name(), &bytes)
    }

    pub(super) fn remove_entry(&self, file_name: &str) -> bool {
        fs::remove_file(self.path.join(ENTRIES).join(file_name)).is_ok()
    }

    pub(super) fn remove_entries(&self) -> usize {
        // What is there to forget besides: which devices IAM named.
        let _ = fs::remove_dir_all(self.path.join(DEVICES));
        let removed = |(path, header): (PathBuf, Option<Header>)| fs::remove_file(path).is_ok() && header.is_some();
        self.entries().into_iter().map(removed).filter(|was_entry| *was_entry).count()
    }

    pub(super) fn headers(&self) -> Vec<Header> {
        self.entries().into_iter().filter_map(|(_, header)| header).collect()
    }

    /// How long the last entry has to live, and a little more, each by its own clock.
    pub(super) fn last_end(&self, now: &dyn Fn(&Header) -> Timestamp) -> Duration {
        let left = self.headers().into_iter().map(|header| header.end.duration_since(now(&header))).max();
        let left = left.unwrap_or(SignedDuration::ZERO);
        Duration::try_from(left).unwrap_or_default() + MARGIN
    }

    /// Removes entries that ended more than an hour ago, and strays: what a writer that died left, and what another
    /// version of this program made, when it is too old to be of use to anybody. Never on the warm path.
    pub(super) fn sweep(&self, now: &dyn Fn(&Header) -> Timestamp) {
        let is_over = |header: &Header| header.end < now(header) - SignedDuration::from_hours(1);
        // The file system's clock, which the entry that was just written has set.
        let folder = fs::metadata(self.path.join(ENTRIES)).and_then(|folder| folder.modified());
        let is_stray = |path: &Path| {
            let made = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?.modified().ok()?;
            Some(folder.as_ref().ok()?.duration_since(made).ok()? > STRAY)
        };
        let is_stray = |path: &Path| is_stray(path).unwrap_or(false);
        let over = |(path, header): (PathBuf, Option<Header>)| {
            header.map_or_else(|| is_stray(&path), |header| is_over(&header)).then_some(path)
        };
        let entries = self.entries().into_iter().filter_map(over);
        let is_unfinished = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) && is_stray(path)
        };
        for path in entries.chain(files(&self.path).filter(is_unfinished)) {
            // Somebody else may be sweeping too.
            let _ = fs::remove_file(path);
        }
    }

    fn entries(&self) -> Vec<(PathBuf, Option<Header>)> {
        let header = |path: &Path| {
            let sealed = Sealed::read(private::read(path).ok()?)?;
            // A file under another name than its own is no entry: it would not open.
            path.file_name().is_some_and(|name| name == sealed.header.identity.as_str()).then_some(sealed.header)
        };
        files(&self.path.join(ENTRIES)).map(|path| (path.clone(), header(&path))).collect()
    }
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path())
}

/// Is the folder ours, and what stands in it too? Whatever is wrong inside could come there only while others could
/// write to the folder itself.
fn check(path: &Path) -> Result<(), FolderError> {
    let unusable = |source| FolderError::Unusable { path: path.to_owned(), source };
    private::look(path).map_err(|error| match refusal(&error) {
        Some(Refusal::Otherwise(_)) => FolderError::NotAFolder { path: path.to_owned() },
        Some(Refusal::Foreign(owner)) => FolderError::Foreign { path: path.to_owned(), owner },
        Some(why) => FolderError::Touched { path: path.to_owned(), why },
        None => unusable(error),
    })?;
    for inner in [ENTRIES, LOCKS, DEVICES].map(|name| path.join(name)) {
        match private::look(&inner) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => result.map_err(|error| match refusal(&error) {
                Some(why) => FolderError::Touched { path: inner, why },
                None => unusable(error),
            })?,
        }
    }
    if private::lets_others_in(path).map_err(unusable)? {
        private::close(path).map_err(unusable)?;
    }
    Ok(())
}

/// A file that only we may read, opened for reading and writing, made where it is missing.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    private::open_or_make(path)
}
