//! The codes that were spent, so that none is sent twice.
//!
//! One small file per device in the state folder: a keyed digest of device and code, and when. It is written before a
//! code is sent, since an answer can be lost after AWS took the code; a code that AWS refused as wrong is taken out
//! again. Lines are dropped after three steps, when AWS would no longer take the code anyway. Whoever reads or writes
//! here holds the device's lock.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::cache::Folder;
use crate::names::{Lifetime, MfaSerial};
use crate::secret::{Code, Secret};

/// RFC 6238's usual step, and the one that AWS uses.
const STEP: i64 = 30;
const STEPS: i64 = 3;
const KEY: &str = "ledger-key";

/// The spent codes of one device.
pub struct Ledger<'a> {
    folder: &'a Folder,
    file: String,
    /// Codes are six digits: without a key, a digest of one would be as good as the code.
    key: Secret<Vec<u8>>,
    device: MfaSerial,
}

/// The digest of a code, and when it was spent, in seconds since 1970.
struct Line {
    digest: String,
    at: i64,
}

impl<'a> Ledger<'a> {
    /// Opens the device's ledger; `None` where the state folder does not let us write, which costs the ledger only.
    pub fn open(folder: &'a Folder, device: &MfaSerial) -> Option<Self> {
        let key = match folder.read(KEY) {
            Some(key) if key.len() == 32 => Secret::new(key),
            _ => {
                let mut key = vec![0; 32];
                getrandom::fill(&mut key).ok()?;
                folder.write("", KEY, &key).ok()?;
                // Another process may have written its own at the same moment; what is on disk counts.
                Secret::new(folder.read(KEY).filter(|key| key.len() == 32)?)
            }
        };
        let mut ledger = Self { folder, file: String::new(), key, device: device.clone() };
        ledger.file = format!("ledger-{}", &ledger.digest(b"device", "")[..32]);
        Some(ledger)
    }

    /// Was the code spent within the last three steps?
    pub fn knows(&self, code: &Code, now: Timestamp) -> bool {
        let digest = self.digest(b"code", code.expose());
        self.lines(now).iter().any(|line| line.digest == digest)
    }

    /// Writes a code down as spent.
    ///
    /// # Errors
    /// The folder's; a code that cannot be written down may still be sent.
    pub fn spend(&self, code: &Code, now: Timestamp) -> std::io::Result<()> {
        let mut lines = self.lines(now);
        lines.push(Line { digest: self.digest(b"code", code.expose()), at: now.as_second() });
        self.write(&lines)
    }

    /// Takes a code out that AWS refused as wrong.
    pub fn give_back(&self, code: &Code, now: Timestamp) {
        let digest = self.digest(b"code", code.expose());
        let mut lines = self.lines(now);
        lines.retain(|line| line.digest != digest);
        // It stays refused for three steps, which is what AWS would do with it.
        let _ = self.write(&lines);
    }

    fn lines(&self, now: Timestamp) -> Vec<Line> {
        let text = self.folder.read_text(&self.file).unwrap_or_default();
        let line = |line: &str| {
            let (digest, at) = line.split_once(' ')?;
            Some(Line { digest: digest.to_owned(), at: at.parse().ok()? })
        };
        // A line of the future (the clock was set back) is kept: better a code refused than one sent twice.
        text.lines().filter_map(line).filter(|line| now.as_second() - line.at < STEP * STEPS).collect()
    }

    fn write(&self, lines: &[Line]) -> std::io::Result<()> {
        let text: String = lines.iter().map(|line| format!("{} {}\n", line.digest, line.at)).collect();
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

/// How long until the device shows its next code, by AWS's clock.
pub fn until_next_code(now: Timestamp) -> Lifetime {
    let into = now.as_second().rem_euclid(STEP);
    Lifetime::from_secs(u32::try_from(STEP - into).expect("it is 1 to 30"))
}

#[cfg(test)]
mod tests {
    use super::{Ledger, until_next_code};
    use crate::cache::Folder;
    use crate::names::MfaSerial;
    use crate::secret::Code;
    use jiff::{SignedDuration, Timestamp};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a time")
    }

    #[test]
    fn a_code_is_known_for_three_steps_and_never_stands_in_clear() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(Some(&home.path().join("state"))).expect("it is made");
        let serial =
            |name: &str| format!("arn:aws:iam::123456789012:mfa/{name}").parse::<MfaSerial>().expect("a serial");
        let code = Code::parse("123456").expect("six digits");
        let ledger = Ledger::open(&folder, &serial("alice")).expect("it opens");
        assert!(!ledger.knows(&code, at(0)));
        ledger.spend(&code, at(0)).expect("it is written");
        for (second, known) in [(0, true), (89, true), (90, false), (-3600, true)] {
            assert_eq!(ledger.knows(&code, at(second)), known, "{second}");
        }
        assert!(!Ledger::open(&folder, &serial("bob")).expect("it opens").knows(&code, at(1)), "another device's");
        for file in std::fs::read_dir(folder.path()).expect("a folder") {
            let bytes = std::fs::read(file.expect("a file").path()).unwrap_or_default();
            assert!(!bytes.windows(6).any(|window| window == b"123456"));
        }
        ledger.give_back(&code, at(1));
        assert!(!ledger.knows(&code, at(2)));
    }

    #[test]
    fn the_next_code_comes_with_the_next_step() {
        for (second, left) in [(0, 30), (1, 29), (29, 1), (30, 30)] {
            assert_eq!(until_next_code(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)).secs(), left);
        }
    }

    #[test]
    fn a_damaged_key_is_made_anew_and_a_whole_one_is_kept() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(Some(home.path())).expect("it is there");
        let serial = "arn:aws:iam::123456789012:mfa/alice".parse::<MfaSerial>().expect("a serial");
        let code = Code::parse("123456").expect("six digits");
        let key = || std::fs::read(home.path().join("ledger-key")).expect("it is there");
        for damage in [&b""[..], &[7; 31], &[7; 33]] {
            std::fs::write(home.path().join("ledger-key"), damage).expect("it is written");
            Ledger::open(&folder, &serial).expect("it opens").spend(&code, at(0)).expect("it is written");
            let made = key();
            assert_eq!(made.len(), 32, "{damage:?}");
            assert!(Ledger::open(&folder, &serial).expect("it opens").knows(&code, at(0)), "{damage:?}");
            assert_eq!(key(), made, "{damage:?}");
        }
        std::fs::remove_dir_all(home.path()).expect("it is ours");
        assert!(Ledger::open(&folder, &serial).is_none(), "a folder that takes nothing");
    }
}
