//! Asks on the terminal or runs a command for a code, and says on stdout what came of it.
//!
//! The tests start it on a pseudo-terminal; see `pty.rs`. Like the program itself it dies of the signal that ended a
//! question, after everything is put away.
//!
//! - `ask hidden PROMPT SECONDS`: `answer: …` or `error: …`
//! - `ask shown PROMPT SECONDS`: the same with keys that may be seen
//! - `ask process COMMAND SECONDS`: `code: …` or `error: …`
//! - `ask there`: `true` or `false`
//! - `ask tell LINE`
//! - `ask after PROMPT SECONDS`: as `hidden`, then waits that long, so that a signal can come between

use std::io::{self, Write};
use std::time::Duration;

use mfa_cred::code::process::run_mfa_process;
use mfa_cred::host::{Terminal, TerminalError};
use mfa_cred::secret::Secret;
use mfa_cred::terminal::Tty;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let seconds = |text: &str| text.parse().map(Duration::from_secs).map_err(io::Error::other);
    let outcome = match arguments[..] {
        ["hidden", prompt, limit] => said(Tty.ask_hidden(prompt, seconds(limit)?)),
        ["shown", prompt, limit] => said(Tty.ask(prompt, seconds(limit)?)),
        ["after", prompt, limit] => {
            let outcome = said(Tty.ask_hidden(prompt, seconds(limit)?));
            Tty.tell("asked");
            std::thread::sleep(seconds(limit)?);
            outcome
        }
        ["process", command, limit] => match run_mfa_process(command, seconds(limit)?) {
            Ok(code) => format!("code: {}", code.expose()),
            Err(error) => format!("error: {error:?}"),
        },
        ["there"] => Tty.is_there().to_string(),
        ["tell", line] => {
            Tty.tell(line);
            "told".to_owned()
        }
        _ => return Err(io::Error::other("see the top of ask.rs")),
    };
    writeln!(io::stdout(), "{outcome}")
}

fn said(answer: Result<Secret<String>, TerminalError>) -> String {
    match answer {
        Ok(answer) => format!("answer: {}", answer.expose()),
        #[cfg(unix)]
        Err(TerminalError::Signal(signal)) => mfa_cred::os::processes::die_of(signal),
        Err(error) => format!("error: {error:?}"),
    }
}
