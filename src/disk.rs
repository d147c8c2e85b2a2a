//! Files on disk. The user's own files are replaced as a whole and keep all of their attributes; our own files are
//! opened only if no one else could have changed them.
//!
//! Nothing in this room knows what a file contains.

pub mod private;
pub mod replace;
pub mod reserved;
pub mod trust;
pub mod whole;

pub use crate::os::files::Lost;
