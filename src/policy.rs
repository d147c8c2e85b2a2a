//! IAM policies that enforce MFA: parsed with line and column, evaluated as AWS documents, tested against a new user's
//! first day and against an attacker, repaired, and generated.
//!
//! Texts in, findings out. Pure: no file, no network, no clock and no terminal. If a verdict depends on something that
//! the input does not say, it is reported as unknown, never guessed.

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
