//! Renewals and calls whose answers are none of AWS's, token files of every kind, and clocks that are wrong.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{ACCOUNT, HOUR, MINUTE, SsoHome, token_file};
use crate::scenarios::clock::set_clock;
use crate::support::aws::{Aws, Fault};
use crate::support::files::make_pipe;
use crate::support::world::calls;

/// In seconds: long after the token's end.
const OVER: i32 = -3600;

#[test]
fn an_answer_to_a_renewal_that_is_none_of_awss_changes_nothing() {
    let home = SsoHome::with(MINUTE * OVER);
    let before = fs::read(token_file(&home.world, "corp")).expect("a token");
    for body in [
        "",
        "null",
        r#"{"accessToken": 7, "expiresIn": 3600, "refreshToken": "b"}"#,
        r#"{"accessToken": "a\r\nX: y", "expiresIn": 3600, "refreshToken": "b"}"#,
        r#"{"accessToken": "a", "expiresIn": -1, "refreshToken": "b"}"#,
        r#"{"accessToken": "a", "expiresIn": 3600, "refreshToken": {}}"#,
        &format!(r#"{{"accessToken": "a", "expiresIn": 3600, "x": "{}"}}"#, "x".repeat(1 << 20)),
    ] {
        home.world.aws.fault("CreateToken", Fault::Says(body.to_owned()), 1);
        let done = home.process();
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(6), ""), "{body:.80}: {done:?}");
        assert_eq!(fs::read(token_file(&home.world, "corp")).expect("a token"), before, "{body:.80}");
        assert_eq!(calls(&home.world), ["CreateToken"], "{body:.80}");
    }
    home.gave_the_role(&home.process());
    assert_eq!(home.world.aws.sso().sessions(), 1);
}

#[test]
fn an_empty_refresh_token_does_not_replace_a_good_one() {
    let home = SsoHome::with(MINUTE * OVER);
    let body = r#"{"accessToken": "aoaNew", "expiresIn": 3600, "refreshToken": ""}"#;
    home.world.aws.fault("CreateToken", Fault::Says(body.to_owned()), 1);
    // AWS did not issue that access token, so it is renewed once more.
    home.gave_the_role(&home.process());
    assert_eq!(calls(&home.world), ["CreateToken", "GetRoleCredentials", "CreateToken", "GetRoleCredentials"]);
    assert_eq!(home.world.aws.sso().sessions(), 1);
}

#[test]
fn a_redirect_takes_no_token_elsewhere() {
    let home = SsoHome::with(HOUR);
    let elsewhere = Aws::start();
    for action in ["GetRoleCredentials", "CreateToken"] {
        home.world.aws.fault(action, Fault::Redirect(format!("{}/federation/credentials", elsewhere.url())), 10);
        let done = home.world.run(&["process", "dev", "--no-cache"]);
        assert_eq!(done.status.code(), Some(6), "{action}: {done:?}");
        let mut expired = home.token();
        expired["expiresAt"] = "2020-01-01T00:00:00Z".into();
        home.write(&expired);
        home.world.aws.heal();
    }
    assert_eq!(elsewhere.take_calls().len(), 0);
    home.gave_the_role(&home.process());
}

#[test]
fn what_the_portal_answers_in_place_of_credentials_is_refused() {
    let home = SsoHome::with(HOUR);
    let with = |from: &str, to: &str| {
        let whole = r#"{"roleCredentials": {"accessKeyId": "ASIAX", "secretAccessKey": "s", "sessionToken": "t",
                        "expiration": 4102444800000}}"#;
        assert!(whole.contains(from));
        whole.replace(from, to)
    };
    for (body, code) in [
        (String::new(), 6),
        ("{}".to_owned(), 6),
        (with("4102444800000", "-1e300"), 6),
        (with("4102444800000", "\"soon\""), 6),
        (with("4102444800000", "9223372036854775807"), 6),
        (with("\"t\"", "\"t\\r\\nX: y\""), 6),
        (with("\"s\"", "\"\""), 6),
        (with("ASIAX", "ASIA\\u0000X"), 6),
        // They have expired already.
        (with("4102444800000", "0"), 1),
        (with("4102444800000", "-1000"), 1),
    ] {
        home.world.aws.fault("GetRoleCredentials", Fault::Says(body.clone()), 1);
        let done = home.process();
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(code), ""), "{body}: {done:?}");
    }
    home.gave_the_role(&home.process());
}

