//! The state folder, its locks, and AWS's time as it is remembered there.
//!
//! The cache, the ledger of spent codes and the history keep their files in this folder; none of them opens a file
//! directly.

mod clock;
mod folder;
mod lock;
mod recall;

pub use clock::{CorrectedClock, clock_name};
pub(crate) use folder::{DEVICES, ENTRIES};
pub use folder::{Folder, FolderError};
pub use lock::{Holder, Lease, Left, Turn, holds_any, is_screen_filled, lost_any, wait};
pub use recall::Recall;

#[cfg(test)]
mod tests;
