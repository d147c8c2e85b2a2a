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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::runtime;

    #[test]
    fn a_name_server_that_never_answers_does_not_outlast_the_call() {
        let start = Instant::now();
        let runtime = runtime().expect("a runtime");
        runtime.block_on(async {
            // As the connector looks up a name.
            drop(tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_secs(5))));
            tokio::time::sleep(Duration::from_millis(20)).await;
        });
        drop(runtime);
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    }
}
