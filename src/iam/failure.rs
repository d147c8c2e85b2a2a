//! Why something with an MFA device was not done, and what to do about it.
//!
//! An AccessDenied is answered with the step that needs the action, the statements that allow it and all that comes
//! after it. What was made and could not be taken back is named, with the command that removes it.

use super::needs::{Need, from, statements};
use super::policies::FetchError;
use super::{CallerError, IamError, User};
use crate::aws::CallError;
use crate::code::CodeError;
use crate::messages::ours;
use crate::names::{DeviceName, MfaSerial, ProfileName};
use crate::profile::edit::EditError;

/// Why something with an MFA device was not done.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The credentials are no user's.
    #[error(transparent)]
    Caller(#[from] CallerError),
    /// Who signs is not known.
    #[error("GetCallerIdentity: {0}")]
    Who(CallError),
    /// No client could be built.
    #[error("no connection to AWS can be set up")]
    Client(#[source] CallError),
    /// A call failed.
    #[error("{call}: {error}")]
    Call {
        /// What was called.
        call: &'static str,
        /// Why it failed.
        error: IamError,
        /// What the command needs in all.
        journey: &'static [Need],
        /// Whose policies these are, where that is known.
        user: Option<Box<User>>,
    },
    /// No code came.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// Nobody to answer a question, or to see a page.
    #[error("{0}, and there is no terminal to do it on")]
    NobodyThere(&'static str),
    /// The answer was no.
    #[error("nothing was changed")]
    Declined,
    /// A page would not fit.
    #[error("the terminal is too small for the QR code: it needs {rows} rows and {columns} columns")]
    TooSmall {
        /// At least.
        rows: usize,
        /// At least.
        columns: usize,
    },
    /// A page could not be wiped.
    #[error("this terminal cannot wipe what it has shown (TERM is `dumb`, unset or unknown, or its size is unknown)")]
    Dumb,
    /// The user has eight.
    #[error("user `{0}` has 8 MFA devices, which is AWS's most")]
    Eight(String),
    /// Somebody else's device has that name.
    #[error("the name `{0}` is taken by another user's device")]
    NameTaken(DeviceName),
    /// The device is not there.
    #[error("user `{user}` has no MFA device `{device}`")]
    Unknown {
        /// The user.
        user: String,
        /// What was typed.
        device: String,
        /// What there is.
        devices: Vec<MfaSerial>,
    },
    /// Nothing whose codes AWS takes.
    #[error("user `{user}` has no MFA device whose codes can be used here{}", listed(.devices))]
    NoneUsable {
        /// The user, as far as that is known.
        user: String,
        /// What there is.
        devices: Vec<MfaSerial>,
    },
    /// Which of them is meant is not guessed.
    #[error("user `{user}` has several MFA devices{}", listed(.devices))]
    Several {
        /// The user, as far as that is known.
        user: String,
        /// Those that could be meant.
        devices: Vec<MfaSerial>,
    },
    /// No clock to be set.
    #[error("{0} has no clock that could be resynced")]
    NoClock(MfaSerial),
    /// The profile was not changed; the device is what it should be.
    #[error("the profile was not changed")]
    Edit {
        /// Why.
        #[source]
        source: EditError,
        /// What should stand in the profile; `None`: no `mfa_serial`.
        serial: Option<MfaSerial>,
    },
    /// A device that belongs to nobody is left behind.
    #[error("{cause}; the device {serial} is left, and belongs to nobody")]
    Left {
        /// What was made, or no longer used.
        serial: MfaSerial,
        /// Why.
        cause: Box<DeviceError>,
    },
}

impl From<FetchError> for DeviceError {
    fn from(FetchError { call, error }: FetchError) -> Self {
        Self::Call { call, error, journey: &[], user: None }
    }
}

impl DeviceError {
    /// What to do about it, where that is known.
    pub fn hint(&self, profile: Option<&ProfileName>) -> Option<String> {
        Some(match self {
            Self::Call { error, journey, user, .. } => return call_hint(error, journey, user.as_deref(), profile),
            Self::Left { serial, cause } => {
                let removal = left_hint(serial);
                match cause.hint(profile) {
                    Some(hint) => format!("{removal}. Besides: {hint}"),
                    None => removal,
                }
            }
            Self::Caller(CallerError::NoUser(_)) => "name the user's own profile with `--profile`".to_owned(),
            Self::Caller(CallerError::Root) => {
                "use an IAM user's access key; the root user should have none".to_owned()
            }
            Self::NobodyThere(_) | Self::Code(CodeError::NobodyToAsk(_)) => {
                "run it in a terminal; `--yes` answers what is not a code".to_owned()
            }
            Self::TooSmall { .. } => "enlarge it, or show the seed as text: `--seed`".to_owned(),
            Self::Dumb => {
                "the seed would stay in its history: enroll in another terminal (a window of the desktop, ssh, \
                           tmux); where it can do more than TERM says, set TERM"
                    .to_owned()
            }
            Self::Eight(_) => makes_room(profile),
            Self::NameTaken(_) => "choose another with `--name`".to_owned(),
            Self::Unknown { devices, .. } if !devices.is_empty() => format!("there are {}", join(devices)),
            Self::NoneUsable { .. } => format!("{} makes one", ours("device enroll", profile)),
            Self::Several { .. } => "name the one that is meant, as `mfa_serial` in the profile".to_owned(),
            Self::Edit { serial: Some(serial), .. } => {
                format!("the device is enabled: write `mfa_serial = {serial}` into the profile")
            }
            Self::Edit { serial: None, .. } => "the device is gone: take `mfa_serial` out of the profile".to_owned(),
            _ => return None,
        })
    }
}

/// How a device that belongs to nobody is removed.
pub fn left_hint(serial: &MfaSerial) -> String {
    format!(
        "`aws iam delete-virtual-mfa-device --serial-number {serial}` removes it, with an administrator's credentials \
         where yours may not; the same command of mfa-cred, run again, tries that itself, or `--name` takes another name"
    )
}

/// A user or an account is full.
fn makes_room(profile: Option<&ProfileName>) -> String {
    format!("remove one of those that {} lists", ours("device list", profile))
}

fn call_hint(
    error: &IamError,
    journey: &'static [Need],
    user: Option<&User>,
    profile: Option<&ProfileName>,
) -> Option<String> {
    Some(match error {
        IamError::Denied { denial: Some(denial), .. } => {
            let ahead = from(journey, &denial.action);
            if let ([need, after @ ..], Some(user)) = (ahead, user) {
                return Some(denied(need, after, denial.is_explicit, user));
            }
            let (action, on) = (&denial.action, denial.resource.as_deref().unwrap_or("*"));
            let statement = serde_json::json!({"Effect": "Allow", "Action": action, "Resource": on});
            format!("`{action}` must be allowed on `{on}`, as by {statement}")
        }
        IamError::UnknownKey(_) => {
            "the access key was deleted or deactivated; or it is that of a session without MFA, which may not call IAM"
                .to_owned()
        }
        IamError::WrongCodes(_) => {
            "both codes must be the device's own, one right after the other, and never used before".to_owned()
        }
        IamError::Full(_) => format!("{}; another limit is the account's", makes_room(profile)),
        IamError::Call(CallError::Unreachable(obstacle)) => obstacle.hint().to_owned(),
        _ => return None,
    })
}

/// Which step needs what, on what, what allows it, and what comes after it.
fn denied(need: &Need, after: &[Need], is_explicit: bool, user: &User) -> String {
    let (step, action, on) = (need.step, need.action, need.on.arn(user));
    let all: Vec<&str> = std::iter::once(need).chain(after).map(|need| need.action).collect();
    let all = format!("`{}`", all.join("`, `"));
    if is_explicit {
        return format!(
            "{step} needs `{action}` on `{on}`, and a Deny forbids it; no Allow helps. A Deny of everything without \
             MFA must leave out (`NotAction`) what comes before there is MFA: {all}"
        );
    }
    let needs: Vec<Need> = std::iter::once(need).chain(after).copied().collect();
    let statements: Vec<String> = statements(&needs, user).iter().map(ToString::to_string).collect();
    let after = if after.is_empty() { String::new() } else { format!(" (all that is still needed: {all})") };
    format!("{step} needs `{action}` on `{on}`{after}; a policy allows that by {}", statements.join(", "))
}

fn listed(devices: &[MfaSerial]) -> String {
    if devices.is_empty() { String::new() } else { format!(": {}", join(devices)) }
}

fn join(devices: &[MfaSerial]) -> String {
    devices.iter().map(MfaSerial::as_str).collect::<Vec<_>>().join(", ")
}
