//! The outcome as a single self-contained page, without scripts, fonts or images. It follows the reader's light or dark
//! mode, fits a phone, and prints without colors. A check is explained once, above everyone it concerns: with hundreds
//! of users, a list of single findings would be hundreds of screens long.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::judge::{Finding, Subject};
use super::outcome::Outcome;
use super::question::{Question, Severity};
use crate::messages::one_line;
use crate::names::AccountId;

const STYLE: &str = include_str!("html/style.css");

/// The page.
pub fn page(outcomes: &[Outcome]) -> String {
    let sections: String = outcomes.iter().enumerate().map(|(at, outcome)| account(at, outcome)).collect();
    let findings = many(outcomes.iter().map(|outcome| outcome.findings.len()).sum(), "finding");
    let (accounts, overview) = match outcomes {
        [_] => (String::new(), String::new()),
        several => (many(several.len(), "account") + ", ", overview(several)),
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>IAM audit</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<h1>IAM audit</h1>\n<p>{accounts}{findings}.</p>\n{overview}{sections}</body>\n</html>\n"
    )
}

/// A row for each account, with a link to its section.
fn overview(outcomes: &[Outcome]) -> String {
    let heads = Severity::ALL.map(|severity| format!("<th scope=\"col\" class=\"number\">{}</th>", severity.name()));
    let rows: String = outcomes.iter().enumerate().map(|(at, outcome)| overview_row(at, outcome)).collect();
    format!(
        "<table class=\"overview\">\n<thead><tr><th scope=\"col\">Account</th><th scope=\"col\" class=\"number\">users</th>\
         {}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n",
        heads.concat()
    )
}

fn overview_row(at: usize, outcome: &Outcome) -> String {
    let id = outcome.id.as_ref().map(AccountId::as_str).filter(|id| *id != outcome.name);
    let id = id.map(|id| format!(" <small>{id}</small>")).unwrap_or_default();
    let cells = if outcome.error.is_some() {
        format!("<td class=\"error\" colspan=\"{}\">could not be read</td>", Severity::ALL.len() + 1)
    } else {
        let cell =
            |class: &str, count: usize, of: &str| format!("<td class=\"number {class}\" data-of=\"{of}\">{count}</td>");
        let one = |severity: Severity| match count(outcome, severity) {
            0 => cell("none", 0, severity.name()),
            count => cell(severity.name(), count, severity.name()),
        };
        cell("", outcome.users, "users") + &Severity::ALL.map(one).concat()
    };
    format!("<tr><td><a href=\"#a{at}\">{}</a>{id}</td>{cells}</tr>\n", name(&outcome.name))
}

fn account(at: usize, outcome: &Outcome) -> String {
    let id = outcome.id.as_ref().map_or("unknown", AccountId::as_str);
    let known_as = if outcome.name == id { String::new() } else { format!(" <small>{}</small>", name(&outcome.name)) };
    let head = format!("<h2>Account {id}{known_as}</h2>\n");
    if let Some(error) = &outcome.error {
        let error = escaped(error);
        return format!(
            "<section id=\"a{at}\">\n{head}<p class=\"error\">Could not be read: {error}</p>\n</section>\n"
        );
    }
    let (users, source) = (many(outcome.users, "user"), source(outcome));
    let mut text = format!("<section id=\"a{at}\">\n{head}<p>{users}, {source}</p>\n");
    if outcome.findings.is_empty() {
        text += "<p class=\"well\">No findings.</p>\n";
    } else {
        text += &counts(outcome);
        text += &bars(at, outcome);
        text += &checks(outcome).map(|(question, found)| check(at, question, &found)).collect::<String>();
    }
    if !outcome.unanswerable.is_empty() {
        let slugs: Vec<String> = outcome.unanswerable.iter().map(|it| format!("<code>{it}</code>")).collect();
        let list = slugs.join(", ");
        let _ = writeln!(text, "<p>Not checked, because a credential report does not contain it: {list}.</p>");
    }
    if !outcome.accepted.is_empty() {
        let _ = writeln!(text, "<p>Accepted and not counted: {}.</p>", many(outcome.accepted.len(), "finding"));
    }
    text + "</section>\n"
}

fn source(outcome: &Outcome) -> String {
    match outcome.reported {
        Some(time) => format!(
            "according to the credential report of {}. IAM reuses a report for up to four hours, so later changes may be missing.",
            time.strftime("%Y-%m-%d %H:%M UTC")
        ),
        None if outcome.is_live => "live from IAM.".to_owned(),
        None => "according to a credential report that does not say when it was generated.".to_owned(),
    }
}

