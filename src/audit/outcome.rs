//! The result of the audit of one account, after `--only`, `--ignore` and the file of accepted findings.

use jiff::Timestamp;
use jiff::civil::Date;

use super::accepted::{Accepted, Pattern, Uncounted};
use super::facts::Account;
use super::judge::{Finding, Limits, judge};
use super::question::Question;
use crate::names::AccountId;

/// Which checks to run, and which findings to accept.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The age limits.
    pub limits: Limits,
    /// Only these checks; empty means all.
    pub only: Vec<Question>,
    /// The findings to ignore.
    pub ignored: Vec<Pattern>,
    /// The accepted findings.
    pub accepted: Vec<Accepted>,
}

/// One account's audit.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The file or profile that it was read from.
    pub name: String,
    /// The account, if known.
    pub id: Option<AccountId>,
    /// The number of users.
    pub users: usize,
    /// When the credential report was generated, if known.
    pub reported: Option<Timestamp>,
    /// Was it read live, and not from a report?
    pub is_live: bool,
    /// The findings that count, in order.
    pub findings: Vec<Finding>,
    /// The findings that do not count, and until when; `None` for `--ignore`.
    pub accepted: Vec<(Finding, Option<Date>)>,
    /// The requested checks that this source cannot answer.
    pub unanswerable: Vec<Question>,
    /// Why the account could not be read at all.
    pub error: Option<String>,
}

impl Outcome {
    /// An empty outcome with that name.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Are there no findings?
    pub fn is_well(&self) -> bool {
        self.error.is_none() && self.findings.is_empty()
    }

    /// Runs the requested checks, and sets accepted findings aside.
    pub fn of(mut account: Account, wish: &Wish, now: Timestamp) -> Self {
        let is_wanted = |question: &Question| wish.only.is_empty() || wish.only.contains(question);
        for gap in &mut account.gaps {
            gap.questions.retain(is_wanted);
        }
        account.gaps.retain(|gap| !gap.questions.is_empty());
        account.unanswerable.retain(is_wanted);
        let uncounted = Uncounted::of(&wish.ignored, &wish.accepted, account.id.as_ref(), now);
        let (mut findings, mut accepted) = (Vec::new(), Vec::new());
        for finding in judge(&account, wish.limits, now) {
            if !is_wanted(&finding.question) && finding.question != Question::NotAsked {
                continue;
            }
            if uncounted.is_ignored(&finding) {
                accepted.push((finding, None));
            } else if let Some(day) = uncounted.until(&finding) {
                accepted.push((finding, Some(day)));
            } else {
                findings.push(finding);
            }
        }
        let Account { id, users, reported, unanswerable, .. } = account;
        Self { id, users: users.len(), reported, findings, accepted, unanswerable, ..Self::default() }
    }
}
