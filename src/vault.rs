//! The session sealing key: where it lives, which process makes it, and what happens when it is unavailable.
//!
//! In: the state folder (which exists and has mode 0700), the setting `store`, the two keyrings and the terminal. Out:
//! the key that encrypts cached entries, and the store that holds it. The vault knows nothing about the entries
//! themselves; the caller supplies the times that depend on them. It never writes a key to disk except under a
//! passphrase. It passes each store's answer on unchanged: "no such entry" and "cannot tell" have different
//! consequences.
//!
//! **Reading.** The file `key-id` names the current key and the store it belongs to. The kernel keyring is asked first,
//! since it answers in microseconds and needs no D-Bus. After that, only the store that the file names is asked: a key
//! that was never in the operating system's keyring is not searched for there.
//!
//! **Making.** The key is made under a lock, after a second look. If the operating system's keyring works, the key is
//! stored there and copied to the kernel keyring; otherwise it is stored in the kernel keyring alone. The old id is
//! reused only if its store definitely said that it has no such entry. If that store cannot be asked, the new key gets
//! a new id, so that no id ever has two keys; entries of the old key are misses from then on, even once that store is
//! back. The replaced id stays in `key-id` as a former one until its key is deleted from its store. If no store can
//! keep a new key, nothing changes, and the old entries open again as soon as their store is back.
//!
//! So a desktop session and a cron job without D-Bus share the kernel's copy as long as any entry is valid. After that,
//! the first of them to need a key makes the next one, and the other one finds it.

pub mod kernel;
pub mod keyring;
mod making;
pub mod passphrase;
mod persistent;
mod record;
pub mod seal;
mod store;
mod whereabouts;

use std::cell::RefCell;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use self::passphrase::PassphraseFile;
use self::record::Record;
use crate::disk::private;
use crate::host::{Keystore, StoreError, Terminal};

pub use self::passphrase::{Cost, PassphraseError, Unlocker};
pub use self::persistent::{PersistentError, PersistentKey, PersistentVault};
pub use self::record::{KeyHome, KeyId};
pub use self::seal::{SealError, SealingKey};
pub use self::store::{Store, UnlockedKey, VaultError};
pub use self::whereabouts::Whereabouts;

const LOCK: &str = "key.lock";
const WRAPPED: &str = "key-wrapped";
/// How often a process that waits for the lock tries it.
const LOOK: Duration = Duration::from_millis(10);

/// How long this process waits for the operating system's keyring in total: 60 s if a person can answer its dialog,
/// otherwise 2 s.
pub fn patience(terminal: &dyn Terminal) -> Duration {
    Duration::from_secs(if terminal.is_there() { 60 } else { 2 })
}

/// The longest time for which the kernel keyring is told to keep a key. No AWS session lasts longer than 36 hours, and
/// clocks may differ a little. The bound is needed because the end of the last entry comes from headers that are not
/// authenticated.
const LONGEST: Duration = Duration::from_mins(36 * 60 + 10);

/// Records in the state folder `to` the keys of the folder `from`, which is no longer used. Entries there can be opened
/// as long as their key exists, so `clear --all` must find and destroy it. Does not wait for another process that is
/// making a key.
pub fn inherit(from: &Path, to: &Path) {
    let note = || -> std::io::Result<()> {
        let lock = private::open_or_make(&to.join(LOCK))?;
        if lock.try_lock().is_ok() {
            let mut record = Record::read(to)?;
            record.inherit(Record::read(from)?);
            record.write(to)?;
        }
        Ok(())
    };
    // If the folder cannot be written, that is reported where it matters.
    let _ = note();
}

/// What the stores say about the current id.
enum Seen {
    Unlocked(UnlockedKey),
    /// No store that could be asked has the key.
    Missing(Missing),
}

/// How the key is missing.
#[derive(Default)]
struct Missing {
    /// The kernel keyring's error, if it was asked and failed.
    kernel: Option<StoreError>,
    /// The same for the operating system's keyring.
    keyring: Option<StoreError>,
    /// There is an id, and the store that it belongs to definitely says that it has no such entry.
    definitely: bool,
}

/// The session sealing key of one state folder.
pub struct Vault<'a> {
    folder: &'a Path,
    store: Store,
    kernel: &'a dyn Keystore,
    keyring: &'a dyn Keystore,
    terminal: &'a dyn Terminal,
    cost: Cost,
    lock_after: Option<Duration>,
    unlocker: Option<&'a dyn Unlocker>,
    /// The key as this process holds it. Without a copy in the kernel keyring, this spares a second fetch or a second
    /// passphrase prompt.
    remembered: RefCell<Option<UnlockedKey>>,
}

