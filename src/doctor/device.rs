//! The user's access key and MFA device, as AWS knows them.

use super::facts::Resolved;
use super::network::{self, Running};
use super::{Facts, Finding};
use crate::aws::CallError;
use crate::iam::{AwsIam, Bound, Iam, IamError, usable};
use crate::messages::ours;
use crate::names::DeviceKind;
use crate::plan::{Device, Origin};
use crate::settings::ambient;
use crate::state::CorrectedClock;

/// Does AWS accept the user's key?
pub(super) fn access_key(facts: &Facts) -> Finding {
    // Credentials from another tool state when they expire.
    if let Some(end) = facts.plan().ok().and_then(|plan| plan.end.as_ref()).filter(|end| end.at <= facts.now) {
        let place = match &end.origin {
            Origin::Line { place, .. } => Some(place),
            Origin::Flag(_) | Origin::Variable(_) | Origin::Setting(_) => None,
        };
        let what = format!("the profile's keys expired at {}", end.at);
        return Finding::fail(what, "sign in again with the tool that wrote them").at(place);
    }
    if let Some(why) = network::unanswered(facts) {
        return Finding::skipped(why);
    }
    let Ok(answer) = network::answer(facts) else { return Finding::skipped("STS does not respond") };
    match &answer.caller {
        None => Finding::skipped("the profile does not start with an access key from the AWS files"),
        Some(Ok(arn)) => Finding::pass(format!("AWS accepts the key of {arn}")),
        Some(Err(CallError::Throttled)) => Finding::skipped("AWS is throttling calls: try again in a moment"),
        Some(Err(error)) => {
            let repair = match error {
                CallError::Refused { code, .. } if code == "InvalidClientTokenId" => {
                    "the key was deleted or deactivated, or belongs to another partition: create a new one in the AWS console"
                }
                CallError::Refused { code, .. } if code == "SignatureDoesNotMatch" => {
                    "the secret access key was mistyped, or belongs to another key: copy both again"
                }
                _ => "create a new key in the AWS console, or ask an administrator",
            };
            Finding::fail(format!("the access key does not work: {error}"), repair)
        }
    }
}

/// What IAM lists, or why it was not called.
enum Listed {
    Devices(Vec<Bound>),
    Not(String),
}

/// The user's devices.
fn listed(facts: &Facts) -> Listed {
    let not = |why: &str| Listed::Not(why.to_owned());
    if let Some(why) = network::unanswered(facts) {
        return Listed::Not(why);
    }
    match network::answer(facts).ok().and_then(|answer| answer.caller.as_ref()) {
        None => return not("the profile does not start with an access key from the AWS files"),
        Some(Err(_)) => return not("the access key does not work"),
        Some(Ok(arn)) if arn.ends_with(":root") => return not("these are the root user's credentials"),
        Some(Ok(_)) => {}
    }
    let (Ok(plan), Ok(set)) = (facts.plan(), facts.profiles()) else { return not("the profile cannot be used") };
    let Some(signer) = network::key(facts, plan) else { return not("the key is gone") };
    let Ok(service) = plan.iam(set, &ambient(&facts.variables)) else {
        return not("IAM's endpoint is not a valid address");
    };
    let running = Running::of(facts);
    let clock = CorrectedClock::new(&running, None);
    let devices = AwsIam::connect(&service, network::limits(facts), &clock)
        .map_err(IamError::from)
        .and_then(|iam| iam.devices(&signer, None));
    match devices {
        Ok(devices) => Listed::Devices(devices),
        Err(IamError::Denied { .. }) => not("the user is not allowed to list their devices (iam:ListMFADevices)"),
        Err(error) => Listed::Not(format!("IAM could not list the devices: {error}")),
    }
}

/// Does AWS's API accept codes from the device?
pub(super) fn kind(facts: &Facts) -> Finding {
    if let Resolved::Plan { fido: Some((_, why)), .. } = facts.resolved() {
        let repair = why.repair.clone().unwrap_or_else(|| "enroll a TOTP device".to_owned());
        return Finding::fail(&why.what, repair).at(why.place.as_ref());
    }
    let plan = match facts.plan() {
        Ok(plan) => plan,
        Err(why) => return Finding::skipped(why),
    };
    if let Some(serial) = plan.device.as_ref().and_then(Device::serial) {
        return match serial.kind() {
            DeviceKind::Sms => Finding::fail(
                format!("{serial} is a phone for SMS, and AWS no longer sends codes"),
                format!("{} creates a device that works", ours("device enroll", Some(&plan.user))),
            ),
            _ => Finding::pass(format!("AWS accepts codes from {}", serial.device())),
        };
    }
    // `mfa_serial = auto`, or no serial: the user's devices decide.
    match listed(facts) {
        Listed::Not(why) => Finding::skipped(why),
        Listed::Devices(devices) if devices.is_empty() => Finding::skipped("the user has no device"),
        Listed::Devices(devices) if usable(&devices).is_empty() => Finding::fail(
            "the user has only security keys or passkeys, which AWS's API does not accept",
            format!(
                "{} adds a TOTP device; or sign in with `aws login` and use its `login_session` profile",
                ours("device enroll", Some(&plan.user))
            ),
        ),
        Listed::Devices(_) => Finding::pass("the user has a device whose codes AWS accepts"),
    }
}

/// Is the profile's device one of the user's?
pub(super) fn known(facts: &Facts) -> Finding {
    let plan = match facts.plan() {
        Ok(plan) => plan,
        Err(why) => return Finding::skipped(why),
    };
    if let Resolved::Plan { fido: Some(_), .. } = facts.resolved() {
        return Finding::skipped("the profile names a FIDO device");
    }
    let devices = match listed(facts) {
        Listed::Devices(devices) => devices,
        Listed::Not(why) => return Finding::skipped(why),
    };
    let enroll = ours("device enroll", Some(&plan.user));
    let usable = usable(&devices);
    match &plan.device {
        Some(Device::Named(serial)) if devices.iter().any(|device| device.serial == *serial) => {
            Finding::pass(format!("IAM lists {} among the user's devices", serial.device()))
        }
        Some(Device::Named(serial)) => {
            let repair = match &usable[..] {
                [] => format!("the user has no device that works: {enroll}"),
                several => {
                    let named: Vec<String> = several.iter().map(|it| format!("`mfa_serial = {it}`")).collect();
                    format!("use {}", named.join(" or "))
                }
            };
            Finding::fail(format!("{serial} is not a device of this user"), repair)
        }
        Some(Device::Auto) => match usable.len() {
            0 if devices.is_empty() => Finding::fail("the user has no MFA device", format!("{enroll} creates one")),
            0 => Finding::skipped("the user has only security keys or passkeys"),
            1 => Finding::pass("the user has one device, which `mfa_serial = auto` selects"),
            several => Finding::fail(
                format!("the user has {several} devices, so `mfa_serial = auto` cannot choose"),
                format!("use the serial of one of them: {} lists them", ours("device list", Some(&plan.user))),
            ),
        },
        None if devices.is_empty() => Finding::warn("the user has no MFA device", format!("{enroll} creates one")),
        None => Finding::pass("the user has an MFA device"),
    }
}
