//! The files in `entries/`: reading, writing and removing them. Their format is defined in [`entry`](super::entry).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::MARGIN;
use super::entry::{self, Header, Sealed};
use super::identity::Key;
use crate::disk::private;
use crate::secret::Credentials;
use crate::state::{DEVICES, ENTRIES, Folder};
use crate::vault::{SealingKey, UnlockedKey};

/// Longer than any session (36 hours) and any write lasts.
const STRAY: Duration = Duration::from_hours(48);

/// What was removed, and the first file or folder that could not be.
#[derive(Debug, Default)]
pub struct Removed {
    /// The number of entries.
    pub count: usize,
    /// What is still there, and why.
    pub kept: Option<(PathBuf, io::Error)>,
}

impl Removed {
    fn remove(&mut self, path: PathBuf, is_entry: bool) {
        self.note(fs::remove_file(&path), path, is_entry);
    }

    fn note(&mut self, result: io::Result<()>, path: PathBuf, is_entry: bool) {
        match result {
            Ok(()) => self.count += usize::from(is_entry),
            // Another process may have removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                self.kept.get_or_insert((path, error));
            }
        }
    }

    /// Adds what another removal did.
    pub fn add(&mut self, other: Self) {
        self.count += other.count;
        self.kept = self.kept.take().or(other.kept);
    }
}

impl Folder {
    /// The number of entries that another version of this program made and this one cannot read.
    pub fn entries_of_other_formats(&self) -> usize {
        let is_other = |path: &PathBuf| private::read(path).is_ok_and(|bytes| entry::is_of_another_format(&bytes));
        files(&self.path().join(ENTRIES)).filter(is_other).count()
    }

    pub(super) fn entry(&self, key: &Key) -> Option<Sealed> {
        self.sealed(key.file_name())
    }

    fn sealed(&self, file_name: &str) -> Option<Sealed> {
        Sealed::read(private::read(&self.path().join(ENTRIES).join(file_name)).ok()?)
    }

    /// Encrypts an entry listed by [`Folder::headers`] again, with another key.
    pub(super) fn reseal(&self, entry: &Header, old: &SealingKey, new: &UnlockedKey) -> bool {
        let bytes = self.sealed(&entry.identity).and_then(|sealed| sealed.under(new, old));
        bytes.is_some_and(|bytes| self.write(ENTRIES, &entry.identity, &bytes).is_ok())
    }

    pub(super) fn write_entry(
        &self,
        key: &Key,
        credentials: &Credentials,
        held: &UnlockedKey,
        made: Timestamp,
        end: Timestamp,
    ) -> io::Result<()> {
        let bytes = entry::write(key, credentials, held, made, end).map_err(io::Error::other)?;
        self.write(ENTRIES, key.file_name(), &bytes)
    }

    pub(super) fn remove_entry(&self, file_name: &str) -> bool {
        self.remove_named([file_name.to_owned()].into_iter()).count > 0
    }

    /// Removes entries by the names of their files.
    pub(super) fn remove_named(&self, names: impl Iterator<Item = String>) -> Removed {
        let mut removed = Removed::default();
        for name in names {
            removed.remove(self.path().join(ENTRIES).join(name), true);
        }
        removed
    }

    pub(super) fn remove_entries(&self) -> Removed {
        let mut removed = Removed::default();
        // The record of the devices that IAM named is removed too.
        let devices = self.path().join(DEVICES);
        removed.note(fs::remove_dir_all(&devices), devices, false);
        let entries = self.path().join(ENTRIES);
        removed.note(fs::read_dir(&entries).map(drop), entries, false);
        for (path, header) in self.entries() {
            removed.remove(path, header.is_some());
        }
        removed
    }

    pub(super) fn headers(&self) -> Vec<Header> {
        self.entries().into_iter().filter_map(|(_, header)| header).collect()
    }

    /// How long the last entry remains valid, by its own clock, plus a margin.
    pub(super) fn last_end(&self, now: &dyn Fn(&Header) -> Timestamp) -> Duration {
        with_margin(self.headers().into_iter().map(|header| header.end.duration_since(now(&header))))
    }

    /// Removes entries that expired more than an hour ago, and stray files: leftovers of a writer that died, and
    /// entries of another version of this program that are too old to be useful. Never runs on the warm path. Returns
    /// the same as [`Folder::last_end`].
    pub(super) fn sweep(&self, now: &dyn Fn(&Header) -> Timestamp) -> Duration {
        // The file system's clock, which has just been read by writing an entry.
        let folder = fs::metadata(self.path().join(ENTRIES)).and_then(|folder| folder.modified());
        let is_stray = |path: &Path| {
            let made = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?.modified().ok()?;
            Some(folder.as_ref().ok()?.duration_since(made).ok()? > STRAY)
        };
        let is_stray = |path: &Path| is_stray(path).unwrap_or(false);
        let remove = |path: &Path| {
            // Another process may be sweeping too.
            let _ = fs::remove_file(path);
        };
        let mut left = Vec::new();
        for (path, header) in self.entries() {
            let life = header.map(|header| header.end.duration_since(now(&header)));
            if life.map_or_else(|| is_stray(&path), |life| life < -SignedDuration::from_hours(1)) {
                remove(&path);
            }
            left.extend(life);
        }
        let is_unfinished = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) && is_stray(path)
        };
        files(self.path()).filter(is_unfinished).for_each(|path| remove(&path));
        with_margin(left.into_iter())
    }

    fn entries(&self) -> Vec<(PathBuf, Option<Header>)> {
        let header = |path: &Path| {
            let sealed = Sealed::read(private::read(path).ok()?)?;
            // A file with a wrong name is not an entry: it could not be opened.
            path.file_name().is_some_and(|name| name == sealed.header.identity.as_str()).then_some(sealed.header)
        };
        files(&self.path().join(ENTRIES)).map(|path| (path.clone(), header(&path))).collect()
    }
}

/// The longest of these times, plus a margin.
fn with_margin(left: impl Iterator<Item = SignedDuration>) -> Duration {
    Duration::try_from(left.max().unwrap_or(SignedDuration::ZERO)).unwrap_or_default() + MARGIN
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path())
}
