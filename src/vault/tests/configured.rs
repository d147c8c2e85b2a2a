//! A configured store is the only one used: the kernel keyring, the keyring, a passphrase, or none.

use super::*;

#[test]
fn a_configured_store_is_the_only_one() {
    let home = Home::new();
    let held = home.make(Store::Kernel);
    assert_eq!((held.place, home.keyring.calls()), (KeyHome::Kernel, 0));
    home.kernel_expires();
    let next = home.make(Store::Kernel);
    assert_eq!((&next.id, home.keyring.calls()), (&held.id, 0));

    let home = Home::new();
    let held = home.make(Store::Keyring);
    assert!(held.in_kernel.is_err() && home.kernel.keys().is_empty());
    let calls = home.kernel.calls();
    assert!(same(&held, &find_held(&home, Store::Keyring)));
    home.vault(Store::Keyring).prolong(&held, &|| HOUR).expect("nothing to do");
    assert_eq!(home.kernel.calls(), calls);
}

#[test]
fn a_configured_store_that_fails_is_an_error_with_its_reason() {
    for (store, error) in [(Store::Kernel, StoreError::Full), (Store::Keyring, StoreError::Locked)] {
        let home = Home::with(Fake::failing(&error), Fake::failing(&error));
        match home.vault(store).find_or_make(HOUR) {
            Err(VaultError::Demanded { store: demanded, reason }) => assert_eq!((demanded, reason), (store, error)),
            other => panic!("{store:?}: {other:?}"),
        }
        let home = Home::new();
        home.make(store);
        home.kernel.fail(Some(&silent()));
        home.keyring.fail(Some(&silent()));
        assert!(matches!(home.find(store), Err(VaultError::Demanded { .. })), "{store:?}");
        assert!(matches!(home.vault(store).find_or_make(HOUR), Err(VaultError::Demanded { .. })), "{store:?}");
    }
}

#[test]
fn a_failing_configured_store_does_not_lose_the_other_stores_key() {
    for error in [StoreError::Locked, silent()] {
        let home = Home::with(Fake::default(), Fake::failing(&error));
        let held = home.make(Store::Kernel);
        home.vault(Store::Keyring).find_or_make(HOUR).expect_err("the keyring fails");
        assert!(same(&held, &find_held(&home, Store::Auto)), "{error:?}");
    }
}

#[test]
fn a_new_setting_makes_a_new_key_and_destroys_the_old_one() {
    let home = Home::new();
    let old = home.make(Store::Kernel);
    let new = home.make(Store::Keyring);
    assert_ne!(old.id, new.id);
    assert!(home.kernel.keys().is_empty() && home.keyring.has(&new));
    assert_eq!(home.former(), 0);
}

#[test]
fn without_a_store_nothing_is_saved() {
    let home = Home::new();
    home.make(Store::Auto);
    let calls = (home.kernel.calls(), home.keyring.calls());
    assert!(home.find(Store::None).expect("no failure").is_none());
    assert!(matches!(home.vault(Store::None).find_or_make(HOUR), Err(VaultError::Off)));
    assert_eq!((home.kernel.calls(), home.keyring.calls()), calls);
}

#[test]
fn a_passphrase_is_asked_once_and_then_the_kernel_holds_the_key() {
    let mut home = Home::new();
    home.typist = Typist::typing(&["tulip", "tulip", "wrong", "tulip"]);
    let held = home.make(Store::Passphrase);
    assert_eq!((held.place, home.typist.asked.get()), (KeyHome::Passphrase, 2));
    assert!(same(&held, &find_held(&home, Store::Passphrase)));
    assert_eq!((home.typist.asked.get(), home.keyring.calls()), (2, 0));
    home.kernel_expires();
    assert!(same(&held, &find_held(&home, Store::Passphrase)));
    assert_eq!(home.typist.asked.get(), 4, "a wrong one, then the right one");
    assert!(same(&held, &find_held(&home, Store::Passphrase)));
    assert_eq!(home.typist.asked.get(), 4);
    home.kernel_expires();
    assert!(matches!(home.find(Store::Passphrase), Err(VaultError::Passphrase(PassphraseError::Terminal(_)))));
}

#[test]
fn without_the_passphrase_no_key_is_made() {
    for (lines, refused) in [(&["a", "b", "a", "b", "", "x"][..], true), (&["a"], false), (&[], false)] {
        let mut home = Home::new();
        home.typist = Typist::typing(lines);
        match home.vault(Store::Passphrase).find_or_make(HOUR) {
            Err(VaultError::Passphrase(PassphraseError::Refused)) => assert!(refused, "{lines:?}"),
            Err(VaultError::Passphrase(PassphraseError::Terminal(_))) => assert!(!refused, "{lines:?}"),
            other => panic!("{lines:?}: {other:?}"),
        }
        assert!(home.kernel.keys().is_empty() && home.vault(Store::Auto).current().expect("readable").is_none());
    }
}

#[test]
fn a_key_of_another_store_is_not_a_passphrase_key() {
    let mut home = Home::new();
    home.typist = Typist::typing(&["tulip", "tulip"]);
    let old = home.make(Store::Auto);
    let new = home.make(Store::Passphrase);
    assert_ne!(old.id, new.id, "the kernel's copy of a keyring key is not what was demanded");
    assert_eq!(home.former(), 1, "it is still in the keyring");
}
