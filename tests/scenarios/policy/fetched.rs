//! `policy check --user`: IAM's own policies come to the same as the same texts in files, and what cannot be read is
//! not taken for absent.

use mfa_cred::policy::print::{Choices, Format, print};
use serde_json::Value;

use crate::scenarios::clients::MotoAccount;
use crate::support::aws::{Effect, Owner, Signer};
use crate::support::pty::Finished;
use crate::support::world::{World, calls, json};

const S3: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#;
const ALL: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
/// What would be read as something else, were it decoded as a form or twice.
const ODD: &str = r#"{"Version": "2012-10-17", "Statement": {"Sid": "Odd", "Effect": "Allow", "Action": "sqs:*",
 "Resource": "arn:aws:sqs:*:*:a+b%2Fc", "Condition": {"StringNotEquals": {"aws:username": "é + ü"}}}}"#;
const AWS_FORM: &str = include_str!("../../cases/policy/forms/manage-device.json");
const WORK: &str = "arn:aws:iam::aws:policy/job-function/Work";
const MFA: &str = "arn:aws:iam::123456789012:policy/RequireMFA";
/// The administrator's profile has none.
const NO_MFA: &str = "warning: profile `admin` has no `mfa_serial`, so these are its long-term keys, without MFA: set `mfa_serial = auto` to use the device that IAM lists, or create one with `mfa-cred device enroll --profile admin`\n";
const CHECK: [&str; 6] = ["policy", "check", "--user", "alice", "--profile", "admin"];

fn require_mfa() -> String {
    print(Format::Json, &Choices::default())
}

/// An administrator, and alice: inline policies of her own and of a group, two groups that share what is attached.
fn world() -> World {
    world_under(&require_mfa())
}

fn world_under(policy: &str) -> World {
    let world = World::empty();
    world.set("LC_ALL", "C.UTF-8");
    let key = world.aws.add_user("admin");
    world.write(".aws/config", "[profile admin]\nregion = us-east-1\n");
    world.write_key("admin", &key);
    world.aws.add_user("alice");
    let aws = &world.aws;
    aws.put_policy(Owner::User("alice"), "odd", ODD);
    aws.put_policy(Owner::User("alice"), "own", S3);
    aws.put_policy(Owner::Group("developers"), "more", S3);
    aws.add_group("developers", &["admin", "alice"]);
    aws.add_group("everyone", &["alice"]);
    aws.add_group("others", &["admin"]);
    aws.put_policy(Owner::Group("others"), "all", ALL);
    assert_eq!(aws.add_policy("RequireMFA", &[ALL, policy, ALL], 2), MFA);
    aws.add_policy(WORK, &[S3], 1);
    aws.attach(Owner::User("alice"), WORK);
    for group in ["developers", "everyone"] {
        aws.attach(Owner::Group(group), MFA);
        aws.attach(Owner::Group(group), WORK);
    }
    world
}

/// The same documents as files of the same names.
const FILES: [(&str, &str); 5] = [
    ("inline:odd of user alice", ODD),
    ("inline:own of user alice", S3),
    (WORK, S3),
    ("inline:more of group developers", S3),
    (MFA, ""),
];

/// What the documents come to when they are files.
fn from_files(world: &World, boundary: Option<&str>) -> Finished {
    for (name, text) in FILES {
        world.write(name, if text.is_empty() { require_mfa() } else { text.to_owned() });
    }
    let mut words = vec!["policy", "check", "--user-name=alice", "--account=123456789012", "--partition=aws", "--json"];
    words.extend(FILES.map(|(name, _)| name));
    words.extend(boundary.iter().flat_map(|name| ["--boundary", name]));
    world.run(&words)
}

/// The verdicts of a step over the five ways in.
fn verdicts(report: &Value, step: &str) -> String {
    let steps = report["steps"].as_array().expect("steps");
    let row = steps.iter().find(|row| row["step"] == step).expect("the step");
    ["key", "session", "session-mfa", "console", "console-mfa"]
        .map(|way| match row["ways"][way]["verdict"].as_str() {
            Some("allowed") => 'y',
            Some("denied") => 'n',
            Some("unknown") => '?',
            _ => '.',
        })
        .iter()
        .collect()
}

