//! `mfa-cred serve`, and `exec` with an endpoint.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::Obtain;
use super::options::profile_name;
use crate::names::{HostHeader, ProfileName};
use crate::output::Format;

// The endpoint.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
pub struct ServeArgs {
    /// The profiles [default: the shell's, else `default`]
    ///
    /// Each has its own URL. The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else
    /// `$AWS_DEFAULT_PROFILE`. Without one, on a terminal, you pick one from a list.
    #[arg(value_name = "PROFILE", value_parser = profile_name)]
    pub profiles: Vec<ProfileName>,
    /// The profile, as an option
    #[arg(long = "profile", id = "as_option", value_name = "PROFILE", value_parser = profile_name)]
    pub as_option: Option<ProfileName>,
    /// The port of 127.0.0.1 [default: any free one]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Keep the token in this file
    ///
    /// The token then stays the same when the server is restarted. If the file does not exist, it is created with a random token, readable by you alone. By default, each
    /// server has a new token that is not in any file.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Also accept this `Host` header (repeatable)
    ///
    /// For clients that reach the server through a bridge or a tunnel, such as 169.254.170.2, or 127.0.0.1:9911 at the
    /// other end of an SSH tunnel. An IP address or localhost, with or without a port.
    #[arg(long = "allow-host", value_name = "HOST", hide_short_help = true)]
    pub allowed_hosts: Vec<HostHeader>,
    /// Print the variables for a running server
    ///
    /// This starts no server: one of yours that serves PROFILE must be running. FORMAT is one of posix, fish, powershell,
    /// cmd, nu, elvish, xonsh, tcsh, json, dotenv and docker (for `docker run --env-file`).
    #[arg(long, value_name = "FORMAT", value_parser = formats(), hide_possible_values = true,
        conflicts_with_all = ["port", "token_file", "allowed_hosts"])]
    pub print_env: Option<Format>,
    /// How to obtain them.
    #[command(flatten)]
    pub obtain: Obtain,
}

/// Those of `env`, and Docker's name for one of them.
fn formats() -> impl TypedValueParser<Value = Format> {
    let names = Format::all().map(Format::name).chain(["docker"]).map(PossibleValue::new);
    PossibleValuesParser::new(names)
        .try_map(|name| if name == "docker" { Ok(Format::Dotenv) } else { name.parse::<Format>() })
}
