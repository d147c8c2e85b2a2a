//! A sealing key in a file, wrapped under a passphrase: the store for machines without a keyring.
//!
//! In: the file's path, and the person at the terminal or a program that knows the passphrase. Out: the key. The passphrase is stretched with argon2id (RFC
//! 9106). Its parameters and salt are in the file's first line, in clear text, and are authenticated together with the
//! rest. The file contains no plain secret, is readable by its owner alone from the moment it exists, and is replaced
//! atomically. This module neither caches the opened key nor decides when to make one: the vault does.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroize;

use crate::disk::private;
use crate::host::{Terminal, TerminalError};
use crate::secret::Secret;

use super::record::KeyId;
use super::seal::{self, SealError, SealingKey};

/// The first words of the file, including the format version.
const MAGIC: &str = "mfa-cred-passphrase 1 argon2id";
/// How many times a person may try.
const TRIES: usize = 3;
/// How long each prompt waits for an answer; the same as for an MFA code.
const LIMIT: Duration = Duration::from_mins(2);

/// Why the passphrase gave no key.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// The terminal gave no answer. A signal in it ends the program as that signal does.
    #[error("the passphrase could not be read")]
    Terminal(#[source] TerminalError),
    /// Three wrong passphrases, or three pairs that differ.
    #[error("no passphrase was accepted in {TRIES} tries")]
    Refused,
    /// The program that prints the passphrase did not.
    #[error("`unlock_process` gave no passphrase: {0}")]
    NoAnswer(String),
    /// It printed another one.
    #[error("the passphrase that `unlock_process` printed does not open the key")]
    WrongAnswer,
    /// The file exists, but is damaged or was not written by this program.
    #[error("the file with the wrapped key is damaged")]
    Damaged,
    /// The file could not be read or written.
    #[error("the file with the wrapped key cannot be used")]
    File(#[source] io::Error),
    /// This machine does not have the memory that argon2 was told to use.
    #[error("the key could not be derived from the passphrase")]
    Derive,
    /// The key could not be encrypted.
    #[error("the key could not be wrapped")]
    Seal(#[source] SealError),
}

/// The cost of one guess: argon2id's memory in KiB, its passes and its lanes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cost {
    memory: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// The second recommended choice of RFC 9106, section 4: 64 MiB, three passes. It uses one lane instead of four,
    /// since this implementation computes lanes one after another: more lanes would only help an attacker with parallel
    /// hardware.
    pub const RFC_9106: Self = Self { memory: 64 * 1024, passes: 3, lanes: 1 };

    /// The most that a file may demand of this machine: more than anyone would choose, less than would exhaust it.
    const MOST: Self = Self { memory: 1024 * 1024, passes: 32, lanes: 16 };

    fn is_bearable(self) -> bool {
        self.memory <= Self::MOST.memory && self.passes <= Self::MOST.passes && self.lanes <= Self::MOST.lanes
    }
}

/// A program that gives the passphrase in place of a person: the setting `unlock_process`.
pub trait Unlocker {
    /// The passphrase, which is not empty.
    fn passphrase(&self) -> Result<Secret<String>, PassphraseError>;
}

/// A wrapped key on disk, and who knows its passphrase.
pub struct PassphraseFile<'a> {
    path: PathBuf,
    terminal: &'a dyn Terminal,
    cost: Cost,
    purpose: &'static str,
    unlocker: Option<&'a dyn Unlocker>,
}

impl<'a> PassphraseFile<'a> {
    /// The file at `path`, in a folder that exists and that only its owner can use. `cost` applies to keys that are
    /// made here.
    pub fn new(path: impl Into<PathBuf>, terminal: &'a dyn Terminal, cost: Cost) -> Self {
        Self { path: path.into(), terminal, cost, purpose: "mfa-cred", unlocker: None }
    }

    /// The same file, with another word for what it protects, in the prompts.
    #[must_use]
    pub fn protecting(self, purpose: &'static str) -> Self {
        Self { purpose, ..self }
    }

    /// The same file, with a program that is asked in place of the person.
    #[must_use]
    pub fn unlocked_by(self, unlocker: Option<&'a dyn Unlocker>) -> Self {
        Self { unlocker, ..self }
    }

    /// Asks twice for a new passphrase, or once a program, makes a key and saves it under `id`, replacing the file's former key.
    pub fn make(&self, id: &KeyId) -> Result<SealingKey, PassphraseError> {
        let passphrase = match self.unlocker {
            Some(unlocker) => unlocker.passphrase()?,
            None => self.ask_for_new()?,
        };
        let key = SealingKey::random().map_err(PassphraseError::Seal)?;
        let wrapped = wrap(id, &key, &passphrase, self.cost)?;
        private::write(&self.path, &wrapped).map_err(PassphraseError::File)?;
        Ok(key)
    }

