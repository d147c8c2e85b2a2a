//! Writers that are killed: before each system call that changes something, or in the middle of a file. Whatever they
//! leave, an entry is either complete or missing, and the next process works. Also locks that fail, as on NFS.
//!
//! `strace` kills the program and makes calls fail; the program knows nothing of it.

use std::fs;
use std::path::{Path, PathBuf};

use mfa_cred::host::Keystore as _;
use mfa_cred::vault::kernel::KernelKeyring;

use super::{DEPLOY, assert_role, calls, entry, served_without_cache, sign_in_below, warm};
use crate::support::pty::{self, Finished, PATIENCE};
use crate::support::tools::{find, skip};
use crate::support::world::{Cast, MFA_CRED, World};

const KILL: i32 = 9;
/// "File size limit exceeded", after writing as much as fits.
const XFSZ: i32 = 25;

/// The calls that change files, folders and keys. Between two of them nothing changes that another process could see.
const STEPS: [&str; 10] =
    ["mkdir", "write", "fsync", "rename", "renameat", "renameat2", "ftruncate", "unlink", "add_key", "keyctl"];

/// Words before a program that kill it before its `nth` call of `step`. The keys that it makes are named in `trace`.
fn killing(step: &str, nth: usize, trace: &Path) -> Vec<String> {
    let (trace, calls) = (trace.to_str().expect("a path in UTF-8"), format!("trace=?add_key,?{step}"));
    let kill = format!("inject=?{step}:signal=KILL:when={nth}");
    let words = ["strace", "-f", "-qq", "-s", "64", "-e", "signal=none", "-o", trace, "-e", &calls, "-e", &kill];
    words.map(str::to_owned).to_vec()
}

/// A killed program may not have recorded its keys; they would stay until they expire.
fn end_keys(trace: &Path) {
    let text = fs::read(trace).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    for id in text.split("\"mfa-cred:").skip(1).filter_map(|rest| rest.split_once('"')) {
        KernelKeyring.delete(id.0).expect("a key that ends, or is none");
    }
}

fn can_trace() -> bool {
    let can = find("strace", &["-o", "/dev/null", "true"]).is_some();
    if !can {
        skip("a program whose system calls fail", "strace, or the right to trace,");
    }
    can
}

fn run_below(world: &World, wrapper: &[String], words: &[&str], stdin: &str) -> Finished {
    let mut command = pty::off_terminal(&wrapper[0]);
    world.dress(&mut command);
    command.args(&wrapper[1..]).arg(MFA_CRED).args(words);
    let finished = pty::run(command, stdin.as_bytes(), PATIENCE);
    world.heard("a crash", &finished);
    finished
}

/// What was being written when the writer was killed.
fn unfinished(world: &World) -> Vec<PathBuf> {
    world.entries().into_iter().filter(|path| path.file_name().is_some_and(is_unfinished)).collect()
}

fn is_unfinished(name: &std::ffi::OsStr) -> bool {
    name.to_string_lossy().starts_with(".new-")
}

/// Signs in and is killed before the `nth` call of `step`; then checks that the next run works. Returns whether it came
/// that far.
fn crashes_when_cold(step: &str, nth: usize, trace: &Path) -> bool {
    let Cast { world, device, .. } = World::cast();
    let what = format!("{step} {nth}");
    let code = device.fresh_code();
    let words = ["process", "deploy", "--mfa-token", "-"];
    let crashed = run_below(&world, &killing(step, nth, trace), &words, &code);
    if crashed.status.success() {
        return false;
    }
    assert_eq!(crashed.signal(), Some(KILL), "{what}: {crashed:?}");
    let was_sent = !calls(&world).is_empty();
    let left = unfinished(&world);
    let entries = world.entries().into_iter().filter(|path| !left.contains(path));
    let entries: Vec<_> =
        entries.map(|path| String::from_utf8_lossy(&fs::read(path).expect("one")).into_owned()).collect();
    assert!(entries.iter().all(|entry| entry.contains("\"kind\":")), "{what}: an entry without its header");
    let has = |kind: &str| entries.iter().any(|entry| entry.contains(kind));
    let missing: &[&str] = match (has("\"kind\":\"session\""), has("\"kind\":\"role\"")) {
        (true, true) => &[],
        (true, false) => &["AssumeRole"],
        (false, _) => &["GetSessionToken", "AssumeRole"],
    };
    if entries.is_empty() && was_sent {
        let again = world.run_with_stdin(&words, &code);
        assert_eq!((again.status.code(), calls(&world)), (Some(4), Vec::new()), "{what}: {again:?}");
    }
    // An existing entry is served without a message, so it was complete.
    let next = world.sign_in(&device, &["env", "deploy"]);
    assert_role(&world, &next, "deploy");
    assert_eq!((next.stderr.as_str(), calls(&world).join(" ")), ("", missing.join(" ")), "{what}");
    assert_role(&world, &world.run(&["env", "deploy"]), "deploy");
    assert_eq!(calls(&world), Vec::<String>::new(), "{what}");
    // If it is killed between recording a key for the system's keyring and learning that there is no keyring, the
    // record stays; without a keyring that could be asked, `clear --all` keeps reporting it.
    let cleared = world.run(&["clear", "--all"]);
    assert!(matches!(cleared.status.code(), Some(0 | 7)), "{what}: {cleared:?}");
    let _ = fs::remove_file(world.state().join("key-id"));
    true
}

