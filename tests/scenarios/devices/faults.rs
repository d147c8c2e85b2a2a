//! Every way in which an enrollment or a removal breaks off: nothing is left behind, or what is left is named with the
//! command that removes it, and the next run goes on.

use super::{
    CONFIG, ENROLL, FIRST, LAPTOP, NEXT, WRITE, answer, calls, devices, failed, finish, laptop, newcomer, type_codes,
};
use crate::support::aws::{Fault, When};
use crate::support::pty::{Finished, PATIENCE, Session};
use crate::support::world::World;

pub(super) const YES: [&str; 7] = ["device", "enroll", "--profile", "alice", "--name", "laptop", "--yes"];

pub(super) fn nobodys() -> Vec<(String, String)> {
    vec![(LAPTOP.to_owned(), "nobody".to_owned())]
}

pub(super) fn alices() -> Vec<(String, String)> {
    vec![(LAPTOP.to_owned(), "alice".to_owned())]
}

/// The first prompt was seen: types two codes of the device there is.
pub(super) fn type_both(session: &mut Session, world: &World) {
    let device = laptop(world);
    session.type_text(&format!("{}\n", device.fresh_code()));
    answer(session, NEXT, &device.fresh_code());
}

/// Enrols with two good codes and yes to everything.
pub(super) fn try_to_enroll(world: &World) -> Finished {
    let mut session = world.at_terminal(&YES);
    session.wait_for(FIRST, PATIENCE);
    type_both(&mut session, world);
    finish(world, session)
}

/// A run that goes well after one that did not.
pub(super) fn second_run(world: &World) {
    world.aws.allow_all();
    world.aws.heal();
    calls(world);
    let done = try_to_enroll(world);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(devices(world), alices());
    assert_eq!(world.read(".aws/config"), format!("{CONFIG}mfa_serial = {LAPTOP}\n"));
    world.sign_in(&laptop(world), &["env", "alice"]);
}

pub(super) const MFA: &str = "arn:aws:iam::123456789012:mfa/*";
pub(super) const ONESELF: &str = "arn:aws:iam::123456789012:user/${aws:username}";

#[test]
fn when_the_first_call_is_denied_nothing_is_made_and_all_permissions_are_named() {
    let (world, _) = newcomer();
    world.aws.deny("ListMFADevices");
    let done = finish(&world, world.at_terminal(&ENROLL));
    done.expect(5, "", format!(
                "error: ListMFADevices: AWS refused it (AccessDenied): User: arn:aws:iam::123456789012:user/alice is not \
                 authorized to perform: iam:ListMFADevices on resource: arn:aws:iam::123456789012:user/alice because no \
                 identity-based policy allows the iam:ListMFADevices action\n\
                 hint: listing your MFA devices needs `iam:ListMFADevices` on `{ONESELF}` (still needed: \
                 `iam:ListMFADevices`, `iam:CreateVirtualMFADevice`, `iam:EnableMFADevice`, `iam:ResyncMFADevice`); \
                 statements that allow it: {{\"Effect\":\"Allow\",\"Action\":\"iam:CreateVirtualMFADevice\",\"Resource\":\
                 \"{MFA}\"}}, {{\"Effect\":\"Allow\",\"Action\":[\"iam:ListMFADevices\",\"iam:EnableMFADevice\",\
                 \"iam:ResyncMFADevice\"],\"Resource\":\"{ONESELF}\"}}\n"
            )
            .as_str());
    assert_eq!(devices(&world), []);
    second_run(&world);
}

#[test]
fn when_creating_a_device_is_denied_nothing_is_left() {
    let (world, _) = newcomer();
    world.aws.deny("CreateVirtualMFADevice");
    let done = finish(&world, world.at_terminal(&YES));
    let (code, said) = failed(&done);
    assert_eq!(code, Some(5));
    assert!(
        said.contains("iam:CreateVirtualMFADevice on resource: arn:aws:iam::123456789012:mfa/alice because"),
        "{said}"
    );
    assert!(
        said.contains(&format!(
            "hint: creating the device needs `iam:CreateVirtualMFADevice` on `{MFA}` (still needed: \
             `iam:CreateVirtualMFADevice`, `iam:EnableMFADevice`, `iam:ResyncMFADevice`)"
        )),
        "{said}"
    );
    assert_eq!(
        calls(&world),
        [
            "GetCallerIdentity",
            "ListMFADevices",
            "CreateVirtualMFADevice: AccessDenied",
            "CreateVirtualMFADevice: AccessDenied"
        ]
    );
    second_run(&world);
}

