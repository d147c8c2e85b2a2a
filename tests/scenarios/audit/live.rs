//! `audit PROFILE`: IAM is asked.

use std::time::Duration;

use serde_json::{Value, json};

use mfa_cred::policy::print::{Choices, Format, print};

use crate::scenarios::clients::MotoAccount;
use crate::support::aws::{Fault, Owner, When};
use crate::support::pty::{PATIENCE, Pty, Stream};
use crate::support::world::{MFA_CRED, World, json};

const AUDIT: [&str; 4] = ["audit", "--live", "--profile", "admin"];
const S3: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#;

/// An administrator who is well: a key of today, a device, a group whose policy enforces MFA.
fn world() -> World {
    let world = World::empty();
    let key = world.aws.add_user("admin");
    world.write(".aws/config", "[profile admin]\nregion = us-east-1\n");
    world.write_key("admin", &key);
    let aws = &world.aws;
    aws.add_device("admin", "admin-phone");
    aws.give_root_mfa();
    aws.set_password_policy(14, 24);
    let arn = aws.add_policy("RequireMFA", &[S3, &print(Format::Json, &Choices::default())], 2);
    aws.attach(Owner::Group("everyone"), &arn);
    aws.put_policy(Owner::Group("everyone"), "work", S3);
    aws.add_group("everyone", &["admin"]);
    world
}

/// `id=user` of every finding.
fn found(report: &Value) -> Vec<String> {
    let name = |it: &Value| it["user"].as_str().or_else(|| it["group"].as_str()).unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().expect("findings").iter();
    findings.map(|it| format!("{}={}", it["id"].as_str().expect("an id"), name(it))).collect()
}

#[test]
fn a_good_account_has_no_findings() {
    let world = world();
    let done = world.run(&[&AUDIT[..], &["--json"]].concat());
    assert_eq!((done.status.code(), found(&json(&done))), (Some(0), vec![]), "{}", done.stdout);
    let account = &json(&done)["accounts"][0];
    assert_eq!(
        (&account["account"], &account["source"], &account["name"]),
        (&json!("123456789012"), &json!("live"), &json!("admin"))
    );
    assert!(world.run(&AUDIT).stdout.starts_with("Account 123456789012: 1 user.\nNo findings."));
}

/// Ten kinds of users, fifty of each; pages of 100, throttling in between, four calls denied.
#[test]
fn five_hundred_users_give_the_findings_of_a_handmade_table() {
    let world = world();
    let aws = &world.aws;
    let kinds = ["console", "key", "well", "fido", "old", "two", "alone", "own", "open", "nothing"];
    let mut members: Vec<String> = vec!["admin".to_owned()];
    let mut open = Vec::new();
    let mut keys = 0;
    for number in 0..50 {
        for kind in kinds {
            let name = format!("{kind}-{number:02}");
            aws.add_person(&name);
            match kind {
                "console" => aws.set_password(&name, 100, Some(1)),
                "key" => drop(aws.add_aged_key(&name, 10, Some(1))),
                "well" => {
                    aws.set_password(&name, 100, Some(44));
                    aws.add_device(&name, &name);
                }
                "fido" => {
                    aws.set_password(&name, 10, None);
                    drop(aws.add_device_with_serial(&name, &format!("arn:aws:iam::123456789012:u2f/user/{name}/k")));
                }
                "old" => {
                    aws.set_password(&name, 100, None);
                    drop(aws.add_aged_key(&name, 91, Some(46)));
                    aws.add_device(&name, &name);
                }
                "two" => {
                    drop(aws.add_aged_key(&name, 46, None));
                    drop(aws.add_aged_key(&name, 44, None));
                    aws.add_device(&name, &name);
                }
                "own" => aws.put_policy(Owner::User(&name), "mine", S3),
                _ => {}
            }
            keys += match kind {
                "key" | "old" => 1,
                "two" => 2,
                _ => 0,
            };
            match kind {
                "alone" => {}
                "open" => open.push(name),
                _ => members.push(name),
            }
        }
    }
    let names = |list: &[String]| -> Vec<&'static str> {
        list.iter().map(|name| &*Box::leak(name.clone().into_boxed_str())).collect()
    };
    aws.add_group("everyone", &names(&members));
    aws.add_group("open", &names(&open));
    aws.add_group("empty", &[]);
    aws.put_policy(Owner::Group("open"), "work", S3);
    for name in &open {
        aws.set_password(name, 10, Some(1));
        aws.add_device(name, name);
    }
    for action in ["ListUsers", "ListMFADevices", "GetAccessKeyLastUsed", "GetAccountAuthorizationDetails"] {
        aws.fault(action, Fault::Throttle, 4);
    }
    let on = |name: &str| format!("arn:aws:iam::123456789012:user/{name}");
    aws.deny("GetAccountPasswordPolicy");
    aws.deny_on("ListMFADevices", &on("console-07"));
    aws.deny_on("GetLoginProfile", &on("well-08"));
    aws.deny_on("ListAccessKeys", &on("two-09"));

    let mut expected = Vec::new();
    let each = |id: &str, kind: &str, without: &[usize], into: &mut Vec<String>| {
        for number in (0..50).filter(|number| !without.contains(number)) {
            into.push(format!("{id}={kind}-{number:02}"));
        }
    };
    each("console-without-mfa", "console", &[7], &mut expected);
    each("key-without-mfa", "key", &[], &mut expected);
    each("mfa-not-enforced", "open", &[], &mut expected);
    each("old-key", "old", &[], &mut expected);
    each("unused-key", "old", &[], &mut expected);
    each("unused-key", "two", &[9], &mut expected);
    each("unused-password", "old", &[], &mut expected);
    each("only-fido", "fido", &[], &mut expected);
    each("two-active-keys", "two", &[9], &mut expected);
    each("user-in-no-group", "alone", &[], &mut expected);
    each("policies-on-user", "own", &[], &mut expected);
    expected.push("group-without-users=empty".to_owned());
    for about in ["", "console-07", "two-09", "well-08"] {
        expected.push(format!("not-asked={about}"));
    }
    let words = [&AUDIT[..], &["--json"]].concat();
    let done = world.run(&words);
    assert_eq!((done.status.code(), found(&json(&done))), (Some(1), expected), "{}", done.stderr);
    assert_eq!(json(&done)["accounts"][0]["users"], 501);
    let denied = json(&done)["findings"].as_array().expect("findings").last().expect("one")["what"].clone();
    let denied = denied.as_str().expect("text");
    assert!(
        denied.starts_with("iam:GetLoginProfile of `well-08` could not be read: AWS refused it (AccessDenied): "),
        "{denied}"
    );
    assert!(denied.ends_with("not checked: console-without-mfa, unused-password"), "{denied}");
    // A page of 100 each, and no call more than is needed.
    assert_eq!(aws.count("ListUsers"), 6 + 4);
    assert_eq!(aws.count("GetAccessKeyLastUsed"), keys - 2 + 1 + 4);
    assert_eq!(world.run(&words).stdout, done.stdout, "the same bytes");
}

