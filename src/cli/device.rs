//! `mfa-cred device …`: the arguments.

use clap::{Args as ClapArgs, Subcommand};

use super::options::profile_name;
use crate::names::{DeviceName, ProfileName};

/// The subcommands of `device`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum DeviceVerb {
    /// List your MFA devices, and the profiles that use them
    List {
        /// The user's profile [default: the shell's, else `default`]
        ///
        /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. Without one,
        /// on a terminal, you pick one from a list.
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        named: Option<ProfileName>,
        /// The profile whose credentials sign the calls.
        #[command(flatten)]
        whose: Whose,
        /// List another user's devices, as an administrator
        #[arg(long, value_name = "USER")]
        user: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Create an MFA device: scan its QR code, type two codes
    Enroll {
        /// The user's profile [default: the shell's, else `default`]
        ///
        /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. Without one,
        /// on a terminal, you pick one from a list.
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        named: Option<ProfileName>,
        /// The profile of the user who gets the device.
        #[command(flatten)]
        whose: Whose,
        /// The name of the device [default: USER-HOST]
        #[arg(long, value_name = "NAME")]
        name: Option<DeviceName>,
        /// Show the seed as text too, for an app that cannot scan
        #[arg(long)]
        seed: bool,
        /// Keep the seed, sealed, so that nobody has to type codes (see `keep-seed`)
        #[arg(long)]
        keep_seed: bool,
        /// Answer yes to every question except the codes
        #[arg(long, short)]
        yes: bool,
    },
    /// Resynchronize a device with AWS: type two codes
    Resync {
        /// The device's serial or name, or the user's profile [default: the profile's device]
        #[arg(value_name = "SERIAL|PROFILE")]
        serial: Option<String>,
        /// The profile of the user who has the device.
        #[command(flatten)]
        whose: Whose,
    },
    /// Keep a device's seed, sealed, so that nobody has to type codes
    ///
    /// Type the seed, or pass it on stdin as base32 or as the `otpauth` address of a QR code. It is kept only if AWS accepts a
    /// code made from it, and used only by profiles with `mfa_source = seed`. Anyone who can use your account on this machine
    /// can then sign in without you, because both factors are on it.
    KeepSeed {
        /// The device's serial or name, or the user's profile [default: the profile's device]
        #[arg(value_name = "SERIAL|PROFILE")]
        serial: Option<String>,
        /// The profile of the user who has the device.
        #[command(flatten)]
        whose: Whose,
        /// Read the seed from stdin
        #[arg(long)]
        stdin: bool,
        /// Answer yes to every question
        #[arg(long, short)]
        yes: bool,
    },
    /// Forget a device's kept seed
    ForgetSeed {
        /// The device's serial, or the user's profile [default: the profile's device]
        #[arg(value_name = "SERIAL|PROFILE")]
        serial: Option<String>,
        /// The profile of the user who has the device.
        #[command(flatten)]
        whose: Whose,
        /// Answer yes to every question
        #[arg(long, short)]
        yes: bool,
    },
    /// Deactivate a device and delete it, with MFA
    Remove {
        /// The device's serial or name, or the user's profile [default: the profile's device]
        #[arg(value_name = "SERIAL|PROFILE")]
        serial: Option<String>,
        /// The profile of the user who has the device.
        #[command(flatten)]
        whose: Whose,
        /// Answer yes to every question except the codes
        #[arg(long, short)]
        yes: bool,
    },
}

// The profile of the user whose devices are meant.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
pub struct Whose {
    /// The user's profile, as an option
    #[arg(long, value_name = "PROFILE", value_parser = profile_name)]
    pub profile: Option<ProfileName>,
    /// Never prompt
    #[arg(long)]
    pub no_prompt: bool,
}
