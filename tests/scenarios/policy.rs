//! The evaluator's cases of `tests/cases/policy/decisions/*.txt`: each is a sentence and data, and one function runs them
//! all.
//!
//! The grammar is that of [`cases`]. A case here is a group: its documents in `-- policy` and `-- boundary` blocks, or a
//! single `-- condition` (of a statement that allows everything). After a blank line in a block come lines. After documents:
//! `DECISION | ACTION RESOURCE | KEYS | SENTENCE`. The decision is `allow`, `deny`, `none` (no statement allows it),
//! `boundary`, or `unknown`, optionally with the statements that decide it (`allow 1.2`: the first document's second
//! statement; `b1.1`: the boundary's). After a condition: `yes|no|unknown | KEYS | SENTENCE`. Keys are `NAME=VALUE`,
//! `NAME=[A,B]`, and `-NAME` for a key that the request does not have, separated by `;`. All other keys are unknown.

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

use mfa_cred::policy::evaluate::{Context, Decision, Ground, Known, Policies, Request, StatementId, evaluate};
use mfa_cred::policy::{Document, PolicyKind};

use crate::support::cases::{self, Block, Case, CaseFile};

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
fn every_case_gives_its_decision() {
    let (mut sentences, mut wrong) = (HashSet::new(), String::new());
    for CaseFile { name: file, cases, .. } in cases::read("policy/decisions") {
        for Case { sentence: title, blocks, .. } in &cases {
            let (mut identity, mut boundary, mut is_condition) = (Vec::new(), Vec::new(), false);
            let mut lines = String::new();
            for Block { head: name, text } in blocks {
                let (data, cases) = text.split_once("\n\n").unwrap_or((text, ""));
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
                    _ => panic!("{file}: {title}: unknown block {name}"),
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
                assert!(
                    sentences.insert(sentence.to_owned()),
                    "{file}: {title}: two cases have the sentence: {sentence}"
                );
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(sentences.len() >= 300, "{} cases", sentences.len());
}
