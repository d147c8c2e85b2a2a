//! Locks: one per cache entry, one per MFA device and one per terminal, so that a person is asked only once.
//!
//! The locks are `flock`s (through `std::fs::File`), which end with their holder, however it dies. A waiting process
//! keeps checking whether the lock is still needed, so that a hundred waiters read a new entry at once instead of one
//! after another. The lock's file tells which process holds it, and whether a person canceled: the processes that
//! waited for that person then end too. Where a locked file cannot be read, that is in a file beside it.
//!
//! A stopped holder must not block anyone. One that is stopped from its own terminal (Ctrl-Z) releases its locks first:
//! see [`holds_any`]. One that is stopped from outside cannot; a waiting process notices, and revokes the lock by
//! removing its file. When the holder continues, it learns that from [`lost_any`].

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::disk::private;
use crate::os::files::{LOCKS_HIDE_TEXT, is_still_at};
use crate::os::processes::{is_alive, is_stopped};

use super::folder::{Folder, FolderError, LOCKS};

/// How long a waiter pauses between two checks: short at first. After a second the holder is waiting for a person, and
/// a thousand waiters must not keep the machine busy.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));
/// When a waiter reports what it is waiting for.
const SAY: Duration = Duration::from_secs(3);
/// For how long a holder must be seen stopped, without interruption, before its lock is revoked.
const STOPPED: Duration = Duration::from_secs(1);

/// The outcome of waiting for a lock.
#[derive(Debug)]
pub enum Turn<T> {
    /// The lock is ours.
    Ours(Lease),
    /// The thing that was waited for exists now.
    Ready(T),
    /// The person who was asked on behalf of all waiters canceled or did not answer.
    Canceled,
}

/// The right to make an entry or to use a device. It ends when dropped, or with the process.
#[derive(Debug)]
pub struct Lease {
    lock: Arc<Lock>,
    says: Says,
    left: Option<Left>,
}

/// What the previous holder of a terminal left there, if it was killed or stopped without a chance to clean up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Left {
    /// Its modes.
    Modes,
    /// Also what it had drawn on the full screen.
    Screen,
}

/// A process that holds a lock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Whether it is stopped (Ctrl-Z).
    pub is_stopped: bool,
}

#[derive(Debug)]
struct Lock {
    file: File,
    path: PathBuf,
    /// Where the mark is written, if not to the lock's file.
    beside: Option<File>,
}

/// What the file will say after the lock is released.
#[derive(Debug, Eq, PartialEq)]
enum Says {
    /// What it said before.
    TheSame,
    Nothing,
    Canceled,
}

/// The extension of a file with a lock's mark.
const BESIDE: &str = "holder";
const HELD: &str = "held";
const CANCELED: &str = "canceled";
/// Follows the process id: the holder uses the full screen, and waiting processes must not write to it.
const SCREEN: &str = "screen";
/// How old such a mark may be. The window of a holder that was killed long ago was cleared or closed since, and another
/// one may have its number.
const RECENT: Duration = Duration::from_mins(20);
/// Longer than any mark.
const LONGEST_MARK: u64 = 64;

/// The locks of this process. A process is stopped as a whole, so this is a static.
static OURS: Mutex<Vec<Weak<Lock>>> = Mutex::new(Vec::new());

/// Tells whether this process holds a lock that others may wait for. A terminal's lock does not count.
pub fn holds_any() -> bool {
    ours().iter().any(|lock| lock.strong_count() > 0)
}

/// Tells whether one of them was revoked while this process was stopped.
pub fn lost_any() -> bool {
    ours().iter().filter_map(Weak::upgrade).any(|lock| lock.is_lost())
}

