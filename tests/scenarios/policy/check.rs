//! The cases of `tests/cases/policy/checks/*.txt`: whole policies, and the result of `policy check`.
//!
//! The grammar is that of [`cases`]. The input: `-- form FILE` (of `tests/cases/policy/forms`) or `-- policy` with a
//! document, each optionally followed by `-- change` (pairs of lines `- OLD` and `+ NEW`; OLD occurs exactly once),
//! `-- boundary`, `-- trust`, and `-- given WORDS` (`work=`, `user=`, `account=`, `partition=`, `kind=`,
//! `first-password`, `console-only`). The expected result: `-- rule RULE` (a slug or a number) with a line
//! `failure|note STATEMENT LINE` for each finding of that rule (`-` where there is no statement, and no line for a near
//! miss), `-- holds yes|no`, `-- fixed yes|no`, `-- repaired` with the lines that the repair removes and adds, `-- says`
//! with texts of findings, and `-- cells` with steps and a letter for each way in: `y`, `n`, `?`, `.`, in upper case (`!`
//! for `?`) where it is not as required.

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use mfa_cred::names::{AccountId, Partition};
use mfa_cred::policy::evaluate::{Policies, Verdict};
use mfa_cred::policy::journey::{Cell, Row, Subject};
use mfa_cred::policy::repair::diff;
use mfa_cred::policy::rules::{CheckOptions, Finding};
use mfa_cred::policy::{Document, PolicyKind, Report, check, fix};

use super::document;
use crate::support::cases::{self, Block, Case, CaseFile};

#[derive(Default)]
pub(super) struct CheckedCase {
    pub(super) texts: Vec<String>,
    pub(super) boundary: Vec<String>,
    pub(super) kind: PolicyKind,
    pub(super) work: Option<String>,
    pub(super) user: Option<String>,
    pub(super) options: CheckOptions,
    expected: Vec<(String, String)>,
}

