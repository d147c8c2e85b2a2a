//! The process that reads our stdout: an SDK, a shell's `$(…)` or another program.

use std::io;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};

/// Tells whether the other end of stdout, a pipe, was closed. An SDK that has stopped waiting does that.
pub(super) fn is_gone() -> bool {
    let stdout = io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
    is_watched() && poll(&mut fds, Some(&Timespec::default())).is_ok() && says_so(&fds[0])
}

/// Tells whether stdout has a reader that can go away.
pub(super) fn is_watched() -> bool {
    let kind = fstat(io::stdout()).map(|found| FileType::from_raw_mode(found.st_mode));
    matches!(kind, Ok(FileType::Fifo | FileType::Socket))
}

/// Tells whether a poll of stdout says that its reader is gone.
pub(super) fn says_so(fd: &PollFd<'_>) -> bool {
    fd.revents().intersects(PollFlags::ERR | PollFlags::HUP)
}
