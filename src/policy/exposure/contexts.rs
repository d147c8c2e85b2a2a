//! Conditions → a context in which some of them hold and others do not, or the certainty that there is none.
//!
//! For each unknown key, one value of every class that the conditions distinguish is tried, and its absence too; a
//! condition whose classes cannot be distinguished counts as allowing the request.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;

use super::words::classes;
use super::{Budget, MOST_KEYS, Spent};
use crate::policy::document::{Condition, Test, Version};
use crate::policy::evaluate::pattern::{PatternPart, Piece, Resolved, resolve, steps_of_arn};
use crate::policy::evaluate::{Context, Known, Reason, Truth, condition_holds, date, has_variables, network, number};

/// The conditions of one statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clause<'a> {
    pub(super) version: Version,
    pub(super) conditions: &'a [Condition],
}

/// What is known, and which values a key can have at all.
pub(super) struct Base<'a> {
    pub(super) context: &'a Context,
    /// A key, and the pattern of its values.
    pub(super) within: Option<(&'a str, Vec<PatternPart>)>,
}

/// A context that allows a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Met {
    /// The keys that it needs beyond what is known.
    pub(super) keys: Vec<(String, Known)>,
    /// What could not be decided, and was counted as allowing the request.
    pub(super) undecided: Vec<Reason>,
}

