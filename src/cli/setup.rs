//! `mfa-cred setup`: the arguments.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::Whose;
use super::options::{profile_name, shell_with};
use crate::names::{DeviceName, NamedRole, ProfileName, Region};
use crate::shell::Shell;

// `setup`.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct SetupArgs {
    /// The user's profile, which may be new [default: asked]
    #[arg(value_name = "PROFILE", value_parser = profile_name)]
    pub named: Option<ProfileName>,
    /// Whose key and device.
    #[command(flatten)]
    pub whose: Whose,
    /// The CSV file that the AWS console offers with a new access key
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Read the key ID and the secret from stdin: two lines, or what `aws iam create-access-key` prints
    #[arg(long, conflicts_with_all = ["csv", "env"], hide_short_help = true)]
    pub stdin: bool,
    /// Take `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` from the environment
    #[arg(long, conflicts_with = "csv", hide_short_help = true)]
    pub env: bool,
    /// Delete the CSV file once its key is sealed
    #[arg(long, requires = "csv")]
    pub delete_csv: bool,
    /// The region to write into the profile
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,
    /// Which device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// A role to write a profile for
    ///
    /// Its name, if it is in the user's account; else an ARN, ACCOUNT:ROLE or PARTITION:ACCOUNT:ROLE.
    #[arg(long, value_name = "ARN|NAME")]
    pub role_arn: Option<NamedRole>,
    /// The name of the role's profile [default: the role's name]
    #[arg(long = "as", value_name = "NAME", value_parser = profile_name, requires = "role_arn", hide_short_help = true)]
    pub role_profile: Option<ProfileName>,
    /// The shell whose startup file is changed [default: the shell that runs this]
    #[arg(long, value_name = "SHELL", value_parser = shell_with(|dialect| dialect.init.as_ref()), hide_short_help = true)]
    pub shell: Option<Shell>,
    /// The MFA code for the sign-in; `-` reads it from stdin
    ///
    /// On the command line, all users can see it in the process list while the program runs.
    #[arg(long, value_name = "CODE|-", allow_hyphen_values = true)]
    pub mfa_token: Option<String>,
    /// Skip a step (repeatable): key, device, role, shell or login
    #[arg(long, value_name = "STEP", hide_possible_values = true)]
    pub skip: Vec<SetupStep>,
    /// Answer yes to every question except the codes; keeps the CSV file
    #[arg(long, short)]
    pub yes: bool,
}

// The device of the user.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
pub struct DeviceArgs {
    /// The MFA device to use [default: the only one]
    ///
    /// Its serial or its name. By default, you choose if there are several.
    #[arg(long = "device", value_name = "SERIAL|NAME", conflicts_with = "enroll")]
    pub serial: Option<String>,
    /// Create an MFA device even if there is one
    #[arg(long, hide_short_help = true)]
    pub enroll: bool,
    /// The name of a new device [default: USER-HOST]
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub name: Option<DeviceName>,
    /// Show the seed of a new device as text too, for an app that cannot scan
    #[arg(long, hide_short_help = true)]
    pub seed: bool,
}

/// A part of `setup`, in the order in which they are done.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum SetupStep {
    /// The profile and its access key.
    Key,
    /// The MFA device.
    Device,
    /// The profile of a role.
    Role,
    /// The shell's startup file.
    Shell,
    /// The first sign-in.
    Login,
}

impl SetupStep {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Key, Self::Device, Self::Role, Self::Shell, Self::Login];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Key => "access key",
            Self::Device => "MFA device",
            Self::Role => "role",
            Self::Shell => "shell",
            Self::Login => "sign-in",
        }
    }
}
