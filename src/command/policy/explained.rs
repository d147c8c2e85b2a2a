//! `policy check --explain`: one action on each way in, with the deciding statement.

use serde_json::{Map, Value, json as value};

use super::super::{Done, write_stdout};
use super::{Case, json, text};
use crate::cli::{CheckArgs, CheckFormat};
use crate::error::{Error, PolicyKindError};
use crate::policy::check::name_of;
use crate::policy::evaluate::{Ground, Policies, StatementId, Verdict};
use crate::policy::explain::{Answer, Miss, explain, resource_for};
use crate::policy::journey::Way;
use crate::policy::question::Question;
use crate::policy::{Document, PolicyKind};
use crate::settings::Settings;

pub(super) fn run(args: &CheckArgs, question: &Question, case: &Case, settings: &Settings) -> Result<Done, Error> {
    if case.identity.iter().any(|document| document.kind == PolicyKind::Organization) {
        return Err(PolicyKindError::ExplainOfOrganization.into());
    }
    if question.is_of_role || case.identity.iter().any(|document| document.kind != PolicyKind::User) {
        return Err(PolicyKindError::ExplainOfRole.into());
    }
    let is_at_hand = match question.decided_by {
        Some("permissions boundary") => !case.boundary.is_empty(),
        Some("service control policy") => !args.scp.is_empty(),
        other => other.is_none(),
    };
    if let Some(kind) = question.decided_by.filter(|_| !is_at_hand) {
        let how = match kind {
            "permissions boundary" => "; add it with `--boundary FILE`",
            "service control policy" => "; add it with `--scp FILE`",
            _ => ", which this command does not check",
        };
        settings.messages.note(&format!("AWS says that a {kind} decided{how}"));
    }
    let policies = case.policies();
    let given = args.resource.clone().or_else(|| question.resource.clone());
    let resource = given.unwrap_or_else(|| resource_for(policies, &case.subject, &question.action));
    let answers = explain(policies, &case.subject, &question.action, &resource);
    let page = match args.format() {
        CheckFormat::Table => page(policies, case, (&question.action, &resource), &answers, settings),
        CheckFormat::Json => object(policies, case, (&question.action, &resource), &answers).to_string() + "\n",
        _ => return Err(PolicyKindError::FormatOfExplanation.into()),
    };
    write_stdout(&page)
}

fn page(
    policies: Policies<'_>,
    case: &Case,
    (action, resource): (&str, &str),
    answers: &[Answer],
    settings: &Settings,
) -> String {
    let style = text::Style::of(settings);
    let subject = &case.subject;
    let user = format!("{}{}", subject.path(), subject.name());
    let head = format!("{action} on {resource}, for user {user} of account {}:", subject.account.as_str());
    let mut page = text::wrapped(&head, "  ", style.width());
    for answer in answers {
        let word = word(answer.verdict);
        let why = why(policies, answer, (action, resource));
        // A reason that starts with the verdict is the complete answer: `denied by statement 7`.
        let verdict = if why.starts_with(word) { String::new() } else { format!("{word}: ") };
        let line = format!("{}: {verdict}{why}", way(answer.way));
        page += &text::wrapped(&line, "  ", style.width());
    }
    page
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allowed",
        Verdict::Denied => "denied",
        Verdict::Unknown => "unknown",
    }
}

fn way(way: Way) -> &'static str {
    match way {
        Way::Key => "access key",
        Way::Session => "session without MFA",
        Way::SessionMfa => "session with MFA",
        Way::Console => "console without MFA",
        Way::ConsoleMfa => "console with MFA",
    }
}

fn why(policies: Policies<'_>, answer: &Answer, (action, resource): (&str, &str)) -> String {
    let Some(decision) = &answer.decision else { return own_rule(answer) };
    let named = |all: &[StatementId]| {
        all.iter()
            .map(|at| format!("{}{}", name_of(policies, *at), place(policies, *at)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match decision.ground {
        Ground::Deny => format!("denied by {}", named(&decision.by)),
        Ground::Allow => format!("allowed by {}, and nothing denies it", named(&decision.by)),
        Ground::Boundary => {
            // With both, the service control policies allow everything that they do not deny.
            let is_of_organization = |document: &Document| document.kind == PolicyKind::Organization;
            let of = if policies.boundary.iter().all(is_of_organization) {
                "service control policies"
            } else {
                "permissions boundary"
            };
            format!("no statement of the {of} allows it")
        }
        Ground::NothingAllows => {
            let near = |(at, miss): &(StatementId, Miss)| {
                let why = match miss {
                    Miss::Resource => "allows it on other resources",
                    Miss::Condition => "allows it under a condition that does not hold",
                };
                format!("; {}{} {why}", name_of(policies, *at), place(policies, *at))
            };
            let near: String = answer.near.iter().take(3).map(near).collect();
            format!("no statement allows {action} on {resource}{near}")
        }
        Ground::Unknown => {
            let reasons: Vec<String> = decision.reasons.iter().map(ToString::to_string).collect();
            let by = if decision.by.is_empty() { String::new() } else { format!("; see {}", named(&decision.by)) };
            format!("{}{by}", reasons.join(", and "))
        }
    }
}

/// ` (p.json:17)`, the line of a statement.
fn place(policies: Policies<'_>, at: StatementId) -> String {
    let document = &if at.is_boundary { policies.boundary } else { policies.identity }[at.document];
    format!(" (line {})", document.place(document.statements[at.statement].span.start).line)
}

/// A decision that STS makes itself.
fn own_rule(answer: &Answer) -> String {
    match answer.verdict {
        Verdict::Allowed => "AWS allows it, whatever the policies say",
        _ if answer.way.has_mfa() => {
            "a session from GetSessionToken cannot call STS, except AssumeRole and GetCallerIdentity"
        }
        _ => "a session without MFA cannot call IAM, or STS except AssumeRole and GetCallerIdentity",
    }
    .to_owned()
}

fn object(policies: Policies<'_>, case: &Case, (action, resource): (&str, &str), answers: &[Answer]) -> Value {
    let one = |answer: &Answer| {
        let by = answer.decision.iter().flat_map(|it| &it.by).map(|at| json::statement(policies, *at));
        let near = answer.near.iter().map(|(at, _)| json::statement(policies, *at));
        let depends_on = answer.decision.iter().flat_map(|it| &it.reasons).map(ToString::to_string);
        let own = value!({
            "verdict": word(answer.verdict),
            "by": by.collect::<Vec<_>>(),
            "near": near.collect::<Vec<_>>(),
            "depends_on": depends_on.collect::<Vec<_>>(),
            "why": why(policies, answer, (action, resource)),
        });
        (answer.way.id().to_owned(), own)
    };
    value!({
        "action": action,
        "resource": resource,
        "user": format!("{}{}", case.subject.path(), case.subject.name()),
        "account": case.subject.account.as_str(),
        "partition": case.subject.partition.as_str(),
        "ways": answers.iter().map(one).collect::<Map<String, Value>>(),
    })
}
