//! The state folder in every condition: read-only, full, foreign, planted, missing, damaged. Only the cache is lost,
//! and credentials are still returned.

mod crashes;
mod exposed;
mod planted;
mod strays;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::aws::{Device, Signer};
use crate::support::pty::{self, Finished, PATIENCE};
use crate::support::tools::skip;
use crate::support::world::{Cast, MFA_CRED, World, calls, variable};

/// A user id that nobody has.
const NOBODY: u32 = 64_994;

/// The program with a code on stdin, started by another program that replaces itself with it.
fn sign_in_below(world: &World, device: &Device, wrapper: &[&str]) -> Finished {
    let words = [wrapper, &[MFA_CRED, "env", "deploy", "--mfa-token", "-"]].concat();
    let mut command = pty::off_terminal(words[0]);
    world.dress(&mut command);
    command.args(&words[1..]);
    let finished = pty::run(command, device.fresh_code().as_bytes(), PATIENCE);
    world.heard("env", &finished);
    finished
}

/// Asserts that credentials came without a cache; returns the reason given in the one warning.
#[track_caller]
fn served_without_cache(world: &World, done: &Finished) -> String {
    assert_role(world, done, "deploy");
    assert_eq!(calls(world), ["GetSessionToken", "AssumeRole"]);
    let stderr = world.without_tilde(&done.stderr);
    let reason = stderr.strip_prefix("warning: credentials will not be cached: ").and_then(|s| s.strip_suffix('\n'));
    let reason = reason.unwrap_or_else(|| panic!("{done:?}"));
    assert!(!reason.contains('\n'), "{done:?}");
    reason.to_owned()
}

/// Asserts that the payload's keys are those of a session of that role.
#[track_caller]
fn assert_role(world: &World, done: &Finished, name: &str) {
    assert!(done.status.success(), "{done:?}");
    let holder = world.aws.holder(&variable(&done.stdout, "AWS_ACCESS_KEY_ID")).expect("a session");
    assert!(matches!(&holder.signer, Signer::Role { arn, .. } if arn.ends_with(name)), "{:?}", holder.signer);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
}

/// Every file of the folder with its contents.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(folder).expect("a folder").flatten().map(|file| file.path());
    files.map(|path| (path.clone(), fs::read(path).expect("readable"))).collect()
}

/// Entries of both roles and of their session, and no recorded calls.
fn warm() -> Cast {
    let cast = World::cast();
    cast.world.sign_in(&cast.device, &["login", "deploy", "audit"]);
    assert_eq!(calls(&cast.world), ["GetSessionToken", "AssumeRole", "AssumeRole"]);
    assert_eq!(cast.world.entries().len(), 3);
    cast
}

/// The entry whose clear header contains this text.
fn entry(world: &World, text: &str) -> PathBuf {
    let holds = |path: &PathBuf| String::from_utf8_lossy(&fs::read(path).expect("readable")).contains(text);
    let mut found = world.entries().into_iter().filter(holds);
    let entry = found.next().expect("an entry");
    assert!(found.next().is_none(), "{text} is in several entries");
    entry
}

const DEPLOY: &str = ":role/deploy\"";
const AUDIT: &str = ":role/audit\"";
const SESSION: &str = "\"kind\":\"session\"";

