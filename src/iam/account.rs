//! The port through which an audit reads an account. [`gather`] turns the results into facts.

mod gather;
mod quarantine;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::IamError;
use crate::names::MfaSerial;
use crate::secret::Credentials;

pub use gather::{Gathered, Source, gather};
pub use quarantine::{Membership, survey};

/// The part of GetAccountSummary about users and the root user.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// The number of users.
    pub users: usize,
    /// Does the root user have an MFA device?
    pub root_has_mfa: bool,
    /// Does the root user have an access key?
    pub root_has_key: bool,
    /// Does the root user have a password? Older partitions do not say.
    pub root_has_password: Option<bool>,
}

/// A user as ListUsers returns it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// Without the path.
    pub name: String,
    /// `arn:P:iam::ACCOUNT:user/PATH/NAME`
    pub arn: String,
    /// When the user was created.
    pub created: Option<Timestamp>,
    /// The last sign-in with a password that AWS knows of.
    pub password_used: Option<Timestamp>,
}

/// Inline policies: names and documents.
pub type Inline = Vec<(String, Vec<u8>)>;

/// A user or a group as GetAccountAuthorizationDetails returns it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Detail {
    /// Without the path.
    pub name: String,
    /// With the path.
    pub arn: String,
    /// The groups that a user is in.
    pub groups: Vec<String>,
    /// Its inline policies.
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
    /// The managed policies by ARN, each in its default version.
    pub managed: BTreeMap<String, Vec<u8>>,
}

/// A credential report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// The CSV.
    pub csv: Vec<u8>,
    /// When it was generated; AWS returns reports up to four hours old.
    pub generated: Option<Timestamp>,
}

/// The part of the account's password policy that an audit checks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PasswordPolicy {
    /// The minimum length.
    pub length: u32,
    /// How many previous passwords may not be reused.
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
    /// When the password was created.
    Password(Option<Timestamp>),
    /// The keys.
    Keys(Vec<ListedKey>),
    /// When the key was last used, if ever.
    LastUse(Option<Timestamp>),
}

/// An access key as ListAccessKeys returns it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListedKey {
    /// The access key ID.
    pub id: String,
    /// Is its status `Active`?
    pub is_active: bool,
    /// When it was created.
    pub made: Option<Timestamp>,
}

/// The IAM calls that read a whole account. All of them wait and retry when AWS throttles.
pub trait AccountReader {
    /// GetAccountSummary.
    fn summary(&self, signer: &Credentials) -> Result<Summary, IamError>;

    /// ListUsers, all pages.
    fn users(&self, signer: &Credentials) -> Result<Vec<Listed>, IamError>;

    /// GetAccountPasswordPolicy; `None` where the account uses AWS's default.
    fn password_policy(&self, signer: &Credentials) -> Result<Option<PasswordPolicy>, IamError>;

    /// GetAccountAuthorizationDetails, all pages.
    fn details(&self, signer: &Credentials) -> Result<Details, IamError>;

    /// GenerateCredentialReport: is the report ready?
    fn generate_report(&self, signer: &Credentials) -> Result<bool, IamError>;

    /// GetCredentialReport.
    fn report(&self, signer: &Credentials) -> Result<Report, IamError>;

    /// Asks many questions, five at a time. `told` gets each answer as it arrives, with the index of its question.
    fn ask(&self, signer: &Credentials, asked: &[Asked], told: &mut dyn FnMut(usize, Result<Told, IamError>));
}

impl Asked {
    /// The API action, such as `ListMFADevices`.
    pub fn call(&self) -> &'static str {
        match self {
            Self::Devices(_) => "ListMFADevices",
            Self::Password(_) => "GetLoginProfile",
            Self::Keys(_) => "ListAccessKeys",
            Self::LastUse(_) => "GetAccessKeyLastUsed",
        }
    }
}
