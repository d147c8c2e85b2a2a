//! The policy that lets users manage their own MFA devices and denies them the rest until they have signed in with MFA.
//!
//! Choices in, text out: the policy is built once, as a value, and each format only spells it. It is AWS's own form
//! since November 2022, when devices could first have any name, with three differences: what a thief would do with a
//! stolen key (give up the device, make keys, change the password) is *allowed* with MFA alone, too, so that it stays
//! closed where the Deny is narrower; devices can be deleted, so that a broken enrollment can be cleaned up; and what
//! enrolling takes is free for the own user alone, so that an administrator's stolen key binds no device to others.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage.html>

mod cloudformation;
mod json;
mod terraform;

use std::str::FromStr;

use crate::names::{AccountId, Partition};

/// The condition key that all of it turns on.
const MFA_PRESENT: &str = "aws:MultiFactorAuthPresent";

/// What a format that names things calls them.
struct Names {
    /// The policy. AWS's own name for the usual one.
    policy: &'static str,
    /// Terraform's word for its blocks.
    label: &'static str,
    /// What the group is for.
    group: &'static str,
}

const ENFORCING: Names =
    Names { policy: "RequireMFA", label: "require_mfa", group: "The group whose users must use MFA" };
const QUARANTINE: Names =
    Names { policy: "MFAQuarantine", label: "mfa_quarantine", group: "The group that holds users without MFA" };

/// What is printed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Format {
    /// The document alone.
    #[default]
    Json,
    /// A data source, a managed policy and its attachment to a group.
    Terraform,
    /// A template with a managed policy that is attached to a group.
    CloudFormation,
}

impl Format {
    /// The words for them, in the order of the variants.
    pub const NAMES: [&str; 3] = ["json", "terraform", "cloudformation"];

    /// Does it attach the policy to a group?
    pub fn names_group(self) -> bool {
        self != Self::Json
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        match name {
            "json" => Ok(Self::Json),
            "terraform" => Ok(Self::Terraform),
            "cloudformation" => Ok(Self::CloudFormation),
            _ => Err(UnknownFormat),
        }
    }
}

/// A word that names no format.
#[derive(Debug, thiserror::Error)]
#[error("a policy is printed as one of {}", Format::NAMES.join(", "))]
pub struct UnknownFormat;

/// The path of the users: `team/`, or `*/` for users with any path but `/`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserPath(String);

impl FromStr for UserPath {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        let path = text.strip_prefix('/').unwrap_or(text);
        let path = path.strip_suffix('/').unwrap_or(path);
        // IAM takes any printable character here. What would have to be escaped in a format, or is a wildcard or a
        // variable to IAM, is nobody's path.
        let is_part = |part: &str| {
            part == "*"
                || !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
        };
        if path.split('/').all(is_part) && path.len() <= 510 { Ok(Self(format!("{path}/"))) } else { Err(BadPath) }
    }
}

/// A text that is no path of users.
#[derive(Debug, thiserror::Error)]
#[error("a path of users is `/`, then parts made of A-Z, a-z, 0-9 and `_+=,.@-`, or `*`, each with `/` behind it")]
pub struct BadPath;

/// What is open to choice.
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choices {
    /// May the password be changed without MFA, so that a forced first change is possible?
    pub allows_first_password_change: bool,
    /// Do users manage their own access keys?
    pub with_own_access_keys: bool,
    /// Are long-term access keys let through without MFA?
    pub is_console_only: bool,
    /// Is it for a group that holds users only until they have MFA? Then nothing but enrolling is allowed, with MFA
    /// either, and the formats that attach the policy make the group.
    pub is_quarantine: bool,
    /// The account; `None` is any.
    pub account: Option<AccountId>,
    /// The partition; `None` is the commercial one, or, in CloudFormation, the stack's.
    pub partition: Option<Partition>,
    /// Where the users are; `None` is `/`.
    pub user_path: Option<UserPath>,
    /// The group that it is attached to; `None` leaves it to whoever applies it. JSON has no place for it.
    pub group: Option<String>,
}

/// The policy as a value.
#[derive(Debug)]
struct Policy<'a> {
    choices: &'a Choices,
    statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug)]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    actions: Actions,
    resource: Resource,
    condition: Option<Condition>,
}

