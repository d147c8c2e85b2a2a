//! The prompt segment: computed from the environment alone, and shown in the prompts of real shells.

use std::process::Command;

use jiff::{SignedDuration, Timestamp};

use crate::scenarios::shells::{NAMES, assert_nothing_ran, trap};
use crate::support::pty::{Finished, PATIENCE, Pty, Stream, off_terminal, run};
use crate::support::tools::{find, skip_without};
use crate::support::world::{MFA_CRED, World};

/// An expiration this many seconds away, plus half a minute, so that a slow test does not cross a minute boundary.
fn end_in(secs: i64) -> String {
    (Timestamp::now() + SignedDuration::from_secs(secs + 30)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The program with only these variables.
fn prompt(variables: &[(&str, &str)], words: &[&str]) -> Finished {
    let mut command = off_terminal(MFA_CRED);
    command.arg("prompt").args(words).env_clear().envs(variables.iter().copied());
    run(command, b"", PATIENCE)
}

fn line(variables: &[(&str, &str)], words: &[&str]) -> String {
    let done = prompt(variables, words);
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{variables:?} {words:?}");
    done.stdout
}

#[test]
fn the_segment_shows_the_profile_and_the_time_left() {
    let profile = ("MFA_CRED_PROFILE", "my-test-role");
    for (secs, text) in
        [(47 * 60, "my-test-role 47m\n"), (14 * 60, "my-test-role 14m*\n"), (-60, "my-test-role EXPIRED\n")]
    {
        assert_eq!(line(&[profile, ("AWS_CREDENTIAL_EXPIRATION", &end_in(secs))], &[]), text);
    }
    assert_eq!(line(&[profile], &[]), "my-test-role\n");
    assert_eq!(line(&[profile, ("AWS_CREDENTIAL_EXPIRATION", "soon")], &[]), "my-test-role\n");
    // Without credentials nothing is printed, not even a line feed.
    for nothing in [&[][..], &[("MFA_CRED_PROFILE", "")], &[("AWS_PROFILE", "x"), ("AWSUME_PROFILE", "x")]] {
        assert_eq!(line(nothing, &[]), "");
        assert_eq!(line(nothing, &["--format", "aws {profile}", "--color", "always"]), "");
    }
}

#[test]
fn region_and_account_come_from_the_environment() {
    let all = ["--format", "{profile} {left} {region} {account}"];
    let (profile, end) = (("MFA_CRED_PROFILE", "p"), end_in(3600));
    let mut variables = vec![profile, ("AWS_CREDENTIAL_EXPIRATION", end.as_str()), ("AWS_DEFAULT_REGION", "eu-west-1")];
    assert_eq!(line(&variables, &all), "p 1h eu-west-1\n");
    variables.extend([("AWS_REGION", "us-east-1"), ("AWS_ACCOUNT_ID", "123456789012")]);
    assert_eq!(line(&variables, &all), "p 1h us-east-1 123456789012\n");
    variables.push(("AWS_ACCESS_KEY_ID", "ASIAY34FZKBOKMUTVV7A"));
    assert_eq!(line(&variables, &all), "p 1h us-east-1 609629065308\n");
    let done = prompt(&[], &["--format", "{name}"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(2), ""));
    assert!(
        done.stderr.contains("unknown field; expected one of {profile}, {left}, {region}, {account}"),
        "{}",
        done.stderr
    );
}

#[test]
fn color_follows_the_option_and_the_environment() {
    let (bash, zsh) = ("\x01\x1b[32m\x02p\x01\x1b[0m\x02\n", "%{\x1b[32m%}p%{\x1b[0m%}\n");
    for (variable, words, text) in [
        (("TERM", "xterm"), &[][..], "p\n"),
        (("TERM", "xterm"), &["--color", "always"], "\x1b[32mp\x1b[0m\n"),
        (("MFA_CRED_COLOR", "always"), &[], "\x1b[32mp\x1b[0m\n"),
        (("MFA_CRED_COLOR", "always"), &["--color", "never"], "p\n"),
        (("TERM", "xterm"), &["--shell", "bash"], bash),
        (("TERM", "xterm"), &["--shell", "zsh"], zsh),
        (("TERM", "xterm"), &["--shell", "fish"], "\x1b[32mp\x1b[0m\n"),
        (("TERM", "dumb"), &["--shell", "bash"], "p\n"),
        (("NO_COLOR", "1"), &["--shell", "bash"], "p\n"),
        (("NO_COLOR", "1"), &["--shell", "bash", "--color", "always"], bash),
        (("TERM", "xterm"), &["--shell", "zsh", "--color", "never"], "p\n"),
    ] {
        assert_eq!(line(&[("MFA_CRED_PROFILE", "p"), variable], words), text, "{variable:?} {words:?}");
    }
}

#[test]
fn no_file_is_read() {
    if find("strace", &["--version"]).is_none() {
        skip_without("what `prompt` opens", "strace");
        return;
    }
    let world = World::empty();
    world.write("config/mfa-cred/config.ini", "color = purple\n");
    world.set("MFA_CRED_PROFILE", "p");
    let done =
        world.run_other("strace", &["-f", "-e", "trace=open,openat,execve,socket", MFA_CRED, "prompt"], PATIENCE);
    assert_eq!(done.stdout, "p\n");
    let home = world.home().display().to_string();
    let of_ours = |line: &&str| line.contains(&home) || line.contains("socket(");
    assert_eq!(done.stderr.lines().filter(of_ours).collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(done.stderr.contains("openat("), "strace sees what is opened: {}", done.stderr);
}

/// Two ways to put a command into bash's prompt, and the one for zsh: in `PS1` itself, and by a hook that assigns
/// `PS1`, which expands its contents once more.
#[test]
fn a_name_in_a_prompt_runs_nothing() {
    let world = World::empty();
    for (program, words, setup) in [
        ("bash", &["--norc", "--noprofile", "-i"][..], "PS1='$(mfa-cred prompt --shell bash)<ready> '\r"),
        ("bash", &["--norc", "--noprofile", "-i"], "PROMPT_COMMAND='PS1=\"$(mfa-cred prompt)<ready> \"'\r"),
        ("zsh", &["-f", "-i"], "setopt PROMPT_SUBST; PS1='$(mfa-cred prompt --shell zsh)<ready> '\r"),
        ("zsh", &["-f", "-i"], "setopt PROMPT_SUBST; precmd() { PS1=\"$(mfa-cred prompt)<ready> \"; }\r"),
    ] {
        let Some(shell) = find(program, &["--version"]) else {
            skip_without("the prompt", program);
            continue;
        };
        let work = trap();
        let mut command = Command::new(shell);
        world.dress(&mut command);
        command.args(words).current_dir(work.path());
        let mut session = Pty::default().streams(Stream::Terminal, Stream::Terminal).spawn(command);
        session.type_text(setup);
        session.wait_for("<ready> ", PATIENCE);
        session.wait_for("<ready> ", PATIENCE);
        for name in NAMES {
            session.type_text(&format!("export MFA_CRED_PROFILE='{}'\r", name.replace('\'', "'\\''")));
            session.wait_for("<ready> ", PATIENCE);
        }
        session.type_text("export MFA_CRED_PROFILE=plain-name\r");
        session.wait_for("plain-name", PATIENCE);
        session.wait_for("plain-name", PATIENCE);
        assert_nothing_ran(work.path(), setup);
        assert_nothing_ran(world.home(), setup);
    }
}

/// If the colors of a prompt are not marked, the shell counts them as characters, and a long line overwrites itself.
#[test]
fn colors_have_no_width_in_the_prompt() {
    let world = World::empty();
    world.set("MFA_CRED_PROFILE", "p");
    for (program, words, setup) in [
        ("bash", &["--norc", "--noprofile", "-i"][..], "PS1='$(mfa-cred prompt --shell bash)> '\r"),
        ("zsh", &["-f", "-i"], "setopt PROMPT_SUBST; PS1='$(mfa-cred prompt --shell zsh)> '\r"),
    ] {
        let Some(shell) = find(program, &["--version"]) else {
            skip_without("the prompt", program);
            continue;
        };
        let mut command = Command::new(shell);
        world.dress(&mut command);
        command.args(words);
        let mut session = Pty::default().sized(24, 30).streams(Stream::Terminal, Stream::Terminal).spawn(command);
        session.type_text(setup);
        session.wait_for("p", PATIENCE);
        session.wait_for("\x1b[0m> ", PATIENCE);
        // 3 + 26 columns of 30: a shell that counts the colors has started a new line before.
        session.type_text("abcdefghijklmnopqrstuvwxyz");
        session.wait_for("z", PATIENCE);
        let screen = session.screen();
        let typed = screen.rsplit("\x1b[0m> ").next().expect("the last line");
        assert!(typed.ends_with("abcdefghijklmnopqrstuvwxyz"), "{program}: {screen:?}");
    }
}