fn ours() -> std::sync::MutexGuard<'static, Vec<Weak<Lock>>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Folder {
    /// Waits for the lock with that name, and keeps calling `ready` to see whether it is still needed. During the wait,
    /// `during_wait` ends it by returning an error; it receives the holder's process id once, if the wait is long.
    ///
    /// A folder that cannot hold locks (read-only, full) is an error.
    pub fn take_turn<T, E: From<FolderError>>(
        &self,
        name: &str,
        ready: &mut dyn FnMut() -> Result<Option<T>, E>,
        during_wait: &mut dyn FnMut(Option<u32>) -> Result<(), E>,
    ) -> Result<Turn<T>, E> {
        let unusable = |source| FolderError::Unusable { path: self.path().to_owned(), source };
        let path = self.subfolder(LOCKS).map_err(unusable)?.join(name);
        let turn = wait(&path, ready, during_wait, &|source| E::from(unusable(source)))?;
        if let Turn::Ours(lease) = &turn {
            let mut ours = ours();
            ours.retain(|lock| lock.strong_count() > 0);
            ours.push(Arc::downgrade(&lease.lock));
        }
        Ok(turn)
    }

    /// The live processes that say in a lock's file that they hold it. Reads the files and tries no lock, so no waiting
    /// process is affected.
    pub fn holders(&self) -> io::Result<Vec<Holder>> {
        let files = match std::fs::read_dir(self.path().join(LOCKS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files?,
        };
        let mut holders = Vec::new();
        for file in files {
            let path = file?.path();
            if LOCKS_HIDE_TEXT && path.extension() != Some(OsStr::new(BESIDE)) {
                continue;
            }
            private::read(&path)?;
            if let Some(pid) =
                named_in(&private::read_text(&path).unwrap_or_default(), HELD).filter(|pid| is_alive(*pid))
            {
                holders.push(Holder { pid, is_stopped: is_stopped(pid) });
            }
        }
        Ok(holders)
    }

    /// Tells whether a process holds the lock with that name now.
    pub fn is_taken(&self, name: &str) -> bool {
        // A shared lock, so that two processes that check do not take each other for the holder.
        let looked = private::open_or_make(&self.path().join(LOCKS).join(name)).map(|file| file.try_lock_shared());
        matches!(looked, Ok(Err(TryLockError::WouldBlock)))
    }
}

/// Waits for the lock in that file.
pub fn wait<T, E>(
    path: &Path,
    ready: &mut dyn FnMut() -> Result<Option<T>, E>,
    during_wait: &mut dyn FnMut(Option<u32>) -> Result<(), E>,
    unusable: &dyn Fn(io::Error) -> E,
) -> Result<Turn<T>, E> {
    let (start, mut waited_for, mut has_said) = (Instant::now(), None, false);
    let mut wanted = Wanted::new(path);
    let (mut stopped, mut left): (Option<(u32, Instant)>, Option<Left>) = (None, None);
    loop {
        if let Some(mut lease) = wanted.try_take().map_err(unusable)? {
            if waited_for.is_some() && lease.canceled_by() == waited_for {
                return Ok(Turn::Canceled);
            }
            lease.left = left.or_else(|| left_behind(path));
            lease.says = Says::Nothing;
            lease.mark(HELD, "");
            // Its previous holder may have made what is wanted.
            if let Some(found) = ready()? {
                return Ok(Turn::Ready(found));
            }
            return Ok(Turn::Ours(lease));
        }
        // Only the holder that was seen speaks for those that waited for it: a process that arrives as they leave may
        // ask again.
        let holder = wanted.holder();
        waited_for = holder.or(waited_for);
        if let Some(found) = ready()? {
            return Ok(Turn::Ready(found));
        }
        let is_time = !has_said && start.elapsed() >= SAY;
        has_said |= is_time && waited_for.is_some();
        during_wait(waited_for.filter(|_| is_time))?;
        stopped = holder.filter(|pid| is_stopped(*pid)).map(|pid| match stopped {
            Some((before, since)) if before == pid => (pid, since),
            _ => (pid, Instant::now()),
        });
        if let Some((pid, since)) = stopped
            && since.elapsed() >= STOPPED
        {
            left = take_away(path, pid).map_err(unusable)?.or(left);
            stopped = None;
            continue;
        }
        std::thread::sleep(pause(start.elapsed()));
    }
}

/// The pause before the next check, for a process that has waited for `waited`.
fn pause(waited: Duration) -> Duration {
    let (shortest, longest) = PAUSES;
    (waited / 5).clamp(shortest, longest)
}

/// A lock as seen by a process that wants it; its file stays open from one check to the next.
pub(super) struct Wanted<'p> {
    path: &'p Path,
    file: Option<File>,
}

impl<'p> Wanted<'p> {
    pub(super) fn new(path: &'p Path) -> Self {
        Self { path, file: None }
    }

