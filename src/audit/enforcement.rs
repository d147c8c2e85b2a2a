//! All the policies of a user → does anything except enrollment work without MFA, and can the user enroll at all? The
//! report of `policy check` is condensed into two short answers.

use super::facts::Judged;
use crate::policy::check;
use crate::policy::evaluate::{Policies, Verdict};
use crate::policy::journey::{Cell, Expected, Journey, Row, Stage, Subject, Way};
use crate::policy::rules::{CheckOptions, Finding, Rule, Severity};

/// The ways in for an attacker, and what is stolen for each.
const STOLEN: [(Way, &str); 3] =
    [(Way::Key, "an access key"), (Way::Session, "a session"), (Way::Console, "a password")];

/// Runs `policy check`.
pub fn judged(policies: Policies<'_>, subject: &Subject) -> Judged {
    let options = CheckOptions {
        account: Some(subject.account.clone()),
        partition: Some(subject.partition),
        ..CheckOptions::default()
    };
    let report = check(policies, subject, None, &options);
    let Some(journey) = &report.journey else { return Judged::default() };
    let failures = || report.findings.iter().filter(|finding| finding.severity == Severity::Failure);
    Judged { open: open(journey, &failures().collect::<Vec<_>>()), stuck: stuck(journey) }
}

/// The credentials with which an attacker gets in, and the rules that report it.
fn open(journey: &Journey, failures: &[&Finding]) -> Option<String> {
    let is_open = |way: Way| {
        let is_told = |finding: &&Finding| finding.opens.as_ref().is_some_and(|opened| opened.ways.contains(&way));
        journey.rows.iter().any(|row| is_theft(journey.cell(row.step, way))) || failures.iter().any(is_told)
    };
    let stolen: Vec<&str> = STOLEN.into_iter().filter(|(way, _)| is_open(*way)).map(|(_, what)| what).collect();
    if stolen.is_empty() {
        return None;
    }
    let is_certain = |finding: &&Finding| finding.opens.is_some() && finding.rule != Rule::Undecided;
    let is_allowed = |row: &Row| {
        let cells = STOLEN.iter().map(|(way, _)| journey.cell(row.step, *way));
        cells.into_iter().any(|cell| is_theft(cell) && cell.verdict() == Some(Verdict::Allowed))
    };
    let may = if failures.iter().any(is_certain) || journey.rows.iter().any(is_allowed) { "gets" } else { "may get" };
    let mut rules: Vec<&str> =
        failures.iter().filter(|finding| finding.opens.is_some()).map(|finding| finding.rule.slug()).collect();
    rules.sort_unstable();
    rules.dedup();
    let rules = if rules.is_empty() { String::new() } else { format!(" ({})", rules.join(", ")) };
    Some(format!("an attacker {may} in with only {}{rules}", listed(&stolen)))
}

/// Does someone succeed who must not?
fn is_theft(cell: &Cell) -> bool {
    cell.is_wrong() && matches!(cell, Cell::Judged { expected: Expected::Denied, .. })
}

/// The enrollment calls that are not allowed with a key, or not in the console.
fn stuck(journey: &Journey) -> Option<String> {
    let is_denied = |step: Stage, way: Way| {
        let cell = journey.cell(step, way);
        cell.is_wrong() && !is_theft(cell) && cell.verdict() == Some(Verdict::Denied)
    };
    let stuck = |row: &&Row| {
        matches!(row.step, Stage::CreateNamed | Stage::Enable)
            && (is_denied(row.step, Way::Key) || is_denied(row.step, Way::Console))
    };
    let actions: Vec<String> = journey
        .rows
        .iter()
        .filter(stuck)
        .flat_map(|row| row.requests.iter().map(|(action, _)| format!("`{action}`")))
        .collect();
    (!actions.is_empty()).then(|| {
        let are = if actions.len() == 1 { "is" } else { "are" };
        format!("{} {are} denied or not allowed", actions.join(" and "))
    })
}

fn listed(words: &[&str]) -> String {
    match words {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        words => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::judged;
    use crate::names::Partition;
    use crate::policy::evaluate::Policies;
    use crate::policy::journey::Subject;
    use crate::policy::print::{Choices, Format, print};
    use crate::policy::{Document, PolicyKind};

    #[test]
    fn policy_check_becomes_two_answers() {
        let subject = Subject::new("alice", "123456789012".parse().expect("it"), Partition::AWS).expect("a name");
        let mfa = print(Format::Json, &Choices::default());
        let allow = |action: &str| {
            format!(
                r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}}}"#
            )
        };
        let console = mfa.replace("BoolIfExists", "Bool");
        let no_way = "`iam:CreateVirtualMFADevice` and `iam:EnableMFADevice` are denied or not allowed";
        for (texts, open, stuck) in [
            (vec![mfa.clone()], None, None),
            (vec![mfa.clone(), allow("s3:*")], None, None),
            (vec![], None, Some(no_way)),
            (
                vec![allow("s3:*")],
                Some("an attacker gets in with only an access key, a session or a password"),
                Some(no_way),
            ),
            (vec![allow("*")], Some("an attacker gets in with only an access key, a session or a password"), None),
            (vec![console, allow("s3:*")], Some("an attacker gets in with only an access key"), None),
        ] {
            let parse = |text: &String| Document::parse("p", text.as_bytes(), PolicyKind::User).expect("a policy");
            let documents: Vec<Document> = texts.iter().map(parse).collect();
            let found = judged(Policies { identity: &documents, boundary: &[] }, &subject);
            let said = found.open.as_deref().map(|open| open.split(" (").next().unwrap_or_default());
            assert_eq!((said, found.stuck.as_deref()), (open, stuck), "{texts:?}");
        }
    }
}
