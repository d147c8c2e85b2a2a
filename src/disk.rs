//! Files on disk: a user's own are replaced as a whole and keep all that they are besides their text.
//!
//! Nothing here knows what a file holds.

mod attributes;
pub mod replace;

pub use attributes::Lost;
