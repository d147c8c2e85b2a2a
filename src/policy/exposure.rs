//! What is allowed without MFA, for each way in: every Allow, minus every Deny and whatever limits the Allows.
//!
//! This is exhaustive, not sampled. Actions, and then resources, fall into the classes that the patterns of all
//! statements distinguish ([`words`]); for each pair of classes, either some context satisfies the conditions or none
//! does ([`contexts`]). Anything that cannot be decided, such as a variable with an unknown value, counts as allowed.
//! So if nothing is found, nothing is allowed; otherwise the result has one example request for each statement.

mod actions;
mod contexts;
mod groups;
mod names;
mod openings;
mod resources;
pub(super) mod trust;
mod words;
#[cfg(test)]
mod brute;

use super::evaluate::{Known, Policies, Reason, StatementId};
use super::journey::{Subject, Way};

pub(super) use actions::theft;
pub(super) use openings::find;

/// The limit on the number of steps: a user's twenty policies take a thousandth of it. Larger inputs are refused.
pub(super) const MOST: usize = 60_000_000;

/// The limit on the number of condition keys in one request; the search is as deep as there are keys.
pub(super) const MOST_KEYS: usize = 256;

/// The number of steps that are left.
pub(super) struct Budget(usize);

/// The budget is used up.
#[derive(Debug)]
pub(super) struct Spent;

impl Budget {
    pub(super) fn new(most: usize) -> Self {
        Self(most)
    }

    fn spend(&mut self, steps: usize) -> Result<(), Spent> {
        self.0 = self.0.checked_sub(steps).ok_or(Spent)?;
        Ok(())
    }
}

/// The input of the search.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    /// All policies that apply.
    pub(super) policies: Policies<'a>,
    /// The user that they apply to.
    pub(super) subject: &'a Subject,
    /// Are other policies assumed to allow everything, so that only Denies and limits matter?
    pub(super) is_allowed_elsewhere: bool,
}

/// The kind of an opening, which decides how severe it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum OpeningKind {
    /// It must not be allowed.
    Theft,
    /// The role's trust policy may forbid it.
    Role,
    /// It changes the user's own password, given the old one.
    Password,
    /// It deletes an unassigned virtual device.
    SpareDevice,
}

/// One statement that allows something without MFA, with an example request.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// The statement; `None` if it is another policy, or an unreadable one, that would allow it.
    pub(super) at: Option<StatementId>,
    /// The kind.
    pub(super) kind: OpeningKind,
    /// The ways in on which it is allowed.
    pub(super) ways: Vec<Way>,
    /// The action. If it is made up from a pattern, `pattern` has it.
    pub(super) action: String,
    /// The pattern of the policy, if it covers no known action.
    pub(super) pattern: Option<String>,
    /// The resource.
    pub(super) resource: String,
    /// The condition keys that the request needs, beyond those that every request on its way has.
    pub(super) keys: Vec<(String, Known)>,
    /// The unknown facts that decide whether it is allowed.
    pub(super) undecided: Vec<Reason>,
    /// For roles: a pattern for every role that it opens.
    pub(super) roles: Vec<String>,
}
