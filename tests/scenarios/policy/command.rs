//! `policy check` as a person and a script meet it: both streams and the exit code.

use std::time::Duration;

use mfa_cred::policy::rules::Rule;

use crate::support::pty::{Finished, PATIENCE, Pty, Stream, run};
use crate::support::world::{MFA_CRED, World};

const NARROW: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Work", "Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    {
      "Sid": "Enroll",
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

const PAGE: &str = "\
Does not hold: an attacker gets in with only an access key (1 failure, 3 notes).

User alice of account 123456789012 (aws). Work is s3:GetObject, on *.

A user's first day: does it work?
                            key  console
  sign in                   yes  yes
  change a forced password       no       iam:ChangePassword
  list the devices          yes  yes      iam:ListMFADevices
  create a device           yes  yes      iam:CreateVirtualMFADevice
  ... with another name     yes  yes      iam:CreateVirtualMFADevice
  enable it                 yes  yes      iam:EnableMFADevice
  resync it                 yes  yes      iam:ResyncMFADevice
  sign in with MFA          yes  yes
  work with MFA             yes  yes      s3:GetObject
yes: works   no: denied, which is fine

An attacker without the second factor: does it work?
                       key   session  console
  work                 YES!  no       no       s3:GetObject
  remove the device    no    no       no       iam:DeactivateMFADevice
  change the password  no    no       no       iam:ChangePassword
  create a key         no    no       no       iam:CreateAccessKey
  change others' MFA   no    no       no       iam:EnableMFADevice
  enroll 1st device    yes   no       yes      iam:CreateVirtualMFADevice
  enroll 2nd device    ?     no       ?        iam:EnableMFADevice
no: blocked   YES!: allowed   yes: no policy can stop it
?: not documented by AWS

failure: this Deny does not apply to long-term access keys: without MFA,
  s3:GetObject is allowed
  at: p.json:17:21, statement 3 (`Mfa`)
  why: a request signed with a long-term access key has no
    `aws:MultiFactorAuthPresent` at all, and `Bool` never matches a missing key
  repair: use `BoolIfExists` instead of `Bool`
  rule: bare-key-open (1)
  more: mfa-cred policy explain bare-key-open

note: as with any policy that requires MFA, an attacker with the key or password
  of a user without a device can enroll a first device (attacker-enrolls); a
  user who must change the password at first sign-in cannot
  (first-password-stuck); calls that AWS services make on a user's behalf are
  denied (service-calls). See `mfa-cred policy explain`.

--fix can repair it.
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

/// Runs it in the folder of the policy, so that the name is short wherever the tests run.
fn shown(world: &World, words: &[&str]) -> Finished {
    let mut command = world.command(words);
    command.current_dir(world.home());
    run(command, b"", Duration::from_secs(60))
}

#[test]
fn the_verdict_then_two_tables_then_the_findings() {
    let world = world();
    let done = shown(&world, &["policy", "check", "p.json"]);
    done.expect(1, PAGE, "");
    assert!(done.stdout.is_ascii());
    let painted = shown(&world, &["--color", "always", "policy", "check", "p.json"]).stdout;
    for part in ["\x1b[1;31mDoes not hold\x1b[0m: ", "\x1b[1;31mYES!\x1b[0m ", "\x1b[31mfailure\x1b[0m: this Deny"] {
        assert!(painted.contains(part), "{part}: {painted}");
    }
}

#[test]
fn a_good_policy_takes_a_few_lines_and_everything_with_v() {
    let world = world();
    world.write("well.json", NARROW.replace("{\"Bool\"", "{\"BoolIfExists\""));
    let done = shown(&world, &["policy", "check", "well.json"]);
    assert!(
        done.stdout
            .starts_with("Holds: without MFA, nothing works except enrolling a device (3 notes).\n\nnote: as with"),
        "{}",
        done.stdout
    );
    assert!(code(&done) == Some(0) && done.stdout.lines().count() < 10, "{}", done.stdout);
    let in_full = shown(&world, &["policy", "check", "-v", "well.json"]);
    assert!(in_full.stdout.contains("\nA user's first day: does it work?\n"), "{}", in_full.stdout);
}

/// In each window no line is wider than it, and none of the words is broken.
#[test]
fn the_page_fits_windows_of_one_hundred_sixty_and_forty_columns_and_breaks_no_word() {
    let world = world();
    let words = |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
    for columns in [100, 60, 40] {
        let mut command = std::process::Command::new(MFA_CRED);
        world.dress(&mut command);
        command.args(["--color", "never", "policy", "check", "p.json"]).current_dir(world.home());
        let pty = Pty::default().sized(200, columns).streams(Stream::Terminal, Stream::Terminal);
        let done = pty.spawn(command).finish(Duration::from_secs(60));
        let page = done.terminal.replace('\r', "");
        let is_one_word = |line: &str| line.split_whitespace().count() < 2;
        for line in page.lines().filter(|line| !is_one_word(line)) {
            assert!(line.chars().count() <= usize::from(columns), "{columns}: {line}");
        }
        for heading in ["key console", "key session console"] {
            let is_heading = |line: &str| words(line).join(" ") == heading;
            assert!(page.lines().any(is_heading), "{columns}: {heading}: {page}");
        }
        // Without the actions of the tables, for which there may be no room, it is the same text.
        let text = |page: &str| page.split("\nfailure: ").nth(1).map(words);
        assert_eq!(text(&page), text(PAGE), "{columns}");
    }
}

#[test]
fn a_rule_is_explained() {
    let world = World::empty();
    let done = world.run(&["policy", "explain", "null-test"]);
    assert!(
        done.stdout.starts_with("## null-test\n\nFailure, rule 2.\n") && !done.stdout.contains("\n## "),
        "{done:?}"
    );
    let list = world.run(&["policy", "explain"]).stdout;
    assert_eq!(list.lines().count(), Rule::ALL.len());
    assert!(list.starts_with("bare-key-open"), "{list}");
    let done = world.run(&["policy", "explain", "null-tests"]);
    assert!(code(&done) == Some(2) && done.stderr.contains("null-test"), "{}", done.stderr);
    for rule in Rule::ALL {
        assert_eq!(world.run(&["policy", "explain", rule.slug()]).stdout.lines().next(), Some(&*format!("## {rule}")));
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
fn several_repaired_files_can_be_told_apart_and_are_written_each_into_its_own() {
    let world = world();
    let repaired = NARROW.replace("{\"Bool\":", "{\"BoolIfExists\":");
    let well = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}}"#;
    world.write("q.json", well);
    let read = |name: &str| std::fs::read_to_string(world.home().join(name)).expect("a file");
    let done = shown(&world, &["policy", "check", "--fix", "p.json", "q.json"]);
    assert_eq!(done.stdout, format!("==> p.json <==\n{repaired}==> q.json <==\n{well}\n"));
    assert!(done.stderr.contains("\nHolds: without MFA, nothing works except enrolling a device"), "{}", done.stderr);
    assert_eq!((code(&done), read("p.json").as_str()), (Some(0), NARROW));

    let words = ["policy", "check", "--fix", "--write", "p.json", "q.json"];
    let refused = shown(&world, &words);
    let said = "error: the policy change must be confirmed, and there is no terminal to do it on\n";
    assert!(code(&refused) == Some(3) && refused.stderr.contains(said), "{}", refused.stderr);
    assert_eq!((refused.stdout.as_str(), read("p.json").as_str()), ("", NARROW));
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);

    let at_a_terminal = |answer: &str| {
        let mut command = std::process::Command::new(MFA_CRED);
        world.dress(&mut command);
        command.args(words).current_dir(world.home());
        let mut session = Pty::default().spawn(command);
        session.wait_for("+      \"Condition\": {\"BoolIfExists\"", PATIENCE);
        session.wait_for("Write this file? [y/N] ", PATIENCE);
        session.type_text(answer);
        session.finish(PATIENCE)
    };
    let no = at_a_terminal("n\n");
    assert_eq!((code(&no), no.stdout.as_str(), read("p.json").as_str()), (Some(130), "", NARROW));
    let yes = at_a_terminal("y\n");
    assert!(yes.stdout.starts_with("Holds: ") && yes.stderr.ends_with("wrote `p.json`\n"), "{yes:?}");
    assert_eq!((code(&yes), read("p.json"), read("q.json").as_str()), (Some(0), repaired.clone(), well));

    // Nothing is left to repair, and so there is no question.
    let again = shown(&world, &words);
    assert!(code(&again) == Some(0) && again.stdout.starts_with("Holds: "), "{again:?}");
    world.write("p.json", NARROW);
    let unasked = shown(&world, &[&words[..], &["--yes"]].concat());
    assert_eq!((code(&unasked), read("p.json")), (Some(0), repaired));
    for words in [
        &["policy", "check", "p.json", "--write"][..],
        &["policy", "check", "p.json", "--fix", "--yes"],
        &["policy", "check", "-", "--fix", "--write"],
    ] {
        assert_eq!(code(&shown(&world, words)), Some(2), "{words:?}");
    }
}

