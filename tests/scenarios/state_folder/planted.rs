//! A state folder that others could once write to, and what they may have left in it: nothing of it is used, and
//! nothing outside is changed.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{NOBODY, assert_role, calls, content, mode, set_mode, sign_in_below, warm};
use crate::support::files::make_pipe;
use crate::support::pty::{self, Finished, PATIENCE};
use crate::support::tools::skip;
use crate::support::world::{Cast, MFA_CRED, World};

/// Where the folder has been moved to.
fn set_aside(world: &World) -> Vec<PathBuf> {
    let folders = fs::read_dir(world.home().join("state")).expect("listed").flatten().map(|folder| folder.path());
    folders.filter(|path| *path != world.state()).collect()
}

#[track_caller]
fn assert_set_aside(world: &World, done: &Finished, what: &Path, why: &str) {
    let [aside] = &set_aside(world)[..] else { panic!("{:?} {done:?}", set_aside(world)) };
    let said = format!(
        "warning: {} {why}, so the state folder cannot be trusted: renamed it to {} and created a new one\n",
        what.display(),
        aside.display()
    );
    assert_eq!(world.without_tilde(&done.stderr), said);
    assert_eq!((mode(aside), mode(&world.state())), (0o700, 0o700));
}

#[test]
fn a_folder_writable_by_others_is_set_aside_and_not_adopted() {
    for open in [0o777, 0o770, 0o702, 0o1777] {
        let Cast { world, device, .. } = warm();
        let victim = world.home().join("victim");
        fs::write(&victim, "precious").expect("written");
        let locks = content(&world.state().join("locks")).into_keys().collect::<Vec<_>>();
        for path in locks.iter().chain([&world.state().join("history"), &world.state().join("ledger-key")]) {
            fs::remove_file(path).expect("ours");
            symlink(&victim, path).expect("planted");
        }
        set_mode(&world.state(), open);
        let done = sign_in_below(&world, &device, &["env"]);
        assert_role(&world, &done, "deploy");
        assert_set_aside(&world, &done, &world.state(), "can be written to by other users");
        assert_eq!(calls(&world), ["GetSessionToken", "AssumeRole"], "{open:o}: a cache was trusted");
        assert_eq!(fs::read_to_string(&victim).expect("text"), "precious", "{open:o}");
        let warm = world.run(&["env", "deploy"]);
        assert_eq!((warm.stderr.as_str(), calls(&world).len(), set_aside(&world).len()), ("", 0, 1), "{open:o}");
    }
}

#[test]
fn clear_all_destroys_the_key_of_a_folder_that_was_set_aside() {
    let Cast { world, .. } = warm();
    let record = world.read("state/mfa-cred/key-id");
    let entries = content(&world.state().join("entries"));
    set_mode(&world.state(), 0o777);
    let cleared = world.run(&["clear", "--all"]);
    assert!(cleared.status.success() && cleared.stderr.contains("\nremoved 0 cached entries\n"), "{cleared:?}");
    world.write("state/mfa-cred/key-id", record);
    fs::create_dir_all(world.state().join("entries")).expect("made");
    for (path, bytes) in entries {
        fs::write(path, bytes).expect("written");
    }
    let cold = world.run(&["process", "deploy"]);
    assert_eq!((cold.status.code(), cold.stdout.as_str(), calls(&world)), (Some(3), "", Vec::new()), "{cold:?}");
}

#[test]
fn a_foreign_subfolder_sets_the_whole_folder_aside() {
    for name in ["locks", "entries", "devices"] {
        let Cast { world, device, .. } = warm();
        let (inner, outside) = (world.state().join(name), world.home().join("outside"));
        let _ = fs::rename(&inner, &outside);
        fs::create_dir_all(&outside).expect("made");
        let before = content(&outside);
        symlink(&outside, &inner).expect("planted");
        let done = sign_in_below(&world, &device, &["env"]);
        assert_role(&world, &done, "deploy");
        assert_set_aside(&world, &done, &inner, "is a symbolic link or not a folder");
        assert_eq!(content(&outside), before, "{name}: something was written there");

        let Cast { world, device, .. } = warm();
        let inner = world.state().join(name);
        fs::create_dir_all(&inner).expect("made");
        set_mode(&inner, 0o777);
        let done = sign_in_below(&world, &device, &["env"]);
        assert_role(&world, &done, "deploy");
        assert_set_aside(&world, &done, &inner, "can be written to by other users");

        if !rustix::process::geteuid().is_root() {
            skip("another user's folder", "root, who alone can make one,");
            continue;
        }
        let Cast { world, device, .. } = warm();
        let inner = world.state().join(name);
        fs::create_dir_all(&inner).expect("made");
        chown(&inner, Some(NOBODY), None).expect("root may");
        let done = sign_in_below(&world, &device, &["env"]);
        assert_role(&world, &done, "deploy");
        assert_set_aside(&world, &done, &inner, &format!("belongs to user {NOBODY}"));
    }
}

#[test]
fn concurrent_processes_set_an_open_folder_aside_once() {
    let Cast { world, .. } = warm();
    set_mode(&world.state(), 0o777);
    let started: Vec<_> = std::iter::repeat_with(|| {
        let mut command = world.command(&["status"]);
        command.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().expect("it starts")
    })
    .take(20)
    .collect();
    let said: Vec<_> = started.into_iter().map(|child| child.wait_with_output().expect("it ends")).collect();
    assert!(said.iter().all(|output| output.status.success()), "{said:?}");
    assert_eq!(said.iter().filter(|output| !output.stderr.is_empty()).count(), 1, "{said:?}");
    assert_eq!((set_aside(&world).len(), mode(&world.state())), (1, 0o700));
}

