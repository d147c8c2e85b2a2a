//! Every finding of every set, each reported once: a policy that many users share is one place in one file.

use std::collections::HashMap;

use super::{Judged, text};
use crate::policy::document::Position;
use crate::policy::rules::{Finding, Severity};
use crate::policy::source::Whose;

/// One finding, and the users, groups and roles that it concerns.
pub(super) struct Reported<'a> {
    pub(super) finding: &'a Finding,
    /// The file; `None` if there are no policies at all.
    pub(super) file: Option<&'a str>,
    /// Its place, or the start of the first policy.
    pub(super) position: Position,
    /// The policy and the statement, independent of line numbers.
    pub(super) statement: String,
    /// Whom it concerns, if known.
    whose: Vec<String>,
}

impl Reported<'_> {
    /// What is wrong, why, and how to repair it.
    pub(super) fn message(&self) -> String {
        let Finding { what, why, repair, .. } = self.finding;
        let mut message = what.clone();
        for (label, words) in [("Why", why), ("Repair", repair)] {
            if !words.is_empty() {
                message += &format!(". {label}: {words}");
            }
        }
        match &self.whose[..] {
            [] => message + ".",
            [only] => format!("{message}. ({only})"),
            [first, rest @ ..] => format!("{message}. ({first} and {} more)", rest.len()),
        }
    }
}

/// The failures, then the notes, each in the order of the sets.
pub(super) fn all(judged: &[Judged]) -> Vec<Reported<'_>> {
    let mut found: Vec<Reported<'_>> = Vec::new();
    let mut seen: HashMap<(&str, &str, Option<&str>, Position), usize> = HashMap::new();
    for one in judged {
        for finding in &one.report.findings {
            let (identity, boundary) = (&one.case.identity, &one.case.boundary);
            let at = finding.at.and_then(|at| if at.is_boundary { boundary } else { identity }.get(at.document));
            let document = at.or(identity.first());
            let start = document.map(|document| document.place(document.span.start));
            let position = finding.place.or(start).unwrap_or(Position { line: 1, column: 1 });
            let file = document.map(|document| document.name.as_str());
            let whose = (one.whose != Whose::Anybody).then(|| text::whose(&one.whose));
            let key = (finding.rule.slug(), finding.what.as_str(), file, position);
            if let Some(same) = seen.get(&key) {
                found[*same].whose.extend(whose);
                continue;
            }
            seen.insert(key, found.len());
            let label = document.and_then(|document| document.label()).unwrap_or_default();
            let sid = finding.at.and_then(|at| document?.statements.get(at.statement)?.sid.as_ref());
            let sid = sid.map(|sid| sid.value.as_str()).unwrap_or_default();
            let statement = format!("{label}/{sid}");
            found.push(Reported { finding, file, position, statement, whose: whose.into_iter().collect() });
        }
    }
    found.sort_by_key(|one| one.finding.severity != Severity::Failure);
    found
}
