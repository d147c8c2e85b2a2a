//! A sealed key is replaced by a new one, and nothing but its identifier changes.

mod faults;
mod several;

use std::fs;
use std::time::Duration;

use super::{refused, sealed, with_text};
use crate::support::aws::{Fault, Signer};
use crate::support::pty::{self, Finished, PATIENCE};
use crate::support::world::{Cast, World, calls, json};

/// How AWS answers GetCallerIdentity often enough.
const ACCEPTED: [&str; 3] = ["GetCallerIdentity"; 3];

/// Alice's key is sealed, and her MFA session and the role's are cached.
fn signed_in() -> Cast {
    let cast = sealed();
    cast.world.sign_in(&cast.device, &["env", "deploy"]);
    cast.world.aws.take_calls();
    cast
}

/// The one access key of a user, which must be active.
#[track_caller]
fn only_key(world: &World, user: &str) -> String {
    let keys = world.aws.keys_of(user);
    let [(id, true)] = &keys[..] else { panic!("{keys:?}") };
    id.clone()
}

/// The key that a profile has sealed now.
fn sealed_key(world: &World, profile: &str) -> String {
    let rows = json(&world.run(&["keys", "list", "--json"]));
    let row = rows.as_array().expect("rows").iter().find(|row| row["profile"] == profile).expect(profile);
    row["access_key_id"].as_str().expect("an ID").to_owned()
}

/// The files of the safe whose names begin like this.
fn files(world: &World, prefix: &str) -> usize {
    let files = fs::read_dir(world.safe()).expect("a folder").flatten();
    files.filter(|file| file.file_name().to_string_lossy().starts_with(prefix)).count()
}

/// The rotation is over: one key at AWS, sealed here, which signs; no journal, and no secret in plain text.
#[track_caller]
fn is_over(world: &World, old: &str) {
    let new = only_key(world, "alice");
    assert_ne!(new, old);
    assert_eq!((sealed_key(world, "alice"), files(world, "rotation-")), (new.clone(), 0));
    let done = world.run(&["process", "alice", "--no-cache"]);
    let printed = json(&done);
    assert_eq!(printed["AccessKeyId"], new.as_str(), "{done:?}");
    let secret = printed["SecretAccessKey"].as_str().expect("a secret");
    assert_eq!(with_text(world, secret), Vec::<String>::new());
}

/// AWS may take a minute to accept a key.
const LIMIT: Duration = Duration::from_mins(3);

fn rotate(world: &World) -> Finished {
    let done = pty::run(world.command(&["keys", "rotate", "alice", "--yes"]), b"", LIMIT);
    world.heard("rotate", &done);
    done
}

#[test]
fn a_rotation_waits_until_aws_accepts_the_new_key_and_costs_no_second_code() {
    let Cast { world, key, .. } = signed_in();
    // AWS's servers learn of a new key one after another.
    world.aws.new_keys_take(&[false, false, true, false, true, true], 0);
    let done = rotate(&world);
    let new = only_key(&world, "alice");
    done.expect(0, "", &format!("alice: access key {} is replaced by {new}\n", key.id));
    let made = world.aws.take_calls();
    let actions: Vec<&str> = made.iter().map(|call| call.action.as_str()).collect();
    let mut expected = vec!["GetCallerIdentity", "ListAccessKeys", "CreateAccessKey"];
    expected.extend(["GetCallerIdentity"; 7]);
    expected.push("UpdateAccessKey");
    expected.extend(ACCEPTED);
    expected.extend(["DeleteAccessKey", "GetCallerIdentity"]);
    assert_eq!(actions, expected);
    for call in made.iter().filter(|call| call.action.ends_with("AccessKey") || call.action.ends_with("AccessKeys")) {
        assert_eq!(call.signer, Signer::Session { user: "alice".to_owned(), mfa: true }, "{}", call.action);
        assert_eq!(call.params.get("UserName"), Some("alice"), "{}", call.action);
    }
    is_over(&world, &key.id);
    world.aws.take_calls();
    // What was cached is still served, and another role needs no code.
    assert_eq!((world.run(&["env", "deploy"]).status.code(), calls(&world)), (Some(0), Vec::new()));
    assert_eq!((world.run(&["env", "audit"]).status.code(), calls(&world)), (Some(0), vec!["AssumeRole".to_owned()]));
}

