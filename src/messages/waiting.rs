//! A call that takes its time is seen: a spinner on stderr, which leaves no trace.
//!
//! It comes after a moment, so that a call as quick as most shows nothing, and only on a terminal. A thread of its own
//! turns it, since the call blocks; no thread is started where nothing would be shown.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Level, Messages, one_line};

/// Below this, nothing is shown.
const DELAY: Duration = Duration::from_millis(300);
/// How often it turns.
const TURN: Duration = Duration::from_millis(100);

/// Turns until it is dropped.
#[must_use = "it ends when it is dropped"]
#[derive(Debug)]
pub struct Waiting(Option<(mpsc::Sender<()>, JoinHandle<()>)>);

impl Messages {
    /// Can stderr show something that moves, and may it?
    pub(super) fn is_animated(self) -> bool {
        let is_dumb = || std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        self.level >= Level::Warn && io::stderr().is_terminal() && !is_dumb()
    }

    /// Shows, from now on and until the value is dropped, what is waited for.
    pub fn waiting(self, what: &str) -> Waiting {
        if !self.is_animated() {
            return Waiting(None);
        }
        let (end, ended) = mpsc::channel::<()>();
        let text = one_line(what);
        // Without a thread there is no spinner, and nothing else is lost.
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
            // It is off the screen before anything else is written.
            let _ = thread.join();
        }
    }
}
