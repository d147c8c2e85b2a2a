//! MFA devices from the terminal: made, listed, resynced and removed, against an IAM as strict as AWS's.

mod auto;
mod broken_off;
mod enroll;
mod faults;
mod look;
mod moto;
mod multiplexers;
mod screen;
#[cfg(target_os = "linux")]
mod kept;
#[cfg(target_os = "linux")]
mod seeds;

use rustix::process::Signal;

use crate::support::aws::{AccessKey, Call, Device, Effect, Signer};
use crate::support::pty::{Finished, PATIENCE, Session};
use crate::support::world::World;

const LAPTOP: &str = "arn:aws:iam::123456789012:mfa/laptop";
const CONFIG: &str = "# mine\n[profile alice]\nregion = ap-northeast-1\n";
const ENROLL: [&str; 6] = ["device", "enroll", "--profile", "alice", "--name", "laptop"];
const FIRST: &str = "First MFA code: ";
const NEXT: &str = "The next MFA code: ";
const WRITE: &str = "Write this? [Y/n] ";

/// A user with a key and no device.
fn newcomer() -> (World, AccessKey) {
    let world = World::empty();
    let key = world.aws.add_user("alice");
    world.write(".aws/config", CONFIG);
    world.write_key("alice", &key);
    (world, key)
}

/// What was called since last time, with whose signature where that is not the user's own key, and what became of it.
fn calls(world: &World) -> Vec<String> {
    let brief = |call: Call| {
        let signer = match call.signer {
            Signer::Session { mfa: true, .. } => " with MFA",
            Signer::Session { mfa: false, .. } => " without MFA",
            Signer::Role { .. } => " as a role",
            Signer::User(_) | Signer::Nobody | Signer::Web { .. } => "",
        };
        let effect = match call.effect {
            Effect::Accepted => String::new(),
            Effect::Ignored => ": lost".to_owned(),
            Effect::Refused(why) => format!(": {why}"),
        };
        format!("{}{signer}{effect}", call.action)
    };
    world.aws.take_calls().into_iter().map(brief).collect()
}

/// The devices, and whose they are.
fn devices(world: &World) -> Vec<(String, String)> {
    let devices = world.aws.devices().into_iter();
    devices.map(|(serial, owner)| (serial, owner.unwrap_or_else(|| "nobody".to_owned()))).collect()
}

fn laptop(world: &World) -> Device {
    world.aws.device(LAPTOP).expect("it was made")
}

fn answer(session: &mut Session, prompt: &str, text: &str) {
    session.wait_for(prompt, PATIENCE);
    session.type_text(&format!("{text}\n"));
}

/// Types the two codes of a device, however often it is asked.
fn type_codes(session: &mut Session, device: &Device) {
    answer(session, FIRST, &device.fresh_code());
    answer(session, NEXT, &device.fresh_code());
}

fn finish(world: &World, session: Session) -> Finished {
    let done = session.finish(PATIENCE);
    world.heard("at a terminal", &done);
    done
}

/// Enrols the laptop as a person does.
fn enroll(world: &World) -> Finished {
    let mut session = world.at_terminal(&ENROLL);
    session.wait_for(FIRST, PATIENCE);
    let device = laptop(world);
    session.type_text(&format!("{}\n", device.fresh_code()));
    answer(&mut session, NEXT, &device.fresh_code());
    answer(&mut session, WRITE, "y");
    let done = finish(world, session);
    assert!(done.status.success(), "{done:?}");
    done
}

/// The exit code and what stderr says.
fn failed(done: &Finished) -> (Option<i32>, &str) {
    assert_eq!(done.stdout, "");
    (done.status.code(), &done.stderr)
}

fn signal(session: &Session, signal: Signal) {
    session.signal(signal);
}

/// The program that the leading shell runs in the foreground.
fn signal_child(session: &Session, signal: Signal) {
    let pid = session.pid();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("its children");
    let child = children.split_whitespace().next().and_then(|child| child.parse().ok()).expect("a child");
    crate::support::pty::send_signal(child, signal);
}
