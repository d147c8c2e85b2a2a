//! A seed that is kept on purpose: sealed, used only where the profile says so, and gone with its device.

use std::fs;
use std::process::Command;

use super::{ENROLL, FIRST, LAPTOP, NEXT, WRITE, answer, calls, devices, finish, laptop, newcomer};
use crate::support::aws::Device;
use crate::support::pty::{self, Finished, PATIENCE};
use crate::support::tools::{find, skip};
use crate::support::world::{Cast, MFA_CRED, World, json};

const SETTINGS: &str = "unlock_process = echo tulip\n";
const KEEP: [&str; 5] = ["device", "keep-seed", "alice", "--stdin", "--yes"];
const WRONG: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Alice, whose device is named in her own profile too.
fn cast() -> (World, Device) {
    let Cast { world, device, .. } = World::cast();
    world.write("config/mfa-cred/config.ini", SETTINGS);
    world.edit_config("[profile alice]\n", &format!("[profile alice]\nmfa_serial = {}\n", device.serial()));
    (world, device)
}

fn kept(world: &World) -> usize {
    let files = fs::read_dir(world.safe()).map(|files| files.flatten().map(|file| file.file_name()).collect());
    let files: Vec<std::ffi::OsString> = files.unwrap_or_default();
    files.iter().filter(|name| name.to_string_lossy().starts_with("mfa-seed-")).count()
}

fn keep(world: &World, device: &Device) -> Finished {
    let done = world.run_with_stdin(&KEEP, &device.seed_base32());
    assert!(done.status.success(), "{done:?}");
    done
}

#[test]
fn a_kept_seed_signs_in_without_anybody() {
    let (world, device) = cast();
    let done = keep(&world, &device);
    assert!(done.stderr.contains("alice-phone: its seed is kept\n"), "{done:?}");
    assert!(done.stderr.ends_with("profile `alice` now takes its codes from it\n"), "{done:?}");
    assert!(world.read(".aws/config").contains("mfa_source = seed\n"));
    assert_eq!((kept(&world), calls(&world)), (1, vec!["GetCallerIdentity".to_owned(), "GetSessionToken".to_owned()]));
    // Its window was used for the trial, so this one waits for the next.
    let done = world.run(&["process", "deploy", "--refresh", "--no-prompt"]);
    assert!(done.status.success() && done.stdout.starts_with("{\"Version\":1,"), "{done:?}");
    assert_eq!(calls(&world), ["GetSessionToken", "AssumeRole with MFA"]);

    let show = world.run(&["show", "deploy"]);
    assert!(show.stdout.contains("code: from the device's kept seed ("), "{show:?}");
    assert!(world.run(&["list"]).stdout.contains("alice-phone (seed)"));
    let doctor = world.run(&["doctor", "alice", "--offline"]);
    assert!(doctor.stdout.contains("come from its seed, which is kept on this machine"), "{doctor:?}");
}

