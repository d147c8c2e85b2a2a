//! A person's day: one code in the morning serves every role, shell and SDK until the evening.

use std::time::{Duration, Instant};

use crate::support::aws::{RoleSpec, Signer};
use crate::support::pty::PATIENCE;
use crate::support::world::{Cast, World, evaluate, variable};

/// `GetSessionToken(code, 43200)`, `AssumeRole(deploy, 3600)`: the calls, abbreviated.
fn calls(world: &World) -> Vec<String> {
    let brief = |call: &crate::support::aws::Call| {
        let param = |name| call.params.get(name).unwrap_or("-").to_owned();
        let code = if call.params.get("TokenCode").is_some() { "code" } else { "no code" };
        let role = param("RoleArn");
        let role = role.rsplit('/').next().unwrap_or_default().to_owned();
        format!("{}({role} {code} {})", call.action, param("DurationSeconds"))
    };
    world.aws.take_calls().iter().map(brief).collect()
}

#[test]
fn one_code_serves_every_role_and_a_third_run_makes_no_call() {
    let Cast { world, device, .. } = World::cast();
    let mut session = world.at_terminal(&["deploy"]);
    session.wait_for("MFA code for deploy (alice-phone): ", PATIENCE);
    session.type_text(&format!("{}\n", device.fresh_code()));
    let first = session.finish(PATIENCE);
    world.heard("deploy", &first);
    assert!(first.status.success(), "{first:?}");
    assert_eq!(first.stderr, "");
    assert_eq!(calls(&world), ["GetSessionToken(- code 43200)", "AssumeRole(deploy no code 3600)"]);
    let holder = world.aws.holder(&variable(&first.stdout, "AWS_ACCESS_KEY_ID")).expect("a session");
    assert!(matches!(&holder.signer, Signer::Role { arn, .. } if arn.ends_with("/deploy")), "{:?}", holder.signer);
    assert_eq!(variable(&first.stdout, "AWS_REGION"), "ap-northeast-1");
    assert_eq!(variable(&first.stdout, "MFA_CRED_PROFILE"), "deploy");

    let second = world.run(&["env", "audit"]);
    assert!(second.status.success(), "{second:?}");
    assert_eq!((second.stderr.as_str(), calls(&world)), ("", vec!["AssumeRole(audit no code 3600)".to_owned()]));

    for words in [["env", "deploy"], ["process", "audit"]] {
        let warm = world.run(&words);
        assert!(warm.status.success(), "{warm:?}");
        assert_eq!((warm.stderr.as_str(), calls(&world)), ("", Vec::new()));
    }
}

#[test]
fn a_role_for_longer_than_an_hour_is_assumed_with_the_code_directly() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["env", "deploy", "--duration", "2h"]);
    assert_eq!(calls(&world), ["AssumeRole(deploy code 7200)"]);
}

#[test]
fn a_chain_of_two_roles_needs_one_code_and_each_lasts_an_hour() {
    let Cast { world, device, .. } = World::cast();
    let first = format!("arn:aws:iam::{}:role/deploy", world.aws.account());
    let arn = world.aws.add_role(RoleSpec::new("inner").trust_role(&first).max_duration(43_200));
    world.add_config(&format!("[profile inner]\nsource_profile = deploy\nrole_arn = {arn}\n"));
    let done = world.sign_in(&device, &["env", "inner", "--duration", "2h"]);
    assert!(done.stderr.contains("warning: profile `inner`: 2h was requested, but AWS limits"), "{}", done.stderr);
    assert_eq!(
        calls(&world),
        ["GetSessionToken(- code 43200)", "AssumeRole(deploy no code 3600)", "AssumeRole(inner no code 3600)"]
    );
}

#[test]
fn without_a_terminal_a_cold_process_ends_at_once() {
    let Cast { world, .. } = World::cast();
    let start = Instant::now();
    let done = world.run(&["process", "deploy"]);
    let took = start.elapsed();
    assert_eq!(done.status.code(), Some(3));
    assert_eq!(done.stdout, "");
    assert_eq!(
        done.stderr,
        "error: profile `deploy` needs an MFA code, but there is no terminal to ask on\n\
         hint: run `mfa-cred login deploy` in a terminal\n"
    );
    assert!(calls(&world).is_empty());
    assert!(!world.state().join("key-id").exists(), "a keyring was opened");
    // The budget is 100 ms, but this test does not measure a busy machine.
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn two_profiles_in_one_shell_each_get_their_region_without_a_second_code() {
    let Cast { world, device, .. } = World::cast();
    world.edit_config("[profile audit]\n", "[profile audit]\nregion = eu-west-1\n");
    let first = world.sign_in(&device, &["deploy"]);
    assert_eq!(variable(&first.stdout, "AWS_REGION"), "ap-northeast-1");
    world.set("MFA_CRED_PROFILE", "deploy");
    world.set("AWS_REGION", "ap-northeast-1");
    world.set("AWS_DEFAULT_REGION", "ap-northeast-1");
    let second = world.run(&["env", "audit"]);
    assert_eq!(variable(&second.stdout, "AWS_REGION"), "eu-west-1");
    assert_eq!(world.aws.count("GetSessionToken"), 1);
}

/// A shell in which a day's commands run one after the other, each with the variables that the previous one set.
fn eval(world: &World, words: &[&str]) -> [Option<String>; 2] {
    let done = world.run(words);
    assert!(done.status.success(), "{words:?}: {done:?}");
    let names = ["AWS_REGION", "AWS_DEFAULT_REGION", "MFA_CRED_PROFILE", "MFA_CRED_EXPORTED_REGION"];
    let held = |name: &&str| world.variable(name).map(|value| format!("export {name}='{value}'\n"));
    let before: String = names.iter().filter_map(held).collect();
    let after = evaluate(&(before + &done.stdout));
    for name in names {
        let value = after.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value);
        world.set(name, value);
    }
    ["AWS_REGION", "AWS_DEFAULT_REGION"].map(|name| world.variable(name).filter(|value| !value.is_empty()))
}

