//! The person at the controlling terminal.
//!
//! Everything goes through `/dev/tty`, never through stdin, stdout or stderr. `rpassword` reads the keys and does the
//! line editing; this module owns what surrounds it: the modes of the terminal, the deadline, signals, job control.
//! It holds no state between two questions.
//!
//! What it may not do: stop (a background process is refused before it touches the terminal), block on a terminal
//! that takes no output, or leave the terminal without echo, whichever way a question ends. It does not end the
//! process either: a signal is returned, and `main` dies of it once everything is put away.
//!
//! Keys come one at a time, so that Ctrl-Z can be answered here: with the terminal's own suspend character the process
//! would be stopped in the middle of a question, its echo still off.

mod dialogue;

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Signal, getpgrp, kill_current_process_group};
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcgetpgrp, tcgetwinsize,
    tcsetattr,
};
use signal_hook::consts::signal::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::signals::Watch;
use crate::host::{Dialogue, Terminal, TerminalError};
use crate::secret::Secret;
use crate::talk::one_line;

/// Told in this order when several came at once.
const SIGNALS: [i32; 5] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCONT];

/// Erases the line so far, in `rpassword` as on a terminal.
const CTRL_U: u8 = 0x15;

/// The value that takes a special character away (`_POSIX_VDISABLE`).
const NO_KEY: u8 = if cfg!(any(target_os = "linux", target_os = "android")) { 0 } else { 0xff };

/// To the alternate screen, which has no scroll-back, wiped and from its top.
const OTHER_SCREEN: &str = "\x1b[?1049h\x1b[2J\x1b[H";
/// Wiped, and back from it.
const BACK_FROM_IT: &str = "\x1b[0m\x1b[2J\x1b[H\x1b[?1049l";
const ERASE_LINE: &str = "\x1b[K";

/// How long a line that asks nothing may wait for a terminal whose output is stopped.
const TELL_LIMIT: Duration = Duration::from_secs(1);

/// How often the keyboard is looked at where it cannot be polled.
const BLIND_STEP: Duration = Duration::from_millis(50);

/// The real [`Terminal`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Tty;

impl Terminal for Tty {
    fn is_there(&self) -> bool {
        open().is_ok_and(|device| is_foreground(&device))
    }

    /// Besides what the trait promises: keys that were struck before the prompt are thrown away, as `getpass` does.
    /// They were typed with echo on and for another reader, and a wrong code counts against the user at AWS.
    fn ask_hidden(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        ask(Question::new(prompt, limit)?)
    }

    fn ask(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        // The terminal itself shows the Enter.
        ask(Question { shows_keys: true, closing: "", ..Question::new(prompt, limit)? })
    }

    fn ask_below(&self, page: &Secret<String>, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        ask(Question { page: Some(page.clone()), closing: BACK_FROM_IT, ..Question::new(prompt, limit)? })
    }

    fn size(&self) -> Option<(u16, u16)> {
        size_of(&open().ok()?)
    }

    fn tell(&self, line: &str) {
        write(&(one_line(line) + "\n"));
    }

    fn rewrite(&self, line: &str) {
        write(&format!("\r{}{ERASE_LINE}", one_line(line)));
    }

    fn converse(&self, dialogue: &mut dyn Dialogue, limit: Duration) -> Result<(), TerminalError> {
        dialogue::hold(dialogue, limit)
    }
}

/// Rows and columns. A terminal that was never told its size is taken for the usual one.
fn size_of(device: &File) -> Option<(u16, u16)> {
    let size = tcgetwinsize(device).ok()?;
    let or = |length: u16, usual: u16| if length == 0 { usual } else { length };
    Some((or(size.ws_row, 24), or(size.ws_col, 80)))
}

/// Asks, and puts the terminal back as it was.
fn ask(question: Question) -> Result<Secret<String>, TerminalError> {
    let question = Rc::new(question);
    let answer = question.start().and_then(|()| {
        let keys = Keys(Rc::clone(&question));
        let config = rpassword::ConfigBuilder::new().input_reader(keys).output_discard().build();
        let answer = rpassword::read_password_with_config(config).map(Secret::new);
        answer.map_err(|error| question.end.take().unwrap_or_else(|| from_read(error)))
    });
    question.finish();
    match question.ending_signal() {
        Some(signal) => Err(TerminalError::Signal(signal)),
        None => answer,
    }
}

/// Writes what asks nothing; where that cannot be done, nothing is lost that matters.
fn write(text: &str) {
    let Ok(device) = open() else { return };
    // Such a terminal stops a background process that writes (`stty tostop`).
    let stops_writers = || tcgetattr(&device).is_ok_and(|modes| modes.local_modes.contains(LocalModes::TOSTOP));
    if !is_foreground(&device) && stops_writers() {
        return;
    }
    write_within(&device, text, TELL_LIMIT);
}

/// Writes to a terminal whose output may be stopped, for as long as the limit is.
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

