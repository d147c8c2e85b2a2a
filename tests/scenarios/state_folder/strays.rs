//! Files that accumulate in a state folder: expired entries, files of killed writers, and another version's files next
//! to ours.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

use super::{DEPLOY, assert_role, calls, content, entry, warm};
use crate::support::pty::{PATIENCE, run};
use crate::support::tools::{find, skip};
use crate::support::world::{Cast, MFA_CRED, World};

const HOUR: Duration = Duration::from_hours(1);

/// Writes an entry like that one, with its own identity, another expiration and another first line.
fn plant(like: &Path, n: usize, end: Timestamp, format: &str) -> PathBuf {
    let bytes = fs::read(like).expect("an entry");
    let split = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).expect("two lines").0;
    let (head, body) = bytes.split_at(split);
    let head = std::str::from_utf8(head).expect("text");
    let (_, header) = head.split_once('\n').expect("two lines");
    let mut header: serde_json::Value = serde_json::from_str(header).expect("JSON");
    let name = format!("{n:064x}");
    header["identity"] = name.clone().into();
    header["end"] = end.to_string().into();
    let path = like.with_file_name(name);
    fs::write(&path, [format!("{format}\n{header}").as_bytes(), body].concat()).expect("written");
    path
}

/// Makes a file as old as that.
fn age(path: &Path, age: Duration) {
    let file = File::options().write(true).open(path).expect("it is there");
    file.set_modified(SystemTime::now() - age).expect("it is ours");
}

/// How often a warm call opens a file.
fn opened(world: &World) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace");
    let words =
        ["-f", "-qq", "-e", "trace=openat,open", "-o", trace.to_str().expect("a path"), MFA_CRED, "env", "deploy"];
    assert_role(world, &world.run_other("strace", &words, PATIENCE), "deploy");
    fs::read_to_string(trace).expect("a trace").lines().count()
}

#[test]
fn expired_entries_do_not_slow_a_warm_call_and_are_swept_by_the_next_cold_one() {
    let Cast { world, .. } = warm();
    let role = entry(&world, DEPLOY);
    let can_trace = find("strace", &["-o", "/dev/null", "true"]).is_some();
    let before = can_trace.then(|| opened(&world));
    let now = Timestamp::now();
    let ends =
        |n: usize| if n < 100 { now - SignedDuration::from_hours(2) } else { now + SignedDuration::from_mins(30) };
    let planted: Vec<_> = (0..1000).map(|n| plant(&role, n, ends(n), "mfa-cred entry 1")).collect();
    // Expired recently: if the clock was set back, it may still be valid.
    let just_ended = plant(&role, 1000, now - SignedDuration::from_mins(30), "mfa-cred entry 1");
    let there = || planted.iter().map(|path| path.exists()).collect::<Vec<_>>();

    assert_role(&world, &world.run(&["env", "deploy"]), "deploy");
    assert_eq!((calls(&world).len(), there()), (0, vec![true; 1000]));
    match before {
        Some(before) => assert_eq!(opened(&world), before),
        None => skip("how many files a warm call opens", "strace, or the right to trace,"),
    }
    assert_role(&world, &world.run(&["env", "audit", "--min-ttl", "2h"]), "audit");
    assert_eq!(there(), (0..1000).map(|n| n >= 100).collect::<Vec<_>>());
    assert!(just_ended.exists() && role.exists());
}

#[test]
fn files_left_by_killed_writers_are_swept() {
    let Cast { world, .. } = warm();
    let role = entry(&world, DEPLOY);
    let file = |folder: &Path, name: &str, old: Duration| {
        let path = folder.join(name);
        fs::write(&path, "mfa-cred entry 1\n{\"identity\":").expect("written");
        age(&path, old);
        path
    };
    let entries = role.parent().expect("a folder").to_owned();
    let old: Vec<_> =
        [&entries, &world.state()].map(|folder| [".new-a", ".tmpb"].map(|name| file(folder, name, 49 * HOUR))).concat();
    let young: Vec<_> = [&entries, &world.state()].map(|folder| file(folder, ".new-c", HOUR)).to_vec();
    // Files of any age that must not be removed.
    let kept: Vec<_> = ["ledger-key", "key-id"].map(|name| world.state().join(name)).to_vec();
    for path in &kept {
        age(path, 900 * HOUR);
    }
    assert_role(&world, &world.run(&["env", "deploy"]), "deploy");
    assert!(old.iter().all(|path| path.exists()), "swept on the warm path");
    assert_role(&world, &world.run(&["env", "deploy", "--min-ttl", "2h"]), "deploy");
    assert!(old.iter().all(|path| !path.exists()), "{:?}", content(&entries).keys());
    assert!(young.iter().chain(&kept).all(|path| path.exists()), "what may be in use is gone");
}