#[test]
fn an_old_policy_allows_only_the_user_name_which_is_offered() {
    let (world, _) = newcomer();
    let alice = "arn:aws:iam::123456789012:mfa/alice";
    world.aws.deny_but("CreateVirtualMFADevice", alice);
    let mut session = world.at_terminal(&ENROLL);
    answer(&mut session, "Create `alice`? [y/N] ", "n");
    assert_eq!(finish(&world, session).status.code(), Some(5));
    let mut session = world.at_terminal(&ENROLL);
    answer(&mut session, "Create `alice`? [y/N] ", "y");
    session.wait_for(FIRST, PATIENCE);
    let device = world.aws.device(alice).expect("it was made");
    session.type_text(&format!("{}\n", device.fresh_code()));
    answer(&mut session, NEXT, &device.fresh_code());
    answer(&mut session, WRITE, "y");
    assert!(finish(&world, session).status.success());
    assert_eq!(world.read(".aws/config"), format!("{CONFIG}mfa_serial = {alice}\n"));
}

#[test]
fn when_enabling_is_denied_the_device_is_deleted_again() {
    let (world, _) = newcomer();
    world.aws.deny("EnableMFADevice");
    let done = try_to_enroll(&world);
    let (code, said) = failed(&done);
    assert_eq!(code, Some(5));
    assert!(
        said.contains(&format!(
            "hint: enabling the device needs `iam:EnableMFADevice` on `{ONESELF}` (still needed: \
             `iam:EnableMFADevice`, `iam:ResyncMFADevice`); statements that allow it: {{\"Effect\":\"Allow\",\"Action\":[\
             \"iam:EnableMFADevice\",\"iam:ResyncMFADevice\"],\"Resource\":\"{ONESELF}\"}}\n"
        )),
        "{said}"
    );
    assert_eq!(calls(&world).last().expect("calls"), "DeleteVirtualMFADevice");
    assert_eq!((devices(&world), world.read(".aws/config")), (vec![], CONFIG.to_owned()));
    second_run(&world);
}

#[test]
fn an_explicit_deny_is_reported_as_one() {
    let (world, _) = newcomer();
    world.aws.deny_without_mfa("EnableMFADevice");
    let done = try_to_enroll(&world);
    let (code, said) = failed(&done);
    assert_eq!(code, Some(5));
    assert!(
        said.contains(&format!(
            "hint: enabling the device needs `iam:EnableMFADevice` on `{ONESELF}`, and a Deny forbids it; no Allow \
             helps. A Deny of everything without MFA must exempt (`NotAction`) the actions that enrollment needs before MFA exists: \
             `iam:EnableMFADevice`, `iam:ResyncMFADevice`\n"
        )),
        "{said}"
    );
    assert_eq!(devices(&world), []);
}

#[test]
fn a_device_that_cannot_be_deleted_is_named_with_the_command_for_it() {
    let (world, _) = newcomer();
    world.aws.deny("EnableMFADevice");
    world.aws.deny("DeleteVirtualMFADevice");
    let done = try_to_enroll(&world);
    let (code, said) = failed(&done);
    assert_eq!(code, Some(5));
    let (error, hint) = said.split_once("\nhint: ").expect("two lines");
    assert!(error.starts_with("error: EnableMFADevice: "), "{error}");
    assert!(error.ends_with(&format!("; the device {LAPTOP} remains, unassigned")), "{error}");
    let command = format!(
        "`aws iam delete-virtual-mfa-device --serial-number {LAPTOP}` removes it, with an administrator's credentials \
         if yours are not allowed to; or run the same mfa-cred command again, or choose another name with `--name`. Also: enabling the device \
         needs `iam:EnableMFADevice`"
    );
    assert!(hint.starts_with(&command), "{hint}");
    assert_eq!(devices(&world), nobodys());
    second_run(&world);
}

