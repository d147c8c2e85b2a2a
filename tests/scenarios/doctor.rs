//! `doctor` on a good machine and on broken ones: it names the one fault and no other, soon, changes nothing, and its
//! output holds no secret.

mod broken;
mod output;
mod sources;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::pty::{Finished, PATIENCE};
use crate::support::world::{Cast, MFA_CRED, World};

/// What `doctor` said, after a look for secrets in it.
fn doctor(world: &World, words: &[&str]) -> Finished {
    let done = world.run(&[&["doctor"], words].concat());
    let leaks = world.aws.leaks(done.stdout.as_bytes());
    assert!(leaks.is_empty(), "{leaks:?} in {}", done.stdout);
    done
}

/// The findings as data.
fn findings(world: &World, words: &[&str]) -> Vec<Value> {
    let done = doctor(world, &[words, &["--json"]].concat());
    assert_eq!(done.stderr, "", "{words:?}");
    let rows: Vec<Value> = serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"));
    let has_failed = rows.iter().any(|row| row["status"] == "fail");
    assert_eq!(done.status.code(), Some(i32::from(has_failed)), "{done:?}");
    rows
}

/// The ids of the findings of that status.
fn ids<'r>(rows: &'r [Value], status: &str) -> Vec<&'r str> {
    rows.iter().filter(|row| row["status"] == status).filter_map(|row| row["id"].as_str()).collect()
}

fn finding<'r>(rows: &'r [Value], id: &str) -> &'r Value {
    rows.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("no check is called {id}"))
}

/// Every file and folder below, with its mode, size and time of change.
fn everything_below(folder: &Path) -> BTreeMap<PathBuf, (u32, u64, i64, i64)> {
    let mut all = BTreeMap::new();
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        let found = file.metadata().expect("it is there");
        all.insert(file.path(), (found.mode(), found.size(), found.ctime(), found.ctime_nsec()));
        if found.is_dir() {
            all.extend(everything_below(&file.path()));
        }
    }
    all
}

#[test]
fn on_a_good_machine_nothing_is_wrong_before_and_after_signing_in() {
    let Cast { world, device, .. } = World::cast();
    for is_signed_in in [false, true] {
        if is_signed_in {
            world.sign_in(&device, &["login", "deploy"]);
        }
        let rows = findings(&world, &["deploy"]);
        assert!(ids(&rows, "fail").is_empty() && ids(&rows, "warn").is_empty(), "{rows:#?}");
        // What does not apply: no token file, no container endpoint, no shell, and before the first sign-in no cache.
        let mut skipped = vec!["source-file", "sealed-keys", "container-keys", "shell-function", "prompt"];
        if !is_signed_in {
            skipped.insert(0, "state-format");
        }
        assert_eq!(ids(&rows, "skipped"), skipped);
    }
}

#[test]
fn it_asks_no_code_and_changes_nothing() {
    let Cast { world, device, .. } = World::cast();
    let before = everything_below(world.home());
    doctor(&world, &["deploy"]);
    assert_eq!(everything_below(world.home()), before, "in a home without a state folder");
    world.sign_in(&device, &["login", "deploy"]);
    world.aws.skew(3600);
    let before = everything_below(world.home());
    world.aws.take_calls();
    doctor(&world, &["deploy"]);
    assert_eq!(everything_below(world.home()), before, "in one with entries, locks and another clock");
    let calls: Vec<String> = world.aws.take_calls().into_iter().map(|call| call.action).collect();
    assert!(calls.iter().all(|call| call == "GetCallerIdentity" || call == "ListMFADevices"), "{calls:?}");
    let login = world.run(&["status", "deploy"]);
    assert!(login.status.success(), "what was cached is still there: {login:?}");
}

