//! The async runtime, built only if a call is made.

use std::future::Future;

use super::error::CallError;

/// A runtime for one thread: calls are made one after another. Dropped, it does not wait for a name server: the system's
/// resolver runs in a thread of its own and cannot be interrupted, and would delay a call that has run out of time.
#[derive(Debug)]
pub(crate) struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.as_ref().expect("it is taken only when this is dropped").block_on(future)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// # Errors The system does not provide a runtime.
pub(crate) fn runtime() -> Result<Runtime, CallError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map(|runtime| Runtime(Some(runtime)))
        .map_err(|error| CallError::Unusable(format!("no runtime: {error}")))
}
