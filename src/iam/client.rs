//! AWS's IAM: the SDK's types to ours.
//!
//! Where a code travels, and where a device is made, nothing is sent twice: see [`Iam`].

mod policies;

use aws_sdk_iam::operation::create_virtual_mfa_device::CreateVirtualMfaDeviceOutput;
use aws_sdk_iam::types::AssignmentStatusType;
use aws_smithy_types::retry::RetryConfig;
use jiff::Timestamp;

use super::{Bound, Iam, IamError, New};
use crate::aws::CallError;
use crate::aws::classify;
use crate::aws::transport::{Transport, provider};
use crate::code::pair::Pair;
use crate::names::{DeviceName, MfaSerial};
use crate::plan::Service;
use crate::secret::{Credentials, Secret};
use crate::settings::Limits;
use crate::state::CorrectedClock;

/// AWS's IAM, or whatever answers at the configured endpoint.
pub struct AwsIam<'a> {
    client: aws_sdk_iam::Client,
    transport: Transport<'a>,
}

/// One page of a list: what stands on it, and the marker of the next.
type Page<T> = (Vec<T>, Option<String>);

/// More pages than any account has; a server that never ends is not waited for.
const MOST_PAGES: usize = 1000;

impl<'a> AwsIam<'a> {
    /// Loads certificates (for `https://` endpoints) and builds a client.
    ///
    /// # Errors
    /// A CA bundle that cannot be read; a system that gives no runtime.
    pub fn connect(service: &Service, limits: Limits, clock: &'a CorrectedClock<'a>) -> Result<Self, CallError> {
        let transport = Transport::new(clock.of(service))?;
        let config = aws_sdk_iam::config::Builder::from(&transport.config(service, limits)?);
        let client = aws_sdk_iam::Client::from_conf(config.interceptor(transport.read_date()).build());
        Ok(Self { client, transport })
    }

    fn call<T>(&self, attempt: &dyn Fn() -> Result<T, CallError>) -> Result<T, IamError> {
        self.transport.send(attempt).map_err(IamError::of)
    }

    /// All pages, whatever the size that the server gives them.
    fn pages<T>(&self, page: &dyn Fn(Option<String>) -> Result<Page<T>, CallError>) -> Result<Vec<T>, IamError> {
        let (mut all, mut marker) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let (members, next) = self.call(&|| page(marker.clone()))?;
            all.extend(members);
            match next {
                Some(next) if marker.as_ref() != Some(&next) => marker = Some(next),
                // A truncated list without a new place to go on from.
                Some(_) => return Err(CallError::Unreadable.into()),
                None => return Ok(all),
            }
        }
        Err(CallError::Unreadable.into())
    }
}

