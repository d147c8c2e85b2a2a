//! What is wrong with policies, in one form for the page, the JSON and the repair.

use std::ops::Range;

use super::document::Position;
use super::evaluate::StatementId;
use super::journey::{Stage, Way};
use super::rule::{Rule, Severity};

/// One finding.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The severity.
    pub severity: Severity,
    /// The rule.
    pub rule: Rule,
    /// The statement at fault, if there is one.
    pub at: Option<StatementId>,
    /// The place in that statement's document.
    pub place: Option<Position>,
    /// What is wrong, in a phrase.
    pub what: String,
    /// Why it is wrong.
    pub why: String,
    /// What to do.
    pub repair: String,
    /// The mechanical repair, if there is one.
    pub edits: Vec<Edit>,
    /// The cells of the journey that it accounts for.
    pub(super) explains: Vec<(Stage, Way)>,
    /// A request that the finding allows without MFA, if one demonstrates it.
    pub opens: Option<Opened>,
}

/// A request that is allowed without MFA.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The action.
    pub action: String,
    /// The ways in without MFA on which it is allowed.
    pub ways: Vec<Way>,
}

/// A change to a document's text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Edit {
    /// The document, counted from 0.
    pub document: usize,
    /// The bytes to replace.
    pub range: Range<usize>,
    /// The replacement.
    pub text: String,
}
