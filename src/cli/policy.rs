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

/// What is done with policies.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum PolicyVerb {
    /// Print a policy that enforces MFA and lets users manage their own devices
    Print(Box<PrintArgs>),
    /// Check whether policies enforce MFA, and whether a new user gets through the first day
    Check(Box<CheckArgs>),
    /// Explain a rule of `policy check`: what it finds, why, an example and the repair
    Explain(ExplainArgs),
}

// `policy explain`.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Copy, Debug, ClapArgs, PartialEq)]
pub struct ExplainArgs {
    /// The rule [default: a list of all of them]
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
    /// The document, or what creates it. Default: json.
    #[arg(long, value_name = "FORMAT", value_parser = one_of::<Format>(Format::NAMES), hide_possible_values = true)]
    pub format: Option<Format>,
    /// Allow password changes without MFA
    ///
    /// For users who must change it at the first sign-in.
    #[arg(long)]
    pub allow_first_password_change: bool,
    /// Let users manage their own access keys
    ///
    /// With MFA.
    #[arg(long)]
    pub own_access_keys: bool,
    /// Require MFA only in the console
    ///
    /// Long-term access keys work without it, which AWS does not recommend.
    #[arg(long)]
    pub console_only: bool,
    /// A group for users without MFA
    ///
    /// It allows nothing but enrolling. Terraform and CloudFormation make the group, too.
    #[arg(long, conflicts_with_all = ["own_access_keys", "console_only"])]
    pub quarantine_group: bool,
    /// The account
    ///
    /// Default: any; in CloudFormation, the stack's.
    #[arg(long, value_name = "ID")]
    pub account: Option<AccountId>,
    /// The partition, such as aws-cn
    ///
    /// Default: aws; in CloudFormation, the stack's.
    #[arg(long, value_name = "PARTITION")]
    pub partition: Option<Partition>,
    /// The group to attach it to
    ///
    /// In Terraform and CloudFormation. Default: a variable, a parameter (with --quarantine-group: MFAQuarantine).
    #[arg(long, value_name = "NAME", value_parser = group_name)]
    pub group: Option<String>,
    /// The users' path, such as /team/
    ///
    /// `*` is every path but `/`. Default: /.
    #[arg(long, value_name = "PATH")]
    pub user_path: Option<UserPath>,
}

