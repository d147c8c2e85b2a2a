//! `policy check --format …`: what each reader of it accepts, and the files with which CI runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::scenarios::clients::client;
use crate::support::pty::{Finished, run};
use crate::support::world::World;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn checked(world: &World, words: &[&str]) -> Finished {
    let mut command = world.command(&[&["policy", "check"], words].concat());
    command.current_dir(world.home());
    run(command, b"", Duration::from_secs(60))
}

/// A world with one policy in some of its forms.
fn world() -> World {
    let world = World::empty();
    for name in ["policy.json", "document.tf", "account.json", "template.yaml"] {
        let text = fs::read_to_string(root().join("tests/cases/policy/sources").join(name)).expect("a form");
        world.write(name, text);
    }
    world.write("a b,c%.json", fs::read_to_string(world.home().join("policy.json")).expect("a policy"));
    world
}

/// The whole of SARIF's schema, as types that know every member, every enumeration and every bound.
const VALIDATE: &str = "\
import json, sys
from pydantic_sarif import model
log = model.StaticAnalysisResultsFormatSarifVersion210JsonSchema
try:
    log.model_validate(json.load(sys.stdin))
except Exception as error:
    print(error)
    sys.exit(1)
";

fn validated(python: &Path, log: &str) -> (Option<i32>, String) {
    let mut command = Command::new(python);
    command.args(["-c", VALIDATE]);
    let done = run(command, log.as_bytes(), Duration::from_secs(60));
    (done.status.code(), done.stdout)
}

#[test]
fn sarif_is_valid_against_its_schema_and_has_what_code_scanning_reads() {
    let world = world();
    let python = client("SARIF's schema", "python3", &["-c", "import pydantic_sarif.model"]);
    for (words, uri, line) in [
        (&["policy.json"][..], "policy.json", 39),
        (&["./document.tf"], "document.tf", 46),
        (&["template.yaml"], "template.yaml", 41),
        (&["account.json"], "account.json", 125),
        (&["a b,c%.json"], "a%20b,c%25.json", 39),
    ] {
        let done = checked(&world, &[&["--format", "sarif"], words].concat());
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(1), ""), "{words:?}");
        let log: Value = serde_json::from_str(&done.stdout).expect("JSON");
        let run = &log["runs"][0];
        let results = run["results"].as_array().expect("results");
        let failure = results.iter().find(|it| it["ruleId"] == "bare-key-open").expect("the failure");
        assert_eq!(failure["level"], "error");
        let place = &failure["locations"][0]["physicalLocation"];
        assert_eq!((&place["artifactLocation"]["uri"], &place["region"]["startLine"]), (&uri.into(), &line.into()));
        for result in results {
            let at = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("an index");
            let rule = &run["tool"]["driver"]["rules"][at];
            assert_eq!(rule["id"], result["ruleId"]);
            for member in ["shortDescription", "fullDescription", "help"] {
                assert!(rule[member]["text"].as_str().is_some_and(|text| !text.is_empty()), "{rule}");
            }
            assert!(result["message"]["text"].as_str().is_some_and(|text| text.contains("Why: ")), "{result}");
        }
        if let Some(python) = &python {
            assert_eq!(validated(python, &done.stdout), (Some(0), String::new()), "{words:?}");
            // It does look.
            let broken = done.stdout.replace("\"level\":\"error\"", "\"level\":\"failure\"");
            assert_eq!(validated(python, &broken).0, Some(1));
        }
    }
}

#[test]
fn a_finding_keeps_its_fingerprint_when_its_policy_moves() {
    let world = world();
    let prints = |name: &str| -> Vec<String> {
        let done = checked(&world, &["--format", "sarif", name]);
        let log: Value = serde_json::from_str(&done.stdout).expect("JSON");
        let results = log["runs"][0]["results"].as_array().expect("results").clone();
        results.iter().map(|it| it["partialFingerprints"]["primaryLocationLineHash"].to_string()).collect()
    };
    let before = prints("document.tf");
    let text = fs::read_to_string(world.home().join("document.tf")).expect("a file");
    world.write("document.tf", format!("\n\n# moved\n{text}"));
    assert_eq!(prints("document.tf"), before);
    let unique: std::collections::HashSet<&String> = before.iter().collect();
    assert_eq!(unique.len(), before.len());
}

#[test]
fn annotations_name_the_file_the_line_and_the_rule_and_nothing_breaks_out_of_them() {
    let world = world();
    let done = checked(&world, &["--format", "github", "policy.json"]);
    let first = done.stdout.lines().next().expect("an annotation");
    let start = "::error file=policy.json,line=39,col=9,title=mfa-cred%3A bare-key-open::this Deny does not apply to";
    assert!(first.starts_with(start), "{first}");
    assert!(done.stdout.lines().skip(1).all(|line| line.starts_with("::notice ")), "{}", done.stdout);
    let done = checked(&world, &["--format", "github", "a b,c%.json"]);
    assert!(done.stdout.starts_with("::error file=a b%2Cc%25.json,line=39,"), "{}", done.stdout);
    // A policy's own words never start a command of their own.
    let text = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*",
        "Resource": "arn:aws:s3:::a\n::set-env name=PATH::b%0A"}}"#;
    world.write("hostile.json", text);
    let done = checked(&world, &["--format", "github", "hostile.json"]);
    let is_ours = |line: &str| line.starts_with("::error ") || line.starts_with("::notice ");
    assert!(done.status.code() == Some(1) && done.stdout.lines().all(is_ours), "{}", done.stdout);
    // Where nobody has any policy, there is no file to name.
    world.write("nobody.json", r#"{"UserDetailList": [{"UserName": "eve", "Path": "/"}], "Policies": []}"#);
    let done = checked(&world, &["--format", "github", "nobody.json"]);
    assert!(done.stdout.starts_with("::error title=mfa-cred%3A "), "{done:?}");
}

