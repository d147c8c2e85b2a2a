//! Rules 1, 2, 4, 10 and 11 in a role's trust policy: who can assume the role without MFA?
//!
//! Only the MFA conditions of a statement are judged, not its principals or its other conditions.

use super::retest::retest;
use super::{AGE, Asks, Finding, Inspection, Rule};
use crate::policy::document::{Condition, Order, Statement, Test, Text};
use crate::policy::evaluate::{Request, Truth, covers_action, hold, matches};
use crate::policy::journey::Way;

/// The ways without MFA on which STS lets a user assume a role.
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
                "a session without MFA has `aws:MultiFactorAuthPresent` with the value `false`"
            } else {
                "a request signed with a long-term access key lacks the MFA keys, and `…IfExists` holds when they are missing"
            },
            &format!("use `{}`", strict(condition)),
        );
        // For a condition that does not require MFA, the intention cannot be guessed.
        let is_odd = weak.is_none() || matches!(asks, Asks::Bool { wants: false, .. });
        let value = is_null.then_some("true");
        let edits = if is_odd { Vec::new() } else { retest(one, condition, strict(condition), value) };
        return Some(finding.with_edits(edits));
    }
    // This statement requires MFA: can all its principals have it, and is there no way around it?
    never(one).or_else(|| past(one))
}

/// A Deny that does not stop some way without MFA, which another statement then admits.
fn deny(one: &Inspection<'_>) -> Option<Finding> {
    let lets_in = |way: Way| {
        let others = allows(one).filter(|other| !other.principals.is_empty() && !other.principals.iter().all(is_role));
        others.into_iter().any(|other| hold(one.document, mfa(other), one.look.context(way, false)) != Truth::No)
    };
    let is_open = |way: &Way| asked(one, *way) == Truth::No && !is_denied(one, *way) && lets_in(*way);
    let Some(way) = WAYS.into_iter().find(is_open) else {
        // It is meant for users; an admitted role always meets it.
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
        "only a condition that also holds when the MFA keys are missing stops long-term keys, and only `false` stops sessions",
        &format!("use `{name}`"),
    );
    let value = matches!(asks, Asks::Null { .. }).then_some("false");
    let edits = retest(one, condition, name, value);
    Some(finding.with_edits(edits))
}

/// Rule 11: one of the principals that must have MFA is a role.
fn never(one: &Inspection<'_>) -> Option<Finding> {
    let role = one.statement.principals.iter().find(|text| is_role(text))?;
    one.asks().next().map(|(condition, _)| chained(one, condition, role))
}

fn chained(one: &Inspection<'_>, condition: &Condition, role: &Text) -> Finding {
    one.breaks(
        Rule::RoleHasNoMfa,
        condition.operator_span.start,
        format!("`{}` can never meet this MFA condition", role.value),
        "a role's credentials carry no MFA information, so the second role of a chain cannot require MFA",
        "require MFA where the chain starts, in the first role's trust policy, and remove it here",
    )
}

/// Rule 10: another statement, without MFA, admits the same principal.
fn past(one: &Inspection<'_>) -> Option<Finding> {
    let others = allows(one).filter(|other| other.span != one.statement.span && mfa(other).next().is_none());
    let own = |text: &&Text| one.statement.principals.iter().any(|other| other.value == text.value);
    let is_open = WAYS.into_iter().any(|way| !is_denied(one, way));
    let text = others.flat_map(|other| &other.principals).find(own).filter(|_| is_open)?;
    Some(one.breaks(
        Rule::TrustWithoutMfa,
        text.span.start,
        format!("`{}` can also assume the role without MFA", text.value),
        "another statement requires MFA, but one Allow without it is enough",
        "require MFA in every statement that names it",
    ))
}

/// All statements that let someone assume the role, this one included.
fn allows<'a>(one: &Inspection<'a>) -> impl Iterator<Item = &'a Statement> {
    let is_meant = |other: &&Statement| !other.is_deny && covers_action(&other.action, ASSUME);
    one.document.statements.iter().filter(is_meant)
}

fn mfa(statement: &Statement) -> impl Iterator<Item = &Condition> {
    statement.conditions.iter().filter(|condition| super::is_of_mfa(condition))
}

/// The value of the statement's MFA conditions on that way.
fn asked(one: &Inspection<'_>, way: Way) -> Truth {
    hold(one.document, mfa(one.statement), one.look.context(way, false))
}

/// Does another Deny certainly stop everyone on that way?
fn is_denied(one: &Inspection<'_>, way: Way) -> bool {
    let context = one.look.context(way, false);
    let request = Request { action: ASSUME, resource: "*", context, is_allowed_elsewhere: false };
    let is_of_all =
        |other: &&Statement| other.is_deny && other.principals.is_empty() && other.span != one.statement.span;
    one.document.statements.iter().filter(is_of_all).any(|other| matches(one.document, other, &request) == Truth::Yes)
}

/// Does the condition hold for some principals without MFA?
fn is_weak(condition: &Condition, asks: Asks) -> bool {
    match asks {
        Asks::Bool { is_if_exists, .. } => is_if_exists,
        Asks::Null { wants_absent } => !wants_absent,
        Asks::Otherwise => condition.operator.is_if_exists,
    }
}

/// The operator that requires MFA.
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
