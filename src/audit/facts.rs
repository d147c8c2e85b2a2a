//! What is known of an account, wherever it came from. `None` is what nobody was asked, or could not say.

use jiff::Timestamp;

use super::question::Question;
use crate::names::AccountId;

/// An account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Its id.
    pub id: Option<AccountId>,
    /// When the facts about passwords, keys and MFA were true, if they are a credential report's.
    pub reported: Option<Timestamp>,
    /// The root user.
    pub root: Option<Root>,
    /// The users.
    pub users: Vec<User>,
    /// The groups, each with whether it has users.
    pub groups: Option<Vec<Group>>,
    /// The password policy.
    pub passwords: Option<Passwords>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// The questions to which this kind of source has no answer at all; nobody was refused anything.
    pub unanswerable: Vec<Question>,
}

/// The root user.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Root {
    /// Is there a password or a key to sign in with? With central root access there may be none.
    pub has_credentials: Option<bool>,
    /// Is there an MFA device?
    pub has_mfa: Option<bool>,
    /// Is there an active access key?
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
    /// The names of the policies that are the user's own: attached or inline.
    pub own_policies: Option<Vec<String>>,
    /// What `policy check` says of all the policies that apply.
    pub judged: Option<Judged>,
}

/// A console password.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Password {
    /// There is none.
    None,
    /// There is one, last used at that time, or since that time not at all; `None` where nobody knows.
    Since(Option<Timestamp>, WasUsed),
}

/// Is a time that of the last use, or that from which on there was none?
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WasUsed {
    /// The last use.
    Then,
    /// When it was made or changed; AWS knows of no use.
    Never,
}

/// MFA devices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mfa {
    /// None.
    None,
    /// At least one; of which kind is not known.
    Some,
    /// At least one whose codes the API takes.
    Codes,
    /// Security keys and passkeys alone.
    OnlyFido,
}

/// An access key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// Its id, or `1` and `2` in a credential report.
    pub name: String,
    /// Does it work?
    pub is_active: bool,
    /// When it was made.
    pub made: Option<Timestamp>,
    /// When it was last used. `None` where AWS knows of no use, or nobody asked.
    pub used: Option<Timestamp>,
    /// Was the use asked for?
    pub is_use_known: bool,
}

/// A group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// The name.
    pub name: String,
    /// Has it users?
    pub has_users: bool,
}

/// The account's password policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Passwords {
    /// The fewest characters; AWS's default is 8.
    pub length: u32,
    /// How many passwords are remembered; 0 is none.
    pub remembered: u32,
}

/// What `policy check` says of a user's policies.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Judged {
    /// Why they do not enforce MFA, where they do not.
    pub open: Option<String>,
    /// Why the user cannot enroll a device, where that is so.
    pub stuck: Option<String>,
}

/// Something that could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gap {
    /// `iam:ListMFADevices`
    pub call: String,
    /// The user or group that it was about; `None`: the account.
    pub about: Option<String>,
    /// AWS's words, or ours.
    pub why: String,
    /// The questions that stay open.
    pub questions: Vec<Question>,
}
