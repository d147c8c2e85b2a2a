use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::{Failure, FailureKind, Kept, Reply};
use crate::names::Lifetime;
use crate::secret::{Credentials, Secret};
use crate::serve::answer::Refusal;

const MINUTE: u64 = 60;

/// A profile's credentials and a clock that stands still until it is moved.
struct Play {
    kept: Kept,
    start: Instant,
    passed: Duration,
}

impl Play {
    fn new() -> Self {
        Self { kept: Kept::new(Lifetime::from_secs(1200)), start: Instant::now(), passed: Duration::ZERO }
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::try_from(self.passed).expect("a time")
    }

    fn at(&self) -> Instant {
        self.start + self.passed
    }

    fn pass(&mut self, secs: u64) -> &mut Self {
        self.passed += Duration::from_secs(secs);
        self
    }

    fn renewed(&mut self, id: &str, secs: i64) -> &mut Self {
        let credentials = Credentials {
            access_key_id: id.to_owned(),
            secret_access_key: Secret::from("s"),
            session_token: Some(Secret::from("t")),
            expiration: Some(self.now() + SignedDuration::from_secs(secs)),
            account: None,
        };
        self.kept.renewed(&credentials, self.now(), self.at());
        self
    }

    fn failed(&mut self, kind: FailureKind) -> &mut Self {
        let refusal = Refusal::new("403 Forbidden", "No", "no");
        self.kept.failed(Failure { refusal, kind }, self.at());
        self
    }

    /// Does the request wait, does a renewal start, and whose key or which error would it get now?
    fn ask(&mut self) -> (bool, bool, String) {
        let (reply, starts) = self.kept.ask(self.now(), self.at());
        if starts {
            self.kept.starts();
        }
        (reply == Reply::AfterRenewal, starts, self.given())
    }

    fn given(&self) -> String {
        match self.kept.answer(self.now()) {
            Ok(body) => body.expose().split('"').nth(3).unwrap_or_default().to_owned(),
            Err(refusal) => refusal.code.to_owned(),
        }
    }

    /// Does a renewal start by itself?
    fn ticks(&mut self) -> bool {
        let (starts, _) = self.kept.tick(self.now(), self.at());
        if starts {
            self.kept.starts();
        }
        starts
    }
}

fn was(waits: bool, starts: bool, given: &str) -> (bool, bool, String) {
    (waits, starts, given.to_owned())
}

#[test]
fn a_request_waits_only_for_a_renewal_that_it_needs() {
    let mut play = Play::new();
    assert_eq!(play.ask(), was(true, true, "Pending"), "nothing yet");
    assert_eq!(play.ask(), was(true, false, "Pending"), "one renewal at a time");
    assert_eq!(play.renewed("A", 3600).ask(), was(false, false, "A"));
    assert_eq!(play.pass(41 * MINUTE).ask(), was(false, true, "A"), "19 minutes are enough for an SDK");
    assert_eq!(play.pass(5 * MINUTE).ask(), was(true, false, "A"), "14 are not, while better ones are coming");
    assert_eq!(play.renewed("B", 3600).ask(), was(false, false, "B"));
}

#[test]
fn credentials_are_never_given_in_their_last_minute() {
    let mut play = Play::new();
    play.renewed("A", 3600);
    play.pass(3600 - 61).ask();
    assert_eq!(play.failed(FailureKind::Other).ask(), was(false, false, "A"), "the old ones still work");
    assert_eq!(play.pass(2).given(), "No");
    assert_eq!(play.pass(3600).given(), "No");
    let mut short = Play::new();
    short.renewed("A", 10);
    assert_eq!(
        (short.given(), short.pass(9).given(), short.pass(1).given()),
        ("A".into(), "A".into(), "Pending".into())
    );
}

#[test]
fn what_is_used_is_renewed_early_and_what_is_not_is_left_alone() {
    let mut play = Play::new();
    play.renewed("A", 3600);
    play.pass(50 * MINUTE);
    assert!(!play.ticks(), "nobody has asked");
    let mut play = Play::new();
    play.renewed("A", 3600).ask();
    assert!(!play.pass(39 * MINUTE).ticks());
    let (_, next) = play.kept.tick(play.now(), play.at());
    assert_eq!(next, Some(Duration::from_secs(MINUTE)));
    assert!(play.pass(MINUTE + 1).ticks());
    assert!(!play.ticks(), "one renewal at a time");
    play.renewed("B", 3600).pass(50 * MINUTE);
    assert!(!play.ticks(), "nobody has asked for these");
}

#[test]
fn a_sign_in_is_noticed_within_a_second_and_other_failures_are_not_repeated_at_once() {
    let mut play = Play::new();
    play.ask();
    assert_eq!(play.failed(FailureKind::SignIn).ask(), was(false, false, "No"));
    assert_eq!(play.pass(1).ask(), was(true, true, "No"));
    assert_eq!(play.renewed("A", 3600).ask(), was(false, false, "A"));
    for (kind, pauses) in [(FailureKind::Other, [5, 10, 20, 40, 60, 60]), (FailureKind::Code, [60; 6])] {
        let mut play = Play::new();
        play.ask();
        for pause in pauses {
            play.failed(kind);
            assert_eq!(play.pass(pause - 1).ask(), was(false, false, "No"), "{kind:?} {pause}");
            assert_eq!(play.pass(1).ask(), was(true, true, "No"), "{kind:?} {pause}");
        }
    }
}

#[test]
fn a_failure_that_needs_a_person_is_not_repeated_unless_somebody_asks() {
    for (kind, repeats) in [(FailureKind::SignIn, false), (FailureKind::Code, false), (FailureKind::Other, true)] {
        let mut play = Play::new();
        play.renewed("A", 3600).ask();
        play.pass(45 * MINUTE).ask();
        play.failed(kind).pass(2 * MINUTE);
        assert_eq!(play.ticks(), repeats, "{kind:?}");
    }
}

#[test]
fn credentials_that_are_short_lived_are_looked_after_more_often_as_they_end() {
    let mut play = Play::new();
    play.renewed("A", 15 * 60).ask();
    let mut looks = 0;
    while play.given() == "A" {
        if play.ticks() {
            looks += 1;
            // `process` still finds them good.
            let left = 15 * 60 - i64::try_from(play.passed.as_secs()).expect("a time");
            play.renewed("A", left);
        }
        play.pass(1);
    }
    assert!((12..40).contains(&looks), "{looks}");
}

#[test]
fn what_was_taken_back_is_not_given_again_before_a_renewal_that_started_later_has_ended() {
    let mut play = Play::new();
    play.renewed("A", 3600).ask();
    play.kept.forget();
    assert_eq!(play.ask(), was(true, true, "Pending"));
    assert!(!play.kept.is_outdated());
    play.kept.forget();
    assert!(play.kept.is_outdated(), "that renewal may have read the cache before");
    assert_eq!(play.ask(), was(true, false, "Pending"), "one renewal at a time");
    play.kept.starts();
    assert!(!play.kept.is_outdated());
    assert_eq!(play.renewed("B", 3600).ask(), was(false, false, "B"));
    // Whatever was refused before may be granted now.
    play.pass(3600).failed(FailureKind::Code).kept.forget();
    assert_eq!(play.ask(), was(true, true, "Pending"));
}
