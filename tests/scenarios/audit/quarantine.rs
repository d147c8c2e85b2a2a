//! `audit --quarantine GROUP`: who goes into the group and who leaves it.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use mfa_cred::policy::print::{Choices, Format, print};

use crate::scenarios::clients::MotoAccount;
use crate::support::aws::{Fault, Owner, When};
use crate::support::world::{MFA_CRED, World};

const DRY: [&str; 4] = ["audit", "admin", "--quarantine", "held"];
const APPLY: [&str; 5] = ["audit", "admin", "--quarantine", "held", "--apply"];

pub(super) fn policy() -> String {
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
        (Some(0), plan.to_owned() + "Nothing was changed; use `--apply` to make the changes.\n")
    );
    assert_eq!(world.aws.members("held"), BEFORE);
    assert_eq!(world.aws.count("AddUserToGroup") + world.aws.count("RemoveUserFromGroup"), 0);
    let done = world.run(&APPLY);
    let made = "+ console: added\n+ glass: added\n+ key: added\n- enrolled: removed\nheld: 3 added, 1 removed\n";
    let said = without_warning(&done.stderr);
    assert_eq!((done.status.code(), done.stdout.as_str(), said.as_str()), (Some(0), made, plan));
    assert_eq!(world.aws.members("held"), AFTER);
    // Again: all is as it should be.
    world.aws.take_calls();
    let done = world.run(&[&APPLY[..], &["-q"]].concat());
    let said = (done.status.code(), done.stdout.as_str(), done.stderr.as_str());
    assert_eq!(said, (Some(0), "held: 0 added, 0 removed\n", ""));
    assert_eq!(world.aws.count("AddUserToGroup") + world.aws.count("RemoveUserFromGroup"), 0);
}

#[test]
fn json_has_the_plan_and_with_apply_the_result() {
    let world = world();
    world.aws.add_person("gone");
    let report = |words: &[&str]| -> Value {
        let done = world.run(&[words, &["--json"]].concat());
        serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"))
    };
    let kept = |user: &str, why: &str| json!({"user": user, "why": format!("not touched: {why}")});
    let idle = "no password and no active access key";
    let expected = json!({
        "group": "held", "applied": false, "add": ["console", "glass", "key"], "remove": ["enrolled"],
        "kept": [kept("admin", "the caller"), kept("gone", idle), kept("nothing", idle), kept("off", idle)],
        "deleted": [], "failed": [], "not_tried": [], "error": null,
    });
    assert_eq!(report(&DRY), expected);
    // One is full, one is deleted just before, and the third is denied: each is in the list of what came of it.
    for number in 0..10 {
        world.aws.add_group(&format!("team-{number}"), &["console"]);
    }
    world.aws.fault("AddUserToGroup", Fault::Delay(When::Before, Duration::ZERO), 1);
    world.aws.fault("AddUserToGroup", gone("glass"), 1);
    world.aws.fault("RemoveUserFromGroup", denied("RemoveUserFromGroup"), 1);
    let made = report(&APPLY);
    let failed: Vec<_> =
        made["failed"].as_array().expect("a list").iter().map(|it| (&it["user"], &it["change"])).collect();
    assert_eq!(failed, [(&json!("console"), &json!("add")), (&json!("enrolled"), &json!("remove"))], "{made:#}");
    assert_eq!((&made["add"], &made["remove"]), (&json!(["key"]), &json!([])), "{made:#}");
    assert_eq!((&made["deleted"], &made["not_tried"]), (&json!(["glass"]), &json!([])), "{made:#}");
    assert!(made["error"].as_str().is_some_and(|it| it.contains("RemoveUserFromGroup")), "{made:#}");
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&made), keys(&expected));
    let done = world.run(&[&APPLY[..], &["--json"]].concat());
    assert_eq!(done.status.code(), Some(1), "console is still full: {done:?}");
}

