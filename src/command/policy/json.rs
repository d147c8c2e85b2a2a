//! The report for scripts. `docs/output.md` documents its members, which are stable.

use serde_json::{Map, Value, json};

use super::Judged;
use crate::policy::Report;
use crate::policy::evaluate::{Policies, StatementId, Verdict};
use crate::policy::journey::{Cell, Expected, Journey, Row, Way};
use crate::policy::rules::Finding;
use crate::policy::source::Whose;

pub(super) fn report(policies: Policies<'_>, report: &Report) -> Value {
    let journey = report.journey.as_ref();
    json!({
        "holds": report.holds(),
        "user": format!("{}{}", report.subject.path(), report.subject.name()),
        "account": report.subject.account.as_str(),
        "partition": report.subject.partition.as_str(),
        "work": journey.map(work),
        "steps": journey.map(|journey| journey.rows.iter().map(|row| step(policies, row)).collect::<Vec<_>>()),
        "findings": report.findings.iter().map(|it| finding(policies, it)).collect::<Vec<_>>(),
    })
}

/// All sets of policies.
pub(super) fn sets(judged: &[Judged]) -> Value {
    let holds = judged.iter().all(|one| one.report.holds());
    json!({"holds": holds, "checks": judged.iter().map(of_set).collect::<Vec<_>>()})
}

fn of_set(one: &Judged) -> Value {
    let (kind, name) = match &one.whose {
        Whose::Anybody => ("unattached", None),
        Whose::User { name, .. } => ("user", Some(name)),
        Whose::Group(name) => ("group", Some(name)),
        Whose::Role(name) => ("role", Some(name)),
        Whose::Unknown { holder, .. } => (holder.name(), None),
        Whose::Trusts => ("trust", None),
    };
    let mut set = json!({"of": {"kind": kind, "name": name}});
    if let Whose::Unknown { what, place, .. } = &one.whose {
        set["of"]["unknown"] = json!({"what": what, "place": place});
    }
    if let (Value::Object(set), Value::Object(rest)) = (&mut set, report(one.case.policies(), &one.report)) {
        set.extend(rest);
    }
    set
}

pub(super) fn repaired(policies: Policies<'_>, of: &Report, diffs: &[String]) -> Value {
    let document = |(document, diff): (&crate::policy::Document, &String)| json!({"document": document.name, "policy": document.text(), "diff": diff});
    json!({
        "holds": of.holds(),
        "documents": policies.identity.iter().zip(diffs).map(document).collect::<Vec<_>>(),
        "findings": of.findings.iter().map(|it| finding(policies, it)).collect::<Vec<_>>(),
    })
}

fn work(journey: &Journey) -> Value {
    let work = &journey.work;
    json!({"action": work.action, "resource": work.resource, "allowed_elsewhere": work.is_assumed})
}

fn step(policies: Policies<'_>, row: &Row) -> Value {
    let request = |(action, resource): &(String, String)| json!({"action": action, "resource": resource});
    let ways: Map<String, Value> =
        Way::ALL.into_iter().zip(&row.cells).map(|(way, it)| (way.id().to_owned(), cell(policies, it))).collect();
    json!({"step": row.step.id(), "requests": row.requests.iter().map(request).collect::<Vec<_>>(), "ways": ways})
}

fn cell(policies: Policies<'_>, cell: &Cell) -> Value {
    let Some(verdict) = cell.verdict() else { return Value::Null };
    let verdict = match verdict {
        Verdict::Allowed => "allowed",
        Verdict::Denied => "denied",
        Verdict::Unknown => "unknown",
    };
    let Cell::Judged { expected, decision, .. } = cell else {
        return json!({"verdict": verdict, "expected": null, "by": [], "depends_on": []});
    };
    let expected = match expected {
        Expected::Allowed => Some("allowed"),
        Expected::Denied => Some("denied"),
        Expected::Either => None,
    };
    let by = decision.iter().flat_map(|decision| &decision.by).map(|at| statement(policies, *at)).collect::<Vec<_>>();
    let reasons: Vec<String> =
        decision.iter().flat_map(|decision| &decision.reasons).map(ToString::to_string).collect();
    json!({"verdict": verdict, "expected": expected, "by": by, "depends_on": reasons})
}

pub(super) fn statement(policies: Policies<'_>, at: StatementId) -> Value {
    let document = &if at.is_boundary { policies.boundary } else { policies.identity }[at.document];
    let statement = document.statements.get(at.statement);
    let mut found = json!({
        "document": document.name,
        "statement": at.statement + 1,
        "sid": statement.and_then(|it| it.sid.as_ref()).map(|sid| &sid.value),
        "line": document.place(statement.map_or(0, |it| it.span.start)).line,
    });
    if let Some(label) = document.label() {
        found["policy"] = label.into();
    }
    found
}

fn finding(policies: Policies<'_>, finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.name(),
        "rule": finding.rule.slug(),
        "number": finding.rule.number(),
        "page": format!("docs/policy-rules.md#{}", finding.rule),
        "statement": finding.at.map(|at| statement(policies, at)),
        "line": finding.place.map(|place| place.line),
        "column": finding.place.map(|place| place.column),
        "what": finding.what,
        "why": finding.why,
        "repair": finding.repair,
        "fixable": !finding.edits.is_empty(),
    })
}