/// A context in which all of `musts` hold and none of `denies` does, if one may exist.
pub(super) fn meet(
    base: &Base<'_>,
    musts: &[Clause<'_>],
    denies: &[Clause<'_>],
    budget: &mut Budget,
) -> Result<Option<Met>, Spent> {
    let mut keys: Vec<Key<'_>> = Vec::new();
    for clause in musts.iter().chain(denies) {
        for condition in clause.conditions.iter().filter(|it| base.context.get(&it.key.value).is_none()) {
            budget.spend(1 + keys.len())?;
            let at = keys.iter().position(|key| key.name.eq_ignore_ascii_case(&condition.key.value));
            let at = at.unwrap_or_else(|| {
                keys.push(Key { name: &condition.key.value, asked: Vec::new(), values: Vec::new(), is_open: false });
                keys.len() - 1
            });
            keys[at].asked.push((clause.version, condition));
        }
    }
    if keys.len() > MOST_KEYS {
        return Err(Spent);
    }
    for key in &mut keys {
        key.tell_apart(base, budget)?;
    }
    let mut search = Search { base, keys: &keys, musts, denies, chosen: vec![None; keys.len()] };
    search.go(base.context, budget)
}

/// An unknown key, with all its conditions.
struct Key<'a> {
    name: &'a str,
    asked: Vec<(Version, &'a Condition)>,
    /// One value of every class.
    values: Vec<Known>,
    /// Can its classes not be distinguished?
    is_open: bool,
}

/// The type of comparison. If a key is compared in two ways, its classes are not distinguished.
#[derive(Clone, Copy, PartialEq)]
enum Family {
    Text,
    Number,
    Date,
    Bool,
    Ip,
}

fn family(test: Test) -> Option<Family> {
    Some(match test {
        Test::Text | Test::TextIgnoreCase | Test::Like | Test::Binary | Test::Arn => Family::Text,
        Test::Number(_) => Family::Number,
        Test::Date(_) => Family::Date,
        Test::Bool => Family::Bool,
        Test::Ip => Family::Ip,
        Test::Null => return None,
    })
}

/// The largest number of classes of a multivalued key whose combinations are tried.
const MOST_TOGETHER: usize = 6;

impl Key<'_> {
    fn tell_apart(&mut self, base: &Base<'_>, budget: &mut Budget) -> Result<(), Spent> {
        let families: Vec<Family> = self.asked.iter().filter_map(|(_, it)| family(it.operator.test)).collect();
        let is_mixed = families.iter().any(|one| *one != families[0]);
        self.is_open = is_mixed || self.asked.iter().any(|(version, it)| is_open(*version, it, base.context));
        let values: Vec<String> = match families.first() {
            _ if self.is_open => vec!["x".to_owned()],
            None => vec!["x".to_owned()],
            Some(Family::Text) => self.texts(base, budget)?,
            Some(Family::Number) => between_numbers(self.parsed(number)),
            Some(Family::Date) => between_dates(self.parsed(date)),
            Some(Family::Bool) => ["true", "false"].map(str::to_owned).to_vec(),
            Some(Family::Ip) => between_addresses(&self.parsed(network)),
        };
        let is_many = self.asked.iter().any(|(_, it)| it.operator.quantifier.is_some());
        self.values = match is_many {
            _ if self.is_open => vec![Known::One("x".to_owned()), Known::Many(Vec::new())],
            true if values.len() > MOST_TOGETHER => {
                self.is_open = true;
                vec![Known::One("x".to_owned()), Known::Many(Vec::new())]
            }
            true => sets(&values),
            // A key that is present without a value is neither absent nor equal to anything.
            false => values.into_iter().map(Known::One).chain([Known::Many(Vec::new())]).collect(),
        };
        self.values.insert(0, Known::Absent);
        Ok(())
    }

    /// The policies' values, parsed as the type that is compared.
    fn parsed<T>(&self, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        self.asked.iter().flat_map(|(_, it)| &it.values.items).filter_map(|item| parse(&item.value)).collect()
    }

    fn texts(&self, base: &Base<'_>, budget: &mut Budget) -> Result<Vec<String>, Spent> {
        let mut patterns: Vec<Vec<PatternPart>> = Vec::new();
        for (version, condition) in &self.asked {
            for item in &condition.values.items {
                if let Resolved::Pattern(pieces) = resolve(of_test(*version, condition), &item.value, base.context) {
                    patterns.push(steps(condition.operator.test, &pieces));
                }
            }
        }
        let any = vec![PatternPart::Any { over_colons: true }];
        let within = base.within.as_ref().filter(|(name, _)| name.eq_ignore_ascii_case(self.name));
        let universe = within.map_or(any, |(_, steps)| steps.clone());
        Ok(classes(&[universe], &patterns, budget)?.into_iter().map(|class| class.word).collect())
    }
}

/// AWS replaces variables only in strings and ARNs.
fn of_test(version: Version, condition: &Condition) -> Version {
    if has_variables(condition.operator.test) { version } else { Version::V2008 }
}

/// Does the condition's own value depend on something unknown?
fn is_open(version: Version, condition: &Condition, context: &Context) -> bool {
    condition.values.items.iter().any(|item| {
        condition.operator.test == Test::TextIgnoreCase && !item.value.is_ascii()
            || matches!(resolve(of_test(version, condition), &item.value, context), Resolved::Unknown(_))
    })
}

fn steps(test: Test, pieces: &[Piece]) -> Vec<PatternPart> {
    let plain = |piece: &Piece| match piece {
        Piece::Char(c) => *c,
        Piece::One => '?',
        Piece::Any => '*',
    };
    let like = |piece: &Piece| match piece {
        Piece::Char(c) => PatternPart::Is(*c),
        Piece::One => PatternPart::One { over_colons: true },
        Piece::Any => PatternPart::Any { over_colons: true },
    };
    match test {
        Test::TextIgnoreCase => pieces.iter().map(|piece| PatternPart::Letter(plain(piece))).collect(),
        Test::Like => pieces.iter().map(like).collect(),
        Test::Arn => within_parts(pieces),
        _ => pieces.iter().map(|piece| PatternPart::Is(plain(piece))).collect(),
    }
}

/// An ARN as conditions compare it: a `*` matches none of the first five colons.
fn within_parts(pieces: &[Piece]) -> Vec<PatternPart> {
    let mut colons = 0;
    let has_all = pieces.iter().filter(|piece| **piece == Piece::Char(':')).count() >= 5;
    let steps = steps_of_arn(pieces).into_iter().map(|step| {
        colons += usize::from(step == PatternPart::Is(':'));
        match step {
            PatternPart::Any { .. } if has_all && colons < 5 => PatternPart::Any { over_colons: false },
            step => step,
        }
    });
    steps.collect()
}

/// Every number that is named, and one below and above it.
fn between_numbers(mut numbers: Vec<f64>) -> Vec<String> {
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    let around = [numbers.first().map(|it| it - 1.0), numbers.last().map(|it| it + 1.0)];
    let between: Vec<f64> = numbers.windows(2).map(|two| f64::midpoint(two[0], two[1])).collect();
    let all = numbers.into_iter().chain(between).chain(around.into_iter().flatten());
    let all: Vec<String> = all.map(|it| it.to_string()).collect();
    if all.is_empty() { vec!["0".to_owned()] } else { all }
}

/// Every time that is named, and one before and after it.
fn between_dates(mut dates: Vec<Timestamp>) -> Vec<String> {
    dates.sort_unstable();
    dates.dedup();
    let day = |by: i64| move |it: &Timestamp| Timestamp::from_second(it.as_second().saturating_add(by)).ok();
    let around = [dates.first().and_then(day(-86_400)), dates.last().and_then(day(86_400))];
    let middle = |two: &[Timestamp]| {
        Timestamp::from_nanosecond(i128::midpoint(two[0].as_nanosecond(), two[1].as_nanosecond())).ok()
    };
    let between: Vec<Timestamp> = dates.windows(2).filter_map(middle).collect();
    let all = dates.into_iter().chain(between).chain(around.into_iter().flatten());
    let all: Vec<String> = all.map(|it| it.to_string()).collect();
    if all.is_empty() { vec!["1970-01-01T00:00:00Z".to_owned()] } else { all }
}

/// The first address of every network, and the one after its last: only there does a class begin.
fn between_addresses(networks: &[(IpAddr, u32)]) -> Vec<String> {
    let mut found: Vec<IpAddr> = Vec::new();
    for (base, bits) in networks {
        let (first, after) = match base {
            IpAddr::V4(base) => {
                let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
                let first = u32::from(*base) & mask;
                let after = 1_u32.checked_shl(32 - bits).and_then(|size| first.checked_add(size));
                (IpAddr::from(Ipv4Addr::from(first)), after.map(|it| IpAddr::from(Ipv4Addr::from(it))))
            }
            IpAddr::V6(base) => {
                let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
                let first = u128::from(*base) & mask;
                let after = 1_u128.checked_shl(128 - bits).and_then(|size| first.checked_add(size));
                (IpAddr::from(Ipv6Addr::from(first)), after.map(|it| IpAddr::from(Ipv6Addr::from(it))))
            }
        };
        found.extend([Some(first), after].into_iter().flatten());
    }
    found.extend([IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::UNSPECIFIED)]);
    found.sort_unstable();
    found.dedup();
    found.iter().map(ToString::to_string).collect()
}

