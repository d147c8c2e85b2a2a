//! Sessions of `aws login` with the real binary: the file that the AWS CLI and the SDKs share, its renewal against the strict
//! sign-in service, and roles on top.

mod clients;
mod crashes;
mod refusals;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::aws::{Fault, RoleSpec, Signer, When};
use crate::support::pty::Finished;
use crate::support::world::{World, calls, json};

const RENEWAL: &str = "CreateOAuth2Token";

/// A home where alice signed in with MFA by `aws login`, to profile `person`; the credentials last `left` seconds. Role
/// `deploy` trusts her with MFA.
fn signed_in(left: i64) -> World {
    let world = World::empty();
    world.aws.add_user("alice");
    let role = world.aws.add_role(RoleSpec::new("deploy").trust_user("alice").require_mfa());
    let account = world.aws.account();
    world.write(
        ".aws/config",
        format!(
            "[profile person]\nlogin_session = arn:aws:iam::{account}:user/alice\nregion = eu-west-1\n\
             [profile deploy]\nsource_profile = person\nrole_arn = {role}\n"
        ),
    );
    sign_in(&world, left);
    world
}

fn sign_in(world: &World, left: i64) {
    let login = world.aws.login("alice", true, left);
    assert!(world.read(".aws/config").contains(&login.arn));
    let text = login.text.replacen('{', "{\"aKeyOfTomorrow\": {\"kept\": [1, null]}, ", 1);
    fs::create_dir_all(file(world).parent().expect("a folder")).expect("it is made");
    fs::write(file(world), text).expect("it is written");
}

/// The session's file, named by the SHA-256 of its ARN.
fn file(world: &World) -> PathBuf {
    let arn = format!("arn:aws:iam::{}:user/alice", world.aws.account());
    world.home().join(".aws/login/cache").join(mfa_cred::signin::file_name(&arn))
}

fn read(world: &World) -> Value {
    serde_json::from_slice(&fs::read(file(world)).expect("a file")).expect("JSON")
}

/// Sets the time at which the credentials in the file expire, in seconds from now.
fn expires_in(world: &World, left: i64) {
    let mut text = read(world);
    let end = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() + left).expect("a time");
    text["accessToken"]["expiresAt"] = end.to_string().into();
    fs::write(file(world), text.to_string()).expect("it is written");
}

/// The access key ID that `process` printed.
fn key_id(done: &Finished) -> String {
    assert!(done.status.success(), "{done:?}");
    json(done)["AccessKeyId"].as_str().expect("an id").to_owned()
}

#[test]
fn fresh_credentials_are_used_as_they_are() {
    let world = signed_in(600);
    let before = fs::read(file(&world)).expect("a file");
    let done = world.run(&["process", "person"]);
    let (text, printed) = (read(&world), json(&done));
    for (ours, theirs) in [
        ("AccessKeyId", "accessKeyId"),
        ("SecretAccessKey", "secretAccessKey"),
        ("SessionToken", "sessionToken"),
        ("Expiration", "expiresAt"),
        ("AccountId", "accountId"),
    ] {
        assert_eq!(printed[ours], text["accessToken"][theirs], "{ours}");
    }
    assert_eq!((done.stderr.as_str(), calls(&world)), ("", Vec::new()));
    assert_eq!(fs::read(file(&world)).expect("a file"), before);
}

