//! Files and folders of our own, which nobody else had a hand in.
//!
//! Whoever could plant something in a folder of ours could choose what we read, or what we truncate. So a name is never
//! followed to where a link leads, and what was opened is looked at before it is used: a regular file, this user's, with
//! one name, that nobody else may write to. Nothing is waited for, and no more is read than a file of ours ever has. The
//! folders above a name are the caller's to look at.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::whole;

/// A thousand times what any of our files has, and little against a machine's memory.
const LONGEST: u64 = 1 << 20;

/// Why something is not used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A link, a pipe, a socket, a device, or a folder for a file and the reverse.
    #[error("is a symbolic link or no {0}")]
    Otherwise(&'static str),
    /// Somebody else's.
    #[error("belongs to user {0}")]
    Foreign(u32),
    /// Its text is another file's too.
    #[error("has another name elsewhere (a hard link)")]
    Linked,
    /// The mode lets others write, or did.
    #[error("can be written to by other users")]
    Open,
}

/// A refusal with its path, inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{} {why}; it is not used", path.display())]
struct Refused {
    path: PathBuf,
    why: Refusal,
}

/// Why it was refused, where that is what an error is about.
pub fn refusal(error: &io::Error) -> Option<Refusal> {
    error.get_ref()?.downcast_ref::<Refused>().map(|refused| refused.why)
}

fn refused(path: &Path, why: Refusal) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Refused { path: path.to_owned(), why })
}

/// Looks at a folder without following a link, and says whether others may look into it.
///
/// # Errors
/// A [`refusal`], or the system's.
pub fn look(folder: &Path) -> io::Result<Insight> {
    let found = fs::symlink_metadata(folder)?;
    if !found.is_dir() {
        return Err(refused(folder, Refusal::Otherwise("folder")));
    }
    ours(&found).map_err(|why| refused(folder, why))?;
    Ok(if lets_others_in(&found) { Insight::Others } else { Insight::UsAlone })
}

/// Who may look into a folder of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Insight {
    /// As it should be.
    UsAlone,
    /// Its mode lets others in.
    Others,
}

/// All that is in a file of ours.
///
/// # Errors
/// A [`refusal`], the system's, and a file that is longer than ours are.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let (file, found) = open(path, OpenOptions::new().read(true))?;
    let mut bytes = whole::room(found.len(), LONGEST);
    whole::read(file, found.len(), LONGEST, &mut bytes)?;
    Ok(bytes)
}

/// The same as text; what is not to be read, and what is no text, is none.
pub fn read_text(path: &Path) -> Option<String> {
    String::from_utf8(read(path).ok()?).ok()
}

/// Opens a file that only we may read, for reading and writing. It is made where it is missing, and what is no file of
/// ours makes way for it.
///
/// # Errors
/// The system's, and a folder in its place.
pub fn open_or_make(path: &Path) -> io::Result<File> {
    opened_anew(path, || open(path, private(OpenOptions::new().read(true).write(true))))
}

/// The same for adding to it.
///
/// # Errors
/// As above.
pub fn open_or_make_for_more(path: &Path) -> io::Result<File> {
    opened_anew(path, || open(path, private(OpenOptions::new().append(true))))
}

fn opened_anew(path: &Path, open: impl Fn() -> io::Result<(File, Metadata)>) -> io::Result<File> {
    let file = match open() {
        Err(error) if refusal(&error).is_some() => {
            make_way(path, error)?;
            open()
        }
        result => result,
    };
    file.map(|(file, _)| file)
}

/// Takes away what is no file of ours. Two that find it at once must not take away what the first of them made then, so
/// they look again one after another.
fn make_way(path: &Path, error: io::Error) -> io::Result<()> {
    let folder = path.parent().map(File::open).transpose()?;
    if let Some(folder) = &folder {
        // Nobody holds this for longer than it takes to look.
        let _ = folder.lock();
    }
    match open(path, OpenOptions::new().read(true)) {
        Err(again) if refusal(&again).is_some() => fs::remove_file(path).map_err(|_| error),
        _ => Ok(()),
    }
}

/// Replaces a file of a folder, or makes it, 0600 from the moment it exists and whole at any time.
///
/// # Errors
/// The system's.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Makes a folder and those above it that are missing, each 0700 whatever the umask; one that is there is left as it is.
///
/// # Errors
/// The system's.
pub fn make_folder(path: &Path) -> io::Result<()> {
    match make_inner(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_folder(path.parent().filter(|parent| !parent.as_os_str().is_empty()).ok_or(error)?)?;
            make_inner(path)
        }
        result => result,
    }
}

