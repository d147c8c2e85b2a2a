//! Several processes on one terminal, each with its own prompt: one at a time.

use std::fs;
use std::process::Command;

use rustix::process::Signal;

use crate::support::aws::{Device, RoleSpec};
use crate::support::pty::{PATIENCE, Pty, Session, send_signal};
use crate::support::world::{Cast, MFA_CRED, World};

/// Two people's profiles in one home, `deploy` of alice and `bobs` of bob, each with a device.
fn two_users() -> (World, Device, Device) {
    let Cast { world, device, .. } = World::cast();
    let key = world.aws.add_user("bob");
    let bobs = world.aws.add_device("bob", "bob-phone");
    let arn = world.aws.add_role(RoleSpec::new("bobs").trust_user("bob").require_mfa());
    let serial = bobs.serial();
    world.add_config(&format!(
        "[profile bob]\n[profile bobs]\nsource_profile = bob\nrole_arn = {arn}\nmfa_serial = {serial}\n"
    ));
    let (id, secret) = (&key.id, &key.secret);
    let keys = world.read(".aws/credentials");
    let keys = format!("{keys}[bob]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    world.write(".aws/credentials", keys);
    (world, device, bobs)
}

/// Both at once on one terminal, the second with its own state folder. The exit codes are in `rc.0` and `rc.1`; the end
/// of the output tells whether the terminal was restored.
fn both(world: &World) -> Session {
    let script = r#"
        trap : INT
        before=$(stty -g </dev/tty)
        ( env --default-signal=INT "$MFA_CRED" process deploy >out.0 2>err.0; echo $? >rc.0 ) &
        ( XDG_STATE_HOME=$HOME/other env --default-signal=INT "$MFA_CRED" process bobs >out.1 2>err.1; echo $? >rc.1 ) &
        wait
        wait
        [ "$(stty -g </dev/tty)" = "$before" ] && echo same
    "#;
    let mut command = Command::new("sh");
    world.dress(&mut command);
    command.env("MFA_CRED", MFA_CRED).args(["-c", script]);
    Pty::default().spawn(command)
}

/// Which of the two prompts now: the device that the prompt names.
fn asked<'a>(session: &mut Session, alices: &'a Device, bobs: &'a Device) -> (&'a Device, &'a Device) {
    session.wait_for("MFA code for ", PATIENCE);
    session.wait_for("-phone): ", PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    let screen = session.screen();
    let last = screen.rsplit("MFA code for ").next().expect("a prompt");
    if last.starts_with("bobs") { (bobs, alices) } else { (alices, bobs) }
}

fn take_output(world: &World) -> Vec<(String, String, String)> {
    (0..2)
        .map(|n| {
            let [code, out, err] = ["rc", "out", "err"].map(|name| world.read(&format!("{name}.{n}")));
            fs::remove_file(world.home().join(format!("out.{n}"))).expect("it was there");
            (code.trim().to_owned(), out, err)
        })
        .collect()
}

#[test]
fn two_prompts_on_one_terminal_appear_in_turn_and_no_key_is_lost() {
    let (world, alices, bobs) = two_users();
    let mut session = both(&world);
    let (first, second) = asked(&mut session, &alices, &bobs);
    // The other process says what it waits for, and does not prompt.
    session.wait_for("waiting for process ", PATIENCE);
    session.wait_for(", which is asking on this terminal\r\n", PATIENCE);
    assert_eq!(session.screen().matches("MFA code for").count(), 1, "{}", session.screen());
    assert!(!session.echo_is_on());
    // Key by key, as a person types.
    for key in first.fresh_code().chars() {
        session.type_text(&key.to_string());
        std::thread::sleep(std::time::Duration::from_millis(30));
    }
    session.type_text("\n");
    session.wait_for("MFA code for ", PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text(&format!("{}\n", second.fresh_code()));
    let done = session.finish(PATIENCE);
    let output = take_output(&world);
    assert!(output.iter().all(|(code, out, _)| code == "0" && out.contains("ASIA")), "{output:?} {}", done.terminal);
    assert_eq!(done.stdout, "same\n");
    assert_eq!((world.aws.count("GetSessionToken"), world.aws.count("AssumeRole")), (2, 2));
    // Only the other state folder knows its key.
    world.set("XDG_STATE_HOME", world.home().join("other").display().to_string());
    assert!(world.run(&["clear", "--all"]).status.success());
    world.set("XDG_STATE_HOME", world.home().join("state").display().to_string());
}

#[test]
fn ctrl_c_ends_the_prompting_and_the_waiting_process() {
    let (world, alices, bobs) = two_users();
    let mut session = both(&world);
    asked(&mut session, &alices, &bobs);
    session.wait_for("waiting for process ", PATIENCE);
    session.control('c');
    let done = session.finish(PATIENCE);
    let codes: Vec<String> = take_output(&world).into_iter().map(|(code, ..)| code).collect();
    assert_eq!((codes, done.stdout.as_str()), (vec!["130".to_owned(); 2], "same\n"), "{}", done.terminal);
    assert_eq!(done.terminal.matches("MFA code for").count(), 1, "{}", done.terminal);
}

#[test]
fn the_next_prompt_restores_the_echo_a_killed_or_stopped_process_left_off() {
    for signal in [Signal::KILL, Signal::STOP] {
        let (world, alices, bobs) = two_users();
        let mut session = both(&world);
        let (_, second) = asked(&mut session, &alices, &bobs);
        let first = session.wait_for_number("waiting for process ", PATIENCE);
        send_signal(first, signal);
        session.wait_for("MFA code for ", PATIENCE);
        session.type_text(&format!("{}\n", second.fresh_code()));
        session.wait_for_echo(true, PATIENCE);
        if signal == Signal::STOP {
            send_signal(first, Signal::KILL);
        }
        let done = session.finish(PATIENCE);
        assert_eq!(done.stdout, "same\n", "{signal:?}: {}", done.terminal);
        let mut codes: Vec<String> = take_output(&world).into_iter().map(|(code, ..)| code).collect();
        codes.sort();
        assert_eq!(codes, ["0", "137"], "{signal:?}");
        world.set("XDG_STATE_HOME", world.home().join("other").display().to_string());
        world.run(&["clear", "--all"]);
        world.set("XDG_STATE_HOME", world.home().join("state").display().to_string());
    }
}

#[test]
fn a_stopped_process_that_continues_leaves_the_terminal_to_the_one_that_asks_now() {
    let (world, alices, bobs) = two_users();
    let mut session = both(&world);
    let (_, second) = asked(&mut session, &alices, &bobs);
    let first = session.wait_for_number("waiting for process ", PATIENCE);
    send_signal(first, Signal::STOP);
    session.wait_for("MFA code for ", PATIENCE);
    session.wait_for("-phone): ", PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    let code = second.fresh_code();
    let (start, end) = code.split_at(3);
    session.type_text(start);
    session.wait_for("**", PATIENCE);
    send_signal(first, Signal::CONT);
    // It says that it waits now, so it has done all that it does before.
    session.wait_for("waiting for process ", PATIENCE);
    assert!(!session.echo_is_on(), "{}", session.screen());
    session.type_text(&format!("{end}\n"));
    session.wait_for("MFA code for ", PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text("\u{1b}");
    let done = session.finish(PATIENCE);
    assert_eq!(done.stdout, "same\n", "{}", done.terminal);
    assert!(!done.terminal.contains(end), "{}", done.terminal);
    let mut codes: Vec<String> = take_output(&world).into_iter().map(|(code, ..)| code).collect();
    codes.sort();
    assert_eq!(codes, ["0", "130"], "no key of the answer was lost");
    world.set("XDG_STATE_HOME", world.home().join("other").display().to_string());
    world.run(&["clear", "--all"]);
    world.set("XDG_STATE_HOME", world.home().join("state").display().to_string());
}
