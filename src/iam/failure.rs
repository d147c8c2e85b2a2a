//! Why a `device` command failed, and what to do about it.
//!
//! The hint for AccessDenied names the step that needs the action, and the statements that allow it and all later
//! steps. A device that was created and could not be deleted is named, with the command that removes it.

use super::needs::{Need, from, statements};
use super::policies::FetchError;
use super::{CallerError, IamError, User};
use crate::aws::CallError;
use crate::code::CodeError;
use crate::messages::ours;
use crate::names::{DeviceName, MfaSerial, ProfileName};
use crate::profile::edit::EditError;
use crate::safe::{NotASeed, SafeError};

/// Why a `device` command failed.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The credentials do not belong to a user.
    #[error(transparent)]
    Caller(#[from] CallerError),
    /// The signer could not be determined.
    #[error("GetCallerIdentity: {0}")]
    Who(CallError),
    /// The client could not be built.
    #[error("no connection to AWS can be set up")]
    Client(#[source] CallError),
    /// A call failed.
    #[error("{call}: {error}")]
    Call {
        /// The API action.
        call: &'static str,
        /// Why it failed.
        error: IamError,
        /// All permissions that the command needs.
        journey: &'static [Need],
        /// The user whose policies matter, if known.
        user: Option<Box<User>>,
    },
    /// No code could be obtained.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// A seed could not be kept, or not be forgotten.
    #[error(transparent)]
    Safe(#[from] SafeError),
    /// What was given is not a seed.
    #[error("this is not a seed")]
    Seed(#[from] NotASeed),
    /// The person is not there to type it.
    #[error("there is no terminal to type the seed on")]
    NobodyToType,
    /// Stdin cannot be read.
    #[error("stdin cannot be read")]
    Stdin(#[source] std::io::Error),
    /// No terminal for a question or a page.
    #[error("{0}, and there is no terminal to do it on")]
    NobodyThere(&'static str),
    /// The answer was no.
    #[error("nothing was changed")]
    Declined,
    /// Another process creates a device and keeps its seed.
    #[error("another process is creating a device")]
    Enrolling,
    /// The page does not fit.
    #[error("the terminal is too small for the QR code: it needs {rows} rows and {columns} columns")]
    TooSmall {
        /// The minimum.
        rows: usize,
        /// The minimum.
        columns: usize,
    },
    /// The terminal cannot wipe a page.
    #[error("this terminal cannot wipe what it has shown (TERM is `dumb`, unset or unknown, or its size is unknown)")]
    Dumb,
    /// The user already has eight devices.
    #[error("user `{0}` already has 8 MFA devices, which is AWS's limit")]
    Eight(String),
    /// Another user's device has that name.
    #[error("the name `{0}` is taken by another user's device")]
    NameTaken(DeviceName),
    /// The user has no such device.
    #[error("user `{user}` has no MFA device `{device}`")]
    Unknown {
        /// The user.
        user: String,
        /// As typed.
        device: String,
        /// The user's devices.
        devices: Vec<MfaSerial>,
    },
    /// The user has no device whose codes AWS accepts.
    #[error("user `{user}` has no MFA device whose codes can be used here{}", listed(.devices))]
    NoneUsable {
        /// As far as it is known.
        user: String,
        /// The user's devices.
        devices: Vec<MfaSerial>,
    },
    /// We do not guess which device is meant.
    #[error("user `{user}` has several MFA devices{}", listed(.devices))]
    Several {
        /// As far as it is known.
        user: String,
        /// The candidates.
        devices: Vec<MfaSerial>,
    },
    /// The device has no clock to resynchronize.
    #[error("{0} has no clock to resynchronize")]
    NoClock(MfaSerial),
    /// The profile could not be changed; the device itself is as requested.
    #[error("the profile was not changed")]
    Edit {
        /// Why.
        #[source]
        source: EditError,
        /// The value that `mfa_serial` should have; `None`: it should be removed.
        serial: Option<MfaSerial>,
    },
    /// An unassigned device remains.
    #[error("{cause}; the device {serial} remains, unassigned")]
    Left {
        /// The device that was created, or is no longer used.
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
    /// What to do about it, if known.
    pub fn hint(&self, profile: Option<&ProfileName>) -> Option<String> {
        Some(match self {
            Self::Call { error, journey, user, .. } => return call_hint(error, journey, user.as_deref(), profile),
            Self::Left { serial, cause } => {
                let removal = left_hint(serial);
                match cause.hint(profile) {
                    Some(hint) => format!("{removal}. Also: {hint}"),
                    None => removal,
                }
            }
            Self::NobodyToType => "`--stdin` reads it from elsewhere".to_owned(),
            Self::Caller(CallerError::NoUser(_)) => "name the user's own profile with `--profile`".to_owned(),
            Self::Caller(CallerError::Root) => {
                "use an IAM user's access key; the root user should have none".to_owned()
            }
            Self::NobodyThere(_) | Self::Code(CodeError::NobodyToAsk(_)) => {
                "run it in a terminal; `--yes` confirms everything except codes".to_owned()
            }
            Self::TooSmall { .. } => "enlarge it, or show the seed as text: `--seed`".to_owned(),
            Self::Dumb => {
                "the seed would stay in its history: use another terminal (a desktop window, ssh, tmux), or set TERM if \
                 it is wrong"
                    .to_owned()
            }
            Self::Enrolling => "run the command again when that one has ended".to_owned(),
            Self::Eight(_) => makes_room(profile),
            Self::NameTaken(_) => "choose another name with `--name`".to_owned(),
            Self::Unknown { devices, .. } if !devices.is_empty() => format!("there are {}", join(devices)),
            Self::NoneUsable { .. } => format!("{} creates one", ours("device enroll", profile)),
            Self::Several { .. } => "choose one: write it as `mfa_serial` into the profile".to_owned(),
            Self::Edit { serial: Some(serial), .. } => {
                format!("the device is enabled: write `mfa_serial = {serial}` into the profile")
            }
            Self::Edit { serial: None, .. } => "the device was removed: delete `mfa_serial` from the profile".to_owned(),
            _ => return None,
        })
    }
}

/// How to remove an unassigned device.
pub fn left_hint(serial: &MfaSerial) -> String {
    format!(
        "`aws iam delete-virtual-mfa-device --serial-number {serial}` removes it, with an administrator's credentials \
         if yours are not allowed to; or run the same mfa-cred command again, or choose another name with `--name`"
    )
}

/// The hint for a reached limit.
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
            format!("a policy must allow `{action}` on `{on}`, such as {statement}")
        }
        IamError::UnknownKey(_) => {
            "the access key was deleted or deactivated, or it belongs to a session without MFA, which may not call IAM"
                .to_owned()
        }
        IamError::WrongCodes(_) => "both codes must be from this device, consecutive, and not used before".to_owned(),
        IamError::Full(_) => format!("{}; the account also has a limit", makes_room(profile)),
        IamError::Call(CallError::Unreachable(obstacle)) => obstacle.hint().to_owned(),
        _ => return None,
    })
}

/// The step, its action and resource, the statements that allow it, and the later steps.
pub(super) fn denied(need: &Need, after: &[Need], is_explicit: bool, user: &User) -> String {
    let (step, action, on) = (need.step, need.action, need.on.arn(user));
    let all: Vec<&str> = std::iter::once(need).chain(after).map(|need| need.action).collect();
    let all = format!("`{}`", all.join("`, `"));
    if is_explicit {
        return format!(
            "{step} needs `{action}` on `{on}`, and a Deny forbids it; no Allow helps. A Deny of everything without \
             MFA must exempt (`NotAction`) the actions that enrollment needs before MFA exists: {all}"
        );
    }
    let needs: Vec<Need> = std::iter::once(need).chain(after).copied().collect();
    let statements: Vec<String> = statements(&needs, user).iter().map(ToString::to_string).collect();
    let after = if after.is_empty() { String::new() } else { format!(" (still needed: {all})") };
    format!("{step} needs `{action}` on `{on}`{after}; statements that allow it: {}", statements.join(", "))
}

fn listed(devices: &[MfaSerial]) -> String {
    if devices.is_empty() { String::new() } else { format!(": {}", join(devices)) }
}

fn join(devices: &[MfaSerial]) -> String {
    devices.iter().map(MfaSerial::as_str).collect::<Vec<_>>().join(", ")
}
