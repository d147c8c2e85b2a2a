//! Notices that this process is told to end while it waits, so that it can first tell the processes that wait for it.

#[cfg(unix)]
use super::signals::Watch;

/// The signals that end programs: Ctrl-C, `kill`, a closed window. While this exists they only arrive here.
#[cfg(unix)]
pub(crate) struct ToldToEnd(Watch);

#[cfg(unix)]
impl ToldToEnd {
    /// Starts watching. If it cannot be done, signals have their usual effect.
    pub(crate) fn watch() -> Option<Self> {
        use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
        Watch::new(&[SIGINT, SIGTERM, SIGHUP, SIGQUIT]).ok().map(Self)
    }

    /// The signal, if one has arrived.
    pub(crate) fn take(&self) -> Option<i32> {
        self.0.take()
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for ToldToEnd {
    /// Readable when [`ToldToEnd::take`] has something to return.
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// This system ends programs without a signal.
#[cfg(windows)]
pub(crate) struct ToldToEnd;

#[cfg(windows)]
impl ToldToEnd {
    /// Nothing to watch.
    pub(crate) fn watch() -> Option<Self> {
        None
    }

    /// Nothing arrives.
    pub(crate) fn take(&self) -> Option<i32> {
        None
    }
}
