//! The person at the controlling terminal, and the signals that arrive during a prompt.

#[cfg(unix)]
mod companion;
#[cfg(windows)]
#[path = "terminal/companion_windows.rs"]
mod companion;
#[cfg(unix)]
pub mod signals;
mod told;
#[cfg(unix)]
mod tty;
#[cfg(windows)]
#[path = "terminal/console.rs"]
mod tty;

pub(crate) use companion::Companion;
pub(crate) use told::ToldToEnd;
pub use tty::{Tty, one_dialog};
