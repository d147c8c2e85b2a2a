//! Destroying keys: all of them, in every store, and what is left when a store fails.

use super::*;

#[test]
fn destroying_removes_every_key_from_every_store() {
    let mut home = Home::new();
    home.typist = Typist::typing(&["tulip", "tulip"]);
    home.make(Store::Auto);
    home.kernel_expires();
    home.keyring.fail(Some(&silent()));
    home.make(Store::Auto);
    home.make(Store::Passphrase);
    home.keyring.fail(None);
    assert_eq!((home.keyring.keys().len(), home.former()), (1, 1));
    home.vault(Store::None).destroy().expect("destroyed, whatever the setting");
    assert!(home.kernel.keys().is_empty() && home.keyring.keys().is_empty());
    let left: Vec<_> = std::fs::read_dir(home.folder.path()).expect("listed").flatten().collect();
    assert_eq!(left.iter().map(std::fs::DirEntry::file_name).collect::<Vec<_>>(), ["key.lock"]);
    home.vault(Store::Auto).destroy().expect("nothing left to destroy");
}

#[test]
fn destroying_resumes_after_a_store_failed() {
    let home = Home::new();
    let held = home.make(Store::Auto);
    home.keyring.fail(Some(&StoreError::Locked));
    match home.vault(Store::Auto).destroy() {
        Err(VaultError::Left { kernel: None, keyring: Some(error) }) => assert_eq!(error, StoreError::Locked),
        other => panic!("{other:?}"),
    }
    assert!(home.kernel.keys().is_empty() && home.keyring.has(&held));
    assert!(home.find(Store::Auto).expect("no failure").is_none(), "it is not used any more");
    home.keyring.fail(None);
    home.vault(Store::Auto).destroy().expect("destroyed");
    assert!(home.keyring.keys().is_empty());
}

#[test]
fn destroying_a_kernel_key_opens_no_d_bus() {
    let home = Home::new();
    home.make(Store::Kernel);
    home.vault(Store::Auto).destroy().expect("destroyed");
    assert_eq!((home.kernel.keys().len(), home.keyring.calls()), (0, 0));
}

#[test]
fn an_unreachable_kernel_key_is_not_reported_as_destroyed() {
    let home = Home::new();
    home.make(Store::Kernel);
    home.kernel.fail(Some(&absent()));
    assert!(matches!(home.vault(Store::Auto).destroy(), Err(VaultError::Left { kernel: Some(_), keyring: None })));
}