#[test]
fn the_question_names_the_key_and_no_changes_nothing() {
    let Cast { world, key, .. } = signed_in();
    refused(
        &world,
        &["keys", "rotate", "alice"],
        3,
        "error: the rotation must be confirmed, and there is no terminal to do it on\nhint: `--yes` answers the questions\n",
    );
    let mut session = world.at_terminal(&["keys", "rotate", "alice"]);
    session.wait_for(&format!("Replace access key {} of alice? [Y/n] ", key.id), PATIENCE);
    session.type_text("n\n");
    let done = session.finish(PATIENCE);
    world.heard("rotate", &done);
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(130), "error: nothing was changed\n"));
    assert_eq!((only_key(&world, "alice"), files(&world, "rotation-")), (key.id, 0));
}

#[test]
fn without_a_device_the_keys_themselves_sign_and_iam_may_be_late() {
    let Cast { world, key, .. } = sealed();
    world.write(".aws/config", "[profile alice]\n");
    world.aws.new_keys_take(&[false], 2);
    let done = rotate(&world);
    assert!(done.status.success(), "{done:?}");
    is_over(&world, &key.id);
    let made = world.aws.take_calls();
    let deletion = made.iter().rfind(|call| call.action == "DeleteAccessKey").expect("a deletion");
    assert_eq!(
        (deletion.access_key_id.as_str(), deletion.signer.clone()),
        (&*only_key(&world, "alice"), Signer::User("alice".to_owned()))
    );
}

#[test]
fn sessions_that_end_with_their_key_are_dropped_and_the_next_code_finishes_the_rotation() {
    let cast = signed_in();
    let Cast { world, key, device } = &cast;
    world.aws.sessions_end_with_their_key();
    // Without a person, the rest waits.
    let broken = world.run(&["keys", "rotate", "alice", "--yes", "--no-prompt"]);
    assert_eq!(broken.status.code(), Some(3), "{broken:?}");
    let says = format!(
        "warning: the rotation of access key {} is not finished; `mfa-cred keys rotate alice` continues it\n",
        key.id
    );
    assert!(broken.stderr.starts_with(&says), "{broken:?}");
    assert_eq!(world.aws.keys_of("alice").iter().filter(|(_, is_active)| *is_active).count(), 1);
    let mut session = world.at_terminal(&["keys", "rotate", "alice"]);
    session.wait_for("MFA code for deploy (alice-phone): ", PATIENCE);
    session.type_text(&format!("{}\n", device.fresh_code()));
    let done = session.finish(PATIENCE);
    world.heard("rotate", &done);
    assert!(done.status.success(), "{done:?}");
    is_over(world, &key.id);
    assert!(done.stderr.contains("continuing the rotation of access key"), "{done:?}");
}

#[test]
fn a_dry_run_and_an_age_choose_the_keys() {
    let Cast { world, key, .. } = signed_in();
    let bob = world.aws.add_user("bob");
    world.write_key("bob", &bob);
    assert!(world.run(&["keys", "import", "bob", "--yes"]).status.success());
    world.aws.age_key(&key.id, 120, None);
    world.aws.age_key(&bob.id, 3, None);
    world.aws.take_calls();
    let aged = ["keys", "rotate", "--all", "--older-than", "90d"];
    let dry = [&aged[..], &["--dry-run"]].concat();
    // Nothing is known of their age yet, so AWS is asked; without a code.
    let young = format!("bob: access key {} is 3 days old; not rotated\n", bob.id);
    let due = format!("alice\t{}\talice\t120d\trotate\n", key.id);
    world.run(&dry).expect(0, &due, &young);
    assert_eq!(calls(&world), ["GetCallerIdentity", "ListAccessKeys", "GetCallerIdentity", "ListAccessKeys"]);
    world.run(&[&dry[..], &["-q"]].concat()).expect(0, &due, "");
    let every = world.run(&["keys", "rotate", "--all", "--dry-run"]);
    every.expect(0, &format!("alice\t{}\talice\t-\trotate\nbob\t{}\tbob\t-\trotate\n", key.id, bob.id), "");
    assert_eq!(only_key(&world, "alice"), key.id);
    let done = world.run(&[&aged[..], &["--yes"]].concat());
    assert_eq!((done.status.code(), only_key(&world, "bob")), (Some(0), bob.id.clone()), "{done:?}");
    is_over(&world, &key.id);
    world.aws.take_calls();
    // Now both ages are known here, and nobody is asked: not AWS, and not the keyring.
    super::lock(&world);
    let done = world.run(&aged);
    done.expect(0, "", &format!("alice: access key {} is 0 days old; not rotated\n{young}", only_key(&world, "alice")));
    assert_eq!(calls(&world), Vec::<String>::new());
    let due = world.run(&["keys", "rotate", "--all", "--older-than", "3d", "--dry-run", "-q"]);
    due.expect(0, &format!("bob\t{}\tbob\t3d\trotate\n", bob.id), "");
}