/// The two stores in which a vault may keep its key.
#[derive(Clone, Copy)]
pub struct Stores<'a> {
    /// The Linux kernel keyring.
    pub kernel: &'a dyn Keystore,
    /// The operating system's keyring.
    pub keyring: &'a dyn Keystore,
}

impl<'a> Vault<'a> {
    /// Opens nothing yet. `cost` is the cost of guessing a new passphrase: [`Cost::RFC_9106`].
    pub fn new(folder: &'a Path, store: Store, stores: Stores<'a>, terminal: &'a dyn Terminal, cost: Cost) -> Self {
        let Stores { kernel, keyring } = stores;
        let (lock_after, unlocker, remembered) = (None, None, RefCell::default());
        Self { folder, store, kernel, keyring, terminal, cost, lock_after, unlocker, remembered }
    }

    /// Sets the program that gives the passphrase in place of the person.
    #[must_use]
    pub fn unlocked_by(self, unlocker: Option<&'a dyn Unlocker>) -> Self {
        Self { unlocker, ..self }
    }

    /// Sets an idle limit: the kernel keyring's copy expires after being unused for that long.
    #[must_use]
    pub fn locking_after(self, idle: Option<Duration>) -> Self {
        Self { lock_after: idle, ..self }
    }

    /// The current key's id and the store it belongs to, from the state folder alone: no store is asked.
    pub fn current(&self) -> Result<Option<(KeyId, KeyHome)>, VaultError> {
        Ok(self.record()?.current)
    }

    /// The key that opens existing entries. Never makes one; `None` if there definitely is no key.
    ///
    /// `until` returns how long the last valid entry remains valid. It is called only if the key was fetched from its
    /// own store and is copied to the kernel keyring for that time.
    pub fn find(&self, until: &dyn Fn() -> Duration) -> Result<Option<UnlockedKey>, VaultError> {
        let Some((id, place)) = self.record()?.current else { return Ok(None) };
        if self.store == Store::None {
            return Ok(None);
        }
        if let Some(held) = self.at_hand(&id, place) {
            return Ok(Some(held));
        }
        // One process at a time fetches the key or asks for its passphrase; the others then find the copy. The lock is
        // also needed because a key that `destroy` is removing must not be copied. A folder that cannot be written has
        // no lock, and if no copy is wanted, no process has to wait.
        let lock = match self.store {
            Store::Keyring => None,
            _ => match self.lock() {
                Err(VaultError::Folder(_)) => None,
                lock => Some(lock?),
            },
        };
        match self.look(&self.record()?)? {
            Seen::Unlocked(mut held) => {
                if lock.is_some() {
                    self.copy(&mut held, until);
                }
                Ok(Some(self.remember(held)))
            }
            Seen::Missing(Missing { kernel: None, keyring: None, .. }) => Ok(None),
            Seen::Missing(Missing { kernel, keyring, .. }) => Err(VaultError::Unreachable { kernel, keyring }),
        }
    }

    /// The key for encrypting a new entry that is valid for `life`; makes one if there is none.
    ///
    /// After the entry is on disk, call [`Vault::prolong`].
    pub fn find_or_make(&self, life: Duration) -> Result<UnlockedKey, VaultError> {
        if self.store == Store::None {
            return Err(VaultError::Off);
        }
        if let Some((id, place)) = self.record()?.current
            && let Some(held) = self.at_hand(&id, place)
        {
            return Ok(held);
        }
        // The slow stores come last, and one process at a time asks them.
        let _lock = self.lock()?;
        let record = self.record()?;
        match self.look(&record)? {
            Seen::Unlocked(mut held) => {
                self.copy(&mut held, &|| life);
                Ok(self.remember(held))
            }
            Seen::Missing(missing) => Ok(self.remember(self.make(record, missing, life)?)),
        }
    }

    /// Returns the key without waiting: the one that this process already holds, or the kernel keyring's. Any other
    /// answer of the kernel is left to [`Vault::look`].
    fn at_hand(&self, id: &KeyId, place: KeyHome) -> Option<UnlockedKey> {
        if let Some(held) = self.remembered.borrow().as_ref().filter(|held| held.id == *id) {
            return Some(held.clone());
        }
        let held = self.look_in_kernel(id, place).ok().flatten()?;
        if let Some(idle) = self.lock_after {
            // The key was used, so its idle time restarts. If that fails, the shorter time stays.
            let _ = self.kernel.limit(id.as_str(), idle.min(LONGEST));
        }
        Some(self.remember(held))
    }

