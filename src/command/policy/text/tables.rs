//! The two tables: what a user does on the first day, and what an attacker without the second factor does. A cell says
//! whether it works: `yes` or `no`, in capitals and with `!` if that is wrong. The legend of each table explains only
//! the words in it.

use super::verdict::ATTACK;
use super::{Style, wrapped};
use crate::policy::Report;
use crate::policy::evaluate::Verdict;
use crate::policy::journey::{Cell, Journey, Row, Stage, Way};
use crate::policy::rules::{Opened, Rule, Severity};

/// A row for display.
struct ShownRow {
    label: &'static str,
    cells: Vec<Shown>,
    /// The action that is tried, shown if the window is wide enough.
    action: String,
}

/// A cell for display.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Shown {
    Nothing,
    Is(Verdict, Weight),
}

/// Is the result the expected one?
#[derive(Clone, Copy, Eq, PartialEq)]
enum Weight {
    Right,
    Wrong,
    /// Either result is fine.
    Either,
}

impl Shown {
    fn of(cell: &Cell) -> Self {
        let Some(verdict) = cell.verdict() else { return Self::Nothing };
        let is_free = matches!(cell, Cell::Judged { expected: crate::policy::journey::Expected::Either, .. });
        let weight = match cell.is_wrong() {
            true => Weight::Wrong,
            false if is_free => Weight::Either,
            false => Weight::Right,
        };
        Self::Is(verdict, weight)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Is(Verdict::Allowed, Weight::Wrong) => "YES!",
            Self::Is(Verdict::Allowed, _) => "yes",
            Self::Is(Verdict::Denied, Weight::Wrong) => "NO!",
            Self::Is(Verdict::Denied, _) => "no",
            Self::Is(Verdict::Unknown, Weight::Wrong) => "?!",
            Self::Is(Verdict::Unknown, _) => "?",
        }
    }

    fn color(self) -> &'static str {
        match self {
            Self::Is(_, Weight::Wrong) => "1;31",
            Self::Is(_, Weight::Right) => "32",
            Self::Is(_, Weight::Either) => "33",
            Self::Nothing => "",
        }
    }
}

pub(super) fn both(report: &Report, journey: &Journey, style: &Style) -> String {
    let subject = &report.subject;
    let work = &journey.work;
    let how = if work.is_assumed { "allowed elsewhere".to_owned() } else { format!("on {}", work.resource) };
    let user = format!("{}{}", subject.path(), subject.name());
    let whom = format!("\nUser {user} of account {} ({}).", subject.account.as_str(), subject.partition.as_str());
    let mut text = wrapped(&format!("{whom} Work is {}, {how}.", work.action), "", style.width);
    text += &wrapped("\nA user's first day: does it work?", "", style.width);
    text += &day(journey, style);
    text += &wrapped("\nAn attacker without the second factor: does it work?", "", style.width);
    text + &attack(report, journey, style)
}

fn day(journey: &Journey, style: &Style) -> String {
    let (before, after) = ([Way::Key, Way::Console], [Way::SessionMfa, Way::ConsoleMfa]);
    let mut lines = Vec::new();
    for row in &journey.rows {
        let (label, ways) = match row.step {
            Stage::SignIn => ("sign in", before),
            Stage::FirstPassword => ("change a forced password", before),
            Stage::Find => ("list the devices", before),
            Stage::CreateNamed => ("create a device", before),
            Stage::CreateOther => ("... with another name", before),
            Stage::Enable => ("enable it", before),
            Stage::Resync => ("resync it", before),
            Stage::SignInAgain => ("sign in with MFA", [Way::Key, Way::ConsoleMfa]),
            Stage::Work => ("work with MFA", after),
            _ => continue,
        };
        lines.push(line(journey, row, label, &ways));
    }
    let legend = [
        (Verdict::Allowed, Weight::Right, "yes: works"),
        (Verdict::Denied, Weight::Wrong, "NO!: denied, the user is stuck"),
        (Verdict::Unknown, Weight::Wrong, "?!: depends on the request"),
        (Verdict::Allowed, Weight::Either, ""),
        (Verdict::Denied, Weight::Either, "no: denied, which is fine"),
        (Verdict::Unknown, Weight::Either, "?: depends on the request"),
    ];
    table(&["key", "console"], &lines, &legend, style)
}

fn attack(report: &Report, journey: &Journey, style: &Style) -> String {
    let mut lines = Vec::new();
    for row in &journey.rows {
        let label = match row.step {
            Stage::Work => "work",
            Stage::Drop => "remove the device",
            Stage::Password => "change the password",
            Stage::AccessKey => "create a key",
            Stage::Other => "change others' MFA",
            Stage::ThiefFirst => "enroll 1st device",
            Stage::ThiefFurther => "enroll 2nd device",
            _ => continue,
        };
        lines.push(line(journey, row, label, &ATTACK));
    }
    // Work that other policies allow is not the fault of these policies.
    let has_work = ATTACK
        .iter()
        .any(|way| Shown::of(journey.cell(Stage::Work, *way)) == Shown::Is(Verdict::Allowed, Weight::Either));
    let either = if has_work { "yes: see the notes" } else { "yes: no policy can stop it" };
    lines.extend(others(report, journey));
    let legend = [
        (Verdict::Denied, Weight::Right, "no: blocked"),
        (Verdict::Allowed, Weight::Wrong, "YES!: allowed"),
        (Verdict::Unknown, Weight::Wrong, "?!: may be allowed"),
        (Verdict::Allowed, Weight::Either, either),
        (Verdict::Denied, Weight::Either, "no: blocked"),
        (Verdict::Unknown, Weight::Either, "?: not documented by AWS"),
    ];
    table(&["key", "session", "console"], &lines, &legend, style)
}

