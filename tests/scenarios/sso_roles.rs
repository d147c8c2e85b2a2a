//! Profiles that sign in through IAM Identity Center, after the person has: the token in the file that the AWS CLI shares,
//! and the roles that it gives.

mod faults;
mod hostile;
mod logout;
mod others;
mod reports;
mod sources;
mod wire;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::support::aws::{Fault, Issued, RoleSpec, Signer};
use crate::support::pty::Finished;
use crate::support::world::{World, calls, json as read_json};

const ACCOUNT: &str = "210987654321";
const CONFIG: &str = "[profile dev]\nsso_session = corp\nsso_account_id = 210987654321\nsso_role_name = Developer\n\
                      region = eu-central-1\n\
                      [sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n\
                      sso_registration_scopes = sso:account:access\n";

/// A home whose person has signed in with the AWS CLI.
struct SsoHome {
    world: World,
    /// The role's ARN.
    role: String,
    issued: Issued,
}

fn token_file(world: &World, key: &str) -> PathBuf {
    let hash: String = Sha1::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    world.home().join(format!(".aws/sso/cache/{hash}.json"))
}

/// The text of a token file as the AWS CLI writes it, with a key that only a newer one knows.
fn token(world: &World, issued: &Issued, left: SignedDuration) -> Value {
    let end = world.aws.now() + left;
    json!({
        "startUrl": "https://corp.awsapps.com/start",
        "region": "eu-west-1",
        "accessToken": issued.access_token,
        "expiresAt": format!("{}", Timestamp::from_second(end.as_second()).expect("a time")),
        "clientId": issued.client_id,
        "clientSecret": issued.client_secret,
        "registrationExpiresAt": "2099-01-01T00:00:00Z",
        "refreshToken": issued.refresh_token,
        "ofANewerVersion": {"kept": [1, null, "as it is"]},
    })
}

impl SsoHome {
    /// With a token that has this much time left.
    fn with(left: SignedDuration) -> Self {
        let world = World::empty();
        let role = world.aws.sso().assign(ACCOUNT, "Developer");
        world.write(".aws/config", CONFIG);
        let issued = world.aws.sso().sign_in();
        let home = Self { world, role, issued };
        home.write(&token(&home.world, &home.issued, left));
        home
    }

    fn write(&self, token: &Value) {
        let file = token_file(&self.world, "corp");
        let name = file.strip_prefix(self.world.home()).expect("below the home").to_str().expect("text");
        self.world.write(name, token.to_string());
    }

    /// What the token file says.
    fn token(&self) -> Value {
        serde_json::from_slice(&fs::read(token_file(&self.world, "corp")).expect("a token file")).expect("JSON")
    }

    /// The role's credentials for an SDK.
    fn process(&self) -> Finished {
        self.world.run(&["process", "dev"])
    }

