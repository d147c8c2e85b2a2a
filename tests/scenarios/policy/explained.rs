//! `policy check --explain`: one action or one AccessDenied message, on each way in.

use std::time::Duration;

use serde_json::Value;

use crate::support::pty::{Finished, run};
use crate::support::world::World;

const POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Work", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::reports/*"},
    {"Sid": "Own", "Effect": "Allow", "Action": "iam:ListMFADevices", "Resource": "arn:aws:iam::*:user/${aws:username}"},
    {"Sid": "Mfa", "Effect": "Deny", "NotAction": "iam:ListMFADevices", "Resource": "*",
     "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}
  ]
}
"#;

const PAGE: &str = "\
s3:GetObject on arn:aws:s3:::reports/a.csv, for user team/bob of account
  111122223333:
access key: denied by statement 3 `Mfa` of p.json (line 6)
session without MFA: denied by statement 3 `Mfa` of p.json (line 6)
session with MFA: allowed by statement 1 `Work` of p.json (line 4), and nothing
  denies it
console without MFA: denied by statement 3 `Mfa` of p.json (line 6)
console with MFA: allowed by statement 1 `Work` of p.json (line 4), and nothing
  denies it
";

const MESSAGE: &str = "An error occurred (AccessDenied) when calling the GetObject operation: User: \
    arn:aws:iam::111122223333:user/team/bob is not authorized to perform: s3:GetObject on resource: \
    \"arn:aws:s3:::reports/a.csv\" with an explicit deny in an identity-based policy";

const JAPANESE: &str = "アクセスが拒否されました。s3:GetObjectを行う許可がありません。ユーザー: \
    arn:aws:iam::111122223333:user/team/bobアクション: s3:GetObject リソース: arn:aws:s3:::reports/a.csv \
    コンテキスト: an identity-based policy explicitly denies the action";

fn world() -> World {
    let world = World::empty();
    world.write("p.json", POLICY);
    world
}

fn asked(world: &World, words: &[&str]) -> Finished {
    let mut command = world.command(&[&["policy", "check"], words].concat());
    command.current_dir(world.home());
    run(command, b"", Duration::from_secs(60))
}

#[test]
fn an_access_denied_message_is_explained_by_the_deciding_statements() {
    let world = world();
    let bare =
        ["p.json", "--explain", "s3:GetObject", "--resource", "arn:aws:s3:::reports/a.csv", "--user-name", "team/bob"];
    for words in [
        &["p.json", "--explain", MESSAGE][..],
        &["p.json", "--explain", JAPANESE],
        &[&bare[..], &["--account", "111122223333"]].concat(),
    ] {
        let done = asked(&world, words);
        assert_eq!((done.status.code(), done.stdout.as_str(), done.stderr.as_str()), (Some(0), PAGE, ""), "{words:?}");
    }
}

#[test]
fn an_action_nothing_allows_is_explained_by_the_nearest_statements() {
    let world = world();
    let done = asked(&world, &["p.json", "--explain", "s3:GetObject", "--resource", "arn:aws:s3:::other/a", "--json"]);
    let json: Value = serde_json::from_str(&done.stdout).expect("JSON");
    let way = &json["ways"]["session-mfa"];
    let why = "no statement allows s3:GetObject on arn:aws:s3:::other/a; statement 1 `Work` of p.json (line 4) allows it \
               on other resources";
    assert_eq!((&way["verdict"], &way["why"]), (&"denied".into(), &why.into()));
    assert_eq!((&way["near"][0]["sid"], &json["ways"]["key"]["by"][0]["sid"]), (&"Work".into(), &"Mfa".into()));
    // The user's own device list needs no resource to be named, and STS's own rule is told as such.
    let done = asked(&world, &["p.json", "--explain", "iam:ListMFADevices"]);
    for part in [
        "iam:ListMFADevices on arn:aws:iam::123456789012:user/alice, ",
        "\naccess key: allowed by statement 2 `Own` of p.json (line 5)",
        "\nsession without MFA: denied: a session without MFA cannot call IAM, ",
    ] {
        assert!(done.stdout.contains(part), "{part}: {}", done.stdout);
    }
}

