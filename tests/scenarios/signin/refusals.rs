//! What can be wrong with a session or its renewal, each in words of its own.

use std::fs;

use super::{RENEWAL, expires_in, file, key_id, read, sign_in, signed_in};
use crate::support::aws::Fault;
use crate::support::files::make_pipe;
use crate::support::world::{World, calls};

fn fails(world: &World, exit: i32, error: &str, hint: &str) {
    let done = world.run(&["process", "deploy"]);
    let hint = if hint.is_empty() { String::new() } else { format!("hint: {hint}\n") };
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(exit), ""), "{done:?}");
    assert_eq!(done.stderr, format!("error: {error}\n{hint}"));
}

fn refuse(world: &World, status: u16, code: &str) {
    world.aws.fault(RENEWAL, Fault::Refuse(status, code.to_owned(), "said AWS".to_owned()), 1);
}

#[test]
fn each_refusal_to_renew_has_its_own_hint() {
    let world = signed_in(-60);
    let before = fs::read(file(&world)).expect("a file");
    let not_renewed = "the session of `aws login` for profile `person` was not renewed in region `eu-west-1`: AWS";
    for (status, code, exit, hint) in [
        (403, "TOKEN_EXPIRED", 3, "sign in again with `aws login --profile person`"),
        (
            403,
            "USER_CREDENTIALS_CHANGED",
            3,
            "the password was changed after the sign-in: sign in again with `aws login --profile person`",
        ),
        (
            403,
            "INSUFFICIENT_PERMISSIONS",
            5,
            "the user needs `signin:CreateOAuth2Token` (the managed policy `SignInLocalDevelopmentAccess` allows it); \
             then sign in again with `aws login --profile person`",
        ),
        (
            400,
            "INVALID_REQUEST",
            5,
            "a session can be renewed only in the region where it was started: if that was not `eu-west-1`, correct \
             `region` in profile `person`; otherwise, sign in again with `aws login --profile person`",
        ),
    ] {
        refuse(&world, status, code);
        fails(&world, exit, &format!("{not_renewed} refused it ({code}): said AWS"), hint);
        assert_eq!(calls(&world), [RENEWAL]);
    }
    world.aws.fault(RENEWAL, Fault::Html, 1);
    let not_renewed = not_renewed.trim_end_matches(" AWS");
    fails(&world, 6, &format!("{not_renewed} the answer is not one of AWS's, or was cut off"), "");
    // The file is as it was, and the session is not lost.
    assert_eq!(fs::read(file(&world)).expect("a file"), before);
    key_id(&world.run(&["process", "deploy"]));
}

#[test]
fn while_the_credentials_last_a_failed_renewal_is_only_a_warning() {
    let world = signed_in(200);
    refuse(&world, 403, "TOKEN_EXPIRED");
    let done = world.run(&["process", "person"]);
    assert_eq!(key_id(&done), read(&world)["accessToken"]["accessKeyId"].as_str().expect("an id"));
    let warning = "warning: the old credentials of `aws login` are still valid: the session of `aws login`";
    assert!(done.stderr.starts_with(warning), "{done:?}");
    // Not in their last minute.
    expires_in(&world, 50);
    refuse(&world, 403, "TOKEN_EXPIRED");
    assert_eq!(world.run(&["process", "person"]).status.code(), Some(3));
}

#[test]
fn a_file_without_a_session_is_an_error_before_any_call() {
    let world = signed_in(-60);
    let path = file(&world).display().to_string();
    let good = read(&world);
    let starts = "`aws login --profile person` starts a new session, and replaces the file";
    let field = |name: &str| format!("`{name}` is missing or not valid");
    let damaged = |what: &str| format!("`{path}` does not hold a session of `aws login`: {what}");
    for (text, what) in [
        (String::new(), "it is not a JSON object".to_owned()),
        ("[]".to_owned(), "it is not a JSON object".to_owned()),
        (good.to_string().replace("accessToken", "accesstoken"), field("accessToken")),
        (good.to_string().replace("secretAccessKey", "secret"), field("accessToken.secretAccessKey")),
        (good.to_string().replace("expiresAt", "expires"), field("accessToken.expiresAt")),
        (good.to_string().replace("refreshToken", "refresh_token"), field("refreshToken")),
        (good.to_string().replace("\"clientId\":\"", "\"clientId\":\"\",\"x\":\""), field("clientId")),
        (good.to_string().replace("EC PRIVATE KEY", "PRIVATE KEY"), field("dpopKey")),
        (good.to_string().replace("MHcC", "MHcD"), field("dpopKey")),
        (
            good.to_string().replace("\"ASIA", "\"\\u0000ASIA"),
            "the access key ID is empty or contains a control character".to_owned(),
        ),
    ] {
        fs::write(file(&world), text).expect("it is written");
        fails(&world, 1, &damaged(&what), starts);
    }
    fs::remove_file(file(&world)).expect("it was there");
    fails(
        &world,
        3,
        &format!("profile `person` is not signed in: there is no `{path}`"),
        "sign in with `aws login --profile person`",
    );
    make_pipe(&file(&world));
    fails(&world, 1, &format!("`{path}` cannot be read: it is not a regular file"), "");
    fs::remove_file(file(&world)).expect("it was there");
    sign_in(&world, -60);
    world.edit_config("region = eu-west-1\n", "");
    world.set("AWS_REGION", "eu-west-1");
    fails(
        &world,
        1,
        "profile `person` has no `region`, and a session of `aws login` can be renewed only where it was started",
        "add the `region` in which the session was started; otherwise, `aws login --profile person` starts a new one",
    );
    assert_eq!(calls(&world), [""; 0]);
    // None is needed while the credentials last.
    expires_in(&world, 600);
    key_id(&world.run(&["process", "person"]));
}

#[test]
fn a_role_that_demands_mfa_is_refused_to_a_sign_in_without_it() {
    let world = signed_in(600);
    let login = world.aws.login("alice", false, 600);
    fs::write(file(&world), login.text).expect("it is written");
    let done = world.run(&["process", "deploy"]);
    let hint = "hint: the role's trust policy, your policy or an SCP denies it; the request carried no external ID and no \
                tags. If the role requires MFA, sign in with MFA: `aws login --profile person`\n";
    assert!(done.status.code() == Some(5) && done.stderr.ends_with(hint), "{done:?}");
}

#[test]
fn the_hint_for_a_fido_user_works_as_printed() {
    let world = signed_in(600);
    let key = world.aws.add_user("bob");
    world.write_key("bob", &key);
    world.add_config("[profile bob]\nmfa_serial = arn:aws:iam::123456789012:u2f/user/bob/key\n");
    let done = world.run(&["process", "bob"]);
    let hint = "or sign in with `aws login` and use its `login_session` profile\n";
    assert!(done.status.code() == Some(4) && done.stderr.ends_with(hint), "{done:?}");
    // What it says: a `login_session` profile, as `aws login` writes it, in place of the key.
    world.edit_config(
        "source_profile = person\n",
        "source_profile = person\nmfa_serial = arn:aws:iam::123456789012:u2f/user/bob/key\n",
    );
    key_id(&world.run(&["process", "deploy"]));
}