#[test]
fn a_read_only_state_folder_disables_the_cache_only() {
    // The program loses the capability that lets root ignore file modes.
    let limited: &[&str] = if rustix::process::geteuid().is_root() {
        &["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    } else {
        &["env"]
    };
    let Cast { world, device, .. } = World::cast();
    let (state, parent) = (world.state(), world.home().join("state"));
    let denied = format!("{} cannot be used: Permission denied (os error 13)", state.display());
    fs::create_dir_all(&parent).expect("made");
    for (folder, at) in [(&parent, 0o500), (&state, 0o500), (&state, 0o000)] {
        fs::create_dir_all(folder).expect("made");
        set_mode(folder, at);
        let done = sign_in_below(&world, &device, limited);
        set_mode(folder, 0o700);
        assert_eq!(served_without_cache(&world, &done), denied, "{at:o}");
        assert_eq!(fs::read_dir(folder).expect("listed").count(), 0);
    }

    // Existing entries are served from a read-only folder, and its MFA session also serves a new role.
    assert_eq!(sign_in_below(&world, &device, limited).stderr, "");
    calls(&world);
    set_mode(&state, 0o500);
    set_mode(&state.join("locks"), 0o500);
    set_mode(&state.join("entries"), 0o500);
    let run = |name| world.run_other(limited[0], &[&limited[1..], &[MFA_CRED, "env", name]].concat(), PATIENCE);
    let (warm, new) = (run("deploy"), run("audit"));
    for folder in [state.clone(), state.join("locks"), state.join("entries")] {
        set_mode(&folder, 0o700);
    }
    assert_role(&world, &warm, "deploy");
    assert_role(&world, &new, "audit");
    assert_eq!((warm.stderr.as_str(), calls(&world)), ("", vec!["AssumeRole".to_owned()]));
    let new = world.without_tilde(&new.stderr);
    assert_eq!(new, format!("warning: credentials will not be cached: {denied}\n"));
}

#[test]
fn what_clear_cannot_remove_is_an_error_after_everything_else_was_removed() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["process", "deploy"]);
    let kept = world.state().join("entries/kept");
    fs::create_dir(&kept).expect("a folder, which is not removed as a file is");
    for (words, said) in [
        (&["clear", "--all"][..], "removed 2 cached entries\nthe sealing key was destroyed"),
        (&["clear"], "removed 0 cached entries\nerror"),
    ] {
        let done = world.run(words);
        assert_eq!(done.status.code(), Some(1), "{done:?}");
        assert!(done.stderr.starts_with(said), "{done:?}");
        let error = format!("error: {} cannot be removed: Is a directory (os error 21)\n", kept.display());
        assert!(done.stderr.ends_with(&error), "{done:?}");
    }
    fs::remove_dir(&kept).expect("it is empty");
    fs::remove_dir(world.state().join("entries")).expect("it is empty");
    let done = world.run(&["clear"]);
    assert_eq!((done.status.code(), &*done.stderr), (Some(0), "removed 0 cached entries\n"), "{done:?}");
}

#[test]
fn a_full_disk_disables_the_cache_only() {
    let Cast { world, device, .. } = World::cast();
    let state = world.state().display().to_string();
    // No byte can be written to any file, as on a full disk: files can be created but stay empty.
    let no_bytes = ["sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"];
    let reason = served_without_cache(&world, &sign_in_below(&world, &device, &no_bytes));
    assert!(reason.starts_with("the state folder cannot be used (File too large (os error 27)"), "{reason}");

    // Real file systems, if this user may mount one in a private namespace: one without space, and one without room for
    // another file.
    let flags: &[&str] = if rustix::process::geteuid().is_root() { &[] } else { &["--map-root-user"] };
    let unshare = [&["unshare", "--mount"], flags].concat();
    let may_mount = Command::new(unshare[0]).args(&unshare[1..]).arg("true").output();
    if !may_mount.is_ok_and(|output| output.status.success()) {
        return skip("a full disk", "the right to mount one");
    }
    // The file system disappears with its program, so the sealing key must be removed before.
    let mut silent = 0;
    // Without room for another file, but with room for the first few pages of data.
    for (options, free) in
        [("nr_inodes=2", 64)].into_iter().chain((0..16).step_by(3).map(|free| ("nr_inodes=99", free)))
    {
        let script = r#"mount -t tmpfs -o "size=256k,mode=700,$1" none "$2" || exit 99
            head -c $(((64 - $3) * 4096)) /dev/zero >"$2/fill"; shift 3
            "$@"; code=$?; "$1" clear --all >/dev/null 2>&1; exit "$code""#;
        let pages = free.to_string();
        let wrapper = [&unshare[..], &["sh", "-c", script, "sh", options, &state, &pages]].concat();
        let done = sign_in_below(&world, &device, &wrapper);
        assert_ne!(done.status.code(), Some(99), "{done:?}");
        if done.stderr.is_empty() {
            assert!(done.status.success() && free > 3, "{done:?}");
            calls(&world);
            silent += 1;
            continue;
        }
        let reason = served_without_cache(&world, &done);
        assert!(reason.contains("No space left on device (os error 28)"), "{free} pages free: {reason}");
    }
    assert!((1..5).contains(&silent), "the disks were not full, or all: {silent}");
}

