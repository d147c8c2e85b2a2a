//! Edits of the AWS files: what is meant changes, every other byte stays, and the file is replaced whole or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use mfa_cred::disk::replace::ReplaceError;
use mfa_cred::profile::edit::{Draft, EditError};
use mfa_cred::profile::{ProfileSet, SectionKind, WhichFile};
use mfa_cred::system::System;

use crate::support::pty::PATIENCE;
use crate::support::tools::skip;
use crate::support::world::{Cast, MFA_CRED, World};

const KEY: &str = "mfa_serial";
const SERIAL: &str = "arn:aws:iam::123456789012:mfa/alice-phone";

fn draft(config: &str, credentials: &str) -> Draft {
    Draft::new(ProfileSet::parse(config, credentials).expect("it can be read"))
}

fn text(draft: &Draft, origin: WhichFile) -> String {
    String::from_utf8(draft.text(origin).expose().clone()).expect("UTF-8")
}

/// The config file after `profile` got `KEY = v`.
fn set(config: &str, profile: &str) -> String {
    let mut draft = draft(config, "[only-keys]\nregion = x\n");
    draft.set_key(profile, KEY, "v").expect("it is set");
    text(&draft, WhichFile::Config)
}

fn removed(config: &str, profile: &str) -> String {
    let mut draft = draft(config, "");
    draft.remove_key(profile, KEY).expect("it is removed");
    text(&draft, WhichFile::Config)
}

#[test]
fn a_key_is_set_where_a_person_would_write_it() {
    for (what, before, after) in [
        (
            "at the end of its section",
            "[profile a]\nx = 1\n\n[profile b]\n",
            "[profile a]\nx = 1\nmfa_serial = v\n\n[profile b]\n",
        ),
        ("in an empty section", "[profile a]\n[profile b]\n", "[profile a]\nmfa_serial = v\n[profile b]\n"),
        (
            "before the comments behind it",
            "[profile a]\nx = 1\n# of b\n[profile b]\n",
            "[profile a]\nx = 1\nmfa_serial = v\n# of b\n[profile b]\n",
        ),
        (
            "behind nested properties",
            "[profile a]\ns3 =\n  y = 2\n  z = 3\n",
            "[profile a]\ns3 =\n  y = 2\n  z = 3\nmfa_serial = v\n",
        ),
        (
            "in the last of two sections",
            "[profile a]\nx = 1\n[profile a]\ny = 2\n",
            "[profile a]\nx = 1\n[profile a]\ny = 2\nmfa_serial = v\n",
        ),
        (
            "in the place of a value",
            "[profile a]\nmfa_serial=old # mine\nx = 1\n",
            "[profile a]\nmfa_serial=v # mine\nx = 1\n",
        ),
        ("in the place of none", "[profile a]\nmfa_serial =\nx = 1\n", "[profile a]\nmfa_serial = v\nx = 1\n"),
        (
            "in the line that wins",
            "[profile a]\nmfa_serial = one\nMFA_Serial = two\n",
            "[profile a]\nmfa_serial = one\nMFA_Serial = v\n",
        ),
        (
            "in the place of continued lines",
            "[profile a]\nmfa_serial = one\n  more\n# kept\n\n  still\nx = 1\n",
            "[profile a]\nmfa_serial = v\n# kept\n\nx = 1\n",
        ),
        ("with the file's line endings", "[profile a]\r\nx = 1\r\n", "[profile a]\r\nx = 1\r\nmfa_serial = v\r\n"),
        ("without an ending at the end", "[profile a]\r\nx = 1", "[profile a]\r\nx = 1\r\nmfa_serial = v"),
        ("not behind a lone carriage return", "[profile a]\nx = 1\r", "[profile a]\nmfa_serial = v\nx = 1\r"),
        ("behind a mark", "\u{feff}[profile a]\n", "\u{feff}[profile a]\nmfa_serial = v\n"),
        (
            "not in what is ignored",
            "[a]\nx = 1\n[profile a]\n[profile a!]\n",
            "[a]\nx = 1\n[profile a]\nmfa_serial = v\n[profile a!]\n",
        ),
        ("once", "[profile a]\nmfa_serial = v\n", "[profile a]\nmfa_serial = v\n"),
    ] {
        assert_eq!(set(before, "a"), after, "{what}");
    }
}

