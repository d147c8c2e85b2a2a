//! `mfa-cred audit`: the arguments.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::options::profile_name;
use super::policy::{group_name, plain_user_name};
use crate::audit::accepted::Pattern;
use crate::audit::question::Question;
use crate::names::ProfileName;

// `audit`.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct AuditArgs {
    /// Whose credentials read IAM [default: the shell's, else `default`]
    ///
    /// The shell's is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`; a person without one picks it.
    #[arg(value_name = "PROFILE", value_parser = profile_name)]
    pub named: Option<ProfileName>,
    /// The profile, as an option
    #[arg(long, hide_short_help = true, value_name = "PROFILE", value_parser = profile_name)]
    pub profile: Option<ProfileName>,
    /// Never ask a person
    #[arg(long, hide_short_help = true)]
    pub no_prompt: bool,
    /// Read the credential report: IAM's, or FILE offline
    ///
    /// FILE is the CSV, or what `aws iam get-credential-report` prints; `-` is stdin. IAM's may be four hours old.
    /// Default: IAM's where there are more than 200 users.
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    #[allow(clippy::option_option, reason = "an option that may have a value")]
    pub report: Option<Option<PathBuf>>,
    /// Ask about each user, however many there are
    #[arg(long, conflicts_with = "report")]
    pub live: bool,
    /// Ask only this (repeatable, or with commas)
    ///
    /// The id of a question. docs/audit.md explains each.
    #[arg(long, value_name = "ID", value_parser = question(), value_delimiter = ',')]
    pub only: Vec<Question>,
    /// Do not count this: ID, or ID=USER (repeatable)
    ///
    /// USER may be a group too, and `<root_account>`.
    #[arg(long, value_name = "ID=USER", value_delimiter = ' ')]
    pub ignore: Vec<Pattern>,
    /// Do not count what this file accepts
    ///
    /// Lines such as `key-without-mfa=ci until 2026-12-31`; `in ACCOUNT` limits one to an account.
    #[arg(long, value_name = "FILE")]
    pub accept: Option<PathBuf>,
    /// How old access keys may be [default: 90d]
    #[arg(long, hide_short_help = true, value_name = "DAYS", value_parser = days, default_value = "90d", hide_default_value = true)]
    pub key_age: u32,
    /// How long nobody need use a key or password [default: 45d]
    #[arg(long, hide_short_help = true, value_name = "DAYS", value_parser = days, default_value = "45d", hide_default_value = true)]
    pub unused: u32,
    /// Audit the accounts of all profiles that match, such as '*-audit'
    #[arg(long, value_name = "GLOB", conflicts_with_all = ["named", "profile", "accounts"])]
    pub profiles: Option<String>,
    /// Audit these accounts, by a role in each
    ///
    /// A file with an account id in each line, and its name if you like; `-` is stdin.
    #[arg(long, value_name = "FILE", requires = "role_name")]
    pub accounts: Option<PathBuf>,
    /// The role, with --accounts
    #[arg(long, value_name = "ROLE", requires = "accounts")]
    pub role_name: Option<String>,
    /// Write a page for browsers, too
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Move users without MFA into this group
    ///
    /// And users who have it out of it. Shows what `--apply` would change. The group must leave enrolling open and deny the rest without MFA, as the one of
    /// `policy print --quarantine-group`.
    #[arg(long, value_name = "GROUP", value_parser = group_name)]
    #[arg(conflicts_with_all = ["report", "live", "only", "ignore", "accept", "profiles", "accounts", "html", "csv"])]
    pub quarantine: Option<String>,
    /// Make the changes, with --quarantine
    #[arg(long, hide_short_help = true, requires = "quarantine")]
    pub apply: bool,
    /// Leave this user alone, with --quarantine (repeatable)
    #[arg(long, hide_short_help = true, value_name = "USER", requires = "quarantine", value_parser = plain_user_name)]
    pub except: Vec<String>,
    /// As JSON
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// As CSV
    #[arg(long)]
    pub csv: bool,
}

fn question() -> impl TypedValueParser<Value = Question> {
    let known =
        |slug: String| Question::ALL.iter().copied().find(|question| question.slug() == slug).ok_or("no question");
    PossibleValuesParser::new(Question::ALL.iter().map(|question| question.slug())).try_map(known)
}

/// `90` or `90d`.
fn days(text: &str) -> Result<u32, &'static str> {
    let number = text.strip_suffix('d').unwrap_or(text).parse().ok().filter(|days| (1..=36_500).contains(days));
    number.ok_or("it is a number of days, such as `90d`")
}
