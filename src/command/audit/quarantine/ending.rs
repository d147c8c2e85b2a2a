//! Signals to end that arrive while changes are made.

#[cfg(unix)]
use crate::terminal::signals::Watch;

/// The signals, as long as this exists; afterwards they act as before.
#[cfg(unix)]
pub(super) struct Signals(Option<Watch>);

#[cfg(unix)]
impl Signals {
    /// Starts watching. If that fails, the signals keep their usual effect.
    pub(super) fn watch() -> Self {
        use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
        Self(Watch::new(&[SIGINT, SIGTERM, SIGHUP, SIGQUIT]).ok())
    }

    /// A signal that has arrived.
    pub(super) fn arrived(&self) -> Option<i32> {
        self.0.as_ref().and_then(Watch::take)
    }
}

#[cfg(windows)]
pub(super) struct Signals;

#[cfg(windows)]
impl Signals {
    pub(super) fn watch() -> Self {
        Self
    }

    pub(super) fn arrived(&self) -> Option<i32> {
        None
    }
}
