//! A run that ends anywhere is continued by the next one: Ctrl-C, Escape, and a kill at every question.

use rustix::process::Signal;

use super::{SETUP, at_terminal, but, everything_works, finish, phone, run, sit, stranger_with_a_passphrase};

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
        assert!(!world.home().join(super::CSV).exists(), "{nth}");
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
