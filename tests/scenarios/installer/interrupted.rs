//! The installer ended before each of its steps: there is the old version, the new one, or none, and never half of one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Output;
use std::thread;

use super::{Site, snapshot, text};

/// The programs by which the script changes something.
const STEPS: [&str; 8] = ["cat", "cp", "ln", "mkdir", "mv", "rm", "rmdir", "tar"];

/// Puts programs first in PATH that count, and at one number send a signal to the script before they do their work. The
/// signal `none` is a failure instead, as on a full disk.
fn stumbling_path(site: &Site) -> PathBuf {
    let folder = site.folder.path().join("steps");
    fs::create_dir_all(&folder).expect("a folder");
    for step in STEPS {
        let text = format!(
            "#!/bin/sh\n\
             n=$(($(/bin/cat \"$COUNT\") + 1)); echo $n >\"$COUNT\"\n\
             [ $n:$SIGNAL != \"$AT:none\" ] || exit 1\n\
             [ $n != \"$AT\" ] || kill -s \"$SIGNAL\" \"$SCRIPT_PID\"\n\
             exec /bin/{step} \"$@\"\n"
        );
        let path = folder.join(step);
        fs::write(&path, text).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    }
    folder
}

/// Runs the script, interrupted at a step; and whether there was such a step.
fn interrupted(site: &Site, words: &[&str], signal: &str, step: usize) -> (Output, bool) {
    let count = site.folder.path().join("count");
    fs::write(&count, "0").expect("a file");
    let path = std::env::var("PATH").expect("a PATH");
    let path = format!("{}:{path}", stumbling_path(site).display());
    let mut command = site.command(&["sh", "-c", "export SCRIPT_PID=$$; exec dash \"$@\"", "sh"], words);
    command.env("PATH", path).env("COUNT", &count).env("AT", step.to_string()).env("SIGNAL", signal);
    let output = command.output().expect("a shell");
    let counted: usize = fs::read_to_string(&count).expect("a number").trim().parse().expect("a number");
    (output, counted >= step)
}

/// Tries every step, on two threads; `check` looks at what each left.
fn at_every_step(signal: &'static str, check: fn(&Site, &str, usize) -> bool) {
    let workers = [0, 1].map(|first| {
        thread::spawn(move || {
            let steps = (first + 1..).step_by(2).take_while(|step| {
                let site = Site::start();
                site.publish("1.2.3", &["mfa-cred", "mfa-cred-old"]);
                site.publish("1.3.0", &["mfa-cred", "mfa-cred-new"]);
                check(&site, signal, *step)
            });
            assert!(steps.count() > 5, "{signal}: the steps are counted");
        })
    });
    for worker in workers {
        worker.join().expect("every step");
    }
}

fn first_installation(site: &Site, signal: &str, step: usize) -> bool {
    let (output, was_interrupted) = interrupted(site, &["--version", "1.2.3"], signal, step);
    match site.installed().as_deref() {
        None => assert!(was_interrupted && (signal == "KILL" || !site.top().exists()), "{step}: {}", text(&output)),
        Some(version) => assert_eq!(version, "mfa-cred 1.2.3", "{step}"),
    }
    recovers(site, step);
    was_interrupted
}

fn upgrade(site: &Site, signal: &str, step: usize) -> bool {
    assert!(site.install("1.2.3").status.success());
    let (output, was_interrupted) = interrupted(site, &["--version", "1.3.0"], signal, step);
    let version = site.installed().unwrap_or_else(|| panic!("{step}: no version: {}", text(&output)));
    assert!(["mfa-cred 1.2.3", "mfa-cred 1.3.0"].contains(&version.as_str()), "{step}: {version}");
    if signal != "KILL" {
        let pages = site.prefix().join("share/man/man1");
        let broken = snapshot(&pages).into_keys().filter(|page| !page.exists()).count();
        assert!(version.ends_with("1.3.0") || broken == 0, "{step}: links to pages that are not there");
    }
    recovers(site, step);
    was_interrupted
}

fn removal(site: &Site, signal: &str, step: usize) -> bool {
    assert!(site.install("1.2.3").status.success());
    let (_, was_interrupted) = interrupted(site, &["--uninstall"], signal, step);
    recovers(site, step);
    was_interrupted
}

/// The next run succeeds, and afterwards everything can be removed.
fn recovers(site: &Site, step: usize) {
    let again = site.install("1.3.0");
    assert!(again.status.success(), "{step}: {}", text(&again));
    assert_eq!(site.installed().as_deref(), Some("mfa-cred 1.3.0"), "{step}");
    let removed = site.uninstall();
    assert!(removed.status.success(), "{step}: {}", text(&removed));
    assert!(snapshot(&site.prefix()).values().all(|what| what == "folder"), "{step}: {:?}", snapshot(&site.prefix()));
}

#[test]
fn a_first_installation_that_is_interrupted_leaves_nothing() {
    at_every_step("TERM", first_installation);
}

#[test]
fn a_first_installation_that_is_killed_is_repaired_by_the_next() {
    at_every_step("KILL", first_installation);
}

#[test]
fn an_upgrade_that_is_interrupted_or_killed_leaves_one_whole_version() {
    at_every_step("INT", upgrade);
    at_every_step("KILL", upgrade);
}

#[test]
fn a_step_that_fails_leaves_the_previous_version_or_nothing() {
    at_every_step("none", first_installation);
    at_every_step("none", upgrade);
}

#[test]
fn a_removal_that_is_killed_can_be_continued() {
    at_every_step("KILL", removal);
}