#[test]
fn the_user_of_a_message_is_found_among_many_and_other_kinds_of_policies_are_named() {
    let world = world();
    let policy: Value = serde_json::from_str(POLICY).expect("JSON");
    let user = |name: &str| {
        serde_json::json!({"UserName": name, "Path": "/team/", "GroupList": [],
            "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": policy}]})
    };
    world.write("account.json", serde_json::json!({"UserDetailList": [user("bob"), user("eve")]}).to_string());
    let done = asked(&world, &["account.json", "--explain", MESSAGE]);
    let part = "access key: denied by statement 3 `Mfa` of own of user bob in account.json (line 1)";
    let flat = done.stdout.replace("\n  ", " ");
    assert!(done.status.code() == Some(0) && flat.contains(part), "{}", done.stdout);
    let many = asked(&world, &["account.json", "--explain", "s3:GetObject"]);
    assert!(many.status.code() == Some(2) && many.stderr.contains("choose with `--user NAME`"), "{many:?}");
    let eve = asked(&world, &["account.json", "--user", "eve", "--explain", "s3:GetObject"]);
    assert!(eve.stdout.contains("for user team/eve of account"), "{eve:?}");

    let scp = MESSAGE.replace("an identity-based policy", "a service control policy");
    let done = asked(&world, &["p.json", "--explain", &scp]);
    assert_eq!(done.stderr, "AWS says that a service control policy decided; add it with `--scp FILE`\n");
    for (words, said) in [
        (vec!["p.json", "--explain", "Access Denied"], "expected `SERVICE:NAME`"),
        (
            vec!["p.json", "--explain", "Encoded authorization failure message: 4GIOHlTkIaWH"],
            "decode-authorization-message",
        ),
        (vec!["p.json", "--explain", "s3:GetObject", "--format", "sarif"], "`--explain` prints a table"),
        (vec!["p.json", "--explain", "s3:GetObject", "--fix"], "--fix"),
        (vec!["p.json", "--resource", "*"], "--explain"),
        (
            vec![
                "p.json",
                "--explain",
                "User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: s3:GetObject",
            ],
            "not about a role",
        ),
    ] {
        let done = asked(&world, &words);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(2), ""), "{words:?}: {}", done.stderr);
        assert!(done.stderr.contains(said), "{words:?}: {}", done.stderr);
    }
}

#[test]
fn a_service_control_policy_is_named_as_the_reason() {
    let world = world();
    let scp = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "Regions", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}"#;
    let narrow = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]}"#;
    world.write("scp.json", scp);
    world.write("narrow.json", narrow);
    let message = MESSAGE.replace(
        "an identity-based policy",
        "a service control policy: arn:aws:organizations::999900001111:policy/o-a/service_control_policy/p-a",
    );
    for (words, said) in [
        (&["--scp", "scp.json"][..], "session with MFA: denied by statement 1 `Regions` of scp.json (line 1)"),
        (&["--scp", "narrow.json"], "session with MFA: denied: no statement of the service control policies allows it"),
        (
            &["--boundary", "narrow.json"],
            "session with MFA: denied: no statement of the permissions boundary allows it",
        ),
        (
            &["--boundary", "narrow.json", "--scp", "scp.json"],
            "session with MFA: denied by statement 1 `Regions` of scp.json (line 1)",
        ),
    ] {
        let done = asked(&world, &[&["p.json", "--explain", &message], words].concat());
        let flat = done.stdout.replace("\n  ", " ");
        assert!(done.status.code() == Some(0) && flat.contains(said), "{words:?}: {done:?}");
        assert!(flat.contains("on arn:aws:s3:::reports/a.csv, for user team/bob"), "{flat}");
    }
    let done = asked(&world, &["scp.json", "--kind", "organization", "--explain", "s3:GetObject"]);
    assert!(done.status.code() == Some(2) && done.stderr.contains("`--scp FILE`"), "{done:?}");
}
