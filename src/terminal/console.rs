//! The person at the console, on Windows: this system's `terminal`.
//!
//! `rpassword` reads `CONIN$` and sets its modes; the deadline is handled here. Windows has no job control, so there is
//! no background process to refuse. The prompt appears a moment before the echo is switched off, since only `rpassword`
//! can switch it in safe code.

use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::host::{Terminal, TerminalError};
use crate::messages::one_line;
use crate::secret::Secret;

/// The number that stands for Ctrl-C on a system without signals; programs exit with this number plus 128.
const SIGINT: i32 = 2;

/// The Windows console as a [`Terminal`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Tty;

impl Terminal for Tty {
    fn is_there(&self) -> bool {
        screen().is_ok() && File::options().read(true).write(true).open("CONIN$").is_ok()
    }

    fn ask_hidden(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        let mut screen = screen().map_err(|_| TerminalError::Absent)?;
        screen.write_all(one_line(prompt).as_bytes()).map_err(TerminalError::Io)?;
        let (sender, answer) = mpsc::channel();
        // Abandoned if nobody answers: a read from the console cannot be canceled.
        thread::spawn(move || sender.send(rpassword::read_password().map(Secret::new)));
        match answer.recv_timeout(limit) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(match error.kind() {
                io::ErrorKind::Interrupted => TerminalError::Signal(SIGINT),
                io::ErrorKind::UnexpectedEof => TerminalError::Closed,
                _ => TerminalError::Io(error),
            }),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(TerminalError::TimedOut(limit)),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(TerminalError::Closed),
        }
    }

    fn tell(&self, line: &str) {
        if let Ok(mut screen) = screen() {
            // A console that is gone is not an error.
            let _ = screen.write_all((one_line(line) + "\r\n").as_bytes());
        }
    }
}

fn screen() -> io::Result<File> {
    File::options().read(true).write(true).open("CONOUT$")
}

/// The right to show a dialog. Windows shows one above the other, and none takes the keys of another.
#[derive(Debug)]
pub struct Alone;

/// Waits for nothing.
pub fn one_dialog(_: &[String], _: Duration, _: &dyn Fn() -> Option<TerminalError>) -> Result<Alone, TerminalError> {
    Ok(Alone)
}
