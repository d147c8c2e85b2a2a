//! `exec`: what the command gets, what it does not get, and how it ends.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{calls, seen, signed_in};
use crate::support::pty::{self, Finished, PATIENCE};
use crate::support::world::{Cast, MFA_CRED};

/// The variables that `env -0` printed.
fn variables(done: &Finished) -> Vec<(&str, &str)> {
    assert!(done.status.success(), "{:?} {}", done.status, done.stderr);
    done.stdout.split_terminator('\0').filter_map(|line| line.split_once('=')).collect()
}

fn variable<'a>(done: &'a Finished, name: &str) -> Option<&'a str> {
    variables(done).into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// `script` in a shell that has `mfa-cred` as `$0`.
fn below_sh(cast: &Cast, script: &str, stdin: &[u8]) -> Finished {
    let mut command = pty::off_terminal("sh");
    cast.world.dress(&mut command);
    command.args(["-c", script, MFA_CRED]);
    let done = pty::run(command, stdin, PATIENCE);
    cast.world.heard(script, &done);
    done
}

#[test]
fn the_command_gets_the_credentials_and_nothing_that_would_override_them() {
    let cast = signed_in();
    let world = &cast.world;
    for name in [
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SECURITY_TOKEN",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWSUME_EXPIRATION",
        "OTHER",
    ] {
        world.set(name, "of-the-caller");
    }
    let done = world.run(&["exec", "deploy", "--", "env", "-0"]);
    assert_eq!(done.stderr, "");
    let ours = |name: &str| name.starts_with("AWS") || name.starts_with("MFA_CRED") && name != "MFA_CRED_STORE";
    let mut names: Vec<&str> = variables(&done).into_iter().map(|(name, _)| name).filter(|name| ours(name)).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "AWSUME_PROFILE",
            "AWS_ACCESS_KEY_ID",
            "AWS_CREDENTIAL_EXPIRATION",
            "AWS_DEFAULT_REGION",
            // The world's own variables.
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "MFA_CRED_PROFILE",
        ]
    );
    assert_eq!(variable(&done, "OTHER"), Some("of-the-caller"));
    assert_eq!(variable(&done, "AWS_REGION"), Some("ap-northeast-1"));
    assert_eq!(variable(&done, "MFA_CRED_PROFILE"), Some("deploy"));
    let holder = world.aws.holder(variable(&done, "AWS_ACCESS_KEY_ID").expect("a key")).expect("one of this AWS");
    let end = holder.expires.expect("a session ends").strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    assert_eq!(variable(&done, "AWS_CREDENTIAL_EXPIRATION"), Some(end.as_str()));
    assert!(calls(world).is_empty());
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    let cast = signed_in();
    let world = &cast.world;
    for code in [0, 1, 3, 42, 255] {
        let done = world.run(&["exec", "deploy", "--", "sh", "-c", &format!("exit {code}")]);
        done.expect(code, "", "");
    }
    let killed = world.run(&["exec", "deploy", "--", "sh", "-c", "kill -KILL $$"]);
    assert_eq!(killed.signal(), Some(9));

    let missing = world.run(&["exec", "deploy", "--", "no-such-program"]);
    missing.expect(127, "", "error: `no-such-program` was not found\n");
    world.write("data", "x");
    for program in ["./data", "."] {
        let done = world.run(&["exec", "deploy", "--", program]);
        done.expect(126, "", &format!("error: `{program}` cannot be executed\n"));
    }
    // Failures before the command starts are ours.
    assert_eq!(world.run(&["exec", "nobody", "--", "true"]).status.code(), Some(1));
    assert_eq!(world.run(&["exec", "audit", "--refresh", "--", "true"]).status.code(), Some(3));
}

#[test]
fn words_and_streams_pass_through_untouched() {
    let cast = signed_in();
    let world = &cast.world;
    let words = ["--role-arn", "a b", "", "$HOME", "--", "-v", "--refresh", "*"];
    let done = world.run(&[&["exec", "deploy", "--", "printf", "%s|"][..], &words].concat());
    done.expect(0, "--role-arn|a b||$HOME|--|-v|--refresh|*|", "");
    let input = "one\n\u{0}two\r\nno line feed";
    let done = world.run_with_stdin(&["exec", "deploy", "--", "cat"], input);
    done.expect(0, input, "");
    // A code from stdin is one line; the rest is for the command.
    let stdin = format!("{}\nrest\n", cast.device.fresh_code());
    let done = world.run_with_stdin(&["exec", "deploy", "--refresh", "--mfa-token", "-", "--", "cat"], &stdin);
    done.expect(0, "rest\n", "");
    let done = world.run(&["exec", "deploy", "--", "sh", "-c", "echo out; echo err >&2"]);
    done.expect(0, "out\n", "err\n");
}

