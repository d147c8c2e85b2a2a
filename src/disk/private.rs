//! Our own files and folders, which no one else could have changed.
//!
//! Anyone who could plant something in one of our folders could choose what we read or truncate. So symbolic links are
//! never followed, and every opened file is checked before it is used: it must be a regular file, owned by this user,
//! with one name, and not writable by others. Opening never blocks, and reading stops at the largest size that our
//! files can have. Before a file is written, its folder is checked too. Folders further up are the caller's job.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::whole;
use crate::os::files;

/// A thousand times the size of our largest file, and small next to a machine's memory.
const LONGEST: u64 = 1 << 20;

/// The beginning of the name of a file that is being written.
pub(crate) const UNFINISHED: &str = ".new-";

/// Why a file or folder is not used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A link, a pipe, a socket or a device; a folder in place of a file, or the reverse.
    #[error("is a symbolic link or not a {0}")]
    Otherwise(&'static str),
    /// Owned by another user.
    #[error("belongs to user {0}")]
    Foreign(u32),
    /// The file has another name, through which its text can change.
    #[error("has another name elsewhere (a hard link)")]
    Linked,
    /// The mode lets others write.
    #[error("can be written to by other users")]
    Open,
}

/// A refusal and its path, carried inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{} {why}; it is not used", path.display())]
struct Refused {
    path: PathBuf,
    why: Refusal,
}

/// The reason, if the error is a refusal.
pub fn refusal(error: &io::Error) -> Option<Refusal> {
    error.get_ref()?.downcast_ref::<Refused>().map(|refused| refused.why)
}

fn refused(path: &Path, why: Refusal) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Refused { path: path.to_owned(), why })
}

/// Checks a folder without following a link, and reports whether others may look into it.
///
/// # Errors
/// A [`refusal`], or the system's error.
pub fn look(folder: &Path) -> io::Result<Insight> {
    let found = fs::symlink_metadata(folder)?;
    if !found.is_dir() {
        return Err(refused(folder, Refusal::Otherwise("folder")));
    }
    ours(&found).map_err(|why| refused(folder, why))?;
    Ok(if files::standing(&found).lets_in { Insight::Others } else { Insight::UsAlone })
}

/// Who may look into one of our folders.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Insight {
    /// Only this user.
    UsAlone,
    /// The mode lets others in.
    Others,
}

/// Reads one of our files whole.
///
/// # Errors
/// A [`refusal`], the system's error, or a file that is longer than ours can be.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let (file, found) = open(path, OpenOptions::new().read(true))?;
    let mut bytes = whole::room(found.len(), LONGEST);
    whole::read(file, found.len(), LONGEST, &mut bytes)?;
    Ok(bytes)
}

/// The same as text. `None` if it cannot be read or is not UTF-8.
pub fn read_text(path: &Path) -> Option<String> {
    String::from_utf8(read(path).ok()?).ok()
}

/// Opens a file that only we may read, for reading and writing. It is created if missing; anything at that path that is
/// not our file is removed first.
///
/// # Errors
/// The system's error, or a folder at that path.
pub fn open_or_make(path: &Path) -> io::Result<File> {
    look_at_parent(path)?;
    opened_again(path, || open(path, private(OpenOptions::new().read(true).write(true))))
}

/// The same for appending.
///
/// # Errors
/// The same as for [`open_or_make`].
pub fn open_or_make_for_more(path: &Path) -> io::Result<File> {
    look_at_parent(path)?;
    opened_again(path, || open(path, private(OpenOptions::new().append(true))))
}

/// The folder that a file is in, which must still be ours: it may have been checked minutes ago, before a person was
/// asked, and whoever can write to its parent can replace it.
fn look_at_parent(path: &Path) -> io::Result<&Path> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    look(folder).map(|_| folder)
}

fn opened_again(path: &Path, open: impl Fn() -> io::Result<(File, Metadata)>) -> io::Result<File> {
    let file = match open() {
        Err(error) if refusal(&error).is_some() => {
            make_way(path, error)?;
            open()
        }
        result => result,
    };
    file.map(|(file, _)| file)
}

