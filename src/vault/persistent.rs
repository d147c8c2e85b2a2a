//! The persistent sealing key, under which access keys are kept: what it seals cannot be had again, so it is never
//! replaced.
//!
//! In: a folder of its own, the setting `store`, the two keyrings, and who knows the passphrase. Out: the key, or why it
//! cannot be had. It belongs to the operating system's keyring. Where there is none, or where `store = passphrase` or
//! `unlock_process` says so, it is in a file wrapped under a passphrase, and the kernel keyring holds the unlocked key, so
//! that the passphrase is asked once a login. Unlike the session sealing key, it is never in the kernel keyring alone,
//! which forgets it at shutdown. A store that fails, or that says it no longer has the key, is an error: no other key is
//! made in its place, and nothing that it sealed is dropped.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::passphrase::{PassphraseError, PassphraseFile};
use super::record::{Filed, Record};
use super::seal::{SealError, SealingKey};
use super::{Cost, KeyHome, KeyId, LOCK, LONGEST, Store, Stores, Unlocker, WRAPPED, wait_for};
use crate::disk::private;
use crate::host::{Keystore, StoreError, Terminal};

/// What the passphrase protects, as its prompts say it.
const PURPOSE: &str = "your access keys";

/// Why there is no persistent key.
#[derive(Debug, thiserror::Error)]
pub enum PersistentError {
    /// Its store does not work (exit 7).
    #[error("the {}, which keeps the key to your sealed access keys, cannot be used", place.name())]
    Store {
        /// The store.
        place: KeyHome,
        /// Its error.
        #[source]
        reason: StoreError,
    },
    /// Its store works, and does not have it (exit 7).
    #[error("the {} no longer has the key to your sealed access keys", .0.name())]
    Lost(KeyHome),
    /// The passphrase gave no key (exit 7, or the exit code of the signal in it).
    #[error("the key to your sealed access keys could not be unlocked")]
    Passphrase(#[source] PassphraseError),
    /// Another process is asking for the passphrase or for the keyring.
    #[error("another process has been unlocking your sealed access keys for {} s", .0.as_secs())]
    Busy(Duration),
    /// The folder cannot be used, or its record is damaged.
    #[error("the folder of your sealed access keys cannot be used")]
    Folder(#[source] io::Error),
    /// No key can be made.
    #[error("no sealing key could be made")]
    Seal(#[source] SealError),
}

/// The unlocked key.
#[derive(Clone, Debug)]
pub struct PersistentKey {
    /// Its id, for the header of what it seals.
    pub id: KeyId,
    /// The key itself.
    pub key: SealingKey,
}

/// The persistent key of one folder.
pub struct PersistentVault<'a> {
    folder: &'a Path,
    store: Store,
    stores: Stores<'a>,
    terminal: &'a dyn Terminal,
    cost: Cost,
    lock_after: Option<Duration>,
    unlocker: Option<&'a dyn Unlocker>,
    remembered: RefCell<Option<PersistentKey>>,
}

impl<'a> PersistentVault<'a> {
    /// Opens nothing yet. The folder exists when a key is made, and is the user's alone.
    pub fn new(folder: &'a Path, store: Store, stores: Stores<'a>, terminal: &'a dyn Terminal, cost: Cost) -> Self {
        let (lock_after, unlocker, remembered) = (None, None, RefCell::default());
        Self { folder, store, stores, terminal, cost, lock_after, unlocker, remembered }
    }

    /// Sets an idle limit: the kernel keyring's copy expires after being unused for that long.
    #[must_use]
    pub fn locking_after(self, idle: Option<Duration>) -> Self {
        Self { lock_after: idle, ..self }
    }

    /// Sets the program that gives the passphrase in place of the person.
    #[must_use]
    pub fn unlocked_by(self, unlocker: Option<&'a dyn Unlocker>) -> Self {
        Self { unlocker, ..self }
    }

    /// The store that the key belongs to, from the folder alone; `None` if there is no key yet.
    pub fn place(&self) -> Result<Option<KeyHome>, PersistentError> {
        Ok(self.record()?.current.map(|(_, place)| place))
    }

    /// The key, from the kernel keyring or its own store. Never makes one; `None` if none was made yet.
    pub fn find(&self) -> Result<Option<PersistentKey>, PersistentError> {
        let Some((id, place)) = self.record()?.current else { return Ok(None) };
        if let Some(held) = self.at_hand(&id, place) {
            return Ok(Some(held));
        }
        // One process at a time asks for the passphrase; the others then find the kernel's copy.
        let _lock = match place {
            KeyHome::Passphrase => match self.lock() {
                // Nobody waits where nothing can be written.
                Err(PersistentError::Folder(_)) => None,
                lock => Some(lock?),
            },
            KeyHome::Keyring | KeyHome::Kernel => None,
        };
        if let Some(held) = self.at_hand(&id, place) {
            return Ok(Some(held));
        }
        let key = match place {
            KeyHome::Passphrase => self.wrapped().open(&id).map_err(PersistentError::Passphrase)?,
            KeyHome::Keyring | KeyHome::Kernel => {
                let found = self.store_of(place).get(id.as_str());
                found.map_err(|reason| PersistentError::Store { place, reason })?.and_then(SealingKey::from_bytes)
            }
        };
        let held = PersistentKey { id, key: key.ok_or(PersistentError::Lost(place))? };
        Ok(Some(self.keep_at_hand(held, place)))
    }

    /// The key; made now if there is none yet.
    pub fn find_or_make(&self) -> Result<PersistentKey, PersistentError> {
        if let Some(held) = self.find()? {
            return Ok(held);
        }
        let lock = self.lock()?;
        let record = self.record()?;
        if record.current.is_some() {
            // Another process has made it. Finding it may take the lock.
            drop(lock);
            return self.find()?.ok_or_else(|| PersistentError::Folder(io::ErrorKind::NotFound.into()));
        }
        let wants_passphrase =
            self.store == Store::Passphrase || self.store != Store::Keyring && self.unlocker.is_some();
        if !wants_passphrase {
            match self.make_in_keyring(record.clone()) {
                // Only where there is none: a keyring that is locked or stuck is the user's, and could be expected to
                // have the key.
                Err(PersistentError::Store { reason: StoreError::Absent(_), .. }) if self.store != Store::Keyring => {
                    self.terminal.tell("There is no keyring here, so a passphrase will protect your access keys.");
                }
                made => return made,
            }
        }
        self.make_wrapped(record)
    }

    /// Destroys the key in every store. Nothing that it sealed can be opened afterward.
    pub fn destroy(&self) -> Result<(), PersistentError> {
        let _lock = self.lock()?;
        let mut record = self.record()?;
        let Some((id, place)) = record.current.clone() else { return Ok(()) };
        // First the record: a key that is half destroyed must not be taken for one that was lost.
        record.retire();
        self.write(&record)?;
        self.remembered.replace(None);
        let _ = self.stores.kernel.delete(id.as_str());
        match place {
            KeyHome::Passphrase => self.wrapped().delete().map_err(PersistentError::Folder),
            KeyHome::Keyring | KeyHome::Kernel => {
                let gone = self.store_of(place).delete(id.as_str());
                gone.map_err(|reason| PersistentError::Store { place, reason })?;
                record.former.retain(|(former, _)| *former != id);
                self.write(&record)
            }
        }
    }

    fn make_in_keyring(&self, mut record: Record) -> Result<PersistentKey, PersistentError> {
        let place = KeyHome::Keyring;
        let failed = |reason| PersistentError::Store { place, reason };
        let (before, id) = (record.clone(), KeyId::random().map_err(PersistentError::Seal)?);
        let key = SealingKey::random().map_err(PersistentError::Seal)?;
        // Recorded before it is stored: a key in a keyring that no record names could never be destroyed.
        record.add_former((id.clone(), place));
        self.write(&record)?;
        if let Err(reason) = self.stores.keyring.put(id.as_str(), &key.to_secret(), None) {
            if matches!(reason, StoreError::Absent(_) | StoreError::Locked) {
                self.write(&before)?;
            }
            return Err(failed(reason));
        }
        // A keyring that took the key and does not return it (one that lives until logout) must not get what it seals.
        let stored = self.stores.keyring.get(id.as_str()).map_err(failed)?;
        if stored.is_none_or(|stored| stored.expose() != key.to_secret().expose()) {
            return Err(failed(StoreError::Failed("it did not keep a new key".to_owned())));
        }
        self.install(before, (id.clone(), place))?;
        Ok(self.keep_at_hand(PersistentKey { id, key }, place))
    }

    fn make_wrapped(&self, record: Record) -> Result<PersistentKey, PersistentError> {
        let id = KeyId::random().map_err(PersistentError::Seal)?;
        let key = self.wrapped().make(&id).map_err(PersistentError::Passphrase)?;
        self.install(record, (id.clone(), KeyHome::Passphrase))?;
        Ok(self.keep_at_hand(PersistentKey { id, key }, KeyHome::Passphrase))
    }

    fn install(&self, mut record: Record, filed: Filed) -> Result<(), PersistentError> {
        record.current = Some(filed);
        self.write(&record)
    }

    /// The key without waiting: as this process holds it, or the kernel keyring's copy, whose idle time then restarts.
    fn at_hand(&self, id: &KeyId, place: KeyHome) -> Option<PersistentKey> {
        if let Some(held) = self.remembered.borrow().as_ref().filter(|held| held.id == *id) {
            return Some(held.clone());
        }
        if place != KeyHome::Passphrase {
            return None;
        }
        let key = self.stores.kernel.get(id.as_str()).ok().flatten().and_then(SealingKey::from_bytes)?;
        let _ = self.stores.kernel.limit(id.as_str(), self.idle());
        let held = PersistentKey { id: id.clone(), key };
        self.remembered.replace(Some(held.clone()));
        Some(held)
    }

    /// A copy in the kernel keyring, for what would have to be typed again.
    fn keep_at_hand(&self, held: PersistentKey, place: KeyHome) -> PersistentKey {
        if place == KeyHome::Passphrase {
            // Without a kernel keyring, the passphrase is asked each time.
            let _ = self.stores.kernel.put(held.id.as_str(), &held.key.to_secret(), Some(self.idle()));
        }
        self.remembered.replace(Some(held.clone()));
        held
    }

    fn idle(&self) -> Duration {
        self.lock_after.unwrap_or(LONGEST).min(LONGEST)
    }

    fn store_of(&self, place: KeyHome) -> &'a dyn Keystore {
        if place == KeyHome::Keyring { self.stores.keyring } else { self.stores.kernel }
    }

    fn wrapped(&self) -> PassphraseFile<'a> {
        let file = PassphraseFile::new(self.folder.join(WRAPPED), self.terminal, self.cost);
        file.protecting(PURPOSE).unlocked_by(self.unlocker)
    }

