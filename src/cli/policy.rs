//! `policy …`: the arguments.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, Subcommand};

use super::options::{one_of, profile_name};
use crate::names::{AccountId, Partition, ProfileName};
use crate::policy::PolicyKind;
use crate::policy::print::{Format, UserPath};
use crate::policy::question::Question;
use crate::policy::rules::Rule;

/// The subcommands of `policy`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum PolicyVerb {
    /// Print a policy that enforces MFA and lets users manage their own devices
    Print(Box<PrintArgs>),
    /// Check whether policies enforce MFA, and whether a new user gets through the first day
    Check(Box<CheckArgs>),
    /// Explain a rule of `policy check`: what it finds, why it matters, an example and the repair
    Explain(ExplainArgs),
}

// `policy explain`.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Copy, Debug, ClapArgs, PartialEq)]
pub struct ExplainArgs {
    /// The rule [default: list all rules]
    #[arg(value_name = "RULE", value_parser = rule(), hide_possible_values = true)]
    pub rule: Option<Rule>,
}

fn rule() -> impl TypedValueParser<Value = Rule> {
    let known = |name: String| Rule::ALL.iter().copied().find(|rule| rule.slug() == name).ok_or("no rule");
    PossibleValuesParser::new(Rule::ALL.iter().map(|rule| rule.slug())).try_map(known)
}

// `policy print`.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct PrintArgs {
    /// json, terraform or cloudformation
    ///
    /// The output format: the policy document, or the code that creates the policy. Default: json.
    #[arg(long, value_name = "FORMAT", value_parser = one_of::<Format>(Format::NAMES), hide_possible_values = true)]
    pub format: Option<Format>,
    /// Allow password changes without MFA
    ///
    /// For users who must change their password at first sign-in.
    #[arg(long)]
    pub allow_first_password_change: bool,
    /// Let users manage their own access keys
    ///
    /// Only with MFA.
    #[arg(long)]
    pub own_access_keys: bool,
    /// Require MFA only in the console
    ///
    /// Long-term access keys then work without MFA, which AWS does not recommend.
    #[arg(long)]
    pub console_only: bool,
    /// For a group of users without MFA
    ///
    /// The group's policy allows only enrollment. Terraform and CloudFormation also create the group.
    #[arg(long, conflicts_with_all = ["own_access_keys", "console_only"])]
    pub quarantine_group: bool,
    /// The account ID
    ///
    /// Default: any account; in CloudFormation, the stack's account.
    #[arg(long, value_name = "ID")]
    pub account: Option<AccountId>,
    /// The partition, such as aws-cn
    ///
    /// Default: aws; in CloudFormation, the stack's partition.
    #[arg(long, value_name = "PARTITION")]
    pub partition: Option<Partition>,
    /// The group to attach the policy to
    ///
    /// With Terraform and CloudFormation. Default: a variable or a parameter; with --quarantine-group, MFAQuarantine.
    #[arg(long, value_name = "NAME", value_parser = group_name)]
    pub group: Option<String>,
    /// The users' path, such as /team/
    ///
    /// `*` means any path except `/`. Default: /.
    #[arg(long, value_name = "PATH")]
    pub user_path: Option<UserPath>,
}

