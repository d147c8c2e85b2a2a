//! Signing in to IAM Identity Center with a browser, and with a code.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use signal_hook::consts::SIGINT;

use super::{BROWSER, CACHE, corp, opened, token};
use crate::support::aws::{Fault, Person, When};
use crate::support::pty::PATIENCE;
use crate::support::world::{MFA_CRED, World, calls};

pub(super) const LOGIN: [&str; 3] = ["login", "--sso", "corp"];
pub(super) const SIGNED_IN: &str = "SSO session `corp`: signed in\n";
/// How the AWS CLI names the registration of this session.
pub(super) const REGISTRATION: &str = "787ef34d0a944c01385765faa28b5e67d1c08f33.json";

/// The browser may have the page only after this program has ended.
fn wait_for_page(world: &World, text: &str) {
    let page = || fs::read_to_string(world.home().join("page")).unwrap_or_default();
    let start = Instant::now();
    while !page().contains(text) {
        assert!(start.elapsed() < PATIENCE, "{}", page());
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_browser_signs_in_and_the_token_is_where_the_aws_cli_has_it() {
    let world = corp();
    let done = world.run(&LOGIN);
    let address = opened(&world).pop().expect("a page");
    let opening = "opening your browser to sign in to SSO session `corp`; if no page opens, go to:";
    done.expect(0, "", &format!("{opening}\n{address}\n{SIGNED_IN}"));
    assert_eq!(calls(&world), ["RegisterClient", "Authorize", "CreateToken"]);
    assert!(address.starts_with(&format!("{}/authorize?response_type=code&client_id=", world.aws.url())), "{address}");
    wait_for_page(&world, "<h1>Sign-in confirmed</h1>");

    let token = token(&world).expect("a token");
    let keys: Vec<&String> = token.as_object().expect("an object").keys().collect();
    let known = ["startUrl", "region", "accessToken", "expiresAt"];
    let renewal = ["clientId", "clientSecret", "registrationExpiresAt", "refreshToken"];
    assert_eq!(keys, [&known[..], &renewal[..]].concat());
    assert_eq!(token["startUrl"], world.aws.sso().start_url().as_str());
    assert_eq!(token["region"], "eu-west-1");

    let registration: Value = serde_json::from_str(&world.read(&format!("{CACHE}/{REGISTRATION}"))).expect("JSON");
    assert_eq!(registration["clientId"], token["clientId"]);
    assert_eq!(registration["grantTypes"], serde_json::json!(["authorization_code", "refresh_token"]));
    assert_eq!(registration["scopes"], serde_json::json!(["sso:account:access"]));
    for file in fs::read_dir(world.home().join(CACHE)).expect("a folder") {
        let file = file.expect("a file");
        assert_eq!(file.metadata().expect("it is there").permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn who_is_signed_in_is_not_asked_again_unless_that_is_wanted() {
    let world = corp();
    assert!(world.run(&LOGIN).status.success());
    let first = token(&world).expect("a token");
    world.aws.take_calls();
    world.run(&LOGIN).expect(0, "", SIGNED_IN);
    assert_eq!((calls(&world), opened(&world).len()), (Vec::new(), 1));
    // The client is registered already.
    assert!(world.run(&[&LOGIN[..], &["--refresh"]].concat()).status.success());
    assert_eq!(calls(&world), ["Authorize", "CreateToken"]);
    let second = token(&world).expect("a token");
    assert_ne!(first["accessToken"], second["accessToken"]);
    assert_eq!(first["clientId"], second["clientId"]);
}

#[test]
fn twenty_processes_open_one_page() {
    let world = corp();
    let script = "i=0; while [ $i -lt 20 ]; do ( \"$MFA_CRED\" login --sso corp 2>err.$i; echo $? >rc.$i ) & i=$((i + 1)); \
                  done; wait";
    let mut command = Command::new("sh");
    world.dress(&mut command);
    let done = command.env("MFA_CRED", MFA_CRED).args(["-c", script]).output().expect("a shell");
    assert!(done.status.success());
    for n in 0..20 {
        assert_eq!(world.read(&format!("rc.{n}")), "0\n", "{}", world.read(&format!("err.{n}")));
    }
    assert_eq!(opened(&world).len(), 1);
    assert_eq!((world.aws.count("RegisterClient"), world.aws.count("CreateToken")), (1, 1));
}

#[test]
fn a_code_is_confirmed_on_another_device() {
    let world = corp();
    world.set("BROWSER", "");
    let mut session = world.at_terminal(&LOGIN);
    session.wait_for("to sign in to SSO session `corp`, open this page on any device and confirm the code ", PATIENCE);
    session.wait_for(&format!("{}/device?user_code=", world.aws.url()), PATIENCE);
    let done = session.finish(PATIENCE);
    done.expect(0, "", SIGNED_IN);
    world.heard("login", &done);
    assert!(calls(&world).starts_with(&["RegisterClient".to_owned(), "StartDeviceAuthorization".to_owned()]));
    assert!(token(&world).expect("a token")["refreshToken"].is_string());
    // A client that was registered for codes does not do for a browser.
    world.set("BROWSER", BROWSER);
    assert!(world.run(&[&LOGIN[..], &["--refresh"]].concat()).status.success());
    assert_eq!(calls(&world), ["RegisterClient", "Authorize", "CreateToken"]);
}

#[test]
fn the_page_is_only_printed_if_that_is_wanted() {
    let world = corp();
    let mut session = world.at_terminal(&[&LOGIN[..], &["--no-browser"]].concat());
    session.wait_for("to sign in to SSO session `corp`, open this page in a browser on this machine:\r\n", PATIENCE);
    session.wait_for("code_challenge=", PATIENCE);
    session.wait_for("\r\n", PATIENCE);
    let screen = session.screen();
    let address = screen.split_whitespace().find(|word| word.starts_with("http")).expect("an address").to_owned();
    assert!(opened(&world).is_empty());
    assert!(Command::new("curl").args(["-sfL", &address]).output().expect("curl").status.success());
    let done = session.finish(PATIENCE);
    done.expect(0, "", SIGNED_IN);
}

#[test]
fn denied_unconfirmed_and_canceled_are_told_apart() {
    let world = corp();
    let failed = |why: &str| format!("error: could not sign in to SSO session `corp`: {why}\n");
    let with_code = [&LOGIN[..], &["--use-device-code"]].concat();
    let told = |stderr: &str| stderr.lines().skip(2).fold(String::new(), |all, line| all + line + "\n");

    world.aws.sso().person(Person::Denies);
    for words in [&LOGIN[..], &with_code] {
        let done = world.run(words);
        assert_eq!(told(&done.stderr), failed("the sign-in was denied in the browser"), "{words:?}");
        assert_eq!(done.status.code(), Some(4));
        if words == LOGIN {
            wait_for_page(&world, "<h1>Sign-in denied</h1>");
        }
    }

    world.aws.sso().person(Person::Waits);
    world.aws.sso().code_life(2);
    let done = world.run(&with_code);
    let again = "hint: `mfa-cred login --sso corp` starts a new one\n";
    assert_eq!(told(&done.stderr), failed("nobody confirmed the sign-in within 1 min") + again);
    assert_eq!(done.status.code(), Some(3));

    let mut session = world.at_terminal(&LOGIN);
    session.wait_for("code_challenge=", PATIENCE);
    session.control('c');
    let done = session.finish(PATIENCE);
    assert_eq!((done.signal(), done.stderr.as_str()), (Some(SIGINT), ""));
    assert_eq!(token(&world), None);
}

#[test]
fn who_waits_for_a_person_who_cancels_ends_too() {
    let world = corp();
    world.aws.sso().person(Person::Waits);
    let mut first = world.at_terminal(&LOGIN);
    first.wait_for("code_challenge=", PATIENCE);
    let mut second = world.at_terminal(&LOGIN);
    second.wait_for("which is signing in to SSO session `corp`", PATIENCE);
    first.control('c');
    first.finish(PATIENCE);
    let done = second.finish(PATIENCE);
    let why = "another process opened the sign-in, and it was not confirmed";
    let again = "hint: `mfa-cred login --sso corp` starts a new one\n";
    done.expect(3, "", &format!("error: could not sign in to SSO session `corp`: {why}\n{again}"));
}

#[test]
fn nobody_is_asked_who_is_not_there() {
    let world = corp();
    let nobody = "error: could not sign in to SSO session `corp`: there is nobody to confirm it\n\
                  hint: run `mfa-cred login --sso corp` in a terminal\n";
    world.run(&[&LOGIN[..], &["--no-prompt"]].concat()).expect(3, "", nobody);
    world.set("BROWSER", "");
    world.run(&LOGIN).expect(3, "", nobody);
    assert_eq!((calls(&world), opened(&world)), (Vec::new(), Vec::new()));
}

#[test]
fn a_token_that_could_not_be_kept_is_not_asked_for() {
    let world = corp();
    fs::create_dir_all(world.home().join(".aws/sso")).expect("a folder");
    fs::write(world.home().join(CACHE), "not a folder").expect("it is written");
    let done = world.run(&LOGIN);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(done.stderr.contains("cannot be written"), "{done:?}");
    assert_eq!((calls(&world), opened(&world)), (Vec::new(), Vec::new()));
}

#[test]
fn a_client_that_aws_forgot_is_registered_again() {
    let world = corp();
    let words = [&LOGIN[..], &["--use-device-code", "--refresh"]].concat();
    assert!(world.run(&words).status.success());
    world.aws.sso().forget_clients();
    world.aws.take_calls();
    assert!(world.run(&words).status.success());
    let start = "StartDeviceAuthorization";
    assert_eq!(calls(&world)[..3], [start, "RegisterClient", start]);
}

#[test]
fn a_network_that_is_away_for_a_moment_ends_no_sign_in_with_a_code() {
    let world = corp();
    for fault in [Fault::Drop(When::Before), Fault::Html, Fault::Throttle, Fault::ServerError(When::Before, 503)] {
        world.aws.fault("CreateToken", fault, 1);
    }
    let done = world.run(&[&LOGIN[..], &["--use-device-code"]].concat());
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn a_refusal_to_register_names_what_to_check() {
    let world = corp();
    world.edit_config("sso_region = eu-west-1", "sso_region = eu-west-1\nsso_registration_scopes = sso:account:acess");
    world.run(&LOGIN).expect(
        5,
        "",
        "error: could not sign in to SSO session `corp`: the sign-in could not be started: AWS refused it \
         (InvalidScopeException): Invalid scope provided\n\
         hint: check `sso_start_url`, `sso_region` and `sso_registration_scopes`\n",
    );
}

#[test]
fn a_session_that_is_not_there_is_named_with_one_that_is() {
    let world = corp();
    let done = world.run(&["login", "--sso", "crop"]);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(
        done.stderr.contains("`[sso-session crop]`") && done.stderr.ends_with("hint: did you mean `corp`?\n"),
        "{done:?}"
    );
}

#[test]
fn any_program_of_this_machine_may_knock_and_ends_nothing() {
    let world = corp();
    world.aws.sso().person(Person::Waits);
    let mut session = world.at_terminal(&[&LOGIN[..], &["--no-browser"]].concat());
    session.wait_for("redirect_uri=http%3A%2F%2F127.0.0.1%3A", PATIENCE);
    let rest = session.screen();
    let port = rest.split("127.0.0.1%3A").nth(1).and_then(|it| it.split('%').next()).expect("a port").to_owned();
    session.wait_for("code_challenge=", PATIENCE);
    session.wait_for("\r\n", PATIENCE);
    let knock = |path: &str| {
        let address = format!("http://127.0.0.1:{port}{path}");
        let asked = Command::new("curl").args(["-s", "-o", "/dev/null", "-w", "%{http_code}", &address]).output();
        String::from_utf8(asked.expect("curl").stdout).expect("text")
    };
    assert_eq!(knock("/oauth/callback?error=access_denied"), "403");
    assert_eq!(knock("/oauth/callback?code=theirs&state=guessed"), "403");
    assert_eq!(knock("/"), "404");
    world.aws.sso().person(Person::Approves);
    let screen = session.screen();
    let address = screen.split_whitespace().find(|word| word.starts_with("http:")).expect("an address").to_owned();
    assert!(Command::new("curl").args(["-sfL", &address]).output().expect("curl").status.success());
    session.finish(PATIENCE).expect(0, "", SIGNED_IN);
}