fn many(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn count(outcome: &Outcome, severity: Severity) -> usize {
    outcome.findings.iter().filter(|it| it.question.severity() == severity).count()
}

/// The number of findings of each severity.
fn counts(outcome: &Outcome) -> String {
    let one = |severity: Severity| {
        let (count, name) = (count(outcome, severity), severity.name());
        format!("<li class=\"{}\"><b>{count}</b> {name}</li>\n", if count == 0 { "none" } else { name })
    };
    format!("<ul class=\"counts\">\n{}</ul>\n", Severity::ALL.map(one).concat())
}

/// The checks that found something, with their findings.
fn checks(outcome: &Outcome) -> impl Iterator<Item = (Question, Vec<&Finding>)> {
    let found =
        |question: Question| outcome.findings.iter().filter(move |it| it.question == question).collect::<Vec<_>>();
    Question::ALL.iter().map(move |question| (*question, found(*question))).filter(|(_, found)| !found.is_empty())
}

/// The findings of a check by whom they concern.
fn by_subject<'f>(found: &[&'f Finding]) -> BTreeMap<&'f Subject, Vec<&'f Finding>> {
    let mut all: BTreeMap<&Subject, Vec<&Finding>> = BTreeMap::new();
    for finding in found {
        all.entry(&finding.subject).or_default().push(finding);
    }
    all
}

/// A bar for each check with findings: the share of the account's users; the full width for what is not about users.
fn bars(at: usize, outcome: &Outcome) -> String {
    let mut text = "<div class=\"bars\">\n".to_owned();
    for (question, found) in checks(outcome) {
        let (concerned, severity) = (by_subject(&found).len(), question.severity().name());
        let (width, scope) = match &found[0].subject {
            Subject::User(_) if question != Question::NotAsked => {
                let users = outcome.users.max(concerned);
                ((concerned * 100).div_ceil(users), format!("{concerned} of {}", many(users, "user")))
            }
            Subject::Group(_) => (100, many(concerned, "group")),
            _ if question == Question::NotAsked => (100, many(found.len(), "value")),
            Subject::Root => (100, "root user".to_owned()),
            _ => (100, "account".to_owned()),
        };
        let _ = writeln!(
            text,
            "<div><a href=\"#a{at}-{question}\">{}</a><span><i class=\"{severity}\" style=\"width:{width}%\"></i></span><b>{scope}</b></div>",
            question.title()
        );
    }
    text + "</div>\n"
}

/// What a check found: its meaning and its repair once, then everyone it concerns.
fn check(at: usize, question: Question, found: &[&Finding]) -> String {
    let severity = question.severity().name();
    let others: Vec<String> = [
        question.config_rule().map(|rule| format!("AWS Config {rule}")),
        question.security_hub().map(|control| format!("Security Hub {control}")),
        question.cis().find(|(version, _)| *version == "5.0").map(|(_, number)| format!("CIS 5.0 {number}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let others = if others.is_empty() { String::new() } else { format!(" <small>{}</small>", others.join(" · ")) };
    format!(
        "<section class=\"check\" id=\"a{at}-{question}\">\n<h3><b class=\"{severity}\">{severity}</b> {} <code>{question}</code>{others}</h3>\n\
         <p>Repair: {}</p>\n{}</section>\n",
        question.title(),
        escaped(&question.advice()),
        concerned(question, found)
    )
}

fn concerned(question: Question, found: &[&Finding]) -> String {
    let all = by_subject(found);
    let is_unread = question == Question::NotAsked;
    if !is_unread && matches!(found[0].subject, Subject::Account | Subject::Root) {
        return all.values().flatten().map(|it| format!("<p class=\"what\">{}</p>\n", escaped(&it.what))).collect();
    }
    let who = |subject: &Subject| name(subject.name().unwrap_or("the account"));
    if !is_unread && found.iter().all(|it| it.detail.is_empty()) {
        let names: String = all.keys().map(|subject| format!("<li>{}</li>\n", who(subject))).collect();
        return format!("<ul class=\"names\">\n{names}</ul>\n");
    }
    let text = |found: &[&Finding]| {
        let texts: Vec<&str> = found.iter().map(|it| if is_unread { &it.what } else { &it.detail }.as_str()).collect();
        escaped(&texts.join("; "))
    };
    let row = |(subject, found): (&&Subject, &Vec<&Finding>)| {
        format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", who(subject), text(found))
    };
    format!("<table class=\"concerned\">\n{}</table>\n", all.iter().map(row).collect::<String>())
}

/// A name, which may be written from right to left.
fn name(text: &str) -> String {
    format!("<bdi>{}</bdi>", plain(text))
}

/// Text from people and AWS, escaped.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The same for sentences, in which backticks enclose literals.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, part) in text.split('`').enumerate() {
        out += &if at % 2 == 0 { plain(part) } else { format!("<code>{}</code>", unbroken(part)) };
    }
    out
}

/// A command, whose options are not broken at their hyphens.
fn unbroken(command: &str) -> String {
    let word = |word: &str| if word.contains('-') { format!("<span>{}</span>", plain(word)) } else { plain(word) };
    command.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{escaped, name};

    #[test]
    fn text_stays_text() {
        for (text, html) in [
            ("a <script>&\"'", "a &lt;script&gt;&amp;&quot;&#39;"),
            ("run `aws iam` now", "run <code>aws iam</code> now"),
            ("`x --a-b <c-d>`", "<code>x <span>--a-b</span> <span>&lt;c-d&gt;</span></code>"),
            ("`<b>", "<code>&lt;b&gt;</code>"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\u{202e}b", "a\\u{202e}b"),
        ] {
            assert_eq!(escaped(text), html);
        }
        assert_eq!(name("`<b>`"), "<bdi>`&lt;b&gt;`</bdi>");
    }
}
