//! The findings as GitHub annotations: commands that a workflow reads from stdout.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use super::Judged;
use super::reported::all;
use crate::policy::rules::Severity;

pub(super) fn annotations(judged: &[Judged]) -> String {
    let mut text = String::new();
    for one in all(judged) {
        let command = if one.finding.severity == Severity::Failure { "error" } else { "notice" };
        let place = one.file.map_or_else(String::new, |file| {
            format!("file={},line={},col={},", property(file), one.position.line, one.position.column)
        });
        let title = property(&format!("mfa-cred: {}", one.finding.rule));
        text += &format!("::{command} {place}title={title}::{}\n", message(&one.message()));
    }
    text
}

fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
