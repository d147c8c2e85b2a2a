//! IAM policies that are to enforce MFA: read with their places, evaluated as AWS documents it, lived through by a
//! user on the first day and by a thief, and repaired; and the one that does enforce it, printed.
//!
//! Texts in, findings out. Pure: no file, no network, no clock and no terminal; what a policy's answer depends on and
//! nobody said is reported as unknown, never guessed.

pub mod document;
pub mod source;
pub mod evaluate;
pub mod actions;
pub mod journey;
pub mod question;
pub mod explain;
mod exposure;
pub mod rule;
mod finding;
pub mod rules;
pub mod repair;
pub mod check;
pub mod print;

pub use check::{Report, check, fix};
pub use document::{Document, DocumentError, PolicyKind};
