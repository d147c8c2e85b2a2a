//! What `check` makes of whole policies.

use mfa_cred::policy::{Document, Kind};

/// Reads the bytes, whatever they are.
pub(super) fn never_panics(bytes: &[u8]) {
    let _ = Document::parse("p", bytes, Kind::User);
}
