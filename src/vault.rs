//! The session sealing key: where it lives, which process creates it, and what happens when it is not available.
//!
//! In: the state folder (which exists and is 0700), the setting `store`, the two keyrings and the terminal. Out: the
//! key that seals cached entries, and the store that holds it. The vault knows nothing about the entries; the caller
//! supplies the times that depend on them. It never writes a key to disk except under a passphrase, and it passes on
//! the stores' answers unchanged: "no such entry" and "cannot tell" lead to different results.
//!
//! **Reading.** The file `key-id` says which key seals here and where it is stored permanently. The kernel keyring is
//! asked first, since it answers in microseconds and opens no D-Bus; then the place that the file names, and nothing
//! else: a key that was never in the operating system's keyring is not looked for there.
//!
//! **Creating.** Under a lock, and after another look. If the operating system's keyring works, the key goes there and
//! is copied into the kernel keyring; otherwise it goes into the kernel keyring alone. The old id is kept only if its
//! store definitely has no such entry. If that store cannot be asked, the new key gets a new id, so that one id never
//! has two keys; entries of the old id are misses from then on, even when that store is available again. The replaced
//! id stays in `key-id` as a former one until its key has been deleted from its store. If no store can keep a new key,
//! nothing changes, and the old entries open again as soon as their store is back.
//!
//! So a desktop session and a cron job without D-Bus share the kernel's copy as long as any entry lives. After that,
//! the first process that needs a key creates one, and the others find it.

pub mod kernel;
pub mod keyring;
mod making;
pub mod passphrase;
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

pub use self::passphrase::{Cost, PassphraseError};
pub use self::record::{KeyHome, KeyId};
pub use self::seal::{SealError, SealingKey};
pub use self::store::{Store, UnlockedKey, VaultError};
pub use self::whereabouts::Whereabouts;

const LOCK: &str = "key.lock";
const WRAPPED: &str = "key-wrapped";
/// How often a process that waits for the lock looks again.
const LOOK: Duration = Duration::from_millis(10);

/// How long the operating system's keyring may block this process in total: 60 s if a person can answer its dialog, 2 s
/// otherwise.
pub fn patience(terminal: &dyn Terminal) -> Duration {
    Duration::from_secs(if terminal.is_there() { 60 } else { 2 })
}

/// The longest time that the kernel keyring is told to keep a key: no AWS session lives for more than 36 hours, plus
/// some difference between clocks. The time of the last entry's end comes from headers that anyone could have written.
const LONGEST: Duration = Duration::from_mins(36 * 60 + 10);

/// Notes in the state folder `to` the keys that seal in the folder `from`, which is no longer used: entries there can be
/// opened for as long as their key lives, and `clear --all` is to end it. Where somebody else is making a key at this
/// moment they are not waited for.
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
    // A folder that takes nothing will say so where it matters.
    let _ = note();
}

/// What the stores say of the current id.
enum Seen {
    Unlocked(UnlockedKey),
    /// No store that could be asked has it.
    Missing(Missing),
}

/// How a key is missing.
#[derive(Default)]
struct Missing {
    /// The kernel keyring's failure, when it was asked and failed.
    kernel: Option<StoreError>,
    /// The other keyring's.
    keyring: Option<StoreError>,
    /// There is an id, and the store that it belongs to says definitely that it has no such entry.
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
    /// The key as this process has it. Where no kernel keyring holds a copy, it is not fetched, and no passphrase asked,
    /// a second time.
    remembered: RefCell<Option<UnlockedKey>>,
}

/// The two stores that a vault may keep its key in.
#[derive(Clone, Copy)]
pub struct Stores<'a> {
    /// The Linux kernel keyring.
    pub kernel: &'a dyn Keystore,
    /// The operating system's keyring.
    pub keyring: &'a dyn Keystore,
}

impl<'a> Vault<'a> {
    /// Opens nothing. `cost` is what a new passphrase costs to guess: [`Cost::RFC_9106`].
    pub fn new(folder: &'a Path, store: Store, stores: Stores<'a>, terminal: &'a dyn Terminal, cost: Cost) -> Self {
        let Stores { kernel, keyring } = stores;
        Self { folder, store, kernel, keyring, terminal, cost, lock_after: None, remembered: RefCell::default() }
    }

    /// The same with an idle limit: the kernel keyring's copy ends when it was not used for so long.
    #[must_use]
    pub fn locking_after(self, idle: Option<Duration>) -> Self {
        Self { lock_after: idle, ..self }
    }

    /// Which key seals here and where it lives, from the state folder alone: no store is asked.
    pub fn current(&self) -> Result<Option<(KeyId, KeyHome)>, VaultError> {
        Ok(self.record()?.current)
    }