#[test]
fn a_first_sign_in_killed_at_any_step_leaves_complete_entries_or_none() {
    if !can_trace() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    // Two at a time: most of the time is spent waiting for processes to start.
    let crashes: usize = std::thread::scope(|scope| {
        let halves: Vec<_> = STEPS
            .chunks(STEPS.len() / 2)
            .enumerate()
            .map(|(n, steps)| {
                let trace = folder.path().join(n.to_string());
                scope.spawn(move || {
                    let crash = |step: &&str| {
                        let crashes = |nth: &usize| {
                            let did = crashes_when_cold(step, *nth, &trace);
                            end_keys(&trace);
                            did
                        };
                        (1..1000).take_while(crashes).count()
                    };
                    steps.iter().map(crash).sum::<usize>()
                })
            })
            .collect();
        halves.into_iter().map(|half| half.join().expect("no half fails")).sum()
    });
    // Folders, ledger, clock, key, session, role: fewer steps would mean that most were not observed.
    assert!(crashes > 40, "{crashes}");
}

#[test]
fn a_renewal_killed_at_any_step_leaves_the_old_entry_or_the_new_one() {
    if !can_trace() {
        return;
    }
    let Cast { world, .. } = warm();
    let folder = tempfile::tempdir().expect("a folder");
    let renew = ["process", "deploy", "--min-ttl", "2h"];
    let (mut crashes, mut left) = (0, 0);
    for step in ["write", "fsync", "rename", "renameat", "renameat2", "ftruncate", "keyctl"] {
        for nth in 1.. {
            let crashed = run_below(&world, &killing(step, nth, &folder.path().join("trace")), &renew, "");
            if crashed.status.success() {
                break;
            }
            assert_eq!(crashed.signal(), Some(KILL), "{step} {nth}: {crashed:?}");
            crashes += 1;
            calls(&world);
            let served = world.run(&["env", "deploy"]);
            assert_role(&world, &served, "deploy");
            assert_eq!((served.stderr.as_str(), calls(&world).len()), ("", 0), "{step} {nth}");
            left = left.max(unfinished(&world).len());
        }
    }
    assert!(crashes > 8 && left > 0, "{crashes} crashes, {left} unfinished files");
}

#[test]
fn a_writer_killed_in_the_middle_of_a_file_leaves_the_old_entry() {
    let Cast { world, .. } = warm();
    let path = entry(&world, DEPLOY);
    let old = fs::read(&path).expect("an entry");
    // The smallest unit of a shell's file size limit, which is less than an entry and more than every other file.
    let limited = ["sh", "-c", "ulimit -f 1; exec \"$@\"", "sh"].map(str::to_owned);
    let crashed = run_below(&world, &limited, &["process", "deploy", "--min-ttl", "2h"], "");
    assert_eq!((crashed.signal(), calls(&world).len()), (Some(XFSZ), 1), "{crashed:?}");
    let half: Vec<_> =
        unfinished(&world).into_iter().map(|path| fs::metadata(path).expect("it is there").len()).collect();
    assert!(half.len() == 1 && (1..old.len() as u64).contains(&half[0]), "{half:?}");
    assert_eq!(fs::read(&path).expect("an entry"), old);
    assert_role(&world, &world.run(&["env", "deploy"]), "deploy");
    assert_eq!(calls(&world), Vec::<String>::new());
}

#[test]
fn failing_locks_disable_the_cache_only() {
    if !can_trace() {
        return;
    }
    let failing = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=flock", "-e", "inject=flock:error=ENOLCK"];
    let Cast { world, device, .. } = World::cast();
    let reason = served_without_cache(&world, &sign_in_below(&world, &device, &failing));
    assert_eq!(reason, format!("{} cannot be used: No locks available (os error 37)", world.state().display()));
    assert!(world.entries().is_empty());
    // Existing entries are still served: reading needs no lock.
    world.sign_in(&device, &["login", "deploy"]);
    calls(&world);
    let failing = failing.map(str::to_owned);
    let served = run_below(&world, &failing, &["env", "deploy"], "");
    assert_role(&world, &served, "deploy");
    assert_eq!((served.stderr.as_str(), calls(&world).len()), ("", 0));
}
