//! Policies inside other files: `tests/cases/policy/sources` is one policy in every form, and the cases of
//! `tests/cases/policy/held/*.txt` are files, options, and parts of the output.
//!
//! The grammar is that of [`cases`], with these blocks: `-- file NAME` with its text, `-- given WORDS` for more
//! options, `-- exit CODE`, and lines that the output contains (`-- says`) or does not contain (`-- not`).

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::cases::{self, Case, CaseFile};
use crate::support::pty::{Finished, run};
use crate::support::world::World;

fn checked(world: &World, words: &[&str]) -> Finished {
    let mut command = world.command(&[&["policy", "check"], words].concat());
    command.current_dir(world.home());
    run(command, b"", Duration::from_secs(120))
}

#[test]
fn policies_inside_other_files_are_found_and_missing_values_are_unknown() {
    let (mut wrong, mut count) = (String::new(), 0);
    for CaseFile { name: file, cases, .. } in cases::read("policy/held") {
        for Case { sentence, blocks, .. } in &cases {
            let world = World::empty();
            let (mut words, mut said, mut unsaid, mut code) = (vec!["--json".to_owned()], Vec::new(), Vec::new(), 0);
            for block in blocks {
                let lines = || block.lines().map(str::to_owned).collect::<Vec<_>>();
                match block.name() {
                    ("file", name) => {
                        world.write(name, &block.text);
                        words.push(name.to_owned());
                    }
                    ("given", options) => words.extend(options.split(' ').map(str::to_owned)),
                    ("exit", wanted) => code = wanted.parse().expect("a code"),
                    ("says", _) => said = lines(),
                    ("not", _) => unsaid = lines(),
                    _ => panic!("{file}: {sentence}: unknown block {}", block.head),
                }
            }
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let done = checked(&world, &words);
            let all = format!("{}\n{}", done.stdout, done.stderr);
            let missing = said.iter().filter(|line| !all.contains(line.as_str()));
            let there = unsaid.iter().filter(|line| all.contains(line.as_str()));
            let faults: Vec<&String> = missing.chain(there).collect();
            if !faults.is_empty() || done.status.code() != Some(code) {
                let _ = writeln!(wrong, "{file}: {sentence}: {:?} {faults:?}\n{all}", done.status.code());
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(count >= 25, "{count} cases");
}

/// The line of the condition in each file: `Bool` in place of `BoolIfExists`.
const FORMS: [(&str, &str, usize); 12] = [
    ("policy.json", "", 39),
    ("answer.json", "", 41),
    ("answer-encoded.json", "", 4),
    ("encoded.txt", "", 1),
    ("account.json", "alice", 125),
    ("plan.json", "", 21),
    ("state.json", "", 21),
    ("document.tf", "", 46),
    ("jsonencode.tf", "", 42),
    ("heredoc.tf", "", 46),
    ("template.json", "", 71),
    ("template.yaml", "", 41),
];

#[test]
fn one_policy_in_every_form_has_one_verdict_and_the_lines_of_its_file() {
    let sources = cases::path("policy/sources");
    let world = World::empty();
    let read = |name: &str| std::fs::read_to_string(sources.join(name)).expect("a form");
    let verdict = |name: &str, user: &str| -> (Value, usize) {
        world.write(name, read(name));
        let user = if user.is_empty() { vec![] } else { vec!["--user", user] };
        let done = checked(&world, &[&["--json", name], &user[..]].concat());
        let json: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{name}: {done:?}"));
        let report = json["checks"].get(0).unwrap_or(&json);
        let mut findings = report["findings"].as_array().expect("findings").clone();
        let failing = findings.iter().find(|finding| finding["rule"] == "bare-key-open").expect("the failure");
        let line = usize::try_from(failing["line"].as_u64().expect("a line")).expect("a line");
        for finding in &mut findings {
            let finding = finding.as_object_mut().expect("a finding");
            let statement = finding.remove("statement").and_then(|it| it.get("statement").cloned());
            finding.retain(|name, _| !["line", "column"].contains(&name.as_str()));
            finding.insert("statement".to_owned(), statement.into());
        }
        let mut steps = report["steps"].clone();
        for way in steps.as_array_mut().expect("steps").iter_mut().filter_map(|it| it["ways"].as_object_mut()) {
            way.values_mut().filter_map(Value::as_object_mut).for_each(|cell| drop(cell.remove("by")));
        }
        (serde_json::json!([report["holds"], report["work"], steps, findings]), line)
    };
    let (expected, _) = verdict("policy.json", "");
    assert_eq!(expected[0], false);
    for (name, user, line) in FORMS {
        let (found, at) = verdict(name, user);
        assert_eq!(found, expected, "{name}");
        assert_eq!(at, line, "{name}");
        let lines: Vec<String> = read(name).lines().map(str::to_owned).collect();
        assert!(
            line == 1 || lines[line - 1].contains("Bool") || lines[line - 1].contains("MultiFactorAuthPresent"),
            "{name}:{line}"
        );
    }
}

#[test]
fn an_account_is_checked_user_by_user() {
    let world = World::empty();
    let account = cases::path("policy/sources/account.json");
    world.write("account.json", std::fs::read_to_string(account).expect("the account"));
    let done = checked(&world, &["account.json"]);
    assert_eq!(done.status.code(), Some(1));
    for part in [
        "User alice:\nDoes not hold: ",
        "at: account.json:125:19, mfa, statement 3 (`Mfa`)",
        "\nUser team/bob: Holds: ",
        "\nUser carol:\n",
        "contents of `arn:aws:iam::aws:policy/ReadOnlyAccess`",
        "\n2 of 3 do not hold.\n",
    ] {
        assert!(done.stdout.contains(part), "{part}: {}", done.stdout);
    }
    let bob = checked(&world, &["account.json", "--user", "bob"]);
    assert!(bob.status.code() == Some(0) && bob.stdout.starts_with("User team/bob:\nHolds: "), "{bob:?}");
    let nobody = checked(&world, &["account.json", "--user", "dave"]);
    let said = "error: the files have no policies for user `dave`\n";
    nobody.expect(2, "", said);
}

/// Of all the account's roles, only those that the user may assume count.
#[test]
fn an_accounts_file_has_the_trust_policies_of_its_roles() {
    let world = World::empty();
    let role = |name: &str, with_mfa: bool| {
        let condition = if with_mfa {
            serde_json::json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}})
        } else {
            serde_json::json!({})
        };
        serde_json::json!({"RoleName": name, "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole", "Condition": condition}]}})
    };
    let account = serde_json::json!({"UserDetailList": [{"UserName": "alice"}], "RoleDetailList": [role("admin", true), role("open", false)]});
    world.write("account.json", account.to_string());
    let policy = |role: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::123456789012:role/{role}"}}}}"#
        )
    };
    for (role, code, said) in [
        ("admin", 0, "requires MFA, because the trust policy does"),
        ("team/admin", 0, "requires MFA, because the trust policy does"),
        ("open", 1, "trust policy of open in account.json lets a user assume the role without MFA"),
        ("other", 1, "the trust policy of `arn:aws:iam::123456789012:role/other` was not given"),
        ("*", 1, "trust policy of open in account.json lets a user assume the role without MFA"),
    ] {
        world.write("p.json", policy(role));
        let done = checked(&world, &["p.json", "--trust", "account.json", "--json"]);
        assert!(done.status.code() == Some(code) && done.stdout.contains(said), "{role}: {done:?}");
    }
}

