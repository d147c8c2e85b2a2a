//! Rules 1 to 4, 9, 12 and 16: does a statement that requires MFA really require it from everyone?

use std::fmt;

use super::retest::retest;
use super::{AGE, Asks, Finding, Inspection, NEEDED, Rule};
use crate::policy::document::{Condition, Order, Test};
use crate::policy::evaluate::{Truth, Verdict, covers_action};
use crate::policy::journey::work::{sample_action, sample_resource, samples};
use crate::policy::journey::{Cell, Stage, Way};

/// What an attacker without MFA wants to do.
pub(super) const THEFT: [Stage; 5] = [Stage::Work, Stage::Drop, Stage::Password, Stage::AccessKey, Stage::Other];

pub(super) fn look(one: &Inspection<'_>, found: &mut Vec<Finding>) {
    of_conditions(one, found);
    found.extend(services(one));
    found.extend(deactivate(one));
    found.extend(everything(one));
}

/// Rules 1 to 4.
pub(super) fn of_conditions(one: &Inspection<'_>, found: &mut Vec<Finding>) {
    for (condition, asks) in one.asks() {
        let finding = match (one.statement.is_deny, asks) {
            (true, Asks::Bool { wants: false, is_if_exists: false }) => bool_false(one, condition),
            (true, Asks::Null { wants_absent: true }) => deny_null(one, condition),
            (false, Asks::Null { wants_absent: false }) => allow_null(one, condition),
            (false, Asks::Bool { wants: true, is_if_exists: true }) => allow_if_exists(one, condition),
            (true, Asks::Otherwise) => deny_age(one, condition),
            (false, Asks::Otherwise) => allow_age(one, condition),
            _ => None,
        };
        found.extend(finding);
    }
}

/// A request that a Deny does not stop.
struct Past {
    action: String,
    /// Does nothing here allow it, so that it depends on another policy?
    is_to_come: bool,
}

/// A request that the statement should deny and that nothing else stops on that way; one that the policies allow is
/// preferred.
fn lets_through(one: &Inspection<'_>, way: Way) -> Option<Past> {
    let theft = taken(one, way, |matched| *matched == Truth::No);
    if let Some(action) = theft {
        return Some(Past { action, is_to_come: false });
    }
    let samples = sample_action(&one.statement.action, |_| true).into_iter().chain(samples(&one.statement.action));
    let resource = sample_resource(one.document, one.statement, one.look.subject);
    let mut past = samples.filter(|action| one.look.is_open(way, action, &resource, true));
    let action = past.next()?;
    let is_given = |action: &String| one.look.is_open(way, action, &resource, false);
    if is_given(&action) {
        return Some(Past { action, is_to_come: false });
    }
    if let Some(action) = past.find(is_given) {
        return Some(Past { action, is_to_come: false });
    }
    let is_to_come = one.look.journey.is_some_and(|journey| !journey.work.is_assumed);
    Some(Past { action, is_to_come })
}

/// A request that the statement allows and that nothing else stops on that way.
fn gives(one: &Inspection<'_>, way: Way) -> Option<String> {
    let resource = sample_resource(one.document, one.statement, one.look.subject);
    taken(one, way, |matched| *matched != Truth::No).or_else(|| {
        sample_action(&one.statement.action, |_| true).filter(|action| one.look.is_open(way, action, &resource, false))
    })
}

/// A request of an attacker on that way that the statement covers, if the value of its conditions `is_wanted`.
fn taken(one: &Inspection<'_>, way: Way, is_wanted: impl Fn(&Truth) -> bool) -> Option<String> {
    let journey = one.look.journey?;
    THEFT.into_iter().find_map(|step| {
        let Cell::Judged { verdict: Verdict::Allowed | Verdict::Unknown, request, .. } = journey.cell(step, way) else {
            return None;
        };
        let request = &journey.rows.iter().find(|row| row.step == step)?.requests[*request];
        let (action, resource) = request;
        let scope = one.statement.resource.as_ref();
        let is_about = covers_action(&one.statement.action, action) && scope.is_none_or(|it| one.covers(it, resource));
        (is_about && is_wanted(&one.speaks_of(way, request))).then(|| action.clone())
    })
}

impl fmt::Display for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, is_to_come } = self;
        if *is_to_come {
            write!(f, "{action} would work as soon as a policy allows it")
        } else {
            write!(f, "{action} is allowed")
        }
    }
}

