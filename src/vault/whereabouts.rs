//! Where the sealing key is at this moment, for people who ask, and where it was when the setting has changed.
//!
//! In: the record, and what the kernel keyring says without reading a key. Out: words for `status`; and the key that a
//! changed setting would abandon together with everything that it sealed.

use super::{KeyHome, KeyId, SealingKey, Store, Vault, VaultError};
use crate::host::{Life, StoreError, TerminalError};
use crate::vault::passphrase::PassphraseError;

/// Where the sealing key is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Whereabouts {
    /// Where it lives for good; `None` where there is no key.
    pub lives: Option<KeyHome>,
    /// For how long the kernel keyring serves it without asking that place.
    pub in_kernel: Option<Life>,
}

impl Whereabouts {
    /// The store that the next call gets it from.
    pub fn served_from(self) -> Option<KeyHome> {
        if self.in_kernel.is_some() { Some(KeyHome::Kernel) } else { self.lives }
    }
}

impl Vault<'_> {
    /// Where the key is. This is no use of it: no idle limit begins anew, and no store is asked that could ask a person.
    pub fn whereabouts(&self) -> Whereabouts {
        let nowhere = Whereabouts { lives: None, in_kernel: None };
        let Some((id, place)) = self.record().ok().and_then(|record| record.current) else { return nowhere };
        if self.store == Store::None {
            return nowhere;
        }
        let in_kernel = if self.may_be_in_kernel(place) { self.kernel.life(id.as_str()).ok().flatten() } else { None };
        // What the kernel alone had is gone with it.
        let lives = (place != KeyHome::Kernel || in_kernel.is_some()).then_some(place);
        Whereabouts { lives, in_kernel }
    }

    /// The key that seals here so far, when the setting wants its keys elsewhere: the next one would be a new one, and
    /// whatever this one sealed would be lost.
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

    /// That key from wherever it is, whatever the setting. It may open D-Bus and ask a person for the passphrase.
    ///
    /// # Errors
    /// The person at the terminal ended the program. All else is `Ok(Err(…))`: the key cannot be had, and why.
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

/// What `auto` takes in place of the operating system's keyring, and why.
pub(super) fn fallback(before: Option<&(KeyId, KeyHome)>, why: StoreError) -> Option<StoreError> {
    // Said once: as long as the record names the kernel, it has been.
    (!before.is_some_and(|(_, place)| *place == KeyHome::Kernel)).then_some(why)
}