#[test]
fn an_orphan_that_cannot_be_deleted_does_not_block_another_name() {
    let (world, _) = newcomer();
    world.aws.add_orphan("laptop");
    world.aws.deny_without_mfa("DeleteVirtualMFADevice");
    world.aws.deny("ListVirtualMFADevices");
    let mut session = world.at_terminal(&ENROLL);
    answer(&mut session, "A device `laptop` exists. Delete it if it is unassigned, and create it again? [y/N] ", "y");
    let done = finish(&world, session);
    let (code, said) = failed(&done);
    assert_eq!(code, Some(5));
    assert!(
        said.contains(&format!("the device {LAPTOP} remains")) && said.contains("or choose another name with `--name`"),
        "{said}"
    );
    let mut session = world.at_terminal(&["device", "enroll", "--profile", "alice", "--name", "tablet", "--yes"]);
    session.wait_for(FIRST, PATIENCE);
    let device = world.aws.device("arn:aws:iam::123456789012:mfa/tablet").expect("it was made");
    session.type_text(&format!("{}\n", device.fresh_code()));
    answer(&mut session, NEXT, &device.fresh_code());
    assert!(finish(&world, session).status.success());
}

#[test]
fn a_lost_answer_is_looked_up_and_leaves_nothing() {
    for fault in
        [Fault::Drop(When::After), Fault::Truncate, Fault::ServerError(When::After, 500), Fault::Drop(When::Before)]
    {
        // To the making of the device: it is deleted, if it was made.
        let (world, _) = newcomer();
        world.aws.fault("CreateVirtualMFADevice", fault.clone(), 1);
        let done = finish(&world, world.at_terminal(&YES));
        assert_eq!(done.status.code(), Some(6), "{fault:?} {done:?}");
        assert!(!done.stderr.contains("is left"), "{done:?}");
        assert_eq!(world.aws.count("CreateVirtualMFADevice"), 1, "it is never sent twice");
        assert_eq!(devices(&world), []);
        second_run(&world);

        // To the enabling: IAM is asked whether it was done.
        let (world, _) = newcomer();
        world.aws.fault("EnableMFADevice", fault.clone(), 1);
        let mut session = world.at_terminal(&YES);
        session.wait_for(FIRST, PATIENCE);
        type_both(&mut session, &world);
        if fault == Fault::Drop(When::Before) {
            session.wait_for("the codes may be", PATIENCE);
            type_codes(&mut session, &laptop(&world));
        }
        let done = finish(&world, session);
        assert!(done.status.success(), "{fault:?} {done:?}");
        let enabled = if fault == Fault::Drop(When::Before) { 2 } else { 1 };
        assert_eq!(world.aws.count("EnableMFADevice"), enabled);
        assert_eq!(devices(&world), alices());
    }
}

#[test]
fn when_the_outcome_is_unknown_the_next_run_finds_out() {
    let (world, _) = newcomer();
    world.aws.fault("EnableMFADevice", Fault::Drop(When::After), 3);
    let mut session = world.at_terminal(&YES);
    session.wait_for(FIRST, PATIENCE);
    world.aws.fault("ListMFADevices", Fault::Drop(When::Before), 30);
    type_both(&mut session, &world);
    // The device is enabled, and every later try is refused as such.
    type_codes(&mut session, &laptop(&world));
    type_codes(&mut session, &laptop(&world));
    let done = finish(&world, session);
    assert!(!done.status.success(), "{done:?}");
    assert!(done.stderr.contains("laptop was enabled after all; run the command again"), "{done:?}");
    assert_eq!(devices(&world), alices());
    world.aws.heal();
    calls(&world);
    let done = finish(&world, world.at_terminal(&YES));
    assert!(done.status.success() && done.stderr.starts_with("laptop is already enabled"), "{done:?}");
    assert_eq!(calls(&world), ["GetCallerIdentity", "ListMFADevices"]);
    assert!(world.read(".aws/config").contains(LAPTOP));
}

