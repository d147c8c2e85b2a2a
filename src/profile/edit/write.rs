//! A file replaced as a whole, or left as it was.
//!
//! The new text is written beside the target, brought to the disk and renamed over it, so that a crash leaves the old
//! file or the new one. Mode and owner are the old file's. A symbolic link stays one, and what it leads to is replaced.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::EditError;
use crate::profile::Presence;
use crate::secret::Secret;

/// Replaces `before` by `after`. A file that is no longer as `before` is refused.
pub(super) fn replace(
    path: &Path,
    presence: Presence,
    before: &Secret<Vec<u8>>,
    after: &Secret<Vec<u8>>,
) -> Result<(), EditError> {
    let unwritable = |source| EditError::Unwritable { path: path.to_owned(), source };
    let changed = || EditError::Changed { path: path.to_owned() };
    let target = target(path, presence)?;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if presence == Presence::Missing {
        make_folder(folder).map_err(unwritable)?;
    }
    // 0600 from the moment it exists: it may hold access keys.
    let mut file = tempfile::Builder::new().prefix(".mfa-cred-").tempfile_in(folder).map_err(unwritable)?;
    file.write_all(after.expose()).map_err(unwritable)?;
    if presence == Presence::Present {
        let found = fs::metadata(&target).map_err(unwritable)?;
        keep_owner_and_mode(file.as_file(), &found).map_err(unwritable)?;
    }
    file.as_file().sync_all().map_err(unwritable)?;
    match presence {
        Presence::Missing => match file.persist_noclobber(&target) {
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Err(changed()),
            result => result.map_err(|error| unwritable(error.error))?,
        },
        Presence::Present => {
            // The last look before the rename: what happens between the two nobody can see.
            let now = fs::read(&target).map(Secret::new).map_err(unwritable)?;
            if now.expose() != before.expose() {
                return Err(changed());
            }
            file.persist(&target).map_err(|error| unwritable(error.error))?
        }
    };
    sync_folder(folder);
    Ok(())
}

/// The file behind the links.
fn target(path: &Path, presence: Presence) -> Result<PathBuf, EditError> {
    let not_a_file = || EditError::NotAFile { path: path.to_owned() };
    match fs::canonicalize(path) {
        Ok(target) if target.is_file() => Ok(target),
        Ok(_) => Err(not_a_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match presence {
            Presence::Present => Err(EditError::Changed { path: path.to_owned() }),
            // A link that leads nowhere: what was meant is not guessed.
            Presence::Missing if fs::symlink_metadata(path).is_ok() => Err(not_a_file()),
            Presence::Missing => Ok(path.to_owned()),
        },
        Err(source) => Err(EditError::Unwritable { path: path.to_owned(), source }),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(unix)]
fn keep_owner_and_mode(file: &File, found: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata()?;
    if (ours.uid(), ours.gid()) != (found.uid(), found.gid()) {
        std::os::unix::fs::fchown(file, Some(found.uid()), Some(found.gid()))?;
    }
    // After the owner, since a change of that may take bits away.
    file.set_permissions(found.permissions())
}

#[cfg(not(unix))]
fn keep_owner_and_mode(_: &File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Brings the rename to the disk too. Where a folder cannot be opened, the system does so in its own time.
fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = folder;
}
