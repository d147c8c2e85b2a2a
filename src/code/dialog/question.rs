//! A question of a dialog, and why it has no answer.

use std::process::ExitStatus;
use std::time::Duration;

use crate::code::command::CommandError;
use crate::messages::printable;

/// How much of a program's own words an error quotes, in characters.
const LONGEST_SAID: usize = 200;

/// One question of a dialog.
pub(super) struct Ask<'a> {
    /// The whole question, ending in a colon and a blank.
    pub(super) text: String,
    /// The word before the field.
    pub(super) label: String,
    /// Why it is asked again, or empty.
    pub(super) news: String,
    /// How long the dialog may stay.
    pub(super) limit: Duration,
    /// Would nobody read what comes of the answer?
    pub(super) is_unwanted: &'a dyn Fn() -> bool,
}

/// Why a dialog gave no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The person closed it.
    Canceled,
    /// The person did not answer.
    TimedOut,
    /// This process was told to end.
    Signal(i32),
    /// Nobody would have read what comes of the answer.
    Unread,
    /// The program does not work.
    Broken(Broken),
}

impl Unanswered {
    /// The meaning of a program that did not run to its end. `is_asked`: did it show the question by then?
    pub(super) fn of(error: CommandError, is_asked: bool) -> Self {
        match error {
            CommandError::Signal(signal) => Self::Signal(signal),
            CommandError::Unread => Self::Unread,
            CommandError::TimedOut(_) if is_asked => Self::TimedOut,
            CommandError::TimedOut(_) => Self::Broken(Broken::Silent),
            other => Self::Broken(Broken::Command(other)),
        }
    }
}

impl From<Broken> for Unanswered {
    fn from(why: Broken) -> Self {
        Self::Broken(why)
    }
}

/// Why a dialog program does not work. Holds nothing that a person typed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// It could not be started, or not be let run to its end.
    #[error(transparent)]
    Command(CommandError),
    /// It hung before it could be asked anything.
    #[error("it did not get as far as asking")]
    Silent,
    /// It ended without an answer.
    #[error("it ended without an answer ({0})")]
    Ended(ExitStatus),
    /// It gave an error, in its own words.
    #[error("it reports `{}`", said(.0))]
    Said(String),
    /// It found nowhere to ask, in its own words.
    #[error("it found no screen to ask on: `{}`", said(.0))]
    NoScreen(String),
    /// What it prints is not Assuan.
    #[error("it does not speak the pinentry protocol; a program that prints the answer belongs in `askpass`")]
    Foreign,
    /// The answer has several lines.
    #[error("it printed more than one line")]
    Lines,
    /// The answer is not UTF-8.
    #[error("what it printed is not text")]
    NotText,
}

fn said(text: &str) -> String {
    printable(text).chars().take(LONGEST_SAID).collect()
}
