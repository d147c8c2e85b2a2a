//! Programs and names that do what nobody expects of a dialog.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::{LOGIN, asked, askpass, is_running, refused, script_at, settings, start, wait_for_file, wait_until};
use crate::support::world::{Cast, World, calls};

/// A pinentry that writes down each line that it is sent.
const PINENTRY: &str = "echo OK; while read -r line; do printf '%s\\n' \"$line\" >>lines; \
                        case $line in GETPIN) break;; *) echo OK;; esac; done; ";

/// Names that try to be a command of Assuan, an option, a shell's command, or markup.
const NAMES: [&str; 7] =
    ["%0AGETPIN", "100%", "--help", "$(touch PWNED)", "`touch PWNED`", "<b>bold</b>&amp;", "a'b\u{202e}c"];

fn add_profile(world: &World, serial: &str, name: &str) {
    let arn = format!("arn:aws:iam::{}:role/deploy", world.aws.account());
    world.add_config(&format!(
        "[profile \"{name}\"]\nsource_profile = alice\nrole_arn = {arn}\nmfa_serial = {serial}\n"
    ));
}

#[test]
fn a_hostile_name_is_one_argument_and_one_description() {
    let Cast { world, device, .. } = World::cast();
    for name in NAMES {
        add_profile(&world, device.serial(), name);
        let shown = name.replace('\u{202e}', "\\u{202e}");
        let _ = fs::remove_file(world.home().join("asked"));
        askpass(&world, "echo $# >number; exit 1");
        let done = world.run(&["process", "--", name]);
        assert_eq!(done.status.code(), Some(130), "{name}: {done:?}");
        let question = format!("MFA code for {shown} (alice-phone): ");
        assert_eq!((asked(&world), world.read("number").trim()), (vec![question], "1"), "{name}");

        let _ = fs::remove_file(world.home().join("lines"));
        let pinentry = script_at(&world, "pinentry", &format!("{PINENTRY}echo 'ERR 83886179 no'"));
        settings(&world, &format!("pinentry = {pinentry}\n"));
        let done = world.run(&["process", "--", name]);
        assert_eq!(done.status.code(), Some(130), "{name}: {done:?}");
        let lines = world.read("lines");
        let words: Vec<&str> =
            lines.lines().filter_map(|line| line.split(' ').next()).filter(|w| *w != "OPTION").collect();
        assert_eq!(words, ["SETTIMEOUT", "SETTITLE", "SETDESC", "SETPROMPT", "GETPIN"], "{name}");
        let escaped = shown.replace('%', "%25");
        assert!(lines.contains(&format!("MFA code for {escaped} (alice-phone)\n")), "{name}: {lines}");
    }
    assert!(!world.home().join("PWNED").exists());
    assert!(calls(&world).is_empty());
}

#[test]
fn a_long_question_fits_on_a_screen() {
    let Cast { world, device, .. } = World::cast();
    let name = "a-very-long-name-of-a-profile-".repeat(25);
    add_profile(&world, device.serial(), &name);
    askpass(&world, "exit 1");
    assert_eq!(world.run(&["process", &name]).status.code(), Some(130));
    let text = world.read("asked");
    let lines: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
    assert!(lines.len() > 5 && lines.iter().all(|length| *length <= 81), "{text}");
    assert!(text.trim_end().ends_with("(alice-phone):"), "{text}");
}

#[test]
fn what_a_program_without_an_answer_leaves_running_is_ended() {
    const LEAVES: &str = "setsid sleep 1000 >/dev/null 2>&1 & echo $! >pid; ";
    for (setting, script, code) in [
        ("askpass", format!("{LEAVES}exit 1"), 130),
        ("askpass", format!("{LEAVES}exit 127"), 3),
        ("pinentry", format!("{LEAVES}exit 0"), 3),
        ("pinentry", format!("{LEAVES}{PINENTRY}exit 0"), 3),
        ("pinentry", format!("{LEAVES}{PINENTRY}echo 'ERR 83886179 no'"), 130),
    ] {
        let Cast { world, .. } = World::cast();
        let program = script_at(&world, "program", &script);
        settings(&world, &format!("{setting} = {program}\n"));
        let done = world.run(&["process", "deploy"]);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(code), ""), "{script}: {done:?}");
        wait_until("its window is closed", || !is_running(&world.read("pid")));
    }
    // One that gave its answer may have started an agent, for the next time.
    let Cast { world, device, .. } = World::cast();
    askpass(&world, &format!("{LEAVES}cat answer; rm answer"));
    world.write("answer", device.fresh_code());
    assert!(world.run(&["process", "deploy"]).status.success());
    assert!(is_running(&world.read("pid")));
    let pid = world.read("pid").trim().parse().ok().and_then(Pid::from_raw).expect("a number");
    kill_process(pid, Signal::KILL).expect("it runs");
}

#[test]
fn a_program_that_could_not_ask_is_no_cancellation() {
    let Cast { world, .. } = World::cast();
    for (script, why) in [
        ("exec /nonexistent/askpass", "it ended without an answer (exit status: 127)"),
        ("exec /etc/passwd", "it ended without an answer (exit status: 126)"),
        (
            "echo \"Error: Can't open display: \" >&2; exit 1",
            "it found no screen to ask on: `Error: Can't open display:`",
        ),
    ] {
        askpass(&world, script);
        let program = world.home().join("askpass").display().to_string();
        let done = world.run(&["process", "deploy"]);
        let error = format!("error: no MFA code was given: `askpass = {program}` could not ask: {why}");
        refused(&world, &done, 3, &error);
        assert!(done.stderr.contains(LOGIN), "{}", done.stderr);
    }
}

#[test]
fn when_the_process_that_shows_the_dialog_is_killed_the_next_one_shows_its_own() {
    let Cast { world, device, .. } = World::cast();
    askpass(&world, "[ -e answer ] || { echo $$ >pid; exec sleep 1000; }; cat answer; rm answer");
    let mut first = start(&world, &["process", "deploy"], "first");
    wait_for_file(&world, "asked");
    wait_until("its number", || world.home().join("pid").exists() && !world.read("pid").is_empty());
    let second = start(&world, &["process", "audit"], "second");
    wait_until("it waits", || world.read("second").contains("waiting for process "));
    world.write("answer", device.fresh_code());
    let window = world.read("pid");
    first.kill().expect("it runs");
    first.wait().expect("a child of ours");
    let done = second.wait_with_output().expect("a child of ours");
    assert!(done.status.success(), "{}", world.read("second"));
    assert_eq!(asked(&world).len(), 2);
    // Nothing can close the window of a killed process; what is typed there reaches nobody.
    let window = window.trim().parse().ok().and_then(Pid::from_raw).expect("a number");
    kill_process(window, Signal::KILL).expect("it is still open");
}
