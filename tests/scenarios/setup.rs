//! `mfa-cred setup`: a person with nothing but the console's CSV file, who answers every question at a terminal.

mod broken_off;
mod denied;
mod files;
mod keys;
mod roles;
mod script;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::aws::{AccessKey, Device, RoleSpec};
use crate::support::files::files_below;
use crate::support::pty::{Finished, PATIENCE, Pty, Session, Stream};
use crate::support::world::{MFA_CRED, World};

const CSV: &str = "Downloads/alice_accessKeys.csv";
const SETUP: [&str; 3] = ["setup", "--csv", CSV];

/// A home with nothing but the file, a role that trusts the user with MFA, and a shell.
fn stranger() -> (World, AccessKey) {
    let world = World::empty();
    fs::remove_dir(world.home().join(".aws")).expect("it is empty");
    let key = world.aws.add_user("alice");
    world.aws.add_role(RoleSpec::new("deploy").trust_user("alice").require_mfa());
    world.write(CSV, format!("\u{feff}Access key ID,Secret access key\r\n{},{}\r\n", key.id, key.secret));
    world.set("SHELL", "/bin/bash");
    (world, key)
}

/// The same, with a passphrase that a program knows.
fn stranger_with_a_passphrase() -> (World, AccessKey) {
    let (world, key) = stranger();
    world.write("config/mfa-cred/config.ini", "unlock_process = echo tulip\n");
    (world, key)
}

/// At a terminal that has everything that the program writes.
fn at_terminal(world: &World, size: (u16, u16), words: &[&str]) -> Session {
    let mut command = Command::new(MFA_CRED);
    world.dress(&mut command);
    command.args(words);
    Pty::default().sized(size.0, size.1).streams(Stream::Terminal, Stream::Terminal).spawn(command)
}

/// The person's device that shows codes: the last one, by name.
fn phone(world: &World) -> Device {
    let mut devices = world.aws.devices().into_iter().filter(|(serial, _)| serial.contains(":mfa/"));
    let (serial, _) = devices.next_back().expect("a device");
    world.aws.device(&serial).expect("it is there")
}

/// What the person types at a question; `None` if the screen does not end with one.
fn reply(world: &World, screen: &str) -> Option<String> {
    let line = screen.rsplit(['\n', '\r']).next().unwrap_or_default();
    let line = line.rsplit('\x1b').next().unwrap_or_default();
    let ends = |end: &str| line.ends_with(end);
    Some(match line {
        _ if ends("MFA code: ") || line.contains("MFA code for ") && ends("): ") => phone(world).fresh_code(),
        _ if ends("assphrase for your access keys: ") || ends("Repeat the passphrase: ") => "tulip".to_owned(),
        _ if ends("[Y/n] ") || ends("[y/N] ") => "y".to_owned(),
        _ if ends("Region, such as eu-west-1 (Enter: none): ") => "eu-west-1".to_owned(),
        _ if line.contains("Role to assume") && ends("(Enter: none): ") => "123456789012:deploy".to_owned(),
        _ if ends("]: ") => String::new(),
        _ => return None,
    })
}

/// Answers every question, and stops before the `last` one, counted from 0. `None`: to the end.
fn sit(world: &World, session: &mut Session, last: Option<usize>) -> usize {
    let (start, mut seen, mut answered) = (Instant::now(), 0, 0);
    while !session.has_ended() {
        assert!(start.elapsed() < 2 * PATIENCE, "no end: {:?}", session.screen());
        let screen = session.screen();
        let reply = screen.get(seen..).and_then(|new| reply(world, new));
        let Some(reply) = reply else {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        };
        if last == Some(answered) {
            break;
        }
        // Keys that come before the question is ready are thrown away.
        std::thread::sleep(Duration::from_millis(60));
        seen = session.screen().len();
        session.type_text(&format!("{reply}\n"));
        answered += 1;
    }
    answered
}

/// Answers every question as usual, but for the one that contains `question`.
fn but(world: &World, session: &mut Session, question: &str, answer: &str) {
    let (start, mut seen) = (Instant::now(), 0);
    while !session.has_ended() {
        assert!(start.elapsed() < 2 * PATIENCE, "no end: {:?}", session.screen());
        let screen = session.screen();
        let new = screen.get(seen..).unwrap_or_default().to_owned();
        let last = new.rsplit('\n').next().unwrap_or_default();
        let is_it = last.contains(question) && last.ends_with(' ');
        let Some(text) = is_it.then(|| answer.to_owned()).or_else(|| reply(world, &new)) else {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        };
        std::thread::sleep(Duration::from_millis(60));
        seen = session.screen().len();
        session.type_text(&format!("{text}\n"));
    }
}

fn finish(world: &World, session: Session) -> Finished {
    let done = session.finish(PATIENCE);
    world.heard("setup", &done);
    done
}

/// A whole run, in which every question is answered.
fn run(world: &World, words: &[&str]) -> Finished {
    let mut session = at_terminal(world, (24, 80), words);
    sit(world, &mut session, None);
    finish(world, session)
}

