//! The token file of a login, `~/.aws/sso/cache/HASH.json`, which the AWS CLI and the SDKs share.
//!
//! In: whose login it is. Out: a [`Token`], and the only way to replace it: under a lock, and with room on the disk that
//! was taken before the old token is spent. Only [`Held`] can replace a file, and only [`Room`] can write one.
//!
//! A refresh token is good for one use, so the new one must not be lost. It is written into a file that exists already,
//! beside the token file, and then takes its place. If the process is killed in between, the next one that takes the
//! lock finds it and finishes the work. What no order of steps can save is a process that is killed after AWS has sent
//! the new token and before the write of it has begun.
//!
//! The AWS CLI and the SDKs write the file in place and take no lock, so half of a file may be read while they write.

use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha1::{Digest, Sha1};

use super::token::Token;
use crate::disk::private;
use crate::host::read_regular;
use crate::os::files;
use crate::plan::SsoSession;
use crate::secret::Secret;

/// How much longer than the old file the new one may be, in bytes.
const MORE: usize = 16 << 10;
/// How often a file that is not a token is read before that is believed, and the pause in between.
const READINGS: (u32, Duration) = (5, Duration::from_millis(20));
/// The pause between two tries of a lock.
const PAUSE: Duration = Duration::from_millis(20);
/// How long another process is waited for. A renewal is one call.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What is wrong with a token file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It has no token.
    #[error("`{}` {why}", path.display())]
    NotAToken {
        /// The file.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// It cannot be replaced.
    #[error("`{}` cannot be written", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another process has held its lock for too long.
    #[error("another process has been renewing `{}` for {} s", path.display(), LONGEST_WAIT.as_secs())]
    Busy {
        /// The file.
        path: PathBuf,
    },
}

/// Where the token of a login is.
#[derive(Clone, Debug)]
pub struct TokenFile {
    path: PathBuf,
}

/// The file's lock. It ends when dropped, or with the process.
#[derive(Debug)]
pub struct Held<'f> {
    of: &'f TokenFile,
    /// `None` on a file system without locks.
    lock: Option<File>,
}

/// Room on the disk for the next token.
#[derive(Debug)]
pub struct Room<'h> {
    path: &'h Path,
    target: PathBuf,
    new: PathBuf,
    file: File,
    is_done: bool,
}

impl TokenFile {
    /// The file of that login, in the folder that no variable moves.
    pub fn of(home: &Path, session: &SsoSession) -> Self {
        let hash = base16ct::lower::encode_string(&Sha1::digest(session.token_key().as_bytes()));
        Self { path: home.join(".aws/sso/cache").join(hash + ".json") }
    }

    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The token; `None` if there is no file.
    ///
    /// # Errors It cannot be read, or is not a token.
    pub fn read(&self) -> Result<Option<Token>, FileError> {
        let (readings, pause) = READINGS;
        let mut reading = 1;
        loop {
            match self.read_once() {
                // Perhaps it is just being written.
                Err(FileError::NotAToken { .. }) if reading < readings => std::thread::sleep(pause),
                result => return result,
            }
            reading += 1;
        }
    }

    /// Is there neither a token nor what a killed process left of one?
    pub(super) fn is_absent(&self) -> bool {
        [&self.path, &self.beside("new")].iter().all(|path| fs::symlink_metadata(path).is_err())
    }

