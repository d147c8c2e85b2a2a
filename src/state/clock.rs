//! AWS's time: the local clock, corrected by the `Date` header of AWS's responses.
//!
//! Signatures, session expirations and codes all depend on AWS's clock, and that is the clock of the endpoint that
//! responds. One endpoint's time says nothing about another's, so that a test server 13 hours ahead does not end AWS
//! sessions: each partition has a clock, and so does each configured endpoint. The time in a response is saved in the
//! state folder together with the time since boot, which nobody can set and which keeps running while the machine
//! sleeps. If the wall clock is set later, that record gives AWS's current time: setting the clock back does not revive
//! a session, and setting it forward does not end one.
//!
//! One case is ambiguous. A wall clock that is ahead of the record may be right, if a virtual machine was restored and
//! its time since boot stood still. Then the later of the two times counts, and the clock says that it [is in
//! doubt](CorrectedClock::is_in_doubt) until AWS responds again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};

use super::folder::Folder;
use crate::host::Clock;
use crate::names::Partition;
use crate::names::digest::digest_name;
use crate::plan::Service;

/// The prefix of the file names.
const FILE: &str = "clock-";
/// In seconds. A smaller difference may as well be network delay.
const MATTERS: i64 = 5;

/// A clock that shows an endpoint's time, as far as it is known.
#[derive(Clone)]
pub struct CorrectedClock<'a> {
    all: Rc<Clocks<'a>>,
    endpoint: String,
}

/// What is known about all endpoints' clocks. Each is looked up on first use.
struct Clocks<'a> {
    clock: &'a dyn Clock,
    folder: Option<&'a Folder>,
    known: RefCell<BTreeMap<String, Known>>,
}

/// What is known about one endpoint's clock.
#[derive(Clone, Copy, Default)]
struct Known {
    reading: Reading,
    memory: Option<Memory>,
    /// Whether it is still unchecked that the record is from this boot, since the record changes nothing.
    may_be_of_another_boot: bool,
}

/// The time that AWS's clock showed, and the times that ours showed at that moment, in seconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Memory {
    aws: i64,
    wall: i64,
    since_boot: i64,
}

/// The correction that a record gives for this moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Reading {
    /// The endpoint's time minus ours, in seconds.
    ahead: i64,
    in_doubt: bool,
}

impl Memory {
    /// Reads our clocks now; `None` if the time since boot is unknown.
    fn of_now(clock: &dyn Clock, aws: Timestamp) -> Option<Self> {
        let since_boot = i64::try_from(clock.since_boot()?.as_secs()).ok()?;
        Some(Self { aws: aws.as_second(), wall: clock.now().as_second(), since_boot })
    }

    fn ahead(self) -> i64 {
        let ahead = self.aws - self.wall;
        if ahead.abs() < MATTERS { 0 } else { ahead }
    }

    /// AWS's time minus the wall clock's, given what our clocks show now.
    fn read(self, wall: i64, since_boot: i64) -> Reading {
        let passed = since_boot - self.since_boot;
        let set_by = wall - self.wall - passed;
        if set_by.abs() < MATTERS {
            return Reading { ahead: self.ahead(), in_doubt: false };
        }
        let ahead = self.aws + passed - wall;
        if ahead > -MATTERS {
            let ahead = if ahead < MATTERS { 0 } else { ahead };
            return Reading { ahead, in_doubt: false };
        }
        Reading { ahead: 0, in_doubt: true }
    }

    /// Parses a file's text into the record and the boot that it is from; each boot has its own time since boot.
    fn parse(text: &str) -> Option<(Self, &str)> {
        let mut words = text.split_whitespace();
        let mut number = || words.next()?.parse().ok();
        let memory = Self { aws: number()?, wall: number()?, since_boot: number()? };
        Some((memory, words.next()?))
    }
}

impl<'a> CorrectedClock<'a> {
    /// The clock of AWS's own endpoints, which gives access to those of all others. Starts from what the folder
    /// remembers from this boot.
    pub fn new(clock: &'a dyn Clock, folder: Option<&'a Folder>) -> Self {
        let all = Rc::new(Clocks { clock, folder, known: RefCell::default() });
        Self { all, endpoint: Partition::AWS.as_str().to_owned() }
    }

