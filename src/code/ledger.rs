//! The spent codes, so that none is sent twice.
//!
//! One small file per device in the state folder: a keyed digest of device and code, and when it was spent. It is
//! written before a code is sent, since an answer can be lost after AWS accepted the code; a code that AWS refused as
//! wrong is removed again. Lines are dropped after three time steps, when AWS no longer accepts the code. Steps are
//! counted in time since boot: setting the wall clock does not make the ledger forget a code, nor does a time that an
//! endpoint reports. The process that reads or writes here holds the device's lock.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::host::Clock;
use crate::messages::Messages;
use crate::names::{Lifetime, MfaSerial};
use crate::secret::{Code, Secret};
use crate::state::Folder;

/// The usual time step of RFC 6238, which AWS uses.
pub(super) const STEP: i64 = 30;
const STEPS: i64 = 3;
const KEY: &str = "ledger-key";

/// The spent codes of one device.
pub struct Ledger<'a> {
    folder: &'a Folder,
    file: String,
    /// Codes have six digits: without a key, the digest of a code would reveal it.
    key: Secret<Vec<u8>>,
    device: MfaSerial,
    clock: &'a dyn Clock,
}

/// A moment, as well as this machine can tell it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Moment {
    /// The wall clock, in seconds since 1970.
    wall: i64,
    /// Which boot, and how many seconds since then.
    boot: Option<(String, i64)>,
}

/// The digest of a code, and when it was spent.
struct SpentCode {
    digest: String,
    spent: Moment,
}

impl Moment {
    fn now(clock: &dyn Clock) -> Self {
        let since = clock.since_boot().and_then(|since| i64::try_from(since.as_secs()).ok());
        Self { wall: clock.now().as_second(), boot: clock.boot().zip(since) }
    }

    /// `WALL` or `WALL SINCE BOOT`.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let wall = words.next()?.parse().ok()?;
        let boot = words.next().and_then(|since| Some((words.next()?.to_owned(), since.parse().ok()?)));
        Some(Self { wall, boot })
    }

    /// Could fewer than three time steps have passed? If that is not certain, the answer is yes: refusing a valid code
    /// is better than sending one twice.
    fn is_recent(&self, now: &Self) -> bool {
        const LONG: i64 = STEP * STEPS;
        let by_the_wall = now.wall - self.wall;
        match (&self.boot, &now.boot) {
            (Some((boot, then)), Some((same, since))) if boot == same && then <= since => since - then < LONG,
            // Another boot: the code was spent before it, or on another machine that shares this folder.
            (Some(_), Some((_, since))) => *since < LONG || by_the_wall.abs() < LONG,
            // A line from the future (the clock was set back) is kept.
            _ => by_the_wall < LONG,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.wall)?;
        self.boot.as_ref().map_or(Ok(()), |(boot, since)| write!(f, " {since} {boot}"))
    }
}

impl<'a> Ledger<'a> {
    /// The device's ledger, if it can be used. An unusable state folder was reported before; if only the ledger is
    /// unusable, that is reported here.
    pub fn of(
        folder: Option<&'a Folder>,
        device: &MfaSerial,
        clock: &'a dyn Clock,
        messages: Messages,
    ) -> Option<Self> {
        let folder = folder?;
        let ledger = Self::open(folder, device, clock);
        let file = ledger.as_ref().map(|ledger| ledger.file.clone());
        let blocked = file.into_iter().chain([KEY.to_owned()]).find(|name| folder.is_blocked(name));
        let Some(name) = blocked else { return ledger };
        let path = folder.path().join(name);
        messages.warn(&format!(
            "spent codes cannot be remembered, so none is kept from being sent twice: {} is a folder",
            path.display()
        ));
        None
    }

    /// Opens the device's ledger; `None` if the state folder cannot be written, which loses only the ledger.
    fn open(folder: &'a Folder, device: &MfaSerial, clock: &'a dyn Clock) -> Option<Self> {
        let key = match folder.read(KEY) {
            Some(key) if key.len() == 32 => Secret::new(key),
            _ => {
                let mut key = vec![0; 32];
                getrandom::fill(&mut key).ok()?;
                folder.write("", KEY, &key).ok()?;
                // Another process may have written its own key at the same moment; the one on disk counts.
                Secret::new(folder.read(KEY).filter(|key| key.len() == 32)?)
            }
        };
        let mut ledger = Self { folder, file: String::new(), key, device: device.clone(), clock };
        ledger.file = format!("ledger-{}", &ledger.digest(b"device", "")[..32]);
        Some(ledger)
    }

    /// Was the code spent within the last three time steps?
    pub fn knows(&self, code: &Code) -> bool {
        let digest = self.digest(b"code", code.expose());
        self.lines(&Moment::now(self.clock)).iter().any(|line| line.digest == digest)
    }

    /// Records a code as spent.
    ///
    /// The folder's errors; a code that cannot be recorded may still be sent.
    pub fn spend(&self, code: &Code) -> std::io::Result<()> {
        let spent = Moment::now(self.clock);
        let mut lines = self.lines(&spent);
        lines.push(SpentCode { digest: self.digest(b"code", code.expose()), spent });
        self.write(&lines)
    }

    /// Removes a code that AWS refused as wrong.
    pub fn give_back(&self, code: &Code) {
        let digest = self.digest(b"code", code.expose());
        let mut lines = self.lines(&Moment::now(self.clock));
        lines.retain(|line| line.digest != digest);
        // If this fails, the code stays refused for three time steps; AWS would refuse it, too.
        let _ = self.write(&lines);
    }

