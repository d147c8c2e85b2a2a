//! Who in an account has no MFA, and the IAM habits around it.
//!
//! Facts in, findings out: what IAM or a credential report says of an account becomes [`facts::Account`], the questions
//! of [`question::Question`] are asked of it, and the answers are sorted, so that the same facts give the same bytes.
//! Pure: no file, no network, no clock and no terminal. What could not be read is a finding of its own, never an "all is
//! well".

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
        /// The file.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("{name} cannot be written")]
    Write {
        /// The file.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A file of accounts has a line that is none.
    #[error("{name}: line {line}: it begins with no account id of twelve digits")]
    Accounts {
        /// The file.
        name: String,
        /// The line, counted from 1.
        line: usize,
    },
    /// A pattern matches nothing.
    #[error("no profile matches `{0}`")]
    NoProfiles(String),
    /// A file is no credential report.
    #[error("{name}")]
    Report {
        /// The file.
        name: String,
        /// Why.
        source: report::ReportError,
    },
    /// A group that is no quarantine: nobody is put into it.
    #[error("group `{group}` cannot be a quarantine: {why}")]
    Quarantine {
        /// The group.
        group: String,
        /// Why.
        why: String,
    },
    /// Some changes of a quarantine were not made, or some users could not be judged; stdout names them.
    #[error("group `{group}` is not as it should be: {}", unfinished(*.unmade, *.unknown))]
    Unfinished {
        /// The group.
        group: String,
        /// How many changes failed.
        unmade: usize,
        /// Of how many users something could not be read.
        unknown: usize,
    },
    /// A file of accepted findings has a line that is none.
    #[error("{name}")]
    Accept {
        /// The file.
        name: String,
        /// Why.
        source: accepted::AcceptError,
    },
}

fn unfinished(unmade: usize, unknown: usize) -> String {
    let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let unmade = (unmade > 0).then(|| format!("{} failed", many(unmade, "change")));
    let unknown = (unknown > 0).then(|| format!("{} could not be read", many(unknown, "user")));
    unmade.into_iter().chain(unknown).collect::<Vec<_>>().join(", ")
}