    /// Asks for the passphrase, up to three times, and opens the key with that `id`. `None`, without asking, if there
    /// is no file or it holds another key.
    pub fn open(&self, id: &KeyId) -> Result<Option<SealingKey>, PassphraseError> {
        let Some(file) = read(&self.path).map_err(PassphraseError::File)? else { return Ok(None) };
        let wrapped = Wrapped::parse(&file).ok_or(PassphraseError::Damaged)?;
        if wrapped.id != *id {
            return Ok(None);
        }
        if let Some(unlocker) = self.unlocker {
            return wrapped.open(&unlocker.passphrase()?)?.map(Some).ok_or(PassphraseError::WrongAnswer);
        }
        for _ in 0..TRIES {
            let passphrase = self.ask(&format!("Passphrase for {}: ", self.purpose))?;
            if let Some(key) = wrapped.open(&passphrase)? {
                return Ok(Some(key));
            }
            self.terminal.tell("This passphrase does not open the key.");
        }
        Err(PassphraseError::Refused)
    }

    /// Removes the file. It is no error if there is none.
    pub fn delete(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn ask(&self, prompt: &str) -> Result<Secret<String>, PassphraseError> {
        self.terminal.ask_hidden(prompt, LIMIT).map_err(PassphraseError::Terminal)
    }

    fn ask_for_new(&self) -> Result<Secret<String>, PassphraseError> {
        for _ in 0..TRIES {
            let first = self.ask(&format!("New passphrase for {}: ", self.purpose))?;
            if first.expose().is_empty() {
                self.terminal.tell("The passphrase cannot be empty.");
                continue;
            }
            let second = self.ask("Repeat the passphrase: ")?;
            if first.expose() == second.expose() {
                return Ok(first);
            }
            self.terminal.tell("The passphrases do not match.");
        }
        Err(PassphraseError::Refused)
    }
}

/// A parsed file: its clear first line as written, the fields in that line, and the encrypted rest.
struct Wrapped<'a> {
    header: &'a [u8],
    id: KeyId,
    cost: Cost,
    salt: [u8; 16],
    sealed: &'a [u8],
}

impl<'a> Wrapped<'a> {
    /// Reads `MAGIC m=65536 t=3 p=1 salt=HEX key=ID`, a line feed, and the sealed key.
    fn parse(file: &'a [u8]) -> Option<Self> {
        let end = file.iter().position(|&b| b == b'\n')? + 1;
        let (header, sealed) = file.split_at(end);
        let line = std::str::from_utf8(header).ok()?.strip_suffix('\n')?;
        let [memory, passes, lanes, salt, id]: [&str; 5] =
            line.strip_prefix(MAGIC)?.strip_prefix(' ')?.split(' ').collect::<Vec<_>>().try_into().ok()?;
        let cost = Cost {
            memory: memory.strip_prefix("m=")?.parse().ok()?,
            passes: passes.strip_prefix("t=")?.parse().ok()?,
            lanes: lanes.strip_prefix("p=")?.parse().ok()?,
        };
        let salt = base16ct::lower::decode_vec(salt.strip_prefix("salt=")?).ok()?.try_into().ok()?;
        let id = id.strip_prefix("key=")?.parse().ok()?;
        cost.is_bearable().then_some(Self { header, id, cost, salt, sealed })
    }

    fn open(&self, passphrase: &Secret<String>) -> Result<Option<SealingKey>, PassphraseError> {
        let wrapping = derive(passphrase, &self.salt, self.cost)?;
        match seal::open(&wrapping, self.header, self.sealed).map(SealingKey::from_bytes) {
            Some(Some(key)) => Ok(Some(key)),
            Some(None) => Err(PassphraseError::Damaged),
            None => Ok(None),
        }
    }
}

fn wrap(id: &KeyId, key: &SealingKey, passphrase: &Secret<String>, cost: Cost) -> Result<Vec<u8>, PassphraseError> {
    let mut salt = [0; 16];
    seal::fill(&mut salt).map_err(PassphraseError::Seal)?;
    let Cost { memory, passes, lanes } = cost;
    let salt_text = base16ct::lower::encode_string(&salt);
    let mut file = format!("{MAGIC} m={memory} t={passes} p={lanes} salt={salt_text} key={id}\n").into_bytes();
    let wrapping = derive(passphrase, &salt, cost)?;
    let sealed = seal::seal(&wrapping, &file, &key.to_secret()).map_err(PassphraseError::Seal)?;
    file.extend(sealed);
    Ok(file)
}

