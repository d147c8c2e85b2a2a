//! Three-valued logic, which carries along what the unknown depends on.

use std::fmt;

use crate::policy::document::UNKNOWN_KEY;

/// Yes, no, or it depends (Kleene's logic).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Truth {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// It depends on these, each named once.
    Unknown(Vec<Reason>),
}

/// What nobody said, or AWS does not.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// The context says neither that the request has the key nor that it lacks it.
    Key(String),
    /// A variable has no value, and AWS does not say what all but such a resource is.
    NoValue(String),
    /// A key has many values, and the operator does not say how many must pass.
    ManyValues(String),
    /// A value is not what the operator compares.
    Value(String),
    /// A document applies, and what it says is not known.
    Unread(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => match key.strip_prefix(UNKNOWN_KEY) {
                Some(what) => write!(f, "what `{what}` stands for is not known"),
                None => write!(f, "the request's `{key}` is not known"),
            },
            Self::NoValue(key) => write!(f, "`${{{key}}}` has no value, and stands in a `NotResource`"),
            Self::ManyValues(key) => write!(f, "`{key}` has many values, and no `ForAnyValue:` or `ForAllValues:`"),
            Self::Value(key) => write!(f, "a value of `{key}` is not of the operator's type"),
            Self::Unread(document) => write!(f, "what {document} says is not known"),
        }
    }
}

impl Truth {
    /// It depends on that.
    pub fn unknown(reason: Reason) -> Self {
        Self::Unknown(vec![reason])
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, other) | (other, Self::Yes) => other,
            (Self::Unknown(reasons), Self::Unknown(more)) => Self::Unknown(joined(reasons, more)),
        }
    }

    /// Either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::No, other) | (other, Self::No) => other,
            (Self::Unknown(reasons), Self::Unknown(more)) => Self::Unknown(joined(reasons, more)),
        }
    }

    /// Its contrary.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "it stands beside `and` and `or`, which are no operators either")]
    pub fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown(reasons) => Self::Unknown(reasons),
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// Few at most: one for each key that a policy names.
fn joined(mut reasons: Vec<Reason>, more: Vec<Reason>) -> Vec<Reason> {
    for reason in more {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::{Reason, Truth};

    #[test]
    fn the_tables_of_three_values() {
        let unknown = || Truth::unknown(Reason::Key("k".to_owned()));
        for (one, other, both, either) in [
            (Truth::Yes, Truth::Yes, Truth::Yes, Truth::Yes),
            (Truth::Yes, Truth::No, Truth::No, Truth::Yes),
            (Truth::Yes, unknown(), unknown(), Truth::Yes),
            (Truth::No, unknown(), Truth::No, unknown()),
            (Truth::No, Truth::No, Truth::No, Truth::No),
            (unknown(), unknown(), unknown(), unknown()),
        ] {
            assert_eq!(one.clone().and(other.clone()), both);
            assert_eq!(other.clone().and(one.clone()), both);
            assert_eq!(one.clone().or(other.clone()), either);
            assert_eq!(other.or(one), either);
        }
        assert_eq!((Truth::Yes.not(), Truth::No.not(), unknown().not()), (Truth::No, Truth::Yes, unknown()));
    }
}