#[test]
fn a_seed_is_typed_without_echo_or_read_from_the_address_of_a_qr_code() {
    let (world, device) = cast();
    let mut session = world.at_terminal(&["device", "keep-seed", "alice"]);
    session.wait_for("Seed of alice-phone (base32, or an otpauth address): ", PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text(&format!("{}\n", device.seed_base32().to_lowercase()));
    answer(&mut session, WRITE, "y");
    assert!(finish(&world, session).status.success());
    assert_eq!(kept(&world), 1);

    let (world, device) = cast();
    let address = format!("otpauth://totp/AWS:alice?secret={}&issuer=AWS\n", device.seed_base32());
    assert!(world.run_with_stdin(&KEEP, &address).status.success());
    assert_eq!(kept(&world), 1);
}

#[test]
fn what_aws_does_not_take_is_not_kept_and_a_former_seed_stands() {
    let (world, device) = cast();
    let done = world.run_with_stdin(&KEEP, WRONG);
    assert_eq!((done.status.code(), kept(&world)), (Some(4), 0), "{done:?}");
    assert!(!world.read(".aws/config").contains("mfa_source"));
    for (text, why) in [
        ("hunter2-hunter2!", "it is not base32 (A to Z and 2 to 7, at least 16 characters)"),
        ("", "it is empty"),
        (
            "otpauth://totp/AWS:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&digits=8",
            "its `digits` is not AWS's: the codes of AWS's devices are SHA-1, six digits, and 30 seconds",
        ),
        ("123456", "it is a code; the seed is the long text that the authenticator app was set up with"),
    ] {
        let done = world.run_with_stdin(&KEEP, text);
        assert_eq!((done.status.code(), &*done.stderr), (Some(1), &*format!("error: this is not a seed: {why}\n")));
    }
    keep(&world, &device);
    assert_eq!(world.run_with_stdin(&KEEP, WRONG).status.code(), Some(4));
    assert!(world.run(&["process", "alice", "--refresh"]).status.success(), "the former seed stands");
}

#[test]
fn a_seed_is_used_only_where_the_profile_says_so() {
    let (world, device) = cast();
    keep(&world, &device);
    world.edit_config("mfa_source = seed\n", "");
    let done = world.run(&["process", "deploy", "--refresh"]);
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    world.edit_config("[profile deploy]\n", "[profile deploy]\nmfa_source = device\n");
    let done = world.run(&["process", "deploy"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(done.stderr.contains("has a value other than `seed`, the only one that is supported"), "{done:?}");
    // A command that the profile names comes first.
    world.edit_config("mfa_source = device\n", "mfa_source = seed\nmfa_process = echo x; exit 1\n");
    let done = world.run(&["process", "deploy", "--refresh"]);
    assert!(done.stderr.contains("`mfa_process`"), "{done:?}");
}

#[test]
fn a_profile_without_its_seed_says_which_command_keeps_it() {
    let (world, device) = cast();
    world.edit_config("[profile deploy]\n", "[profile deploy]\nmfa_source = seed\n");
    let done = world.run(&["process", "deploy"]);
    assert_eq!(done.status.code(), Some(1));
    let serial = device.serial();
    assert_eq!(
        done.stderr,
        format!(
            "error: the device's kept seed gave no code: no seed of {serial} is kept\n\
             hint: `mfa-cred device keep-seed {serial} --profile deploy` keeps it; without `mfa_source = seed` in the profile, you are asked for codes\n"
        )
    );
}

#[test]
fn forgetting_needs_no_aws_and_the_last_secret_takes_the_key_along() {
    let (world, device) = cast();
    keep(&world, &device);
    calls(&world);
    let asks = world.run(&["device", "forget-seed", "alice"]);
    assert_eq!((asks.status.code(), kept(&world)), (Some(3), 1), "{asks:?}");
    let done = world.run(&["device", "forget-seed", "alice", "--yes"]);
    assert!(done.status.success() && done.stderr.contains("alice-phone: its seed is forgotten\n"), "{done:?}");
    assert_eq!((kept(&world), calls(&world)), (0, vec![]));
    assert!(!world.safe().join("key-wrapped").exists());
    assert_eq!(world.run(&["device", "forget-seed", device.serial(), "--yes"]).status.code(), Some(1));
}

#[test]
fn removing_the_device_drops_its_seed() {
    let (world, device) = cast();
    keep(&world, &device);
    let done = world.run(&["device", "remove", "alice", "--yes"]);
    assert!(done.status.success(), "{done:?}");
    assert!(done.stderr.contains("alice-phone: its kept seed is forgotten\n"), "{done:?}");
    assert_eq!(kept(&world), 0);
}

#[test]
fn an_edited_seed_file_does_not_open() {
    let (world, device) = cast();
    keep(&world, &device);
    let files = fs::read_dir(world.safe()).expect("a folder").flatten().map(|file| file.path());
    let file = files.into_iter().find(|path| path.to_string_lossy().contains("mfa-seed-")).expect("the seed");
    let mut bytes = fs::read(&file).expect("the seed");
    *bytes.last_mut().expect("bytes") ^= 1;
    fs::write(&file, bytes).expect("it is ours");
    let done = world.run(&["process", "deploy", "--refresh"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(done.stderr.contains("does not open"), "{done:?}");
}

#[test]
fn an_enrollment_can_keep_the_seed_and_a_canceled_one_keeps_none() {
    let (world, _) = newcomer();
    world.write("config/mfa-cred/config.ini", SETTINGS);
    let words = [&ENROLL[..], &["--keep-seed"]].concat();
    let mut session = world.at_terminal(&words);
    session.wait_for(FIRST, PATIENCE);
    assert_eq!(kept(&world), 1);
    session.type_text("\x1b");
    assert_eq!(finish(&world, session).status.code(), Some(130));
    assert_eq!((kept(&world), devices(&world)), (0, vec![]));

    let mut session = world.at_terminal(&words);
    session.wait_for(FIRST, PATIENCE);
    let device = laptop(&world);
    session.type_text(&format!("{}\n", device.fresh_code()));
    answer(&mut session, NEXT, &device.fresh_code());
    answer(&mut session, WRITE, "y");
    assert!(finish(&world, session).status.success());
    let config = world.read(".aws/config");
    assert!(config.contains(&format!("mfa_serial = {LAPTOP}\n")) && config.contains("mfa_source = seed\n"), "{config}");
    assert!(world.run(&["process", "alice"]).status.success());
}

/// A profile with a session of alice's: its seed is kept without a trial, so that no window must be waited for.
fn with_session(world: &World, device: &Device) {
    let session = json(&world.sign_in(device, &["process", "alice"]));
    let part = |name: &str| session[name].as_str().expect("text").to_owned();
    let keys = format!(
        "[temp]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        part("AccessKeyId"),
        part("SecretAccessKey"),
        part("SessionToken")
    );
    world.write(".aws/credentials", world.read(".aws/credentials") + &keys);
}

/// How many files hold a sealed seed, under whatever name.
fn with_magic(world: &World) -> usize {
    let files = fs::read_dir(world.safe()).into_iter().flatten().flatten();
    let holds = |path| fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"mfa-cred mfa seed"));
    files.filter(|file| holds(file.path())).count()
}

#[test]
fn keeping_or_forgetting_that_is_killed_at_any_step_leaves_one_whole_seed_or_none() {
    const STEPS: [&str; 6] = ["write", "fsync", "rename", "renameat", "unlink", "fchmod"];
    if find("strace", &["-o", "/dev/null", "true"]).is_none() {
        return skip("a program whose system calls fail", "strace, or the right to trace,");
    }
    let (world, device) = cast();
    with_session(&world, &device);
    let shelf = mfa_cred::safe::Shelf::at(world.safe());
    let serial = device.serial().parse().expect("a serial");
    let keep = ["device", "keep-seed", device.serial(), "--profile", "temp", "--stdin", "--yes"];
    let forget = ["device", "forget-seed", device.serial(), "--yes"];
    let seed = device.seed_base32();
    let run = |step: &str, n: u32, words: &[&str]| {
        let mut command: Command = pty::off_terminal("strace");
        world.dress(&mut command);
        command.args(["-f", "-qq", "-e", "signal=none", "-o", "/dev/null", "-e", &format!("trace={step}")]);
        command.args(["-e", &format!("inject={step}:signal=KILL:when={n}"), MFA_CRED]).args(words);
        pty::run(command, seed.as_bytes(), PATIENCE).status.success()
    };
    let mut killed = 0;
    for step in STEPS {
        for words in [&keep[..], &forget] {
            for n in 1.. {
                if words == forget {
                    assert!(world.run_with_stdin(&keep, &seed).status.success(), "{step} {n}");
                }
                let is_done = run(step, n, words);
                let (has_one, count) = (shelf.has_seed(&serial).expect("whole, or not there"), kept(&world));
                assert_eq!(count, usize::from(has_one), "{step} {n} {words:?}");
                if is_done {
                    assert_eq!(has_one, words == keep, "{step} {n}");
                    if words == forget {
                        assert_eq!(with_magic(&world), 0, "{step} {n}: an unfinished file remains");
                    }
                    break;
                }
                killed += 1;
            }
        }
    }
    assert!(killed > 10, "{killed}");
    assert!(world.run_with_stdin(&keep, &seed).status.success());
    assert!(world.run(&["process", "temp"]).status.success());
    world.edit_config("[profile alice]\n", "[profile alice]\nmfa_source = seed\n");
    assert!(world.run(&["process", "alice", "--refresh"]).status.success(), "what was kept last opens");
}
