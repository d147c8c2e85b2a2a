//! Killed at any step, many at once, a full disk, a locked or lost keyring: the key is in one place at least, and whole.

use std::fs;
use std::path::Path;

use super::{CREDENTIALS, SETTINGS, cast, sealed, signs_in, with_text};
use crate::support::pty::{self, Finished, PATIENCE};
use crate::support::secret_service::{SecretService, missing_program};
use crate::support::tools::{find, skip, skip_without};
use crate::support::world::{Cast, MFA_CRED, World, calls, json};

const KILL: i32 = 9;

/// What alters files and folders.
const STEPS: [&str; 9] = ["mkdir", "write", "fsync", "rename", "renameat", "renameat2", "unlink", "chmod", "fchmod"];

pub(super) fn can_trace() -> bool {
    let can = find("strace", &["-o", "/dev/null", "true"]).is_some();
    if !can {
        skip("a program whose system calls fail", "strace, or the right to trace,");
    }
    can
}

pub(super) fn run_below(world: &World, inject: &str, words: &[&str]) -> Finished {
    let mut command = pty::off_terminal("strace");
    world.dress(&mut command);
    let call = inject.split(':').next().expect("a call");
    command.args(["-f", "-qq", "-e", "signal=none", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={inject}"), MFA_CRED]).args(words);
    let finished = pty::run(command, b"", PATIENCE);
    world.heard("a crash", &finished);
    finished
}

/// Where the key can be had from now: the file, the safe, or both.
fn has_the_key(world: &World, id: &str, secret: &str) -> (bool, bool) {
    let text = world.read(CREDENTIALS);
    let in_file = text.contains(id) && text.contains(secret);
    // As if it were not in the file.
    world.write(CREDENTIALS, "[alice]\n");
    let done = world.run(&["process", "alice", "--no-cache"]);
    let in_safe = done.status.success() && json(&done)["SecretAccessKey"] == secret;
    world.write(CREDENTIALS, text);
    (in_file, in_safe)
}

#[test]
fn an_import_that_is_killed_at_any_step_leaves_the_key_in_one_place_at_least() {
    if !can_trace() {
        return;
    }
    let (mut crashes, mut both) = (0, 0);
    for step in STEPS {
        for nth in 1..1000 {
            let cast = cast();
            let Cast { world, key, .. } = &cast;
            let words = ["keys", "import", "alice", "--yes"];
            let crashed = run_below(world, &format!("?{step}:signal=KILL:when={nth}"), &words);
            if crashed.status.success() {
                break;
            }
            assert_eq!(crashed.signal(), Some(KILL), "{step} {nth}: {crashed:?}");
            crashes += 1;
            let (in_file, in_safe) = has_the_key(world, &key.id, &key.secret);
            assert!(in_file || in_safe, "{step} {nth}: the key is lost");
            both += usize::from(in_file && in_safe);
            // The same command brings it to its end.
            let again = world.run(&words);
            assert!(again.status.success() || !in_file, "{step} {nth}: {again:?}");
            assert_eq!(has_the_key(world, &key.id, &key.secret), (false, true), "{step} {nth}");
            assert_eq!(with_text(world, &key.secret), Vec::<String>::new(), "{step} {nth}");
            signs_in(&cast);
        }
    }
    assert!(crashes > 12 && both > 0, "{crashes} crashes, {both} with the key in both places");
}

#[test]
fn a_full_disk_leaves_the_key_where_it_was() {
    if !can_trace() {
        return;
    }
    let Cast { world, key, .. } = cast();
    let before = world.read(CREDENTIALS);
    for (inject, in_safe) in [("?fsync:error=ENOSPC:when=1+", false), ("?mkdir:error=ENOSPC:when=1+", false)] {
        let failed = run_below(&world, inject, &["keys", "import", "alice", "--yes"]);
        assert_eq!((failed.status.code(), failed.stdout.as_str()), (Some(1), ""), "{inject}: {failed:?}");
        assert!(failed.stderr.contains("No space left on device"), "{inject}: {failed:?}");
        assert_eq!(world.read(CREDENTIALS), before, "{inject}");
        assert_eq!(has_the_key(&world, &key.id, &key.secret), (true, in_safe), "{inject}");
    }
    let done = world.run(&["keys", "import", "alice", "--yes"]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(has_the_key(&world, &key.id, &key.secret), (false, true));
}

#[test]
fn twenty_imports_at_once_seal_each_key_once() {
    let Cast { world, .. } = cast();
    let mut text = String::new();
    let keys: Vec<_> = (0..4).map(|n| (format!("user{n}"), world.aws.add_user(&format!("user{n}")))).collect();
    for (name, key) in &keys {
        text += &format!("[{name}]\naws_access_key_id = {}\naws_secret_access_key = {}\n", key.id, key.secret);
    }
    world.write(CREDENTIALS, &text);
    std::thread::scope(|scope| {
        for n in 0..20 {
            let mut command = world.command(&["keys", "import", &keys[n % 4].0, "--yes"]);
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
            scope.spawn(move || command.status().expect("it runs"));
        }
    });
    // Some find the file changed by others, and say so; run once more, all are done.
    for (name, key) in &keys {
        let _ = world.run(&["keys", "import", name, "--yes"]);
        let done = world.run(&["process", name, "--no-cache"]);
        assert_eq!(json(&done)["SecretAccessKey"], key.secret.as_str(), "{done:?}");
        assert_eq!(with_text(&world, &key.secret), Vec::<String>::new());
    }
    assert_eq!(world.read(CREDENTIALS), "[user0]\n[user1]\n[user2]\n[user3]\n");
    let sealed = fs::read_dir(world.safe()).expect("listed").flatten();
    assert_eq!(sealed.filter(|file| is_key(&file.path())).count(), 4);
}

fn is_key(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("access-key-"))
}

#[test]
fn twenty_that_need_the_passphrase_ask_once() {
    let cast = sealed();
    let Cast { world, key, .. } = &cast;
    world.forget_unlocked_keys();
    world.write(SETTINGS, "unlock_process = echo asked >> asked; sleep 0.3; echo tulip\n");
    let outputs: Vec<std::process::Output> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..20)
            .map(|_| {
                let mut command = world.command(&["process", "alice", "--no-cache"]);
                scope.spawn(move || command.output().expect("it runs"))
            })
            .collect();
        running.into_iter().map(|one| one.join().expect("it ends")).collect()
    });
    for output in &outputs {
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains(&key.id), "{output:?}");
    }
    assert_eq!(world.read("asked").lines().count(), 1);
}

