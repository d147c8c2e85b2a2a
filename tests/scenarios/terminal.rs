//! Prompting a person on a real terminal: echo, signals, job control, timeouts; and an `mfa_process` that also uses the
//! terminal.

mod keys;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::pty::{PATIENCE, Pty, Session, Stream, off_terminal, run, send_signal};

const PROMPT: &str = "MFA code for my-test-role (alice): ";

/// The program in `support/ask.rs`, built once per run. Not left to `cargo test`: with a name filter or `--test` it
/// builds no examples, and an old one would be tested.
fn ask_path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--example", "ask", "--message-format", "json"]);
        // With cargo's variables about this package, `ring` would be rebuilt, and again afterward.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
                build.env_remove(name);
            }
        }
        let output = build.output().expect("cargo starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).expect("JSON");
        let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let path = messages.filter_map(|message| Some(message["executable"].as_str()?.into())).next_back();
        path.expect("the example is a program")
    })
}

fn ask(arguments: &[&str]) -> Command {
    let mut command = Command::new(ask_path());
    command.args(arguments);
    command
}

/// `script` in a non-interactive shell, with `ask` and its arguments as `"$@"`.
fn below_sh(script: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(ask_path()).args(arguments);
    command
}

/// An interactive bash, with job control.
fn bash() -> Session {
    let mut command = Command::new("bash");
    command
        .args(["--norc", "--noprofile", "-i"])
        .env("PS1", "ready> ")
        .env("TERM", "dumb")
        .env("HISTFILE", "/dev/null");
    command.env("ASK", ask_path());
    let mut session = Pty::default().sized(24, 200).streams(Stream::Terminal, Stream::Terminal).spawn(command);
    session.wait_for("ready> ", PATIENCE);
    session
}

/// The line that prompts, for bash. The prompt is written so that the echo of the line is not mistaken for it.
const ASK_LINE: &str = "\"$ASK\" hidden 'Your co''de: ' 60; echo \"end=$?\"\n";

#[test]
fn the_prompt_appears_only_on_the_terminal_and_the_answer_is_not_echoed() {
    let mut session = Pty::default().spawn(ask(&["hidden", PROMPT, "60"]));
    session.wait_for(PROMPT, PATIENCE);
    assert!(!session.echo_is_on());
    session.type_text("123456\n");
    let finished = session.finish(PATIENCE);
    assert!(finished.status.success());
    assert_eq!(finished.stdout, "answer: 123456\n");
    assert_eq!(finished.stderr, "");
    assert_eq!(finished.terminal, format!("{PROMPT}**\r\n"));
}

#[test]
fn a_narrow_window_does_not_change_the_prompt() {
    let mut session = Pty::default().sized(5, 10).spawn(ask(&["hidden", PROMPT, "60"]));
    session.wait_for(PROMPT, PATIENCE);
    session.type_text("123456\r");
    let finished = session.finish(PATIENCE);
    assert_eq!((finished.stdout.as_str(), finished.terminal), ("answer: 123456\n", format!("{PROMPT}**\r\n")));
}

#[test]
fn the_line_can_be_edited() {
    let mut session = Pty::default().spawn(ask(&["hidden", PROMPT, "60"]));
    session.wait_for(PROMPT, PATIENCE);
    // A wrong digit that is erased; backspace; an arrow key.
    session.type_text("999\u{15}1234\u{7f}\u{1b}[D456é\n");
    assert_eq!(session.finish(PATIENCE).stdout, "answer: 123456é\n");
}

#[test]
fn a_hostile_prompt_cannot_control_the_terminal() {
    let mut session = Pty::default().spawn(ask(&["hidden", "for \u{1b}[2Jx\r\n\u{9b}1m: ", "60"]));
    session.wait_for("m: ", PATIENCE);
    session.type_text("1\n");
    assert_eq!(session.finish(PATIENCE).terminal, "for \\u{1b}[2Jx\\r\\n\\u{9b}1m: **\r\n");
}

#[test]
fn signals_end_the_program_itself() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let mut session = Pty::default().spawn(ask(&["hidden", PROMPT, "60"]));
        session.wait_for(PROMPT, PATIENCE);
        session.signal(signal);
        let finished = session.finish(PATIENCE);
        assert_eq!(finished.signal(), Some(signal.as_raw()), "{signal:?}");
        assert_eq!((finished.stdout.as_str(), finished.terminal), ("", format!("{PROMPT}\r\n")), "{signal:?}");
    }
}