    /// The clock of the endpoint that serves `service`.
    #[must_use]
    pub fn of(&self, service: &Service) -> Self {
        Self { all: Rc::clone(&self.all), endpoint: clock_name(&service.partition, service.endpoint_url.as_deref()) }
    }

    /// The time by the clock with that [name](clock_name). A name that is not known here gives AWS's time.
    pub(crate) fn now_of(&self, name: &str) -> Timestamp {
        let is_legal = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let endpoint = if is_legal { name } else { Partition::AWS.as_str() };
        Self { all: Rc::clone(&self.all), endpoint: endpoint.to_owned() }.now()
    }

    /// This machine's own clocks.
    pub fn local(&self) -> &'a dyn Clock {
        self.all.clock
    }

    /// The endpoint's time.
    pub fn now(&self) -> Timestamp {
        self.local().now().saturating_add(SignedDuration::from_secs(self.ahead())).unwrap_or(Timestamp::MAX)
    }

    /// How many seconds the endpoint's clock is ahead of ours; negative if it is behind.
    pub fn ahead(&self) -> i64 {
        self.known().reading.ahead
    }

    /// Tells whether the wall clock was set forward, so that only AWS can tell whether it is right.
    pub fn is_in_doubt(&self) -> bool {
        self.known().reading.in_doubt
    }

    /// Takes in the endpoint's `Date` header, received now.
    pub fn learn(&self, date: Timestamp) {
        let known = self.known();
        let before = if known.may_be_of_another_boot { self.of_this_boot() } else { known.memory };
        let Some(seen) = Memory::of_now(self.local(), date) else {
            let ahead = date.as_second() - self.local().now().as_second();
            let ahead = if ahead.abs() < MATTERS { 0 } else { ahead };
            let reading = Reading { ahead, in_doubt: false };
            return self.set(Known { reading, memory: before, may_be_of_another_boot: false });
        };
        let known = before.map(|memory| memory.read(seen.wall, seen.since_boot));
        let is_news = known.is_none_or(|known| known.in_doubt || (known.ahead - seen.ahead()).abs() >= MATTERS);
        let news = (is_news, self.all.folder, self.local().boot());
        let memory = if let (true, Some(folder), Some(boot)) = news {
            let text = format!("{} {} {} {boot}\n", seen.aws, seen.wall, seen.since_boot);
            // Without it, one more request is refused next time, nothing worse.
            let _ = folder.write("", &self.file(), text.as_bytes());
            Some(seen)
        } else {
            before
        };
        let reading = Reading { ahead: seen.ahead(), in_doubt: false };
        self.set(Known { reading, memory, may_be_of_another_boot: false });
    }

    fn set(&self, known: Known) {
        self.all.known.borrow_mut().insert(self.endpoint.clone(), known);
    }

    fn known(&self) -> Known {
        if let Some(known) = self.all.known.borrow().get(&self.endpoint) {
            return *known;
        }
        let known = self.remembered();
        self.set(known);
        known
    }

    /// What the folder remembers. If the record changes nothing, it is ignored and its boot stays unchecked: that is
    /// the case in nearly every call.
    fn remembered(&self) -> Known {
        let clock = self.local();
        let Some(text) = self.text() else { return Known::default() };
        let Some((memory, boot)) = Memory::parse(&text) else { return Known::default() };
        let since_boot = clock.since_boot().and_then(|time| i64::try_from(time.as_secs()).ok());
        let reading = since_boot.map(|since_boot| memory.read(clock.now().as_second(), since_boot));
        match reading.filter(|reading| *reading != Reading::default()) {
            None => Known { memory: Some(memory), may_be_of_another_boot: true, ..Known::default() },
            Some(reading) if clock.boot().as_deref() == Some(boot) => {
                Known { reading, memory: Some(memory), may_be_of_another_boot: false }
            }
            Some(_) => Known::default(),
        }
    }

    fn of_this_boot(&self) -> Option<Memory> {
        let text = self.text()?;
        let (memory, boot) = Memory::parse(&text)?;
        (self.local().boot()? == boot).then_some(memory)
    }

    fn text(&self) -> Option<String> {
        self.all.folder?.read_text(&self.file())
    }

    fn file(&self) -> String {
        format!("{FILE}{}", self.endpoint)
    }
}

