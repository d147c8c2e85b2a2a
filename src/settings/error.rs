//! Why settings cannot be used.

use std::path::PathBuf;

use crate::disk::trust::Distrust;

/// An invalid option, variable or `config.ini`.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The value of a variable is invalid.
    #[error("`{name}` in the environment: {why}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// Why it is refused.
        why: String,
    },
    /// A value in `config.ini` is invalid.
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
    /// Another user could have written `config.ini`.
    #[error("{0}; it is not used, because its settings choose which commands are run")]
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
    /// The file named by an option cannot be read.
    #[error("`--session-policy`: {} cannot be read", .file.display())]
    Policy {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The session policy is not JSON.
    #[error("`--session-policy` is not JSON (line {line}, column {column})")]
    PolicyNotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// The value of `--mfa-token` is not a code.
    #[error("`--mfa-token`: an MFA code is six digits")]
    Token,
    /// The location of the AWS files is unknown.
    #[error("the home folder is unknown, so there is no ~/.aws/config")]
    NoHome,
}
