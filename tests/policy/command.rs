//! `policy check` as a person and a script meet it: both streams and the exit code.

use crate::support::pty::Finished;
use crate::support::world::World;

const NARROW: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Work", "Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    {
      "Sid": "Enrol",
      "Effect": "Allow",
      "Action": ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:ListMFADevices", "iam:ResyncMFADevice"],
      "Resource": ["arn:aws:iam::*:mfa/*", "arn:aws:iam::*:user/${aws:username}"]
    },
    {
      "Sid": "Mfa",
      "Effect": "Deny",
      "NotAction": ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:ListMFADevices", "iam:ResyncMFADevice",
                    "iam:GetUser", "iam:GetMFADevice", "iam:ListVirtualMFADevices"],
      "Resource": "*",
      "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}, "StringNotEquals": {"aws:PrincipalType": "Role"}}
    }
  ]
}
"#;

const TABLE: &str = "\
user alice of account 123456789012, aws
work: s3:Any on *

                             key  session  session+MFA  console  console+MFA
sign in                      ✓                          ✓
change the forced password                              ✗
find the devices             ✓    ✗        ✓            ✓        ✓
make a device, own name      ✓    ✗        ✓            ✓        ✓
make a device, other name    ✓    ✗        ✓            ✓        ✓
enable it                    ✓    ✗        ✓            ✓        ✓
resync it                    ✓    ✗        ✓            ✓        ✓
sign in with MFA             ✓                                   ✓
work                         ✓!   ✗        ✓            ✗        ✓
drop the own device          ✗    ✗        ✗            ✗        ✗
change the password          ✗    ✗        ✗            ✗        ✗
make an access key           ✗    ✗        ✗            ✗        ✗
touch another user's device  ✗    ✗        ✗            ✗        ✗
enrol a thief's, the first   ✓    ✗        ✓            ✓        ✓
enrol a thief's, a further   ?    ✗        ✓            ?        ✓
✓ allowed  ✗ denied  ? not known  ! not as it must be

failure: open to bare keys: this Deny does not see long-term access keys, and
  s3:Any goes through
  at: statement 3 `Mfa` of p.json:17:21
  rule: bare-key-open (1)
  why: a request that is signed with a long-term key has no
    `aws:MultiFactorAuthPresent` at all, and `Bool` does not match what is
    absent
  repair: write `BoolIfExists` in place of `Bool`
";

fn world() -> World {
    let world = World::empty();
    world.write("p.json", NARROW);
    world.set("LC_ALL", "C.UTF-8");
    world
}

fn code(done: &Finished) -> Option<i32> {
    done.status.code()
}

