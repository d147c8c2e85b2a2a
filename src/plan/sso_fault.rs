//! What can be wrong with a profile that signs in by SSO.

use super::origin::Origin;
use crate::profile::Location;
use crate::secret::shown;

/// What is wrong with a profile that signs in by SSO.
#[derive(Debug, thiserror::Error)]
pub enum SsoFault {
    /// `sso_session` names a section that does not exist.
    #[error("{origin}: there is no section `[sso-session {}]`", shown::value("sso_session", .session))]
    NoSession {
        /// Where it is named.
        origin: Origin,
        /// The name.
        session: String,
        /// Sections with similar names.
        nearest: Vec<String>,
    },
    /// A section without one of its two required keys.
    #[error("{place}: `[sso-session {}]` has no `{missing}`", shown::value("sso_session", .session))]
    Incomplete {
        /// The section.
        place: Location,
        /// Its name.
        session: String,
        /// The key.
        missing: &'static str,
    },
    /// The profile says one thing, and the section that it names another.
    #[error("{origin} of the profile differs from the one in its `[sso-session]` ({other})")]
    Differs {
        /// The profile's line.
        origin: Origin,
        /// The section's line.
        other: Location,
    },
    /// One of the keys that belong together.
    #[error("{origin}: profile `{profile}` has no `{missing}` to go with it")]
    Half {
        /// The key that is set.
        origin: Origin,
        /// The profile.
        profile: String,
        /// The key that is missing.
        missing: &'static str,
    },
    /// A login without an account and a role: it serves tools that take the token itself.
    #[error(
        "{origin}: profile `{profile}` has neither `sso_account_id` nor `sso_role_name`, so it gives no AWS credentials"
    )]
    TokenOnly {
        /// What names the login.
        origin: Origin,
        /// The profile.
        profile: String,
    },
}

impl SsoFault {
    /// The line of the AWS files that it is about.
    pub(super) fn place(&self) -> Option<&Location> {
        match self {
            Self::Incomplete { place, .. } => Some(place),
            Self::NoSession { origin, .. }
            | Self::Differs { origin, .. }
            | Self::Half { origin, .. }
            | Self::TokenOnly { origin, .. } => origin.place(),
        }
    }
}
