//! Users who may not do everything, and users whose devices are of another kind or more than one.

use super::{CSV, SETUP, at_terminal, but, everything_works, finish, run, sit, stranger_with_a_passphrase};
use crate::support::world::World;

const FIDO: &str = "arn:aws:iam::123456789012:u2f/user/alice/key-ABCDEF";

#[test]
fn each_denied_call_is_named_and_the_other_steps_are_done() {
    for (action, answer) in [("ListMFADevices", ""), ("CreateVirtualMFADevice", ""), ("EnableMFADevice", "")] {
        let (world, key) = stranger_with_a_passphrase();
        world.aws.deny(action);
        let mut session = at_terminal(&world, (24, 80), &[&SETUP[..], &["--skip", "role"]].concat());
        but(&world, &mut session, "Your device's ARN or serial number", answer);
        let done = finish(&world, session);
        let said = done.terminal.replace("\r\n", "");
        assert_eq!(done.status.code(), Some(5), "{action}: {done:?}");
        for text in [
            format!("{action}: AWS refused it (AccessDenied)"),
            format!("needs `iam:{action}` on "),
            "[4/5] shell".to_owned(),
            "alice: these credentials do not expire".to_owned(),
            "not done: MFA device; `mfa-cred setup alice` goes on from there".to_owned(),
        ] {
            assert!(said.contains(&text), "{action}: {text}: {done:?}");
        }
        assert_eq!(world.aws.devices(), [], "{action}");
        // With the permission, the next run needs nothing else.
        world.aws.allow_all();
        let again = run(&world, &["setup", "alice", "--skip", "role"]);
        assert_eq!(again.status.code(), Some(0), "{action}: {again:?}");
        world.may_leak();
        everything_works(&world, "alice", &key);
    }
}

#[test]
fn a_user_who_may_not_list_devices_names_one() {
    let (world, key) = stranger_with_a_passphrase();
    let device = world.aws.add_device("alice", "alice-phone");
    world.aws.deny("ListMFADevices");
    let mut session = at_terminal(&world, (24, 80), &[&SETUP[..], &["--skip", "role"]].concat());
    but(&world, &mut session, "Your device's ARN or serial number", device.serial());
    let done = finish(&world, session);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(world.read(".aws/config").contains(&format!("mfa_serial = {}\n", device.serial())));
    everything_works(&world, "alice", &key);
    // And the next run takes the profile's word for it.
    let again = run(&world, &["setup", "alice", "--skip", "role"]);
    assert!(again.status.success() && again.terminal.contains("you may not list your devices"), "{again:?}");
}

#[test]
fn an_existing_device_is_used_and_of_several_one_is_chosen() {
    let (world, key) = stranger_with_a_passphrase();
    let device = world.aws.add_device("alice", "alice-phone");
    let done = run(&world, &[&SETUP[..], &["--skip", "role"]].concat());
    assert_eq!((done.status.code(), world.aws.devices().len()), (Some(0), 1), "{done:?}");
    assert!(done.terminal.contains(&format!("profile `alice` uses {}", device.serial())), "{done:?}");
    everything_works(&world, "alice", &key);

    let (world, _) = stranger_with_a_passphrase();
    for name in ["alice-laptop", "alice-phone"] {
        world.aws.add_device("alice", name);
    }
    let mut session = at_terminal(&world, (24, 80), &[&SETUP[..], &["--skip", "role", "--skip", "login"]].concat());
    but(&world, &mut session, "Which one do you use? [1-2] ", "2");
    let done = finish(&world, session);
    assert!(done.status.success(), "{done:?}");
    assert!(world.read(".aws/config").ends_with("mfa_serial = arn:aws:iam::123456789012:mfa/alice-phone\n"));
    assert_eq!(
        sit_again(&world, &["setup", "alice", "--device", "alice-laptop", "--skip", "role", "--skip", "login"]),
        1
    );
    assert!(world.read(".aws/config").ends_with("mfa_serial = arn:aws:iam::123456789012:mfa/alice-laptop\n"));
    let done = world.run(&["setup", "alice", "--device", "none", "--yes", "--skip", "role", "--skip", "login"]);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(done.stderr.contains("warning: user `alice` has no MFA device `none`\nhint: there are "), "{done:?}");
}

fn sit_again(world: &World, words: &[&str]) -> usize {
    let mut session = at_terminal(world, (24, 80), words);
    let asked = sit(world, &mut session, None);
    let done = finish(world, session);
    assert!(done.status.success(), "{done:?}");
    asked
}

#[test]
fn a_device_that_the_user_no_longer_has_is_replaced() {
    let (world, key) = stranger_with_a_passphrase();
    world.aws.add_device("alice", "alice-phone");
    world
        .write(".aws/config", "[profile alice]\nregion = eu-west-1\nmfa_serial = arn:aws:iam::123456789012:mfa/gone\n");
    let done = run(&world, &["setup", "alice", "--csv", CSV, "--skip", "role"]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(done.terminal.contains("-mfa_serial = arn:aws:iam::123456789012:mfa/gone"), "{done:?}");
    everything_works(&world, "alice", &key);
}

#[test]
fn a_fido_only_user_is_pointed_to_aws_login_and_may_add_an_app() {
    let (world, _) = stranger_with_a_passphrase();
    world.aws.add_device_with_serial("alice", FIDO);
    let mut session = at_terminal(&world, (24, 80), &[&SETUP[..], &["--skip", "role"]].concat());
    but(&world, &mut session, "Create a device for alice in an authenticator app?", "n");
    let done = finish(&world, session);
    let said = done.terminal.replace("\r\n", "");
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    for text in [
        &format!("{FIDO} cannot be used here: AWS's API accepts no FIDO codes"),
        "add an authenticator app, or sign in with `aws login`",
        "no MFA device is used",
    ] {
        assert!(said.contains(text), "{text}: {done:?}");
    }
    let done = run(&world, &["setup", "alice", "--skip", "role", "--name", "alice-app"]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(world.read(".aws/config").ends_with("mfa_serial = arn:aws:iam::123456789012:mfa/alice-app\n"));
    let refused = world.run(&["setup", "alice", "--device", FIDO, "--yes", "--skip", "role", "--skip", "login"]);
    assert_eq!(refused.status.code(), Some(4), "{refused:?}");
    assert!(refused.stderr.contains(&format!("warning: {FIDO} cannot be used here: ")), "{refused:?}");
}
