//! `device enroll --keep-seed` that ends anywhere: the seed of a device that AWS took is never lost without a word, and no file
//! is half written.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::faults::{alices, nobodys, type_both};
use super::{CONFIG, FIRST, LAPTOP, NEXT, devices, finish, laptop, newcomer, signal};
use crate::support::aws::{Fault, When};
use crate::support::pty::{Finished, PATIENCE, Pty, Session};
use crate::support::tools::{find, skip};
use crate::support::world::{MFA_CRED, World};

const WORDS: [&str; 8] = ["device", "enroll", "--profile", "alice", "--name", "laptop", "--yes", "--keep-seed"];

fn stranger() -> World {
    let (world, _) = newcomer();
    world.write("config/mfa-cred/config.ini", "unlock_process = echo tulip\n");
    world
}

fn can_trace() -> bool {
    let can = find("strace", &["-o", "/dev/null", "true"]).is_some();
    if !can {
        skip("a program whose system calls fail", "strace, or the right to trace,");
    }
    can
}

/// The program below strace, which does `inject` to it.
fn below(world: &World, inject: &str) -> Session {
    let mut command = Command::new("strace");
    world.dress(&mut command);
    let call = inject.split(':').next().expect("a call");
    command.args(["-f", "-qq", "-e", "signal=none", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={inject}"), MFA_CRED]).args(WORDS);
    Pty::default().spawn(command)
}

/// Types codes of the device that is there, as often as it is asked.
fn sit(world: &World, mut session: Session) -> Finished {
    let (start, mut seen) = (Instant::now(), 0);
    while !session.has_ended() {
        assert!(start.elapsed() < 2 * PATIENCE, "no end: {:?}", session.screen());
        let screen = session.screen();
        if screen.get(seen..).is_some_and(|new| new.ends_with(FIRST) || new.ends_with(NEXT)) {
            seen = screen.len();
            session.type_text(&format!("{}\n", laptop(world).fresh_code()));
        }
        thread::sleep(Duration::from_millis(5));
    }
    finish(world, session)
}

/// Is a seed of the device kept? A file that is not whole fails.
fn has_seed(world: &World, what: &str) -> bool {
    let shelf = mfa_cred::safe::Shelf::at(world.safe());
    shelf.has_seed(&LAPTOP.parse().expect("a serial")).unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// The next run finishes the work, and the kept seed is the device's.
fn goes_on(world: &World, what: &str) {
    let done = sit(world, world.at_terminal(&WORDS));
    assert!(done.status.success(), "{what}: {done:?}");
    assert_eq!(devices(world), alices(), "{what}");
    let config = world.read(".aws/config");
    let lines = ["mfa_serial = ", "mfa_source = seed\n"].map(|line| config.matches(line).count());
    assert!(config.starts_with(CONFIG) && lines == [1, 1], "{what}: {config}");
}

/// AWS takes a code of the kept seed.
fn signs_in(world: &World) {
    // Not `process`, which gives up before the window of an unused code may begin: the enrollment has used codes of windows
    // to come.
    let login = world.run_other(MFA_CRED, &["login", "alice", "--no-prompt"], 4 * PATIENCE);
    assert!(login.status.success(), "{login:?}");
}

fn killed_at_each(steps: &[&str], least: usize) {
    if !can_trace() {
        return;
    }
    let (mut crashes, mut enabled) = (0, 0);
    // The last one whose device was enabled, and the last one whose device was not.
    let mut last = [None, None];
    for step in steps {
        for nth in 1..1000 {
            let world = stranger();
            let what = format!("{step} {nth}");
            let crashed = sit(&world, below(&world, &format!("?{step}:signal=KILL:when={nth}")));
            world.may_leak();
            if crashed.status.success() {
                break;
            }
            assert_eq!(crashed.signal(), Some(9), "{what}: {crashed:?}");
            crashes += 1;
            let kept = has_seed(&world, &what);
            if devices(&world) == alices() {
                enabled += 1;
                assert!(kept, "{what}: AWS took a device whose seed is lost");
            } else {
                assert!(devices(&world).is_empty() || devices(&world) == nobodys(), "{what}");
            }
            let was_enabled = devices(&world) == alices();
            goes_on(&world, &what);
            last[usize::from(was_enabled)] = Some(world);
        }
    }
    assert!(crashes >= least, "{crashes} {enabled}");
    last.iter().flatten().for_each(signs_in);
}

#[test]
fn an_enrollment_that_is_killed_at_any_change_of_a_file_keeps_the_seed_of_an_enabled_device() {
    killed_at_each(&["fsync", "rename", "renameat", "unlink", "fchmod", "mkdir"], 8);
}

#[test]
fn an_enrollment_that_is_killed_at_any_request_keeps_the_seed_of_an_enabled_device() {
    killed_at_each(&["sendto"], 5);
    // While AWS's answer is on its way, which says that the device is enabled.
    let world = stranger();
    world.aws.fault("EnableMFADevice", Fault::Delay(When::After, Duration::from_secs(3)), 1);
    let mut session = world.at_terminal(&WORDS);
    session.wait_for(FIRST, PATIENCE);
    type_both(&mut session, &world);
    let start = Instant::now();
    while world.aws.count("EnableMFADevice") == 0 {
        assert!(start.elapsed() < PATIENCE, "it is never called");
        thread::sleep(Duration::from_millis(10));
    }
    signal(&session, Signal::KILL);
    finish(&world, session);
    assert!(devices(&world) == alices() && has_seed(&world, "enabled"));
    goes_on(&world, "enabled");
    signs_in(&world);
}

#[test]
fn a_full_disk_enables_no_device_whose_seed_is_not_kept() {
    if !can_trace() {
        return;
    }
    for inject in ["?fsync:error=ENOSPC", "?rename:error=ENOSPC"] {
        for nth in 1..60 {
            let world = stranger();
            let what = format!("{inject} {nth}");
            let failed = sit(&world, below(&world, &format!("{inject}:when={nth}")));
            world.may_leak();
            let kept = has_seed(&world, &what);
            if failed.status.success() {
                assert!(devices(&world) == alices() && kept, "{what}: {failed:?}");
                break;
            }
            assert!(devices(&world) != alices() || kept, "{what}: {failed:?}");
            goes_on(&world, &what);
        }
    }
}

#[test]
fn of_two_enrollments_at_once_one_waits_for_nothing_and_changes_nothing() {
    let world = stranger();
    let mut first = world.at_terminal(&WORDS);
    first.wait_for(FIRST, PATIENCE);
    let second = finish(&world, world.at_terminal(&WORDS));
    second.expect(
        1,
        "",
        "error: another process is creating a device\nhint: run the command again when that one has ended\n",
    );
    assert_eq!((devices(&world), has_seed(&world, "two")), (nobodys(), true));
    let done = sit(&world, first);
    assert!(done.status.success(), "{done:?}");
    signs_in(&world);
}

#[test]
fn a_device_that_was_enabled_without_its_seed_is_named_and_the_missing_seed_reported() {
    let world = stranger();
    let done = sit(&world, world.at_terminal(&WORDS[..7]));
    assert!(done.status.success(), "{done:?}");
    let again = finish(&world, world.at_terminal(&WORDS));
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    assert!(
        again.stderr.contains(&format!("error: no seed of {LAPTOP} is kept\nhint: `mfa-cred device keep-seed ")),
        "{again:?}"
    );
    assert!(!world.read(".aws/config").contains("mfa_source"));
}
