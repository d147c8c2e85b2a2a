//! `mfa-cred device list`: the devices of a user, which of them take codes here, and which profiles name them.

use crate::command::choice;
use crate::command::context::Context;
use serde_json::{Value, json};

use crate::cache::{CacheUse, MinTtl};
use crate::cli::{Obtain, Whose};
use crate::command::{Done, session, write_stdout};
use crate::error::Error;
use crate::host::Words;
use crate::iam::{AwsIam, Bound, DeviceError, Iam, needs, why_unusable};
use crate::messages::ours;
use crate::names::{DeviceKind, MfaSerial, ProfileName};
use crate::profile::{Profile, ProfileSet};
use crate::screen::table::{Column, Table};
use crate::settings::Settings;

const COLUMNS: [Column; 6] = [
    Column::kept("DEVICE"),
    Column::dropped("KIND", 2),
    Column::kept("USABLE HERE"),
    Column::dropped("PROFILES", 3),
    Column::dropped("SINCE", 1),
    Column::dropped("SERIAL", 0),
];

pub(super) fn run(whose: &Whose, user: Option<&str>, as_json: bool, context: &Context<'_>) -> Result<Done, Error> {
    let settings = context.settings;
    match user {
        None => super::with_desk(whose, false, context, |work| {
            print(&work.devices(&needs::LOOK)?, work.set, Some(&work.plan.profile), as_json, settings)
        }),
        Some(user) => others(whose, user, as_json, context),
    }
}

/// Another user's devices, with whatever the profile provides: an administrator's role, or an MFA session.
fn others(whose: &Whose, user: &str, as_json: bool, context: &Context<'_>) -> Result<Done, Error> {
    let settings = context.settings;
    let obtain = Obtain { no_prompt: whose.no_prompt, ..Obtain::default() };
    let mut how = context.how(&obtain)?;
    how.words = Words::Device;
    let context = &context.attended_as(&how);
    let set = context.profiles()?;
    let profile = choice::profile(whose.profile.clone(), &how, context)?;
    let look = || {
        let plan = context.plan(&profile, &how)?;
        let service = plan.iam(set, context.ambient())?;
        let signer = session::obtain(context, &plan, &how, MinTtl::PERSON)?;
        context.with_cache(CacheUse::ReadAndKeep, |_, clock| {
            let iam = AwsIam::connect(&service, settings.limits, clock);
            let devices = iam.map_err(DeviceError::Client)?.devices(&signer, Some(user)).map_err(|error| {
                DeviceError::Call { call: "ListMFADevices", error, journey: &needs::LOOK, user: None }
            })?;
            print(&devices, set, None, as_json, settings)
        })
    };
    look().map_err(|error: Error| error.about(&profile))
}

/// The profile to enroll a device with, if it is that user's own.
fn print(
    devices: &[Bound],
    set: &ProfileSet,
    own: Option<&ProfileName>,
    as_json: bool,
    settings: &Settings,
) -> Result<Done, Error> {
    if as_json {
        let rows: Vec<Value> = devices.iter().map(|device| to_json(device, set)).collect();
        return write_stdout(&(Value::Array(rows).to_string() + "\n"));
    }
    let mut table = Table::new(&COLUMNS);
    for device in devices {
        table.add_plain(&cells(device, set));
    }
    let makes_one = own.map(|profile| format!("; create one with {}", ours("device enroll", Some(profile))));
    write_stdout(&table.to_stdout(settings.paints(true), &format!("no MFA devices{}", makes_one.unwrap_or_default())))
}

fn cells(device: &Bound, set: &ProfileSet) -> Vec<String> {
    let kind = device.serial.kind();
    let profiles = profiles(&device.serial, set).join(", ");
    let since = device.since.map_or_else(|| "-".to_owned(), |since| since.strftime("%Y-%m-%d").to_string());
    vec![
        device.serial.device().to_owned(),
        word(kind).to_owned(),
        why_unusable(kind).map_or_else(|| "yes".to_owned(), |why| format!("no: {why}")),
        if profiles.is_empty() { "-".to_owned() } else { profiles },
        since,
        device.serial.to_string(),
    ]
}

fn to_json(device: &Bound, set: &ProfileSet) -> Value {
    let why = why_unusable(device.serial.kind());
    json!({
        "serial": device.serial.as_str(),
        "name": device.serial.device(),
        "kind": word(device.serial.kind()).to_lowercase(),
        "usable": why.is_none(),
        "why_not": why,
        "enabled_at": device.since.map(|since| since.to_string()),
        "profiles": profiles(&device.serial, set),
    })
}

fn word(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Virtual => "virtual",
        DeviceKind::Hardware => "hardware",
        DeviceKind::Sms => "SMS",
        DeviceKind::Fido => "FIDO",
    }
}

/// The profiles whose own `mfa_serial` it is.
pub(super) fn profiles<'a>(serial: &MfaSerial, set: &'a ProfileSet) -> Vec<&'a str> {
    let names_it =
        |profile: &Profile<'_>| profile.get("mfa_serial").is_some_and(|property| property.value() == serial.as_str());
    set.profiles().filter(names_it).map(Profile::name).collect()
}