/// Every set of these values.
fn sets(values: &[String]) -> Vec<Known> {
    let chosen = |set: usize| {
        values.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, value)| value.clone()).collect()
    };
    (0..1_usize << values.len()).map(|set| Known::Many(chosen(set))).collect()
}

struct Search<'a> {
    base: &'a Base<'a>,
    keys: &'a [Key<'a>],
    musts: &'a [Clause<'a>],
    denies: &'a [Clause<'a>],
    chosen: Vec<Option<Known>>,
}

impl Search<'_> {
    /// Continues with the next key, given the values chosen so far.
    fn go(&mut self, context: &Context, budget: &mut Budget) -> Result<Option<Met>, Spent> {
        let (mut undecided, mut waiting) = (Vec::new(), None);
        for (clause, is_must) in
            self.musts.iter().map(|clause| (clause, true)).chain(self.denies.iter().map(|clause| (clause, false)))
        {
            budget.spend(1 + clause.conditions.len() * (1 + self.keys.len()))?;
            match self.truth(clause, context) {
                Truth::No if is_must => return Ok(None),
                Truth::Yes if !is_must => return Ok(None),
                Truth::Unknown(reasons) => {
                    waiting = waiting.or_else(|| self.unchosen(clause));
                    undecided.extend(reasons);
                }
                Truth::Yes | Truth::No => {}
            }
        }
        let Some(key) = waiting else {
            undecided.dedup();
            let keys = self.keys.iter().zip(&self.chosen);
            let keys = keys.filter_map(|(key, chosen)| Some((key.name.to_owned(), chosen.clone()?))).collect();
            return Ok(Some(Met { keys, undecided }));
        };
        for value in &self.keys[key].values {
            self.chosen[key] = Some(value.clone());
            let met = self.go(&context.clone().set(self.keys[key].name, value.clone()), budget)?;
            if met.is_some() {
                return Ok(met);
            }
        }
        self.chosen[key] = None;
        Ok(None)
    }

    /// A key of the clause without a value.
    fn unchosen(&self, clause: &Clause<'_>) -> Option<usize> {
        let is_asked = |key: &Key<'_>| clause.conditions.iter().any(|it| it.key.value.eq_ignore_ascii_case(key.name));
        (0..self.keys.len()).find(|at| self.chosen[*at].is_none() && is_asked(&self.keys[*at]))
    }

    fn truth(&self, clause: &Clause<'_>, context: &Context) -> Truth {
        let one = |condition: &Condition| {
            let name = &condition.key.value;
            let is_open = self.keys.iter().any(|key| key.is_open && key.name.eq_ignore_ascii_case(name));
            match context.get(name) {
                Some(Known::One(_)) if is_open && condition.operator.test != Test::Null => {
                    Truth::unknown(Reason::Key(name.clone()))
                }
                // A variable stands for the value of a key, which may be any value that the key can have.
                _ if is_open => condition_holds(clause.version, condition, &self.only(name, context)),
                _ => condition_holds(clause.version, condition, context),
            }
        };
        clause.conditions.iter().map(one).fold(Truth::Yes, Truth::and)
    }

    /// What is known, plus this one of the chosen keys.
    fn only(&self, name: &str, context: &Context) -> Context {
        match context.get(name) {
            Some(known) => self.base.context.clone().set(name, known.clone()),
            None => self.base.context.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::{Base, Budget, Clause, meet};
    use crate::policy::document::{Document, PolicyKind};
    use crate::policy::evaluate::Context;

    fn document(condition: &str) -> Document {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {condition}}}}}"#
        );
        Document::parse("p", text.as_bytes(), PolicyKind::User).expect("a policy")
    }

    /// Can the first condition hold while the second does not?
    #[test]
    fn conditions_that_can_be_met_and_that_cannot() {
        let mut wrong = String::new();
        for (must, deny, is_met) in [
            (r#"{"StringEquals": {"k:a": "x"}}"#, r#"{"StringEquals": {"k:a": ["x", "y"]}}"#, false),
            (r#"{"StringEquals": {"k:a": ["x", "z"]}}"#, r#"{"StringEquals": {"k:a": ["x", "y"]}}"#, true),
            (r#"{"StringEqualsIgnoreCase": {"k:a": "x"}}"#, r#"{"StringEquals": {"k:a": ["x"]}}"#, true),
            (r#"{"StringEqualsIgnoreCase": {"k:a": "x"}}"#, r#"{"StringEquals": {"k:a": ["x", "X"]}}"#, false),
            (r#"{"StringLike": {"k:a": "a*"}}"#, r#"{"StringLike": {"k:a": ["a", "a?*"]}}"#, false),
            (r#"{"StringLike": {"k:a": "*a*b*"}}"#, r#"{"StringLike": {"k:a": ["*b*a*", "ab*"]}}"#, true),
            (r#"{"StringNotLike": {"k:a": "a*"}}"#, r#"{"StringNotEquals": {"k:a": ["ab"]}}"#, false),
            // Only a key without a value is present and matches nothing.
            (r#"{"Null": {"k:a": "false"}}"#, r#"{"StringLike": {"k:a": "*"}}"#, true),
            (r#"{"StringLike": {"k:a": "*"}}"#, r#"{"StringLike": {"k:a": "*"}}"#, false),
            (r#"{"Null": {"k:a": "true"}}"#, r#"{"StringLike": {"k:a": "*"}}"#, true),
            (r#"{"NumericLessThan": {"k:a": "10"}}"#, r#"{"NumericGreaterThan": {"k:a": "9"}}"#, true),
            (r#"{"NumericEquals": {"k:a": "10"}}"#, r#"{"NumericGreaterThan": {"k:a": "9"}}"#, false),
            (r#"{"NumericGreaterThan": {"k:a": "9"}}"#, r#"{"NumericGreaterThanEquals": {"k:a": "10"}}"#, true),
            (r#"{"DateLessThan": {"k:a": "2026-01-01"}}"#, r#"{"DateLessThan": {"k:a": "2026-01-02"}}"#, false),
            (r#"{"DateLessThan": {"k:a": "2026-01-02"}}"#, r#"{"DateLessThan": {"k:a": "2026-01-01"}}"#, true),
            (r#"{"IpAddress": {"k:a": "10.0.0.0/8"}}"#, r#"{"IpAddress": {"k:a": "0.0.0.0/0"}}"#, false),
            (
                r#"{"IpAddress": {"k:a": "10.0.0.0/8"}}"#,
                r#"{"IpAddress": {"k:a": ["10.0.0.0/9", "10.128.0.0/9"]}}"#,
                false,
            ),
            (
                r#"{"IpAddress": {"k:a": "10.0.0.0/8"}}"#,
                r#"{"IpAddress": {"k:a": ["10.0.0.0/9", "10.129.0.0/9"]}}"#,
                false,
            ),
            (
                r#"{"IpAddress": {"k:a": "10.0.0.0/8"}}"#,
                r#"{"IpAddress": {"k:a": ["10.0.0.0/9", "10.192.0.0/10"]}}"#,
                true,
            ),
            (r#"{"IpAddress": {"k:a": ["10.0.0.0/8", "::/0"]}}"#, r#"{"IpAddress": {"k:a": "0.0.0.0/0"}}"#, true),
            (r#"{"Bool": {"k:a": "true"}}"#, r#"{"Bool": {"k:a": "true"}}"#, false),
            (r#"{"BoolIfExists": {"k:a": "true"}}"#, r#"{"Bool": {"k:a": "true"}}"#, true),
            (r#"{"ForAnyValue:StringEquals": {"k:a": "x"}}"#, r#"{"ForAllValues:StringEquals": {"k:a": "x"}}"#, true),
            (r#"{"ForAllValues:StringEquals": {"k:a": "x"}}"#, r#"{"Null": {"k:a": "true"}}"#, true),
            (r#"{"ForAnyValue:StringEquals": {"k:a": "x"}}"#, r#"{"ForAnyValue:StringLike": {"k:a": "x*"}}"#, false),
            // Another key's value may be anything, and a key that is compared in two ways has no classes.
            (r#"{"StringEquals": {"k:a": "${k:b}"}}"#, r#"{"StringEquals": {"k:a": "${k:b}"}}"#, true),
            (r#"{"StringEquals": {"k:a": "5"}}"#, r#"{"NumericEquals": {"k:a": "5"}}"#, true),
            (r#"{"StringEquals": {"k:a": "5"}, "Null": {"k:a": "true"}}"#, r#"{"NumericEquals": {"k:a": "5"}}"#, false),
            (r#"{"ArnLike": {"k:a": "arn:aws:s3:::*"}}"#, r#"{"ArnLike": {"k:a": "arn:*:s3:*:*:*"}}"#, false),
            (r#"{"StringLike": {"k:a": "arn:aws:s3:*"}}"#, r#"{"ArnLike": {"k:a": "arn:*:s3:*:*:*"}}"#, true),
            (r#"{"StringEquals": {"k:a": "x"}, "Bool": {"k:b": "true"}}"#, r#"{"StringEquals": {"k:a": "x"}}"#, false),
            (r#"{"StringEquals": {"k:a": "x"}}"#, r#"{"StringEquals": {"k:a": "x"}, "Bool": {"k:b": "true"}}"#, true),
        ] {
            let (one, other) = (document(must), document(deny));
            let clause = |of: &'_ Document| -> Vec<_> { of.statements[0].conditions.clone() };
            let (musts, denies) = (clause(&one), clause(&other));
            let context = Context::default();
            let found = meet(
                &Base { context: &context, within: None },
                &[Clause { version: one.version, conditions: &musts }],
                &[Clause { version: other.version, conditions: &denies }],
                &mut Budget::new(1_000_000),
            );
            let found = found.expect("few");
            if found.is_some() != is_met {
                let _ = writeln!(wrong, "{must} and not {deny}: {found:?}");
            }
        }
        assert!(wrong.is_empty(), "\n{wrong}");
    }
}
