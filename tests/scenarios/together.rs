//! Many processes at once: one prompts, one calls, and all get credentials.

mod one_terminal;
mod stopped;

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::aws::{Fault, RoleSpec, When};
use crate::support::pty::{PATIENCE, Pty, Session, run, send_signal};
use crate::support::world::{Cast, MFA_CRED, World};

/// Starts `count` processes on one terminal, alternating between the roles, and waits for all of them. The output of
/// number N is in `out.N` and `err.N`, its exit code in `rc.N`. A shell without job control makes its background
/// processes ignore SIGINT; these must behave like foreground programs.
fn crowd(world: &World, count: usize) -> Session {
    let script = r#"
        set -- deploy audit third
        i=0
        while [ $i -lt COUNT ]; do
            role=$1; shift; set -- "$@" $role
            if [ $((i % 2)) = 0 ]; then verb=process; else verb=env; fi
            ( env --default-signal=INT "$MFA_CRED" $verb $role >out.$i 2>err.$i; echo $? >rc.$i ) &
            i=$((i + 1))
        done
        wait
        echo all ended
    "#;
    let mut command = Command::new("sh");
    world.dress(&mut command);
    command.env("MFA_CRED", MFA_CRED).args(["-c", &script.replace("COUNT", &count.to_string())]);
    Pty::default().spawn(command)
}

fn three_roles() -> Cast {
    let cast = World::cast();
    let arn = cast.world.aws.add_role(RoleSpec::new("third").trust_user("alice").require_mfa());
    let serial = cast.device.serial();
    cast.world
        .add_config(&format!("[profile third]\nsource_profile = alice\nrole_arn = {arn}\nmfa_serial = {serial}\n"));
    cast
}

fn exit_codes(world: &World, count: usize) -> Vec<String> {
    (0..count).map(|n| world.read(&format!("rc.{n}")).trim().to_owned()).collect()
}

/// Their output contains credentials, on purpose; it is removed before the home is searched for secrets.
fn take_output(world: &World, count: usize) -> Vec<(String, String)> {
    (0..count)
        .map(|n| {
            let text = (world.read(&format!("out.{n}")), world.read(&format!("err.{n}")));
            fs::remove_file(world.home().join(format!("out.{n}"))).expect("it was there");
            text
        })
        .collect()
}

/// The process that prompts, according to the lock's file.
fn holder(world: &World) -> i32 {
    let locks = fs::read_dir(world.state().join("locks")).expect("locks");
    let text = locks
        .flatten()
        .filter(|file| file.file_name().to_string_lossy().starts_with("device-"))
        .map(|file| fs::read_to_string(file.path()).expect("a lock"))
        .next()
        .expect("the device's lock");
    text.trim().strip_prefix("held ").expect("it is held").parse().expect("a process id")
}

#[test]
fn two_hundred_processes_make_one_prompt_and_one_call_per_step() {
    const COUNT: usize = 200;
    let Cast { world, device, .. } = three_roles();
    let mut session = crowd(&world, COUNT);
    session.wait_for("MFA code for ", PATIENCE);
    // They are all waiting by now, or will be.
    std::thread::sleep(Duration::from_millis(1500));
    session.type_text(&format!("{}\n", device.fresh_code()));
    let done = session.finish(Duration::from_mins(2));
    assert_eq!(done.terminal.matches("MFA code for").count(), 1, "{}", done.terminal);
    let output = take_output(&world, COUNT);
    assert_eq!(exit_codes(&world, COUNT), vec!["0"; COUNT], "{output:?}");
    assert_eq!((world.aws.count("GetSessionToken"), world.aws.count("AssumeRole")), (1, 3));
    assert!(output.iter().all(|(out, _)| out.contains("ASIA")));
}

#[test]
fn when_the_prompting_process_is_killed_the_next_one_prompts() {
    const COUNT: usize = 12;
    for signal in [Signal::KILL, Signal::TERM, Signal::HUP] {
        let Cast { world, device, .. } = three_roles();
        let mut session = crowd(&world, COUNT);
        session.wait_for("MFA code for ", PATIENCE);
        let first = holder(&world);
        send_signal(first, signal);
        session.wait_for("MFA code for ", PATIENCE);
        assert_ne!(holder(&world), first);
        session.type_text(&format!("{}\n", device.fresh_code()));
        let done = session.finish(PATIENCE);
        let output = take_output(&world, COUNT);
        let mut codes = exit_codes(&world, COUNT);
        codes.retain(|code| code != "0");
        assert_eq!(codes.len(), 1, "{signal:?}: {codes:?} {output:?} {}", done.terminal);
        assert_eq!(world.aws.count("GetSessionToken"), 1);
    }
}

/// Longer than any of the program's time limits.
const FOR_EVER: Duration = Duration::from_mins(10);
/// Shorter than the 20 s after which an answer counts as lost.
const AT_ONCE: Duration = Duration::from_secs(10);

