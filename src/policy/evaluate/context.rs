//! The condition keys of a request: each has values, is known to be absent, or is unknown.

use std::collections::HashMap;

/// What is known about one key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Known {
    /// The request does not have it.
    Absent,
    /// The request has it, with one value.
    One(String),
    /// The request has it, with any number of values.
    Many(Vec<String>),
}

/// The condition keys of a request. Their names, tag keys included, are case-insensitive.
#[derive(Clone, Debug, Default)]
pub struct Context {
    keys: HashMap<String, Known>,
}

impl Context {
    /// The request has the key.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<String>) -> Self {
        self.set(key, Known::One(value.into()))
    }

    /// The request does not have the key.
    #[must_use]
    pub fn without(self, key: &str) -> Self {
        self.set(key, Known::Absent)
    }

    /// Sets what is known about the key.
    #[must_use]
    pub fn set(mut self, key: &str, known: Known) -> Self {
        self.keys.insert(key.to_ascii_lowercase(), known);
        self
    }

    /// Nothing is known about these keys.
    #[must_use]
    pub(in crate::policy) fn forget(mut self, keys: &[&str]) -> Self {
        for key in keys {
            self.keys.remove(&key.to_ascii_lowercase());
        }
        self
    }

    /// What is known about the key, if anything.
    pub fn get(&self, key: &str) -> Option<&Known> {
        self.keys.get(&key.to_ascii_lowercase())
    }
}
