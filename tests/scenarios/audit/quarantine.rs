//! `audit --quarantine GROUP`: who goes into the group and who leaves it.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use mfa_cred::policy::print::{Choices, Format, print};

use crate::support::aws::{Fault, Owner, When};
use crate::support::world::{MFA_CRED, World};

const DRY: [&str; 4] = ["audit", "admin", "--quarantine", "held"];
const APPLY: [&str; 5] = ["audit", "admin", "--quarantine", "held", "--apply"];

fn policy() -> String {
    print(Format::Json, &Choices { is_quarantine: true, ..Choices::default() })
}

/// An administrator without MFA, and one user of every kind.
fn world() -> World {
    let world = World::empty();
    let key = world.aws.add_user("admin");
    world.write(".aws/config", "[profile admin]\nregion = us-east-1\n");
    world.write_key("admin", &key);
    let aws = &world.aws;
    for name in ["console", "key", "well", "enrolled", "held", "nothing", "glass", "off"] {
        aws.add_person(name);
    }
    for name in ["console", "well", "enrolled", "glass"] {
        aws.set_password(name, 10, Some(1));
    }
    for name in ["key", "held"] {
        drop(aws.add_aged_key(name, 10, None));
    }
    let inactive = aws.add_aged_key("off", 10, None);
    aws.deactivate(&inactive);
    for name in ["well", "enrolled"] {
        aws.add_device(name, name);
    }
    aws.put_policy(Owner::Group("held"), "quarantine", &policy());
    reset(&world);
    world
}

fn reset(world: &World) {
    world.aws.add_group("held", &["held", "enrolled"]);
}

const BEFORE: [&str; 2] = ["enrolled", "held"];
const AFTER: [&str; 4] = ["console", "glass", "held", "key"];

#[test]
fn the_plan_changes_nothing_and_apply_does_what_it_says() {
    let world = world();
    let done = world.run(&DRY);
    let plan = "held: 3 to add, 1 to remove\n+ console: no MFA device\n+ glass: no MFA device\n+ key: no MFA device\n\
                - enrolled: has an MFA device\n= admin: not touched: the caller\n\
                = nothing: not touched: no password and no active access key\n\
                = off: not touched: no password and no active access key\n";
    assert_eq!(
        (done.status.code(), done.stdout),
        (Some(0), plan.to_owned() + "Nothing was changed; `--apply` makes the changes.\n")
    );
    assert_eq!(world.aws.members("held"), BEFORE);
    assert_eq!(world.aws.count("AddUserToGroup") + world.aws.count("RemoveUserFromGroup"), 0);
    let done = world.run(&APPLY);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(0), plan));
    assert!(done.stderr.contains("+ console: no MFA device\n"), "{}", done.stderr);
    assert_eq!(world.aws.members("held"), AFTER);
    // Again: all is as it should be.
    world.aws.take_calls();
    let done = world.run(&[&APPLY[..], &["--json"]].concat());
    let report: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!((&report["add"], &report["remove"], &report["applied"]), (&json!([]), &json!([]), &json!(true)));
    assert_eq!(world.aws.count("AddUserToGroup") + world.aws.count("RemoveUserFromGroup"), 0);
}