fn wait_for_call(world: &World, action: &str) {
    let start = Instant::now();
    while world.aws.count(action) == 0 {
        assert!(start.elapsed() < PATIENCE, "{action} was never called");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn when_the_calling_process_is_killed_the_next_one_prompts_and_the_code_is_spent() {
    const COUNT: usize = 6;
    for signal in [Signal::KILL, Signal::TERM] {
        let Cast { world, device, .. } = three_roles();
        world.aws.fault("GetSessionToken", Fault::Delay(When::After, FOR_EVER), 1);
        let mut session = crowd(&world, COUNT);
        session.wait_for("MFA code for ", PATIENCE);
        let code = device.fresh_code();
        session.type_text(&format!("{code}\n"));
        wait_for_call(&world, "GetSessionToken");
        let first = holder(&world);
        send_signal(first, signal);
        session.wait_for("MFA code for ", AT_ONCE);
        assert_ne!(holder(&world), first);
        session.type_text(&format!("{code}\n"));
        session.wait_for("that code was already used", PATIENCE);
        session.wait_for("MFA code for ", PATIENCE);
        session.type_text(&format!("{}\n", device.fresh_code()));
        let done = session.finish(PATIENCE);
        let output = take_output(&world, COUNT);
        let mut codes = exit_codes(&world, COUNT);
        codes.retain(|code| code != "0");
        assert_eq!(codes.len(), 1, "{signal:?}: {codes:?} {output:?} {}", done.terminal);
        assert_eq!((world.aws.count("GetSessionToken"), world.aws.count("AssumeRole")), (2, 3), "{signal:?}");
    }
}

#[test]
fn when_the_renewing_process_is_killed_the_next_one_calls() {
    for signal in [Signal::KILL, Signal::TERM, Signal::INT] {
        let Cast { world, device, .. } = World::cast();
        world.sign_in(&device, &["process", "audit"]);
        world.aws.take_calls();
        world.aws.fault("AssumeRole", Fault::Delay(When::After, FOR_EVER), 1);
        // Started directly, since otherwise the known process id would be that of another program.
        let mut calling = Command::new(MFA_CRED);
        world.dress(&mut calling);
        calling.args(["process", "deploy"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut calling = calling.spawn().expect("it starts");
        wait_for_call(&world, "AssumeRole");
        let command = world.command(&["process", "deploy"]);
        let waiting = std::thread::spawn(|| run(command, b"", PATIENCE));
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(world.aws.count("AssumeRole"), 1, "it waits");
        let start = Instant::now();
        send_signal(i32::try_from(calling.id()).expect("a process number"), signal);
        let waiting = waiting.join().expect("it ends");
        assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
        assert!(!calling.wait().expect("it ends").success());
        assert_eq!((waiting.status.code(), waiting.stderr.as_str()), (Some(0), ""), "{signal:?}: {waiting:?}");
        assert_eq!(world.aws.count("AssumeRole"), 2, "{signal:?}");
    }
}

#[test]
fn when_the_person_cancels_no_other_process_prompts() {
    const COUNT: usize = 12;
    let Cast { world, .. } = three_roles();
    let mut session = crowd(&world, COUNT);
    session.wait_for("MFA code for ", PATIENCE);
    std::thread::sleep(Duration::from_millis(300));
    send_signal(holder(&world), Signal::INT);
    let done = session.finish(PATIENCE);
    assert_eq!(done.terminal.matches("MFA code for").count(), 1, "{}", done.terminal);
    let mut codes = exit_codes(&world, COUNT);
    codes.sort();
    let mut expected = vec!["130"];
    expected.extend(vec!["3"; COUNT - 1]);
    assert_eq!(codes, expected);
    let others = take_output(&world, COUNT)
        .into_iter()
        .filter(|(_, err)| err.contains("and it was not given\nhint: run `mfa-cred login"));
    assert_eq!(others.count(), COUNT - 1);
}

#[test]
fn a_long_wait_names_the_process_waited_for() {
    let Cast { world, device, .. } = three_roles();
    let mut asking = world.at_terminal(&["deploy"]);
    asking.wait_for("MFA code for ", PATIENCE);
    let pid = holder(&world);
    let command = world.command(&["process", "audit"]);
    let waiting = std::thread::spawn(|| run(command, b"", PATIENCE));
    std::thread::sleep(Duration::from_millis(3500));
    asking.type_text(&format!("{}\n", device.fresh_code()));
    let asked = asking.finish(PATIENCE);
    let waiting = waiting.join().expect("it ends");
    world.heard("deploy", &asked);
    world.heard("audit", &waiting);
    assert!(waiting.status.success(), "{waiting:?}");
    assert_eq!(waiting.stderr, format!("waiting for process {pid}, which is obtaining credentials of `alice`\n"));
}
