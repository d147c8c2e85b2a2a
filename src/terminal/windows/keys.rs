//! Keys of the console, and a line of them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal;

use super::{LOOK, write};
use crate::host::{Key, TerminalError};
use crate::secret::Secret;

/// The number that stands for Ctrl-C on a system without signals; programs exit with this number plus 128.
const SIGINT: i32 = 2;
/// Shown for a hidden line. Its length is fixed, so that it reveals neither the keys nor their number.
const STARS: &str = "**";
const ERASE: &str = "\x08 \x08";
/// Erases the line so far, in `rpassword`.
const CTRL_U: u8 = 0x15;
/// The same for its last character.
const BACKSPACE: u8 = 0x08;

/// How input is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shown {
    /// Two asterisks.
    Nothing,
    /// The keys themselves.
    Keys,
}

/// What ends the reading of a line before Enter does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Awaited {
    /// Nothing.
    Line,
    /// A window that no longer has these rows and columns.
    LineOrSize((u16, u16)),
}

/// The next key that is pressed within this time.
pub(super) fn pressed(within: Duration) -> Result<Option<KeyEvent>, TerminalError> {
    let until = Instant::now() + within;
    while event::poll(until.saturating_duration_since(Instant::now())).map_err(TerminalError::Io)? {
        match event::read().map_err(TerminalError::Io)? {
            Event::Key(key) if key.kind == KeyEventKind::Release => {}
            Event::Key(key) if is_control(&key, 'c') => return Err(TerminalError::Signal(SIGINT)),
            Event::Key(key) => return Ok(Some(key)),
            _ => {}
        }
    }
    Ok(None)
}

/// Discards the keys that were pressed so far.
pub(super) fn forget() -> Result<(), TerminalError> {
    while event::poll(Duration::ZERO).map_err(TerminalError::Io)? {
        event::read().map_err(TerminalError::Io)?;
    }
    Ok(())
}

/// What a key means in a [`Dialogue`](crate::host::Dialogue).
pub(super) fn of_dialogue(key: &KeyEvent) -> Option<Key> {
    Some(match key.code {
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::EraseChar,
        KeyCode::Up => Key::Up,
        KeyCode::Down | KeyCode::Tab => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Char(_) if key.modifiers.contains(KeyModifiers::CONTROL | KeyModifiers::ALT) => of_char(key.code)?,
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => match c.to_ascii_lowercase() {
            'n' => Key::Down,
            'p' | 'k' => Key::Up,
            'u' => Key::EraseAll,
            'w' => Key::EraseWord,
            'd' => Key::Escape,
            _ => return None,
        },
        code => of_char(code)?,
    })
}

/// Some keyboards have characters on AltGr, which the console reports as Ctrl and Alt.
fn of_char(code: KeyCode) -> Option<Key> {
    if let KeyCode::Char(c) = code { Some(Key::Char(c)) } else { None }
}

fn is_control(key: &KeyEvent, c: char) -> bool {
    let is_it = matches!(key.code, KeyCode::Char(pressed) if pressed.eq_ignore_ascii_case(&c));
    is_it && key.modifiers.contains(KeyModifiers::CONTROL) && !key.modifiers.contains(KeyModifiers::ALT)
}

/// The keyboard, as `rpassword` reads it, and the echo. Its fields are cells because `rpassword` takes ownership of its
/// reader.
#[derive(Clone)]
pub(super) struct Keys(Rc<State>);

struct State {
    shown: Shown,
    /// How many characters are on the screen.
    width: Cell<usize>,
    /// The rest of a character of several bytes.
    bytes: RefCell<VecDeque<u8>>,
    awaited: Cell<Awaited>,
    limit: Cell<Duration>,
    start: Cell<Instant>,
    /// Why reading ended; an `io::Error` cannot carry this through `rpassword`.
    end: Cell<Option<TerminalError>>,
}

impl Keys {
    pub(super) fn new(shown: Shown) -> Self {
        Self(Rc::new(State {
            shown,
            width: Cell::new(0),
            bytes: RefCell::default(),
            awaited: Cell::new(Awaited::Line),
            limit: Cell::new(Duration::ZERO),
            start: Cell::new(Instant::now()),
            end: Cell::new(None),
        }))
    }
}

/// Reads a line.
pub(super) fn line(keys: &Keys, awaited: Awaited, limit: Duration) -> Result<Secret<String>, TerminalError> {
    keys.0.awaited.set(awaited);
    keys.0.limit.set(limit);
    keys.0.start.set(Instant::now());
    let config = rpassword::ConfigBuilder::new().input_reader(keys.clone()).output_discard().build();
    let answer = rpassword::read_password_with_config(config).map(Secret::new);
    answer.map_err(|error| keys.0.end.take().unwrap_or(TerminalError::Io(error)))
}

