//! What AWS never answers, files that others planted, and addresses that lead elsewhere: nothing is sent to anybody else,
//! and nothing that was good is lost.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use super::login::{LOGIN, REGISTRATION, SIGNED_IN};
use super::{CACHE, corp, opened, token};
use crate::support::aws::{Aws, Fault, When};
use crate::support::files::make_pipe;
use crate::support::world::{World, calls};

/// The SHA-1 of `corp`.
const TOKEN: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

fn says(world: &World, action: &str, body: &str) {
    world.aws.fault(action, Fault::Says(body.to_owned()), 1);
}

fn failed(why: &str) -> String {
    format!("error: could not sign in to SSO session `corp`: {why}\n")
}

#[test]
fn an_answer_that_is_none_of_awss_gives_no_token_and_the_next_sign_in_works() {
    let world = corp();
    let unreadable = "the answer is not one of AWS's, or was cut off";
    let hint =
        "hint: something between this machine and AWS answered in its place, such as a captive portal or a proxy\n";
    let huge = format!(r#"{{"accessToken": "{}", "expiresIn": 3600}}"#, "x".repeat(1 << 20));
    let not_tokens = [
        "",
        "null",
        "[]",
        r#"{"expiresIn": 3600}"#,
        r#"{"accessToken": "", "expiresIn": 3600}"#,
        r#"{"accessToken": 7, "expiresIn": 3600}"#,
        r#"{"accessToken": "a\nX-Evil: b", "expiresIn": 3600}"#,
        r#"{"accessToken": "a\u0000b", "expiresIn": 3600}"#,
        r#"{"accessToken": "a"}"#,
        r#"{"accessToken": "a", "expiresIn": -3600}"#,
        r#"{"accessToken": "a", "expiresIn": "3600"}"#,
        r#"{"accessToken": "a", "expiresIn": 1e99}"#,
        r#"{"accessToken": "a", "expiresIn": 3600, "refreshToken": 7}"#,
        &huge,
    ];
    for body in not_tokens {
        says(&world, "CreateToken", body);
        let done = world.run(&LOGIN);
        let why =
            if body.len() > 1 << 20 { "the answer is longer than 1 MB, which none of AWS's is" } else { unreadable };
        let error = failed(&format!("the sign-in was confirmed, but AWS returned no token: {why}"));
        assert!(done.stderr.contains(&error) && done.status.code() == Some(6), "{body:.80}: {done:?}");
        assert_eq!(token(&world), None, "{body:.80}");
    }
    for (action, flow, bodies) in [
        (
            "RegisterClient",
            "--no-browser",
            &[
                r#"{"clientId": "a", "clientSecret": "b"}"#,
                r#"{"clientId": "a", "clientSecret": "b", "clientSecretExpiresAt": 1e30}"#,
            ][..],
        ),
        (
            "StartDeviceAuthorization",
            "--use-device-code",
            &[
                r#"{"deviceCode": "a", "userCode": "b", "verificationUri": "https://x.example/"}"#,
                r#"{"deviceCode": "a", "userCode": "b", "verificationUri": "", "verificationUriComplete": "http://x.example/"}"#,
                r#"{"deviceCode": "a", "userCode": "b", "verificationUri": "", "verificationUriComplete": "https://x.example/", "expiresIn": -1}"#,
            ][..],
        ),
    ] {
        let _ = fs::remove_file(world.home().join(CACHE).join(REGISTRATION));
        for body in bodies {
            says(&world, action, body);
            let done = world.run(&[&LOGIN[..], &[flow]].concat());
            let error = failed(&format!("the sign-in could not be started: {unreadable}"));
            assert_eq!(done.stderr, error + hint, "{body}");
            assert_eq!(done.status.code(), Some(6), "{body}");
        }
    }
    let done = world.run(&LOGIN);
    assert!(done.status.success() && token(&world).is_some(), "{done:?}");
}

#[test]
fn a_code_that_aws_words_for_the_terminal_is_escaped() {
    let world = corp();
    let body = r#"{"deviceCode": "a", "userCode": "\u001b[2JX\r\nfake: line", "verificationUri": "https://x.example/",
                   "verificationUriComplete": "https://x.example/", "expiresIn": 2, "interval": 1}"#;
    says(&world, "StartDeviceAuthorization", body);
    world.aws.fault("CreateToken", Fault::Throttle, 10);
    let done = world.run(&[&LOGIN[..], &["--use-device-code"]].concat());
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    assert!(!done.stderr.contains('\u{1b}') && !done.stderr.contains("\nfake: line"), "{done:?}");
}

