//! What is said on stderr: warnings, progress and, last, the error.
//!
//! stdout carries the payload and nothing else, so all talk goes through here. Text may quote profile names, file
//! contents or AWS: control characters are escaped, so that none of them can drive the terminal, and line feeds too,
//! so that none can pass for a line of ours.

mod waiting;

use std::io::{self, IsTerminal, Write};

pub use waiting::Waiting;

/// How much is said.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// `-q`: only the error that ends the program.
    Error,
    /// Warnings too.
    #[default]
    Warn,
    /// `-v`: what is read, ignored and called.
    Info,
    /// `-vv`: every step.
    Debug,
}

impl std::str::FromStr for Level {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "error" => Ok(Self::Error),
            "warn" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            _ => Err("it is one of `error`, `warn`, `info` and `debug`"),
        }
    }
}

/// The voice on stderr.
#[derive(Clone, Copy, Debug)]
pub struct Talk {
    level: Level,
    is_coloured: bool,
}

impl Talk {
    /// A voice that says what `level` lets through, in colour where `colour` or, left open, stderr says so.
    pub fn new(level: Level, colour: Option<bool>) -> Self {
        Self { level, is_coloured: colour.unwrap_or_else(|| io::stderr().is_terminal()) }
    }

    /// Is what belongs to that level said?
    pub fn says(self, level: Level) -> bool {
        level <= self.level
    }

    /// The error that ends the program; said at every level.
    pub fn error(self, text: &str) {
        self.say(Level::Error, "31", "error: ", text);
    }

    /// What to do about it.
    pub fn hint(self, text: &str) {
        self.say(Level::Error, "36", "hint: ", text);
    }

    /// What the user should know although it works.
    pub fn warn(self, text: &str) {
        self.say(Level::Warn, "33", "warning: ", text);
    }

    /// The report of a command whose work shows nowhere else.
    pub fn note(self, text: &str) {
        self.say(Level::Warn, "", "", text);
    }

    /// What is read, ignored and called.
    pub fn info(self, text: &str) {
        self.say(Level::Info, "2", "mfa-cred: ", text);
    }

    /// Every step.
    pub fn debug(self, text: &str) {
        self.say(Level::Debug, "2", "mfa-cred: ", text);
    }

    fn say(self, level: Level, colour: &str, label: &str, text: &str) {
        if !self.says(level) {
            return;
        }
        let text = one_line(text);
        let line = if self.is_coloured && !label.is_empty() {
            format!("\x1b[{colour}m{label}\x1b[0m{text}\n")
        } else {
            format!("{label}{text}\n")
        };
        // A closed stderr is no reason to fail.
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

/// What a command of the user's says on stderr, as it comes; a closed stderr is no reason to fail.
pub fn relay(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(printable(text).as_bytes()).and_then(|()| stderr.flush());
}

/// An error with its causes, each said once.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The text with every control character but the line feed escaped, and the marks that reorder text too.
pub fn printable(text: &str) -> String {
    let harmless = |c: char| c == '\n' || !(c.is_control() || is_reordering(c));
    text.chars().fold(String::with_capacity(text.len()), |mut line, c| {
        if harmless(c) {
            line.push(c);
        } else {
            line.extend(c.escape_default());
        }
        line
    })
}

/// The same in one line: line feeds are escaped too.
pub fn one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

/// The bidirectional controls of Unicode (UAX #9), with which a name can look like another.
fn is_reordering(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_drives_the_terminal() {
        for (text, shown) in [
            ("plain ü 東京", "plain ü 東京"),
            ("a\x1b[31mb\x07", "a\\u{1b}[31mb\\u{7}"),
            ("x\u{202e}y", "x\\u{202e}y"),
            ("two\nlines\r", "two\nlines\\r"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }
}