fn form(name: &str) -> String {
    let path = cases::path("policy/forms").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A case as [`check`] needs it.
pub(super) fn checked_case(blocks: &[Block]) -> CheckedCase {
    let mut case = CheckedCase::default();
    for block in blocks {
        let (name, word) = block.name();
        let Block { head, text: block } = block.clone();
        match name {
            "form" => case.texts.push(form(word)),
            "policy" => case.texts.push(block),
            "boundary" => case.boundary.push(block),
            "trust" => case.options.trusts.push(document("role", &block, PolicyKind::Trust)),
            "change" => {
                let lines: Vec<&str> = block.lines().collect();
                for pair in lines.chunks(2) {
                    let part = |line: &str, sign| line.strip_prefix(sign).expect("- and +").replace("\\n", "\n");
                    let (old, new) = (part(pair[0], "- "), part(pair[1], "+ "));
                    let text = case.texts.last_mut().expect("a document before its change");
                    assert_eq!(text.matches(&old).count(), 1, "{old} in {text}");
                    *text = text.replace(&old, &new);
                }
            }
            "given" => {
                for word in word.split_whitespace() {
                    match word.split_once('=').unwrap_or((word, "")) {
                        ("work", action) => case.work = Some(action.to_owned()),
                        ("user", name) => case.user = Some(name.to_owned()),
                        ("account", id) => case.options.account = Some(id.parse().expect("an account")),
                        ("partition", name) => case.options.partition = Some(name.parse().expect("a partition")),
                        ("kind", kind) => case.kind = kind.parse().expect("a kind"),
                        ("first-password", _) => case.options.allows_first_password_change = true,
                        ("console-only", _) => case.options.is_console_only = true,
                        _ => panic!("given: {word}"),
                    }
                }
            }
            "rule" | "holds" | "fixed" | "repaired" | "says" | "cells" => case.expected.push((head, block)),
            _ => panic!("unknown block {head}"),
        }
    }
    case
}

pub(super) fn subject(user: Option<&str>, options: &CheckOptions) -> Subject {
    let account: AccountId = "123456789012".parse().expect("twelve digits");
    let account = options.account.clone().unwrap_or(account);
    Subject::new(user.unwrap_or("alice"), account, options.partition.unwrap_or(Partition::AWS)).expect("a user")
}

fn letters(row: &Row) -> String {
    let letter = |cell: &Cell| match (cell.verdict(), cell.is_wrong()) {
        (None, _) => '.',
        (Some(Verdict::Allowed), false) => 'y',
        (Some(Verdict::Allowed), true) => 'Y',
        (Some(Verdict::Denied), false) => 'n',
        (Some(Verdict::Denied), true) => 'N',
        (Some(Verdict::Unknown), false) => '?',
        (Some(Verdict::Unknown), true) => '!',
    };
    row.cells.iter().map(letter).collect()
}

fn line(finding: &Finding) -> String {
    let severity = finding.severity.name();
    let at = finding.at.map(|at| format!(" {}", at.statement + 1)).unwrap_or_default();
    let place = finding.place.map(|place| format!(" {}", place.line)).unwrap_or_default();
    format!("{severity}{at}{place}\n")
}

/// What was found in place of what is expected, if it is not the same.
fn found(head: &str, block: &str, case: &CheckedCase, documents: &[Document], boundary: &[Document]) -> Option<String> {
    let policies = Policies { identity: documents, boundary };
    let subject = subject(case.user.as_deref(), &case.options);
    let work = case.work.as_deref();
    let report = check(policies, &subject, work, &case.options);
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let (name, word) = head.split_once(' ').unwrap_or((head, ""));
    let differs = |found: String, expected: &str| (found != expected).then_some(found);
    match name {
        "rule" => {
            let of_rule = |finding: &&Finding| {
                finding.rule.slug() == word || finding.rule.number() == word.parse().ok().or(Some(0))
            };
            differs(report.findings.iter().filter(of_rule).map(line).collect(), block)
        }
        "holds" => differs(yes(report.holds()), word),
        "says" => {
            let said: String = report.findings.iter().map(|it| format!("{}\n{}\n", it.what, it.why)).collect();
            (!block.lines().all(|line| said.contains(line))).then_some(said)
        }
        "cells" => {
            let rows = &report.journey.as_ref().expect("a day").rows;
            let asked = |row: &&Row| block.lines().any(|line| line.split(' ').next() == Some(row.step.id()));
            differs(
                rows.iter().filter(asked).map(|row| format!("{} {}\n", row.step.id(), letters(row))).collect(),
                block,
            )
        }
        _ => {
            let (repaired, after) = fix(policies, &subject, work, &case.options).expect("a repair stays readable");
            if name == "fixed" {
                return differs(yes(after.holds()), word);
            }
            let diffs: String =
                documents.iter().zip(&repaired).map(|(old, new)| diff("p", old.text(), new.text())).collect();
            let is_change =
                |line: &&str| line.starts_with(['-', '+']) && !line.starts_with("---") && !line.starts_with("+++");
            differs(diffs.lines().filter(is_change).map(|line| format!("{line}\n")).collect(), block)
        }
    }
}

#[test]
fn every_policy_gives_its_verdict() {
    let (mut wrong, mut triggered, mut missed) = (String::new(), [false; 18], [false; 18]);
    for CaseFile { name: file, cases, .. } in cases::read("policy/checks") {
        for Case { sentence, blocks, .. } in &cases {
            let case = checked_case(blocks);
            let read = |texts: &[String], kind| -> Vec<Document> {
                texts.iter().map(|text| document(&format!("{file}: {sentence}"), text, kind)).collect()
            };
            let (documents, boundary) = (read(&case.texts, case.kind), read(&case.boundary, PolicyKind::User));
            assert!(!case.expected.is_empty(), "{file}: {sentence}: nothing is expected");
            for (head, block) in &case.expected {
                let block = block.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("{line}\n"));
                let block: String = block.collect();
                if let Some(rule) = head.strip_prefix("rule ").and_then(|rule| rule.parse::<usize>().ok()) {
                    let seen = if block.is_empty() { &mut missed } else { &mut triggered };
                    seen[rule] = true;
                }
                if let Some(found) = found(head, &block, &case, &documents, &boundary) {
                    let _ = writeln!(wrong, "{file}: {sentence}\n-- {head}\n{block}-- found\n{found}");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(triggered[1..].iter().all(|is| *is), "each rule is broken once: {triggered:?}");
    assert!(missed[1..].iter().all(|is| *is), "each rule is nearly broken once: {missed:?}");
}

/// A set as large as an organization's: the time is that of one look at each statement for each request, not more.
#[test]
fn checking_five_hundred_policies_takes_linear_time() {
    let statements: String = (0..70)
        .map(|n| {
            format!(
                r#"{{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::bucket-{n}", "arn:aws:s3:::bucket-{n}/*"]}},"#
            )
        })
        .collect();
    let text = format!("{{\"Version\": \"2012-10-17\", \"Statement\": [{}]}}", statements.trim_end_matches(','));
    let mut documents: Vec<Document> = (0..500).map(|n| document(&format!("p{n}"), &text, PolicyKind::User)).collect();
    assert!(text.len() * 500 > 4_500_000);
    documents.push(document("mfa", &form("manage-credentials.json"), PolicyKind::User));
    let policies = |count: usize| Policies { identity: &documents[501 - count..], boundary: &[] };
    let time = |count: usize| -> (Duration, Report) {
        let options = CheckOptions::default();
        let start = Instant::now();
        let report = check(policies(count), &subject(None, &options), None, &options);
        (start.elapsed(), report)
    };
    time(50);
    let ((few, _), (all, report)) = (time(50), time(501));
    assert!(report.holds(), "{:#?}", report.findings);
    // Ten times as many; a square would be a hundred times as long.
    assert!(all < few * 40, "{few:?} {all:?}");
}

/// Reads the bytes, whatever they are, and where they are a policy checks and repairs it.
pub(super) fn never_panics(bytes: &[u8]) {
    if let Ok(document) = Document::parse("p", bytes, PolicyKind::User) {
        let (options, documents) = (CheckOptions::default(), [document]);
        let policies = Policies { identity: &documents, boundary: &[] };
        fix(policies, &subject(None, &options), None, &options).expect("a repair stays readable");
    }
}