fn derive(passphrase: &Secret<String>, salt: &[u8], cost: Cost) -> Result<SealingKey, PassphraseError> {
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(32)).map_err(|_| PassphraseError::Derive)?;
    let mut memory = Vec::new();
    // Allocated first: a machine with too little memory then gets an error instead of an abort.
    memory.try_reserve_exact(params.block_count()).map_err(|_| PassphraseError::Derive)?;
    memory.resize(params.block_count(), Block::default());
    let mut key = vec![0; 32];
    let derived = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        passphrase.expose().as_bytes(),
        salt,
        &mut key,
        &mut memory,
    );
    memory.zeroize();
    let key = Secret::new(key);
    derived.map_err(|_| PassphraseError::Derive)?;
    SealingKey::from_bytes(key).ok_or(PassphraseError::Derive)
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match private::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Cost {
        /// The least that argon2 allows: tests check how passphrases are handled, not how slow guessing is.
        pub(crate) const fn for_tests() -> Self {
            Self { memory: 8, passes: 1, lanes: 1 }
        }
    }

    fn id() -> KeyId {
        "0123456789abcdef0123456789abcdef".parse().expect("an id")
    }

    fn wrapped() -> (SealingKey, Vec<u8>) {
        let key = SealingKey::random().expect("random numbers");
        let file = wrap(&id(), &key, &Secret::from("tulip"), Cost::for_tests()).expect("wrapped");
        (key, file)
    }

    fn open(file: &[u8], passphrase: &str) -> Option<SealingKey> {
        Wrapped::parse(file)?.open(&Secret::from(passphrase)).ok()?
    }

    #[test]
    fn only_the_right_passphrase_opens() {
        let (key, file) = wrapped();
        assert_eq!(open(&file, "tulip").expect("it opens").to_secret().expose(), key.to_secret().expose());
        for wrong in ["", "Tulip", "tulip ", "tulips"] {
            assert!(open(&file, wrong).is_none(), "{wrong:?}");
        }
        assert_eq!(Wrapped::parse(&file).map(|wrapped| wrapped.id), Some(id()));
    }

    #[test]
    fn a_changed_byte_does_not_open() {
        let (_, file) = wrapped();
        for place in 0..file.len() {
            let mut changed = file.clone();
            changed[place] ^= 1;
            assert!(open(&changed, "tulip").is_none(), "byte {place}");
        }
        for length in 0..file.len() {
            assert!(open(&file[..length], "tulip").is_none(), "cut to {length}");
        }
    }

    #[test]
    fn a_file_cannot_demand_more_memory_than_the_limit() {
        let (_, file) = wrapped();
        for demand in ["m=4294967295 t=1 p=1", "m=8 t=4294967295 p=1", "m=8 t=1 p=4294967295", "m=2000000 t=1 p=1"] {
            let header = format!("{MAGIC} {demand} salt={} key={}\n", "00".repeat(16), id());
            assert!(Wrapped::parse(header.as_bytes()).is_none(), "{demand}");
        }
        let header = format!("{MAGIC} m=1 t=1 p=1 salt={} key={}\n", "00".repeat(16), id());
        let too_little = [header.as_bytes(), &file].concat();
        let wrapped = Wrapped::parse(&too_little).expect("well formed");
        assert!(matches!(wrapped.open(&Secret::from("tulip")), Err(PassphraseError::Derive)));
    }

    #[test]
    fn the_file_reveals_neither_key_nor_passphrase() {
        let (key, file) = wrapped();
        assert!(!file.windows(5).any(|bytes| bytes == b"tulip"));
        assert!(!file.windows(8).any(|bytes| bytes == &key.to_secret().expose()[..8]));
        assert_ne!(file, wrap(&id(), &key, &Secret::from("tulip"), Cost::for_tests()).expect("wrapped"), "no salt");
    }

    #[test]
    fn the_cost_is_that_of_rfc_9106() {
        assert_eq!(Cost::RFC_9106, Cost { memory: 65_536, passes: 3, lanes: 1 });
        assert!(Cost::RFC_9106.is_bearable());
    }

    #[test]
    fn a_missing_file_is_told_from_an_unreadable_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let typist = crate::vault::tests::fakes::Typist::default();
        let file = |name: &str| PassphraseFile::new(folder.path().join(name), &typist, Cost::for_tests());
        std::fs::write(folder.path().join("file"), "").expect("it is written");
        std::fs::create_dir(folder.path().join("folder")).expect("it is made");
        assert!(matches!(file("none").open(&id()), Ok(None)));
        // Windows does not say that a file is in the way.
        assert!(matches!(file("file/none").open(&id()), Err(PassphraseError::File(_))) || cfg!(windows));
        assert!(matches!(file("folder").open(&id()), Err(PassphraseError::File(_))));
        assert!(file("none").delete().is_ok() && file("file").delete().is_ok());
        assert!(file("folder").delete().is_err());
        assert_eq!(typist.asked.get(), 0);
    }
}
