//! Stores in memory that count their calls and fail on demand, and a person who types prepared answers.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use crate::host::{Keystore, Life, StoreError, Terminal, TerminalError};
use crate::secret::Secret;
use crate::vault::UnlockedKey;

/// Secrets by name, with the time that each may live.
pub(crate) type Keys = HashMap<String, (Vec<u8>, Option<Duration>)>;

/// A store in memory. `get`, `put` and `delete` fail for as long as they are told to.
#[derive(Default)]
pub(crate) struct Fake {
    keys: Mutex<Keys>,
    calls: AtomicUsize,
    no_get: Mutex<Option<StoreError>>,
    pub(crate) no_put: Mutex<Option<StoreError>>,
    no_delete: Mutex<Option<StoreError>>,
}

impl Fake {
    pub(crate) fn failing(error: &StoreError) -> Self {
        let fake = Self::default();
        fake.fail(Some(error));
        fake
    }

    pub(crate) fn fail(&self, error: Option<&StoreError>) {
        for failure in [&self.no_get, &self.no_put, &self.no_delete] {
            *failure.lock().expect("not poisoned") = error.cloned();
        }
    }

    pub(crate) fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().expect("not poisoned")
    }

    pub(crate) fn has(&self, held: &UnlockedKey) -> bool {
        self.keys().get(held.id.as_str()).is_some_and(|(bytes, _)| bytes == held.key.to_secret().expose())
    }

    pub(crate) fn life_of(&self, held: &UnlockedKey) -> Option<Duration> {
        self.keys().get(held.id.as_str()).and_then(|(_, life)| *life)
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn called(&self, failure: &Mutex<Option<StoreError>>) -> Result<(), StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        failure.lock().expect("not poisoned").clone().map_or(Ok(()), Err)
    }
}

impl Keystore for Fake {
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        self.called(&self.no_get)?;
        Ok(self.keys().get(name).map(|(bytes, _)| Secret::new(bytes.clone())))
    }

    fn put(&self, name: &str, secret: &Secret<Vec<u8>>, life: Option<Duration>) -> Result<(), StoreError> {
        self.called(&self.no_put)?;
        self.keys().insert(name.to_owned(), (secret.expose().clone(), life));
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.called(&self.no_delete)?;
        self.keys().remove(name);
        Ok(())
    }

    fn limit(&self, name: &str, life: Duration) -> Result<(), StoreError> {
        self.called(&self.no_put)?;
        if let Some((_, kept)) = self.keys().get_mut(name) {
            *kept = Some(life);
        }
        Ok(())
    }

    fn life(&self, name: &str) -> Result<Option<Life>, StoreError> {
        Ok(self.keys().get(name).map(|(_, life)| life.map_or(Life::Endless, Life::AtLeast)))
    }
}

/// Types the given lines, and is gone after the last one.
#[derive(Default)]
pub(crate) struct Typist {
    lines: RefCell<VecDeque<&'static str>>,
    pub(crate) asked: Cell<usize>,
    /// Whether a person can answer a dialog, too.
    pub(crate) is_there: Cell<bool>,
}

impl Typist {
    pub(crate) fn typing(lines: &[&'static str]) -> Self {
        Self { lines: RefCell::new(lines.iter().copied().collect()), ..Self::default() }
    }
}

impl Terminal for Typist {
    fn is_there(&self) -> bool {
        self.is_there.get()
    }

    fn ask_hidden(&self, _prompt: &str, _limit: Duration) -> Result<Secret<String>, TerminalError> {
        self.asked.set(self.asked.get() + 1);
        self.lines.borrow_mut().pop_front().map(Secret::from).ok_or(TerminalError::Absent)
    }

    fn tell(&self, _line: &str) {}
}