    fn lines(&self, now: &Moment) -> Vec<SpentCode> {
        let text = self.folder.read_text(&self.file).unwrap_or_default();
        let line = |line: &str| {
            let (digest, spent) = line.split_once(' ')?;
            Some(SpentCode { digest: digest.to_owned(), spent: Moment::parse(spent)? })
        };
        text.lines().filter_map(line).filter(|line| line.spent.is_recent(now)).collect()
    }

    fn write(&self, lines: &[SpentCode]) -> std::io::Result<()> {
        let text: String = lines.iter().map(|line| format!("{} {}\n", line.digest, line.spent)).collect();
        self.folder.write("", &self.file, text.as_bytes())
    }

    fn digest(&self, what: &[u8], code: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose()).expect("HMAC takes keys of any length");
        for part in [what, self.device.as_str().as_bytes(), code.as_bytes()] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        base16ct::lower::encode_string(&mac.finalize().into_bytes())
    }
}

/// The time until the device shows its next code, by AWS's clock.
pub fn until_next_code(now: Timestamp) -> Lifetime {
    let into = now.as_second().rem_euclid(STEP);
    Lifetime::from_secs(u32::try_from(STEP - into).expect("it is 1 to 30"))
}

#[cfg(test)]
mod tests {
    use super::{Ledger, Moment, until_next_code};
    use crate::host::fake_clock::SetClock;
    use crate::names::MfaSerial;
    use crate::secret::Code;
    use crate::state::Folder;
    use jiff::{SignedDuration, Timestamp};
    use std::time::Duration;

    #[test]
    fn a_spent_code_is_remembered_for_three_steps_and_never_in_clear_text() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(Some(&home.path().join("state"))).expect("it is made");
        let serial =
            |name: &str| format!("arn:aws:iam::123456789012:mfa/{name}").parse::<MfaSerial>().expect("a serial");
        let code = Code::parse("123456").expect("six digits");
        let clock = SetClock::at(0);
        let ledger = Ledger::open(&folder, &serial("alice"), &clock).expect("it opens");
        assert!(!ledger.knows(&code));
        ledger.spend(&code).expect("it is written");
        assert!(ledger.knows(&code));
        assert!(!Ledger::open(&folder, &serial("bob"), &clock).expect("it opens").knows(&code), "another device's");
        for file in std::fs::read_dir(folder.path()).expect("a folder") {
            let bytes = std::fs::read(file.expect("a file").path()).unwrap_or_default();
            assert!(!bytes.windows(6).any(|window| window == b"123456"));
        }
        for (seconds, set, known) in [(89, 0, true), (0, 46_800, true), (0, -90_000, true), (1, 0, false)] {
            clock.pass(Duration::from_secs(seconds));
            clock.set(set);
            assert_eq!(ledger.knows(&code), known, "{seconds} {set}");
        }
        ledger.spend(&code).expect("it is written");
        ledger.give_back(&code);
        assert!(!ledger.knows(&code));
    }

    #[test]
    fn a_code_stays_spent_when_the_clock_is_set_or_the_machine_restarts() {
        let moment = |text: &str| Moment::parse(text).expect("a moment");
        for (spent, now, recent, what) in [
            ("1000 500 a", "1000 500 a", true, "now"),
            ("1000 500 a", "1089 589 a", true, "within three steps"),
            ("1000 500 a", "1090 590 a", false, "after three steps"),
            ("1000 500 a", "47800 510 a", true, "13 hours forward"),
            ("1000 500 a", "10 510 a", true, "back"),
            ("1000 500 a", "10 590 a", false, "back, and long ago"),
            ("1000 500 a", "47800 20 b", true, "a restart, and a clock that is set"),
            ("1000 500 a", "1095 90 b", false, "a restart more than three steps ago"),
            ("1000 500 a", "1040 9000 b", true, "another machine with the same folder"),
            ("1000 500 a", "990 9000 b", true, "and one whose clock is behind"),
            ("1000 500 a", "1200 9000 b", false, "and later"),
            ("1000 500 a", "1010 400 a", true, "a machine that was put back"),
            ("1000 500 a", "1200 400 a", false, "and later"),
            ("1000", "1089", true, "no time since boot"),
            ("1000", "1090", false, "and later"),
            ("1000", "10", true, "and a clock that was set back"),
            ("1000", "1020 700 a", true, "another version's line"),
        ] {
            assert_eq!(moment(spent).is_recent(&moment(now)), recent, "{what}");
            assert_eq!(moment(spent).to_string(), spent);
        }
        for text in ["", "x", "x 1 a"] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_next_code_comes_at_the_next_time_step() {
        for (second, left) in [(0, 30), (1, 29), (29, 1), (30, 30)] {
            assert_eq!(until_next_code(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)).secs(), left);
        }
    }

    #[test]
    fn a_damaged_ledger_key_is_replaced_and_an_intact_one_kept() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(Some(home.path())).expect("it is there");
        let serial = "arn:aws:iam::123456789012:mfa/alice".parse::<MfaSerial>().expect("a serial");
        let code = Code::parse("123456").expect("six digits");
        let clock = SetClock::at(0);
        let key = || std::fs::read(home.path().join("ledger-key")).expect("it is there");
        for damage in [&b""[..], &[7; 31], &[7; 33]] {
            std::fs::write(home.path().join("ledger-key"), damage).expect("it is written");
            Ledger::open(&folder, &serial, &clock).expect("it opens").spend(&code).expect("it is written");
            let made = key();
            assert_eq!(made.len(), 32, "{damage:?}");
            assert!(Ledger::open(&folder, &serial, &clock).expect("it opens").knows(&code), "{damage:?}");
            assert_eq!(key(), made, "{damage:?}");
        }
        std::fs::remove_dir_all(home.path()).expect("it is ours");
        assert!(Ledger::open(&folder, &serial, &clock).is_none(), "a folder that takes nothing");
    }
}
