//! One question at a time per terminal: the process that asks holds the terminal's lock, from before the echo is turned
//! off until it is restored.
//!
//! The lock is named after the terminal's device, in a folder that all of this user's processes share, whatever their
//! home and state folders are: `/run/user/UID`, or else a folder of ours in `/tmp`. Neither depends on a variable. If
//! neither can be used, there is no waiting.

use std::fs::{self, DirBuilder, File};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::termios::tcgetsid;
use signal_hook::consts::signal::SIGCONT;

use super::{is_foreground, reader, write};
use crate::host::TerminalError;
use crate::names::digest::digest_name;
use crate::os::signals::Watch;
use crate::state::{Lease, Left, Turn, is_screen_filled, wait};

/// The right to ask on a terminal.
pub(super) struct Asking {
    /// Held for its lock. `None` if no folder can hold locks.
    lease: Option<Lease>,
    /// What the process that asked before left on the terminal.
    pub(super) left: Option<Left>,
}

impl Asking {
    /// Tells whether another process has asked since, or is asking now: this one was stopped.
    pub(super) fn is_lost(&self) -> bool {
        self.lease.as_ref().is_some_and(Lease::is_lost)
    }
}

/// How a question uses the screen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Screen {
    /// One line.
    Line,
    /// The whole screen: no other process may write to it.
    Whole,
}

/// Waits until no other process asks on this terminal, at most for `limit`; the question itself then gets its full
/// limit.
pub(super) fn take(device: &File, watch: &Watch, screen: Screen, limit: Duration) -> Result<Asking, TerminalError> {
    let Some(path) = name(device).and_then(|name| Some(place()?.join(name))) else {
        return Ok(Asking { lease: None, left: None });
    };
    let start = Instant::now();
    // Checked even if the terminal is free: Ctrl-C is meant for all processes that ask or wait here, and none may
    // prompt after it.
    let mut ready = || {
        if let Some(signal) = std::iter::from_fn(|| watch.take()).find(|signal| *signal != SIGCONT) {
            return Err(Some(TerminalError::Signal(signal)));
        }
        if start.elapsed() >= limit {
            return Err(Some(TerminalError::TimedOut(limit)));
        }
        if !is_foreground(device) {
            return Err(Some(TerminalError::Background));
        }
        if reader::is_gone() {
            return Err(Some(TerminalError::Unread));
        }
        Ok(None::<()>)
    };
    let mut during_wait = |pid: Option<u32>| {
        if let Some(pid) = pid {
            say(&path, pid);
        }
        Ok(())
    };
    // A lock that fails is no reason not to ask.
    let turn = wait(&path, &mut ready, &mut during_wait, &|_| None);
    let lease = match turn {
        Ok(Turn::Ours(lease)) => Some(lease),
        Ok(Turn::Ready(()) | Turn::Canceled) | Err(None) => None,
        Err(Some(reason)) => return Err(reason),
    };
    if let (Some(lease), Screen::Whole) = (&lease, screen) {
        lease.fills_the_screen();
    }
    let left = lease.as_ref().and_then(Lease::left);
    Ok(Asking { lease, left })
}

/// Waits until no other process of this user shows a dialog in that place (a display, a terminal), at most for `limit`.
/// The right ends when it is dropped. If no folder can hold locks, there is no waiting.
pub fn one_dialog(
    shown_on: &[String],
    limit: Duration,
    gives_up: &dyn Fn() -> Option<TerminalError>,
) -> Result<Option<Lease>, TerminalError> {
    let name = digest_name(&shown_on.join("\n"));
    let Some(path) = place().map(|place| place.join(format!("dialog-{name}"))) else { return Ok(None) };
    let start = Instant::now();
    let mut ready = || match gives_up() {
        Some(reason) => Err(Some(reason)),
        None if start.elapsed() >= limit => Err(Some(TerminalError::TimedOut(limit))),
        None => Ok(None::<()>),
    };
    match wait(&path, &mut ready, &mut |_| Ok(()), &|_| None) {
        Ok(Turn::Ours(lease)) => Ok(Some(lease)),
        Ok(Turn::Ready(()) | Turn::Canceled) | Err(None) => Ok(None),
        Err(Some(reason)) => Err(reason),
    }
}

