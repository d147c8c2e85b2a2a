//! The terminal's modes while a question is asked, and those that it gets back.

use std::fs::File;
use std::io;

use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcsetattr,
};

use super::is_foreground;

/// The value that takes a special character away (`_POSIX_VDISABLE`).
const NO_KEY: u8 = if cfg!(any(target_os = "linux", target_os = "android")) { 0 } else { 0xff };
/// What Ctrl-Z is where nobody says otherwise.
const CTRL_Z: u8 = 0x1a;

/// How the terminal was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// As its people have it.
    Whole,
    /// As somebody left it who was killed, or is stopped, in the middle of a question.
    Left,
}

/// The terminal's modes while nothing may be echoed, and those that it gets back when this is dropped.
pub(super) struct Silence {
    device: File,
    before: Termios,
    silent: Termios,
    /// Ctrl-Z, which is answered here.
    pub(super) suspend_key: Option<u8>,
}

impl Silence {
    pub(super) fn new(device: &File, found: Found) -> io::Result<Self> {
        let device = device.try_clone()?;
        let mut before = tcgetattr(&device)?;
        if found == Found::Left {
            // Else it would stay silent for good: this is what it gets back.
            before.local_modes.insert(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
            if before.special_codes[SpecialCodeIndex::VSUSP] == NO_KEY {
                before.special_codes[SpecialCodeIndex::VSUSP] = CTRL_Z;
            }
        }
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON);
        // Ctrl-C and Ctrl-\ stay the terminal's, even if a program before us left it raw.
        silent.local_modes.insert(LocalModes::ISIG);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        silent.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
        #[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "netbsd", target_os = "openbsd"))]
        {
            silent.special_codes[SpecialCodeIndex::VDSUSP] = NO_KEY;
        }
        let suspend_key = Some(before.special_codes[SpecialCodeIndex::VSUSP]).filter(|key| *key != NO_KEY);
        Ok(Self { device, before, silent, suspend_key })
    }

    /// Nothing that was struck before is an answer.
    pub(super) fn hide(&self) -> io::Result<()> {
        // `Now`: the other actions first wait for the output, for ever if someone pressed Ctrl-S.
        tcsetattr(&self.device, OptionalActions::Now, &self.silent)?;
        self.forget_keys()
    }

    fn show(&self) {
        // In the background the modes are the shell's, and setting them would stop the process.
        if is_foreground(&self.device) {
            // What was pasted behind the answer is for nobody: a shell would run it. A terminal that is gone needs no
            // modes.
            let _ = self.forget_keys();
            let _ = tcsetattr(&self.device, OptionalActions::Now, &self.before);
        }
    }

    fn forget_keys(&self) -> io::Result<()> {
        tcflush(&self.device, QueueSelector::IFlush).map_err(Into::into)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        self.show();
    }
}