/// One question, from the prompt to the answer. Its parts are cells because `rpassword` wants to own what it reads.
struct Question {
    // Before `watch`, so that it is dropped first: no signal may act on a terminal that is still silent.
    silence: RefCell<Option<Silence>>,
    watch: Watch,
    device: File,
    prompt: String,
    /// What stands above the prompt, on a screen of its own.
    page: Option<Secret<String>>,
    /// May what is typed be seen? The terminal then does its own line editing.
    shows_keys: bool,
    /// What is written last; after a hidden answer it ends the line, which the person's Enter did not.
    closing: &'static str,
    limit: Duration,
    deadline: Cell<Instant>,
    /// Why reading ended, which an `io::Error` cannot carry through `rpassword`.
    end: Cell<Option<TerminalError>>,
}

/// What ended a wait.
enum Wake {
    /// The terminal is ready.
    Ready,
    /// The process was stopped and goes on.
    Continued,
}

impl Question {
    fn new(prompt: &str, limit: Duration) -> Result<Self, TerminalError> {
        let device = open()?;
        if !is_foreground(&device) {
            return Err(TerminalError::Background);
        }
        let watch = Watch::new(&SIGNALS).map_err(TerminalError::Io)?;
        Ok(Self {
            silence: RefCell::new(None),
            watch,
            device,
            prompt: one_line(prompt),
            page: None,
            shows_keys: false,
            closing: "\n",
            limit,
            deadline: Cell::new(Instant::now() + limit),
            end: Cell::new(None),
        })
    }

    /// Silences the terminal and shows the prompt, in that order.
    fn start(&self) -> Result<(), TerminalError> {
        let silence = Silence::new(&self.device, self.shows_keys).map_err(TerminalError::Io)?;
        let silence = self.silence.borrow_mut().insert(silence).hide();
        silence.and_then(|()| tcflush(&self.device, QueueSelector::IFlush).map_err(Into::into)).map_err(from_read)?;
        self.show_prompt()
    }

    /// Shows the page, if there is one, and the prompt.
    fn show_prompt(&self) -> Result<(), TerminalError> {
        if let Some(page) = &self.page {
            self.write(OTHER_SCREEN)?;
            self.write(page.expose())?;
        }
        self.write(&self.prompt)
    }

    fn write(&self, text: &str) -> Result<(), TerminalError> {
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

    /// The next key, or why there is none.
    fn key(&self) -> Result<u8, TerminalError> {
        loop {
            if let Wake::Continued = self.wait(PollFlags::IN)? {
                return self.resume();
            }
            // Reading in the background would stop the process.
            if !is_foreground(&self.device) {
                return Err(self.gone());
            }
            let mut key = [0];
            match (&self.device).read(&mut key) {
                Ok(0) => return Err(TerminalError::Closed),
                Ok(_) if self.is_suspend_key(key[0]) => return self.suspend(),
                Ok(_) => return Ok(key[0]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(error) => return Err(from_read(error)),
            }
        }
    }

    /// Waits for the terminal, a signal or the deadline.
    fn wait(&self, wanted: PollFlags) -> Result<Wake, TerminalError> {
        loop {
            let left = self.deadline.get().saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(TerminalError::TimedOut(self.limit));
            }
            let mut fds = [PollFd::new(&self.device, wanted), PollFd::new(&self.watch, PollFlags::IN)];
            poll_for(&mut fds, left)?;
            let mut ready = fds[0].revents();
            // macOS cannot poll `/dev/tty`; the device does not block, so looking at it now and then will do.
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
            if was_continued {
                return Ok(Wake::Continued);
            }
            if !ready.is_empty() {
                return Ok(Wake::Ready);
            }
        }
    }

    fn is_suspend_key(&self, key: u8) -> bool {
        self.silence.borrow().as_ref().is_some_and(|silence| silence.suspend_key == Some(key))
    }

    /// Does what the terminal does for Ctrl-Z, but with the echo back on: stops the whole foreground group. Goes on
    /// after `fg`, or at once where the system lets nothing stop (in the group of the terminal's first shell).
    fn suspend(&self) -> Result<u8, TerminalError> {
        self.show_echo();
        // Not SIGSTOP to ourselves, which also stops where no shell would ever continue us.
        kill_current_process_group(Signal::TSTP).map_err(|error| TerminalError::Io(error.into()))?;
        while let Some(signal) = self.watch.take() {
            if signal != SIGCONT {
                return Err(TerminalError::Signal(signal));
            }
        }
        self.resume()
    }

    /// Asks anew: what was typed before cannot be seen, so it is forgotten.
    fn resume(&self) -> Result<u8, TerminalError> {
        if !is_foreground(&self.device) {
            return Err(self.gone());
        }
        if let Some(silence) = self.silence.borrow().as_ref() {
            silence.hide().map_err(from_read)?;
        }
        self.show_prompt()?;
        Ok(CTRL_U)
    }

    /// Why this process is no longer in the foreground: sent to the background, or the terminal hung up.
    fn gone(&self) -> TerminalError {
        if tcgetpgrp(&self.device).is_ok() { TerminalError::Background } else { TerminalError::Closed }
    }

    /// Closes what was opened, and gives the terminal its modes back.
    fn show_echo(&self) {
        if let Some(silence) = self.silence.borrow().as_ref() {
            if is_foreground(&self.device) {
                write_within(&self.device, self.closing, TELL_LIMIT);
            }
            silence.show();
        }
    }

    fn finish(&self) {
        self.show_echo();
        self.silence.take();
        self.watch.end();
    }

    /// A signal that came too late to end the reading still ends the program: it must not be swallowed.
    fn ending_signal(&self) -> Option<i32> {
        std::iter::from_fn(|| self.watch.take()).find(|signal| *signal != SIGCONT)
    }
}

/// The keyboard, as `rpassword` reads it.
struct Keys(Rc<Question>);

impl Read for Keys {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(first) = buffer.first_mut() else { return Ok(0) };
        match self.0.key() {
            Ok(key) => {
                *first = key;
                Ok(1)
            }
            // Not `Ok(0)`: `rpassword` would take what it has for the answer.
            Err(end) => {
                self.0.end.set(Some(end));
                Err(io::Error::other("the question is over"))
            }
        }
    }
}

