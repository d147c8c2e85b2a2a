//! Files, folders, and who may do what with them.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{Access, OFlags, access};
use rustix::io::Errno;
use tempfile::NamedTempFile;

pub use super::attributes::{Lost, keep_attributes};

/// The file that is always empty.
pub const EMPTY: &str = "/dev/null";
/// Between the entries of a list in a variable.
pub const LIST_SEPARATOR: char = ':';
/// Whether the text of a file that another process has locked cannot be read.
pub const LOCKS_HIDE_TEXT: bool = false;

/// Who owns a file or folder, and what its mode grants to others. The mode includes the ACL's mask, so this covers what an
/// ACL grants.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// The user ID of the owner, unless it is this process's user.
    pub foreign: Option<u32>,
    /// How many names the file has.
    pub names: u64,
    /// Group or others may write.
    pub lets_write: bool,
    /// Group or others may do anything.
    pub lets_in: bool,
}

/// What the metadata says.
pub fn standing(found: &Metadata) -> Standing {
    Standing {
        foreign: Some(found.uid()).filter(|owner| *owner != user()),
        names: found.nlink(),
        lets_write: found.mode() & 0o022 != 0,
        lets_in: found.mode() & 0o077 != 0,
    }
}

/// This process's user, which never changes and is needed for every file.
fn user() -> u32 {
    static USER: OnceLock<u32> = OnceLock::new();
    *USER.get_or_init(|| rustix::process::geteuid().as_raw())
}

/// Does the file or folder belong to this process's user?
pub fn is_ours(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.uid() == user())
}

/// Can users other than the owner read the file?
pub fn is_readable_by_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.mode() & 0o044 != 0)
}

/// The user ID of an owner that is neither this user nor root.
pub fn stranger(found: &Metadata) -> Option<u32> {
    Some(found.uid()).filter(|owner| ![0, user()].contains(owner))
}

/// Can other users write to it? On systems where each user has a private group and a matching umask, files are writable by
/// that group.
pub fn is_writable_by_others(path: &Path, found: &Metadata) -> bool {
    let is_private = found.gid() == found.uid() && !has_acl(path);
    found.mode() & (if is_private { 0o002 } else { 0o022 }) != 0
}

#[cfg(target_os = "linux")]
fn has_acl(path: &Path) -> bool {
    rustix::fs::getxattr_query(path, "system.posix_acl_access").is_ok()
}

#[cfg(not(target_os = "linux"))]
fn has_acl(_: &Path) -> bool {
    false
}

/// May this process read the file?
pub fn may_read(path: &Path) -> bool {
    access(path, Access::READ_OK).is_ok()
}

/// May this process reach what is in the folder?
pub fn may_enter(folder: &Path) -> bool {
    access(folder, Access::EXEC_OK).is_ok()
}

/// May this process create files in the folder?
pub fn may_write_in(folder: &Path) -> bool {
    access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// Can this user's shell start the file as a program?
pub fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Opens a file for reading, without blocking, should it be a pipe without a writer.
///
/// # Errors
/// The system's error.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}

/// Opens one of our files. A link at that path is an error, and a pipe does not block.
///
/// # Errors
/// The system's error.
pub fn open_unlinked(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    options.custom_flags(flags.bits().cast_signed()).open(path)
}

/// A file that is created is open to its owner alone.
pub fn for_the_owner(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// A folder that is created is open to its owner alone.
pub fn folder_for_the_owner() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

/// A temporary file that everyone may read, as far as the umask allows.
pub fn for_everyone<'b, 'n>(builder: &'b mut tempfile::Builder<'n, 'n>) -> &'b mut tempfile::Builder<'n, 'n> {
    builder.permissions(Permissions::from_mode(0o644))
}

/// Removes all access to a folder for others, and restores ours if a umask removed it.
///
/// # Errors
/// The system's error.
pub fn close(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

/// The folder's path with its number appended, if it exists.
///
/// # Errors
/// The system's error.
pub fn beside(folder: &Path) -> io::Result<Option<PathBuf>> {
    let number = match fs::symlink_metadata(folder) {
        Ok(found) => found.ino(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut name = folder.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".set-aside-{number}"));
    Ok(Some(folder.with_file_name(name)))
}

/// Renames, and replaces nothing.
///
/// # Errors
/// The system's error; [`io::ErrorKind::AlreadyExists`].
pub fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    match rename_alone(from, to) {
        // File systems that do not support the flag.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            if fs::symlink_metadata(to).is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(from, to)
        }
        result => result.map_err(io::Error::from),
    }
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename_alone(from: &Path, to: &Path) -> rustix::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename_alone(_: &Path, _: &Path) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}

/// Puts a finished temporary file into its place, whatever is there.
///
/// # Errors
/// The system's error.
pub fn put(file: NamedTempFile, to: &Path) -> io::Result<()> {
    file.persist(to).map(|_| ()).map_err(|error| error.error)
}

/// Flushes a folder, so that what was created, renamed, or removed in it is on the disk. If the folder cannot be opened,
/// the system does it in its own time.
pub fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// Does the path still lead to this open file?
///
/// # Errors
/// The system's error.
pub fn is_still_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Identifies a file, and shows whether its attributes have changed since.
#[derive(Eq, PartialEq)]
pub struct Stamp {
    identity: [u64; 3],
    changed: [i64; 2],
}

/// The stamp of an open file.
pub fn stamp(found: &Metadata) -> Stamp {
    Stamp { identity: [found.dev(), found.ino(), found.nlink()], changed: [found.ctime(), found.ctime_nsec()] }
}

/// Would the system refuse to rename over the file, without giving a reason?
#[cfg(target_os = "linux")]
pub fn is_immutable(file: &File) -> bool {
    use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};
    let marks = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
    statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::TYPE).is_ok_and(|found| found.stx_attributes.intersects(marks))
}

/// Not known here.
#[cfg(not(target_os = "linux"))]
pub fn is_immutable(_: &File) -> bool {
    false
}

/// Appends what one call reads into the free room of the buffer, and returns how much that was; zero may also mean that the
/// call was interrupted.
///
/// # Errors
/// The system's error.
pub fn read_once(file: &File, bytes: &mut Vec<u8>) -> io::Result<usize> {
    match rustix::io::read(file, rustix::buffer::spare_capacity(bytes)) {
        Err(Errno::INTR) => Ok(0),
        read => read.map_err(io::Error::from),
    }
}

/// Does the error say that the file system has no locks?
pub fn has_no_locks(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::NOLCK.raw_os_error()) || error.kind() == io::ErrorKind::Unsupported
}
