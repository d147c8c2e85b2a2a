//! The vault's types: the setting `store`, an available key, and the reasons for having none.
//!
//! Types alone; what becomes of them is decided beside this file and by the callers. An error keeps what each store
//! said as that store said it, so that every reason can have a hint of its own.

use std::io;
use std::str::FromStr;
use std::time::Duration;

use super::passphrase::PassphraseError;
use super::record::{KeyHome, KeyId};
use super::seal::{SealError, SealingKey};
use crate::host::StoreError;

/// The setting `store`: where the session sealing key may live.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Store {
    /// `store = auto`: the operating system's keyring with a copy in the kernel's, or either.
    #[default]
    Auto,
    /// `store = kernel`: the Linux kernel keyring alone.
    Kernel,
    /// `store = keyring`: the operating system's keyring alone, without a copy.
    Keyring,
    /// `store = passphrase`: a file, wrapped under a passphrase, with the unlocked key in the kernel keyring.
    Passphrase,
    /// `store = none`: no key, and so no cache.
    None,
}

/// A text that names no store.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected one of `auto`, `kernel`, `keyring`, `passphrase`, `none`")]
pub struct UnknownStore;

impl Store {
    /// As it is written in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Kernel => "kernel",
            Self::Keyring => "keyring",
            Self::Passphrase => "passphrase",
            Self::None => "none",
        }
    }
}

impl FromStr for Store {
    type Err = UnknownStore;

    fn from_str(text: &str) -> Result<Self, UnknownStore> {
        [Self::Auto, Self::Kernel, Self::Keyring, Self::Passphrase, Self::None]
            .into_iter()
            .find(|store| store.as_str() == text)
            .ok_or(UnknownStore)
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key exists, as far as one can tell, and its store did not hand it out: for this process its entries are
    /// misses. Only the stores that failed are named.
    #[error("the store of the sealing key could not be reached")]
    Unreachable {
        /// What the kernel keyring said.
        kernel: Option<StoreError>,
        /// What the operating system's keyring said.
        keyring: Option<StoreError>,
    },
    /// Neither store can keep a key: serve without a cache, and warn once, with a hint for each reason.
    #[error("no store can keep the sealing key")]
    NoStore {
        /// What the kernel keyring said.
        kernel: StoreError,
        /// What the operating system's keyring said.
        keyring: StoreError,
    },
    /// The configured store does not work (exit 7).
    #[error("the configured store `{}` cannot be used", store.as_str())]
    Demanded {
        /// The setting.
        store: Store,
        /// What that store said.
        #[source]
        reason: StoreError,
    },
    /// `store = passphrase`, and it gave no key (exit 7, or that of the signal in it).
    #[error("the sealing key could not be unlocked")]
    Passphrase(#[source] PassphraseError),
    /// `store = none`: serve without a cache, and say nothing.
    #[error("the settings keep no sealing key")]
    Off,
    /// Another process makes the key and has not ended yet: serve without a cache.
    #[error("another process has been making the sealing key for {} s", .0.as_secs())]
    Busy(Duration),
    /// The state folder cannot be used: serve without a cache, and warn once.
    #[error("the state folder cannot be used")]
    Folder(#[source] io::Error),
    /// No key can be made.
    #[error("no sealing key could be made")]
    Seal(#[source] SealError),
    /// Some key could not be destroyed. Its id is kept, so that destroying again goes on where this ended.
    #[error("a sealing key could not be destroyed everywhere")]
    Left {
        /// What the kernel keyring said.
        kernel: Option<StoreError>,
        /// What the operating system's keyring said.
        keyring: Option<StoreError>,
    },
}

/// A key in hand.
#[derive(Clone, Debug)]
pub struct UnlockedKey {
    /// Its name, for the entry's clear header.
    pub id: KeyId,
    /// The key.
    pub key: SealingKey,
    /// Where it lives for good.
    pub place: KeyHome,
    /// Whether the kernel keyring holds it, so that the next call is quick; or why not, for `doctor`.
    pub in_kernel: Result<(), StoreError>,
    /// Why the operating system's keyring does not have it, where `auto` has just made it in the kernel keyring alone
    /// and the key before was not there. To be said, and said once.
    pub fell_back: Option<StoreError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_written() {
        for text in ["auto", "kernel", "keyring", "passphrase", "none"] {
            assert_eq!(text.parse::<Store>().map(Store::as_str), Ok(text));
        }
        for text in ["", "Auto", "kernel ", "file"] {
            assert_eq!(text.parse::<Store>(), Err(UnknownStore), "{text:?}");
        }
    }
}
