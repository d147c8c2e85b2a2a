//! Audits an account: users without MFA, and IAM practices around it.
//!
//! Facts in, findings out: the facts about an account, from IAM or a credential report, become [`facts::Account`]; each
//! [`question::Question`] is checked; and the findings are sorted, so that the same facts give the same bytes. Pure: no
//! file, no network, no clock and no terminal. Anything that could not be read is a finding, never an "all is well".

pub mod question;
pub mod facts;
pub mod report;
pub mod enforcement;
pub mod judge;
pub mod accepted;
pub mod outcome;
pub mod quarantine;
pub mod rows;

pub mod json;
pub mod html;

use std::io;

/// Why an audit could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A file cannot be read.
    #[error("{name} cannot be read")]
    File {
        /// The file's name.
        name: String,
        /// The reason.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("{name} cannot be written")]
    Write {
        /// The file's name.
        name: String,
        /// The reason.
        source: io::Error,
    },
    /// A line in a file of accounts has no account ID.
    #[error("{name}: line {line}: expected a twelve-digit account ID at the start")]
    Accounts {
        /// The file's name.
        name: String,
        /// The line, counted from 1.
        line: usize,
    },
    /// A file of accounts lists none.
    #[error("{0} lists no accounts")]
    NoAccounts(String),
    /// A pattern matches nothing.
    #[error("no profile matches `{0}`")]
    NoProfiles(String),
    /// A file is not a credential report.
    #[error("{name}")]
    Report {
        /// The file's name.
        name: String,
        /// The reason.
        source: report::ReportError,
    },
    /// A group that cannot be a quarantine: no user is added to it.
    #[error("group `{group}` cannot be a quarantine: {why}")]
    Quarantine {
        /// The group.
        group: String,
        /// The reason.
        why: String,
    },
    /// Some changes of a quarantine were not made, or some users could not be read; stdout names them.
    #[error("group `{group}` is not up to date: {}", unfinished(*.unmade, *.unknown))]
    Unfinished {
        /// The group.
        group: String,
        /// The number of failed changes.
        unmade: usize,
        /// The number of users about whom something could not be read.
        unknown: usize,
    },
    /// This process was told to end while it made changes; stdout names those that were made.
    #[error("canceled")]
    Signal(i32),
    /// A file of accepted findings has an invalid line.
    #[error("{name}")]
    Accept {
        /// The file's name.
        name: String,
        /// The reason.
        source: accepted::AcceptError,
    },
}

fn unfinished(unmade: usize, unknown: usize) -> String {
    let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let unmade = (unmade > 0).then(|| format!("{} failed", many(unmade, "change")));
    let unknown = (unknown > 0).then(|| format!("{} could not be read", many(unknown, "user")));
    unmade.into_iter().chain(unknown).collect::<Vec<_>>().join(", ")
}
