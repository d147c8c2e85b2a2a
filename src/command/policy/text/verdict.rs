//! The verdict in one sentence: whether an attacker gets in, and whether users are stuck.

use super::{Style, wrapped};
use crate::policy::Report;
use crate::policy::document::PolicyKind;
use crate::policy::evaluate::Verdict;
use crate::policy::journey::{Cell, Journey, Stage, Way};
use crate::policy::rules::{Finding, Rule, Severity};

/// The ways in for an attacker without the second factor.
pub(super) const ATTACK: [Way; 3] = [Way::Key, Way::Session, Way::Console];

/// `causes` are the findings, grouped by cause; `standing` is the number of notes that share one paragraph.
pub(super) fn sentence(report: &Report, causes: &[Vec<&Finding>], standing: usize, style: &Style) -> String {
    let (word, text) = words(report, causes, standing);
    let color = if report.holds() { "1;32" } else { "1;31" };
    wrapped(&text, "", style.width).replacen(word, &style.painted(color, word), 1)
}

/// The first words of the sentence, and the sentence.
pub(super) fn words(report: &Report, causes: &[Vec<&Finding>], standing: usize) -> (&'static str, String) {
    let count = |severity| causes.iter().filter(|same| same[0].severity == severity).count();
    let many = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let notes = many(count(Severity::Note) + standing, "note");
    match count(Severity::Failure) {
        0 => ("Holds", format!("Holds: {} ({notes}).", well(report))),
        failures => {
            let failures = many(failures, "failure");
            ("Does not hold", format!("Does not hold: {} ({failures}, {notes}).", wrong(report)))
        }
    }
}

fn well(report: &Report) -> &'static str {
    let is_open = |rule| matches!(rule, Rule::BareKeyOpen | Rule::OpenWithoutMfa | Rule::UnsafeException);
    match report.kind {
        PolicyKind::User if report.findings.iter().any(|finding| is_open(finding.rule)) => {
            "without MFA, nothing works except enrolling a device and what the notes list"
        }
        PolicyKind::User => "without MFA, nothing works except enrolling a device",
        PolicyKind::Trust => "no user can assume the role without MFA",
        PolicyKind::Role | PolicyKind::Organization => "no rule is broken",
    }
}

/// What the day shows, else the first failure.
fn wrong(report: &Report) -> String {
    let parts: Vec<String> =
        report.journey.iter().flat_map(|journey| [open(report, journey), stuck(journey)]).flatten().collect();
    if parts.is_empty() {
        return report.findings.first().map(|finding| finding.what.clone()).unwrap_or_default();
    }
    parts.join(", and ")
}

/// The credentials with which an attacker gets in.
fn open(report: &Report, journey: &Journey) -> Option<String> {
    let failures = || report.findings.iter().filter(|finding| finding.severity == Severity::Failure);
    let is_open = |way: &Way| failures().filter_map(|it| it.opens.as_ref()).any(|opened| opened.ways.contains(way));
    let is_wrong = |way: &Way| {
        journey.rows.iter().any(|row| {
            let cell = journey.cell(row.step, *way);
            cell.is_wrong() && is_of_attack(cell)
        }) || is_open(way)
    };
    let name = |way| match way {
        Way::Session | Way::SessionMfa => "a session",
        Way::Console | Way::ConsoleMfa => "a password",
        Way::Key => "an access key",
    };
    let names: Vec<&str> = ATTACK.into_iter().filter(is_wrong).map(name).collect();
    let is_sure = journey.rows.iter().any(|row| {
        ATTACK
            .iter()
            .map(|way| journey.cell(row.step, *way))
            .any(|cell| cell.is_wrong() && is_of_attack(cell) && cell.verdict() == Some(Verdict::Allowed))
    }) || failures().any(|finding| finding.opens.is_some() && finding.rule != Rule::Undecided);
    let may = if is_sure { "gets" } else { "may get" };
    (!names.is_empty()).then(|| format!("an attacker {may} in with only {}", listed(&names)))
}

fn is_of_attack(cell: &Cell) -> bool {
    matches!(cell, Cell::Judged { expected: crate::policy::journey::Expected::Denied, .. })
}

/// What users cannot do.
fn stuck(journey: &Journey) -> Option<String> {
    let is_wrong = |step: Stage| {
        Way::ALL.into_iter().any(|way| {
            let cell = journey.cell(step, way);
            cell.is_wrong() && !is_of_attack(cell) && cell.verdict() == Some(Verdict::Denied)
        })
    };
    let mut cannot = Vec::new();
    if [Stage::CreateNamed, Stage::Enable].into_iter().any(is_wrong) {
        cannot.push("enroll a device");
    } else if is_wrong(Stage::CreateOther) {
        cannot.push("enroll a device unless it has their user name");
    } else if is_wrong(Stage::Find) {
        cannot.push("list their devices");
    } else if is_wrong(Stage::Resync) {
        cannot.push("resync a device");
    }
    if is_wrong(Stage::Work) {
        cannot.push("work with MFA");
    }
    (!cannot.is_empty()).then(|| format!("users cannot {}", listed(&cannot)))
}

fn listed(words: &[&str]) -> String {
    match words {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        words => words.concat(),
    }
}
