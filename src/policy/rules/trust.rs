//! Rules 1, 2, 4, 10 and 11 in the trust policy of a role: who may assume it without MFA?
//!
//! Only what a statement says of MFA is judged. Who the principals are, and what else is asked of them, stays open.

use super::retest::retest;
use super::{AGE, Asks, Finding, Inspection, Rule};
use crate::policy::document::{Condition, Order, Statement, Test, Text};
use crate::policy::evaluate::{Request, Truth, covers_action, hold, matches};
use crate::policy::journey::Way;

/// A user's ways without MFA that STS lets assume a role.
const WAYS: [Way; 2] = [Way::Key, Way::Session];

const ASSUME: &str = "sts:AssumeRole";

pub(super) fn look(one: &Inspection<'_>, found: &mut Vec<Finding>) {
    if covers_action(&one.statement.action, ASSUME) && one.asks_for_mfa() {
        found.extend(if one.statement.is_deny { deny(one) } else { allow(one) });
    }
}

fn allow(one: &Inspection<'_>) -> Option<Finding> {
    let open: Vec<Way> =
        WAYS.into_iter().filter(|way| asked(one, *way) != Truth::No).filter(|way| !is_denied(one, *way)).collect();
    if let Some(way) = open.first() {
        let weak = one.asks().find(|(condition, asks)| is_weak(condition, *asks));
        let (condition, asks) = weak.or_else(|| one.asks().next())?;
        let is_null = matches!(asks, Asks::Null { .. });
        let finding = one.breaks(
            if is_null { Rule::NullTest } else { Rule::TrustWithoutMfa },
            condition.operator_span.start,
            format!("this trust policy does not enforce MFA: {} can assume the role", holder(*way)),
            if is_null {
                "a session without MFA does have `aws:MultiFactorAuthPresent`, with the value `false`"
            } else {
                "a request that is signed with a long-term key has no MFA keys, and `…IfExists` holds where they are missing"
            },
            &format!("write `{}`", strict(condition)),
        );
        // One that asks for no MFA is meant in a way that nobody can guess.
        let is_odd = weak.is_none() || matches!(asks, Asks::Bool { wants: false, .. });
        let value = is_null.then_some("true");
        let edits = if is_odd { Vec::new() } else { retest(one, condition, strict(condition), value) };
        return Some(finding.with_edits(edits));
    }
    // Here it takes MFA: can all of them have it, and must they?
    never(one).or_else(|| past(one))
}

/// A Deny that some way without MFA gets past, to a statement that lets it in.
fn deny(one: &Inspection<'_>) -> Option<Finding> {
    let lets_in = |way: Way| {
        let others = allows(one).filter(|other| !other.principals.is_empty() && !other.principals.iter().all(is_role));
        others.into_iter().any(|other| hold(one.document, mfa(other), one.look.context(way, false)) != Truth::No)
    };
    let is_open = |way: &Way| asked(one, *way) == Truth::No && !is_denied(one, *way) && lets_in(*way);
    let Some(way) = WAYS.into_iter().find(is_open) else {
        // It is there for users; a role that is let in always meets it.
        let always = WAYS.into_iter().all(|way| asked(one, way) == Truth::Yes);
        let role = allows(one).flat_map(|other| &other.principals).find(|text| is_role(text));
        let (condition, _) = one.asks().next()?;
        return role
            .filter(|_| always && one.statement.principals.is_empty())
            .map(|role| chained(one, condition, role));
    };
    let (condition, asks) = one.asks().next()?;
    let (rule, name) = match asks {
        Asks::Bool { .. } => (Rule::BareKeyOpen, "BoolIfExists"),
        Asks::Null { .. } => (Rule::NullTest, "BoolIfExists"),
        Asks::Otherwise if matches!(condition.operator.test, Test::Number(Order::GreaterOrEqual)) => {
            (Rule::AgeWithoutIfExists, "NumericGreaterThanEqualsIfExists")
        }
        Asks::Otherwise => (Rule::AgeWithoutIfExists, "NumericGreaterThanIfExists"),
    };
    let finding = one.breaks(
        rule,
        condition.operator_span.start,
        format!("this Deny does not apply to everyone without MFA: {} can assume the role", holder(way)),
        "only a condition that also holds where the MFA keys are missing stops long-term keys, and only `false` stops sessions",
        &format!("write `{name}`"),
    );
    let value = matches!(asks, Asks::Null { .. }).then_some("false");
    let edits = retest(one, condition, name, value);
    Some(finding.with_edits(edits))
}

