//! Accepted findings, which do not count, some of them only until a certain day.
//!
//! One per line: `ID=NAME until YYYY-MM-DD`, optionally with `in ACCOUNT` before the `until`, and a `#` with a reason
//! at the end. Without `=NAME`, it means every finding with that ID. The day is the last one on which it is accepted,
//! in UTC.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::judge::Finding;
use super::question::Question;
use crate::names::AccountId;

/// The findings of one check, for all names or for a single one: `ID`, `ID=NAME`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pattern {
    question: Question,
    name: Option<String>,
}

/// An invalid [`Pattern`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PatternError {
    /// An unknown ID.
    #[error("unknown check `{0}`; `audit --help` lists them")]
    Unknown(String),
    /// Nothing after the `=`.
    #[error("expected the name of a user or a group after `=`")]
    NoName,
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let (slug, name) = text.split_once('=').map_or((text, None), |(slug, name)| (slug, Some(name)));
        let question = Question::ALL.iter().copied().find(|question| question.slug() == slug);
        let question = question.ok_or_else(|| PatternError::Unknown(slug.to_owned()))?;
        if name == Some("") {
            return Err(PatternError::NoName);
        }
        Ok(Self { question, name: name.map(str::to_owned) })
    }
}

impl Pattern {
    /// Does the finding match?
    pub fn covers(&self, finding: &Finding) -> bool {
        self.question == finding.question
            && self.name.as_deref().is_none_or(|name| finding.subject.name() == Some(name))
    }
}

/// A line of the file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Accepted {
    /// The line number, counted from 1.
    pub line: usize,
    /// The findings that it accepts.
    pub pattern: Pattern,
    /// The account, if the line names one.
    pub account: Option<AccountId>,
    /// The last day.
    pub until: Date,
}

/// Why a line is invalid.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    /// The finding.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The account.
    #[error("expected a twelve-digit account ID after `in`")]
    Account,
    /// The day.
    #[error("expected a last day, such as `until 2026-12-31`")]
    Until,
    /// Something else.
    #[error("`{0}` is not expected here; put a reason after `#`")]
    More(String),
}

/// An invalid line.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct AcceptError {
    /// The line, counted from 1.
    pub line: usize,
    /// The reason.
    pub problem: Problem,
}

/// Parses the file.
///
/// # Errors
/// The first invalid line.
pub fn read(text: &str) -> Result<Vec<Accepted>, AcceptError> {
    let mut all = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        let line = line.trim_start_matches('\u{feff}').split('#').next().unwrap_or_default();
        let one = one(line, line_number).map_err(|problem| AcceptError { line: line_number, problem })?;
        all.extend(one);
    }
    Ok(all)
}

fn one(text: &str, line: usize) -> Result<Option<Accepted>, Problem> {
    let mut words = text.split_whitespace();
    let Some(first) = words.next() else { return Ok(None) };
    let pattern = first.parse()?;
    let (mut account, mut until) = (None, None);
    while let Some(word) = words.next() {
        match word {
            "in" => account = Some(words.next().and_then(|id| id.parse().ok()).ok_or(Problem::Account)?),
            "until" => until = Some(words.next().and_then(|day| day.parse().ok()).ok_or(Problem::Until)?),
            other => return Err(Problem::More(other.to_owned())),
        }
    }
    Ok(Some(Accepted { line, pattern, account, until: until.ok_or(Problem::Until)? }))
}

impl Accepted {
    /// Is its day over?
    pub fn is_over(&self, now: Timestamp) -> bool {
        now.to_zoned(TimeZone::UTC).date() > self.until
    }

    /// Does it accept this finding in that account?
    pub fn covers(&self, finding: &Finding, account: Option<&AccountId>) -> bool {
        self.account.as_ref().is_none_or(|own| Some(own) == account) && self.pattern.covers(finding)
    }
}

#[cfg(test)]
mod tests {
    use super::{Problem, read};
    use crate::audit::judge::{Finding, Subject};
    use crate::audit::question::Question;

    fn finding(question: Question, subject: Subject) -> Finding {
        Finding { question, subject, detail: String::new(), what: String::new(), repair: String::new() }
    }

    #[test]
    fn a_line_accepts_what_it_names_until_its_day_is_over() {
        let text = "\u{feff}# ours\n\nkey-without-mfa=ci in 111111111111 until 2026-03-31  # a program\n\
                    password-reuse until 2026-03-31\nroot-key=<root_account> until 2026-03-31\n";
        let all = read(text).expect("three lines");
        let account = |id: &str| id.parse().ok();
        let ci = finding(Question::KeyWithoutMfa, Subject::User("ci".to_owned()));
        for (line, found, id, covers) in [
            (0, &ci, "111111111111", true),
            (0, &ci, "222222222222", false),
            (0, &finding(Question::KeyWithoutMfa, Subject::User("ci2".to_owned())), "111111111111", false),
            (0, &finding(Question::OldKey, Subject::User("ci".to_owned())), "111111111111", false),
            (1, &finding(Question::PasswordReuse, Subject::Account), "222222222222", true),
            (2, &finding(Question::RootKey, Subject::Root), "222222222222", true),
        ] {
            let id: Option<_> = account(id);
            assert_eq!(all[line].covers(found, id.as_ref()), covers, "{line} {found:?} {id:?}");
        }
        assert_eq!(all.iter().map(|one| one.line).collect::<Vec<_>>(), [3, 4, 5]);
        for (now, is_over) in [("2026-03-31T23:59:59Z", false), ("2026-04-01T00:00:00Z", true)] {
            assert_eq!(all[0].is_over(now.parse().expect("a time")), is_over, "{now}");
        }
    }

    #[test]
    fn an_invalid_line_is_reported() {
        for (text, line, problem) in [
            ("\nold-key=a", 2, "expected a last day, such as `until 2026-12-31`"),
            ("old-key=a until tomorrow", 1, "expected a last day, such as `until 2026-12-31`"),
            ("old-key=a until 2026-02-30", 1, "expected a last day, such as `until 2026-12-31`"),
            ("old-key= until 2026-02-28", 1, "expected the name of a user or a group after `=`"),
            ("old-keys=a", 1, "unknown check `old-keys`; `audit --help` lists them"),
            ("old-key=a in prod until 2026-02-28", 1, "expected a twelve-digit account ID after `in`"),
            ("old-key=a until 2026-02-28 because", 1, "`because` is not expected here; put a reason after `#`"),
        ] {
            let error = read(text).expect_err(text);
            assert_eq!((error.line, error.problem.to_string().as_str()), (line, problem), "{text}");
        }
        assert_eq!(read("x").expect_err("x").problem, Problem::Pattern(super::PatternError::Unknown("x".to_owned())));
    }
}
