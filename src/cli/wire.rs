//! `mfa-cred wire`, `unwire`, `write` and `unwrite`

use clap::Args as ClapArgs;

use super::ProfileArgs;
use super::options::profile_name;
use crate::names::ProfileName;

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
    /// Answer yes to every question
    #[arg(long, short)]
    pub yes: bool,
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
