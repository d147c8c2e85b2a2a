//! The findings as SARIF 2.1.0, for GitHub code scanning and other viewers.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Judged;
use super::explain::section;
use super::reported::{Reported, all};
use crate::messages::one_line;
use crate::os::{KIND, Kind};
use crate::policy::rules::{Rule, Severity};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Characters of a path that must be encoded in a URI.
const IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

pub(super) fn log(judged: &[Judged]) -> String {
    let found = all(judged);
    let occurs = |rule: &&Rule| found.iter().any(|one| one.finding.rule == **rule);
    let rules: Vec<Rule> = Rule::ALL.iter().filter(occurs).copied().collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": env!("CARGO_PKG_NAME"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|rule| descriptor(*rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": found.iter().map(|one| result(one, &rules)).collect::<Vec<_>>(),
        }],
    });
    log.to_string() + "\n"
}

fn descriptor(rule: Rule) -> Value {
    let page = section(rule);
    let (level, severity) = match rule.severity() {
        Severity::Failure => ("error", "8.0"),
        Severity::Note => ("note", "3.0"),
    };
    json!({
        "id": rule.slug(),
        "shortDescription": {"text": paragraph(page, "**What.**").unwrap_or_else(|| rule.slug().replace('-', " "))},
        "fullDescription": {"text": paragraph(page, "**Why.**").unwrap_or_else(|| rule.slug().replace('-', " "))},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["security", "iam", "mfa"], "security-severity": severity},
    })
}

/// The paragraph of the page that starts with that word, as one line.
fn paragraph(page: &str, start: &str) -> Option<String> {
    let text = page.split("\n\n").find_map(|it| it.strip_prefix(start))?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn result(one: &Reported<'_>, rules: &[Rule]) -> Value {
    let rule = one.finding.rule;
    let level = if one.finding.severity == Severity::Failure { "error" } else { "note" };
    let folder = std::env::current_dir().ok();
    let location = |file: &str| {
        json!({"physicalLocation": {
            "artifactLocation": {"uri": uri(file, folder.as_deref())},
            "region": {"startLine": one.position.line, "startColumn": one.position.column},
        }})
    };
    json!({
        "ruleId": rule.slug(),
        "ruleIndex": rules.iter().position(|own| *own == rule),
        "level": level,
        "message": {"text": one_line(&one.message())},
        "locations": one.file.map(location).into_iter().collect::<Vec<_>>(),
        "partialFingerprints": {"primaryLocationLineHash": fingerprint(one)},
    })
}

/// Stays the same when the policy moves to another line.
fn fingerprint(one: &Reported<'_>) -> String {
    let finding = one.finding;
    let parts = [finding.rule.slug(), one.file.unwrap_or_default(), &one.statement, &finding.what];
    let digest = Sha256::digest(parts.join("\n").as_bytes());
    base16ct::lower::encode_string(&digest[..16])
}

/// A path as a URI: relative to the working directory where it is below that, as GitHub expects; else as an absolute
/// `file:` URI.
fn uri(file: &str, folder: Option<&Path>) -> String {
    let below = folder.and_then(|folder| Path::new(file).strip_prefix(folder).ok()?.to_str());
    let file = below.unwrap_or(file);
    let path = if KIND == Kind::Windows { file.replace('\\', "/") } else { file.to_owned() };
    let path = path.strip_prefix("./").unwrap_or(&path);
    let encoded = utf8_percent_encode(path, IN_PATH).to_string();
    let is_drive = path.as_bytes().get(1) == Some(&b':') && KIND == Kind::Windows;
    match path {
        _ if is_drive => format!("file:///{encoded}"),
        path if path.starts_with('/') => format!("file://{encoded}"),
        // A colon in the first part would look like a scheme.
        _ => encoded.replace(':', "%3A"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::uri;
    use crate::os::{KIND, Kind};

    #[test]
    fn an_absolute_path_below_the_working_directory_is_relative_to_it() {
        for (path, expected) in [
            ("/srv/repo/policies/mfa.json", "policies/mfa.json"),
            ("/srv/repository/mfa.json", "file:///srv/repository/mfa.json"),
            ("../mfa.json", "../mfa.json"),
        ] {
            assert_eq!(uri(path, Some(Path::new("/srv/repo"))), expected, "{path}");
        }
    }

    #[test]
    fn paths_are_uris() {
        for (path, expected) in [
            ("policies/mfa.json", "policies/mfa.json"),
            ("./mfa.json", "mfa.json"),
            ("/srv/a b.json", "file:///srv/a%20b.json"),
            // A drive, where there are any.
            ("c:d/100%.json", if KIND == Kind::Windows { "file:///c:d/100%25.json" } else { "c%3Ad/100%25.json" }),
            ("アカウント.json", "%E3%82%A2%E3%82%AB%E3%82%A6%E3%83%B3%E3%83%88.json"),
        ] {
            assert_eq!(uri(path, None), expected, "{path}");
        }
    }
}