/// The terminal's modes while nothing may be echoed, and those that it gets back when this is dropped.
struct Silence {
    device: File,
    before: Termios,
    silent: Termios,
    suspend_key: Option<u8>,
}

impl Silence {
    /// With `shows_keys` nothing is silent: the terminal edits the line, and its own Ctrl-Z does no harm.
    fn new(device: &File, shows_keys: bool) -> io::Result<Self> {
        let device = device.try_clone()?;
        let before = tcgetattr(&device)?;
        let mut silent = before.clone();
        if shows_keys {
            silent.local_modes.insert(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
            return Ok(Self { device, before, silent, suspend_key: None });
        }
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON);
        // Ctrl-C and Ctrl-\ stay the terminal's, even if a program before us left it raw.
        silent.local_modes.insert(LocalModes::ISIG);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        silent.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
        #[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "netbsd", target_os = "openbsd"))]
        {
            silent.special_codes[SpecialCodeIndex::VDSUSP] = NO_KEY;
        }
        let suspend_key = Some(before.special_codes[SpecialCodeIndex::VSUSP]).filter(|key| *key != NO_KEY);
        Ok(Self { device, before, silent, suspend_key })
    }

    fn hide(&self) -> io::Result<()> {
        // `Now`: the other actions first wait for the output, for ever if someone pressed Ctrl-S.
        tcsetattr(&self.device, OptionalActions::Now, &self.silent).map_err(Into::into)
    }

    fn show(&self) {
        // In the background the modes are the shell's, and setting them would stop the process.
        if is_foreground(&self.device) {
            // A terminal that is gone needs no modes. What was typed after the answer stays for the next reader.
            let _ = tcsetattr(&self.device, OptionalActions::Now, &self.before);
        }
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        self.show();
    }
}

/// The controlling terminal, opened so that neither opening, reading nor writing blocks.
fn open() -> Result<File, TerminalError> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    File::options().read(true).write(true).custom_flags(flags).open("/dev/tty").map_err(|error| {
        match Errno::from_io_error(&error) {
            // No controlling terminal; no such device in a container or chroot.
            Some(Errno::NXIO | Errno::NOENT | Errno::NODEV | Errno::NOTDIR) => TerminalError::Absent,
            _ => TerminalError::Io(error),
        }
    })
}

fn is_foreground(device: &File) -> bool {
    tcgetpgrp(device).is_ok_and(|group| group == getpgrp())
}

/// A terminal that hung up says so by an error.
fn from_read(error: io::Error) -> TerminalError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => TerminalError::Closed,
        _ if Errno::from_io_error(&error) == Some(Errno::IO) => TerminalError::Closed,
        _ => TerminalError::Io(error),
    }
}

/// Polls; an interruption counts as nothing to report.
fn poll_for(fds: &mut [PollFd<'_>], time: Duration) -> Result<(), TerminalError> {
    // A limit beyond the clock's range is no limit.
    match poll(fds, Timespec::try_from(time).ok().as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(TerminalError::Io(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Errno, TerminalError, from_read, io};

    #[test]
    fn a_terminal_that_hung_up_is_closed_and_not_broken() {
        assert!(matches!(from_read(Errno::IO.into()), TerminalError::Closed));
        assert!(matches!(from_read(io::ErrorKind::UnexpectedEof.into()), TerminalError::Closed));
        assert!(matches!(from_read(Errno::BADF.into()), TerminalError::Io(_)));
    }
}
