//! Encrypted credentials in the state folder: what an entry contains, how long it is valid, and which process may make
//! the next one.
//!
//! In: a plan's keys, the vault, the time. Out: [`Lookup`], and after a miss a [`Lease`]: only a lease can save, so of
//! N processes that start with an empty cache, one calls AWS and the others wait and read. A corrupt, foreign, older or
//! swapped entry is a miss, never an error. Reading the clear headers needs no key and opens no keyring.
//!
//! An unusable state folder or store costs only the cache: one warning, and the command still returns credentials.

mod devices;
mod entries;
mod entry;
mod identity;
mod moving;

use std::cell::{Cell, OnceCell, RefCell};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::messages::{Messages, with_causes};
use crate::names::{Lifetime, ProfileName};
use crate::plan::SsoSession;
use crate::secret::Credentials;
use crate::state::{CorrectedClock, Folder, FolderError, Lease, Turn};
use crate::vault::{KeyId, UnlockedKey, Vault, VaultError, Whereabouts};

pub use entries::Removed;
pub use entry::Header;
pub use identity::{EntryKind, Key, identity, keys};

/// Credentials count as expired this long before their end: a request signed with them must still arrive.
const LAST_MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// Credentials with at most this lifetime are renewed when a tenth of it remains.
const SHORT_LIFE: SignedDuration = SignedDuration::from_mins(30);
/// AWS's longest session, plus a margin for clock differences.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_mins(36 * 60 + 10);
/// The kernel keyring keeps the key a little longer than the last entry, to allow for clock differences.
const MARGIN: Duration = Duration::from_secs(120);

/// The state of an entry at a given time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Valid.
    Fresh,
    /// Due for renewal, but valid if that fails.
    Stale,
    /// Expired.
    Over,
}

/// The remaining lifetime below which credentials are renewed: 20 minutes for `process` and `serve`, since SDKs ask
/// again below 15; 5 minutes for people. `--min-ttl` overrides it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MinTtl {
    least: Lifetime,
    /// Is it for short-lived credentials, too?
    is_strict: bool,
}

impl MinTtl {
    /// For a person's shell.
    pub const PERSON: Self = Self::of(Lifetime::from_secs(5 * 60));
    /// For an SDK.
    pub const SDK: Self = Self::of(Lifetime::from_secs(20 * 60));
    /// For a session that only has to sign the next call.
    pub const SIGNER: Self = Self::of(Lifetime::from_secs(60));
    /// For a shell that renews what it holds. It tries at most once a minute, so it cannot wait for the last tenth of a
    /// short life.
    pub const RENEWAL: Self = Self { least: Lifetime::from_secs(5 * 60), is_strict: true };

    /// Credentials with at most [`SHORT_LIFE`] are renewed when a tenth of it remains.
    pub const fn of(least: Lifetime) -> Self {
        Self { least, is_strict: false }
    }

    /// The lifetime itself.
    pub const fn least(self) -> Lifetime {
        self.least
    }

    /// The state of credentials with this lifetime.
    fn standing(self, made: Timestamp, end: Timestamp, now: Timestamp) -> Standing {
        let (life, left) = (end.duration_since(made), end.duration_since(now));
        let is_short = life <= SHORT_LIFE && !self.is_strict;
        let least = if is_short { life / 10 } else { SignedDuration::from_secs(self.least.secs().into()) };
        if left > SignedDuration::ZERO && left >= least {
            Standing::Fresh
        } else if left >= LAST_MINUTE {
            Standing::Stale
        } else {
            Standing::Over
        }
    }
}

/// The result of looking up an entry.
#[derive(Debug)]
pub enum Lookup {
    /// Valid credentials.
    Fresh(Credentials),
    /// Valid credentials that should be renewed.
    Stale(Credentials),
    /// No usable entry.
    Miss,
}

/// How a command uses the cache.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CacheUse {
    /// Reads and saves entries.
    ReadAndKeep,
    /// Reads entries, and saves none.
    Read,
    /// `--no-cache`: does neither. The locks and the ledger in the same folder are still used.
    Nothing,
}

/// The cache of one state folder.
pub struct Cache<'a> {
    use_of_it: CacheUse,
    folder: Option<&'a Folder>,
    vault: &'a Vault<'a>,
    messages: Messages,
    held: OnceCell<Option<UnlockedKey>>,
    has_warned: Cell<bool>,
    has_moved: Cell<bool>,
    /// The id of the current sealing key: read once per listing, not once per entry.
    current: RefCell<OnceCell<Option<KeyId>>>,
    clocks: Option<&'a CorrectedClock<'a>>,
}

impl<'a> Cache<'a> {
    /// Without a folder, nothing is found and nothing is saved.
    pub fn new(folder: Option<&'a Folder>, vault: &'a Vault<'a>, use_of_it: CacheUse, messages: Messages) -> Self {
        let (held, has_warned, has_moved) = (OnceCell::new(), Cell::new(false), Cell::new(false));
        let current = RefCell::default();
        Self { use_of_it, folder, vault, messages, held, has_warned, has_moved, current, clocks: None }
    }

