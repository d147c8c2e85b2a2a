//! Sealed keys in a real folder, under a passphrase.

use std::fs;

use super::*;
use crate::host::StoreError;
use crate::vault::tests::fakes::{Fake, Typist};
use crate::vault::{Cost, Store, Stores};

struct Home {
    #[cfg_attr(windows, expect(dead_code, reason = "the tests that use it need a POSIX system"))]
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

#[cfg(unix)]
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

fn rotation() -> (Rotation, Both) {
    let arn = "arn:aws:iam::123456789012:user/team/alice";
    let mut rotation = Rotation::new("AKIAALICE00000000001", None, arn, Timestamp::UNIX_EPOCH);
    rotation.profiles = vec!["alice".to_owned()];
    (rotation, Both { old: Credentials::long_term("AKIAALICE00000000001", Secret::from("s3cret")), new: None })
}

#[test]
fn a_rotation_keeps_both_secrets_sealed_until_it_is_over() {
    let home = Home::new();
    home.seal("alice", "AKIAALICE00000000001", "s3cret").expect("sealed");
    let (mut rotation, mut both) = rotation();
    home.safe().note_rotation(&rotation, &both).expect("noted");
    let noted = home.shelf.rotations().expect("listed").0;
    assert!(home.safe().open_rotation(&noted[0]).expect("it opens").new.is_none());
    rotation.new = Some("AKIAALICE00000000002".to_owned());
    both.new = Some(Credentials::long_term("AKIAALICE00000000002", Secret::from("n3w")));
    home.safe().note_rotation(&rotation, &both).expect("noted");
    let (noted, damaged) = home.shelf.rotations().expect("listed");
    assert_eq!((noted.len(), damaged.len(), noted[0].concerns("AKIAALICE00000000002")), (1, 0, true));
    let opened = home.safe().open_rotation(&noted[0]).expect("it opens");
    let new = opened.new.expect("the new key");
    assert_eq!(
        (opened.old.secret_access_key.expose().as_str(), new.secret_access_key.expose().as_str()),
        ("s3cret", "n3w")
    );
    assert_eq!(home.shelf.headers().expect("listed").0.len(), 1, "it is no sealed key");
    for file in fs::read_dir(home.shelf.folder()).expect("listed").flatten() {
        let bytes = fs::read(file.path()).expect("read");
        assert!(!bytes.windows(3).any(|part| part == b"n3w"), "{:?}", file.file_name());
    }
    home.safe().end_rotation(&rotation).expect("ended");
    home.safe().end_rotation(&rotation).expect("ended before");
    assert!(home.shelf.rotations().expect("listed").0.is_empty());
}

#[test]
fn a_damaged_journal_is_not_taken_for_none() {
    let home = Home::new();
    home.seal("alice", "AKIAALICE00000000001", "s3cret").expect("sealed");
    let (rotation, both) = rotation();
    home.safe().note_rotation(&rotation, &both).expect("noted");
    let noted = home.shelf.rotations().expect("listed").0.remove(0);
    let is_journal =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rotation-"));
    let files = fs::read_dir(home.shelf.folder()).expect("listed").flatten().map(|file| file.path());
    let path = files.into_iter().find(is_journal).expect("a journal");
    let whole = fs::read(&path).expect("read");
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        fs::write(&path, changed).expect("written");
        let opened = home.safe().open_rotation(&noted);
        assert!(matches!(opened, Err(SafeError::DamagedRotation { .. })), "{place}: {opened:?}");
    }
    fs::write(&path, "x").expect("written");
    assert_eq!(home.shelf.rotations().expect("listed"), (Vec::new(), vec![path]));
}

#[test]
fn a_removed_key_takes_its_rotation_with_it() {
    let home = Home::new();
    home.seal("alice", "AKIAALICE00000000001", "s3cret").expect("sealed");
    home.seal("bob", "AKIABOB0000000000001", "other").expect("sealed");
    let (rotation, both) = rotation();
    home.safe().note_rotation(&rotation, &both).expect("noted");
    home.safe().remove(&name("bob")).expect("removed");
    assert_eq!(home.shelf.rotations().expect("listed").0.len(), 1);
    home.safe().remove(&name("alice")).expect("removed");
    assert!(home.shelf.rotations().expect("listed").0.is_empty());
}

#[test]
fn one_process_rotates_at_a_time() {
    let home = Home::new();
    let turn = home.safe().take_turn().expect("a folder").expect("free");
    assert!(home.safe().take_turn().expect("a folder").is_none());
    drop(turn);
    assert!(home.safe().take_turn().expect("a folder").is_some());
}
