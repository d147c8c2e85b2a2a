//! The report for people: the verdict in one sentence, two tables to read at a glance, and then the findings. It is as
//! wide as the window, from forty to eighty columns, and never breaks a word.

mod tables;
mod verdict;

use std::io::IsTerminal;

use super::Judged;
use crate::messages::{Level, one_line};
use crate::policy::Report;
use crate::policy::evaluate::Policies;
use crate::policy::rules::{Finding, Rule, Severity};
use crate::policy::source::Whose;
use crate::screen::table;
use crate::settings::Settings;

/// Longer lines are hard to read.
const WIDEST: usize = 80;
/// Below this the tables would break.
const NARROWEST: usize = 38;

/// Notes that apply to nearly every policy that requires MFA, each as a clause of a single paragraph.
const STANDING: [(Rule, &str); 3] = [
    (
        Rule::AttackerEnrolls,
        "an attacker with the key or password of a user without a device can enroll a first device",
    ),
    (Rule::FirstPasswordStuck, "a user who must change the password at first sign-in cannot"),
    (Rule::ServiceCalls, "calls that AWS services make on a user's behalf are denied"),
];

/// How the report is shown.
pub(super) struct Style {
    is_colored: bool,
    width: usize,
    /// Are the tables shown even if nothing is wrong?
    is_verbose: bool,
}

