//! The life of MFA devices, as strict as AWS has it.

use super::{ask, assert_refused, bench, session};
use crate::support::aws::{AccessKey, Aws, Device, Response};

const PHONE: &str = "arn:aws:iam::123456789012:mfa/new";

fn create(aws: &Aws, key: &AccessKey, name: &str) -> Response {
    ask(aws, key, "CreateVirtualMFADevice", &[("VirtualMFADeviceName", name)])
}

fn pair(aws: &Aws, key: &AccessKey, action: &str, serial: &str, codes: [&str; 2]) -> Response {
    let [first, second] = codes;
    let params = [
        ("UserName", "alice"),
        ("SerialNumber", serial),
        ("AuthenticationCode1", first),
        ("AuthenticationCode2", second),
    ];
    ask(aws, key, action, &params)
}

fn made(aws: &Aws, key: &AccessKey) -> Device {
    let made = create(aws, key, "new");
    assert_eq!((made.status, made.text("SerialNumber").as_deref()), (200, Some(PHONE)));
    let device = aws.device(PHONE).expect("it is there");
    let wire = made.text("Base32StringSeed").expect("a seed");
    let seed = data_encoding::BASE64.decode(wire.as_bytes()).expect("base64");
    assert_eq!(String::from_utf8(seed).expect("base32"), device.seed_base32());
    device
}

#[test]
fn a_device_name_can_be_used_once() {
    let (aws, key, _) = bench();
    made(&aws, &key);
    let taken = "MFADevice entity at the same path and name already exists.";
    assert_refused(&create(&aws, &key, "new"), 409, "EntityAlreadyExists", taken);
    assert_refused(&create(&aws, &key, "alice-phone"), 409, "EntityAlreadyExists", taken);
    assert_refused(&create(&aws, &key, "a b"), 400, "ValidationError", "virtualMFADeviceName");
    assert_refused(&create(&aws, &key, ""), 400, "ValidationError", "virtualMFADeviceName");
}

#[test]
fn enabling_needs_two_consecutive_unused_codes() {
    let (aws, key, _) = bench();
    let device = made(&aws, &key);
    let enable = |first: &str, second: &str| pair(&aws, &key, "EnableMFADevice", PHONE, [first, second]);
    let (before, now, next) = (device.code_at(-1), device.code_at(0), device.code_at(1));
    for (first, second) in [(&now, &now), (&next, &now), (&before, &next), (&now, &device.wrong_code())] {
        assert_refused(&enable(first, second), 403, "InvalidAuthenticationCode", "is not valid");
    }
    assert_eq!(enable(&now, &next).status, 200);
    assert_refused(&enable(&now, &next), 409, "EntityAlreadyExists", "in use");
    // Both are spent, at STS too.
    for code in [&now, &next] {
        let params = [("SerialNumber", PHONE), ("TokenCode", code.as_str())];
        assert_refused(&ask(&aws, &key, "GetSessionToken", &params), 403, "AccessDenied", "invalid MFA");
    }
    assert!(session(&aws, &key, Some(&device)).token.is_some());
}

#[test]
fn late_codes_enable_a_device_out_of_sync_and_a_resync_repairs_it() {
    let (aws, key, _) = bench();
    let device = made(&aws, &key);
    let late = [device.code_at(-11), device.code_at(-10)];
    assert_eq!(pair(&aws, &key, "EnableMFADevice", PHONE, [&late[0], &late[1]]).status, 200);
    let code = device.fresh_code();
    let params = [("SerialNumber", PHONE), ("TokenCode", code.as_str())];
    assert_refused(&ask(&aws, &key, "GetSessionToken", &params), 403, "AccessDenied", "invalid MFA");
    let codes = [device.fresh_code(), device.fresh_code()];
    assert_eq!(pair(&aws, &key, "ResyncMFADevice", PHONE, [&codes[0], &codes[1]]).status, 200);
    assert!(session(&aws, &key, Some(&device)).token.is_some());
}

#[test]
fn a_user_has_at_most_eight_devices_and_an_assigned_one_cannot_be_deleted() {
    let (aws, key, phone) = bench();
    for n in 2..=8 {
        aws.add_device("alice", &format!("phone-{n}"));
    }
    let device = made(&aws, &key);
    let codes = [device.fresh_code(), device.fresh_code()];
    let ninth = pair(&aws, &key, "EnableMFADevice", PHONE, [&codes[0], &codes[1]]);
    assert_refused(&ninth, 409, "LimitExceeded", "MFADevicesPerUser: 8");
    let about =
        |action: &str, serial: &str| ask(&aws, &key, action, &[("UserName", "alice"), ("SerialNumber", serial)]);
    assert_refused(&about("DeleteVirtualMFADevice", phone.serial()), 409, "DeleteConflict", "deactivate first");
    assert_eq!(about("DeactivateMFADevice", phone.serial()).status, 200);
    assert_refused(&about("DeactivateMFADevice", phone.serial()), 404, "NoSuchEntity", "invalid for user");
    assert_eq!(about("DeleteVirtualMFADevice", phone.serial()).status, 200);
    assert_refused(&about("DeleteVirtualMFADevice", phone.serial()), 404, "NoSuchEntity", "doesn't exist");
}

#[test]
fn unassigned_devices_are_listed_separately() {
    let (aws, key, phone) = bench();
    made(&aws, &key);
    let serials = |status: &str| {
        let listed = ask(&aws, &key, "ListVirtualMFADevices", &[("AssignmentStatus", status)]);
        (listed.body.contains(phone.serial()), listed.body.contains(PHONE))
    };
    assert_eq!(serials("Assigned"), (true, false));
    assert_eq!(serials("Unassigned"), (false, true));
    assert_eq!(serials("Any"), (true, true));
    assert_refused(&ask(&aws, &key, "ListVirtualMFADevices", &[("AssignmentStatus", "x")]), 400, "ValidationError", "");
}

#[test]
fn denials_come_before_any_other_error() {
    let (aws, key, phone) = bench();
    let bare = session(&aws, &key, None);
    assert_refused(&create(&aws, &bare, "new"), 403, "InvalidClientTokenId", "");
    aws.deny_but("CreateVirtualMFADevice", "arn:aws:iam::123456789012:mfa/alice");
    assert_refused(
        &create(&aws, &key, "alice-phone"),
        403,
        "AccessDenied",
        "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: iam:CreateVirtualMFADevice on \
         resource: arn:aws:iam::123456789012:mfa/alice-phone because no identity-based policy allows the \
         iam:CreateVirtualMFADevice action",
    );
    assert_eq!(create(&aws, &key, "alice").status, 200);
    aws.deny_without_mfa("ListMFADevices");
    let denied = ask(&aws, &key, "ListMFADevices", &[]);
    assert_refused(&denied, 403, "AccessDenied", "with an explicit deny in an identity-based policy");
    assert_eq!(ask(&aws, &session(&aws, &key, Some(&phone)), "ListMFADevices", &[]).status, 200);
}
