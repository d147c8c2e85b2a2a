//! MFA codes: where they come from, how often they are asked for, and that none is ever sent twice.

#[cfg(target_os = "linux")]
mod recipes;

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use jiff::Timestamp;
use rustix::process::Signal;

use crate::support::aws::{Effect, Fault, When};
use crate::support::pty::{Finished, PATIENCE, Pty, Session};
use crate::support::world::{Cast, MFA_CRED, World};

const PROMPT: &str = "MFA code for deploy (alice-phone): ";
const SIGN_IN: [&str; 4] = ["process", "deploy", "--mfa-token", "-"];

/// A call and its outcome.
fn calls(world: &World) -> Vec<String> {
    let brief = |call: crate::support::aws::Call| {
        let code = if call.params.get("TokenCode").is_some() { " with a code" } else { "" };
        let effect = match call.effect {
            Effect::Accepted => "done".to_owned(),
            Effect::Ignored => "lost".to_owned(),
            Effect::Refused(why) => why,
        };
        format!("{}{code}: {effect}", call.action)
    };
    world.aws.take_calls().into_iter().map(brief).collect()
}

/// Answers the prompt and checks that the answer is not echoed.
fn answer(session: &mut Session, text: &str) {
    session.wait_for(PROMPT, PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text(&format!("{text}\n"));
}

/// Waits for the end of a program on a terminal, which must show exactly these lines.
fn finish(world: &World, session: Session, lines: &[&str]) -> Finished {
    let done = session.finish(PATIENCE);
    world.heard("at a terminal", &done);
    assert_eq!(shown(&done), lines);
    done
}

/// The lines of the terminal, without the asterisks that stand for keys.
fn shown(done: &Finished) -> Vec<String> {
    done.terminal_without_address()
        .split_terminator("\r\n")
        .map(|line| line.strip_suffix("**").unwrap_or(line).to_owned())
        .collect()
}

#[test]
fn a_wrong_code_is_asked_again() {
    let Cast { world, device, .. } = World::cast();
    let mut session = world.at_terminal(&["process", "deploy"]);
    answer(&mut session, &device.wrong_code());
    answer(&mut session, &device.fresh_code());
    let done = finish(&world, session, &[PROMPT, "AWS refused that code: check it, or wait for the next one", PROMPT]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(done.stderr, "");
    let session = "GetSessionToken with a code";
    assert_eq!(
        calls(&world),
        [format!("{session}: AccessDenied"), format!("{session}: done"), "AssumeRole: done".to_owned()]
    );
}

#[test]
fn three_wrong_codes_are_enough() {
    let Cast { world, device, .. } = World::cast();
    let mut session = world.at_terminal(&["process", "deploy"]);
    for _ in 0..3 {
        answer(&mut session, &device.wrong_code());
    }
    let refused = "AWS refused that code: check it, or wait for the next one";
    let done = finish(&world, session, &[PROMPT, refused, PROMPT, refused, PROMPT]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(4), ""));
    assert_eq!(
        done.stderr,
        "error: GetSessionToken for profile `deploy`: AWS refused it (AccessDenied): MultiFactorAuthentication failed \
         with invalid MFA one time pass code.\n\
         hint: wait for the device's next code; if codes keep failing, the device's clock has drifted: run `mfa-cred device resync --profile deploy`\n"
    );
    assert_eq!(calls(&world).len(), 3);
    assert_eq!(world.entries().len(), 0);
}

#[test]
fn input_other_than_six_digits_is_asked_again_and_never_sent() {
    let Cast { world, device, .. } = World::cast();
    let mut session = world.at_terminal(&["process", "deploy"]);
    answer(&mut session, "12345");
    answer(&mut session, "");
    // Spaces are ignored.
    let code = device.fresh_code();
    answer(&mut session, &format!(" {} {} ", &code[..3], &code[3..]));
    let news = "an MFA code is six digits";
    let done = finish(&world, session, &[PROMPT, news, PROMPT, news, PROMPT]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(calls(&world), ["GetSessionToken with a code: done", "AssumeRole: done"]);

    let Cast { world, .. } = World::cast();
    let mut session = world.at_terminal(&["process", "deploy"]);
    for text in ["hunter2", "1234567", "12345a"] {
        answer(&mut session, text);
    }
    let done = finish(&world, session, &[PROMPT, news, PROMPT, news, PROMPT]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(4), ""));
    assert_eq!(done.stderr, "error: the input was not an MFA code (six digits)\n");
    assert!(calls(&world).is_empty());
}

/// A process without a terminal that waits for the one that prompts, and its output.
struct Waiter {
    child: Child,
    said: std::path::PathBuf,
}

impl Waiter {
    /// Starts it and checks that it waits.
    fn start(world: &World, words: &[&str]) -> Self {
        let said = world.home().join("said");
        let mut command = world.command(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&said).expect("a file"));
        let waiter = Self { child: command.spawn().expect("it starts"), said };
        let started = Instant::now();
        while !waiter.said().contains("waiting for process ") {
            assert!(started.elapsed() < PATIENCE, "it does not wait: {:?}", waiter.said());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        waiter
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// Its exit code, stdout, and stderr after the line about waiting.
    fn finish(self) -> (Option<i32>, String, String) {
        let said = self.said.clone();
        let output = self.child.wait_with_output().expect("a child of ours");
        let said = fs::read_to_string(said).expect("a file");
        let (_, rest) = said.split_once('\n').expect("the line about waiting");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"), rest.to_owned())
    }
}

/// A shell that stays on the terminal, and reports how `mfa-cred` ended and whether the echo is on again.
fn below_sh(world: &World, words: &[&str]) -> Session {
    let script = r#"trap : INT; "$@"; echo "end=$?"; case $(stty -a </dev/tty) in *" -echo "*) ;; *) echo echo;; esac"#;
    let mut command = Command::new("sh");
    world.dress(&mut command);
    command.args(["-c", script, "sh", MFA_CRED]).args(words);
    Pty::default().spawn(command)
}

#[test]
fn ctrl_c_ends_the_prompt_and_every_waiting_process() {
    let Cast { world, .. } = World::cast();
    let mut session = below_sh(&world, &["process", "deploy"]);
    session.wait_for(PROMPT, PATIENCE);
    session.type_text("123");
    let waiter = Waiter::start(&world, &["process", "audit"]);
    session.control('c');
    let done = finish(&world, session, &[PROMPT]);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("end=130\necho\n", ""));
    let hint = "hint: run `mfa-cred login alice` when you have the code\n";
    let said = format!("error: another process asked for the code for `alice`, and it was not given\n{hint}");
    assert_eq!(waiter.finish(), (Some(3), String::new(), said));
    assert!(calls(&world).is_empty());
    assert_eq!(world.entries().len(), 0);
}

#[test]
fn a_waiting_process_gets_the_credentials_of_the_sign_in() {
    let Cast { world, device, .. } = World::cast();
    let mut session = world.at_terminal(&["process", "deploy"]);
    session.wait_for(PROMPT, PATIENCE);
    let waiter = Waiter::start(&world, &["process", "audit"]);
    session.type_text(&format!("{}\n", device.fresh_code()));
    assert!(finish(&world, session, &[PROMPT]).status.success());
    let (code, stdout, said) = waiter.finish();
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(stdout.starts_with("{\"Version\":1,"), "{stdout}");
    let mut calls = calls(&world);
    calls.sort();
    assert_eq!(calls, ["AssumeRole: done", "AssumeRole: done", "GetSessionToken with a code: done"]);
}

#[test]
fn other_signals_end_the_prompt_and_the_next_process_takes_over() {
    for signal in [Signal::TERM, Signal::HUP] {
        let Cast { world, .. } = World::cast();
        let mut session = world.at_terminal(&["process", "deploy"]);
        session.wait_for(PROMPT, PATIENCE);
        let waiter = Waiter::start(&world, &["process", "audit"]);
        session.signal(signal);
        let done = finish(&world, session, &[PROMPT]);
        assert_eq!((done.signal(), &*done.stdout, &*done.stderr), (Some(signal.as_raw()), "", ""));
        // It has no terminal, and no other process prompts any more.
        let said = "error: profile `audit` needs an MFA code, but there is no terminal to ask on\n\
                    hint: run `mfa-cred login audit` in a terminal\n";
        assert_eq!(waiter.finish(), (Some(3), String::new(), said.to_owned()));
        assert!(calls(&world).is_empty());
        assert_eq!(world.entries().len(), 0);
    }
}

#[test]
fn end_of_input_cancels() {
    let Cast { world, .. } = World::cast();
    let mut session = world.at_terminal(&["process", "deploy"]);
    session.wait_for(PROMPT, PATIENCE);
    session.control('d');
    let done = finish(&world, session, &[PROMPT]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(130), ""));
    assert_eq!(done.stderr, "error: no MFA code was given: nothing was typed\n");
    assert!(calls(&world).is_empty());
}

