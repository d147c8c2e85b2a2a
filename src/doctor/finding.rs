//! What a check found, without any secret.

use std::time::Duration;

use crate::profile::Location;

use super::Check;

/// How a check ended.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Verdict {
    /// No problem.
    Pass,
    /// It works, but not as it should.
    Warn,
    /// Something does not work.
    Fail,
    /// It does not apply here, or could not be checked.
    Skipped,
}

impl Verdict {
    /// The name in `--json`, which is stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
        }
    }

    /// The mark at the beginning of a line.
    pub fn mark(self) -> char {
        match self {
            Self::Pass => '✓',
            Self::Warn => '!',
            Self::Fail => '✗',
            Self::Skipped => '–',
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    /// One line. It may quote names from files, so control characters must be escaped before printing it.
    pub what: String,
    /// The line of a file that it concerns.
    pub place: Option<Location>,
    /// How to repair it.
    pub repair: Option<String>,
}

impl Finding {
    /// No problem.
    pub fn pass(what: impl Into<String>) -> Self {
        Self::new(Verdict::Pass, what.into(), None)
    }

    /// It works, but not as it should.
    pub fn warn(what: impl Into<String>, repair: impl Into<String>) -> Self {
        Self::new(Verdict::Warn, what.into(), Some(repair.into()))
    }

    /// Something does not work.
    pub fn fail(what: impl Into<String>, repair: impl Into<String>) -> Self {
        Self::new(Verdict::Fail, what.into(), Some(repair.into()))
    }

    /// It does not apply here, or could not be checked, and why.
    pub fn skipped(why: impl Into<String>) -> Self {
        Self::new(Verdict::Skipped, why.into(), None)
    }

    /// Adds the line of a file that it concerns.
    #[must_use]
    pub fn at(self, place: Option<&Location>) -> Self {
        // The errors of other modules start with their place.
        let prefix = place.map(|place| format!("{place}: ")).unwrap_or_default();
        let what = self.what.strip_prefix(&prefix).map_or_else(|| self.what.clone(), str::to_owned);
        Self { what, place: place.cloned(), ..self }
    }

    fn new(verdict: Verdict, what: String, repair: Option<String>) -> Self {
        Self { verdict, what, place: None, repair }
    }
}

/// A check, what it found, and how long it took.
#[derive(Clone, Debug)]
pub struct Report {
    /// The check.
    pub check: Check,
    /// What it found.
    pub finding: Finding,
    /// From its start to its end.
    pub took: Duration,
}
