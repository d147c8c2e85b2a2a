//! One asker: a lock per entry, and one per MFA device.
//!
//! The locks are `flock`s (through `std::fs::File`), which end with their holder however it dies. Whoever waits looks
//! at what it waits for meanwhile, so that a hundred waiters read a new entry at once instead of one after another.
//! The file says who holds the lock, and whether a person cancelled: those who waited for that person then end too.

use std::fs::{File, TryLockError};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::disk::private;

use super::folder::{Folder, FolderError, LOCKS, open_private};

/// How often a waiter looks: short against a person, long against a file system.
const LOOK: Duration = Duration::from_millis(20);
/// When a waiter says what it waits for.
const SAY: Duration = Duration::from_secs(3);

/// What became of waiting.
#[derive(Debug)]
pub enum Turn<T> {
    /// The lock is ours.
    Ours(Lease),
    /// What was waited for is there.
    Ready(T),
    /// The person who was asked on behalf of all cancelled, or did not answer.
    Cancelled,
}

/// The right to make an entry or to use a device; it ends when dropped, or with the process.
#[derive(Debug)]
pub struct Lease {
    file: File,
    path: PathBuf,
}

const HELD: &str = "held";
const CANCELLED: &str = "cancelled";

impl Folder {
    /// Waits for the lock of that name, and looks with `ready` again and again whether it is still needed. `say` is
    /// told the holder's process id once, when it takes long. A folder without locks (read-only, full) is an error.
    pub fn take_turn<T, E: From<FolderError>>(
        &self,
        name: &str,
        ready: &mut dyn FnMut() -> Result<Option<T>, E>,
        say: &dyn Fn(u32),
    ) -> Result<Turn<T>, E> {
        let unusable = |source| FolderError::Unusable { path: self.path().to_owned(), source };
        let path = self.subfolder(LOCKS).map_err(unusable)?.join(name);
        let (start, mut waited_for, mut has_said) = (Instant::now(), None, false);
        loop {
            if let Some(lease) = Lease::try_take(&path).map_err(unusable)? {
                if waited_for.is_some() && lease.cancelled_by() == waited_for {
                    return Ok(Turn::Cancelled);
                }
                // Whoever held it may have made what is wanted.
                if let Some(found) = ready()? {
                    return Ok(Turn::Ready(found));
                }
                lease.mark(HELD);
                return Ok(Turn::Ours(lease));
            }
            // Only the one that was seen holding it speaks for those who waited: somebody who comes while they leave is
            // free to ask again.
            waited_for = holder(&path).or(waited_for);
            if let Some(found) = ready()? {
                return Ok(Turn::Ready(found));
            }
            if !has_said && start.elapsed() >= SAY {
                has_said = true;
                waited_for.inspect(|pid| say(*pid));
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl Lease {
    /// Tells those who wait that the person cancelled, and lets go.
    pub fn cancel(self) {
        self.mark(CANCELLED);
    }

    pub(super) fn try_take(path: &Path) -> io::Result<Option<Self>> {
        loop {
            let file = open_private(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Somebody may have removed the file between opening and locking it; that lock would be worth nothing.
            if is_same(&file, path)? {
                return Ok(Some(Self { file, path: path.to_owned() }));
            }
        }
    }

    pub(super) fn cancelled_by(&self) -> Option<u32> {
        named(&self.path, CANCELLED)
    }

    /// What the file says is a courtesy to those who wait; the lock holds without it.
    fn mark(&self, state: &str) {
        let text = format!("{state} {}\n", std::process::id());
        let _ = self
            .file
            .set_len(0)
            .and_then(|()| (&self.file).rewind())
            .and_then(|()| (&self.file).write_all(text.as_bytes()));
    }
}

fn holder(path: &Path) -> Option<u32> {
    named(path, HELD)
}

/// The process id in a lock's file, if the file says this of it.
fn named(path: &Path, state: &str) -> Option<u32> {
    private::read_text(path)?.strip_prefix(state)?.trim().parse().ok()
}

#[cfg(unix)]
pub(super) fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
pub(super) fn is_same(_: &File, _: &Path) -> io::Result<bool> {
    // An open file cannot be removed there.
    Ok(true)
}
