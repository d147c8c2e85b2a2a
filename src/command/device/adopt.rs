//! The device of a user who signs in for the first time: the one that the profile names, one that AWS has, or a new one.
//!
//! Which of several is never guessed. A user who may not list the devices names one.

use super::{DeviceWork, Refusal, enroll, find, with_desk};
use crate::cli::{DeviceArgs, Whose};
use crate::code::PATIENCE;
use crate::command::context::Context;
use crate::error::setup::ALTERNATIVES;
use crate::error::{Error, SetupError};
use crate::host::Usual;
use crate::iam::{Bound, DeviceError, IamError, needs, usable, why_unusable};
use crate::messages::with_causes;
use crate::names::MfaSerial;

/// Finds, chooses or creates the device of a profile's user, and writes it into the profile.
pub(in crate::command) fn adopt(
    whose: &Whose,
    says_yes: bool,
    context: &Context<'_>,
    wanted: &DeviceArgs,
) -> Result<(), Error> {
    with_desk(whose, says_yes, context, |work| choose(work, wanted))
}

fn choose(work: &DeviceWork<'_>, wanted: &DeviceArgs) -> Result<(), Error> {
    if wanted.enroll {
        return create(work, wanted);
    }
    let devices = match work.devices(&needs::ENROLL) {
        Err(DeviceError::Call { error: error @ IamError::Denied { .. }, call, journey, user }) => {
            return unlisted(work, wanted, DeviceError::Call { error, call, journey, user });
        }
        devices => devices?,
    };
    if let Some(typed) = wanted.serial.as_deref() {
        let serial = find(typed, &devices).ok_or_else(|| work.unknown(typed, &devices))?;
        return match why_unusable(serial.kind()) {
            Some(why) => Err(SetupError::Unusable { serial, why }.into()),
            None => name(work, &serial),
        };
    }
    let usable = usable(&devices);
    if let Some(named) = work.named.as_ref().filter(|named| usable.contains(named)) {
        work.note(&format!("the profile already uses {}", named.as_str()));
        return Ok(());
    }
    match &usable[..] {
        [] => none_yet(work, wanted, &devices),
        [_] if work.plan.asks_for_device() => {
            work.note("the profile already finds it through `mfa_serial = auto`");
            Ok(())
        }
        [only] => name(work, only),
        several => {
            let serial = ask(work, several)?;
            name(work, &serial)
        }
    }
}

/// A user who may not list the devices: what was typed, or what the profile says, is taken without a look.
fn unlisted(work: &DeviceWork<'_>, wanted: &DeviceArgs, denied: DeviceError) -> Result<(), Error> {
    if let Some(serial) = wanted.serial.as_ref().and_then(|typed| typed.parse().ok()) {
        return name(work, &serial);
    }
    if let Some(named) = &work.named {
        work.note(&format!("the profile uses {}; you may not list your devices", named.as_str()));
        return Ok(());
    }
    let terminal = work.context.host.terminal;
    if work.says_yes || !terminal.is_there() {
        return Err(denied.into());
    }
    terminal.tell(&with_causes(&denied));
    loop {
        let prompt = "Your device's ARN or serial number (Enter: none): ";
        let typed = terminal.ask(prompt, PATIENCE).map_err(SetupError::Terminal)?;
        match typed.expose().trim() {
            "" => return Err(denied.into()),
            typed => match typed.parse::<MfaSerial>() {
                Ok(serial) => return name(work, &serial),
                Err(why) => terminal.tell(&why.to_string()),
            },
        }
    }
}

/// A user without a device whose codes AWS's API takes.
fn none_yet(work: &DeviceWork<'_>, wanted: &DeviceArgs, devices: &[Bound]) -> Result<(), Error> {
    let user = &work.user.name;
    for (device, why) in devices.iter().filter_map(|device| Some((device, why_unusable(device.serial.kind())?))) {
        work.note(&format!("{} cannot be used here: {why}", device.serial));
    }
    let question = if devices.is_empty() {
        format!("{user} has no MFA device. Create one? You need an authenticator app.")
    } else {
        work.note(ALTERNATIVES);
        format!("Create a device for {user} in an authenticator app?")
    };
    if work.confirm(&question, Usual::Yes, "an MFA device must be created")? {
        return create(work, wanted);
    }
    work.note("no MFA device is used");
    Ok(())
}

fn create(work: &DeviceWork<'_>, wanted: &DeviceArgs) -> Result<(), Error> {
    let options = enroll::Options { name: wanted.name.clone(), shows_seed: wanted.seed, keeps_seed: false };
    enroll::run(work, &options).map(drop)
}

fn ask(work: &DeviceWork<'_>, several: &[MfaSerial]) -> Result<MfaSerial, SetupError> {
    let terminal = work.context.host.terminal;
    if work.says_yes || !terminal.is_there() {
        let user = work.user.name.clone();
        return Err(SetupError::WhichDevice { user, devices: several.to_vec() });
    }
    terminal.tell(&format!("{} has several MFA devices:", work.user.name));
    for (number, serial) in (1..).zip(several) {
        terminal.tell(&format!("  {number}  {serial}"));
    }
    loop {
        let prompt = format!("Which one do you use? [1-{}] ", several.len());
        let typed = terminal.ask(&prompt, PATIENCE).map_err(SetupError::Terminal)?;
        let typed = typed.expose().trim();
        let by_number = typed.parse::<usize>().ok().and_then(|number| several.get(number.checked_sub(1)?));
        let by_name = || several.iter().find(|serial| serial.as_str() == typed || serial.device() == typed);
        if let Some(serial) = by_number.or_else(by_name) {
            return Ok(serial.clone());
        }
    }
}

/// Names a device in the profile, after the diff was shown.
fn name(work: &DeviceWork<'_>, serial: &MfaSerial) -> Result<(), Error> {
    let profile = work.plan.profile.as_str();
    let edit = || {
        let mut draft = work.draft()?;
        draft.set_key(profile, "mfa_serial", serial.as_str())?;
        work.write(&draft)
    };
    let written = edit().map_err(|refusal: Refusal| refusal.about(Some(serial)))?;
    work.note(&if written {
        format!("profile `{profile}` uses {serial}")
    } else {
        format!("the profile was not changed; add `mfa_serial = {serial}` to use the device")
    });
    Ok(())
}