impl Read for Keys {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(first) = buffer.first_mut() else { return Ok(0) };
        match self.0.byte() {
            Ok(byte) => {
                *first = byte;
                Ok(1)
            }
            // Not `Ok(0)`: `rpassword` would treat the input so far as the answer.
            Err(end) => {
                self.0.end.set(Some(end));
                Err(io::Error::other("the prompt has ended"))
            }
        }
    }
}

impl State {
    /// The next byte that belongs to the line.
    fn byte(&self) -> Result<u8, TerminalError> {
        if let Some(byte) = self.bytes.borrow_mut().pop_front() {
            return Ok(byte);
        }
        loop {
            let left = self.limit.get().saturating_sub(self.start.get().elapsed());
            if left.is_zero() {
                return Err(TerminalError::TimedOut(self.limit.get()));
            }
            let key = pressed(left.min(LOOK))?;
            if let Awaited::LineOrSize((rows, columns)) = self.awaited.get()
                && terminal::size().is_ok_and(|size| size != (columns, rows))
            {
                return Err(TerminalError::Resized);
            }
            let Some(key) = key else { continue };
            match of_dialogue(&key) {
                Some(Key::Enter) => return Ok(b'\n'),
                Some(Key::Escape) if key.code == KeyCode::Esc => return Err(TerminalError::Canceled),
                // Ctrl-D.
                Some(Key::Escape) => return Err(TerminalError::Closed),
                Some(Key::EraseChar) => {
                    self.erase(1);
                    return Ok(BACKSPACE);
                }
                Some(Key::EraseAll) => {
                    self.erase(usize::MAX);
                    return Ok(CTRL_U);
                }
                Some(Key::Char(c)) => return Ok(self.typed(c)),
                _ => {}
            }
        }
    }

    fn typed(&self, c: char) -> u8 {
        match self.shown {
            Shown::Keys => {
                self.width.set(self.width.get() + 1);
                write(c.encode_utf8(&mut [0; 4]));
            }
            Shown::Nothing if self.width.replace(STARS.len()) == 0 => write(STARS),
            Shown::Nothing => {}
        }
        let mut bytes = [0; 4];
        let (first, rest) = c.encode_utf8(&mut bytes).as_bytes().split_first().expect("a character has a byte");
        self.bytes.borrow_mut().extend(rest);
        *first
    }

    /// Erases what is shown of the last `count` characters. That a character of a hidden line was erased is not shown.
    fn erase(&self, count: usize) {
        if self.shown == Shown::Nothing && count == 1 {
            return;
        }
        let count = count.min(self.width.get());
        self.width.set(self.width.get() - count);
        write(&ERASE.repeat(count));
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, KeyCode, KeyEvent, KeyModifiers, of_dialogue};

    #[test]
    fn keys_mean_what_they_do_on_other_systems() {
        let control = KeyModifiers::CONTROL;
        for (code, modifiers, wanted) in [
            (KeyCode::Enter, KeyModifiers::NONE, Some(Key::Enter)),
            (KeyCode::Esc, KeyModifiers::NONE, Some(Key::Escape)),
            (KeyCode::Backspace, KeyModifiers::NONE, Some(Key::EraseChar)),
            (KeyCode::Tab, KeyModifiers::NONE, Some(Key::Down)),
            (KeyCode::Char('a'), KeyModifiers::NONE, Some(Key::Char('a'))),
            (KeyCode::Char('A'), KeyModifiers::SHIFT, Some(Key::Char('A'))),
            (KeyCode::Char('n'), control, Some(Key::Down)),
            (KeyCode::Char('k'), control, Some(Key::Up)),
            (KeyCode::Char('u'), control, Some(Key::EraseAll)),
            (KeyCode::Char('w'), control, Some(Key::EraseWord)),
            (KeyCode::Char('d'), control, Some(Key::Escape)),
            (KeyCode::Char('x'), control, None),
            // AltGr.
            (KeyCode::Char('@'), control | KeyModifiers::ALT, Some(Key::Char('@'))),
            (KeyCode::F(1), KeyModifiers::NONE, None),
            (KeyCode::Left, KeyModifiers::NONE, None),
        ] {
            assert_eq!(of_dialogue(&KeyEvent::new(code, modifiers)), wanted, "{code:?} {modifiers:?}");
        }
    }
}
