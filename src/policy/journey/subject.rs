//! The user, and the ways in to AWS.

use crate::names::{AccountId, Partition};
use crate::policy::evaluate::Context;

/// A way in to AWS.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Way {
    /// A long-term access key.
    Key,
    /// GetSessionToken without a code.
    Session,
    /// GetSessionToken with a code.
    SessionMfa,
    /// The console, signed in with only a password.
    Console,
    /// The console, signed in with MFA.
    ConsoleMfa,
}

impl Way {
    /// All ways in.
    pub const ALL: [Self; 5] = [Self::Key, Self::Session, Self::SessionMfa, Self::Console, Self::ConsoleMfa];

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Session => "session",
            Self::SessionMfa => "session+MFA",
            Self::Console => "console",
            Self::ConsoleMfa => "console+MFA",
        }
    }

    /// Its name in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Session => "session",
            Self::SessionMfa => "session-mfa",
            Self::Console => "console",
            Self::ConsoleMfa => "console-mfa",
        }
    }

    /// Does this way include MFA?
    pub fn has_mfa(self) -> bool {
        matches!(self, Self::SessionMfa | Self::ConsoleMfa)
    }
}

/// The user.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The name, after its path if it has one: `alice`, `team/alice`.
    user: String,
    /// The account.
    pub account: AccountId,
    /// The partition.
    pub partition: Partition,
}

impl Subject {
    /// A user; `None` if IAM does not allow the name. A path may precede it.
    pub fn new(user: &str, account: AccountId, partition: Partition) -> Option<Self> {
        let user = user.strip_prefix('/').unwrap_or(user);
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
        let is_legal = user.split('/').all(|part| !part.is_empty() && part.bytes().all(is_name));
        is_legal.then(|| Self { user: user.to_owned(), account, partition })
    }

    /// The name, without its path.
    pub fn name(&self) -> &str {
        self.user.rsplit('/').next().unwrap_or_default()
    }

    /// The path before the name, with a trailing slash; empty for most users.
    pub fn path(&self) -> &str {
        &self.user[..self.user.len() - self.name().len()]
    }

    /// The ARN of a user with this user's path.
    pub fn user_arn(&self, name: &str) -> String {
        self.arn(&format!("user/{}{name}", self.path()))
    }

    /// The ARN of a virtual device.
    pub fn device_arn(&self, name: &str) -> String {
        self.arn(&format!("mfa/{name}"))
    }

    fn arn(&self, resource: &str) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition.as_str(), self.account.as_str())
    }

    /// The condition keys of the user's requests. What is not set here (addresses, times, tags) is unknown.
    pub(in crate::policy) fn context(&self, way: Way, is_iam: bool) -> Context {
        let context = Context::default()
            .with("aws:username", self.name())
            .with("aws:PrincipalArn", self.user_arn(self.name()))
            .with("aws:PrincipalAccount", self.account.as_str())
            .with("aws:PrincipalType", "User")
            .with("aws:PrincipalIsAWSService", "false")
            .with("aws:ViaAWSService", "false")
            .without("aws:CalledVia")
            .without("aws:CalledViaFirst")
            .without("aws:CalledViaLast")
            .without("aws:FederatedProvider")
            // IAM and STS accept only TLS, and so does every service that can be the work here.
            .with("aws:SecureTransport", "true");
        let context = match way {
            Way::Key => context
                .without("aws:MultiFactorAuthPresent")
                .without("aws:MultiFactorAuthAge")
                .without("aws:TokenIssueTime"),
            Way::Session | Way::Console => {
                context.with("aws:MultiFactorAuthPresent", "false").without("aws:MultiFactorAuthAge")
            }
            // A minute ago, so that a limit on the age does not matter on the first day.
            Way::SessionMfa | Way::ConsoleMfa => {
                context.with("aws:MultiFactorAuthPresent", "true").with("aws:MultiFactorAuthAge", "60")
            }
        };
        if is_iam { context.with("aws:RequestedRegion", self.partition.default_region().as_str()) } else { context }
    }
}
