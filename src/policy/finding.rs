//! What is wrong with policies, said once for the page, the JSON and the repair.

use std::ops::Range;

use super::document::Position;
use super::evaluate::StatementId;
use super::journey::{Stage, Way};
use super::rule::{Rule, Severity};

/// One finding.
#[derive(Clone, Debug)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// The rule.
    pub rule: Rule,
    /// The statement, where one is to blame.
    pub at: Option<StatementId>,
    /// The place in its document.
    pub place: Option<Position>,
    /// What is wrong, in a sentence.
    pub what: String,
    /// Why it is.
    pub why: String,
    /// What to do.
    pub repair: String,
    /// The mechanical repair, where there is one.
    pub edits: Vec<Edit>,
    /// The cells of the journey that it explains.
    pub(super) explains: Vec<(Stage, Way)>,
    /// A request that goes through without MFA by what the finding says, where one shows it.
    pub opens: Option<Opened>,
}

/// What goes through.
#[derive(Clone, Debug)]
pub struct Opened {
    /// An action that does.
    pub action: String,
    /// The ways in without MFA on which it does.
    pub ways: Vec<Way>,
}

/// A change of a document's text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Edit {
    /// The document, counted from 0.
    pub document: usize,
    /// What is replaced.
    pub range: Range<usize>,
    /// By what.
    pub text: String,
}