#[test]
fn the_region_does_not_depend_on_what_the_shell_held_before() {
    let Cast { world, device, .. } = World::cast();
    world.edit_config("region = ap-northeast-1\n", "");
    world.edit_config("[profile deploy]\n", "[profile deploy]\nregion = us-west-2\n");
    world.edit_config("[profile audit]\n", "[profile audit]\nregion = eu-west-1\n");
    world.sign_in(&device, &["login", "deploy"]);
    let both = |region: &str| [Some(region.to_owned()), Some(region.to_owned())];
    // A region that the user exported applies to profiles without a region, and only to those.
    world.set("AWS_DEFAULT_REGION", "us-east-1");
    assert_eq!(eval(&world, &["alice"]), both("us-east-1"));
    assert_eq!(eval(&world, &["deploy"]), both("us-west-2"));
    assert_eq!(eval(&world, &["deploy"]), both("us-west-2"));
    assert_eq!(eval(&world, &["env", "audit"]), both("eu-west-1"));
    // The region that `audit` set is unset with it, and the user had set none.
    assert_eq!(eval(&world, &["alice"]), [None, None]);
    let seen = world.run(&["exec", "alice", "--", "printenv", "AWS_REGION", "AWS_DEFAULT_REGION"]);
    assert_eq!((seen.status.code(), seen.stdout.as_str()), (Some(1), ""), "{seen:?}");
    // What the user sets later stays.
    world.set("AWS_REGION", "eu-north-1");
    assert_eq!(eval(&world, &["alice"]), both("eu-north-1"));
    assert_eq!(eval(&world, &["alice"]), both("eu-north-1"));
}

#[test]
fn a_region_from_an_option_or_setting_does_not_stay_for_the_next_profile() {
    let Cast { world, device, .. } = World::cast();
    world.edit_config("region = ap-northeast-1\n", "");
    world.edit_config("[profile deploy]\n", "[profile deploy]\nregion = us-west-2\n");
    world.sign_in(&device, &["login", "deploy"]);
    let both = |region: &str| [Some(region.to_owned()), Some(region.to_owned())];
    let noted = |world: &World| world.variable("MFA_CRED_EXPORTED_REGION").filter(|value| !value.is_empty());
    // For another profile, and for the same one.
    assert_eq!(eval(&world, &["deploy", "--region", "eu-west-1"]), both("eu-west-1"));
    assert_eq!(noted(&world).as_deref(), Some("eu-west-1"));
    assert_eq!(eval(&world, &["alice"]), [None, None]);
    assert_eq!(noted(&world), None);
    assert_eq!(eval(&world, &["alice", "--region", "eu-west-1"]), both("eu-west-1"));
    assert_eq!(eval(&world, &["alice"]), [None, None]);
    // From a variable, and from a setting that changes afterward.
    world.set("MFA_CRED_REGION", "eu-west-2");
    assert_eq!(eval(&world, &["alice"]), both("eu-west-2"));
    world.set("MFA_CRED_REGION", "");
    assert_eq!(eval(&world, &["alice"]), [None, None]);
    for region in ["eu-west-3", "eu-north-1"] {
        world.write("config/mfa-cred/config.ini", format!("region = {region}\n"));
        assert_eq!(eval(&world, &["alice"]), both(region));
    }
    world.write("config/mfa-cred/config.ini", "");
    assert_eq!(eval(&world, &["alice"]), [None, None]);
    // The user's own region stays, although an option once named it.
    world.set("AWS_REGION", "sa-east-1");
    for words in [&["alice", "--region", "sa-east-1"][..], &["alice"], &["alice"]] {
        assert_eq!(eval(&world, words), both("sa-east-1"), "{words:?}");
    }
    // A profile's region needs no record, and a recorded one is removed with the rest.
    eval(&world, &["deploy", "--region", "us-west-2"]);
    assert_eq!(noted(&world), None);
    eval(&world, &["deploy", "--region", "eu-west-1"]);
    assert!(world.run(&["unset"]).stdout.contains("unset MFA_CRED_EXPORTED_REGION;"));
    let seen = world.run(&["exec", "alice", "--", "printenv", "AWS_REGION", "MFA_CRED_EXPORTED_REGION"]);
    assert_eq!((seen.status.code(), seen.stdout.as_str()), (Some(1), ""), "{seen:?}");
}
