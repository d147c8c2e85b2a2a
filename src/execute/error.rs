//! Why credentials could not be obtained.

use super::sts::StsError;
use crate::code::CodeError;
use crate::execute::base::BaseError;
use crate::names::ProfileName;
use crate::plan::Step;
use crate::vault::VaultError;

/// Why credentials could not be obtained.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The base credentials are unavailable.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// There is no MFA code.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// `mfa_serial = auto`, and IAM has not been asked for the device.
    #[error("the MFA device of profile `{0}` is not known")]
    NoDevice(ProfileName),
    /// A configured store does not work.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Another process prompted the person, who declined.
    #[error("another process asked for the code for `{0}`, and it was not given")]
    CanceledElsewhere(ProfileName),
    /// No client could be built.
    #[error("no connection to AWS can be set up")]
    Client(#[source] StsError),
    /// AWS refused a call, or could not be asked.
    #[error("{} for profile `{profile}`: {error}", call_name(.step))]
    Call {
        /// What was called.
        step: Box<Step>,
        /// For which profile.
        profile: ProfileName,
        /// The user's profile, if it names no device although one could help.
        without_mfa: Option<Box<ProfileName>>,
        /// The profile of the session of `aws login` that the plan starts from.
        signed_in: Option<Box<ProfileName>>,
        /// Does the plan take a code, so that a new one could help?
        takes_code: bool,
        /// Why it failed.
        error: StsError,
    },
}

impl ExecuteError {
    /// Tells whether credentials that are due for renewal may still be used. Not if a person declined to give a code:
    /// they want to stop.
    pub(super) fn leaves_the_old_in_use(&self) -> bool {
        match self {
            Self::Code(error) => matches!(error, CodeError::NobodyToAsk(_)),
            Self::Vault(_) | Self::Base(BaseError::Sealed(_)) => false,
            _ => true,
        }
    }

    /// Tells whether AWS does not know this device of the user.
    pub fn says_the_device_is_unknown(&self) -> bool {
        matches!(self, Self::Call { error, .. } if error.is_wrong_serial())
    }

    /// Tells whether AWS does not let the caller assume a role: there is none of that name, or it trusts somebody else.
    pub fn says_the_role_is_refused(&self) -> bool {
        let Self::Call { step, error: error @ StsError::Refused { .. }, .. } = self else { return false };
        let is_about_the_signer = error.is_wrong_code()
            || error.is_wrong_serial()
            || error.says_the_session_is_over()
            || error.is_of_the_clock();
        matches!(**step, Step::AssumeRole(_)) && !is_about_the_signer
    }

    /// Tells whether AWS no longer accepts the session that signed the request.
    pub(super) fn says_the_session_is_over(&self) -> bool {
        matches!(self, Self::Call { error, .. } if error.says_the_session_is_over())
    }
}

fn call_name(step: &Step) -> String {
    match step {
        Step::SessionToken { .. } => "GetSessionToken".to_owned(),
        Step::AssumeRole(call) => format!("AssumeRole {}", call.role),
        Step::WebIdentity(call) => format!("AssumeRoleWithWebIdentity {}", call.role),
        Step::RoleCredentials(role) => {
            format!("GetRoleCredentials for role `{}` in account {}", role.role, role.account)
        }
    }
}