#[test]
fn a_pull_request_gets_a_table_in_which_a_files_words_are_only_words() {
    let world = world();
    let done = checked(&world, &["--format", "markdown", "account.json"]);
    for part in [
        "### The IAM policies do not enforce MFA\n",
        "\n**User alice:** Does not hold: ",
        "\n**User team/bob:** Holds: ",
        "\n| | Where | What | Repair | Rule |\n| --- | --- | --- | --- | --- |\n| **failure** | account.json:125:19, mfa, ",
        " use `BoolIfExists` instead of `Bool` | `bare-key-open` |\n",
    ] {
        assert!(done.stdout.contains(part), "{part}: {}", done.stdout);
    }
    let hostile = "<img src=x>@team|`.json";
    world.write(
        hostile,
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
    );
    let done = checked(&world, &["--format", "markdown", hostile]);
    assert!(done.stdout.contains("&lt;img"), "{}", done.stdout);
    let rows = done.stdout.lines().filter(|line| line.starts_with("| "));
    for row in rows {
        let bars = row.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 6, "{row}");
    }
    let outside: String = done.stdout.split('`').step_by(2).collect();
    assert!(!outside.contains("<img") && !outside.contains("@team"), "{}", done.stdout);
}

#[test]
fn formats_apply_to_findings_and_json_has_two_names() {
    let world = world();
    let json = checked(&world, &["--format", "json", "policy.json"]);
    assert_eq!(json.stdout, checked(&world, &["--json", "policy.json"]).stdout);
    assert_eq!(checked(&world, &["--format", "table", "policy.json"]).stdout, checked(&world, &["policy.json"]).stdout);
    for words in [
        &["--format", "sarif", "--fix", "policy.json"][..],
        &["--format", "sarif", "--json", "policy.json"],
        &["--format", "xml", "policy.json"],
    ] {
        let done = checked(&world, words);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(2), ""), "{words:?}: {}", done.stderr);
    }
}

/// The YAML of the documentation, each with its kind: `repos:`, `jobs:` or `script:` is in it.
fn examples() -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/policies.md")).expect("the page");
    let blocks = page.split("```yaml\n").skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_hooks_and_the_examples_of_ci_are_well_formed_and_run_what_there_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: String, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("it is written");
        path
    };
    let hooks = fs::read_to_string(root().join(".pre-commit-hooks.yaml")).expect("the hooks");
    let examples = examples();
    assert_eq!(examples.len(), 5);
    let mut files = vec![write("hooks.yaml".to_owned(), &hooks)];
    files.extend(examples.iter().enumerate().map(|(at, text)| write(format!("{at}.yaml"), text)));
    if let Some(yamllint) = client("YAML", "yamllint", &["--version"]) {
        let mut command = Command::new(yamllint);
        let relaxed = "{extends: default, rules: {line-length: {max: 120}}}";
        command.args(["--strict", "-d", relaxed]).args(&files);
        let done = run(command, b"", Duration::from_secs(60));
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(0), ""));
    }
    if let Some(check) = client("the schemas of CI", "check-jsonschema", &["--version"]) {
        let valid = |schema: &str, file: &Path| {
            let mut command = Command::new(&check);
            command.args(["--builtin-schema", schema]).arg(file);
            run(command, b"", Duration::from_secs(60))
        };
        for (text, file) in examples.iter().zip(&files[1..]) {
            let schema = match text {
                _ if text.contains("\njobs:") => "vendor.github-workflows",
                _ if text.contains("script:") => "vendor.gitlab-ci",
                _ => continue,
            };
            let done = valid(schema, file);
            assert_eq!(done.status.code(), Some(0), "{text}\n{}", done.stdout);
        }
        // It does look.
        let broken = write("broken.yaml".to_owned(), &examples[2].replace("runs-on:", "runs-in:"));
        assert_ne!(valid("vendor.github-workflows", &broken).status.code(), Some(0));
    }
    for id in ["mfa-cred-policy-check", "mfa-cred-policy-check-system"] {
        assert!(hooks.contains(&format!("- id: {id}\n")), "{id}");
    }
    assert_eq!(hooks.matches("require_serial: true").count(), hooks.matches("- id: ").count());
    for (at, text) in examples.iter().enumerate().filter(|(_, text)| text.contains("- id: ")) {
        let id = text.split("- id: ").nth(1).and_then(|rest| rest.lines().next()).expect("an id");
        assert!(hooks.contains(&format!("- id: {id}\n")), "{at}: {id}");
    }
}
