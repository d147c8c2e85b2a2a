//! Codes that are invalid, are refused, or never arrive.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{all_fail, bad, complaint, filled_in, kept, signed_in};
use crate::support::pty::{PATIENCE, send_signal};

/// A profile from the file `bad` that needs a new code, and the `mfa_process` that should print it.
fn with_process(command: &str) -> String {
    format!(
        "[profile bad]\nrole_arn = <role>\nsource_profile = alice\nmfa_serial = <serial>\nmfa_process = {command}\n"
    )
}

#[test]
fn an_mfa_process_without_a_code_is_named_and_no_other_source_is_tried() {
    let cast = signed_in();
    let words = "--config-file bad process bad --refresh";
    let case = |command: &str, why: &str| {
        let stderr = format!(
            "error: bad:5: `mfa_process` gave no code: the command of `mfa_process` {why}\n\
             hint: run the command by hand: it must print six digits and nothing else\n"
        );
        bad(with_process(command), words, 1, stderr)
    };
    all_fail(
        &cast,
        &[
            case("exit 3", "failed (exit status: 3)"),
            case("echo 123456; exit 3", "failed (exit status: 3)"),
            case("kill -9 $$", "failed (signal: 9 (SIGKILL))"),
            case("true", "printed nothing"),
            case("echo hunter2", "printed something that is not a code of six digits"),
            case("printf '12345\\n'", "printed something that is not a code of six digits"),
            case("yes 123456", "printed something that is not a code of six digits"),
        ],
    );
    // A person at a terminal is not asked instead.
    cast.world.write("bad", filled_in(&cast, &with_process("exit 3")));
    let words: Vec<&str> = words.split(' ').collect();
    let done = cast.world.at_terminal(&words).finish(PATIENCE);
    cast.world.heard("bad", &done);
    assert_eq!((done.status.code(), done.terminal.as_str()), (Some(1), ""), "{done:?}");
    // The one in the settings is named as well.
    cast.world.write("config/mfa-cred/config.ini", "mfa_process = false\n");
    let stderr = "error: `mfa_process` in the settings gave no code: the command of `mfa_process` failed (exit status: \
                  1)\nhint: run the command by hand: it must print six digits and nothing else\n";
    all_fail(&cast, &[bad("", "process deploy --refresh", 1, stderr)]);
    fs::remove_file(cast.world.home().join("config/mfa-cred/config.ini")).expect("it was there");
}

#[test]
fn a_hanging_mfa_process_does_not_block_others_once_the_program_is_ended() {
    let cast = signed_in();
    let world = &cast.world;
    let before = kept(world);
    world.write("bad", filled_in(&cast, &with_process("echo $$ >hanging; exec sleep 600")));
    let mut child = world.command(&["--config-file", "bad", "process", "bad", "--refresh"]);
    let mut child =
        child.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let started = Instant::now();
    let hanging: i32 = loop {
        let text = fs::read_to_string(world.home().join("hanging")).unwrap_or_default();
        if let Ok(pid) = text.trim().parse() {
            break pid;
        }
        assert!(started.elapsed() < PATIENCE, "the command was not run");
        std::thread::sleep(Duration::from_millis(5));
    };
    send_signal(i32::try_from(child.id()).expect("a process number"), Signal::TERM);
    let status = child.wait().expect("a child of ours");
    // It does not outlive us.
    let stat = fs::read_to_string(format!("/proc/{hanging}/stat")).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
    assert!((world.aws.take_calls().is_empty(), kept(world) == before) == (true, true));
    // Its locks were released with it.
    cast.world.sign_in(&cast.device, &["process", "deploy", "--refresh"]);
}

#[test]
fn an_invalid_or_refused_code_is_reported_as_such() {
    let cast = signed_in();
    let option = "error: `--mfa-token`: an MFA code is six digits\n\
                  hint: `--mfa-token -` reads the code from stdin, which keeps it out of the process list\n";
    let cases = ["12345", "1234567", "12345a", "１２３４５６", "-1", "--help"];
    let cases = cases.map(|code| bad("", &format!("process deploy --refresh --mfa-token {code}"), 2, option));
    all_fail(&cast, &cases);

    let before = kept(&cast.world);
    for text in ["", "\n", "12345\n", "hunter2\n", "\u{0}", "123456789012345678901234567890\n"] {
        let done = cast.world.run_with_stdin(&["process", "deploy", "--refresh", "--mfa-token", "-"], text);
        let wanted = (2, "error: stdin had no MFA code (six digits)\n");
        assert_eq!(complaint(&cast, &before, &done, wanted), None, "{text:?}");
    }

    let refused = |profile: &str, why: &str, hint: &str| {
        let what = "AWS refused it (AccessDenied): MultiFactorAuthentication failed";
        format!("error: GetSessionToken for profile `{profile}`: {what}{why}\nhint: {hint}\n")
    };
    let wrong = refused(
        "deploy",
        " with invalid MFA one time pass code.",
        "wait for the device's next code; if codes keep failing, the device's clock has drifted: run `mfa-cred device resync --profile deploy`",
    );
    let words = ["process", "deploy", "--refresh", "--mfa-token", "-"];
    let done = cast.world.run_with_stdin(&words, &cast.device.wrong_code());
    assert_eq!((done.status.code(), &*done.stdout, &*done.stderr), (Some(4), "", &*wrong));
    assert_eq!(cast.world.aws.take_calls().len(), 1);

    let nobodys = "arn:aws:iam::123456789012:mfa/nobodys";
    let unknown = refused(
        "deploy",
        ", unable to validate MFA code. Please verify your MFA serial number is valid and associated with this user.",
        &format!(
            "{nobodys} is not an MFA device of this user, or has no codes; `mfa-cred device list --profile deploy` lists the devices"
        ),
    );
    let words = ["process", "deploy", "--refresh", "--mfa-token", "-", "--mfa-serial", nobodys];
    let done = cast.world.run_with_stdin(&words, "123456");
    assert_eq!((done.status.code(), &*done.stdout, &*done.stderr), (Some(4), "", &*unknown));
    assert_eq!(cast.world.aws.take_calls().len(), 1);

    // The cached credentials are still served.
    assert!(cast.world.run(&["process", "deploy"]).status.success());
    assert_eq!(cast.world.aws.take_calls().len(), 0);
}