#[test]
fn a_redirect_is_not_followed_and_no_secret_goes_along() {
    let world = corp();
    let elsewhere = Aws::start();
    for action in ["RegisterClient", "CreateToken"] {
        world.aws.fault(action, Fault::Redirect(format!("{}/token", elsewhere.url())), 1);
        let done = world.run(&LOGIN);
        assert_eq!(done.status.code(), Some(6), "{action}: {done:?}");
    }
    assert_eq!(elsewhere.take_calls().len(), 0);
    assert!(world.run(&LOGIN).status.success());
}

#[test]
fn a_start_url_of_the_organizations_own_is_looked_up_once_and_keys_the_token_as_configured() {
    let world = corp();
    let vanity = format!("{}/vanity", world.aws.url());
    let known = world.aws.sso().start_url();
    world.edit_config(&format!("sso_start_url = {known}"), &format!("sso_start_url = {vanity}"));
    // Nowhere, or to somebody else: the URL stays as it is, and AWS refuses it.
    for to in ["", "https://corp.awsapps.com.evil.example/start", "http://corp.awsapps.com/start", "/start"] {
        world.aws.sso().redirect_start_url(to);
        let done = world.run(&LOGIN);
        let hint = "hint: check `sso_start_url`, `sso_region` and `sso_registration_scopes`\n";
        assert!(done.status.code() == Some(5) && done.stderr.ends_with(hint), "{to}: {done:?}");
        assert_eq!(calls(&world), ["StartUrl", "RegisterClient"], "{to}");
    }
    world.aws.sso().redirect_start_url(&format!("{known}?a=b#/"));
    assert!(world.run(&LOGIN).status.success());
    assert_eq!(calls(&world), ["StartUrl", "RegisterClient", "Authorize", "CreateToken"]);
    assert_eq!(token(&world).expect("a token")["startUrl"], vanity.as_str());
    let with_code = [&LOGIN[..], &["--use-device-code", "--refresh"]].concat();
    assert!(world.run(&with_code).status.success());
    assert_eq!(calls(&world)[..3], ["StartUrl", "RegisterClient", "StartDeviceAuthorization"]);
    // A server that does not know HEAD, and one that answers with a page.
    world.aws.fault("StartUrl", Fault::ServerError(When::Before, 501), 1);
    assert!(world.run(&with_code).status.success());
    assert_eq!(calls(&world)[..2], ["StartUrl", "StartUrl"]);
    world.aws.fault("StartUrl", Fault::Html, 2);
    assert_eq!(world.run(&with_code).status.code(), Some(5));
    calls(&world);
    // Nobody looks up a URL of AWS's.
    world.edit_config(&vanity, &known);
    assert!(world.run(&with_code).status.success());
    assert!(!calls(&world).contains(&"StartUrl".to_owned()));
}