#[test]
fn policies_from_iam_give_the_same_verdict_as_files() {
    let world = world();
    for page in [100, 1] {
        world.aws.page_size(page);
        let done = world.run(&[&CHECK[..], &["--json"]].concat());
        let asked = calls(&world);
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), NO_MFA));
        assert_eq!(json(&done), json(&from_files(&world, None)));
        assert_eq!(verdicts(&json(&done), "work"), "nnyny");
        if page == 100 {
            let expected = [
                "GetUser ListUserPolicies GetUserPolicy GetUserPolicy ListAttachedUserPolicies GetPolicy",
                "GetPolicyVersion ListGroupsForUser ListGroupPolicies GetGroupPolicy ListAttachedGroupPolicies",
                "GetPolicy GetPolicyVersion ListGroupPolicies ListAttachedGroupPolicies",
            ];
            assert_eq!(asked.join(" "), expected.join(" "));
        }
    }
    let done = world.run(&[&CHECK[..], &["-v"]].concat());
    let said = "\nUser alice of account 123456789012 (aws). Work is sqs:SendMessage, on\n";
    assert!(done.stdout.contains(said), "{}", done.stdout);
}

#[test]
fn a_boundary_limits_and_is_read_once() {
    let world = world();
    world.aws.set_boundary("alice", WORK);
    let done = world.run(&[&CHECK[..], &["--json"]].concat());
    assert_eq!(calls(&world).iter().filter(|call| *call == "GetPolicy").count(), 2);
    assert_eq!(json(&done), json(&from_files(&world, Some(WORK))));
    assert_eq!((done.status.code(), verdicts(&json(&done), "enable").as_str()), (Some(1), "nnnnn"));

    let other = world.aws.add_policy("Boundary", &[ALL], 1);
    world.write(&other, ALL);
    world.aws.set_boundary("alice", &other);
    let done = world.run(&[&CHECK[..], &["--json"]].concat());
    assert_eq!(json(&done), json(&from_files(&world, Some(&other))));
    assert_eq!(done.status.code(), Some(0));
}

#[test]
fn an_unreadable_policy_is_unknown_and_a_known_deny_still_denies() {
    for (denied, missing) in [
        ("ListUserPolicies", "the inline policies of user alice"),
        ("GetUserPolicy", "inline:odd of user alice"),
        ("ListAttachedUserPolicies", "the policies attached to user alice"),
        ("ListGroupPolicies", "the inline policies of group developers"),
        ("GetGroupPolicy", "inline:more of group developers"),
        // It can only limit: what is denied stays denied.
        ("GetUser", "the permissions boundary of user alice"),
    ] {
        // AWS's form leaves it to the Allows whose devices are touched, and one that allows more may be what was not
        // read; what we print closes that.
        for (policy, holds) in [(AWS_FORM, denied == "GetUser"), (require_mfa().as_str(), true)] {
            let world = world_under(policy);
            world.aws.deny(denied);
            let done = world.run(&[&CHECK[..], &["--json"]].concat());
            let warning =
                format!("warning: {missing} cannot be read because iam:{denied} is denied: treated as unknown\n");
            assert!(done.stderr.contains(&warning), "{denied}: {}", done.stderr);
            let report = json(&done);
            // An Allow that was not read changes nothing where a Deny was read; a Deny may lie in what was not.
            assert_eq!(verdicts(&report, "work"), "nn?n?", "{denied}");
            assert_eq!(verdicts(&report, "enable"), "?n???", "{denied}");
            let came_to = (done.status.code(), &report["holds"]);
            assert_eq!(came_to, (Some(i32::from(!holds)), &Value::Bool(holds)), "{denied}");
            assert!(
                done.stdout.contains(&format!("the contents of {missing} are unknown")),
                "{denied}: {}",
                done.stdout
            );
        }
    }
    // The Deny itself is what cannot be read.
    for denied in ["ListGroupsForUser", "ListAttachedGroupPolicies", "GetPolicy", "GetPolicyVersion"] {
        let world = world();
        world.aws.deny(denied);
        let done = world.run(&[&CHECK[..], &["--json"]].concat());
        let report = json(&done);
        assert_eq!(verdicts(&report, "work"), "?????", "{denied}");
        assert_eq!(done.status.code(), Some(1), "{denied}");
        assert!(done.stderr.contains(&format!("because iam:{denied} is denied")), "{denied}: {}", done.stderr);
    }
}

#[test]
fn a_missing_user_and_failing_calls_are_reported() {
    let world = world();
    let done = world.run(&["policy", "check", "--user", "nobody", "--profile", "admin"]);
    let said =
        format!("{NO_MFA}error: GetUser: AWS refused it (NoSuchEntity): The user with name nobody cannot be found.\n");
    assert_eq!((done.status.code(), done.stdout.as_str(), done.stderr), (Some(5), "", said));
    // A group that is deleted between two calls has no policies any more; its users are as they were.
    let gone = crate::support::aws::Fault::Refuse(404, "NoSuchEntity".to_owned(), "gone".to_owned());
    world.aws.fault("ListGroupPolicies", gone, 1);
    let done = world.run(&[&CHECK[..], &["--json"]].concat());
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), NO_MFA));
    assert!(!done.stdout.contains("inline:more of group developers"), "{}", done.stdout);
}

