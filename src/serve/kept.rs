//! The credentials of one profile in memory, and when `mfa-cred process` is run for the next ones. Pure: the time is an
//! argument.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::answer::{self, Refusal};
use crate::names::Lifetime;
use crate::secret::{Credentials, Secret};
use crate::state::Recall;

/// SDKs ask again below this, so credentials with less left are given only if there are no better ones.
const WANTED: SignedDuration = SignedDuration::from_mins(15);
/// Credentials count as expired this long before their end, but short-lived ones for a smaller part of their time.
const LAST_MINUTE: SignedDuration = SignedDuration::from_secs(60);
const LAST_PART: i32 = 30;
/// `process` renews short-lived ones when a tenth of their time is left; they are looked at just after that.
const RENEWED_PART: f64 = 0.099;
/// The pause after a failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What the server needs to know about a profile from outside.
pub trait Source {
    /// AWS's time, by the clock of the profile's endpoint.
    fn now(&self, profile: usize) -> Timestamp;

    /// The last time that credentials were taken back.
    fn recall(&self) -> Recall;
}

/// Why a renewal gave nothing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    pub(super) refusal: Refusal,
    pub(super) kind: FailureKind,
}

/// What helps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FailureKind {
    /// A person signs in. To find out whether that has been done costs nothing.
    SignIn,
    /// A person was asked for a code, by a command of theirs, and it was wrong or refused. They are not asked again soon.
    Code,
    /// Time.
    Other,
}

/// What a request gets at once.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Reply {
    /// What [`Kept::answer`] says.
    Now,
    /// The same when a renewal has ended, or when the request cannot wait any longer.
    AfterRenewal,
}

/// The credentials of a profile.
#[derive(Debug)]
pub(super) struct Kept {
    held: Option<Held>,
    failure: Option<Failure>,
    /// In a row.
    attempts: u32,
    /// No attempt before.
    again: Option<Instant>,
    is_running: bool,
    /// Were credentials taken back since the renewal that runs has started?
    is_outdated: bool,
    /// Has somebody asked for these credentials? Others are not renewed before somebody does.
    is_used: bool,
    /// Renewed below this.
    least: SignedDuration,
}

#[derive(Debug)]
struct Held {
    body: Secret<String>,
    end: Timestamp,
    /// They count as expired this long before their end.
    margin: SignedDuration,
    /// They are renewed when this is left, if they are short-lived.
    tenth: SignedDuration,
}

impl Kept {
    /// Nothing yet. `least`: how much time must be left, else they are renewed.
    pub(super) fn new(least: Lifetime) -> Self {
        let least = SignedDuration::from_secs(least.secs().into());
        Self {
            held: None,
            failure: None,
            attempts: 0,
            again: None,
            is_running: false,
            is_outdated: false,
            is_used: false,
            least,
        }
    }

    /// A request. The second value: a renewal must start.
    pub(super) fn ask(&mut self, now: Timestamp, at: Instant) -> (Reply, bool) {
        self.is_used = true;
        let left = self.left(now);
        let starts = self.is_due(now, at);
        let is_good = left.is_some_and(|left| left >= WANTED.min(self.least));
        let is_coming = starts || self.is_running;
        (if is_good || !is_coming { Reply::Now } else { Reply::AfterRenewal }, starts)
    }

    /// The credentials, or the reason why there are none.
    pub(super) fn answer(&self, now: Timestamp) -> Result<&Secret<String>, Refusal> {
        match &self.held {
            Some(held) if self.left(now).is_some() => Ok(&held.body),
            _ => Err(self.failure.as_ref().map_or_else(pending, |failure| failure.refusal.clone())),
        }
    }

    /// Must a renewal start although nobody asks? And if not, when is that to be looked at again?
    pub(super) fn tick(&self, now: Timestamp, at: Instant) -> (bool, Option<Duration>) {
        let is_wanted = self.is_used && self.failure.as_ref().is_none_or(|it| it.kind == FailureKind::Other);
        let Some(left) = self.left(now).filter(|_| is_wanted && !self.is_running) else { return (false, None) };
        if self.is_due(now, at) {
            return (true, None);
        }
        let pause = self.again.map_or(Duration::ZERO, |again| again.saturating_duration_since(at));
        let early = Duration::try_from(left - self.least).unwrap_or_default();
        (false, Some(pause.max(early)))
    }

    pub(super) fn starts(&mut self) {
        (self.is_running, self.is_outdated) = (true, false);
    }

    /// Credentials were taken back, perhaps these: they are given no more before `process` has been asked again.
    pub(super) fn forget(&mut self) {
        (self.held, self.failure, self.again, self.attempts) = (None, None, None, 0);
        self.is_outdated = self.is_running;
    }

    /// Was what a renewal gave taken back while it ran?
    pub(super) fn is_outdated(&self) -> bool {
        self.is_outdated
    }

    /// A renewal has ended well.
    pub(super) fn renewed(&mut self, credentials: &Credentials, now: Timestamp, at: Instant) {
        self.is_running = false;
        let (Some(body), Some(end)) = (answer::credentials(credentials), credentials.expiration) else { return };
        self.failure = None;
        let left = end.duration_since(now);
        if self.held.as_ref().is_none_or(|held| held.end != end) {
            (self.is_used, self.attempts) = (false, 0);
            self.held =
                Some(Held { body, end, margin: LAST_MINUTE.min(left / LAST_PART), tenth: left.mul_f64(RENEWED_PART) });
        }
        self.again = None;
        if left < self.least {
            // They are short-lived, or the old ones, because AWS cannot be reached. `process` knows which.
            let half = self
                .held
                .as_ref()
                .map(|held| held.tenth)
                .filter(|tenth| left > *tenth)
                .unwrap_or_default()
                .max(left / 2);
            let soon = Duration::try_from(left - half).unwrap_or_default();
            self.again = Some(at + self.pause().min(soon));
            self.attempts += 1;
        }
    }

    /// A renewal has ended with nothing.
    pub(super) fn failed(&mut self, failure: Failure, at: Instant) {
        self.is_running = false;
        let pause = match failure.kind {
            FailureKind::SignIn => Duration::from_millis(500),
            FailureKind::Code => LONGEST_PAUSE,
            FailureKind::Other => self.pause(),
        };
        self.attempts += 1;
        self.again = Some(at + pause);
        self.failure = Some(failure);
    }

    /// A renewal was interrupted, which says nothing.
    pub(super) fn interrupted(&mut self, at: Instant) {
        self.is_running = false;
        self.again = Some(at + Duration::from_millis(500));
    }

    fn pause(&self) -> Duration {
        FIRST_PAUSE.saturating_mul(1 << self.attempts.min(10)).min(LONGEST_PAUSE)
    }

    /// How long they can still be given; `None` if they cannot.
    fn left(&self, now: Timestamp) -> Option<SignedDuration> {
        let held = self.held.as_ref()?;
        let left = held.end.duration_since(now);
        (left > held.margin.max(SignedDuration::ZERO)).then_some(left)
    }

    fn is_due(&self, now: Timestamp, at: Instant) -> bool {
        !self.is_running
            && self.left(now).is_none_or(|left| left < self.least)
            && self.again.is_none_or(|again| at >= again)
    }
}

/// The renewal takes longer than the client can wait; SDKs try again.
fn pending() -> Refusal {
    let message = "the credentials are still being obtained; try again";
    Refusal::new("503 Service Unavailable", "Pending", message)
}

#[cfg(test)]
mod tests;
