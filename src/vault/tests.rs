//! The vault with stores that count their calls and fail on demand.

mod configured;
mod destroying;
mod edges;
pub(crate) mod fakes;

use tempfile::TempDir;

use self::fakes::{Fake, Typist};
use super::*;

const HOUR: Duration = Duration::from_hours(1);

/// A state folder, its stores and the person at the terminal.
struct Home {
    folder: TempDir,
    kernel: Fake,
    keyring: Fake,
    typist: Typist,
}

impl Home {
    fn new() -> Self {
        Self::with(Fake::default(), Fake::default())
    }

    fn with(kernel: Fake, keyring: Fake) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, kernel, keyring, typist: Typist::default() }
    }

    fn vault(&self, store: Store) -> Vault<'_> {
        Vault::new(
            self.folder.path(),
            store,
            Stores { kernel: &self.kernel, keyring: &self.keyring },
            &self.typist,
            Cost::for_tests(),
        )
    }

    fn make(&self, store: Store) -> UnlockedKey {
        self.vault(store).find_or_make(HOUR).expect("a key")
    }

    fn find(&self, store: Store) -> Result<Option<UnlockedKey>, VaultError> {
        self.vault(store).find(&|| HOUR)
    }

    fn former(&self) -> usize {
        Record::read(self.folder.path()).expect("a record").former.len()
    }

    fn kernel_expires(&self) {
        self.kernel.keys().clear();
    }
}

fn absent() -> StoreError {
    StoreError::Absent("no bus".to_owned())
}

fn silent() -> StoreError {
    StoreError::Silent(Duration::from_secs(2))
}

fn same(a: &UnlockedKey, b: &UnlockedKey) -> bool {
    a.id == b.id && a.key.to_secret().expose() == b.key.to_secret().expose()
}

fn find_held(home: &Home, store: Store) -> UnlockedKey {
    home.find(store).expect("no failure").expect("a key")
}

#[test]
fn without_a_recorded_id_no_store_is_asked_and_nothing_is_written() {
    let home = Home::new();
    for store in [Store::Auto, Store::Kernel, Store::Keyring, Store::Passphrase, Store::None] {
        assert!(home.find(store).expect("no failure").is_none(), "{store:?}");
    }
    assert_eq!((home.kernel.calls(), home.keyring.calls(), home.typist.asked.get()), (0, 0, 0));
    assert_eq!(std::fs::read_dir(home.folder.path()).expect("listed").count(), 0);
}

#[test]
fn a_new_key_lives_in_the_keyring_with_a_copy_in_the_kernel() {
    let home = Home::new();
    let held = home.make(Store::Auto);
    assert_eq!((held.place, &held.in_kernel), (KeyHome::Keyring, &Ok(())));
    assert!(home.kernel.has(&held) && home.keyring.has(&held));
    assert_eq!((home.kernel.life_of(&held), home.keyring.life_of(&held)), (Some(HOUR), None));
    assert_eq!(home.vault(Store::Auto).current().expect("readable"), Some((held.id.clone(), KeyHome::Keyring)));
    assert_eq!(home.former(), 0);
}

#[test]
fn the_keyring_is_not_called_when_the_kernel_has_the_key() {
    let home = Home::new();
    let held = home.make(Store::Auto);
    let before = (home.kernel.calls(), home.keyring.calls());
    assert!(same(&held, &find_held(&home, Store::Auto)));
    assert!(same(&held, &home.make(Store::Auto)));
    assert_eq!((home.kernel.calls(), home.keyring.calls()), (before.0 + 2, before.1));
}

#[test]
fn a_key_from_the_keyring_is_copied_for_as_long_as_entries_live() {
    let home = Home::new();
    let held = home.make(Store::Auto);
    home.kernel_expires();
    let nothing_lives = home.vault(Store::Auto).find(&|| Duration::ZERO).expect("no failure").expect("a key");
    assert!(same(&held, &nothing_lives) && nothing_lives.in_kernel.is_err() && !home.kernel.has(&held));
    let found = home.vault(Store::Auto).find(&|| 3 * HOUR).expect("no failure").expect("a key");
    assert!(same(&held, &found) && found.in_kernel.is_ok());
    assert_eq!(home.kernel.life_of(&held), Some(3 * HOUR));
}

#[test]
fn a_full_kernel_quota_is_noted_where_the_keyring_works() {
    let home = Home::with(Fake::default(), Fake::default());
    *home.kernel.no_put.lock().expect("not poisoned") = Some(StoreError::Full);
    let held = home.make(Store::Auto);
    assert_eq!((held.place, &held.in_kernel), (KeyHome::Keyring, &Err(StoreError::Full)));
    assert!(home.keyring.has(&held));
}