    fn remember(&self, held: UnlockedKey) -> UnlockedKey {
        self.remembered.replace(Some(UnlockedKey { fell_back: None, ..held.clone() }));
        held
    }

    /// How long the kernel keyring keeps a key whose entries are valid for `life`.
    fn bounded(&self, life: Duration) -> Duration {
        life.min(LONGEST).min(self.lock_after.unwrap_or(LONGEST))
    }

    /// Extends the kernel keyring's copy until its last entry expires.
    ///
    /// Call it after writing an entry: `until` is called under the lock, so it counts that entry and the ones that
    /// other processes have written; the last process to call sees all of them. A key that was replaced or destroyed
    /// since is left alone. An error matters only if the key exists nowhere else.
    pub fn prolong(&self, held: &UnlockedKey, until: &dyn Fn() -> Duration) -> Result<(), VaultError> {
        if self.store == Store::Keyring {
            return Ok(());
        }
        let _lock = self.lock()?;
        if !self.is_current(held)? {
            return Ok(());
        }
        match self.kernel.put(held.id.as_str(), &held.key.to_secret(), Some(self.bounded(until()))) {
            Err(error) if held.place == KeyHome::Kernel => {
                Err(VaultError::Unreachable { kernel: Some(error), keyring: None })
            }
            _ => Ok(()),
        }
    }

    /// Tells whether any key, former ones included, is recorded that [`Vault::destroy`] would destroy.
    pub fn has_keys(&self) -> Result<bool, VaultError> {
        Ok(self.record()? != Record::default())
    }

    /// Destroys the current key and the former ones in every store, regardless of the setting. No entry can be opened
    /// afterwards.
    pub fn destroy(&self) -> Result<(), VaultError> {
        let _lock = self.lock()?;
        let record = self.record()?;
        let (mut kernel, mut keyring) = (None, None);
        let mut left = Record::default();
        for (id, place) in record.current.into_iter().chain(record.former) {
            let copy = self.kernel.delete(id.as_str()).err();
            // Without a kernel keyring there is no copy in it. But a key that belongs there may still be reachable by
            // others: a container that shares the folder has no kernel keyring, while its host has one.
            let copy = copy.filter(|error| place == KeyHome::Kernel || !matches!(error, StoreError::Absent(_)));
            let original = match place {
                KeyHome::Keyring => self.keyring.delete(id.as_str()).err(),
                KeyHome::Kernel | KeyHome::Passphrase => None,
            };
            if copy.is_some() || original.is_some() {
                left.former.push((id, place));
            }
            kernel = kernel.or(copy);
            keyring = keyring.or(original);
        }
        self.wrapped().delete().map_err(VaultError::Folder)?;
        left.write(self.folder).map_err(VaultError::Folder)?;
        if left.former.is_empty() { Ok(()) } else { Err(VaultError::Left { kernel, keyring }) }
    }

    /// Tells whether the setting lets the kernel keyring serve a key that belongs to that store.
    fn may_be_in_kernel(&self, place: KeyHome) -> bool {
        match self.store {
            Store::Auto | Store::Kernel => true,
            Store::Passphrase => place == KeyHome::Passphrase,
            Store::Keyring | Store::None => false,
        }
    }

    /// Looks in the kernel keyring, if the setting lets it hold a key that belongs to that store.
    fn look_in_kernel(&self, id: &KeyId, place: KeyHome) -> Result<Option<UnlockedKey>, StoreError> {
        if !self.may_be_in_kernel(place) {
            return Ok(None);
        }
        // A value that is not a key counts as missing: the store that the record names decides.
        let key = self.kernel.get(id.as_str())?.and_then(SealingKey::from_bytes);
        Ok(key.map(|key| UnlockedKey { id: id.clone(), key, place, in_kernel: Ok(()), fell_back: None }))
    }

