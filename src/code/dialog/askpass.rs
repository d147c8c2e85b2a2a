//! Asks through a program that keeps OpenSSH's contract (`ssh-askpass`, `ksshaskpass`, a script): the setting `askpass`.
//!
//! In: the program, and what it is to ask. Out: what the person typed, or why nothing. The question is its only argument,
//! the answer is the line that it prints, and another exit code than 0 is the person's no (ssh(1), `SSH_ASKPASS`), unless
//! nobody can have been asked: a shell did not find the program, or the program found no display. What it prints on stdout
//! is bounded and a secret, and is never part of an error.

use std::process::{Command, ExitStatus, Stdio};

use super::question::{Ask, Broken, Unanswered};
use crate::code::command::{Listener, run_program};
use crate::messages::relay;
use crate::screen::page::wrapped;
use crate::secret::Secret;

/// In bytes. Longer than any code or passphrase.
const OUTPUT_LIMIT: usize = 4096;
/// With this variable OpenSSH asks for a confirmation, or for none at all; a code is the usual question.
const KIND: &str = "SSH_ASKPASS_PROMPT";
/// The exit codes of a shell that did not find a program, or may not run it.
const NOT_RUN: [i32; 2] = [126, 127];
/// In characters. `ssh-askpass` makes its window as wide as the longest line, beyond the screen.
const COLUMNS: usize = 80;

/// Runs the program, and returns what it printed.
pub(super) fn ask(mut program: Command, ask: &Ask<'_>) -> Result<Secret<String>, Unanswered> {
    let news = if ask.news.is_empty() { String::new() } else { format!("{}\n", ask.news) };
    program.arg(format!("{news}{}", wrapped(&ask.text, COLUMNS).join("\n"))).env_remove(KIND).stdin(Stdio::null());
    let ran = run_program(&mut program, ask.limit, OUTPUT_LIMIT, &mut Attendant(ask));
    let ran = ran.map_err(|error| Unanswered::of(error, true))?;
    match ran.status.code() {
        Some(0) => {}
        Some(code) if NOT_RUN.contains(&code) => return Err(Broken::Ended(ran.status).into()),
        Some(_) => return Err(about_a_display(&ran.stderr).map_or(Unanswered::Canceled, Into::into)),
        None => return Err(Broken::Ended(ran.status).into()),
    }
    // Only the line's end is not part of it: a passphrase may begin or end with a blank.
    let line = ran.stdout.strip_suffix(b"\n").unwrap_or(&ran.stdout);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok(line) if line.contains(['\n', '\r']) => Err(Broken::Lines.into()),
        Ok(line) => Ok(Secret::from(line)),
        Err(_) => Err(Broken::NotText.into()),
    }
}

/// X11, GTK and Qt complain in different words about a display that is missing, and all say `display`.
fn about_a_display(stderr: &[u8]) -> Option<Broken> {
    let said = String::from_utf8_lossy(stderr);
    let line = said.lines().find(|line| line.to_ascii_lowercase().contains("display"))?;
    Some(Broken::NoScreen(line.trim().to_owned()))
}

struct Attendant<'a>(&'a Ask<'a>);

impl Listener for Attendant<'_> {
    fn heard(&mut self, text: &str) {
        relay(text);
    }

    fn is_unwanted(&self) -> bool {
        (self.0.is_unwanted)()
    }

    fn lets_descendants_stay(&self, status: ExitStatus) -> bool {
        status.success()
    }
}
