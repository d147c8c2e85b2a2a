//! The person at the controlling terminal.
//!
//! All input and output uses `/dev/tty`, never stdin, stdout or stderr. `rpassword` edits the line; the modules here
//! handle everything around it: which process may ask ([`turn`]), the modes ([`silence`]), keys ([`line`]), and the
//! deadline, signals and job control of a [`question`]. No state is kept between two questions.
//!
//! This code must never stop in the middle of a question, block on a terminal that accepts no output, leave the
//! terminal without echo or with a page on it (however a question ends), or leave keys for a shell to run. It does not
//! end the process either: it returns a signal, and `main` ends with that signal after cleaning up.
//!
//! Keys are read one at a time, so that Ctrl-Z can be handled here. With the terminal's own suspend character, the
//! process would be stopped in the middle of a question, with the echo off and other processes waiting for it.

mod dialogue;
mod line;
mod question;
mod reader;
mod silence;
mod turn;

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Signal, getpgrp, kill_current_process_group};
use rustix::termios::{LocalModes, tcgetattr, tcgetpgrp, tcgetwinsize};
use signal_hook::consts::signal::{SIGCONT, SIGINT, SIGQUIT};

use crate::host::{Dialogue, Draw, Sheet, Terminal, TerminalError};
use crate::messages::one_line;
use crate::os::signals::Watch;
use crate::secret::Secret;
use crate::state::holds_any;
use line::Shown;
use question::{Layout, Question, Wanted};

pub use turn::one_dialog;

const ERASE_LINE: &str = "\x1b[K";

/// How long a line without a question may wait for a terminal whose output is stopped.
const TELL_LIMIT: Duration = Duration::from_secs(1);
/// How soon a process that asked to be stopped is stopped, if at all.
const STOP_LIMIT: Duration = Duration::from_millis(100);

/// The controlling terminal as a [`Terminal`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Tty;

impl Terminal for Tty {
    fn is_there(&self) -> bool {
        open().is_ok_and(|device| is_foreground(&device))
    }

    /// In addition to the trait's contract: keys that were typed before the prompt are discarded, as `getpass` does,
    /// and so are keys typed after the answer. They were meant for another program, and a wrong code counts against the
    /// user at AWS. Two asterisks, however many keys are typed, show that input arrives.
    fn ask_hidden(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        ask(&Wanted { prompt, layout: Layout::Line, limit }, Shown::Nothing)
    }

    fn ask(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        ask(&Wanted { prompt, layout: Layout::Line, limit }, Shown::Keys)
    }

    fn ask_below(&self, draw: &Draw<'_>, limit: Duration) -> Result<Secret<String>, TerminalError> {
        loop {
            // After a stop, too, the window may have another size.
            let answer = again_after_stop(|| {
                let (rows, columns) = self.size().ok_or(TerminalError::Absent)?;
                let Sheet { page, prompt } = draw(rows, columns);
                let layout = Layout::Page(&page, (rows, columns));
                ask_once(&Wanted { prompt: &prompt, layout, limit }, Shown::Nothing)
            });
            if !matches!(answer, Err(TerminalError::Resized)) {
                return answer;
            }
        }
    }

    fn size(&self) -> Option<(u16, u16)> {
        size_of(&open().ok()?).filter(|_| !is_dumb())
    }

    fn tell(&self, line: &str) {
        write(&(one_line(line) + "\n"));
    }

    fn rewrite(&self, line: &str) {
        write(&format!("\r{}{ERASE_LINE}", one_line(line)));
    }

    fn converse(&self, dialogue: &mut dyn Dialogue, limit: Duration) -> Result<(), TerminalError> {
        if is_dumb() {
            return Err(TerminalError::Absent);
        }
        again_after_stop(|| dialogue::hold(dialogue, limit))
    }

    fn stop(&self) {
        // Not SIGSTOP to ourselves, which also stops a process that no shell will ever continue; the kernel drops this
        // signal in such a group. It goes to the whole group, as with the terminal's own suspend key.
        let Ok(continued) = Watch::new(&[SIGCONT]) else { return };
        if kill_current_process_group(Signal::TSTP).is_ok() {
            // Another thread may handle the signal: nothing may start in the moment before it takes effect.
            let mut fds = [PollFd::new(&continued, PollFlags::IN)];
            let _ = poll(&mut fds, Timespec::try_from(STOP_LIMIT).ok().as_ref());
        }
    }

    fn gives_up(&self) -> Option<TerminalError> {
        reader::is_gone().then_some(TerminalError::Unread)
    }
}

/// Asks, and restores the terminal.
fn ask(wanted: &Wanted<'_>, shown: Shown) -> Result<Secret<String>, TerminalError> {
    again_after_stop(|| ask_once(wanted, shown))
}

fn ask_once(wanted: &Wanted<'_>, shown: Shown) -> Result<Secret<String>, TerminalError> {
    let question = Rc::new(Question::begin(wanted)?);
    let answer = line::read(&question, shown);
    over(&question, answer)
}