    /// Asks the kernel keyring, then the store that the record names.
    fn look(&self, record: &Record) -> Result<Seen, VaultError> {
        let Some((id, place)) = &record.current else { return Ok(Seen::Missing(Missing::default())) };
        let kernel = match self.look_in_kernel(id, *place) {
            Ok(Some(held)) => return Ok(Seen::Unlocked(held)),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        let not_copied = kernel.clone().unwrap_or_else(no_copy);
        let held = |key| {
            Seen::Unlocked(UnlockedKey {
                id: id.clone(),
                key,
                place: *place,
                in_kernel: Err(not_copied),
                fell_back: None,
            })
        };
        match (self.store, place) {
            (Store::Auto | Store::Keyring, KeyHome::Keyring) => match self.keyring.get(id.as_str()) {
                Ok(Some(bytes)) => match SealingKey::from_bytes(bytes) {
                    Some(key) => Ok(held(key)),
                    None => self.unusable(kernel, StoreError::Failed("its entry is not a sealing key".to_owned())),
                },
                // A missing kernel keyring holds no other key of this id; one that failed might.
                Ok(None) => {
                    let definitely = matches!(kernel, None | Some(StoreError::Absent(_)));
                    Ok(Seen::Missing(Missing { kernel: None, keyring: None, definitely }))
                }
                Err(error) => self.unusable(kernel, error),
            },
            (Store::Passphrase, KeyHome::Passphrase) => match self.wrapped().open(id) {
                Ok(Some(key)) => Ok(held(key)),
                Ok(None) => Ok(Seen::Missing(Missing::default())),
                Err(error) => Err(VaultError::Passphrase(error)),
            },
            (Store::Kernel, _) => match kernel {
                Some(reason) => Err(VaultError::Demanded { store: self.store, reason }),
                None => Ok(Seen::Missing(Missing { definitely: *place == KeyHome::Kernel, ..Missing::default() })),
            },
            (Store::Auto, KeyHome::Kernel) => {
                let definitely = kernel.is_none();
                Ok(Seen::Missing(Missing { kernel, keyring: None, definitely }))
            }
            _ => Ok(Seen::Missing(Missing::default())),
        }
    }

    /// The operating system's keyring cannot tell whether it has the key.
    fn unusable(&self, kernel: Option<StoreError>, keyring: StoreError) -> Result<Seen, VaultError> {
        if self.store == Store::Keyring {
            return Err(VaultError::Demanded { store: self.store, reason: keyring });
        }
        Ok(Seen::Missing(Missing { kernel, keyring: Some(keyring), definitely: false }))
    }

    /// Copies a key to the kernel keyring, if the setting wants that and the copy is missing; records whether it is
    /// there.
    fn copy(&self, held: &mut UnlockedKey, life: &dyn Fn() -> Duration) {
        if held.in_kernel.is_ok() || self.store == Store::Keyring {
            return;
        }
        let life = self.bounded(life());
        // The copy must last as long as the last valid entry, and no longer. With no valid entry, no copy is needed.
        if !life.is_zero() {
            held.in_kernel = self.kernel.put(held.id.as_str(), &held.key.to_secret(), Some(life));
        }
    }

    fn wrapped(&self) -> PassphraseFile<'a> {
        PassphraseFile::new(self.folder.join(WRAPPED), self.terminal, self.cost).unlocked_by(self.unlocker)
    }

    fn is_current(&self, held: &UnlockedKey) -> Result<bool, VaultError> {
        Ok(self.record()?.current.is_some_and(|(id, _)| id == held.id))
    }

    fn record(&self) -> Result<Record, VaultError> {
        Record::read(self.folder).map_err(VaultError::Folder)
    }

    fn write(&self, record: &Record) -> Result<(), VaultError> {
        record.write(self.folder).map_err(VaultError::Folder)
    }

    /// Takes the lock, which is held as long as the returned file is open; the kernel frees it if its holder dies.
    fn lock(&self) -> Result<File, VaultError> {
        let file = private::open_or_make(&self.folder.join(LOCK)).map_err(VaultError::Folder)?;
        match wait_for(file, self.terminal).map_err(VaultError::Folder)? {
            Ok(file) => Ok(file),
            Err(limit) => Err(VaultError::Busy(limit)),
        }
    }
}

/// Waits for a lock a little longer than its holder may wait for a stuck keyring, so that the key it then makes is found.
/// If that is in vain, it returns how long it waited.
fn wait_for(file: File, terminal: &dyn Terminal) -> std::io::Result<Result<File, Duration>> {
    let limit = patience(terminal) + Duration::from_secs(1);
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Ok(file)),
            Err(TryLockError::WouldBlock) if started.elapsed() >= limit => return Ok(Err(limit)),
            Err(TryLockError::WouldBlock) => thread::sleep(LOOK),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

fn no_copy() -> StoreError {
    StoreError::Failed("it holds no copy of the key".to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
