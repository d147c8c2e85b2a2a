//! A command that this process starts and outlives: how it ended, and the signals that are meant for it.
//!
//! It stays in our process group, so that it is in the foreground of the terminal when we are, reads from a pipeline's
//! terminal like its other members, and gets Ctrl-C and Ctrl-Z from the terminal itself. So those are not passed on: it
//! would get them twice, and many programs take a second Ctrl-C for impatience. What somebody sends to this process alone
//! (`kill`, `docker stop`) is.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};
use signal_hook::consts::signal::{SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::{Cause, Origin};

use crate::os::processes::spawned;
use crate::os::signals::{Watch, is_ignored};

/// What is passed on.
const PASSED: [i32; 7] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT];
/// How long a command that was stopped and continued with us may take to be seen running.
const A_MOMENT: Duration = Duration::from_millis(50);

/// A running command.
pub(crate) struct Companion {
    pid: Pid,
    arrived: SignalDelivery<UnixStream, WithOrigin>,
    /// Between other watches, the signals would have their usual effect on this process.
    _kept_off: Watch,
}

impl Companion {
    /// Starts it. Signals that were ignored when this program started stay ignored, in the command too.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        // Before it starts: what arrives in between is passed on then.
        let watched: Vec<i32> = PASSED.into_iter().filter(|signal| !is_ignored(*signal)).collect();
        let kept_off = Watch::new(&watched)?;
        let (read, write) = UnixStream::pair()?;
        let all = watched.into_iter().chain([SIGCHLD]);
        let arrived = SignalDelivery::with_pipe(read, write, WithOrigin::default(), all)?;
        let child = spawned(command)?;
        Ok(Self { pid: Pid::from_child(&child), arrived, _kept_off: kept_off })
    }

    /// Passes on what has arrived, and follows a command that was stopped: `stop` stops this process, too, and returns
    /// when it continues. `Some` when the command has ended: its exit code, or 128 and the number of the signal.
    pub(crate) fn ended(&mut self, stop: &dyn Fn()) -> Option<u8> {
        for origin in self.arrived.pending().filter(is_meant_for_it) {
            self.send(origin.signal);
        }
        loop {
            let status = self.look(WaitOptions::UNTRACED)?;
            if let Some(code) = status.exit_status() {
                return Some(u8::try_from(code).unwrap_or(1));
            }
            if let Some(signal) = status.terminating_signal() {
                return Some(u8::try_from(128 + signal).unwrap_or(1));
            }
            if status.stopped() {
                // Perhaps it was stopped together with us by Ctrl-Z, and both have continued.
                std::thread::sleep(A_MOMENT);
                if self.look(WaitOptions::CONTINUED).is_none() {
                    stop();
                    self.send(SIGCONT);
                }
            }
        }
    }

    fn look(&self, options: WaitOptions) -> Option<WaitStatus> {
        match waitpid(Some(self.pid), options | WaitOptions::NOHANG) {
            Ok(Some((_, status))) => Some(status),
            _ => None,
        }
    }

    fn send(&self, signal: i32) {
        if let Some(signal) = Signal::from_named_raw(signal) {
            let _ = kill_process(self.pid, signal);
        }
    }
}

impl AsFd for Companion {
    /// Readable when [`Companion::ended`] has something to do.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.arrived.get_read().as_fd()
    }
}

/// Was it sent to this process, and not by the terminal to the whole group?
fn is_meant_for_it(origin: &Origin) -> bool {
    PASSED.contains(&origin.signal) && matches!(origin.cause, Cause::Sent(_))
}
