//! A command that this process starts and outlives. This system delivers Ctrl-C to every process of the console.

use std::io;
use std::process::{Child, Command};

/// A running command.
pub(crate) struct Companion(Child);

impl Companion {
    /// Starts it.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        command.spawn().map(Self)
    }

    /// Its exit code when it has ended.
    pub(crate) fn ended(&mut self, _: &dyn Fn()) -> Option<u8> {
        let status = self.0.try_wait().ok()??;
        Some(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }
}