#[test]
fn an_age_that_cannot_be_looked_up_is_not_guessed() {
    let Cast { world, key, .. } = sealed();
    world.aws.deny_without_mfa("ListAccessKeys");
    let words = ["keys", "rotate", "alice", "--older-than", "90d", "--dry-run"];
    let done = world.run(&words);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{done:?}");
    assert!(done.stderr.contains(&format!("the age of access key {} is not known here", key.id)), "{done:?}");
    let hint = done.stderr.lines().last().expect("a hint");
    assert!(
        hint.starts_with("hint: `mfa-cred login ") && hint.ends_with(" signs in with MFA; then it can be looked up"),
        "{hint}"
    );
    assert!(!calls(&world).contains(&"GetSessionToken".to_owned()));
    // A list without the key tells no age either, and nothing is remembered.
    world.aws.allow_all();
    world.aws.fault("ListAccessKeys", Fault::Content("AccessKeyId", "AKIAANOTHER000000001".to_owned()), 1);
    let done = world.run(&["keys", "rotate", "alice", "--older-than", "90d", "--yes"]);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(done.stderr.contains("cannot be looked up: ListAccessKeys does not tell it\n"), "{done:?}");
    assert_eq!(json(&world.run(&["keys", "list", "--json"]))[0]["created_at"], serde_json::Value::Null);
}

#[test]
fn profiles_that_share_a_key_are_rotated_once() {
    let Cast { world, key, .. } = signed_in();
    world.write_key("also", &key);
    assert!(world.run(&["keys", "import", "also", "--yes"]).status.success());
    world.aws.take_calls();
    let done = world.run(&["keys", "rotate", "alice", "also", "--yes"]);
    let new = only_key(&world, "alice");
    done.expect(0, "", &format!("alice, also: access key {} is replaced by {new}\n", key.id));
    assert_eq!(world.aws.count("CreateAccessKey"), 1);
    assert_eq!((sealed_key(&world, "alice"), sealed_key(&world, "also")), (new.clone(), new));
}

#[test]
fn what_cannot_be_rotated_is_named_with_the_way_out() {
    let Cast { world, key, .. } = signed_in();
    let bob = world.aws.add_user("bob");
    let file = world.home().join(".aws/credentials").display().to_string();
    world.write_key("bob", &bob);
    refused(
        &world,
        &["keys", "rotate", "bob", "--yes"],
        1,
        &format!(
            "error: {file}:2: the access key of profile `bob` is in plain text, and only sealed keys are rotated\n\
             hint: `mfa-cred keys import bob` seals it\n"
        ),
    );
    refused(
        &world,
        &["keys", "rotate", "deploy", "--yes"],
        1,
        "error: profile `deploy` signs in with the access key of profile `alice`\nhint: `mfa-cred keys rotate alice` rotates it\n",
    );
    // Another copy in plain text would stop working.
    world.write_key("copy", &key);
    refused(
        &world,
        &["keys", "rotate", "alice", "--yes"],
        1,
        &format!(
            "error: {file}:2: profile `copy` has the same access key in plain text, which would stop working\n\
             hint: `mfa-cred keys import copy` seals it\n"
        ),
    );
    world.write(".aws/credentials", "");
    world.aws.take_calls();
    let root = world.aws.add_user(crate::support::aws::ROOT);
    world.write_key("root", &root);
    assert!(world.run(&["keys", "import", "root", "--yes"]).status.success());
    refused(
        &world,
        &["keys", "rotate", "root", "--yes"],
        1,
        &format!(
            "error: access key {} is the root user's, which should have none\n\
             hint: delete it in the AWS console, and use an IAM user or IAM Identity Center\n",
            root.id
        ),
    );
    // Several are tried, and the first one's exit code counts.
    world.aws.fault("CreateAccessKey", Fault::Refuse(403, "AccessDenied".to_owned(), "no".to_owned()), 1);
    let done = world.run(&["keys", "rotate", "--all", "--yes"]);
    assert_eq!((done.status.code(), only_key(&world, "alice")), (Some(5), key.id), "{done:?}");
    assert!(done.stderr.ends_with("error: could not rotate 2 of 2 access keys\n"), "{done:?}");
}