/// Rule 11: one of those who are asked for MFA is a role.
fn never(one: &Inspection<'_>) -> Option<Finding> {
    let role = one.statement.principals.iter().find(|text| is_role(text))?;
    one.asks().next().map(|(condition, _)| chained(one, condition, role))
}

fn chained(one: &Inspection<'_>, condition: &Condition, role: &Text) -> Finding {
    one.breaks(
        Rule::RoleHasNoMfa,
        condition.operator_span.start,
        format!("`{}` can never meet this condition on MFA", role.value),
        "a role's credentials carry no MFA: the second role of a chain cannot ask for it",
        "ask for MFA where the chain starts, in the first role's trust policy, and take it out here",
    )
}

/// Rule 10: the same principal is let in by another statement that asks for no MFA.
fn past(one: &Inspection<'_>) -> Option<Finding> {
    let others = allows(one).filter(|other| other.span != one.statement.span && mfa(other).next().is_none());
    let own = |text: &&Text| one.statement.principals.iter().any(|other| other.value == text.value);
    let is_open = WAYS.into_iter().any(|way| !is_denied(one, way));
    let text = others.flat_map(|other| &other.principals).find(own).filter(|_| is_open)?;
    Some(one.breaks(
        Rule::TrustWithoutMfa,
        text.span.start,
        format!("`{}` can also assume the role without MFA", text.value),
        "another statement asks for MFA, but one Allow without it is enough",
        "ask for MFA in each statement that names it",
    ))
}

/// The other statements that let somebody assume the role, and this one.
fn allows<'a>(one: &Inspection<'a>) -> impl Iterator<Item = &'a Statement> {
    let is_meant = |other: &&Statement| !other.is_deny && covers_action(&other.action, ASSUME);
    one.document.statements.iter().filter(is_meant)
}

fn mfa(statement: &Statement) -> impl Iterator<Item = &Condition> {
    statement.conditions.iter().filter(|condition| super::is_of_mfa(condition))
}

/// What the statement's conditions on MFA come to on that way.
fn asked(one: &Inspection<'_>, way: Way) -> Truth {
    hold(one.document, mfa(one.statement), one.look.context(way, false))
}

/// Does another Deny surely stop whoever comes that way?
fn is_denied(one: &Inspection<'_>, way: Way) -> bool {
    let context = one.look.context(way, false);
    let request = Request { action: ASSUME, resource: "*", context, is_allowed_elsewhere: false };
    let is_of_all =
        |other: &&Statement| other.is_deny && other.principals.is_empty() && other.span != one.statement.span;
    one.document.statements.iter().filter(is_of_all).any(|other| matches(one.document, other, &request) == Truth::Yes)
}

/// Does the condition hold for some who have no MFA?
fn is_weak(condition: &Condition, asks: Asks) -> bool {
    match asks {
        Asks::Bool { is_if_exists, .. } => is_if_exists,
        Asks::Null { wants_absent } => !wants_absent,
        Asks::Otherwise => condition.operator.is_if_exists,
    }
}

/// The operator that takes MFA.
fn strict(condition: &Condition) -> &'static str {
    match condition.operator.test {
        Test::Number(Order::LessOrEqual) if condition.key.value.eq_ignore_ascii_case(AGE) => "NumericLessThanEquals",
        Test::Number(_) => "NumericLessThan",
        _ => "Bool",
    }
}

fn holder(way: Way) -> &'static str {
    if way == Way::Key { "long-term access keys" } else { "sessions without MFA" }
}

fn is_role(text: &Text) -> bool {
    let name = text.value.splitn(6, ':').nth(5).unwrap_or_default();
    name.starts_with("role/") || name.starts_with("assumed-role/")
}
