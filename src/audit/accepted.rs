//! Accepted findings, which do not count, some of them only until a certain day.
//!
//! One per line: `ID=NAME until YYYY-MM-DD`, optionally with `in ACCOUNT` before the `until`, and a `#` with a reason
//! at the end. Without `=NAME`, it means every finding with that ID. The day is the last one on which it is accepted,
//! in UTC.

use std::collections::{HashMap, HashSet};
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

impl Pattern {
    fn key(&self) -> Key<'_> {
        (self.question, self.name.as_deref())
    }
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
}

/// A question, and a name or all of them.
type Key<'a> = (Question, Option<&'a str>);

/// What does not count in one account at one time, by what it names: a file may have a line for every user.
pub(super) struct Uncounted<'a> {
    ignored: HashSet<Key<'a>>,
    accepted: HashMap<Key<'a>, Date>,
}

impl<'a> Uncounted<'a> {
    pub(super) fn of(
        ignored: &'a [Pattern],
        accepted: &'a [Accepted],
        account: Option<&AccountId>,
        now: Timestamp,
    ) -> Self {
        let mut days: HashMap<Key<'a>, Date> = HashMap::new();
        let is_here = |one: &&Accepted| one.account.as_ref().is_none_or(|own| Some(own) == account);
        for one in accepted.iter().filter(is_here).filter(|one| !one.is_over(now)) {
            let day = days.entry(one.pattern.key()).or_insert(one.until);
            *day = one.until.max(*day);
        }
        Self { ignored: ignored.iter().map(Pattern::key).collect(), accepted: days }
    }

    pub(super) fn is_ignored(&self, finding: &Finding) -> bool {
        keys(finding).iter().any(|key| self.ignored.contains(key))
    }

    /// The last day on which the finding is accepted, if it is.
    pub(super) fn until(&self, finding: &Finding) -> Option<Date> {
        keys(finding).iter().filter_map(|key| self.accepted.get(key)).max().copied()
    }
}

/// What a pattern has that covers the finding.
fn keys(finding: &Finding) -> [Key<'_>; 2] {
    [(finding.question, None), (finding.question, finding.subject.name())]
}

#[cfg(test)]
mod tests {
    use super::{Pattern, Problem, Uncounted, read};
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
            let line = &all[line..=line];
            let time = "2026-03-31T23:59:59Z".parse().expect("a time");
            let until = Uncounted::of(&[], line, id.as_ref(), time).until(found);
            assert_eq!(until, covers.then(|| line[0].until), "{line:?} {found:?} {id:?}");
            let later = "2026-04-01T00:00:00Z".parse().expect("a time");
            assert_eq!(Uncounted::of(&[], line, id.as_ref(), later).until(found), None, "{line:?}");
        }
        assert_eq!(all.iter().map(|one| one.line).collect::<Vec<_>>(), [3, 4, 5]);
        for (now, is_over) in [("2026-03-31T23:59:59Z", false), ("2026-04-01T00:00:00Z", true)] {
            assert_eq!(all[0].is_over(now.parse().expect("a time")), is_over, "{now}");
        }
    }

    #[test]
    fn the_last_day_of_several_lines_counts_and_what_is_ignored_has_none() {
        let text = "old-key=ci until 2026-03-31\nold-key until 2026-05-31\nold-key=ci until 2026-04-30\n";
        let all = read(text).expect("three lines");
        let now = "2026-01-01T00:00:00Z".parse().expect("a time");
        let ci = finding(Question::OldKey, Subject::User("ci".to_owned()));
        assert_eq!(Uncounted::of(&[], &all, None, now).until(&ci), Some(all[1].until));
        for (pattern, is_ignored) in [("old-key", true), ("old-key=ci", true), ("old-key=zoe", false)] {
            let pattern: Pattern = pattern.parse().expect("a pattern");
            let uncounted = Uncounted::of(std::slice::from_ref(&pattern), &all, None, now);
            assert_eq!(uncounted.is_ignored(&ci), is_ignored, "{pattern:?}");
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
