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
        fs::remove_file(self.path().join(ENTRIES).join(file_name)).is_ok()
    }

    pub(super) fn remove_entries(&self) -> usize {
        // The record of the devices that IAM named is removed too.
        let _ = fs::remove_dir_all(self.path().join(DEVICES));
        let removed = |(path, header): (PathBuf, Option<Header>)| fs::remove_file(path).is_ok() && header.is_some();
        self.entries().into_iter().map(removed).filter(|was_entry| *was_entry).count()
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
