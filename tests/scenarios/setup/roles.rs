//! The role: named in short, mistyped, and refused by AWS.

use super::{CSV, SETUP, at_terminal, but, everything_works, finish, stranger_with_a_passphrase};
use crate::support::pty::PATIENCE;
use crate::support::world::{World, calls};

const ROLE: &str = "[profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = alice\n";
const AGAIN: &str = "Another role to assume (Enter: none): ";
const ALL_THE_SAME: &str = "Write the role's profile all the same? [y/N] ";

/// Answers, at a terminal, the questions about the role with these, and all others as usual.
fn sit(world: &World, answers: &[(&str, &str)]) -> crate::support::pty::Finished {
    let mut session = at_terminal(world, (24, 80), &[&SETUP[..], &["--skip", "shell"]].concat());
    let (mut seen, mut answers, start) = (0, answers.iter(), std::time::Instant::now());
    let mut next = answers.next();
    while !session.has_ended() {
        assert!(start.elapsed() < 2 * PATIENCE, "no end: {:?}", session.screen());
        let screen = session.screen();
        let new = screen.get(seen..).unwrap_or_default().to_owned();
        let reply = match next {
            Some((question, answer)) if new.ends_with(question) => {
                next = answers.next();
                Some((*answer).to_owned())
            }
            _ if ["Role to assume", "Another role", "all the same"].iter().any(|it| new.contains(it)) => None,
            _ => super::reply(world, &new),
        };
        let Some(reply) = reply else {
            std::thread::sleep(std::time::Duration::from_millis(10));
            continue;
        };
        std::thread::sleep(std::time::Duration::from_millis(60));
        seen = session.screen().len();
        session.type_text(&format!("{reply}\n"));
    }
    finish(world, session)
}

const QUESTION: &str = "Role to assume: its name, its ARN, or ACCOUNT:ROLE (Enter: none): ";

#[test]
fn a_role_is_named_by_its_name_alone_and_a_mistyped_one_is_asked_for_again() {
    let (world, key) = stranger_with_a_passphrase();
    let done = sit(
        &world,
        &[
            (QUESTION, "two words"),
            (QUESTION, "deploi"),
            (ALL_THE_SAME, "n"),
            (AGAIN, "admin"),
            (ALL_THE_SAME, ""),
            (AGAIN, "deploy"),
        ],
    );
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let said = done.terminal.replace("\r\n", "");
    for text in [
        "a role is written `NAME`, ",
        "the role is arn:aws:iam::123456789012:role/deploi",
        "AssumeRole arn:aws:iam::123456789012:role/deploi for profile `alice`: AWS refused it (AccessDenied)",
        "the role is arn:aws:iam::123456789012:role/deploy",
        "+role_arn = arn:aws:iam::123456789012:role/deploy",
    ] {
        assert!(said.contains(text), "{text}: {done:?}");
    }
    assert!(!said.contains("+role_arn = arn:aws:iam::123456789012:role/deploi"), "{done:?}");
    let config = world.read(".aws/config");
    assert!(config.ends_with(ROLE) && config.matches("role_arn").count() == 1, "{config}");
    // One code, and nothing that was assumed is assumed again.
    let calls = calls(&world);
    assert_eq!(calls.iter().filter(|call| *call == "GetSessionToken").count(), 1, "{calls:?}");
    assert_eq!(calls.iter().filter(|call| *call == "AssumeRole").count(), 3, "{calls:?}");
    everything_works(&world, "deploy", &key);
}

#[test]
fn a_refused_role_is_left_out_or_written_all_the_same() {
    let (world, _) = stranger_with_a_passphrase();
    let done = sit(&world, &[(QUESTION, "deploi"), (ALL_THE_SAME, "n"), (AGAIN, "")]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(!world.read(".aws/config").contains("role_arn"), "{done:?}");
    assert!(done.terminal.contains("alice: signed in for "), "{done:?}");
    let mut session = at_terminal(&world, (24, 80), &["setup", "alice", "--skip", "shell", "--role-arn", "deploi"]);
    but(&world, &mut session, "all the same?", "y");
    let done = finish(&world, session);
    assert_eq!(done.status.code(), Some(5), "{done:?}");
    assert!(world.read(".aws/config").contains("role_arn = arn:aws:iam::123456789012:role/deploi\n"), "{done:?}");
}

#[test]
fn a_script_names_the_role_alone_and_a_refused_one_is_not_written() {
    let (world, key) = stranger_with_a_passphrase();
    let device = world.aws.add_device("alice", "alice-phone");
    let words = ["setup", "alice", "--csv", CSV, "--delete-csv", "--yes", "--skip", "shell"];
    let with = |role: &str, more: &[&str]| -> Vec<String> {
        words.iter().chain(&["--role-arn", role]).chain(more).map(|word| (*word).to_owned()).collect()
    };
    let run = |words: Vec<String>, stdin: &str| {
        world.run_with_stdin(&words.iter().map(String::as_str).collect::<Vec<_>>(), stdin)
    };
    let done = run(with("deploi", &["--mfa-token", "-"]), &device.fresh_code());
    assert_eq!(done.status.code(), Some(5), "{done:?}");
    for text in [
        "warning: the role's profile was not written: AssumeRole arn:aws:iam::123456789012:role/deploi for profile `alice`",
        "hint: check its name, and that its trust policy names the user; `--skip login` writes the profile untried\n",
        "alice: signed in for ",
        "warning: not done: role; `mfa-cred setup alice` goes on from there\n",
    ] {
        assert!(done.stderr.contains(text), "{text}: {done:?}");
    }
    assert!(!world.read(".aws/config").contains("role_arn"), "{done:?}");
    // The session of the first run serves the second one, without a code.
    let done = run(with("deploy", &[]), "");
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(world.read(".aws/config").ends_with(ROLE), "{done:?}");
    everything_works(&world, "deploy", &key);
    let done = run(with("later", &["--skip", "login"]), "");
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(world.read(".aws/config").contains("role_arn = arn:aws:iam::123456789012:role/later\n"), "{done:?}");
}

#[test]
fn while_aws_cannot_be_reached_the_role_is_written_and_the_sign_in_reports_it() {
    use crate::support::aws::{Fault, When};
    let (world, _) = stranger_with_a_passphrase();
    let device = world.aws.add_device("alice", "alice-phone");
    world.aws.fault("AssumeRole", Fault::ServerError(When::Before, 503), 20);
    let words = [
        "setup",
        "alice",
        "--csv",
        CSV,
        "--delete-csv",
        "--yes",
        "--skip",
        "shell",
        "--role-arn",
        "deploy",
        "--mfa-token",
        "-",
    ];
    let done = world.run_with_stdin(&words, &device.fresh_code());
    assert_eq!(done.status.code(), Some(6), "{done:?}");
    assert!(world.read(".aws/config").ends_with(ROLE), "{done:?}");
}

#[test]
fn a_key_that_stays_in_the_file_tells_the_account_too() {
    let (world, key) = stranger_with_a_passphrase();
    world.write_key("alice", &key);
    let mut session =
        at_terminal(&world, (24, 80), &["setup", "alice", "--skip", "shell", "--role-arn", "deploy", "--skip", "key"]);
    but(&world, &mut session, "no such question", "");
    let done = finish(&world, session);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(world.read(".aws/config").ends_with(ROLE), "{done:?}");
    world.may_leak();
}