#[test]
fn the_kind_of_policy_is_recognized_from_the_document() {
    let world = world();
    let mfa = r#""Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#;
    let root = r#""Principal": {"AWS": "arn:aws:iam::123456789012:root"}"#;
    world.write(
        "trust.json",
        format!(r#"{{"Statement": {{"Effect": "Allow", {root}, "Action": "sts:AssumeRole", {mfa}}}}}"#),
    );
    world.write(
        "bucket.json",
        format!(r#"{{"Statement": [{{"Effect": "Allow", {root}, "Action": "s3:*", "Resource": "*"}}]}}"#),
    );
    let done = shown(&world, &["policy", "check", "trust.json"]);
    assert_eq!(done.stderr, "trust.json has a `Principal`, so it is checked as a role trust policy\n");
    assert!(
        code(&done) == Some(0) && done.stdout.starts_with("Holds: no user can assume the role without MFA"),
        "{done:?}"
    );
    // Who says the kind is not told it, and a user's policy has none to tell.
    assert_eq!(shown(&world, &["policy", "check", "trust.json", "--kind", "trust"]).stderr, "");
    for (words, said) in [
        (
            &["policy", "check", "bucket.json"][..],
            "error: bucket.json:1:1: a policy with a `Principal` and a `Resource` is a resource-based policy",
        ),
        (&["policy", "check", "p.json", "trust.json"], "error: p.json and trust.json are different kinds of policy"),
    ] {
        let done = shown(&world, words);
        assert!(code(&done) == Some(2) && done.stderr.contains(said), "{done:?}");
    }
}

#[test]
fn service_control_policies_limit_a_users_policies() {
    let world = world();
    let well = NARROW.replace("{\"Bool\"", "{\"BoolIfExists\"");
    let statement = |effect: &str, action: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "{effect}", "Action": "{action}", "Resource": "*"}}}}"#
        )
    };
    for (name, text) in [
        ("well.json", well),
        ("deny-iam.json", statement("Deny", "iam:Enable*")),
        ("deny-ec2.json", statement("Deny", "ec2:*")),
        ("only-s3.json", statement("Allow", "s3:*")),
        ("all.json", statement("Allow", "*")),
    ] {
        world.write(name, &text);
    }
    let findings = |words: &[&str]| -> (Option<i32>, Vec<String>) {
        let done = shown(&world, &[&["policy", "check", "well.json", "--json"], words].concat());
        let json: serde_json::Value = serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"));
        let all = json["findings"].as_array().expect("findings").iter();
        let blocks = all.filter(|it| it["rule"] == "boundary-blocks").map(|it| it["what"].to_string());
        (code(&done), blocks.collect())
    };
    let blocked = |verb: &str, names: &str| (Some(1), vec![format!("\"the service control policy {verb} {names}\"")]);
    assert_eq!(findings(&["--scp", "deny-iam.json"]), blocked("denies", "`iam:EnableMFADevice`"));
    assert_eq!(findings(&["--scp", "all.json", "--scp", "deny-iam.json"]), blocked("denies", "`iam:EnableMFADevice`"));
    let four = "`iam:ListMFADevices`, `iam:CreateVirtualMFADevice`, `iam:EnableMFADevice` and `iam:ResyncMFADevice`";
    assert_eq!(findings(&["--scp", "only-s3.json"]), blocked("does not allow", four));
    // A Deny of other things leaves them free, and one beside a boundary does not widen it.
    assert_eq!(findings(&["--scp", "deny-ec2.json"]), (Some(0), vec![]));
    assert_eq!(findings(&["--scp", "deny-ec2.json", "--boundary", "all.json"]), (Some(0), vec![]));
    let (code_of, blocks) = findings(&["--scp", "all.json", "--boundary", "only-s3.json"]);
    assert!(code_of == Some(1) && blocks[0].contains("the permissions boundary does not allow"), "{blocks:?}");
    let done = shown(&world, &["policy", "check", "well.json", "--scp", "only-s3.json", "--boundary", "all.json"]);
    assert!(code(&done) == Some(2) && done.stderr.contains("cannot be checked together"), "{done:?}");
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
    assert_eq!(at("/work"), serde_json::json!({"action": "s3:GetObject", "resource": "*", "allowed_elsewhere": false}));
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
        ["severity", "rule", "number", "page", "statement", "line", "column", "what", "why", "repair", "fixable"]
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
    done.expect(2, "", "error: stdin:2:18: a trailing comma\n");
    let done = world.run(&["policy", "check", "/nowhere/p.json"]);
    let said = "error: /nowhere/p.json cannot be read: No such file or directory (os error 2)\n";
    done.expect(2, "", said);
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

/// What no step tries is in the table as well, and in the verdict.
#[test]
fn other_actions_allowed_without_mfa_are_in_the_table_and_the_verdict() {
    let world = world();
    let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
 {"Effect": "Deny", "NotAction": ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:ListMFADevices", "iam:ResyncMFADevice", "iam:PutUserPolicy"],
  "Resource": "*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}},
 {"Effect": "Deny", "Action": ["iam:EnableMFADevice", "iam:ResyncMFADevice"], "NotResource": "arn:aws:iam::*:user/${aws:username}",
  "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}]}"#;
    world.write("open.json", text);
    let page = shown(&world, &["policy", "check", "open.json"]).stdout;
    assert!(
        page.starts_with("Does not hold: an attacker gets in with only an access key or a password (1\nfailure"),
        "{page}"
    );
    assert!(page.contains("\n  anything else        YES!  no       YES!     iam:PutUserPolicy\n"), "{page}");
    world.write("closed.json", text.replace(", \"iam:PutUserPolicy\"", ""));
    let page = shown(&world, &["policy", "check", "closed.json", "-v"]).stdout;
    assert!(!page.contains("anything else") && page.contains("\n  work "), "{page}");
}
