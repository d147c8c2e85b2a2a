//! One test of one condition key.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>

use std::net::IpAddr;

use jiff::Timestamp;

use super::context::{Context, Known};
use super::pattern::{Piece, Resolved, matches_arn, matches_text, resolve};
use super::truth::{Reason, Truth};
use crate::policy::document::{Condition, Operator, Order, Quantifier, Test, Version};

/// Does the condition hold?
pub(in crate::policy) fn holds(version: Version, condition: &Condition, context: &Context) -> Truth {
    let (operator, key) = (condition.operator, condition.key.value.as_str());
    let Some(known) = context.get(key) else {
        return not_known(condition);
    };
    if operator.test == Test::Null {
        return null(condition, matches!(known, Known::Absent));
    }
    let values: &[String] = match known {
        Known::Absent => return if_absent(operator).into(),
        Known::One(value) => std::slice::from_ref(value),
        Known::Many(values) => values,
    };
    let one = |value: &String| passes(version, condition, value, context);
    match operator.quantifier {
        Some(Quantifier::All) => values.iter().map(one).fold(Truth::Yes, Truth::and),
        Some(Quantifier::Any) => values.iter().map(one).fold(Truth::No, Truth::or),
        None => match values {
            [] => if_absent(operator).into(),
            [value] => one(value),
            // AWS requires a quantifier here, and does not say what happens without one.
            _ => Truth::unknown(Reason::ManyValues(key.to_owned())),
        },
    }
}

/// The result of the test for a request without the key.
pub(in crate::policy) fn if_absent(operator: Operator) -> bool {
    match operator.quantifier {
        // `…IfExists` applies to each value, and without values none of them matches.
        Some(Quantifier::Any) => false,
        Some(Quantifier::All) => true,
        None if operator.is_if_exists => true,
        // AWS: a negated operator holds if the key is missing.
        None => operator.is_negated,
    }
}

/// It is unknown whether the request has the key. If every value leads to the same result, it does not matter.
fn not_known(condition: &Condition) -> Truth {
    let operator = condition.operator;
    let takes_all = operator.test == Test::Like && condition.values.items.iter().any(|item| item.value == "*");
    let with_key = match (takes_all, condition.values.items.is_empty()) {
        (true, _) => Some(!operator.is_negated),
        (_, true) if operator.test != Test::Null => Some(operator.is_negated),
        _ => None,
    };
    match with_key {
        Some(with_key) if with_key == if_absent(operator) => with_key.into(),
        _ => Truth::unknown(Reason::Key(condition.key.value.clone())),
    }
}

fn null(condition: &Condition, is_absent: bool) -> Truth {
    let one = |text: &str| match boolean(text) {
        Some(wants_absent) => Truth::from(wants_absent == is_absent),
        None => Truth::unknown(Reason::Value(condition.key.value.clone())),
    };
    condition.values.items.iter().map(|item| one(&item.value)).fold(Truth::No, Truth::or)
}

/// Does one value of the request match any of the policy's values, or, if negated, none of them?
fn passes(version: Version, condition: &Condition, value: &str, context: &Context) -> Truth {
    let operator = condition.operator;
    let mut any = Truth::No;
    for item in &condition.values.items {
        // AWS replaces variables only in strings and ARNs.
        let version = if has_variables(operator.test) { version } else { Version::V2008 };
        let matched = match resolve(version, &item.value, context) {
            Resolved::Pattern(pieces) => compare(operator.test, &pieces, value)
                .map_or_else(|| Truth::unknown(Reason::Value(condition.key.value.clone())), Truth::from),
            // AWS: nothing equals or resembles a variable without a value, so a negated operator matches.
            Resolved::NoValue(_) => Truth::No,
            Resolved::Unknown(key) => Truth::unknown(Reason::Key(key)),
        };
        any = any.or(matched);
    }
    if operator.is_negated { any.not() } else { any }
}

/// May the values of such a test contain variables?
pub(in crate::policy) fn has_variables(test: Test) -> bool {
    matches!(test, Test::Text | Test::TextIgnoreCase | Test::Like | Test::Arn)
}

/// Compares; `None` if one of the two has the wrong type.
fn compare(test: Test, pieces: &[Piece], value: &str) -> Option<bool> {
    Some(match test {
        Test::Text | Test::Binary => plain(pieces) == value,
        Test::TextIgnoreCase => plain(pieces).to_lowercase() == value.to_lowercase(),
        Test::Like => matches_text(pieces, value),
        Test::Arn => matches_arn(pieces, value),
        Test::Number(order) => ordered(order, number(value)?.partial_cmp(&number(&plain(pieces))?)?),
        Test::Date(order) => ordered(order, date(value)?.cmp(&date(&plain(pieces))?)),
        Test::Bool => boolean(&plain(pieces))? == boolean(value)?,
        Test::Ip => in_network(value, &plain(pieces))?,
        // Handled before any value is compared.
        Test::Null => return None,
    })
}

/// The text, with wildcards as plain characters.
fn plain(pieces: &[Piece]) -> String {
    let plain = |piece: &Piece| match piece {
        Piece::Char(c) => *c,
        Piece::One => '?',
        Piece::Any => '*',
    };
    pieces.iter().map(plain).collect()
}

fn ordered(order: Order, found: std::cmp::Ordering) -> bool {
    match order {
        Order::Equal => found.is_eq(),
        Order::Less => found.is_lt(),
        Order::LessOrEqual => found.is_le(),
        Order::Greater => found.is_gt(),
        Order::GreaterOrEqual => found.is_ge(),
    }
}

fn boolean(text: &str) -> Option<bool> {
    [("true", true), ("false", false)].into_iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, is)| is)
}

/// A decimal number; not `inf` or `nan`, which Rust would accept.
pub(in crate::policy) fn number(text: &str) -> Option<f64> {
    let is_digital = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
    text.parse().ok().filter(|_| text.bytes().all(is_digital))
}

/// A date in the W3C profile of ISO 8601 (a year, a month, a day, or a time with its zone), or seconds since 1970.
pub(in crate::policy) fn date(text: &str) -> Option<Timestamp> {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let at_midnight = |day: &str| format!("{day}T00:00:00Z").parse().ok();
    match text.len() {
        4 if is_digits(text) => at_midnight(&format!("{text}-01-01")),
        7 if text.as_bytes()[4] == b'-' => at_midnight(&format!("{text}-01")),
        10 if text.as_bytes()[4] == b'-' => at_midnight(text),
        _ if is_digits(text) => Timestamp::from_second(text.parse().ok()?).ok(),
        _ => text.parse().ok(),
    }
}

/// Is the address in the network?
fn in_network(address: &str, of: &str) -> Option<bool> {
    let (base, bits) = network(of)?;
    Some(match (address.parse().ok()?, base) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            let shift = 32 - bits;
            u32::from(one).checked_shr(shift) == u32::from(other).checked_shr(shift)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            let shift = 128 - bits;
            u128::from(one).checked_shr(shift) == u128::from(other).checked_shr(shift)
        }
        _ => false,
    })
}

/// A network, `ADDRESS` or `ADDRESS/BITS`: an address in it, and the length of its prefix.
pub(in crate::policy) fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (base, bits) = match text.split_once('/') {
        Some((base, bits)) => (base, Some(bits.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let base: IpAddr = base.parse().ok()?;
    let most = if base.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    (bits <= most).then_some((base, bits))
}
