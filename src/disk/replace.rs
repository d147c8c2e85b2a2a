//! Replaces one of the user's files as a whole, or leaves it unchanged.
//!
//! The new text is written beside the target, flushed to disk and renamed over it, so a crash leaves either the old
//! file or the new one. The new file gets all of the old file's attributes, or the file is not replaced. A symbolic
//! link stays a link, and its target is replaced. A file with a second name (hard link) is refused, since that name
//! would keep the old text, which might be a key that was to be removed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::attributes::{self, Lost};
use super::{private, whole};
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
    let stamp = Stamp::of(&old).map_err(unwritable)?;
    if stamp.names > 1 {
        return Err(ReplaceError::Linked { path: path.to_owned(), names: stamp.names });
    }
    if is_immutable(&old) {
        return Err(ReplaceError::Immutable { path: path.to_owned() });
    }
    let folder = folder(&target);
    let file = written(folder, after).map_err(unwritable)?;
    attributes::keep(&old, file.as_file()).map_err(|source| ReplaceError::Lost { path: path.to_owned(), source })?;
    file.as_file().sync_all().map_err(unwritable)?;
    // The last check before the rename. A change between the two cannot be seen.
    let mut now = File::open(&target).map_err(unwritable)?;
    if Stamp::of(&now).map_err(unwritable)? != stamp || !holds(&mut now, before).map_err(unwritable)? {
        return Err(changed());
    }
    file.persist(&target).map_err(|error| unwritable(error.error))?;
    sync_folder(folder);
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
    sync_folder(folder);
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

/// Identifies the file that was checked, and shows whether its attributes have changed since.
#[derive(Eq, PartialEq)]
struct Stamp {
    names: u64,
    identity: [u64; 2],
    changed: [i64; 2],
}

impl Stamp {
    #[cfg(unix)]
    fn of(file: &File) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let found = file.metadata()?;
        let (identity, changed) = ([found.dev(), found.ino()], [found.ctime(), found.ctime_nsec()]);
        Ok(Self { names: found.nlink(), identity, changed })
    }

    #[cfg(not(unix))]
    fn of(_: &File) -> io::Result<Self> {
        Ok(Self { names: 1, identity: [0; 2], changed: [0; 2] })
    }
}

/// The system would refuse the rename without giving a reason.
#[cfg(target_os = "linux")]
fn is_immutable(file: &File) -> bool {
    use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};
    let marks = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
    statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::TYPE).is_ok_and(|found| found.stx_attributes.intersects(marks))
}

#[cfg(not(target_os = "linux"))]
fn is_immutable(_: &File) -> bool {
    false
}

/// Flushes the rename to disk. If the folder cannot be opened, the system does it in its own time.
fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = folder;
}