fn bool_false(one: &Inspection<'_>, condition: &Condition) -> Option<Finding> {
    let past = lets_through(one, Way::Key)?;
    let finding = one.breaks(
        Rule::BareKeyOpen,
        condition.operator_span.start,
        format!("this Deny does not apply to long-term access keys: without MFA, {past}"),
        "a request signed with a long-term access key has no `aws:MultiFactorAuthPresent` at all, and `Bool` never \
         matches a missing key",
        "use `BoolIfExists` instead of `Bool`",
    );
    let is_wanted = one.look.options.is_console_only;
    let edits = if is_wanted { Vec::new() } else { retest(one, condition, "BoolIfExists", None) };
    Some(finding.with_edits(edits).note_if(is_wanted || past.is_to_come).explaining(&THEFT, &[Way::Key]))
}

fn deny_null(one: &Inspection<'_>, condition: &Condition) -> Option<Finding> {
    let past = lets_through(one, Way::Console)?;
    let finding = one.breaks(
        Rule::NullTest,
        condition.operator_span.start,
        format!("this Deny does not apply to sessions without MFA: {past}"),
        "a session or sign-in without MFA has `aws:MultiFactorAuthPresent` with the value `false`; only a request \
         signed with a long-term access key lacks it",
        "use `\"BoolIfExists\": {\"aws:MultiFactorAuthPresent\": \"false\"}`",
    );
    let edits = retest(one, condition, "BoolIfExists", Some("false"));
    Some(finding.with_edits(edits).note_if(past.is_to_come).explaining(&THEFT, &[Way::Session, Way::Console]))
}

fn allow_null(one: &Inspection<'_>, condition: &Condition) -> Option<Finding> {
    let action = gives(one, Way::Console)?;
    let finding = one.breaks(
        Rule::NullTest,
        condition.operator_span.start,
        format!("this Allow also applies to sessions without MFA: {action} is allowed"),
        "a session or sign-in without MFA has `aws:MultiFactorAuthPresent` with the value `false`",
        "use `\"Bool\": {\"aws:MultiFactorAuthPresent\": \"true\"}`",
    );
    let edits = retest(one, condition, "Bool", Some("true"));
    Some(finding.with_edits(edits).explaining(&THEFT, &[Way::Session, Way::Console]))
}

fn allow_if_exists(one: &Inspection<'_>, condition: &Condition) -> Option<Finding> {
    let action = gives(one, Way::Key)?;
    let finding = one.breaks(
        Rule::AllowIfExists,
        condition.operator_span.start,
        format!("this Allow also applies to long-term access keys: without MFA, {action} is allowed"),
        "a request signed with a long-term access key lacks the condition key, and `…IfExists` holds when it is missing",
        "use `Bool` instead of `BoolIfExists`",
    );
    Some(finding.with_edits(retest(one, condition, "Bool", None)).explaining(&THEFT, &[Way::Key]))
}

fn deny_age(one: &Inspection<'_>, condition: &Condition) -> Option<Finding> {
    let operator = condition.operator;
    let Test::Number(order @ (Order::Greater | Order::GreaterOrEqual)) = operator.test else { return None };
    if !condition.key.value.eq_ignore_ascii_case(AGE) || operator.is_if_exists {
        return None;
    }
    let past = lets_through(one, Way::Key)?;
    let name = if order == Order::Greater { "NumericGreaterThanIfExists" } else { "NumericGreaterThanEqualsIfExists" };
    let finding = one.breaks(
        Rule::AgeWithoutIfExists,
        condition.operator_span.start,
        format!("this Deny does not apply when there is no MFA at all: {past}"),
        "without MFA a request has no `aws:MultiFactorAuthAge`, and a missing key is not greater than any number",
        &format!("use `{name}`"),
    );
    let ways = [Way::Key, Way::Session, Way::Console];
    Some(finding.with_edits(retest(one, condition, name, None)).note_if(past.is_to_come).explaining(&THEFT, &ways))
}

/// Rule 3, with the age of MFA.
fn allow_age(one: &Inspection<'_>, condition: &Condition) -> Option<Finding> {
    let operator = condition.operator;
    let name = match operator.test {
        Test::Number(Order::Less) => "NumericLessThan",
        Test::Number(Order::LessOrEqual) => "NumericLessThanEquals",
        _ => return None,
    };
    if !condition.key.value.eq_ignore_ascii_case(AGE) || !operator.is_if_exists {
        return None;
    }
    let action = gives(one, Way::Key)?;
    let finding = one.breaks(
        Rule::AllowIfExists,
        condition.operator_span.start,
        format!("this Allow also applies without MFA, when `{AGE}` is missing: {action} is allowed"),
        "without MFA, a request lacks this key, and `…IfExists` holds when it is missing",
        &format!("use `{name}` instead of `{name}IfExists`"),
    );
    let ways = [Way::Key, Way::Session, Way::Console];
    Some(finding.with_edits(retest(one, condition, name, None)).explaining(&THEFT, &ways))
}

