//! The person at the controlling terminal, and the signals that arrive during a prompt.

#[cfg(unix)]
pub mod signals;
#[cfg(unix)]
mod tty;
#[cfg(windows)]
#[path = "terminal/console.rs"]
mod tty;

pub use tty::{Tty, one_dialog};