#[test]
fn a_registration_that_is_garbage_expired_or_somebody_elses_is_made_again_and_kept_private() {
    let world = corp();
    assert!(world.run(&LOGIN).status.success());
    let path = world.home().join(CACHE).join(REGISTRATION);
    let good = fs::read_to_string(&path).expect("it was kept");
    let again = [&LOGIN[..], &["--refresh"]].concat();
    let mode = |mode: u32| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    calls(&world);
    assert!(world.run(&again).status.success());
    assert_eq!(calls(&world), ["Authorize", "CreateToken"], "a good one is used");
    let check = |what: &str, is_replaced: bool| {
        let done = world.run(&again);
        assert!(done.status.success(), "{what}: {done:?}");
        assert_eq!(calls(&world), ["RegisterClient", "Authorize", "CreateToken"], "{what}");
        if is_replaced {
            let found = fs::metadata(&path).expect("it is there");
            assert_eq!(found.permissions().mode() & 0o777, 0o600, "{what}");
            assert!(fs::read_to_string(&path).expect("a file").contains("\"clientId\""), "{what}");
        }
    };
    let put = |text: &str| fs::write(&path, text).expect("it is written");
    for (what, text) in [
        ("garbage", "half a fi".to_owned()),
        ("empty", String::new()),
        ("another type", good.replace("\"expiresAt\":\"", "\"expiresAt\":7,\"x\":\"")),
        ("no time", good.replace("\"expiresAt\":\"", "\"expiresAt\":\"soon")),
        ("expired", good.replace("\"expiresAt\":\"", "\"expiresAt\":\"2020-01-01T00:00:00Z\",\"x\":\"")),
        ("for codes", good.replace("authorization_code", "urn:ietf:params:oauth:grant-type:device_code")),
    ] {
        assert_ne!(text, good, "{what}");
        put(&text);
        check(what, true);
    }
    // A client that somebody else registered, who knows its secret.
    mode(0o666);
    check("written by others", true);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(12_345), None).expect("we may");
        check("somebody else's", true);
    }
    let elsewhere: PathBuf = world.home().join(CACHE).join("elsewhere.json");
    fs::rename(&path, &elsewhere).expect("it is moved");
    symlink(&elsewhere, &path).expect("a link");
    assert!(world.run(&again).status.success());
    assert_eq!(calls(&world), ["Authorize", "CreateToken"], "a link of the person's own");
    fs::write(&elsewhere, "garbage").expect("it is written");
    check("a link to garbage", true);
    assert!(fs::symlink_metadata(&path).expect("it is there").is_symlink());
    fs::remove_file(&path).expect("a link");
    fs::create_dir(&path).expect("a folder");
    check("a folder", false);
    fs::remove_dir(&path).expect("a folder");
    make_pipe(&path);
    check("a pipe", false);
}

/// The person is not sent to a browser for a token that could not be put into its place.
#[test]
fn what_is_in_the_token_files_place_and_no_file_is_refused_before_the_person_is_asked() {
    let world = corp();
    let path = world.home().join(TOKEN);
    fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
    let pipe = || make_pipe(&path);
    let check = |why: &str| {
        let done = world.run(&LOGIN);
        let error = failed(&format!("`{}` cannot be written: {why}", path.display()));
        assert!(done.status.code() == Some(1) && done.stderr.starts_with(&error), "{done:?}");
        assert_eq!((calls(&world), opened(&world)), (Vec::new(), Vec::new()), "{why}");
    };
    fs::create_dir(&path).expect("a folder");
    check("it is not a regular file");
    fs::remove_dir(&path).expect("a folder");
    pipe();
    check("it is not a regular file");
    fs::remove_file(&path).expect("a pipe");
    symlink("/nonexistent/volume/token.json", &path).expect("a link");
    check("the symbolic link leads nowhere");
    fs::remove_file(&path).expect("a link");
    symlink(&path, &path).expect("a link");
    check("the symbolic link leads nowhere");
    fs::remove_file(&path).expect("a link");
    // Anything that is a file is replaced, and is private then.
    for (text, mode) in [("half a fi", 0o600), ("", 0o666), ("{}", 0o444)] {
        fs::write(&path, text).expect("it is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        let done = world.run(&LOGIN);
        assert!(done.status.success() && done.stderr.ends_with(SIGNED_IN), "{done:?}");
        assert!(token(&world).expect("a token")["refreshToken"].is_string());
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        fs::remove_file(&path).expect("a file");
    }
}
