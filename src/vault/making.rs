//! Makes a new sealing key: in which store, and in which order store and record are written.

use std::time::Duration;

use super::record::Record;
use super::{KeyHome, KeyId, Missing, SealingKey, Store, UnlockedKey, Vault, VaultError, no_copy, whereabouts};
use crate::host::StoreError;

impl Vault<'_> {
    /// Makes a key in the store that the setting names. The caller holds the lock, and no store has the current key.
    pub(super) fn make(&self, mut record: Record, missing: Missing, life: Duration) -> Result<UnlockedKey, VaultError> {
        let demanded = |reason| VaultError::Demanded { store: self.store, reason };
        let kept = if missing.definitely { record.current.as_ref().map(|(id, _)| id.clone()) } else { None };
        match self.store {
            Store::None => Err(VaultError::Off),
            Store::Passphrase => self.make_wrapped(&mut record, life),
            Store::Kernel => self.make_in_kernel(&mut record, kept, life)?.map_err(demanded),
            Store::Keyring => self.make_in_keyring(&mut record, kept, life)?.map_err(demanded),
            Store::Auto => {
                let keyring = match missing.keyring {
                    // It has just failed to read, so it is not asked to write, which might wait or prompt again.
                    Some(error) => error,
                    None => match self.make_in_keyring(&mut record, kept, life)? {
                        Ok(held) => return Ok(held),
                        Err(error) => error,
                    },
                };
                let before = record.current.clone();
                // Never under the old id: the keyring can no longer say that it has no key with that name.
                match self.make_in_kernel(&mut record, None, life)? {
                    Ok(held) => Ok(UnlockedKey { fell_back: whereabouts::fallback(before.as_ref(), keyring), ..held }),
                    Err(kernel) => Err(VaultError::NoStore { kernel, keyring }),
                }
            }
        }
    }

    fn make_in_keyring(
        &self,
        record: &mut Record,
        kept: Option<KeyId>,
        life: Duration,
    ) -> Result<Result<UnlockedKey, StoreError>, VaultError> {
        let before = record.clone();
        let id = kept_or_new(kept)?;
        let key = SealingKey::random().map_err(VaultError::Seal)?;
        // Recorded before it is stored: a key in a keyring that no record names could never be destroyed.
        record.add_former((id.clone(), KeyHome::Keyring));
        self.write(record)?;
        if let Err(error) = self.keyring.put(id.as_str(), &key.to_secret(), None) {
            // An absent or locked keyring has stored nothing; a silent one may still do so.
            if matches!(error, StoreError::Absent(_) | StoreError::Locked) {
                *record = before;
                self.write(record)?;
            }
            return Ok(Err(error));
        }
        if self.store == Store::Keyring {
            // The kernel may hold an older key with this id, from before the setting changed; it was not asked.
            let _ = self.kernel.delete(id.as_str());
        }
        self.install(record, id.clone(), KeyHome::Keyring)?;
        let mut held = UnlockedKey { id, key, place: KeyHome::Keyring, in_kernel: Err(no_copy()), fell_back: None };
        self.copy(&mut held, &|| life);
        Ok(Ok(held))
    }

    fn make_in_kernel(
        &self,
        record: &mut Record,
        kept: Option<KeyId>,
        life: Duration,
    ) -> Result<Result<UnlockedKey, StoreError>, VaultError> {
        let id = kept_or_new(kept)?;
        let key = SealingKey::random().map_err(VaultError::Seal)?;
        // Stored before it is recorded: a store that cannot keep the key must not cost the old id, and a key without a
        // record expires by itself here.
        if let Err(error) = self.kernel.put(id.as_str(), &key.to_secret(), Some(self.bounded(life))) {
            return Ok(Err(error));
        }
        if let Err(error) = self.install(record, id.clone(), KeyHome::Kernel) {
            let _ = self.kernel.delete(id.as_str());
            return Err(error);
        }
        Ok(Ok(UnlockedKey { id, key, place: KeyHome::Kernel, in_kernel: Ok(()), fell_back: None }))
    }

    fn make_wrapped(&self, record: &mut Record, life: Duration) -> Result<UnlockedKey, VaultError> {
        let id = kept_or_new(None)?;
        let key = self.wrapped().make(&id).map_err(VaultError::Passphrase)?;
        self.install(record, id.clone(), KeyHome::Passphrase)?;
        let mut held = UnlockedKey { id, key, place: KeyHome::Passphrase, in_kernel: Err(no_copy()), fell_back: None };
        self.copy(&mut held, &|| life);
        Ok(held)
    }

    /// Makes `id` the current key, and destroys former keys if that is cheap or their store has just proved to work.
    fn install(&self, record: &mut Record, id: KeyId, place: KeyHome) -> Result<(), VaultError> {
        record.former.retain(|(former, _)| *former != id);
        if record.current.as_ref().is_some_and(|(current, _)| *current != id) {
            record.retire();
        }
        record.current = Some((id, place));
        // Written first: until then, other processes look for the old id.
        self.write(record)?;
        let before = record.former.len();
        record.former.retain(|(former, lives)| match lives {
            KeyHome::Keyring if place == KeyHome::Keyring => {
                let _ = self.kernel.delete(former.as_str());
                self.keyring.delete(former.as_str()).is_err()
            }
            KeyHome::Kernel => self.kernel.delete(former.as_str()).is_err(),
            KeyHome::Keyring | KeyHome::Passphrase => true,
        });
        if record.former.len() < before { self.write(record) } else { Ok(()) }
    }
}

fn kept_or_new(kept: Option<KeyId>) -> Result<KeyId, VaultError> {
    kept.map_or_else(KeyId::random, Ok).map_err(VaultError::Seal)
}
