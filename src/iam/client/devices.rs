//! A user's MFA devices.

use super::answer::{Element, Read};
use super::{AwsIam, Call};
use crate::aws::CallError;
use crate::code::pair::Pair;
use crate::iam::{Bound, Iam, IamError, New};
use crate::names::{DeviceName, MfaSerial};
use crate::secret::{Credentials, Secret};

impl Iam for AwsIam<'_> {
    fn devices(&self, signer: &Credentials, user: Option<&str>) -> Result<Vec<Bound>, IamError> {
        let call = Call::repeatable("ListMFADevices").with_some("UserName", user);
        let bound =
            |device: Element<'_>| Ok(Bound { serial: serial(device)?, since: device.optional_time("EnableDate")? });
        self.list(signer, &call, "MFADevices", &bound)
    }

    fn unassigned(&self, signer: &Credentials) -> Result<Vec<MfaSerial>, IamError> {
        let call = Call::repeatable("ListVirtualMFADevices").with("AssignmentStatus", "Unassigned");
        self.list(signer, &call, "VirtualMFADevices", &serial)
    }

    fn create(&self, signer: &Credentials, name: &DeviceName) -> Result<New, IamError> {
        let call = Call::once("CreateVirtualMFADevice").with("VirtualMFADeviceName", name.as_str());
        self.result(signer, &call, &|result| new_device(result.child("VirtualMFADevice")?))
    }

    fn enable(&self, signer: &Credentials, user: &str, serial: &MfaSerial, codes: &Pair) -> Result<(), IamError> {
        self.done(signer, &with_codes("EnableMFADevice", user, serial, codes))
    }

    fn resync(&self, signer: &Credentials, user: &str, serial: &MfaSerial, codes: &Pair) -> Result<(), IamError> {
        self.done(signer, &with_codes("ResyncMFADevice", user, serial, codes))
    }

    fn deactivate(&self, signer: &Credentials, user: &str, serial: &MfaSerial) -> Result<(), IamError> {
        let call = Call::repeatable("DeactivateMFADevice");
        self.done(signer, &call.with("UserName", user).with("SerialNumber", serial.as_str()))
    }

    fn delete(&self, signer: &Credentials, serial: &MfaSerial) -> Result<(), IamError> {
        self.done(signer, &Call::repeatable("DeleteVirtualMFADevice").with("SerialNumber", serial.as_str()))
    }
}

/// Codes work once, so they are sent once.
fn with_codes<'a>(action: &'static str, user: &'a str, serial: &'a MfaSerial, codes: &'a Pair) -> Call<'a> {
    Call::once(action)
        .with("UserName", user)
        .with("SerialNumber", serial.as_str())
        .with("AuthenticationCode1", codes.first.expose())
        .with("AuthenticationCode2", codes.second.expose())
}

fn serial(device: Element<'_>) -> Read<MfaSerial> {
    device.text("SerialNumber")?.parse().map_err(|_| CallError::Unreadable)
}

/// The length of a seed in base32 characters: from the 128 bits that RFC 4226 requires to twice AWS's 64 characters.
const SEED: std::ops::RangeInclusive<usize> = 26..=128;

/// Reads a new device. A seed that no app could use is not an answer from AWS. Whether the device has the requested name
/// is for the caller to check, who knows the account.
fn new_device(device: Element<'_>) -> Read<New> {
    let (serial, seed) = (serial(device)?, device.secret("Base32StringSeed")?);
    let seed = seed.expose().trim_end_matches('=');
    let is_base32 = |byte: u8| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
    if !SEED.contains(&seed.len()) || !seed.bytes().all(is_base32) {
        return Err(CallError::Unreadable);
    }
    Ok(New { serial, seed: Secret::from(seed) })
}
