//! One question, from the prompt to its last key: screen, deadline, signals, job control.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{Action, tcflow, tcgetpgrp};
use signal_hook::consts::signal::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::silence::Silence;
use super::turn::{self, Asking, Screen};
use super::{from_read, is_foreground, may_write, open, reader, size_of, write_within};
use crate::host::TerminalError;
use crate::messages::one_line;
use crate::os::signals::Watch;
use crate::secret::Secret;
use crate::state::Left;

/// Reported in this order if several arrived at once.
const SIGNALS: [i32; 5] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCONT];

/// Switches to the alternate screen, erases it and moves to its top. On a terminal without one (such as GNU screen in
/// its default configuration), erasing moves the previous content to the scrollback.
const OTHER_SCREEN: &str = "\x1b[?1049h\x1b[2J\x1b[H";
const BACK_FROM_IT: &str = "\x1b[H\x1b[?1049l";
/// Erases the scrollback. A window that gets smaller moves rows there if the terminal has no alternate screen.
const ERASE_SCROLLBACK: &str = "\x1b[3J";
const SHOW_CURSOR: &str = "\x1b[?25h";

/// How long a terminal whose output is stopped may delay the final output.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How often the window's size is compared with that of the page.
const LOOK: Duration = Duration::from_millis(250);
/// How often the keyboard is checked where it cannot be polled.
const BLIND_STEP: Duration = Duration::from_millis(50);
/// How soon the rest of an escape sequence follows its first byte, even over a slow line.
const SEQUENCE: Duration = Duration::from_millis(150);
/// Pasted text ends after this much silence; between paste brackets, after more.
const HUSH: Duration = Duration::from_millis(100);
const HUSH_IN_A_PASTE: Duration = Duration::from_millis(700);
/// How long pasted text may keep coming.
const LONGEST_PASTE: Duration = Duration::from_secs(5);

/// Reads the next byte of a key, if it arrives at once.
pub(super) type Soon<'a> = dyn FnMut() -> Result<Option<u8>, TerminalError> + 'a;

/// A prompt and how to show it.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// May contain the terminal's own control sequences, if `look` says so.
    pub(super) prompt: &'a str,
    pub(super) layout: Layout<'a>,
    pub(super) limit: Duration,
}

