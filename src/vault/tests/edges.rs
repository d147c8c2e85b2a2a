//! Where the vault waits for nobody, and what it leaves to each store.

use super::*;

#[test]
fn who_could_answer_a_dialog_is_waited_for_longer() {
    let home = Home::new();
    assert_eq!(patience(&home.typist), Duration::from_secs(2));
    home.typist.is_there.set(true);
    assert_eq!(patience(&home.typist), Duration::from_secs(60));
}

#[test]
fn where_no_copy_is_wanted_reading_waits_for_no_lock() {
    let home = Home::new();
    let held = home.make(Store::Keyring);
    let lock = home.vault(Store::Auto).lock().expect("free");
    assert!(same(&held, &find_held(&home, Store::Keyring)));
    drop(lock);
}

#[test]
fn a_key_that_lives_elsewhere_needs_no_longer_life_in_the_kernel() {
    for (place, is_error) in [(Place::Keyring, false), (Place::Kernel, true)] {
        let home = Home::new();
        if place == Place::Kernel {
            home.keyring.fail(Some(&absent()));
        }
        let held = home.make(Store::Auto);
        assert_eq!(held.place, place);
        home.kernel.fail(Some(&StoreError::Full));
        assert_eq!(home.vault(Store::Auto).prolong(&held, &|| HOUR).is_err(), is_error, "{place:?}");
    }
}

#[test]
fn a_keyring_alone_leaves_no_older_key_of_its_id_in_the_kernel() {
    let home = Home::new();
    let old = home.make(Store::Auto);
    home.keyring.keys().clear();
    let new = home.make(Store::Keyring);
    assert_eq!(new.id, old.id);
    assert!(home.keyring.has(&new) && home.kernel.keys().is_empty());
}

#[test]
fn a_copy_in_the_kernel_is_put_and_never_deleted_before() {
    let home = Home::new();
    home.make(Store::Auto);
    // One look before the lock, none where there is no id yet, and the copy.
    assert_eq!((home.kernel.calls(), home.keyring.calls()), (1, 1));
}
