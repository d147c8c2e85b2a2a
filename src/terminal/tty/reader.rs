//! The process that reads our stdout: an SDK, a shell's `$(…)` or another program.

use std::io::{self, IsTerminal};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};

/// Tells whether the other end of stdout was closed: of a pipe, a socket or a pseudo-terminal. An SDK that has stopped
/// waiting does that.
pub(super) fn is_gone() -> bool {
    let stdout = io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
    is_watched() && poll(&mut fds, Some(&Timespec::default())).is_ok() && says_so(&fds[0])
}

/// Tells whether stdout has a reader that can go away.
pub(super) fn is_watched() -> bool {
    let stdout = io::stdout();
    let kind = fstat(&stdout).map(|found| FileType::from_raw_mode(found.st_mode));
    matches!(kind, Ok(FileType::Fifo | FileType::Socket)) || stdout.is_terminal()
}

/// Tells whether a poll of stdout says that its reader is gone.
pub(super) fn says_so(fd: &PollFd<'_>) -> bool {
    fd.revents().intersects(PollFlags::ERR | PollFlags::HUP)
}
