//! The state folder: how it is created, and when it is refused.

use std::fs;
use std::io;
use std::sync::Barrier;

use super::Home;
use crate::state::{Folder, FolderError};

fn kind(error: FolderError) -> io::ErrorKind {
    match error {
        FolderError::Unusable { source, .. } => source.kind(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_folder_is_created_with_its_parents() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("a/b/state");
    assert_eq!(Folder::open(Some(&path)).expect("it is made").path(), path);
    assert_eq!(Folder::open(Some(&path)).expect("it is there").path(), path);
    assert!(matches!(Folder::open(None), Err(FolderError::Nowhere)));
}

#[test]
fn processes_that_create_it_at_the_same_time_all_get_it() {
    let place = tempfile::tempdir().expect("a folder");
    for round in 0..50 {
        let path = place.path().join(round.to_string());
        let barrier = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    let folder = Folder::open(Some(&path)).expect("it is made");
                    folder.subfolder("entries").expect("it is made");
                });
            }
        });
    }
}

#[cfg(unix)]
#[test]
fn a_mode_that_lets_others_in_is_restricted_and_others_are_kept() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("state");
    let mode = || fs::metadata(&path).expect("it is there").permissions().mode() & 0o7777;
    Folder::open(Some(&path)).expect("it is made");
    assert_eq!(mode(), 0o700);
    for (before, after) in [(0o755, 0o700), (0o750, 0o700), (0o701, 0o700), (0o500, 0o500)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(before)).expect("it is ours");
        Folder::open(Some(&path)).expect("it is there");
        assert_eq!(mode(), after, "{before:o}");
    }
}

#[test]
fn anything_but_a_folder_is_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("file");
    fs::write(&file, "").expect("it is written");
    assert!(matches!(Folder::open(Some(&file)), Err(FolderError::NotAFolder { path }) if path == file));
    let below = kind(Folder::open(Some(&file.join("state"))).expect_err("below a file"));
    assert_eq!(below, if cfg!(windows) { io::ErrorKind::AlreadyExists } else { io::ErrorKind::NotADirectory });
    #[cfg(unix)]
    {
        let link = place.path().join("link");
        std::os::unix::fs::symlink(place.path(), &link).expect("it is made");
        assert!(matches!(Folder::open(Some(&link)), Err(FolderError::NotAFolder { path }) if path == link));
    }
}

#[test]
fn a_subfolder_that_cannot_be_made_is_an_error() {
    let home = Home::new();
    assert_eq!(home.folder.subfolder("").expect("itself"), home.folder.path());
    for _ in 0..2 {
        assert_eq!(home.folder.subfolder("x").expect("it is made"), home.folder.path().join("x"));
    }
    fs::remove_dir_all(home.folder.path()).expect("it is ours");
    assert_eq!(home.folder.subfolder("x").expect_err("its folder is gone").kind(), io::ErrorKind::NotFound);
}

#[test]
fn appending_adds_to_the_end_and_returns_the_length() {
    let home = Home::new();
    for (text, length) in [("one\n", 4), ("", 4), ("three\n", 10)] {
        assert_eq!(home.folder.append("log", text.as_bytes()).expect("it is written"), length);
    }
    assert_eq!(fs::read_to_string(home.folder.path().join("log")).expect("it is there"), "one\nthree\n");
}
