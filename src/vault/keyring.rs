//! The operating system's keyring as a store of keys: Secret Service, Keychain or Credential Manager.
//!
//! In: a name and a secret. Out: the secret, even after logout and reboot. A call may open D-Bus, ask the user to
//! unlock the keyring, and block forever: a bus that accepts and never answers, or a dialog that no one sees. Each call
//! therefore runs on its own thread, which is abandoned when time is up. The program does not wait for it at exit, but
//! it holds the keyring library's lock, so a keyring that has once not answered is not asked again.
//!
//! The time is one allowance for the whole process, and only time spent waiting here counts: a user who takes 30
//! seconds to type an MFA code between two calls does not use it up, nor does a server that runs for days.
//!
//! Nothing here needs a particular system: the library picks the store, and its errors say which kind of failure it is.

use std::cell::LazyCell;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use keyring::v1::{Entry, Error};
use zeroize::Zeroize;

use crate::host::{Keystore, StoreError};
use crate::secret::Secret;

/// What our entries are filed under, with the key's name as the user.
const SERVICE: &str = "mfa-cred";

/// The keyring of this system. One for the whole process: it counts the time that waiting has cost.
#[derive(Debug)]
pub struct OsKeyring<'a> {
    limit: LazyCell<Duration, Box<dyn FnOnce() -> Duration + 'a>>,
    spent: Mutex<Spent>,
}

/// What the calls so far have cost, and why there will be no more.
#[derive(Debug, Default)]
struct Spent {
    waiting: Duration,
    given_up: Option<StoreError>,
}

impl<'a> OsKeyring<'a> {
    /// All calls together may wait for `limit`, which is asked for with the first of them: who is there to answer takes
    /// a look at the terminal, and most processes never come here. Nothing is opened yet.
    pub fn new(limit: impl FnOnce() -> Duration + 'a) -> Self {
        Self { limit: LazyCell::new(Box::new(limit)), spent: Mutex::default() }
    }

    /// Runs `call` on a thread of its own for as long as the allowance lasts.
    fn within<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &spent.given_up {
            return Err(error.clone());
        }
        let (answer, answered) = mpsc::channel();
        let started = Instant::now();
        let thread = thread::Builder::new().name("keyring".to_owned()).spawn(move || {
            // Nobody may be waiting any more; the answer is then dropped, and the secret in it zeroed.
            let _ = answer.send(call());
        });
        let result = match thread {
            Err(_) => Err(StoreError::Failed("no thread could be started for it".to_owned())),
            Ok(_) => match answered.recv_timeout(self.limit.saturating_sub(spent.waiting)) {
                Ok(result) => result,
                Err(RecvTimeoutError::Timeout) => Err(StoreError::Silent(*self.limit)),
                Err(RecvTimeoutError::Disconnected) => Err(StoreError::Failed("its library failed".to_owned())),
            },
        };
        spent.waiting += started.elapsed();
        // Silent: the abandoned try holds the library's lock. Absent: the library opens its store once per process.
        // Locked: a user who did not unlock it is not asked again by the same command.
        if let Err(error @ (StoreError::Silent(_) | StoreError::Absent(_) | StoreError::Locked)) = &result {
            spent.given_up = Some(error.clone());
        }
        result
    }
}

impl Keystore for OsKeyring<'_> {
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        let name = name.to_owned();
        self.within(move || {
            let text = match entry(&name)?.get_secret() {
                Ok(text) => Secret::new(text),
                Err(Error::NoEntry) => return Ok(None),
                Err(error) => return Err(explain(error)),
            };
            match base16ct::lower::decode_vec(text.expose()) {
                Ok(bytes) => Ok(Some(Secret::new(bytes))),
                Err(_) => Err(StoreError::Failed("its entry is not one that mfa-cred wrote".to_owned())),
            }
        })
    }

    /// `life` means nothing here: these stores keep until they are told to forget.
    fn put(&self, name: &str, secret: &Secret<Vec<u8>>, _life: Option<Duration>) -> Result<(), StoreError> {
        let name = name.to_owned();
        // As text, since KDE's wallet keeps nothing but UTF-8.
        let text = Secret::new(base16ct::lower::encode_string(secret.expose()));
        self.within(move || entry(&name)?.set_secret(text.expose().as_bytes()).map_err(explain))
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.within(move || match entry(&name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(explain(error)),
        })
    }
}

