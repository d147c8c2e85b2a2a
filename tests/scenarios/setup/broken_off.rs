//! A run that ends anywhere is continued by the next one: Ctrl-C, Escape, and a kill at every question.

use rustix::process::Signal;

use crate::support::pty::{self, PATIENCE};
use crate::support::tools::{find, skip};
use crate::support::world::MFA_CRED;

use super::{CSV, SETUP, at_terminal, but, everything_works, finish, phone, run, sit, stranger_with_a_passphrase};

/// How many questions a whole first run asks.
fn questions() -> usize {
    let (world, _) = stranger_with_a_passphrase();
    let mut session = at_terminal(&world, (24, 80), &SETUP);
    let asked = sit(&world, &mut session, None);
    assert_eq!(finish(&world, session).status.code(), Some(0));
    asked
}

#[test]
fn after_an_end_at_any_question_the_same_command_goes_on() {
    let all = questions();
    assert!(all >= 12, "{all}");
    for nth in 0..all {
        let (world, key) = stranger_with_a_passphrase();
        let mut session = at_terminal(&world, (24, 80), &SETUP);
        assert_eq!(sit(&world, &mut session, Some(nth)), nth);
        let name = if nth % 2 == 0 { Signal::KILL } else { Signal::INT };
        if name == Signal::KILL {
            session.signal(name);
        } else {
            session.control('c');
        }
        let ended = finish(&world, session);
        assert_eq!(ended.signal(), Some(name.as_raw()), "{nth}: {ended:?}");
        let done = run(&world, &SETUP);
        assert_eq!(done.status.code(), Some(0), "{nth}: {ended:?}\n{done:?}");
        assert_eq!(world.aws.devices().len(), 1, "{nth}: {done:?}");
        let config = world.read(".aws/config");
        for line in ["[profile alice]", "region = eu-west-1", "[profile deploy]", phone(&world).serial()] {
            assert_eq!(config.matches(line).count(), 1, "{nth}: {line} in\n{config}");
        }
        assert_eq!(world.read(".bashrc"), "eval \"$(mfa-cred init bash)\"\n", "{nth}");
        assert!(!world.home().join(CSV).exists(), "{nth}");
        if nth == 0 || nth + 1 == all {
            everything_works(&world, "deploy", &key);
        }
    }
}

#[test]
fn escape_ends_it_and_says_how_it_goes_on() {
    let (world, _) = stranger_with_a_passphrase();
    let mut session = at_terminal(&world, (24, 80), &SETUP);
    sit(&world, &mut session, Some(1));
    std::thread::sleep(std::time::Duration::from_millis(100));
    session.type_text("\x1b");
    let done = finish(&world, session);
    assert_eq!(done.status.code(), Some(130), "{done:?}");
    let said = "error: setup is not finished: canceled\r\nhint: run the same command again: it goes on from here\r\n";
    assert!(
        done.terminal.replace("\x1b[31m", "").replace("\x1b[36m", "").replace("\x1b[0m", "").contains(said),
        "{done:?}"
    );
    world.may_leak();
}

#[test]
fn a_wrong_code_ends_the_sign_in_and_the_next_run_needs_only_that() {
    let (world, key) = stranger_with_a_passphrase();
    let device = world.aws.add_device("alice", "alice-phone");
    let mut session = at_terminal(&world, (24, 80), &SETUP);
    but(&world, &mut session, "MFA code for ", &device.wrong_code());
    let done = finish(&world, session);
    assert_eq!(done.status.code(), Some(4), "{done:?}");
    assert_eq!(run(&world, &SETUP).status.code(), Some(0));
    everything_works(&world, "deploy", &key);
}

/// What changes files and folders, but for messages.
const STEPS: [&str; 7] = ["mkdir", "fsync", "rename", "renameat", "renameat2", "unlink", "unlinkat"];

const SCRIPT: [&str; 13] = [
    "setup",
    "alice",
    "--csv",
    CSV,
    "--delete-csv",
    "--region",
    "eu-west-1",
    "--role-arn",
    "123456789012:deploy",
    "--yes",
    "--mfa-token",
    "-",
    "--quiet",
];

#[test]
fn a_script_that_is_killed_at_any_change_of_a_file_is_continued_by_the_same_script() {
    if find("strace", &["-o", "/dev/null", "true"]).is_none() {
        skip("a program whose system calls fail", "strace, or the right to trace,");
        return;
    }
    let mut crashes = 0;
    for step in STEPS {
        for nth in 1..1000 {
            let (world, key) = stranger_with_a_passphrase();
            let device = world.aws.add_device("alice", "alice-phone");
            let mut command = pty::off_terminal("strace");
            world.dress(&mut command);
            command.args(["-f", "-qq", "-e", "signal=none", "-o", "/dev/null", "-e", &format!("trace={step}")]);
            command.args(["-e", &format!("inject=?{step}:signal=KILL:when={nth}"), MFA_CRED]).args(SCRIPT);
            let crashed = pty::run(command, device.fresh_code().as_bytes(), PATIENCE);
            world.heard("a crash", &crashed);
            if crashed.status.success() {
                break;
            }
            assert_eq!(crashed.signal(), Some(9), "{step} {nth}: {crashed:?}");
            crashes += 1;
            let again = world.run_with_stdin(&SCRIPT, &device.fresh_code());
            assert_eq!((again.status.code(), again.stderr.as_str()), (Some(0), ""), "{step} {nth}");
            assert_eq!(
                world.read(".aws/config"),
                format!(
                    "[profile alice]\nregion = eu-west-1\nmfa_serial = {}\n\n[profile deploy]\n\
                     role_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = alice\n",
                    device.serial()
                ),
                "{step} {nth}"
            );
            assert_eq!(world.read(".bashrc"), "eval \"$(mfa-cred init bash)\"\n", "{step} {nth}");
            assert!(!world.home().join(CSV).exists(), "{step} {nth}");
            let used = world.run(&["process", "deploy"]);
            assert!(used.status.success() && !used.stdout.contains(&key.secret), "{step} {nth}: {used:?}");
        }
    }
    assert!(crashes > 20, "{crashes}");
}
