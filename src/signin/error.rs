//! Why a session of `aws login` gives no credentials.

use std::io;
use std::path::PathBuf;

use crate::aws::CallError;
use crate::names::{ProfileName, Region};
use crate::state::FolderError;

/// Why a session of `aws login` gives no credentials.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No file: nobody signed in, or signed out again.
    #[error("profile `{profile}` is not signed in: there is no `{}`", .path.display())]
    Absent {
        /// The profile of the session.
        profile: ProfileName,
        /// Where the file should be.
        path: PathBuf,
    },
    /// The system knows no home folder, and no variable names a folder.
    #[error("no home folder is known, so there is no place for the sessions of `aws login`")]
    Nowhere,
    /// The file cannot be read.
    #[error("`{}` cannot be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file does not hold a session.
    #[error("`{}` does not hold a session of `aws login`: {what}", .path.display())]
    Damaged {
        /// The profile of the session.
        profile: ProfileName,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// It is unknown where the session was started.
    #[error(
        "profile `{profile}` has no `region`, and a session of `aws login` can be renewed only where it was started"
    )]
    NoRegion {
        /// The profile of the session.
        profile: ProfileName,
    },
    /// What AWS will answer could not be stored, so it was not asked.
    #[error("`{}` cannot be written, so the session was not renewed", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// AWS refused to renew it, or could not be asked.
    #[error("the session of `aws login` for profile `{profile}` was not renewed in region `{region}`: {error}")]
    Call {
        /// The profile of the session.
        profile: ProfileName,
        /// The region that was asked.
        region: Region,
        /// Why.
        error: CallError,
    },
    /// Another process takes too long.
    #[error("another process has been renewing the session of `aws login` for a minute")]
    Busy,
    /// There can be no locks.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

impl SignInError {
    /// Does only a person's sign-in help?
    pub fn needs_a_person(&self) -> bool {
        match self {
            Self::Absent { .. } => true,
            Self::Call { error: CallError::Refused { code, .. }, .. } => {
                matches!(code.as_str(), "TOKEN_EXPIRED" | "AUTHCODE_EXPIRED" | "USER_CREDENTIALS_CHANGED")
            }
            _ => false,
        }
    }
}
