//! The terminal's modes during a question, and the ones restored afterwards.

use std::fs::File;
use std::io;

use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcsetattr,
};

use super::is_foreground;
use crate::state::Left;

/// The value that disables a special character (`_POSIX_VDISABLE`).
const NO_KEY: u8 = if cfg!(target_os = "linux") { 0 } else { 0xff };
/// The code of Ctrl-Z, unless the terminal has another suspend key.
const CTRL_Z: u8 = 0x1a;

/// Turns the echo off while it exists, and restores the terminal's modes when dropped.
pub(super) struct Silence {
    device: File,
    before: Termios,
    silent: Termios,
    is_ours: bool,
    /// The suspend key, which is handled here.
    pub(super) suspend_key: Option<u8>,
}

impl Silence {
    /// `left` is what a process that was killed or stopped in the middle of a question left.
    pub(super) fn new(device: &File, left: Option<Left>) -> io::Result<Self> {
        let device = device.try_clone()?;
        let mut before = tcgetattr(&device)?;
        if left.is_some() {
            // Without this the terminal would stay silent for good: these modes are restored.
            before.local_modes.insert(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
            if before.special_codes[SpecialCodeIndex::VSUSP] == NO_KEY {
                before.special_codes[SpecialCodeIndex::VSUSP] = CTRL_Z;
            }
        }
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON);
        // Ctrl-C and Ctrl-\ still work in the terminal, even if a previous program left it in raw mode.
        silent.local_modes.insert(LocalModes::ISIG);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        silent.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
        #[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "netbsd", target_os = "openbsd"))]
        {
            silent.special_codes[SpecialCodeIndex::VDSUSP] = NO_KEY;
        }
        let suspend_key = Some(before.special_codes[SpecialCodeIndex::VSUSP]).filter(|key| *key != NO_KEY);
        Ok(Self { device, before, silent, is_ours: true, suspend_key })
    }

    /// Turns the echo off. Keys typed earlier do not count as an answer.
    pub(super) fn hide(&self) -> io::Result<()> {
        // `Now`: the other actions first wait for pending output, forever if someone pressed Ctrl-S.
        tcsetattr(&self.device, OptionalActions::Now, &self.silent)?;
        self.forget_keys()
    }

    /// Leaves the modes to the process that asks now, which restores them.
    pub(super) fn abandon(mut self) {
        self.is_ours = false;
    }

    fn show(&self) {
        // In the background the modes belong to the shell, and setting them would stop the process.
        if self.is_ours && is_foreground(&self.device) {
            // Text pasted after the answer is discarded: a shell would run it. A terminal that is gone needs no modes.
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