/// A row for anything else that is allowed: the table must not say only `no` if a finding says that something is
/// allowed.
fn others(report: &Report, journey: &Journey) -> Option<ShownRow> {
    let is_told = |opened: &Opened, way: Way| {
        let is_it = |row: &&Row| row.requests.iter().any(|(action, _)| *action == opened.action);
        journey.rows.iter().filter(is_it).any(|row| journey.cell(row.step, way).is_wrong())
    };
    let failures = report.findings.iter().filter(|finding| finding.severity == Severity::Failure);
    let opened: Vec<(&Opened, bool)> = failures
        .filter_map(|finding| Some((finding.opens.as_ref()?, finding.rule == Rule::Undecided)))
        .filter(|(opened, _)| opened.ways.iter().any(|way| !is_told(opened, *way)))
        .collect();
    let cell = |way: Way| {
        let on = || opened.iter().filter(|(opened, _)| opened.ways.contains(&way));
        match (on().any(|(_, is_undecided)| !is_undecided), on().next().is_some()) {
            (true, _) => Shown::Is(Verdict::Allowed, Weight::Wrong),
            (false, true) => Shown::Is(Verdict::Unknown, Weight::Wrong),
            (false, false) => Shown::Is(Verdict::Denied, Weight::Right),
        }
    };
    let action = opened.first()?.0.action.clone();
    Some(ShownRow { label: "anything else", cells: ATTACK.map(cell).to_vec(), action })
}

fn line(journey: &Journey, row: &Row, label: &'static str, ways: &[Way]) -> ShownRow {
    // The deciding request on the first wrong way, else the first request.
    let cells = ways.iter().map(|way| journey.cell(row.step, *way));
    let decides = cells.clone().find(|cell| cell.is_wrong()).map_or(0, |cell| match cell {
        Cell::Judged { request, .. } => *request,
        _ => 0,
    });
    let action = row.requests.get(decides).map(|(action, _)| action.clone()).unwrap_or_default();
    ShownRow { label, cells: cells.map(Shown::of).collect(), action }
}

fn table(headings: &[&str], lines: &[ShownRow], legend: &[(Verdict, Weight, &str)], style: &Style) -> String {
    let widest = |of: fn(&ShownRow) -> usize| lines.iter().map(of).max().unwrap_or_default();
    let (first, last) = (widest(|line| line.label.len()), widest(|line| line.action.chars().count()));
    let cell = |column: usize| lines.iter().map(|line| line.cells[column].word().len()).max().unwrap_or_default();
    let widths: Vec<usize> = headings.iter().enumerate().map(|(n, heading)| heading.len().max(cell(n))).collect();
    let columns: usize = widths.iter().sum();
    let needs = |gap: usize| first + columns + gap * headings.len();
    let gap = if needs(2) + 2 <= style.width { 2 } else { 1 };
    let indent = if needs(gap) + 2 <= style.width { "  " } else { "" };
    let has_actions = indent.len() + needs(gap) + 2 + last <= style.width;
    let row = |label: &str, cells: Vec<(&str, &str)>, action: &str| {
        let mut text = format!("{indent}{label:first$}");
        for ((word, color), heading) in cells.into_iter().zip(&widths) {
            let pad = " ".repeat(heading.saturating_sub(word.len()));
            text += &format!("{:gap$}{}{pad}", "", style.painted(color, word));
        }
        if has_actions {
            text += &format!("  {action}");
        }
        text.trim_end().to_owned() + "\n"
    };
    let mut text = row("", headings.iter().map(|heading| (*heading, "")).collect(), "");
    for line in lines {
        text += &row(line.label, line.cells.iter().map(|cell| (cell.word(), cell.color())).collect(), &line.action);
    }
    let occurs = |verdict, weight| lines.iter().any(|line| line.cells.contains(&Shown::Is(verdict, weight)));
    let mut said: Vec<&str> = Vec::new();
    for (verdict, weight, words) in legend {
        if occurs(*verdict, *weight) && !words.is_empty() && !said.contains(words) {
            said.push(words);
        }
    }
    text + &items(&said, style.width)
}

/// The items of the legend, none of them broken across lines.
fn items(words: &[&str], width: usize) -> String {
    let (mut lines, mut line) = (String::new(), String::new());
    for word in words {
        if !line.is_empty() && line.chars().count() + 3 + word.chars().count() > width {
            lines += &format!("{line}\n");
            line.clear();
        }
        line += if line.is_empty() { "" } else { "   " };
        line += word;
    }
    if line.is_empty() { lines } else { lines + &line + "\n" }
}
