//! What the outside world can do, as small traits.
//!
//! Everything below `command/` takes only the ports that it needs, so a signature shows what is impure, and tests can
//! replace it. `program.rs` makes the real ones; none of them holds state of its own.

#[cfg(test)]
pub(crate) mod fake_clock;
mod regular;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::disk::trust::Distrust;
use crate::secret::Secret;

pub use regular::read_regular;

/// The process's environment.
pub trait Env {
    /// A variable as the system has it. One that is empty or only blanks is `None`, as in the AWS SDKs.
    fn os(&self, name: &str) -> Option<OsString>;

    /// A variable as text; one that is not UTF-8 is `None`.
    fn var(&self, name: &str) -> Option<String> {
        self.os(name)?.into_string().ok()
    }
}

/// Access to files written by people.
pub trait Files {
    /// Reads the whole file. It may contain access keys, so it is a secret.
    fn read(&self, path: &Path) -> io::Result<Secret<Vec<u8>>>;

    /// The same for a file that is read without being named by the user: anything but a regular file is refused.
    fn read_regular(&self, path: &Path) -> io::Result<Secret<Vec<u8>>> {
        self.read(path)
    }

    /// Why others could have written this file, which decides what is run; `None` if they could not have.
    fn distrust(&self, _path: &Path) -> Option<Distrust> {
        None
    }
}

/// The wall clock, in UTC.
pub trait Clock {
    /// The current time, as this machine's clock shows it.
    fn now(&self) -> Timestamp;

    /// The time since the machine started, including sleep, which no one can set; `None` if unknown.
    fn since_boot(&self) -> Option<Duration>;

    /// Identifies this boot of the machine; `None` if unknown.
    fn boot(&self) -> Option<String>;

    /// Sleeps for this long.
    fn sleep(&self, time: Duration);
}

/// Why the terminal returned no answer.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// The process has no controlling terminal.
    #[error("there is no terminal to ask on")]
    Absent,
    /// The process is in the background; reading would stop it (SIGTTIN).
    #[error("this process is in the background of its terminal")]
    Background,
    /// The user pressed Ctrl-C, or another signal that ends programs arrived. The terminal is restored.
    #[error("canceled")]
    Signal(i32),
    /// The user pressed Escape.
    #[error("canceled")]
    Canceled,
    /// The user wants to suspend this process (Ctrl-Z) while it holds turns that others wait for: release them, call
    /// [`Terminal::stop`], and start over.
    #[error("stopped")]
    Stopping,
    /// The process was stopped and has continued. Others may hold its turns by now: start over.
    #[error("stopped, and continued")]
    Continued,
    /// The process that reads stdout has gone, so an answer would be useless.
    #[error("nothing reads the output anymore")]
    Unread,
    /// End of input (Ctrl-D, or the terminal was closed).
    #[error("nothing was typed")]
    Closed,
    /// The window's size has changed, and the screen must be redrawn.
    #[error("the window's size has changed")]
    Resized,
    /// There was no answer in time.
    #[error("nobody answered within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The program that asks in place of a terminal does not work.
    #[error("`{setting} = {program}` could not ask")]
    Program {
        /// The setting that names it.
        setting: &'static str,
        /// Its path or name.
        program: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The terminal exists but failed.
    #[error("the terminal failed")]
    Io(#[source] io::Error),
}

/// The form of the prompt for a code.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Words {
    /// `MFA code for PROFILE (DEVICE): `
    #[default]
    Profile,
    /// `DEVICE, MFA code: `, when the question is about the device itself.
    Device,
}

/// The person at the controlling terminal. It is never stdin, stdout or stderr, which may be pipes of a shell or an
/// SDK.
pub trait Terminal {
    /// Can the user be asked now? True if there is a controlling terminal and this process is in its foreground.
    fn is_there(&self) -> bool;

