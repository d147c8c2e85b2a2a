//! The credentials that a plan starts from.

use std::fmt;

use super::AmbientKeys;
use crate::names::ProfileName;
use crate::secret::shown;

/// Where the first credentials come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Base {
    /// A user's access key in the AWS files.
    ///
    /// ```ini
    /// [test-user]
    /// aws_access_key_id = AKIA…
    /// aws_secret_access_key = …
    /// ```
    AccessKey {
        /// The profile that contains it.
        profile: ProfileName,
        /// The key's identifier.
        access_key_id: String,
        /// Does a session token accompany it?
        is_session: bool,
    },
    /// A user's access key that `mfa-cred keys` sealed.
    SealedKey {
        /// The profile that it belongs to.
        profile: ProfileName,
        /// The key's identifier.
        access_key_id: String,
    },
    /// `credential_source = Environment`
    Environment(AmbientKeys),
    /// `credential_source = Ec2InstanceMetadata`, and the address of the metadata service
    Ec2InstanceMetadata(String),
    /// `credential_source = EcsContainer`, and the address, which tells one task from another; `None` outside a container
    EcsContainer(Option<String>),
    /// `credential_process = COMMAND`
    CredentialProcess {
        /// The profile that configures it.
        profile: ProfileName,
        /// The command line.
        command: String,
    },
}

/// The kind of credentials that a base gives, as far as the plan can know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BaseKind {
    /// A user's long-term access key.
    LongTerm,
    /// Keys of a session that may be the user's own (GetSessionToken).
    Session,
    /// A role's session, which can never be combined with MFA.
    RoleSession,
    /// Only its answer will tell.
    Unknown,
}

impl Base {
    /// The kind of credentials that it gives.
    pub fn kind(&self) -> BaseKind {
        match self {
            Self::AccessKey { is_session: true, .. } | Self::Environment(AmbientKeys { is_session: true, .. }) => {
                BaseKind::Session
            }
            Self::AccessKey { .. } | Self::SealedKey { .. } | Self::Environment(_) => BaseKind::LongTerm,
            Self::Ec2InstanceMetadata(_) | Self::EcsContainer(_) => BaseKind::RoleSession,
            Self::CredentialProcess { .. } => BaseKind::Unknown,
        }
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let session = |is: bool| if is { "session" } else { "access key" };
        match self {
            Self::AccessKey { profile, access_key_id, is_session } => {
                let id = shown::access_key_id(access_key_id);
                write!(f, "{} {id} of profile `{profile}`", session(*is_session))
            }
            Self::SealedKey { profile, access_key_id } => {
                let id = shown::access_key_id(access_key_id);
                write!(f, "sealed access key {id} of profile `{profile}`")
            }
            Self::Environment(keys) => {
                let id = shown::access_key_id(&keys.access_key_id);
                write!(f, "{} {id} from the environment", session(keys.is_session))
            }
            Self::Ec2InstanceMetadata(_) => f.write_str("the role of this EC2 instance"),
            Self::EcsContainer(_) => f.write_str("the role of this container"),
            Self::CredentialProcess { profile, .. } => write!(f, "`credential_process` of profile `{profile}`"),
        }
    }
}
