//! Shows a progress bar on stderr for many calls, and removes it at the end.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Messages, one_line};

/// A bar that is shown until it is dropped, or nothing where stderr does not show one.
#[derive(Debug)]
pub struct Progress(Option<ProgressBar>);

impl Messages {
    /// Starts a bar labeled with what is counted.
    pub fn progress(self, what: &str) -> Progress {
        Progress(self.is_animated().then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}").expect("the template is sound");
            bar.set_style(style.progress_chars("=> "));
            bar.set_message(one_line(what));
            bar
        }))
    }
}

impl Progress {
    /// Sets how many of how many are done.
    pub fn set(&self, done: usize, of: usize) {
        if let Some(bar) = &self.0 {
            bar.set_length(of as u64);
            bar.set_position(done as u64);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