#[test]
fn a_profile_without_a_section_gets_one() {
    for (before, profile, after) in [
        ("", "only-keys", "[profile only-keys]\nmfa_serial = v\n"),
        ("[profile b]\nx = 1\n", "only-keys", "[profile b]\nx = 1\n\n[profile only-keys]\nmfa_serial = v\n"),
        ("[profile b]\r\nx = 1", "default", "[profile b]\r\nx = 1\r\n\r\n[default]\r\nmfa_serial = v\r\n"),
        ("[profile b]\n\n", "two words", "[profile b]\n\n[profile \"two words\"]\nmfa_serial = v\n"),
    ] {
        assert_eq!(set(before, profile), after, "{profile}");
    }
    let refused = draft("", "").set_key("a\"b", KEY, "v");
    assert!(matches!(refused, Err(EditError::Name)), "{refused:?}");
}

#[test]
fn what_would_be_read_otherwise_is_refused() {
    for value in ["", " a", "a ", "a\nb", "a #b", "# a", "a\t;b", "\u{7}"] {
        let refused = draft("[profile a]\n", "").set_key("a", KEY, value);
        assert!(matches!(refused, Err(EditError::Value)), "{value:?}: {refused:?}");
    }
    for value in ["a#b", "=", "[x]", "a = b"] {
        let mut draft = draft("[profile a]\n", "");
        draft.set_key("a", KEY, value).expect("it is set");
        assert_eq!(draft.set().get("a").expect("a").get(KEY).expect("a value").value(), value);
    }
}

#[test]
fn a_key_is_removed_wherever_it_stands() {
    for (before, after) in [
        ("[profile a]\nmfa_serial = v\nx = 1\n", "[profile a]\nx = 1\n"),
        ("[profile a]\nmfa_serial = v\n  w\n# kept\n  z\nx = 1\n", "[profile a]\n# kept\nx = 1\n"),
        (
            "[profile a]\nMFA_SERIAL = v\n[profile b]\nmfa_serial = v\n[profile a]\nmfa_serial = w",
            "[profile a]\n[profile b]\nmfa_serial = v\n[profile a]\n",
        ),
        ("[profile a]\nmfa_serial = v\n \r", "[profile a]\n"),
        ("[profile b]\n", "[profile b]\n"),
    ] {
        assert_eq!(removed(before, "a"), after);
    }
    let mut both = draft("[profile a]\nmfa_serial = v\n", "[a]\nmfa_serial = w\nregion = x\n");
    both.remove_key("a", KEY).expect("it is removed");
    assert_eq!(
        (text(&both, WhichFile::Config), text(&both, WhichFile::Credentials)),
        ("[profile a]\n".into(), "[a]\nregion = x\n".into())
    );
}

#[test]
fn a_diff_shows_the_change_and_no_secret() {
    let credentials =
        "[a]\naws_secret_access_key = hunter2\n  hunter3\nmfa_serial = old\r\n#aws_session_token=hunter4\n";
    let mut draft = draft("[profile a]\n", credentials);
    assert!(!draft.is_changed());
    draft.set_key("a", KEY, SERIAL).expect("it is set");
    assert!(draft.is_changed());
    assert_eq!(
        draft.diff(),
        format!(
            "--- credentials\n+++ credentials\n@@ -2,4 +2,4 @@\n aws_secret_access_key = (hidden)\n   (hidden)\n\
             -mfa_serial = old\n+mfa_serial = {SERIAL}\n # (hidden)\n"
        )
    );
}

/// Every property of every profile, as it is read.
fn properties(set: &ProfileSet) -> BTreeMap<(String, String), String> {
    let mut all = BTreeMap::new();
    for kind in [SectionKind::Profile, SectionKind::SsoSession, SectionKind::Services] {
        for name in set.names_of(kind) {
            for property in set.section(kind, name).expect("it is listed").properties() {
                let place = (format!("{kind:?} {name}"), property.key().into_owned());
                all.insert(place, property.value().into_owned());
            }
        }
    }
    all
}