fn entry(name: &str) -> Result<Entry, StoreError> {
    open(name).map_err(|error| match (error, Entry::store_status()) {
        // The library says why its store could not be opened only when it is asked for it.
        (Error::NoDefaultStore, Err(why)) => StoreError::Absent(why.to_string()),
        (error, _) => explain(error),
    })
}

#[cfg(not(windows))]
fn open(name: &str) -> Result<Entry, Error> {
    Entry::new(SERVICE, name)
}

/// An entry of this machine alone. The library's own choice, `CRED_PERSIST_ENTERPRISE`, roams with the user's profile:
/// the key would stand on the domain's file server and on every machine that the user signs in to.
#[cfg(windows)]
fn open(name: &str) -> Result<Entry, Error> {
    if Entry::store_status().is_err() {
        return Err(Error::NoDefaultStore);
    }
    let local = std::collections::HashMap::from([("persistence", "local")]);
    Ok(Entry { inner: keyring_core::Entry::new_with_modifiers(SERVICE, name, &local)? })
}

/// The library's errors as ours. Those that carry the entry's bytes are emptied and not quoted.
fn explain(error: Error) -> StoreError {
    match error {
        Error::NoStorageAccess(_) => StoreError::Locked,
        Error::NoDefaultStore => StoreError::Absent("this system has no keyring".to_owned()),
        Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            StoreError::Failed("its entry is damaged".to_owned())
        }
        Error::Ambiguous(_) => StoreError::Failed("it has several entries of the same name".to_owned()),
        other => StoreError::Failed(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks for ever, as a call to a stuck D-Bus does.
    fn stuck() -> Result<(), StoreError> {
        loop {
            thread::park();
        }
    }

    #[test]
    fn a_call_that_never_returns_costs_the_allowance_once() {
        let keyring = OsKeyring::new(|| Duration::from_millis(50));
        let silent = Err(StoreError::Silent(Duration::from_millis(50)));
        assert_eq!(keyring.within(stuck), silent);
        let again = Instant::now();
        assert_eq!(keyring.within(|| -> Result<(), _> { unreachable!("it is not asked again") }), silent);
        assert!(again.elapsed() < Duration::from_millis(50), "the second call waited as well");
    }

    #[test]
    fn all_calls_share_one_allowance() {
        let keyring = OsKeyring::new(|| Duration::from_millis(400));
        let slow = || {
            thread::sleep(Duration::from_millis(250));
            Ok(())
        };
        assert_eq!(keyring.within(slow), Ok(()));
        let second = Instant::now();
        assert_eq!(keyring.within(stuck), Err(StoreError::Silent(Duration::from_millis(400))));
        assert!(second.elapsed() < Duration::from_millis(250), "the second call got a full allowance");
    }

    #[test]
    fn time_between_calls_does_not_count() {
        let keyring = OsKeyring::new(|| Duration::from_millis(300));
        assert_eq!(keyring.within(|| Ok(())), Ok(()));
        thread::sleep(Duration::from_millis(350));
        assert_eq!(keyring.within(|| Ok(())), Ok(()));
    }

    #[test]
    fn only_what_will_not_change_is_remembered() {
        for (error, remembered) in [
            (StoreError::Absent("no bus".to_owned()), true),
            (StoreError::Locked, true),
            (StoreError::Failed("odd".to_owned()), false),
        ] {
            let keyring = OsKeyring::new(|| Duration::from_secs(5));
            let failing = error.clone();
            assert_eq!(keyring.within(move || -> Result<(), _> { Err(failing) }), Err(error.clone()));
            assert_eq!(keyring.within(|| Ok(())).is_err(), remembered, "{error:?}");
        }
    }

    #[test]
    fn errors_never_quote_the_entry() {
        for error in [
            Error::BadEncoding(b"hunter2".to_vec()),
            Error::BadDataFormat(b"hunter2".to_vec(), "hunter2".into()),
            Error::NoStorageAccess("hunter2".into()),
        ] {
            assert!(!format!("{:?}", explain(error)).contains("hunter2"));
        }
    }
}
