//! The vault's vocabulary: the setting `store`, an unlocked key, and the reasons for having none.
//!
//! Types only; the neighboring modules and the callers decide what to do with them. An error keeps each store's own
//! words, so that every reason can have its own hint.

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
    /// `store = auto`: the operating system's keyring with a copy in the kernel's, or the kernel's alone.
    #[default]
    Auto,
    /// `store = kernel`: the Linux kernel keyring alone.
    Kernel,
    /// `store = keyring`: the operating system's keyring alone, without a copy.
    Keyring,
    /// `store = passphrase`: a file, wrapped under a passphrase; the unlocked key is in the kernel keyring.
    Passphrase,
    /// `store = none`: no key, and therefore no cache.
    None,
}

/// The text names no store.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected one of `auto`, `kernel`, `keyring`, `passphrase`, `none`")]
pub struct UnknownStore;

impl Store {
    /// The value as written in the settings file.
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
    /// The key exists, as far as can be told, but its store did not return it: its entries are misses for this process.
    /// Only the stores that failed are named.
    #[error("could not reach the store of the sealing key")]
    Unreachable {
        /// The kernel keyring's error.
        kernel: Option<StoreError>,
        /// The operating system's keyring's error.
        keyring: Option<StoreError>,
    },
    /// Neither store can keep a key: continue without a cache, and warn once, with a hint for each reason.
    #[error("no store can keep the sealing key")]
    NoStore {
        /// The kernel keyring's error.
        kernel: StoreError,
        /// The operating system's keyring's error.
        keyring: StoreError,
    },
    /// The configured store does not work (exit 7).
    #[error("the configured store `{}` cannot be used", store.as_str())]
    Demanded {
        /// The value of the setting `store`.
        store: Store,
        /// That store's error.
        #[source]
        reason: StoreError,
    },
    /// `store = passphrase` gave no key (exit 7, or the exit code of the signal in it).
    #[error("the sealing key could not be unlocked")]
    Passphrase(#[source] PassphraseError),
    /// `store = none`: continue without a cache and without a warning.
    #[error("the settings allow no sealing key")]
    Off,
    /// Another process is making the key and has not finished: continue without a cache.
    #[error("another process has been making the sealing key for {} s", .0.as_secs())]
    Busy(Duration),
    /// The state folder cannot be used: continue without a cache, and warn once.
    #[error("the state folder cannot be used")]
    Folder(#[source] io::Error),
    /// No key can be made.
    #[error("no sealing key could be made")]
    Seal(#[source] SealError),
    /// A key could not be destroyed. Its id is kept, so that the next attempt continues from there.
    #[error("a sealing key could not be destroyed everywhere")]
    Left {
        /// The kernel keyring's error.
        kernel: Option<StoreError>,
        /// The operating system's keyring's error.
        keyring: Option<StoreError>,
    },
}

/// An unlocked key and where it came from.
#[derive(Clone, Debug)]
pub struct UnlockedKey {
    /// Its id, for the entry's clear header.
    pub id: KeyId,
    /// The key itself.
    pub key: SealingKey,
    /// The store it belongs to.
    pub place: KeyHome,
    /// Whether the kernel keyring holds a copy, which makes the next call quick; if not, why, for `doctor`.
    pub in_kernel: Result<(), StoreError>,
    /// Why the operating system's keyring does not have it, if `auto` has just made it in the kernel keyring alone and
    /// the previous key was not there. To be reported once.
    pub fell_back: Option<StoreError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_store_is_parsed_from_its_own_name() {
        for text in ["auto", "kernel", "keyring", "passphrase", "none"] {
            assert_eq!(text.parse::<Store>().map(Store::as_str), Ok(text));
        }
        for text in ["", "Auto", "kernel ", "file"] {
            assert_eq!(text.parse::<Store>(), Err(UnknownStore), "{text:?}");
        }
    }
}
