//! The life of MFA devices: made, enabled, resynced, deactivated, deleted, listed.
//!
//! A call is held to the model first, then to the denials that a test has set, and only then to what is there: like
//! AWS, which tells nobody what exists that may not ask.

use data_encoding::{BASE32_NOPAD, BASE64};

use super::super::device::DeviceState;
use super::super::front::Caller;
use super::super::reply::{Refusal, element};
use super::super::validate::{Class, Constraints};
use super::super::world::{Kind, Params, World};
use super::{page, permit, seconds, user_name};

/// The most devices of one user.
const MOST: usize = 8;

pub(super) fn create(world: &mut World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let mut constraints = Constraints::default();
    let name = constraints.required(params, "VirtualMFADeviceName");
    constraints.text("VirtualMFADeviceName", name, (1, 226), Class::Name);
    let path = params.get("Path").unwrap_or("/");
    constraints.text("Path", path, (1, 512), Class::Text);
    constraints.check()?;
    if !path.starts_with('/') || !path.ends_with('/') {
        return Err(Refusal::invalid("The specified value for path is invalid. It must begin and end with /."));
    }
    let serial = format!("arn:aws:iam::{}:mfa{path}{name}", world.account);
    permit(world, caller, "CreateVirtualMFADevice", &serial)?;
    if world.devices.contains_key(&serial) {
        let text = "MFADevice entity at the same path and name already exists.";
        return Err(Refusal::new(409, "EntityAlreadyExists", text));
    }
    let device = DeviceState::new(None);
    let seed = BASE32_NOPAD.encode(&device.seed);
    let wire = BASE64.encode(seed.as_bytes());
    world.secrets.extend([(Kind::Seed, seed), (Kind::Seed, wire.clone())]);
    world.devices.insert(serial.clone(), device);
    // A client that draws its own needs no picture; this one is just no text.
    let png = BASE64.encode(b"\x89PNG\r\n\x1a\n");
    let inner = element("SerialNumber", &serial) + &element("Base32StringSeed", &wire) + &element("QRCodePNG", &png);
    Ok(format!("<VirtualMFADevice>{inner}</VirtualMFADevice>"))
}

pub(super) fn enable(world: &mut World, caller: &Caller, params: &Params) -> Result<(), Refusal> {
    let Codes { serial, first, second } = Codes::read(params)?;
    let user = user_name(world, caller, params)?;
    permit(world, caller, "EnableMFADevice", &world.user_arn(&user))?;
    let step = world.step();
    let count = world.devices.values().filter(|device| device.is_of(&user)).count();
    let now = world.now();
    let device = world.devices.get_mut(serial).ok_or_else(|| unknown(serial))?;
    if device.assigned.is_some() {
        return Err(Refusal::new(409, "EntityAlreadyExists", "MFA Device is already in use."));
    }
    if count >= MOST {
        let text = format!("Cannot exceed quota for MFADevicesPerUser: {MOST}");
        return Err(Refusal::new(409, "LimitExceeded", text));
    }
    device.take_pair(first, second, step).ok_or_else(wrong_codes)?;
    device.assigned = Some((user, now));
    Ok(())
}

pub(super) fn resync(world: &mut World, caller: &Caller, params: &Params) -> Result<(), Refusal> {
    let Codes { serial, first, second } = Codes::read(params)?;
    let user = user_name(world, caller, params)?;
    permit(world, caller, "ResyncMFADevice", &world.user_arn(&user))?;
    let step = world.step();
    let device = world.devices.get_mut(serial).filter(|device| device.is_of(&user)).ok_or_else(not_of_user)?;
    if serial.contains(":u2f/") {
        return Err(Refusal::invalid("Resync is not supported for this device."));
    }
    device.take_pair(first, second, step).ok_or_else(wrong_codes)
}

pub(super) fn deactivate(world: &mut World, caller: &Caller, params: &Params) -> Result<(), Refusal> {
    let serial = serial(params)?;
    let user = user_name(world, caller, params)?;
    permit(world, caller, "DeactivateMFADevice", &world.user_arn(&user))?;
    let is_virtual = serial.contains(":mfa/");
    let device = world.devices.get_mut(serial).filter(|device| device.is_of(&user)).ok_or_else(not_of_user)?;
    if is_virtual {
        device.assigned = None;
    } else {
        world.devices.remove(serial);
    }
    Ok(())
}