#[test]
fn a_call_that_is_denied_for_everybody_is_one_row() {
    let world = world();
    world.aws.add_person("bob");
    world.aws.add_group("everyone", &["admin", "bob"]);
    world.aws.deny("ListMFADevices");
    let done = world.run(&[&AUDIT[..], &["--json"]].concat());
    let report = json(&done);
    assert_eq!(found(&report), ["not-asked="], "{report:#}");
    let what = report["findings"][0]["what"].as_str().expect("text");
    assert!(
        what.starts_with("iam:ListMFADevices could not be read: denied for all 2 users, as for `admin`: AWS "),
        "{what}"
    );
    // What it would have told is not wanted here.
    let done = world.run(&[&AUDIT[..], &["--only", "old-key"]].concat());
    assert_eq!((done.status.code(), done.stdout.contains("No findings.")), (Some(0), true), "{done:?}");
    // Without the policies of all.
    world.aws.allow_all();
    world.aws.deny("GetAccountAuthorizationDetails");
    let done = world.run(&[&AUDIT[..], &["--json"]].concat());
    let report = json(&done);
    assert_eq!(found(&report), ["not-asked="], "{}", done.stdout);
    let text = |name: &str| report["findings"][0][name].as_str().expect("text").to_owned();
    assert!(text("what").starts_with("iam:GetAccountAuthorizationDetails could not be read: "), "{}", text("what"));
    for part in ["`iam:GetAccountAuthorizationDetails`", "`mfa-cred policy check FILE`"] {
        assert!(text("repair").contains(part), "{}", text("repair"));
    }
}

#[test]
fn the_credential_report_is_generated_waited_for_and_joined_with_the_policies() {
    let world = world();
    let aws = &world.aws;
    aws.add_person("bob");
    aws.set_password("bob", 100, Some(1));
    aws.report_takes(2);
    let words = ["audit", "admin", "--report", "--json"];
    let done = world.run(&words);
    let report = json(&done);
    let expected = ["console-without-mfa=bob", "cannot-enroll=bob", "user-in-no-group=bob"];
    assert_eq!(
        (done.status.code(), found(&report)),
        (Some(1), expected.map(str::to_owned).to_vec()),
        "{}",
        done.stderr
    );
    assert_eq!((aws.count("GenerateCredentialReport"), aws.count("ListMFADevices")), (3, 0));
    let account = &report["accounts"][0];
    assert_eq!((&account["source"], &account["unanswerable"]), (&json!("report"), &json!(["only-fido"])));
    let page = world.run(&words[..3]).stdout;
    assert!(page.contains("according to the credential report of 20") && page.contains("up to four hours"), "{page}");
    aws.deny("GenerateCredentialReport");
    let done = world.run(&words);
    assert_eq!(found(&json(&done)), ["not-asked="], "{}", done.stdout);
}

