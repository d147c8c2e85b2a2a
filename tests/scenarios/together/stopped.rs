//! A stopped process blocks nobody, a process that must not wait does not, and a process without a reader ends.

use std::fs;
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::pty::{PATIENCE, Pty, Session, Stream, run};
use crate::support::world::{Cast, MFA_CRED, World};

const PROMPT: &str = "MFA code for deploy (alice-phone): ";
/// Short compared to the time that a person has.
const AT_ONCE: Duration = Duration::from_secs(10);

/// A shell with job control in this home, and the text that it shows when it is ready.
fn bash(world: &World) -> Session {
    let mut command = Command::new("bash");
    world.dress(&mut command);
    command.args(["--norc", "--noprofile", "-i"]).env("PS1", "ready> ").env("HISTFILE", "/dev/null");
    command.env("TERM", "dumb").env("MFA_CRED", MFA_CRED);
    let mut session = Pty::default().sized(24, 200).streams(Stream::Terminal, Stream::Terminal).spawn(command);
    session.wait_for("ready> ", PATIENCE);
    session
}

/// Waiting is not allowed, and a process with a code gets credentials within moments.
fn nobody_is_held_up(cast: &Cast) {
    let start = Instant::now();
    for profile in ["deploy", "audit"] {
        let done = cast.world.run(&["process", profile, "--no-prompt"]);
        assert_eq!(done.status.code(), Some(3), "{done:?}");
    }
    cast.world.sign_in(&cast.device, &["process", "audit"]);
    cast.world.sign_in(&cast.device, &["process", "deploy", "--duration", "2h"]);
    assert!(cast.world.run(&["process", "deploy", "--no-prompt"]).status.success());
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
}

#[test]
fn ctrl_z_at_the_prompt_blocks_nobody_and_after_fg_the_cache_is_used() {
    let cast = World::cast();
    let mut session = bash(&cast.world);
    session.type_text("\"$MFA_CRED\" process deploy >out; echo \"end=$?\"\n");
    session.wait_for(PROMPT, PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text("123");
    session.control('z');
    session.wait_for("Stopped", PATIENCE);
    session.wait_for("ready> ", PATIENCE);
    nobody_is_held_up(&cast);
    let calls = cast.world.aws.count("GetSessionToken");
    session.type_text("fg; echo f''g=$?\n");
    session.wait_for("fg=0", PATIENCE);
    assert_eq!(session.screen().matches(PROMPT).count(), 1, "nobody is asked again: {}", session.screen());
    assert_eq!(cast.world.aws.count("GetSessionToken"), calls);
    assert!(cast.world.read("out").starts_with("{\"Version\":1,"));
    fs::remove_file(cast.world.home().join("out")).expect("it was there");
    session.type_text("exit\n");
    session.finish(PATIENCE);
}

#[test]
fn after_fg_a_code_that_is_still_needed_is_asked_for_again() {
    let Cast { world, device, .. } = World::cast();
    let mut session = bash(&world);
    session.type_text("\"$MFA_CRED\" login deploy; echo \"end=$?\"\n");
    for _ in 0..2 {
        session.wait_for(PROMPT, PATIENCE);
        session.wait_for_echo(false, PATIENCE);
        session.type_text("999");
        session.control('z');
        session.wait_for("Stopped", PATIENCE);
        session.wait_for("ready> ", PATIENCE);
        session.type_text("fg\n");
    }
    session.wait_for(PROMPT, PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text(&format!("{}\n", device.fresh_code()));
    session.wait_for("deploy: signed in for", PATIENCE);
    session.type_text("exit\n");
    session.finish(PATIENCE);
}

#[test]
fn a_stopped_lock_holder_blocks_nobody_and_starts_over_when_continued() {
    let cast = World::cast();
    let mut session = cast.world.at_terminal(&["process", "deploy"]);
    session.wait_for(PROMPT, PATIENCE);
    session.signal(Signal::STOP);
    nobody_is_held_up(&cast);
    session.signal(Signal::CONT);
    let done = session.finish(PATIENCE);
    cast.world.heard("it went on", &done);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(done.terminal.matches(PROMPT).count(), 1, "{}", done.terminal);
}

#[test]
fn no_prompt_does_not_wait_for_a_person() {
    let Cast { world, device, .. } = World::cast();
    let mut session = world.at_terminal(&["process", "deploy"]);
    session.wait_for(PROMPT, PATIENCE);
    let start = Instant::now();
    for profile in ["deploy", "audit"] {
        let done = world.run(&["process", profile, "--no-prompt"]);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(3), ""), "{done:?}");
        let hint = format!("hint: run `mfa-cred login {profile}` in a terminal\n");
        assert!(done.stderr.ends_with(&hint), "{done:?}");
    }
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    session.type_text(&format!("{}\n", device.fresh_code()));
    assert!(session.finish(PATIENCE).status.success());
    // If no person is being asked, a call is waited for.
    let both: Vec<_> = (0..8)
        .map(|_| {
            let command = world.command(&["process", "audit", "--no-prompt"]);
            std::thread::spawn(|| run(command, b"", PATIENCE))
        })
        .collect();
    for waiting in both {
        assert!(waiting.join().expect("it ends").status.success());
    }
    assert_eq!(world.aws.count("AssumeRole"), 2);
}

