//! The file `key-id` in the state folder: the current sealing key, the store it belongs to, and its predecessors.
//!
//! In: the folder. Out: ids and stores, nothing secret. A random id per folder keeps two home folders from sharing a
//! key. The former ids are those whose keys may still be in a store that was unreachable when they were replaced:
//! without them `clear --all` could not promise that no cached credential can be opened again. Only the process that
//! holds the vault's lock writes; any process reads, and sees either the old file or the new one, never half of one.

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use super::seal::{self, SealError};
use crate::disk::private::{self, refusal};
use crate::os::{KIND, Kind};

const FILE: &str = "key-id";
/// Enough for years of failing stores.
const MOST_FORMER: usize = 100;

/// A key's name in every store: 128 random bits in hexadecimal. Not a secret.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct KeyId(String);

impl KeyId {
    /// A new random id, different from that of every other folder.
    pub fn random() -> Result<Self, SealError> {
        let mut bytes = [0; 16];
        seal::fill(&mut bytes)?;
        Ok(Self(base16ct::lower::encode_string(&bytes)))
    }

    /// The id as 32 lower-case hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not a key id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a key id is 32 digits of `0-9a-f`")]
pub struct NotAKeyId;

impl FromStr for KeyId {
    type Err = NotAKeyId;

    fn from_str(text: &str) -> Result<Self, NotAKeyId> {
        let legal = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        legal.then(|| Self(text.to_owned())).ok_or(NotAKeyId)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The store that a sealing key belongs to. The kernel keyring may also hold a copy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyHome {
    /// The kernel keyring alone, until the last entry expires.
    Kernel,
    /// The operating system's keyring.
    Keyring,
    /// A file, wrapped under a passphrase.
    Passphrase,
}

impl KeyHome {
    /// The name used in the setting `store`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Keyring => "keyring",
            Self::Passphrase => "passphrase",
        }
    }

    /// The name that people know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel keyring",
            Self::Keyring => match KIND {
                Kind::MacOs => "Keychain",
                Kind::Windows => "Credential Manager",
                Kind::Unix => "Secret Service",
            },
            Self::Passphrase => "passphrase-protected file",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Kernel, Self::Keyring, Self::Passphrase].into_iter().find(|place| place.as_str() == text)
    }
}

/// A key's id and its store, neither of which is secret.
pub(super) type Filed = (KeyId, KeyHome);

/// The content of `key-id`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Record {
    /// The key that encrypts new entries.
    pub(super) current: Option<Filed>,
    /// Replaced keys that may still exist.
    pub(super) former: Vec<Filed>,
}

