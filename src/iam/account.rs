//! Everything of an account that an audit looks at: the port. [`gather`] makes facts of it.

mod gather;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::IamError;
use crate::names::MfaSerial;
use crate::secret::Credentials;

pub use gather::{Gathered, Source, gather};

/// GetAccountSummary, as far as it is about users and the root user.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// How many users there are.
    pub users: usize,
    /// Has the root user an MFA device?
    pub root_has_mfa: bool,
    /// Has the root user an access key?
    pub root_has_key: bool,
    /// Has the root user a password? Older partitions do not say.
    pub root_has_password: Option<bool>,
}

/// A user as ListUsers has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// The name.
    pub name: String,
    /// `arn:P:iam::ACCOUNT:user/PATH/NAME`
    pub arn: String,
    /// Since when.
    pub created: Option<Timestamp>,
    /// The last sign-in with a password that AWS knows of.
    pub password_used: Option<Timestamp>,
}

/// Inline policies: names and documents.
pub type Inline = Vec<(String, Vec<u8>)>;

/// A user or a group as GetAccountAuthorizationDetails has it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Detail {
    /// The name.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// The groups that a user is in.
    pub groups: Vec<String>,
    /// Its own policies.
    pub inline: Inline,
    /// The ARNs of the managed policies that are attached to it.
    pub attached: Vec<String>,
    /// The ARN of a user's permissions boundary.
    pub boundary: Option<String>,
}

/// GetAccountAuthorizationDetails, without roles.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Details {
    /// The users.
    pub users: Vec<Detail>,
    /// The groups.
    pub groups: Vec<Detail>,
    /// The managed policies by ARN, each in the version that applies.
    pub managed: BTreeMap<String, Vec<u8>>,
}

/// A credential report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// The CSV.
    pub csv: Vec<u8>,
    /// When it was generated: up to four hours ago.
    pub generated: Option<Timestamp>,
}

/// The account's password policy, as far as an audit asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PasswordPolicy {
    /// The fewest characters.
    pub length: u32,
    /// How many passwords are remembered; 0 is none.
    pub remembered: u32,
}

/// A question about one user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Asked {
    /// ListMFADevices of a user.
    Devices(String),
    /// GetLoginProfile of a user.
    Password(String),
    /// ListAccessKeys of a user.
    Keys(String),
    /// GetAccessKeyLastUsed of a key.
    LastUse(String),
}

/// The answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Told {
    /// The devices.
    Devices(Vec<MfaSerial>),
    /// Since when there is a password.
    Password(Option<Timestamp>),
    /// The keys.
    Keys(Vec<ListedKey>),
    /// When the key was last used, if ever.
    LastUse(Option<Timestamp>),
}

/// An access key as ListAccessKeys has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListedKey {
    /// Its id.
    pub id: String,
    /// Does it work?
    pub is_active: bool,
    /// Since when.
    pub made: Option<Timestamp>,
}

/// The calls of IAM that read a whole account. All of them wait and try again when AWS throttles.
pub trait AccountReader {
    /// GetAccountSummary.
    fn summary(&self, signer: &Credentials) -> Result<Summary, IamError>;

    /// ListUsers, all pages.
    fn users(&self, signer: &Credentials) -> Result<Vec<Listed>, IamError>;

    /// GetAccountPasswordPolicy; `None` where the account has AWS's default one.
    fn password_policy(&self, signer: &Credentials) -> Result<Option<PasswordPolicy>, IamError>;

    /// GetAccountAuthorizationDetails, all pages.
    fn details(&self, signer: &Credentials) -> Result<Details, IamError>;

    /// GenerateCredentialReport: is there one now?
    fn generate_report(&self, signer: &Credentials) -> Result<bool, IamError>;

    /// GetCredentialReport.
    fn report(&self, signer: &Credentials) -> Result<Report, IamError>;

    /// Many questions, five at a time. Each answer is handed on as it comes, with the place of its question.
    fn ask(&self, signer: &Credentials, asked: &[Asked], told: &mut dyn FnMut(usize, Result<Told, IamError>));
}

impl Asked {
    /// `ListMFADevices`
    pub fn call(&self) -> &'static str {
        match self {
            Self::Devices(_) => "ListMFADevices",
            Self::Password(_) => "GetLoginProfile",
            Self::Keys(_) => "ListAccessKeys",
            Self::LastUse(_) => "GetAccessKeyLastUsed",
        }
    }
}
