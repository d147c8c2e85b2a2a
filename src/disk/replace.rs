//! Replaces one of the user's files as a whole, or leaves it unchanged.
//!
//! The new text is written beside the target, flushed to disk and renamed over it, so a crash leaves either the old
//! file or the new one. The new file gets all of the old file's attributes, or the file is not replaced. A symbolic
//! link stays a link, and its target is replaced. A file with a second name (hard link) is refused, since that name
//! would keep the old text, which might be a key that was to be removed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::{private, whole};
use crate::os::files::{self, Lost};
use crate::secret::Secret;

/// Why a file was not replaced. The file is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// Another program changed the file after it was read.
    #[error("`{}` changed on disk since it was read; not written", path.display())]
    Changed {
        /// The path of the file.
        path: PathBuf,
    },
    /// A pipe, a device, or a dangling link.
    #[error("`{}` is not a file that can be replaced", path.display())]
    NotAFile {
        /// The path of the file.
        path: PathBuf,
    },
    /// Another name of the same file would keep the old text.
    #[error("`{}` has {} names (hard links), and the others would keep the old content", path.display(), names)]
    Linked {
        /// The path of the file.
        path: PathBuf,
        /// The number of names.
        names: u64,
    },
    /// The flags that `chattr` sets.
    #[error("`{}` is marked as immutable or append-only (`lsattr` shows it)", path.display())]
    Immutable {
        /// The path of the file.
        path: PathBuf,
    },
    /// The new file could not get all of the old one's attributes.
    #[error("`{}` was not written, since a new file could not keep all of its attributes", path.display())]
    Lost {
        /// The path of the file.
        path: PathBuf,
        /// The attribute that would be lost.
        source: Lost,
    },
    /// The system's error.
    #[error("`{}` cannot be written", path.display())]
    Unwritable {
        /// The path of the file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Replaces the text `before` with `after`; `None` stands for a file that does not exist. Refused if the file no longer
/// holds `before`.
pub fn replace(path: &Path, before: Option<&Secret<Vec<u8>>>, after: &Secret<Vec<u8>>) -> Result<(), ReplaceError> {
    match before {
        Some(before) => over(path, before, after),
        None => create(path, after),
    }
}

fn over(path: &Path, before: &Secret<Vec<u8>>, after: &Secret<Vec<u8>>) -> Result<(), ReplaceError> {
    let unwritable = |source| ReplaceError::Unwritable { path: path.to_owned(), source };
    let changed = || ReplaceError::Changed { path: path.to_owned() };
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(changed()),
        Err(error) => return Err(unwritable(error)),
    };
    if !target.is_file() {
        return Err(ReplaceError::NotAFile { path: path.to_owned() });
    }
    let old = File::open(&target).map_err(unwritable)?;
    let found = old.metadata().map_err(unwritable)?;
    let names = files::standing(&found).names;
    if names > 1 {
        return Err(ReplaceError::Linked { path: path.to_owned(), names });
    }
    if files::is_immutable(&old) {
        return Err(ReplaceError::Immutable { path: path.to_owned() });
    }
    let folder = folder(&target);
    let file = written(folder, after).map_err(unwritable)?;
    files::keep_attributes(&old, file.as_file())
        .map_err(|source| ReplaceError::Lost { path: path.to_owned(), source })?;
    file.as_file().sync_all().map_err(unwritable)?;
    // The last check before the rename. A change between the two cannot be seen.
    let mut now = File::open(&target).map_err(unwritable)?;
    if files::stamp(&now.metadata().map_err(unwritable)?) != files::stamp(&found)
        || !holds(&mut now, before).map_err(unwritable)?
    {
        return Err(changed());
    }
    // Windows replaces no file that is open.
    drop((old, now));
    files::put(file, &target).map_err(unwritable)?;
    files::sync_folder(folder);
    Ok(())
}

fn create(path: &Path, after: &Secret<Vec<u8>>) -> Result<(), ReplaceError> {
    let unwritable = |source| ReplaceError::Unwritable { path: path.to_owned(), source };
    let changed = || ReplaceError::Changed { path: path.to_owned() };
    match fs::canonicalize(path) {
        Ok(target) if target.is_file() => return Err(changed()),
        Ok(_) => return Err(ReplaceError::NotAFile { path: path.to_owned() }),
        // A dangling link: its intended target is not guessed.
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_ok() => {
            return Err(ReplaceError::NotAFile { path: path.to_owned() });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(unwritable(error)),
    }
    let folder = folder(path);
    private::make_folder(folder).map_err(unwritable)?;
    let file = written(folder, after).map_err(unwritable)?;
    file.as_file().sync_all().map_err(unwritable)?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Err(changed()),
        result => result.map_err(|error| unwritable(error.error))?,
    };
    files::sync_folder(folder);
    Ok(())
}

fn folder(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a file with the text, mode 0600 from the start, since it may hold access keys.
fn written(folder: &Path, text: &Secret<Vec<u8>>) -> io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix(".mfa-cred-").tempfile_in(folder)?;
    file.write_all(text.expose())?;
    Ok(file)
}

/// Does the file hold exactly this text? One that has grown is not read, however long it is.
fn holds(file: &mut File, text: &Secret<Vec<u8>>) -> io::Result<bool> {
    let length = text.expose().len();
    if file.metadata()?.len() != length as u64 {
        return Ok(false);
    }
    let mut found = whole::room(length as u64, u64::MAX);
    let read = file.take(length as u64 + 1).read_to_end(&mut found);
    let found = Secret::new(found);
    read.map(|_| found.expose() == text.expose())
}
