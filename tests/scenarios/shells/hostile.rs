//! Profile names and regions that try to execute something: from `~/.aws/config` through the program to the shell.

use std::fs;

use super::{BASH, DASH, FISH, FORMS, KSH, MKSH, NAMES, Shell, ZSH, assert_nothing_ran, nul_ended, trap};
use crate::support::pty::{PATIENCE, off_terminal, run};
use crate::support::world::{Cast, World};

/// Adds a profile with that name, which assumes the role `deploy`. The name is written as the AWS CLI reads it.
fn add_profile(world: &World, serial: &str, name: &str, more: &str) {
    let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
    let arn = format!("arn:aws:iam::{}:role/deploy", world.aws.account());
    world.add_config(&format!(
        "[profile \"{quoted}\"]\nsource_profile = alice\nrole_arn = {arn}\nmfa_serial = {serial}\n{more}"
    ));
}

/// A person who is signed in, with profiles named like [`NAMES`].
fn scene() -> World {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    for name in NAMES {
        add_profile(&world, device.serial(), name, "");
    }
    world
}

fn names_reach(shell: Shell) {
    if !shell.is_here() {
        return;
    }
    let world = scene();
    for form in FORMS {
        let (work, out) = (trap(), tempfile::tempdir().expect("a folder"));
        let take = |name: &str| {
            let line = shell.take(form, &format!("mfa-cred -- {}", shell.word(name)));
            format!(
                "{line}\nprintf '%s ' {} >>\"$OUT/ends\"\nprintenv -0 MFA_CRED_PROFILE AWSUME_PROFILE >>\"$OUT/seen\"\n",
                shell.status()
            )
        };
        let file = out.path().join("script");
        fs::write(&file, NAMES.map(take).concat()).expect("a script");
        let mut command = off_terminal(shell.program);
        world.dress(&mut command);
        command.args(shell.bare).arg(&file).env("OUT", out.path()).current_dir(work.path());
        // It starts the program dozens of times.
        let finished = run(command, b"", 5 * PATIENCE);
        let what = format!("{} {form:?}", shell.program);
        world.heard(&what, &finished);
        assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", ""), "{what}");
        let twice: Vec<&str> = NAMES.into_iter().flat_map(|name| [name, name]).collect();
        assert_eq!(nul_ended(&out.path().join("seen")), twice, "{what}");
        assert_eq!(fs::read_to_string(out.path().join("ends")).expect("text"), "0 ".repeat(NAMES.len()), "{what}");
        for folder in [work.path(), world.home(), out.path()] {
            assert_nothing_ran(folder, &what);
        }
    }
}

#[test]
fn hostile_names_arrive_unchanged_in_dash() {
    names_reach(DASH);
}

#[test]
fn hostile_names_arrive_unchanged_in_bash() {
    names_reach(BASH);
}

#[test]
fn hostile_names_arrive_unchanged_in_zsh() {
    names_reach(ZSH);
}

#[test]
fn hostile_names_arrive_unchanged_in_ksh() {
    names_reach(KSH);
}

#[test]
fn hostile_names_arrive_unchanged_in_mksh() {
    names_reach(MKSH);
}

#[test]
fn hostile_names_arrive_unchanged_in_fish() {
    names_reach(FISH);
}

/// Messages about a name are for a terminal, and hints are to be copied.
#[test]
fn a_copied_hint_executes_no_name_and_reaches_the_profile() {
    let Cast { world, device, .. } = World::cast();
    // Control characters and marks that reorder text are escaped there, so such a name cannot be copied.
    let names = NAMES.into_iter().filter(|name| !name.contains(['\u{202e}', '\u{feff}', '\u{2028}']));
    for name in names {
        add_profile(&world, device.serial(), name, "");
        let done = world.run(&["process", "--", name]);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(3), ""), "{name}: {}", done.stderr);
        let command = done.stderr.split("hint: run `").nth(1).and_then(|hint| hint.split("` in a terminal\n").next());
        let command = command.unwrap_or_else(|| panic!("no command is in {:?}", done.stderr));
        let again = world.run_other("sh", &["-c", command], PATIENCE);
        assert_eq!((again.status.code(), again.stdout.as_str()), (Some(3), ""), "{command}: {}", again.stderr);
        assert_eq!(again.stderr, done.stderr, "{command}");
    }
    assert_nothing_ran(world.home(), "");
}

#[test]
fn a_region_that_contains_a_command_is_refused_with_its_place() {
    const RULE: &str = "a region consists of a-z, 0-9 and `-`";
    let Cast { world, device, .. } = World::cast();
    add_profile(&world, device.serial(), "evil", "region = us-east-1;touch PWNED\n");
    let line = world.read(".aws/config").lines().count();
    let config = world.home().join(".aws/config");
    let done = world.run(&["evil"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""));
    assert_eq!(done.stderr, format!("error: {}:{line}: `region`: {RULE}\n", config.display()));
    add_profile(&world, device.serial(), "continued", "region = us-east-1\n ;touch PWNED\n");
    let done = world.run(&["continued"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""));
    assert_eq!(done.stderr, format!("error: {}:{}: `region`: {RULE}\n", config.display(), line + 5));
    let done = world.run(&["deploy", "--region", "us-east-1;touch PWNED"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(2), ""));
    assert!(
        done.stderr.ends_with(&format!(" for '--region <REGION>': {RULE}\n\nFor more information, try '--help'.\n"))
    );
    // A profile's own region takes precedence over the variable.
    world.edit_config("region = ap-northeast-1\n", "");
    world.set("AWS_REGION", "us-east-1;touch PWNED");
    let done = world.run(&["deploy"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""));
    assert_eq!(done.stderr, format!("error: `AWS_REGION` in the environment: {RULE}\n"));
    assert_nothing_ran(world.home(), "");
    assert!(world.aws.take_calls().is_empty());
}
