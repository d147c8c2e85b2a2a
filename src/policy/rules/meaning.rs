//! Conditions that do the opposite of what they are meant to do, that no request can meet, or that compare values of
//! the wrong kind.

use super::enforcement::THEFT;
use super::{AGE, Asks, Finding, Inspection, PRESENT, Rule};
use crate::policy::document::{Condition, Order, Quantifier, Test};
use crate::policy::evaluate::{Context, Truth, covers_action, hold};
use crate::policy::journey::{Stage, Way};

/// What may be allowed only to users without MFA.
const ENROLLING: [&str; 2] = ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"];

pub(super) fn look(one: &Inspection<'_>, found: &mut Vec<Finding>) {
    found.extend(values(one));
    found.extend(set_operator(one));
    let impossible = contradiction(one);
    if impossible.is_none() {
        found.extend(inverted(one));
    }
    found.extend(impossible);
}

/// `Bool` and `Null` with anything but a single `true` or `false`.
fn values(one: &Inspection<'_>) -> Option<Finding> {
    let is_bool = |condition: &&Condition| matches!(condition.operator.test, Test::Bool | Test::Null);
    let is_word = |text: &str| ["true", "false"].iter().any(|word| text.eq_ignore_ascii_case(word));
    let is_broken = |condition: &&Condition| match &condition.values.items[..] {
        [only] => !is_word(&only.value) && !only.value.contains("${"),
        _ => true,
    };
    let condition = one.statement.conditions.iter().filter(is_bool).find(is_broken)?;
    let what = match &condition.values.items[..] {
        [only] => {
            format!("`{}` is compared with `{}`, which is neither `true` nor `false`", condition.key.value, only.value)
        }
        items => format!("`{}` is compared with {} values at once", condition.key.value, items.len()),
    };
    let why = "such a condition takes one value, `true` or `false`; Access Analyzer reports anything else as an error";
    Some(one.breaks(Rule::BoolValue, condition.values.span.start, what, why, "use `\"true\"` or `\"false\"`"))
}

/// `ForAllValues:` and `ForAnyValue:` on a single-valued key, which Access Analyzer warns about.
fn set_operator(one: &Inspection<'_>) -> Option<Finding> {
    let (condition, quantifier) = one.asks().find_map(|(it, _)| Some((it, it.operator.quantifier?)))?;
    let is_deny = one.statement.is_deny;
    let (name, why) = match quantifier {
        Quantifier::All => {
            ("ForAllValues", "`ForAllValues:` holds when the key is missing, as it is for a long-term access key")
        }
        Quantifier::Any => {
            ("ForAnyValue", "`ForAnyValue:` does not hold when the key is missing, as it is for a long-term access key")
        }
    };
    let what = format!("`{name}:` is for multivalued keys, but `{}` is single-valued", condition.key.value);
    let finding = one.breaks(Rule::SetOperator, condition.operator_span.start, what, why, &format!("remove `{name}:`"));
    // The other two combinations deny more, if by accident.
    Some(finding.note_if((quantifier == Quantifier::All) == is_deny))
}

/// An Allow for users without MFA, or a Deny for users with it.
fn inverted(one: &Inspection<'_>) -> Option<Finding> {
    let is_deny = one.statement.is_deny;
    let (condition, _) = one.asks().find(|(condition, asks)| match asks {
        Asks::Bool { wants, .. } => *wants == is_deny,
        Asks::Null { .. } => false,
        Asks::Otherwise => match condition.operator.test {
            Test::Number(Order::Less | Order::LessOrEqual) => is_deny,
            Test::Number(Order::Greater | Order::GreaterOrEqual) => !is_deny && !condition.operator.is_if_exists,
            _ => false,
        },
    })?;
    if !is_deny && covers_enrolling(one) {
        return None;
    }
    let (what, why) = if is_deny {
        ("this Deny applies to users with MFA", "users with MFA are denied, and users without MFA are not")
    } else if condition.key.value.eq_ignore_ascii_case(AGE) {
        ("this Allow applies only when MFA is old", "a user who has just signed in with MFA gets nothing")
    } else {
        ("this Allow applies only without MFA", "users who sign in with MFA lose what it grants")
    };
    let repair = match (condition.operator.test, is_deny) {
        (Test::Number(_), true) => "reverse the comparison: `NumericGreaterThanIfExists`".to_owned(),
        (Test::Number(_), false) => "reverse the comparison: `NumericLessThan`".to_owned(),
        (_, true) => format!("use `\"BoolIfExists\": {{\"{PRESENT}\": \"false\"}}`"),
        (_, false) => format!("use `\"Bool\": {{\"{PRESENT}\": \"true\"}}`"),
    };
    Some(one.breaks(Rule::Inverted, condition.operator_span.start, what.to_owned(), why, &repair))
}