// `policy check`.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct CheckArgs {
    /// Policies that apply together, or files that contain some; `-` reads stdin
    ///
    /// A policy document, the output of an `aws iam` command, a plan or state from `terraform show -json`, Terraform code,
    /// or a CloudFormation template.
    #[arg(value_name = "FILE", required_unless_present = "user")]
    pub files: Vec<PathBuf>,
    /// Check this user's policies in IAM
    ///
    /// The user's own policies, those of the user's groups, and the permissions boundary. With a FILE that holds the
    /// policies of many users: those of this user.
    #[arg(long, value_name = "NAME", value_parser = plain_user_name)]
    #[arg(conflicts_with_all = ["boundary", "kind", "user_name", "account", "partition", "fix"])]
    pub user: Option<String>,
    /// The profile whose credentials read IAM
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
    /// Of a role that the user may assume.
    #[arg(long, value_name = "FILE")]
    pub trust: Vec<PathBuf>,
    /// A service control policy (repeatable)
    ///
    /// Of the organization. All of them count as attached at one level.
    #[arg(long, value_name = "FILE")]
    pub scp: Vec<PathBuf>,
    /// user, role, trust or organization
    ///
    /// What the policies are attached to. Default: as the document says, else user.
    #[arg(long, value_name = "KIND", value_parser = one_of::<PolicyKind>(PolicyKind::NAMES), hide_possible_values = true)]
    pub kind: Option<PolicyKind>,
    /// The user's work, such as s3:GetObject
    ///
    /// Default: what the policies allow.
    #[arg(long, value_name = "ACTION", value_parser = action)]
    pub work: Option<String>,
    /// The user's name, optionally with a path
    ///
    /// Default: alice.
    #[arg(long, value_name = "NAME", value_parser = user_name)]
    pub user_name: Option<String>,
    /// The account
    ///
    /// Default: the one that the policies name.
    #[arg(long, value_name = "ID")]
    pub account: Option<AccountId>,
    /// The partition, such as aws-cn
    ///
    /// Default: the one that the policies name.
    #[arg(long, value_name = "PARTITION", hide_short_help = true)]
    pub partition: Option<Partition>,
    /// Allow password changes without MFA
    ///
    /// It is intended, so it is not a failure.
    #[arg(long)]
    pub allow_first_password_change: bool,
    /// Require MFA only in the console
    ///
    /// It is intended, so it is not a failure.
    #[arg(long)]
    pub console_only: bool,
    /// Why an action is allowed or denied
    ///
    /// For each way in, the statement that decides, in place of a verdict. TEXT is SERVICE:NAME, or AWS's AccessDenied
    /// message as it was printed.
    #[arg(long, value_name = "TEXT", conflicts_with = "fix")]
    pub explain: Option<Question>,
    /// The resource of --explain
    ///
    /// Default: the one in the message, else the user's own, else one that the policies name.
    #[arg(long, value_name = "ARN", requires = "explain", hide_short_help = true)]
    pub resource: Option<String>,
    /// table, json, sarif, github or markdown
    ///
    /// For people; for scripts; for code scanning; as annotations of a GitHub workflow; for a pull request. Default:
    /// table.
    #[arg(long, value_name = "FORMAT", value_parser = one_of::<CheckFormat>(CheckFormat::NAMES))]
    #[arg(hide_possible_values = true, conflicts_with = "json")]
    pub format: Option<CheckFormat>,
    /// Print JSON: `--format json`
    #[arg(long, hide_short_help = true)]
    pub json: bool,
    /// Print the repaired policies
    ///
    /// And the changes, on stderr.
    #[arg(long)]
    pub fix: bool,
    /// Write them to their files, with --fix
    ///
    /// After showing the changes and asking.
    #[arg(long, requires = "fix")]
    pub write: bool,
    /// Do not ask, with --write
    #[arg(long, requires = "write")]
    pub yes: bool,
}

/// What the result of a check is printed as.
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

/// A word that names no format.
#[derive(Debug, thiserror::Error)]
#[error("a result is printed as one of {}", CheckFormat::NAMES.join(", "))]
pub struct UnknownFormat;

impl CheckArgs {
    /// What the result is printed as.
    pub fn format(&self) -> CheckFormat {
        self.format.unwrap_or(if self.json { CheckFormat::Json } else { CheckFormat::Table })
    }
}

pub(super) fn group_name(text: &str) -> Result<String, &'static str> {
    if (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b)) {
        Ok(text.to_owned())
    } else {
        Err("a group name has only A-Z, a-z, 0-9 and `_+=,.@-`")
    }
}

fn action(text: &str) -> Result<String, &'static str> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match text.split_once(':') {
        Some((service, name)) if is_word(service) && is_word(name) => Ok(text.to_owned()),
        _ => Err("an action is `SERVICE:NAME`, such as `s3:GetObject`"),
    }
}

/// IAM's calls take a name alone.
pub(super) fn plain_user_name(text: &str) -> Result<String, &'static str> {
    if text.contains('/') { Err("a user name cannot have a path here") } else { user_name(text) }
}

fn user_name(text: &str) -> Result<String, &'static str> {
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    let name = text.strip_prefix('/').unwrap_or(text);
    if name.split('/').all(|part| !part.is_empty() && part.bytes().all(is_name)) {
        Ok(name.to_owned())
    } else {
        Err("a user name has only A-Z, a-z, 0-9 and `_+=,.@-`, after an optional path that ends in `/`")
    }
}