impl Style {
    pub(super) fn of(settings: &Settings) -> Self {
        let is_colored = settings.paints(std::io::stdout().is_terminal());
        let width = table::width().map_or(WIDEST, |width| usize::from(width).clamp(NARROWEST, WIDEST));
        Self { is_colored, width, is_verbose: settings.messages.says(Level::Info) }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    fn painted(&self, color: &str, text: &str) -> String {
        if self.is_colored && !color.is_empty() { format!("\x1b[{color}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

pub(super) fn report(policies: Policies<'_>, report: &Report, style: &Style) -> String {
    let (standing, rest): (Vec<&Finding>, Vec<&Finding>) = report.findings.iter().partition(|it| is_standing(it));
    let findings = causes(&rest);
    let mut text = verdict::sentence(report, &findings, standing.len(), style);
    let is_well = report.findings.iter().all(is_standing);
    if let Some(journey) = report.journey.as_ref().filter(|_| !is_well || style.is_verbose) {
        text += &tables::both(report, journey, style);
    }
    for same in &findings {
        text += "\n";
        text += &block(policies, same, style);
    }
    text += &paragraph(&standing, style);
    let fixable = findings.iter().filter(|same| same.iter().any(|finding| !finding.edits.is_empty())).count();
    if fixable > 0 {
        let of = match findings.len() {
            1 => "it".to_owned(),
            all if all == fixable => "all of them".to_owned(),
            _ => format!("{fixable} of them"),
        };
        text += &wrapped(&format!("\n--fix can repair {of}."), "", style.width);
    }
    text
}

/// Several sets, each with a heading; a set that holds takes only one line unless `-v` was given.
pub(super) fn sets(all: &[Judged], style: &Style) -> String {
    let mut text = String::new();
    for one in all {
        let whose = whose(&one.whose);
        let holds = one.report.holds();
        if holds && all.len() > 1 && !style.is_verbose {
            text += &wrapped(&format!("{whose}: {}", verdict(&one.report)), "  ", style.width);
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text += &wrapped(&style.painted("1", &format!("{whose}:")), "", style.width);
        text += &report(one.case.policies(), &one.report, style);
    }
    let failing = all.iter().filter(|one| !one.report.holds()).count();
    if all.len() > 1 {
        let (be, all) = (if failing == 1 { "does" } else { "do" }, all.len());
        let total =
            if failing == 0 { format!("All {all} hold.") } else { format!("{failing} of {all} {be} not hold.") };
        text += &wrapped(&format!("\n{total}"), "", style.width);
    }
    text
}

/// The heading of a set.
pub(super) fn whose(whose: &Whose) -> String {
    match whose {
        Whose::Anybody => "Policies with no attachment in these files, judged together".to_owned(),
        Whose::User { name, path } if path == "/" => format!("User {name}"),
        Whose::User { name, path } => format!("User {}{name}", path.trim_start_matches('/')),
        Whose::Group(name) => format!("Group {name}"),
        Whose::Role(name) => format!("Role {name}"),
        Whose::Unknown { holder, what, place } => format!("Unknown {} (`{}`, {place})", holder.name(), one_line(what)),
        Whose::Trusts => "Trust policies of roles".to_owned(),
    }
}

/// Is it a note that applies to nearly every policy?
fn is_standing(finding: &Finding) -> bool {
    finding.severity == Severity::Note && STANDING.iter().any(|(rule, _)| *rule == finding.rule)
}

/// Groups findings with the same cause in several statements: they are reported once, with every place.
fn causes<'a>(findings: &[&'a Finding]) -> Vec<Vec<&'a Finding>> {
    let mut causes: Vec<Vec<&Finding>> = Vec::new();
    let is_same = |one: &Finding, other: &Finding| {
        let all = |finding: &Finding| (finding.rule, finding.severity, finding.why.clone(), finding.repair.clone());
        one.at.is_some() && all(one) == all(other)
    };
    for finding in findings {
        match causes.iter_mut().find(|same| is_same(same[0], finding)) {
            Some(same) => same.push(finding),
            None => causes.push(vec![finding]),
        }
    }
    causes
}

/// The notes that apply to nearly every policy, in one short paragraph.
fn paragraph(standing: &[&Finding], style: &Style) -> String {
    let said = STANDING.iter().filter(|(rule, _)| standing.iter().any(|finding| finding.rule == *rule));
    let clauses: Vec<String> = said.map(|(rule, clause)| format!("{clause} ({rule})")).collect();
    let Some((first, rest)) = clauses.split_first() else { return String::new() };
    let rest: String = rest.iter().map(|clause| format!("; {clause}")).collect();
    let text = format!("note: as with any policy that requires MFA, {first}{rest}. See `mfa-cred policy explain`.");
    "\n".to_owned() + &wrapped(&text, "  ", style.width).replacen("note", &style.painted("33", "note"), 1)
}

fn block(policies: Policies<'_>, same: &[&Finding], style: &Style) -> String {
    let finding = same[0];
    let word = finding.severity.name();
    let color = if finding.severity == Severity::Failure { "31" } else { "33" };
    let head = wrapped(&format!("{word}: {}", finding.what), "  ", style.width);
    let mut text = head.replacen(word, &style.painted(color, word), 1);
    for finding in same.iter().filter(|finding| finding.at.is_some()) {
        text += &wrapped(&format!("  at: {}", place(policies, finding)), "    ", style.width);
    }
    for (label, words) in [
        ("why", finding.why.clone()),
        ("repair", finding.repair.clone()),
        ("rule", number(finding.rule)),
        ("more", format!("mfa-cred policy explain {}", finding.rule)),
    ] {
        if !words.is_empty() {
            text += &wrapped(&format!("  {label}: {words}"), "    ", style.width);
        }
    }
    text
}

/// `p.json:17:21, statement 3, `Mfa``
pub(super) fn place(policies: Policies<'_>, finding: &Finding) -> String {
    let Some(at) = finding.at else { return String::new() };
    let document = &if at.is_boundary { policies.boundary } else { policies.identity }[at.document];
    let place = finding.place.map(|place| format!(":{}:{}", place.line, place.column)).unwrap_or_default();
    let sid = document.statements.get(at.statement).and_then(|statement| statement.sid.as_ref());
    let sid = sid.filter(|sid| !sid.value.is_empty()).map(|sid| format!(" (`{}`)", sid.value)).unwrap_or_default();
    let label = document.label().map(|label| format!(", {label}")).unwrap_or_default();
    format!("{}{place}{label}, statement {}{sid}", document.name, at.statement + 1)
}

/// The rule, with its number if it has one.
fn number(rule: Rule) -> String {
    rule.number().map_or_else(|| rule.to_string(), |number| format!("{rule} ({number})"))
}

/// The verdict on one line.
pub(super) fn verdict(report: &Report) -> String {
    let (standing, rest): (Vec<&Finding>, Vec<&Finding>) = report.findings.iter().partition(|it| is_standing(it));
    verdict::words(report, &causes(&rest), standing.len()).1
}

/// A finding on one line.
pub(super) fn line(finding: &Finding) -> String {
    format!("{}: {} ({})", finding.severity.name(), finding.what, finding.rule)
}

/// Wraps at spaces and indents the lines after the first. A word longer than the width is not broken.
pub(super) fn wrapped(text: &str, indent: &str, width: usize) -> String {
    let (feed, text) = text.strip_prefix('\n').map_or(("", text), |rest| ("\n", rest));
    let text = one_line(text);
    let start = text.len() - text.trim_start().len();
    let (mut lines, mut line) = (feed.to_owned(), text[..start].to_owned());
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
