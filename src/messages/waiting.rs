//! Shows a spinner on stderr during a slow call, and removes it at the end.
//!
//! It appears after a short delay, so most calls show nothing, and only on a terminal. Its own thread animates it,
//! since the call blocks; no thread is started if nothing would be shown.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Level, Messages, one_line};

/// Calls shorter than this show nothing.
const DELAY: Duration = Duration::from_millis(300);
/// How often the spinner moves.
const TURN: Duration = Duration::from_millis(100);

/// Spins until it is dropped.
#[must_use = "the spinner ends when this is dropped"]
#[derive(Debug)]
pub struct Waiting(Option<(mpsc::Sender<()>, JoinHandle<()>)>);

impl Messages {
    /// Can stderr show an animation, and is it allowed?
    pub(super) fn is_animated(self) -> bool {
        let is_dumb = || std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        self.level >= Level::Warn && io::stderr().is_terminal() && !is_dumb()
    }

    /// Shows a spinner with this text until the value is dropped.
    pub fn waiting(self, what: &str) -> Waiting {
        if !self.is_animated() {
            return Waiting(None);
        }
        let (end, ended) = mpsc::channel::<()>();
        let text = one_line(what);
        // Without a thread there is no spinner, and nothing else changes.
        let thread = thread::Builder::new().name("spinner".to_owned()).spawn(move || {
            if ended.recv_timeout(DELAY) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(ProgressStyle::with_template("{spinner} {wide_msg}").expect("the template is sound"));
            bar.set_message(text);
            while ended.recv_timeout(TURN) == Err(RecvTimeoutError::Timeout) {
                bar.tick();
            }
            bar.finish_and_clear();
        });
        Waiting(thread.ok().map(|thread| (end, thread)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.0.take() {
            drop(end);
            // The spinner is removed before anything else is written.
            let _ = thread.join();
        }
    }
}