#[test]
fn the_caller_a_roles_own_key_and_excepted_users_are_never_touched() {
    let world = world();
    let words = ["--except", "GLASS", "--except", "enrolled", "--except", "gone"];
    let done = world.run(&[&APPLY[..], &words].concat());
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(done.stderr.contains("warning: `--except gone`: no such user in the account\n"), "{}", done.stderr);
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
fn a_group_that_does_not_quarantine_is_refused() {
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
    refused("`policy check` reports");
    // Nobody may read it.
    world.aws.put_policy(Owner::Group("held"), "quarantine", &policy());
    world.aws.deny("GetGroupPolicy");
    refused("`policy check` reports");
    world.aws.allow_all();
    // Another policy of the group, which may keep users from enrolling.
    let arn = world.aws.add_policy("Hidden", &[&policy()], 1);
    world.aws.attach(Owner::Group("held"), &arn);
    world.aws.deny("GetPolicyVersion");
    refused("`policy check` reports");
    world.aws.allow_all();
    let done = world.run(&["audit", "admin", "--quarantine", "nobody", "--apply"]);
    let said = "error: group `nobody` cannot be a quarantine: the account has no such group\n";
    assert!(done.status.code() == Some(1) && done.stderr.contains(said), "{done:?}");
}

/// What is said of keys that are used without MFA.
fn without_warning(stderr: &str) -> String {
    stderr.split_inclusive('\n').filter(|line| !line.starts_with("warning: profile `admin` has no")).collect()
}

/// A smaller account, in which every call is one that matters.
pub(super) fn small() -> World {
    let world = World::empty();
    let key = world.aws.add_user("admin");
    world.write(".aws/config", "[profile admin]\nregion = us-east-1\n");
    world.write_key("admin", &key);
    for name in ["console", "key", "enrolled"] {
        world.aws.add_person(name);
    }
    world.aws.set_password("console", 10, Some(1));
    drop(world.aws.add_aged_key("key", 10, None));
    world.aws.set_password("enrolled", 10, Some(1));
    world.aws.add_device("enrolled", "enrolled");
    world.aws.put_policy(Owner::Group("held"), "quarantine", &policy());
    world.aws.add_group("held", &["enrolled"]);
    world.aws.page_size(3);
    world
}

const SMALL_BEFORE: [&str; 1] = ["enrolled"];
pub(super) const SMALL_AFTER: [&str; 2] = ["console", "key"];

/// How many calls a whole run makes, which must then be undone.
fn calls_of_a_run(world: &World) -> usize {
    world.aws.take_calls();
    assert_eq!(world.run(&APPLY).status.code(), Some(0));
    assert_eq!(world.aws.members("held"), SMALL_AFTER);
    world.aws.take_calls().len()
}

/// Lets the fault strike that call, whatever it asks, and no other.
fn strike(world: &World, call: usize, fault: Fault) {
    world.aws.add_group("held", &SMALL_BEFORE);
    world.aws.heal();
    world.aws.take_calls();
    world.aws.fault("*", Fault::Delay(When::Before, Duration::ZERO), call - 1);
    world.aws.fault("*", fault, 1);
}

fn gone(user: &str) -> Fault {
    Fault::Refuse(404, "NoSuchEntity".to_owned(), format!("The user with name {user} cannot be found."))
}

fn denied(action: &str) -> Fault {
    let text = format!("User: arn:aws:iam::123456789012:user/admin is not authorized to perform: iam:{action}");
    Fault::Refuse(403, "AccessDenied".to_owned(), text)
}

/// Who must be in the group, by what stdout says was done.
fn told(stdout: &str) -> Vec<String> {
    let mut members: Vec<String> = SMALL_BEFORE.map(str::to_owned).to_vec();
    for line in stdout.lines() {
        if let Some(user) = line.strip_prefix("+ ").and_then(|line| line.strip_suffix(": added")) {
            members.push(user.to_owned());
        } else if let Some(user) = line.strip_prefix("- ").and_then(|line| line.strip_suffix(": removed")) {
            members.retain(|member| member != user);
        }
    }
    members.sort();
    members
}

/// AWS does what the last call asks for, whether the caller lives or not.
#[test]
fn a_run_killed_at_any_call_and_run_again_ends_the_same() {
    let world = small();
    let calls = calls_of_a_run(&world);
    let pause = Duration::from_millis(150);
    let mut halves = 0;
    for call in 1..=calls {
        strike(&world, call, Fault::Delay(When::After, pause));
        let mut command = Command::new(MFA_CRED);
        world.dress(&mut command);
        command.args(APPLY).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        while world.aws.faults_left() > 0 && child.try_wait().expect("a child").is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().expect("it is killed");
        let done = child.wait_with_output().expect("a child");
        assert_eq!(done.status.code(), None, "call {call} of {calls}: it was killed before it ended");
        thread::sleep(pause);
        let members = world.aws.members("held");
        halves += usize::from(members != SMALL_BEFORE && members != SMALL_AFTER);
        // stdout has what was certain by then.
        let told = told(&String::from_utf8_lossy(&done.stdout));
        let differing =
            members.iter().filter(|it| !told.contains(it)).chain(told.iter().filter(|it| !members.contains(it)));
        assert!(differing.count() <= 1, "call {call}: {told:?}, and there are {members:?}");
        world.aws.heal();
        assert_eq!(world.run(&APPLY).status.code(), Some(0), "killed at call {call}");
        assert_eq!(world.aws.members("held"), SMALL_AFTER, "killed at call {call}");
    }
    assert!(halves >= 2, "some runs were killed between two changes, and not {halves}");
}

/// The change that AWS is making when the signal arrives counts, and no other is made.
#[test]
fn a_run_told_to_end_prints_as_json_what_was_done() {
    let world = small();
    for signal in ["INT", "TERM"] {
        world.aws.add_group("held", &SMALL_BEFORE);
        world.aws.fault("AddUserToGroup", Fault::Delay(When::After, Duration::from_millis(700)), 1);
        let mut command = Command::new(MFA_CRED);
        world.dress(&mut command);
        command.args(APPLY).arg("--json").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().expect("it starts");
        while world.aws.faults_left() > 0 {
            thread::sleep(Duration::from_millis(1));
        }
        let told = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(told.expect("kill runs").success());
        let done = child.wait_with_output().expect("a child");
        assert_eq!(done.status.code(), None, "{signal}: it dies of the signal");
        let report: Value = serde_json::from_slice(&done.stdout).expect("JSON");
        let count = |name: &str| report[name].as_array().map_or(0, Vec::len);
        assert_eq!((count("add") + count("remove"), count("not_tried")), (1, 2), "{signal}: {report}");
        assert_eq!(report["error"], "canceled");
        world.aws.heal();
        assert_eq!(world.run(&APPLY).status.code(), Some(0));
        assert_eq!(world.aws.members("held"), SMALL_AFTER);
    }
}

/// What a fault is called, how it is made, and how a run may end that it strikes.
type Strike = (&'static str, fn() -> Fault, &'static [i32]);

/// Whatever happens to one call: what stdout says was done is what was done, and the next run does the rest.
#[test]
fn an_interrupted_run_reports_its_changes_and_the_next_one_finishes() {
    let world = small();
    let calls = calls_of_a_run(&world);
    let faults: [Strike; 6] = [
        ("denied", || denied("Something"), &[0, 1, 5]),
        ("expired", Fault::expired_token, &[5]),
        ("something else answers", || Fault::Html, &[0, 6]),
        ("throttled", || Fault::Throttle, &[0]),
        ("the connection is cut before", || Fault::Drop(When::Before), &[0]),
        ("the connection is cut after", || Fault::Drop(When::After), &[0]),
    ];
    for (what, fault, exits) in faults {
        for call in 1..=calls {
            strike(&world, call, fault());
            let done = world.run(&APPLY);
            let exit = done.status.code().expect("an exit code");
            assert!(exits.contains(&exit), "{what} at call {call}: {done:?}");
            let members = world.aws.members("held");
            assert_eq!(told(&done.stdout), members, "{what} at call {call}: {done:?}");
            assert_eq!(exit == 0, members == SMALL_AFTER, "{what} at call {call}: {done:?}");
            assert_eq!(exit == 0, !done.stderr.contains("error: "), "{what} at call {call}: {done:?}");
            world.aws.heal();
            if exit != 0 {
                assert_eq!(world.run(&APPLY).status.code(), Some(0), "{what} at call {call}");
                assert_eq!(world.aws.members("held"), SMALL_AFTER, "{what} at call {call}");
            }
        }
    }
}

#[test]
fn changes_made_failed_and_not_tried_are_on_stdout() {
    let world = small();
    let run = |exit: i32, stdout: &str, error: &str| {
        let done = world.run(&APPLY);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(exit), stdout), "{}", done.stderr);
        assert!(done.stderr.contains(error), "{error}: {}", done.stderr);
        world.aws.heal();
        world.aws.allow_all();
        world.aws.add_group("held", &SMALL_BEFORE);
    };
    // Nobody may be added, and those who enrolled are still let go.
    world.aws.deny("AddUserToGroup");
    let text = "AWS refused it (AccessDenied): User: arn:aws:iam::123456789012:user/admin is not authorized to perform: \
                iam:AddUserToGroup on resource: arn:aws:iam::123456789012:group/held because no identity-based policy \
                allows the iam:AddUserToGroup action";
    let stdout = format!(
        "! console: not added: {text}\n! key: not added: not tried\n- enrolled: removed\n\
         held: 0 added, 1 removed, 1 failed, 1 not tried\n"
    );
    run(5, &stdout, "error: AddUserToGroup: AWS refused it (AccessDenied): ");
    // AWS is no longer there: nobody knows what came of the last call, and nothing more is tried.
    world.aws.fault("AddUserToGroup", Fault::Delay(When::Before, Duration::ZERO), 1);
    world.aws.fault("AddUserToGroup", Fault::Html, 9);
    let text = "the answer is not one of AWS's, or was cut off";
    let stdout = format!(
        "+ console: added\n! key: perhaps added: {text}\n! enrolled: not removed: not tried\n\
         held: 1 added, 0 removed, 1 failed, 1 not tried\n"
    );
    run(6, &stdout, &format!("error: AddUserToGroup: {text}\n"));
    // Somebody deleted the group.
    world.aws.fault("AddUserToGroup", gone("held"), 1);
    world.aws.fault("GetGroup", Fault::Delay(When::Before, Duration::ZERO), 1);
    world.aws.fault("GetGroup", gone("held"), 1);
    let text = "AWS refused it (NoSuchEntity): The user with name held cannot be found.";
    let stdout = format!(
        "! console: not added: {text}\n! key: not added: not tried\n! enrolled: not removed: not tried\n\
         held: 0 added, 0 removed, 1 failed, 2 not tried\n"
    );
    run(5, &stdout, &format!("error: GetGroup: {text}\n"));
    // A user was deleted: nothing is left to do about them.
    world.aws.fault("RemoveUserFromGroup", gone("enrolled"), 1);
    let stdout = "+ console: added\n+ key: added\n= enrolled: not changed: deleted since it was listed\n\
                  held: 2 added, 0 removed\n";
    run(0, stdout, "");
}