    fn read_once(&self) -> Result<Option<Token>, FileError> {
        match read_regular(&self.path) {
            Ok(text) => {
                let not_a_token = |why| FileError::NotAToken { path: self.path.clone(), why };
                Token::parse(text.expose()).map(Some).map_err(not_a_token)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(FileError::Unreadable { path: self.path.clone(), source }),
        }
    }

    /// Takes the lock, and finishes what a killed process left. While another process has the lock, `instead` is asked
    /// again and again whether there is something better than to wait for it: then there is no lock.
    ///
    /// # Errors The folder cannot be written to, or the other process does not finish.
    pub fn lock<T>(&self, instead: &mut dyn FnMut() -> Option<T>) -> Result<Result<Held<'_>, T>, FileError> {
        let start = Instant::now();
        let lock = private::make_folder(self.folder()).and_then(|()| open_lock(&self.beside("lock")));
        let lock = lock.map_err(|source| self.unwritable(source))?;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                // NFS without a lock service, for example. The AWS CLI takes no lock anywhere.
                Err(TryLockError::Error(error)) if files::has_no_locks(&error) => {
                    return Ok(Ok(Held { of: self, lock: None }));
                }
                Err(TryLockError::WouldBlock) if start.elapsed() > LONGEST_WAIT => {
                    return Err(FileError::Busy { path: self.path.clone() });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(self.unwritable(source)),
            }
            if let Some(better) = instead() {
                return Ok(Err(better));
            }
            std::thread::sleep(PAUSE);
        }
        self.finish();
        Ok(Ok(Held { of: self, lock: Some(lock) }))
    }

    /// A killed process may have left a token that it did not put into its place. That token counts if nobody has
    /// written the file since: then the token in the file is spent. Without a file, the person has signed out.
    fn finish(&self) {
        let new = self.beside("new");
        let Ok(text) = read_regular(&new) else { return };
        let target = self.target();
        let written = |path: &Path| fs::metadata(path).and_then(|found| found.modified());
        let is_next = match (written(&new), written(&target)) {
            (Ok(new), Ok(old)) => new >= old,
            _ => false,
        };
        if is_next && Token::parse(text.expose()).is_ok() {
            let _ = fs::rename(&new, &target);
        } else {
            let _ = fs::remove_file(&new);
        }
    }

    /// The file itself where the path is a symbolic link.
    fn target(&self) -> PathBuf {
        fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone())
    }

    /// A file of ours beside the token file. The AWS CLI looks at `*.json` alone.
    fn beside(&self, what: &str) -> PathBuf {
        let target = self.target();
        let name = self.path.file_stem().unwrap_or_default().to_string_lossy();
        target.with_file_name(format!(".{name}.mfa-cred.{what}"))
    }

    fn unwritable(&self, source: io::Error) -> FileError {
        FileError::Unwritable { path: self.path.clone(), source }
    }
}

impl Held<'_> {
    /// The token, which another process may have renewed.
    ///
    /// # Errors Those of [`TokenFile::read`].
    pub fn read(&self) -> Result<Option<Token>, FileError> {
        self.of.read()
    }

    /// Takes the room that the next token needs, before the old one is spent.
    ///
    /// # Errors The disk is full, the folder cannot be written to, or something other than a file is in the token file's
    /// place, which would not be replaced afterwards.
    pub fn reserve(&self) -> Result<Room<'_>, FileError> {
        // Without a lock, each process needs a file of its own.
        let new = if self.lock.is_some() { "new".to_owned() } else { format!("new-{}", std::process::id()) };
        let (target, new) = (self.of.target(), self.of.beside(&new));
        if let Some(why) = unreplaceable(&target) {
            return Err(self.of.unwritable(io::Error::other(why)));
        }
        let length = fs::metadata(&target).map_or(0, |found| usize::try_from(found.len()).unwrap_or_default());
        let file = taken(&new, length.min(MORE) + MORE).map_err(|source| {
            let _ = fs::remove_file(&new);
            self.of.unwritable(source)
        })?;
        Ok(Room { path: &self.of.path, target, new, file, is_done: false })
    }

    /// Removes the token, and the symbolic link to it if the path is one. The lock stays.
    ///
    /// # Errors The system's error.
    pub fn remove(self) -> Result<(), FileError> {
        for path in [self.of.target(), self.of.path.clone()] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.of.unwritable(error)),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Room<'_> {
    /// Replaces the token file.
    ///
    /// # Errors The system's error. What was written is left for the next process, if it is complete.
    pub fn write(mut self, token: &Token) -> Result<(), FileError> {
        let text = token.text();
        let written = self.put(&text);
        self.is_done = true;
        written.map_err(|source| FileError::Unwritable { path: self.path.to_owned(), source })
    }

    fn put(&mut self, text: &Secret<Vec<u8>>) -> io::Result<()> {
        // The blanks after the text are legal JSON, so the file is complete from here on.
        self.file.write_all(text.expose())?;
        self.file.set_len(text.expose().len() as u64)?;
        self.file.sync_all()?;
        fs::rename(&self.new, &self.target)?;
        if let Some(folder) = self.target.parent().and_then(|folder| File::open(folder).ok()) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = fs::remove_file(&self.new);
        }
    }
}

/// A new file of that length, which only its owner may read. Blanks and not a hole: they take the room.
fn taken(path: &Path, length: usize) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = File::options();
    let mut file = files::open_unlinked(path, files::for_the_owner(options.write(true).create_new(true)))?;
    file.write_all(&vec![b' '; length])?;
    // Some file systems notice only now that they are full.
    file.sync_all()?;
    file.rewind()?;
    Ok(file)
}

/// Why a new file cannot take this one's place, or should not.
fn unreplaceable(target: &Path) -> Option<&'static str> {
    // Every link that leads somewhere was followed before.
    match fs::symlink_metadata(target).ok()?.file_type() {
        kind if kind.is_symlink() => Some("the symbolic link leads nowhere"),
        kind if !kind.is_file() => Some("it is not a regular file"),
        _ => None,
    }
}

