//! Web identities with the real binary: a token in a file, the strict STS, and what stands in the way.

use std::fs;
use std::path::PathBuf;

use crate::support::aws::{Claims, Effect, Fault, RoleSpec, Signer};
use crate::support::files::make_pipe;
use crate::support::pty::Finished;
use crate::support::world::{World, calls, json};

const ISSUER: &str = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE";
const SUBJECT: &str = "system:serviceaccount:prod:deployer";

/// A home with a token and two roles: `pod` trusts the token's subject, and `inner` trusts `pod`.
fn pod() -> World {
    let world = World::empty();
    world.aws.add_provider(ISSUER);
    let pod = world.aws.add_role(RoleSpec::new("pod").trust_web(ISSUER, SUBJECT).max_duration(43_200));
    let inner = world.aws.add_role(RoleSpec::new("inner").trust_role(&pod));
    let file = token_file(&world);
    world.write(
        ".aws/config",
        format!(
            "[profile pod]\nrole_arn = {pod}\nweb_identity_token_file = {}\n\
             [profile inner]\nrole_arn = {inner}\nsource_profile = pod\n",
            file.display()
        ),
    );
    mint(&world, &Claims::of(ISSUER, SUBJECT));
    world
}

fn token_file(world: &World) -> PathBuf {
    world.home().join("pod.token")
}

fn mint(world: &World, claims: &Claims) {
    fs::write(token_file(world), world.aws.web_token(claims) + "\n").expect("it is written");
}

