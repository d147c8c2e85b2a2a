//! The condition operators of IAM.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

/// How a condition key is tested.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Operator {
    /// For a multivalued key: how many of its values must match.
    pub quantifier: Option<Quantifier>,
    /// What is compared, and how.
    pub test: Test,
    /// Is it the `Not…` form?
    pub is_negated: bool,
    /// Does it also hold if the request lacks the key?
    pub is_if_exists: bool,
}

/// `ForAllValues:` and `ForAnyValue:`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Quantifier {
    /// Every value of the request, even if there is none.
    All,
    /// At least one value.
    Any,
}

/// What is compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Test {
    /// `String…Equals`
    Text,
    /// `String…EqualsIgnoreCase`
    TextIgnoreCase,
    /// `String…Like`, with `*` and `?`
    Like,
    /// `Numeric…`
    Number(Order),
    /// `Date…`
    Date(Order),
    /// `Bool`
    Bool,
    /// `BinaryEquals`
    Binary,
    /// `IpAddress`
    Ip,
    /// `Arn…Equals` and `Arn…Like`, which are equivalent
    Arn,
    /// `Null`
    Null,
}

/// How numbers and dates are compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// `Equals`
    Equal,
    /// `LessThan`
    Less,
    /// `LessThanEquals`
    LessOrEqual,
    /// `GreaterThan`
    Greater,
    /// `GreaterThanEquals`
    GreaterOrEqual,
}

/// Every operator without prefix and suffix.
const OPERATORS: [(&str, Test, bool); 27] = [
    ("StringEquals", Test::Text, false),
    ("StringNotEquals", Test::Text, true),
    ("StringEqualsIgnoreCase", Test::TextIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Test::TextIgnoreCase, true),
    ("StringLike", Test::Like, false),
    ("StringNotLike", Test::Like, true),
    ("NumericEquals", Test::Number(Order::Equal), false),
    ("NumericNotEquals", Test::Number(Order::Equal), true),
    ("NumericLessThan", Test::Number(Order::Less), false),
    ("NumericLessThanEquals", Test::Number(Order::LessOrEqual), false),
    ("NumericGreaterThan", Test::Number(Order::Greater), false),
    ("NumericGreaterThanEquals", Test::Number(Order::GreaterOrEqual), false),
    ("DateEquals", Test::Date(Order::Equal), false),
    ("DateNotEquals", Test::Date(Order::Equal), true),
    ("DateLessThan", Test::Date(Order::Less), false),
    ("DateLessThanEquals", Test::Date(Order::LessOrEqual), false),
    ("DateGreaterThan", Test::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Test::Date(Order::GreaterOrEqual), false),
    ("Bool", Test::Bool, false),
    ("BinaryEquals", Test::Binary, false),
    ("IpAddress", Test::Ip, false),
    ("NotIpAddress", Test::Ip, true),
    ("ArnEquals", Test::Arn, false),
    ("ArnNotEquals", Test::Arn, true),
    ("ArnLike", Test::Arn, false),
    ("ArnNotLike", Test::Arn, true),
    ("Null", Test::Null, false),
];

impl Operator {
    /// Parses an operator's name, ignoring case.
    pub fn parse(name: &str) -> Option<Self> {
        let without = |name: &str, prefix: &str| -> Option<String> {
            let head = name.get(..prefix.len())?;
            head.eq_ignore_ascii_case(prefix).then(|| name[prefix.len()..].to_owned())
        };
        let (quantifier, rest) = without(name, "ForAllValues:")
            .map(|rest| (Some(Quantifier::All), rest))
            .or_else(|| without(name, "ForAnyValue:").map(|rest| (Some(Quantifier::Any), rest)))
            .unwrap_or_else(|| (None, name.to_owned()));
        let cut = rest.len().checked_sub("IfExists".len()).filter(|cut| rest.is_char_boundary(*cut));
        let cut = cut.filter(|cut| rest[*cut..].eq_ignore_ascii_case("IfExists"));
        let base = cut.map_or(&rest[..], |cut| &rest[..cut]);
        let (_, test, is_negated) = OPERATORS.into_iter().find(|(known, ..)| known.eq_ignore_ascii_case(base))?;
        // AWS: every operator except `Null`, which tests for exactly that.
        (cut.is_none() || test != Test::Null).then_some(Self {
            quantifier,
            test,
            is_negated,
            is_if_exists: cut.is_some(),
        })
    }

    /// The operator's name nearest to an unknown one.
    pub fn nearest(name: &str) -> Option<&'static str> {
        let name = name.rsplit(':').next().unwrap_or(name).to_ascii_lowercase();
        OPERATORS
            .into_iter()
            .map(|(known, ..)| (strsim::levenshtein(&known.to_ascii_lowercase(), &name), known))
            .filter(|(distance, _)| *distance <= 3)
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, known)| known)
    }
}

#[cfg(test)]
mod tests {
    use super::{Operator, Order, Quantifier, Test};

    #[test]
    fn names_in_any_case_with_prefix_and_suffix() {
        let plain = Operator { quantifier: None, test: Test::Bool, is_negated: false, is_if_exists: false };
        for (name, operator) in [
            ("Bool", Some(plain)),
            ("boolifexists", Some(Operator { is_if_exists: true, ..plain })),
            (
                "ForAllValues:StringNotLike",
                Some(Operator { quantifier: Some(Quantifier::All), test: Test::Like, is_negated: true, ..plain }),
            ),
            (
                "ForAnyValue:NumericLessThanEqualsIfExists",
                Some(Operator {
                    quantifier: Some(Quantifier::Any),
                    test: Test::Number(Order::LessOrEqual),
                    is_if_exists: true,
                    ..plain
                }),
            ),
            ("NullIfExists", None),
            ("IfExists", None),
            ("BoolEquals", None),
            ("ForSomeValues:Bool", None),
            ("ü", None),
            ("", None),
        ] {
            assert_eq!(Operator::parse(name), operator, "{name}");
        }
        assert_eq!(Operator::nearest("StringEqual"), Some("StringEquals"));
        assert_eq!(Operator::nearest("Sometimes"), None);
    }
}
