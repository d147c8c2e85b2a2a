//! One asker: a lock per entry, one per MFA device, and one per terminal.
//!
//! The locks are `flock`s (through `std::fs::File`), which end with their holder however it dies. A process that waits
//! keeps checking whether what it waits for exists, so a hundred waiters read a new entry at once instead of one after
//! another. The file says which process holds the lock, and whether its user canceled: those who waited for that user
//! then end too.
//!
//! A stopped holder must not block anyone. One that its own user suspends (Ctrl-Z) releases its locks first: see
//! [`holds_any`]. One that was stopped from outside cannot; a waiting process notices that and breaks the lock by
//! removing the file. When the holder continues, [`lost_any`] tells it.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::disk::private;

use super::folder::{Folder, FolderError, LOCKS};

/// How long a waiter pauses between two looks: at first short against a person; after a second it is a person who is
/// waited for, and a thousand waiters are not to keep the machine busy.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));
/// When a waiter says what it waits for.
const SAY: Duration = Duration::from_secs(3);
/// For how long a holder must be seen stopped, without a break, before its lock is taken away.
const STOPPED: Duration = Duration::from_secs(1);

/// What became of waiting.
#[derive(Debug)]
pub enum Turn<T> {
    /// The lock is ours.
    Ours(Lease),
    /// What was waited for is there.
    Ready(T),
    /// The person who was asked on behalf of all canceled, or did not answer.
    Canceled,
}

/// The right to make an entry or to use a device; it ends when dropped, or with the process.
#[derive(Debug)]
pub struct Lease {
    lock: Arc<Lock>,
    says: Says,
    was_left: bool,
}

/// A process that holds a lock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Holder {
    /// Its id.
    pub pid: u32,
    /// Was it stopped (Ctrl-Z)?
    pub is_stopped: bool,
}

#[derive(Debug)]
struct Lock {
    file: File,
    path: PathBuf,
}

/// What the file will say when the lock is free again.
#[derive(Debug, Eq, PartialEq)]
enum Says {
    /// What it said before.
    TheSame,
    Nothing,
    Canceled,
}

const HELD: &str = "held";
const CANCELED: &str = "canceled";
/// Behind the process id: the holder fills the screen, and who waits must not write on it.
const SCREEN: &str = "screen";
/// More than a mark ever has.
const LONGEST_MARK: u64 = 64;

/// The turns of this process. A process is stopped as a whole, hence a static.
static OURS: Mutex<Vec<Weak<Lock>>> = Mutex::new(Vec::new());

/// Does this process hold a turn that others may wait for? A terminal's own does not count.
pub(crate) fn holds_any() -> bool {
    ours().iter().any(|lock| lock.strong_count() > 0)
}

/// Was one of them taken away while this process was stopped?
pub(crate) fn lost_any() -> bool {
    ours().iter().filter_map(Weak::upgrade).any(|lock| !is_same(&lock.file, &lock.path).unwrap_or(true))
}

fn ours() -> std::sync::MutexGuard<'static, Vec<Weak<Lock>>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Folder {
    /// Waits for the lock of that name, and looks with `ready` again and again whether it is still needed. While it
    /// waits, `meanwhile` says by an error when to give up; it is told the holder's process id once, when it takes long.
    /// A folder without locks (read-only, full) is an error.
    pub fn take_turn<T, E: From<FolderError>>(
        &self,
        name: &str,
        ready: &mut dyn FnMut() -> Result<Option<T>, E>,
        meanwhile: &mut dyn FnMut(Option<u32>) -> Result<(), E>,
    ) -> Result<Turn<T>, E> {
        let unusable = |source| FolderError::Unusable { path: self.path().to_owned(), source };
        let path = self.subfolder(LOCKS).map_err(unusable)?.join(name);
        let turn = wait(&path, ready, meanwhile, &|source| E::from(unusable(source)))?;
        if let Turn::Ours(lease) = &turn {
            let mut ours = ours();
            ours.retain(|lock| lock.strong_count() > 0);
            ours.push(Arc::downgrade(&lease.lock));
        }
        Ok(turn)
    }

    /// Who says in a lock's file that they hold it, and is alive. The files are read and no lock is tried, so nobody who
    /// waits for one can notice.
    pub fn holders(&self) -> io::Result<Vec<Holder>> {
        let files = match std::fs::read_dir(self.path().join(LOCKS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files?,
        };
        let mut holders = Vec::new();
        for file in files {
            let path = file?.path();
            private::read(&path)?;
            if let Some(pid) = named(&path, HELD).filter(|pid| is_alive(*pid)) {
                holders.push(Holder { pid, is_stopped: is_stopped(pid) });
            }
        }
        Ok(holders)
    }

    /// Does somebody hold the lock of that name now?
    pub fn is_taken(&self, name: &str) -> bool {
        // Shared, so that two who look do not take one another for the holder.
        let looked = private::open_or_make(&self.path().join(LOCKS).join(name)).map(|file| file.try_lock_shared());
        matches!(looked, Ok(Err(TryLockError::WouldBlock)))
    }
}