#[test]
fn equal_or_malformed_codes_are_not_sent_and_wrong_ones_are_asked_again() {
    let (world, _) = newcomer();
    let mut session = world.at_terminal(&YES);
    session.wait_for(FIRST, PATIENCE);
    let device = laptop(&world);
    let code = device.fresh_code();
    session.type_text("hunter2\n");
    answer(&mut session, FIRST, &code);
    answer(&mut session, NEXT, &code);
    session.wait_for("that is the same code", PATIENCE);
    calls(&world);
    // Not consecutive.
    device.fresh_code();
    answer(&mut session, NEXT, &device.fresh_code());
    session.wait_for("AWS refused these codes", PATIENCE);
    answer(&mut session, FIRST, &device.wrong_code());
    answer(&mut session, NEXT, &device.fresh_code());
    type_codes(&mut session, &device);
    let done = finish(&world, session);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(
        calls(&world),
        ["EnableMFADevice: InvalidAuthenticationCode", "EnableMFADevice: InvalidAuthenticationCode", "EnableMFADevice"]
    );
    // Spent at STS too, and known here.
    let reused = world.run_with_stdin(&["env", "alice", "--mfa-token", "-"], &format!("{code}\n"));
    assert_ne!(reused.status.code(), Some(0));
}

#[test]
fn three_wrong_pairs_end_it_and_leave_nothing() {
    let (world, _) = newcomer();
    let mut session = world.at_terminal(&YES);
    session.wait_for(FIRST, PATIENCE);
    let device = laptop(&world);
    session.type_text(&format!("{}\n", device.wrong_code()));
    answer(&mut session, NEXT, &device.fresh_code());
    for _ in 0..2 {
        answer(&mut session, FIRST, &device.wrong_code());
        answer(&mut session, NEXT, &device.fresh_code());
    }
    let done = finish(&world, session);
    done.expect(
        4,
        "",
        "error: EnableMFADevice: AWS refused it (InvalidAuthenticationCode): Authentication code for device is not \
             valid.\nhint: both codes must be from this device, consecutive, and not used before\n",
    );
    assert_eq!(devices(&world), []);
    second_run(&world);
}

#[test]
fn late_codes_bind_the_device_and_two_more_resynchronize_it() {
    let (world, _) = newcomer();
    let mut session = world.at_terminal(&YES);
    session.wait_for(FIRST, PATIENCE);
    let device = laptop(&world);
    session.type_text(&format!("{}\n", device.code_at(-11)));
    answer(&mut session, NEXT, &device.code_at(-10));
    answer(&mut session, "laptop, first MFA code: ", &device.fresh_code());
    answer(&mut session, "laptop, the next MFA code: ", &device.fresh_code());
    let done = finish(&world, session);
    assert!(done.status.success() && done.stderr.contains("the codes arrived late"), "{done:?}");
    assert_eq!(calls(&world)[2..], ["CreateVirtualMFADevice", "EnableMFADevice", "ResyncMFADevice"]);
    world.sign_in(&device, &["env", "alice"]);
}

#[test]
fn names_that_are_taken() {
    let (world, _) = newcomer();
    world.aws.add_user("bob");
    world.aws.add_device("bob", "laptop");
    for may_look in [true, false] {
        if !may_look {
            world.aws.deny("ListVirtualMFADevices");
        }
        let done = finish(&world, world.at_terminal(&YES));
        done.expect(
            1,
            "",
            "error: the name `laptop` is taken by another user's device\nhint: choose another name with `--name`\n",
        );
        // Whoever can look does not try; whoever cannot leaves it to AWS, which deletes nothing that is somebody's.
        let is_tried = calls(&world).iter().any(|call| call.starts_with("DeleteVirtualMFADevice"));
        assert_eq!(is_tried, !may_look);
    }
    assert_eq!(devices(&world), [(LAPTOP.to_owned(), "bob".to_owned())]);
}