#[test]
fn a_keyring_entry_deleted_by_hand_gets_a_new_key_under_the_same_id() {
    let home = Home::new();
    let old = home.make(Store::Auto);
    home.kernel_expires();
    home.keyring.keys().clear();
    assert!(home.find(Store::Auto).expect("a definite answer").is_none());
    let new = home.make(Store::Auto);
    assert_eq!(new.id, old.id);
    assert_ne!(new.key.to_secret().expose(), old.key.to_secret().expose());
    assert_eq!(home.former(), 0);
}

#[test]
fn a_store_that_cannot_tell_never_gets_a_second_key_under_the_same_id() {
    for error in [absent(), silent(), StoreError::Locked, StoreError::Failed("odd".to_owned())] {
        let home = Home::new();
        let old = home.make(Store::Auto);
        home.kernel_expires();
        home.keyring.fail(Some(&error));
        match home.find(Store::Auto) {
            Err(VaultError::Unreachable { kernel: None, keyring: Some(said) }) => assert_eq!(said, error),
            other => panic!("{error:?}: {other:?}"),
        }
        let calls = home.keyring.calls();
        let new = home.make(Store::Auto);
        assert_eq!(home.keyring.calls(), calls + 1, "{error:?}: it was asked to write after it had failed to read");
        assert_eq!(new.place, KeyHome::Kernel);
        assert_ne!(new.id, old.id, "{error:?}");
        assert!(home.keyring.has(&old), "{error:?}: the old key is untouched");
        assert_eq!(home.former(), 1, "{error:?}: the old key is remembered");

        // The keyring is back: the new key stays, and its successor removes the old one.
        home.keyring.fail(None);
        assert!(same(&new, &find_held(&home, Store::Auto)));
        home.kernel_expires();
        let next = home.make(Store::Auto);
        assert_eq!(next.place, KeyHome::Keyring, "{error:?}");
        assert!(!home.keyring.has(&old) && home.keyring.has(&next), "{error:?}");
        assert_eq!(home.former(), 0, "{error:?}");
    }
}

#[test]
fn a_key_that_lived_only_in_the_kernel_is_not_searched_for_in_the_keyring() {
    let home = Home::with(Fake::default(), Fake::failing(&absent()));
    let held = home.make(Store::Auto);
    assert_eq!(held.place, KeyHome::Kernel);
    home.kernel_expires();
    let calls = home.keyring.calls();
    assert!(home.find(Store::Auto).expect("a definite answer").is_none());
    assert_eq!(home.keyring.calls(), calls);
}

#[test]
fn when_the_keyring_cannot_be_written_the_key_lives_in_the_kernel_only() {
    for (error, may_be_there) in [(absent(), 0), (StoreError::Locked, 0), (silent(), 1)] {
        let home = Home::with(Fake::default(), Fake::failing(&error));
        let held = home.make(Store::Auto);
        assert_eq!((held.place, home.former()), (KeyHome::Kernel, may_be_there), "{error:?}");
        assert!(home.kernel.has(&held));
    }
}

#[test]
fn without_any_store_both_reasons_are_reported_and_the_old_key_is_kept() {
    let home = Home::new();
    let old = home.make(Store::Auto);
    home.kernel_expires();
    home.kernel.fail(Some(&StoreError::Full));
    home.keyring.fail(Some(&StoreError::Locked));
    match home.vault(Store::Auto).find_or_make(HOUR) {
        Err(VaultError::NoStore { kernel, keyring }) => {
            assert_eq!((kernel, keyring), (StoreError::Full, StoreError::Locked));
        }
        other => panic!("{other:?}"),
    }
    home.keyring.fail(None);
    assert!(same(&old, &find_held(&home, Store::Auto)), "the entries of the old key open again");
}

#[test]
fn another_system_has_no_kernel_keyring_and_works() {
    let home = Home::with(Fake::failing(&absent()), Fake::default());
    let held = home.make(Store::Auto);
    assert!(same(&held, &find_held(&home, Store::Auto)));
    home.keyring.keys().clear();
    assert_eq!(home.make(Store::Auto).id, held.id, "no such entry, and no other store that might have it");
    home.vault(Store::Auto).destroy().expect("destroyed");
    assert!(home.keyring.keys().is_empty());
}

#[test]
fn a_failing_kernel_keyring_is_told_from_one_without_the_key() {
    let home = Home::with(Fake::default(), Fake::failing(&absent()));
    let old = home.make(Store::Auto);
    home.kernel.fail(Some(&absent()));
    home.keyring.fail(None);
    assert!(matches!(home.find(Store::Auto), Err(VaultError::Unreachable { kernel: Some(_), keyring: None })));
    let new = home.make(Store::Auto);
    assert_ne!(new.id, old.id, "a container that shares the folder must not make a second key of this id");
    assert_eq!(home.former(), 1);
}

