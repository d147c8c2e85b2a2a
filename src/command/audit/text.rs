//! The findings for people: one block per check, the worst first, with everyone it concerns. It is as wide as the
//! window, from forty to a hundred columns. A long list is shortened on a terminal, but not in a pipe.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use crate::audit::judge::{Finding, Subject};
use crate::audit::outcome::Outcome;
use crate::audit::question::{Question, Severity};
use crate::messages::{Level, one_line};
use crate::screen::table;
use crate::settings::Settings;

/// Longer lines are hard to read.
const WIDEST: usize = 100;
/// In a pipe, or in mail from cron.
const USUAL: usize = 80;
const NARROWEST: usize = 40;
/// The number of lines of names under a check, on a terminal.
const MOST_LINES: usize = 6;
/// The width of the column for the severity.
const INDENT: usize = 10;

/// How the report is shown.
pub(super) struct Style {
    is_colored: bool,
    width: usize,
    /// Are long lists shortened?
    is_short: bool,
}

impl Style {
    pub(super) fn of(settings: &Settings) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let width = table::width().filter(|_| is_terminal).map_or(USUAL, usize::from);
        Self {
            is_colored: settings.paints(is_terminal),
            width: width.clamp(NARROWEST, WIDEST),
            is_short: is_terminal && !settings.messages.says(Level::Info),
        }
    }

    fn painted(&self, color: &str, text: &str) -> String {
        if self.is_colored { format!("\x1b[{color}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Wraps text to the width, and indents the lines after the first.
    fn flow(&self, text: &str, first: usize, indent: usize) -> Vec<String> {
        let (mut lines, mut line, mut used) = (Vec::new(), String::new(), first);
        for word in one_line(text).split(' ').filter(|word| !word.is_empty()) {
            if !line.is_empty() && used + 1 + word.width() > self.width {
                lines.push(std::mem::take(&mut line));
                used = indent;
            }
            if !line.is_empty() {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += word.width();
        }
        lines.push(line);
        lines
    }

    /// The same, with every line indented.
    fn block(&self, text: &str, indent: usize) -> Vec<String> {
        self.flow(text, indent, indent).into_iter().map(|line| " ".repeat(indent) + &line).collect()
    }
}

pub(super) fn report(outcomes: &[Outcome], style: &Style) -> String {
    let sections = outcomes.iter().map(|outcome| account(outcome, style)).collect::<Vec<_>>().join("\n");
    if outcomes.len() < 2 { sections } else { sections + "\n" + &together(outcomes, style) }
}

fn account(outcome: &Outcome, style: &Style) -> String {
    if let Some(error) = &outcome.error {
        let text = format!("Account {} could not be read: {error}", outcome.name);
        return style.flow(&text, 0, 0).iter().map(|line| style.painted("1;31", line) + "\n").collect();
    }
    let mut lines = style.flow(&head(outcome), 0, 0);
    let verdict = verdict(outcome);
    let color = if outcome.is_well() { "1;32" } else { "1;31" };
    lines.extend(style.flow(&verdict, 0, 0).iter().map(|line| style.painted(color, line)));
    for question in Question::ALL {
        let found: Vec<&Finding> = outcome.findings.iter().filter(|it| it.question == *question).collect();
        if !found.is_empty() {
            lines.push(String::new());
            lines.extend(section(*question, &found, style));
        }
    }
    let notes = [accepted(outcome), unanswered(outcome)];
    for note in notes.into_iter().flatten() {
        lines.push(String::new());
        lines.extend(style.flow(&note, 0, 0));
    }
    lines.join("\n") + "\n"
}

/// A summary of all accounts.
fn together(outcomes: &[Outcome], style: &Style) -> String {
    let findings: usize = outcomes.iter().map(|outcome| outcome.findings.len()).sum();
    let unread: Vec<&str> =
        outcomes.iter().filter(|outcome| outcome.error.is_some()).map(|outcome| outcome.name.as_str()).collect();
    let mut text = format!("Total: {}, {}", many(outcomes.len(), "account"), many(findings, "finding"));
    if !unread.is_empty() {
        text += &format!("; could not be read: {}", unread.join(", "));
    }
    style.flow(&(text + "."), 0, 0).join("\n") + "\n"
}

/// What was audited.
fn head(outcome: &Outcome) -> String {
    let account =
        outcome.id.as_ref().map_or_else(|| "Unknown account".to_owned(), |id| format!("Account {}", id.as_str()));
    let users = many(outcome.users, "user");
    let minute = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M UTC");
    match outcome.reported {
        Some(time) => {
            let time = minute(time);
            format!(
                "{account}: {users}, according to the credential report of {time}. IAM reuses a report for up to four hours, so later changes may be missing."
            )
        }
        None if outcome.is_live => format!("{account}: {users}."),
        None => {
            format!("{account}: {users}, according to a credential report that does not say when it was generated.")
        }
    }
}

fn verdict(outcome: &Outcome) -> String {
    if outcome.findings.is_empty() {
        return "No findings.".to_owned();
    }
    let count = |severity| outcome.findings.iter().filter(|it| it.question.severity() == severity).count();
    let counts = Severity::ALL.into_iter().map(|severity| (severity, count(severity))).filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(severity, count)| format!("{count} {}", severity.name())).collect();
    format!("{}: {}.", many(outcome.findings.len(), "finding"), counts.join(", "))
}

fn many(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// One check: what was found, whom it concerns, and how to repair it.
fn section(question: Question, found: &[&Finding], style: &Style) -> Vec<String> {
    let severity = question.severity();
    let color = match severity {
        Severity::Critical => "1;31",
        Severity::High => "31",
        Severity::Medium => "33",
        Severity::Low | Severity::Unknown => "36",
    };
    let subject = &found[0].subject;
    let about = match subject {
        Subject::User(_) => format!(
            ": {}",
            many(found.iter().map(|it| &it.subject).collect::<std::collections::BTreeSet<_>>().len(), "user")
        ),
        Subject::Group(_) => format!(": {}", many(found.len(), "group")),
        Subject::Account | Subject::Root => String::new(),
    };
    let title = format!("{} ({question}){about}", question.title());
    let label = style.painted(color, severity.name()) + &" ".repeat(INDENT - severity.name().len());
    let title = style.flow(&title, INDENT, INDENT);
    let mut lines: Vec<String> = title
        .iter()
        .enumerate()
        .map(|(at, line)| if at == 0 { label.clone() + line } else { " ".repeat(INDENT) + line })
        .collect();
    let mut names: Vec<String> = lists(found).iter().flat_map(|list| style.block(list, INDENT)).collect();
    if style.is_short && names.len() > MOST_LINES {
        let rest = names.len() + 1 - MOST_LINES;
        names.truncate(MOST_LINES - 1);
        names.extend(style.block(&format!("… {rest} more lines; `-v` shows all, `--csv` prints one row each"), INDENT));
    }
    lines.extend(names);
    lines.extend(style.block(&format!("repair: {}", question.advice()), INDENT));
    lines
}

/// Whom it concerns: only names, names grouped by a shared detail, or each name with its details.
fn lists(found: &[&Finding]) -> Vec<String> {
    let mut by_detail: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for finding in found {
        by_detail.entry(&finding.detail).or_default().extend(finding.subject.name());
    }
    let is_shared = by_detail.len() == 1 || by_detail.values().all(|names| names.len() > 1);
    if is_shared || found[0].question == Question::NotAsked {
        let list = |(detail, names): (&str, Vec<&str>)| match (detail, names.join(", ")) {
            (detail, names) if names.is_empty() => detail.to_owned(),
            ("", names) => names,
            (detail, names) => format!("{detail}: {names}"),
        };
        return by_detail.into_iter().map(list).filter(|list| !list.is_empty()).collect();
    }
    let mut by_name: BTreeMap<&Subject, Vec<&str>> = BTreeMap::new();
    for finding in found {
        by_name.entry(&finding.subject).or_default().push(&finding.detail);
    }
    let one = |(subject, details): (&Subject, Vec<&str>)| {
        format!("{} ({})", subject.name().unwrap_or("the account"), details.join("; "))
    };
    vec![by_name.into_iter().map(one).collect::<Vec<_>>().join(", ")]
}

/// The findings that do not count.
fn accepted(outcome: &Outcome) -> Option<String> {
    let count = outcome.accepted.len();
    let next = outcome.accepted.iter().filter_map(|(_, until)| *until).min();
    let until = next.map(|day| format!("; the first counts again after {day}")).unwrap_or_default();
    (count > 0).then(|| format!("{} accepted{until}.", many(count, "finding")))
}

/// What was not checked.
fn unanswered(outcome: &Outcome) -> Option<String> {
    let slugs: Vec<&str> = outcome.unanswerable.iter().map(|question| question.slug()).collect();
    (!slugs.is_empty())
        .then(|| format!("Not checked, because a credential report does not contain it: {}.", slugs.join(", ")))
}
