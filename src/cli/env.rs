//! The arguments of `env`, and of the bare `mfa-cred PROFILE`.

use clap::Args as ClapArgs;
use clap::error::ErrorKind;

use super::options::{Obtain, one_of, profile_name};
use super::{Args, Verb, usage};
use crate::names::ProfileName;
use crate::output::Format;

// `env`, and the bare `mfa-cred PROFILE`.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
pub struct EnvArgs {
    /// The profile [default: the shell's, else `default`]
    ///
    /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. Without one, on a
    /// terminal, you pick one from a list.
    #[arg(value_name = "PROFILE", value_parser = profile_name, index = 1)]
    pub profile: Option<ProfileName>,
    /// The profile, as an option
    #[arg(long = "profile", id = "as_option", value_name = "PROFILE", value_parser = profile_name)]
    pub as_option: Option<ProfileName>,
    /// The shell to write for, or json, dotenv
    ///
    /// One of posix, fish, powershell, cmd, nu, elvish, xonsh, tcsh, json and dotenv. Default: the shell that runs
    /// this, else `$SHELL`.
    #[arg(long, value_name = "FORMAT", value_parser = one_of::<Format>(Format::all().map(Format::name)), hide_possible_values = true)]
    pub format: Option<Format>,
    /// Set AWS_PROFILE instead of keys
    ///
    /// The profile must be wired (`mfa-cred wire`). AWS_PROFILE and the region are set, and keys are cleared. The AWS CLI
    /// and every SDK then renew the credentials by themselves.
    #[arg(long)]
    pub as_profile: bool,
    /// How to obtain them.
    #[command(flatten)]
    pub obtain: Obtain,
}

/// SDKs run `mfa-cred process PROFILE` for a wired profile, so options that change the credentials would be lost.
pub(super) fn by_name(args: Args) -> Result<Args, clap::Error> {
    if let Verb::Env(env) = &args.verb
        && env.as_profile
        && !env.obtain.leaves_credentials_as_configured()
    {
        let text = "`--as-profile` cannot be combined with options that change the credentials: SDKs get those that the \
                    profile describes";
        return Err(usage(ErrorKind::ArgumentConflict, text.to_owned()));
    }
    Ok(args)
}