    /// Does this process have credentials of the role?
    fn gave_the_role(&self, done: &Finished) {
        assert!(done.status.success(), "{done:?}");
        let given = read_json(done);
        assert_eq!(given["AccountId"], ACCOUNT, "{done:?}");
        let holder = self.world.aws.holder(given["AccessKeyId"].as_str().expect("an ID")).expect("issued here");
        assert!(matches!(holder.signer, Signer::Role { arn, .. } if arn == self.role), "{done:?}");
    }
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A home that is signed in to IAM Identity Center, with the profile `dev`.
pub(crate) fn signed_in() -> World {
    SsoHome::with(HOUR).world
}

#[test]
fn a_role_comes_from_the_token_of_the_aws_cli_and_is_cached() {
    let home = SsoHome::with(HOUR);
    let first = home.process();
    home.gave_the_role(&first);
    assert_eq!((first.stderr.as_str(), calls(&home.world)), ("", vec!["GetRoleCredentials".to_owned()]));
    let second = home.process();
    assert_eq!((second.stdout, calls(&home.world)), (first.stdout, vec![]), "a warm role costs no call");
    let env = home.world.run(&["env", "dev", "--format", "json"]);
    assert!(env.status.success() && calls(&home.world).is_empty(), "{env:?}");
    // Another role, account or login is another entry.
    home.world.aws.sso().assign("333333333333", "Developer");
    home.world.edit_config(ACCOUNT, "333333333333");
    assert_eq!(read_json(&home.process())["AccountId"], "333333333333");
    assert_eq!(calls(&home.world), ["GetRoleCredentials"]);
}

#[test]
fn the_older_form_is_keyed_by_its_start_url() {
    let home = SsoHome::with(HOUR);
    let url = "https://corp.awsapps.com/start";
    home.world.write(
        ".aws/config",
        format!(
            "[profile dev]\nsso_start_url = {url}\nsso_region = eu-west-1\nsso_account_id = {ACCOUNT}\n\
             sso_role_name = Developer\n"
        ),
    );
    assert_eq!(home.process().status.code(), Some(3), "that login has no token");
    fs::rename(token_file(&home.world, "corp"), token_file(&home.world, url)).expect("it is moved");
    home.gave_the_role(&home.process());
}

#[test]
fn a_role_on_top_of_it_is_a_chain() {
    let home = SsoHome::with(HOUR);
    let arn = home.world.aws.add_role(RoleSpec::new("deploy").trust_role(&home.role).max_duration(43_200));
    home.world
        .add_config(&format!("[profile deploy]\nrole_arn = {arn}\nsource_profile = dev\nduration_seconds = 7200\n"));
    let first = home.world.run(&["process", "deploy"]);
    assert!(first.status.success(), "{first:?}");
    assert!(first.stderr.contains("2h was requested, but AWS limits a role that a session assumes to 1h"), "{first:?}");
    assert_eq!(calls(&home.world), ["GetRoleCredentials", "AssumeRole"]);
    home.gave_the_role(&home.process());
    assert_eq!(calls(&home.world), Vec::<String>::new(), "they share the first role");
    // AWS has ended the first role's session: it is dropped, and the work is redone.
    let given = read_json(&home.process());
    home.world.aws.expire(given["AccessKeyId"].as_str().expect("an ID"));
    let again = home.world.run(&["process", "deploy", "--min-ttl", "59m"]);
    assert!(again.status.success(), "{again:?}");
    home.world.aws.take_calls();
    fs::remove_dir_all(home.world.state().join("entries")).expect("the cache");
    assert!(home.world.run(&["process", "deploy"]).status.success());
}

#[test]
fn a_token_is_renewed_in_its_last_quarter_of_an_hour_and_every_other_key_stays() {
    for (left, is_renewed) in [(16, false), (14, true), (1, true), (-600, true)] {
        let home = SsoHome::with(MINUTE * left);
        let before = home.token();
        home.gave_the_role(&home.process());
        let (after, made) = (home.token(), calls(&home.world));
        if !is_renewed {
            assert_eq!((after, made), (before, vec!["GetRoleCredentials".to_owned()]), "{left}");
            continue;
        }
        assert_eq!(made, ["CreateToken", "GetRoleCredentials"], "{left}");
        for key in ["accessToken", "refreshToken", "expiresAt"] {
            assert_ne!(after[key], before[key], "{left}: {key}");
        }
        for key in ["startUrl", "region", "clientId", "clientSecret", "registrationExpiresAt", "ofANewerVersion"] {
            assert_eq!(after[key], before[key], "{left}: {key}");
        }
        let mode = fs::metadata(token_file(&home.world, "corp")).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{left}");
        // The new one renews, too.
        let mut soon = after;
        soon["expiresAt"] = "2020-01-01T00:00:00UTC".into();
        home.write(&soon);
        let again = home.world.run(&["process", "dev", "--refresh"]);
        home.gave_the_role(&again);
        assert_eq!((calls(&home.world).len(), home.world.aws.sso().sessions()), (2, 1), "{left}");
    }
}

/// `process` never starts a browser, and says which command does.
#[test]
fn a_sign_in_that_is_missing_or_over_is_exit_3_with_the_command() {
    let home = SsoHome::with(HOUR);
    let world = &home.world;
    world.write("bin/browser", "#!/bin/sh\ntouch \"$HOME/browser-was-started\"\n");
    let browser = world.home().join("bin/browser");
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).expect("a mode");
    world.set("BROWSER", browser.to_str().expect("text"));
    world.set("DISPLAY", ":0");
    let whole = home.token();
    let expired = || {
        let mut token = whole.clone();
        token["expiresAt"] = "2020-01-01T00:00:00Z".into();
        token
    };
    let without = |name: &str| {
        let mut token = expired();
        token.as_object_mut().expect("an object").remove(name).expect("it was there");
        token
    };
    let mut forgotten = expired();
    forgotten["registrationExpiresAt"] = "2020-01-01T00:00:00Z".into();
    let over = "the sign-in to SSO session `corp` has expired";
    let login = "hint: run `mfa-cred login dev` in a terminal";
    let check = |what: &str, text: &str, hint: &str, made: &[&str]| {
        for words in [&["process", "dev"][..], &["env", "dev", "--no-prompt"]] {
            let done = world.run(words);
            assert_eq!((done.status.code(), done.stdout.as_str()), (Some(3), ""), "{what}: {done:?}");
            assert!(done.stderr.contains(text) && done.stderr.contains(hint), "{what}: {done:?}");
            assert_eq!(calls(world), made, "{what}");
        }
        assert_eq!(world.run(&["status", "dev"]).status.code(), Some(if made.is_empty() { 3 } else { 0 }), "{what}");
    };
    for token in [without("refreshToken"), without("clientId"), without("clientSecret"), forgotten] {
        home.write(&token);
        check("it cannot be renewed", over, login, &[]);
    }
    home.write(&json!("half a fi"));
    check("it is no token", "is not a JSON object", "hint: `mfa-cred login dev` replaces it", &[]);
    fs::remove_file(token_file(world, "corp")).expect("it was there");
    check("there is none", "nobody is signed in to SSO session `corp`", login, &[]);
    // An administrator ended the session.
    world.aws.sso().end_sessions();
    home.write(&expired());
    check("AWS refuses to renew it", over, login, &["CreateToken"]);
    home.write(&whole);
    check("AWS refuses the token", over, login, &["GetRoleCredentials", "CreateToken"]);
    assert!(!world.home().join("browser-was-started").exists());
}

