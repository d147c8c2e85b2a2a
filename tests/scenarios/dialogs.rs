//! Codes and passphrases from a dialog, where there is no terminal: the settings `pinentry` and `askpass`.
//!
//! The parent is like an IDE: it has no terminal, and captures both streams. The programs here are scripts; `real` runs
//! those of Debian.

mod hostile;
mod real;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::pty::{Finished, PATIENCE};
use crate::support::world::{Cast, World, calls};

const LOGIN: &str = "or run `mfa-cred login deploy` in a terminal";

/// Sets `askpass` to a script, which notes in `asked` what it is asked.
fn askpass(world: &World, script: &str) {
    let path = script_at(world, "askpass", &format!("printf '%s\\n' \"$1\" >>asked; {script}"));
    settings(world, &format!("askpass = {path}\n"));
}

fn script_at(world: &World, name: &str, script: &str) -> String {
    world.write(name, format!("#!/bin/sh\n{script}\n"));
    let path = world.home().join(name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("it is ours");
    path.display().to_string()
}

fn settings(world: &World, lines: &str) {
    world.write("config/mfa-cred/config.ini", lines);
    // One dialog at a time on each display: another world's must not be waited for.
    world.set("DISPLAY", world.home().display().to_string());
}

/// What was asked, without the address of the loopback AWS.
fn asked(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.home().join("asked")).unwrap_or_default();
    let line = |line: &str| match line.split_once("] ") {
        Some((_, rest)) if line.starts_with('[') => rest.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn wait_for_file(world: &World, name: &str) {
    wait_until(name, || world.home().join(name).exists());
}

/// Starts it without a terminal, with its stderr in a file.
fn start(world: &World, words: &[&str], name: &str) -> Child {
    let stderr = File::create(world.home().join(name)).expect("a file");
    world.command(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn().expect("it starts")
}

/// Checks the exit code and the first line of stderr; nothing is on stdout, and nothing was sent.
fn refused(world: &World, done: &Finished, code: i32, error: &str) {
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(code), ""), "{done:?}");
    assert_eq!(done.stderr.lines().find(|line| line.starts_with("error: ")), Some(error), "{done:?}");
    assert!(calls(world).is_empty());
}

#[test]
fn a_parent_without_a_terminal_gets_its_code_from_an_askpass() {
    let Cast { world, device, .. } = World::cast();
    askpass(&world, "cat answer; rm answer");
    world.write("answer", device.fresh_code());
    let done = world.run(&["process", "deploy"]);
    assert!(done.status.success() && done.stdout.starts_with("{\"Version\":1,"), "{done:?}");
    assert_eq!(done.stderr, "");
    assert_eq!(asked(&world), ["MFA code for deploy (alice-phone): "]);
    assert_eq!(calls(&world), ["GetSessionToken", "AssumeRole"]);
    // From here on, the cache answers.
    assert!(world.run(&["process", "audit"]).status.success());
    assert_eq!(asked(&world).len(), 1);
}

#[test]
fn the_terminal_is_asked_where_there_is_one() {
    let Cast { world, device, .. } = World::cast();
    askpass(&world, "exit 1");
    let mut session = world.at_terminal(&["process", "deploy"]);
    session.wait_for("MFA code for deploy (alice-phone): ", PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text(&format!("{}\n", device.fresh_code()));
    assert!(session.finish(PATIENCE).status.success());
    assert!(asked(&world).is_empty());
}

#[test]
fn without_the_setting_no_program_is_guessed() {
    let Cast { world, .. } = World::cast();
    for name in ["pinentry", "ssh-askpass"] {
        let path = script_at(&world, name, "echo x >>asked");
        world.set(if name == "pinentry" { "PINENTRY_PROGRAM" } else { "SSH_ASKPASS" }, path);
    }
    world.set("PATH", format!("{}:{}", world.home().display(), std::env::var("PATH").unwrap_or_default()));
    world.set("DISPLAY", ":0");
    let done = world.run(&["process", "deploy"]);
    refused(&world, &done, 3, "error: profile `deploy` needs an MFA code, but there is no terminal to ask on");
    assert!(asked(&world).is_empty());
}

#[test]
fn a_wrong_code_is_asked_again_with_the_reason_three_times_in_all() {
    const REFUSED: &str = "AWS refused that code: check it, or wait for the next one";
    const PROMPT: &str = "MFA code for deploy (alice-phone): ";
    let next = "answer=$(head -n 1 answers); sed -i 1d answers; echo \"$answer\"";
    let Cast { world, device, .. } = World::cast();
    askpass(&world, next);
    world.write("answers", format!("{}\nhello\n{}\n", device.wrong_code(), device.fresh_code()));
    assert!(world.run(&["process", "deploy"]).status.success());
    assert_eq!(asked(&world), [PROMPT, REFUSED, PROMPT, "an MFA code is six digits", PROMPT]);

    let Cast { world, device, .. } = World::cast();
    askpass(&world, next);
    world.write("answers", format!("{}\n", device.wrong_code()).repeat(3));
    let done = world.run(&["process", "deploy"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(4), ""), "{done:?}");
    assert_eq!(asked(&world), [PROMPT, REFUSED, PROMPT, REFUSED, PROMPT]);
    fs::remove_file(world.home().join("answers")).expect("it was there");
}

#[test]
fn no_prompt_shows_no_dialog() {
    let Cast { world, .. } = World::cast();
    askpass(&world, "echo 123456");
    let done = world.run(&["process", "deploy", "--no-prompt"]);
    refused(&world, &done, 3, "error: profile `deploy` needs an MFA code, but there is no terminal to ask on");
    assert!(asked(&world).is_empty());
}

#[test]
fn two_hundred_processes_show_one_dialog() {
    let Cast { world, device, .. } = World::cast();
    askpass(&world, "until [ -e answer ]; do sleep 0.1; done; cat answer");
    let script = r#"
        i=0
        while [ $i -lt 200 ]; do
            if [ $((i % 2)) = 0 ]; then role=deploy; else role=audit; fi
            ( "$MFA_CRED" process $role >out.$i 2>err.$i; echo $? >rc.$i ) &
            i=$((i + 1))
        done
        wait
    "#;
    let mut command = Command::new("/usr/bin/setsid");
    command.args(["sh", "-c", script]).env_clear();
    world.dress(&mut command);
    let mut crowd = command.env("MFA_CRED", crate::support::world::MFA_CRED).spawn().expect("it starts");
    wait_for_file(&world, "asked");
    wait_until("all have started", || world.home().join("err.199").exists());
    world.write("answer", device.fresh_code());
    assert!(crowd.wait().expect("a child of ours").success());
    for n in 0..200 {
        assert_eq!(world.read(&format!("rc.{n}")).trim(), "0", "{}", world.read(&format!("err.{n}")));
        fs::remove_file(world.home().join(format!("out.{n}"))).expect("it was there");
    }
    fs::remove_file(world.home().join("answer")).expect("it was there");
    assert_eq!(asked(&world).len(), 1);
    let mut calls = calls(&world);
    calls.sort();
    assert_eq!(calls, ["AssumeRole", "AssumeRole", "GetSessionToken"]);
}

#[test]
fn a_dialog_that_the_person_closes_is_a_no_for_every_waiting_process() {
    let Cast { world, .. } = World::cast();
    askpass(&world, "until [ -e close ]; do sleep 0.1; done; exit 1");
    let first = start(&world, &["process", "deploy"], "first");
    wait_for_file(&world, "asked");
    let second = start(&world, &["process", "audit"], "second");
    wait_until("it waits", || world.read("second").contains("waiting for process "));
    world.write("close", "");
    let ends = [first, second].map(|child| child.wait_with_output().expect("a child of ours").status.code());
    assert_eq!(ends, [Some(130), Some(3)]);
    assert_eq!(world.read("first"), "error: no MFA code was given: canceled\n");
    let declined = "error: another process asked for the code for `alice`, and it was not given\n";
    assert!(world.read("second").contains(declined), "{}", world.read("second"));
    assert_eq!(asked(&world).len(), 1, "nobody is asked a second time");
    assert!(calls(&world).is_empty());
}

#[test]
fn a_program_that_fails_is_not_run_again_for_each_waiting_process() {
    let Cast { world, .. } = World::cast();
    askpass(&world, "until [ -e fail ]; do sleep 0.1; done; kill -9 $$");
    let first = start(&world, &["process", "deploy"], "first");
    wait_for_file(&world, "asked");
    let others = ["second", "third"].map(|name| start(&world, &["process", "audit"], name));
    wait_until("they wait", || {
        ["second", "third"].iter().all(|name| world.read(name).contains("waiting for process "))
    });
    world.write("fail", "");
    for child in [first].into_iter().chain(others) {
        assert_eq!(child.wait_with_output().expect("a child of ours").status.code(), Some(3));
    }
    assert_eq!(asked(&world).len(), 1);
}

#[test]
fn a_dialog_that_nobody_answers_is_told_from_one_that_is_closed() {
    let Cast { world, .. } = World::cast();
    askpass(&world, "echo $$ >pid; exec sleep 100");
    let begun = Instant::now();
    let done = world.run(&["process", "deploy"]);
    refused(&world, &done, 3, "error: no MFA code was given: nobody answered within 50 s");
    assert!(begun.elapsed() >= Duration::from_secs(50));
    assert!(!is_running(&world.read("pid")), "the dialog is closed");
}

fn is_running(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_program_that_does_not_work_is_named_and_nobody_is_asked_elsewhere() {
    let Cast { world, .. } = World::cast();
    let broken = script_at(&world, "broken", "kill -9 $$");
    let talks = script_at(&world, "talks", "echo 123456");
    let endless = script_at(&world, "endless", "exec yes");
    for (setting, program, why) in [
        ("askpass", "/nonexistent/askpass", "it could not be started: No such file or directory (os error 2)"),
        ("askpass", &broken, "it ended without an answer (signal: 9 (SIGKILL))"),
        ("askpass", &endless, "it printed more than 4096 bytes on stdout"),
        ("pinentry", "no-such-pinentry", "it could not be started: No such file or directory (os error 2)"),
        ("pinentry", &broken, "it ended without an answer (signal: 9 (SIGKILL))"),
        (
            "pinentry",
            &talks,
            "it does not speak the pinentry protocol; a program that prints the answer belongs in `askpass`",
        ),
    ] {
        settings(&world, &format!("{setting} = {program}\n"));
        let done = world.run(&["process", "deploy"]);
        let error = format!("error: no MFA code was given: `{setting} = {program}` could not ask: {why}");
        refused(&world, &done, 3, &error);
        assert!(done.stderr.contains(LOGIN), "{}", done.stderr);
    }
}

#[test]
fn what_a_dialog_returns_is_never_printed() {
    let Cast { world, .. } = World::cast();
    askpass(&world, "echo hunter2");
    let done = world.run(&["process", "deploy", "-v"]);
    refused(&world, &done, 4, "error: the input was not an MFA code (six digits)");
    assert!(!done.stderr.contains("hunter2"), "{}", done.stderr);
}

#[test]
fn a_parent_that_gives_up_takes_its_dialog_along() {
    for signal in [Some(Signal::TERM), None] {
        let Cast { world, .. } = World::cast();
        askpass(&world, "echo $$ >pid; exec sleep 100");
        let mut child = start(&world, &["process", "deploy"], "said");
        wait_for_file(&world, "asked");
        wait_until("its number", || world.home().join("pid").exists() && !world.read("pid").is_empty());
        match signal {
            Some(signal) => kill_process(Pid::from_child(&child), signal).expect("it runs"),
            // An SDK that no longer waits for the answer.
            None => drop(child.stdout.take()),
        }
        let since = Instant::now();
        let ended = child.wait().expect("a child of ours");
        assert!(!ended.success() && since.elapsed() < Duration::from_secs(30), "long before its limit");
        wait_until("the dialog is closed", || !is_running(&world.read("pid")));
    }
}

#[test]
fn dialogs_of_two_devices_appear_one_after_the_other() {
    let worlds = [World::cast(), World::cast()];
    let display = worlds[0].world.home().display().to_string();
    for Cast { world, .. } in &worlds {
        askpass(world, "until [ -e answer ]; do sleep 0.1; done; cat answer; rm answer");
        world.set("DISPLAY", &display);
    }
    let [first, second] = &worlds;
    let mut one = start(&first.world, &["login", "deploy"], "said");
    wait_for_file(&first.world, "asked");
    let mut other = start(&second.world, &["login", "deploy"], "said");
    std::thread::sleep(Duration::from_secs(1));
    assert!(asked(&second.world).is_empty(), "one at a time");
    first.world.write("answer", first.device.fresh_code());
    assert!(one.wait().expect("a child of ours").success());
    wait_for_file(&second.world, "asked");
    second.world.write("answer", second.device.fresh_code());
    assert!(other.wait().expect("a child of ours").success());
}

#[test]
fn a_passphrase_is_asked_for_in_a_dialog_too() {
    let Cast { world, device, .. } = World::cast();
    world.set("MFA_CRED_STORE", "passphrase");
    askpass(&world, "case $1 in *code*) cat answer; rm answer;; *) echo tulip;; esac");
    world.write("answer", device.fresh_code());
    assert!(world.run(&["process", "deploy"]).status.success());
    let code = "MFA code for deploy (alice-phone): ";
    assert_eq!(asked(&world), ["New passphrase for mfa-cred: ", "Repeat the passphrase: ", code]);
}

#[test]
fn a_setting_that_names_no_program_is_refused_with_its_place() {
    let Cast { world, .. } = World::cast();
    let file = world.home().join("config/mfa-cred/config.ini").display().to_string();
    for (lines, error) in [
        ("pinentry = ./pinentry\n", "`pinentry`: expected the name of a program, or its absolute path"),
        ("askpass = bin/ask\n", "`askpass`: expected the name of a program, or its absolute path"),
        ("askpass = a\npinentry = b\n", "`askpass`: `pinentry` is set as well; keep one of them"),
    ] {
        settings(&world, lines);
        let done = world.run(&["process", "deploy"]);
        refused(&world, &done, 1, &format!("error: {file}: {error}"));
    }
    // `~` is the home, and a path may contain blanks, since no shell reads it.
    script_at(&world, "my programs/ask me", "echo x >>asked; exit 1");
    settings(&world, "askpass = ~/my programs/ask me\n");
    refused(&world, &world.run(&["process", "deploy"]), 130, "error: no MFA code was given: canceled");
    assert_eq!(asked(&world), ["x"]);
}
