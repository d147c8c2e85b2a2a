//! `mfa-cred device remove [SERIAL]`: deactivated, deleted, and taken out of the profiles. With MFA.
//!
//! If it is interrupted between the two calls, the virtual device remains, unassigned; another run with its serial
//! deletes it.

use super::list::profiles;
use super::{DeviceWork, find, seeds};
use crate::command::{Done, session};
use crate::error::Error;
use crate::host::Usual;
use crate::iam::{Bound, DeviceError, Iam, IamError, needs, usable};
use crate::names::{DeviceKind, MfaSerial};
use crate::secret::Credentials;

pub(super) fn run(work: &DeviceWork<'_>, typed: Option<&str>) -> Result<Done, Error> {
    let devices = work.devices(&needs::REMOVE)?;
    let serial = which(work, typed, &devices)?;
    let is_bound = devices.iter().any(|device| device.serial == serial);
    let whose = if is_bound { format!("of {}", work.user.name) } else { "(unassigned)".to_owned() };
    if !work.confirm(&format!("Remove the MFA device {serial} {whose}?"), Usual::No, "the removal must be confirmed")? {
        return Err(DeviceError::Declined.into());
    }
    let signer = signer(work, &devices)?;
    if is_bound {
        match work.iam.deactivate(&signer, &work.user.name, &serial) {
            // Already gone: an answer was lost, or someone else removed it first.
            Ok(()) | Err(IamError::Gone(_)) => {}
            Err(error) => return Err(work.failed("DeactivateMFADevice", &needs::REMOVE)(error).into()),
        }
    }
    if serial.kind() == DeviceKind::Virtual {
        match work.iam.delete(&signer, &serial) {
            Ok(()) | Err(IamError::Gone(_)) => {}
            Err(error) => {
                let cause = Box::new(work.failed("DeleteVirtualMFADevice", &needs::REMOVE)(error));
                return Err(DeviceError::Left { serial, cause }.into());
            }
        }
    }
    work.cache.forget_device(work.plan);
    work.note(&format!("{}: removed", serial.device()));
    seeds::drop_seed(work, &serial);
    forget_in_profiles(work, &serial)?;
    Ok(Done::Well)
}

fn which(work: &DeviceWork<'_>, typed: Option<&str>, devices: &[Bound]) -> Result<MfaSerial, DeviceError> {
    if let Some(typed) = typed {
        // An unassigned virtual device is in no user's list, but it has an ARN.
        let own = || typed.parse().ok().filter(|serial: &MfaSerial| is_virtual_of(work, serial));
        return find(typed, devices).or_else(own).ok_or_else(|| work.unknown(typed, devices));
    }
    if let Some(named) =
        work.named.as_ref().filter(|named| is_virtual_of(work, named) || find(named.as_str(), devices).is_some())
    {
        return Ok(named.clone());
    }
    match devices {
        [only] => Ok(only.serial.clone()),
        [] => Err(work.unknown("(any)", devices)),
        _ => {
            let devices = devices.iter().map(|device| device.serial.clone()).collect();
            Err(DeviceError::Several { user: work.user.name.clone(), devices })
        }
    }
}

fn is_virtual_of(work: &DeviceWork<'_>, serial: &MfaSerial) -> bool {
    serial.as_str().starts_with(&work.user.device(""))
}

/// An MFA session, with a code of whichever device there is. Without one, a session that is cached serves; else the
/// user's own key, and AWS decides.
fn signer(work: &DeviceWork<'_>, devices: &[Bound]) -> Result<Credentials, Error> {
    let usable = usable(devices);
    let named = work.named.as_ref();
    if let Some(serial) = named.filter(|named| usable.contains(named)).or(usable.first()) {
        return work.session(serial);
    }
    let cached = named.and_then(|serial| session::cached(&work.plan.session_of(serial), work.cache, work.clock));
    Ok(cached.unwrap_or_else(|| work.base.clone()))
}

fn forget_in_profiles(work: &DeviceWork<'_>, serial: &MfaSerial) -> Result<(), DeviceError> {
    let edit = || {
        let mut draft = work.draft()?;
        let names: Vec<String> = profiles(serial, draft.set()).into_iter().map(str::to_owned).collect();
        for name in names {
            draft.remove_key(&name, "mfa_serial")?;
        }
        work.write(&draft)
    };
    if !edit().map_err(|refusal: super::Refusal| refusal.about(None))? {
        work.note("the profiles were not changed; `mfa_serial` still names the device");
    }
    Ok(())
}