    /// The key that opens existing entries. Never creates one; `None` if there definitely is no key.
    ///
    /// `until` says how long the last living entry has to live. It is called only when the key had to be fetched from
    /// its place and is copied into the kernel keyring for that time.
    pub fn find(&self, until: &dyn Fn() -> Duration) -> Result<Option<UnlockedKey>, VaultError> {
        let Some((id, place)) = self.record()?.current else { return Ok(None) };
        if self.store == Store::None {
            return Ok(None);
        }
        if let Some(held) = self.at_hand(&id, place) {
            return Ok(Some(held));
        }
        // One process at a time fetches the key, or asks for its passphrase; the others then find the copy. It happens
        // under the lock also because a key that `destroy` is deleting must not be copied. A folder that cannot be
        // written has no lock, and if no copy is wanted, no process has to wait.
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

    /// The key that seals a new entry, which lives for `life`; creates one if there is none.
    ///
    /// When the entry is on disk, [`Vault::prolong`] is due.
    pub fn find_or_make(&self, life: Duration) -> Result<UnlockedKey, VaultError> {
        if self.store == Store::None {
            return Err(VaultError::Off);
        }
        if let Some((id, place)) = self.record()?.current
            && let Some(held) = self.at_hand(&id, place)
        {
            return Ok(held);
        }
        // Only now the slow stores, each asked by one process at a time and not by two hundred.
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

    /// What is had without waiting: the key that this process has already, or the kernel keyring's. Whatever else the
    /// kernel says is for [`Vault::look`] to judge.
    fn at_hand(&self, id: &KeyId, place: KeyHome) -> Option<UnlockedKey> {
        if let Some(held) = self.remembered.borrow().as_ref().filter(|held| held.id == *id) {
            return Some(held.clone());
        }
        let held = self.look_in_kernel(id, place).ok().flatten()?;
        if let Some(idle) = self.lock_after {
            // It was used, so the time begins anew. A failure leaves the shorter time.
            let _ = self.kernel.limit(id.as_str(), idle.min(LONGEST));
        }
        Some(self.remember(held))
    }

    fn remember(&self, held: UnlockedKey) -> UnlockedKey {
        self.remembered.replace(Some(UnlockedKey { fell_back: None, ..held.clone() }));
        held
    }

    /// For how long the kernel keyring keeps a key whose entries live for `life`.
    fn bounded(&self, life: Duration) -> Duration {
        life.min(LONGEST).min(self.lock_after.unwrap_or(LONGEST))
    }

    /// Lets the kernel keyring hold the key until its last entry has expired.
    ///
    /// Call it after writing an entry, so that `until`, which is called under the lock, counts that entry and those
    /// that other processes wrote in the same time: the last process sees all. A key that has been replaced or
    /// destroyed since is not changed. An error matters if the key lives nowhere else.
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

    /// Is any key on record, a former one included, that [`Vault::destroy`] would end?
    pub fn has_keys(&self) -> Result<bool, VaultError> {
        Ok(self.record()? != Record::default())
    }

    /// Destroys the key and the former ones in every store, whatever the setting; no entry can be opened after that.
    pub fn destroy(&self) -> Result<(), VaultError> {
        let _lock = self.lock()?;
        let record = self.record()?;
        let (mut kernel, mut keyring) = (None, None);
        let mut left = Record::default();
        for (id, place) in record.current.into_iter().chain(record.former) {
            let copy = self.kernel.delete(id.as_str()).err();
            // Where there is no kernel keyring there is no copy in it, but a key that lives there may well be within
            // the reach of others: a container that shares the folder has no keyring, and its host has one.
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

    /// Does the setting let a key of that place be served by the kernel keyring?
    fn may_be_in_kernel(&self, place: KeyHome) -> bool {
        match self.store {
            Store::Auto | Store::Kernel => true,
            Store::Passphrase => place == KeyHome::Passphrase,
            Store::Keyring | Store::None => false,
        }
    }

    /// Looks in the kernel keyring, where the setting allows a key of that place to be found in it.
    fn look_in_kernel(&self, id: &KeyId, place: KeyHome) -> Result<Option<UnlockedKey>, StoreError> {
        if !self.may_be_in_kernel(place) {
            return Ok(None);
        }
        // A value that is no key is as good as none: the place that the id names decides.
        let key = self.kernel.get(id.as_str())?.and_then(SealingKey::from_bytes);
        Ok(key.map(|key| UnlockedKey { id: id.clone(), key, place, in_kernel: Ok(()), fell_back: None }))
    }

    /// Asks the kernel keyring, then the place that the id names.
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
                // A kernel keyring that is not there holds no other key of this id; one that failed might.
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

    /// The operating system's keyring cannot tell.
    fn unusable(&self, kernel: Option<StoreError>, keyring: StoreError) -> Result<Seen, VaultError> {
        if self.store == Store::Keyring {
            return Err(VaultError::Demanded { store: self.store, reason: keyring });
        }
        Ok(Seen::Missing(Missing { kernel, keyring: Some(keyring), definitely: false }))
    }

    /// Copies a key into the kernel keyring, where the setting wants that and it is not there; notes whether it is.
    fn copy(&self, held: &mut UnlockedKey, life: &dyn Fn() -> Duration) {
        if held.in_kernel.is_ok() || self.store == Store::Keyring {
            return;
        }
        let life = self.bounded(life());
        // The copy is to outlive the last entry and no more; where none lives, there is nothing to outlive.
        if !life.is_zero() {
            held.in_kernel = self.kernel.put(held.id.as_str(), &held.key.to_secret(), Some(life));
        }
    }

    fn wrapped(&self) -> PassphraseFile<'a> {
        PassphraseFile::new(self.folder.join(WRAPPED), self.terminal, self.cost)
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

    fn open_lock(&self) -> Result<File, VaultError> {
        private::open_or_make(&self.folder.join(LOCK)).map_err(VaultError::Folder)
    }

    /// The lock, for as long as the file lives; the death of its holder frees it. It is waited for a little longer than
    /// the holder may wait for a stuck keyring, so that what it then made is found.
    fn lock(&self) -> Result<File, VaultError> {
        let file = self.open_lock()?;
        let limit = patience(self.terminal) + Duration::from_secs(1);
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if started.elapsed() >= limit => return Err(VaultError::Busy(limit)),
                Err(TryLockError::WouldBlock) => thread::sleep(LOOK),
                Err(TryLockError::Error(error)) => return Err(VaultError::Folder(error)),
            }
        }
    }
}

fn no_copy() -> StoreError {
    StoreError::Failed("it holds no copy of the key".to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