#[test]
fn a_planted_state_folder_is_not_used() {
    let Cast { world, device, .. } = World::cast();
    let elsewhere = world.home().join("elsewhere");
    fs::create_dir_all(&elsewhere).expect("made");
    fs::create_dir_all(world.home().join("state")).expect("made");
    let path = world.state().display().to_string();
    let refused = format!("{path} is a symbolic link or not a folder; it is not used");

    symlink(&elsewhere, world.state()).expect("planted");
    assert_eq!(served_without_cache(&world, &sign_in_below(&world, &device, &["env"])), refused);
    assert_eq!(fs::read_dir(&elsewhere).expect("listed").count(), 0, "something was written there");
    let cleared = world.run(&["clear", "--all"]);
    assert_eq!((cleared.status.code(), cleared.stderr), (Some(1), format!("error: {refused}\n")));

    fs::remove_file(world.state()).expect("ours");
    fs::write(world.state(), "a file").expect("planted");
    assert_eq!(served_without_cache(&world, &sign_in_below(&world, &device, &["env"])), refused);
    assert_eq!(fs::read(world.state()).expect("a file"), b"a file");

    fs::remove_file(world.state()).expect("ours");
    if !rustix::process::geteuid().is_root() {
        return skip("another user's state folder", "root, who alone can make one,");
    }
    fs::create_dir(world.state()).expect("made");
    chown(world.state(), Some(NOBODY), None).expect("root may");
    let foreign = format!("{path} belongs to user {NOBODY}; it is not used");
    assert_eq!(served_without_cache(&world, &sign_in_below(&world, &device, &["env"])), foreign);
    assert_eq!(fs::read_dir(world.state()).expect("listed").count(), 0, "something was written there");
}

