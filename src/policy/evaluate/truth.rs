//! Three-valued logic that records what an unknown result depends on.

use std::fmt;

use crate::policy::document::UNKNOWN_KEY;

/// Yes, no, or unknown (Kleene's logic).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Truth {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// It depends on these reasons, each listed once.
    Unknown(Vec<Reason>),
}

/// Why a result is unknown.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// The context does not say whether the request has the key.
    Key(String),
    /// A variable in a `NotResource` has no value, and AWS does not document the effect.
    NoValue(String),
    /// A key is multivalued, and the operator does not say how many values must match.
    ManyValues(String),
    /// A value does not have the operator's type.
    Value(String),
    /// A document applies, but its contents are unknown.
    Unread(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => match key.strip_prefix(UNKNOWN_KEY) {
                Some(what) => write!(f, "the value of `{what}` is unknown"),
                None => write!(f, "the request's `{key}` is unknown"),
            },
            Self::NoValue(key) => write!(f, "`${{{key}}}` has no value, and is used in a `NotResource`"),
            Self::ManyValues(key) => {
                write!(f, "`{key}` is multivalued, but its operator has no `ForAnyValue:` or `ForAllValues:`")
            }
            Self::Value(key) => write!(f, "a value of `{key}` does not match the operator's type"),
            Self::Unread(document) => write!(f, "the contents of {document} are unknown"),
        }
    }
}

impl Truth {
    /// Unknown for this reason.
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

    /// The opposite.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "it belongs with `and` and `or`, which are not operators either")]
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

/// The lists are short: at most one reason per key in a policy.
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
    fn truth_tables() {
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
