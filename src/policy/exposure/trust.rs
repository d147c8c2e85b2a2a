//! Does a role's trust policy admit a user without MFA?
//!
//! Any principal that may be a user counts as one: `*`, an account, a user, a `NotPrincipal`. Roles, services and
//! federated principals do not: their credentials never carry MFA, which must be required where they come from.

use super::contexts::{Base, Clause, meet};
use super::{Budget, MOST};
use crate::policy::document::{Document, Statement, Text};
use crate::policy::evaluate::pattern::PatternPart;
use crate::policy::evaluate::{Context, matches_action};
use crate::policy::journey::{Subject, Way};

/// A statement that admits a user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::policy) struct Entrance {
    pub(in crate::policy) statement: usize,
    pub(in crate::policy) way: Way,
}

/// The ways without MFA on which STS lets a user assume a role.
const WAYS: [Way; 3] = [Way::Key, Way::Session, Way::Console];

const ASSUME: [&str; 4] =
    ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoot"];

/// The first statement that admits a user without MFA.
pub(in crate::policy) fn open(document: &Document, subject: &Subject) -> Option<Entrance> {
    entrances(document, subject).into_iter().next()
}

/// Every statement that admits a user without MFA, with the first way on which it does.
pub(in crate::policy) fn entrances(document: &Document, subject: &Subject) -> Vec<Entrance> {
    let allows = document.statements.iter().enumerate().filter(|(_, it)| !it.is_deny && assumes(it));
    let entrance = |(statement, one): (usize, &Statement)| {
        let way = WAYS.into_iter().find(|way| lets_in(document, one, *way, subject))?;
        Some(Entrance { statement, way })
    };
    allows.filter_map(entrance).collect()
}

fn assumes(statement: &Statement) -> bool {
    let covers = |action: &&str| {
        statement.action.list.items.iter().any(|item| matches_action(&item.value, action))
            != statement.action.is_all_but
    };
    ASSUME.iter().any(covers)
}

/// Who is admitted, or kept out.
enum Who<'a> {
    Everyone,
    Account(&'a str),
    User(&'a str),
}

impl<'a> Who<'a> {
    /// For a principal that may be a user.
    fn of(text: &'a Text) -> Option<Self> {
        let text = text.value.as_str();
        let mut parts = text.splitn(6, ':');
        let (account, name) = (parts.nth(4), parts.next());
        match name {
            None if text == "*" => Some(Self::Everyone),
            None if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) => Some(Self::Account(text)),
            // The ID of a role, or of a role session.
            None if text.starts_with("AROA") => None,
            Some("root") => account.map(Self::Account),
            Some(name) if name.starts_with("role/") || name.starts_with("assumed-role/") => None,
            None | Some(_) => Some(Self::User(text)),
        }
    }

    fn account(&self) -> Option<&'a str> {
        match self {
            Self::Everyone => None,
            Self::Account(account) => Some(account),
            Self::User(text) => text.split(':').nth(4),
        }
    }
}

/// The statement's principals that may be users.
fn whom(statement: &Statement) -> Vec<Who<'_>> {
    if statement.is_everyone || statement.is_all_but_principals {
        return vec![Who::Everyone];
    }
    statement.principals.iter().filter_map(Who::of).collect()
}

fn lets_in(document: &Document, allow: &Statement, way: Way, subject: &Subject) -> bool {
    whom(allow).iter().any(|who| {
        let denies = document.statements.iter().filter(|it| it.is_deny && stops(it) && hits(it, who));
        let denies: Vec<Clause<'_>> =
            denies.map(|it| Clause { version: document.version, conditions: &it.conditions }).collect();
        let must = Clause { version: document.version, conditions: &allow.conditions };
        let context = context(way, who, subject);
        let user: Vec<PatternPart> = "arn:*:iam::*:user/*".chars().map(step).collect();
        let base = Base { context: &context, within: Some(("aws:PrincipalArn", user)) };
        // If it takes too long to decide, it counts as admitting someone.
        !matches!(meet(&base, &[must], &denies, &mut Budget::new(MOST)), Ok(None))
    })
}

fn step(c: char) -> PatternPart {
    if c == '*' { PatternPart::Any { over_colons: false } } else { PatternPart::Is(c) }
}

/// Does the Deny cover assuming the role?
fn stops(statement: &Statement) -> bool {
    statement.action.list.items.iter().any(|item| matches_action(&item.value, ASSUME[0])) != statement.action.is_all_but
}

/// Does the Deny certainly apply to everyone that this stands for?
fn hits(deny: &Statement, who: &Who<'_>) -> bool {
    if deny.is_everyone && !deny.is_all_but_principals {
        return true;
    }
    let is_in = |text: &Text| match (Who::of(text), who) {
        (Some(Who::Everyone), _) => true,
        (Some(Who::Account(own)), who) => who.account() == Some(own),
        (Some(Who::User(own)), Who::User(other)) => own == *other,
        _ => false,
    };
    if !deny.is_all_but_principals {
        return deny.principals.iter().any(is_in);
    }
    // `NotPrincipal`: a principal that may be among the exceptions is not certainly denied.
    let may_be = |text: &Text| match (Who::of(text), who) {
        (None, _) => false,
        (Some(Who::User(own)), Who::User(other)) => own == *other,
        (Some(own), who) => own.account().is_none() || who.account().is_none() || own.account() == who.account(),
    };
    !deny.is_everyone && !deny.principals.iter().any(may_be)
}

/// What is known about a user on that way: the user of the check is only one of many.
fn context(way: Way, who: &Who<'_>, subject: &Subject) -> Context {
    let context = subject.context(way, false).forget(&["aws:username", "aws:PrincipalArn", "aws:PrincipalAccount"]);
    match who {
        Who::User(text) if text.contains(":user/") => {
            let name = text.rsplit('/').next().unwrap_or_default();
            context.with("aws:PrincipalArn", *text).with("aws:username", name)
        }
        _ => context,
    }
}
