//! Why a login gives no credentials.

use super::file::FileError;
use crate::aws::CallError;
use crate::plan::{SsoRole, SsoSession};

/// Why a login gives no credentials.
#[derive(Debug, thiserror::Error)]
pub enum SsoError {
    /// There is no token.
    #[error("nobody is signed in to {0}")]
    SignedOut(Box<SsoSession>),
    /// The token has expired and cannot be renewed, or AWS does not accept it any longer.
    #[error("the sign-in to {0} has expired")]
    Over(Box<SsoSession>),
    /// Its file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The role is not assigned to the person.
    #[error("{} does not give role `{}` in account {}: {}", .role.session, .role.role, .role.account, said(.error))]
    NoAccess {
        /// The role.
        role: Box<SsoRole>,
        /// AWS's refusal.
        error: CallError,
    },
    /// A call that failed for another reason.
    #[error("{call} for {session}: {error}")]
    Call {
        /// The call.
        call: &'static str,
        /// The login.
        session: Box<SsoSession>,
        /// Why.
        error: CallError,
    },
    /// No client could be built.
    #[error("no connection to AWS can be set up")]
    Client(#[source] CallError),
    /// No home folder is known, so no token file either.
    #[error("no home folder is known, so the token of an SSO sign-in cannot be found")]
    NoHome,
    /// The person wanted this process to end while a token was being renewed. That was finished first.
    #[error("canceled")]
    Signal(i32),
}

impl SsoError {
    /// Does a new sign-in help?
    pub fn needs_sign_in(&self) -> bool {
        matches!(self, Self::SignedOut(_) | Self::Over(_) | Self::File(FileError::NotAToken { .. }))
    }
}

fn said(error: &CallError) -> String {
    match error {
        CallError::Refused { message, .. } if !message.is_empty() => format!("AWS said `{message}`"),
        error => error.to_string(),
    }
}
