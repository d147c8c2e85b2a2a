//! No profile was named and a person is present: the picker, `mfa-cred -`, and the spinner during a slow call.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::aws::{Fault, When};
use crate::support::pty::{PATIENCE, Pty, Session, Stream};
use crate::support::world::{Cast, MFA_CRED, World, variable};

/// The program as a shell runs it in `$(…)`: stdout separate, everything else on the terminal.
fn in_a_shell(world: &World, rows: u16, columns: u16, words: &[&str]) -> Session {
    let mut command = std::process::Command::new(MFA_CRED);
    world.dress(&mut command);
    command.args(words);
    Pty::default().sized(rows, columns).streams(Stream::Apart, Stream::Terminal).spawn(command)
}

#[test]
fn typing_filters_the_picker() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let mut session = in_a_shell(&world, 12, 60, &[]);
    // A cached profile shows its time left, and the most recently used one comes first.
    session.wait_for("> deploy", PATIENCE);
    session.type_text("audi");
    session.wait_for("> audit", PATIENCE);
    session.type_text("\r");
    let done = session.finish(PATIENCE);
    world.heard("the picker", &done);
    assert_eq!(variable(&done.stdout, "MFA_CRED_PROFILE"), "audit", "{done:?}");
    assert!(done.terminal.ends_with("\x1b[?1049l"), "{done:?}");
    // Nothing of it remains on the main screen.
    let (before, _) = done.terminal.split_once("\x1b[?1049h").expect("it has a screen of its own");
    assert_eq!(before, "");
}

#[test]
fn cursor_keys_select_and_escape_exits_with_130() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy", "audit"]);
    let mut session = in_a_shell(&world, 24, 80, &["env"]);
    session.wait_for("> audit", PATIENCE);
    session.type_text("\x1b[B");
    session.wait_for("> deploy", PATIENCE);
    session.type_text("\n");
    assert_eq!(variable(&session.finish(PATIENCE).stdout, "MFA_CRED_PROFILE"), "deploy");

    let mut session = in_a_shell(&world, 24, 80, &[]);
    session.wait_for("Profile: ", PATIENCE);
    // A person who thinks for longer than the interval of the window size checks.
    std::thread::sleep(Duration::from_millis(600));
    session.type_text("\x1b");
    let done = session.finish(PATIENCE);
    assert_eq!((done.status.code(), &*done.stdout), (Some(130), ""), "{done:?}");
}

#[test]
fn a_signal_in_the_picker_leaves_the_terminal_as_it_was() {
    let Cast { world, .. } = World::cast();
    for (signal, number) in [(Signal::INT, 2), (Signal::TERM, 15), (Signal::HUP, 1)] {
        // Run by a shell that stays, so that the final terminal modes can be inspected.
        let mut command = std::process::Command::new("sh");
        world.dress(&mut command);
        command.args(["-c", &format!("'{MFA_CRED}' >/dev/null; echo \"status=$?.\"; read line")]);
        let mut session = Pty::default().streams(Stream::Terminal, Stream::Terminal).spawn(command);
        session.wait_for("Profile: ", PATIENCE);
        session.wait_for_echo(false, PATIENCE);
        let pid = child_of(&session);
        crate::support::pty::send_signal(pid, signal);
        session.wait_for("\x1b[?1049l", PATIENCE);
        session.wait_for(&format!("status={}.", 128 + number), PATIENCE);
        assert!(session.echo_is_on(), "{signal:?}");
    }
}

/// The process that the session leader waits for.
fn child_of(session: &Session) -> i32 {
    let leader = session.pid();
    let children = std::fs::read_to_string(format!("/proc/{leader}/task/{leader}/children")).expect("Linux says so");
    children.split_whitespace().next().expect("a child").parse().expect("a process id")
}

#[test]
fn without_a_terminal_no_picker_appears() {
    let Cast { world, .. } = World::cast();
    // As with an SDK, which captures stderr.
    let done = world.at_terminal(&["process"]).finish(PATIENCE);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(done.stderr.starts_with("error: ") && done.stderr.contains("`default`"), "{done:?}");
    assert_eq!(done.terminal, "");
    let session = in_a_shell(&world, 24, 80, &["--no-prompt"]);
    let done = session.finish(PATIENCE);
    assert!(done.status.code() == Some(1) && !done.terminal.contains("\x1b[?1049h"), "{done:?}");
    // Nor without an alternate screen.
    for term in ["dumb", ""] {
        world.set("TERM", term);
        let done = in_a_shell(&world, 24, 80, &[]).finish(PATIENCE);
        assert!(!done.status.success() && !done.terminal.contains("\x1b[?1049h"), "{term}: {done:?}");
    }
}

#[test]
fn a_dash_means_the_previous_profile() {
    let Cast { world, device, .. } = World::cast();
    let done = world.run(&["env", "-"]);
    assert_eq!((done.status.code(), &*done.stdout), (Some(1), ""), "{done:?}");
    assert_eq!(done.stderr, "error: there is no previous profile\n");

    world.sign_in(&device, &["env", "deploy"]);
    let profile = |words: &[&str]| variable(&world.run(words).stdout, "MFA_CRED_PROFILE");
    profile(&["env", "audit"]);
    assert_eq!(profile(&["-"]), "audit", "a new shell goes to where the last one was");
    // Repeating it alternates between the two.
    world.set("MFA_CRED_PROFILE", "audit");
    assert_eq!(profile(&["-"]), "deploy");
    world.set("MFA_CRED_PROFILE", "deploy");
    assert_eq!(profile(&["env", "-"]), "audit");
    // A call by an SDK is not a person's choice.
    assert!(world.run(&["process", "deploy"]).status.success());
    assert_eq!(world.read("state/mfa-cred/history"), "deploy\naudit\naudit\ndeploy\naudit\n");
}

#[test]
fn a_slow_call_shows_a_spinner_and_leaves_no_trace() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let quick = in_a_shell(&world, 24, 80, &["env", "deploy"]).finish(PATIENCE);
    assert_eq!(quick.terminal, "");
    let slow = Fault::Delay(When::Before, Duration::from_millis(900));
    world.aws.fault("AssumeRole", slow.clone(), 1);
    let done = in_a_shell(&world, 24, 80, &["env", "audit"]).finish(PATIENCE);
    assert!(done.status.success() && done.terminal.contains("AssumeRole"), "{done:?}");
    let rest = done.terminal.rsplit("\x1b[2K").next().expect("the line is erased");
    assert_eq!(rest.trim_matches('\r'), "", "{done:?}");
    world.heard("a slow call", &done);
    // In a pipe nothing is shown.
    world.run(&["clear"]);
    world.sign_in(&device, &["login", "deploy"]);
    world.aws.fault("AssumeRole", slow, 1);
    assert_eq!(world.run(&["env", "audit"]).stderr, "");
}
