//! The outcome as a single self-contained page, without scripts, fonts or images. It follows the reader's light or dark
//! mode, becomes a list of cards in a narrow window, and prints without colors.

use std::fmt::Write as _;

use super::judge::Finding;
use super::outcome::Outcome;
use super::question::{Question, Severity};
use crate::names::AccountId;

const STYLE: &str = include_str!("html/style.css");

/// The page.
pub fn page(outcomes: &[Outcome]) -> String {
    let sections: String = outcomes.iter().map(account).collect();
    let findings: usize = outcomes.iter().map(|outcome| outcome.findings.len()).sum();
    let accounts = if outcomes.len() == 1 { String::new() } else { format!("{} accounts, ", outcomes.len()) };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>IAM audit</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<h1>IAM audit</h1>\n<p>{accounts}{findings} findings.</p>\n{sections}</body>\n</html>\n"
    )
}

fn account(outcome: &Outcome) -> String {
    let id = outcome.id.as_ref().map_or("unknown", AccountId::as_str);
    let head = format!("<h2>Account {id} <small>{}</small></h2>\n", escaped(&outcome.name));
    if let Some(error) = &outcome.error {
        return format!("<section>\n{head}<p class=\"error\">Could not be read: {}</p>\n</section>\n", escaped(error));
    }
    let source = match outcome.reported {
        Some(time) => format!("according to the credential report of {}", time.strftime("%Y-%m-%d %H:%M UTC")),
        None if outcome.is_live => "live from IAM".to_owned(),
        None => "according to a credential report".to_owned(),
    };
    let mut text = format!("<section>\n{head}<p>{} users, {source}.</p>\n{}", outcome.users, counts(outcome));
    if outcome.findings.is_empty() {
        text += "<p class=\"well\">No findings.</p>\n";
    } else {
        text += &bars(outcome);
        text += &table(outcome);
    }
    if !outcome.unanswerable.is_empty() {
        let slugs: Vec<&str> = outcome.unanswerable.iter().map(|question| question.slug()).collect();
        let _ = writeln!(text, "<p>Not checked: {}.</p>", slugs.join(", "));
    }
    if !outcome.accepted.is_empty() {
        let _ = writeln!(text, "<p>Accepted, and not counted: {}.</p>", outcome.accepted.len());
    }
    text + "</section>\n"
}

/// The number of findings of each severity.
fn counts(outcome: &Outcome) -> String {
    let one = |severity: Severity| {
        let count = outcome.findings.iter().filter(|it| it.question.severity() == severity).count();
        let name = severity.name();
        format!("<li class=\"{name}\"><b>{count}</b> {name}</li>\n")
    };
    format!("<ul class=\"counts\">\n{}</ul>\n", Severity::ALL.map(one).concat())
}

/// A bar for each check with findings: the share of affected users, or the full width if it is not about users.
fn bars(outcome: &Outcome) -> String {
    let mut text = "<div class=\"bars\">\n".to_owned();
    for question in Question::ALL {
        let count = outcome.findings.iter().filter(|it| it.question == *question).count();
        if count == 0 {
            continue;
        }
        let (width, name) = ((count * 100).div_ceil(outcome.users.max(count)), question.severity().name());
        let _ = writeln!(
            text,
            "<div><span>{} <code>{question}</code></span><i class=\"{name}\" style=\"width:{width}%\"></i><b>{count}</b></div>",
            question.title()
        );
    }
    text + "</div>\n"
}

fn table(outcome: &Outcome) -> String {
    let rows: String = outcome.findings.iter().map(row).collect();
    format!(
        "<table>\n<thead><tr><th>Severity</th><th>Question</th><th>Who</th><th>What</th><th>Repair</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n"
    )
}

fn row(finding: &Finding) -> String {
    let Finding { question, subject, what, repair, .. } = finding;
    let severity = question.severity().name();
    let others: Vec<String> = [question.config_rule(), question.security_hub()]
        .into_iter()
        .flatten()
        .map(str::to_owned)
        .chain(question.cis().find(|(version, _)| *version == "5.0").map(|(_, number)| format!("CIS 5.0 {number}")))
        .collect();
    format!(
        "<tr><td class=\"{severity}\"><b>{severity}</b></td><td><code>{question}</code><br><small>{}</small></td><td>{}</td>\
         <td>{}</td><td>{}</td></tr>\n",
        others.join(", "),
        escaped(subject.name().unwrap_or("the account")),
        escaped(what),
        escaped(repair)
    )
}

/// Text from people and AWS, escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut is_code = false;
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => {
                out.push_str(if is_code { "</code>" } else { "<code>" });
                is_code = !is_code;
            }
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    if is_code { out + "</code>" } else { out }
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_stays_text() {
        for (text, html) in [
            ("a <script>&\"'", "a &lt;script&gt;&amp;&quot;&#39;"),
            ("run `aws iam` now", "run <code>aws iam</code> now"),
            ("`<b>", "<code>&lt;b&gt;</code>"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
        ] {
            assert_eq!(escaped(text), html);
        }
    }
}
