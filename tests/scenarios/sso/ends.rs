//! A sign-in that is killed or told to end at any step, a full disk, a network that goes away, a locked keyring: no token is
//! lost or there twice, and the next sign-in works.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::login::{LOGIN, SIGNED_IN};
use super::{CACHE, corp, opened, token};
use crate::support::aws::{Fault, Person, When};
use crate::support::files::files_below;
use crate::support::pty::{self, Finished, PATIENCE};
use crate::support::secret_service::{self, SecretService};
use crate::support::tools::{find, skip};
use crate::support::world::{MFA_CRED, World, calls};

const KILL: i32 = 9;
const WITH_CODE: [&str; 4] = ["login", "--sso", "corp", "--use-device-code"];

/// What alters files, and what a network is used with. Opening happens too often to try each time.
const STEPS: [(&str, usize); 13] = [
    ("write", 1),
    ("fsync", 1),
    ("rename", 1),
    ("renameat", 1),
    ("unlink", 1),
    ("ftruncate", 1),
    ("flock", 1),
    ("mkdir", 1),
    ("openat", 9),
    ("bind", 1),
    ("accept4", 40),
    ("sendto", 1),
    ("recvfrom", 1),
];

fn can_trace() -> bool {
    let can = find("strace", &["-o", "/dev/null", "true"]).is_some();
    if !can {
        skip("a program whose system calls fail", "strace, or the right to trace,");
    }
    can
}

/// Runs a sign-in below strace, which does not follow into the browser.
fn run_below(world: &World, inject: &str, words: &[&str]) -> Finished {
    let mut command = pty::off_terminal("strace");
    world.dress(&mut command);
    let call = inject.split(':').next().expect("a call");
    command.args(["-qq", "-e", "signal=none", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={inject}"), MFA_CRED]).args(words);
    let finished = pty::run(command, b"", PATIENCE);
    world.heard("a crash", &finished);
    finished
}

/// What a killed sign-in has left is nothing or a whole token, and the next sign-in works and leaves nothing else.
fn next_works(world: &World, what: &str) {
    let before = token(world);
    calls(world);
    let again = world.run(&LOGIN);
    assert!(again.status.success() && again.stderr.ends_with(SIGNED_IN), "{what}: {again:?}");
    let after = token(world).expect("a token");
    if before.is_some() {
        assert_eq!((before, calls(world)), (Some(after), Vec::new()), "{what}: the token was there");
    }
    let listed = world.run(&["list", "--sso", "corp"]);
    assert!(listed.status.success(), "{what}: {listed:?}");
    let left = files_below(&world.home().join(CACHE));
    // A registration that was not finished is removed by a later one.
    let is_known = |file: &PathBuf| {
        let is_ours = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".mfa-cred-"));
        is_ours || file.extension().is_some_and(|kind| kind == "json" || kind == "lock")
    };
    assert!(left.iter().all(is_known), "{what}: {left:?}");
}

/// Kills sign-ins before each of these system calls; how many were killed, and how many of them after AWS issued a token.
fn killed(words: &[&str], (step, stride): (&str, usize)) -> (usize, usize) {
    let (mut crashes, mut after) = (0, 0);
    for nth in (1..2000).step_by(stride) {
        let world = corp();
        let what = format!("{step} {nth}");
        let crashed = run_below(&world, &format!("?{step}:signal=KILL:when={nth}"), words);
        if crashed.status.success() {
            return (crashes, after);
        }
        assert_eq!(crashed.signal(), Some(KILL), "{what}: {crashed:?}");
        crashes += 1;
        after += usize::from(world.aws.sso().sessions() > 0);
        next_works(&world, &what);
    }
    panic!("{step} never ends");
}

fn killed_at_each(words: &'static [&'static str], steps: &'static [(&'static str, usize)]) -> (usize, usize) {
    let all = steps.iter().map(|step| thread::spawn(|| killed(words, *step))).collect::<Vec<_>>();
    let all = all.into_iter().map(|step| step.join().expect("it holds"));
    all.fold((0, 0), |(crashes, after), (more, later)| (crashes + more, after + later))
}

#[test]
fn a_sign_in_by_browser_that_is_killed_at_any_step_leaves_a_whole_token_or_none() {
    if !can_trace() {
        return;
    }
    let (crashes, after) = killed_at_each(&LOGIN, &STEPS);
    assert!(crashes > 30 && after > 4, "{crashes} crashes, {after} of them after AWS issued a token");
}

#[test]
fn a_sign_in_by_code_that_is_killed_at_any_step_leaves_a_whole_token_or_none() {
    if !can_trace() {
        return;
    }
    let steps = &[("write", 1), ("fsync", 1), ("rename", 1), ("ftruncate", 1), ("sendto", 1), ("recvfrom", 2)];
    let (crashes, after) = killed_at_each(&WITH_CODE, steps);
    assert!(crashes > 15 && after > 4, "{crashes} crashes, {after} of them after AWS issued a token");
}

