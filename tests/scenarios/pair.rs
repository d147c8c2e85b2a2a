//! The two programs: `mfa-cred` answers from the cache, and becomes `mfa-cred-main` for everything else. Which of them
//! answers makes no difference that anybody can see.

use std::fs;
use std::process::Command;

use crate::support::pty::{self, Finished, PATIENCE};
use crate::support::world::{Cast, MAIN, MFA_CRED, World, calls, install};

/// The commands that shells and SDKs run all day.
const WARM: [&[&str]; 9] = [
    &["process", "deploy"],
    &["env", "deploy"],
    &["export", "deploy"],
    &["deploy"],
    &["status", "deploy"],
    &["prompt"],
    &["prompt", "--shell", "zsh"],
    &["list", "--names"],
    &["__complete", "zsh", "--", "env", ""],
];

/// A world in which `deploy` is signed in, and the shell's prompt has something to show.
fn signed_in() -> World {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["process", "deploy"]);
    calls(&world);
    world.set("AWS_CREDENTIAL_EXPIRATION", "2038-01-19T03:14:07Z");
    world.set("MFA_CRED_PROFILE", "alice");
    world
}

fn run(world: &World, program: &str, words: &[&str]) -> Finished {
    let mut command = pty::off_terminal(program);
    world.dress(&mut command);
    let done = pty::run(
        {
            command.args(words);
            command
        },
        b"",
        PATIENCE,
    );
    world.heard(&words.join(" "), &done);
    done
}

#[test]
fn what_is_cached_needs_the_small_program_alone() {
    let world = signed_in();
    let alone = world.home().join("alone");
    fs::create_dir(&alone).expect("a folder");
    let program = install(&alone);
    fs::remove_file(alone.join("mfa-cred-main")).expect("the other program");
    let program = program.to_str().expect("UTF-8");
    for words in WARM {
        let done = run(&world, program, words);
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{words:?}: {done:?}");
        assert!(!done.stdout.is_empty(), "{words:?}");
    }
    for words in [&["process", "audit"][..], &["--version"], &["env", "deploy", "--refresh"], &["status"], &[]] {
        let done = run(&world, program, words);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{words:?}: {done:?}");
        let (error, hint) = done.stderr.split_once('\n').expect("two lines");
        assert!(error.starts_with("error: ") && error.contains("/alone/mfa-cred-main cannot be started: "), "{error}");
        assert_eq!(
            hint,
            "hint: install mfa-cred again: mfa-cred and mfa-cred-main of the same version belong in one folder\n"
        );
    }
}

#[test]
fn both_programs_answer_alike() {
    let world = signed_in();
    let alike = |world: &World, what: &str| {
        for words in WARM {
            let [small, whole] = [MFA_CRED, MAIN].map(|program| run(world, program, words));
            assert_eq!(
                (small.status.code(), &small.stdout, &small.stderr),
                (whole.status.code(), &whole.stdout, &whole.stderr),
                "{what}: {words:?}"
            );
        }
    };
    alike(&world, "as usual");
    for (name, value) in [
        ("MFA_CRED_MIN_TTL", "5m"),
        ("MFA_CRED_MIN_TTL", "nonsense"),
        ("MFA_CRED_REGION", "eu-west-1"),
        ("MFA_CRED_LOG", "debug"),
        ("MFA_CRED_LOG", "warn"),
        ("AWS_CONFIG_FILE", "/nonexistent"),
        ("MFA_CRED_STORE", "none"),
        ("XDG_STATE_HOME", "relative"),
        ("XDG_STATE_HOME", "/nonexistent"),
        ("HOME", "relative"),
    ] {
        let other = signed_in();
        other.set("MFA_CRED_NO_PROMPT", "1");
        other.set(name, value);
        alike(&other, &format!("{name}={value}"));
    }
    for line in ["[profile broken", "[profile deploy]\nrole_arn = nonsense", "no_section = 1"] {
        let other = signed_in();
        other.add_config(&format!("{line}\n"));
        alike(&other, line);
    }
    let other = signed_in();
    other.write("config/mfa-cred/config.ini", "format = json\n");
    alike(&other, "settings");
}

#[test]
fn programs_of_two_versions_do_not_work_together() {
    let world = signed_in();
    let done = run(&world, MAIN, &["--handed-over-by=0.0.1", "process", "deploy"]);
    let version = env!("CARGO_PKG_VERSION");
    let stderr = format!(
        "error: mfa-cred is version 0.0.1, and mfa-cred-main is version {version}\n\
         hint: install mfa-cred again: mfa-cred and mfa-cred-main of the same version belong in one folder\n"
    );
    assert_eq!((done.status.code(), done.stdout.as_str(), done.stderr), (Some(1), "", stderr));
}

/// What the linker wrote, as `readelf` shows it.
fn headers(program: &str) -> String {
    let said = Command::new("readelf").args(["--wide", "--file-header", "--segments", "--dynamic", program]).output();
    String::from_utf8(said.expect("readelf (Debian: binutils)").stdout).expect("UTF-8")
}

#[test]
fn both_programs_are_position_independent_with_relocations_and_stack_protected() {
    for program in [MFA_CRED, MAIN] {
        let said = headers(program);
        let line = |word: &str| said.lines().find(|line| line.contains(word)).unwrap_or_default();
        assert!(line("Type:").contains("DYN"), "{said}");
        assert!(line("GNU_RELRO").contains(" R "), "{said}");
        assert!(line("GNU_STACK").contains("RW ") && !line("GNU_STACK").contains("RWE"), "{said}");
        assert!(said.lines().any(|line| line.contains("FLAGS") && line.contains("NOW")), "{said}");
    }
    // The small one starts without the dynamic linker.
    let said = headers(MFA_CRED);
    assert!(!said.contains("INTERP") && !said.contains("NEEDED"), "{said}");
}
