//! `mfa_serial = auto`: IAM names the device once, and nobody is asked again while it is right.

use super::{CONFIG, calls, failed, finish, newcomer};
use crate::support::aws::Device;
use crate::support::world::{Cast, World};

const FIDO: &str = "arn:aws:iam::123456789012:u2f/user/alice/key";

/// Alice with one phone, which no profile names.
fn cast() -> (World, Device) {
    let Cast { world, device, .. } = World::cast();
    let config = world.read(".aws/config").replace(device.serial(), "auto");
    world.write(".aws/config", config);
    (world, device)
}

#[test]
fn iam_is_called_once_and_never_on_the_warm_path() {
    let (world, device) = cast();
    let show = world.run(&["show", "deploy"]);
    assert!(
        show.stdout
            .contains("GetSessionToken for 12h, with a code of the one device that IAM lists (`mfa_serial = auto`)"),
        "{show:?}"
    );
    assert_eq!(calls(&world), Vec::<String>::new());
    let mut session = world.at_terminal(&["env", "deploy"]);
    super::answer(&mut session, "MFA code for deploy (alice-phone): ", &device.fresh_code());
    assert!(finish(&world, session).status.success());
    assert_eq!(calls(&world), ["ListMFADevices", "GetSessionToken", "AssumeRole with MFA"]);
    let warm = world.run(&["env", "deploy"]);
    assert!(warm.status.success(), "{warm:?}");
    assert_eq!(calls(&world), Vec::<String>::new());
    // One code a day serves every role, also one whose profile names the device.
    world.edit_config("role/audit\nmfa_serial = auto", &format!("role/audit\nmfa_serial = {}", device.serial()));
    assert!(world.run(&["env", "audit"]).status.success());
    assert_eq!(calls(&world), ["AssumeRole with MFA"]);
    let show = world.run(&["show", "deploy"]);
    assert!(show.stdout.contains(&format!("with a code of {} (cached, ", device.serial())), "{show:?}");
    let status = world.run(&["status", "deploy"]);
    assert!(status.status.success(), "{status:?}");

    world.sign_in(&device, &["env", "deploy", "--refresh"]);
    assert_eq!(calls(&world), ["ListMFADevices", "GetSessionToken", "AssumeRole with MFA"]);
    assert!(world.run(&["clear"]).status.success());
    world.sign_in(&device, &["env", "deploy"]);
    assert_eq!(calls(&world)[0], "ListMFADevices");
    world.sign_in(&device, &["env", "deploy", "--no-cache"]);
    assert_eq!(calls(&world)[0], "ListMFADevices");
}

#[test]
fn a_device_unknown_to_aws_is_looked_up_again() {
    let (world, device) = cast();
    world.sign_in(&device, &["login", "deploy"]);
    assert!(world.run(&["clear", "deploy", "alice"]).status.success());
    let other = world.aws.add_device("alice", "tablet");
    world.aws.remove_device(device.serial());
    calls(&world);
    let done = world.run_with_stdin(&["env", "deploy", "--mfa-token", "-"], &other.fresh_code());
    assert_eq!(done.status.code(), Some(4), "{done:?}");
    assert_eq!(calls(&world), ["GetSessionToken: AccessDenied"]);
    world.sign_in(&other, &["env", "deploy"]);
    assert_eq!(calls(&world)[0], "ListMFADevices");
}

#[test]
fn a_remembered_device_is_used_for_its_user_only() {
    let (world, device) = cast();
    world.sign_in(&device, &["login", "deploy"]);
    let key = world.aws.add_user("bob");
    world.write_key("bob", &key);
    world.add_config("[profile bob]\nmfa_serial = auto\n");
    let bobs = world.aws.add_device("bob", "bobs-phone");
    calls(&world);
    let mut session = world.at_terminal(&["env", "bob"]);
    super::answer(&mut session, "MFA code for bob (bobs-phone): ", &bobs.fresh_code());
    assert!(finish(&world, session).status.success());
    assert_eq!(calls(&world), ["ListMFADevices", "GetSessionToken"]);
}

#[test]
fn no_device_and_several_devices_are_errors_that_list_them() {
    let (world, _) = cast();
    world.aws.add_device("alice", "tablet");
    world.aws.add_device_with_serial("alice", FIDO);
    let done = world.run(&["env", "deploy"]);
    done.expect(
        1,
        "",
        "error: user `alice` has several MFA devices: arn:aws:iam::123456789012:mfa/alice-phone, \
             arn:aws:iam::123456789012:mfa/tablet\n\
             hint: choose one: write it as `mfa_serial` into the profile\n",
    );
    let (world, _) = newcomer();
    world.add_config("mfa_serial = auto\n");
    let done = world.run(&["env", "alice"]);
    done.expect(
        1,
        "",
        "error: user `alice` has no MFA device whose codes can be used here\n\
             hint: `mfa-cred device enroll --profile alice` creates one\n",
    );
    world.aws.add_device_with_serial("alice", FIDO);
    let done = world.run(&["env", "alice"]);
    let said = format!("error: user `alice` has no MFA device whose codes can be used here: {FIDO}\n");
    assert!(failed(&done).1.starts_with(&said), "{done:?}");
    world.aws.deny("ListMFADevices");
    let done = world.run(&["env", "alice"]);
    let (code, said) = failed(&done);
    assert_eq!(code, Some(5));
    assert!(
        said.contains("hint: a policy must allow `iam:ListMFADevices` on `arn:aws:iam::123456789012:user/alice`"),
        "{said}"
    );
}

#[test]
fn a_fido_serial_lists_the_devices_that_could_be_named_instead() {
    let (world, _) = newcomer();
    world.aws.add_device_with_serial("alice", FIDO);
    world.write(".aws/config", format!("{CONFIG}mfa_serial = {FIDO}\n"));
    for (device, hint) in [
        (
            None,
            "hint: add a TOTP device (`mfa-cred device enroll --profile alice`), which also sets `mfa_serial`; or sign in with `aws login` and use its `login_session` profile\n",
        ),
        (
            Some("tablet"),
            "hint: use a device whose codes AWS accepts: `mfa_serial = arn:aws:iam::123456789012:mfa/tablet`\n",
        ),
    ] {
        if let Some(name) = device {
            world.aws.add_device("alice", name);
        }
        for words in [["env", "alice"], ["login", "alice"]] {
            let done = world.run(&words);
            let (code, said) = failed(&done);
            assert_eq!(code, Some(4));
            assert!(said.contains("is a FIDO key or passkey") && said.ends_with(hint), "{said}");
        }
    }
    calls(&world);
    // `show` makes no call.
    assert!(world.run(&["show", "alice"]).stdout.contains("is a FIDO key or passkey"));
    assert_eq!(calls(&world), Vec::<String>::new());
}

#[test]
fn a_device_is_enrolled_next_to_a_fido_key() {
    let (world, _) = newcomer();
    world.aws.add_device_with_serial("alice", FIDO);
    world.write(".aws/config", format!("{CONFIG}mfa_serial = {FIDO}\n"));
    let done = super::enroll(&world);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(world.read(".aws/config"), format!("{CONFIG}mfa_serial = {}\n", super::LAPTOP));
}