#[test]
fn a_signal_restores_the_terminal() {
    // In the shell's process group, so in the foreground; a signal to this process only, as from a supervisor.
    let script = r#"before=$(stty -g </dev/tty)
        sh -c 'echo "pid=$$ " >/dev/tty; exec "$@"' sh "$@" &
        wait "$!"; echo "end=$?"
        [ "$(stty -g </dev/tty)" = "$before" ] && echo same"#;
    for signal in [Signal::TERM, Signal::HUP] {
        let mut session = Pty::default().spawn(below_sh(script, &["hidden", PROMPT, "60"]));
        let pid = session.wait_for_number("pid=", PATIENCE);
        session.wait_for(PROMPT, PATIENCE);
        session.wait_for_echo(false, PATIENCE);
        send_signal(pid, signal);
        assert_eq!(session.finish(PATIENCE).stdout, format!("end={}\nsame\n", 128 + signal.as_raw()), "{signal:?}");
    }
}

#[test]
fn ctrl_c_exits_with_130_and_restores_the_terminal() {
    let script = r#"trap : INT QUIT; before=$(stty -g </dev/tty)
        "$@"; echo "end=$?"; [ "$(stty -g </dev/tty)" = "$before" ] && echo same"#;
    for (letter, end) in [('c', 130), ('\\', 131)] {
        let mut session = Pty::default().spawn(below_sh(script, &["hidden", PROMPT, "60"]));
        session.wait_for(PROMPT, PATIENCE);
        session.type_text("123");
        session.control(letter);
        assert_eq!(session.finish(PATIENCE).stdout, format!("end={end}\nsame\n"));
    }
}

#[test]
fn after_the_answer_signals_have_their_usual_effect() {
    let mut session = Pty::default().spawn(ask(&["after", PROMPT, "60"]));
    session.wait_for(PROMPT, PATIENCE);
    session.type_text("123456\n");
    session.wait_for("asked", PATIENCE);
    assert!(session.echo_is_on());
    session.control('c');
    assert_eq!(session.finish(PATIENCE).signal(), Some(Signal::INT.as_raw()));
}

#[test]
fn signals_ignored_at_the_start_stay_ignored() {
    let mut session = Pty::default().spawn(below_sh("trap '' HUP; exec \"$@\"", &["hidden", PROMPT, "60"]));
    session.wait_for(PROMPT, PATIENCE);
    session.signal(Signal::HUP);
    session.type_text("123456\n");
    assert_eq!(session.finish(PATIENCE).stdout, "answer: 123456\n");
}

#[test]
fn ctrl_d_does_not_count_as_an_answer() {
    let mut session = Pty::default().spawn(ask(&["hidden", PROMPT, "60"]));
    session.wait_for(PROMPT, PATIENCE);
    session.control('d');
    assert_eq!(session.finish(PATIENCE).stdout, "error: Closed\n");
}

#[test]
fn an_unanswered_prompt_times_out() {
    let start = Instant::now();
    let mut session = Pty::default().spawn(ask(&["hidden", PROMPT, "1"]));
    session.wait_for(PROMPT, PATIENCE);
    session.type_text("123");
    let finished = session.finish(PATIENCE);
    assert_eq!((finished.stdout.as_str(), finished.terminal), ("error: TimedOut(1s)\n", format!("{PROMPT}**\r\n")));
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn stopped_terminal_output_does_not_block_the_program() {
    let mut session =
        Pty::default().spawn(below_sh("echo stop >/dev/tty; read line; exec \"$@\"", &["hidden", PROMPT, "1"]));
    session.wait_for("stop", PATIENCE);
    session.type_text("\n");
    session.control('s');
    assert_eq!(session.finish(PATIENCE).stdout, "error: TimedOut(1s)\n");
}

#[test]
fn keys_typed_before_the_prompt_are_discarded() {
    let script = "echo wait >/dev/tty; while [ ! -e \"$FLAG\" ]; do sleep 0.05; done; exec \"$@\"";
    let folder = tempfile::tempdir().expect("a folder");
    let flag = folder.path().join("typed");
    let mut command = below_sh(script, &["hidden", PROMPT, "60"]);
    command.env("FLAG", &flag);
    let mut session = Pty::default().spawn(command);
    session.wait_for("wait", PATIENCE);
    session.type_text("999999\n");
    session.wait_for("999999", PATIENCE);
    std::fs::write(flag, "").expect("a file");
    session.wait_for(PROMPT, PATIENCE);
    session.type_text("123456\n");
    assert_eq!(session.finish(PATIENCE).stdout, "answer: 123456\n");
}

#[test]
fn without_a_terminal_it_fails_at_once() {
    for (arguments, answer) in [(&["hidden", PROMPT, "60"][..], "error: Absent\n"), (&["there"], "false\n")] {
        let mut command = off_terminal(ask_path());
        command.args(arguments);
        let finished = run(command, b"123456\n", PATIENCE);
        assert!(finished.status.success());
        assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), (answer, ""));
    }
}

#[test]
fn a_terminal_is_detected() {
    assert_eq!(Pty::default().spawn(ask(&["there"])).finish(PATIENCE).stdout, "true\n");
}

#[test]
fn a_message_is_written_to_the_terminal() {
    let finished = Pty::default().spawn(ask(&["tell", "try\u{7} again"])).finish(PATIENCE);
    assert_eq!((finished.stdout.as_str(), finished.terminal.as_str()), ("told\n", "try\\u{7} again\r\n"));
}

