//! Documents that IAM would refuse: each causes a clear error with its position, and never a panic.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use mfa_cred::policy::{Document, PolicyKind};

use crate::support::cases::{self, Case, CaseFile};

/// A case is `== ERROR` and the document below it, with names for invisible characters.
#[test]
fn every_malformed_document_says_what_is_wrong_and_where() {
    let (mut wrong, mut count) = (String::new(), 0);
    for CaseFile { name: file, cases, .. } in cases::read("policy/malformed") {
        let kind: PolicyKind =
            file.strip_suffix(".txt").and_then(|kind| kind.parse().ok()).expect("a file for each kind");
        for Case { sentence: expected, text, .. } in &cases {
            let text = text.replace("<BOM>", "\u{feff}").replace("<TAB>", "\t");
            let found = match Document::parse("p", text.as_bytes(), kind) {
                Ok(_) => "well-formed".to_owned(),
                Err(error) => error.to_string(),
            };
            if found != *expected {
                let _ = writeln!(wrong, "{file}: {text}\n  expected {expected}\n  found    {found}");
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(count > 60, "{count}");
}

#[test]
fn bytes_that_are_not_text_have_a_position() {
    let error = Document::parse("p", b"{\n \"Id\": \"\xff\"}", PolicyKind::User).expect_err("no UTF-8");
    assert_eq!(error.to_string(), "p:2:9: the document is not UTF-8");
}

#[test]
fn a_nesting_bomb_is_an_error() {
    for (open, close) in [("[", "]"), ("{\"Statement\":", "}")] {
        for depth in [200, 100_000] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let error = Document::parse("bomb", text.as_bytes(), PolicyKind::User).expect_err("a bomb");
            assert!(error.to_string().starts_with("bomb:1:"), "{error}");
            assert!(depth == 200 || error.to_string().ends_with(": nested more deeply than any policy"), "{error}");
        }
    }
}

#[test]
fn ten_megabytes_are_read_quickly() {
    let one =
        r#"{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::bucket/*"},"#;
    let many = one.repeat(10_000_000 / one.len());
    let text = format!("{{\"Version\": \"2012-10-17\", \"Statement\": [{}]}}", many.trim_end_matches(','));
    let start = Instant::now();
    let document = Document::parse("large", text.as_bytes(), PolicyKind::User).expect("a policy");
    assert!(document.statements.len() > 90_000);
    // Unoptimized and beside other work; what is quadratic would take hours.
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

/// Every cut, and every character replaced by each that matters to JSON or to policies.
#[test]
fn no_mutation_of_a_document_panics() {
    let text = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "A1", "Effect": "Deny", "NotAction": ["iam:*", "s3:Get?"],
 "Resource": "arn:aws:iam::*:user/${aws:username, 'ü'}", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"},
 "NumericLessThan": {"aws:MultiFactorAuthAge": 3600}, "IpAddress": {"aws:SourceIp": ["1.2.3.4/8", "::1"]}}}]}"#;
    assert!(Document::parse("p", text.as_bytes(), PolicyKind::User).is_ok());
    for at in 0..text.len() {
        let _ = Document::parse("p", &text.as_bytes()[..at], PolicyKind::User);
        for byte in *b"\"{}[]:,$*?\\\n /-1tn'\xff\0" {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = byte;
            super::check::never_panics(&bytes);
            bytes.remove(at);
            let _ = Document::parse("p", &bytes, PolicyKind::Trust);
        }
    }
}
