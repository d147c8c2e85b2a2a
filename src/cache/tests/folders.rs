//! The state folder: whose it is, and what is swept out of it.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Barrier;
use std::time::Duration;

use super::{Home, at, credentials, keys_of};
use crate::cache::MARGIN;
use crate::cache::folder::{Folder, FolderError};

fn kind(error: FolderError) -> io::ErrorKind {
    match error {
        FolderError::Unusable { source, .. } => source.kind(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_folder_is_made_with_all_above_it() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("a/b/state");
    assert_eq!(Folder::open(Some(&path)).expect("it is made").path(), path);
    assert_eq!(Folder::open(Some(&path)).expect("it is there").path(), path);
    assert!(matches!(Folder::open(None), Err(FolderError::Nowhere)));
}

#[test]
fn all_who_make_it_at_once_have_it() {
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
fn a_mode_that_lets_others_in_is_mended_and_no_other_is_touched() {
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
fn what_is_no_folder_is_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("file");
    fs::write(&file, "").expect("it is written");
    assert!(matches!(Folder::open(Some(&file)), Err(FolderError::NotAFolder { path }) if path == file));
    let below = kind(Folder::open(Some(&file.join("state"))).expect_err("below a file"));
    assert_eq!(below, io::ErrorKind::NotADirectory);
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
fn what_is_appended_stands_behind_the_rest_and_its_length_is_told() {
    let home = Home::new();
    for (text, length) in [("one\n", 4), ("", 4), ("three\n", 10)] {
        assert_eq!(home.folder.append("log", text.as_bytes()).expect("it is written"), length);
    }
    assert_eq!(fs::read_to_string(home.folder.path().join("log")).expect("it is there"), "one\nthree\n");
}

#[test]
fn an_entry_counts_by_its_own_name_alone() {
    let home = Home::new();
    let [session, deploy] = keys_of("deploy");
    let held = home.held();
    home.folder.write_entry(&deploy, &credentials(at(3600)), &held, at(0), at(3600)).expect("it is written");
    let entries = home.folder.path().join("entries");
    fs::copy(entries.join(deploy.file_name()), entries.join(session.file_name())).expect("it is copied");
    let headers = home.folder.headers();
    assert_eq!(headers.iter().map(|header| header.identity.as_str()).collect::<Vec<_>>(), [deploy.file_name()]);
    assert!(home.folder.remove_entry(deploy.file_name()));
    assert!(!home.folder.remove_entry(deploy.file_name()), "it is gone");
}

#[test]
fn the_last_end_is_that_of_what_lives_longest() {
    let home = Home::new();
    let held = home.held();
    assert_eq!(home.folder.last_end(&|_| at(0)), MARGIN);
    for (key, end) in keys_of("deploy").iter().zip([7200, 3600]) {
        home.folder.write_entry(key, &credentials(at(end)), &held, at(0), at(end)).expect("it is written");
    }
    assert_eq!(home.folder.last_end(&|_| at(200)), Duration::from_secs(7000) + MARGIN);
    assert_eq!(home.folder.last_end(&|_| at(9000)), MARGIN, "all are over");
}

/// A file that was made so long before the folder of entries was last changed.
fn old(path: &Path, before: Duration, entries: &Path) {
    fs::write(path, "a stray").expect("it is written");
    let changed = fs::metadata(entries).and_then(|folder| folder.modified()).expect("a time");
    File::options().write(true).open(path).and_then(|file| file.set_modified(changed - before)).expect("it is ours");
}

#[test]
fn what_ended_an_hour_ago_and_old_strays_are_swept() {
    const HOUR: Duration = Duration::from_hours(1);
    let home = Home::new();
    let entries = home.folder.subfolder("entries").expect("it is made");
    let [session, deploy] = keys_of("deploy");
    let held = home.held();
    for key in [&session, &deploy] {
        let end = if *key == session { at(0) } else { at(1) };
        home.folder.write_entry(key, &credentials(end), &held, at(-9), end).expect("it is written");
    }
    let state = home.folder.path();
    let folder = entries.join("a-folder");
    fs::create_dir(&folder).expect("it is made");
    for name in ["old", "young", "on-time"] {
        fs::write(entries.join(name), "").expect("it is written");
    }
    for (path, before) in [
        (entries.join("old"), 48 * HOUR + Duration::from_secs(1)),
        (entries.join("on-time"), 48 * HOUR),
        (entries.join("young"), 47 * HOUR),
        (state.join(".new-old"), 49 * HOUR),
        (state.join(".new-young"), 47 * HOUR),
        (state.join("old"), 49 * HOUR),
    ] {
        old(&path, before, &entries);
    }
    let there = || {
        let files = [session.file_name(), deploy.file_name(), "old", "on-time", "young", "a-folder"];
        let in_entries = files.map(|name| entries.join(name).exists());
        (in_entries, [".new-old", ".new-young", "old"].map(|name| state.join(name).exists()))
    };
    home.folder.sweep(&|_| at(3600));
    assert_eq!(there(), ([true, true, false, true, true, true], [false, true, true]));
    home.folder.sweep(&|_| at(3601));
    assert_eq!(there().0[..2], [false, true]);
}