/// What a statement speaks of.
#[derive(Debug)]
enum Actions {
    These(Vec<&'static str>),
    AllBut(Vec<&'static str>),
}

/// What it acts on.
#[derive(Clone, Copy, Debug)]
enum Resource {
    /// What cannot be narrowed, or must not be.
    Everything,
    /// Devices of any name: whose they are, only `EnableMFADevice` says.
    Devices,
    /// The user who asks.
    Oneself,
    /// All but the user who asks.
    Others,
}

impl Resource {
    /// Does it say what is left out?
    fn is_all_but(self) -> bool {
        matches!(self, Self::Others)
    }
}

/// One test of [`MFA_PRESENT`].
#[derive(Clone, Copy, Debug)]
struct Condition {
    operator: &'static str,
    value: &'static str,
}

/// Only what was signed in with MFA.
const WITH_MFA: Option<Condition> = Some(Condition { operator: "Bool", value: "true" });

/// What an ARN is made of, as a format spells it.
struct Spelling<'a> {
    partition: &'a str,
    account: &'a str,
    /// The policy variable that IAM puts the user's name in for.
    user_name: &'a str,
}

/// Prints the policy, with a line feed at its end.
pub fn print(format: Format, choices: &Choices) -> String {
    let policy = Policy::new(choices);
    match format {
        Format::Json => json::print(&policy),
        Format::Terraform => terraform::print(&policy),
        Format::CloudFormation => cloudformation::print(&policy),
    }
}

impl<'a> Policy<'a> {
    fn new(choices: &'a Choices) -> Self {
        let first_password = choices.allows_first_password_change;
        let own_password = if first_password { None } else { WITH_MFA };
        let mut statements = vec![
            Statement::allow(
                "AllowViewAccountInfo",
                if choices.is_quarantine && !first_password {
                    &["iam:ListVirtualMFADevices"]
                } else {
                    &["iam:GetAccountPasswordPolicy", "iam:ListVirtualMFADevices"]
                },
                Resource::Everything,
                None,
            ),
            Statement::allow("AllowManageOwnPasswords", &["iam:ChangePassword"], Resource::Oneself, own_password),
            Statement::allow(
                "AllowManageOwnVirtualMFADevice",
                &["iam:CreateVirtualMFADevice"],
                Resource::Devices,
                None,
            ),
            Statement::allow(
                "AllowManageOwnUserMFA",
                &[
                    "iam:EnableMFADevice",
                    "iam:GetMFADevice",
                    "iam:GetUser",
                    "iam:ListMFADevices",
                    "iam:ResyncMFADevice",
                ],
                Resource::Oneself,
                None,
            ),
            Statement::allow(
                "AllowDeactivateOwnMFAOnlyWithMFA",
                &["iam:DeactivateMFADevice"],
                Resource::Oneself,
                WITH_MFA,
            ),
            // AWS deletes no device that is still somebody's.
            Statement::allow(
                "AllowDeleteUnassignedMFAOnlyWithMFA",
                &["iam:DeleteVirtualMFADevice"],
                Resource::Devices,
                WITH_MFA,
            ),
        ];
        if choices.with_own_access_keys {
            let actions = [
                "iam:CreateAccessKey",
                "iam:DeleteAccessKey",
                "iam:GetAccessKeyLastUsed",
                "iam:ListAccessKeys",
                "iam:UpdateAccessKey",
            ];
            statements.push(Statement::allow("AllowManageOwnAccessKeys", &actions, Resource::Oneself, WITH_MFA));
        }
        if choices.is_quarantine {
            // What takes MFA is for those who have left the group.
            statements.retain(|statement| statement.condition.is_none());
        }
        statements.extend(denials(choices));
        Self { choices, statements }
    }

    fn names(&self) -> &'static Names {
        if self.choices.is_quarantine { &QUARANTINE } else { &ENFORCING }
    }

    /// What it is, for people.
    fn description(&self) -> &'static str {
        if self.choices.is_quarantine {
            "Users without MFA enroll a device, and can do nothing else"
        } else if self.choices.is_console_only {
            "Users manage their own MFA devices; without MFA, a sign-in to the console can do nothing else"
        } else {
            "Users manage their own MFA devices; without MFA, they can do nothing else"
        }
    }

    /// The ARN that a statement's resource is.
    fn arn(&self, resource: Resource, spelling: &Spelling<'_>) -> String {
        let Spelling { partition, account, user_name } = spelling;
        let path = self.choices.user_path.as_ref().map_or("", |path| &path.0);
        match resource {
            Resource::Everything => "*".to_owned(),
            Resource::Devices => format!("arn:{partition}:iam::{account}:mfa/*"),
            Resource::Oneself | Resource::Others => format!("arn:{partition}:iam::{account}:user/{path}{user_name}"),
        }
    }

    /// An ARN's parts where nothing but the choices says them.
    fn spelling(&self, user_name: &'a str) -> Spelling<'a> {
        Spelling {
            partition: self.choices.partition.unwrap_or(Partition::AWS).as_str(),
            account: self.choices.account.as_ref().map_or("*", AccountId::as_str),
            user_name,
        }
    }
}

/// Everything but enrolling, and enrolling for others, where there is no MFA.
fn denials(choices: &Choices) -> [Statement; 2] {
    let mut free = vec![
        "iam:CreateVirtualMFADevice",
        "iam:EnableMFADevice",
        "iam:GetMFADevice",
        "iam:GetUser",
        "iam:ListMFADevices",
        "iam:ListVirtualMFADevices",
        "iam:ResyncMFADevice",
        // Customary: no policy keeps anybody from it.
        "sts:GetSessionToken",
    ];
    if choices.allows_first_password_change {
        free.splice(0..0, ["iam:ChangePassword", "iam:GetAccountPasswordPolicy"]);
        free.sort_unstable();
    }
    let without_mfa = Some(Condition {
        // Long-term keys do not have the condition key at all.
        operator: if choices.is_console_only { "Bool" } else { "BoolIfExists" },
        value: "false",
    });
    [
        Statement {
            sid: "DenyAllExceptListedIfNoMFA",
            effect: "Deny",
            actions: Actions::AllBut(free),
            resource: Resource::Everything,
            condition: without_mfa,
        },
        // The statement above leaves these free; an administrator is allowed them on every user.
        Statement {
            sid: "DenyDevicesOfOthersIfNoMFA",
            effect: "Deny",
            actions: Actions::These(vec!["iam:EnableMFADevice", "iam:ResyncMFADevice"]),
            resource: Resource::Others,
            condition: without_mfa,
        },
    ]
}

impl Statement {
    fn allow(sid: &'static str, actions: &[&'static str], resource: Resource, condition: Option<Condition>) -> Self {
        Self { sid, effect: "Allow", actions: Actions::These(actions.to_vec()), resource, condition }
    }
}
