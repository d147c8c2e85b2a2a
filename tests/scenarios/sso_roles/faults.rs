//! A refresh token is good for one use: many at once, killed at any step, a full disk, a lost answer.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{ACCOUNT, MINUTE, SsoHome, token_file};
use crate::support::aws::{Fault, When};
use crate::support::files::files_below;
use crate::support::pty::{self, Finished, PATIENCE};
use crate::support::tools::{find, skip};
use crate::support::world::{MFA_CRED, World, calls};

const KILL: i32 = 9;
const OVER: i64 = -60;

/// What alters files and folders.
const STEPS: [&str; 10] =
    ["write", "fsync", "rename", "renameat", "unlink", "ftruncate", "flock", "openat", "mkdir", "recvfrom"];

pub(super) fn can_trace() -> bool {
    let can = find("strace", &["-o", "/dev/null", "true"]).is_some();
    if !can {
        skip("a program whose system calls fail", "strace, or the right to trace,");
    }
    can
}

/// Runs `process dev` below strace; the injection applies to files of the token's folder only, if `is_there`.
fn run_below(world: &World, inject: &str, is_there: bool) -> Finished {
    let mut command = pty::off_terminal("strace");
    world.dress(&mut command);
    let call = inject.split(':').next().expect("a call");
    command.args(["-f", "-qq", "-e", "signal=none", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    if is_there {
        let folder = world.home().join(".aws/sso/cache");
        let file = token_file(world, "corp");
        let stem = file.file_stem().expect("a name").to_string_lossy().into_owned();
        for name in [folder.clone(), folder.join(format!(".{stem}.mfa-cred.new"))] {
            command.arg("-P").arg(name);
        }
    }
    command.args(["-e", &format!("inject={inject}"), MFA_CRED, "process", "dev"]);
    let finished = pty::run(command, b"", PATIENCE);
    world.heard("a crash", &finished);
    finished
}

#[test]
fn twenty_processes_renew_a_token_once() {
    let home = SsoHome::with(MINUTE * 5);
    let world = &home.world;
    for number in 0..20 {
        world.aws.sso().assign(ACCOUNT, &format!("Role{number}"));
        world.add_config(&format!(
            "[profile role{number}]\nsso_session = corp\nsso_account_id = {ACCOUNT}\nsso_role_name = Role{number}\n"
        ));
    }
    for left in [5, OVER] {
        let mut token = home.token();
        token["expiresAt"] = (world.aws.now() + MINUTE * i32::try_from(left).expect("minutes")).to_string().into();
        home.write(&token);
        let start = |number: usize| {
            let mut command = world.command(&["process", &format!("role{number}"), "--refresh"]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
        };
        let all: Vec<_> = (0..20).map(start).collect();
        for child in all {
            let done = child.wait_with_output().expect("it ends");
            assert!(done.status.success() && done.stderr.is_empty(), "{left}: {done:?}");
        }
        let made = calls(world);
        let count = |action: &str| made.iter().filter(|made| *made == action).count();
        assert_eq!((count("CreateToken"), count("GetRoleCredentials")), (1, 20), "{left}: {made:?}");
        assert_eq!(world.aws.sso().sessions(), 1, "{left}: a second use would have ended it");
    }
}

/// A kill between AWS's answer and the write of it cannot be survived; every other one can.
#[test]
fn a_renewal_that_is_killed_at_any_step_loses_no_session() {
    if !can_trace() {
        return;
    }
    let (mut crashes, mut lost) = (0, Vec::new());
    for step in STEPS {
        for nth in 1..200 {
            let home = SsoHome::with(MINUTE * i32::try_from(OVER).expect("minutes"));
            let crashed = run_below(&home.world, &format!("?{step}:signal=KILL:when={nth}"), step != "recvfrom");
            if crashed.status.success() {
                break;
            }
            assert_eq!(crashed.signal(), Some(KILL), "{step} {nth}: {crashed:?}");
            crashes += 1;
            let had_answer = calls(&home.world).iter().any(|action| action == "CreateToken");
            let again = home.process();
            if again.status.success() {
                home.gave_the_role(&again);
                assert_eq!(home.world.aws.sso().sessions(), 1, "{step} {nth}");
                continue;
            }
            assert!(had_answer && again.status.code() == Some(3), "{step} {nth}: {again:?}");
            lost.push(format!("{step} {nth}"));
        }
    }
    let of = |call: &str| lost.iter().filter(|lost| lost.starts_with(call)).count();
    assert!(crashes >= 12 && of("write") == 1 && of("recvfrom") == lost.len() - 1, "{crashes} crashes; lost: {lost:?}");
}

#[test]
fn on_a_full_disk_no_refresh_token_is_spent() {
    if !can_trace() {
        return;
    }
    for inject in ["?write:error=ENOSPC:when=1+", "?fsync:error=ENOSPC:when=1+", "?openat:error=EROFS:when=1+"] {
        let home = SsoHome::with(MINUTE * i32::try_from(OVER).expect("minutes"));
        let before = home.token();
        let failed = run_below(&home.world, inject, true);
        assert_eq!((failed.status.code(), failed.stdout.as_str()), (Some(1), ""), "{inject}: {failed:?}");
        assert!(failed.stderr.contains("cannot be written"), "{inject}: {failed:?}");
        assert_eq!((calls(&home.world), home.token()), (vec![], before), "{inject}");
        assert!(files_below(&home.world.home().join(".aws/sso")).iter().all(|file| !file.ends_with(".new")));
        home.gave_the_role(&home.process());
    }
    // The token can still be used, so it is.
    let home = SsoHome::with(MINUTE * 5);
    let done = run_below(&home.world, "?fsync:error=ENOSPC:when=1+", true);
    home.gave_the_role(&done);
    assert!(done.stderr.contains("was not renewed, and is still valid"), "{done:?}");
    assert_eq!(calls(&home.world), ["GetRoleCredentials"]);
}

#[test]
fn a_lost_answer_is_not_asked_for_again_and_a_live_token_still_serves() {
    for (left, code) in [(5, 0), (i32::try_from(OVER).expect("minutes"), 6)] {
        let home = SsoHome::with(MINUTE * left);
        home.world.aws.fault("CreateToken", Fault::Drop(When::After), 1);
        let done = home.process();
        assert_eq!(done.status.code(), Some(code), "{left}: {done:?}");
        assert_eq!(home.world.aws.count("CreateToken"), 1, "{left}");
    }
    for fault in [Fault::ServerError(When::Before, 503), Fault::Html, Fault::Throttle, Fault::Drop(When::Before)] {
        let home = SsoHome::with(MINUTE * i32::try_from(OVER).expect("minutes"));
        home.world.aws.fault("CreateToken", fault.clone(), 1);
        let done = home.process();
        let expected = if fault == Fault::Throttle { 5 } else { 6 };
        assert_eq!((done.status.code(), home.world.aws.count("CreateToken")), (Some(expected), 1), "{done:?}");
        // Nothing was spent.
        home.gave_the_role(&home.process());
    }
}

#[test]
fn a_signal_during_a_renewal_waits_until_the_token_is_saved() {
    for signal in [Signal::TERM, Signal::QUIT] {
        let home = SsoHome::with(MINUTE * i32::try_from(OVER).expect("minutes"));
        let world = &home.world;
        world.aws.fault("CreateToken", Fault::Delay(When::After, Duration::from_millis(800)), 1);
        let mut command: Command = world.command(&["process", "dev"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        let start = Instant::now();
        while world.aws.count("CreateToken") == 0 && start.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(10));
        }
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("it lives");
        let status = child.wait().expect("it ends");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(signal.as_raw()), "{status:?}");
        world.aws.take_calls();
        home.gave_the_role(&home.process());
        assert_eq!(calls(world), ["GetRoleCredentials"], "{signal:?}: the new token was saved");
    }
}
