//! What the world can do, as small traits.
//!
//! Everything below `command/` takes just the ports that it needs, so that what is impure can be seen in a signature
//! and tests can stand in for it. The real ones are made in `main.rs`; none of them holds state of its own.

#[cfg(test)]
pub(crate) mod fake_clock;
mod regular;
mod stdout;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::disk::trust::Distrust;
use crate::secret::Secret;

pub use regular::{open, read_regular};
pub use stdout::{close_what_was_closed, require_stdout};

/// The process's environment.
pub trait Env {
    /// A variable as the system has it; one that is set to nothing or to blanks is `None`, as in the AWS SDKs.
    fn os(&self, name: &str) -> Option<OsString>;

    /// A variable as text; one that is not UTF-8 is `None`.
    fn var(&self, name: &str) -> Option<String> {
        self.os(name)?.into_string().ok()
    }
}

/// Reading files that people wrote.
pub trait Files {
    /// The whole file. It may hold access keys, hence the type.
    fn read(&self, path: &Path) -> io::Result<Secret<Vec<u8>>>;

    /// The same of a file that programs read without being told to: anything but a regular file is refused.
    fn read_regular(&self, path: &Path) -> io::Result<Secret<Vec<u8>>> {
        self.read(path)
    }

    /// Why others could have written that file, which decides what is run; `None` where they could not.
    fn distrust(&self, _path: &Path) -> Option<Distrust> {
        None
    }
}

/// The wall clock, in UTC.
pub trait Clock {
    /// Now, as this machine believes.
    fn now(&self) -> Timestamp;

    /// The time since the machine was started, sleep included, which nobody can set; `None` where it is not known.
    fn since_boot(&self) -> Option<Duration>;

    /// What tells this start of the machine from every other; `None` where it is not known.
    fn boot(&self) -> Option<String>;

    /// Lets time pass.
    fn sleep(&self, time: Duration);
}

/// Why the terminal gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// The process has no controlling terminal.
    #[error("there is no terminal to ask on")]
    Absent,
    /// The process is in the background; reading would stop it (SIGTTIN).
    #[error("this process is in the background of its terminal")]
    Background,
    /// The person pressed Ctrl-C, or another signal that ends programs arrived. The terminal is restored.
    #[error("canceled")]
    Signal(i32),
    /// The person pressed Escape.
    #[error("canceled")]
    Canceled,
    /// The person wants this process to stop (Ctrl-Z) while it holds turns that others wait for: let go of them, call
    /// [`Terminal::stop`], and begin anew.
    #[error("stopped")]
    Stopping,
    /// The process was stopped and goes on. What it held may be somebody else's by now: begin anew.
    #[error("stopped, and continued")]
    Continued,
    /// Whoever was to read stdout has gone, so an answer would be of no use.
    #[error("nobody reads the output any more")]
    Unread,
    /// End of input (Ctrl-D, or the terminal is gone).
    #[error("nothing was typed")]
    Closed,
    /// What has to be shown does not fit.
    #[error("the terminal is too small")]
    TooSmall,
    /// Nobody answered in time.
    #[error("nobody answered within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The terminal is there and does not work.
    #[error("the terminal does not work")]
    Io(#[source] io::Error),
}

/// How a person is asked for a code.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Words {
    /// `MFA code for PROFILE (DEVICE): `
    #[default]
    Profile,
    /// `DEVICE, MFA code: `, where it is about the device.
    Device,
}

/// The person at the controlling terminal: never stdin, stdout or stderr, which may be pipes of a shell or an SDK.
pub trait Terminal {
    /// Could a person be asked now? True with a controlling terminal whose foreground this process is in.
    fn is_there(&self) -> bool;

