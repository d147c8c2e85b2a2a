//! What came of an audit of one account, after `--only`, `--ignore` and the file of accepted findings.

use jiff::Timestamp;
use jiff::civil::Date;

use super::accepted::{Accepted, Pattern};
use super::facts::Account;
use super::judge::{Finding, Limits, judge};
use super::question::Question;
use crate::names::AccountId;

/// What is asked, and what is lived with.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// How long is too long.
    pub limits: Limits,
    /// Only these; empty is all.
    pub only: Vec<Question>,
    /// What does not count.
    pub ignored: Vec<Pattern>,
    /// What does not count until a day.
    pub accepted: Vec<Accepted>,
}

/// One account's audit.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Where it was read from: a file or a profile.
    pub name: String,
    /// The account, where it is known.
    pub id: Option<AccountId>,
    /// How many users there are.
    pub users: usize,
    /// When the credential report was generated, if it was one that says so.
    pub reported: Option<Timestamp>,
    /// Was it asked live, and not read from a report?
    pub is_live: bool,
    /// What counts, in order.
    pub findings: Vec<Finding>,
    /// What does not, and until when; `None` is `--ignore`.
    pub accepted: Vec<(Finding, Option<Date>)>,
    /// The questions that were wanted and that this source has no answer to.
    pub unanswerable: Vec<Question>,
    /// Why the account could not be read at all.
    pub error: Option<String>,
}

impl Outcome {
    /// Nothing yet, of that name.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Is there nothing to do?
    pub fn is_well(&self) -> bool {
        self.error.is_none() && self.findings.is_empty()
    }

    /// Asks the questions that are wanted, and sets aside what is accepted.
    pub fn of(mut account: Account, wish: &Wish, now: Timestamp) -> Self {
        let is_wanted = |question: &Question| wish.only.is_empty() || wish.only.contains(question);
        for gap in &mut account.gaps {
            gap.questions.retain(is_wanted);
        }
        account.gaps.retain(|gap| !gap.questions.is_empty());
        account.unanswerable.retain(is_wanted);
        let (mut findings, mut accepted) = (Vec::new(), Vec::new());
        for finding in judge(&account, wish.limits, now) {
            if !is_wanted(&finding.question) && finding.question != Question::NotAsked {
                continue;
            }
            let until = |one: &&Accepted| !one.is_over(now) && one.covers(&finding, account.id.as_ref());
            if wish.ignored.iter().any(|pattern| pattern.covers(&finding)) {
                accepted.push((finding, None));
            } else if let Some(day) = wish.accepted.iter().filter(until).map(|one| one.until).max() {
                accepted.push((finding, Some(day)));
            } else {
                findings.push(finding);
            }
        }
        let Account { id, users, reported, unanswerable, .. } = account;
        Self { id, users: users.len(), reported, findings, accepted, unanswerable, ..Self::default() }
    }
}