#[test]
fn a_background_process_is_refused_and_never_stops() {
    let mut session = bash();
    session.type_text("stty tostop; for what in 'hidden p: 60' there 'tell line'; do \"$ASK\" $what >out.$$ & wait $!; echo \"end=$? $(cat out.$$)\"; rm out.$$; done; echo al''l\n");
    session.wait_for("end=0 error: Background", PATIENCE);
    session.wait_for("end=0 false", PATIENCE);
    session.wait_for("end=0 told", PATIENCE);
    session.wait_for("all", PATIENCE);
    assert!(!session.screen().contains("Stopped"), "{}", session.screen());
    session.type_text("exit\n");
    session.finish(PATIENCE);
}

#[test]
fn ctrl_z_stops_and_fg_asks_again() {
    let mut session = bash();
    session.type_text(ASK_LINE);
    session.wait_for("Your code: ", PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text("999");
    session.control('z');
    session.wait_for("Stopped", PATIENCE);
    session.wait_for("ready> ", PATIENCE);
    session.type_text("fg\n");
    session.wait_for("Your code: ", PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text("123456\n");
    session.wait_for("answer: 123456", PATIENCE);
    session.wait_for("ready> ", PATIENCE);
    session.type_text("exit\n");
    session.finish(PATIENCE);
}

#[test]
fn the_terminal_is_restored_while_stopped() {
    // This shell, unlike bash, leaves the modes alone when a job stops.
    let script = r#"set -m; before=$(stty -g </dev/tty)
        "$@"; [ "$(stty -g </dev/tty)" = "$before" ] && echo same
        fg >/dev/null; [ "$(stty -g </dev/tty)" = "$before" ] && echo same"#;
    let mut session = Pty::default().spawn(below_sh(script, &["hidden", PROMPT, "60"]));
    session.wait_for(PROMPT, PATIENCE);
    session.type_text("999");
    session.control('z');
    session.wait_for(PROMPT, PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text("123456\n");
    assert_eq!(session.finish(PATIENCE).stdout, "same\nanswer: 123456\nsame\n");
}

#[test]
fn a_stopped_question_sent_to_the_background_ends() {
    let mut session = bash();
    session.type_text(ASK_LINE);
    session.wait_for("Your code: ", PATIENCE);
    session.control('z');
    session.wait_for("Stopped", PATIENCE);
    session.wait_for("ready> ", PATIENCE);
    session.type_text("bg; wait\n");
    session.wait_for("error: Background", PATIENCE);
    session.type_text("exit\n");
    session.finish(PATIENCE);
}

#[test]
fn ctrl_z_in_a_command_substitution_does_not_freeze_the_shell() {
    let mut session = bash();
    session.type_text("x=$(\"$ASK\" hidden 'Your co''de: ' 60); echo \"end=$? $x\"\n");
    session.wait_for("Your code: ", PATIENCE);
    session.control('z');
    session.wait_for("Your code: ", PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text("123456\n");
    session.wait_for("end=0 answer: 123456", PATIENCE);
    session.type_text("exit\n");
    session.finish(PATIENCE);
}

#[test]
fn a_process_stopped_by_another_one_asks_again() {
    let script = r#"before=$(stty -g </dev/tty)
        sh -c 'echo "pid=$$ " >/dev/tty; exec "$@"' sh "$@" &
        wait "$!"; [ "$(stty -g </dev/tty)" = "$before" ] && echo same"#;
    let mut session = Pty::default().spawn(below_sh(script, &["hidden", PROMPT, "60"]));
    let pid = session.wait_for_number("pid=", PATIENCE);
    session.wait_for(PROMPT, PATIENCE);
    send_signal(pid, Signal::STOP);
    send_signal(pid, Signal::CONT);
    session.wait_for(PROMPT, PATIENCE);
    session.type_text("123456\n");
    assert_eq!(session.finish(PATIENCE).stdout, "answer: 123456\nsame\n");
}

#[test]
fn an_mfa_process_may_use_the_terminal() {
    let command = "printf 'Touch: ' >/dev/tty; read line </dev/tty; echo talk >&2; echo \"$line\"";
    let mut session = Pty::default().spawn(ask(&["process", command, "60"]));
    session.wait_for("Touch: ", PATIENCE);
    session.type_text("123456\n");
    let finished = session.finish(PATIENCE);
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("code: 123456\n", "talk\n"));
}

#[test]
fn an_mfa_process_does_not_read_our_stdin() {
    let script = "\"$@\"; cat";
    let mut command = off_terminal("sh");
    command.args(["-c", script, "sh"]).arg(ask_path()).args(["process", "cat; echo 123456", "60"]);
    assert_eq!(run(command, b"payload\n", PATIENCE).stdout, "code: 123456\npayload\n");
}
