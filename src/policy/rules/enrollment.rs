//! The other half of rule 5: actions that enrollment needs and no statement allows. They are reported together, so that
//! users do not discover them one by one, even if a Deny also applies to them.

use super::exceptions::{SERVES, WHY_NEEDED};
use super::{Finding, Inspected, NEEDED, Rule, Severity};
use crate::policy::document::Document;
use crate::policy::evaluate::{Ground, Policies, Verdict};
use crate::policy::journey::{self, Cell, Expected, Journey, Stage, Way};

pub(super) fn look(look: &Inspected<'_>, found: &mut Vec<Finding>) {
    let Some(journey) = look.journey else { return };
    // A Deny explains why it is denied, but not that nothing allows it; a wrong resource does explain that.
    let is_explained = |at: &(Stage, Way)| {
        found.iter().any(|finding| finding.rule != Rule::EnrollmentBlocked && finding.explains.contains(at))
    };
    let (mut of_users, mut of_devices, mut explains) = (Vec::new(), Vec::new(), Vec::new());
    let mut without_denies = None;
    for (action, steps) in NEEDED.into_iter().zip(SERVES) {
        for way in [Way::Key, Way::Console] {
            // If one of two device names is allowed, the resource is what is wrong.
            let cells = steps.iter().map(|step| (*step, way));
            if !cells.clone().all(|(step, way)| is_unallowed(look, journey, step, way, &mut without_denies))
                || cells.clone().all(|at| is_explained(&at))
            {
                continue;
            }
            explains.extend(cells);
            let names = if steps.contains(&Stage::CreateNamed) { &mut of_devices } else { &mut of_users };
            if !names.contains(&action) {
                names.push(action);
            }
        }
    }
    let partition = look.subject.partition.as_str();
    let path = look.subject.path();
    let both = [
        (of_users, format!("arn:{partition}:iam::*:user/{path}${{aws:username}}")),
        (of_devices, format!("arn:{partition}:iam::*:mfa/*")),
    ];
    let missing: Vec<&str> = both.iter().flat_map(|(names, _)| names).copied().collect();
    if missing.is_empty() {
        return;
    }
    let allows = both.iter().filter(|(names, _)| !names.is_empty());
    let allows: Vec<String> = allows
        .map(|(names, resource)| format!("{} on `{resource}`", super::listed(names).unwrap_or_default()))
        .collect();
    found.push(Finding {
        severity: Severity::Failure,
        rule: Rule::EnrollmentBlocked,
        at: None,
        place: None,
        what: format!(
            "users cannot enroll a device: nothing allows {} without MFA",
            super::listed(&missing).unwrap_or_default()
        ),
        why: WHY_NEEDED.to_owned(),
        repair: format!("allow {}", allows.join(", and ")),
        edits: Vec::new(),
        explains,
        opens: None,
    });
}

/// If nothing denied it, would still nothing allow it?
fn is_unallowed(
    look: &Inspected<'_>,
    journey: &Journey,
    step: Stage,
    way: Way,
    without_denies: &mut Option<Vec<Document>>,
) -> bool {
    let Cell::Judged { verdict: Verdict::Denied, expected: Expected::Allowed, request, decision: Some(decision) } =
        journey.cell(step, way)
    else {
        return false;
    };
    if decision.ground != Ground::Deny {
        return decision.ground == Ground::NothingAllows;
    }
    let Some((action, resource)) =
        journey.rows.iter().find(|row| row.step == step).and_then(|row| row.requests.get(*request))
    else {
        return false;
    };
    let identity = without_denies.get_or_insert_with(|| {
        let mut documents = look.policies.identity.to_vec();
        for document in &mut documents {
            document.statements.retain(|statement| !statement.is_deny);
        }
        documents
    });
    let policies = Policies { identity, boundary: look.policies.boundary };
    let of = journey::Asked { policies, subject: look.subject };
    let (_, decision) = journey::decide(of, way, action, resource, false);
    decision.is_some_and(|decision| decision.ground == Ground::NothingAllows)
}