#[test]
fn a_table_and_below_it_the_findings() {
    let world = world();
    let path = world.home().join("p.json");
    let done = world.run(&["policy", "check", &path.to_string_lossy()]);
    let shown = done.stdout.replace(&*path.to_string_lossy(), "p.json");
    // The longer name of the file breaks its line elsewhere.
    let same = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(same(&shown).starts_with(&same(TABLE)), "{shown}");
    assert!(shown.starts_with(TABLE.split("failure").next().expect("a table")), "{shown}");
    assert!(shown.ends_with("\ndoes not hold: 1 failure, 3 notes\n"), "{shown}");
    assert_eq!((code(&done), done.stderr.as_str()), (Some(1), ""));

    world.set("LC_ALL", "C");
    let plain = world.run(&["policy", "check", &path.to_string_lossy()]).stdout;
    let row = "work                         yes! no       yes          no       yes\n";
    assert!(plain.contains(row) && plain.is_ascii(), "{plain}");
    let coloured = world.run(&["--color", "always", "policy", "check", &path.to_string_lossy()]).stdout;
    assert!(
        coloured.contains("\x1b[31myes!\x1b[0m ") && coloured.contains("\x1b[31mfailure\x1b[0m: open"),
        "{coloured}"
    );
    for line in plain.lines().filter(|line| !line.contains(&*path.to_string_lossy())) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn the_repaired_policy_goes_to_stdout_and_what_was_changed_to_stderr() {
    let world = world();
    let done = world.run_with_stdin(&["policy", "check", "-", "--fix"], NARROW);
    assert_eq!(done.stdout, NARROW.replace("{\"Bool\":", "{\"BoolIfExists\":"));
    assert_eq!(code(&done), Some(0), "{}", done.stderr);
    let diff = "--- stdin\n+++ stdin\n@@ -15,5 +15,5 @@\n";
    assert!(
        done.stderr.starts_with(diff) && done.stderr.contains("\n+      \"Condition\": {\"BoolIfExists\""),
        "{}",
        done.stderr
    );
    // What it prints is at its end, and repairing it again changes nothing.
    let again = world.run_with_stdin(&["policy", "check", "-", "--fix"], &done.stdout);
    assert_eq!((code(&again), again.stdout), (Some(0), done.stdout));
}

#[test]
fn json_for_scripts() {
    let world = world();
    let done = world.run_with_stdin(
        &["policy", "check", "-", "--json", "--user-name", "team/bob", "--account", "111122223333"],
        NARROW,
    );
    let json: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(code(&done), Some(1));
    let at = |path: &str| json.pointer(path).unwrap_or_else(|| panic!("no {path} in {json}")).clone();
    assert_eq!(at("/holds"), false);
    assert_eq!(
        (at("/user"), at("/account"), at("/partition")),
        ("team/bob".into(), "111122223333".into(), "aws".into())
    );
    assert_eq!(at("/work"), serde_json::json!({"action": "s3:Any", "resource": "*", "allowed_elsewhere": false}));
    assert_eq!(at("/steps/5/step"), "enable");
    let denied = serde_json::json!({"verdict": "denied", "expected": "allowed", "by": [], "depends_on": []});
    assert_eq!(at("/steps/5/ways/key"), denied);
    let by = serde_json::json!([{"document": "stdin", "statement": 3, "sid": "Mfa", "line": 11}]);
    assert_eq!(at("/steps/8/ways/console/by"), by);
    assert_eq!(at("/steps/0/ways/session"), serde_json::Value::Null);
    assert_eq!(at("/findings/0/number"), 8);
    let members: Vec<String> = at("/findings/0").as_object().expect("an object").keys().cloned().collect();
    assert_eq!(
        members,
        ["severity", "rule", "number", "statement", "line", "column", "what", "why", "repair", "fixable"]
    );

    let fixed = world.run_with_stdin(&["policy", "check", "-", "--json", "--fix"], NARROW);
    let json: serde_json::Value = serde_json::from_str(&fixed.stdout).expect("JSON");
    assert_eq!((code(&fixed), &json["holds"]), (Some(0), &true.into()));
    assert!(json["documents"][0]["policy"].as_str().is_some_and(|policy| policy.contains("BoolIfExists")));
}

#[test]
fn what_cannot_be_read_is_exit_2_with_the_place() {
    let world = world();
    let done = world.run_with_stdin(&["policy", "check", "-"], "{\n  \"Statement\": [],\n}");
    assert_eq!(
        (code(&done), done.stdout.as_str(), done.stderr.as_str()),
        (Some(2), "", "error: stdin:2:18: a trailing comma\n")
    );
    let done = world.run(&["policy", "check", "/nowhere/p.json"]);
    let said = "error: /nowhere/p.json cannot be read: No such file or directory (os error 2)\n";
    assert_eq!((code(&done), done.stdout.as_str(), done.stderr.as_str()), (Some(2), "", said));
    for words in [
        &["policy", "check"][..],
        &["policy"],
        &["policy", "check", "-", "--work", "s3:*"],
        &["policy", "check", "-", "--user-name", "a b"],
    ] {
        let done = world.run_with_stdin(words, NARROW);
        assert_eq!((code(&done), done.stdout.as_str()), (Some(2), ""), "{words:?}");
    }
}
