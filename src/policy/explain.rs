//! Explains a request on each way in: allowed or denied, and by which statement.

use super::document::{Document, Statement};
use super::evaluate::{Decision, Policies, Request, StatementId, Truth, Verdict, covers_action, covers_resource};
use super::journey::{Asked, Journey, Subject, Way, decide};

/// The outcome of a request on one way in.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The way in.
    pub way: Way,
    /// The outcome.
    pub verdict: Verdict,
    /// The decision; `None` for a rule of STS itself, which no policy changes.
    pub decision: Option<Decision>,
    /// If nothing allows it: the statements that allow the action but do not apply, and why.
    pub near: Vec<(StatementId, Miss)>,
}

/// Why a statement that allows the action does not apply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Miss {
    /// It covers other resources.
    Resource,
    /// A condition does not hold.
    Condition,
}

/// The resource to use if none was given: the user's own, or one that the policies name.
pub fn resource_for(policies: Policies<'_>, subject: &Subject, action: &str) -> String {
    let journey = Journey::play(policies, subject, Some(action));
    let requests = journey.rows.iter().flat_map(|row| &row.requests);
    let own = requests.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(action)).map(|(_, resource)| resource);
    own.cloned().unwrap_or(journey.work.resource)
}

/// One answer for each way in.
pub fn explain(policies: Policies<'_>, subject: &Subject, action: &str, resource: &str) -> Vec<Answer> {
    let answer = |way: Way| {
        let (verdict, decision) = decide(Asked { policies, subject }, way, action, resource, false);
        let is_open = decision.as_ref().is_some_and(|it| verdict == Verdict::Denied && it.by.is_empty());
        let near = if is_open { near(policies, subject, way, (action, resource)) } else { Vec::new() };
        Answer { way, verdict, decision, near }
    };
    Way::ALL.into_iter().map(answer).collect()
}

fn near(
    policies: Policies<'_>,
    subject: &Subject,
    way: Way,
    (action, resource): (&str, &str),
) -> Vec<(StatementId, Miss)> {
    let context = subject.context(way, action.to_ascii_lowercase().starts_with("iam:"));
    let request = Request { action, resource, context: &context, is_allowed_elsewhere: false };
    let miss = |document: &Document, one: &Statement| {
        let covers = one.resource.as_ref().is_none_or(|scope| covers_resource(document, scope, &request) != Truth::No);
        if covers { Miss::Condition } else { Miss::Resource }
    };
    let mut found = Vec::new();
    for (document, of) in policies.identity.iter().enumerate() {
        for (statement, one) in of.statements.iter().enumerate() {
            if !one.is_deny && covers_action(&one.action, action) {
                let at = StatementId { is_boundary: false, document, statement };
                found.push((at, miss(of, one)));
            }
        }
    }
    found
}