    /// Writes `prompt` with echo already off and reads one line, waiting at most `limit`.
    fn ask_hidden(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError>;

    /// Writes one line for the user. A terminal that is gone is not an error.
    fn tell(&self, line: &str);

    /// Writes several lines for the user to read before a question, with control characters escaped.
    fn show(&self, text: &str) {
        text.lines().for_each(|line| self.tell(line));
    }

    /// Writes `prompt` and reads one line that is not secret, with echo.
    fn ask(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        self.ask_hidden(prompt, limit)
    }

    /// Asks a yes-or-no question in the usual form: `[Y/n]` or `[y/N]`, where the capital is the default for Enter.
    /// Other answers are asked again, and finally count as no.
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

    /// Suspends this process as Ctrl-Z does, and returns when it continues; at once if nothing could continue it.
    fn stop(&self) {}

    /// Why waiting for another process's answer should end, for the same reasons as waiting for one's own.
    fn gives_up(&self) -> Option<TerminalError> {
        None
    }

    /// Shows a page on the alternate screen with the prompt below it, and reads one line as [`Terminal::ask_hidden`]
    /// does. The page is redrawn when the window's size changes; the limit then starts again. However that ends,
    /// neither the screen nor its scrollback holds the page afterward.
    fn ask_below(&self, _draw: &Draw<'_>, _limit: Duration) -> Result<Secret<String>, TerminalError> {
        Err(TerminalError::Absent)
    }

    /// Rows and columns of a screen that can be cleared. `None` if the terminal cannot do that, or its size is unknown.
    fn size(&self) -> Option<(u16, u16)> {
        None
    }

    /// Replaces the line that this last wrote; an empty line removes it.
    fn rewrite(&self, _line: &str) {}

    /// Runs a dialogue on the alternate screen, which leaves no trace. It gives up when no key is pressed for `limit`,
    /// and is absent if the terminal has no such screen.
    fn converse(&self, _dialogue: &mut dyn Dialogue, _limit: Duration) -> Result<(), TerminalError> {
        Err(TerminalError::Absent)
    }
}

/// A page and the prompt below it.
#[derive(Debug)]
pub struct Sheet {
    /// May contain terminal control sequences, and leaves a line to spare.
    pub page: Secret<String>,
    /// One line.
    pub prompt: String,
}

/// Draws a page for that many rows and columns.
pub type Draw<'a> = dyn Fn(u16, u16) -> Sheet + 'a;

/// The default answer when the user presses Enter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Usual {
    /// The user has seen exactly what would be done.
    Yes,
    /// Something would be lost.
    No,
}

/// A person, or a process that asks that person on our behalf, with one deadline for all questions.
pub struct Impatient<'a> {
    terminal: &'a dyn Terminal,
    limit: Duration,
    start: Instant,
}

impl<'a> Impatient<'a> {
    /// Starts the deadline now.
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

    fn ask_below(&self, draw: &Draw<'_>, limit: Duration) -> Result<Secret<String>, TerminalError> {
        self.within(limit, |limit| self.terminal.ask_below(draw, limit))
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

/// A full-screen dialogue that is driven by single keys.
pub trait Dialogue {
    /// The whole screen, line by line: at most `rows` lines, none wider than `columns`.
    fn draw(&mut self, columns: usize, rows: usize) -> Vec<String>;

    /// Handles a key; true when the dialogue has ended.
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
    /// Cursor up, Ctrl-P and Ctrl-K.
    Up,
    /// Cursor down, Ctrl-N and Tab.
    Down,
    /// Page Up.
    PageUp,
    /// Page Down.
    PageDown,
}

/// No one to ask: there is no terminal, or `--no-prompt` says to act as if there were none.
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

/// Why a key store could not answer. "No such entry" is not among them: it is an answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// The store does not exist here (no D-Bus, seccomp, another system).
    #[error("it is not available: {0}")]
    Absent(String),
    /// It did not answer in time: it is stuck, locked, or asking a person who is not there.
    #[error("it did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// It is locked and cannot be unlocked by this process.
    #[error("it is locked")]
    Locked,
    /// The kernel's quota of keys for this user is used up.
    #[error("the kernel's quota of keys for this user is used up")]
    Full,
    /// Any other failure, in the store's words.
    #[error("{0}")]
    Failed(String),
}

/// A store that cannot be asked.
#[derive(Clone, Copy, Debug)]
pub struct NoKeystore;

impl NoKeystore {
    fn absent<T>() -> Result<T, StoreError> {
        Err(StoreError::Absent("it is not asked".to_owned()))
    }
}

impl Keystore for NoKeystore {
    fn get(&self, _: &str) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        Self::absent()
    }