#[test]
fn a_repair_of_one_set_is_printed_as_json_and_written_into_no_template() {
    let world = World::empty();
    let sources = cases::path("policy/sources");
    for name in ["document.tf", "account.json"] {
        world.write(name, std::fs::read_to_string(sources.join(name)).expect("a form"));
    }
    let done = checked(&world, &["document.tf", "--fix"]);
    let repaired: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"));
    assert!(repaired["Statement"][2]["Condition"]["BoolIfExists"].is_object(), "{}", done.stdout);
    assert_eq!(done.status.code(), Some(0), "{}", done.stderr);
    for (words, said) in [
        (&["document.tf", "--fix", "--write", "--yes"][..], "not policies inside other files"),
        (&["account.json", "--fix"], "and these files have 3"),
    ] {
        let refused = checked(&world, words);
        assert!(refused.status.code() == Some(2) && refused.stderr.contains(said), "{refused:?}");
    }
}

/// Each is refused or judged in seconds, by a build without optimization on a busy machine.
#[test]
fn hostile_files_are_refused_quickly() {
    let many = |text: &str, times: usize| text.repeat(times);
    let numbered = |times: usize, line: &dyn Fn(usize) -> String| (0..times).map(line).collect::<String>();
    let local = |at: usize| format!("  a{} = [{}]\n", at + 1, vec![format!("local.a{at}"); 50].join(", "));
    let alias = |at: usize| format!("  b{}: &b{} [{}]\n", at + 1, at + 1, vec![format!("*b{at}"); 9].join(", "));
    let files = [
        ("deep.json", "nested more deeply", format!("{{\"UserDetailList\": {}", many("[", 300_000))),
        ("deep.yaml", "limit", format!("Resources:\n  A: {}", many("[", 300_000))),
        ("maps.yaml", "nested more deeply", format!("Resources:\n  A: {}", many("{a: ", 100_000))),
        ("lists.yaml", "nested more deeply", format!("Resources:\n  {}", many("- ", 100_000))),
        ("bomb.yaml", "no IAM policy", format!("Resources:\n  b0: &b0 [x]\n{}", numbered(40, &alias))),
        ("keys.yaml", "no IAM policy", format!("Resources:\n{}", numbered(50_000, &|at| format!("  k{at}: 1\n")))),
        ("deep.tf", "at most 64 nested levels", format!("resource \"a\" \"b\" {{\n  x = {}", many("[", 300_000))),
        ("not.tf", "at most 64", format!("resource \"a\" \"b\" {{\n  x = {}true\n}}\n", many("!", 300_000))),
        ("template.tf", "at most 64", format!("resource \"a\" \"b\" {{\n  x = {}", many("\"${", 200_000))),
        ("sum.tf", "at most 128", format!("resource \"a\" \"b\" {{\n  x = 1{}\n}}\n", many("+1", 300_000))),
        ("large.tf", "larger than 1 MiB", format!("locals {{\n  x = \"{}\"\n}}\n", many("x", 2_000_000))),
        (
            "members.tf",
            "more than 5000 members",
            format!("locals {{\n  x = {{\n{}  }}\n}}\n", numbered(20_000, &|at| format!("k{at} = 1\n"))),
        ),
        (
            "locals.tf",
            "a policy must be an object",
            format!(
                "locals {{\n  a0 = [1]\n{}}}\nresource \"aws_iam_policy\" \"x\" {{\n  policy = jsonencode(local.a14)\n}}\n",
                numbered(14, &local)
            ),
        ),
    ];
    let world = World::empty();
    for (name, bound, text) in files {
        world.write(name, text);
        let start = Instant::now();
        let done = checked(&world, &[name]);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(2), ""), "{name}: {}", done.stderr);
        assert!(done.stderr.contains(bound) && done.stderr.len() < 1000, "{name}: {}", done.stderr);
        assert!(start.elapsed() < Duration::from_secs(20), "{name}: {:?}", start.elapsed());
    }
}
