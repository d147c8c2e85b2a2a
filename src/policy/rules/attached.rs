//! Rules 11, 14 and 15: policies attached to a role or to an account.

use super::{AGE, Asks, Finding, Inspection, PRESENT, Rule};
use crate::policy::document::{Condition, PolicyKind, Statement, Test, Text};
use crate::policy::evaluate::{Truth, hold, if_absent};
use crate::policy::journey::Way;

pub(super) fn look(one: &Inspection<'_>, found: &mut Vec<Finding>) {
    match one.document.kind {
        PolicyKind::Role => {
            found.extend(role(one));
            found.extend(user_name(one));
        }
        PolicyKind::Organization => found.extend(organization(one)),
        PolicyKind::User | PolicyKind::Trust => {}
    }
}

/// Does the condition hold only with MFA?
fn wants_mfa(condition: &Condition, asks: Asks) -> bool {
    match asks {
        Asks::Bool { wants, is_if_exists } => wants && !is_if_exists,
        Asks::Null { .. } => false,
        Asks::Otherwise => {
            condition.key.value.eq_ignore_ascii_case(AGE) && matches!(condition.operator.test, Test::Number(_))
        }
    }
}

/// Rule 11: a policy of a role.
fn role(one: &Inspection<'_>) -> Option<Finding> {
    let (condition, asks) = one.asks().next()?;
    let start = condition.operator_span.start;
    let finding = match (one.statement.is_deny, asks) {
        (false, asks) if wants_mfa(condition, asks) => one.breaks(
            Rule::RoleHasNoMfa,
            start,
            "this Allow never applies to a role".to_owned(),
            "a role's credentials carry no MFA information, even if the role was assumed with MFA",
            "require MFA in the role's trust policy",
        ),
        (true, Asks::Bool { wants: false, is_if_exists: true }) => one.breaks(
            Rule::RoleHasNoMfa,
            start,
            "this Deny always applies to a role".to_owned(),
            "a role's credentials carry no MFA information, even if the role was assumed with MFA",
            "require MFA in the role's trust policy, and remove the Deny",
        ),
        _ => one
            .breaks(
                Rule::RoleHasNoMfa,
                start,
                "it is unknown what this MFA condition does for a role".to_owned(),
                "AWS does not say whether `aws:MultiFactorAuthPresent` is absent or `false` for a role's credentials",
                "require MFA in the role's trust policy",
            )
            .note_if(true),
    };
    Some(finding)
}

/// Rule 14: a role has no user name.
fn user_name(one: &Inspection<'_>) -> Option<Finding> {
    let resources = one.statement.resource.iter().flat_map(|scope| &scope.list.items);
    // A test that holds if the key is missing does match, and `Null` tests for exactly that.
    let fails = |condition: &&Condition| condition.operator.test != Test::Null && !if_absent(condition.operator);
    let values = one.statement.conditions.iter().filter(fails).flat_map(|condition| &condition.values.items);
    let keys = one.statement.conditions.iter().filter(fails).map(|condition| &condition.key);
    // With a default after a comma, there is a value.
    let has_variable = |text: &&Text| text.value.to_ascii_lowercase().contains("${aws:username}");
    let is_key = |text: &&Text| text.value.eq_ignore_ascii_case("aws:username");
    let text = resources.chain(values).find(has_variable).or_else(|| keys.into_iter().find(is_key))?;
    Some(one.breaks(
        Rule::RoleHasNoUsername,
        text.span.start,
        format!("`{}` has no value for a role", text.value),
        "only users have `aws:username`, so the statement never matches",
        "use `${aws:userid}`, a principal tag, or a default: `${aws:username, 'none'}`",
    ))
}

/// Rule 15: a service control policy that requires MFA from everyone.
fn organization(one: &Inspection<'_>) -> Option<Finding> {
    if !one.statement.is_deny || is_limited(one.statement) {
        return None;
    }
    let (condition, _) = one.asks().next()?;
    let of_mfa = || one.asks().map(|(condition, _)| condition);
    let on = |way| hold(one.document, of_mfa(), one.look.context(way, false)) != Truth::No;
    // For federated users the keys are absent; for roles, AWS does not say, so they are judged like a session's.
    let (is_federated, is_role) = (on(Way::Key), on(Way::Session));
    let whom = match (is_federated, is_role) {
        (true, true) => "also applies to federated principals and roles",
        (true, false) => "also applies to federated principals, and perhaps to roles",
        (false, true) => "may also apply to roles",
        (false, false) => return None,
    };
    let finding = one.breaks(
        Rule::ScpHitsEveryone,
        condition.operator_span.start,
        format!("this Deny {whom}"),
        &format!("for them `{PRESENT}` is missing or `false`, however they signed in"),
        "limit it to users: `\"ArnLike\": {\"aws:PrincipalArn\": \"arn:aws:iam::*:user/*\"}`",
    );
    Some(finding.note_if(!is_federated))
}

/// Does a condition limit the principals that the statement applies to?
pub(super) fn is_limited(statement: &Statement) -> bool {
    let spares = |condition: &Condition| {
        let key = condition.key.value.to_ascii_lowercase();
        matches!(key.as_str(), "aws:principalarn" | "aws:principaltype" | "aws:username")
    };
    statement.conditions.iter().any(spares)
}
