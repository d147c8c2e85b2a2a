//! The credentials that a plan starts from.

use std::fmt;
use std::path::PathBuf;

use super::AmbientKeys;
use super::error::Origin;
use super::login::LoginSession;
use super::sso::SsoRole;
use crate::names::{AccountId, Partition, ProfileName, RoleArn};
use crate::secret::shown;
use crate::web_token::Identity;

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
    /// A role that the person takes with a browser login at IAM Identity Center.
    ///
    /// ```ini
    /// [profile dev]
    /// sso_session = corp
    /// sso_account_id = 123456789012
    /// sso_role_name = Developer
    ///
    /// [sso-session corp]
    /// sso_start_url = https://corp.awsapps.com/start
    /// sso_region = eu-west-1
    /// ```
    Sso(Box<SsoRole>),
    /// `credential_process = COMMAND`
    CredentialProcess {
        /// The profile that configures it.
        profile: ProfileName,
        /// The command line.
        command: String,
    },
    /// A session that a person started with `aws login`.
    ///
    /// ```ini
    /// [profile person]
    /// login_session = arn:aws:iam::123456789012:user/person
    /// region = eu-west-1
    /// ```
    Login(Box<LoginSession>),
    /// The token of a web identity, by which the first role is assumed.
    ///
    /// ```ini
    /// [profile pod]
    /// role_arn = arn:aws:iam::123456789012:role/pod
    /// web_identity_token_file = /var/run/secrets/eks.amazonaws.com/serviceaccount/token
    /// ```
    WebIdentity(Box<WebIdentity>),
}

/// The token of a web identity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WebIdentity {
    /// The file with the token.
    pub file: PathBuf,
    /// Where that file is named.
    pub origin: Origin,
    /// Whose token it was when the plan was made.
    pub identity: Identity,
    /// `AWS_ROLE_ARN`, if the token is that of the environment; otherwise, the profile names the role.
    pub role: Option<RoleArn>,
}

/// The kind of credentials that a base gives, as far as the plan can know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BaseKind {
    /// A user's long-term access key.
    LongTerm,
    /// Keys of a session that may be the user's own (GetSessionToken).
    Session,
    /// A session that can never be combined with a code: a role's, or one of `aws login`.
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
            Self::Ec2InstanceMetadata(_)
            | Self::EcsContainer(_)
            | Self::WebIdentity(_)
            | Self::Login(_)
            | Self::Sso(_) => BaseKind::RoleSession,
            Self::CredentialProcess { .. } => BaseKind::Unknown,
        }
    }

    /// The profile in which a person signs in with `aws login` for it.
    pub fn sign_in_profile(&self) -> Option<&ProfileName> {
        match self {
            Self::Login(session) => Some(&session.profile),
            _ => None,
        }
    }

    /// The account of its credentials, if its name tells.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Login(session) => session.account(),
            _ => None,
        }
    }

    /// The partition of the credentials, if it is known before they are.
    pub(super) fn partition(&self) -> Option<Partition> {
        match self {
            Self::Sso(role) => Some(role.session.portal.partition),
            Self::WebIdentity(web) => web.role.as_ref().map(RoleArn::partition),
            _ => None,
        }
    }

    /// The role that it names by itself.
    pub(super) fn role(&self) -> Option<&RoleArn> {
        match self {
            Self::WebIdentity(web) => web.role.as_ref(),
            _ => None,
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
            Self::Sso(role) => role.session.fmt(f),
            Self::CredentialProcess { profile, .. } => write!(f, "`credential_process` of profile `{profile}`"),
            Self::Login(session) => {
                let arn = shown::value("login_session", &session.arn);
                write!(f, "the `aws login` session {arn} of profile `{}`", session.profile)
            }
            Self::WebIdentity(web) => write!(f, "the web identity token in `{}`", web.file.display()),
        }
    }
}
