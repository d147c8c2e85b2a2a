//! The action that stands for the user's work: the requested one, else one that the policies allow, else any.

use super::subject::{Subject, Way};
use super::{Asked, Verdict, decide};
use crate::policy::actions::example;
use crate::policy::document::{Document, Scope, Statement};
use crate::policy::evaluate::pattern::{Piece, Resolved, resolve};
use crate::policy::evaluate::{Policies, covers_action};

/// The work.
#[derive(Clone, Debug)]
pub struct Work {
    /// The action, possibly made up from a pattern.
    pub action: String,
    /// The resource, made up from the statement that allows the action; `*` if there is none.
    pub resource: String,
    /// Is it assumed to be allowed by a policy that is not given?
    pub is_assumed: bool,
}

/// Stand-ins for a wildcard that allows more than one name can show.
const ANY_ACTION: [&str; 3] = ["s3:ListAllMyBuckets", "ec2:DescribeInstances", "cloudwatch:ListMetrics"];

/// The number of statements to search: users who can work at all can work with one of the first.
const MOST: usize = 32;

impl Work {
    pub(super) fn choose(policies: Policies<'_>, subject: &Subject, asked: Option<&str>) -> Self {
        if let Some(action) = asked {
            let found = allows(policies).find(|(_, statement)| covers_action(&statement.action, action));
            let resource = found.map_or_else(|| "*".to_owned(), |(of, one)| sample_resource(of, one, subject));
            return Self { action: action.to_owned(), resource, is_assumed: false };
        }
        let candidates = allows(policies).filter_map(|(document, statement)| {
            let action = sample_action(&statement.action, |service| !is_own(service))?;
            Some((action, sample_resource(document, statement, subject)))
        });
        // Users who can do nothing else assume roles.
        let roles = allows(policies).filter(|(_, statement)| names_role(statement));
        let roles = roles.map(|(document, one)| (ASSUME.to_owned(), sample_resource(document, one, subject)));
        for (action, resource) in candidates.take(MOST).chain(roles.take(MOST)) {
            let is_denied =
                |way| decide(Asked { policies, subject }, way, &action, &resource, false).0 == Verdict::Denied;
            if Way::ALL.into_iter().any(|way| !is_denied(way)) {
                return Self { action, resource, is_assumed: false };
            }
        }
        Self { action: ANY_ACTION[0].to_owned(), resource: "*".to_owned(), is_assumed: true }
    }
}

fn allows(policies: Policies<'_>) -> impl Iterator<Item = (&Document, &Statement)> {
    let all = policies.identity.iter().flat_map(|document| document.statements.iter().map(move |one| (document, one)));
    all.filter(|(_, statement)| !statement.is_deny)
}

/// The work of users whose resources are in other accounts.
const ASSUME: &str = "sts:AssumeRole";

/// Does the statement allow assuming a role?
fn names_role(statement: &Statement) -> bool {
    covers_action(&statement.action, ASSUME)
}

/// The services that enrollment itself uses.
fn is_own(service: &str) -> bool {
    service.eq_ignore_ascii_case("iam") || service.eq_ignore_ascii_case("sts")
}

/// An action that the element covers, in a service that `is_wanted`.
pub(in crate::policy) fn sample_action(scope: &Scope, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
    let any = || samples(scope).next();
    if scope.is_all_but {
        return any();
    }
    scope.list.items.iter().find_map(|item| match item.value.split_once(':') {
        None => any(),
        Some((service, _)) if service.contains(['*', '?']) => any(),
        Some((service, _)) => is_wanted(service).then(|| known(&item.value)),
    })
}

/// Well-known actions that the element covers.
pub(in crate::policy) fn samples(scope: &Scope) -> impl Iterator<Item = String> {
    ANY_ACTION.into_iter().filter(|action| covers_action(scope, action)).map(str::to_owned)
}

/// A real action that the pattern matches: `s3:Get*` becomes `s3:GetObject`. If none is known, the pattern itself,
/// which matches itself and cannot be mistaken for a name.
fn known(pattern: &str) -> String {
    if pattern.contains(['*', '?']) {
        example(pattern).unwrap_or_else(|| pattern.to_owned())
    } else {
        pattern.to_owned()
    }
}

/// A resource that the statement covers.
pub(in crate::policy) fn sample_resource(document: &Document, statement: &Statement, subject: &Subject) -> String {
    let elsewhere = || format!("arn:{}:any:::any", subject.partition.as_str());
    let Some(scope) = &statement.resource else { return "*".to_owned() };
    match scope.list.items.first() {
        _ if scope.is_all_but => elsewhere(),
        Some(item) if item.value != "*" => {
            match resolve(document.version, &item.value, &subject.context(Way::SessionMfa, false)) {
                Resolved::Pattern(pieces) => pieces.into_iter().map(plain).collect(),
                Resolved::NoValue(_) | Resolved::Unknown(_) => elsewhere(),
            }
        }
        _ => "*".to_owned(),
    }
}

fn plain(piece: Piece) -> String {
    match piece {
        Piece::Char(c) => c.to_string(),
        Piece::One => "x".to_owned(),
        Piece::Any => "any".to_owned(),
    }
}