impl Iam for AwsIam<'_> {
    fn devices(&self, signer: &Credentials, user: Option<&str>) -> Result<Vec<Bound>, IamError> {
        self.pages(&|marker| {
            let call = self.client.list_mfa_devices().set_user_name(user.map(str::to_owned)).set_marker(marker);
            let sent = call.customize().config_override(signed_by(signer)).send();
            let answer = self.transport.wait(sent).map_err(|error| classify(&error))?;
            let bound = |device: &aws_sdk_iam::types::MfaDevice| {
                let since = Timestamp::from_second(device.enable_date().secs()).ok();
                Ok(Bound { serial: serial(device.serial_number())?, since })
            };
            let members: Result<_, CallError> = answer.mfa_devices().iter().map(bound).collect();
            Ok((members?, next(answer.is_truncated(), answer.marker())?))
        })
    }

    fn unassigned(&self, signer: &Credentials) -> Result<Vec<MfaSerial>, IamError> {
        self.pages(&|marker| {
            let call = self.client.list_virtual_mfa_devices().set_marker(marker);
            let call = call.assignment_status(AssignmentStatusType::Unassigned);
            let sent = call.customize().config_override(signed_by(signer)).send();
            let answer = self.transport.wait(sent).map_err(|error| classify(&error))?;
            let members: Result<_, CallError> =
                answer.virtual_mfa_devices().iter().map(|device| serial(device.serial_number())).collect();
            Ok((members?, next(answer.is_truncated(), answer.marker())?))
        })
    }

    fn create(&self, signer: &Credentials, name: &DeviceName) -> Result<New, IamError> {
        self.call(&|| {
            let call = self.client.create_virtual_mfa_device().virtual_mfa_device_name(name.as_str());
            let sent = call.customize().config_override(once(signer)).send();
            ours(&self.transport.wait(sent).map_err(|error| classify(&error))?, name)
        })
    }

    fn enable(&self, signer: &Credentials, user: &str, serial: &MfaSerial, codes: &Pair) -> Result<(), IamError> {
        self.call(&|| {
            let call = self.client.enable_mfa_device().user_name(user).serial_number(serial.as_str());
            let call = call.authentication_code1(codes.first.expose()).authentication_code2(codes.second.expose());
            let sent = call.customize().config_override(once(signer)).send();
            self.transport.wait(sent).map(drop).map_err(|error| classify(&error))
        })
    }

    fn resync(&self, signer: &Credentials, user: &str, serial: &MfaSerial, codes: &Pair) -> Result<(), IamError> {
        self.call(&|| {
            let call = self.client.resync_mfa_device().user_name(user).serial_number(serial.as_str());
            let call = call.authentication_code1(codes.first.expose()).authentication_code2(codes.second.expose());
            let sent = call.customize().config_override(once(signer)).send();
            self.transport.wait(sent).map(drop).map_err(|error| classify(&error))
        })
    }

    fn deactivate(&self, signer: &Credentials, user: &str, serial: &MfaSerial) -> Result<(), IamError> {
        self.call(&|| {
            let call = self.client.deactivate_mfa_device().user_name(user).serial_number(serial.as_str());
            let sent = call.customize().config_override(signed_by(signer)).send();
            self.transport.wait(sent).map(drop).map_err(|error| classify(&error))
        })
    }

    fn delete(&self, signer: &Credentials, serial: &MfaSerial) -> Result<(), IamError> {
        self.call(&|| {
            let call = self.client.delete_virtual_mfa_device().serial_number(serial.as_str());
            let sent = call.customize().config_override(signed_by(signer)).send();
            self.transport.wait(sent).map(drop).map_err(|error| classify(&error))
        })
    }
}

fn signed_by(signer: &Credentials) -> aws_sdk_iam::config::Builder {
    aws_sdk_iam::Config::builder().credentials_provider(provider(signer))
}

/// Signed, and never sent again.
fn once(signer: &Credentials) -> aws_sdk_iam::config::Builder {
    signed_by(signer).retry_config(RetryConfig::disabled())
}

fn serial(text: &str) -> Result<MfaSerial, CallError> {
    text.parse().map_err(|_| CallError::Unreadable)
}

/// Where the list goes on.
fn next(is_truncated: bool, marker: Option<&str>) -> Result<Option<String>, CallError> {
    match (is_truncated, marker) {
        (false, _) => Ok(None),
        (true, Some(marker)) => Ok(Some(marker.to_owned())),
        (true, None) => Err(CallError::Unreadable),
    }
}

/// How long a seed may be, in characters of base32: from the 128 bits that RFC 4226 demands to twice AWS's 64.
const SEED: std::ops::RangeInclusive<usize> = 26..=128;

/// A device that can be shown and enabled. Anything else is no answer of AWS's: not its QR code, which is not read, but
/// a seed that no app could take, and a serial that is another device's than the one that was asked for.
fn ours(answer: &CreateVirtualMfaDeviceOutput, name: &DeviceName) -> Result<New, CallError> {
    let device = answer.virtual_mfa_device().ok_or(CallError::Unreadable)?;
    let serial = serial(device.serial_number())?;
    // The SDK has undone the base64 of the wire; what is left is base32.
    let seed = device.base32_string_seed().ok_or(CallError::Unreadable)?;
    let seed = std::str::from_utf8(seed.as_ref()).map_err(|_| CallError::Unreadable)?.trim_end_matches('=');
    let is_base32 = |byte: u8| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
    if !SEED.contains(&seed.len()) || !seed.bytes().all(is_base32) || serial.device() != name.as_str() {
        return Err(CallError::Unreadable);
    }
    Ok(New { serial, seed: Secret::from(seed) })
}