#[test]
fn in_any_file_all_other_bytes_stay_and_the_value_is_read_back() {
    const PIECES: [&str; 27] = [
        "[profile a]\n",
        "[profile a]\r\n",
        "[profile b] # b\n",
        "[a]\n",
        "[default]\n",
        "[profile default]\n",
        "[profile \"a\"]\n",
        "[services s]\n",
        "\n",
        "  \n",
        "# mfa_serial = comment\n",
        ";\r\n",
        "mfa_serial = one\n",
        "mfa_serial=two # c\r\n",
        "MFA_SERIAL =\n",
        "  nested = 1\n",
        "  more\n",
        "  # no comment\n",
        "x = 1\r\n",
        "x =\n",
        "a b = ignored\n",
        "  = \n",
        "y = 2",
        "y = 2\r",
        "\r",
        "mfa_serial = three",
        "[profile a!]\n",
    ];
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).expect("it is below")
    };
    let (mut read, mut unkept) = (0, 0);
    for _ in 0..60_000 {
        let mark = if next(8) == 0 { "\u{feff}" } else { "" };
        let count = next(9);
        let mut config = mark.to_owned();
        for n in 1..=count {
            let piece = PIECES[next(PIECES.len())];
            // Only a file's last line may lack its ending.
            config += if n < count && !piece.ends_with('\n') { "\n" } else { piece };
        }
        let Ok(before) = ProfileSet::parse(&config, "[a]\nregion = x\n") else { continue };
        read += 1;
        let before = properties(&before);
        let others = |properties: BTreeMap<(String, String), String>| -> Vec<_> {
            properties
                .into_iter()
                .filter(|((name, key), _)| (name.as_str(), key.as_str()) != ("Profile a", KEY))
                .collect()
        };
        let mut setting = draft(&config, "[a]\nregion = x\n");
        match setting.set_key("a", KEY, SERIAL) {
            Ok(()) => {
                assert_eq!(setting.set().get("a").expect("a").get(KEY).expect("set").value(), SERIAL, "{config:?}");
                assert_eq!(others(properties(setting.set())), others(before.clone()), "{config:?}");
                only_the_key_changed(&config, &text(&setting, WhichFile::Config));
            }
            // A carriage return at the very end leaves no place for a new section.
            Err(EditError::Unkept { .. }) if config.ends_with('\r') => unkept += 1,
            Err(error) => panic!("{config:?}: {error}"),
        }
        let mut removing = draft(&config, "[a]\nregion = x\n");
        removing.remove_key("a", KEY).unwrap_or_else(|error| panic!("{config:?}: {error}"));
        assert!(removing.set().get("a").is_none_or(|section| section.get(KEY).is_none()), "{config:?}");
        assert_eq!(others(properties(removing.set())), others(before), "{config:?}");
        only_the_key_changed(&config, &text(&removing, WhichFile::Config));
    }
    assert!(read > 10_000 && unkept < read / 10, "{read} {unkept}");
}