    fn record(&self) -> Result<Record, PersistentError> {
        Record::read_strictly(self.folder).map_err(PersistentError::Folder)
    }

    fn write(&self, record: &Record) -> Result<(), PersistentError> {
        record.write(self.folder).map_err(PersistentError::Folder)
    }

    fn lock(&self) -> Result<File, PersistentError> {
        let file = private::open_or_make(&self.folder.join(LOCK)).map_err(PersistentError::Folder)?;
        match wait_for(file, self.terminal).map_err(PersistentError::Folder)? {
            Ok(file) => Ok(file),
            Err(limit) => Err(PersistentError::Busy(limit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::vault::tests::fakes::{Fake, Typist};

    struct Home {
        folder: tempfile::TempDir,
        kernel: Fake,
        keyring: Fake,
        typist: Typist,
    }

    impl Home {
        fn new(keyring: Fake) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            Self { folder, kernel: Fake::default(), keyring, typist: Typist::default() }
        }

        fn typing(self, lines: &[&'static str]) -> Self {
            Self { typist: Typist::typing(lines), ..self }
        }

        fn vault(&self, store: Store) -> PersistentVault<'_> {
            let stores = Stores { kernel: &self.kernel, keyring: &self.keyring };
            PersistentVault::new(self.folder.path(), store, stores, &self.typist, Cost::for_tests())
        }
    }

    fn absent() -> StoreError {
        StoreError::Absent("no bus".to_owned())
    }

    fn bytes(held: &PersistentKey) -> Vec<u8> {
        held.key.to_secret().expose().clone()
    }

    struct Prints(Result<&'static str, ()>);

    impl Unlocker for Prints {
        fn passphrase(&self) -> Result<Secret<String>, PassphraseError> {
            self.0.map(Secret::from).map_err(|()| PassphraseError::NoAnswer("it failed".to_owned()))
        }
    }

    #[test]
    fn it_lives_in_the_keyring_and_never_in_the_kernel_alone() {
        for store in [Store::Auto, Store::Keyring, Store::Kernel, Store::None] {
            let home = Home::new(Fake::default());
            let made = home.vault(store).find_or_make().expect("made");
            assert!(home.kernel.keys().is_empty(), "{store:?}");
            assert_eq!(home.keyring.keys()[made.id.as_str()].0, bytes(&made), "{store:?}");
            let found = home.vault(store).find().expect("found").expect("there is one");
            assert_eq!(bytes(&found), bytes(&made));
            assert_eq!(home.vault(store).place().expect("read"), Some(KeyHome::Keyring));
        }
    }

    #[test]
    fn without_a_keyring_a_passphrase_is_asked_once_a_login() {
        let home = Home::new(Fake::failing(&absent())).typing(&["tulip", "tulip", "tulip"]);
        let made = home.vault(Store::Auto).find_or_make().expect("made");
        assert_eq!(home.vault(Store::Auto).place().expect("read"), Some(KeyHome::Passphrase));
        for _ in 0..2 {
            let found = home.vault(Store::Auto).find().expect("found").expect("there is one");
            assert_eq!((bytes(&found), home.typist.asked.get()), (bytes(&made), 2));
        }
        home.kernel.keys().clear();
        for _ in 0..2 {
            let found = home.vault(Store::Auto).find().expect("found").expect("there is one");
            assert_eq!((bytes(&found), home.typist.asked.get()), (bytes(&made), 3), "the next login");
        }
    }

    #[test]
    fn a_store_that_fails_never_leads_to_another_key() {
        for error in [absent(), StoreError::Locked, StoreError::Silent(Duration::from_secs(2))] {
            let home = Home::new(Fake::default()).typing(&["tulip", "tulip"]);
            let made = home.vault(Store::Auto).find_or_make().expect("made");
            home.keyring.fail(Some(&error));
            for _ in 0..2 {
                let failed = home.vault(Store::Auto).find_or_make().expect_err("it fails");
                assert!(matches!(failed, PersistentError::Store { reason, .. } if reason == error));
            }
            home.keyring.fail(None);
            let found = home.vault(Store::Auto).find_or_make().expect("found");
            assert_eq!((bytes(&found), home.typist.asked.get()), (bytes(&made), 0), "{error:?}");
            home.keyring.keys().clear();
            assert!(matches!(home.vault(Store::Auto).find_or_make(), Err(PersistentError::Lost(KeyHome::Keyring))));
            assert!(home.keyring.keys().is_empty());
        }
    }

    #[test]
    fn a_keyring_that_is_there_and_locked_is_not_passed_over() {
        for (store, error) in [
            (Store::Auto, StoreError::Locked),
            (Store::Auto, StoreError::Silent(Duration::from_secs(2))),
            (Store::Keyring, absent()),
        ] {
            let home = Home::new(Fake::failing(&error)).typing(&["tulip", "tulip"]);
            let failed = home.vault(store).find_or_make().expect_err("it fails");
            assert!(matches!(failed, PersistentError::Store { reason, .. } if reason == error));
            assert_eq!(home.typist.asked.get(), 0);
            assert_eq!(home.vault(store).place().expect("read"), None);
        }
    }

    #[test]
    fn a_keyring_that_forgets_at_once_gets_nothing() {
        struct Forgetful;
        impl Keystore for Forgetful {
            fn get(&self, _: &str) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
                Ok(None)
            }
            fn put(&self, _: &str, _: &Secret<Vec<u8>>, _: Option<Duration>) -> Result<(), StoreError> {
                Ok(())
            }
            fn delete(&self, _: &str) -> Result<(), StoreError> {
                Ok(())
            }
        }
        let home = Home::new(Fake::default());
        let stores = Stores { kernel: &home.kernel, keyring: &Forgetful };
        let vault = PersistentVault::new(home.folder.path(), Store::Auto, stores, &home.typist, Cost::for_tests());
        assert!(matches!(vault.find_or_make(), Err(PersistentError::Store { .. })));
        assert_eq!(vault.place().expect("read"), None);
    }

    #[test]
    fn a_program_gives_the_passphrase_in_place_of_a_person() {
        let home = Home::new(Fake::default()).typing(&["tulip", "tulip", "tulip"]);
        let (right, wrong, silent) = (Prints(Ok("rose")), Prints(Ok("tulip")), Prints(Err(())));
        let made = home.vault(Store::Auto).unlocked_by(Some(&right)).find_or_make().expect("made");
        assert_eq!(home.vault(Store::Auto).place().expect("read"), Some(KeyHome::Passphrase), "it was demanded");
        let find = |unlocker| {
            home.kernel.keys().clear();
            home.vault(Store::Auto).unlocked_by(Some(unlocker)).find()
        };
        assert_eq!(bytes(&find(&right).expect("found").expect("there is one")), bytes(&made));
        assert!(matches!(find(&wrong), Err(PersistentError::Passphrase(PassphraseError::WrongAnswer))));
        assert!(matches!(find(&silent), Err(PersistentError::Passphrase(PassphraseError::NoAnswer(_)))));
        assert_eq!(home.typist.asked.get(), 0, "its failure is no reason to ask elsewhere");
    }

    #[test]
    fn a_damaged_record_is_not_taken_for_none() {
        let home = Home::new(Fake::default());
        home.vault(Store::Auto).find_or_make().expect("made");
        std::fs::write(home.folder.path().join("key-id"), "current x\n").expect("written");
        assert!(matches!(home.vault(Store::Auto).find_or_make(), Err(PersistentError::Folder(_))));
        assert_eq!(home.keyring.keys().len(), 1);
    }

    #[test]
    fn a_destroyed_key_is_nowhere_and_the_next_one_is_another() {
        for (lines, keyring) in [(&["tulip"; 4][..], Fake::failing(&absent())), (&[], Fake::default())] {
            let home = Home::new(keyring).typing(lines);
            let first = home.vault(Store::Auto).find_or_make().expect("made");
            home.vault(Store::Auto).destroy().expect("destroyed");
            assert!(home.kernel.keys().is_empty() && home.keyring.keys().is_empty());
            assert!(home.vault(Store::Auto).find().expect("no failure").is_none());
            let left: Vec<_> = std::fs::read_dir(home.folder.path()).expect("listed").flatten().collect();
            assert_eq!(left.iter().map(std::fs::DirEntry::file_name).collect::<Vec<_>>(), ["key.lock"]);
            assert_ne!(bytes(&home.vault(Store::Auto).find_or_make().expect("made")), bytes(&first));
        }
    }
}
