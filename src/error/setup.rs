//! Why a step of `setup` failed, and what to do about it.

use std::path::PathBuf;

use crate::disk::replace::ReplaceError;
use crate::execute::ExecuteError;
use crate::host::TerminalError;
use crate::messages::ours;
use crate::names::{MfaSerial, NameError, ProfileName};
use crate::plan::Origin;
use crate::profile::edit::EditError;

/// Why a step of `setup` failed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No terminal for the questions.
    #[error("`setup` asks questions, and there is no terminal to ask on")]
    NobodyThere,
    /// A question got no answer.
    #[error("setup is not finished")]
    Terminal(#[source] TerminalError),
    /// Nothing says where the key is.
    #[error("profile `{0}` has no access key yet")]
    NoKey(ProfileName),
    /// The profile is a role's.
    #[error("{origin}: profile `{profile}` assumes a role, and `setup` needs the profile of a user")]
    OfRole {
        /// The `role_arn`.
        origin: Origin,
        /// The profile.
        profile: ProfileName,
        /// Its `source_profile`.
        source_profile: Option<ProfileName>,
    },
    /// The profile signs in otherwise.
    #[error("{origin}: profile `{profile}` signs in without an access key")]
    WithoutKey {
        /// What it signs in with.
        origin: Origin,
        /// The profile.
        profile: ProfileName,
    },
    /// Several devices, and nobody to choose.
    #[error("user `{user}` has several MFA devices: {}", .devices.iter().map(MfaSerial::as_str).collect::<Vec<_>>().join(", "))]
    WhichDevice {
        /// The user.
        user: String,
        /// Those whose codes AWS accepts.
        devices: Vec<MfaSerial>,
    },
    /// A device whose codes AWS's API does not accept.
    #[error("{serial} cannot be used here: {why}")]
    Unusable {
        /// The device.
        serial: MfaSerial,
        /// Why.
        why: &'static str,
    },
    /// AWS does not let the user assume the role.
    #[error("the role's profile was not written")]
    RoleRefused(#[source] Box<ExecuteError>),
    /// The account of the user would make the role's ARN too long.
    #[error("that is not a role of the user's account")]
    Role(#[source] NameError),
    /// `--stdin`, and the code on stdin too.
    #[error("stdin gives the access key (`--stdin`) or the code (`--mfa-token -`), and not both")]
    StdinTwice,
    /// The role's profile exists, and is another one.
    #[error("profile `{0}` exists already, and is not a profile of that role for this user")]
    RoleName(ProfileName),
    /// The AWS files.
    #[error("the profile was not written")]
    Edit(#[from] EditError),
    /// A startup file.
    #[error("the shell's startup file was not written")]
    Startup {
        /// What to do by hand.
        instead: String,
        /// Why.
        source: ReplaceError,
    },
    /// Nothing can be installed for the shell, or for none.
    #[error("{0}")]
    NoStartup(&'static str),
    /// The CSV file.
    #[error("`{}` was not deleted", path.display())]
    CsvKept {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl SetupError {
    /// A startup file that was not replaced.
    pub fn startup(source: ReplaceError, instead: String) -> Self {
        Self::Startup { instead, source }
    }

    /// What to do about it, if known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NobodyThere => {
                "`--yes` answers them; `--csv FILE`, `--stdin` or `--env` gives the access key".to_owned()
            }
            Self::Terminal(_) => "run the same command again: it goes on from here".to_owned(),
            Self::NoKey(_) => {
                "`--csv FILE` names the file that the AWS console offers with a new access key; `--stdin` and `--env` \
                 give it otherwise"
                    .to_owned()
            }
            Self::OfRole { source_profile: Some(source), .. } => {
                format!("{} sets up its user", ours("setup", Some(source)))
            }
            Self::OfRole { .. } => "choose another name for the user's profile".to_owned(),
            Self::WithoutKey { profile, .. } => {
                format!("{} signs in; for an access key, choose another name", ours("login", Some(profile)))
            }
            Self::WhichDevice { .. } => "choose one with `--device`".to_owned(),
            Self::Unusable { .. } => ALTERNATIVES.to_owned(),
            Self::RoleRefused(_) => {
                "check its name, and that its trust policy names the user; `--skip login` writes the profile untried"
                    .to_owned()
            }
            Self::Role(_) => "name the role by its ARN".to_owned(),
            Self::StdinTwice => {
                "`--mfa-token CODE` gives the code, and so does `mfa_process` in the settings".to_owned()
            }
            Self::RoleName(_) => "choose another name with `--as`".to_owned(),
            Self::Startup { instead, .. } => instead.clone(),
            Self::NoStartup(_) => format!("{} says how to install the function by hand", ours("init --help", None)),
            Self::CsvKept { .. } => "delete it yourself: it holds the access key in plain text".to_owned(),
            Self::Edit(_) => return None,
        })
    }
}

/// What a user with only FIDO devices can do.
pub const ALTERNATIVES: &str =
    "add an authenticator app, or sign in with `aws login`, which takes passkeys and needs no access key";
