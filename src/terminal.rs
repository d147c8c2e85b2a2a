//! The person at the controlling terminal, and the signals that arrive during a prompt.

#[cfg(unix)]
mod companion;
#[cfg(windows)]
#[path = "terminal/windows/companion.rs"]
mod companion;
#[cfg(unix)]
mod tty;
#[cfg(windows)]
#[path = "terminal/windows/console.rs"]
mod tty;

pub(crate) use companion::Companion;
pub use tty::{Tty, one_dialog};