#[test]
fn bytes_of_another_length_are_not_a_key() {
    let home = Home::new();
    let held = home.make(Store::Auto);
    home.kernel.keys().insert(held.id.to_string(), (vec![1; 31], None));
    assert!(same(&held, &find_held(&home, Store::Auto)), "the keyring has the right one");
    home.kernel_expires();
    home.keyring.keys().insert(held.id.to_string(), (vec![1; 31], None));
    assert!(matches!(home.find(Store::Auto), Err(VaultError::Unreachable { keyring: Some(_), .. })));
    assert_ne!(home.make(Store::Auto).id, held.id);
}

#[test]
fn two_homes_never_share_a_key() {
    let (a, b) = (Home::new(), Home::new());
    let (a, b) = (a.make(Store::Auto), b.make(Store::Auto));
    assert_ne!(a.id, b.id);
    assert_ne!(a.key.to_secret().expose(), b.key.to_secret().expose());
}

#[test]
fn extending_a_keys_timeout_counts_all_entries_and_never_revives_it() {
    let home = Home::new();
    let held = home.make(Store::Auto);
    home.vault(Store::Auto).prolong(&held, &|| 12 * HOUR).expect("prolonged");
    assert_eq!(home.kernel.life_of(&held), Some(12 * HOUR));
    home.vault(Store::Auto).destroy().expect("destroyed");
    home.vault(Store::Auto).prolong(&held, &|| 12 * HOUR).expect("left alone");
    assert!(home.kernel.keys().is_empty(), "a destroyed key came back");

    let home = Home::with(Fake::default(), Fake::failing(&absent()));
    let held = home.make(Store::Auto);
    home.kernel.fail(Some(&StoreError::Full));
    assert!(matches!(
        home.vault(Store::Auto).prolong(&held, &|| HOUR),
        Err(VaultError::Unreachable { kernel: Some(StoreError::Full), keyring: None })
    ));
}

#[test]
fn concurrent_callers_make_one_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let (kernel, keyring) = (Fake::default(), Fake::default());
    let keys: Vec<UnlockedKey> = thread::scope(|scope| {
        let makers: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let typist = Typist::default();
                    Vault::new(
                        folder.path(),
                        Store::Auto,
                        Stores { kernel: &kernel, keyring: &keyring },
                        &typist,
                        Cost::for_tests(),
                    )
                    .find_or_make(HOUR)
                    .expect("a key")
                })
            })
            .collect();
        makers.into_iter().map(|maker| maker.join().expect("no panic")).collect()
    });
    assert!(keys.iter().all(|held| same(held, &keys[0])));
    assert_eq!((kernel.keys().len(), keyring.keys().len(), keyring.calls()), (1, 1, 1));
}

#[test]
fn a_lock_that_is_never_released_ends_the_wait() {
    let home = Home::new();
    let lock = home.vault(Store::Auto).lock().expect("free");
    assert!(matches!(home.vault(Store::Auto).find_or_make(HOUR), Err(VaultError::Busy(_))));
    drop(lock);
    home.make(Store::Auto);
}

#[test]
fn a_missing_folder_is_named_as_the_reason() {
    let home = Home::new();
    let gone = home.folder.path().join("gone");
    let vault = Vault::new(
        &gone,
        Store::Auto,
        Stores { kernel: &home.kernel, keyring: &home.keyring },
        &home.typist,
        Cost::for_tests(),
    );
    assert!(matches!(vault.find_or_make(HOUR), Err(VaultError::Folder(_))));
    assert!(home.kernel.keys().is_empty() && home.keyring.keys().is_empty());
}

#[test]
fn a_record_that_cannot_be_written_leaves_no_key_behind() {
    let home = Home::with(Fake::default(), Fake::failing(&absent()));
    // A folder in the file's place: the only failure that also affects root.
    std::fs::create_dir_all(home.folder.path().join("key-id/x")).expect("made");
    let vault = home.vault(Store::Kernel);
    assert!(matches!(vault.make(Record::default(), Missing::default(), HOUR), Err(VaultError::Folder(_))));
    assert!(home.kernel.keys().is_empty());
}

#[cfg(unix)]
#[test]
fn every_file_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let mut home = Home::new();
    home.typist = Typist::typing(&["tulip", "tulip"]);
    home.make(Store::Passphrase);
    let mut names = Vec::new();
    for file in std::fs::read_dir(home.folder.path()).expect("listed").flatten() {
        let mode = file.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.file_name());
        names.push(file.file_name());
    }
    names.sort();
    assert_eq!(names, ["key-id", "key-wrapped", "key.lock"]);
}

#[test]
fn errors_and_debug_output_contain_no_key() {
    let home = Home::new();
    let held = home.make(Store::Auto);
    let key = base16ct::lower::encode_string(held.key.to_secret().expose());
    assert!(!format!("{held:?}").contains(&key));
    assert!(format!("{held:?}").contains("[redacted]"));
}