    /// Adds the clocks of all endpoints: an entry may have been made by another endpoint than the one whose time `now`
    /// is.
    #[must_use]
    pub fn timed_by(self, clocks: &'a CorrectedClock<'a>) -> Self {
        Self { clocks: Some(clocks), ..self }
    }

    /// The current time by the clock that the entry's end refers to; `now` if no clocks are known.
    pub fn now_of(&self, header: &Header, now: Timestamp) -> Timestamp {
        self.clocks.map_or(now, |clocks| clocks.now_of(header.clock.as_deref().unwrap_or_default()))
    }

    /// How long the last entry remains valid.
    fn last_end(&self, folder: &Folder, now: Timestamp) -> Duration {
        folder.last_end(&|header| self.now_of(header, now))
    }

    fn left(&self, header: &Header, now: Timestamp) -> SignedDuration {
        header.end.duration_since(self.now_of(header, now))
    }

    /// Looks up the entry of a key.
    ///
    /// # Errors
    /// Only if a store is configured and fails.
    pub fn lookup(&self, key: &Key, min_ttl: MinTtl, now: Timestamp) -> Result<Lookup, VaultError> {
        let in_use = self.folder.filter(|_| self.use_of_it != CacheUse::Nothing);
        let Some((folder, sealed)) = in_use.and_then(|folder| Some((folder, folder.entry(key)?))) else {
            return Ok(Lookup::Miss);
        };
        let standing = min_ttl.standing(sealed.header.made, sealed.header.end, now);
        if standing == Standing::Over {
            return Ok(Lookup::Miss);
        }
        let Some(held) = self.key_at_hand(folder, now)? else { return Ok(Lookup::Miss) };
        let Some(credentials) = sealed.open(key, held) else {
            self.messages
                .info(&format!("cannot decrypt the cached entry for `{}`; getting new credentials", key.profile()));
            return Ok(Lookup::Miss);
        };
        Ok(if standing == Standing::Fresh { Lookup::Fresh(credentials) } else { Lookup::Stale(credentials) })
    }

    /// Unlocks or makes the sealing key, before a person is asked for anything. `None`: nothing will be saved.
    ///
    /// # Errors
    /// Only if a store is configured and fails.
    pub fn unlock(&self, life: Lifetime, now: Timestamp) -> Result<Option<UnlockedKey>, VaultError> {
        let Some(folder) = self.folder.filter(|_| self.use_of_it == CacheUse::ReadAndKeep) else { return Ok(None) };
        self.move_over(folder, now)?;
        self.current.take();
        match self.vault.find_or_make(Duration::from_secs(life.secs().into()) + MARGIN) {
            Ok(held) => {
                self.say_where(&held);
                Ok(Some(held))
            }
            Err(error @ (VaultError::Demanded { .. } | VaultError::Passphrase(_))) => Err(error),
            Err(VaultError::Off) => Ok(None),
            Err(error) => {
                self.warn_once(&error);
                Ok(None)
            }
        }
    }