#[test]
fn escape_cancels_the_prompt_and_every_waiting_process() {
    let Cast { world, .. } = World::cast();
    let mut session = world.at_terminal(&["process", "deploy"]);
    session.wait_for(PROMPT, PATIENCE);
    let waiter = Waiter::start(&world, &["process", "audit"]);
    session.type_text("12\x1b");
    let done = finish(&world, session, &[PROMPT]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(130), ""));
    assert_eq!(done.stderr, "error: no MFA code was given: canceled\n");
    assert_eq!(waiter.finish().0, Some(3));
    assert!(calls(&world).is_empty());
}

#[test]
fn no_prompt_appears_where_prompting_is_not_allowed() {
    let Cast { world, .. } = World::cast();
    let session = world.at_terminal(&["process", "deploy", "--no-prompt"]);
    let done = finish(&world, session, &[]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(3), ""));
    assert!(calls(&world).is_empty());
}

/// The number of seconds before `end` at the end of a text.
fn seconds(text: &str, start: &str, end: &str) -> u32 {
    let number = text.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no seconds in {text:?}"))
}

#[test]
fn a_spent_code_is_refused_locally_and_not_sent() {
    let Cast { world, device, .. } = World::cast();
    let code = device.fresh_code();
    assert!(world.run_with_stdin(&SIGN_IN, &code).status.success());
    world.aws.take_calls();
    // Also for another role with the same device, which has its own entry.
    for words in [&["process", "deploy", "--refresh"][..], &["process", "audit", "--duration", "2h"]] {
        let done = world.run_with_stdin(&[words, &["--mfa-token", "-"]].concat(), &code);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(4), ""), "{done:?}");
        let start = "error: that MFA code was already used; the device shows its next one in ";
        assert!((1..=30).contains(&seconds(&done.stderr, start, "s\n")), "{}", done.stderr);
        assert!(calls(&world).is_empty());
    }
    let mut session = world.at_terminal(&["process", "deploy", "--refresh"]);
    answer(&mut session, &code);
    answer(&mut session, &device.fresh_code());
    let done = session.finish(PATIENCE);
    world.heard("a spent code", &done);
    let lines = shown(&done);
    assert_eq!((lines.len(), &*lines[0], &*lines[2]), (3, PROMPT, PROMPT));
    assert!((1..=30).contains(&seconds(&lines[1], "that code was already used; the next one comes in ", "s")));
    assert!(done.status.success(), "{done:?}");
    assert_eq!(calls(&world), ["GetSessionToken with a code: done", "AssumeRole: done"]);
}

