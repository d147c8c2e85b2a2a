//! The operating system's keyring as a key store: Secret Service, Keychain or Credential Manager.
//!
//! In: a name and a secret. Out: the secret, even after logout and reboot. A call may open D-Bus, ask the person to
//! unlock the keyring, or block forever: on a bus that accepts and never answers, or on a dialog that nobody sees.
//! Every call therefore runs on its own thread, which is abandoned when the time is up. The program does not wait for
//! that thread when it exits. But the thread holds the keyring library's lock, so a keyring that did not answer once is
//! not asked again.
//!
//! There is one time budget for the whole process, and only the time spent waiting here counts: a person who takes half
//! a minute to type an MFA code between two calls does not use it up, nor does a server that runs for days.
//!
//! Nothing here depends on the system: the library picks the store, and its errors tell which kind of failure occurred.

use std::cell::LazyCell;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use keyring::v1::{Entry, Error};
use zeroize::Zeroize;

use crate::host::{Keystore, StoreError};
use crate::secret::Secret;

/// The service under which our entries are stored; the user name is the key's name.
const SERVICE: &str = "mfa-cred";

/// This system's keyring. One for the whole process, since it counts the time spent waiting.
#[derive(Debug)]
pub struct OsKeyring<'a> {
    limit: LazyCell<Duration, Box<dyn FnOnce() -> Duration + 'a>>,
    spent: Mutex<Spent>,
}

/// The time that calls have taken so far, and the error after which there are no more calls.
#[derive(Debug, Default)]
struct Spent {
    waiting: Duration,
    given_up: Option<StoreError>,
}

impl<'a> OsKeyring<'a> {
    /// All calls together may wait for `limit`. It is evaluated at the first call: finding out whether a person can
    /// answer means looking at the terminal, and most processes never get here. Nothing is opened yet.
    pub fn new(limit: impl FnOnce() -> Duration + 'a) -> Self {
        Self { limit: LazyCell::new(Box::new(limit)), spent: Mutex::default() }
    }

    /// Runs `call` on its own thread, for as long as the time budget lasts.
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
            // If nobody is waiting any more, the answer is dropped and the secret in it is zeroed.
            let _ = answer.send(call());
        });
        let result = match thread {
            Err(_) => Err(StoreError::Failed("could not start a thread for it".to_owned())),
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

    /// `life` has no effect: these stores keep entries until they are told to delete them.
    fn put(&self, name: &str, secret: &Secret<Vec<u8>>, _life: Option<Duration>) -> Result<(), StoreError> {
        let name = name.to_owned();
        // Stored as text, since KDE's wallet keeps only UTF-8.
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
        // The library tells why its store could not be opened only when that store is requested.
        (Error::NoDefaultStore, Err(why)) => StoreError::Absent(why.to_string()),
        (error, _) => explain(error),
    })
}

#[cfg(not(windows))]
fn open(name: &str) -> Result<Entry, Error> {
    Entry::new(SERVICE, name)
}

/// An entry on this machine alone. The library's default, `CRED_PERSIST_ENTERPRISE`, roams with the user's profile: the
/// key would be on the domain's file server and on every machine that the user signs in to.
#[cfg(windows)]
fn open(name: &str) -> Result<Entry, Error> {
    if Entry::store_status().is_err() {
        return Err(Error::NoDefaultStore);
    }
    let local = std::collections::HashMap::from([("persistence", "local")]);
    Ok(Entry { inner: keyring_core::Entry::new_with_modifiers(SERVICE, name, &local)? })
}

/// Converts the library's errors to ours. Errors that carry the entry's bytes are zeroed and not quoted.
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

    /// Blocks forever, as a call to a stuck D-Bus does.
    fn stuck() -> Result<(), StoreError> {
        loop {
            thread::park();
        }
    }

    #[test]
    fn a_call_that_never_returns_uses_up_the_time_limit_once() {
        let keyring = OsKeyring::new(|| Duration::from_millis(50));
        let silent = Err(StoreError::Silent(Duration::from_millis(50)));
        assert_eq!(keyring.within(stuck), silent);
        let again = Instant::now();
        assert_eq!(keyring.within(|| -> Result<(), _> { unreachable!("it is not asked again") }), silent);
        assert!(again.elapsed() < Duration::from_millis(50), "the second call waited as well");
    }

    #[test]
    fn all_calls_share_one_time_limit() {
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
    fn time_between_calls_does_not_count_toward_the_limit() {
        let keyring = OsKeyring::new(|| Duration::from_millis(300));
        assert_eq!(keyring.within(|| Ok(())), Ok(()));
        thread::sleep(Duration::from_millis(350));
        assert_eq!(keyring.within(|| Ok(())), Ok(()));
    }

    #[test]
    fn only_permanent_failures_are_remembered() {
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
