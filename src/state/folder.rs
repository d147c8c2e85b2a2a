//! The state folder: private to its owner, and refused otherwise.
//!
//! It contains `entries/`, `locks/` and `devices/`. Files have mode 0600 from the moment they exist, and are replaced,
//! never rewritten: a program that dies leaves either the old file or the new one. Anyone who could plant a file here
//! could choose what we read and where we write. So a symbolic link or another user's folder in its place is refused,
//! and a folder that others could write to, or that contains such a thing, is set aside. Only files that belong to this
//! user alone are used ([`private`]).

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::disk::private::{self, Insight, Refusal, refusal};
use crate::messages::Messages;
use crate::os::files::close;
use crate::vault;

/// Subfolder of the encrypted cache entries.
pub(crate) const ENTRIES: &str = "entries";
/// Subfolder that records the MFA devices that IAM named.
pub(crate) const DEVICES: &str = "devices";
pub(super) const LOCKS: &str = "locks";

/// Why the state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The operating system defines no state folder.
    #[error("no home folder is known")]
    Nowhere,
    /// It cannot be created or inspected.
    #[error("{} cannot be used", .path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Something else is in its place.
    #[error("{} is a symbolic link or not a folder; it is not used", .path.display())]
    NotAFolder {
        /// The folder.
        path: PathBuf,
    },
    /// It belongs to another user.
    #[error("{} belongs to user {owner}; it is not used", .path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// The numeric user id of its owner.
        owner: u32,
    },
    /// Others could write to it, or it contains something that is not ours.
    #[error("{} {why}; it is not used", .path.display())]
    Touched {
        /// The folder, or the item in it.
        path: PathBuf,
        /// What is wrong with it.
        why: Refusal,
    },
}

/// A state folder that has been checked.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Creates missing folders, restricts a mode that lets others look in, and refuses what is not ours.
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

    /// Checks the folder as [`Folder::open`] does, but creates and repairs nothing; `None` if it does not exist yet.
    pub fn look(path: Option<&Path>) -> Result<Option<Self>, FolderError> {
        let path = path.ok_or(FolderError::Nowhere)?.to_owned();
        match inspect(&path) {
            Ok(_) => Ok(Some(Self { path })),
            Err(FolderError::Unusable { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Like [`Folder::open`], but replaces a folder that others could write to: the old one is renamed, and a warning
    /// tells its new name.
    pub fn open_or_set_aside(path: Option<&Path>, messages: Messages) -> Result<Self, FolderError> {
        match (Self::open(path), path) {
            (Err(FolderError::Touched { path: touched, why }), Some(path)) => {
                let is_bad = || matches!(check(path), Err(FolderError::Touched { .. }));
                let unusable = |source| FolderError::Unusable { path: path.to_owned(), source };
                let aside = private::set_aside(path, &is_bad).map_err(unusable)?;
                let folder = Self::open(Some(path))?;
                if let Some(to) = aside {
                    vault::inherit(&to, path);
                    messages.warn(&format!(
                        "{} {why}, so the state folder cannot be trusted: renamed it to {} and created a new one",
                        touched.display(),
                        to.display()
                    ));
                }
                Ok(folder)
            }
            (result, _) => result,
        }
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The content of a file in the folder; `None` if it is missing or not ours.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        private::read(&self.path.join(name)).ok()
    }

    /// Is there a folder in a file's place? Nothing takes its place then, and nothing is read from it.
    pub fn is_blocked(&self, name: &str) -> bool {
        std::fs::symlink_metadata(self.path.join(name)).is_ok_and(|found| found.is_dir())
    }

    /// The same as text.
    pub fn read_text(&self, name: &str) -> Option<String> {
        private::read_text(&self.path.join(name))
    }

    /// Creates or atomically replaces a file in a subfolder, readable by its owner alone.
    pub fn write(&self, folder: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        private::write(&self.subfolder(folder)?.join(name), bytes)
    }

    /// Appends to a file in the folder with one write, and returns the file's new length in bytes.
    pub fn append(&self, name: &str, bytes: &[u8]) -> io::Result<u64> {
        let mut file = private::open_or_make_for_more(&self.path.join(name))?;
        file.write_all(bytes)?;
        Ok(file.metadata()?.len())
    }

    /// The path of a subfolder, created if missing; the empty name is the folder itself.
    pub(crate) fn subfolder(&self, name: &str) -> io::Result<PathBuf> {
        if name.is_empty() {
            return Ok(self.path.clone());
        }
        // It may have been replaced since it was opened.
        private::look(&self.path)?;
        let folder = self.path.join(name);
        match private::look(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => private::make_inner(&folder)?,
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        Ok(folder)
    }
}

/// Checks that the folder and its contents are ours. Restricts a mode that lets others look in.
fn check(path: &Path) -> Result<(), FolderError> {
    if inspect(path)? == Insight::Others {
        close(path).map_err(|source| FolderError::Unusable { path: path.to_owned(), source })?;
    }
    Ok(())
}

/// Checks that the folder and its contents are ours. Whatever is wrong inside could only get there while others could
/// write to the folder itself.
fn inspect(path: &Path) -> Result<Insight, FolderError> {
    let unusable = |source| FolderError::Unusable { path: path.to_owned(), source };
    let insight = private::look(path).map_err(|error| match refusal(&error) {
        Some(Refusal::Otherwise(_)) => FolderError::NotAFolder { path: path.to_owned() },
        Some(Refusal::Foreign(owner)) => FolderError::Foreign { path: path.to_owned(), owner },
        Some(why) => FolderError::Touched { path: path.to_owned(), why },
        None => unusable(error),
    })?;
    for inner in [ENTRIES, LOCKS, DEVICES].map(|name| path.join(name)) {
        match private::look(&inner) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(match refusal(&error) {
                    Some(why) => FolderError::Touched { path: inner, why },
                    None => unusable(error),
                });
            }
            Ok(_) => {}
        }
    }
    Ok(insight)
}