/// Whoever is asked, and whoever was stopped while asked; neither notices.
#[test]
fn the_holder_of_a_lock_is_named_and_keeps_it() {
    let Cast { world, .. } = World::cast();
    let mut asked = world.at_terminal(&["login", "deploy"]);
    asked.wait_for("code", PATIENCE);
    let of_locks = || finding(&findings(&world, &["deploy"]), "locks").clone();
    let (running, pid) = (of_locks(), asked.pid().to_string());
    assert_eq!(running["status"], "pass", "{running}");
    assert!(running["what"].as_str().expect("text").contains(&pid), "{running}");
    asked.signal(Signal::STOP);
    let start = Instant::now();
    let stopped = loop {
        let row = of_locks();
        if row["status"] == "warn" || start.elapsed() > PATIENCE {
            break row;
        }
    };
    assert!(stopped["repair"].as_str().expect("text").contains(&pid), "{stopped}");
    let locks = fs::read_dir(world.state().join("locks")).expect("it is there").flatten();
    let is_held = |file: fs::DirEntry| fs::read_to_string(file.path()).is_ok_and(|text| text.contains(&pid));
    assert!(locks.filter(|file| file.path().is_file()).any(is_held), "it was taken away");
    asked.signal(Signal::CONT);
    asked.signal(Signal::TERM);
    let ended = asked.finish(PATIENCE);
    world.heard("login", &ended);
    assert_eq!(of_locks()["what"], "no process holds a lock");
}

/// The line that `init` is loaded by, and the file that it wrote, are found in the shells' own places.
#[test]
fn the_shells_function_and_its_segment_are_found_where_the_shell_looks() {
    for (shell, file, line) in [
        ("bash", ".bashrc", "eval \"$(mfa-cred init bash --prompt)\""),
        ("zsh", ".zshrc", "eval \"$(mfa-cred init zsh --prompt)\""),
        ("fish", "config/fish/config.fish", "mfa-cred init fish --prompt | source"),
        ("elvish", "config/elvish/rc.elv", "eval (mfa-cred init elvish --prompt | slurp)"),
        ("xonsh", ".xonshrc", "execx($(mfa-cred init xonsh --prompt))"),
        ("tcsh", ".tcshrc", "eval \"`'PROGRAM' init tcsh`\"; set prompt = \"`mfa-cred prompt`\""),
        ("nu", "config/nushell/autoload/mfa-cred.nu", "WRITTEN"),
    ] {
        let Cast { world, .. } = World::cast();
        world.set("SHELL", format!("/bin/{shell}"));
        let written = || world.run(&["init", shell, "--prompt"]).stdout;
        let loading = || format!("# first\n{}\n", line.replace("PROGRAM", MFA_CRED));
        world.write(file, if line == "WRITTEN" { written() } else { loading() });
        let rows = findings(&world, &["deploy"]);
        for id in ["shell-function", "prompt"] {
            let row = finding(&rows, id);
            let what = row["what"].as_str().expect("text");
            assert!(row["status"] == "pass" && what.contains(file), "{shell}: {row}");
        }
    }
}

#[test]
fn offline_no_call_is_made_and_checks_that_need_one_are_skipped() {
    let Cast { world, .. } = World::cast();
    let rows = findings(&world, &["deploy", "--offline"]);
    assert!(world.aws.calls().is_empty());
    for id in ["sts", "clock", "access-key", "device"] {
        let row = finding(&rows, id);
        assert_eq!((row["status"].as_str(), row["what"].as_str()), (Some("skipped"), Some("offline")), "{row}");
    }
    assert_eq!(finding(&rows, "device-kind")["status"], "pass", "the serial says that by itself");
}

#[test]
fn keys_from_a_command_or_a_server_are_not_fetched() {
    let Cast { world, .. } = World::cast();
    world.add_config("[profile outside]\nregion = us-east-1\ncredential_process = touch was-run\n");
    let rows = findings(&world, &["outside"]);
    assert!(!world.home().join("was-run").exists(), "the command was run");
    assert!(ids(&rows, "fail").is_empty(), "{rows:#?}");
    assert_eq!(finding(&rows, "sts")["status"], "pass");
    assert_eq!(finding(&rows, "access-key")["status"], "skipped");
}
