//! A command that this process starts and outlives. This system delivers Ctrl-C to every process of the console; it is for
//! the command, and this process ends with it.

use std::io;
use std::process::{Child, Command};

use crate::os::events::Signals;
use crate::os::processes::spawned;

/// A running command.
pub(crate) struct Companion {
    child: Child,
    /// Ctrl-C would end this process before its command.
    _kept_off: Option<Signals>,
}

impl Companion {
    /// Starts it.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let kept_off = Signals::to_end();
        Ok(Self { child: spawned(command)?, _kept_off: kept_off })
    }

    /// Its exit code when it has ended. A code that is longer than a byte is one that is not zero.
    pub(crate) fn ended(&mut self, _: &dyn Fn()) -> Option<u8> {
        let status = self.child.try_wait().ok()??;
        Some(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }
}