#[test]
fn a_token_that_aws_refuses_is_renewed_once() {
    let home = SsoHome::with(HOUR);
    let mut other = home.token();
    other["accessToken"] = "aoaRevoked".into();
    home.write(&other);
    home.gave_the_role(&home.process());
    assert_eq!(calls(&home.world), ["GetRoleCredentials", "CreateToken", "GetRoleCredentials"]);
}

#[test]
fn a_role_that_is_not_assigned_is_named_with_its_account() {
    let home = SsoHome::with(HOUR);
    home.world.aws.sso().unassign_all();
    let done = home.process();
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(5), ""), "{done:?}");
    let text = "SSO session `corp` does not give role `Developer` in account 210987654321: AWS said `No access`";
    assert!(done.stderr.contains(text) && done.stderr.contains("hint: "), "{done:?}");
    assert_eq!(calls(&home.world), ["GetRoleCredentials"]);
}

#[test]
fn too_many_requests_are_repeated_after_a_pause() {
    let home = SsoHome::with(HOUR);
    let slow = || Fault::Refuse(429, "TooManyRequestsException".to_owned(), "HTTP 429 Unknown Code".to_owned());
    home.world.aws.fault("GetRoleCredentials", slow(), 2);
    home.gave_the_role(&home.process());
    assert_eq!(calls(&home.world).len(), 3);
    home.world.aws.fault("GetRoleCredentials", slow(), 100);
    let done = home.world.run(&["process", "dev", "--refresh", "--no-cache"]);
    assert_eq!(done.status.code(), Some(5), "{done:?}");
    assert!(done.stderr.contains("AWS is throttling calls"), "{done:?}");
}

#[test]
fn reports_know_the_login_the_role_and_the_account() {
    let home = SsoHome::with(HOUR);
    let world = &home.world;
    let show = world.run(&["show", "dev"]);
    let plan = "  base: SSO session `corp`\n  GetRoleCredentials for role `Developer` in account 210987654321\n";
    assert!(show.stdout.contains(plan), "{show:?}");
    assert_eq!(world.run(&["status", "dev"]).status.code(), Some(0));
    assert_eq!(calls(world), Vec::<String>::new());
    home.gave_the_role(&home.process());
    let show = read_json(&world.run(&["show", "dev", "--json"]));
    let step = &show["plan"]["steps"][0];
    assert_eq!((&step["call"], &step["account"]), (&json!("GetRoleCredentials"), &json!(ACCOUNT)));
    assert_eq!((&step["role_name"], &step["role_arn"]), (&json!("Developer"), &Value::Null));
    assert!(step["cached_until"].is_string() && step["duration_seconds"].is_null(), "{show}");
    let list = world.run(&["list"]);
    assert!(list.stdout.starts_with("dev\tsso\tcorp\t210987654321\teu-central-1\t-\t"), "{list:?}");
    let status = world.run(&["status"]);
    assert!(status.stdout.contains("cached\tdev\tSSO role Developer\t"), "{status:?}");
    let status = read_json(&world.run(&["status", "dev", "--json"]));
    let entry = &status["cached"][0];
    assert_eq!((&entry["kind"], &entry["role_name"]), (&json!("sso"), &json!("Developer")), "{status}");
    assert_eq!((&entry["role_arn"], &entry["account"]), (&Value::Null, &json!(ACCOUNT)), "{status}");
    // What is cached stays available when the login is over.
    fs::remove_file(token_file(world, "corp")).expect("it was there");
    assert_eq!(world.run(&["status", "dev"]).status.code(), Some(0));
    home.gave_the_role(&home.process());
}

#[test]
fn endpoints_are_found_as_the_sdks_find_them() {
    let home = SsoHome::with(MINUTE);
    let world = &home.world;
    let url = world.aws.url();
    // Nothing listens there.
    world.set("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    world.set("AWS_ENDPOINT_URL_SSO", &url);
    world.set("AWS_ENDPOINT_URL_SSO_OIDC", &url);
    home.gave_the_role(&home.process());
    assert_eq!(calls(world), ["CreateToken", "GetRoleCredentials"]);
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC"] {
        world.set(name, "");
    }
    world.edit_config("region = eu-central-1\n", "region = eu-central-1\nservices = local\n");
    world.add_config(&format!("[services local]\nsso =\n  endpoint_url = {url}\nsso_oidc =\n  endpoint_url = {url}\n"));
    let mut soon = home.token();
    soon["expiresAt"] = "2020-01-01T00:00:00Z".into();
    home.write(&soon);
    home.gave_the_role(&home.world.run(&["process", "dev", "--refresh"]));
    assert_eq!(calls(world), ["CreateToken", "GetRoleCredentials"]);
}
