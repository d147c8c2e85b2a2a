//! Did this process have stdout and the two other standard streams when it started?
//!
//! Rust's runtime replaces a closed standard stream with `/dev/null`, so that no file opened later takes its place.
//! Output then disappears although each write succeeds, and a caller that closed stdout would believe that it has its
//! credentials. So the check runs before the runtime starts, and does nothing else. A command that replaces this process
//! gets the streams that were closed as closed.

use std::io;

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fd::BorrowedFd;
use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::stdio::{stderr, stdin, stdout};

static ARE_CLOSED: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];
const STDOUT: usize = 1;

fn streams() -> [BorrowedFd<'static>; 3] {
    [stdin(), stdout(), stderr()]
}

#[ctor::ctor]
fn look() {
    for (stream, is_closed) in streams().into_iter().zip(&ARE_CLOSED) {
        is_closed.store(fcntl_getfd(stream) == Err(Errno::BADF), Ordering::Relaxed);
    }
}

/// The standard streams that this process was not given: a command that takes its place will not have them either.
pub fn close_what_was_closed() {
    for (stream, is_closed) in streams().into_iter().zip(&ARE_CLOSED) {
        if is_closed.load(Ordering::Relaxed) {
            // Where it fails, the command finds the runtime's `/dev/null`.
            let _ = fcntl_setfd(stream, FdFlags::CLOEXEC);
        }
    }
}

/// Succeeds if this process was started with an open stdout.
///
/// # Errors
/// The operating system's error for a closed file (`EBADF`).
pub fn require_stdout() -> io::Result<()> {
    if ARE_CLOSED[STDOUT].load(Ordering::Relaxed) { Err(Errno::BADF.into()) } else { Ok(()) }
}
