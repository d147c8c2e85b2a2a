//! A single-key dialogue on the terminal's alternate screen, which leaves the main screen unchanged.
//!
//! It is a [`Question`] like any other, which handles modes, signals, Ctrl-Z and background processes. This module
//! handles the screen and the keys. After `fg` the screen is redrawn as it was.

use std::time::{Duration, Instant};

use super::question::{Layout, Question, Soon, Wanted};
use super::{over, size_of};
use crate::host::{Dialogue, Key, TerminalError};

/// Switches to the alternate screen and hides the cursor.
const OPENING: &str = "\x1b[?1049h\x1b[?25l";
const CLOSING: &str = "\x1b[?25h\x1b[?1049l";

/// Erases the line typed so far.
const CTRL_U: u8 = 0x15;
/// How often the window size is checked.
const LOOK: Duration = Duration::from_millis(250);
/// The assumed size of a terminal that does not know its own: rows and columns.
const USUAL: (u16, u16) = (24, 80);

pub(super) fn hold(dialogue: &mut dyn Dialogue, limit: Duration) -> Result<(), TerminalError> {
    let question = Question::begin(&Wanted { prompt: OPENING, layout: Layout::Dialogue(CLOSING), limit })?;
    let ended = converse(&question, dialogue, limit);
    over(&question, ended)
}

fn converse(question: &Question, dialogue: &mut dyn Dialogue, limit: Duration) -> Result<(), TerminalError> {
    let mut drawn = None;
    let mut last_key = Instant::now();
    loop {
        let size = size_of(&question.device).unwrap_or(USUAL);
        if drawn != Some(size) {
            let (rows, columns) = size;
            draw(question, dialogue, (columns.into(), rows.into()))?;
            drawn = Some(size);
        }
        question.deadline.set(Instant::now() + LOOK);
        let first = match question.key() {
            Err(TerminalError::TimedOut(_)) if last_key.elapsed() < limit => continue,
            key => key?,
        };
        last_key = Instant::now();
        if let Some(key) = key(first, &mut || question.soon())?
            && dialogue.strike(key)
        {
            return Ok(());
        }
        drawn = None;
    }
}

fn draw(
    question: &Question,
    dialogue: &mut dyn Dialogue,
    (columns, rows): (usize, usize),
) -> Result<(), TerminalError> {
    // Each line ends by erasing the rest of the old one.
    let lines: Vec<String> = dialogue.draw(columns, rows).into_iter().map(|line| line + "\x1b[K").collect();
    question.deadline.set(Instant::now() + question.limit);
    question.write(&format!("\x1b[H{}\x1b[J", lines.join("\r\n")))
}

/// The key that starts with this byte; `None` for a key without a meaning here.
fn key(first: u8, soon: &mut Soon<'_>) -> Result<Option<Key>, TerminalError> {
    Ok(Some(match first {
        b'\r' | b'\n' => Key::Enter,
        0x08 | 0x7f => Key::EraseChar,
        b'\t' | 0x0e => Key::Down,
        0x0b | 0x10 => Key::Up,
        CTRL_U => Key::EraseAll,
        0x17 => Key::EraseWord,
        // Ctrl-D.
        0x04 => Key::Escape,
        0x1b => return sequence(soon),
        0x20..=0x7e => Key::Char(char::from(first)),
        0xc0..=0xff => return character(first, soon),
        _ => return Ok(None),
    }))
}

/// The rest of an escape sequence after Escape: nothing, or another key (ECMA-48, 5.4).
fn sequence(soon: &mut Soon<'_>) -> Result<Option<Key>, TerminalError> {
    let Some(kind) = soon()? else { return Ok(Some(Key::Escape)) };
    if !matches!(kind, b'[' | b'O') {
        return Ok(None);
    }
    let mut parameters = Vec::new();
    while let Some(byte) = soon()? {
        match (byte, &parameters[..]) {
            (b'A', _) => return Ok(Some(Key::Up)),
            (b'B', _) => return Ok(Some(Key::Down)),
            (b'~', b"5") => return Ok(Some(Key::PageUp)),
            (b'~', b"6") => return Ok(Some(Key::PageDown)),
            (0x40..=0x7e, _) => return Ok(None),
            _ => parameters.push(byte),
        }
    }
    Ok(None)
}