/// Is it an Allow that lets users without a device get one?
fn covers_enrolling(one: &Inspection<'_>) -> bool {
    ENROLLING.iter().any(|action| covers_action(&one.statement.action, action))
}

/// Conditions that no request can meet all at once.
fn contradiction(one: &Inspection<'_>) -> Option<Finding> {
    let is_mfa = |condition: &&Condition| super::is_of_mfa(condition);
    let (mfa, others): (Vec<&Condition>, Vec<&Condition>) = one.statement.conditions.iter().partition(is_mfa);
    let of_mfa = (mfa.len() > 1 && is_impossible(one, &mfa, &states(&mfa))).then_some(&mfa[..]);
    let mut groups: Vec<Vec<&Condition>> = Vec::new();
    for condition in others {
        match groups.iter_mut().find(|group| group[0].key.value.eq_ignore_ascii_case(&condition.key.value)) {
            Some(group) => group.push(condition),
            None => groups.push(vec![condition]),
        }
    }
    let of_others = groups.iter().find(|group| group.len() > 1 && is_impossible(one, group, &worlds(group)));
    let group = of_mfa.or(of_others.map(|group| &group[..]))?;
    let last = group.last()?;
    let effect = if one.statement.is_deny { "Deny" } else { "Allow" };
    let finding = one.breaks(
        Rule::Contradiction,
        last.operator_span.start,
        format!("the conditions on `{}` contradict each other, so this {effect} never applies", last.key.value),
        "all conditions of a statement must hold, and no request can meet all of these",
        "remove one of them; if either of two is enough, use two statements",
    );
    // An Allow that grants nothing is harmless.
    let finding = finding.note_if(!one.statement.is_deny && of_mfa.is_none());
    let steps: &[Stage] = if one.statement.is_deny && of_mfa.is_some() { &THEFT } else { &[] };
    Some(finding.explaining(steps, &[Way::Key, Way::Session, Way::Console]))
}

fn is_impossible(one: &Inspection<'_>, group: &[&Condition], worlds: &[Context]) -> bool {
    let is_plain = |condition: &&Condition| {
        let is_simple =
            !matches!(condition.operator.test, Test::Like | Test::Arn | Test::Ip | Test::Date(_) | Test::Binary);
        let has_variable = condition.values.items.iter().any(|item| item.value.contains("${"));
        is_simple && condition.operator.quantifier.is_none() && !has_variable
    };
    group.iter().all(is_plain)
        && worlds.iter().all(|world| hold(one.document, group.iter().copied(), world) == Truth::No)
}

/// The three states of MFA, the last one with every age that matters.
fn states(group: &[&Condition]) -> Vec<Context> {
    let base = |present: Option<&str>| match present {
        Some(value) => Context::default().with(PRESENT, value),
        None => Context::default().without(PRESENT),
    };
    let with = numbers(group).into_iter().chain(["60".to_owned()]).map(|age| base(Some("true")).with(AGE, age));
    [base(None).without(AGE), base(Some("false")).without(AGE)].into_iter().chain(with).collect()
}

/// A request without the key, and one with each value that matters.
fn worlds(group: &[&Condition]) -> Vec<Context> {
    let key = group[0].key.value.as_str();
    let said = group.iter().flat_map(|condition| &condition.values.items).map(|item| item.value.clone());
    let some = ["true", "false", "another value"].map(str::to_owned);
    let values = said.chain(numbers(group)).chain(some);
    std::iter::once(Context::default().without(key))
        .chain(values.map(|value| Context::default().with(key, value)))
        .collect()
}

/// Each number, and one just below and above it.
fn numbers(group: &[&Condition]) -> Vec<String> {
    let values = group.iter().filter(|condition| matches!(condition.operator.test, Test::Number(_)));
    let parsed = values.flat_map(|condition| &condition.values.items).filter_map(|item| item.value.parse::<f64>().ok());
    parsed
        .flat_map(|number| [number - 0.5, number, number + 0.5])
        .filter(|number| *number >= 0.0)
        .map(|n| n.to_string())
        .collect()
}
