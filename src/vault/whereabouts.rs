//! Where the sealing key is now, for `status`, and where it was before the setting changed.
//!
//! In: the record, and what the kernel keyring tells without reading a key. Out: words for `status`, and the key that a
//! new setting would abandon together with everything it encrypted.

use super::{KeyHome, KeyId, SealingKey, Store, Vault, VaultError};
use crate::host::{Life, StoreError, TerminalError};
use crate::vault::passphrase::PassphraseError;

/// Where the sealing key is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Whereabouts {
    /// The store it belongs to; `None` if there is no key.
    pub lives: Option<KeyHome>,
    /// How long the kernel keyring can serve it without asking that store.
    pub in_kernel: Option<Life>,
}

impl Whereabouts {
    /// The store that the next call gets it from.
    pub fn served_from(self) -> Option<KeyHome> {
        if self.in_kernel.is_some() { Some(KeyHome::Kernel) } else { self.lives }
    }
}

impl Vault<'_> {
    /// Where the key is. Does not count as a use: the idle time does not restart, and no store is asked that could
    /// prompt.
    pub fn whereabouts(&self) -> Whereabouts {
        let nowhere = Whereabouts { lives: None, in_kernel: None };
        let Some((id, place)) = self.record().ok().and_then(|record| record.current) else { return nowhere };
        if self.store == Store::None {
            return nowhere;
        }
        let in_kernel = if self.may_be_in_kernel(place) { self.kernel.life(id.as_str()).ok().flatten() } else { None };
        // A key that only the kernel had is gone together with the kernel's copy.
        let lives = (place != KeyHome::Kernel || in_kernel.is_some()).then_some(place);
        Whereabouts { lives, in_kernel }
    }

    /// The current key, if the setting now names another store: the next key would be a new one, and everything that
    /// this one encrypted would be lost.
    pub fn left_behind(&self) -> Option<(KeyId, KeyHome)> {
        let (id, place) = self.record().ok()?.current?;
        let stays = match self.store {
            Store::None => true,
            Store::Auto => place != KeyHome::Passphrase,
            Store::Kernel => place == KeyHome::Kernel,
            Store::Keyring => place == KeyHome::Keyring,
            Store::Passphrase => place == KeyHome::Passphrase,
        };
        (!stays && self.at_hand(&id, place).is_none()).then_some((id, place))
    }

    /// Fetches that key from wherever it is, regardless of the setting. May open D-Bus and ask a person for the
    /// passphrase.
    ///
    /// # Errors
    /// The person at the terminal ended the program. Every other failure is `Ok(Err(…))`: the reason why the key is
    /// unavailable.
    pub fn recover(&self, id: &KeyId, place: KeyHome) -> Result<Result<SealingKey, String>, VaultError> {
        if let Some(key) = self.kernel.get(id.as_str()).ok().flatten().and_then(SealingKey::from_bytes) {
            return Ok(Ok(key));
        }
        let gone = || "it no longer has that key".to_owned();
        Ok(match place {
            KeyHome::Kernel => Err(gone()),
            KeyHome::Keyring => match self.keyring.get(id.as_str()) {
                Ok(bytes) => bytes.and_then(SealingKey::from_bytes).ok_or_else(gone),
                Err(error) => Err(error.to_string()),
            },
            KeyHome::Passphrase if !self.terminal.is_there() => Err(TerminalError::Absent.to_string()),
            KeyHome::Passphrase => {
                self.terminal.tell(
                    "The store has changed. Enter the passphrase to move the cached credentials; Ctrl-C changes nothing.",
                );
                match self.wrapped().open(id) {
                    Ok(key) => key.ok_or_else(gone),
                    Err(error @ PassphraseError::Terminal(TerminalError::Signal(_))) => {
                        return Err(VaultError::Passphrase(error));
                    }
                    Err(error) => Err(error.to_string()),
                }
            }
        })
    }
}

/// The reason why `auto` uses the kernel keyring instead of the operating system's keyring, if it has not been reported
/// yet.
pub(super) fn fallback(before: Option<&(KeyId, KeyHome)>, why: StoreError) -> Option<StoreError> {
    // Reported once: if the record already names the kernel, it has been.
    (!before.is_some_and(|(_, place)| *place == KeyHome::Kernel)).then_some(why)
}
