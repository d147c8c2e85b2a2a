//! `mfa-cred policy explain`: the built-in documentation of the rules. No call to AWS.

use super::super::{Done, write_stdout};
use crate::error::Error;
use crate::policy::rules::Rule;

const PAGE: &str = include_str!("../../../docs/policy-rules.md");

/// The rule's section, or, without a rule, one line for each.
pub(super) fn run(rule: Option<Rule>) -> Result<Done, Error> {
    match rule {
        Some(rule) => write_stdout(section(rule)),
        None => write_stdout(&list()),
    }
}

/// A rule's section of the documentation.
pub(super) fn section(rule: Rule) -> &'static str {
    let start = PAGE.find(&format!("\n## {rule}\n")).map_or(0, |at| at + 1);
    let end = PAGE[start + 1..].find("\n## ").map_or(PAGE.len(), |end| start + 1 + end);
    &PAGE[start..end]
}

fn list() -> String {
    let widest = Rule::ALL.iter().map(|rule| rule.slug().len()).max().unwrap_or_default();
    let number = |rule: &Rule| rule.number().map_or_else(String::new, |number| number.to_string());
    let line = |rule: &Rule| {
        let severity = rule.severity().name();
        format!("{:widest$}  {severity:7}  {}", rule.slug(), number(rule)).trim_end().to_owned() + "\n"
    };
    Rule::ALL.iter().map(line).collect()
}
