//! Completion as people use it: a real shell on a real pseudo-terminal, a real TAB, and the resulting line is executed.
//!
//! Every shell completes for a program called `rec`, registered by `completions SHELL --cmd rec`, which records the
//! arguments that it receives. So the tests do not compare how a shell displays a word but what it means to that shell.

pub(super) mod shells;

use std::fs;

use mfa_cred::shell::Shell;

use crate::support::world::{Cast, World};

/// The candidates, from the query that the scripts use; the first line tells who knows them.
fn offered(world: &World, shell: &str, words: &[&str]) -> Vec<String> {
    let words: Vec<&str> = ["__complete", shell, "--"].into_iter().chain(words.iter().copied()).collect();
    let done = world.run(&words);
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{words:?}");
    done.stdout.lines().map(str::to_owned).collect()
}

/// The values alone, without descriptions.
fn values(world: &World, words: &[&str]) -> Vec<String> {
    let lines = offered(world, "fish", words);
    assert_eq!(lines.first().map(String::as_str), Some("values"), "{words:?}");
    lines.iter().skip(1).map(|line| line.split('\t').next().expect("a value").to_owned()).collect()
}

#[test]
fn profiles_devices_roles_and_regions_come_from_the_files() {
    let Cast { world, device, .. } = World::cast();
    let role = |name: &str| format!("arn:aws:iam::{}:role/{name}", world.aws.account());
    assert_eq!(values(&world, &["process", ""]), ["alice", "deploy", "audit"]);
    assert_eq!(values(&world, &["--source-profile=a"])[0], "--source-profile=alice");
    assert_eq!(values(&world, &["login", "deploy", "--mfa-serial", ""]), [device.serial()]);
    assert_eq!(values(&world, &["--role-arn", ""]), [role("audit"), role("deploy")]);
    assert_eq!(values(&world, &["--region", ""]), ["ap-northeast-1"]);
    // The line, or the environment, may name another file.
    world.write("other", "[profile elsewhere]\n");
    assert_eq!(values(&world, &["--config-file", "other", "process", ""]), ["elsewhere", "alice"]);
    world.set("AWS_CONFIG_FILE", "other");
    assert_eq!(values(&world, &["process", ""]), ["elsewhere", "alice"]);
    assert!(world.aws.take_calls().is_empty());
}

#[test]
fn clear_offers_what_is_cached() {
    let Cast { world, device, .. } = World::cast();
    assert_eq!(values(&world, &["clear", ""]), Vec::<String>::new());
    assert!(!world.state().exists(), "asking makes no folder");
    world.sign_in(&device, &["process", "deploy"]);
    assert_eq!(values(&world, &["clear", ""]), ["alice", "deploy"], "the session is the user's");
    // A profile that is no longer in the files can still be cleared.
    world.edit_config("[profile deploy]", "[profile gone]");
    assert_eq!(values(&world, &["clear", ""]), ["alice", "deploy"]);
}

#[test]
fn sso_sessions_and_the_profiles_that_sign_in_with_them_come_from_the_files() {
    let Cast { world, .. } = World::cast();
    assert_eq!(values(&world, &["logout", ""]), Vec::<String>::new());
    world.add_config(
        "[sso-session corp]\nsso_region = eu-west-1\n[sso-session \"two words\"]\n[profile dev]\nsso_session = corp\n\
         [profile top]\nsource_profile = dev\nrole_arn = arn:aws:iam::123456789012:role/x\n\
         [profile old]\nsso_start_url = https://corp.example/start\n[profile console]\nlogin_session = x\n",
    );
    for words in [&["login", "--sso", ""][..], &["list", "--sso", ""], &["logout", "--sso", ""]] {
        assert_eq!(values(&world, words), ["corp", "two words"], "{words:?}");
    }
    for words in [&["logout", ""][..], &["logout", "dev", ""], &["logout", "--profile", ""]] {
        assert_eq!(values(&world, words), ["dev", "top", "old"], "{words:?}");
    }
    assert!(world.aws.take_calls().is_empty());
}

#[test]
fn a_missing_config_is_no_problem_and_a_broken_one_causes_no_message() {
    let world = World::empty();
    assert_eq!(values(&world, &["process", ""]), Vec::<String>::new());
    assert!(values(&world, &["st"]).contains(&"status".to_owned()));
    world.write(".aws/config", "this is no AWS file\n");
    world.write("config/mfa-cred/config.ini", "color = purple\n");
    assert_eq!(values(&world, &["process", ""]), Vec::<String>::new());
    assert!(values(&world, &["list", "--"]).contains(&"--names".to_owned()));
    // Invalid words on the line are no reason to fail either.
    for words in [&["--no-such", ""][..], &["--region"], &[], &["p", "list", ""], &["help", "help", "x", ""]] {
        offered(&world, "fish", words);
    }
    assert_eq!(offered(&world, "bash", &[])[0], "values");
}

#[test]
fn a_name_with_control_characters_is_not_offered() {
    let world = World::empty();
    world.write(
        ".aws/config",
        "[profile \"a\x1b[31mb\"]\n[profile \"a\u{9b}b\"]\n[profile \"a\u{202e}b\"]\n[profile \"-n\"]\n",
    );
    assert_eq!(values(&world, &["process", ""]), ["a\u{202e}b"]);
    assert_eq!(values(&world, &["process", "--", ""]), ["a\u{202e}b", "-n"]);
    world.write(
        ".aws/config",
        "[profile a]\nregion = eu\x1b[31m\n[profile b]\nregion = eu\u{9b}\n[profile c]\nregion = eu\n",
    );
    assert_eq!(values(&world, &["--region", ""]), ["eu"]);
}

#[test]
fn ten_thousand_profiles_complete_quickly() {
    let world = World::empty();
    world.write(
        ".aws/config",
        (0..10_000).map(|n| format!("[profile project-{n:05}]\nregion = eu-west-1\n")).collect::<String>(),
    );
    let started = std::time::Instant::now();
    assert_eq!(offered(&world, "bash", &["mfa-cred project-0999", "project-0999"]).len(), 11);
    assert_eq!(values(&world, &["process", ""]).len(), 10_000);
    // An optimized build on an idle machine needs a fiftieth of this for each.
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

#[test]
fn completion_works_for_a_renamed_function() {
    let world = World::empty();
    for shell in Shell::with(|dialect| dialect.completion.as_ref()).map(Shell::name) {
        let plain = world.run(&["completions", shell]);
        let more = world.run(&["completions", shell, "--cmd", "awsume"]);
        let file = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/completions")).expect("the folder").flatten();
        let texts: Vec<String> = file.map(|file| fs::read_to_string(file.path()).expect("a script")).collect();
        assert!(texts.contains(&plain.stdout), "{shell}: what is printed is a file of completions/");
        let line = more.stdout.strip_prefix(&plain.stdout).unwrap_or_else(|| panic!("{shell}: {}", more.stdout));
        assert!(line.contains("awsume") && line.lines().count() == 1, "{shell}: {line}");
    }
    for wrong in ["", "-x", "a b", "$(touch PWNED)", "x;y", "1x", "a/b"] {
        let done = world.run(&["completions", "bash", &format!("--cmd={wrong}")]);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(2), ""), "{wrong}");
    }
}
