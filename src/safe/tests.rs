//! Sealed keys in a real folder, under a passphrase.

use std::fs;

use super::*;
use crate::host::StoreError;
use crate::vault::tests::fakes::{Fake, Typist};
use crate::vault::{Cost, Store, Stores};

struct Home {
    place: tempfile::TempDir,
    shelf: Shelf,
    kernel: Fake,
    keyring: Fake,
    typist: Typist,
}

impl Home {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let shelf = Shelf::at(place.path().join("data/keys"));
        let absent = Fake::failing(&StoreError::Absent("no bus".to_owned()));
        let typist = Typist::typing(&["tulip", "tulip", "tulip", "tulip"]);
        Self { place, shelf, kernel: Fake::default(), keyring: absent, typist }
    }

    fn safe(&self) -> Safe<'_> {
        let stores = Stores { kernel: &self.kernel, keyring: &self.keyring };
        let folder = self.shelf.folder();
        Safe::new(&self.shelf, PersistentVault::new(folder, Store::Auto, stores, &self.typist, Cost::for_tests()))
    }

    fn seal(&self, profile: &str, id: &str, secret: &str) -> Result<Credentials, SafeError> {
        let header =
            Safe::header(&name(profile), id, "arn:aws:iam::123456789012:user/team/alice", Timestamp::UNIX_EPOCH);
        self.safe().seal(header, &Secret::from(secret))
    }

    fn file(&self, profile: &str) -> PathBuf {
        self.shelf.path(profile)
    }
}

fn name(profile: &str) -> ProfileName {
    ProfileName::new(profile).expect("a name")
}

#[test]
fn what_is_sealed_opens_and_its_header_needs_no_key() {
    let home = Home::new();
    assert!(matches!(home.safe().open(&name("alice")), Err(SafeError::Missing(_))));
    assert_eq!(home.shelf.headers().expect("no folder is no error"), (Vec::new(), Vec::new()));
    home.seal("alice", "AKIAALICE00000000001", "s3cret").expect("sealed");
    home.seal("two words/é", "AKIABOB0000000000001", "other").expect("sealed");
    let opened = home.safe().open(&name("alice")).expect("it opens");
    assert_eq!(
        (opened.access_key_id.as_str(), opened.secret_access_key.expose().as_str()),
        ("AKIAALICE00000000001", "s3cret")
    );
    assert_eq!(opened.account.map(|account| account.to_string()).as_deref(), Some("123456789012"));
    assert_eq!(home.typist.asked.get(), 2, "the new passphrase, and no other question");
    let (headers, damaged) = home.shelf.headers().expect("listed");
    let names: Vec<_> = headers.iter().map(|header| (header.profile.as_str(), header.user())).collect();
    assert_eq!((names, damaged.len()), (vec![("alice", "alice"), ("two words/é", "alice")], 0));
    assert_eq!(home.shelf.access_key_id("alice"), Ok(Some("AKIAALICE00000000001".to_owned())));
    assert_eq!(home.shelf.access_key_id("nobody"), Ok(None));
    for file in fs::read_dir(home.shelf.folder()).expect("listed").flatten() {
        let bytes = fs::read(file.path()).expect("read");
        assert!(!bytes.windows(6).any(|part| part == b"s3cret"), "{:?}", file.file_name());
    }
}

#[test]
fn no_changed_byte_opens_and_no_key_opens_for_another_profile() {
    let home = Home::new();
    home.seal("alice", "AKIAALICE00000000001", "s3cret").expect("sealed");
    home.seal("bob", "AKIABOB0000000000001", "other").expect("sealed");
    let (path, whole) = (home.file("alice"), fs::read(home.file("alice")).expect("read"));
    let refused = || {
        let opened = home.safe().open(&name("alice"));
        assert!(matches!(opened, Err(SafeError::Damaged { .. })), "{opened:?}");
    };
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        fs::write(&path, changed).expect("written");
        refused();
    }
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).expect("written");
        refused();
    }
    fs::copy(home.file("bob"), &path).expect("copied");
    refused();
    let (headers, damaged) = home.shelf.headers().expect("listed");
    assert_eq!((headers.len(), damaged), (1, vec![path.clone()]));
    assert!(home.shelf.access_key_id("alice").is_err(), "a damaged key is not taken for none");
    fs::write(&path, whole).expect("written");
    home.safe().open(&name("alice")).expect("it opens");
}

#[test]
fn a_file_that_is_not_ours_alone_is_refused_and_not_taken_for_none() {
    let home = Home::new();
    home.seal("alice", "AKIAALICE00000000001", "s3cret").expect("sealed");
    fs::hard_link(home.file("alice"), home.place.path().join("elsewhere")).expect("linked");
    assert!(matches!(home.safe().open(&name("alice")), Err(SafeError::Unusable { .. })));
    assert!(home.shelf.access_key_id("alice").is_err());
}

#[cfg(unix)]
#[test]
fn the_folder_is_its_owners_alone_and_one_that_others_could_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.seal("alice", "AKIAALICE00000000001", "s3cret").expect("sealed");
    let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(home.shelf.folder()), mode(&home.file("alice"))), (0o700, 0o600));
    fs::set_permissions(home.shelf.folder(), fs::Permissions::from_mode(0o755)).expect("ours");
    home.seal("bob", "AKIABOB0000000000001", "other").expect("sealed");
    assert_eq!(mode(home.shelf.folder()), 0o700);
    fs::set_permissions(home.shelf.folder(), fs::Permissions::from_mode(0o777)).expect("ours");
    assert!(matches!(home.seal("carol", "AKIACAROL00000000001", "x"), Err(SafeError::Unusable { .. })));
    assert!(home.file("alice").exists(), "nothing is set aside");
}

#[test]
fn the_last_key_takes_the_sealing_key_with_it() {
    let home = Home::new();
    home.seal("alice", "AKIAALICE00000000001", "s3cret").expect("sealed");
    home.seal("bob", "AKIABOB0000000000001", "other").expect("sealed");
    home.safe().remove(&name("alice")).expect("removed");
    assert!(matches!(home.safe().remove(&name("alice")), Err(SafeError::Missing(_))));
    home.safe().open(&name("bob")).expect("it opens");
    home.safe().remove(&name("bob")).expect("removed");
    assert!(home.kernel.keys().is_empty());
    let left: Vec<_> = fs::read_dir(home.shelf.folder()).expect("listed").flatten().map(|it| it.file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().ends_with(".lock")), "{left:?}");
    home.seal("alice", "AKIAALICE00000000001", "s3cret").expect("sealed anew");
    assert_eq!(home.typist.asked.get(), 4, "a new passphrase");
}

#[test]
fn a_key_sealed_by_another_key_is_damaged_here() {
    let home = Home::new();
    home.seal("alice", "AKIAALICE00000000001", "s3cret").expect("sealed");
    let foreign = fs::read(home.file("alice")).expect("read");
    home.safe().remove(&name("alice")).expect("removed");
    home.seal("bob", "AKIABOB0000000000001", "other").expect("sealed under a new key");
    fs::write(home.file("alice"), foreign).expect("written");
    assert!(matches!(home.safe().open(&name("alice")), Err(SafeError::Damaged { .. })));
}