// `policy check`.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct CheckArgs {
    /// Policies that apply together, or files that contain policies; `-` reads stdin
    ///
    /// A policy document, the output of an `aws iam` command, a plan or state from `terraform show -json`, Terraform
    /// code, or a CloudFormation template.
    #[arg(value_name = "FILE", required_unless_present = "user")]
    pub files: Vec<PathBuf>,
    /// Check this user's policies in IAM
    ///
    /// Reads the user's policies, the policies of the user's groups, and the permissions boundary. With a FILE that
    /// contains the policies of many users, checks only this user. A path before the name is optional.
    #[arg(long, value_name = "NAME", value_parser = user_name)]
    #[arg(conflicts_with_all = ["boundary", "kind", "user_name", "account", "partition", "fix"])]
    pub user: Option<String>,
    /// The profile to read IAM with
    ///
    /// Default: `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`, else `default`.
    #[arg(long, value_name = "PROFILE", value_parser = profile_name, conflicts_with = "files")]
    pub profile: Option<ProfileName>,
    /// Never prompt
    #[arg(long, conflicts_with = "files")]
    pub no_prompt: bool,
    /// A permissions boundary (repeatable)
    #[arg(long, value_name = "FILE")]
    pub boundary: Vec<PathBuf>,
    /// A role's trust policy (repeatable)
    ///
    /// The trust policy of a role that the user may assume.
    #[arg(long, value_name = "FILE")]
    pub trust: Vec<PathBuf>,
    /// A service control policy (repeatable)
    ///
    /// A policy of the organization. All of them are evaluated as if attached at the same level.
    #[arg(long, value_name = "FILE")]
    pub scp: Vec<PathBuf>,
    /// Kind: user, role, trust or organization
    ///
    /// Default: what the document indicates, else user.
    #[arg(long, value_name = "KIND", value_parser = one_of::<PolicyKind>(PolicyKind::NAMES), hide_possible_values = true)]
    pub kind: Option<PolicyKind>,
    /// The user's work, such as s3:GetObject
    ///
    /// An action that stands for it. Default: the first suitable one that the policies allow.
    #[arg(long, value_name = "ACTION", value_parser = action)]
    pub work: Option<String>,
    /// The user's name, optionally with a path
    ///
    /// Default: alice.
    #[arg(long, value_name = "NAME", value_parser = user_name)]
    pub user_name: Option<String>,
    /// The account ID
    ///
    /// Default: the account that the policies name.
    #[arg(long, value_name = "ID")]
    pub account: Option<AccountId>,
    /// The partition, such as aws-cn
    ///
    /// Default: the partition that the policies name.
    #[arg(long, value_name = "PARTITION", hide_short_help = true)]
    pub partition: Option<Partition>,
    /// Accept password changes without MFA
    ///
    /// They are intended, so they are not a failure.
    #[arg(long)]
    pub allow_first_password_change: bool,
    /// Accept access keys without MFA
    ///
    /// Only the console is meant to require MFA, so keys without it are not a failure.
    #[arg(long)]
    pub console_only: bool,
    /// Explain why an action is allowed or denied
    ///
    /// Prints the deciding statement for each way in, instead of a verdict. TEXT is SERVICE:NAME, or an AccessDenied
    /// message exactly as AWS printed it.
    #[arg(long, value_name = "TEXT", conflicts_with = "fix")]
    pub explain: Option<Question>,
    /// The resource for --explain
    ///
    /// Default: the resource in the message, else the user's own, else one that the policies name.
    #[arg(long, value_name = "ARN", requires = "explain", hide_short_help = true)]
    pub resource: Option<String>,
    /// table, json, sarif, github or markdown
    ///
    /// The output format: table is for people, json for scripts, sarif for code scanning, github for workflow
    /// annotations, and markdown for pull requests. Default: table.
    #[arg(long, value_name = "FORMAT", value_parser = one_of::<CheckFormat>(CheckFormat::NAMES))]
    #[arg(hide_possible_values = true, conflicts_with = "json")]
    pub format: Option<CheckFormat>,
    /// Print JSON, like `--format json`
    #[arg(long, hide_short_help = true)]
    pub json: bool,
    /// Print the repaired policies
    ///
    /// The changes go to stderr.
    #[arg(long)]
    pub fix: bool,
    /// Write the repaired policies, with --fix
    ///
    /// Writes them to their files, after showing the changes and asking.
    #[arg(long, requires = "fix")]
    pub write: bool,
    /// Do not ask, with --write
    #[arg(long, requires = "write")]
    pub yes: bool,
}

/// The output format of `policy check`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CheckFormat {
    /// For people.
    Table,
    /// For scripts.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of a GitHub workflow.
    Github,
    /// For a pull request.
    Markdown,
}

impl CheckFormat {
    const NAMES: [&str; 5] = ["table", "json", "sarif", "github", "markdown"];
}

impl std::str::FromStr for CheckFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        match name {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "sarif" => Ok(Self::Sarif),
            "github" => Ok(Self::Github),
            "markdown" => Ok(Self::Markdown),
            _ => Err(UnknownFormat),
        }
    }
}

/// An unknown output format.
#[derive(Debug, thiserror::Error)]
#[error("unknown format; expected one of {}", CheckFormat::NAMES.join(", "))]
pub struct UnknownFormat;

impl CheckArgs {
    /// The requested output format.
    pub fn format(&self) -> CheckFormat {
        self.format.unwrap_or(if self.json { CheckFormat::Json } else { CheckFormat::Table })
    }
}

pub(super) fn group_name(text: &str) -> Result<String, &'static str> {
    if (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b)) {
        Ok(text.to_owned())
    } else {
        Err("a group name can contain only A-Z, a-z, 0-9 and `_+=,.@-`")
    }
}

fn action(text: &str) -> Result<String, &'static str> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match text.split_once(':') {
        Some((service, name)) if is_word(service) && is_word(name) => Ok(text.to_owned()),
        _ => Err("expected `SERVICE:NAME`, such as `s3:GetObject`"),
    }
}

/// A user name without a path, as IAM's API calls take it.
pub(super) fn plain_user_name(text: &str) -> Result<String, &'static str> {
    if text.contains('/') { Err("a user name cannot have a path here") } else { user_name(text) }
}

fn user_name(text: &str) -> Result<String, &'static str> {
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    let name = text.strip_prefix('/').unwrap_or(text);
    if name.split('/').all(|part| !part.is_empty() && part.bytes().all(is_name)) {
        Ok(name.to_owned())
    } else {
        Err("a user name can contain only A-Z, a-z, 0-9 and `_+=,.@-`, after an optional path that ends in `/`")
    }
}
