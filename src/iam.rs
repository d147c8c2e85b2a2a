//! IAM, as far as a person's own MFA devices and the policies about them go: the ports, and the real one behind them.
//!
//! In: who signs, and what to do. Out: devices, or an [`IamError`], each variant of which is a decision for its caller.
//! Nothing here asks, shows or writes; `command/device` does. What the policies of a user must allow for it is one
//! table, [`needs`], which `policy` reads too.

pub mod account;
pub mod caller;
mod client;
pub mod endpoint;
mod error;
mod failure;
pub mod needs;
pub mod policies;

use jiff::Timestamp;

use crate::code::pair::Pair;
use crate::names::{DeviceKind, DeviceName, MfaSerial};
use crate::secret::{Credentials, Secret};

pub use caller::{CallerError, User};
pub use client::AwsIam;
pub use error::{Denial, IamError};
pub use failure::{DeviceError, left_hint};

/// The most devices that a user may have (since November 2022, of any mix).
pub const MOST_DEVICES: usize = 8;

/// A device that is enabled for a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bound {
    /// What it is called in `mfa_serial`.
    pub serial: MfaSerial,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// A virtual device that was just made, and belongs to nobody yet.
#[derive(Debug)]
pub struct New {
    /// What it will be called in `mfa_serial`.
    pub serial: MfaSerial,
    /// What an authenticator app is given, in base32. AWS never tells it again.
    pub seed: Secret<String>,
}

/// The calls of IAM that are about MFA devices.
pub trait Iam {
    /// ListMFADevices, all pages: the devices of a user; `None` is whoever's access key signs.
    fn devices(&self, signer: &Credentials, user: Option<&str>) -> Result<Vec<Bound>, IamError>;

    /// ListVirtualMFADevices, all pages of those that belong to nobody.
    fn unassigned(&self, signer: &Credentials) -> Result<Vec<MfaSerial>, IamError>;

    /// CreateVirtualMFADevice. Never sent twice: the second would meet the first one's device.
    fn create(&self, signer: &Credentials, name: &DeviceName) -> Result<New, IamError>;

    /// EnableMFADevice. Never sent twice, as codes work once.
    fn enable(&self, signer: &Credentials, user: &str, serial: &MfaSerial, codes: &Pair) -> Result<(), IamError>;

    /// ResyncMFADevice. Never sent twice either.
    fn resync(&self, signer: &Credentials, user: &str, serial: &MfaSerial, codes: &Pair) -> Result<(), IamError>;

    /// DeactivateMFADevice. One that is not the user's is [`IamError::Gone`].
    fn deactivate(&self, signer: &Credentials, user: &str, serial: &MfaSerial) -> Result<(), IamError>;

    /// DeleteVirtualMFADevice. One that is still somebody's is [`IamError::InUse`].
    fn delete(&self, signer: &Credentials, serial: &MfaSerial) -> Result<(), IamError>;
}

/// Why AWS takes no code of a device over its API; `None` for one that serves.
pub fn why_unusable(kind: DeviceKind) -> Option<&'static str> {
    match kind {
        DeviceKind::Virtual | DeviceKind::Hardware => None,
        DeviceKind::Fido => Some("AWS takes no FIDO code over its API"),
        DeviceKind::Sms => Some("AWS no longer sends codes by SMS"),
    }
}

/// The devices whose codes STS takes.
pub fn usable(devices: &[Bound]) -> Vec<MfaSerial> {
    let serials = devices.iter().map(|device| &device.serial);
    serials.filter(|serial| why_unusable(serial.kind()).is_none()).cloned().collect()
}
