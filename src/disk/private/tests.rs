use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::{Refusal, look, make_folder, open_or_make, open_or_make_for_more, read, refusal, write};

/// Everything that can be planted in place of a file, and why it is refused.
fn plants(folder: &Path) -> Vec<(&'static str, Refusal)> {
    let path = |name: &str| folder.join(name);
    fs::write(path("outside"), "outside").expect("written");
    symlink(path("outside"), path("link")).expect("a link");
    symlink(path("nowhere"), path("dangling")).expect("a link");
    symlink("/dev/zero", path("endless")).expect("a link");
    // Not every system has a call for it in safe Rust.
    assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().expect("it starts").success());
    std::os::unix::net::UnixListener::bind(path("socket")).expect("a socket");
    fs::write(path("twin"), "twin").expect("written");
    fs::hard_link(path("twin"), path("second")).expect("a second name");
    fs::write(path("open"), "open").expect("written");
    fs::set_permissions(path("open"), Permissions::from_mode(0o620)).expect("its mode");
    let other = Refusal::Otherwise("file");
    let mut plants = vec![
        ("link", other),
        ("dangling", other),
        ("endless", other),
        ("pipe", other),
        ("socket", other),
        ("second", Refusal::Linked),
        ("open", Refusal::Open),
    ];
    if rustix::process::geteuid().is_root() {
        fs::write(path("foreign"), "foreign").expect("written");
        std::os::unix::fs::chown(path("foreign"), Some(65_534), None).expect("root may");
        plants.push(("foreign", Refusal::Foreign(65_534)));
    }
    plants
}

#[test]
fn only_our_own_files_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, why) in plants(folder.path()) {
        let error = read(&folder.path().join(name)).expect_err(name);
        assert_eq!(refusal(&error), Some(why), "{name}: {error}");
    }
    fs::create_dir(folder.path().join("folder")).expect("made");
    let error = read(&folder.path().join("folder")).expect_err("a folder");
    assert_eq!(refusal(&error), Some(Refusal::Otherwise("file")));
    let path = folder.path().join("mine");
    write(&path, b"mine").expect("written");
    assert_eq!(read(&path).expect("it is mine"), b"mine");
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o7777, 0o600);
}

#[test]
fn planted_files_are_replaced_and_nothing_outside_is_changed() {
    for open in [open_or_make, open_or_make_for_more] {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, why) in plants(folder.path()) {
            let path = folder.path().join(name);
            let file = open(&path).unwrap_or_else(|error| panic!("{name}, {why:?}: {error}"));
            assert_eq!(file.metadata().expect("open").len(), 0, "{name}");
            assert_eq!(read(&path).expect(name), b"", "{name}");
        }
        let text = |name: &str| fs::read_to_string(folder.path().join(name)).expect(name);
        assert_eq!((text("outside").as_str(), text("twin").as_str()), ("outside", "twin"));
        assert!(!folder.path().join("nowhere").exists());
        fs::create_dir(folder.path().join("folder")).expect("made");
        let error = open(&folder.path().join("folder")).expect_err("a folder");
        assert_eq!(refusal(&error), Some(Refusal::Otherwise("file")));
    }
}

#[test]
fn a_file_above_the_size_limit_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("long");
    for (length, fits) in [(super::LONGEST, true), (super::LONGEST + 1, false), (1 << 40, false)] {
        OpenOptions::new().create(true).write(true).truncate(false).open(&path).expect("made");
        File::options().write(true).open(&path).and_then(|file| file.set_len(length)).expect("a sparse file");
        assert_eq!(read(&path).is_ok(), fits, "{length}");
    }
}

#[test]
fn new_folders_are_private_and_shared_ones_are_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let (above, deep) = (place.path().join("a"), place.path().join("a/b/c"));
    make_folder(&deep).expect("made");
    for folder in [&above, &above.join("b"), &deep] {
        assert_eq!(fs::metadata(folder).expect("there").permissions().mode() & 0o7777, 0o700);
        look(folder).expect("it is ours");
    }
    fs::set_permissions(&above, Permissions::from_mode(0o755)).expect("ours");
    make_folder(&deep).expect("it is there");
    assert_eq!(fs::metadata(&above).expect("there").permissions().mode() & 0o7777, 0o755, "it is left as it is");
    for mode in [0o720, 0o702, 0o777, 0o1777] {
        fs::set_permissions(&deep, Permissions::from_mode(mode)).expect("ours");
        assert_eq!(refusal(&look(&deep).expect_err("open")), Some(Refusal::Open), "{mode:o}");
    }
    symlink(&above, place.path().join("link")).expect("a link");
    let error = look(&place.path().join("link")).expect_err("a link");
    assert_eq!(refusal(&error), Some(Refusal::Otherwise("folder")));
    assert!(make_folder(&place.path().join("link/d")).is_ok(), "above the state folder links are the user's own");
}
