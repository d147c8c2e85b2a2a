//! IAM, as far as MFA devices, access keys, policies, and audits need it: the ports, and the client that implements them.
//!
//! In: the signer, and what to do. Out: devices, or an [`IamError`]; each variant lets the caller decide differently.
//! Nothing here prompts, displays, or writes; `command/device` does. One table, [`needs`], lists the permissions for
//! it; `policy` uses it, too.

pub mod access_keys;
pub mod account;
pub mod caller;
mod client;
pub mod endpoint;
mod error;
mod failure;
mod keys;
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
pub use keys::{KeysError, SecondKey, damaged_key_hint, safe_hint};

/// The maximum number of devices per user (since November 2022, of any kind).
pub const MOST_DEVICES: usize = 8;

/// A device that is enabled for a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bound {
    /// The value of `mfa_serial`.
    pub serial: MfaSerial,
    /// When it was enabled.
    pub since: Option<Timestamp>,
}

/// A virtual device that was just created and is still unassigned.
#[derive(Debug)]
pub struct New {
    /// The value that `mfa_serial` will have.
    pub serial: MfaSerial,
    /// The secret for an authenticator app, in base32. AWS returns it only once.
    pub seed: Secret<String>,
}

/// The IAM calls for MFA devices.
pub trait Iam {
    /// ListMFADevices, all pages: the devices of a user; `None` is the user whose access key signs.
    fn devices(&self, signer: &Credentials, user: Option<&str>) -> Result<Vec<Bound>, IamError>;

    /// ListVirtualMFADevices, all pages: the unassigned devices.
    fn unassigned(&self, signer: &Credentials) -> Result<Vec<MfaSerial>, IamError>;

    /// CreateVirtualMFADevice. Never sent twice: a second call would find the first call's device.
    fn create(&self, signer: &Credentials, name: &DeviceName) -> Result<New, IamError>;

    /// EnableMFADevice. Never sent twice, because codes work once.
    fn enable(&self, signer: &Credentials, user: &str, serial: &MfaSerial, codes: &Pair) -> Result<(), IamError>;

    /// ResyncMFADevice. Never sent twice either.
    fn resync(&self, signer: &Credentials, user: &str, serial: &MfaSerial, codes: &Pair) -> Result<(), IamError>;

    /// DeactivateMFADevice. A device that is not the user's is [`IamError::Gone`].
    fn deactivate(&self, signer: &Credentials, user: &str, serial: &MfaSerial) -> Result<(), IamError>;

    /// DeleteVirtualMFADevice. A device that is still assigned is [`IamError::InUse`].
    fn delete(&self, signer: &Credentials, serial: &MfaSerial) -> Result<(), IamError>;
}

/// Why AWS's API accepts no code from such a device; `None` for one that works.
pub fn why_unusable(kind: DeviceKind) -> Option<&'static str> {
    match kind {
        DeviceKind::Virtual | DeviceKind::Hardware => None,
        DeviceKind::Fido => Some("AWS's API accepts no FIDO codes"),
        DeviceKind::Sms => Some("AWS no longer sends codes by SMS"),
    }
}

/// The devices whose codes STS accepts.
pub fn usable(devices: &[Bound]) -> Vec<MfaSerial> {
    let serials = devices.iter().map(|device| &device.serial);
    serials.filter(|serial| why_unusable(serial.kind()).is_none()).cloned().collect()
}