/// What is on the screen besides the prompt.
#[derive(Clone, Copy)]
pub(super) enum Layout<'a> {
    /// Nothing.
    Line,
    /// A page above the prompt, on the alternate screen, and the rows and columns that it was drawn for.
    Page(&'a Secret<String>, (u16, u16)),
    /// A screen that the caller draws; this text ends it.
    Dialogue(&'static str),
}

/// One question. Its fields are cells because `rpassword` takes ownership of its reader.
pub(super) struct Question {
    // Dropped in this order: no signal may take effect while the terminal is still silent, and no other process may ask
    // on it.
    silence: RefCell<Option<Silence>>,
    watch: Watch,
    asking: RefCell<Option<Asking>>,
    pub(super) device: File,
    end: End,
    pub(super) limit: Duration,
    pub(super) deadline: Cell<Instant>,
    /// The rows and columns that the page was drawn for.
    drawn: Option<(u16, u16)>,
    /// Whether input is between the brackets of a paste.
    pub(super) is_pasted: Cell<bool>,
}

/// The final output.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// A line feed, if the person's Enter did not give one.
    Line,
    /// Erases the page.
    Page,
    /// Ends the caller's screen.
    Dialogue(&'static str),
}

/// What ended a wait.
enum Wake {
    /// The terminal is ready.
    Ready,
    /// The process was stopped and has continued.
    Continued,
}

impl Question {
    /// Waits for this process's turn on the terminal, silences it and shows the prompt, in that order.
    pub(super) fn begin(wanted: &Wanted<'_>) -> Result<Self, TerminalError> {
        let device = open()?;
        if !is_foreground(&device) {
            return Err(TerminalError::Background);
        }
        let watch = Watch::new(&SIGNALS).map_err(TerminalError::Io)?;
        let (screen, end, drawn) = match wanted.layout {
            Layout::Line => (Screen::Line, End::Line, None),
            Layout::Page(_, size) => (Screen::Whole, End::Page, Some(size)),
            Layout::Dialogue(end) => (Screen::Whole, End::Dialogue(end), None),
        };
        let asking = turn::take(&device, &watch, screen, wanted.limit)?;
        // A process that was stopped while it waited may have lost the lock for which it wanted to ask.
        if crate::state::lost_any() {
            return Err(TerminalError::Continued);
        }
        let silence = Silence::new(&device, asking.left).map_err(TerminalError::Io)?;
        let left = asking.left;
        let question = Self {
            silence: RefCell::new(Some(silence)),
            watch,
            asking: RefCell::new(Some(asking)),
            device,
            end,
            limit: wanted.limit,
            deadline: Cell::new(Instant::now() + wanted.limit),
            drawn,
            is_pasted: Cell::new(false),
        };
        let begun = question.show_all(wanted, left);
        match begun {
            Ok(()) => Ok(question),
            Err(error) => {
                let signal = question.finish();
                Err(signal.map_or(error, TerminalError::Signal))
            }
        }
    }

    fn show_all(&self, wanted: &Wanted<'_>, left: Option<Left>) -> Result<(), TerminalError> {
        if let Some(silence) = &*self.silence.borrow() {
            silence.hide().map_err(from_read)?;
        }
        if left == Some(Left::Screen) {
            // Perhaps a seed. Nobody else will erase it.
            self.write(&format!("{}{SHOW_CURSOR}", self.wiping()))?;
        }
        match wanted.layout {
            Layout::Line => self.write(&one_line(wanted.prompt)),
            Layout::Page(page, _) => {
                self.write(OTHER_SCREEN)?;
                self.write(page.expose())?;
                self.write(&one_line(wanted.prompt))
            }
            Layout::Dialogue(_) => self.write(wanted.prompt),
        }
    }

    pub(super) fn write(&self, text: &str) -> Result<(), TerminalError> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match (&self.device).write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(PollFlags::OUT)?;
                }
                Err(error) => return Err(from_read(error)),
            }
        }
        Ok(())
    }

    /// Shows what a key changes; a terminal whose output is stopped shows nothing.
    pub(super) fn show(&self, text: &str) {
        if !text.is_empty() {
            let _ = (&self.device).write(text.as_bytes());
        }
    }

    /// The next key, or the reason why there is none.
    pub(super) fn key(&self) -> Result<u8, TerminalError> {
        loop {
            if let Wake::Continued = self.wait(PollFlags::IN)? {
                // No more output from the background, where others use the terminal.
                return Err(if is_foreground(&self.device) { TerminalError::Continued } else { self.gone() });
            }
            // Reading in the background would stop the process.
            if !is_foreground(&self.device) {
                return Err(self.gone());
            }
            let mut key = [0];
            match (&self.device).read(&mut key) {
                Ok(0) => return Err(TerminalError::Closed),
                Ok(_) if self.is_suspend_key(key[0]) => return Err(TerminalError::Stopping),
                Ok(_) => return Ok(key[0]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(error) => return Err(from_read(error)),
            }
        }
    }

    /// The next byte that is typed, if it arrives at once.
    pub(super) fn soon(&self) -> Result<Option<u8>, TerminalError> {
        let deadline = self.deadline.replace(Instant::now() + SEQUENCE);
        let key = self.key();
        self.deadline.set(deadline);
        match key {
            Ok(byte) => Ok(Some(byte)),
            Err(TerminalError::TimedOut(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits for the terminal, a signal, the deadline, or the exit of the program that reads our output.
    fn wait(&self, wanted: PollFlags) -> Result<Wake, TerminalError> {
        let stdout = io::stdout();
        let is_watched = reader::is_watched();
        loop {
            let left = self.deadline.get().saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(TerminalError::TimedOut(self.limit));
            }
            let left = if self.drawn.is_some() { left.min(LOOK) } else { left };
            let mut fds = vec![PollFd::new(&self.device, wanted), PollFd::new(&self.watch, PollFlags::IN)];
            if is_watched {
                fds.push(PollFd::new(&stdout, PollFlags::empty()));
            }
            poll_for(&mut fds, left)?;
            let mut ready = fds[0].revents();
            // macOS cannot poll `/dev/tty`; the device does not block, so it is checked at intervals instead.
            if ready.contains(PollFlags::NVAL) {
                poll_for(&mut fds[1..], left.min(BLIND_STEP))?;
                ready = wanted;
            }
            let mut was_continued = false;
            while let Some(signal) = self.watch.take() {
                if signal != SIGCONT {
                    return Err(TerminalError::Signal(signal));
                }
                was_continued = true;
            }
            if fds.get(2).is_some_and(reader::says_so) {
                return Err(TerminalError::Unread);
            }
            if was_continued {
                return Ok(Wake::Continued);
            }
            if self.drawn.is_some_and(|drawn| size_of(&self.device).is_some_and(|now| now != drawn)) {
                return Err(TerminalError::Resized);
            }
            if !ready.is_empty() {
                return Ok(Wake::Ready);
            }
        }
    }

    fn is_suspend_key(&self, key: u8) -> bool {
        self.silence.borrow().as_ref().is_some_and(|silence| silence.suspend_key == Some(key))
    }

    /// Why this process is no longer in the foreground: it was sent to the background, or the terminal hung up.
    fn gone(&self) -> TerminalError {
        if tcgetpgrp(&self.device).is_ok() { TerminalError::Background } else { TerminalError::Closed }
    }

    /// Discards keys pasted after the answer, and waits briefly for the ones still arriving: nothing may reach the
    /// shell, which would run it.
    pub(super) fn drain(&self) {
        let end = Instant::now() + LONGEST_PASTE;
        let (mut tail, mut buffer) = (Vec::new(), [0; 4096]);
        while Instant::now() < end && is_foreground(&self.device) {
            let hush = if self.is_pasted.get() { HUSH_IN_A_PASTE } else { HUSH };
            let mut fds = [PollFd::new(&self.device, PollFlags::IN), PollFd::new(&self.watch, PollFlags::IN)];
            if poll_for(&mut fds, hush).is_err() || !fds[1].revents().is_empty() {
                return;
            }
            match (&self.device).read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => {
                    tail.extend_from_slice(&buffer[..length]);
                    if tail.windows(PASTE_ENDS.len()).any(|bytes| bytes == PASTE_ENDS) {
                        self.is_pasted.set(false);
                    }
                    tail.drain(..tail.len().saturating_sub(PASTE_ENDS.len() - 1));
                }
                // No input arrived.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// Restores the terminal, and returns a signal that arrived too late to end the reading: it still ends the program
    /// and must not be lost. Calling this again has no effect.
    pub(super) fn finish(&self) -> Option<i32> {
        let silence = self.silence.take()?;
        let asking = self.asking.take();
        // If it is lost, another process has cleaned up, and its own question may be on the screen.
        if asking.as_ref().is_some_and(Asking::is_lost) {
            silence.abandon();
        } else {
            self.write_the_end();
            drop(silence);
        }
        drop(asking);
        self.watch.end();
        std::iter::from_fn(|| self.watch.take()).find(|signal| *signal != SIGCONT)
    }

    fn write_the_end(&self) {
        let is_foreground = is_foreground(&self.device);
        match self.end {
            End::Line if is_foreground => write_within(&self.device, "\n", LAST_WORDS),
            End::Dialogue(end) if is_foreground => write_within(&self.device, end, LAST_WORDS),
            // The process that has the terminal now loses less by an erased screen than the user by a seed left on it.
            End::Page if is_foreground || may_write(&self.device) => {
                let _ = tcflow(&self.device, Action::OOn);
                write_within(&self.device, &self.wiping(), LAST_WORDS);
            }
            _ => {}
        }
    }

    /// Erases row by row, since a terminal may save a screen that is erased at once to its scrollback, and leaves the
    /// alternate screen.
    fn wiping(&self) -> String {
        let now = size_of(&self.device).unwrap_or_default();
        let drawn = self.drawn.unwrap_or(now);
        let rows: String = (1..=now.0.max(drawn.0)).map(|row| format!("\x1b[{row};1H\x1b[2K")).collect();
        let scrollback = if now.0 < drawn.0 || now.1 < drawn.1 { ERASE_SCROLLBACK } else { "" };
        format!("\x1b[0m{rows}{BACK_FROM_IT}{scrollback}")
    }
}

const PASTE_ENDS: &[u8] = b"\x1b[201~";

impl Drop for Question {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Polls; an interruption counts as no event.
fn poll_for(fds: &mut [PollFd<'_>], time: Duration) -> Result<(), TerminalError> {
    // A limit beyond the clock's range counts as no limit.
    match poll(fds, Timespec::try_from(time).ok().as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(TerminalError::Io(error.into())),
    }
}