impl Record {
    /// Reads the record. A missing file is an empty record, and so is one that mfa-cred did not write: as with a
    /// damaged entry, only a cache is lost.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let text = match private::read(&folder.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound || refusal(&error).is_some() => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(std::str::from_utf8(&text).ok().and_then(Self::parse).unwrap_or_default())
    }

    /// The same where more than a cache would be lost: a record that mfa-cred did not write is an error.
    pub(super) fn read_strictly(folder: &Path) -> io::Result<Self> {
        let text = match private::read(&folder.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let damaged = || {
            let what = format!("{} is damaged", folder.join(FILE).display());
            io::Error::new(io::ErrorKind::InvalidData, what)
        };
        std::str::from_utf8(&text).ok().and_then(Self::parse).ok_or_else(damaged)
    }

    /// Replaces the file, or removes it if the record is empty.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let path = folder.join(FILE);
        if *self == Self::default() {
            return match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        private::write(&path, self.to_string().as_bytes())
    }

    /// Adds the keys of a folder that is no longer used, so that `clear --all` destroys them too.
    pub(super) fn inherit(&mut self, mut from: Self) {
        from.retire();
        from.former.into_iter().for_each(|filed| self.add_former(filed));
    }

    /// Moves the current key to the former ones. A wrapped key is dropped instead: its file is replaced or removed with
    /// it.
    pub(super) fn retire(&mut self) {
        if let Some(filed) = self.current.take()
            && filed.1 != KeyHome::Passphrase
        {
            self.add_former(filed);
        }
    }

    /// Adds a key that may exist.
    pub(super) fn add_former(&mut self, filed: Filed) {
        if self.former.contains(&filed) {
            return;
        }
        if self.former.len() == MOST_FORMER {
            self.former.remove(0);
        }
        self.former.push(filed);
    }

    fn parse(text: &str) -> Option<Self> {
        let mut record = Self::default();
        for line in text.lines() {
            let [role, id, place]: [&str; 3] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
            let filed = (id.parse().ok()?, KeyHome::parse(place)?);
            match role {
                "current" if record.current.is_none() => record.current = Some(filed),
                "former" => record.former.push(filed),
                _ => return None,
            }
        }
        Some(record)
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let current = self.current.iter().map(|filed| ("current", filed));
        let former = self.former.iter().map(|filed| ("former", filed));
        for (role, (id, place)) in current.chain(former) {
            writeln!(f, "{role} {id} {}", place.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> KeyId {
        digit.to_string().repeat(32).parse().expect("an id")
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let empty = Record::default();
        assert_eq!(Record::read(folder.path()).expect("no file is no error"), empty);
        let record = Record {
            current: Some((id('a'), KeyHome::Kernel)),
            former: vec![(id('b'), KeyHome::Keyring), (id('c'), KeyHome::Passphrase)],
        };
        record.write(folder.path()).expect("written");
        assert_eq!(Record::read(folder.path()).expect("read"), record);
        let names: Vec<_> =
            std::fs::read_dir(folder.path()).expect("listed").flatten().map(|f| f.file_name()).collect();
        assert_eq!(names, ["key-id"], "something was left behind");
        empty.write(folder.path()).expect("removed");
        empty.write(folder.path()).expect("removing twice is no error");
        assert!(!folder.path().join("key-id").exists());
    }

    #[cfg(unix)]
    #[test]
    fn the_record_is_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        Record { current: Some((id('a'), KeyHome::Kernel)), former: Vec::new() }.write(folder.path()).expect("written");
        let mode = folder.path().join("key-id").metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_foreign_file_counts_as_an_empty_record() {
        let folder = tempfile::tempdir().expect("a folder");
        let a = id('a');
        for text in [
            "x".to_owned(),
            format!("{a}\n"),
            format!("current {a}\n"),
            format!("current {a} moon\n"),
            format!("current {} kernel\n", a.as_str().to_uppercase()),
            format!("current {a} kernel\ncurrent {a} kernel\n"),
            format!("current {a} kernel \n"),
            format!("current ../{} kernel\n", &a.as_str()[3..]),
        ] {
            std::fs::write(folder.path().join("key-id"), &text).expect("written");
            assert_eq!(Record::read(folder.path()).expect("read"), Record::default(), "{text:?}");
        }
        std::fs::write(folder.path().join("key-id"), b"current \xff\n").expect("written");
        assert_eq!(Record::read(folder.path()).expect("read"), Record::default());
    }

    #[test]
    fn the_list_of_former_keys_stays_short_enough_to_be_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut record = Record { current: Some((id('a'), KeyHome::Kernel)), former: Vec::new() };
        for _ in 0..3 * MOST_FORMER {
            record.add_former((KeyId::random().expect("random numbers"), KeyHome::Passphrase));
        }
        record.write(folder.path()).expect("written");
        assert_eq!(Record::read(folder.path()).expect("read"), record);
    }

    #[test]
    fn retiring_a_key_records_the_stores_that_may_still_hold_it() {
        for (place, remembered) in [(KeyHome::Kernel, 1), (KeyHome::Keyring, 1), (KeyHome::Passphrase, 0)] {
            let mut record = Record { current: Some((id('a'), place)), former: Vec::new() };
            record.retire();
            assert_eq!((record.current, record.former.len()), (None, remembered), "{place:?}");
        }
    }

    #[test]
    fn every_new_id_differs() {
        assert_ne!(KeyId::random(), KeyId::random());
    }

    #[test]
    fn a_missing_record_is_told_from_an_unusable_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("it is written");
        assert!(Record::default().write(folder.path()).is_ok(), "it is not there as it is");
        // Windows does not say that a file is in the way.
        let is_refused = Record::read(&file).is_err() && Record::default().write(&file).is_err();
        assert!(is_refused || cfg!(windows), "below a file");
    }
}
