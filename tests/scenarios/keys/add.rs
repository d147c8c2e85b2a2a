//! Keys that are in no file of AWS's: typed, from the console's CSV, from stdin, from the environment.

use super::{CREDENTIALS, SETTINGS, refused, with_text};
use crate::support::aws::AccessKey;
use crate::support::pty::PATIENCE;
use crate::support::world::{World, calls, json};

/// A home without any file of AWS's, and a user's key.
fn stranger() -> (World, AccessKey) {
    let world = World::empty();
    world.write(SETTINGS, "unlock_process = echo tulip\n");
    let key = world.aws.add_user("alice");
    (world, key)
}

/// Is that key sealed for the new profile, and in plain text nowhere but in `left`?
#[track_caller]
fn has_key(world: &World, key: &AccessKey, left: &[&str]) {
    assert_eq!(calls(world), ["GetCallerIdentity"]);
    assert_eq!(world.read(".aws/config"), "[profile alice]\n");
    assert_eq!(with_text(world, &key.secret), left);
    let used = world.run(&["process", "alice", "--no-cache"]);
    assert_eq!(json(&used)["SecretAccessKey"], key.secret.as_str());
    world.aws.take_calls();
}

#[test]
fn the_consoles_csv_becomes_a_profile_whose_key_is_sealed() {
    let (world, key) = stranger();
    let csv = format!("\u{feff}Access key ID,Secret access key\r\n{},{}\r\n", key.id, key.secret);
    world.write("Downloads/alice's keys.csv", csv);
    let done = world.run(&["keys", "add", "alice", "--csv", "Downloads/alice's keys.csv", "--yes"]);
    let id = &key.id;
    let config = world.home().join(".aws/config").display().to_string();
    done.expect(
        0,
        "",
        &format!(
            "--- {config}\n+++ {config}\n@@ -0,0 +1 @@\n+[profile alice]\n\
             alice: access key {id} of alice is sealed (passphrase-protected file)\n\
             hint: the file still has the key in plain text: `rm \"Downloads/alice's keys.csv\"`\n"
        ),
    );
    has_key(&world, &key, &["Downloads/alice's keys.csv"]);
    world.may_leak();
}

#[test]
fn stdin_and_the_environment_give_a_key() {
    let (world, key) = stranger();
    let answer = format!(r#"{{"AccessKey": {{"AccessKeyId": "{}", "SecretAccessKey": "{}"}}}}"#, key.id, key.secret);
    let done = world.run_with_stdin(&["keys", "add", "alice", "--stdin", "--yes"], &answer);
    assert!(done.status.success(), "{done:?}");
    has_key(&world, &key, &[]);

    let (world, key) = stranger();
    world.set("AWS_ACCESS_KEY_ID", &key.id);
    world.set("AWS_SECRET_ACCESS_KEY", &key.secret);
    world.set("AWS_SESSION_TOKEN", "t");
    let temporary = "error: the environment has temporary credentials, and only long-term access keys are sealed\n";
    refused(&world, &["keys", "add", "alice", "--env", "--yes"], 1, temporary);
    world.set("AWS_SESSION_TOKEN", "");
    world.set("MFA_CRED_PROFILE", "deploy");
    refused(&world, &["keys", "add", "alice", "--env", "--yes"], 1, temporary);
    world.set("MFA_CRED_PROFILE", "");
    let done = world.run(&["keys", "add", "alice", "--env", "--yes"]);
    assert!(done.status.success(), "{done:?}");
    has_key(&world, &key, &[]);
}

#[test]
fn a_typed_key_is_never_on_the_screen() {
    let (world, key) = stranger();
    let mut session = world.at_terminal(&["keys", "add", "alice"]);
    session.wait_for("Access key ID for alice: ", PATIENCE);
    session.type_text(&format!("{}\n", key.id));
    session.wait_for("Secret access key: ", PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text(&format!("{}\n", key.secret));
    session.wait_for("Seal the key and write this? [Y/n] ", PATIENCE);
    session.type_text("y\n");
    let done = session.finish(PATIENCE);
    world.heard("add", &done);
    assert!(done.status.success(), "{done:?}");
    has_key(&world, &key, &[]);
}

#[test]
fn what_is_no_key_is_named_and_nothing_is_made() {
    let (world, key) = stranger();
    world.write("x.csv", "Access key ID,Secret access key\n");
    for (words, stdin, code, error) in [
        (&["--csv", "none.csv"][..], "", 1, "error: `none.csv` cannot be read: "),
        (&["--csv", "x.csv"], "", 1, "error: `x.csv`: it is empty\n"),
        (&["--stdin"], "hello", 1, "error: stdin: it is neither "),
        (
            &["--env"],
            "",
            1,
            "error: the environment has no access key (`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`)\n",
        ),
        (&["--env", "--stdin"], "", 2, "error: "),
        (
            &["--stdin"],
            "AKIAIOSFODNN7EXAMPLE\nwJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
            5,
            "error: GetCallerIdentity with ",
        ),
    ] {
        let done = world.run_with_stdin(&[&["keys", "add", "alice", "--yes"], words].concat(), stdin);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(code), ""), "{words:?}: {done:?}");
        assert!(done.stderr.starts_with(error), "{words:?}: {done:?}");
        assert!(!done.stderr.contains("wJalr"), "{done:?}");
        assert!(!world.safe().exists() && !world.home().join(".aws/config").exists(), "{words:?}");
    }
    world.write_key("alice", &key);
    let file = world.home().join(CREDENTIALS).display().to_string();
    refused(
        &world,
        &["keys", "add", "alice", "--stdin"],
        1,
        &format!(
            "error: {file}:2: profile `alice` has an access key in this file, which would be used instead\n\
             hint: `mfa-cred keys import alice` seals that key\n"
        ),
    );
}
