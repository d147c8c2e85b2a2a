//! The key that seals the cache, and the locks.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Facts, Finding};
use crate::host::{Keystore, Life, NoTerminal, StoreError};
use crate::names::Lifetime;
use crate::state::Folder;
use crate::vault::kernel::KernelKeyring;
use crate::vault::keyring::OsKeyring;
use crate::vault::passphrase::Cost;
use crate::vault::{KeyHome, Store, Stores, Vault, Whereabouts};

/// A name that no key has: looking it up shows whether a store responds, without unlocking anything.
const NOBODY: &str = "doctor";
/// Beyond this, every cold call is noticeably slower.
const SLOW: Duration = Duration::from_millis(500);

/// Where the sealing key is kept, and whether and how fast its store responds.
pub(super) fn sealing_key(facts: &Facts) -> Finding {
    let limit = facts.time_left();
    sealing_key_in(facts, Stores { kernel: &KernelKeyring, keyring: &OsKeyring::new(|| limit) })
}

fn sealing_key_in(facts: &Facts, stores: Stores<'_>) -> Finding {
    if facts.store == Store::None {
        return Finding::skipped("`store = none`: nothing is cached");
    }
    let folder = Folder::look(facts.state.as_deref()).ok().flatten();
    let path = folder.as_ref().map_or(Path::new(""), Folder::path);
    let vault = Vault::new(path, facts.store, stores, &NoTerminal, Cost::RFC_9106);
    let key = vault.whereabouts();
    match (key.lives, facts.store) {
        (Some(KeyHome::Passphrase), _) | (None, Store::Passphrase) => of_passphrase(key),
        (Some(KeyHome::Kernel), _) | (None, Store::Kernel) => of_kernel(key, stores.kernel, facts.store),
        (Some(KeyHome::Keyring), _) | (None, Store::Auto | Store::Keyring) => of_keyring(key, stores, facts.store),
        (None, Store::None) => Finding::skipped("nothing is cached"),
    }
}

fn of_passphrase(key: Whereabouts) -> Finding {
    Finding::pass(match (key.lives, key.in_kernel) {
        (_, Some(life)) => format!("sealing key unlocked by your passphrase{}; a reboot locks it", left(life)),
        (Some(_), None) => {
            "sealing key in a file encrypted with your passphrase; the next sign-in asks for it".to_owned()
        }
        (None, None) => "no sealing key yet; the next sign-in asks for a new passphrase".to_owned(),
    })
}

fn of_kernel(key: Whereabouts, kernel: &dyn Keystore, store: Store) -> Finding {
    let (answer, took) = timed(|| kernel.life(NOBODY));
    match (answer, key.in_kernel) {
        (Err(error), _) => unusable("kernel keyring", &error, store),
        (Ok(_), Some(life)) => Finding::pass(format!(
            "sealing key in the kernel keyring{} ({}); a reboot deletes it",
            left(life),
            millis(took)
        )),
        (Ok(_), None) => Finding::pass(format!("no sealing key yet; the kernel keyring responds ({})", millis(took))),
    }
}

fn of_keyring(key: Whereabouts, stores: Stores<'_>, store: Store) -> Finding {
    let name = KeyHome::Keyring.name();
    let (answer, took) = timed(|| stores.keyring.get(NOBODY).map(drop));
    match (answer, key.in_kernel) {
        // The copy works until the last entry expires.
        (Err(error), Some(life)) if store == Store::Auto => Finding::warn(
            format!("the {name} does not respond ({error}); the copy in the kernel keyring works{}", left(life)),
            "start or unlock it, or the cache is lost when that copy expires",
        ),
        (Err(error), None) if store == Store::Auto && key.lives.is_none() => match stores.kernel.life(NOBODY) {
            Ok(_) => Finding::pass(format!(
                "no sealing key yet; the kernel keyring will hold it until a reboot: {}",
                brief(name, &error)
            )),
            Err(_) => unusable(name, &error, store),
        },
        (Err(error), _) => unusable(name, &error, store),
        (Ok(()), _) if took > SLOW => Finding::warn(
            format!("the {name} takes {} to respond", millis(took)),
            "restart it, or avoid it with `store = kernel` in config.ini",
        ),
        (Ok(()), Some(life)) => Finding::pass(format!(
            "sealing key in the {name} ({}), with a copy in the kernel keyring{}; it survives a reboot",
            millis(took),
            left(life)
        )),
        (Ok(()), None) if key.lives.is_some() => {
            Finding::pass(format!("sealing key in the {name} ({}); it survives a reboot", millis(took)))
        }
        (Ok(()), None) => Finding::pass(format!("no sealing key yet; the {name} responds ({})", millis(took))),
    }
}

/// A desktop keyring is often missing, and D-Bus's message about that is long.
fn brief(name: &str, error: &StoreError) -> String {
    match error {
        StoreError::Absent(_) => format!("there is no {name} here"),
        error => format!("the {name}: {error}"),
    }
}

fn unusable(name: &str, error: &StoreError, store: Store) -> Finding {
    let repair = match (error, store) {
        (StoreError::Full, _) => "`keyctl show @u` lists the keys that fill the quota; `keyctl unlink` removes one",
        (_, Store::Auto) => "start or unlock the system's keyring, or set `store = passphrase` in config.ini",
        _ => "unlock or start that store, or set `store = auto` in config.ini to use another",
    };
    Finding::fail(format!("the {name} cannot be used: {error}"), repair)
}

fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (call(), start.elapsed())
}

fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

