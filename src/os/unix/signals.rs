//! Defers signals that would end the program while something must be cleaned up first.
//!
//! A [`Watch`] turns the arrival of a signal into a readable file descriptor. While a watch exists, its signals have no
//! other effect; after the last one ends, they act as before. A signal that was ignored when the program started
//! (`nohup`) is never touched. This module does not end the process by itself: `main` calls [`die_of`](super::processes::die_of) when all locks
//! and files are closed.
//!
//! The handlers stay installed from the first `Watch` on: the registry cannot remove them, and a signal whose actions
//! were merely unregistered would be lost. Between watches they do what the default action would have done.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signal_hook::consts::signal::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::low_level::{pipe, signal_name, unregister};
use signal_hook::{SigId, flag};

/// What this process does with a signal that nobody watches.
enum Disposition {
    /// Ignored since the program started, and left that way.
    Ignored,
    /// The system's default action, carried out by our handler while `acts` is set.
    Default { acts: Arc<AtomicBool>, watchers: usize },
}

/// Every signal that was ever watched. A process has one disposition per signal, so this is a static.
static DISPOSITIONS: Mutex<BTreeMap<i32, Disposition>> = Mutex::new(BTreeMap::new());

/// The arrival of some signals, as a pollable file descriptor.
#[derive(Debug)]
pub struct Watch {
    wake: UnixStream,
    watched: Vec<Watched>,
    is_over: AtomicBool,
}

#[derive(Debug)]
struct Watched {
    signal: i32,
    arrived: Arc<AtomicBool>,
    actions: [SigId; 2],
}

impl Watch {
    /// Starts watching. Signals that were ignored when the program started are left alone.
    pub fn new(signals: &[i32]) -> io::Result<Self> {
        let (wake, waker) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let mut watch = Self { wake, watched: Vec::new(), is_over: AtomicBool::new(false) };
        for &signal in signals {
            let mut dispositions = dispositions();
            if let std::collections::btree_map::Entry::Vacant(entry) = dispositions.entry(signal) {
                entry.insert(Disposition::of(signal)?);
            }
            let Some(Disposition::Default { acts, watchers }) = dispositions.get_mut(&signal) else { continue };
            let arrived = Arc::new(AtomicBool::new(false));
            // The flag is set before the wake-up: the process that wakes up must find it.
            let flagged = flag::register(signal, Arc::clone(&arrived))?;
            let woken = match waker.try_clone().and_then(|waker| pipe::register(signal, waker)) {
                Ok(woken) => woken,
                Err(error) => {
                    unregister(flagged);
                    return Err(error);
                }
            };
            *watchers += 1;
            acts.store(false, Ordering::SeqCst);
            watch.watched.push(Watched { signal, arrived, actions: [flagged, woken] });
        }
        Ok(watch)
    }

    /// Returns a signal that has arrived and was not taken yet, in the order of the list given to [`Watch::new`].
    pub fn take(&self) -> Option<i32> {
        let mut bytes = [0; 16];
        while matches!((&self.wake).read(&mut bytes), Ok(1..)) {}
        self.watched.iter().find(|w| w.arrived.swap(false, Ordering::SeqCst)).map(|w| w.signal)
    }

    /// Lets the signals act by themselves again. Earlier arrivals can still be taken, so no signal is lost in between.
    pub fn end(&self) {
        if self.is_over.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut dispositions = dispositions();
        for watched in &self.watched {
            if let Some(Disposition::Default { acts, watchers }) = dispositions.get_mut(&watched.signal) {
                *watchers -= 1;
                acts.store(*watchers == 0, Ordering::SeqCst);
            }
        }
    }
}

/// The signals that end programs: Ctrl-C, `kill`, a closed window. While this exists they only arrive here.
#[derive(Debug)]
pub struct Signals(Watch);

impl Signals {
    /// Starts watching. `None` if that fails: the signals then have their usual effect.
    pub fn to_end() -> Option<Self> {
        Watch::new(&[SIGINT, SIGTERM, SIGHUP, SIGQUIT]).ok().map(Self)
    }

    /// The signal, if one has arrived.
    pub fn take(&self) -> Option<i32> {
        self.0.take()
    }