/// Moves a folder out of the way, to a name beside it, and closes it; `None` when it is gone or was mended meanwhile.
/// `is_bad` says whether the folder at that path is still the one that has to go.
///
/// # Errors
/// The system's, and a file system that keeps no modes, where a new folder would be no better.
pub fn set_aside(folder: &Path, is_bad: &dyn Fn() -> bool) -> io::Result<Option<PathBuf>> {
    // Named by what it is, and never over another: of two that come at once, the second would else move away what the
    // first has just made.
    let Some(to) = beside(folder)? else { return Ok(None) };
    if !is_bad() {
        return Ok(None);
    }
    match rename_to_nothing(folder, &to) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) => {
            return Ok(None);
        }
        result => result?,
    }
    close(&to)?;
    match look(&to) {
        Ok(_) => Ok(Some(to)),
        Err(error) => {
            rename_to_nothing(&to, folder)?;
            Err(error)
        }
    }
}

/// Makes a folder in one that is there.
///
/// # Errors
/// The system's.
pub fn make_inner(path: &Path) -> io::Result<()> {
    match private_folder().create(path) {
        Ok(()) => close(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && fs::metadata(path)?.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
mod system {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};

    use std::sync::OnceLock;

    use rustix::fs::OFlags;

    use super::{DirBuilder, File, Metadata, OpenOptions, Path, PathBuf, Refusal, fs, io, refused};

    /// Opens what is a file of ours; neither links nor the other ends of pipes are followed or waited for.
    pub(super) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<(File, Metadata)> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = options.custom_flags(flags.bits().cast_signed()).open(path).map_err(|error| why_not(path, error))?;
        let found = file.metadata()?;
        is_file_of_ours(&found).map_err(|why| refused(path, why))?;
        Ok((file, found))
    }

    /// The system has many words for what cannot be opened; what it is says more.
    fn why_not(path: &Path, error: io::Error) -> io::Error {
        // What is not there is nothing else either.
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
        if found.nlink() > 1 {
            return Err(Refusal::Linked);
        }
        ours(found)
    }

    pub(super) fn ours(found: &Metadata) -> Result<(), Refusal> {
        if found.uid() != user() {
            return Err(Refusal::Foreign(found.uid()));
        }
        // An ACL's mask stands here too, so it sees what an ACL grants.
        if found.mode() & 0o022 != 0 {
            return Err(Refusal::Open);
        }
        Ok(())
    }

    /// This process's user, who stays the same and is asked for at every file.
    fn user() -> u32 {
        static USER: OnceLock<u32> = OnceLock::new();
        *USER.get_or_init(|| rustix::process::geteuid().as_raw())
    }

    pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options.create(true).mode(0o600)
    }

    pub(super) fn private_folder() -> DirBuilder {
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        builder
    }

    /// The folder's path with its number behind it, where it is there.
    pub(super) fn beside(folder: &Path) -> io::Result<Option<PathBuf>> {
        let number = match fs::symlink_metadata(folder) {
            Ok(found) => found.ino(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut name = folder.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(format!(".set-aside-{number}"));
        Ok(Some(folder.with_file_name(name)))
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    pub(super) fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // File systems that do not know the flag.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => looked(from, to),
            result => result.map_err(io::Error::from),
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    pub(super) fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
        looked(from, to)
    }

    fn looked(from: &Path, to: &Path) -> io::Result<()> {
        if fs::symlink_metadata(to).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(from, to)
    }

    /// Takes everybody else's rights to a folder away, and gives us ours where a umask kept them.
    pub(crate) fn close(folder: &Path) -> io::Result<()> {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
    }

    /// May others look into the folder?
    pub(super) fn lets_others_in(found: &Metadata) -> bool {
        found.mode() & 0o077 != 0
    }
}

#[cfg(not(unix))]
mod system {
    use super::{DirBuilder, File, Metadata, OpenOptions, Path, PathBuf, Refusal, io, refused};

    pub(super) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<(File, Metadata)> {
        let file = options.open(path)?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(refused(path, Refusal::Otherwise("file")));
        }
        Ok((file, found))
    }

    /// What a user's folders let others do there is inherited from the user's own.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can be refused")]
    pub(super) fn ours(_: &Metadata) -> Result<(), Refusal> {
        Ok(())
    }

    pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options.create(true)
    }

    pub(super) fn private_folder() -> DirBuilder {
        DirBuilder::new()
    }

    /// No folder is refused there, so none is moved.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(super) fn beside(_: &Path) -> io::Result<Option<PathBuf>> {
        Ok(None)
    }

    pub(super) fn rename_to_nothing(_: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(crate) fn close(_: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn lets_others_in(_: &Metadata) -> bool {
        false
    }
}

pub(crate) use system::close;
use system::{beside, lets_others_in, open, ours, private, private_folder, rename_to_nothing};

#[cfg(all(test, unix))]
mod tests;
