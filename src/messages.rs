//! What is printed on stderr: warnings, progress and, last, the error.
//!
//! stdout carries the payload and nothing else, so all messages go through here. A message may quote profile names,
//! file contents or AWS. Control characters are escaped, so that none of them can control the terminal; so are line
//! feeds, so that quoted text cannot pass for a line of ours.

mod progress;
mod waiting;

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use crate::names::ProfileName;

pub use progress::Progress;
pub use waiting::Waiting;

/// How much is printed.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// `-q`: only the error that ends the program, and its hint.
    Error,
    /// Also warnings and notes.
    #[default]
    Warn,
    /// `-v`: also what is read, ignored and called.
    Info,
    /// `-vv`: also every step.
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
            _ => Err("expected one of `error`, `warn`, `info`, `debug`"),
        }
    }
}

/// Prints to stderr at the chosen level.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    level: Level,
    /// `None`: decided by whether stderr is a terminal, which is checked when something is printed.
    color: Option<bool>,
    home: Option<&'static str>,
}

impl Messages {
    /// Prints what `level` allows, in color if `color` says so or, when that is `None`, if stderr is a terminal.
    pub fn new(level: Level, color: Option<bool>) -> Self {
        Self { level, color, home: None }
    }

    /// Prints this folder as `~`. It stays the same for as long as the program runs.
    #[must_use]
    pub fn at_home(self, home: Option<&Path>) -> Self {
        let home = home.and_then(Path::to_str).map(|home| home.trim_end_matches('/')).filter(|home| !home.is_empty());
        Self { home: home.map(|home| &*Box::leak(home.to_owned().into_boxed_str())), ..self }
    }

    /// The text with `~` in place of the user's home folder.
    pub fn tilde(self, text: &str) -> String {
        self.home.map_or_else(|| text.to_owned(), |home| with_tilde(text, home))
    }

    /// Are messages of that level printed?
    pub fn says(self, level: Level) -> bool {
        level <= self.level
    }

    /// Prints the error that ends the program, at every level.
    pub fn error(self, text: &str) {
        self.say(Level::Error, "31", "error: ", text);
    }

    /// Prints what the user can do about an error.
    pub fn hint(self, text: &str) {
        self.say(Level::Error, "36", "hint: ", text);
    }

    /// Prints a problem that does not stop the command.
    pub fn warn(self, text: &str) {
        self.say(Level::Warn, "33", "warning: ", text);
    }

    /// Prints the result of a command that has no other visible effect.
    pub fn note(self, text: &str) {
        self.say(Level::Warn, "", "", text);
    }

    /// Prints what is read, ignored and called (`-v`).
    pub fn info(self, text: &str) {
        self.say(Level::Info, "2", "mfa-cred: ", text);
    }

    /// Prints every step (`-vv`).
    pub fn debug(self, text: &str) {
        self.say(Level::Debug, "2", "mfa-cred: ", text);
    }

    fn say(self, level: Level, color: &str, label: &str, text: &str) {
        if !self.says(level) {
            return;
        }
        let text = one_line(&self.tilde(text));
        let line = if !label.is_empty() && self.color.unwrap_or_else(|| io::stderr().is_terminal()) {
            format!("\x1b[{color}m{label}\x1b[0m{text}\n")
        } else {
            format!("{label}{text}\n")
        };
        // A closed stderr is not a failure.
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

/// Passes on what a user's command prints to stderr, as it arrives. A closed stderr is ignored.
pub fn relay(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(printable(text).as_bytes()).and_then(|()| stderr.flush());
}

/// Writes `~` for the home folder at the start of a path, but not in quotes, where no shell expands it.
fn with_tilde(text: &str, home: &str) -> String {
    let starts = |before: &str| before.chars().next_back().is_none_or(|c| c == ' ' || c == '`' || c == '(');
    let ends = |after: &str| after.chars().next().is_none_or(|c| !(c.is_alphanumeric() || "._-".contains(c)));
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(home) {
        let (before, after) = (&rest[..at], &rest[at + home.len()..]);
        out.push_str(before);
        out.push_str(if starts(&out) && ends(after) { "~" } else { home });
        rest = after;
    }
    out + rest
}

/// One of this program's commands as it is typed, in backticks: `mfa-cred device list --profile my-user`. Every command
/// in a hint is made here, so that it names the right profile.
pub fn ours(command: &str, profile: Option<&ProfileName>) -> String {
    let Some(profile) = profile else { return format!("`mfa-cred {command}`") };
    if command.starts_with("device ") {
        return format!("`mfa-cred {command} {}`", profile.as_option());
    }
    let word = shlex::try_quote(profile.as_str()).map_or_else(|_| "PROFILE".to_owned(), std::borrow::Cow::into_owned);
    let dashes = if word.starts_with('-') { "-- " } else { "" };
    format!("`mfa-cred {command} {dashes}{word}`")
}

/// The AWS CLI's command that signs in to a profile, in backticks.
pub fn aws_login(profile: &ProfileName) -> String {
    format!("`aws login {}`", profile.as_option())
}

/// An error and its causes, each stated once.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The text with all control characters except line feeds escaped, and also the marks that reorder text.
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

/// The same in one line, with line feeds escaped too.
pub fn one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

/// The bidirectional controls of Unicode (UAX #9), which can make one name look like another.
fn is_reordering(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{ours, printable, with_tilde};
    use crate::names::ProfileName;

    #[test]
    fn the_home_is_abbreviated_where_a_shell_would_expand_the_tilde() {
        for (text, shown) in [
            ("/home/me/.aws/config:3: x", "~/.aws/config:3: x"),
            ("in /home/me/a or /home/me/b", "in ~/a or ~/b"),
            ("`/home/me/a` (/home/me)", "`~/a` (~)"),
            ("'/home/me/a b'", "'/home/me/a b'"),
            ("/home/meg/a /x/home/me/a /home/me-2", "/home/meg/a /x/home/me/a /home/me-2"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(with_tilde(text, "/home/me"), shown);
        }
    }

    #[test]
    fn a_command_in_a_hint_includes_the_profile() {
        for (command, profile, text) in [
            ("list", None, "`mfa-cred list`"),
            ("login", Some("p"), "`mfa-cred login p`"),
            ("login", Some("two words"), "`mfa-cred login 'two words'`"),
            ("show", Some("-x"), "`mfa-cred show -- -x`"),
            ("device list", Some("p"), "`mfa-cred device list --profile p`"),
            ("device list", Some("-x"), "`mfa-cred device list --profile=-x`"),
        ] {
            assert_eq!(ours(command, profile.and_then(ProfileName::new).as_ref()), text);
        }
    }

    #[test]
    fn text_cannot_control_the_terminal() {
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
