//! `setup --yes`, as a script runs it: without a terminal, with codes from elsewhere.

use super::{CSV, everything_works, stranger_with_a_passphrase};
use crate::support::world::calls;

#[test]
fn a_script_sets_a_user_up_without_a_question() {
    let (world, key) = stranger_with_a_passphrase();
    let device = world.aws.add_device("alice", "alice-phone");
    let words = [
        "setup",
        "alice",
        "--csv",
        CSV,
        "--delete-csv",
        "--region",
        "eu-west-1",
        "--role-arn",
        "123456789012:deploy",
        "--as",
        "work",
        "--yes",
        "--mfa-token",
        "-",
    ];
    let done = world.run_with_stdin(&words, &device.fresh_code());
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(0), ""), "{done:?}");
    for line in [
        "+[profile alice]",
        "+region = eu-west-1",
        "+mfa_serial = ",
        "+[profile work]",
        "+eval \"$(mfa-cred init bash)\"",
    ] {
        assert!(done.stderr.contains(line), "no diff with {line}: {done:?}");
    }
    assert_eq!(
        calls(&world),
        ["GetCallerIdentity", "GetCallerIdentity", "ListMFADevices", "GetSessionToken", "AssumeRole"]
    );
    assert!(!world.home().join(CSV).exists());
    everything_works(&world, "work", &key);
    // Again, without the code: nothing is left to do.
    let again = world.run(&words[..words.len() - 2]);
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    assert!(!again.stderr.contains("+++"), "{again:?}");
}

#[test]
fn without_yes_or_without_a_code_it_says_what_is_missing() {
    let (world, _) = stranger_with_a_passphrase();
    let words = ["setup", "alice", "--csv", CSV];
    let done = world.run(&words);
    done.expect(
        3,
        "",
        "error: `setup` asks questions, and there is no terminal to ask on\n\
         hint: `--yes` answers them; `--csv FILE`, `--stdin` or `--env` gives the access key\n",
    );
    // No device, and nobody who could scan a code.
    let done = world.run(&[&words[..], &["--yes", "--skip", "shell"]].concat());
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    assert!(
        done.stderr.contains("warning: the seed must be shown, and there is no terminal to do it on\n"),
        "{done:?}"
    );
    assert!(
        done.stderr.ends_with("warning: not done: MFA device; `mfa-cred setup alice` goes on from there\n"),
        "{done:?}"
    );
    world.aws.add_device("alice", "alice-phone");
    let done = world.run(&["setup", "alice", "--yes", "--skip", "shell"]);
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    assert!(done.stderr.ends_with("hint: run `mfa-cred login alice` in a terminal\n"), "{done:?}");
    // Several devices are never guessed.
    world.aws.add_device("alice", "alice-laptop");
    world.write(".aws/config", "[profile alice]\n");
    let done = world.run(&["setup", "alice", "--yes", "--skip", "shell", "--skip", "login"]);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(
        done.stderr.contains("warning: user `alice` has several MFA devices: ")
            && done.stderr.contains("hint: choose one with `--device`\n"),
        "{done:?}"
    );
    world.may_leak();
}

#[test]
fn an_mfa_process_gives_the_code() {
    let (world, key) = stranger_with_a_passphrase();
    let device = world.aws.add_device("alice", "alice-phone");
    world.may_leak();
    world.write("code", device.fresh_code());
    world.write("config/mfa-cred/config.ini", "unlock_process = echo tulip\nmfa_process = cat ~/code; rm ~/code\n");
    let done = world.run(&["setup", "alice", "--csv", CSV, "--delete-csv", "--yes"]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    everything_works(&world, "alice", &key);
}

#[test]
fn the_key_comes_from_stdin_or_the_environment() {
    let (world, key) = stranger_with_a_passphrase();
    std::fs::remove_file(world.home().join(CSV)).expect("it was there");
    let device = world.aws.add_device("alice", "alice-phone");
    let code = device.fresh_code();
    let words = ["setup", "alice", "--yes", "--skip", "shell", "--region", "eu-west-1", "--stdin"];
    let done = world.run_with_stdin(&[&words[..], &["--mfa-token", "-"]].concat(), &code);
    done.expect(
        2,
        "",
        "error: stdin gives the access key (`--stdin`) or the code (`--mfa-token -`), and not both\n\
         hint: `--mfa-token CODE` gives the code, and so does `mfa_process` in the settings\n",
    );
    let done = world.run_with_stdin(&words, "nonsense\n");
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(
        done.stderr.starts_with("error: stdin: it is neither an access key ID and a secret access key"),
        "{done:?}"
    );
    let words = [&words[..], &["--mfa-token", &code]].concat();
    let done = world.run_with_stdin(&words, &format!("{}\n{}\n", key.id, key.secret));
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(done.stderr.contains("alice: signed in for "), "{done:?}");
    world.may_leak();
    everything_works(&world, "alice", &key);

    let (world, key) = stranger_with_a_passphrase();
    std::fs::remove_file(world.home().join(CSV)).expect("it was there");
    let device = world.aws.add_device("alice", "alice-phone");
    let words = ["setup", "alice", "--yes", "--skip", "shell", "--env", "--mfa-token", "-"];
    let none = world.run_with_stdin(&words, "");
    assert_eq!(none.status.code(), Some(1), "{none:?}");
    world.set("AWS_ACCESS_KEY_ID", &key.id);
    world.set("AWS_SECRET_ACCESS_KEY", &key.secret);
    let done = world.run_with_stdin(&words, &device.fresh_code());
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    // Again, with the same key: nothing is left to do.
    assert_eq!(world.run(&words[..words.len() - 2]).status.code(), Some(0));
    everything_works(&world, "alice", &key);
}