#[test]
fn the_prompt_ends_when_the_reader_of_stdout_exits() {
    let Cast { world, .. } = World::cast();
    let script = r#"before=$(stty -g </dev/tty); "$@" | sleep 1; echo "end=${PIPESTATUS[0]}"
        [ "$(stty -g </dev/tty)" = "$before" ] && echo same"#;
    let mut command = Command::new("bash");
    world.dress(&mut command);
    command.args(["-c", script, "bash", MFA_CRED, "process", "deploy"]);
    let mut session = Pty::default().spawn(command);
    session.wait_for(PROMPT, PATIENCE);
    let start = Instant::now();
    let done = session.finish(PATIENCE);
    world.heard("at a terminal", &done);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("end=141\nsame\n", ""));
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
}

#[test]
fn the_prompt_ends_when_the_terminal_that_stdout_goes_to_is_closed() {
    let Cast { world, .. } = World::cast();
    let (other, end) = pty_process::blocking::open().expect("another terminal");
    let path = fs::read_link(format!("/proc/self/fd/{}", end.as_raw_fd())).expect("its path");
    let script = format!("\"$@\" >{}; echo end=$?", path.display());
    let mut command = Command::new("bash");
    world.dress(&mut command);
    command.args(["-c", &script, "bash", MFA_CRED, "process", "deploy"]);
    let mut session = Pty::default().spawn(command);
    session.wait_for(PROMPT, PATIENCE);
    drop((other, end));
    let start = Instant::now();
    let done = session.finish(PATIENCE);
    world.heard("at a terminal", &done);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("end=141\n", ""));
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
}

#[test]
fn a_waiting_process_ends_when_the_reader_of_stdout_exits() {
    let Cast { world, device, .. } = World::cast();
    let mut session = world.at_terminal(&["process", "deploy"]);
    session.wait_for(PROMPT, PATIENCE);
    let mut command = world.command(&["process", "audit"]);
    let mut waiting = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it");
    std::thread::sleep(Duration::from_millis(500));
    assert!(waiting.try_wait().expect("a child of ours").is_none(), "it waits");
    drop(waiting.stdout.take());
    let start = Instant::now();
    assert!(!waiting.wait().expect("it ends").success());
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    session.type_text(&format!("{}\n", device.fresh_code()));
    assert!(session.finish(PATIENCE).status.success());
}

#[test]
fn process_gives_up_prompting_or_waiting_before_an_sdk_does() {
    let Cast { world, .. } = World::cast();
    let start = Instant::now();
    let mut asking = world.at_terminal(&["env", "deploy"]);
    asking.wait_for(PROMPT, PATIENCE);
    let waiting = world.command(&["process", "audit"]);
    let waiting = std::thread::spawn(|| run(waiting, b"", Duration::from_mins(2)));
    let other = World::cast();
    let mut process = other.world.at_terminal(&["process", "deploy"]);
    process.wait_for(PROMPT, PATIENCE);
    let said = |profile: &str| {
        let hint = format!("sign in first with `mfa-cred login {profile}`: an SDK waits for one minute at most");
        format!("error: no MFA code was given: nobody answered within 50 s\nhint: {hint}\n")
    };
    let done = process.finish(Duration::from_mins(2));
    other.world.heard("asking", &done);
    assert_eq!((done.status.code(), done.stdout.as_str(), done.stderr), (Some(3), "", said("deploy")));
    let done = waiting.join().expect("it ends");
    assert!(done.stderr.ends_with(&said("audit")), "{done:?}");
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(3), ""));
    assert!((50..60).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    // A person in a shell has more time.
    asking.control('c');
    assert_eq!(asking.finish(PATIENCE).signal(), Some(Signal::INT.as_raw()));
}