/// The name of an endpoint's clock, in file names and in entries: only letters, digits and hyphens.
pub fn clock_name(partition: &Partition, endpoint_url: Option<&str>) -> String {
    let partition = partition.as_str();
    match endpoint_url {
        None => partition.to_owned(),
        // The URL may contain a password.
        Some(url) => format!("{partition}-{}", digest_name(url)),
    }
}

#[cfg(test)]
mod tests {
    use super::{CorrectedClock, Memory, Reading};
    use crate::host::Clock;
    use crate::host::fake_clock::{SetClock, at};
    use crate::state::Folder;
    use jiff::Timestamp;
    use std::cell::Cell;
    use std::time::Duration;

    #[test]
    fn what_a_record_says_later() {
        const DAY: i64 = 86_400;
        let (right, behind) =
            (Memory { aws: 1000, wall: 1000, since_boot: 50 }, Memory { aws: 1000, wall: 100, since_boot: 50 });
        let before = Memory { aws: 1000, wall: 1900, since_boot: 50 };
        for (memory, wall, since_boot, ahead, in_doubt, what) in [
            (right, 1600, 650, 0, false, "time passes"),
            (right, 1600 - 2 * DAY, 650, 2 * DAY, false, "set back two days"),
            (right, 1600 - 900, 650, 900, false, "set back a quarter of an hour"),
            (right, 1600 + 2 * DAY, 650, 0, true, "set forward, or restored: the later time counts"),
            (right, 1603, 650, 0, false, "a second or two is nothing"),
            (behind, 700, 650, 900, false, "behind, and it stays behind"),
            (behind, 1600, 650, 0, false, "behind, and then set right"),
            (behind, 1600 + DAY, 650, 0, true, "behind, and then set too far"),
            (before, 2500, 650, -900, false, "ahead, and it stays ahead"),
            (before, 1600, 650, 0, false, "ahead, and then set right"),
            (before, 2600, 650, 0, true, "ahead, and then set further ahead"),
        ] {
            assert_eq!(memory.read(wall, since_boot), Reading { ahead, in_doubt }, "{what}");
        }
    }

    #[test]
    fn a_record_has_three_times_and_a_boot() {
        let memory = Memory { aws: 1, wall: 2, since_boot: 3 };
        assert_eq!(Memory::parse("1 2 3 boot\n"), Some((memory, "boot")));
        for text in ["", "1 2 3", "1 x 3 boot", "900 700"] {
            assert_eq!(Memory::parse(text), None, "{text}");
        }
    }

    /// A clock that counts how often it is asked for the boot.
    struct Asked(SetClock, Cell<u32>);

    impl Clock for Asked {
        fn now(&self) -> Timestamp {
            self.0.now()
        }

        fn since_boot(&self) -> Option<Duration> {
            self.0.since_boot()
        }

        fn boot(&self) -> Option<String> {
            self.1.set(self.1.get() + 1);
            self.0.boot()
        }

        fn sleep(&self, time: Duration) {
            self.0.sleep(time);
        }
    }

    #[test]
    fn a_record_from_another_boot_is_ignored_and_the_boot_is_read_only_if_it_matters() {
        for (ahead, boot, asked, wanted) in [
            (0, "this-boot", 0, 0),
            (4, "this-boot", 0, 0),
            (900, "this-boot", 1, 900),
            (900, "another-boot", 1, 0),
            (0, "another-boot", 0, 0),
        ] {
            let (_place, folder) = folder();
            let clock = Asked(SetClock::at(0), Cell::new(0));
            let (aws, wall) = (at(ahead).as_second(), at(0).as_second());
            folder.write("", "clock-aws", format!("{aws} {wall} 1000 {boot}\n").as_bytes()).expect("it is written");
            let corrected = CorrectedClock::new(&clock, Some(&folder));
            assert_eq!((corrected.ahead(), corrected.now()), (wanted, at(wanted)), "{ahead} {boot}");
            assert_eq!(clock.1.get(), asked, "{ahead} {boot}");
            // A time learned then is news for a record from another boot, which is dropped.
            corrected.learn(at(wanted));
            let text = std::fs::read_to_string(folder.path().join("clock-aws")).expect("it is there");
            assert!(text.ends_with("this-boot\n"), "{ahead} {boot}: {text}");
        }
    }

