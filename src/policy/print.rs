//! The policy that lets users manage their own MFA devices and denies them everything else until they have signed in
//! with MFA.
//!
//! Choices in, text out: the policy is built once, as a value, and each format only writes it out. It follows AWS's own
//! example since November 2022, when device names became arbitrary, with three differences. First, what an attacker
//! would do with a stolen key (remove the device, create keys, change the password) is *allowed* only with MFA, so it
//! stays closed if the Deny is narrower. Second, devices can be deleted, so that a failed enrollment can be cleaned up.
//! Third, enrollment without MFA is limited to the user themselves, so that an administrator's stolen key cannot assign
//! a device to another user.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage.html>

mod cloudformation;
mod json;
mod terraform;

use std::str::FromStr;

use crate::names::{AccountId, Partition};

/// The condition key that the whole policy depends on.
const MFA_PRESENT: &str = "aws:MultiFactorAuthPresent";

/// The names that a format with names uses.
struct Names {
    /// The policy's name.
    policy: &'static str,
    /// The label of the Terraform blocks.
    label: &'static str,
    /// The description of the group.
    group: &'static str,
}

const ENFORCING: Names =
    Names { policy: "RequireMFA", label: "require_mfa", group: "The group whose users must use MFA" };
const QUARANTINE: Names =
    Names { policy: "MFAQuarantine", label: "mfa_quarantine", group: "The group that holds users without MFA" };

/// The output format.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Format {
    /// Only the document.
    #[default]
    Json,
    /// A data source, a managed policy and its attachment to a group.
    Terraform,
    /// A template with a managed policy that is attached to a group.
    CloudFormation,
}

impl Format {
    /// The names of the variants, in their order.
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

/// An unknown format.
#[derive(Debug, thiserror::Error)]
#[error("unknown format; expected one of {}", Format::NAMES.join(", "))]
pub struct UnknownFormat;

/// The path of the users: `team/`, or `*/` for users with any path but `/`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserPath(String);

impl FromStr for UserPath {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        let path = text.strip_prefix('/').unwrap_or(text);
        let path = path.strip_suffix('/').unwrap_or(path);
        // IAM allows any printable character here. Characters that need escaping in a format, or are special to IAM, do
        // not occur in real paths.
        let is_part = |part: &str| {
            part == "*"
                || !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
        };
        if path.split('/').all(is_part) && path.len() <= 510 { Ok(Self(format!("{path}/"))) } else { Err(BadPath) }
    }
}

/// An invalid user path.
#[derive(Debug, thiserror::Error)]
#[error("expected `/`, then parts of A-Z, a-z, 0-9 and `_+=,.@-`, or `*`, each followed by `/`")]
pub struct BadPath;

/// The choices.
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choices {
    /// May the password be changed without MFA, so that a forced first change is possible?
    pub allows_first_password_change: bool,
    /// Do users manage their own access keys?
    pub with_own_access_keys: bool,
    /// Are long-term access keys allowed without MFA?
    pub is_console_only: bool,
    /// Is it for a group that users are in only until they have MFA? Then only enrollment is allowed, even with MFA,
    /// and the formats that attach the policy also create the group.
    pub is_quarantine: bool,
    /// The account; `None` means any.
    pub account: Option<AccountId>,
    /// The partition; `None` means the commercial one, or, in CloudFormation, the stack's.
    pub partition: Option<Partition>,
    /// The users' path; `None` means `/`.
    pub user_path: Option<UserPath>,
    /// The group to attach the policy to; `None` makes it a variable or a parameter. JSON ignores it.
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

/// The actions of a statement.
#[derive(Debug)]
enum Actions {
    These(Vec<&'static str>),
    AllBut(Vec<&'static str>),
}

/// The resource of a statement.
#[derive(Clone, Copy, Debug)]
enum Resource {
    /// Cannot be narrowed, or must not be.
    Everything,
    /// Devices with any name: only `EnableMFADevice` assigns them to a user.
    Devices,
    /// The user who makes the request.
    Oneself,
    /// Everything except the user who makes the request.
    Others,
}

impl Resource {
    /// Does it list what is excluded?
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

/// Only with MFA.
const WITH_MFA: Option<Condition> = Some(Condition { operator: "Bool", value: "true" });

/// The parts of an ARN, as a format writes them.
struct Spelling<'a> {
    partition: &'a str,
    account: &'a str,
    /// The policy variable that IAM replaces with the user's name.
    user_name: &'a str,
}

/// The policy as text, with a trailing line feed.
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
            // AWS does not delete a device that is still assigned to a user.
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
            // What requires MFA is for users who have left the group.
            statements.retain(|statement| statement.condition.is_none());
        }
        statements.extend(denials(choices));
        Self { choices, statements }
    }

    fn names(&self) -> &'static Names {
        if self.choices.is_quarantine { &QUARANTINE } else { &ENFORCING }
    }

    /// A description of the policy.
    fn description(&self) -> &'static str {
        if self.choices.is_quarantine {
            "Users without MFA can enroll a device, and do nothing else"
        } else if self.choices.is_console_only {
            "Users manage their own MFA devices; a console sign-in without MFA can do nothing else"
        } else {
            "Users manage their own MFA devices; without MFA, they can do nothing else"
        }
    }

    /// The ARN of a statement's resource.
    fn arn(&self, resource: Resource, spelling: &Spelling<'_>) -> String {
        let Spelling { partition, account, user_name } = spelling;
        let path = self.choices.user_path.as_ref().map_or("", |path| &path.0);
        match resource {
            Resource::Everything => "*".to_owned(),
            Resource::Devices => format!("arn:{partition}:iam::{account}:mfa/*"),
            Resource::Oneself | Resource::Others => format!("arn:{partition}:iam::{account}:user/{path}{user_name}"),
        }
    }

    /// The parts of an ARN as the choices determine them.
    fn spelling(&self, user_name: &'a str) -> Spelling<'a> {
        Spelling {
            partition: self.choices.partition.unwrap_or(Partition::AWS).as_str(),
            account: self.choices.account.as_ref().map_or("*", AccountId::as_str),
            user_name,
        }
    }
}

/// Denies, without MFA, everything except enrollment, and enrollment for other users.
fn denials(choices: &Choices) -> [Statement; 2] {
    let mut free = vec![
        "iam:CreateVirtualMFADevice",
        "iam:EnableMFADevice",
        "iam:GetMFADevice",
        "iam:GetUser",
        "iam:ListMFADevices",
        "iam:ListVirtualMFADevices",
        "iam:ResyncMFADevice",
        // By convention: no policy can deny it.
        "sts:GetSessionToken",
    ];
    if choices.allows_first_password_change {
        free.splice(0..0, ["iam:ChangePassword", "iam:GetAccountPasswordPolicy"]);
        free.sort_unstable();
    }
    let without_mfa = Some(Condition {
        // Requests signed with long-term keys do not have the condition key at all.
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
        // The statement above exempts these actions, and an administrator may be allowed them on every user.
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
