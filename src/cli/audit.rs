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
    /// The profile to read IAM with [default: the shell's, else `default`]
    ///
    /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. Without one, on a
    /// terminal, you pick one from a list.
    #[arg(value_name = "PROFILE", value_parser = profile_name)]
    pub named: Option<ProfileName>,
    /// The profile, as an option
    #[arg(long, hide_short_help = true, value_name = "PROFILE", value_parser = profile_name)]
    pub profile: Option<ProfileName>,
    /// Never prompt
    #[arg(long, hide_short_help = true)]
    pub no_prompt: bool,
    /// Use the credential report: IAM's, or FILE offline
    ///
    /// FILE is the CSV, or the output of `aws iam get-credential-report`; `-` reads stdin. IAM's report may be up to
    /// four hours old. Default: IAM's report if there are more than 200 users.
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    #[allow(clippy::option_option, reason = "an option that may have a value")]
    pub report: Option<Option<PathBuf>>,
    /// Query each user, no matter how many there are
    #[arg(long, conflicts_with = "report")]
    pub live: bool,
    /// Run only this check (repeatable, comma-separated)
    ///
    /// The ID of a check. docs/audit.md explains each.
    #[arg(long, value_name = "ID", value_parser = question(), value_delimiter = ',')]
    pub only: Vec<Question>,
    /// Ignore these findings: ID, or ID=USER (repeatable)
    ///
    /// USER can also be a group, or `<root_account>`.
    #[arg(long, value_name = "ID=USER", value_delimiter = ' ')]
    pub ignore: Vec<Pattern>,
    /// Ignore the findings that this file accepts
    ///
    /// One per line, such as `key-without-mfa=ci until 2026-12-31`; `in ACCOUNT` limits a line to one account.
    #[arg(long, value_name = "FILE")]
    pub accept: Option<PathBuf>,
    /// The maximum age of an access key [default: 90d]
    #[arg(long, hide_short_help = true, value_name = "DAYS", value_parser = days, default_value = "90d", hide_default_value = true)]
    pub key_age: u32,
    /// How long a key or password may go unused [default: 45d]
    #[arg(long, hide_short_help = true, value_name = "DAYS", value_parser = days, default_value = "45d", hide_default_value = true)]
    pub unused: u32,
    /// Audit the accounts of all profiles like '*-audit'
    #[arg(long, value_name = "GLOB", conflicts_with_all = ["named", "profile", "accounts"])]
    pub profiles: Option<String>,
    /// Audit these accounts, through a role in each
    ///
    /// FILE has one account ID per line, optionally followed by a name; `-` reads stdin.
    #[arg(long, value_name = "FILE", requires = "role_name")]
    pub accounts: Option<PathBuf>,
    /// The role to assume in each account, with --accounts
    #[arg(long, value_name = "ROLE", requires = "accounts")]
    pub role_name: Option<String>,
    /// Also write an HTML report to this file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Move users without MFA into this group
    ///
    /// Users in the group who have MFA by now are removed from it. Without `--apply`, only shows the changes. The
    /// group's policy must allow enrollment and deny everything else without MFA, like the one that `policy print
    /// --quarantine-group` prints.
    #[arg(long, value_name = "GROUP", value_parser = group_name)]
    #[arg(conflicts_with_all = ["report", "live", "only", "ignore", "accept", "profiles", "accounts", "html", "csv"])]
    pub quarantine: Option<String>,
    /// Make the changes, with --quarantine
    #[arg(long, hide_short_help = true, requires = "quarantine")]
    pub apply: bool,
    /// Skip this user, with --quarantine (repeatable)
    #[arg(long, hide_short_help = true, value_name = "USER", requires = "quarantine", value_parser = plain_user_name)]
    pub except: Vec<String>,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print CSV
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
    number.ok_or("expected a number of days, such as `90d`")
}
