//! `mfa-cred doctor`: the arguments.

use clap::Args as ClapArgs;

use super::options::profile_name;
use crate::names::ProfileName;

// `doctor`.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
pub struct DoctorArgs {
    /// The profile [default: the shell's, else `default`]
    ///
    /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. It never prompts.
    #[arg(value_name = "PROFILE", value_parser = profile_name)]
    pub profile: Option<ProfileName>,
    /// The profile, as an option
    #[arg(long = "profile", id = "as_option", value_name = "PROFILE", value_parser = profile_name)]
    pub as_option: Option<ProfileName>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Hide IDs and names, so that the report can be shared
    ///
    /// Account IDs, access key IDs, the names of users, devices, role sessions and hosts, and the path of the home
    /// folder.
    #[arg(long)]
    pub redact: bool,
    /// Skip the checks that need the network
    #[arg(long)]
    pub offline: bool,
}
