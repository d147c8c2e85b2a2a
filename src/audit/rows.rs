//! The findings as CSV (RFC 4180, except for the line ends): a header, and one row each.
//!
//! People open it in spreadsheets and in terminals, and names come from others: no cell is a formula, and control
//! characters are escaped.

use std::io;

use crate::messages::one_line;

use super::judge::Subject;
use super::outcome::Outcome;

const HEADER: [&str; 10] =
    ["account", "id", "user", "group", "severity", "what", "repair", "config_rule", "security_hub", "cis"];

/// Writes all accounts. One that could not be read is a row with the ID `unreadable-account`.
///
/// # Errors
/// The writer's.
pub fn report(outcomes: &[Outcome], writer: &mut dyn io::Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(writer);
    let mut write = |row: [&str; HEADER.len()]| writer.write_record(row.map(cell));
    write(HEADER)?;
    for outcome in outcomes {
        let account = outcome.id.as_ref().map_or(outcome.name.as_str(), |id| id.as_str());
        if let Some(error) = &outcome.error {
            write([account, "unreadable-account", "", "", "unknown", error, "", "", "", ""])?;
        }
        for finding in &outcome.findings {
            let question = finding.question;
            let name = finding.subject.name().unwrap_or_default();
            let (user, group) =
                if let Subject::Group(group) = &finding.subject { ("", &group[..]) } else { (name, "") };
            let cis: Vec<String> = question.cis().map(|(version, number)| format!("{version}:{number}")).collect();
            let (config, hub) = (question.config_rule(), question.security_hub());
            write([
                account,
                question.slug(),
                user,
                group,
                question.severity().name(),
                &finding.what,
                &finding.repair,
                config.unwrap_or_default(),
                hub.unwrap_or_default(),
                &cis.join(" "),
            ])?;
        }
    }
    writer.flush()
}

/// The text, never a formula: IAM's names may start with each of these characters.
fn cell(text: &str) -> String {
    let text = one_line(text);
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}
