//! Files outside the state folder that others can read or write: access keys, and settings that choose which commands
//! are run.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};

use super::{NOBODY, calls, set_mode};
use crate::support::pty::PATIENCE;
use crate::support::tools::skip;
use crate::support::world::{Cast, World};

#[test]
fn an_access_key_readable_by_others_is_a_warning_once_a_day() {
    for (name, mode, is_told) in [
        (".aws/credentials", 0o644, true),
        (".aws/credentials", 0o640, true),
        (".aws/credentials", 0o604, true),
        (".aws/credentials", 0o600, false),
        (".aws/credentials", 0o400, false),
        (".aws/config", 0o644, false),
    ] {
        let Cast { world, device, .. } = World::cast();
        let path = world.home().join(name);
        set_mode(&path, mode);
        let warning = format!(
            "warning: {0} holds an access key, and other users of this machine can read it; run `chmod 600 {0}`\n",
            path.display()
        );
        let said = if is_told { warning.as_str() } else { "" };
        assert_eq!(world.sign_in(&device, &["process", "deploy"]).stderr, said, "{name} {mode:o}");
        // Not if its key is not needed, nor twice a day.
        for words in [&["process", "deploy"][..], &["process", "audit"], &["env", "alice", "-q"]] {
            assert_eq!(world.run(words).stderr.matches("can read it").count(), 0, "{words:?}");
        }
        if is_told {
            let mut stamps = fs::read_dir(world.state()).expect("listed").flatten().map(|file| file.path());
            let stamp = stamps.find(|path| path.to_string_lossy().contains("/warned-")).expect("a stamp");
            let then: i64 = fs::read_to_string(&stamp).expect("text").trim().parse().expect("a number");
            fs::write(&stamp, format!("{}\n", then - 24 * 3600)).expect("written");
            let next = world.sign_in(&device, &["process", "deploy", "--refresh"]);
            assert_eq!(next.stderr, warning, "{name} {mode:o}: the next day");
            let command = next.stderr.split('`').nth(1).expect("a command").to_owned();
            assert!(world.run_other("sh", &["-c", &command], PATIENCE).status.success(), "{command}");
            fs::remove_file(stamp).expect("ours");
            assert_eq!(world.sign_in(&device, &["process", "deploy", "--refresh"]).stderr, "", "{command}");
        }
    }
}

#[test]
fn a_key_in_the_config_file_counts_too() {
    let Cast { world, device, .. } = World::cast();
    let keys = world.read(".aws/credentials");
    world.add_config(&keys.replace("[alice]", "[profile alice]"));
    fs::remove_file(world.home().join(".aws/credentials")).expect("ours");
    world.may_leak();
    let path = world.home().join(".aws/config");
    set_mode(&path, 0o644);
    let done = world.sign_in(&device, &["process", "deploy"]);
    assert!(done.stderr.starts_with(&format!("warning: {} holds an access key", path.display())), "{done:?}");
}

#[test]
fn settings_writable_by_others_are_refused() {
    let Cast { world, .. } = World::cast();
    world.write("config/mfa-cred/config.ini", "mfa_process = touch ran; echo none\n");
    let folder = world.home().join("config/mfa-cred");
    let file = folder.join("config.ini");
    let run = || world.run(&["process", "deploy"]);
    for (path, usual) in [(&file, 0o600), (&folder, 0o700)] {
        for open in [0o002, 0o007, 0o026] {
            set_mode(path, usual | open);
            let refused = run();
            let shown = path.display();
            assert_eq!((refused.status.code(), calls(&world)), (Some(1), Vec::new()), "{refused:?}");
            assert_eq!(
                refused.stderr,
                format!(
                    "error: `{shown}` can be written to by other users; it is not used, because its settings choose which commands are run\nhint: run `chmod go-w {shown}`\n"
                )
            );
            assert!(!world.home().join("ran").exists());
            assert!(world.run_other("chmod", &["go-w", path.to_str().expect("UTF-8")], PATIENCE).status.success());
        }
        set_mode(path, usual);
        if !rustix::process::geteuid().is_root() {
            skip("another user's settings", "root, who alone can make them,");
            continue;
        }
        chown(path, Some(NOBODY), None).expect("root may");
        let refused = run();
        assert!(
            refused
                .stderr
                .starts_with(&format!("error: `{}` belongs to user {NOBODY}; it is not used", path.display()))
        );
        assert!(refused.status.code() == Some(1) && !world.home().join("ran").exists());
        chown(path, Some(0), None).expect("root may");
    }
    // The user's private group contains only the user.
    set_mode(&file, 0o660);
    let found = fs::metadata(&file).expect("there");
    run();
    assert_eq!(world.home().join("ran").exists(), found.uid() == found.gid());
    set_mode(&file, 0o600);
    run();
    assert!(world.home().join("ran").exists(), "settings of one's own are used");
}