#[test]
fn an_mfa_process_whose_code_was_spent_is_run_again_in_the_next_window() {
    let Cast { world, device, .. } = World::cast();
    world.edit_config("[profile deploy]\n", "[profile deploy]\nmfa_process = cat code; echo x >>runs\n");
    world.write("code", device.fresh_code());
    assert!(world.run(&["process", "deploy"]).status.success());
    world.aws.take_calls();
    let step = |now: Timestamp| now.as_second() / 30;
    let before = step(world.aws.now());
    let child = world.command(&["process", "deploy", "--refresh"]).stdout(Stdio::piped()).spawn().expect("it starts");
    let started = Instant::now();
    while world.read("runs").lines().count() < 2 {
        assert!(started.elapsed() < PATIENCE, "it was not run");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // Until the window ends, it prints the same code.
    world.write("code", device.fresh_code());
    let done = child.wait_with_output().expect("a child of ours");
    assert!(done.status.success(), "{done:?}");
    assert!(step(world.aws.now()) > before);
    assert_eq!(world.read("runs").lines().count(), 3);
    assert_eq!(calls(&world), ["GetSessionToken with a code: done", "AssumeRole: done"]);
    fs::remove_file(world.home().join("code")).expect("it was there");
}

/// Every way to get no trustworthy answer: the fault, the message, and the exit code.
fn losses() -> [(Fault, &'static str, i32); 8] {
    let (broke, unreadable) =
        ("the answer was lost (the connection broke)", "the answer is not one of AWS's, or was cut off");
    [
        (Fault::Drop(When::Before), broke, 6),
        (Fault::Drop(When::After), broke, 6),
        (Fault::ServerError(When::Before, 503), "AWS failed to answer (HTTP 503)", 6),
        (Fault::ServerError(When::After, 500), "AWS failed to answer (HTTP 500)", 6),
        (Fault::Html, unreadable, 6),
        (Fault::Truncate, unreadable, 6),
        (Fault::Throttle, "AWS is throttling calls", 5),
        (Fault::Refuse(400, "ThrottlingException".to_owned(), String::new()), "AWS is throttling calls", 5),
    ]
}

#[test]
fn a_code_whose_answer_was_lost_is_never_sent_again() {
    for (words, call) in
        [(&["process", "deploy"][..], "GetSessionToken"), (&["process", "deploy", "--duration", "2h"], "AssumeRole")]
    {
        for (fault, why, exit) in losses() {
            let Cast { world, device, .. } = World::cast();
            let (words, code) = ([words, &["--mfa-token", "-"]].concat(), device.fresh_code());
            world.aws.fault(call, fault.clone(), 2);
            let done = world.run_with_stdin(&words, &code);
            let shown = done.stderr.lines().collect::<Vec<_>>();
            let role = if call == "AssumeRole" { " arn:aws:iam::123456789012:role/deploy" } else { "" };
            assert_eq!(shown[0], format!("error: {call}{role} for profile `deploy`: {why}"), "{fault:?}");
            assert!(
                shown.len() == 2 && shown[1].starts_with("hint: ") && shown[1].contains("spent"),
                "{fault:?}: {shown:?}"
            );
            assert_eq!((done.status.code(), done.stdout.as_str()), (Some(exit), ""), "{fault:?}");
            assert_eq!(world.aws.count(call), 1, "{fault:?}");
            // It counts as spent.
            assert_eq!(world.run_with_stdin(&words, &code).status.code(), Some(4), "{fault:?}");
            assert_eq!((world.aws.count(call), world.entries().len()), (1, 0), "{fault:?}");
        }
    }
}

#[test]
fn on_a_terminal_the_prompt_for_the_next_code_gives_the_reason() {
    for (fault, why, _) in losses() {
        let Cast { world, device, .. } = World::cast();
        world.aws.fault("GetSessionToken", fault.clone(), 1);
        let mut session = world.at_terminal(&["process", "deploy"]);
        answer(&mut session, &device.fresh_code());
        answer(&mut session, &device.fresh_code());
        let done = session.finish(PATIENCE);
        world.heard("a lost answer", &done);
        let news =
            format!("GetSessionToken for profile `deploy`: {why}; the code may be spent, so wait for the next one");
        // The terminal itself wraps no lines.
        assert_eq!(done.terminal_without_address(), format!("{PROMPT}**\r\n{news}\r\n{PROMPT}**\r\n"), "{fault:?}");
        assert!(done.status.success(), "{fault:?}: {done:?}");
        assert_eq!((world.aws.count("GetSessionToken"), done.stderr.as_str()), (2, ""), "{fault:?}");
    }
}

#[test]
fn three_lost_answers_are_enough() {
    let Cast { world, device, .. } = World::cast();
    world.aws.fault("GetSessionToken", Fault::Drop(When::After), 9);
    let mut session = world.at_terminal(&["process", "deploy"]);
    for _ in 0..3 {
        answer(&mut session, &device.fresh_code());
    }
    let done = session.finish(PATIENCE);
    world.heard("lost answers", &done);
    assert_eq!((done.status.code(), world.aws.count("GetSessionToken")), (Some(6), 3));
}

#[test]
fn a_clock_that_is_wrong_costs_a_second_request_and_no_code() {
    for skew in [15 * 60, -15 * 60, 2 * 86_400, -2 * 86_400] {
        let Cast { world, device, .. } = World::cast();
        world.aws.skew(skew);
        let code = device.fresh_code();
        let done = world.run_with_stdin(&["login", "deploy", "--mfa-token", "-"], &code);
        assert!(done.status.success(), "{skew}: {done:?}");
        // By AWS's clock, the only one that decides when it expires; a second may have passed.
        let said = ["deploy: signed in for 1h\n", "deploy: signed in for 59m\n"];
        assert!(done.stdout.is_empty() && said.contains(&done.stderr.as_str()), "{skew}: {done:?}");
        assert_eq!(
            calls(&world),
            [
                "GetSessionToken with a code: SignatureDoesNotMatch",
                "GetSessionToken with a code: done",
                "AssumeRole: done"
            ],
            "{skew}"
        );
        // Known from now on.
        assert!(world.run(&["process", "audit"]).status.success(), "{skew}");
        assert_eq!(calls(&world), ["AssumeRole: done"], "{skew}");
        assert!(world.run(&["process", "deploy"]).status.success(), "{skew}");
        assert!(calls(&world).is_empty(), "{skew}");
        // And the code is spent by that clock.
        let again = world.run_with_stdin(&["process", "deploy", "--refresh", "--mfa-token", "-"], &code);
        assert_eq!((again.status.code(), calls(&world)), (Some(4), Vec::new()), "{skew}");
        let next = world.run_with_stdin(&["process", "deploy", "--refresh", "--mfa-token", "-"], &device.fresh_code());
        assert!(next.status.success(), "{skew}: {next:?}");
    }
}

#[test]
fn code_sources_are_tried_in_order() {
    let Cast { world, device, .. } = World::cast();
    let says = |who: &str| format!("echo {who} >>asked; cat code");
    let asked = |words: &[&str], stdin: &str| {
        world.write("asked", "");
        world.write("code", device.fresh_code());
        let done = world.run_with_stdin(words, stdin);
        assert!(done.status.success(), "{words:?}: {done:?}");
        world.read("asked").trim().to_owned()
    };
    let refresh = ["process", "deploy", "--refresh"];
    world.write("config/mfa-cred/config.ini", format!("mfa_process = {}\n", says("settings")));
    assert_eq!(asked(&refresh, ""), "settings");
    world.edit_config("[profile alice]\n", &format!("[profile alice]\nmfa_process = {}\n", says("source")));
    assert_eq!(asked(&refresh, ""), "source");
    world.edit_config("[profile deploy]\n", &format!("[profile deploy]\nmfa_process = {}\n", says("profile")));
    assert_eq!(asked(&refresh, ""), "profile");
    // A person is asked last; a code on the command line comes first.
    assert_eq!(asked(&[&refresh[..], &["--mfa-token", "-"]].concat(), &device.fresh_code()), "");
    assert_eq!(asked(&[&refresh[..], &["--mfa-token", &device.fresh_code()]].concat(), ""), "");
    let session = world.at_terminal(&refresh);
    world.write("code", device.fresh_code());
    assert!(finish(&world, session, &[]).status.success());
    // If one source fails, no other one is tried.
    world.edit_config("cat code\nsource_profile", "false\nsource_profile");
    let done = finish(&world, world.at_terminal(&refresh), &[]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""));
    fs::remove_file(world.home().join("code")).expect("it was there");
}
