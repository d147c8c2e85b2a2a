//! Killed at any step, and a full disk: the file is whole, and the session is lost only where nothing can help.

use super::{RENEWAL, file, key_id, read, signed_in};
use crate::support::pty::{self, Finished, PATIENCE};
use crate::support::tools::{find, skip};
use crate::support::world::{MFA_CRED, World, calls};

const KILL: i32 = 9;
/// What alters files and folders, and what sends.
const STEPS: [&str; 10] =
    ["mkdir", "openat", "write", "fsync", "ftruncate", "rename", "renameat2", "unlink", "sendto", "writev"];

fn can_trace() -> bool {
    let can = find("strace", &["-o", "/dev/null", "true"]).is_some();
    if !can {
        skip("a program whose system calls fail", "strace, or the right to trace,");
    }
    can
}

fn run_below(world: &World, inject: &str) -> Finished {
    let mut command = pty::off_terminal("strace");
    world.dress(&mut command);
    let call = inject.split(':').next().expect("a call");
    command.args(["-f", "-qq", "-e", "signal=none", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={inject}"), MFA_CRED, "process", "person"]);
    let finished = pty::run(command, b"", PATIENCE);
    world.heard("a crash", &finished);
    finished
}

#[test]
fn a_renewal_that_is_killed_at_any_step_loses_no_session() {
    if !can_trace() {
        return;
    }
    let (mut crashes, mut after_the_call) = (0, 0);
    for step in STEPS {
        // Opening happens too often to try each time.
        for nth in (1..1000).step_by(if step == "openat" { 7 } else { 1 }) {
            let world = signed_in(100);
            // As AWS does, for whoever could not store the answer.
            world.aws.answer_old_refresh_tokens();
            let before = read(&world);
            let crashed = run_below(&world, &format!("?{step}:signal=KILL:when={nth}"));
            if crashed.status.success() {
                break;
            }
            assert_eq!(crashed.signal(), Some(KILL), "{step} {nth}: {crashed:?}");
            crashes += 1;
            let is_new = read(&world)["refreshToken"] != before["refreshToken"];
            let sent = calls(&world).len();
            assert!(sent == 1 || !is_new, "{step} {nth}");
            after_the_call += usize::from(sent == 1 && !is_new);
            let again = world.run(&["process", "person"]);
            assert_eq!(key_id(&again), read(&world)["accessToken"]["accessKeyId"].as_str().expect("an id"));
            assert_eq!(world.aws.logins(), 1, "{step} {nth}");
        }
    }
    assert!(crashes > 12 && after_the_call > 2, "{crashes} crashes, {after_the_call} of them after the call");
}

#[test]
fn a_full_disk_is_noticed_before_the_refresh_token_is_spent() {
    if !can_trace() {
        return;
    }
    let world = signed_in(-60);
    let path = file(&world).display().to_string();
    let before = read(&world);
    let failed = run_below(&world, "?fsync:error=ENOSPC:when=1+");
    assert_eq!((failed.status.code(), failed.stdout.as_str()), (Some(1), ""), "{failed:?}");
    let error = format!(
        "error: `{path}` cannot be written, so the session was not renewed: No space left on device (os error 28)\n\
         hint: make room on the disk, or correct the permissions of the folder; the session is as it was\n"
    );
    assert_eq!(world.without_tilde(&failed.stderr), error);
    assert_eq!((read(&world), calls(&world)), (before, Vec::new()));
    key_id(&world.run(&["process", "person"]));
    assert_eq!(calls(&world), [RENEWAL]);
}
