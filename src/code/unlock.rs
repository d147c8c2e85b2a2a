//! A passphrase from a command: the setting `unlock_process`.
//!
//! In: the command line, as the user wrote it. Out: the passphrase that opens a sealing key. `command.rs` runs it, as it
//! runs `mfa_process`. What it prints is a secret and never part of an error; its stderr is passed on.

use super::command::{self, CommandError};
use super::{LONGEST_LINE, PATIENCE};
use crate::host::TerminalError;
use crate::messages::relay;
use crate::secret::Secret;
use crate::vault::{PassphraseError, Unlocker};

/// In bytes. A longer line is not a passphrase but the wrong file.
const OUTPUT_LIMIT: usize = 64 * LONGEST_LINE;

/// The command of the setting `unlock_process`.
#[derive(Clone, Copy, Debug)]
pub struct UnlockProcess<'a> {
    /// The command line.
    pub command: &'a str,
}

impl Unlocker for UnlockProcess<'_> {
    /// Runs the command for at most two minutes. It must exit with 0 and print the passphrase on one line.
    fn passphrase(&self) -> Result<Secret<String>, PassphraseError> {
        let no_answer = |why: String| PassphraseError::NoAnswer(why);
        let ran = command::run(self.command, PATIENCE, OUTPUT_LIMIT, &relay).map_err(|error| match error {
            CommandError::Signal(signal) => PassphraseError::Terminal(TerminalError::Signal(signal)),
            other => no_answer(other.to_string()),
        })?;
        if !ran.status.success() {
            return Err(no_answer(format!("it failed ({})", ran.status)));
        }
        // Only the line's end is not part of it: a passphrase may begin or end with a blank.
        let line = ran.stdout.strip_suffix(b"\n").unwrap_or(&ran.stdout);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match std::str::from_utf8(line) {
            Ok("") => Err(no_answer("it printed nothing".to_owned())),
            Ok(line) if line.contains(['\n', '\r']) => Err(no_answer("it printed more than one line".to_owned())),
            Ok(line) => Ok(Secret::from(line)),
            Err(_) => Err(no_answer("what it printed is not text".to_owned())),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::UnlockProcess;
    use crate::vault::Unlocker as _;

    #[test]
    fn one_line_is_the_passphrase_and_everything_else_none() {
        for (command, passphrase) in [
            ("echo tulip", Ok("tulip")),
            ("printf ' two words \\r\\n'", Ok(" two words ")),
            ("printf tulip; echo touch your key >&2", Ok("tulip")),
            ("echo tulip; exit 3", Err("it failed (exit status: 3)")),
            ("true", Err("it printed nothing")),
            ("printf 'tulip\\nrose\\n'", Err("it printed more than one line")),
            ("printf '\\377'", Err("what it printed is not text")),
            ("exec yes tulip", Err("it printed more than 4096 bytes on stdout")),
        ] {
            let given = UnlockProcess { command }.passphrase();
            match (given, passphrase) {
                (Ok(given), Ok(passphrase)) => assert_eq!(given.expose(), passphrase, "{command}"),
                (Err(error), Err(why)) => {
                    assert_eq!(error.to_string(), format!("`unlock_process` gave no passphrase: {why}"));
                    assert!(!format!("{error:?}").contains("tulip"), "{command}");
                }
                (given, _) => panic!("{command}: {given:?}"),
            }
        }
    }
}
