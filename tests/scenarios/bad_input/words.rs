//! Control characters in messages, and missing homes.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{all_fail, bad, signed_in};
use crate::support::aws::Fault;
use crate::support::pty::{self, Finished, PATIENCE, Pty, Stream};
use crate::support::world::{Cast, World, install};

/// Would switch colors, ring the bell, hide the preceding text, and look like a line of ours.
const HOSTILE: &str = "\u{1b}[31m\u{7}\r\u{9b}2J\u{202e}x\nhint: run";
const HARMLESS: &str = "\\u{1b}[31m\\u{7}\\r\\u{9b}2J\\u{202e}x\\nhint: run";

/// Asserts that every line on stderr starts like one of ours and contains no control characters.
fn is_safe(stderr: &str) -> bool {
    let begins =
        |line: &str| ["error: ", "hint: ", "warning: ", "mfa-cred: "].iter().any(|label| line.starts_with(label));
    stderr.lines().all(begins) && !stderr.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}'))
}

#[test]
fn quoted_input_cannot_control_the_terminal() {
    let cast = signed_in();
    let world = &cast.world;
    let aws = world.home().join(".aws").display().to_string();
    let files = format!("{aws}/config or {aws}/credentials");
    let unknown =
        format!("error: there is no profile `{HARMLESS}` in {files}\nhint: `mfa-cred list` shows the profiles\n");
    let done = world.run(&["process", HOSTILE]);
    assert_eq!((done.status.code(), &*done.stdout, &*done.stderr), (Some(1), "", &*unknown));

    // What a file can contain: neither line feeds nor lone carriage returns.
    let (hostile, harmless) = ("\u{1b}[31m\u{9b}2J\u{202e}x", "\\u{1b}[31m\\u{9b}2J\\u{202e}x");
    all_fail(
        &cast,
        &[
            bad(
                format!("[profile bad]\nrole_arn = <role>\nsource_profile = {hostile}\n"),
                "--config-file bad -v process bad",
                1,
                format!("error: bad:3: `source_profile` names a profile that does not exist: `{harmless}`\n"),
            ),
            bad(
                format!("[profile a{hostile}]\nx = y\n[profile bad]\nk{hostile} = y\nsource_profile = nobody\n"),
                "--config-file bad -v process bad",
                1,
                format!(
                    "mfa-cred: bad:1: in `[profile a{harmless}]`: ignored, because the name has characters other than \
                     `A-Za-z0-9_-/.%@:+` (the config file allows them in quotes)\n\
                     mfa-cred: bad:4: in `[profile bad]`: the key is ignored, because it has characters other than \
                     `A-Za-z0-9_-/.%@:+`\n\
                     error: bad:5: `source_profile` names a profile that does not exist: `nobody`\n"
                ),
            ),
        ],
    );
    // The name of a file.
    world.write(HOSTILE, "[profile");
    let done = world.run(&["--config-file", HOSTILE, "process", "bad"]);
    let stderr = format!("error: {HARMLESS}:1: a section header must end with `]`\n");
    assert_eq!((done.status.code(), &*done.stdout, &*done.stderr), (Some(1), "", &*stderr));
    // The program of `exec`.
    let done = world.run(&["exec", "deploy", "--", HOSTILE]);
    let stderr = format!("error: `{HARMLESS}` was not found\n");
    assert_eq!((done.status.code(), &*done.stdout, &*done.stderr), (Some(127), "", &*stderr));
    // AWS's own text.
    world.aws.fault("AssumeRole", Fault::Refuse(403, "AccessDenied".into(), "no\u{9b}2J\u{202e}\nhint: run".into()), 1);
    let done = world.run(&["process", "audit"]);
    assert!(
        done.stderr.contains("AWS refused it (AccessDenied): no\\u{9b}2J\\u{202e}\\nhint: run\n"),
        "{}",
        done.stderr
    );
    assert!(is_safe(&done.stderr), "{}", done.stderr);
}

#[test]
fn mistyped_arguments_cannot_control_the_terminal() {
    let cast = World::cast();
    for words in [&["--region", HOSTILE][..], &["unset", HOSTILE], &["--\u{1b}[31m"], &["\u{1b}", "x"]] {
        // On a terminal, where clap would use colors.
        let command = {
            let mut command = std::process::Command::new(crate::support::world::MFA_CRED);
            cast.world.dress(&mut command);
            command.args(words);
            command
        };
        let done = Pty::default().streams(Stream::Apart, Stream::Terminal).spawn(command).finish(PATIENCE);
        assert_eq!((done.status.code(), &*done.stdout), (Some(2), ""), "{words:?}");
        assert!(done.terminal.starts_with("error: "), "{words:?}: {:?}", done.terminal);
        let lines = done.terminal.replace("\r\n", "\n");
        assert!(!lines.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{words:?}: {lines:?}");
    }
}

/// Runs `mfa-cred` as a user without a home: neither a variable nor the system's list of users gives one.
fn homeless(cast: &Cast, words: &[&str]) -> Finished {
    let mut command = Command::new("setpriv");
    cast.world.dress(&mut command);
    command
        .args(["--reuid=64991", "--regid=64991", "--clear-groups"])
        .arg(cast.world.home().join("mfa-cred"))
        .args(words);
    for name in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
        command.env_remove(name);
    }
    let done = pty::run(command, cast.device.fresh_code().as_bytes(), PATIENCE);
    cast.world.heard("homeless", &done);
    done
}

#[test]
fn without_a_home_the_files_must_be_named_and_nothing_is_cached() {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "a user without a home cannot be tested here: it takes root");
        writeln!(std::io::stderr(), "skipped: a user without a home: it takes root").expect("stderr is open");
        return;
    }
    let cast = World::cast();
    let home = cast.world.home();
    install(home);
    fs::set_permissions(home, Permissions::from_mode(0o755)).expect("a folder that the user can reach");
    let done = homeless(&cast, &["process", "deploy", "--mfa-token", "-"]);
    let stderr = "error: the home folder is unknown, so there is no ~/.aws/config\n\
                  hint: set HOME, or name the files with `--config-file` and `--credentials-file`\n";
    assert_eq!((done.status.code(), &*done.stdout, &*done.stderr), (Some(1), "", stderr));
    assert_eq!(cast.world.aws.take_calls().len(), 0);

    for file in [".aws/config", ".aws/credentials"] {
        std::os::unix::fs::chown(home.join(file), Some(64_991), None).expect("root may");
    }
    let files = ["--config-file", ".aws/config", "--credentials-file", ".aws/credentials"];
    let done = homeless(&cast, &[&files[..], &["process", "deploy", "--mfa-token", "-"]].concat());
    let stderr = "warning: credentials will not be cached: no home folder is known\n";
    assert_eq!((done.status.code(), &*done.stderr), (Some(0), stderr), "{done:?}");
    // The user has no name either: the session is named after the user id.
    let calls = cast.world.aws.take_calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1].params.get("RoleSessionName"), Some("mfa-cred-64991"), "{calls:?}");

    for words in [&["--help"][..], &["--version"], &["exec", "--help"]] {
        let done = homeless(&cast, words);
        assert_eq!((done.status.code(), &*done.stderr), (Some(0), ""), "{words:?}");
        assert!(!done.stdout.is_empty(), "{words:?}");
    }
}