/// Replaces a file with something that leads to `victim`, or nowhere.
type Plant = fn(&Path, &Path);

const PLANTS: [(&str, Plant); 5] = [
    ("a link", |path, victim| symlink(victim, path).expect("planted")),
    ("a link to nowhere", |path, victim| symlink(victim.with_file_name("made"), path).expect("planted")),
    ("a second name", |path, victim| fs::hard_link(victim, path).expect("planted")),
    ("a pipe", |path, _| {
        make_pipe(path);
    }),
    ("a link to what never ends", |path, _| symlink("/dev/zero", path).expect("planted")),
];

#[test]
fn a_link_or_pipe_in_place_of_a_state_file_is_not_followed() {
    for (what, plant) in PLANTS {
        let Cast { world, device, .. } = warm();
        // Everything that a cold call reads and writes, except the entries, which have their own test.
        let mut paths: Vec<_> = content(&world.state().join("locks")).into_keys().collect();
        let top = fs::read_dir(world.state()).expect("listed").flatten().map(|file| file.path());
        paths.extend(top.filter(|path| path.is_file()));
        paths.push(world.state().join("clock-aws"));
        let victims: Vec<_> = (0..paths.len()).map(|n| world.home().join(format!("victim-{n}"))).collect();
        for (path, victim) in paths.iter().zip(&victims) {
            let _ = fs::remove_file(path);
            fs::write(victim, "precious").expect("written");
            plant(path, victim);
        }
        let mut command = pty::off_terminal(MFA_CRED);
        world.dress(&mut command);
        command.args(["env", "deploy", "--refresh", "--mfa-token", "-"]);
        let done = pty::run(command, device.fresh_code().as_bytes(), Duration::from_secs(20));
        assert_role(&world, &done, "deploy");
        assert_eq!((done.stderr.as_str(), calls(&world).len()), ("", 2), "{what}");
        for victim in &victims {
            assert_eq!(fs::read_to_string(victim).expect("text"), "precious", "{what}");
        }
        assert!(!world.home().join("made").exists(), "{what}");
        assert_role(&world, &world.run(&["env", "deploy"]), "deploy");
        assert_eq!(calls(&world), Vec::<String>::new(), "{what}: it is cached");
    }
}

#[test]
fn a_foreign_ledger_key_is_not_used() {
    if !rustix::process::geteuid().is_root() {
        return skip("another user's key", "root, who alone can make one,");
    }
    let Cast { world, device, .. } = warm();
    let path = world.state().join("ledger-key");
    fs::write(&path, [7; 32]).expect("written");
    for (uid, at) in [(NOBODY, 0o600), (0, 0o666)] {
        chown(&path, Some(uid), None).expect("root may");
        set_mode(&path, at);
        let done = sign_in_below(&world, &device, &["env", "MFA_CRED_NO_CACHE=1"]);
        assert_role(&world, &done, "deploy");
        assert_ne!(fs::read(&path).expect("a key"), [7; 32], "{uid} {at:o}");
        assert_eq!((fs::metadata(&path).expect("there").uid(), mode(&path)), (0, 0o600));
        fs::write(&path, [7; 32]).expect("written");
    }
}

#[test]
fn with_umask_zero_the_parent_folders_are_private() {
    let Cast { world, device, .. } = World::cast();
    world.set("XDG_STATE_HOME", world.home().join("a/b").to_str().expect("UTF-8"));
    let done = sign_in_below(&world, &device, &["sh", "-c", "umask 0; exec \"$@\"", "sh"]);
    assert_role(&world, &done, "deploy");
    for folder in ["a", "a/b", "a/b/mfa-cred", "a/b/mfa-cred/entries", "a/b/mfa-cred/locks"] {
        assert_eq!(mode(&world.home().join(folder)), 0o700, "{folder}");
    }
    let warm = world.run_other("sh", &["-c", "umask 0; mfa-cred env deploy"], PATIENCE);
    assert_role(&world, &warm, "deploy");
    assert_eq!(mode(&world.home().join("a/b/mfa-cred/history")), 0o600);
}

#[test]
fn a_folder_that_is_replaced_by_a_link_during_a_prompt_is_not_written_through() {
    let Cast { world, device, .. } = World::cast();
    let outside = world.home().join("outside");
    for folder in ["", "locks", "entries"] {
        fs::create_dir(outside.join(folder)).expect("it is made");
        set_mode(&outside.join(folder), 0o700);
    }
    let mut session = world.at_terminal(&["env", "deploy"]);
    session.wait_for("(alice-phone): ", PATIENCE);
    let old = world.state().with_extension("old");
    fs::rename(world.state(), &old).expect("it is moved");
    symlink(&outside, world.state()).expect("a link");
    session.type_text(&format!("{}\n", device.fresh_code()));
    let done = session.finish(PATIENCE);
    world.heard("env", &done);
    assert_role(&world, &done, "deploy");
    let names = |folder: &Path| fs::read_dir(folder).expect("listed").flatten().map(|it| it.path()).collect::<Vec<_>>();
    let found: Vec<PathBuf> = ["", "locks", "entries"].iter().flat_map(|folder| names(&outside.join(folder))).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    // The key's name is in the old folder, and the key is destroyed with the world.
    fs::remove_file(world.state()).expect("the link");
    fs::rename(old, world.state()).expect("it is moved back");
}