#[test]
fn credentials_that_end_soon_are_renewed_once_and_every_other_key_is_kept() {
    for left in [299, 0, -3600] {
        let world = signed_in(left);
        fs::set_permissions(file(&world), fs::Permissions::from_mode(0o644)).expect("ours");
        let before = read(&world);
        let first = world.run(&["process", "person"]);
        let after = read(&world);
        assert_eq!(key_id(&first), after["accessToken"]["accessKeyId"].as_str().expect("an id"));
        assert_eq!(calls(&world), [RENEWAL]);
        for kept in ["aKeyOfTomorrow", "tokenType", "clientId", "idToken", "dpopKey"] {
            assert_eq!(after[kept], before[kept], "{kept}");
        }
        assert_eq!(after["accessToken"]["accountId"], before["accessToken"]["accountId"]);
        assert_ne!(after["refreshToken"], before["refreshToken"]);
        let end: jiff::Timestamp = after["accessToken"]["expiresAt"].as_str().expect("text").parse().expect("a time");
        assert!((880..=900).contains(&end.duration_since(world.aws.now()).as_secs()), "{end}");
        assert_eq!(fs::metadata(file(&world)).expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(file(&world).parent().expect("a folder")).expect("a folder").count(), 1);
        // They last less than the twenty minutes that `process` likes best, and are not renewed for that.
        for _ in 0..3 {
            assert_eq!(world.run(&["process", "person"]).stdout, first.stdout);
        }
        assert_eq!(calls(&world), [""; 0]);
    }
}

#[test]
fn a_role_that_demands_mfa_takes_no_code() {
    for serial in ["", "mfa_serial = arn:aws:iam::123456789012:u2f/user/alice/key\n", "mfa_serial = auto\n"] {
        let world = signed_in(600);
        world.add_config(serial);
        let first = world.run(&["process", "deploy"]);
        let holder = world.aws.holder(&key_id(&first)).expect("issued here");
        assert!(matches!(&holder.signer, Signer::Role { arn, .. } if arn.ends_with("role/deploy")), "{holder:?}");
        assert_eq!((first.stderr.as_str(), calls(&world)), ("", vec!["AssumeRole".to_owned()]), "{serial}");
        // Cached as any role is, though its source has long expired.
        expires_in(&world, -60);
        assert_eq!(world.run(&["process", "deploy"]).stdout, first.stdout);
        assert_eq!(calls(&world), [""; 0]);
    }
}

#[test]
fn twenty_processes_renew_once() {
    let world = signed_in(-60);
    world.aws.fault(RENEWAL, Fault::Delay(When::Before, Duration::from_millis(500)), 1);
    let children: Vec<_> = (0..20)
        .map(|_| world.command(&["process", "person"]).stdout(Stdio::piped()).spawn().expect("it starts"))
        .collect();
    let printed: Vec<_> = children.into_iter().map(|child| child.wait_with_output().expect("it ends").stdout).collect();
    assert!(!printed[0].is_empty() && printed.iter().all(|one| *one == printed[0]));
    assert_eq!((calls(&world).len(), world.aws.logins()), (1, 1));
}

