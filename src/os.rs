//! What differs between operating systems: the only place, with the rooms `terminal` and `vault`, where code is chosen by
//! system. Both halves have the same functions, and callers cannot tell which one they got.
//!
//! Nothing in this room knows about AWS or credentials.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as this;
#[cfg(windows)]
use windows as this;

pub use this::{events, files, processes, streams};
#[cfg(unix)]
pub use unix::signals;

/// The systems that people know by name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Linux, or another Unix.
    Unix,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

/// This system.
pub const KIND: Kind = if cfg!(windows) {
    Kind::Windows
} else if cfg!(target_os = "macos") {
    Kind::MacOs
} else {
    Kind::Unix
};
