//! The store `passphrase`.

use super::{assert_warm, calls, cast, is_in_kernel, key, take_from_kernel};
use crate::support::pty::PATIENCE;
use crate::support::world::Cast;

#[test]
fn a_new_passphrase_is_asked_for_twice_and_then_once_per_login() {
    let Cast { world, device, .. } = cast();
    world.set("MFA_CRED_STORE", "passphrase");
    let mut session = world.at_terminal(&["env", "deploy"]);
    for (prompt, answer) in [
        ("New passphrase for mfa-cred: ", "tulip"),
        ("Repeat the passphrase: ", "tulpe"),
        ("The passphrases do not match.", ""),
        ("New passphrase for mfa-cred: ", "tulip"),
        ("Repeat the passphrase: ", "tulip"),
        ("MFA code for deploy (alice-phone): ", &device.fresh_code()),
    ] {
        session.wait_for(prompt, PATIENCE);
        if !answer.is_empty() {
            session.wait_for_echo(false, PATIENCE);
            session.type_text(&format!("{answer}\n"));
        }
    }
    let made = session.finish(PATIENCE);
    world.heard("env", &made);
    assert!(made.status.success(), "{made:?}");
    assert_eq!((made.stderr.as_str(), calls(&world).len()), ("", 2));
    assert!(!made.terminal.contains("tul"), "{made:?}");
    let (id, place) = key(&world);
    assert_eq!((place.as_str(), is_in_kernel(&id)), ("passphrase", true));
    assert_warm(&world);

    // The next login: a process that cannot prompt ends, and a person is asked once.
    take_from_kernel(&id);
    let locked = world.run(&["process", "deploy"]);
    assert_eq!((locked.status.code(), locked.stdout.as_str()), (Some(7), ""), "{locked:?}");
    assert_eq!(
        locked.stderr,
        "error: the sealing key could not be unlocked: the passphrase could not be read: there is no terminal to ask \
         on\nhint: run mfa-cred once in a terminal: this unlocks the key for your login session\n"
    );
    let mut session = world.at_terminal(&["process", "deploy"]);
    session.wait_for("Passphrase for mfa-cred: ", PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text("tulip\n");
    let unlocked = session.finish(PATIENCE);
    assert!(unlocked.status.success(), "{unlocked:?}");
    let asked = unlocked.terminal.trim_end().trim_end_matches('*').trim_end();
    assert_eq!((unlocked.stderr.as_str(), asked), ("", "Passphrase for mfa-cred:"));
    assert_warm(&world);

    take_from_kernel(&id);
    let mut session = world.at_terminal(&["process", "deploy"]);
    for answer in ["rose", "tulip ", "TULIP"] {
        session.wait_for("Passphrase for mfa-cred: ", PATIENCE);
        session.wait_for_echo(false, PATIENCE);
        session.type_text(&format!("{answer}\n"));
        session.wait_for("This passphrase does not open the key.", PATIENCE);
    }
    let refused = session.finish(PATIENCE);
    assert_eq!((refused.status.code(), refused.stdout.as_str()), (Some(7), ""));
    assert_eq!(
        refused.stderr,
        "error: the sealing key could not be unlocked: no passphrase was accepted in 3 tries\n\
         hint: `mfa-cred clear --all` discards the passphrase and everything sealed under it\n"
    );
    assert_eq!(calls(&world), Vec::<String>::new());
}

#[test]
fn without_a_terminal_for_the_passphrase_no_code_is_spent() {
    let Cast { world, device, .. } = cast();
    let code = device.fresh_code();
    let failed = world.run_with_stdin(&["--store", "passphrase", "env", "deploy", "--mfa-token", "-"], &code);
    assert_eq!((failed.status.code(), failed.stdout.as_str(), calls(&world)), (Some(7), "", Vec::new()), "{failed:?}");
    assert!(!world.state().join("key-id").exists());
}

#[test]
fn a_program_gives_the_passphrase_where_nobody_could_type_it() {
    let Cast { world, device, .. } = cast();
    world.set("MFA_CRED_STORE", "passphrase");
    let settings = |command: &str| world.write("config/mfa-cred/config.ini", format!("unlock_process = {command}\n"));
    settings("echo touch your key >&2; echo tulip");
    let made = world.sign_in(&device, &["env", "deploy"]);
    assert_eq!((made.stderr.as_str(), calls(&world).len()), ("touch your key\n", 2));
    let (id, place) = key(&world);
    assert_eq!((place.as_str(), is_in_kernel(&id)), ("passphrase", true));
    assert_warm(&world);
    // The next login, at which no terminal is needed either.
    take_from_kernel(&id);
    let unlocked = world.run(&["process", "deploy"]);
    assert_eq!((unlocked.status.code(), unlocked.stderr.as_str()), (Some(0), "touch your key\n"), "{unlocked:?}");
    assert_warm(&world);
    take_from_kernel(&id);
    for (command, why, hint) in [
        (
            "echo rose",
            "the passphrase that `unlock_process` printed does not open the key",
            "`mfa-cred clear --all` discards the passphrase and everything sealed under it",
        ),
        (
            "echo tulip; exit 3",
            "`unlock_process` gave no passphrase: it failed (exit status: 3)",
            "run the command by hand: it must print the passphrase on one line, and exit with 0",
        ),
    ] {
        settings(command);
        let failed = world.at_terminal(&["process", "deploy"]).finish(PATIENCE);
        assert_eq!((failed.status.code(), failed.stdout.as_str(), failed.terminal.as_str()), (Some(7), "", ""));
        assert_eq!(failed.stderr, format!("error: the sealing key could not be unlocked: {why}\nhint: {hint}\n"));
    }
    assert_eq!(calls(&world), Vec::<String>::new());
}