    /// Writes `prompt` with echo already off and reads one line, at most for `limit`.
    fn ask_hidden(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError>;

    /// Writes one line for the person; a terminal that is gone is no error.
    fn tell(&self, line: &str);

    /// Writes text of several lines for the person to read before a question, control characters escaped.
    fn show(&self, text: &str) {
        text.lines().for_each(|line| self.tell(line));
    }

    /// Writes `prompt` and reads one line that is no secret, so that what is typed can be seen.
    fn ask(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        self.ask_hidden(prompt, limit)
    }

    /// Asks what yes or no answers, in the usual form: `[Y/n]` or `[y/N]`, where the capital is what Enter means. What
    /// is neither is asked again, and in the end a no.
    fn confirm(&self, question: &str, usual: Usual, limit: Duration) -> Result<bool, TerminalError> {
        let choice = match usual {
            Usual::Yes => "[Y/n]",
            Usual::No => "[y/N]",
        };
        for _ in 0..3 {
            let answer = self.ask(&format!("{question} {choice} "), limit)?;
            match answer.expose().trim().to_ascii_lowercase().as_str() {
                "" => return Ok(usual == Usual::Yes),
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => self.tell("type `y` or `n`"),
            }
        }
        Ok(false)
    }

    /// Stops this process as Ctrl-Z does, and returns when it goes on; at once where nothing could continue it.
    fn stop(&self) {}

    /// Why waiting for somebody else's answer should end, as it would for one's own.
    fn gives_up(&self) -> Option<TerminalError> {
        None
    }

    /// Shows `page` on a screen of its own, with the prompt below it, and reads one line as [`Terminal::ask_hidden`]
    /// does. However that ends, neither the screen nor what can be scrolled back to holds the page then. The page may
    /// hold the terminal's own control sequences, and fits [`Terminal::size`] with a line to spare.
    fn ask_below(
        &self,
        _page: &Secret<String>,
        _prompt: &str,
        _limit: Duration,
    ) -> Result<Secret<String>, TerminalError> {
        Err(TerminalError::Absent)
    }

    /// Rows and columns of a screen that can be wiped. `None` for a terminal that says it cannot, or not how large it is.
    fn size(&self) -> Option<(u16, u16)> {
        None
    }

    /// Writes a line in the place of the last one that this wrote; the empty one leaves none.
    fn rewrite(&self, _line: &str) {}

    /// Shows a dialogue on a screen of its own, which is gone without a trace afterward, until the dialogue is over;
    /// it gives up when no key was struck for `limit`. Where a terminal cannot do that, it is absent.
    fn converse(&self, _dialogue: &mut dyn Dialogue, _limit: Duration) -> Result<(), TerminalError> {
        Err(TerminalError::Absent)
    }
}

/// What Enter means where yes or no answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Usual {
    /// After the person has seen exactly what would be done.
    Yes,
    /// Where something would be lost.
    No,
}

/// A person, or whoever is waited for in that person's stead, with one deadline for all questions.
pub struct Impatient<'a> {
    terminal: &'a dyn Terminal,
    limit: Duration,
    start: Instant,
}

impl<'a> Impatient<'a> {
    /// From now on.
    pub fn new(terminal: &'a dyn Terminal, limit: Duration) -> Self {
        Self { terminal, limit, start: Instant::now() }
    }

    fn within<T>(
        &self,
        limit: Duration,
        ask: impl FnOnce(Duration) -> Result<T, TerminalError>,
    ) -> Result<T, TerminalError> {
        let left = self.limit.saturating_sub(self.start.elapsed());
        match ask(limit.min(left)) {
            Err(TerminalError::TimedOut(_)) if left <= limit => Err(TerminalError::TimedOut(self.limit)),
            answer => answer,
        }
    }
}

impl Terminal for Impatient<'_> {
    fn is_there(&self) -> bool {
        self.terminal.is_there()
    }

    fn ask_hidden(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        self.within(limit, |limit| self.terminal.ask_hidden(prompt, limit))
    }

    fn ask(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        self.within(limit, |limit| self.terminal.ask(prompt, limit))
    }

    fn ask_below(&self, page: &Secret<String>, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        self.within(limit, |limit| self.terminal.ask_below(page, prompt, limit))
    }

    fn tell(&self, line: &str) {
        self.terminal.tell(line);
    }

    fn rewrite(&self, line: &str) {
        self.terminal.rewrite(line);
    }

    fn size(&self) -> Option<(u16, u16)> {
        self.terminal.size()
    }

    fn converse(&self, dialogue: &mut dyn Dialogue, limit: Duration) -> Result<(), TerminalError> {
        self.within(limit, |limit| self.terminal.converse(dialogue, limit))
    }

    fn stop(&self) {
        self.terminal.stop();
    }

    fn gives_up(&self) -> Option<TerminalError> {
        let is_over = self.start.elapsed() >= self.limit;
        self.terminal.gives_up().or(is_over.then_some(TerminalError::TimedOut(self.limit)))
    }
}

/// What a person does with single keys.
pub trait Dialogue {
    /// The whole screen, line by line: at most `rows` of them, none wider than `columns`.
    fn draw(&mut self, columns: usize, rows: usize) -> Vec<String>;

    /// Takes a key; true when the dialogue is over.
    fn strike(&mut self, key: Key) -> bool;
}

