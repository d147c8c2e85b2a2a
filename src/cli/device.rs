//! `mfa-cred device …`

use clap::{Args as ClapArgs, Subcommand};

use super::options::profile_name;
use crate::names::{DeviceName, ProfileName};

/// What is done with MFA devices.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum DeviceVerb {
    /// List your MFA devices, which of them take codes here, and which profiles name them
    List {
        /// Whose credentials ask.
        #[command(flatten)]
        whose: Whose,
        /// Those of another user, which an administrator may see
        #[arg(long, value_name = "USER")]
        user: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a new MFA device: scan its QR code, type two codes
    Enroll {
        /// Who gets it.
        #[command(flatten)]
        whose: Whose,
        /// What it is called [default: USER-HOST]
        #[arg(long, value_name = "NAME")]
        name: Option<DeviceName>,
        /// Show the seed as text too, for an app that cannot scan
        #[arg(long)]
        seed: bool,
        /// Answer every question but the codes with yes
        #[arg(long, short)]
        yes: bool,
    },
    /// Set right what AWS believes of a device's clock: type two codes
    Resync {
        /// The device's serial or name [default: the profile's]
        #[arg(value_name = "SERIAL")]
        serial: Option<String>,
        /// Whose it is.
        #[command(flatten)]
        whose: Whose,
    },
    /// Deactivate a device and delete it, with MFA
    Remove {
        /// The device's serial or name [default: the profile's]
        #[arg(value_name = "SERIAL")]
        serial: Option<String>,
        /// Whose it is.
        #[command(flatten)]
        whose: Whose,
        /// Answer every question but the codes with yes
        #[arg(long, short)]
        yes: bool,
    },
}

// The profile whose user it is about.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
pub struct Whose {
    /// The profile of the user [default: `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`, else `default`]
    #[arg(long, value_name = "PROFILE", value_parser = profile_name)]
    pub profile: Option<ProfileName>,
    /// Never ask a person
    #[arg(long)]
    pub no_prompt: bool,
}
