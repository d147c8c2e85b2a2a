//! What happens to the cache when the store of the sealing key changes, or a user's access key.
//!
//! A session belongs to the user and not to the access key that asked for it, but entries are identified by the key. So
//! when the key is replaced, its entries are filed under the new one as well, and no second code is needed.
//!
//! If the setting names another store, a new key is made there. The entries of the old key are decrypted once more and
//! encrypted with the new one, so that trying another store does not cost the day's session. If the old key is
//! unavailable, a warning says so. The old key itself does not move: a store that was chosen because it is safer must
//! not hold a key that was stored elsewhere.

use jiff::Timestamp;

use super::{Cache, CacheUse, Header, Key};
use crate::host::StoreError;
use crate::state::Folder;
use crate::vault::{KeyHome, UnlockedKey, VaultError};

impl Cache<'_> {
    /// Moves the cache to the store that the settings name, if its key is in another one. `None` if there was nothing
    /// to move.
    pub(super) fn move_over(&self, folder: &Folder, now: Timestamp) -> Result<Option<UnlockedKey>, VaultError> {
        if self.use_of_it != CacheUse::ReadAndKeep || self.has_moved.replace(true) {
            return Ok(None);
        }
        let Some((id, place)) = self.vault.left_behind() else { return Ok(None) };
        let entries: Vec<Header> = self.headers(now).into_iter().filter(|header| header.key == id.as_str()).collect();
        if entries.is_empty() {
            return Ok(None);
        }
        let old = match self.vault.recover(&id, place)? {
            Ok(old) => old,
            Err(why) => {
                self.messages.warn(&format!(
                    "the store has changed, but the old key is unavailable ({}: {why}); {} cannot be used any more",
                    place.name(),
                    counted(entries.len())
                ));
                return Ok(None);
            }
        };
        self.current.take();
        let held = self.vault.find_or_make(self.last_end(folder, now))?;
        self.say_where(&held);
        let moved = entries.iter().filter(|entry| folder.reseal(entry, &old, &held)).count();
        self.messages.note(&format!("the store has changed: moved {} {}", counted(moved), way(place, held.place)));
        if let Err(error) = self.vault.prolong(&held, &|| self.last_end(folder, now)) {
            self.warn_once(&error);
        }
        Ok(Some(held))
    }

    /// Files an entry under another key too, unless there is one that lasts longer. Nothing is done if the entry has expired
    /// or cannot be opened; a failure costs only the cache.
    pub fn file_also(&self, from: &Key, to: &Key, now: Timestamp) {
        let Some(folder) = self.folder.filter(|_| self.use_of_it == CacheUse::ReadAndKeep) else { return };
        let Some(sealed) = folder.entry(from) else { return };
        let (made, end) = (sealed.header.made, sealed.header.end);
        if end <= now || folder.entry(to).is_some_and(|there| there.header.end >= end) {
            return;
        }
        if let Ok(Some(held)) = self.key_at_hand(folder, now)
            && let Some(credentials) = sealed.open(from, held)
        {
            let _ = folder.write_entry(to, &credentials, held, made, end);
        }
    }

    /// Reports that `auto` has only the kernel keyring; the vault makes sure that this is reported once.
    pub(super) fn say_where(&self, held: &UnlockedKey) {
        if let Some(why) = &held.fell_back {
            let why = match why {
                StoreError::Absent(details) => {
                    self.messages.info(&format!("{}: {details}", KeyHome::Keyring.name()));
                    "not available here".to_owned()
                }
                other => other.to_string(),
            };
            self.messages.note(&format!(
                "note: the cache's key is in the kernel keyring only, so the cache is lost on restart ({}: {why}); \
                 shown once",
                KeyHome::Keyring.name()
            ));
        }
    }
}

fn counted(entries: usize) -> String {
    match entries {
        1 => "1 cached entry".to_owned(),
        n => format!("{n} cached entries"),
    }
}

fn way(from: KeyHome, to: KeyHome) -> String {
    format!("from the {} to the {}", from.name(), to.name())
}