/// The role's session that a `process` command printed.
fn session(world: &World, done: &Finished) -> (String, String) {
    assert!(done.status.success(), "{done:?}");
    let id = json(done)["AccessKeyId"].as_str().expect("an id").to_owned();
    match world.aws.holder(&id).expect("this AWS issued it").signer {
        Signer::Role { arn, session_name } => (arn.rsplit('/').next().unwrap_or_default().to_owned(), session_name),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_gives_the_role_of_its_profile_and_the_ones_after_it() {
    let world = pod();
    world.set("AWS_ROLE_SESSION_NAME", "pod-1");
    let first = world.run(&["process", "pod", "--duration", "12h"]);
    assert_eq!(session(&world, &first), ("pod".to_owned(), "pod-1".to_owned()));
    assert_eq!(json(&first)["AccountId"], world.aws.account());
    let left = json(&first)["Expiration"].as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time");
    assert!(left.duration_since(world.aws.now()).as_hours() >= 11, "{left}");
    assert_eq!(calls(&world), ["AssumeRoleWithWebIdentity"]);

    // Both are cached, the first also for the one after it.
    let second = world.run(&["process", "inner"]);
    assert_eq!(session(&world, &second).0, "inner");
    assert_eq!(calls(&world), ["AssumeRoleWithWebIdentity", "AssumeRole"]);
    for (profile, before) in [("inner", &second), ("pod", &world.run(&["process", "pod"]))] {
        assert_eq!(world.run(&["process", profile]).stdout, before.stdout);
    }
    assert_eq!(calls(&world), [""; 0]);
}

#[test]
fn a_rotated_token_keeps_the_cached_session_and_another_identity_does_not() {
    let world = pod();
    let first = world.run(&["process", "pod"]);
    session(&world, &first);
    // The kubelet writes a new token of the same service account.
    mint(&world, &Claims::of(ISSUER, SUBJECT));
    assert_eq!(world.run(&["process", "pod"]).stdout, first.stdout);
    assert_eq!(calls(&world).len(), 1);
    // Another service account, whom the role does not trust, does not get the first one's session.
    mint(&world, &Claims::of(ISSUER, "system:serviceaccount:prod:other"));
    let other = world.run(&["process", "pod"]);
    assert_eq!((other.status.code(), other.stdout.as_str()), (Some(5), ""), "{other:?}");
    assert_eq!(calls(&world), ["AssumeRoleWithWebIdentity"]);
}

#[test]
fn the_environments_web_identity_is_used_only_where_a_profile_says_so() {
    let world = pod();
    let role = |name: &str| format!("arn:aws:iam::{}:role/{name}", world.aws.account());
    world.add_config(&format!(
        "[profile around]\nrole_arn = {}\ncredential_source = Environment\n[profile nothing]\nregion = eu-west-1\n",
        role("inner")
    ));
    world.set("AWS_WEB_IDENTITY_TOKEN_FILE", token_file(&world).display().to_string());
    world.set("AWS_ROLE_ARN", role("pod"));
    assert_eq!(session(&world, &world.run(&["process", "around"])).0, "inner");
    assert_eq!(calls(&world), ["AssumeRoleWithWebIdentity", "AssumeRole"]);
    let nothing = world.run(&["process", "nothing"]);
    assert_eq!((nothing.status.code(), calls(&world).len()), (Some(1), 0), "{nothing:?}");
}

#[test]
fn each_refusal_of_a_token_has_its_own_hint() {
    let world = pod();
    let refused = |code: &str, hint: &str| {
        let done = world.run(&["process", "pod"]);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(5), ""), "{code}: {done:?}");
        let (first, rest) = done.stderr.split_once('\n').expect("lines");
        let start = format!(
            "error: AssumeRoleWithWebIdentity arn:aws:iam::{}:role/pod for profile `pod`: AWS refused it ({code}): ",
            world.aws.account()
        );
        assert!(first.starts_with(&start), "{done:?}");
        assert_eq!(rest, format!("hint: {hint}\n"), "{done:?}");
    };
    let good = Claims::of(ISSUER, SUBJECT);
    for (claims, code, hint) in [
        (
            Claims { lifetime: -60, ..good.clone() },
            "ExpiredTokenException",
            "the token file is stale: what writes it (such as the kubelet or a CI job) has stopped renewing it; \
             `mfa-cred show pod` names it",
        ),
        (
            Claims { audience: "example".to_owned(), ..good.clone() },
            "InvalidIdentityToken",
            "the token was issued for another audience: request one for an audience that the IAM identity provider \
             lists (usually `sts.amazonaws.com`)",
        ),
        (
            Claims::of("https://example.com", SUBJECT),
            "InvalidIdentityToken",
            "IAM in the role's account has no identity provider with the token's issuer: create it, or check the \
             account in `role_arn`",
        ),
        (
            Claims::of(ISSUER, "somebody"),
            "AccessDenied",
            "the role's trust policy does not admit this identity: compare its conditions with the issuer, subject \
             and audience in the token",
        ),
    ] {
        mint(&world, &claims);
        refused(code, hint);
    }
    fs::write(token_file(&world), "an-access-token").expect("it is written");
    refused(
        "InvalidIdentityToken",
        "AWS needs an OpenID Connect ID token that the provider's published keys verify: check which token is in the \
         file",
    );
    mint(&world, &good);
    let refuse = |code: &str| Fault::Refuse(400, code.to_owned(), "said the provider".to_owned());
    world.aws.fault("AssumeRoleWithWebIdentity", refuse("IDPRejectedClaim"), 1);
    refused(
        "IDPRejectedClaim",
        "the identity provider does not accept the token, which may have been revoked: obtain a new one from it",
    );
    world.aws.take_calls();
    world.aws.fault("AssumeRoleWithWebIdentity", refuse("IDPCommunicationError"), 3);
    refused(
        "IDPCommunicationError",
        "AWS could not reach the identity provider in three attempts: try again, and check that its \
         `.well-known/openid-configuration` is reachable from the internet",
    );
    assert_eq!(calls(&world).len(), 3);
}

#[test]
fn a_provider_that_is_out_of_reach_for_a_moment_is_asked_again() {
    let world = pod();
    let fault = Fault::Refuse(400, "IDPCommunicationError".to_owned(), "a time-out".to_owned());
    world.aws.fault("AssumeRoleWithWebIdentity", fault, 2);
    assert_eq!(session(&world, &world.run(&["process", "pod"])).0, "pod");
    assert_eq!(calls(&world).len(), 3);
}

