//! A permissions boundary, or a service control policy, that denies users what they need: one cause, so one finding.

use super::{Finding, Inspected, Rule};
use crate::policy::document::PolicyKind;
use crate::policy::evaluate::{Ground, StatementId};
use crate::policy::journey::{Cell, Expected, Stage, Way};

pub(super) fn look(look: &Inspected<'_>, found: &mut Vec<Finding>) {
    let Some(journey) = look.journey else { return };
    for is_denied in [false, true] {
        let (mut actions, mut explains, mut at): (Vec<&str>, Vec<(Stage, Way)>, Option<StatementId>) =
            Default::default();
        for row in &journey.rows {
            for way in Way::ALL {
                let cell = journey.cell(row.step, way);
                let Cell::Judged { expected: Expected::Allowed, request, decision: Some(decision), .. } = cell else {
                    continue;
                };
                let is_it = match decision.ground {
                    Ground::Boundary => !is_denied,
                    Ground::Deny => is_denied && decision.by.iter().all(|at| at.is_boundary),
                    _ => false,
                };
                if is_it {
                    let action = row.requests[*request].0.as_str();
                    explains.push((row.step, way));
                    if !actions.contains(&action) {
                        actions.push(action);
                    }
                    at = at.or_else(|| decision.by.first().copied().filter(|_| is_denied));
                }
            }
        }
        let Some((names, document)) = super::listed(&actions).zip(look.policies.boundary.first()) else { continue };
        let at = at.unwrap_or(StatementId { is_boundary: true, document: 0, statement: 0 });
        let of = &look.policies.boundary[at.document];
        let offset = of.statements.get(at.statement).map_or(document.span.start, |statement| statement.span.start);
        let whose = if of.kind == PolicyKind::Organization { "service control policy" } else { "permissions boundary" };
        let verb = if is_denied { "denies" } else { "does not allow" };
        found.push(Finding {
            severity: Rule::BoundaryBlocks.severity(),
            rule: Rule::BoundaryBlocks,
            at: Some(at),
            place: Some(of.place(offset)),
            what: format!("the {whose} {verb} {names}"),
            why: "it limits what the other policies allow, and users need this to enroll a device or to work"
                .to_owned(),
            repair: if is_denied {
                format!("exempt {names} from its Deny")
            } else {
                format!("allow {names} there as well")
            },
            edits: Vec::new(),
            explains,
            opens: None,
        });
    }
}
