//! When calls are made, when cached credentials are served, and what happens to them if AWS refuses a call.

use super::{add_role, calls, json, member, seen, signed_in};
use crate::support::aws::{Fault, When};
use crate::support::world::{Cast, World, variable};

/// The access key ID that a run of `process` returned.
fn key_id(done: &crate::support::pty::Finished) -> String {
    assert!(done.status.success(), "{done:?}");
    member(&json(done), "/AccessKeyId").as_str().expect("a key").to_owned()
}

#[test]
fn refresh_redoes_every_step_including_the_code() {
    let cast = signed_in();
    let world = &cast.world;
    let cold = world.run(&["process", "deploy", "--refresh"]);
    assert_eq!((cold.status.code(), cold.stdout.as_str()), (Some(3), ""));
    let before = key_id(&world.run(&["process", "deploy"]));
    let after = key_id(&world.sign_in(&cast.device, &["process", "deploy", "--refresh"]));
    assert_eq!(calls(world), ["GetSessionToken", "AssumeRole"]);
    assert_ne!(before, after);
    assert_eq!(key_id(&world.run(&["process", "deploy"])), after);
    // The session that signed it is new, too.
    assert!(world.run(&["process", "audit"]).status.success());
    assert_eq!(calls(world), ["AssumeRole"]);
}

#[test]
fn a_role_below_the_minimum_lifetime_is_renewed_silently() {
    let cast = signed_in();
    let world = &cast.world;
    for (words, renewed) in [
        (&["process", "deploy", "--min-ttl", "59m"][..], false),
        (&["process", "deploy", "--min-ttl", "2h"], true),
        (&["process", "deploy"], false),
    ] {
        let done = world.run(words);
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{words:?}");
        assert_eq!(calls(world), if renewed { vec!["AssumeRole"] } else { vec![] }, "{words:?}");
    }
    world.set("MFA_CRED_MIN_TTL", "2h");
    assert!(world.run(&["env", "deploy"]).status.success());
    assert_eq!(calls(world), ["AssumeRole"]);
}

/// Moves AWS's clock forward by this much, and lets the program learn it from a call for `audit`.
fn let_time_pass(world: &World, seconds: i64) {
    world.aws.skew(seconds);
    world.run(&["process", "audit", "--min-ttl", "12h"]);
    calls(world);
}

#[test]
fn an_sdk_gets_renewed_credentials_earlier_than_a_person() {
    // Of the hour, 21, 15 and 4 minutes are left.
    for (minutes, person, sdk) in [(39, false, false), (45, false, true), (56, true, true)] {
        let cast = signed_in();
        let_time_pass(&cast.world, minutes * 60);
        let renews = |word: &str| {
            assert!(cast.world.run(&[word, "deploy"]).status.success());
            let calls = calls(&cast.world);
            assert!(calls.is_empty() || calls == ["AssumeRole"], "{calls:?}");
            !calls.is_empty()
        };
        assert_eq!(renews("env"), person, "{minutes}");
        // Credentials renewed for the person are new for the SDK, too.
        assert_eq!(renews("process"), sdk && !person, "{minutes}");
    }
}

#[test]
fn valid_credentials_are_served_with_a_warning_when_renewal_fails() {
    let cast = signed_in();
    let world = &cast.world;
    let words = ["process", "deploy", "--min-ttl", "2h"];
    let before = key_id(&world.run(&["process", "deploy"]));
    let role = "AssumeRole arn:aws:iam::123456789012:role/deploy for profile `deploy`";
    let start = "warning: the credentials of `deploy` were not renewed; the old ones are still valid:";
    for (fault, times, why) in [
        (Fault::Drop(When::Before), 9, "the answer was lost (the connection broke)"),
        (Fault::ServerError(When::Before, 503), 9, "AWS failed to answer (HTTP 503)"),
        (Fault::Throttle, 9, "AWS is throttling calls"),
        (Fault::Html, 9, "the answer is not one of AWS's, or was cut off"),
        (Fault::Refuse(403, "AccessDenied".to_owned(), "no".to_owned()), 1, "AWS refused it (AccessDenied): no"),
    ] {
        world.aws.fault("AssumeRole", fault.clone(), times);
        let done = world.run(&words);
        world.aws.heal();
        assert_eq!(done.stderr, format!("{start} {role}: {why}\n"), "{fault:?}");
        assert_eq!(key_id(&done), before, "{fault:?}");
    }
    // The session that would sign has expired, and nobody can be asked.
    let session = world.aws.calls().last().expect("a call").access_key_id.clone();
    world.aws.expire(&session);
    let done = world.run(&words);
    let why = "profile `deploy` needs an MFA code, but there is no terminal to ask on";
    assert_eq!(done.stderr, format!("{start} {why}\n"));
    assert_eq!(key_id(&done), before);
    // A request to redo everything is not answered with old credentials.
    let done = world.run(&["process", "deploy", "--refresh"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(3), ""));
}

#[test]
fn expired_credentials_are_never_served() {
    let cast = signed_in();
    let world = &cast.world;
    // Half a minute before its end a role counts as expired; once the session has expired, too, a person is needed.
    let_time_pass(world, 3_570);
    world.aws.fault("AssumeRole", Fault::Drop(When::Before), 9);
    let done = world.run(&["process", "deploy"]);
    world.aws.heal();
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(6), ""), "{done:?}");
    let_time_pass(world, 13 * 3_600);
    let done = world.run(&["process", "deploy"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(3), ""), "{done:?}");
}

