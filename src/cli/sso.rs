//! Options of a sign-in to IAM Identity Center, and of its end.

use clap::Args as ClapArgs;

use super::options::profile_name;
use crate::names::ProfileName;

// How the person confirms it.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Copy, Debug, Default, ClapArgs, PartialEq)]
pub struct SignInArgs {
    /// SSO: open no browser, print the address
    #[arg(long, hide_short_help = true)]
    pub no_browser: bool,
    /// SSO: confirm a code, on any device
    ///
    /// This is the default without a display, over SSH, and for profiles without `sso_session`.
    #[arg(long, hide_short_help = true)]
    pub use_device_code: bool,
}

// Which sign-ins end.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct LogoutArgs {
    /// The profiles [default: the shell's, else the only SSO session]
    ///
    /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. Without one, it is
    /// the SSO session of the config file, if there is only one.
    #[arg(value_name = "PROFILE", value_parser = profile_name)]
    pub profiles: Vec<ProfileName>,
    /// The profile, as an option
    #[arg(long = "profile", id = "as_option", value_name = "PROFILE", value_parser = profile_name)]
    pub as_option: Option<ProfileName>,
    /// Sign out of an SSO session, without a profile
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["profiles", "as_option", "all"])]
    pub sso: Option<String>,
    /// Sign out of every SSO session in the AWS files
    #[arg(long, conflicts_with_all = ["profiles", "as_option"])]
    pub all: bool,
}
