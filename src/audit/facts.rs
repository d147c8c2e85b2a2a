//! What is known about an account, from IAM or from a credential report. `None` means that it was not read, or is not
//! known.

use jiff::Timestamp;

use super::question::Question;
use crate::names::AccountId;

/// An account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Its ID.
    pub id: Option<AccountId>,
    /// When the credential report was generated, if the facts come from one.
    pub reported: Option<Timestamp>,
    /// The root user.
    pub root: Option<Root>,
    /// The users.
    pub users: Vec<User>,
    /// The groups.
    pub groups: Option<Vec<Group>>,
    /// The password policy.
    pub passwords: Option<Passwords>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// The checks that this kind of source can never answer; no call was denied.
    pub unanswerable: Vec<Question>,
}

/// The root user.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Root {
    /// Does the root user have a password or a key? With central root access, it may have neither.
    pub has_credentials: Option<bool>,
    /// Does the root user have an MFA device?
    pub has_mfa: Option<bool>,
    /// Does the root user have an active access key?
    pub has_key: Option<bool>,
}

/// A user.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// The name, without its path.
    pub name: String,
    /// The console password.
    pub password: Option<Password>,
    /// The MFA devices.
    pub mfa: Option<Mfa>,
    /// The access keys, active or not.
    pub keys: Option<Vec<Key>>,
    /// Is the user in a group?
    pub has_group: Option<bool>,
    /// The names of the policies that are attached directly to the user, or inline.
    pub own_policies: Option<Vec<String>>,
    /// The result of `policy check` on all the policies that apply.
    pub judged: Option<Judged>,
}

/// A console password.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Password {
    /// No password.
    None,
    /// A password, last used at that time, or not used since that time; `None` if unknown.
    Since(Option<Timestamp>, WasUsed),
}

/// Is a time that of the last use, or the start of a period without use?
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WasUsed {
    /// The last use.
    Then,
    /// The time of creation or change; AWS knows of no use since then.
    Never,
}

/// MFA devices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mfa {
    /// No device.
    None,
    /// At least one, of unknown kind.
    Some,
    /// At least one whose codes the API accepts.
    Codes,
    /// Only security keys and passkeys.
    OnlyFido,
}

/// An access key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// Its ID, or `1` or `2` in a credential report.
    pub name: String,
    /// Is it active?
    pub is_active: bool,
    /// When it was created.
    pub made: Option<Timestamp>,
    /// When it was last used. `None` if AWS knows of no use, or it was not read.
    pub used: Option<Timestamp>,
    /// Was the last use read?
    pub is_use_known: bool,
}

/// A group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// The name.
    pub name: String,
    /// Does it have users?
    pub has_users: bool,
}

/// The account's password policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Passwords {
    /// The minimum length; AWS's default is 8.
    pub length: u32,
    /// How many passwords are remembered; 0 means none.
    pub remembered: u32,
}

/// The result of `policy check` on a user's policies.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Judged {
    /// Why they do not enforce MFA; `None` if they do.
    pub open: Option<String>,
    /// Why the user cannot enroll a device; `None` if they can.
    pub stuck: Option<String>,
}

/// Something that could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gap {
    /// `iam:ListMFADevices`
    pub call: String,
    /// The user or group; `None` for the account.
    pub about: Option<String>,
    /// The reason, in AWS's words or ours.
    pub why: String,
    /// The checks that remain undecided.
    pub questions: Vec<Question>,
}
