//! What goes through without MFA: every Allow, less every Deny and what limits them, for each way in.
//!
//! Nothing is sampled. Actions, and then resources, fall into the classes that the patterns of all statements tell
//! apart ([`words`]); for each pair of them the conditions either have a context that lets a request through or have
//! none ([`contexts`]). What stays open on the way, such as a variable of which nobody knows the value, counts as
//! letting it through. So where nothing is found, nothing is there; what is found is one request for each statement.

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

/// How much may be looked at: a user's twenty policies take a thousandth of it. What takes more is refused.
pub(super) const MOST: usize = 60_000_000;

/// As many keys may the conditions name that meet in one request; the search goes as deep as there are keys.
pub(super) const MOST_KEYS: usize = 256;

/// What may still be looked at.
pub(super) struct Budget(usize);

/// More than may be looked at.
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

/// What is asked.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    /// Everything that applies.
    pub(super) policies: Policies<'a>,
    /// To whom.
    pub(super) subject: &'a Subject,
    /// Are other policies taken to allow everything, so that only what denies and limits matters?
    pub(super) is_allowed_elsewhere: bool,
}

/// Why something goes through that may go through.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum OpeningKind {
    /// It must not.
    Theft,
    /// The role's trust policy may forbid it.
    Role,
    /// It changes the own password, with the old one.
    Password,
    /// It deletes a virtual device that nobody uses.
    SpareDevice,
}

/// One statement that lets something through without MFA, with one request that shows it.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// The statement; `None` where another policy would allow it, or one that could not be read.
    pub(super) at: Option<StatementId>,
    /// What goes through.
    pub(super) kind: OpeningKind,
    /// On these ways.
    pub(super) ways: Vec<Way>,
    /// The action. One that is made up from a pattern has the pattern beside it.
    pub(super) action: String,
    /// The pattern of the policy, where no name is known that it covers.
    pub(super) pattern: Option<String>,
    /// The resource.
    pub(super) resource: String,
    /// What the request brings along, beyond what each has on its way.
    pub(super) keys: Vec<(String, Known)>,
    /// What nobody knows, and might let it through.
    pub(super) undecided: Vec<Reason>,
    /// Every role that it opens, where it is about roles: a pattern for each.
    pub(super) roles: Vec<String>,
}
