//! Edits on disk: a file is replaced as a whole, with its mode, owner and attributes, or not at all.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use mfa_cred::disk::replace::ReplaceError;
use mfa_cred::profile::ProfileSet;
use mfa_cred::profile::edit::EditError;
use mfa_cred::system::System;

use super::{Draft, KEY, SERIAL};
use crate::support::pty::PATIENCE;
use crate::support::tools::skip;
use crate::support::world::{Cast, MFA_CRED, World};

/// A folder with the two files, and a draft of them.
fn on_disk(config: Option<&str>) -> (tempfile::TempDir, impl Fn() -> Draft) {
    let home = tempfile::tempdir().expect("a folder");
    let (path, keys) = (home.path().join("config"), home.path().join("credentials"));
    if let Some(config) = config {
        fs::write(&path, config).expect("it is written");
    }
    let read = move || Draft::new(ProfileSet::load(&System, &path, &keys).expect("it can be read"));
    (home, read)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}

#[test]
fn a_file_is_replaced_atomically_keeping_mode_owner_and_links() {
    let (home, read) = on_disk(None);
    let (link, target) = (home.path().join("config"), home.path().join("dotfiles-config"));
    fs::write(&target, "[profile a]\n").expect("it is written");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).expect("its mode");
    // Only root can have another owner; otherwise the file is ours.
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        std::os::unix::fs::chown(&target, Some(12_345), Some(23_456)).expect("its owner");
    }
    symlink("dotfiles-config", &link).expect("a link");
    let mut draft = read();
    draft.set_key("a", KEY, SERIAL).expect("it is set");
    draft.write().expect("it is written");
    assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
    assert_eq!(fs::read_to_string(&target).expect("text"), format!("[profile a]\nmfa_serial = {SERIAL}\n"));
    let found = fs::metadata(&target).expect("it is there");
    assert_eq!(mode(&target), 0o640);
    if is_root {
        assert_eq!((found.uid(), found.gid()), (12_345, 23_456));
    }
    assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 2, "nothing else is left in the folder");
}

#[test]
fn a_missing_file_is_created_readable_by_its_owner_only() {
    let (home, read) = on_disk(None);
    let mut draft = read();
    draft.set_key("a", KEY, SERIAL).expect("it is set");
    draft.write().expect("it is written");
    let path = home.path().join("config");
    assert_eq!(fs::read_to_string(&path).expect("text"), format!("[profile a]\nmfa_serial = {SERIAL}\n"));
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_file_that_changed_since_it_was_read_is_not_written() {
    let (home, read) = on_disk(Some("[profile a]\n"));
    let path = home.path().join("config");
    let mut draft = read();
    draft.set_key("a", KEY, SERIAL).expect("it is set");
    fs::write(&path, "[profile a]\n# new\n").expect("it is written");
    assert!(matches!(draft.write(), Err(EditError::Replace(ReplaceError::Changed { .. }))));
    assert_eq!(fs::read_to_string(&path).expect("text"), "[profile a]\n# new\n");
    // Reading a terabyte would take all memory.
    fs::File::options().write(true).open(&path).and_then(|file| file.set_len(1 << 40)).expect("a hole");
    assert!(matches!(draft.write(), Err(EditError::Replace(ReplaceError::Changed { .. }))));
    fs::remove_file(&path).expect("it is removed");
    assert!(matches!(draft.write(), Err(EditError::Replace(ReplaceError::Changed { .. }))));
    let mut new = read();
    new.set_key("a", KEY, SERIAL).expect("it is set");
    fs::write(&path, "# somebody else's\n").expect("it is written");
    assert!(matches!(new.write(), Err(EditError::Replace(ReplaceError::Changed { .. }))));
    assert_eq!(fs::read_to_string(&path).expect("text"), "# somebody else's\n");
    assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 1);
}

#[test]
fn only_regular_files_are_replaced() {
    let (home, read) = on_disk(None);
    let path = home.path().join("config");
    symlink("nowhere", &path).expect("a link");
    let mut draft = read();
    draft.set_key("a", KEY, SERIAL).expect("it is set");
    assert!(matches!(draft.write(), Err(EditError::Replace(ReplaceError::NotAFile { .. }))));
    assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 1);
}

/// An ACL that gives `user` these rights, as Linux stores it: version 2, then tag, rights and id of each entry.
fn acl(user: u32, rights: u16) -> Vec<u8> {
    let (own, named, group, mask, other) = (0x01_u16, 0x02, 0x04, 0x10, 0x20);
    let entries = [
        (own, 6, u32::MAX),
        (named, rights, user),
        (group, 0, u32::MAX),
        (mask, rights, u32::MAX),
        (other, 0, u32::MAX),
    ];
    let entry = |(tag, rights, id): (u16, u16, u32)| {
        [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    [2_u32.to_le_bytes().to_vec(), entries.into_iter().flat_map(entry).collect()].concat()
}

const ACL: &str = "system.posix_acl_access";
const DEFAULT_ACL: &str = "system.posix_acl_default";

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; rustix::fs::getxattr_query(path, name).ok()?];
    let length = rustix::fs::getxattr(path, name, &mut value[..]).ok()?;
    value.truncate(length);
    Some(value)
}

