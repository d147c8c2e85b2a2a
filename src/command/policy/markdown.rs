//! The report for a pull request: a verdict for each set, and a table of what is wrong.

use super::{Judged, text};
use crate::messages::one_line;
use crate::policy::rules::Severity;
use crate::policy::source::Whose;

pub(super) fn page(judged: &[Judged]) -> String {
    let holds = judged.iter().all(|one| one.report.holds());
    let title = if holds { "The IAM policies enforce MFA" } else { "The IAM policies do not enforce MFA" };
    let mut page = format!("### {title}\n");
    for one in judged {
        let whose = if one.whose == Whose::Anybody && judged.len() == 1 {
            String::new()
        } else {
            format!("**{}:** ", plain(&text::whose(&one.whose)))
        };
        page += &format!("\n{whose}{}\n", cell(&text::verdict(&one.report)));
        page += &table(one);
    }
    page + "\n`mfa-cred policy explain RULE` explains a rule.\n"
}

fn table(one: &Judged) -> String {
    if one.report.findings.is_empty() {
        return String::new();
    }
    let mut table = "\n| | Where | What | Repair | Rule |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for finding in &one.report.findings {
        let sign = if finding.severity == Severity::Failure { "**failure**" } else { "note" };
        let place = text::place(one.case.policies(), finding);
        let (what, repair) = (cell(&finding.what), cell(&finding.repair));
        table += &format!("| {sign} | {} | {what} | {repair} | `{}` |\n", cell(&place), finding.rule);
    }
    table
}

/// Text in backticks stays code; everything else is plain text, whatever it contains.
fn cell(text: &str) -> String {
    let text = one_line(text);
    let parts = text.split('`').enumerate().map(|(at, part)| match at % 2 {
        0 => plain(part),
        _ if part.is_empty() => String::new(),
        _ => format!("`{}`", part.replace('|', "\\|")),
    });
    parts.collect()
}

/// Text without Markdown, HTML, or mentions of GitHub users.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => plain += "&amp;",
            '<' => plain += "&lt;",
            '>' => plain += "&gt;",
            '@' => plain += "&#64;",
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '!' | '|' | '~' | '$' => {
                plain.push('\\');
                plain.push(c);
            }
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn text_from_a_file_is_neither_markdown_nor_html() {
        for (text, expected) in [
            ("`iam:*` on `a|b` is open", "`iam:*` on `a\\|b` is open"),
            ("<script> @team [x](y) a_b **c** | d", "&lt;script&gt; &#64;team \\[x\\](y) a\\_b \\*\\*c\\*\\* \\| d"),
            ("one\ntwo", "one\\\\ntwo"),
            ("never `closed", "never `closed`"),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