/// A key of a [`Dialogue`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Key {
    /// A printable character.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Escape,
    /// Backspace.
    EraseChar,
    /// Ctrl-W.
    EraseWord,
    /// Ctrl-U.
    EraseAll,
    /// The cursor key, Ctrl-P and Ctrl-K.
    Up,
    /// The cursor key, Ctrl-N and Tab.
    Down,
    /// A screen back.
    PageUp,
    /// A screen on.
    PageDown,
}

/// Nobody: where there is no terminal, or `--no-prompt` says to behave as if there were none.
#[derive(Clone, Copy, Debug)]
pub struct NoTerminal;

impl Terminal for NoTerminal {
    fn is_there(&self) -> bool {
        false
    }

    fn ask_hidden(&self, _: &str, _: Duration) -> Result<Secret<String>, TerminalError> {
        Err(TerminalError::Absent)
    }

    fn tell(&self, _: &str) {}
}

/// Why a store of keys could not answer. "No such entry" is not among them: it is an answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// There is no such store here (no D-Bus, seccomp, another system).
    #[error("it is not available: {0}")]
    Absent(String),
    /// It did not answer in time: stuck, locked, or asking a person who is not there.
    #[error("it did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// It is locked and cannot be unlocked from here.
    #[error("it is locked")]
    Locked,
    /// The kernel's quota of keys for this user is used up.
    #[error("the kernel's quota of keys for this user is used up")]
    Full,
    /// Anything else, in the store's words.
    #[error("{0}")]
    Failed(String),
}

/// For how long a store will go on keeping a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Life {
    /// For so long at least; the store may count in whole minutes or hours only.
    AtLeast(Duration),
    /// Until it is told to forget it.
    Endless,
    /// The store has it and does not tell.
    Unknown,
}

/// A store of small secrets, by name: the kernel keyring, or the operating system's.
pub trait Keystore {
    /// The secret of that name; `None` only when the store says definitely that it has none.
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, StoreError>;

    /// Keeps a secret, replacing one of that name; `life` ends it where the store can do that.
    fn put(&self, name: &str, secret: &Secret<Vec<u8>>, life: Option<Duration>) -> Result<(), StoreError>;

    /// Ends a secret; one that is not there is no error.
    fn delete(&self, name: &str) -> Result<(), StoreError>;

    /// Lets a secret that is there end after `life` from now, where the store can do that; never makes one.
    fn limit(&self, _name: &str, _life: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    /// For how long the secret of that name will be kept, without reading it; `None` where there is none. Only of a
    /// store that answers at once and asks nobody.
    fn life(&self, _name: &str) -> Result<Option<Life>, StoreError> {
        Err(StoreError::Absent("it is not asked".to_owned()))
    }
}

/// The folders of this user, as the system has them.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// The home, in which `.aws` is.
    pub home: Option<PathBuf>,
    /// Where configuration lives (`~/.config`, `~/Library/Application Support`, `%APPDATA%`).
    pub config: Option<PathBuf>,
    /// Where state lives (`~/.local/state`; where the system has no such folder, the local data folder).
    pub state: Option<PathBuf>,
}

/// The whole host, as `main.rs` makes it and `command/` takes it apart.
#[derive(Clone)]
pub struct Host<'a> {
    /// The environment.
    pub env: &'a dyn Env,
    /// Files that people wrote.
    pub files: &'a dyn Files,
    /// The wall clock.
    pub clock: &'a dyn Clock,
    /// The person.
    pub terminal: &'a dyn Terminal,
    /// The Linux kernel keyring.
    pub kernel: &'a dyn Keystore,
    /// The operating system's keyring.
    pub keyring: &'a dyn Keystore,
    /// This user's folders.
    pub folders: Folders,
    /// The name of the user that the process belongs to, by user id.
    pub user: &'a dyn Fn() -> String,
    /// The name of this machine.
    pub machine: &'a dyn Fn() -> String,
    /// The name of the program that started this one.
    pub parent: &'a dyn Fn() -> Option<String>,
    /// Where this program is.
    pub program: &'a dyn Fn() -> io::Result<PathBuf>,
    /// Becomes the command; where the system cannot, runs it and gives its exit code.
    pub become_command: &'a dyn Fn(Command) -> io::Result<u8>,
}

impl Host<'_> {
    /// The same host with nobody at it.
    #[must_use]
    pub fn unattended(&self) -> Self {
        Self { terminal: &NoTerminal, ..self.clone() }
    }
}
