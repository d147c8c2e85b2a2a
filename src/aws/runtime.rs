//! The async runtime, built only if a call is made.

use super::error::CallError;

/// A runtime for one thread: calls are made one after another.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, CallError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CallError::Unusable(format!("no runtime: {error}")))
}