#[test]
fn a_profile_with_mfa_reads_with_its_session() {
    let world = world();
    let device = world.aws.add_device("admin", "admin-phone");
    world.add_config(&format!("mfa_serial = {}\n", device.serial()));
    world.aws.deny_without_mfa("GetUserPolicy");
    let cold = world.run(&CHECK);
    assert_eq!((cold.status.code(), cold.stdout.as_str()), (Some(3), ""), "{}", cold.stderr);
    assert_eq!(calls(&world), Vec::<String>::new());
    world.sign_in(&device, &["login", "admin"]);
    let done = world.run(&[&CHECK[..], &["--json"]].concat());
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""));
    assert_eq!(verdicts(&json(&done), "work"), "nnyny");
    let made = world.aws.take_calls();
    assert_eq!(made[0].action, "GetSessionToken");
    let with_mfa = |signer: &Signer| matches!(signer, Signer::Session { mfa: true, .. });
    assert!(made[1..].iter().all(|call| call.effect == Effect::Accepted && with_mfa(&call.signer)), "{made:?}");
}

#[test]
fn a_user_is_named_with_or_without_the_path() {
    let world = world();
    let words = |user| ["policy", "check", "--user", user, "--profile", "admin", "--json"];
    let plain = world.run(&words("alice"));
    for user in ["team/alice", "/team/alice"] {
        assert_eq!(json(&world.run(&words(user))), json(&plain), "{user}");
    }
}

#[test]
fn files_and_a_user_cannot_be_combined() {
    let world = world();
    world.write("p.json", S3);
    for words in [
        &["--user", "alice", "p.json"][..],
        &["--user", "alice", "--boundary", "p.json"],
        &["--user", "alice", "--fix"],
        &["--user", "alice", "--account", "123456789012"],
        &["--user", "team//alice"],
        &["--profile", "admin", "p.json"],
        &[],
    ] {
        let done = world.run(&[&["policy", "check"], words].concat());
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(2), ""), "{words:?}: {}", done.stderr);
    }
    assert_eq!(calls(&world), Vec::<String>::new());
}

#[test]
fn moto_gives_the_same_documents() {
    let world = World::empty();
    let Some(account) = MotoAccount::start(&world) else { return };
    world.set("LC_ALL", "C.UTF-8");
    for (name, text) in [("odd.json", ODD), ("s3.json", S3), ("all.json", ALL), ("mfa.json", &require_mfa())] {
        world.write(name, text);
    }
    let document = |name: &str| format!("file://{}", world.home().join(name).display());
    let ask = |words: &[&str]| account.iam(words);
    // It gives users no boundaries.
    ask(&["create-user", "--user-name", "alice", "--path", "/team/"]);
    ask(&["create-group", "--group-name", "developers"]);
    ask(&["add-user-to-group", "--group-name", "developers", "--user-name", "alice"]);
    ask(&["create-policy", "--policy-name", "RequireMFA", "--policy-document", &document("all.json")]);
    let (require, v2) = (["--policy-arn", MFA], ["--set-as-default", "--policy-document", &document("mfa.json")]);
    ask(&[&["create-policy-version"], &require[..], &v2[..]].concat());
    ask(&[&["attach-group-policy", "--group-name", "developers"], &require[..]].concat());
    let odd = ["put-user-policy", "--user-name", "alice", "--policy-name", "odd", "--policy-document"];
    ask(&[&odd[..], &[&document("odd.json")]].concat());
    let more = ["put-group-policy", "--group-name", "developers", "--policy-name", "more", "--policy-document"];
    ask(&[&more[..], &[&document("s3.json")]].concat());

    let done = world.run(&[&CHECK[..], &["--json"]].concat());
    assert_eq!(done.stderr, NO_MFA, "{}", account.moto.log());
    for (name, text) in
        [("inline:odd of user alice", ODD), ("inline:more of group developers", S3), (MFA, &require_mfa())]
    {
        world.write(name, text);
    }
    let files = ["inline:odd of user alice", "inline:more of group developers", MFA];
    let words = ["policy", "check", "--user-name=team/alice", "--account=123456789012", "--partition=aws", "--json"];
    assert_eq!(json(&done), json(&world.run(&[&words[..], &files].concat())));
    // Her path is in the ARN that IAM gave, and the policy is for users without one.
    assert_eq!((json(&done)["user"].as_str(), done.status.code()), (Some("team/alice"), Some(1)));
}