    pub(super) fn try_take(&mut self) -> io::Result<Option<Lease>> {
        loop {
            let file = self.file.take().map_or_else(|| private::open_or_make(self.path), Ok)?;
            let is_ours = match file.try_lock() {
                Ok(()) => true,
                Err(TryLockError::WouldBlock) => false,
                Err(TryLockError::Error(error)) => return Err(error),
            };
            // The file may have been removed since it was opened: a lock on it would be useless, and waiting for it
            // would never end.
            if !is_still_at(&file, self.path)? {
                continue;
            }
            if is_ours {
                let beside = LOCKS_HIDE_TEXT.then(|| private::open_or_make(&mark(self.path))).transpose()?;
                let lock = Arc::new(Lock { file, path: self.path.to_owned(), beside });
                return Ok(Some(Lease { lock, says: Says::TheSame, left: None }));
            }
            self.file = Some(file);
            return Ok(None);
        }
    }

    /// The process id of the holder, from the lock's file.
    fn holder(&self) -> Option<u32> {
        let mut file = self.file.as_ref()?;
        if LOCKS_HIDE_TEXT {
            return named(self.path, HELD);
        }
        let mut text = String::new();
        file.rewind().ok()?;
        file.take(LONGEST_MARK).read_to_string(&mut text).ok()?;
        named_in(&text, HELD)
    }
}

/// Makes the lock of a stopped holder useless. If several processes want that, one of them does it; the others then
/// find another file or another holder.
fn take_away(path: &Path, pid: u32) -> io::Result<Option<Left>> {
    let _alone = private::open_or_make(&path.with_added_extension("taking")).and_then(|file| {
        file.lock()?;
        Ok(file)
    })?;
    if named(path, HELD) != Some(pid) || !is_stopped(pid) {
        return Ok(None);
    }
    let left = left_behind(path);
    std::fs::remove_file(path)?;
    Ok(left)
}

/// What a previous holder left unfinished, according to its mark.
fn left_behind(path: &Path) -> Option<Left> {
    named(path, HELD)?;
    let age =
        std::fs::metadata(mark(path)).and_then(|found| found.modified()).ok().and_then(|made| made.elapsed().ok());
    let is_recent = age.is_none_or(|age| age < RECENT);
    Some(if is_recent && is_screen_filled(path) { Left::Screen } else { Left::Modes })
}

impl Lock {
    fn is_lost(&self) -> bool {
        !is_still_at(&self.file, &self.path).unwrap_or(true)
    }
}

impl Lease {
    /// Tells whether another process revoked the lock while this one was stopped.
    pub fn is_lost(&self) -> bool {
        self.lock.is_lost()
    }

    /// Tells the waiting processes that the person canceled, and releases the lock.
    pub fn cancel(mut self) {
        self.says = Says::Canceled;
    }

    /// What the previous holder left unfinished, if it was killed or stopped while holding the lock.
    pub fn left(&self) -> Option<Left> {
        self.left
    }

    /// Tells the waiting processes not to write to the screen.
    pub fn fills_the_screen(&self) {
        self.mark(HELD, SCREEN);
    }

    pub(super) fn canceled_by(&self) -> Option<u32> {
        named(&self.lock.path, CANCELED)
    }

    /// The file's content is only information for waiting processes; the lock works without it.
    fn mark(&self, state: &str, more: &str) {
        self.write(format!("{state} {} {more}", std::process::id()).trim_end());
    }

    fn write(&self, text: &str) {
        let mut file = self.lock.beside.as_ref().unwrap_or(&self.lock.file);
        let line = if text.is_empty() { String::new() } else { format!("{text}\n") };
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(line.as_bytes()));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // A former holder, which may be stopped by now, must not be mistaken for the present one.
        match self.says {
            // Each of the processes that waited for the person who canceled must see the mark.
            Says::TheSame => {}
            Says::Nothing => self.write(""),
            Says::Canceled => self.mark(CANCELED, ""),
        }
    }
}

/// Tells whether the holder of that lock uses the full screen.
pub fn is_screen_filled(path: &Path) -> bool {
    private::read_text(&mark(path)).is_some_and(|text| text.trim_end().ends_with(SCREEN))
}

/// The process id in a lock's file, if the file records it with that state.
fn named(path: &Path, state: &str) -> Option<u32> {
    named_in(&private::read_text(&mark(path))?, state)
}

/// The file with a lock's mark: the lock's own, where a locked file can be read.
pub(super) fn mark(path: &Path) -> Cow<'_, Path> {
    if LOCKS_HIDE_TEXT { Cow::Owned(path.with_added_extension(BESIDE)) } else { Cow::Borrowed(path) }
}

fn named_in(text: &str, state: &str) -> Option<u32> {
    text.strip_prefix(state)?.split_whitespace().next()?.parse().ok()
}