/// A character of several bytes.
fn character(first: u8, soon: &mut Soon<'_>) -> Result<Option<Key>, TerminalError> {
    let mut bytes = vec![first];
    while bytes.len() < 4 && std::str::from_utf8(&bytes).is_err() {
        let Some(byte) = soon()? else { break };
        bytes.push(byte);
    }
    let read = std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next());
    Ok(read.filter(|c| !c.is_control()).map(Key::Char))
}

#[cfg(test)]
mod tests {
    use super::{Key, TerminalError, key};

    /// The key that these bytes encode, and how many of them were read.
    fn struck(bytes: &[u8]) -> (Option<Key>, usize) {
        let mut rest = &bytes[1..];
        let soon = &mut || {
            let next = rest.split_off_first().copied();
            Ok(next)
        };
        let key = key(bytes[0], soon).expect("the terminal works");
        (key, bytes.len() - rest.len())
    }

    #[test]
    fn keys_are_what_terminals_send() {
        for (bytes, wanted) in [
            (&b"\r"[..], Some(Key::Enter)),
            (b"\n", Some(Key::Enter)),
            (b"\x08", Some(Key::EraseChar)),
            (b"\x7f", Some(Key::EraseChar)),
            (b"\t", Some(Key::Down)),
            (b"\x0e", Some(Key::Down)),
            (b"\x0b", Some(Key::Up)),
            (b"\x10", Some(Key::Up)),
            (b"\x15", Some(Key::EraseAll)),
            (b"\x17", Some(Key::EraseWord)),
            (b"\x04", Some(Key::Escape)),
            (b"\x1b", Some(Key::Escape)),
            (b" ", Some(Key::Char(' '))),
            (b"~", Some(Key::Char('~'))),
            (b"\x01", None),
            (b"\x80", None),
            (b"\x1b[A", Some(Key::Up)),
            (b"\x1bOA", Some(Key::Up)),
            (b"\x1b[B", Some(Key::Down)),
            (b"\x1bOB", Some(Key::Down)),
            (b"\x1b[1;5A", Some(Key::Up)),
            (b"\x1b[5~", Some(Key::PageUp)),
            (b"\x1b[6~", Some(Key::PageDown)),
            // Other keys have no effect, and none of their bytes count as keys.
            (b"\x1b[C", None),
            (b"\x1b[@", None),
            (b"\x1b[55~", None),
            (b"\x1b[15~", None),
            (b"\x1b[3~", None),
            (b"\x1b[5", None),
            (b"\x1b[", None),
            (b"\x1ba", None),
            ("é".as_bytes(), Some(Key::Char('é'))),
            ("€".as_bytes(), Some(Key::Char('€'))),
            ("🔑".as_bytes(), Some(Key::Char('🔑'))),
            // A control character of two bytes, and characters that are cut off or none.
            (b"\xc2\x9b", None),
            (b"\xe2\x82", None),
            (b"\xff\xff\xff\xff", None),
        ] {
            assert_eq!(struck(bytes), (wanted, bytes.len()), "{bytes:x?}");
            if bytes.len() > 2 || bytes[0] != 0x1b {
                let more = [bytes, b"x"].concat();
                let is_cut_off = matches!(bytes, b"\x1b[5" | b"\x1b[" | b"\xe2\x82");
                assert!(is_cut_off || struck(&more) == (wanted, bytes.len()), "{more:x?}");
            }
        }
    }

    #[test]
    fn a_terminal_that_fails_in_the_middle_of_a_key_fails() {
        for first in [0x1b, 0xe2] {
            assert!(matches!(key(first, &mut || Err(TerminalError::Closed)), Err(TerminalError::Closed)), "{first:x}");
        }
    }
}