/// The lock has a file of its own, since the token file is replaced. It is never removed: two processes could then hold
/// the locks of two files.
fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    files::open_unlinked(path, files::for_the_owner(options.read(true).write(true).create(true).truncate(false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    use jiff::Timestamp;

    fn token(text: &str) -> Token {
        let end: Timestamp = "2026-11-27T10:00:00Z".parse().expect("a time");
        Token::new(Secret::from(text), end, None)
    }

    fn there(file: &TokenFile) -> Option<String> {
        file.read().expect("it can be read").map(|token| token.access_token.expose().clone())
    }

    fn held(file: &TokenFile) -> Held<'_> {
        file.lock::<()>(&mut || None).expect("it can be locked").expect("nothing is better")
    }

    fn put(file: &TokenFile, text: &str) {
        held(file).reserve().expect("there is room").write(&token(text)).expect("it is written");
    }

    /// A token file in a folder of its own.
    fn place() -> (tempfile::TempDir, TokenFile) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = TokenFile { path: folder.path().join("cache/x.json") };
        (folder, file)
    }

    fn names(file: &TokenFile) -> Vec<String> {
        let files = fs::read_dir(file.path.parent().expect("a folder")).expect("it is there");
        let mut names: Vec<_> =
            files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_token_is_written_and_read_back_and_leaves_nothing_else() {
        let (_folder, file) = place();
        assert_eq!(there(&file), None);
        put(&file, "one");
        put(&file, "two");
        assert_eq!(there(&file).as_deref(), Some("two"));
        assert_eq!(names(&file), [".x.mfa-cred.lock", "x.json"]);
        drop(held(&file).reserve().expect("there is room"));
        assert_eq!(there(&file).as_deref(), Some("two"));
        assert_eq!(names(&file), [".x.mfa-cred.lock", "x.json"]);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_what_is_written_and_a_link_stays_a_link() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, file) = place();
        put(&file, "one");
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(&file.path, &elsewhere).expect("it is moved");
        fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o644)).expect("a mode");
        std::os::unix::fs::symlink(&elsewhere, &file.path).expect("a link");
        put(&file, "two");
        assert!(fs::symlink_metadata(&file.path).expect("it is there").is_symlink());
        assert_eq!(fs::metadata(&elsewhere).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(there(&file).as_deref(), Some("two"));
    }

    #[test]
    fn what_a_killed_process_left_is_finished_only_if_nobody_wrote_since() {
        let whole = token("next").text().expose().clone();
        let padded = [&whole[..], &b"     "[..]].concat();
        let half = whole[..whole.len() / 2].to_vec();
        for (left, is_older, has_signed_out, found) in [
            (&whole, false, false, Some("next")),
            (&padded, false, false, Some("next")),
            (&half, false, false, Some("old")),
            (&b"          ".to_vec(), false, false, Some("old")),
            (&whole, true, false, Some("old")),
            (&whole, false, true, None),
        ] {
            let (_folder, file) = place();
            put(&file, "old");
            let new = file.beside("new");
            fs::write(&new, left).expect("it is written");
            if is_older {
                let before = fs::metadata(&file.path).and_then(|it| it.modified()).expect("a time") - LONGEST_WAIT;
                File::options().write(true).open(&new).and_then(|it| it.set_modified(before)).expect("a time");
            }
            if has_signed_out {
                fs::remove_file(&file.path).expect("it is removed");
            }
            drop(held(&file));
            assert_eq!(there(&file).as_deref(), found, "{}", String::from_utf8_lossy(left));
            assert!(!new.exists());
        }
    }

    #[test]
    fn a_process_that_has_something_better_does_not_wait_for_the_lock() {
        let (_folder, file) = place();
        let first = held(&file);
        let mut asked = 0;
        let second = file.lock(&mut || {
            asked += 1;
            (asked == 3).then_some("better")
        });
        assert!(matches!(second, Ok(Err("better"))), "{second:?}");
        drop(first);
        assert!(matches!(file.lock::<()>(&mut || panic!("the lock is free")), Ok(Ok(_))));
    }

    #[test]
    fn half_of_a_file_is_read_again() {
        let (_folder, file) = place();
        put(&file, "old");
        let whole = fs::read(&file.path).expect("it is there");
        fs::write(&file.path, &whole[..10]).expect("it is written");
        let path = file.path.clone();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(PAUSE);
            fs::write(path, whole).expect("it is written");
        });
        assert_eq!(there(&file).as_deref(), Some("old"));
        writer.join().expect("it ended");
        fs::write(&file.path, "{").expect("it is written");
        assert!(matches!(file.read(), Err(FileError::NotAToken { why: "is not a JSON object", .. })));
    }
}