/// The lines that went are the key's own, the lines that came its new one and perhaps a new section.
fn only_the_key_changed(before: &str, after: &str) {
    let bare = |text: &str| text.strip_prefix('\u{feff}').map(str::to_owned);
    let (before, after) = match (bare(before), bare(after)) {
        (Some(before), Some(after)) => (before, after),
        (None, None) => (before.to_owned(), after.to_owned()),
        _ => panic!("the mark came or went: {before:?} {after:?}"),
    };
    let (before, after) = (before.as_str(), after.as_str());
    let diff = similar::TextDiff::from_lines(before, after);
    let is_keys = |line: &str| {
        let line = line.to_ascii_lowercase();
        line.starts_with(KEY) || line.starts_with(' ')
    };
    for change in diff.iter_all_changes() {
        let line = change.value();
        match change.tag() {
            similar::ChangeTag::Equal => {}
            // The last line without an ending gets one where another follows.
            similar::ChangeTag::Delete => {
                assert!(
                    is_keys(line) || after.contains(&format!("{line}\n")) || after.contains(&format!("{line}\r\n")),
                    "{before:?} {after:?}: {line:?} went"
                );
            }
            similar::ChangeTag::Insert => {
                let old = line.trim_end_matches(['\n', '\r']);
                let is_new =
                    is_keys(line) || line.trim().is_empty() || line.trim() == "[profile a]" || before.ends_with(old);
                assert!(is_new, "{before:?} {after:?}: {line:?} came");
            }
        }
    }
}

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
fn a_file_is_replaced_whole_with_its_mode_and_owner_and_through_a_link() {
    let (home, read) = on_disk(None);
    let (link, target) = (home.path().join("config"), home.path().join("dotfiles-config"));
    fs::write(&target, "[profile a]\n").expect("it is written");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).expect("its mode");
    // Another owner is possible for root alone; elsewhere the file keeps ours.
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
fn a_missing_file_is_made_and_is_ours_alone() {
    let (home, read) = on_disk(None);
    let mut draft = read();
    draft.set_key("a", KEY, SERIAL).expect("it is set");
    draft.write().expect("it is written");
    let path = home.path().join("config");
    assert_eq!(fs::read_to_string(&path).expect("text"), format!("[profile a]\nmfa_serial = {SERIAL}\n"));
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_file_that_changed_meanwhile_is_left_as_it_is() {
    let (home, read) = on_disk(Some("[profile a]\n"));
    let path = home.path().join("config");
    let mut draft = read();
    draft.set_key("a", KEY, SERIAL).expect("it is set");
    fs::write(&path, "[profile a]\n# new\n").expect("it is written");
    assert!(matches!(draft.write(), Err(EditError::Replace(ReplaceError::Changed { .. }))));
    assert_eq!(fs::read_to_string(&path).expect("text"), "[profile a]\n# new\n");
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
fn what_is_no_file_is_not_replaced() {
    let (home, read) = on_disk(None);
    let path = home.path().join("config");
    symlink("nowhere", &path).expect("a link");
    let mut draft = read();
    draft.set_key("a", KEY, SERIAL).expect("it is set");
    assert!(matches!(draft.write(), Err(EditError::Replace(ReplaceError::NotAFile { .. }))));
    assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 1);
}

/// An ACL that gives `user` these rights, as Linux keeps it: version 2, then tag, rights and id of each entry.
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
fn an_edit_that_opened_a_file_to_its_group_keeps_the_acl_and_all_attributes() {
    let (home, read) = on_disk(Some("[profile a]\n"));
    let path = home.path().join("config");
    set_attribute(&path, ACL, &acl(12_345, 4));
    set_attribute(&path, "user.note", b"mine");
    set_attribute(&path, "user.empty", b"");
    // Whatever the folder gives to new files is not the old one's.
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
fn a_file_without_an_acl_gets_none_of_its_folder() {
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
fn a_file_with_a_second_name_is_not_replaced_as_that_would_keep_the_old_text() {
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

#[test]
fn an_immutable_file_is_refused_as_what_it_is() {
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
fn a_file_that_would_change_its_owner_is_refused_with_the_reason() {
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
    // Who may not give files to a group that he is not in.
    let words = ["--bounding-set=-chown", "--inh-caps=-all", MFA_CRED];
    let remove = ["device", "remove", &serial, "--profile", "alice", "--yes"];
    let done = world.run_other("setpriv", &[&words[..], &remove].concat(), PATIENCE);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    let why = "is left as it is, since a new file in its place could not be made the same: it would not keep its owner \
               or group: Operation not permitted (os error 1)";
    assert!(done.stderr.contains(&format!("`~/.aws/config` {why}")), "{done:?}");
    assert_eq!(fs::read(&path).expect("text"), before);
    assert_eq!(fs::metadata(&path).expect("it is there").gid(), 23_456);
}

#[test]
fn a_key_of_an_indented_section_is_written_and_removed_as_its_lines_are() {
    const TEXT: &str = "[profile a]\n  # mine\n  region = x\n  output = json\n\n[profile b]\n  # none\n";
    for (profile, text) in [
        ("a", "[profile a]\n  # mine\n  region = x\n  output = json\n  mfa_serial = N\n\n[profile b]\n  # none\n"),
        ("b", "[profile a]\n  # mine\n  region = x\n  output = json\n\n[profile b]\n  # none\nmfa_serial = N\n"),
    ] {
        let mut setting = draft(TEXT, "");
        setting.set_key(profile, KEY, SERIAL).expect(profile);
        assert_eq!(self::text(&setting, WhichFile::Config), text.replace('N', SERIAL));
    }
    let mut removing = draft(TEXT, "");
    removing.remove_key("a", "region").expect("removed");
    assert_eq!(text(&removing, WhichFile::Config), TEXT.replace("  region = x\n", ""));
    // A comment that stands as the properties do is none of a value's lines, even between two of them.
    let mut between = draft("[profile a]\n  region = x\n    y\n  # mine\n    z\n  output = json\n", "");
    between.remove_key("a", "region").expect("removed");
    assert_eq!(text(&between, WhichFile::Config), "[profile a]\n  # mine\n  output = json\n");
}

#[test]
fn no_diff_shows_a_secret_that_is_indented_or_continued_behind_a_comment() {
    const SECRETS: &str =
        "[a]\n  mfa_serial = old\n  aws_secret_access_key = hunter2\n# c\n\n    hunter3\n  output = json\n";
    let mut setting = draft("", SECRETS);
    setting.set_key("a", KEY, SERIAL).expect("set");
    setting.set_key("a", "output", "text").expect("set");
    let diff = setting.diff();
    assert!(!diff.contains("hunter") && diff.contains("aws_secret_access_key = (hidden)"), "{diff}");
    assert!(diff.contains("+  output = text"), "{diff}");
}
