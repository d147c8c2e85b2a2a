//! The evaluator's cases of `tests/cases/policy/decisions/*.txt`, each a sentence and data; one function runs them all.
//!
//! `== TITLE` starts a group: its documents in `-- policy` and `-- boundary` blocks, or a single `-- condition` (that
//! of a statement which allows everything). Then lines. After documents: `DECISION | ACTION RESOURCE | KEYS | SENTENCE`,
//! the decision `allow`, `deny`, `none` (nothing allows it), `boundary` or `unknown`, perhaps with the statements that
//! make it (`allow 1.2`: of the first document the second one; `b1.1`: of the boundary). After a condition:
//! `yes|no|unknown | KEYS | SENTENCE`. Keys are `NAME=VALUE`, `NAME=[A,B]` and `-NAME` for one that the request does
//! not have, with `;` between them; of what is not named, nothing is known.

mod check;
#[cfg(unix)]
mod command;
#[cfg(unix)]
mod explained;
#[cfg(unix)]
mod fetched;
#[cfg(unix)]
mod formats;
#[cfg(unix)]
mod held;
mod malformed;
mod print;
mod repairs;
#[cfg(unix)]
mod rules;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use mfa_cred::policy::evaluate::{Context, Decision, Ground, Known, Policies, Request, StatementId, evaluate};
use mfa_cred::policy::{Document, PolicyKind};

fn folder(name: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/policy").join(name);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("the cases").map(|file| file.expect("a file").path()).collect();
    files.sort();
    let named = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(path).expect("a text"))
    };
    files.into_iter().map(named).collect()
}

/// A text in blocks: each line that starts with `-- ` names the lines that follow it.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("-- "), blocks.last_mut()) {
            (Some(name), _) => blocks.push((name.to_owned(), String::new())),
            (None, Some((_, block))) => *block += &format!("{line}\n"),
            (None, None) => assert!(line.trim().is_empty(), "before any block: {line}"),
        }
    }
    blocks
}

fn document(name: &str, text: &str, kind: PolicyKind) -> Document {
    Document::parse(name, text.as_bytes(), kind).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn context(keys: &str) -> Context {
    keys.split(';').map(str::trim).filter(|key| !key.is_empty()).fold(Context::default(), |context, key| {
        if let Some(key) = key.strip_prefix('-') {
            return context.without(key);
        }
        let (key, value) = key.split_once('=').unwrap_or_else(|| panic!("no value: {key}"));
        match value.strip_prefix('[').and_then(|list| list.strip_suffix(']')) {
            Some("") => context.set(key, Known::Many(Vec::new())),
            Some(list) => context.set(key, Known::Many(list.split(',').map(str::to_owned).collect())),
            None => context.with(key, value),
        }
    })
}

fn decided(decision: &Decision, with_statements: bool) -> String {
    let word = match decision.ground {
        Ground::Allow => "allow",
        Ground::Deny => "deny",
        Ground::NothingAllows => "none",
        Ground::Boundary => "boundary",
        Ground::Unknown => "unknown",
    };
    let place = |at: &StatementId| {
        format!(" {}{}.{}", if at.is_boundary { "b" } else { "" }, at.document + 1, at.statement + 1)
    };
    let by = if with_statements { decision.by.iter().map(place).collect() } else { String::new() };
    format!("{word}{by}")
}

#[test]
fn every_case_is_decided_as_it_says() {
    let (mut sentences, mut wrong) = (HashSet::new(), String::new());
    for (file, text) in folder("decisions") {
        for group in text.split("\n== ").skip(1) {
            let (title, rest) = group.split_once('\n').expect("a group below its title");
            let (mut identity, mut boundary, mut is_condition) = (Vec::new(), Vec::new(), false);
            let mut lines = String::new();
            for (name, block) in blocks(rest) {
                let (data, cases) = block.split_once("\n\n").unwrap_or((&block, ""));
                lines += cases;
                let name_of = format!("{file}: {title}");
                match name.as_str() {
                    "policy" => identity.push(document(&name_of, data, PolicyKind::User)),
                    "boundary" => boundary.push(document(&name_of, data, PolicyKind::User)),
                    "condition" => {
                        is_condition = true;
                        let text = format!(
                            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*",
                            "Condition": {data}}}}}"#
                        );
                        identity.push(document(&name_of, &text, PolicyKind::User));
                    }
                    _ => panic!("{file}: {title}: an unknown block {name}"),
                }
            }
            let policies = Policies { identity: &identity, boundary: &boundary };
            for line in lines.lines().filter(|line| !line.trim().is_empty()) {
                let cells: Vec<&str> = line.split('|').map(str::trim).collect();
                let (expected, asked, keys, sentence) = match (is_condition, &cells[..]) {
                    (true, [expected, keys, sentence]) => (*expected, "s3:GetObject", *keys, *sentence),
                    (false, [expected, asked, keys, sentence]) => (*expected, *asked, *keys, *sentence),
                    _ => panic!("{file}: {title}: not a case: {line}"),
                };
                let (action, resource) = asked.split_once(' ').unwrap_or((asked, "*"));
                let context = context(keys);
                let decision =
                    evaluate(policies, &Request { action, resource, context: &context, is_allowed_elsewhere: false });
                let found = match (is_condition, decision.ground) {
                    (true, Ground::Allow) => "yes".to_owned(),
                    (true, Ground::NothingAllows) => "no".to_owned(),
                    _ => decided(&decision, expected.contains(' ')),
                };
                if found != expected {
                    let _ = writeln!(wrong, "{file}: {title}: {sentence}: found {found}\n  {line}");
                }
                assert!(sentences.insert(sentence.to_owned()), "{file}: {title}: said twice: {sentence}");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(sentences.len() >= 300, "{} cases", sentences.len());
}
