//! One line of input: `rpassword` edits it, and reads its keys from here.
//!
//! This module defines what a key is and what is shown of it. A hidden line shows two asterisks from the first key on,
//! however many keys follow; a visible line shows the keys themselves. Escape alone cancels. Escape sequences of other
//! keys have no effect and never get into the line; nor do the brackets that a terminal may put around pasted text.

use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::rc::Rc;

use super::question::{Question, Soon};
use crate::host::TerminalError;
use crate::secret::Secret;

/// Erases the line so far, in `rpassword` and on a terminal.
const CTRL_U: u8 = 0x15;
const CTRL_W: u8 = 0x17;
const ESCAPE: u8 = 0x1b;

/// Shown for a hidden line. Its length is fixed, so that it reveals neither the keys nor their number.
const STARS: &str = "**";
const ERASE: &str = "\x08 \x08";

/// How input is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shown {
    /// Two asterisks.
    Nothing,
    /// The keys themselves.
    Keys,
}

/// Reads the answer.
pub(super) fn read(question: &Rc<Question>, shown: Shown) -> Result<Secret<String>, TerminalError> {
    let end = Rc::new(Cell::new(None));
    let keys = Keys {
        question: Rc::clone(question),
        end: Rc::clone(&end),
        echo: RefCell::new(Echo { shown, text: String::new(), has_stars: false }),
    };
    let config = rpassword::ConfigBuilder::new().input_reader(keys).output_discard().build();
    let answer = rpassword::read_password_with_config(config).map(Secret::new);
    answer.map_err(|error| end.take().unwrap_or_else(|| super::from_read(error)))
}

/// The keyboard, as `rpassword` reads it.
struct Keys {
    question: Rc<Question>,
    /// Why reading ended; an `io::Error` cannot carry this through `rpassword`.
    end: Rc<Cell<Option<TerminalError>>>,
    echo: RefCell<Echo>,
}

impl Read for Keys {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(first) = buffer.first_mut() else { return Ok(0) };
        match self.key() {
            Ok(key) => {
                self.question.show(&self.echo.borrow_mut().of(key));
                *first = key;
                Ok(1)
            }
            // Not `Ok(0)`: `rpassword` would treat the input so far as the answer.
            Err(end) => {
                self.end.set(Some(end));
                Err(io::Error::other("the prompt has ended"))
            }
        }
    }
}

impl Keys {
    /// The next byte that belongs to the line.
    fn key(&self) -> Result<u8, TerminalError> {
        loop {
            let key = self.question.key()?;
            if key != ESCAPE {
                return Ok(key);
            }
            match sequence(&mut || self.question.soon())? {
                Sequence::Alone => return Err(TerminalError::Canceled),
                Sequence::PasteBegins => self.question.is_pasted.set(true),
                Sequence::PasteEnds => self.question.is_pasted.set(false),
                Sequence::Other => {}
            }
        }
    }
}

/// What follows an Escape byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sequence {
    /// Nothing: the Escape key itself.
    Alone,
    PasteBegins,
    PasteEnds,
    /// The rest of another key (ECMA-48, 5.4).
    Other,
}

fn sequence(soon: &mut Soon<'_>) -> Result<Sequence, TerminalError> {
    let mut kind = soon()?;
    // Alt together with a key that has its own sequence.
    while kind == Some(ESCAPE) {
        kind = soon()?;
        if kind.is_none() {
            return Ok(Sequence::Alone);
        }
    }
    match kind {
        None => return Ok(Sequence::Alone),
        Some(b'[' | b'O') => {}
        Some(_) => return Ok(Sequence::Other),
    }
    let mut parameters = Vec::new();
    while let Some(byte) = soon()? {
        match (byte, &parameters[..]) {
            (b'~', b"200") => return Ok(Sequence::PasteBegins),
            (b'~', b"201") => return Ok(Sequence::PasteEnds),
            (0x40..=0x7e, _) => return Ok(Sequence::Other),
            _ if parameters.len() < 16 => parameters.push(byte),
            _ => return Ok(Sequence::Other),
        }
    }
    Ok(Sequence::Other)
}