/// Up to 200 users are asked one by one.
#[test]
fn many_users_are_read_from_the_report_unless_live_is_given() {
    let world = world();
    for number in 1..200 {
        world.aws.add_person(&format!("user-{number}"));
    }
    let source = || json(&world.run(&["audit", "admin", "--json"]))["accounts"][0]["source"].clone();
    assert_eq!((source(), world.aws.count("GenerateCredentialReport")), (json!("live"), 0));
    world.aws.add_person("user-200");
    world.aws.take_calls();
    assert_eq!((source(), world.aws.count("ListMFADevices")), (json!("report"), 0));
}

/// A user who goes while others are asked is no user any more.
#[test]
fn a_user_deleted_during_the_audit_is_left_out() {
    let world = world();
    world.aws.add_person("bob");
    let gone = || Fault::Refuse(404, "NoSuchEntity".to_owned(), "The user with name bob cannot be found.".to_owned());
    // Five are asked at a time, and so it may strike either of them.
    world.aws.add_group("everyone", &["admin", "bob"]);
    world.aws.fault("ListMFADevices", gone(), 1);
    let done = world.run(&[&AUDIT[..], &["--json"]].concat());
    assert_eq!((done.status.code(), &json(&done)["accounts"][0]["users"]), (Some(0), &json!(1)), "{}", done.stdout);
}

/// A bar while it asks, and no trace of it afterwards; Ctrl-C ends it with nothing on stdout.
#[test]
fn a_terminal_shows_progress_and_ctrl_c_ends_the_audit() {
    let world = world();
    for slow in [Duration::from_millis(100), PATIENCE] {
        world.aws.fault("ListAccessKeys", Fault::Delay(When::Before, slow), 1);
        let mut command = std::process::Command::new(MFA_CRED);
        world.dress(&mut command);
        command.args(AUDIT);
        let mut session = Pty::default().streams(Stream::Apart, Stream::Terminal).spawn(command);
        session.wait_for("reading IAM", PATIENCE);
        if slow == PATIENCE {
            session.control('C');
        }
        let done = session.finish(PATIENCE);
        if slow == PATIENCE {
            assert_eq!((done.signal(), done.stdout.as_str()), (Some(2), ""), "{done:?}");
        } else {
            let mut terminal = vt100::Parser::new(24, 80, 0);
            terminal.process(done.terminal.as_bytes());
            let left = terminal.screen().contents();
            assert_eq!((done.status.code(), left.contains("reading IAM")), (Some(0), false), "{left}");
        }
        world.aws.heal();
    }
}

#[test]
fn an_error_other_than_a_denial_ends_the_audit() {
    let world = world();
    for (action, times) in [("GetAccountSummary", 9), ("ListAccessKeys", 9), ("GetAccountAuthorizationDetails", 9)] {
        world.aws.fault(action, Fault::Html, times);
        let done = world.run(&AUDIT);
        let said = format!("error: {action}: the answer is not one of AWS's, or was cut off\n");
        assert_eq!(
            (done.status.code(), done.stdout.as_str(), done.stderr.contains(&said)),
            (Some(6), "", true),
            "{done:?}"
        );
        world.aws.heal();
    }
}

#[test]
fn moto_is_audited_too() {
    let world = World::empty();
    let Some(account) = MotoAccount::start(&world) else { return };
    let ask = |words: &[&str]| account.iam(words);
    world.write("s3.json", S3);
    for name in ["alice", "bob"] {
        ask(&["create-user", "--user-name", name]);
    }
    ask(&["create-login-profile", "--user-name", "alice", "--password", "Long-enough-1"]);
    ask(&["create-access-key", "--user-name", "bob"]);
    ask(&["create-group", "--group-name", "staff"]);
    ask(&["create-group", "--group-name", "empty"]);
    ask(&["add-user-to-group", "--user-name", "alice", "--group-name", "staff"]);
    ask(&["put-group-policy", "--group-name", "staff", "--policy-name", "s3", "--policy-document", "file://s3.json"]);
    ask(&["put-user-policy", "--user-name", "bob", "--policy-name", "s3", "--policy-document", "file://s3.json"]);
    let expected = [
        "root-without-mfa=<root_account>",
        "console-without-mfa=alice",
        "key-without-mfa=bob",
        "mfa-not-enforced=alice",
        "mfa-not-enforced=bob",
        "cannot-enroll=alice",
        "cannot-enroll=bob",
        "password-length=",
        "user-in-no-group=bob",
        "policies-on-user=bob",
        "group-without-users=empty",
        "password-reuse=",
    ];
    for source in ["--live", "--report"] {
        let done = world.run(&["audit", "--profile", "admin", source, "--json"]);
        let mut all = found(&json(&done));
        // Its report has no row for the root user.
        let wanted = if source == "--report" { &expected[1..] } else { &expected[..] };
        all.retain(|id| source == "--live" || !id.starts_with("root-"));
        assert_eq!(all, wanted, "{source}: {done:?} {}", account.moto.log());
    }
}