    #[test]
    fn differences_below_five_seconds_are_network_delay() {
        let memory = Memory { aws: 1000, wall: 1000, since_boot: 50 };
        for (off, ahead) in [(4, 0), (-4, 0), (5, 5), (-5, -5)] {
            assert_eq!(Memory { aws: 1000 + off, ..memory }.ahead(), ahead, "{off}");
        }
        for (wall, ahead, in_doubt) in
            [(1604, 0, false), (1596, 0, false), (1605, 0, true), (1595, 5, false), (1590, 10, false)]
        {
            assert_eq!(memory.read(wall, 650), Reading { ahead, in_doubt }, "{wall}");
        }
        // A clock that was behind and has been set nearly right.
        let behind = Memory { wall: 100, ..memory };
        for (wall, ahead, in_doubt) in [(1595, 5, false), (1596, 0, false), (1604, 0, false), (1605, 0, true)] {
            assert_eq!(behind.read(wall, 650), Reading { ahead, in_doubt }, "{wall}");
        }
    }

    fn folder() -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(Some(&place.path().join("state"))).expect("it is made");
        (place, folder)
    }

    #[test]
    fn the_time_of_a_response_counts_from_then_on() {
        let (_place, folder) = folder();
        let clock = SetClock::at(0);
        let corrected = CorrectedClock::new(&clock, Some(&folder));
        assert_eq!((corrected.now(), corrected.ahead(), corrected.is_in_doubt()), (at(0), 0, false));
        corrected.learn(at(900));
        assert_eq!((corrected.now(), corrected.ahead()), (at(900), 900));
        clock.pass(Duration::from_secs(60));
        assert_eq!(corrected.now(), at(960));

        // Another process continues from there, even if the wall clock has been set since.
        assert_eq!(CorrectedClock::new(&clock, Some(&folder)).now(), at(960));
        clock.set(-5000);
        let set_back = CorrectedClock::new(&clock, Some(&folder));
        assert_eq!((set_back.now(), set_back.is_in_doubt()), (at(960), false));
        clock.set(100_000);
        let set_forward = CorrectedClock::new(&clock, Some(&folder));
        assert_eq!((set_forward.ahead(), set_forward.is_in_doubt()), (0, true));
        set_forward.learn(at(970));
        assert_eq!((set_forward.now(), set_forward.is_in_doubt()), (at(970), false));
        let after = CorrectedClock::new(&clock, Some(&folder));
        assert_eq!((after.now(), after.is_in_doubt()), (at(970), false), "what ends a doubt is remembered");
    }

    #[test]
    fn only_changes_are_written() {
        let (_place, folder) = folder();
        let text = || std::fs::read_to_string(folder.path().join("clock-aws")).unwrap_or_default();
        let clock = SetClock::at(0);
        let corrected = CorrectedClock::new(&clock, Some(&folder));
        for (second, wanted) in [
            // A correct clock is recorded too: it may be set later.
            (2, format!("{} {} 1000 this-boot\n", at(2).as_second(), at(0).as_second())),
            (4, format!("{} {} 1000 this-boot\n", at(2).as_second(), at(0).as_second())),
            (5, format!("{} {} 1000 this-boot\n", at(5).as_second(), at(0).as_second())),
            (9, format!("{} {} 1000 this-boot\n", at(5).as_second(), at(0).as_second())),
            (-7, format!("{} {} 1000 this-boot\n", at(-7).as_second(), at(0).as_second())),
        ] {
            corrected.learn(at(second));
            assert_eq!(text(), wanted, "{second}");
        }
    }

    #[test]
    fn without_the_time_since_boot_a_process_learns_for_itself() {
        let (_place, folder) = folder();
        let clock = SetClock::at(100);
        clock.since_boot.set(None);
        let corrected = CorrectedClock::new(&clock, Some(&folder));
        for (second, ahead) in [(104, 0), (105, 5), (96, 0), (95, -5), (1000, 900)] {
            corrected.learn(at(second));
            assert_eq!(corrected.ahead(), ahead, "{second}");
        }
        assert_eq!(corrected.now(), at(1000));
        assert!(!folder.path().join("clock-aws").exists());
    }
}