/// Waits for the lock in that file.
pub(crate) fn wait<T, E>(
    path: &Path,
    ready: &mut dyn FnMut() -> Result<Option<T>, E>,
    meanwhile: &mut dyn FnMut(Option<u32>) -> Result<(), E>,
    unusable: &dyn Fn(io::Error) -> E,
) -> Result<Turn<T>, E> {
    let (start, mut waited_for, mut has_said) = (Instant::now(), None, false);
    let mut wanted = Wanted::new(path);
    let (mut stopped, mut was_left): (Option<(u32, Instant)>, bool) = (None, false);
    loop {
        if let Some(mut lease) = wanted.try_take().map_err(unusable)? {
            if waited_for.is_some() && lease.canceled_by() == waited_for {
                return Ok(Turn::Canceled);
            }
            lease.was_left = was_left || named(path, HELD).is_some();
            lease.says = Says::Nothing;
            lease.mark(HELD, "");
            // Whoever held it may have made what is wanted.
            if let Some(found) = ready()? {
                return Ok(Turn::Ready(found));
            }
            return Ok(Turn::Ours(lease));
        }
        // Only the one that was seen holding it speaks for those who waited: somebody who comes while they leave is
        // free to ask again.
        let holder = wanted.holder();
        waited_for = holder.or(waited_for);
        if let Some(found) = ready()? {
            return Ok(Turn::Ready(found));
        }
        let is_time = !has_said && start.elapsed() >= SAY;
        has_said |= is_time && waited_for.is_some();
        meanwhile(waited_for.filter(|_| is_time))?;
        stopped = holder.filter(|pid| is_stopped(*pid)).map(|pid| match stopped {
            Some((before, since)) if before == pid => (pid, since),
            _ => (pid, Instant::now()),
        });
        if let Some((pid, since)) = stopped
            && since.elapsed() >= STOPPED
        {
            was_left |= take_away(path, pid).map_err(unusable)?;
            stopped = None;
            continue;
        }
        std::thread::sleep(pause(start.elapsed()));
    }
}

/// How long whoever has waited for so long pauses before the next look.
fn pause(waited: Duration) -> Duration {
    let (shortest, longest) = PAUSES;
    (waited / 5).clamp(shortest, longest)
}

/// A lock as somebody sees it who wants it; its file stays open from one look to the next.
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
            // Somebody may have removed the file since it was opened: a lock on it would be worth nothing, and waiting
            // for it would have no end.
            if !is_same(&file, self.path)? {
                continue;
            }
            if is_ours {
                let lock = Arc::new(Lock { file, path: self.path.to_owned() });
                return Ok(Some(Lease { lock, says: Says::TheSame, was_left: false }));
            }
            self.file = Some(file);
            return Ok(None);
        }
    }

    /// Who holds it, as its file says.
    fn holder(&self) -> Option<u32> {
        let mut file = self.file.as_ref()?;
        let mut text = String::new();
        file.rewind().ok()?;
        file.take(LONGEST_MARK).read_to_string(&mut text).ok()?;
        named_in(&text, HELD)
    }
}

/// Makes the lock of a holder that is stopped worth nothing. Of several who want that, one does it: the others find
/// another file then, or another holder.
fn take_away(path: &Path, pid: u32) -> io::Result<bool> {
    let _alone = private::open_or_make(&path.with_added_extension("taking")).and_then(|file| {
        file.lock()?;
        Ok(file)
    })?;
    let is_still_so = named(path, HELD) == Some(pid) && is_stopped(pid);
    if is_still_so {
        std::fs::remove_file(path)?;
    }
    Ok(is_still_so)
}

impl Lease {
    /// Tells those who wait that the person canceled, and lets go.
    pub fn cancel(mut self) {
        self.says = Says::Canceled;
    }

    /// Was the one before killed or stopped with it in hand, without a chance to put anything right?
    pub(crate) fn was_left(&self) -> bool {
        self.was_left
    }

    /// Tells those who wait that they must not write on the screen.
    pub(crate) fn fills_the_screen(&self) {
        self.mark(HELD, SCREEN);
    }

    pub(super) fn canceled_by(&self) -> Option<u32> {
        named(&self.lock.path, CANCELED)
    }

    /// What the file says is a courtesy to those who wait; the lock holds without it.
    fn mark(&self, state: &str, more: &str) {
        self.write(format!("{state} {} {more}", std::process::id()).trim_end());
    }

    fn write(&self, text: &str) {
        let mut file = &self.lock.file;
        let line = if text.is_empty() { String::new() } else { format!("{text}\n") };
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(line.as_bytes()));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Nobody may take a former holder, who may be stopped by now, for the present one.
        match self.says {
            // Of several who waited for the person that canceled, each has to see it.
            Says::TheSame => {}
            Says::Nothing => self.write(""),
            Says::Canceled => self.mark(CANCELED, ""),
        }
    }
}

/// Does the holder of that lock fill the screen?
pub(crate) fn is_screen_filled(path: &Path) -> bool {
    private::read_text(path).is_some_and(|text| text.trim_end().ends_with(SCREEN))
}

/// The process id in a lock's file, if the file says this of it.
fn named(path: &Path, state: &str) -> Option<u32> {
    named_in(&private::read_text(path)?, state)
}

fn named_in(text: &str, state: &str) -> Option<u32> {
    text.strip_prefix(state)?.split_whitespace().next()?.parse().ok()
}

#[cfg(unix)]
fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    // Somebody else's process cannot be signaled, and is alive all the same.
    pid.is_some_and(|pid| !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH)))
}

#[cfg(not(unix))]
fn is_alive(_: u32) -> bool {
    true
}

/// Is it stopped by a signal (not by a debugger, which looks at it step by step)? Where the system does not tell, no.
fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before it may hold anything, so it is the last bracket that counts.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
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
