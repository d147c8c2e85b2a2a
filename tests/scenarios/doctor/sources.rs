//! The check of the file that a profile's credentials come from.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{finding, findings};
use crate::support::aws::Claims;
use crate::support::world::World;

fn says(world: &World, status: &str, what: &str, repair: Option<&str>) {
    let rows = findings(world, &["person", "--offline"]);
    let row = finding(&rows, "source-file");
    assert_eq!(row["status"], status, "{row}");
    assert!(row["what"].as_str().expect("text").contains(what), "{what}: {row}");
    assert_eq!(row["repair"].as_str(), repair, "{row}");
}

#[test]
fn a_login_at_identity_center_is_live_renewable_expired_or_missing() {
    let world = World::empty();
    world.write(
        ".aws/config",
        "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-east-1\n\
         [profile person]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev\nregion = us-east-1\n",
    );
    let login = Some("`mfa-cred login person` signs in");
    says(&world, "warn", "`person` is not signed in to IAM Identity Center", login);
    // The SHA-1 of `corp`.
    let file = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
    let token = |rest: &str| {
        world.write(
            file,
            format!("{{\"startUrl\": \"https://corp.awsapps.com/start\", \"region\": \"us-east-1\", {rest}}}"),
        );
    };
    token(r#""accessToken": "x", "expiresAt": "2999-01-01T00:00:00Z""#);
    says(&world, "pass", "`person` is signed in to IAM Identity Center", None);
    token(r#""accessToken": "x", "expiresAt": "2020-01-01T00:00:00Z""#);
    says(&world, "warn", "has expired", Some("`mfa-cred login person` signs in again"));
    token(
        r#""accessToken": "x", "expiresAt": "2020-01-01T00:00:00Z", "refreshToken": "y", "clientId": "i",
        "clientSecret": "s", "registrationExpiresAt": "2999-01-01T00:00:00Z""#,
    );
    says(&world, "pass", "its token is renewed when it is needed", None);
    world.write(file, "nonsense");
    let repair = format!("`rm {}`, then `mfa-cred login person`", world.home().join(file).display());
    says(&world, "fail", "", Some(&repair));
}

#[test]
fn a_token_file_is_there_and_has_not_expired() {
    let world = World::empty();
    let file = world.home().join("a.token");
    let role = "arn:aws:iam::123456789012:role/pod";
    world.write(
        ".aws/config",
        format!(
            "[profile person]\nregion = eu-west-1\nrole_arn = {role}\nweb_identity_token_file = {}\n",
            file.display()
        ),
    );
    says(&world, "fail", "no token can be read from", Some("start what writes that file, or correct the path"));
    let claims = Claims::of("https://oidc.example", "me");
    fs::write(&file, world.aws.web_token(&claims)).expect("it is written");
    says(&world, "pass", "holds a token that is valid until 2", None);
    fs::write(&file, world.aws.web_token(&Claims { lifetime: -5, ..claims })).expect("it is written");
    let repair = "restart what writes that file (such as the kubelet or a CI job): it has stopped renewing the token";
    says(&world, "fail", "expired at 2", Some(repair));
    fs::write(&file, "an-opaque-token").expect("it is written");
    says(&world, "pass", "does not tell when it expires", None);
}

#[test]
fn a_session_of_aws_login_can_be_renewed_and_is_private() {
    let world = World::empty();
    world.aws.add_user("alice");
    let config = format!("[profile person]\nlogin_session = arn:aws:iam::{}:user/alice\n", world.aws.account());
    world.write(".aws/config", format!("{config}region = eu-west-1\n"));
    let again = Some("`aws login --profile person`");
    says(&world, "fail", "`person` is not signed in: there is no ", again);
    let sign_in = |left: i64| {
        let login = world.aws.login("alice", true, left);
        world.write(&format!(".aws/login/cache/{}", mfa_cred::signin::file_name(&login.arn)), &login.text);
        world.home().join(".aws/login/cache").join(mfa_cred::signin::file_name(&login.arn))
    };
    let file = sign_in(600);
    says(&world, "pass", "`person` is signed in by `aws login`; its credentials last until 2", None);
    sign_in(-600);
    says(&world, "pass", "its credentials are renewed when they are needed", None);
    sign_in(-13 * 3600);
    says(&world, "fail", "the session of `aws login` for `person` has ended", again);
    sign_in(600);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("ours");
    let repair = format!("`chmod 600 {}`", file.display());
    says(&world, "warn", "other users of this machine can read it", Some(&repair));
    fs::write(&file, "{}").expect("it is written");
    says(&world, "fail", "does not hold a session of `aws login`", again);
    sign_in(600);
    world.write(".aws/config", config);
    says(&world, "fail", "`person` has no `region`", Some("add the region in which the session was started"));
}
