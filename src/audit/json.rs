//! The outcome for scripts. The README has its members; they stay.

use serde_json::{Map, Value, json};

use super::judge::{Finding, Subject};
use super::outcome::Outcome;
use super::question::Question;
use crate::names::AccountId;

/// All accounts, their findings together.
pub fn report(outcomes: &[Outcome]) -> Value {
    let findings = outcomes.iter().flat_map(|of| of.findings.iter().map(|it| Value::Object(finding(of, it))));
    let accepted = outcomes.iter().flat_map(|of| of.accepted.iter().map(move |it| (of, it)));
    let accepted = accepted.map(|(of, (it, until))| {
        let mut row = finding(of, it);
        row.insert("until".to_owned(), until.map(|day| day.to_string()).into());
        Value::Object(row)
    });
    json!({
        "holds": outcomes.iter().all(Outcome::is_well),
        "accounts": outcomes.iter().map(account).collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
        "accepted": accepted.collect::<Vec<_>>(),
    })
}

fn account(outcome: &Outcome) -> Value {
    let counts = Question::ALL.iter().filter(|question| !outcome.unanswerable.contains(question)).map(|question| {
        let count = outcome.findings.iter().filter(|finding| finding.question == *question).count();
        (question.slug().to_owned(), count.into())
    });
    json!({
        "account": outcome.id.as_ref().map(AccountId::as_str),
        "name": outcome.name,
        "source": if outcome.is_live { "live" } else { "report" },
        "generated": outcome.reported.map(|time| time.to_string()),
        "users": outcome.users,
        "counts": if outcome.error.is_some() { Value::Null } else { Value::Object(counts.collect()) },
        "unanswerable": outcome.unanswerable.iter().map(|question| question.slug()).collect::<Vec<_>>(),
        "error": outcome.error,
    })
}

fn finding(outcome: &Outcome, finding: &Finding) -> Map<String, Value> {
    let Finding { question, subject, what, repair, .. } = finding;
    let group = if let Subject::Group(name) = subject { Some(name.as_str()) } else { None };
    let cis: Map<String, Value> = question.cis().map(|(version, number)| (version.to_owned(), number.into())).collect();
    let members = [
        ("account", json!(outcome.id.as_ref().map(AccountId::as_str))),
        ("id", json!(question.slug())),
        ("user", json!(subject.name().filter(|_| group.is_none()))),
        ("group", json!(group)),
        ("severity", json!(question.severity().name())),
        ("what", json!(what)),
        ("repair", json!(repair)),
        ("config_rule", json!(question.config_rule())),
        ("security_hub", json!(question.security_hub())),
        ("cis", Value::Object(cis)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