/// Ends a question, whatever its outcome.
fn over<T>(question: &Question, answer: Result<T, TerminalError>) -> Result<T, TerminalError> {
    // A key ended it, perhaps one in the middle of pasted text: the rest may still be arriving.
    let by_key = match answer {
        Ok(_) | Err(TerminalError::Canceled | TerminalError::Closed | TerminalError::Stopping) => true,
        Err(TerminalError::Signal(signal)) => [SIGINT, SIGQUIT].contains(&signal),
        Err(_) => false,
    };
    if by_key {
        question.drain();
    }
    match question.finish() {
        Some(signal) => Err(TerminalError::Signal(signal)),
        None => answer,
    }
}

/// Asks again after a stop. If other processes may be waiting for this one, the caller that holds their locks does
/// that: it must release them first.
fn again_after_stop<T>(mut ask: impl FnMut() -> Result<T, TerminalError>) -> Result<T, TerminalError> {
    loop {
        match ask() {
            Err(TerminalError::Stopping) if !holds_any() => Tty.stop(),
            Err(TerminalError::Continued) if !holds_any() => {}
            answer => return answer,
        }
    }
}

/// The terminal's rows and columns, if it knows them.
fn size_of(device: &File) -> Option<(u16, u16)> {
    let size = tcgetwinsize(device).ok()?;
    (size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row, size.ws_col))
}

/// Tells whether the terminal cannot position and erase text with ANSI's sequences. If nothing is known about it, it
/// counts as unable; a name that is merely new does not.
fn is_dumb() -> bool {
    is_named_dumb(&std::env::var("TERM").unwrap_or_default())
}

fn is_named_dumb(term: &str) -> bool {
    // The values that terminfo has for "some terminal".
    const SOME: [&str; 8] = ["", "unknown", "network", "dialup", "switch", "patch", "plugboard", "ethernet"];
    // Families that have no such sequences, or other ones: Emacs's shells, teletypes, printers, and terminals from
    // before ANSI X3.64.
    const FAMILIES: [&str; 22] = [
        "dumb", "emacs", "lpr", "print", "tty3", "tty4", "glasstty", "tek", "vt05", "vt50", "vt52", "adm", "hp", "tvi",
        "wy", "h19", "z19", "hazel", "regent", "3270", "3278", "ibm3",
    ];
    SOME.contains(&term) || FAMILIES.iter().any(|family| term.starts_with(family))
}

/// Writes text that asks nothing. If that fails, nothing important is lost.
fn write(text: &str) {
    let Ok(device) = open() else { return };
    if is_foreground(&device) || may_write(&device) {
        write_within(&device, text, TELL_LIMIT);
    }
}

/// Tells whether a background process may write: with `stty tostop`, writing would stop it.
fn may_write(device: &File) -> bool {
    tcgetattr(device).is_ok_and(|modes| !modes.local_modes.contains(LocalModes::TOSTOP))
}

/// Writes to a terminal whose output may be stopped, and gives up after `limit`.
fn write_within(device: &File, text: &str, limit: Duration) {
    let deadline = Instant::now() + limit;
    let (mut device, mut rest) = (device, text.as_bytes());
    while !rest.is_empty() {
        match device.write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let left = deadline.saturating_duration_since(Instant::now());
                let mut fds = [PollFd::new(device, PollFlags::OUT)];
                if left.is_zero() || poll(&mut fds, Timespec::try_from(left).ok().as_ref()).is_err() {
                    return;
                }
            }
            Err(_) => return,
        }
    }
}

/// Opens the controlling terminal so that neither opening, reading nor writing blocks.
fn open() -> Result<File, TerminalError> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    File::options().read(true).write(true).custom_flags(flags).open("/dev/tty").map_err(|error| {
        match Errno::from_io_error(&error) {
            // No controlling terminal, or no such device in a container or chroot.
            Some(Errno::NXIO | Errno::NOENT | Errno::NODEV | Errno::NOTDIR) => TerminalError::Absent,
            _ => TerminalError::Io(error),
        }
    })
}

fn is_foreground(device: &File) -> bool {
    tcgetpgrp(device).is_ok_and(|group| group == getpgrp())
}

/// Converts a read error; a terminal that hung up reports one.
fn from_read(error: io::Error) -> TerminalError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => TerminalError::Closed,
        _ if Errno::from_io_error(&error) == Some(Errno::IO) => TerminalError::Closed,
        _ => TerminalError::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{Errno, TerminalError, from_read, io, is_named_dumb};

    #[test]
    fn terminals_that_do_not_know_ansis_sequences_count_as_dumb() {
        for term in ["", "dumb", "dumb-emacs-ansi", "unknown", "emacs", "vt52", "adm3a", "hp2621", "tek4014", "wyse50"]
        {
            assert!(is_named_dumb(term), "{term}");
        }
        for term in ["linux", "vt100", "vt220", "ansi", "xterm-ghostty", "screen", "tmux-256color", "eterm-color"] {
            assert!(!is_named_dumb(term), "{term}");
        }
    }

    #[test]
    fn a_terminal_that_hung_up_counts_as_closed() {
        assert!(matches!(from_read(Errno::IO.into()), TerminalError::Closed));
        assert!(matches!(from_read(io::ErrorKind::UnexpectedEof.into()), TerminalError::Closed));
        assert!(matches!(from_read(Errno::BADF.into()), TerminalError::Io(_)));
    }
}
