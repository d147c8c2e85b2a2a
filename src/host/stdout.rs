//! Was there a stdout when this process began?
//!
//! Rust's runtime puts `/dev/null` in the place of a standard stream that is closed, so that no file which is opened
//! later becomes it. What is written then vanishes, and each write succeeds: a caller that closed stdout would be told
//! that it has its credentials. So it is looked at before the runtime begins, and nothing else is done there.

use std::io;

#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(unix)]
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

#[cfg(unix)]
#[ctor::ctor]
fn look() {
    let is_closed = rustix::io::fcntl_getfd(rustix::stdio::stdout()) == Err(rustix::io::Errno::BADF);
    IS_CLOSED.store(is_closed, Ordering::Relaxed);
}

/// Nothing, where this process was given a stdout.
///
/// # Errors
/// The system's for a file that is not open.
#[cfg(unix)]
pub fn require_stdout() -> io::Result<()> {
    if IS_CLOSED.load(Ordering::Relaxed) { Err(rustix::io::Errno::BADF.into()) } else { Ok(()) }
}

/// Nothing: that is only looked at on Unix.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn require_stdout() -> io::Result<()> {
    Ok(())
}
