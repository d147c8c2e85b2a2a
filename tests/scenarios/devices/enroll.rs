//! A new device, and what people do with it.

use super::{
    CONFIG, ENROLL, FIRST, LAPTOP, NEXT, WRITE, answer, calls, devices, enroll, failed, finish, laptop, newcomer,
};
use crate::support::aws::{ROOT, RoleSpec};
use crate::support::pty::PATIENCE;
use crate::support::world::{Cast, World, variable};

#[test]
fn a_fresh_user_enrolls_signs_in_resyncs_and_removes_with_no_more_calls_than_needed() {
    let (world, _) = newcomer();
    let done = enroll(&world);
    assert_eq!(
        done.stderr,
        "laptop is enabled for alice\nprofile `alice` now uses it; sign in with the device's next code\n"
    );
    assert_eq!(done.stdout, "");
    assert_eq!(calls(&world), ["GetCallerIdentity", "ListMFADevices", "CreateVirtualMFADevice", "EnableMFADevice"]);
    assert_eq!(world.read(".aws/config"), format!("{CONFIG}mfa_serial = {LAPTOP}\n"));
    let device = laptop(&world);

    let mut session = world.at_terminal(&["env", "alice"]);
    answer(&mut session, "MFA code for alice (laptop): ", &device.fresh_code());
    let done = finish(&world, session);
    assert!(done.status.success(), "{done:?}");
    assert!(variable(&done.stdout, "AWS_ACCESS_KEY_ID").starts_with("ASIA"));
    assert_eq!(calls(&world), ["GetSessionToken"]);

    device.set_drift(9);
    let mut session = world.at_terminal(&["device", "resync", "--profile", "alice"]);
    answer(&mut session, "laptop, first MFA code: ", &device.fresh_code());
    answer(&mut session, "laptop, the next MFA code: ", &device.fresh_code());
    let done = finish(&world, session);
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), "laptop: resynchronized with AWS\n"));
    assert_eq!(calls(&world), ["GetCallerIdentity", "ResyncMFADevice"]);
    world.sign_in(&device, &["env", "alice", "--refresh"]);
    calls(&world);

    // Enter loses nothing.
    let mut session = world.at_terminal(&["device", "remove", "--profile", "alice"]);
    answer(&mut session, &format!("Remove the MFA device {LAPTOP} of alice? [y/N] "), "");
    assert_eq!(failed(&finish(&world, session)), (Some(130), "error: nothing was changed\n"));
    assert_eq!(calls(&world), ["GetCallerIdentity", "ListMFADevices"]);

    let mut session = world.at_terminal(&["device", "remove", "--profile", "alice"]);
    answer(&mut session, &format!("Remove the MFA device {LAPTOP} of alice? [y/N] "), "y");
    answer(&mut session, WRITE, "y");
    let done = finish(&world, session);
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), "laptop: removed\n"));
    assert_eq!(
        calls(&world),
        ["GetCallerIdentity", "ListMFADevices", "DeactivateMFADevice with MFA", "DeleteVirtualMFADevice with MFA"]
    );
    assert_eq!((devices(&world).len(), world.read(".aws/config")), (0, CONFIG.to_owned()));
}

#[test]
fn enrolling_a_second_device_uses_mfa_of_the_first() {
    let Cast { world, device, .. } = World::cast();
    world.edit_config("[profile alice]\n", &format!("[profile alice]\nmfa_serial = {}\n", device.serial()));
    let mut session = world.at_terminal(&ENROLL);
    answer(&mut session, "alice-phone, MFA code: ", &device.fresh_code());
    session.wait_for(FIRST, PATIENCE);
    let new = laptop(&world);
    session.type_text(&format!("{}\n", new.fresh_code()));
    answer(&mut session, NEXT, &new.fresh_code());
    answer(&mut session, WRITE, "y");
    let done = finish(&world, session);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(
        calls(&world),
        [
            "GetCallerIdentity",
            "ListMFADevices",
            "GetSessionToken",
            "CreateVirtualMFADevice with MFA",
            "EnableMFADevice with MFA"
        ]
    );
    assert!(world.read(".aws/config").contains(&format!("[profile alice]\nmfa_serial = {LAPTOP}\n")));
}

#[test]
fn the_default_name_has_the_user_and_the_host() {
    let (world, _) = newcomer();
    let mut session = world.at_terminal(&["device", "enroll", "--profile", "alice", "--yes"]);
    session.wait_for(FIRST, PATIENCE);
    let (serial, _) = devices(&world).pop().expect("it was made");
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("this machine has a name");
    let host = host.trim_end().split('.').next().expect("a name").to_owned();
    assert_eq!(serial, format!("arn:aws:iam::123456789012:mfa/alice-{host}"));
    let device = world.aws.device(&serial).expect("it was made");
    session.type_text(&format!("{}\n", device.fresh_code()));
    answer(&mut session, NEXT, &device.fresh_code());
    let done = finish(&world, session);
    assert!(done.status.success() && !done.terminal.contains("[y/N]"), "{done:?}");
    assert!(world.read(".aws/config").ends_with(&format!("mfa_serial = {serial}\n")));
}