#[test]
fn a_folder_that_others_can_enter_is_restricted() {
    let Cast { world, device, .. } = World::cast();
    fs::create_dir_all(world.state()).expect("made");
    set_mode(&world.state(), 0o755);
    world.sign_in(&device, &["env", "deploy"]);
    assert_eq!(mode(&world.state()), 0o700);
    for path in content(&world.state().join("entries")).into_keys() {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    assert_eq!(mode(&world.state().join("entries")), 0o700);
}

#[test]
fn without_a_home_credentials_come_from_explicitly_named_files() {
    if !rustix::process::geteuid().is_root() {
        return skip("a user without a home", "root, who alone can be one,");
    }
    // The system knows no home for this user, and the capability lets it read ours.
    let (uid, gid) = (format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"));
    let user = ["setpriv", &uid, &gid, "--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
    let homeless = [&user[..], &["env", "-u", "HOME", "-u", "XDG_STATE_HOME", "-u", "XDG_CONFIG_HOME"]].concat();
    let Cast { world, device, .. } = World::cast();
    let lost = sign_in_below(&world, &device, &homeless);
    assert_eq!((lost.status.code(), lost.stdout.as_str()), (Some(1), ""), "{lost:?}");
    assert_eq!(
        lost.stderr,
        "error: the home folder is unknown, so there is no ~/.aws/config\n\
         hint: set HOME, or name the files with `--config-file` and `--credentials-file`\n"
    );
    for (variable, file) in [("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")] {
        world.set(variable, world.home().join(".aws").join(file).to_str().expect("a path in UTF-8"));
    }
    let done = sign_in_below(&world, &device, &homeless);
    assert_eq!(served_without_cache(&world, &done), "no home folder is known");
}

#[test]
fn a_relative_home_or_state_folder_is_not_used() {
    let Cast { world, device, .. } = World::cast();
    let here = world.home().join("here");
    fs::create_dir(&here).expect("made");
    let chdir = format!("--chdir={}", here.display());
    // A relative state folder counts as unset, as XDG requires: the one below the home is used.
    let done = sign_in_below(&world, &device, &["env", &chdir, "XDG_STATE_HOME=state"]);
    assert_role(&world, &done, "deploy");
    assert_eq!((done.stderr.as_str(), fs::read_dir(&here).expect("listed").count()), ("", 0));
    // A relative home counts as missing.
    let homeless = ["env", &chdir, "-u", "XDG_STATE_HOME", "-u", "XDG_CONFIG_HOME", "HOME=home"];
    let lost = sign_in_below(&world, &device, &homeless);
    assert_eq!((lost.status.code(), lost.stdout.as_str()), (Some(1), ""), "{lost:?}");
    assert!(lost.stderr.starts_with("error: the home folder is unknown"), "{lost:?}");
    for (variable, file) in [("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")] {
        world.set(variable, world.home().join(".aws").join(file).to_str().expect("a path in UTF-8"));
    }
    calls(&world);
    let done = sign_in_below(&world, &device, &homeless);
    assert_eq!(served_without_cache(&world, &done), "no home folder is known");
    assert_eq!(fs::read_dir(&here).expect("listed").count(), 0);
}

/// For each file of the folder: credentials come, with at most one warning.
#[test]
fn a_folder_in_place_of_a_state_file_is_reported() {
    let names = |world: &World| {
        let state = world.state();
        let inner = ["", "locks", "entries"].map(|folder| state.join(folder));
        let files = inner.iter().flat_map(|folder| fs::read_dir(folder).expect("listed").flatten());
        let files = files.map(|file| file.path()).filter(|path| path.is_file());
        files.map(|path| path.strip_prefix(&state).expect("in it").to_owned()).collect::<Vec<_>>()
    };
    let Cast { world, device, .. } = warm();
    let mut told = Vec::new();
    for name in names(&world) {
        let path = world.state().join(&name);
        let Ok(bytes) = fs::read(&path) else { continue };
        fs::remove_file(&path).expect("ours");
        fs::create_dir(&path).expect("made");
        fs::write(path.join("x"), "").expect("written");
        let done = world.sign_in(&device, &["process", "deploy", "--refresh"]);
        let said = world.without_tilde(&done.stderr);
        assert!(
            said.lines().count() <= 1 && said.lines().all(|line| line.starts_with("warning: ")),
            "{name:?}: {said}"
        );
        let is_of_codes = name.to_string_lossy().starts_with("ledger-");
        let reason = format!(
            "warning: spent codes cannot be remembered, so none is kept from being sent twice: {} is a folder\n",
            path.display()
        );
        assert_eq!(said == reason, is_of_codes, "{name:?}: {said}");
        told.push((name, said));
        fs::remove_dir_all(&path).expect("ours");
        fs::write(&path, bytes).expect("written");
        set_mode(&path, 0o600);
    }
    assert_eq!(told.iter().filter(|(_, said)| said.contains("spent codes")).count(), 2, "{told:?}");
}

#[test]
fn no_cache_reads_and_writes_nothing() {
    let Cast { world, device, .. } = warm();
    let folder = world.state().join("entries");
    let before = content(&folder);
    let cold = world.run(&["process", "deploy", "--no-cache"]);
    assert_eq!((cold.status.code(), cold.stdout.as_str(), calls(&world)), (Some(3), "", Vec::new()), "{cold:?}");
    for words in [&["env", "deploy", "--no-cache"][..], &["env", "deploy", "--duration", "2h", "--no-cache"]] {
        let done = world.sign_in(&device, words);
        assert_eq!(done.stderr, "");
        assert_role(&world, &done, "deploy");
    }
    assert_eq!(calls(&world), ["GetSessionToken", "AssumeRole", "AssumeRole"]);
    assert_eq!(content(&folder), before);
}

#[test]
fn after_clear_all_a_copy_of_the_folder_is_useless() {
    let Cast { world, .. } = warm();
    let record = world.read("state/mfa-cred/key-id");
    let entries = content(&world.state().join("entries"));
    let cleared = world.run(&["clear", "--all"]);
    let said = "removed 3 cached entries\nthe sealing key was destroyed: cached credentials, copies included, can no \
                longer be opened\n";
    assert_eq!((cleared.status.code(), cleared.stderr.as_str()), (Some(0), said));
    assert_eq!(world.entries(), Vec::<PathBuf>::new());
    world.write("state/mfa-cred/key-id", record);
    for (path, bytes) in entries {
        fs::write(path, bytes).expect("written");
    }
    for profile in ["deploy", "audit"] {
        let cold = world.run(&["process", profile]);
        assert_eq!((cold.status.code(), cold.stdout.as_str(), calls(&world)), (Some(3), "", Vec::new()), "{cold:?}");
    }
}

/// Every way to damage an entry: what was done, and the remaining bytes.
fn damages(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let lines: Vec<usize> = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
    let body = lines[1] + 1;
    // Both lines of the header, the nonce, the ciphertext and the tag: their ends, and positions in between.
    let ends = [0, lines[0], lines[0] + 1, lines[1], body, body + 23, body + 24, bytes.len() - 17, bytes.len() - 1];
    let places: Vec<usize> = ends.into_iter().chain((0..bytes.len()).step_by(101)).collect();
    let flipped = places.iter().map(|&at| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        (format!("byte {at} flipped"), changed)
    });
    let cut = places.iter().map(|&at| (format!("cut to {at}"), bytes[..at].to_vec()));
    let text = |from: &str, to: &str| {
        let head = String::from_utf8(bytes[..body].to_vec()).expect("text");
        assert!(head.contains(from), "{from} is not in {head}");
        (format!("{from} became {to}"), [head.replacen(from, to, 1).as_bytes(), &bytes[body..]].concat())
    };
    let others = [
        ("a byte more".to_owned(), [bytes, b"x"].concat()),
        ("not ours".to_owned(), b"[profile x]\n".repeat(10_000)),
        text("mfa-cred entry 1", "mfa-cred entry 0"),
        text("mfa-cred entry 1", "mfa-cred entry 2"),
        text("\"end\":\"2", "\"end\":\"3"),
        text("\"profile\":\"", "\"profile\":\"x"),
    ];
    flipped.chain(cut).chain(others).collect()
}

#[test]
fn a_damaged_role_entry_is_replaced_without_a_code() {
    let Cast { world, .. } = warm();
    let path = entry(&world, DEPLOY);
    let whole = fs::read(&path).expect("an entry");
    for (what, bytes) in damages(&whole) {
        fs::write(&path, &bytes).expect("written");
        let status = world.run(&["status"]);
        assert_eq!((status.status.code(), status.stderr.as_str()), (Some(0), ""), "{what}");
        let done = world.run(&["env", "deploy"]);
        assert_role(&world, &done, "deploy");
        assert_eq!((done.stderr.as_str(), calls(&world)), ("", vec!["AssumeRole".to_owned()]), "{what}");
        assert_ne!(fs::read(&path).expect("an entry"), bytes, "{what}: it was not replaced");
    }
    // The intact one still opens, so it was the damage that was detected.
    fs::write(&path, &whole).expect("written");
    assert_role(&world, &world.run(&["env", "deploy"]), "deploy");
    assert_eq!(calls(&world), Vec::<String>::new());
}

#[test]
fn a_damaged_session_entry_needs_a_code() {
    let Cast { world, .. } = warm();
    fs::remove_file(entry(&world, DEPLOY)).expect("removed");
    let path = entry(&world, SESSION);
    let whole = fs::read(&path).expect("an entry");
    for (what, bytes) in damages(&whole) {
        fs::write(&path, &bytes).expect("written");
        let cold = world.run(&["process", "deploy"]);
        assert_eq!((cold.status.code(), cold.stdout.as_str(), calls(&world)), (Some(3), "", Vec::new()), "{what}");
    }
    fs::write(&path, &whole).expect("written");
    assert_role(&world, &world.run(&["env", "deploy"]), "deploy");
    assert_eq!(calls(&world), ["AssumeRole"]);
}

#[test]
fn swapped_and_foreign_entries_do_not_open() {
    let Cast { world, .. } = warm();
    let (deploy, audit, session) = (entry(&world, DEPLOY), entry(&world, AUDIT), entry(&world, SESSION));
    let other = warm();
    let foreign = fs::read(entry(&other.world, DEPLOY)).expect("an entry");
    let bytes = |path: &PathBuf| fs::read(path).expect("an entry");
    let (of_deploy, of_audit, of_session) = (bytes(&deploy), bytes(&audit), bytes(&session));
    for (what, at_deploy, at_audit) in [
        ("swapped", &of_audit, &of_deploy),
        ("twice the one", &of_audit, &of_audit),
        ("the session", &of_session, &of_session),
        ("another home's", &foreign, &foreign),
    ] {
        fs::write(&deploy, at_deploy).expect("written");
        fs::write(&audit, at_audit).expect("written");
        let mut made = 0;
        for (name, path, planted) in [("deploy", &deploy, at_deploy), ("audit", &audit, at_audit)] {
            let done = world.run(&["env", name]);
            assert_role(&world, &done, name);
            assert_eq!(done.stderr, "", "{what}");
            made += usize::from(bytes(path) != *planted);
        }
        // An entry in its own place is not damaged.
        let expected = usize::from(*at_deploy != of_deploy) + usize::from(*at_audit != of_audit);
        assert_eq!((made, calls(&world).len()), (expected, expected), "{what}");
    }
}

#[test]
fn a_folder_or_link_in_place_of_an_entry_does_no_harm() {
    let Cast { world, .. } = warm();
    let path = entry(&world, DEPLOY);
    fs::remove_file(&path).expect("removed");
    symlink("/dev/null", &path).expect("planted");
    assert_role(&world, &world.run(&["env", "deploy"]), "deploy");
    assert_eq!(calls(&world), ["AssumeRole"]);
    assert!(!path.is_symlink(), "it was replaced, and not written through");

    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("planted");
    let done = world.run(&["env", "deploy"]);
    assert_role(&world, &done, "deploy");
    assert_eq!(done.stderr, "warning: credentials will not be cached: Is a directory (os error 21)\n");
    let listed = world.run(&["status", "deploy"]);
    assert_eq!((listed.status.code(), listed.stderr.as_str()), (Some(0), ""));
}
