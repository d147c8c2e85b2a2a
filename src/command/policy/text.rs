//! The report for people: a table that is read at once, and below it the findings. Eighty columns, fewer where the
//! window has fewer.

use std::io::IsTerminal;

use crate::command::table;
use crate::host::Env;
use crate::policy::Report;
use crate::policy::check::name_of;
use crate::policy::evaluate::{Policies, Verdict};
use crate::policy::journey::{Cell, Expected, Journey, Way};
use crate::policy::rules::{Finding, Severity};
use crate::settings::Settings;
use crate::talk::one_line;

/// Longer lines are hard to read.
const WIDEST: usize = 80;
/// Below this the table would break.
const NARROWEST: usize = 58;

/// The first column: the longest step and a gap.
const FIRST: usize = 29;

/// How it is shown.
pub(super) struct Look {
    is_coloured: bool,
    /// Signs, or words where the locale has no signs.
    has_signs: bool,
    width: usize,
}

impl Look {
    pub(super) fn of(settings: &Settings, env: &dyn Env) -> Self {
        let is_coloured = settings.paints(std::io::stdout().is_terminal());
        let width = table::width().map_or(WIDEST, |width| usize::from(width).clamp(NARROWEST, WIDEST));
        Self { is_coloured, has_signs: is_utf8(env), width }
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        if self.is_coloured && !colour.is_empty() { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// As POSIX has it: the first of these that is set names the locale.
fn is_utf8(env: &dyn Env) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env.var(name)).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

pub(super) fn report(policies: Policies<'_>, report: &Report, look: &Look) -> String {
    let mut text = String::new();
    if let Some(journey) = &report.journey {
        text += &head(report, journey, look.width);
        text += &table(journey, look);
    }
    for finding in &report.findings {
        text += "\n";
        text += &block(policies, finding, look);
    }
    let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    let (failures, notes) = (count(Severity::Failure), count(Severity::Note));
    let many = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let last = if failures == 0 { "holds" } else { "does not hold" };
    let colour = if failures == 0 { "32" } else { "31" };
    text += &format!(
        "{}{}: {}, {}\n",
        if text.is_empty() { "" } else { "\n" },
        look.painted(colour, last),
        many(failures, "failure"),
        many(notes, "note")
    );
    text
}

fn head(report: &Report, journey: &Journey, width: usize) -> String {
    let subject = &report.subject;
    let work = &journey.work;
    let how = if work.is_assumed { " (allowed elsewhere)".to_owned() } else { format!(" on {}", work.resource) };
    let user = format!("{}{}", subject.path(), subject.name());
    wrapped(&format!("user {user} of account {}, {}", subject.account.as_str(), subject.partition.as_str()), "", width)
        + &wrapped(&format!("work: {}{how}", work.action), "", width)
        + "\n"
}

fn table(journey: &Journey, look: &Look) -> String {
    let is_wide = look.width >= FIRST + Way::ALL.iter().map(|way| way.name().len() + 2).sum::<usize>() - 2;
    let (names, gap) = if is_wide {
        (Way::ALL.map(Way::name), 2)
    } else {
        // Each `+MFA` stands beside what it is with.
        (["key", "session", "+MFA", "console", "+MFA"], 1)
    };
    let mut text = format!("{:FIRST$}", "");
    for name in names {
        text += &format!("{name}{:gap$}", "");
    }
    let mut text = text.trim_end().to_owned() + "\n";
    for row in &journey.rows {
        let mut line = format!("{:FIRST$}", row.step.name());
        for (name, cell) in names.into_iter().zip(&row.cells) {
            let (sign, colour) = sign(cell, look.has_signs);
            let pad = " ".repeat((name.len() + gap).saturating_sub(sign.chars().count()));
            line += &format!("{}{pad}", look.painted(colour, &sign));
        }
        text += line.trim_end();
        text += "\n";
    }
    let legend = if look.has_signs { "✓ allowed  ✗ denied  " } else { "" };
    let dim = if look.is_coloured { "  dim: either will do" } else { "" };
    text + &format!("{legend}? not known  ! not as it must be{dim}\n")
}

/// A cell's sign and its colour: green where it is as it must be, red where it is not.
fn sign(cell: &Cell, has_signs: bool) -> (String, &'static str) {
    let word = match (cell.verdict(), has_signs) {
        (None, _) => return (String::new(), ""),
        (Some(Verdict::Allowed), true) => "✓",
        (Some(Verdict::Denied), true) => "✗",
        (Some(Verdict::Allowed), false) => "yes",
        (Some(Verdict::Denied), false) => "no",
        (Some(Verdict::Unknown), _) => "?",
    };
    match cell {
        _ if cell.is_wrong() => (format!("{word}!"), "31"),
        Cell::Judged { expected: Expected::Either, .. } => (word.to_owned(), "2"),
        _ => (word.to_owned(), "32"),
    }
}

fn block(policies: Policies<'_>, finding: &Finding, look: &Look) -> String {
    let word = finding.severity.name();
    let colour = if finding.severity == Severity::Failure { "31" } else { "33" };
    let mut text = wrapped(&format!("{word}: {}", finding.what), "  ", look.width);
    text.replace_range(..word.len(), &look.painted(colour, word));
    let place = finding.place.map(|place| format!(":{}:{}", place.line, place.column)).unwrap_or_default();
    let rule = rule_of(finding);
    let at = finding.at.map(|at| format!("{}{place}", name_of(policies, at))).unwrap_or_default();
    for (label, words) in [("at", at), ("rule", rule), ("why", finding.why.clone()), ("repair", finding.repair.clone())]
    {
        if !words.is_empty() {
            text += &wrapped(&format!("  {label}: {words}"), "    ", look.width);
        }
    }
    text
}

/// A finding in a line.
pub(super) fn line(finding: &Finding) -> String {
    format!("{}: {} ({})", finding.severity.name(), finding.what, finding.rule)
}

/// The rule and its number.
fn rule_of(finding: &Finding) -> String {
    let number = finding.rule.number().map(|number| format!(" ({number})")).unwrap_or_default();
    format!("{}{number}", finding.rule)
}

/// Broken at spaces to the width, what follows the first line behind the indent. A word that is longer stays whole.
fn wrapped(text: &str, indent: &str, width: usize) -> String {
    let text = one_line(text);
    let start = text.len() - text.trim_start().len();
    let (mut lines, mut line) = (String::new(), text[..start].to_owned());
    let mut is_first = true;
    for word in text.split_whitespace() {
        if !is_first && line.chars().count() + 1 + word.chars().count() > width {
            lines += &format!("{line}\n");
            line = format!("{indent}{word}");
        } else {
            line += if is_first { "" } else { " " };
            line += word;
        }
        is_first = false;
    }
    lines + &line + "\n"
}