/// Each is an error of its own, and nothing hangs.
#[test]
fn what_is_in_the_token_files_place_and_no_file_is_named_without_a_call() {
    let home = SsoHome::with(MINUTE * OVER);
    let path = token_file(&home.world, "corp");
    let whole = fs::read(&path).expect("a token");
    let gone = || fs::remove_file(&path).expect("it was there");
    let fails = |why: &str, code: i32| {
        let done = home.process();
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(code), ""), "{why}: {done:?}");
        assert!(done.stderr.contains(why) && done.stderr.contains("hint: "), "{why}: {done:?}");
        assert_eq!(calls(&home.world), [""; 0], "{why}");
    };
    gone();
    fs::create_dir(&path).expect("a folder");
    fails("cannot be read: Is a directory", 1);
    fs::remove_dir(&path).expect("a folder");
    make_pipe(&path);
    fails("cannot be read: it is not a regular file", 1);
    gone();
    symlink("/dev/zero", &path).expect("a link");
    fails("cannot be read: it is not a regular file", 1);
    gone();
    symlink(&path, &path).expect("a link");
    fails("cannot be read: Too many levels of symbolic links", 1);
    gone();
    symlink("/nonexistent/token.json", &path).expect("a link");
    fails("nobody is signed in to SSO session `corp`", 3);
    gone();
    for text in [&whole[..whole.len() / 2], b"\xff\xfe", b"\0\0\0\0", &vec![b'['; 100_000], &vec![b' '; 17 << 20]] {
        fs::write(&path, text).expect("it is written");
        let is_huge = text.len() > 16 << 20;
        fails(if is_huge { "it is longer than 16 MB" } else { "is not a JSON object" }, if is_huge { 1 } else { 3 });
        gone();
    }
    // The person's own link, and a file that others could read and write: used, and private afterwards.
    let elsewhere = path.with_file_name("elsewhere.json");
    fs::write(&elsewhere, &whole).expect("it is written");
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o666)).expect("a mode");
    symlink(&elsewhere, &path).expect("a link");
    home.gave_the_role(&home.process());
    assert!(fs::symlink_metadata(&path).expect("a link").is_symlink());
    assert_eq!(fs::metadata(&elsewhere).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(home.world.aws.sso().sessions(), 1);
}

/// The AWS CLI compares with this machine's clock, and AWS with its own.
#[test]
fn a_clock_that_is_wrong_costs_no_sign_in() {
    for off in ["-10m", "+10m", "-20m", "+20m"] {
        for left in [60, 25, 12, 2, -2, -12] {
            let home = SsoHome::with(MINUTE * left);
            set_clock(&home.world, off);
            home.gave_the_role(&home.process());
            assert_eq!(home.world.aws.sso().sessions(), 1, "{off} {left}");
            assert!(home.world.aws.count("CreateToken") <= 1, "{off} {left}");
            home.world.aws.sso().assign(ACCOUNT, "Reader");
            home.world.edit_config("sso_role_name = Developer", "sso_role_name = Reader");
            let again = home.world.run(&["process", "dev"]);
            assert!(again.status.success() && again.stderr.is_empty(), "{off} {left}: {again:?}");
            assert!(home.world.aws.count("CreateToken") <= 1, "{off} {left}: it is not renewed again");
        }
    }
}

#[test]
fn a_client_that_aws_no_longer_knows_is_not_used_for_the_next_sign_in() {
    let home = SsoHome::with(HOUR);
    let world = &home.world;
    world.write("browser", "#!/bin/sh\nexec curl -s -L -o page \"$1\"\n");
    fs::set_permissions(world.home().join("browser"), fs::Permissions::from_mode(0o700)).expect("a mode");
    world.set("BROWSER", "./browser");
    let login = ["login", "--sso", "corp", "--refresh"];
    assert!(world.run(&login).status.success());
    let mut expired = home.token();
    expired["expiresAt"] = "2020-01-01T00:00:00Z".into();
    home.write(&expired);
    world.aws.sso().forget_clients();
    let done = home.process();
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    calls(world);
    // Otherwise AWS's page would refuse the client, and never send the browser back.
    assert!(world.run(&login).status.success());
    assert_eq!(calls(world), ["RegisterClient", "Authorize", "CreateToken"]);
}
