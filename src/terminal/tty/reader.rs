//! Whoever reads stdout: an SDK, a shell's `$(…)`, another program.

use std::io;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};

/// Has the other end of stdout, a pipe, been closed? An SDK that no longer waits does that.
pub(super) fn is_gone() -> bool {
    let stdout = io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
    is_watched() && poll(&mut fds, Some(&Timespec::default())).is_ok() && says_so(&fds[0])
}

/// Is it one that can go away?
pub(super) fn is_watched() -> bool {
    let kind = fstat(io::stdout()).map(|found| FileType::from_raw_mode(found.st_mode));
    matches!(kind, Ok(FileType::Fifo | FileType::Socket))
}

/// Does a poll of it say that it has gone?
pub(super) fn says_so(fd: &PollFd<'_>) -> bool {
    fd.revents().intersects(PollFlags::ERR | PollFlags::HUP)
}