#[test]
fn what_another_program_has_renewed_meanwhile_is_used() {
    // It does not know our lock, and its renewal makes our token worthless.
    let world = signed_in(100);
    world.aws.fault(RENEWAL, Fault::Delay(When::Before, Duration::from_millis(700)), 1);
    let ours = world.command(&["process", "person"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let ours = ours.expect("it starts");
    std::thread::sleep(Duration::from_millis(300));
    let theirs = world.aws.renew_elsewhere(&fs::read_to_string(file(&world)).expect("a file"));
    fs::write(file(&world), &theirs).expect("it is written");
    let done = ours.wait_with_output().expect("it ends");
    assert!(done.status.success(), "{done:?}");
    let printed: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    let theirs: Value = serde_json::from_str(&theirs).expect("JSON");
    assert_eq!(printed["AccessKeyId"], theirs["accessToken"]["accessKeyId"]);
    assert_eq!(read(&world), theirs, "theirs was not replaced");
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
}

#[test]
fn a_lost_answer_is_asked_for_again_with_a_proof_of_its_own() {
    let world = signed_in(-60);
    world.aws.answer_old_refresh_tokens();
    world.aws.fault(RENEWAL, Fault::Drop(When::After), 1);
    world.aws.fault(RENEWAL, Fault::ServerError(When::Before, 503), 1);
    let done = world.run(&["process", "person"]);
    assert_eq!(key_id(&done), read(&world)["accessToken"]["accessKeyId"].as_str().expect("an id"));
    assert_eq!((calls(&world).len(), world.aws.logins()), (3, 1));
}

#[test]
fn a_clock_that_is_off_is_corrected_by_the_refusal_itself() {
    for skew in [3600, -3600] {
        let world = signed_in(100);
        world.aws.skew(skew);
        expires_in(&world, skew.min(0) - 100);
        let done = world.run(&["process", "person"]);
        key_id(&done);
        assert_eq!((calls(&world).len(), world.aws.logins()), (2, 1), "{skew}");
    }
}

#[test]
fn the_folder_can_be_somewhere_else() {
    let world = signed_in(600);
    fs::rename(world.home().join(".aws/login/cache"), world.home().join(".aws/login/elsewhere")).expect("moved");
    assert_eq!(world.run(&["process", "person"]).status.code(), Some(3));
    for place in ["~/.aws/login/elsewhere", "$HOME/.aws/login/elsewhere"] {
        world.set("AWS_LOGIN_CACHE_DIRECTORY", place);
        key_id(&world.run(&["process", "person"]));
    }
    fs::rename(world.home().join(".aws/login/elsewhere"), world.home().join(".aws/login/cache")).expect("moved");
}

#[test]
fn without_a_state_folder_a_session_is_renewed_without_a_lock() {
    let world = signed_in(100);
    world.write("state", "not a folder");
    let done = world.run(&["process", "person"]);
    assert_eq!(key_id(&done), read(&world)["accessToken"]["accessKeyId"].as_str().expect("an id"));
    assert_eq!(calls(&world), [RENEWAL]);
    fs::remove_file(world.home().join("state")).expect("it was there");
    // One that cannot hold this lock.
    expires_in(&world, -60);
    key_id(&world.run(&["process", "person"]));
    let locks = fs::read_dir(world.state().join("locks")).expect("a folder").flatten().map(|lock| lock.path());
    let lock = locks.into_iter().find(|lock| lock.display().to_string().contains("/sign-in-")).expect("a lock");
    fs::remove_file(&lock).and_then(|()| fs::create_dir(&lock)).expect("a folder in its place");
    expires_in(&world, -60);
    world.aws.take_calls();
    let done = world.run(&["process", "person"]);
    assert_eq!(key_id(&done), read(&world)["accessToken"]["accessKeyId"].as_str().expect("an id"));
    assert_eq!(calls(&world), [RENEWAL]);
}

#[test]
fn show_list_and_status_tell_of_a_session() {
    let world = signed_in(600);
    world.add_config("mfa_serial = arn:aws:iam::123456789012:u2f/user/alice/key\n");
    let shown = world.run(&["show", "deploy"]).stdout;
    for line in [
        format!("  base: the `aws login` session arn:aws:iam::{}:user/alice of profile `person`\n", world.aws.account()),
        ".aws/config:7: `mfa_serial` is skipped: a session of `aws login` carries the MFA of its sign-in, and takes no code\n"
            .to_owned(),
    ] {
        assert!(shown.contains(&line), "{line} is not in\n{shown}");
    }
    let rows = json(&world.run(&["list", "--json"]));
    let kinds: Vec<_> = rows.as_array().expect("rows").iter().map(|row| row["kind"].as_str()).collect();
    assert_eq!(kinds, [Some("login"), Some("role")]);
    assert_eq!(rows[0]["account"], world.aws.account());
    let is_available = || world.run(&["status", "deploy"]).status.code();
    assert_eq!(is_available(), Some(0));
    // Expired, but a session lasts up to twelve hours.
    expires_in(&world, -3600);
    assert_eq!(is_available(), Some(0));
    expires_in(&world, -13 * 3600);
    assert_eq!(is_available(), Some(3));
    fs::remove_file(file(&world)).expect("it was there");
    assert_eq!(is_available(), Some(3));
    // What the cache has needs no session.
    sign_in(&world, 600);
    key_id(&world.run(&["process", "deploy"]));
    fs::remove_file(file(&world)).expect("it was there");
    assert_eq!(is_available(), Some(0));
}
