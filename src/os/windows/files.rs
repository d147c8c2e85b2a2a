//! Files and folders. Access rights are inherited from the user's profile folder, which other users cannot enter; they are
//! not looked at.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

/// The file that is always empty.
pub const EMPTY: &str = "NUL";
/// Between the entries of a list in a variable.
pub const LIST_SEPARATOR: char = ';';
/// Whether the text of a file that another process has locked cannot be read.
pub const LOCKS_HIDE_TEXT: bool = true;

/// For how long a file that cannot be replaced is tried again: virus scanners and indexers open new files for a moment.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(10);

/// Who owns a file or folder, and what is granted to others. Nothing of that is looked at here.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// The user ID of the owner, unless it is this process's user.
    pub foreign: Option<u32>,
    /// How many names the file has.
    pub names: u64,
    /// Others may write.
    pub lets_write: bool,
    /// Others may do anything.
    pub lets_in: bool,
}

/// Ours alone.
pub fn standing(_: &Metadata) -> Standing {
    Standing { foreign: None, names: 1, lets_write: false, lets_in: false }
}

/// Not known here.
pub fn is_ours(_: &Path) -> bool {
    true
}

/// Not known here.
pub fn is_readable_by_others(_: &Path) -> bool {
    false
}

/// Not known here.
pub fn stranger(_: &Metadata) -> Option<u32> {
    None
}

/// Not known here.
pub fn is_writable_by_others(_: &Path, _: &Metadata) -> bool {
    false
}

/// May this process read the file?
pub fn may_read(path: &Path) -> bool {
    File::open(path).is_ok()
}

/// May this process reach what is in the folder?
pub fn may_enter(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok()
}

/// May this process create files in the folder?
pub fn may_write_in(folder: &Path) -> bool {
    tempfile::tempfile_in(folder).is_ok()
}

/// Can this user's shell start the file as a program?
pub fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// Opens a file for reading.
///
/// # Errors
/// The system's error.
pub fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens one of our files. A link at that path is opened itself, and is then no regular file.
///
/// # Errors
/// The system's error.
pub fn open_unlinked(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

/// Nothing to add.
pub fn for_the_owner(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// A folder like any other.
pub fn folder_for_the_owner() -> DirBuilder {
    DirBuilder::new()
}

/// Nothing to add.
pub fn for_everyone<'b, 'n>(builder: &'b mut tempfile::Builder<'n, 'n>) -> &'b mut tempfile::Builder<'n, 'n> {
    builder
}

/// Does nothing.
///
/// # Errors
/// None.
pub fn close(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Folders are never refused on this system, so none is moved.
///
/// # Errors
/// None.
pub fn beside(_: &Path) -> io::Result<Option<PathBuf>> {
    Ok(None)
}

/// Is never needed.
///
/// # Errors
/// Always.
pub fn rename_to_nothing(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Puts a finished temporary file into its place, whatever is there. A file that somebody has open can only be replaced
/// by a rename with POSIX semantics, which the library's is and that of `tempfile` is not.
///
/// # Errors
/// The system's error.
pub fn put(file: NamedTempFile, to: &Path) -> io::Result<()> {
    let temporary = file.into_temp_path();
    let start = Instant::now();
    loop {
        match fs::rename(&temporary, to) {
            Err(error)
                if error.kind() == io::ErrorKind::PermissionDenied && start.elapsed() < PATIENCE && !to.is_dir() =>
            {
                thread::sleep(PAUSE);
            }
            Err(error) => return Err(error),
            Ok(()) => {
                // It is no longer there, so nothing is removed.
                let _ = temporary.keep();
                return Ok(());
            }
        }
    }
}

/// The system does it in its own time.
pub fn sync_folder(_: &Path) {}

/// Does the path still lead to this open file?
///
/// # Errors
/// The system's error.
pub fn is_still_at(file: &File, path: &Path) -> io::Result<bool> {
    use same_file::Handle;
    let ours = Handle::from_file(file.try_clone()?)?;
    match Handle::from_path(path) {
        Ok(there) => Ok(there == ours),
        // A name that is about to go cannot be opened.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Identifies a file, and shows whether it has changed since.
#[derive(Eq, PartialEq)]
pub struct Stamp {
    changed: [u64; 2],
    attributes: u32,
}

/// The stamp of an open file.
pub fn stamp(found: &Metadata) -> Stamp {
    use std::os::windows::fs::MetadataExt;
    Stamp { changed: [found.creation_time(), found.last_write_time()], attributes: found.file_attributes() }
}

/// Not known here.
pub fn is_immutable(_: &File) -> bool {
    false
}

/// Reads nothing: there is no such call in the library.
///
/// # Errors
/// None.
pub fn read_once(_: &File, _: &mut Vec<u8>) -> io::Result<usize> {
    Ok(0)
}

/// Does the error say that the file system has no locks?
pub fn has_no_locks(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}

/// The attribute that could not be copied. Here every one can.
#[derive(Debug, thiserror::Error)]
pub enum Lost {}

/// A new file takes its access rights from its folder, as the old one did.
///
/// # Errors
/// None.
pub fn keep_attributes(_: &File, _: &File) -> Result<(), Lost> {
    Ok(())
}