fn set_attribute(path: &Path, name: &str, value: &[u8]) {
    rustix::fs::setxattr(path, name, value, rustix::fs::XattrFlags::empty()).expect("a file system with attributes");
}

#[test]
fn an_edit_keeps_the_acl_and_all_extended_attributes() {
    let (home, read) = on_disk(Some("[profile a]\n"));
    let path = home.path().join("config");
    set_attribute(&path, ACL, &acl(12_345, 4));
    set_attribute(&path, "user.note", b"mine");
    set_attribute(&path, "user.empty", b"");
    // The ACL that the folder gives to new files is not the old file's.
    set_attribute(home.path(), DEFAULT_ACL, &acl(23_456, 6));
    assert_eq!(mode(&path), 0o640, "the group's bits are the ACL's mask");
    let mut draft = read();
    draft.set_key("a", KEY, SERIAL).expect("it is set");
    draft.write().expect("it is written");
    assert_eq!(attribute(&path, ACL), Some(acl(12_345, 4)));
    assert_eq!(attribute(&path, "user.note").as_deref(), Some(&b"mine"[..]));
    assert_eq!(attribute(&path, "user.empty").as_deref(), Some(&b""[..]));
    assert_eq!(mode(&path), 0o640);
}

#[test]
fn a_file_without_an_acl_does_not_inherit_the_folders() {
    let (home, read) = on_disk(Some("[profile a]\n"));
    let path = home.path().join("config");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("its mode");
    set_attribute(home.path(), DEFAULT_ACL, &acl(23_456, 6));
    let mut draft = read();
    draft.set_key("a", KEY, SERIAL).expect("it is set");
    draft.write().expect("it is written");
    assert_eq!((attribute(&path, ACL), mode(&path)), (None, 0o640));
}

#[test]
fn a_hard_linked_file_is_not_replaced() {
    let (home, read) = on_disk(Some("[profile a]\n"));
    let (path, other) = (home.path().join("config"), home.path().join("other"));
    fs::hard_link(&path, &other).expect("a second name");
    let mut draft = read();
    draft.set_key("a", KEY, SERIAL).expect("it is set");
    let refused = draft.write();
    assert!(matches!(refused, Err(EditError::Replace(ReplaceError::Linked { names: 2, .. }))), "{refused:?}");
    assert_eq!(fs::read_to_string(&path).expect("text"), "[profile a]\n");
    assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn an_immutable_file_is_refused_with_that_reason() {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let (home, read) = on_disk(Some("[profile a]\n"));
    let file = fs::File::open(home.path().join("config")).expect("it is there");
    for flag in [IFlags::IMMUTABLE, IFlags::APPEND] {
        let usual = ioctl_getflags(&file);
        if !usual.is_ok_and(|usual| ioctl_setflags(&file, usual | flag).is_ok()) {
            return skip("an immutable file", "root on a file system that has such files");
        }
        let mut draft = read();
        draft.set_key("a", KEY, SERIAL).expect("it is set");
        let refused = draft.write();
        ioctl_setflags(&file, usual.expect("flags")).expect("root may");
        assert!(matches!(refused, Err(EditError::Replace(ReplaceError::Immutable { .. }))), "{refused:?}");
        assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 1);
    }
}

#[test]
fn a_file_whose_owner_would_change_is_refused_with_that_reason() {
    if !rustix::process::geteuid().is_root() {
        return skip("another user's file", "root, who alone can make one,");
    }
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    world.aws.add_orphan("laptop");
    let serial = format!("arn:aws:iam::{}:mfa/laptop", world.aws.account());
    world.edit_config("[profile alice]\n", &format!("[profile alice]\nmfa_serial = {serial}\n"));
    let path = world.home().join(".aws/config");
    std::os::unix::fs::chown(&path, None, Some(23_456)).expect("root may");
    let before = fs::read(&path).expect("text");
    // A user who must not give files to a group that they are not in.
    let words = ["--bounding-set=-chown", "--inh-caps=-all", MFA_CRED];
    let remove = ["device", "remove", &serial, "--profile", "alice", "--yes"];
    let done = world.run_other("setpriv", &[&words[..], &remove].concat(), PATIENCE);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    let why = "was not written, since a new file could not keep all of its attributes: cannot copy its owner \
               or group: Operation not permitted (os error 1)";
    assert!(done.stderr.contains(&format!("`~/.aws/config` {why}")), "{done:?}");
    assert_eq!(fs::read(&path).expect("text"), before);
    assert_eq!(fs::metadata(&path).expect("it is there").gid(), 23_456);
}
