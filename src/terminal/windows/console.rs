//! The person at the console, on Windows: this system's `tty`.
//!
//! Keys come from the console itself (`CONIN$`, by `crossterm`), and text goes to `CONOUT$`, never to stdin, stdout or
//! stderr. `rpassword` edits the line. The console is in raw mode during a question, so Ctrl-C is a key like any other,
//! and whoever waits for this process learns that the person canceled. Windows has no job control: there is no background
//! process to refuse, and none is stopped.

mod keys;

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use crossterm::{ansi_support, terminal};
use crossterm_winapi::{Console, Handle};

use self::keys::{Awaited, Keys};
use crate::host::{Dialogue, Draw, Sheet, Terminal, TerminalError};
use crate::messages::one_line;
use crate::secret::Secret;

/// The second screen, which leaves no trace, erased and with the cursor at its top.
const OTHER_SCREEN: &str = "\x1b[?1049h\x1b[2J\x1b[H";
/// Erased before it is left, for consoles that have no second screen.
const BACK_FROM_IT: &str = "\x1b[H\x1b[2J\x1b[3J\x1b[?25h\x1b[?1049l";
const HIDE_CURSOR: &str = "\x1b[?25l";
const ERASE_LINE: &str = "\x1b[K";
/// How often the window's size is compared with that of what was drawn.
const LOOK: Duration = Duration::from_millis(250);

/// The Windows console as a [`Terminal`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Tty;

impl Terminal for Tty {
    fn is_there(&self) -> bool {
        screen().is_ok() && File::options().read(true).write(true).open("CONIN$").is_ok()
    }

    /// In addition to the trait's contract: keys that were typed before the prompt are discarded. Two asterisks, however
    /// many keys are typed, show that input arrives.
    fn ask_hidden(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        let screen = Screen::begin()?;
        screen.write(&one_line(prompt))?;
        let answer = keys::line(&Keys::new(keys::Shown::Nothing), Awaited::Line, limit);
        screen.write("\r\n")?;
        answer
    }

    fn ask(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        let screen = Screen::begin()?;
        screen.write(&one_line(prompt))?;
        let answer = keys::line(&Keys::new(keys::Shown::Keys), Awaited::Line, limit);
        screen.write("\r\n")?;
        answer
    }

    fn ask_below(&self, draw: &Draw<'_>, limit: Duration) -> Result<Secret<String>, TerminalError> {
        let screen = Screen::begin()?;
        loop {
            let (rows, columns) = self.size().ok_or(TerminalError::Absent)?;
            let Sheet { page, prompt } = draw(rows, columns);
            screen.write(OTHER_SCREEN)?;
            screen.write(&page.expose().replace('\n', "\r\n"))?;
            screen.write(&one_line(&prompt))?;
            let keys = Keys::new(keys::Shown::Nothing);
            let answer = keys::line(&keys, Awaited::LineOrSize((rows, columns)), limit);
            screen.write(BACK_FROM_IT)?;
            if !matches!(answer, Err(TerminalError::Resized)) {
                return answer;
            }
        }
    }

    fn size(&self) -> Option<(u16, u16)> {
        screen().ok()?;
        let (columns, rows) = terminal::size().ok()?;
        (ansi_support::supports_ansi() && rows > 0 && columns > 0).then_some((rows, columns))
    }

    fn tell(&self, line: &str) {
        write(&(one_line(line) + "\r\n"));
    }

    fn rewrite(&self, line: &str) {
        if ansi_support::supports_ansi() {
            write(&format!("\r{}{ERASE_LINE}", one_line(line)));
        }
    }

    fn converse(&self, dialogue: &mut dyn Dialogue, limit: Duration) -> Result<(), TerminalError> {
        if !ansi_support::supports_ansi() {
            return Err(TerminalError::Absent);
        }
        let screen = Screen::begin()?;
        screen.write(&format!("{OTHER_SCREEN}{HIDE_CURSOR}"))?;
        let ended = self.hold(&screen, dialogue, limit);
        screen.write(BACK_FROM_IT)?;
        ended
    }
}

impl Tty {
    fn hold(self, screen: &Screen, dialogue: &mut dyn Dialogue, limit: Duration) -> Result<(), TerminalError> {
        let (mut drawn, mut last_key) = (None, Instant::now());
        loop {
            let size = self.size().unwrap_or((24, 80));
            if drawn != Some(size) {
                let (rows, columns) = size;
                let lines = dialogue.draw(columns.into(), rows.into());
                let lines: Vec<String> = lines.into_iter().map(|line| line + ERASE_LINE).collect();
                screen.write(&format!("\x1b[H{}\x1b[J", lines.join("\r\n")))?;
                drawn = Some(size);
            }
            let key = match keys::pressed(LOOK)? {
                Some(key) => key,
                None if last_key.elapsed() < limit => continue,
                None => return Err(TerminalError::TimedOut(limit)),
            };
            last_key = Instant::now();
            if keys::of_dialogue(&key).is_some_and(|key| dialogue.strike(key)) {
                return Ok(());
            }
            drawn = None;
        }
    }
}

/// The console in raw mode, as it was before when this is dropped.
struct Screen(());

impl Screen {
    fn begin() -> Result<Self, TerminalError> {
        screen().map_err(|_| TerminalError::Absent)?;
        // Also lets the console read the sequences that are written to it.
        let _ = ansi_support::supports_ansi();
        terminal::enable_raw_mode().map_err(|_| TerminalError::Absent)?;
        let screen = Self(());
        keys::forget()?;
        Ok(screen)
    }

    #[expect(clippy::unused_self, reason = "nothing else is written during a question")]
    fn write(&self, text: &str) -> Result<(), TerminalError> {
        try_write(text).map_err(TerminalError::Io)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // What was pasted after the answer: a shell would run it.
        let _ = keys::forget();
        // A console that is gone needs no mode.
        let _ = terminal::disable_raw_mode();
    }
}

fn screen() -> io::Result<Handle> {
    Handle::current_out_handle()
}

/// Writes text that asks nothing. A console that is gone is not an error.
fn write(text: &str) {
    let _ = try_write(text);
}

/// Writes to the console, line by line: a write may not be longer than 64 kB. A file of that name would take the text to
/// be in the console's code page, which few have as UTF-8.
fn try_write(text: &str) -> io::Result<()> {
    let console = Console::from(screen()?);
    text.split_inclusive('\n').try_for_each(|line| console.write_char_buffer(line.as_bytes()).map(|_| ()))
}

/// The right to show a dialog. Windows shows one above the other, and none takes the keys of another.
#[derive(Debug)]
pub struct Alone;

/// Waits for nothing.
///
/// # Errors
/// None.
pub fn one_dialog(_: &[String], _: Duration, _: &dyn Fn() -> Option<TerminalError>) -> Result<Alone, TerminalError> {
    Ok(Alone)
}
