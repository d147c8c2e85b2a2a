//! Which files count as entries, and which are removed.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use super::{Home, at, credentials, keys_of};
use crate::cache::MARGIN;

#[test]
fn an_entry_under_another_name_is_ignored() {
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
fn the_last_end_is_that_of_the_entry_valid_longest() {
    let home = Home::new();
    let held = home.held();
    assert_eq!(home.folder.last_end(&|_| at(0)), MARGIN);
    for (key, end) in keys_of("deploy").iter().zip([7200, 3600]) {
        home.folder.write_entry(key, &credentials(at(end)), &held, at(0), at(end)).expect("it is written");
    }
    assert_eq!(home.folder.last_end(&|_| at(200)), Duration::from_secs(7000) + MARGIN);
    assert_eq!(home.folder.last_end(&|_| at(9000)), MARGIN, "all are over");
}

/// A file modified `before` the last change of the entries folder.
fn old(path: &Path, before: Duration, entries: &Path) {
    fs::write(path, "a stray").expect("it is written");
    let changed = fs::metadata(entries).and_then(|folder| folder.modified()).expect("a time");
    File::options().write(true).open(path).and_then(|file| file.set_modified(changed - before)).expect("it is ours");
}

#[test]
fn entries_expired_for_an_hour_and_old_strays_are_swept() {
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
