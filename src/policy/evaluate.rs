//! Documents and a request → a decision, as IAM makes it for one principal.
//!
//! An explicit deny overrides everything; otherwise a statement must allow the request, and so must the permissions
//! boundary if there is one; otherwise it is denied. The logic is three-valued: a condition key that the context does
//! not mention is unknown, and makes the decision unknown only if it matters.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

mod condition;
mod context;
pub(super) mod pattern;
mod truth;

use super::document::{Condition, Document, Scope, Statement};

pub(super) use condition::{date, has_variables, holds as condition_holds, if_absent, network, number};
pub use context::{Context, Known};
pub use pattern::matches_action;
pub use truth::{Reason, Truth};

/// Everything that applies to the principal.
#[derive(Clone, Copy, Debug)]
pub struct Policies<'a> {
    /// The documents that allow and deny.
    pub identity: &'a [Document],
    /// The documents of the permissions boundary, if there is one.
    pub boundary: &'a [Document],
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `service:Action`
    pub action: &'a str,
    /// The ARN that it acts on; `*` for an action without a specific resource.
    pub resource: &'a str,
    /// The request's condition keys.
    pub context: &'a Context,
    /// Is it assumed to be allowed by a policy that is not given, so that only a Deny or the boundary matters?
    pub is_allowed_elsewhere: bool,
}

/// The outcome.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Allowed.
    Allowed,
    /// Denied.
    Denied,
    /// It depends on something unknown.
    Unknown,
}

/// Why.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ground {
    /// A statement denies the request.
    Deny,
    /// A statement allows the request, and nothing denies it.
    Allow,
    /// No statement allows the request.
    NothingAllows,
    /// A statement would allow the request, but the permissions boundary does not.
    Boundary,
    /// It is unknown whether a decisive statement matches.
    Unknown,
}

/// A statement among all the documents.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct StatementId {
    /// Is it in the boundary?
    pub is_boundary: bool,
    /// The document, counted from 0.
    pub document: usize,
    /// The statement, counted from 0.
    pub statement: usize,
}

/// A decision, the statements behind it, and, if it is unknown, what it depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The outcome of a request.
    pub verdict: Verdict,
    /// Why.
    pub ground: Ground,
    /// The deciding statements, or, if the decision is unknown, those that may decide.
    pub by: Vec<StatementId>,
    /// What an unknown decision depends on.
    pub reasons: Vec<Reason>,
}

/// The combined result of all statements with the same effect.
struct Side {
    truth: Truth,
    by: Vec<StatementId>,
}

/// Decides a request.
pub fn evaluate(policies: Policies<'_>, request: &Request<'_>) -> Decision {
    let mut deny = side(policies.identity, false, true, request);
    let limit = side(policies.boundary, true, true, request);
    deny.truth = deny.truth.or(limit.truth);
    deny.by.extend(limit.by);
    let decided = |verdict, ground, by| Decision { verdict, ground, by, reasons: Vec::new() };
    if deny.truth == Truth::Yes {
        let by = deny.by.into_iter().filter(|at| holds(policies, *at, request) == Truth::Yes).collect();
        return decided(Verdict::Denied, Ground::Deny, by);
    }
    let mut allow = side(policies.identity, false, false, request);
    if request.is_allowed_elsewhere {
        allow.truth = Truth::Yes;
    }
    if allow.truth == Truth::No {
        return decided(Verdict::Denied, Ground::NothingAllows, Vec::new());
    }
    let limit = match policies.boundary {
        [] => Side { truth: Truth::Yes, by: Vec::new() },
        documents => side(documents, true, false, request),
    };
    if limit.truth == Truth::No {
        return decided(Verdict::Denied, Ground::Boundary, allow.by);
    }
    let by: Vec<StatementId> = allow.by.into_iter().chain(limit.by).collect();
    match deny.truth.not().and(allow.truth).and(limit.truth) {
        Truth::Yes => {
            let by = by.into_iter().filter(|at| holds(policies, *at, request) == Truth::Yes).collect();
            decided(Verdict::Allowed, Ground::Allow, by)
        }
        Truth::No => decided(Verdict::Denied, Ground::NothingAllows, Vec::new()),
        Truth::Unknown(reasons) => {
            let may = deny.by.into_iter().chain(by).filter(|at| holds(policies, *at, request) != Truth::Yes).collect();
            Decision { verdict: Verdict::Unknown, ground: Ground::Unknown, by: may, reasons }
        }
    }
}

/// Combines all statements of one effect, and collects those that match or may match.
fn side(documents: &[Document], is_boundary: bool, is_deny: bool, request: &Request<'_>) -> Side {
    let (mut truth, mut by) = (Truth::No, Vec::new());
    for (document, of) in documents.iter().enumerate() {
        if of.is_unread {
            truth = truth.or(Truth::unknown(Reason::Unread(of.unknown())));
        }
        for (statement, one) in of.statements.iter().enumerate().filter(|(_, one)| one.is_deny == is_deny) {
            let matched = matches(of, one, request);
            if matched != Truth::No {
                by.push(StatementId { is_boundary, document, statement });
                truth = truth.or(matched);
            }
        }
    }
    Side { truth, by }
}

fn holds(policies: Policies<'_>, at: StatementId, request: &Request<'_>) -> Truth {
    let documents = if at.is_boundary { policies.boundary } else { policies.identity };
    let document = &documents[at.document];
    matches(document, &document.statements[at.statement], request)
}

/// Does the statement match this request?
pub fn matches(document: &Document, statement: &Statement, request: &Request<'_>) -> Truth {
    // The action first: most statements fail on it, and it costs no allocation.
    if !covers_action(&statement.action, request.action) {
        return Truth::No;
    }
    let resource = match &statement.resource {
        Some(scope) => covers_resource(document, scope, request),
        None => Truth::Yes,
    };
    if resource == Truth::No {
        return Truth::No;
    }
    let mut all = resource;
    for condition in &statement.conditions {
        all = all.and(condition::holds(document.version, condition, request.context));
        if all == Truth::No {
            break;
        }
    }
    all
}

/// Do all these conditions of a statement hold?
pub fn hold<'a>(document: &Document, conditions: impl IntoIterator<Item = &'a Condition>, context: &Context) -> Truth {
    let one = |condition: &Condition| condition::holds(document.version, condition, context);
    conditions.into_iter().map(one).fold(Truth::Yes, Truth::and)
}

/// Does `Action` or `NotAction` cover that action? Case does not matter.
pub fn covers_action(scope: &Scope, action: &str) -> bool {
    scope.list.items.iter().any(|item| matches_action(&item.value, action)) != scope.is_all_but
}

/// Does `Resource` or `NotResource` cover the request's resource?
pub fn covers_resource(document: &Document, scope: &Scope, request: &Request<'_>) -> Truth {
    let mut any = Truth::No;
    for item in &scope.list.items {
        let matched = pattern::matches_resource(document.version, &item.value, request.resource, request.context);
        // A variable without a value matches nothing; AWS does not say whether a `NotResource` then means everything.
        let matched = match matched {
            pattern::Match::Unresolved(key) if scope.is_all_but => Truth::unknown(Reason::NoValue(key)),
            pattern::Match::Unresolved(_) => Truth::No,
            pattern::Match::Is(truth) => truth,
        };
        any = any.or(matched);
        if any == Truth::Yes {
            break;
        }
    }
    if scope.is_all_but { any.not() } else { any }
}
