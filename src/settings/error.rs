//! Why settings cannot be used.

use std::path::PathBuf;

use crate::disk::trust::Distrust;

/// What is wrong with an option, a variable or `config.ini`.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A variable's value.
    #[error("`{name}` in the environment: {why}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// Why it is refused.
        why: String,
    },
    /// A value of `config.ini`.
    #[error("{}: `{key}`: {why}", .file.display())]
    Setting {
        /// The file.
        file: PathBuf,
        /// The key.
        key: String,
        /// Why it is refused.
        why: String,
    },
    /// `config.ini` cannot be read.
    #[error("{} cannot be read", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others could have written `config.ini`.
    #[error("{0}, and its settings choose what is run: it is not used")]
    Distrusted(Distrust),
    /// `config.ini` is not an INI file.
    #[error("{}:{line}: {what}", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// From 1.
        line: usize,
        /// What was expected.
        what: &'static str,
    },
    /// The file that an option names cannot be read.
    #[error("`--session-policy`: {} cannot be read", .file.display())]
    Policy {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The session policy is no JSON.
    #[error("`--session-policy` is not JSON (line {line}, column {column})")]
    PolicyNotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// The value of `--mfa-token`.
    #[error("`--mfa-token`: an MFA code is six digits")]
    Token,
    /// Nothing says where the AWS files are.
    #[error("the home folder is unknown, so there is no ~/.aws/config")]
    NoHome,
}