/// Tells the person which process this one waits for: on the terminal, unless the other process uses the full screen,
/// and on a stderr that goes elsewhere.
fn say(path: &Path, pid: u32) {
    let line = format!("waiting for process {pid}, which is asking on this terminal\n");
    if !is_screen_filled(path) {
        // On the line after the other process's prompt.
        write(&format!("\n{line}"));
    }
    let mut stderr = io::stderr();
    if !stderr.is_terminal() {
        // A closed stderr is no reason to fail.
        let _ = stderr.write_all(line.as_bytes());
    }
}

/// The name of this terminal's lock: its device number or, where the system does not tell it, the session that it
/// controls.
fn name(device: &File) -> Option<String> {
    match controlling_device() {
        Some(number) => Some(format!("terminal-{number}")),
        None => tcgetsid(device).ok().map(|session| format!("terminal-of-{}", session.as_raw_nonzero())),
    }
}

/// The controlling terminal's device number from Linux's `/proc` (the device that was opened, `/dev/tty`, has its own).
fn controlling_device() -> Option<u32> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    tty_nr(&stat).filter(|number| *number != 0)
}

/// The seventh field of `/proc/PID/stat`, counted from the end of the process name, which may contain any character.
fn tty_nr(stat: &str) -> Option<u32> {
    stat.rsplit_once(") ")?.1.split(' ').nth(4)?.parse::<i32>().ok().map(i32::cast_unsigned)
}

/// A folder that is private to this user and the same for all of this user's processes.
fn place() -> Option<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let runtime = PathBuf::from(format!("/run/user/{user}"));
    let folder =
        if is_ours(&runtime, user) { runtime.join("mfa-cred") } else { PathBuf::from(format!("/tmp/mfa-cred-{user}")) };
    // It may exist already.
    let _ = DirBuilder::new().mode(0o700).create(&folder);
    is_ours(&folder, user).then_some(folder)
}

/// Tells whether only this user can write there. Anyone else who can could block us, or redirect our writes with a
/// link.
fn is_ours(folder: &Path, user: u32) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|it| it.is_dir() && it.uid() == user && it.mode() & 0o022 == 0)
}

#[cfg(test)]
mod tests {
    use super::{is_ours, tty_nr};
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn the_terminal_of_a_process_is_read_after_any_name() {
        for (stat, wanted) in [
            ("12 (sh) S 1 12 12 34818 12 4194304", Some(34818)),
            ("12 (a) b) 7 (x) R 1 12 12 0 -1 4194304", Some(0)),
            ("12 (sh) S 1 12 12 -2147483648 12", Some(0x8000_0000)),
            ("12 (sh) S 1", None),
            ("", None),
        ] {
            assert_eq!(tty_nr(stat), wanted, "{stat}");
        }
    }

    #[test]
    fn a_folder_that_others_could_use_is_refused() {
        let root = tempfile::tempdir().expect("a folder");
        let user = rustix::process::geteuid().as_raw();
        let ours = root.path().join("ours");
        std::fs::create_dir(&ours).expect("it is made");
        std::fs::set_permissions(&ours, PermissionsExt::from_mode(0o700)).expect("its mode");
        assert!(is_ours(&ours, user) && !is_ours(&ours, user + 1) && !is_ours(&root.path().join("none"), user));
        symlink(&ours, root.path().join("link")).expect("a link");
        assert!(!is_ours(&root.path().join("link"), user));
        for mode in [0o770, 0o702, 0o777] {
            std::fs::set_permissions(&ours, PermissionsExt::from_mode(mode)).expect("its mode");
            assert!(!is_ours(&ours, user), "{mode:o}");
        }
    }
}