/// Does the shell of a person get credentials that AWS takes, and is nothing in plain text in the whole home?
#[track_caller]
fn everything_works(world: &World, profile: &str, key: &AccessKey) {
    // Without one in the profile, the AWS CLI wants to be told.
    let region = if world.read(".aws/config").contains("region = ") { "" } else { "--region eu-west-1" };
    let script = format!("eval $(mfa-cred {profile}) && aws sts get-caller-identity --output json {region}");
    let Some(_) = super::clients::client("the AWS CLI", "aws", &["--version"]) else { return };
    world.set("AWS_PAGER", "");
    let told = world.run_other("bash", &["-c", &script], PATIENCE);
    assert!(told.status.success() && told.stdout.contains("arn:aws:"), "{told:?}");
    let seeds: Vec<String> = world
        .aws
        .devices()
        .iter()
        .filter_map(|(serial, _)| world.aws.device(serial))
        .map(|device| device.seed_base32())
        .collect();
    for file in files_below(world.home()) {
        let bytes = fs::read(&file).unwrap_or_default();
        assert_eq!(world.aws.leaks(&bytes), [], "{}", file.display());
        let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!has(&key.secret) && !seeds.iter().any(|seed| has(seed)), "{}", file.display());
    }
}

#[test]
fn from_the_csv_file_to_working_credentials_in_one_sitting() {
    let (world, key) = stranger();
    let done = run(&world, &SETUP);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let serial = phone(&world).serial().to_owned();
    assert_eq!(
        world.read(".aws/config"),
        format!(
            "[profile alice]\nregion = eu-west-1\nmfa_serial = {serial}\n\n\
             [profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = alice\n"
        )
    );
    assert!(!world.home().join(CSV).exists() && !world.home().join(".aws/credentials").exists());
    assert_eq!(world.read(".bashrc"), "eval \"$(mfa-cred init bash)\"\n");
    for text in [
        "[1/5] access key",
        "[5/5] sign-in",
        "deploy: signed in for ",
        "  eval $(mfa-cred deploy) ",
        "+region = eu-west-1",
        "--- ~/.aws/config\r\n+++ ~/.aws/config\r\n@@ -0,0 +1,2 @@",
        "--- ~/.aws/config\r\n+++ ~/.aws/config\r\n@@ -1,2 +1,3 @@",
    ] {
        assert!(done.terminal.contains(text), "{text}: {done:?}");
    }
    everything_works(&world, "deploy", &key);
    // In a new shell, the function is there.
    let told = world.run_other("bash", &["-c", ". ~/.bashrc; mfa-cred deploy && echo \"$AWSUME_PROFILE\""], PATIENCE);
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("deploy\n", ""));
}

#[test]
fn a_second_run_says_what_is_done_and_asks_and_changes_nothing() {
    let (world, key) = stranger_with_a_passphrase();
    assert_eq!(run(&world, &SETUP).status.code(), Some(0));
    let before: Vec<String> = [".aws/config", ".bashrc"].map(|file| world.read(file)).to_vec();
    world.aws.take_calls();
    // The same command, whose file is deleted; the profile alone; nobody to ask.
    for (words, questions) in [(&SETUP[..], 1), (&["setup", "alice"], 0), (&["setup"], 1)] {
        let mut session = at_terminal(&world, (24, 80), words);
        assert_eq!(sit(&world, &mut session, None), questions, "{words:?}: {:?}", session.screen());
        let done = finish(&world, session);
        assert_eq!(done.status.code(), Some(0), "{done:?}");
        for text in [
            format!("alice: access key {} of alice is already sealed", key.id),
            format!("the profile already uses {}", phone(&world).serial()),
            "alice already assumes roles in `deploy`".to_owned(),
            "~/.bashrc:1 already loads the function `mfa-cred`".to_owned(),
            "deploy: signed in for ".to_owned(),
        ] {
            assert!(done.terminal.replace("\r\n", "").contains(&text), "{text}: {done:?}");
        }
    }
    let calls = ["GetCallerIdentity", "ListMFADevices"].repeat(3);
    assert_eq!(crate::support::world::calls(&world), calls);
    assert_eq!([".aws/config", ".bashrc"].map(|file| world.read(file)).to_vec(), before);
}

#[test]
fn in_a_narrow_window_the_seed_is_offered_as_text() {
    let (world, key) = stranger_with_a_passphrase();
    let mut session = at_terminal(&world, (24, 40), &SETUP);
    sit(&world, &mut session, None);
    let done = finish(&world, session);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(done.terminal.contains("Show the seed as text instead? [y/N] "), "{done:?}");
    assert!(done.terminal.contains("To enter the key by hand:"), "{done:?}");
    // The page was erased again; the rest of the terminal has no secret.
    world.may_leak();
    everything_works(&world, "deploy", &key);
}

#[test]
fn a_key_is_typed_where_there_is_no_file() {
    let (world, key) = stranger_with_a_passphrase();
    fs::remove_file(world.home().join(CSV)).expect("it was there");
    let mut session =
        at_terminal(&world, (24, 80), &["setup", "--skip", "device", "--skip", "role", "--skip", "shell"]);
    let mut answer = |prompt: &str, text: &str| {
        session.wait_for(prompt, PATIENCE);
        std::thread::sleep(Duration::from_millis(60));
        session.type_text(&format!("{text}\n"));
    };
    answer("CSV file with the access key (Enter: type the key): ", "~/none.csv");
    answer("CSV file with the access key (Enter: type the key): ", "");
    answer("Profile name [default]: ", "alice");
    answer("Region, such as eu-west-1 (Enter: none): ", "not a region");
    answer("Region, such as eu-west-1 (Enter: none): ", "y");
    answer("Region, such as eu-west-1 (Enter: none): ", "");
    answer("Access key ID for alice: ", &key.id);
    answer("Secret access key: ", &key.secret);
    answer("Seal the key and write this? [Y/n] ", "");
    let done = finish(&world, session);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let explained = "that is not a region: type its code, such as `eu-west-1`, or press Enter\r\n";
    assert_eq!(done.terminal.matches(explained).count(), 2, "{done:?}");
    assert_eq!(world.read(".aws/config"), "[profile alice]\n");
    everything_works(&world, "alice", &key);
}