    /// Ready when [`Signals::take`] has something to return.
    pub fn origin(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsFd for Watch {
    /// Readable when [`Watch::take`] has something to return.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
        for action in self.watched.iter().flat_map(|w| w.actions) {
            unregister(action);
        }
    }
}

impl Disposition {
    /// The disposition that the program started with, which can be determined only before our handler is installed.
    fn of(signal: i32) -> io::Result<Self> {
        if is_ignored(signal) {
            return Ok(Self::Ignored);
        }
        let acts = Arc::new(AtomicBool::new(true));
        flag::register_conditional_default(signal, Arc::clone(&acts))?;
        Ok(Self::Default { acts, watchers: 0 })
    }
}

fn dispositions() -> MutexGuard<'static, BTreeMap<i32, Disposition>> {
    DISPOSITIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells whether the signal was ignored when this program started.
pub fn is_ignored(signal: i32) -> bool {
    // SIGCONT continues a stopped process even when it is ignored.
    if signal == SIGCONT {
        return false;
    }
    match std::fs::read_to_string("/proc/self/status").ok().and_then(|status| ignored_signals(&status)) {
        Some(mask) => mask >> (signal - 1) & 1 == 1,
        None => survives_in_a_child(signal),
    }
}

/// The mask of ignored signals in Linux's `/proc/PID/status`.
fn ignored_signals(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

/// The same check for systems without `/proc`. `sigaction` cannot be called in safe code, but an ignored signal stays
/// ignored in a child process, which then survives it.
fn survives_in_a_child(signal: i32) -> bool {
    let Some(name) = signal_name(signal).and_then(|name| name.strip_prefix("SIG")) else { return false };
    Command::new("/bin/sh")
        .args(["-c", "ulimit -c 0; kill -s \"$0\" \"$$\"", name])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use signal_hook::consts::signal::{SIGHUP, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::low_level::raise;

    use super::{Disposition, Watch, dispositions, ignored_signals, is_ignored, survives_in_a_child};

    #[test]
    fn a_watched_signal_arrives_once_and_only_while_watched() {
        let watch = Watch::new(&[SIGUSR2]).expect("watch");
        assert_eq!(watch.take(), None);
        raise(SIGUSR2).expect("raise");
        assert_eq!((watch.take(), watch.take()), (Some(SIGUSR2), None));
        let second = Watch::new(&[SIGUSR2]).expect("watch again");
        drop(watch);
        // If the default action were active again, this would end the test run.
        raise(SIGUSR2).expect("raise");
        second.end();
        assert_eq!(second.take(), Some(SIGUSR2));
    }

    #[test]
    fn ignored_signals_are_told_from_others() {
        assert_eq!(ignored_signals("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0\n"), Some(0x1001));
        assert_eq!(ignored_signals("Name:\tx\n"), None);
        // Rust programs start with SIGPIPE ignored; child processes of the test runner get the default back.
        assert!(is_ignored(SIGPIPE));
        assert!(!is_ignored(SIGTERM));
        assert!(!survives_in_a_child(SIGTERM));
        assert!(!survives_in_a_child(SIGHUP));
    }

    /// Tells whether the signal would end the program now, and how many watches it has.
    fn acts(signal: i32) -> (bool, usize) {
        match dispositions().get(&signal) {
            Some(Disposition::Default { acts, watchers }) => {
                (acts.load(std::sync::atomic::Ordering::SeqCst), *watchers)
            }
            _ => panic!("it is not ignored"),
        }
    }

    #[test]
    fn a_signal_acts_again_after_its_last_watch() {
        let first = Watch::new(&[SIGUSR1]).expect("watch");
        assert_eq!(acts(SIGUSR1), (false, 1));
        let second = Watch::new(&[SIGUSR1]).expect("watch again");
        assert_eq!(acts(SIGUSR1), (false, 2));
        second.end();
        second.end();
        assert_eq!(acts(SIGUSR1), (false, 1), "ended once");
        drop(second);
        assert_eq!(acts(SIGUSR1), (false, 1));
        drop(first);
        assert_eq!(acts(SIGUSR1), (true, 0));
    }

    #[test]
    #[ignore = "played by the next test, in a process that was started with SIGUSR1 ignored"]
    fn one_that_was_started_with_a_signal_ignored() {
        assert!(is_ignored(SIGUSR1) && survives_in_a_child(SIGUSR1));
        let watch = Watch::new(&[SIGUSR1]).expect("watch");
        raise(SIGUSR1).expect("raise");
        assert_eq!(watch.take(), None);
    }

    #[test]
    fn a_signal_that_was_ignored_stays_ignored() {
        let module = module_path!().split_once("::").expect("a crate and a module").1;
        let status = std::process::Command::new("sh")
            .args(["-c", "trap '' USR1; exec \"$0\" \"$@\""])
            .arg(std::env::current_exe().expect("this program"))
            .args(["--exact", "--ignored", &format!("{module}::one_that_was_started_with_a_signal_ignored")])
            .stdout(std::process::Stdio::null())
            .status();
        assert!(status.expect("it runs").success());
    }
}