#[test]
fn a_file_without_a_token_is_an_error_before_any_call() {
    let world = pod();
    let file = token_file(&world);
    let line = format!("{}/.aws/config:3: `web_identity_token_file`", world.home().display());
    let refused = |path: &str, why: &str, hint: &str| {
        let done = world.run(&["process", "pod"]);
        let error = format!("error: {line}: no token can be read from `{path}`: {why}\n{hint}");
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{done:?}");
        assert_eq!(done.stderr, error);
    };
    let shown = file.display().to_string();
    for (bytes, why) in [
        (Vec::new(), "it is empty"),
        (b" \n".to_vec(), "it is empty"),
        (b"two words".to_vec(), "it holds something other than one token"),
        (vec![0xff, 0xfe], "it holds something other than one token"),
        (vec![b'x'; 20_001], "it is longer than the 20,000 characters that AWS accepts"),
    ] {
        fs::write(&file, bytes).expect("it is written");
        refused(&shown, why, "");
    }
    fs::remove_file(&file).expect("it was there");
    let missing = "hint: start what writes that file (such as the kubelet or a CI job), or correct the path";
    refused(&shown, "No such file or directory (os error 2)", &format!("{missing}\n"));
    make_pipe(&file);
    refused(&shown, "it is not a regular file", "");
    for (spelled, hint) in [
        ("~/pod.token", "write the whole path: like the SDKs, mfa-cred expands neither `~` nor variables in it"),
        ("$HOME/pod.token", "write the whole path: like the SDKs, mfa-cred expands neither `~` nor variables in it"),
        (
            "none.token",
            "start what writes that file (such as the kubelet or a CI job), or correct the path; the path is relative \
             to the working folder",
        ),
    ] {
        let config = world.read(".aws/config");
        world.edit_config(&shown, spelled);
        let spelled = world.without_tilde(spelled);
        refused(&spelled, "No such file or directory (os error 2)", &format!("hint: {hint}\n"));
        world.write(".aws/config", config);
    }
    assert_eq!(calls(&world), [""; 0]);
    // A path that is relative to the working folder, as in the SDKs.
    fs::remove_file(&file).expect("it was there");
    mint(&world, &Claims::of(ISSUER, SUBJECT));
    world.edit_config(&shown, "pod.token");
    assert_eq!(session(&world, &world.run(&["process", "pod"])).0, "pod");
}

#[test]
fn a_stale_session_is_served_while_the_token_cannot_be_renewed() {
    let world = pod();
    let first = world.run(&["process", "pod"]);
    session(&world, &first);
    mint(&world, &Claims { lifetime: -60, ..Claims::of(ISSUER, SUBJECT) });
    let old = world.run(&["process", "pod", "--min-ttl", "2h"]);
    assert_eq!(old.stdout, first.stdout, "{old:?}");
    assert!(old.stderr.starts_with("warning: the credentials of `pod` were not renewed"), "{old:?}");
    let refused: Vec<_> = world.aws.take_calls().into_iter().map(|call| call.effect).collect();
    assert_eq!(refused[1..], [Effect::Refused("ExpiredTokenException".to_owned())]);
}

#[test]
fn twenty_processes_make_one_call() {
    let world = pod();
    let children: Vec<_> = (0..20)
        .map(|_| {
            let mut command = world.command(&["process", "inner"]);
            command.stdout(std::process::Stdio::piped()).spawn().expect("it starts")
        })
        .collect();
    let printed: Vec<_> = children.into_iter().map(|child| child.wait_with_output().expect("it ends").stdout).collect();
    assert!(!printed[0].is_empty() && printed.iter().all(|one| *one == printed[0]));
    assert_eq!(calls(&world), ["AssumeRoleWithWebIdentity", "AssumeRole"]);
}

#[test]
fn show_list_and_status_tell_of_a_web_identity() {
    let world = pod();
    session(&world, &world.run(&["process", "pod"]));
    let shown = world.run(&["show", "pod"]);
    let file = token_file(&world);
    for line in [
        format!("  base: the web identity token in `{}`\n", file.display()),
        format!("  AssumeRoleWithWebIdentity arn:aws:iam::{}:role/pod for 1h (cached, ", world.aws.account()),
    ] {
        assert!(world.without_tilde(&shown.stdout).contains(&line), "{line} is not in {shown:?}");
    }
    let plan = &json(&world.run(&["show", "pod", "--json"]))["plan"];
    assert_eq!(plan["steps"][0]["call"], "AssumeRoleWithWebIdentity");
    let listed = json(&world.run(&["list", "--json"]));
    let kinds: Vec<_> = listed.as_array().expect("rows").iter().map(|row| (&row["name"], &row["kind"])).collect();
    assert_eq!(kinds, [(&"pod".into(), &"web-identity".into()), (&"inner".into(), &"role".into())]);
    assert_eq!(world.run(&["status", "pod"]).status.code(), Some(0));
    world.aws.take_calls();
    world.run(&["clear", "pod"]);
    assert_eq!(world.run(&["status", "pod"]).status.code(), Some(0), "no code is needed");
}