#[test]
fn a_session_that_aws_no_longer_accepts_is_renewed_once() {
    type End = fn(&World, &str);
    let ends: [(End, &str); 2] = [
        (|world, session| world.aws.revoke(session), "InvalidClientTokenId"),
        (|world, session| world.aws.expire(session), "ExpiredToken"),
    ];
    for (end, why) in ends {
        let cast = signed_in();
        let world = &cast.world;
        assert!(world.run(&["process", "audit"]).status.success());
        let session = world.aws.take_calls()[0].access_key_id.clone();
        end(world, &session);
        // Nobody can be asked: one call, and the cached entries of the other roles are kept.
        let done = world.run(&["process", "audit", "--min-ttl", "2h"]);
        assert!(done.status.success(), "{done:?}");
        add_role(&cast, "third", "");
        let cold = world.run(&["process", "third"]);
        assert_eq!((cold.status.code(), cold.stdout.as_str()), (Some(3), ""), "{why}");
        calls(world);
        let done = world.sign_in(&cast.device, &["process", "third"]);
        assert_eq!(done.stderr, "", "{why}");
        assert_eq!(calls(world), ["GetSessionToken", "AssumeRole"], "{why}");
    }
    // In one run: the call, the code, the call.
    let cast = signed_in();
    let world = &cast.world;
    assert!(world.run(&["process", "audit"]).status.success());
    world.aws.revoke(&world.aws.take_calls()[0].access_key_id);
    add_role(&cast, "third", "");
    world.sign_in(&cast.device, &["process", "third"]);
    assert_eq!(calls(world), ["AssumeRole", "GetSessionToken", "AssumeRole"]);
    // And only once.
    world.aws.fault("AssumeRole", Fault::expired_token(), 9);
    add_role(&cast, "fourth", "");
    let done = world.run_with_stdin(&["process", "fourth", "--mfa-token", "-"], &cast.device.fresh_code());
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(5), ""));
    assert_eq!(calls(world), ["AssumeRole", "GetSessionToken", "AssumeRole"]);
}

#[test]
fn a_throttled_call_without_a_code_is_retried() {
    let cast = signed_in();
    let world = &cast.world;
    for fault in [Fault::Throttle, Fault::ServerError(When::Before, 503), Fault::Drop(When::After)] {
        world.aws.fault("AssumeRole", fault.clone(), 1);
        let done = world.run(&["process", "audit", "--min-ttl", "2h"]);
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{fault:?}");
        assert_eq!(calls(world), ["AssumeRole", "AssumeRole"], "{fault:?}");
    }
}

#[test]
fn no_cache_neither_reads_nor_writes_the_cache() {
    let cast = signed_in();
    let world = &cast.world;
    let entries = world.entries();
    let cold = world.run(&["process", "deploy", "--no-cache"]);
    assert_eq!((cold.status.code(), cold.stdout.as_str()), (Some(3), ""));
    let before = key_id(&world.run(&["process", "deploy"]));
    let fresh = key_id(&world.sign_in(&cast.device, &["process", "deploy", "--no-cache"]));
    assert_eq!(calls(world), ["GetSessionToken", "AssumeRole"]);
    assert_eq!((key_id(&world.run(&["process", "deploy"])), world.entries()), (before.clone(), entries));
    assert_ne!(before, fresh);
    // A code is spent nevertheless.
    let code = cast.device.fresh_code();
    let words = ["process", "deploy", "--no-cache", "--mfa-token", "-"];
    assert!(world.run_with_stdin(&words, &code).status.success());
    assert_eq!(world.run_with_stdin(&words, &code).status.code(), Some(4));
}

#[test]
fn no_prompt_works_as_an_option_and_as_a_variable() {
    let Cast { world, .. } = World::cast();
    let hint = "error: profile `deploy` needs an MFA code, but there is no terminal to ask on\n\
                hint: run `mfa-cred login deploy` in a terminal\n";
    assert_eq!(seen(&world.run(&["process", "deploy", "--no-prompt"])), (Some(3), "", hint));
    for value in ["1", "true", "yes"] {
        world.set("MFA_CRED_NO_PROMPT", value);
        let done = world.at_terminal(&["process", "deploy"]).finish(crate::support::pty::PATIENCE);
        assert_eq!((seen(&done), done.terminal.as_str()), ((Some(3), "", hint), ""), "{value}");
    }
}

#[test]
fn a_user_gets_a_session_and_long_term_keys_only_without_a_device() {
    let cast = World::cast();
    let world = &cast.world;
    let done = world.run(&["env", "alice"]);
    assert_eq!(
        done.stderr,
        "warning: profile `alice` has no `mfa_serial`, so these are its long-term keys, without MFA: set `mfa_serial = auto` to use the device that IAM lists, or create one with `mfa-cred device enroll --profile alice`\n"
    );
    assert_eq!(variable(&done.stdout, "AWS_ACCESS_KEY_ID"), cast.key.id);
    let serial = cast.device.serial().to_owned();
    let done = world.sign_in(&cast.device, &["env", "alice", "--mfa-serial", &serial, "--duration", "36h"]);
    assert_eq!(done.stderr, "");
    assert_eq!(calls(world), ["GetSessionToken"]);
    assert!(done.stdout.contains("AWS_SESSION_TOKEN"));
}
