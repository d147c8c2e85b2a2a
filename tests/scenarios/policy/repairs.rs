//! Rules that every repair obeys, over all cases of `tests/cases/policy/checks/*.txt`, and the cost of hostile
//! documents.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use mfa_cred::policy::evaluate::Policies;
use mfa_cred::policy::repair::apply;
use mfa_cred::policy::rules::{CheckOptions, Finding, Rule, Severity};
use mfa_cred::policy::{Document, PolicyKind, check, fix};

use super::check::{checked_case, subject};
use super::document;
use crate::support::cases::{self, Case, CaseFile};

/// A finding, wherever it is after a repair has moved it.
fn name(finding: &Finding) -> (Rule, Option<(usize, usize)>, &str) {
    (finding.rule, finding.at.map(|at| (at.document, at.statement)), &finding.what)
}

#[test]
fn each_repair_alone_fixes_its_finding_and_breaks_nothing() {
    let (mut wrong, mut count) = (String::new(), 0);
    for CaseFile { name: file, cases, .. } in cases::read("policy/checks") {
        for Case { sentence, blocks, .. } in &cases {
            let case = checked_case(blocks);
            let read = |texts: &[String], kind| -> Vec<Document> {
                texts.iter().enumerate().map(|(n, text)| document(&format!("p{n}"), text, kind)).collect()
            };
            let (documents, boundary) = (read(&case.texts, case.kind), read(&case.boundary, PolicyKind::User));
            let (user, work) = (subject(case.user.as_deref(), &case.options), case.work.as_deref());
            let judged = |documents: &[Document]| {
                check(Policies { identity: documents, boundary: &boundary }, &user, work, &case.options).findings
            };
            let before = judged(&documents);
            for finding in before.iter().filter(|finding| !finding.edits.is_empty()) {
                count += 1;
                let mut repaired = documents.clone();
                for (index, one) in repaired.iter_mut().enumerate() {
                    let own: Vec<_> = finding.edits.iter().filter(|edit| edit.document == index).cloned().collect();
                    *one = document(&format!("p{index}"), &apply(one.text(), &own), case.kind);
                }
                let after = judged(&repaired);
                if after.iter().any(|other| name(other) == name(finding)) {
                    let _ = writeln!(wrong, "{file}: {sentence}: still there: {}", finding.what);
                }
                let is_new = |other: &&Finding| {
                    other.severity == Severity::Failure
                        && !before.iter().any(|old| old.rule == other.rule && old.severity == Severity::Failure)
                };
                for other in after.iter().filter(is_new) {
                    let _ = writeln!(wrong, "{file}: {sentence}: {}: new: {}", finding.what, other.what);
                }
            }
            let policies = Policies { identity: &documents, boundary: &boundary };
            let (repaired, _) = fix(policies, &user, work, &case.options).expect("a repair stays readable");
            let policies = Policies { identity: &repaired, boundary: &boundary };
            let (again, _) = fix(policies, &user, work, &case.options).expect("a repair stays readable");
            for (one, other) in repaired.iter().zip(&again) {
                assert_eq!(one.text(), other.text(), "{file}: {sentence}: repaired twice");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(count > 40, "{count}");
}

/// A statement by its number.
type Made = fn(usize) -> String;

fn condition(operator: &str, value: &str) -> String {
    format!(r#"{{"{operator}": {{"aws:MultiFactorAuthPresent": "{value}"}}}}"#)
}

/// Each statement of each set may break a rule; in some, each asks for what no other one asks for.
#[test]
fn checking_thousands_of_bad_statements_takes_linear_time() {
    let kinds: [(&str, bool, Made); 4] = [
        ("bare keys", true, |n| {
            let condition = condition("Bool", "false");
            format!(r#"{{"Effect": "Deny", "Action": "s3:Get{n}", "Resource": "*", "Condition": {condition}}}"#)
        }),
        ("absent MFA", true, |n| {
            let condition = condition("BoolIfExists", "true");
            format!(r#"{{"Effect": "Allow", "Action": "s3:Get{n}", "Resource": "*", "Condition": {condition}}}"#)
        }),
        ("exceptions", false, |n| {
            let condition = condition("BoolIfExists", "false");
            format!(
                r#"{{"Effect": "Deny", "NotAction": ["iam:*", "s3:Get{n}"], "Resource": "*", "Condition": {condition}}}"#
            )
        }),
        ("names", false, |n| {
            let action = "iam:CreateVirtualMFADevice";
            format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "arn:aws:iam::*:mfa/{n}"}}"#)
        }),
    ];
    for (kind, is_various, statement) in kinds {
        let statements: Vec<String> = (0..10_000).map(statement).collect();
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statements.join(",\n"));
        let documents = [document(kind, &text, PolicyKind::User)];
        let (options, start) = (CheckOptions::default(), Instant::now());
        let report = check(Policies { identity: &documents, boundary: &[] }, &subject(None, &options), None, &options);
        assert!(!report.holds(), "{kind}");
        let is_unfinished = report.findings.iter().any(|finding| finding.what.contains("not all of them were checked"));
        assert_eq!(is_unfinished, is_various, "{kind}");
        // Unoptimized and beside other work; what is quadratic would take minutes.
        assert!(start.elapsed() < Duration::from_secs(60), "{kind}: {:?}", start.elapsed());
    }
}

/// The search for a context goes as deep as there are keys; with one for each statement it would go on for hours.
#[test]
fn conditions_on_more_keys_than_any_policy_has_are_refused_with_the_bound() {
    let tag = |n: usize| {
        let condition = format!(r#"{{"StringEquals": {{"aws:PrincipalTag/t{n}": "x"}}}}"#);
        format!(r#"{{"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {condition}}}"#)
    };
    for (count, is_refused) in [(60, false), (5_000, true)] {
        let statements: Vec<String> = (0..count).map(tag).collect();
        let allow = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#;
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{allow}, {}]}}"#, statements.join(",\n"));
        let (documents, options, start) =
            ([document("keys", &text, PolicyKind::User)], CheckOptions::default(), Instant::now());
        let report = check(Policies { identity: &documents, boundary: &[] }, &subject(None, &options), None, &options);
        assert!(!report.holds(), "{count}");
        let refused = report.findings.iter().find(|finding| finding.rule == Rule::Unfinished);
        assert_eq!(refused.is_some(), is_refused, "{count}");
        assert!(refused.is_none_or(|finding| finding.what.contains("256 keys")), "{refused:?}");
        assert!(start.elapsed() < Duration::from_secs(60), "{count}: {:?}", start.elapsed());
    }
}