#[test]
fn eight_devices_are_the_limit() {
    let (world, _) = newcomer();
    for n in 1..=8 {
        world.aws.add_device("alice", &format!("phone-{n}"));
    }
    let done = finish(&world, world.at_terminal(&ENROLL));
    done.expect(
        1,
        "",
        "error: user `alice` already has 8 MFA devices, which is AWS's limit\n\
             hint: remove one of those that `mfa-cred device list --profile alice` lists\n",
    );
    assert_eq!(calls(&world), ["GetCallerIdentity", "ListMFADevices"]);
    // Somebody else was quicker.
    let (world, _) = newcomer();
    let text = "Cannot exceed quota for MFADevicesPerUser: 8".to_owned();
    world.aws.fault("EnableMFADevice", Fault::Refuse(409, "LimitExceeded".to_owned(), text), 1);
    let done = try_to_enroll(&world);
    assert_eq!((failed(&done).0, devices(&world)), (Some(5), vec![]));
    assert!(
        done.stderr.contains("hint: remove one of those that `mfa-cred device list --profile alice` lists"),
        "{done:?}"
    );
}

#[test]
fn when_the_profile_cannot_be_written_the_device_stays_and_the_line_is_printed() {
    let (world, _) = newcomer();
    let mut session = world.at_terminal(&ENROLL);
    session.wait_for(FIRST, PATIENCE);
    type_both(&mut session, &world);
    session.wait_for(WRITE, PATIENCE);
    world.write(".aws/config", format!("{CONFIG}# somebody else was here\n"));
    session.type_text("y\n");
    let done = finish(&world, session);
    let (code, said) = failed(&done);
    assert_eq!(code, Some(1));
    assert!(said.contains("changed on disk since it was read; not written"), "{said}");
    assert!(
        said.ends_with(&format!("hint: the device is enabled: write `mfa_serial = {LAPTOP}` into the profile\n")),
        "{said}"
    );
    assert_eq!(world.read(".aws/config"), format!("{CONFIG}# somebody else was here\n"));
}

#[test]
fn an_invalid_seed_or_serial_causes_no_panic_and_leaves_no_device() {
    let wire = |seed: &str| data_encoding::BASE64.encode(seed.as_bytes());
    let seed = |seed: &str| ("Base32StringSeed", wire(seed));
    for (element, content) in [
        seed(&"A".repeat(5000)),
        seed(&"A".repeat(2000)),
        seed(&"A".repeat(129)),
        seed(&"A".repeat(25)),
        seed(""),
        seed(&"a".repeat(64)),
        seed(&format!("{}={}", "A".repeat(32), "A".repeat(31))),
        seed(&format!("{}\u{1b}[2J", "A".repeat(60))),
        ("Base32StringSeed", "no base64".to_owned()),
        ("SerialNumber", "arn:aws:iam::123456789012:mfa/other".to_owned()),
        ("SerialNumber", "arn:aws:iam::999999999999:mfa/laptop".to_owned()),
        ("SerialNumber", "x".repeat(5000)),
        ("SerialNumber", String::new()),
    ] {
        let (world, _) = newcomer();
        world.aws.fault("CreateVirtualMFADevice", Fault::Content(element, content.clone()), 1);
        let done = finish(&world, world.at_terminal(&YES));
        let (code, said) = failed(&done);
        assert_eq!(code, Some(6), "{element} {content}: {said}");
        assert!(said.starts_with("error: CreateVirtualMFADevice: the answer is not one of AWS's"), "{said}");
        assert!(!said.contains("is left") && !done.terminal.contains("MFA code"), "{done:?}");
        assert_eq!((devices(&world), world.aws.count("CreateVirtualMFADevice")), (vec![], 1), "{element} {content}");
    }
    // A picture of any size, or none, is AWS's own affair: it is not shown.
    for picture in [wire(&"x".repeat(20_000)), "no base64".to_owned()] {
        let (world, _) = newcomer();
        world.aws.fault("CreateVirtualMFADevice", Fault::Content("QRCodePNG", picture), 1);
        assert!(try_to_enroll(&world).status.success());
    }
}