/// What the terminal shows of the line.
struct Echo {
    shown: Shown,
    text: String,
    has_stars: bool,
}

impl Echo {
    /// What a key changes on the screen.
    fn of(&mut self, key: u8) -> String {
        match (self.shown, key) {
            (Shown::Nothing, CTRL_U) if std::mem::take(&mut self.has_stars) => ERASE.repeat(STARS.len()),
            (Shown::Nothing, 0x20..=0x7e | 0x80..) if !std::mem::replace(&mut self.has_stars, true) => STARS.to_owned(),
            // Visible prompts expect ASCII answers; any other character is still part of the line.
            (Shown::Keys, 0x20..=0x7e) => {
                self.text.push(char::from(key));
                char::from(key).to_string()
            }
            (Shown::Keys, 0x08 | 0x7f) => self.text.pop().map(|_| ERASE.to_owned()).unwrap_or_default(),
            (Shown::Keys, CTRL_U) => self.cut(0),
            (Shown::Keys, CTRL_W) => self.cut(self.text.trim_end().rfind(' ').map_or(0, |space| space + 1)),
            _ => String::new(),
        }
    }

    fn cut(&mut self, length: usize) -> String {
        let erased = ERASE.repeat(self.text.len() - length);
        self.text.truncate(length);
        erased
    }
}

#[cfg(test)]
mod tests {
    use super::{Echo, Sequence, Shown, sequence};

    fn shown(shown: Shown, keys: &str) -> String {
        let mut echo = Echo { shown, text: String::new(), has_stars: false };
        keys.bytes().map(|key| echo.of(key)).collect()
    }

    #[test]
    fn a_hidden_line_of_any_length_shows_two_asterisks() {
        for (keys, wanted) in [
            ("", ""),
            ("\x7f\x08\t\r", ""),
            ("1", "**"),
            ("123456", "**"),
            ("passphrase with blanks", "**"),
            ("é", "**"),
            ("12\x7f\x7f\x7f", "**"),
            ("12\x15", "**\x08 \x08\x08 \x08"),
            ("12\x15\x153", "**\x08 \x08\x08 \x08**"),
        ] {
            assert_eq!(shown(Shown::Nothing, keys), wanted, "{keys:?}");
        }
    }

    #[test]
    fn a_visible_line_is_shown_as_it_is_edited() {
        for (keys, wanted) in [
            ("yes\r", "yes"),
            ("\x7fn\x7fy", "n\x08 \x08y"),
            ("no\x15y", "no\x08 \x08\x08 \x08y"),
            ("a bc\x17", "a bc\x08 \x08\x08 \x08"),
        ] {
            assert_eq!(shown(Shown::Keys, keys), wanted, "{keys:?}");
        }
    }

    #[test]
    fn the_escape_key_is_told_from_keys_that_begin_with_it() {
        for (bytes, wanted, left) in [
            (&b""[..], Sequence::Alone, 0),
            (b"\x1b", Sequence::Alone, 0),
            (b"[A1", Sequence::Other, 1),
            (b"OP1", Sequence::Other, 1),
            (b"[1;5D1", Sequence::Other, 1),
            (b"\x1b[A1", Sequence::Other, 1),
            (b"b1", Sequence::Other, 1),
            (b"[", Sequence::Other, 0),
            (b"[200~1", Sequence::PasteBegins, 1),
            (b"[201~1", Sequence::PasteEnds, 1),
            (b"[12345678901234567890", Sequence::Other, 3),
        ] {
            let mut rest = bytes;
            let found = sequence(&mut || Ok(rest.split_off_first().copied())).expect("it works");
            assert_eq!((found, rest.len()), (wanted, left), "{bytes:x?}");
        }
    }
}