#[test]
fn the_caller_the_key_behind_a_role_and_whom_except_names_are_never_touched() {
    let world = world();
    let words = ["--except", "GLASS", "--except", "enrolled", "--except", "gone"];
    let done = world.run(&[&APPLY[..], &words].concat());
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(done.stderr.contains("warning: `--except gone`: the account has no such user\n"), "{}", done.stderr);
    assert_eq!(world.aws.members("held"), ["console", "enrolled", "held", "key"]);
    // Through a role, the user behind it is the caller, too.
    let role = world.aws.add_role(crate::support::aws::RoleSpec::new("auditor").trust_user("admin"));
    let profile = format!("[profile auditor]\nrole_arn = {role}\nsource_profile = admin\nregion = us-east-1\n");
    world.write(".aws/config", world.read(".aws/config") + &profile);
    let done = world.run(&["audit", "auditor", "--quarantine", "held", "--apply"]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(world.aws.members("held"), AFTER);
}

#[test]
fn a_group_that_is_no_quarantine_is_refused() {
    let world = world();
    let refused = |why: &str| {
        let done = world.run(&APPLY);
        let start = "error: group `held` cannot be a quarantine: ";
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{done:?}");
        assert!(done.stderr.contains(start) && done.stderr.contains(why), "{why}: {}", done.stderr);
        assert_eq!(world.aws.members("held"), BEFORE);
    };
    // It keeps users from enrolling.
    world.aws.put_policy(Owner::Group("held"), "quarantine", &policy().replace("\"iam:EnableMFADevice\",", ""));
    refused("iam:EnableMFADevice");
    // It denies nothing.
    let open = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#;
    world.aws.put_policy(Owner::Group("held"), "quarantine", open);
    refused("policy check finds");
    // Nobody may read it.
    world.aws.put_policy(Owner::Group("held"), "quarantine", &policy());
    world.aws.deny("GetGroupPolicy");
    refused("policy check finds");
    world.aws.allow_all();
    let done = world.run(&["audit", "admin", "--quarantine", "nobody", "--apply"]);
    let said = "error: group `nobody` cannot be a quarantine: the account has no such group\n";
    assert!(done.status.code() == Some(1) && done.stderr.contains(said), "{done:?}");
}

#[test]
fn a_run_that_is_killed_at_any_call_and_run_again_ends_the_same() {
    let world = world();
    world.aws.page_size(3);
    world.aws.take_calls();
    assert_eq!(world.run(&APPLY).status.code(), Some(0));
    let calls = world.aws.take_calls().len();
    assert_eq!(world.aws.members("held"), AFTER);
    let mut halves = 0;
    for most in 1..=calls {
        reset(&world);
        world.aws.take_calls();
        for action in ["AddUserToGroup", "RemoveUserFromGroup"] {
            world.aws.fault(action, Fault::Delay(When::After, Duration::from_millis(50)), 9);
        }
        let mut command = Command::new(MFA_CRED);
        world.dress(&mut command);
        command.args(APPLY).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        while world.aws.calls().len() < most && child.try_wait().expect("a child").is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().expect("it is killed");
        child.wait().expect("a child");
        thread::sleep(Duration::from_millis(60));
        let members = world.aws.members("held");
        halves += usize::from(members != BEFORE && members != AFTER);
        world.aws.heal();
        assert_eq!(world.run(&APPLY).status.code(), Some(0), "killed at call {most}");
        assert_eq!(world.aws.members("held"), AFTER, "killed at call {most}");
    }
    assert!(halves > 0, "some runs were killed between two changes");
}

#[test]
fn a_full_user_one_who_was_deleted_and_one_nobody_knows_are_told_and_the_others_moved() {
    let world = world();
    for number in 0..10 {
        world.aws.add_group(&format!("team-{number}"), &["console"]);
    }
    world.aws.deny_on("ListMFADevices", "arn:aws:iam::123456789012:user/glass");
    let gone = Fault::Refuse(404, "NoSuchEntity".to_owned(), "The user with name enrolled cannot be found.".to_owned());
    world.aws.fault("RemoveUserFromGroup", gone, 1);
    let done = world.run(&APPLY);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    for said in [
        "! console: AWS refused it (LimitExceeded)",
        "! enrolled: the user no longer exists",
        "= glass: not touched, as this could not be read: ListMFADevices: ",
    ] {
        assert!(done.stdout.contains(said), "{said}: {}", done.stdout);
    }
    assert_eq!(world.aws.members("held"), ["enrolled", "held", "key"]);
    world.aws.deny("AddUserToGroup");
    let done = world.run(&APPLY);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(5), ""), "{done:?}");
}
