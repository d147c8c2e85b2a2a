//! Why `logout` did not do what it was asked for, and what to do about it.

use crate::exit::ExitCode;
use crate::messages::ours;
use crate::names::ProfileName;
use crate::plan::SsoSession;
use crate::sso::SsoError;

/// Why a person is not signed out.
#[derive(Debug, thiserror::Error)]
pub enum SignOutError {
    /// The token is removed, but AWS was not told.
    #[error("the sign-in to {session} was removed from this machine, but not ended at AWS")]
    OnlyHere {
        /// Where.
        session: Box<SsoSession>,
        /// Why AWS was not told.
        #[source]
        why: SsoError,
    },
    /// The profile gets its credentials otherwise.
    #[error("profile `{0}` does not sign in with SSO, so there is nothing to sign out of")]
    NoSso(ProfileName),
    /// A session of `aws login`.
    #[error("profile `{profile}` uses a session of `aws login`, which belongs to the AWS CLI")]
    AwsLogin {
        /// The profile.
        profile: ProfileName,
        /// The profile that names the session.
        of: ProfileName,
    },
    /// Several, some of which failed and were reported.
    #[error("could not sign out of {failed} of {all} SSO sessions")]
    Some {
        /// How many failed.
        failed: usize,
        /// Of how many.
        all: usize,
        /// The exit code of the first.
        exit: ExitCode,
    },
}

impl SignOutError {
    /// What to do about it, if that is known.
    pub(super) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::OnlyHere { .. } => "at AWS it lasts until it expires, unless an administrator deletes the user's \
                                      active session in IAM Identity Center"
                .to_owned(),
            Self::NoSso(profile) => format!("{} forgets its cached credentials", ours("clear", Some(profile))),
            Self::AwsLogin { profile, of } => format!(
                "`aws logout {}` ends it; {} forgets the credentials that were cached",
                of.as_option(),
                ours("clear", Some(profile))
            ),
            Self::Some { .. } => return None,
        })
    }
}