#[test]
fn without_a_command_the_users_shell_runs() {
    let cast = signed_in();
    let world = &cast.world;
    world.write("shell", "#!/bin/sh\necho \"$# $MFA_CRED_PROFILE\"\n");
    let shell = world.home().join("shell");
    fs::set_permissions(&shell, Permissions::from_mode(0o755)).expect("a program");
    world.set("SHELL", shell.to_str().expect("a path"));
    for words in [&["exec", "deploy"][..], &["exec", "deploy", "--"]] {
        assert_eq!(seen(&world.run(words)), (Some(0), "0 deploy\n", ""), "{words:?}");
    }
    world.set("SHELL", "");
    let done = world.run_with_stdin(&["exec", "deploy"], "echo \"$MFA_CRED_PROFILE\"");
    done.expect(0, "deploy\n", "");
}

#[test]
fn without_a_profile_the_shells_or_the_default_one_is_used() {
    let cast = signed_in();
    let world = &cast.world;
    let whose = |done: &Finished| variable(done, "MFA_CRED_PROFILE").map(str::to_owned);
    let words = ["exec", "--", "env", "-0"];
    world.set("AWS_PROFILE", "deploy");
    assert_eq!(whose(&world.run(&words)).as_deref(), Some("deploy"));
    assert!(world.run(&["process", "audit"]).status.success());
    world.set("MFA_CRED_PROFILE", "audit");
    assert_eq!(whose(&world.run(&words)).as_deref(), Some("audit"));
    world.set("MFA_CRED_PROFILE", "");
    world.set("AWS_PROFILE", "");
    let done = world.run(&words);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""));
    assert!(done.stderr.starts_with("error: there is no profile `default` in "), "{}", done.stderr);
}

/// What a process inherits, as it sees it itself: ignored, blocked and caught signals, limits, umask, open files.
const INHERITED: &str = "grep -E '^(Sig(Ign|Blk|Cgt)|Umask|NoNewPrivs|Seccomp):' /proc/self/status; \
                         cat /proc/self/limits; ls /proc/self/fd; umask; \
                         python3 -c 'import ctypes; print(\"dumpable\", ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))'";

#[test]
fn the_command_inherits_none_of_our_limits_masks_or_descriptors() {
    let cast = signed_in();
    // Once from the cache, and once with a code and a call.
    let refresh = ["--refresh", "--mfa-token", "-"];
    for (before, more) in [("", &[][..]), ("trap '' HUP; umask 027; ulimit -n 300; ", &refresh)] {
        let plain = below_sh(&cast, &format!("{before} sh -c '{}'", INHERITED.replace('\'', "'\\''")), b"");
        assert!(plain.stdout.contains("SigIgn:") && plain.stdout.contains("dumpable 1"), "{plain:?}");
        let script =
            format!("{before} \"$0\" exec deploy {} -- sh -c '{}'", more.join(" "), INHERITED.replace('\'', "'\\''"));
        let ours = below_sh(&cast, &script, format!("{}\n", cast.device.fresh_code()).as_bytes());
        assert_eq!(ours.stdout, plain.stdout, "{before}");
    }
}

#[test]
fn the_command_replaces_our_process() {
    let cast = signed_in();
    let mut command = Command::new(MFA_CRED);
    cast.world.dress(&mut command);
    command.args(["exec", "deploy", "--", "sh", "-c", "echo $$"]);
    let child = command.stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    let pid = child.id();
    let output = child.wait_with_output().expect("a child of ours");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), pid.to_string());
}

/// The runtime opens `/dev/null` there, and a command would have written into it as if somebody read it.
#[test]
fn a_closed_stream_is_closed_for_the_command_too() {
    let cast = signed_in();
    let look = "for fd in 0 1 2; do test -e /proc/$$/fd/$fd || printf \"$fd \" >>\"$HOME/seen\"; done; :";
    for (closed, wanted) in [(">&-", "1 "), ("<&-", "0 "), ("2>&-", "2 "), ("<&- >&- 2>&-", "0 1 2 "), ("", "")] {
        cast.world.write("seen", "");
        let done = below_sh(&cast, &format!("exec \"$0\" exec deploy -- sh -c '{look}' {closed}"), b"");
        assert!(done.status.success(), "{closed}: {done:?}");
        assert_eq!(cast.world.read("seen"), wanted, "{closed}");
    }
}
