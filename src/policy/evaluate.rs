//! Documents and a request → a decision, as IAM makes it for one principal.
//!
//! An explicit deny beats everything; else a statement must allow it, and the permissions boundary too where there is
//! one; else it is denied. The logic has three values: what the context does not say is unknown, and only where it
//! matters. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

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
    /// What grants and denies.
    pub identity: &'a [Document],
    /// What limits: the permissions boundary's documents, if there are any.
    pub boundary: &'a [Document],
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `service:Action`
    pub action: &'a str,
    /// The ARN that it acts on; `*` for an action that acts on none.
    pub resource: &'a str,
    /// What the request brings along.
    pub context: &'a Context,
    /// Is it taken as allowed by a policy that is not at hand, so that only a deny or the boundary matters?
    pub is_allowed_elsewhere: bool,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It may be done.
    Allowed,
    /// It may not.
    Denied,
    /// It depends on what nobody said.
    Unknown,
}

/// Why.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ground {
    /// A statement denies it.
    Deny,
    /// A statement allows it, and nothing denies it.
    Allow,
    /// No statement speaks for it.
    NothingAllows,
    /// A statement would allow it, but the permissions boundary has none that does.
    Boundary,
    /// A statement may match, and that it is decisive is known.
    Unknown,
}

/// One statement of all the documents.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct StatementId {
    /// Does it stand in the boundary?
    pub is_boundary: bool,
    /// The document, counted from 0.
    pub document: usize,
    /// The statement, counted from 0.
    pub statement: usize,
}

/// A decision, the statements that made it, and what it depends on where it is unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What comes of it.
    pub verdict: Verdict,
    /// Why.
    pub ground: Ground,
    /// The statements that decide, or, where it is unknown, that may.
    pub by: Vec<StatementId>,
    /// What an unknown decision depends on.
    pub reasons: Vec<Reason>,
}

/// What the statements of one effect say together.
struct Side {
    truth: Truth,
    by: Vec<StatementId>,
}

/// Decides.
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

/// All statements of one effect, and those of them that match or may match.
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

/// Does the statement speak of this request?
pub fn matches(document: &Document, statement: &Statement, request: &Request<'_>) -> Truth {
    // The action first: it is what most statements fail by, and costs no allocation.
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

/// Does `Action` or `NotAction` cover that action? Services and actions have no case.
pub fn covers_action(scope: &Scope, action: &str) -> bool {
    scope.list.items.iter().any(|item| matches_action(&item.value, action)) != scope.is_all_but
}

/// Does `Resource` or `NotResource` cover the request's resource?
pub fn covers_resource(document: &Document, scope: &Scope, request: &Request<'_>) -> Truth {
    let mut any = Truth::No;
    for item in &scope.list.items {
        let matched = pattern::matches_resource(document.version, &item.value, request.resource, request.context);
        // A variable without a value matches nothing; that all but nothing is meant then, AWS does not say.
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