#[test]
fn root_and_roles_are_refused() {
    let (world, _) = newcomer();
    let root = world.aws.add_user(ROOT);
    world.write_key("root", &root);
    world.add_config("[profile root]\n");
    let done = world.run(&["device", "list", "--profile", "root"]);
    done.expect(
        1,
        "",
        "error: these are the root user's credentials; its devices can only be managed in the AWS console\n\
             hint: use an IAM user's access key; the root user should have none\n",
    );
    let Cast { world, key, .. } = World::cast();
    let role = world.aws.add_role(RoleSpec::new("open").trust_user("alice"));
    let params = [("RoleArn", role.as_str()), ("RoleSessionName", "me")];
    let session = world.aws.call(&key, "AssumeRole", &params).expect("an answer").credentials().expect("a session");
    let token = session.token.clone().expect("a token");
    world.write_key("alice", &session);
    let keys = world.read(".aws/credentials") + &format!("aws_session_token = {token}\n");
    world.write(".aws/credentials", keys);
    let done = world.run(&["device", "list", "--profile", "alice"]);
    done.expect(
        1,
        "",
        "error: these are credentials of a role or a federated user (assumed-role/open/me), which has no MFA \
             devices\nhint: name the user's own profile with `--profile`\n",
    );
    assert_eq!(world.aws.count("ListMFADevices"), 0);
}

#[test]
fn without_a_terminal_nothing_is_made() {
    let (world, _) = newcomer();
    for words in [&ENROLL[..], &[&ENROLL[..], &["--yes", "--no-prompt"]].concat()] {
        let done = world.run(words);
        done.expect(
            3,
            "",
            "error: the seed must be shown, and there is no terminal to do it on\n\
                 hint: run it in a terminal; `--yes` confirms everything except codes\n",
        );
    }
    assert_eq!(calls(&world), ["GetCallerIdentity", "GetCallerIdentity"]);
}

#[test]
fn an_auto_profile_needs_no_serial_for_the_only_device() {
    let (world, _) = newcomer();
    world.add_config("mfa_serial = auto\n");
    let mut session = world.at_terminal(&ENROLL);
    session.wait_for(FIRST, PATIENCE);
    let device = laptop(&world);
    session.type_text(&format!("{}\n", device.fresh_code()));
    answer(&mut session, NEXT, &device.fresh_code());
    let done = finish(&world, session);
    assert_eq!(
        (done.status.code(), done.stderr.as_str()),
        (Some(0), "laptop is enabled for alice\nprofile `alice` finds it through `mfa_serial = auto`\n")
    );
    assert_eq!(world.read(".aws/config"), format!("{CONFIG}mfa_serial = auto\n"));
    world.sign_in(&device, &["env", "alice"]);
}

#[test]
fn a_profile_of_the_credentials_file_alone_gets_a_section_in_the_config_file() {
    let (world, _) = newcomer();
    world.write(".aws/config", "");
    let keys = world.read(".aws/credentials");
    enroll(&world);
    assert_eq!(world.read(".aws/config"), format!("[profile alice]\nmfa_serial = {LAPTOP}\n"));
    assert_eq!(world.read(".aws/credentials"), keys);
}

#[test]
fn declining_changes_nothing_and_prints_what_to_write() {
    let (world, _) = newcomer();
    let mut session = world.at_terminal(&ENROLL);
    session.wait_for(FIRST, PATIENCE);
    type_codes_again(&mut session, &world);
    answer(&mut session, WRITE, "n");
    let done = finish(&world, session);
    let said = format!(
        "laptop is enabled for alice\nthe profile was not changed; add `mfa_serial = {LAPTOP}` to use the device\n"
    );
    assert_eq!((done.status.code(), done.stderr), (Some(0), said));
    assert_eq!(world.read(".aws/config"), CONFIG);
    // The next run goes on from there.
    calls(&world);
    let mut session = world.at_terminal(&ENROLL);
    // What is neither is asked again, and Enter takes what was shown.
    answer(&mut session, WRITE, "maybe");
    session.wait_for("type `y` or `n`", PATIENCE);
    answer(&mut session, WRITE, "");
    let done = finish(&world, session);
    assert!(done.stderr.starts_with("laptop is already enabled; use `--name` to create another device\n"), "{done:?}");
    assert_eq!(calls(&world), ["GetCallerIdentity", "ListMFADevices"]);
    assert!(world.read(".aws/config").contains(LAPTOP));
}

/// The first prompt was seen already.
fn type_codes_again(session: &mut crate::support::pty::Session, world: &World) {
    let device = laptop(world);
    session.type_text(&format!("{}\n", device.fresh_code()));
    answer(session, NEXT, &device.fresh_code());
}

#[test]
fn an_mfa_process_with_the_seed_gives_both_codes() {
    let (world, _) = newcomer();
    // Each run takes the next line of the file, as a password manager would show the code of the moment.
    let program = "f=$HOME/codes; head -n 1 $f && tail -n +2 $f > $f.new && mv $f.new $f";
    world.add_config(&format!("mfa_process = {program}\n"));
    let mut session = world.at_terminal(&[&ENROLL[..], &["--yes"]].concat());
    session.wait_for("then press Enter ", PATIENCE);
    let device = laptop(&world);
    // The real codes of now and of the next window: the program is run once in each.
    let now = || jiff::Timestamp::now().as_second();
    while now() % 30 > 25 {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    world.may_leak();
    world.write("codes", format!("{}\n{}\n", device.code_at(0), device.code_at(1)));
    session.type_text("\n");
    session.wait_for("the next code comes in ", PATIENCE);
    let done = finish(&world, session);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(devices(&world), [(LAPTOP.to_owned(), "alice".to_owned())]);
}
