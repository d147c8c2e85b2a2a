//! An in-memory clock for tests.

use std::cell::Cell;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Clock;

/// A clock that advances only when told to, or when something sleeps on it.
pub(crate) struct SetClock {
    pub(crate) now: Cell<Timestamp>,
    pub(crate) since_boot: Cell<Option<Duration>>,
    pub(crate) slept: Cell<Duration>,
}

impl SetClock {
    pub(crate) fn at(second: i64) -> Self {
        let since_boot = Cell::new(Some(Duration::from_secs(1000)));
        Self { now: Cell::new(at(second)), since_boot, slept: Cell::new(Duration::ZERO) }
    }

    /// Advances both clocks.
    pub(crate) fn pass(&self, time: Duration) {
        self.set(i64::try_from(time.as_secs()).expect("a while"));
        self.since_boot.set(self.since_boot.get().map(|since| since + time));
    }

    /// Moves the wall clock only, by that many seconds.
    pub(crate) fn set(&self, seconds: i64) {
        self.now.set(self.now.get() + SignedDuration::from_secs(seconds));
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn since_boot(&self) -> Option<Duration> {
        self.since_boot.get()
    }

    fn boot(&self) -> Option<String> {
        Some("this-boot".to_owned())
    }

    fn sleep(&self, time: Duration) {
        self.slept.set(self.slept.get() + time);
        self.pass(time);
    }
}

/// A point in time: the start of a code's time window plus this many seconds.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}
