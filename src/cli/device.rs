//! `mfa-cred device …`

use clap::{Args as ClapArgs, Subcommand};

use super::options::profile_name;
use crate::names::{DeviceName, ProfileName};

/// What is done with MFA devices.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum DeviceVerb {
    /// List your MFA devices, and which profiles name them
    List {
        /// The user's profile [default: the shell's, else `default`]
        ///
        /// The shell's is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`; a person without one picks it.
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        named: Option<ProfileName>,
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
        /// The user's profile [default: the shell's, else `default`]
        ///
        /// The shell's is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`; a person without one picks it.
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        named: Option<ProfileName>,
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
        /// The device's serial or name, or the user's profile [default: the profile's device]
        #[arg(value_name = "SERIAL|PROFILE")]
        serial: Option<String>,
        /// Whose it is.
        #[command(flatten)]
        whose: Whose,
    },
    /// Deactivate a device and delete it, with MFA
    Remove {
        /// The device's serial or name, or the user's profile [default: the profile's device]
        #[arg(value_name = "SERIAL|PROFILE")]
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
    /// The user's profile, as an option
    #[arg(long, value_name = "PROFILE", value_parser = profile_name)]
    pub profile: Option<ProfileName>,
    /// Never ask a person
    #[arg(long)]
    pub no_prompt: bool,
}
