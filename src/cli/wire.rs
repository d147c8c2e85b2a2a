//! `mfa-cred wire`, `unwire`, `write` and `unwrite`

use clap::Args as ClapArgs;

use super::ProfileArgs;
use super::options::profile_name;
use crate::names::{ProfileName, Region};

// Which profiles SDKs get.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct WireArgs {
    /// The profiles [default: the shell's, else `default`]
    ///
    /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. Without one, on a
    /// terminal, you pick one from a list.
    #[arg(value_name = "PROFILE", value_parser = profile_name, conflicts_with = "all")]
    pub profiles: Vec<ProfileName>,
    /// The profile, as an option
    #[arg(long = "profile", id = "as_option", value_name = "PROFILE", value_parser = profile_name, conflicts_with = "all")]
    pub as_option: Option<ProfileName>,
    /// Every profile that has a role or an MFA device
    #[arg(long)]
    pub all: bool,
    /// The name of the second profile [default: PROFILE-mfa]
    #[arg(long = "as", value_name = "NAME", value_parser = profile_name, conflicts_with = "all")]
    pub name: Option<ProfileName>,
    /// For the roles of an SSO session.
    #[command(flatten)]
    pub of_sso: WireSsoArgs,
    /// Print the change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Answer yes to every question
    #[arg(long, short)]
    pub yes: bool,
}

// A profile for each role.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
pub struct WireSsoArgs {
    /// A profile for each role that you may use with an SSO session
    ///
    /// The session may be left out if there is only one. The profiles are called SESSION-ACCOUNT-ROLE, with the account's
    /// name; one that is there already keeps its name.
    #[arg(long, value_name = "SESSION", num_args = 0..=1, conflicts_with_all = ["profiles", "as_option", "all", "name"])]
    #[allow(clippy::option_option, reason = "an option whose value may be left out")]
    pub sso: Option<Option<String>>,
    /// With --sso: only this account, by its ID or name (repeatable)
    #[arg(long = "account", value_name = "ACCOUNT", requires = "sso")]
    pub accounts: Vec<String>,
    /// With --sso: only this role (repeatable)
    #[arg(long = "role", value_name = "ROLE", requires = "sso")]
    pub roles: Vec<String>,
    /// With --sso: how the names start [default: SESSION-]
    #[arg(long, value_name = "TEXT", requires = "sso", hide_short_help = true)]
    pub prefix: Option<String>,
    /// With --sso: the region of the profiles
    ///
    /// Default: `region` of mfa-cred's own settings, else the SSO session's. A profile that is there already keeps its
    /// own.
    #[arg(long, value_name = "REGION", requires = "sso", hide_short_help = true)]
    pub region: Option<Region>,
    /// With --sso: print the profiles as JSON
    #[arg(long, requires = "sso", hide_short_help = true)]
    pub json: bool,
}

// Which profiles SDKs lose.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct UnwireArgs {
    /// The profiles, or the sections that were written for them [default: the shell's, else `default`]
    ///
    /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. Without one, on a
    /// terminal, you pick one from a list.
    #[arg(value_name = "PROFILE", value_parser = profile_name, conflicts_with = "all")]
    pub profiles: Vec<ProfileName>,
    /// The profile, as an option
    #[arg(long = "profile", id = "as_option", value_name = "PROFILE", value_parser = profile_name, conflicts_with = "all")]
    pub as_option: Option<ProfileName>,
    /// Everything that `wire` wrote
    #[arg(long)]
    pub all: bool,
    /// The profiles that `wire --sso` wrote for this session
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["profiles", "as_option", "all"])]
    pub sso: Option<String>,
    /// Answer yes to every question
    #[arg(long, short)]
    pub yes: bool,
}

// Credentials in a file.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct WriteArgs {
    /// The section of the credentials file
    #[arg(long = "as", value_name = "NAME", value_parser = profile_name)]
    pub name: ProfileName,
    /// The profile and its options.
    #[command(flatten)]
    pub target: Box<ProfileArgs>,
}

// Credentials to be taken out of the file.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct UnwriteArgs {
    /// The sections, or the profiles whose credentials they hold
    #[arg(value_name = "NAME", value_parser = profile_name, required_unless_present = "all", conflicts_with = "all")]
    pub names: Vec<ProfileName>,
    /// Everything that `write` wrote
    #[arg(long)]
    pub all: bool,
}
