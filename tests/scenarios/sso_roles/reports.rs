//! What `show` and `list` tell about a sign-in without a call, and what is said about options and hints that do not apply.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::{HOUR, MINUTE, SsoHome, token_file};
use crate::support::aws::RoleSpec;
use crate::support::pty::{PATIENCE, Pty, Stream};
use crate::support::world::{MFA_CRED, World, calls, json as read_json};

fn shown(world: &World, profile: &str) -> String {
    let done = world.run(&["show", profile]);
    assert!(done.status.success(), "{done:?}");
    let line = done.stdout.lines().find_map(|line| line.strip_prefix("  sign-in: ").map(str::to_owned));
    line.unwrap_or_else(|| panic!("{done:?}"))
}

/// The profile's row of `list` on a terminal, in words.
fn row(world: &World, profile: &str) -> Vec<String> {
    let mut command = Command::new(MFA_CRED);
    world.dress(&mut command);
    command.args(["list", "--color", "never"]);
    let session = Pty::default().sized(24, 120).streams(Stream::Terminal, Stream::Terminal).spawn(command);
    let text = session.finish(PATIENCE).terminal;
    let row = text.lines().find(|line| line.split_whitespace().next() == Some(profile));
    row.unwrap_or_else(|| panic!("{text}")).split_whitespace().map(str::to_owned).collect()
}

fn listed(world: &World, profile: &str) -> Value {
    let rows = read_json(&world.run(&["list", "--json"]));
    rows.as_array().expect("rows").iter().find(|row| row["name"] == profile).expect("a row").clone()
}

#[test]
fn show_and_list_tell_until_when_the_sign_in_is_valid_and_whether_it_can_be_renewed() {
    for (left, is_renewable, begins, ends, state, in_list) in [
        (HOUR, true, "valid until ", "59m left (renewable without a person)", "valid", "sso"),
        (HOUR, false, "valid until ", "59m left (not renewable)", "valid", "sso"),
        (MINUTE * -5, true, "expired at ", "Z (renewable without a person)", "expired", "sso"),
        (MINUTE * -5, false, "expired at ", "Z (not renewable)", "expired", "sso (signed out)"),
    ] {
        let home = SsoHome::with(left);
        let world = &home.world;
        let mut token = home.token();
        if !is_renewable {
            token.as_object_mut().expect("an object").remove("refreshToken").expect("it was there");
            home.write(&token);
        }
        let said = shown(world, "dev").replace(", 1h left", ", 59m left");
        assert!(said.starts_with(begins) && said.ends_with(ends), "{said}");
        let end = token["expiresAt"].as_str().expect("a time");
        let signed_in = json!({"state": state, "until": end, "renewable": is_renewable});
        assert_eq!(read_json(&world.run(&["show", "dev", "--json"]))["plan"]["sign_in"], signed_in);
        assert_eq!(listed(world, "dev")["sign_in"], signed_in);
        let shown = row(world, "dev").join(" ");
        let time = if state == "valid" { "59m" } else { "-" };
        assert!(shown.starts_with(&format!("dev {in_list} corp ")), "{shown}");
        assert!(shown.replace("1h", "59m").ends_with(time), "{shown}");
        assert_eq!(calls(world), Vec::<String>::new());
    }
}

#[test]
fn without_a_token_show_and_list_say_that_nobody_is_signed_in() {
    let home = SsoHome::with(HOUR);
    let world = &home.world;
    home.write(&json!("half a fi"));
    assert_eq!(shown(world, "dev"), "the token file cannot be used");
    assert_eq!(listed(world, "dev")["sign_in"], json!({"state": "unreadable", "until": null, "renewable": false}));
    fs::remove_file(token_file(world, "corp")).expect("it was there");
    assert_eq!(shown(world, "dev"), "nobody is signed in");
    assert_eq!(listed(world, "dev")["sign_in"], json!({"state": "signed-out", "until": null, "renewable": false}));
    assert!(row(world, "dev").join(" ").starts_with("dev sso (signed out) corp "));
    // A program gets the same table, with the time of what is cached alone.
    assert!(world.run(&["list"]).stdout.starts_with("dev\tsso (signed out)\tcorp\t"));
    // What is cached is of use without a sign-in.
    let other = SsoHome::with(HOUR);
    assert!(other.process().status.success());
    fs::remove_file(token_file(&other.world, "corp")).expect("it was there");
    assert!(row(&other.world, "dev").join(" ").starts_with("dev sso corp "));
}

/// Sessions of `aws login` have a file of their own.
#[test]
fn show_and_list_tell_the_same_of_a_session_of_aws_login() {
    let world = World::empty();
    world.aws.add_user("alice");
    let arn = format!("arn:aws:iam::{}:user/alice", world.aws.account());
    let file = format!(".aws/login/cache/{}", mfa_cred::signin::file_name(&arn));
    world.write(".aws/config", format!("[profile person]\nlogin_session = {arn}\nregion = eu-west-1\n"));
    assert_eq!(shown(&world, "person"), "nobody is signed in");
    assert!(row(&world, "person").join(" ").starts_with("person login (signed out) "));
    world.write(&file, world.aws.login("alice", true, 600).text);
    let said = shown(&world, "person");
    assert!(said.starts_with("valid until ") && said.ends_with("m left (renewable without a person)"), "{said}");
    assert!(row(&world, "person").last().is_some_and(|left| left == "9m" || left == "10m"));
    assert_eq!(listed(&world, "person")["sign_in"]["state"], "valid");
    assert_eq!(calls(&world), Vec::<String>::new());
}

#[test]
fn a_duration_that_nothing_takes_is_named_with_the_reason() {
    let home = SsoHome::with(HOUR);
    let world = &home.world;
    let arn = world.aws.add_role(RoleSpec::new("deploy").trust_role(&home.role));
    world.add_config(&format!("[profile deploy]\nrole_arn = {arn}\nsource_profile = dev\n"));
    let said = "warning: `--duration` has no effect: the permission set in IAM Identity Center decides how long \
                credentials of role `Developer` last\n";
    // Also when they are cached.
    for _ in 0..2 {
        let done = world.run(&["process", "dev", "--duration", "2h"]);
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), said), "{done:?}");
    }
    assert!(world.run(&["show", "dev", "--duration", "2h"]).stdout.contains("`--duration` has no effect"));
    // A role on top takes it, and what is set for every profile is not about this one.
    let done = world.run(&["process", "deploy", "--duration", "30m"]);
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{done:?}");
    world.set("MFA_CRED_DURATION", "2h");
    let done = world.run(&["process", "dev"]);
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{done:?}");
}

/// `--refresh` would ask for no code.
#[test]
fn a_role_that_is_denied_without_a_code_does_not_hint_at_refresh() {
    let home = SsoHome::with(HOUR);
    let arn = home.world.aws.add_role(RoleSpec::new("deploy").trust_user("alice"));
    home.world.add_config(&format!("[profile deploy]\nrole_arn = {arn}\nsource_profile = dev\n"));
    let done = home.world.run(&["process", "deploy"]);
    assert_eq!(done.status.code(), Some(5), "{done:?}");
    let hint = "hint: the role's trust policy, your policy or an SCP denies it; the request carried ";
    assert!(done.stderr.contains(hint) && !done.stderr.contains("--refresh"), "{done:?}");
}
