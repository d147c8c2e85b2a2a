//! What is said and done when the sealing key is not where it was.
//!
//! A setting that wants the key in another store creates a new key there. Entries sealed under the old key are opened
//! once more and sealed under the new one, so trying another store does not cost the day's session. If the old key is
//! not available, a message says so. The old key itself does not move: a store chosen for being safer must not hold a
//! key that was kept elsewhere.

use jiff::Timestamp;

use super::{Cache, CacheUse, Header};
use crate::host::StoreError;
use crate::state::Folder;
use crate::vault::{KeyHome, UnlockedKey, VaultError};

impl Cache<'_> {
    /// Moves what is cached to the store that the settings want, where it lives in another one. `None` when there was
    /// nothing to move.
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
                    "the store has changed and the old key cannot be had ({}: {why}): {} will have to be obtained anew",
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
        self.messages.note(&format!(
            "the store has changed: {} moved with the key, {}",
            counted(moved),
            way(place, held.place)
        ));
        if let Err(error) = self.vault.prolong(&held, &|| self.last_end(folder, now)) {
            self.warn_once(&error);
        }
        Ok(Some(held))
    }

    /// Says that `auto` has nothing better than the kernel keyring; the vault sees to it that it is said once.
    pub(super) fn say_where(&self, held: &UnlockedKey) {
        if let Some(why) = &held.fell_back {
            let why = match why {
                StoreError::Absent(details) => {
                    self.messages.info(&format!("{}: {details}", KeyHome::Keyring.name()));
                    "there is none here".to_owned()
                }
                other => other.to_string(),
            };
            self.messages.note(&format!(
                "note: the key of the cache lives in the kernel keyring alone, until a restart at most ({}: {why}); \
                 this is said once",
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
