//! Unix. Linux and macOS differ in few calls, each of which says so.

mod attributes;
pub mod events;
mod family;
pub mod files;
pub mod processes;
pub mod signals;
pub mod streams;