    /// The state folder with its locks, if it can be used.
    pub fn folder(&self) -> Option<&'a Folder> {
        self.folder
    }

    /// Waits for the lock with that name, as [`Folder::take_turn`] does. `None` if there are no locks: then there is no
    /// waiting, and nothing is saved.
    ///
    /// # Errors
    /// Those of `ready` and `during_wait`.
    pub fn take_turn<T, E>(
        &self,
        name: &str,
        ready: &mut dyn FnMut() -> Result<Option<T>, E>,
        during_wait: &mut dyn FnMut(Option<u32>) -> Result<(), E>,
    ) -> Result<Option<Turn<T>>, E> {
        let Some(folder) = self.folder else { return Ok(None) };
        let mut looked = || ready().map_err(Stop::Other);
        match folder.take_turn(name, &mut looked, &mut |pid| during_wait(pid).map_err(Stop::Other)) {
            Ok(turn) => Ok(Some(turn)),
            Err(Stop::Other(error)) => Err(error),
            Err(Stop::Folder(error)) => {
                self.warn(&format!("credentials will not be cached: {}", with_causes(&error)));
                // Existing entries can still be read.
                Ok(ready()?.map(Turn::Ready))
            }
        }
    }

    /// Saves credentials that were made under a lease. A failure costs only the cache.
    pub fn save(&self, _lease: &Lease, key: &Key, credentials: &Credentials, held: &UnlockedKey, now: Timestamp) {
        let Some(folder) = self.folder else { return };
        let Some(end) = credentials.expiration else { return };
        if let Err(error) = folder.write_entry(key, credentials, held, now, end) {
            self.warn(&format!("credentials will not be cached: {error}"));
            return;
        }
        // One pass over all entries removes expired ones and finds the end of the last one.
        let swept = OnceCell::new();
        let sweep = || *swept.get_or_init(|| folder.sweep(&|header| self.now_of(header, now)));
        if let Err(error) = self.vault.prolong(held, &sweep) {
            self.warn_once(&error);
        }
        sweep();
    }

    /// Removes an entry that AWS no longer accepts.
    pub fn forget(&self, key: &Key) {
        if let Some(folder) = self.folder {
            folder.remove_entry(key.file_name());
        }
    }

    /// An entry's clear header, if it has not expired. It is read without the key, so it is a hint and not a proof.
    pub fn peek(&self, key: &Key, now: Timestamp) -> Option<Header> {
        Some(self.folder?.entry(key)?.header).filter(|header| self.is_live(header, now))
    }

    /// The clear headers of all entries that have not expired.
    pub fn headers(&self, now: Timestamp) -> Vec<Header> {
        let headers = self.folder.map(Folder::headers).unwrap_or_default();
        self.current.take();
        headers.into_iter().filter(|header| self.is_live(header, now)).collect()
    }

    /// Tells whether the entry has not expired and was encrypted with the current key. Entries of a former key cannot
    /// be opened.
    fn is_live(&self, header: &Header, now: Timestamp) -> bool {
        let current = self.current.borrow();
        let current = current.get_or_init(|| Some(self.vault.current().ok()??.0));
        // No session lasts longer than a day and a half, so a header that claims more was not written here.
        let left = self.left(header, now);
        left > SignedDuration::ZERO
            && left <= LONGEST_LIFE
            && current.as_ref().is_some_and(|id| id.as_str() == header.key)
    }

    /// Where the key of the entries is. Does not count as a use, and no store is asked that could prompt.
    pub fn whereabouts(&self) -> Whereabouts {
        self.vault.whereabouts()
    }

    /// Removes a profile's entries: the ones made for it, and `keys`, which it shares with others.
    pub fn clear(&self, profile: &ProfileName, keys: &[Key]) -> Removed {
        let Some(folder) = self.folder else { return Removed::default() };
        let is_its = |header: &Header| {
            header.profile == profile.as_str() || keys.iter().any(|key| key.file_name() == header.identity)
        };
        let its = folder.headers().into_iter().filter(is_its);
        folder.remove_named(its.map(|header| header.identity))
    }

    /// Removes the entries that came from a login at IAM Identity Center, whichever profile they were made for. Also
    /// returns when the last of them expires, by this machine's clock if no other is known.
    pub fn clear_login(&self, session: &SsoSession, now: Timestamp) -> (Removed, Option<SignedDuration>) {
        let Some(folder) = self.folder else { return (Removed::default(), None) };
        let login = identity::login_name(session);
        let its: Vec<Header> =
            folder.headers().into_iter().filter(|header| header.login.as_ref() == Some(&login)).collect();
        let left = its.iter().map(|header| self.left(header, now)).max().filter(|left| *left > SignedDuration::ZERO);
        (folder.remove_named(its.into_iter().map(|header| header.identity)), left)
    }

    /// Removes all entries, including unreadable ones.
    pub fn clear_all(&self) -> Removed {
        self.folder.map(Folder::remove_entries).unwrap_or_default()
    }

    /// The key that opens entries, fetched once per process.
    fn key_at_hand(&self, folder: &Folder, now: Timestamp) -> Result<Option<&UnlockedKey>, VaultError> {
        if let Some(held) = self.held.get() {
            return Ok(held.as_ref());
        }
        let held = match self.vault.find(&|| self.last_end(folder, now)) {
            Ok(None) => self.move_over(folder, now)?,
            Ok(held) => held,
            Err(error @ (VaultError::Demanded { .. } | VaultError::Passphrase(_))) => return Err(error),
            Err(error) => {
                // Not a warning: the process that makes the next entry uses the same store, and reports the outcome.
                self.messages.info(&format!("the cache cannot be read: {error}"));
                None
            }
        };
        Ok(self.held.get_or_init(|| held).as_ref())
    }

    fn warn_once(&self, error: &VaultError) {
        self.warn(&format!("credentials will not be cached: {error}{}", reasons(error)));
    }

    fn warn(&self, text: &str) {
        if !self.has_warned.replace(true) {
            self.messages.warn(text);
        }
    }
}

/// Why a wait for a lock ended without one.
enum Stop<E> {
    Folder(FolderError),
    Other(E),
}

impl<E> From<FolderError> for Stop<E> {
    fn from(error: FolderError) -> Self {
        Self::Folder(error)
    }
}

/// Each store's error, and what to do about it.
fn reasons(error: &VaultError) -> String {
    use crate::host::StoreError;
    let (kernel, keyring) = match error {
        VaultError::NoStore { kernel, keyring } => (Some(kernel), Some(keyring)),
        VaultError::Unreachable { kernel, keyring } => (kernel.as_ref(), keyring.as_ref()),
        VaultError::Folder(source) => return format!(" ({source})"),
        _ => return String::new(),
    };
    let said = |name: &str, store: Option<&StoreError>| store.map(|error| format!("{name}: {error}"));
    let said: Vec<_> =
        [said("kernel keyring", kernel), said("system keyring", keyring)].into_iter().flatten().collect();
    let advice = if kernel == Some(&StoreError::Full) {
        "`keyctl show @u` lists the keys that fill the quota"
    } else {
        "start or unlock the system's keyring, or set `store = passphrase`; `store = none` turns this warning off"
    };
    format!(" ({}); {advice}", said.join("; "))
}

#[cfg(test)]
pub(crate) mod tests;