/// Starts a sign-in, sends it a signal once `is_there`, and returns which signal ended it and how long that took.
fn ended_by(world: &World, words: &[&str], signal: Signal, is_there: &dyn Fn() -> bool) -> (Option<i32>, Duration) {
    let mut command = world.command(words);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    wait_until(is_there);
    let start = Instant::now();
    kill_process(Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid"), signal).expect("it lives");
    (child.wait().expect("it ends").signal(), start.elapsed())
}

fn wait_until(is_so: &dyn Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "it does not happen");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_signal_ends_a_sign_in_at_once_at_every_step_before_the_token() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        for (words, action, is_slow) in [
            (&LOGIN[..], "RegisterClient", true),
            (&LOGIN[..], "Authorize", false),
            (&WITH_CODE[..], "RegisterClient", true),
            (&WITH_CODE[..], "StartDeviceAuthorization", true),
            (&WITH_CODE[..], "CreateToken", false),
            (&WITH_CODE[..], "CreateToken", true),
        ] {
            let world = corp();
            world.aws.sso().person(Person::Waits);
            if is_slow {
                world.aws.fault(action, Fault::Delay(When::Before, Duration::from_secs(15)), 1);
            }
            // A call that is delayed is noted only afterwards.
            let is_there = || if is_slow { world.aws.faults_left() == 0 } else { world.aws.count(action) > 0 };
            let (ended, took) = ended_by(&world, words, signal, &is_there);
            assert_eq!(ended, Some(signal.as_raw()), "{words:?} {action}");
            assert!(took < Duration::from_secs(6), "{words:?} {action}: {took:?}");
            assert_eq!(token(&world), None);
            world.aws.sso().person(Person::Approves);
            next_works(&world, action);
        }
    }
}

/// The code is spent by the call, so its answer is awaited; but the command that was to run does not.
#[test]
fn a_signal_while_the_token_is_on_its_way_is_obeyed_once_the_token_is_saved() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let world = corp();
        world.aws.sso().assign("210987654321", "Developer");
        world.add_config(
            "[profile dev]\nsso_session = corp\nsso_account_id = 210987654321\nsso_role_name = Developer\n",
        );
        world.aws.fault("CreateToken", Fault::Delay(When::After, Duration::from_millis(800)), 1);
        let session = world.at_terminal(&["exec", "dev", "--", "touch", "it-ran"]);
        wait_until(&|| world.aws.count("CreateToken") > 0);
        session.signal(signal);
        assert_eq!(session.finish(PATIENCE).signal(), Some(signal.as_raw()), "{signal:?}");
        assert!(token(&world).is_some() && !world.home().join("it-ran").exists(), "{signal:?}");
        assert_eq!(world.aws.count("GetRoleCredentials"), 0, "{signal:?}");
        next_works(&world, "a signal");
    }
}

#[test]
fn on_a_full_or_read_only_disk_nobody_is_sent_to_a_browser() {
    if !can_trace() {
        return;
    }
    for inject in ["?fsync:error=ENOSPC:when=1+", "?fsync:error=EROFS:when=1+", "?rename:error=EROFS:when=1+"] {
        let world = corp();
        let failed = run_below(&world, inject, &LOGIN);
        let is_late = inject.starts_with("?rename");
        assert!(failed.status.code() == Some(1) && failed.stderr.contains("cannot be written"), "{failed:?}");
        // No check can tell that the very last step will fail.
        assert_eq!((opened(&world).is_empty(), token(&world)), (!is_late, None), "{inject}");
        next_works(&world, inject);
    }
}

#[test]
fn a_file_system_without_locks_costs_only_the_lock() {
    if !can_trace() {
        return;
    }
    for error in ["ENOLCK", "ENOSYS", "EOPNOTSUPP"] {
        let world = corp();
        let done = run_below(&world, &format!("?flock:error={error}:when=1+"), &LOGIN);
        assert!(done.status.success() && token(&world).is_some(), "{error}: {done:?}");
        next_works(&world, error);
    }
}

#[test]
fn a_network_that_goes_away_after_the_person_confirmed_is_named_and_the_next_sign_in_works() {
    let world = corp();
    for fault in [Fault::Drop(When::Before), Fault::Drop(When::After), Fault::ServerError(When::Before, 503)] {
        world.aws.fault("CreateToken", fault.clone(), 1);
        let done = world.run(&LOGIN);
        let why =
            "error: could not sign in to SSO session `corp`: the sign-in was confirmed, but AWS returned no token: ";
        assert!(done.status.code() == Some(6) && done.stderr.contains(why), "{fault:?}: {done:?}");
        assert_eq!((world.aws.count("CreateToken"), token(&world)), (1, None), "{fault:?}: it is sent once");
        calls(&world);
    }
    next_works(&world, "after faults");
}

#[test]
fn a_locked_keyring_does_not_matter_to_a_sign_in() {
    if let Some(program) = secret_service::missing_program() {
        return skip("a locked keyring", program);
    }
    let world = corp();
    world.aws.sso().assign("210987654321", "Developer");
    world.add_config("[profile dev]\nsso_session = corp\nsso_account_id = 210987654321\nsso_role_name = Developer\n");
    let locked = SecretService::locked();
    for (name, value) in locked.env().into_iter().filter(|(name, _)| *name == "DBUS_SESSION_BUS_ADDRESS") {
        world.set(name, value.to_str().expect("text"));
    }
    for store in ["keyring", "auto"] {
        world.set("MFA_CRED_STORE", store);
        let done = world.run(&[&LOGIN[..], &["--refresh"]].concat());
        assert!(done.status.success() && done.stderr.ends_with(SIGNED_IN), "{store}: {done:?}");
    }
    world.set("MFA_CRED_STORE", "keyring");
    let refused = world.run(&["process", "dev"]);
    assert_eq!(refused.status.code(), Some(7), "a keyring was demanded: {refused:?}");
}