pub(super) fn delete(world: &mut World, caller: &Caller, params: &Params) -> Result<(), Refusal> {
    let serial = serial(params)?;
    permit(world, caller, "DeleteVirtualMFADevice", serial)?;
    let device = world.devices.get(serial).ok_or_else(|| unknown(serial))?;
    if device.assigned.is_some() {
        let text = "MFA VirtualDevice in use. Must deactivate first.";
        return Err(Refusal::new(409, "DeleteConflict", text));
    }
    world.devices.remove(serial);
    Ok(())
}

pub(super) fn list(world: &World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let name = user_name(world, caller, params)?;
    permit(world, caller, "ListMFADevices", &world.user_arn(&name))?;
    let members: Vec<String> = world
        .devices
        .iter()
        .filter_map(|(serial, device)| {
            let (owner, since) = device.assigned.as_ref()?;
            let inner = element("UserName", owner)
                + &element("SerialNumber", serial)
                + &element("EnableDate", &seconds(*since));
            (*owner == name).then_some(inner)
        })
        .collect();
    page(world, params, "MFADevices", &members)
}

pub(super) fn list_virtual(world: &World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let status = params.get("AssignmentStatus").unwrap_or("Any");
    if !["Assigned", "Unassigned", "Any"].contains(&status) {
        return Err(Refusal::invalid(format!(
            "1 validation error detected: Value '{status}' at 'assignmentStatus' failed to satisfy constraint: Member \
             must satisfy enum value set: [Any, Unassigned, Assigned]"
        )));
    }
    permit(world, caller, "ListVirtualMFADevices", &format!("arn:aws:iam::{}:mfa/", world.account))?;
    let members: Vec<String> = world
        .devices
        .iter()
        .filter(|(serial, device)| {
            let wanted = status == "Any" || (status == "Assigned") == device.assigned.is_some();
            serial.contains(":mfa/") && wanted
        })
        .map(|(serial, device)| {
            let owner = device.assigned.as_ref().map_or_else(String::new, |(owner, since)| {
                let id = world.users.get(owner).map_or("", |user| user.id.as_str());
                let inner = element("Path", "/")
                    + &element("UserName", owner)
                    + &element("UserId", id)
                    + &element("Arn", &world.user_arn(owner))
                    + &element("CreateDate", &seconds(*since));
                format!("<User>{inner}</User>{}", element("EnableDate", &seconds(*since)))
            });
            element("SerialNumber", serial) + &owner
        })
        .collect();
    page(world, params, "VirtualMFADevices", &members)
}

/// A device and two codes.
struct Codes<'a> {
    serial: &'a str,
    first: &'a str,
    second: &'a str,
}

impl<'a> Codes<'a> {
    fn read(params: &'a Params) -> Result<Self, Refusal> {
        let mut constraints = Constraints::default();
        constraints.required(params, "UserName");
        let serial = constraints.required(params, "SerialNumber");
        constraints.text("SerialNumber", serial, (9, 256), Class::Serial);
        let first = constraints.required(params, "AuthenticationCode1");
        constraints.text("AuthenticationCode1", first, (6, 6), Class::Digits);
        let second = constraints.required(params, "AuthenticationCode2");
        constraints.text("AuthenticationCode2", second, (6, 6), Class::Digits);
        constraints.check()?;
        Ok(Self { serial, first, second })
    }
}

fn serial(params: &Params) -> Result<&str, Refusal> {
    let mut constraints = Constraints::default();
    let serial = constraints.required(params, "SerialNumber");
    constraints.text("SerialNumber", serial, (9, 256), Class::Serial);
    constraints.check()?;
    Ok(serial)
}

fn wrong_codes() -> Refusal {
    Refusal::new(403, "InvalidAuthenticationCode", "Authentication code for device is not valid.")
}

fn not_of_user() -> Refusal {
    Refusal::new(404, "NoSuchEntity", "MFA Device invalid for user.")
}

fn unknown(serial: &str) -> Refusal {
    Refusal::new(404, "NoSuchEntity", format!("VirtualMFADevice with serial number {serial} doesn't exist."))
}