#[test]
fn a_user_at_the_group_quota_and_an_unknown_one_are_reported_and_the_others_moved() {
    let world = world();
    for number in 0..10 {
        world.aws.add_group(&format!("team-{number}"), &["console"]);
    }
    world.aws.deny_on("ListMFADevices", "arn:aws:iam::123456789012:user/glass");
    let done = world.run(&APPLY);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    for said in [
        "! console: not added: AWS refused it (LimitExceeded): Cannot exceed quota for GroupsPerUser: 10; a user can be in \
         at most ten groups\n",
        "= glass: not touched, because this could not be read: ListMFADevices: ",
        "held: 1 added, 1 removed, 1 failed\n",
    ] {
        assert!(done.stdout.contains(said), "{said}: {}", done.stdout);
    }
    let error = "error: group `held` is not up to date: 1 change failed, 1 user could not be read\n";
    assert!(done.stderr.ends_with(error), "{}", done.stderr);
    assert_eq!(world.aws.members("held"), ["held", "key"]);
    assert_eq!(world.run(&DRY).status.code(), Some(1), "somebody is not known");
}

#[test]
fn a_group_of_moto_is_changed() {
    let world = World::empty();
    let Some(account) = MotoAccount::start(&world) else { return };
    let ask = |words: &[&str]| account.iam(words);
    world.write("policy.json", policy());
    for name in ["console", "key", "enrolled", "nothing"] {
        ask(&["create-user", "--user-name", name]);
    }
    ask(&["create-login-profile", "--user-name", "console", "--password", "Long-enough-1"]);
    ask(&["create-access-key", "--user-name", "key"]);
    ask(&["create-access-key", "--user-name", "enrolled"]);
    let seed = world.home().join("seed").display().to_string();
    let words = ["--virtual-mfa-device-name", "enrolled", "--bootstrap-method", "Base32StringSeed", "--outfile", &seed];
    let made = ask(&[&["create-virtual-mfa-device"], &words[..]].concat());
    let serial = made["VirtualMFADevice"]["SerialNumber"].as_str().expect("a serial").to_owned();
    let codes = ["--authentication-code1", "123456", "--authentication-code2", "654321"];
    ask(&[&["enable-mfa-device", "--user-name", "enrolled", "--serial-number", &serial], &codes[..]].concat());
    ask(&["create-group", "--group-name", "held"]);
    ask(&["add-user-to-group", "--user-name", "enrolled", "--group-name", "held"]);
    let done = world.run(&APPLY);
    assert!(done.status.code() == Some(1) && done.stderr.contains("cannot be a quarantine"), "{done:?}");
    let document = ["--policy-name", "quarantine", "--policy-document", "file://policy.json"];
    ask(&[&["put-group-policy", "--group-name", "held"], &document[..]].concat());
    let done = world.run(&APPLY);
    let made = "+ console: added\n+ key: added\n- enrolled: removed\nheld: 2 added, 1 removed\n";
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(0), made), "{} {}", done.stderr, account.moto.log());
    let group = ask(&["get-group", "--group-name", "held"]);
    let users = group["Users"].as_array().expect("users").iter().filter_map(|user| user["UserName"].as_str());
    let mut users: Vec<&str> = users.collect();
    users.sort_unstable();
    assert_eq!(users, ["console", "key"]);
}
