//! Room on the disk for a file's next text, taken before that text can be had.
//!
//! A token that a call replaces is lost if its successor cannot be stored, so the file, its space and its folder are
//! checked first: the new file is made beside the old one and filled. What comes later only overwrites what is there, and
//! is renamed over the old file, so that a reader finds the old text or the new one, and never a part of either.

use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

use super::private;
use crate::os::files;
use crate::secret::Secret;

const PREFIX: &str = ".mfa-cred-";
/// How old a file must be to count as left over by a process that was killed.
const STRAY: Duration = Duration::from_mins(10);

/// A new file that is not yet in its place. Dropped, it is removed.
pub struct Reserved {
    file: NamedTempFile,
    target: PathBuf,
}

impl Reserved {
    /// Takes room for `length` bytes beside `path`, with mode 0600 from the start. A symbolic link is followed, and stays
    /// one.
    ///
    /// # Errors
    /// The folder cannot be made or written to, or the disk is full.
    pub fn beside(path: &Path, length: usize) -> io::Result<Self> {
        let target = match fs::canonicalize(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_err() => {
                path.to_owned()
            }
            target => target?,
        };
        let folder = target.parent().ok_or(io::ErrorKind::InvalidInput)?;
        private::make_folder(folder)?;
        sweep(folder);
        let mut file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder)?;
        file.write_all(&vec![b' '; length])?;
        file.as_file().sync_all()?;
        Ok(Self { file, target })
    }

    /// Writes the text and puts the file into its place.
    ///
    /// # Errors
    /// The system's error. The old file is as it was.
    pub fn fill(self, text: &Secret<Vec<u8>>) -> io::Result<()> {
        let Self { mut file, target } = self;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(text.expose())?;
        file.as_file().set_len(text.expose().len() as u64)?;
        file.as_file().sync_all()?;
        files::put(file, &target)?;
        // So that the rename is on the disk, too.
        target.parent().into_iter().for_each(files::sync_folder);
        Ok(())
    }
}

/// Removes what killed processes have left in a folder. It may hold a token.
fn sweep(folder: &Path) {
    let is_stray = |file: &fs::DirEntry| {
        let age = file.metadata().and_then(|found| found.modified()).map(|made| made.elapsed().unwrap_or_default());
        file.file_name().to_string_lossy().starts_with(PREFIX) && age.is_ok_and(|age| age > STRAY)
    };
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files.filter(is_stray) {
        let _ = fs::remove_file(file.path());
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::{Duration, SystemTime};

    use super::Reserved;
    use crate::secret::Secret;

    fn text(text: &str) -> Secret<Vec<u8>> {
        Secret::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("inner/token.json");
        for (length, new) in [(1000, "short"), (2, "longer than what was reserved")] {
            Reserved::beside(&file, length).expect("room").fill(&text(new)).expect("it is written");
            assert_eq!(fs::read_to_string(&file).expect("it is there"), new);
            assert_eq!(fs::metadata(&file).expect("it").permissions().mode() & 0o777, 0o600);
        }
        // An open mode is not kept, and a link leads to the same place as before.
        let link = folder.path().join("link.json");
        symlink(&file, &link).expect("a link");
        fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("it is ours");
        Reserved::beside(&link, 9).expect("room").fill(&text("new")).expect("it is written");
        assert!(fs::symlink_metadata(&link).expect("it").is_symlink());
        assert_eq!(fs::read_to_string(&file).expect("it is there"), "new");
        assert_eq!(fs::metadata(&file).expect("it").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn room_that_is_not_used_leaves_nothing_and_the_old_file_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token.json");
        fs::write(&file, "old").expect("it is written");
        drop(Reserved::beside(&file, 100).expect("room"));
        assert_eq!(fs::read_to_string(&file).expect("it is there"), "old");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        assert!(Reserved::beside(&folder.path().join("token.json/below"), 1).is_err());
    }

    #[test]
    fn what_a_killed_process_left_is_removed_later() {
        let folder = tempfile::tempdir().expect("a folder");
        let (old, new) = (folder.path().join(".mfa-cred-old"), folder.path().join(".mfa-cred-new"));
        for (path, age) in [(&old, 3600), (&new, 0)] {
            let made = SystemTime::now() - Duration::from_secs(age);
            File::create(path).and_then(|file| file.set_modified(made)).expect("a file");
        }
        drop(Reserved::beside(&folder.path().join("token.json"), 1).expect("room"));
        assert_eq!((old.exists(), new.exists()), (false, true));
    }
}
