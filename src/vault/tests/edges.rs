//! When the vault does not wait, and what it leaves to each store.

use super::*;

#[test]
fn the_vault_waits_longer_for_a_person_who_can_answer_a_dialog() {
    let home = Home::new();
    assert_eq!(patience(&home.typist), Duration::from_secs(2));
    home.typist.is_there.set(true);
    assert_eq!(patience(&home.typist), Duration::from_secs(60));
}

#[test]
fn without_a_kernel_copy_reading_takes_no_lock() {
    let home = Home::new();
    let held = home.make(Store::Keyring);
    let lock = home.vault(Store::Auto).lock().expect("free");
    assert!(same(&held, &find_held(&home, Store::Keyring)));
    drop(lock);
}

#[test]
fn a_key_held_by_another_store_gets_no_longer_timeout_in_the_kernel() {
    for (place, is_error) in [(KeyHome::Keyring, false), (KeyHome::Kernel, true)] {
        let home = Home::new();
        if place == KeyHome::Kernel {
            home.keyring.fail(Some(&absent()));
        }
        let held = home.make(Store::Auto);
        assert_eq!(held.place, place);
        home.kernel.fail(Some(&StoreError::Full));
        assert_eq!(home.vault(Store::Auto).prolong(&held, &|| HOUR).is_err(), is_error, "{place:?}");
    }
}

#[test]
fn choosing_the_keyring_alone_removes_an_older_kernel_key_of_that_id() {
    let home = Home::new();
    let old = home.make(Store::Auto);
    home.keyring.keys().clear();
    let new = home.make(Store::Keyring);
    assert_eq!(new.id, old.id);
    assert!(home.keyring.has(&new) && home.kernel.keys().is_empty());
}

#[test]
fn a_kernel_copy_is_replaced_without_being_deleted_first() {
    let home = Home::new();
    home.make(Store::Auto);
    // One look before the lock, none if there is no id yet, and the copy.
    assert_eq!((home.kernel.calls(), home.keyring.calls()), (1, 1));
}

#[test]
fn no_key_stays_in_the_kernel_longer_than_any_session() {
    let century = Duration::from_hours(24 * 365 * 100);
    let home = Home::new();
    let held = home.vault(Store::Auto).find_or_make(century).expect("a key");
    assert_eq!(home.kernel.life_of(&held), Some(LONGEST));
    home.vault(Store::Auto).prolong(&held, &|| century).expect("prolonged");
    assert_eq!(home.kernel.life_of(&held), Some(LONGEST));
    home.kernel_expires();
    home.vault(Store::Auto).find(&|| century).expect("no failure").expect("a key");
    assert_eq!(home.kernel.life_of(&held), Some(LONGEST));
    let home = Home::with(Fake::default(), Fake::failing(&absent()));
    let held = home.vault(Store::Auto).find_or_make(century).expect("a key");
    assert_eq!(home.kernel.life_of(&held), Some(LONGEST));
}

#[test]
fn an_idle_limit_shortens_every_timeout_and_restarts_with_every_use() {
    let idle = Duration::from_mins(15);
    let home = Home::new();
    let vault = || home.vault(Store::Auto).locking_after(Some(idle));
    let held = vault().find_or_make(HOUR).expect("a key");
    assert_eq!(home.kernel.life_of(&held), Some(idle));
    vault().prolong(&held, &|| 12 * HOUR).expect("prolonged");
    assert_eq!(home.kernel.life_of(&held), Some(idle));
    home.kernel.limit(held.id.as_str(), Duration::from_secs(1)).expect("limited");
    vault().whereabouts();
    assert_eq!(home.kernel.life_of(&held), Some(Duration::from_secs(1)), "whereabouts() does not count as a use");
    vault().find(&|| HOUR).expect("no failure").expect("a key");
    assert_eq!(home.kernel.life_of(&held), Some(idle));
    // A shorter time than the limit comes from the last entry.
    vault().prolong(&held, &|| Duration::from_mins(5)).expect("prolonged");
    assert_eq!(home.kernel.life_of(&held), Some(Duration::from_mins(5)));
    // A limit does not revive an expired key.
    home.vault(Store::Auto).destroy().expect("destroyed");
    home.kernel.limit(held.id.as_str(), idle).expect("nothing to limit");
    assert!(home.kernel.keys().is_empty());
}

#[test]
fn one_command_asks_for_a_passphrase_and_opens_a_keychain_only_once() {
    let mut home = Home::with(Fake::failing(&absent()), Fake::default());
    home.typist = Typist::typing(&["tulip", "tulip", "tulip"]);
    home.make(Store::Passphrase);
    let asked = home.typist.asked.get();
    let vault = home.vault(Store::Passphrase);
    let held = vault.find(&|| HOUR).expect("no failure").expect("a key");
    assert!(same(&held, &vault.find_or_make(HOUR).expect("a key")));
    assert_eq!(home.typist.asked.get(), asked + 1);

    let home = Home::with(Fake::failing(&absent()), Fake::default());
    home.make(Store::Auto);
    let calls = home.keyring.calls();
    let vault = home.vault(Store::Auto);
    let held = vault.find(&|| HOUR).expect("no failure").expect("a key");
    assert!(same(&held, &vault.find_or_make(HOUR).expect("a key")));
    assert_eq!(home.keyring.calls(), calls + 1);
    // Another process has destroyed it: the key in memory no longer counts.
    home.vault(Store::Auto).destroy().expect("destroyed");
    assert!(vault.find(&|| HOUR).expect("no failure").is_none());
    assert!(!same(&held, &vault.find_or_make(HOUR).expect("a key")));
}

#[test]
fn falling_back_is_reported_once_with_its_reason() {
    let home = Home::with(Fake::default(), Fake::failing(&StoreError::Locked));
    let vault = home.vault(Store::Auto);
    assert_eq!(vault.find_or_make(HOUR).expect("a key").fell_back, Some(StoreError::Locked));
    assert_eq!(vault.find_or_make(HOUR).expect("a key").fell_back, None, "in the same command");
    home.kernel_expires();
    assert_eq!(home.make(Store::Auto).fell_back, None, "the next day");
    home.keyring.fail(None);
    home.kernel_expires();
    assert_eq!(home.make(Store::Auto).place, KeyHome::Keyring);
    home.kernel_expires();
    home.keyring.fail(Some(&silent()));
    assert_eq!(home.make(Store::Auto).fell_back, Some(silent()), "it had worked in between");
    home.kernel_expires();
    assert_eq!(home.make(Store::Kernel).fell_back, None, "it was chosen");
}

#[test]
fn changing_the_store_leaves_the_old_key_in_place() {
    for (from, to, is_left) in [
        (Store::Kernel, Store::Auto, false),
        (Store::Kernel, Store::Keyring, true),
        (Store::Kernel, Store::Passphrase, true),
        (Store::Kernel, Store::None, false),
        (Store::Keyring, Store::Auto, false),
        (Store::Keyring, Store::Kernel, true),
        (Store::Keyring, Store::Passphrase, true),
        // The kernel's copy is enough.
        (Store::Auto, Store::Kernel, false),
    ] {
        let home = Home::new();
        let held = home.make(from);
        let left = home.vault(to).left_behind();
        assert_eq!(left.is_some(), is_left, "{from:?} to {to:?}");
        if let Some((id, place)) = left {
            let key = home.vault(to).recover(&id, place).expect("nobody ends it").expect("it is there");
            assert_eq!(key.to_secret().expose(), held.key.to_secret().expose(), "{from:?} to {to:?}");
        }
    }
}
