//! Files on disk: a user's own are replaced as a whole and keep all that they are besides their text, and ours are
//! opened only where nobody else had a hand in them.
//!
//! Nothing here knows what a file holds.

mod attributes;
pub mod private;
pub mod replace;
pub mod trust;
pub mod whole;

pub use attributes::Lost;