/// Lets the processes of this world meet that Secret Service.
fn meet(world: &World, service: &SecretService) {
    let bus = service.env().into_iter().find(|(name, _)| *name == "DBUS_SESSION_BUS_ADDRESS").expect("a bus").1;
    world.set("DBUS_SESSION_BUS_ADDRESS", bus.to_str().expect("a path in UTF-8"));
}

#[test]
fn a_keyring_that_is_locked_or_lost_loses_nothing() {
    if let Some(program) = missing_program() {
        skip_without("the Secret Service", program);
        return;
    }
    let cast = World::cast();
    let Cast { world, key, .. } = &cast;
    let mut service = SecretService::unlocked();
    meet(world, &service);
    let before = world.read(CREDENTIALS);
    // Locked before anything is sealed: the key stays in the file, and no passphrase is asked in its place.
    service.lock();
    let failed = world.run(&["keys", "import", "alice", "--yes"]);
    assert_eq!(failed.status.code(), Some(7), "{failed:?}");
    assert!(
        failed.stderr.contains("the Secret Service, which keeps the key to your sealed access keys, cannot be used")
    );
    assert!(failed.stderr.ends_with("hint: unlock it, and run the command again\n"), "{failed:?}");
    assert_eq!(world.read(CREDENTIALS), before);
    let mut service = SecretService::unlocked();
    meet(world, &service);
    let done = world.run(&["keys", "import", "alice", "--yes"]);
    assert!(done.stderr.contains("of alice is sealed (Secret Service)\n"), "{done:?}");
    signs_in(&cast);
    assert_eq!(with_text(world, &key.secret), Vec::<String>::new());
    // Locked or gone, it costs what needs the key, and no code; afterward all is as before.
    service.lock();
    for bus in [None, Some("unix:path=/nonexistent")] {
        if let Some(bus) = bus {
            world.set("DBUS_SESSION_BUS_ADDRESS", bus);
        }
        let failed = world.run(&["env", "deploy", "--refresh", "--mfa-token", "123456"]);
        assert_eq!((failed.status.code(), calls(world)), (Some(7), Vec::new()), "{failed:?}");
        assert_eq!(world.run(&["env", "deploy"]).status.code(), Some(0), "what is cached is served");
        world.aws.take_calls();
    }
    let listed = json(&world.run(&["keys", "list", "--json"]));
    assert_eq!(listed[0]["access_key_id"], key.id.as_str());
}