    fn put(&self, _: &str, _: &Secret<Vec<u8>>, _: Option<Duration>) -> Result<(), StoreError> {
        Self::absent()
    }

    fn delete(&self, _: &str) -> Result<(), StoreError> {
        Self::absent()
    }
}

/// How long a store will keep a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Life {
    /// At least this long; some stores count in whole minutes or hours.
    AtLeast(Duration),
    /// Until it is deleted.
    Endless,
    /// The store has it but does not say for how long.
    Unknown,
}

/// A store of small secrets by name: the kernel keyring, or the operating system's keyring.
pub trait Keystore {
    /// Reads the secret of that name; `None` only if the store definitely has none.
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, StoreError>;

    /// Stores a secret, replacing one of that name. It expires after `life` if the store supports that.
    fn put(&self, name: &str, secret: &Secret<Vec<u8>>, life: Option<Duration>) -> Result<(), StoreError>;

    /// Deletes a secret. A missing one is not an error.
    fn delete(&self, name: &str) -> Result<(), StoreError>;

    /// Lets an existing secret expire after `life` from now, if the store supports that; never creates one.
    fn limit(&self, _name: &str, _life: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    /// How much longer the secret with that name is kept, without reading it; `None` if there is no such secret. Only
    /// for a store that answers at once and asks nobody.
    fn life(&self, _name: &str) -> Result<Option<Life>, StoreError> {
        Err(StoreError::Absent("it is not asked".to_owned()))
    }
}

/// This user's folders, as the system reports them.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// The home folder, which contains `.aws`.
    pub home: Option<PathBuf>,
    /// The folder for configuration (`~/.config`, `~/Library/Application Support`, `%APPDATA%`).
    pub config: Option<PathBuf>,
    /// The folder for data that must not be lost (`~/.local/share`, `~/Library/Application Support`, `%LOCALAPPDATA%`).
    pub data: Option<PathBuf>,
    /// The folder for state (`~/.local/state`; on a system without one, the local data folder).
    pub state: Option<PathBuf>,
}

/// The whole host: `program.rs` makes it, and `command/` passes on parts of it.
#[derive(Clone)]
pub struct Host<'a> {
    /// The environment.
    pub env: &'a dyn Env,
    /// Files written by people.
    pub files: &'a dyn Files,
    /// The wall clock.
    pub clock: &'a dyn Clock,
    /// The person at the terminal.
    pub terminal: &'a dyn Terminal,
    /// The Linux kernel keyring.
    pub kernel: &'a dyn Keystore,
    /// The operating system's keyring.
    pub keyring: &'a dyn Keystore,
    /// This user's folders.
    pub folders: Folders,
    /// The name of the user that the process runs as, by user ID.
    pub user: &'a dyn Fn() -> String,
    /// The name of this machine.
    pub machine: &'a dyn Fn() -> String,
    /// The name of the parent process's program.
    pub parent: &'a dyn Fn() -> Option<String>,
    /// The path of this program.
    pub program: &'a dyn Fn() -> io::Result<PathBuf>,
    /// Ends this process after that time, whatever it is doing then.
    pub end_within: &'a dyn Fn(Duration),
    /// Replaces this process with the command; if the system cannot, runs it and returns its exit code.
    pub become_command: &'a dyn Fn(Command) -> io::Result<u8>,
}
