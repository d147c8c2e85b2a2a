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

/// A name that no key has: to look it up says whether a store answers, and unlocks nothing.
const NOBODY: &str = "doctor";
/// Above this every cold call feels it.
const SLOW: Duration = Duration::from_millis(500);

/// Where the sealing key lives, whether its store answers, and how fast.
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
        (_, Some(life)) => format!("unlocked with your passphrase{}; after a reboot it is asked again", left(life)),
        (Some(_), None) => "in a file under your passphrase, which the next sign-in asks".to_owned(),
        (None, None) => "none yet; the next sign-in asks for a new passphrase".to_owned(),
    })
}

fn of_kernel(key: Whereabouts, kernel: &dyn Keystore, store: Store) -> Finding {
    let (answer, took) = timed(|| kernel.life(NOBODY));
    match (answer, key.in_kernel) {
        (Err(error), _) => unusable("kernel keyring", &error, store),
        (Ok(_), Some(life)) => {
            Finding::pass(format!("in the kernel keyring{} ({}); a reboot ends it", left(life), millis(took)))
        }
        (Ok(_), None) => Finding::pass(format!("none yet; the kernel keyring answers ({})", millis(took))),
    }
}

fn of_keyring(key: Whereabouts, stores: Stores<'_>, store: Store) -> Finding {
    let name = KeyHome::Keyring.name();
    let (answer, took) = timed(|| stores.keyring.get(NOBODY).map(drop));
    match (answer, key.in_kernel) {
        // The copy serves as long as the last entry lives.
        (Err(error), Some(life)) if store == Store::Auto => Finding::warn(
            format!("the {name} does not answer ({error}); the kernel keyring's copy serves{}", left(life)),
            "start or unlock it, or the cache is lost with that copy",
        ),
        (Err(error), None) if store == Store::Auto && key.lives.is_none() => match stores.kernel.life(NOBODY) {
            Ok(_) => Finding::pass(format!(
                "none yet; the kernel keyring will hold it until a reboot: {}",
                brief(name, &error)
            )),
            Err(_) => unusable(name, &error, store),
        },
        (Err(error), _) => unusable(name, &error, store),
        (Ok(()), _) if took > SLOW => Finding::warn(
            format!("the {name} takes {} to answer", millis(took)),
            "restart it; `store = kernel` in config.ini does without it",
        ),
        (Ok(()), Some(life)) => Finding::pass(format!(
            "in the {name} ({}), a copy in the kernel keyring{}; it outlives a reboot",
            millis(took),
            left(life)
        )),
        (Ok(()), None) if key.lives.is_some() => {
            Finding::pass(format!("in the {name} ({}); it outlives a reboot", millis(took)))
        }
        (Ok(()), None) => Finding::pass(format!("none yet; the {name} answers ({})", millis(took))),
    }
}

/// A desktop's keyring is often not there, and what D-Bus says of that is long.
fn brief(name: &str, error: &StoreError) -> String {
    match error {
        StoreError::Absent(_) => format!("there is no {name} here"),
        error => format!("the {name}: {error}"),
    }
}

fn unusable(name: &str, error: &StoreError, store: Store) -> Finding {
    let repair = match (error, store) {
        (StoreError::Full, _) => "`keyctl show @u` lists the keys that fill the quota; `keyctl unlink` takes one out",
        (_, Store::Auto) => "start or unlock the system's keyring, or set `store = passphrase` in config.ini",
        _ => "unlock or start that store, or let `store = auto` in config.ini choose another",
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

/// Who holds a lock. A lock is not tried: somebody may be waiting for it.
pub(super) fn locks(facts: &Facts) -> Finding {
    let Ok(folder) = Folder::look(facts.state.as_deref()) else {
        return Finding::skipped("the state folder cannot be used");
    };
    let Some(folder) = folder else { return Finding::pass("nobody holds a lock") };
    match folder.holders() {
        Err(error) => {
            let path = folder.path().join("locks");
            let quoted = path.to_string_lossy();
            let quoted = shlex::try_quote(&quoted).unwrap_or_default();
            let what = format!("a lock in {} cannot be opened: {error}", path.display());
            Finding::fail(what, format!("`rm -r {quoted}` when no mfa-cred runs: they are made again"))
        }
        Ok(holders) => match holders.iter().find(|holder| holder.is_stopped).or(holders.first()) {
            None => Finding::pass("nobody holds a lock"),
            Some(holder) if holder.is_stopped => Finding::warn(
                format!("process {} holds a lock and is stopped", holder.pid),
                format!("`fg` in its terminal, or `kill -CONT {0}; kill {0}`", holder.pid),
            ),
            Some(holder) => Finding::pass(format!("process {} holds a lock: it is asking or calling", holder.pid)),
        },
    }
}