#[test]
fn another_versions_entries_are_kept_until_they_expire() {
    let Cast { world, .. } = warm();
    let role = entry(&world, DEPLOY);
    let status = world.run(&["status"]).stdout;
    let end = Timestamp::now() + SignedDuration::from_hours(10);
    let planted: Vec<_> = ["mfa-cred entry 0", "mfa-cred entry 2", "mfa-cred entry 10"]
        .into_iter()
        .enumerate()
        .map(|(n, format)| plant(&role, n, end, format))
        .collect();
    let bytes: Vec<_> = planted.iter().map(|path| fs::read(path).expect("planted")).collect();
    for path in &planted {
        age(path, 36 * HOUR);
    }
    assert_eq!(world.run(&["status"]).stdout, status);
    for words in [&["env", "deploy"][..], &["env", "deploy", "--min-ttl", "2h"], &["env", "audit", "--min-ttl", "2h"]] {
        let done = world.run(words);
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{words:?}");
    }
    assert_eq!(planted.iter().map(|path| fs::read(path).expect("left")).collect::<Vec<_>>(), bytes);
    // No session lasts that long, so the version that made it no longer needs it.
    for path in &planted {
        age(path, 49 * HOUR);
    }
    assert!(world.run(&["env", "deploy", "--min-ttl", "2h"]).status.success());
    assert!(planted.iter().all(|path| !path.exists()));
}

/// What two versions must agree on: the lock that serializes a device's codes, and the ledger of spent ones. The names
/// were computed independently, with Python's `hashlib` and `hmac`.
#[test]
fn every_version_uses_the_same_locks_and_ledger() {
    const DEVICE: &str = "arn:aws:iam::123456789012:mfa/alice-phone";
    const LOCK: &str = "device-3a8a1f05b00682c860fbea22de939b6b";
    const LEDGER: &str = "ledger-1c0125c4ae56d95968a1451d19cef941";
    let Cast { world, device, .. } = World::cast();
    assert_eq!(device.serial(), DEVICE);
    let state = world.state();
    fs::create_dir_all(state.join("locks")).expect("made");
    fs::write(state.join("ledger-key"), [1; 32]).expect("written");

    // Another version has sent this code.
    let code = device.fresh_code();
    let mut digest = Hmac::<Sha256>::new_from_slice(&[1; 32]).expect("a key");
    for part in ["code", DEVICE, &code] {
        digest.update(&(part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    let digest: String = digest.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(state.join(LEDGER), format!("{digest} {}\n", Timestamp::now().as_second())).expect("written");
    let spent = world.run_with_stdin(&["process", "deploy", "--mfa-token", "-"], &code);
    assert_eq!((spent.status.code(), calls(&world)), (Some(4), Vec::new()), "{spent:?}");

    // Another version holds the device's lock, as any program can.
    let mut holder = Command::new("flock")
        .args([state.join("locks").join(LOCK).to_str().expect("a path"), "-c", "echo held; read -r _"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("flock of util-linux");
    let mut said = [0; 5];
    holder.stdout.as_mut().expect("a pipe").read_exact(&mut said).expect("it has the lock");
    let (command, code) = (world.command(&["process", "deploy", "--mfa-token", "-"]), device.fresh_code());
    let waiting = std::thread::spawn(move || run(command, code.as_bytes(), PATIENCE));
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(calls(&world), Vec::<String>::new(), "it did not wait");
    holder.stdin.take().expect("a pipe").write_all(b"\n").expect("it reads");
    let waiting = waiting.join().expect("it ends");
    assert_eq!((waiting.status.code(), waiting.stderr.as_str()), (Some(0), ""), "{waiting:?}");
    assert!(holder.wait().expect("it ends").success());
}
