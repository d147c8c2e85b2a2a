//! AWS's time: the local clock, corrected by what AWS's `Date` showed.
//!
//! Signatures, ends of sessions and codes are all measured by AWS's clock. A difference that matters is remembered in
//! the state folder together with the distance between the wall clock and the time since boot: when somebody has set
//! the wall clock since, that distance has changed and the memory is void.

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};

use super::folder::Folder;
use crate::host::Clock;

const FILE: &str = "clock";
/// Below this a difference is the network's as much as the clock's.
const MATTERS: i64 = 5;

/// A clock that shows AWS's time as far as it is known.
pub struct CorrectedClock<'a> {
    clock: &'a dyn Clock,
    folder: Option<&'a Folder>,
    /// AWS's time less ours, in seconds.
    ahead: Cell<i64>,
}

impl<'a> CorrectedClock<'a> {
    /// Starts from what the folder remembers.
    pub fn new(clock: &'a dyn Clock, folder: Option<&'a Folder>) -> Self {
        let ahead = folder.and_then(|folder| remembered(clock, folder)).unwrap_or(0);
        Self { clock, folder, ahead: Cell::new(ahead) }
    }

    /// AWS's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now().saturating_add(SignedDuration::from_secs(self.ahead.get())).unwrap_or(Timestamp::MAX)
    }

    /// How far AWS's clock is ahead of ours, in seconds.
    pub fn ahead(&self) -> i64 {
        self.ahead.get()
    }

    /// Takes in AWS's `Date`, seen now.
    pub fn learn(&self, date: Timestamp) {
        let ahead = date.duration_since(self.clock.now()).as_secs();
        let ahead = if ahead.abs() < MATTERS { 0 } else { ahead };
        if (ahead - self.ahead.get()).abs() < MATTERS {
            return;
        }
        self.ahead.set(ahead);
        let (Some(folder), Some(since_boot)) = (self.folder, self.since_boot()) else { return };
        // Forgetting it costs one more refused request next time, nothing else.
        let _ = folder.write("", FILE, format!("{ahead} {since_boot}\n").as_bytes());
    }

    fn since_boot(&self) -> Option<i64> {
        distance(self.clock)
    }
}

/// The wall clock less the time since boot, in seconds: constant until somebody sets the clock.
fn distance(clock: &dyn Clock) -> Option<i64> {
    let since_boot = i64::try_from(clock.since_boot()?.as_secs()).ok()?;
    Some(clock.now().as_second() - since_boot)
}

fn remembered(clock: &dyn Clock, folder: &Folder) -> Option<i64> {
    let text = std::fs::read_to_string(folder.path().join(FILE)).ok()?;
    let (ahead, then) = text.trim().split_once(' ')?;
    let (ahead, then): (i64, i64) = (ahead.parse().ok()?, then.parse().ok()?);
    ((distance(clock)? - then).abs() < MATTERS).then_some(ahead)
}