/// Removes what is not our file. When two processes find it at once, neither may remove what the other has just
/// created, so they check again one at a time.
fn make_way(path: &Path, error: io::Error) -> io::Result<()> {
    let folder = path.parent().map(File::open).transpose()?;
    if let Some(folder) = &folder {
        // The lock is held only for the check.
        let _ = folder.lock();
    }
    match open(path, OpenOptions::new().read(true)) {
        Err(again) if refusal(&again).is_some() => fs::remove_file(path).map_err(|_| error),
        _ => Ok(()),
    }
}

/// Creates or replaces a file in a folder. It has mode 0600 from the start and is never partly written.
///
/// # Errors
/// The system's error.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = look_at_parent(path)?;
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    files::put(file, path)
}

/// Creates a folder and its missing parents, each with mode 0700 whatever the umask. An existing folder is not changed.
///
/// # Errors
/// The system's error.
pub fn make_folder(path: &Path) -> io::Result<()> {
    match make_inner(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_folder(path.parent().filter(|parent| !parent.as_os_str().is_empty()).ok_or(error)?)?;
            make_inner(path)
        }
        result => result,
    }
}

/// Renames a bad folder to a name beside it and closes it to others. Returns `None` if it is gone or was repaired in
/// the meantime. `is_bad` says whether the folder at that path is still the bad one.
///
/// # Errors
/// The system's error. Also a file system without modes, where a new folder would be no better.
pub fn set_aside(folder: &Path, is_bad: &dyn Fn() -> bool) -> io::Result<Option<PathBuf>> {
    // The name depends on the folder itself, and nothing is overwritten: otherwise, of two processes at once, the
    // second would move away what the first has just created.
    let Some(to) = files::beside(folder)? else { return Ok(None) };
    if !is_bad() {
        return Ok(None);
    }
    match files::rename_to_nothing(folder, &to) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) => {
            return Ok(None);
        }
        result => result?,
    }
    files::close(&to)?;
    match look(&to) {
        Ok(_) => Ok(Some(to)),
        Err(error) => {
            files::rename_to_nothing(&to, folder)?;
            Err(error)
        }
    }
}

/// Creates a folder in an existing one.
///
/// # Errors
/// The system's error.
pub fn make_inner(path: &Path) -> io::Result<()> {
    match files::folder_for_the_owner().create(path) {
        Ok(()) => files::close(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && fs::metadata(path)?.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens one of our files. Links are not followed, and a pipe does not block.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<(File, Metadata)> {
    let file = files::open_unlinked(path, options).map_err(|error| why_not(path, error))?;
    let found = file.metadata()?;
    is_file_of_ours(&found).map_err(|why| refused(path, why))?;
    Ok((file, found))
}

/// The system has many errors for something that cannot be opened; its kind says more.
fn why_not(path: &Path, error: io::Error) -> io::Error {
    // A missing file is not refused.
    if error.kind() == io::ErrorKind::NotFound {
        return error;
    }
    match fs::symlink_metadata(path).map(|found| is_file_of_ours(&found)) {
        Ok(Err(why)) => refused(path, why),
        _ => error,
    }
}

fn is_file_of_ours(found: &Metadata) -> Result<(), Refusal> {
    if !found.is_file() {
        return Err(Refusal::Otherwise("file"));
    }
    if files::standing(found).names > 1 {
        return Err(Refusal::Linked);
    }
    ours(found)
}

fn ours(found: &Metadata) -> Result<(), Refusal> {
    let standing = files::standing(found);
    match standing.foreign {
        Some(owner) => Err(Refusal::Foreign(owner)),
        None if standing.lets_write => Err(Refusal::Open),
        None => Ok(()),
    }
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    files::for_the_owner(options.create(true))
}

#[cfg(all(test, unix))]
mod tests;