/// Rule 12: calls that AWS services make for the user are denied, too.
fn services(one: &Inspection<'_>) -> Option<Finding> {
    let asks_false = |asks: Asks| matches!(asks, Asks::Bool { wants: false, .. });
    let (condition, _) = one.asks().find(|(_, asks)| one.statement.is_deny && asks_false(*asks))?;
    let spares = |condition: &Condition| {
        let key = condition.key.value.to_ascii_lowercase();
        key == "aws:viaawsservice" || key.starts_with("aws:calledvia")
    };
    let is_wide = covers_action(&one.statement.action, "s3:GetObject");
    if !is_wide || one.statement.conditions.iter().any(spares) {
        return None;
    }
    let finding = one.breaks(
        Rule::ServiceCalls,
        condition.operator_span.start,
        "this Deny also applies to calls that AWS services make on a user's behalf".to_owned(),
        "such calls carry `aws:MultiFactorAuthPresent` as `false`, even if the user signed in with MFA",
        "if a service breaks, add `\"Bool\": {\"aws:ViaAWSService\": \"false\"}` to the condition",
    );
    Some(finding)
}

/// Rule 9: only someone who has the device at hand may remove it.
fn deactivate(one: &Inspection<'_>) -> Option<Finding> {
    const DROP: [&str; 2] = ["iam:DeactivateMFADevice", "iam:DeleteVirtualMFADevice"];
    let (look, scope) = (one.look, &one.statement.action);
    if one.statement.is_deny || scope.is_all_but || one.asks_for_mfa() || !covers_action(scope, DROP[0]) {
        return None;
    }
    let item = scope
        .list
        .items
        .iter()
        .find(|item| crate::policy::evaluate::matches_action(&item.value, DROP[0]) && item.value.contains(':'))?;
    let own = look.subject.user_arn(look.subject.name());
    let open: Vec<Way> =
        [Way::Key, Way::Console].into_iter().filter(|way| look.is_open(*way, DROP[0], &own, false)).collect();
    if open.is_empty() {
        return None;
    }
    let finding = one.breaks(
        Rule::DeactivateWithoutMfa,
        item.span.start,
        "users can deactivate their own MFA device without MFA".to_owned(),
        "an attacker with a stolen key or password can remove the device, and then enroll another one",
        "allow `iam:DeactivateMFADevice` in a separate statement, with \
         `\"Condition\": {\"Bool\": {\"aws:MultiFactorAuthPresent\": \"true\"}}`",
    );
    let is_alone = scope.list.items.iter().all(|item| DROP.iter().any(|drop| item.value.eq_ignore_ascii_case(drop)));
    let edits = if is_alone && one.statement.conditions.is_empty() && !has_condition(one) {
        vec![super::super::repair::add_member(one.at, one.document, one.statement, CONDITION)]
    } else {
        Vec::new()
    };
    let mut finding = finding.with_edits(edits).explaining(&[Stage::Drop], &open);
    if look.options.is_console_only && open == [Way::Key] {
        finding = finding.note_if(true);
    }
    Some(finding)
}

const CONDITION: &str = r#""Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#;

/// The evaluator ignores an empty condition, but the name `Condition` is taken.
fn has_condition(one: &Inspection<'_>) -> bool {
    one.document.text()[one.statement.span.clone()].contains("\"Condition\"")
}

/// Rule 16: AdministratorAccess, PowerUserAccess, and policies like them.
fn everything(one: &Inspection<'_>) -> Option<Finding> {
    let scope = &one.statement.action;
    let is_all = scope.list.items.iter().any(|item| matches!(item.value.as_str(), "*" | "*:*"));
    if one.statement.is_deny || one.asks_for_mfa() || is_all == scope.is_all_but {
        return None;
    }
    let action = sample_action(scope, |_| true)?;
    let resource = sample_resource(one.document, one.statement, one.look.subject);
    let ways = [Way::Key, Way::Session, Way::Console];
    let is_open = |way: &Way| one.look.verdict(*way, &action, &resource, false) == Some(Verdict::Allowed);
    let open: Vec<Way> = ways.into_iter().filter(is_open).collect();
    // If only some ways get past, another rule reports it; what is unknown is a finding of the day.
    if open.len() < ways.len() {
        return None;
    }
    let lacks = scope.is_all_but && NEEDED.iter().any(|needed| !covers_action(scope, needed));
    let finding = one.breaks(
        Rule::NothingAsks,
        scope.list.span.start,
        format!("nothing here requires MFA: {action} is allowed without it"),
        if lacks {
            "the statement allows nearly everything without a condition, but not the IAM actions that users need to \
             manage their own devices"
        } else {
            "the statement allows everything without a condition, and there is no Deny"
        },
        "add a policy that denies everything except enrollment without MFA; `mfa-cred policy print` prints one",
    );
    Some(finding.explaining(&THEFT, &ways))
}
