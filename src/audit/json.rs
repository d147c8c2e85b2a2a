//! The outcome for scripts. `docs/output.md` documents its members, which are stable.
//!
//! Findings are streamed: as one tree, those of ten thousand users would take a hundred megabytes.

use std::io;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::judge::{Finding, Subject};
use super::outcome::Outcome;
use super::question::Question;
use crate::names::AccountId;

/// Writes all accounts, with all their findings in one list, as one line.
///
/// # Errors
/// The writer's.
pub fn report(outcomes: &[Outcome], writer: &mut dyn io::Write) -> io::Result<()> {
    let report = Report {
        holds: outcomes.iter().all(Outcome::is_well),
        accounts: outcomes.iter().map(account).collect(),
        findings: Findings(outcomes),
        accepted: Accepted(outcomes),
    };
    serde_json::to_writer(&mut *writer, &report)?;
    writer.write_all(b"\n")
}

#[derive(Serialize)]
struct Report<'a> {
    holds: bool,
    accounts: Vec<Value>,
    findings: Findings<'a>,
    accepted: Accepted<'a>,
}

struct Findings<'a>(&'a [Outcome]);

impl Serialize for Findings<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().flat_map(|of| of.findings.iter().map(|it| Row::of(of, it))))
    }
}

struct Accepted<'a>(&'a [Outcome]);

impl Serialize for Accepted<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let all = self.0.iter().flat_map(|of| of.accepted.iter().map(move |it| (of, it)));
        to.collect_seq(
            all.map(|(of, (it, until))| AcceptedRow { row: Row::of(of, it), until: until.map(|day| day.to_string()) }),
        )
    }
}

#[derive(Serialize)]
struct Row<'a> {
    account: Option<&'a str>,
    id: &'static str,
    user: Option<&'a str>,
    group: Option<&'a str>,
    severity: &'static str,
    what: &'a str,
    repair: &'a str,
    config_rule: Option<&'static str>,
    security_hub: Option<&'static str>,
    cis: Cis,
}

#[derive(Serialize)]
struct AcceptedRow<'a> {
    #[serde(flatten)]
    row: Row<'a>,
    until: Option<String>,
}

struct Cis(Question);

impl Serialize for Cis {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.cis())
    }
}

impl<'a> Row<'a> {
    fn of(outcome: &'a Outcome, finding: &'a Finding) -> Self {
        let Finding { question, subject, what, repair, .. } = finding;
        let group = if let Subject::Group(name) = subject { Some(name.as_str()) } else { None };
        Self {
            account: outcome.id.as_ref().map(AccountId::as_str),
            id: question.slug(),
            user: subject.name().filter(|_| group.is_none()),
            group,
            severity: question.severity().name(),
            what,
            repair,
            config_rule: question.config_rule(),
            security_hub: question.security_hub(),
            cis: Cis(*question),
        }
    }
}

fn account(outcome: &Outcome) -> Value {
    let counts = Question::ALL.iter().filter(|question| !outcome.unanswerable.contains(question)).map(|question| {
        let count = outcome.findings.iter().filter(|finding| finding.question == *question).count();
        (question.slug().to_owned(), count.into())
    });
    let counts: Map<String, Value> = counts.collect();
    json!({
        "account": outcome.id.as_ref().map(AccountId::as_str),
        "name": outcome.name,
        "source": if outcome.is_live { "live" } else { "report" },
        "generated": outcome.reported.map(|time| time.to_string()),
        "users": outcome.users,
        "counts": if outcome.error.is_some() { Value::Null } else { Value::Object(counts) },
        "unanswerable": outcome.unanswerable.iter().map(|question| question.slug()).collect::<Vec<_>>(),
        "error": outcome.error,
    })
}
