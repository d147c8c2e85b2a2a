//! Windows. What the library does not offer in safe code, and no crate does either, is done without: each function says
//! what is lost.

pub mod events;
pub mod files;
pub mod processes;
pub mod streams;