fn left(life: Life) -> String {
    match life {
        Life::AtLeast(time) => {
            let secs = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
            // Whole minutes, rounded down.
            format!(" for {}", Lifetime::from_secs(if secs < 60 { secs } else { secs / 60 * 60 }))
        }
        Life::Endless | Life::Unknown => String::new(),
    }
}

/// Which process holds a lock? Locks are not acquired, because another process may be waiting for them.
pub(super) fn locks(facts: &Facts) -> Finding {
    let Ok(folder) = Folder::look(facts.state.as_deref()) else {
        return Finding::skipped("the state folder cannot be used");
    };
    let Some(folder) = folder else { return Finding::pass("no process holds a lock") };
    match folder.holders() {
        Err(error) => {
            let path = folder.path().join("locks");
            let quoted = path.to_string_lossy();
            let quoted = shlex::try_quote(&quoted).unwrap_or_default();
            let what = format!("a lock in {} cannot be opened: {error}", path.display());
            Finding::fail(what, format!("`rm -r {quoted}` when no mfa-cred is running: the locks are created again"))
        }
        Ok(holders) => match holders.iter().find(|holder| holder.is_stopped).or(holders.first()) {
            None => Finding::pass("no process holds a lock"),
            Some(holder) if holder.is_stopped => Finding::warn(
                format!("process {} holds a lock and is stopped", holder.pid),
                format!("`fg` in its terminal, or `kill -CONT {0}; kill {0}`", holder.pid),
            ),
            Some(holder) => {
                Finding::pass(format!("process {} holds a lock: it is prompting or calling AWS", holder.pid))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::sealing_key_in;
    use crate::doctor::{Facts, Verdict};
    use crate::host::{Keystore, StoreError};
    use crate::secret::Secret;
    use crate::vault::KeyHome;
    use crate::vault::passphrase::Cost;
    use crate::vault::tests::fakes::Fake;
    use crate::vault::{Store, Stores, Vault};

    /// The finding about the key in these stores, after `prepare` may have created one.
    fn said(
        store: Store,
        kernel: &dyn Keystore,
        keyring: &dyn Keystore,
        with: &dyn Fn(&Vault<'_>),
    ) -> (Verdict, String) {
        let home = tempfile::tempdir().expect("a folder");
        let state = home.path().join("state");
        crate::state::Folder::open(Some(&state)).expect("it is made");
        let stores = Stores { kernel, keyring };
        let facts = Facts { store, state: Some(state.clone()), ..Facts::for_tests() };
        with(&Vault::new(&state, store, stores, &crate::host::NoTerminal, Cost::RFC_9106));
        let finding = sealing_key_in(&facts, stores);
        (finding.verdict, finding.what)
    }

    /// A system without a kernel keyring.
    struct Absent;

    impl Keystore for Absent {
        fn get(&self, _: &str) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
            Err(StoreError::Absent("none".to_owned()))
        }

        fn put(&self, _: &str, _: &Secret<Vec<u8>>, _: Option<Duration>) -> Result<(), StoreError> {
            Err(StoreError::Absent("none".to_owned()))
        }

        fn delete(&self, _: &str) -> Result<(), StoreError> {
            Err(StoreError::Absent("none".to_owned()))
        }
    }

    fn made(vault: &Vault<'_>) {
        vault.find_or_make(Duration::from_secs(3600)).expect("a key");
    }

    fn not_made(_: &Vault<'_>) {}

    #[test]
    fn where_the_key_lives_and_whether_its_store_answers() {
        let (works, fails) = (Fake::default, || Fake::failing(&StoreError::Absent("no bus".to_owned())));
        for (store, keyring_works, is_made, verdict, words) in [
            (Store::Auto, true, true, Verdict::Pass, "with a copy in the kernel keyring"),
            (Store::Auto, true, false, Verdict::Pass, "no sealing key yet; the Secret Service responds"),
            (Store::Auto, false, true, Verdict::Pass, "sealing key in the kernel keyring for"),
            (Store::Auto, false, false, Verdict::Pass, "there is no Secret Service here"),
            (Store::Keyring, true, true, Verdict::Pass, "it survives a reboot"),
            (Store::Keyring, false, false, Verdict::Fail, "cannot be used"),
            (Store::Kernel, false, true, Verdict::Pass, "a reboot deletes it"),
            (Store::None, true, false, Verdict::Skipped, "nothing is cached"),
        ] {
            let keyring = if keyring_works { works() } else { fails() };
            let found = said(store, &works(), &keyring, if is_made { &made } else { &not_made });
            assert_eq!(found.0, verdict, "{store:?} {found:?}");
            let words = words.replace("Secret Service", KeyHome::Keyring.name());
            assert!(found.1.contains(&words), "{store:?} {is_made}: {found:?}");
        }
        // No store at all, and one that fails only after the key was stored in it.
        let found = said(Store::Auto, &Absent, &fails(), &not_made);
        assert_eq!(found.0, Verdict::Fail, "{found:?}");
        let (kernel, keyring) = (works(), works());
        let found = said(Store::Auto, &kernel, &keyring, &|vault| {
            made(vault);
            keyring.fail(Some(&StoreError::Locked));
        });
        assert!(found.0 == Verdict::Warn && found.1.contains("works for"), "{found:?}");
    }

    #[test]
    fn nothing_is_read_of_a_key_to_say_where_it_is() {
        let (kernel, keyring) = (Fake::default(), Fake::default());
        let before = std::cell::Cell::new((0, 0));
        said(Store::Auto, &kernel, &keyring, &|vault| {
            made(vault);
            before.set((kernel.calls(), keyring.calls()));
        });
        // One lookup, for a name that no key has.
        assert_eq!((kernel.calls(), keyring.calls()), (before.get().0, before.get().1 + 1));
    }
}
