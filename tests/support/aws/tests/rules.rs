//! What AWS allows: codes, durations, sessions, trust policies, parameters.

use std::thread;
use std::time::Duration;

use super::{ask, assert_refused, assume, bench, said, session};
use crate::support::aws::{AccessKey, Device, ROOT, RoleSpec, Signer};

const WRONG_CODE: &str = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
const WRONG_DEVICE: &str = "MultiFactorAuthentication failed, unable to validate MFA code. Please verify your MFA \
                            serial number is valid and associated with this user.";

#[test]
fn a_code_is_valid_one_step_early_or_late_and_only_once() {
    let (aws, key, phone) = bench();
    let give =
        |code: &str| ask(&aws, &key, "GetSessionToken", &[("SerialNumber", phone.serial()), ("TokenCode", code)]);
    // Two steps off either way only where the step does not turn in between: three are safe.
    for (steps, right) in [(-3, false), (3, false), (0, true), (0, false)] {
        let response = give(&phone.code_at(steps));
        assert_eq!(response.status == 200, right, "{steps}: {:?}", said(&response));
        if !right {
            assert_refused(&response, 403, "AccessDenied", WRONG_CODE);
        }
    }
    for _ in 0..5 {
        let (first, second, third) = (phone.fresh_code(), phone.fresh_code(), phone.fresh_code());
        assert!(first != second && second != third);
        for code in [second, first, third] {
            assert_eq!(give(&code).status, 200);
            assert_refused(&give(&code), 403, "AccessDenied", WRONG_CODE);
        }
    }
    assert_refused(&give(&phone.wrong_code()), 403, "AccessDenied", WRONG_CODE);
    phone.set_drift(4);
    assert_refused(&give(&phone.fresh_code()), 403, "AccessDenied", WRONG_CODE);
}

#[test]
fn a_code_in_a_refused_call_is_spent() {
    let (aws, key, phone) = bench();
    let role = aws.add_role(RoleSpec::new("deploy").trust_user("alice").external_id("abc"));
    let code = phone.fresh_code();
    let mfa = [("SerialNumber", phone.serial()), ("TokenCode", code.as_str())];
    assert_refused(&assume(&aws, &key, &role, &mfa), 403, "AccessDenied", "sts:AssumeRole");
    let again = [&mfa[..], &[("ExternalId", "abc")]].concat();
    assert_refused(&assume(&aws, &key, &role, &again), 403, "AccessDenied", WRONG_CODE);
}

#[test]
fn a_device_works_for_its_user_only_and_fido_accepts_no_code() {
    let (aws, key, phone) = bench();
    aws.add_user("bob");
    let others = aws.add_device("bob", "bob");
    let fido = aws.add_device_with_serial("alice", "arn:aws:iam::123456789012:u2f/user/alice/key");
    let hardware = aws.add_device_with_serial("alice", "GAHT12345678");
    let give =
        |serial: &str, code: &str| ask(&aws, &key, "GetSessionToken", &[("SerialNumber", serial), ("TokenCode", code)]);
    for (serial, code) in [
        (others.serial(), others.fresh_code()),
        (fido.serial(), fido.fresh_code()),
        ("arn:aws:iam::123456789012:user/alice", phone.fresh_code()),
    ] {
        assert_refused(&give(serial, &code), 403, "AccessDenied", WRONG_DEVICE);
    }
    assert_eq!(give(hardware.serial(), &hardware.fresh_code()).status, 200);
    let half = ask(&aws, &key, "GetSessionToken", &[("SerialNumber", phone.serial())]);
    assert_refused(&half, 403, "AccessDenied", "must provide both MFA serial number and one time pass code");
}

#[test]
fn durations_have_ranges_and_a_chained_role_lasts_an_hour() {
    let (aws, key, phone) = bench();
    let root = aws.add_user(ROOT);
    let role = aws.add_role(RoleSpec::new("deploy").trust_user("alice").max_duration(7200));
    let long = |secs: &'static str| [("DurationSeconds", secs)];
    for (secs, word) in [("899", "greater than or equal to 900"), ("129601", "less than or equal to 129600")] {
        assert_refused(&ask(&aws, &key, "GetSessionToken", &long(secs)), 400, "ValidationError", word);
    }
    for (secs, word) in [
        ("899", "greater than or equal to 900"),
        ("43201", "less than or equal to 43200"),
        ("7201", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
    ] {
        assert_refused(&assume(&aws, &key, &role, &long(secs)), 400, "ValidationError", word);
    }
    assert_refused(&assume(&aws, &key, &role, &long("1h")), 400, "MalformedInput", "");
    assert_eq!(assume(&aws, &key, &role, &long("7200")).status, 200);
    let session = session(&aws, &key, Some(&phone));
    let first = assume(&aws, &session, &role, &long("3600")).credentials().expect("an hour");
    let second = aws.add_role(RoleSpec::new("second").trust_role(&role).max_duration(7200));
    for (signer, target) in [(&session, &role), (&first, &second)] {
        assert_refused(
            &assume(&aws, signer, target, &long("3601")),
            400,
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        );
    }
    assert_eq!(assume(&aws, &first, &second, &[]).status, 200);

    let life = |key: &AccessKey, params: &[(&str, &str)]| {
        let id = ask(&aws, key, "GetSessionToken", params).credentials().expect("a session").id;
        let end = aws.holder(&id).expect("issued here").expires.expect("a session ends");
        end.as_second() - aws.now().as_second()
    };
    for (key, params, secs) in
        [(&root, &long("129600"), 3600), (&key, &long("129600"), 129_600), (&key, &long("900"), 900)]
    {
        let life = life(key, params);
        assert!((secs - 5..=secs).contains(&life), "{life}");
    }
    assert_refused(&assume(&aws, &root, &role, &[]), 403, "AccessDenied", "may not be assumed by root");
}

#[test]
fn a_session_is_limited_to_few_calls() {
    let (aws, key, phone) = bench();
    let role = aws.add_role(RoleSpec::new("deploy").trust_user("alice"));
    let (plain, strong) = (session(&aws, &key, None), session(&aws, &key, Some(&phone)));
    let assumed = assume(&aws, &key, &role, &[]).credentials().expect("a role");
    for signer in [&plain, &strong, &assumed] {
        let text = "Cannot call GetSessionToken with session credentials";
        assert_refused(&ask(&aws, signer, "GetSessionToken", &[]), 403, "AccessDenied", text);
    }
    assert_refused(&ask(&aws, &plain, "ListMFADevices", &[]), 403, "InvalidClientTokenId", "");
    assert_eq!(ask(&aws, &strong, "ListMFADevices", &[]).status, 200);
    assert_refused(&ask(&aws, &assumed, "GetUser", &[]), 400, "ValidationError", "Must specify userName");
    let code = phone.fresh_code();
    let mfa = [("SerialNumber", phone.serial()), ("TokenCode", code.as_str())];
    assert_refused(&assume(&aws, &plain, &role, &mfa), 403, "AccessDenied", WRONG_DEVICE);
    for signer in [&key, &plain, &strong] {
        let arn = ask(&aws, signer, "GetCallerIdentity", &[]).text("Arn");
        assert_eq!(arn.as_deref(), Some("arn:aws:iam::123456789012:user/alice"));
    }
    let holder = aws.holder(&assumed.id).expect("issued here").signer;
    assert_eq!(holder, Signer::Role { arn: role, session_name: "me".to_owned() });
}

#[test]
fn the_trust_policy_decides() {
    let (aws, key, phone) = bench();
    let bob = aws.add_user("bob");
    let strong = session(&aws, &key, Some(&phone));
    let plain = session(&aws, &key, None);
    let open = |name| RoleSpec::new(name).trust_user("alice");
    let first = assume(&aws, &key, &aws.add_role(open("first")), &[]).credentials().expect("a role");
    let first_arn = format!("arn:aws:iam::{}:role/first", aws.account());
    for (spec, signer, params, passes) in [
        (open("a"), &key, vec![], true),
        (open("b"), &bob, vec![], false),
        (RoleSpec::new("c"), &key, vec![], false),
        (RoleSpec::new("d").trust_account("123456789012"), &bob, vec![], true),
        (RoleSpec::new("e").trust_account("999999999999"), &bob, vec![], false),
        (open("f").account("999999999999"), &key, vec![], true),
        (open("g").require_mfa(), &key, vec![], false),
        (open("h").require_mfa(), &plain, vec![], false),
        (open("i").require_mfa(), &strong, vec![], true),
        (RoleSpec::new("j").trust_role(&first_arn), &first, vec![], true),
        (RoleSpec::new("k").trust_role(&first_arn).require_mfa(), &first, vec![], false),
        (RoleSpec::new("l").trust_role(&first_arn), &strong, vec![], false),
        (open("m").external_id("x/y"), &key, vec![], false),
        (open("n").external_id("x/y"), &key, vec![("ExternalId", "x/z")], false),
        (open("o").external_id("x/y"), &key, vec![("ExternalId", "x/y")], true),
        (open("p").session_name("me"), &key, vec![], true),
        (open("q").session_name("you"), &key, vec![], false),
        (open("r").source_identity("alice"), &key, vec![], false),
        (open("s").source_identity("alice"), &key, vec![("SourceIdentity", "alice")], true),
        (open("t"), &key, vec![("SourceIdentity", "alice")], false),
        (open("u"), &key, vec![("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "")], false),
        (open("v").allow_tags(), &key, vec![("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "")], true),
    ] {
        let role = aws.add_role(spec);
        let response = assume(&aws, signer, &role, &params);
        if passes {
            assert_eq!(response.status, 200, "{role}: {:?}", said(&response));
        } else {
            assert_refused(&response, 403, "AccessDenied", "is not authorized to perform: sts:");
        }
    }
    let aged = aws.add_role(open("aged").mfa_max_age(600));
    assert_eq!(assume(&aws, &strong, &aged, &[]).status, 200);
    aws.age_mfa(601);
    assert_refused(&assume(&aws, &strong, &aged, &[]), 403, "AccessDenied", "sts:AssumeRole");
    let code = phone.fresh_code();
    let mfa = [("SerialNumber", phone.serial()), ("TokenCode", code.as_str())];
    assert_eq!(assume(&aws, &key, &aged, &mfa).status, 200);
}

#[test]
fn source_identity_and_transitive_tags_persist() {
    let (aws, key, _) = bench();
    let spec = |name| RoleSpec::new(name).trust_account("123456789012").allow_tags().allow_source_identity();
    let (first, second) = (aws.add_role(spec("first")), aws.add_role(spec("second")));
    let tag = [("Tags.member.1.Key", "Team"), ("Tags.member.1.Value", "ops")];
    let sticky = [&tag[..], &[("TransitiveTagKeys.member.1", "Team"), ("SourceIdentity", "alice")]].concat();
    let held = assume(&aws, &key, &first, &sticky).credentials().expect("a role");
    let next = assume(&aws, &held, &second, &[]);
    assert_eq!((next.status, next.text("SourceIdentity").as_deref()), (200, Some("alice")));
    let other = assume(&aws, &held, &second, &[("SourceIdentity", "bob")]);
    assert_refused(&other, 403, "AccessDenied", "sts:SetSourceIdentity");
    let clash = assume(&aws, &held, &second, &tag);
    assert_refused(&clash, 400, "InvalidParameterValue", "conflicts with a transitive tag");
}

#[test]
fn parameters_are_validated_against_the_model() {
    let (aws, key, _) = bench();
    let role = aws.add_role(RoleSpec::new("deploy").trust_user("alice").allow_tags());
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let (long, many) = (format!("{policy}{}", " ".repeat(2048)), "x".repeat(1225));
    let members: Vec<String> = (1..=11).map(|n| format!("PolicyArns.member.{n}.arn")).collect();
    let eleven: Vec<(&str, &str)> = members.iter().map(|name| (name.as_str(), arn)).collect();
    for (params, code, word) in [
        (vec![("RoleSessionName", "a b")], "ValidationError", r"at 'roleSessionName'"),
        (vec![("RoleSessionName", "a")], "ValidationError", "length greater than or equal to 2"),
        (vec![("ExternalId", "a b")], "ValidationError", "at 'externalId'"),
        (vec![("ExternalId", &many)], "ValidationError", "at 'externalId'"),
        (vec![("SourceIdentity", "a/b")], "ValidationError", "at 'sourceIdentity'"),
        (vec![("TokenCode", "12345"), ("SerialNumber", "a b")], "ValidationError", "3 validation errors detected"),
        (vec![("TokenCode", "12345a"), ("SerialNumber", arn)], "ValidationError", "at 'tokenCode'"),
        (vec![("Policy", &long)], "ValidationError", "at 'policy'"),
        (vec![("Policy", "{")], "MalformedPolicyDocument", "JSON"),
        (vec![("Policy", "{}")], "MalformedPolicyDocument", "Syntax"),
        (vec![("PolicyArns.member.1.arn", "arn:aws:iam::aws:role/nonsense")], "ValidationError", "is not valid"),
        (eleven.clone(), "ValidationError", "at 'policyArns'"),
        (vec![("Tags.member.1.Key", "a*"), ("Tags.member.1.Value", "b")], "ValidationError", "at 'tags'"),
        (vec![("Tags.member.1.Key", "aws:x"), ("Tags.member.1.Value", "b")], "ValidationError", "reserved"),
        (vec![("TransitiveTagKeys.member.1", "a")], "InvalidParameterValue", "must be included"),
        (vec![("RoleArn", "arn:aws:iam::123456789012:user/alice")], "ValidationError", "Request ARN is invalid"),
    ] {
        let base = [("RoleArn", role.as_str()), ("RoleSessionName", "me")];
        let params: Vec<(&str, &str)> = base.into_iter().chain(params).collect();
        assert_refused(&ask(&aws, &key, "AssumeRole", &params), 400, code, word);
    }
    assert_refused(&ask(&aws, &key, "AssumeRole", &[]), 400, "ValidationError", "2 validation errors detected");
    assert_refused(&ask(&aws, &key, "Nonsense", &[]), 400, "InvalidAction", "Nonsense");
    let names: Vec<[String; 2]> =
        (1..=51).map(|n| ["Key", "Value"].map(|field| format!("Tags.member.{n}.{field}"))).collect();
    let values: Vec<String> = (1..=51).map(|n| format!("{n:0>100}")).collect();
    let tags: Vec<(&str, &str)> = names
        .iter()
        .zip(&values)
        .flat_map(|([key, value], text)| [(key.as_str(), text.as_str()), (value, text)])
        .collect();
    assert_refused(&assume(&aws, &key, &role, &tags), 400, "ValidationError", "less than or equal to 50");
    assert_refused(&assume(&aws, &key, &role, &tags[..100]), 400, "PackedPolicyTooLarge", "of allotted space");
    let ten = [&eleven[..10], &[("Policy", policy)], &tags[..20]].concat();
    let packed = assume(&aws, &key, &role, &ten);
    assert_eq!(packed.status, 200, "{:?}", said(&packed));
    assert!(packed.text("PackedPolicySize").is_some_and(|percent| percent.parse::<u8>().is_ok_and(|p| p > 0)));
}

#[test]
fn keys_and_sessions_expire_and_can_be_revoked() {
    let (aws, key, _) = bench();
    let identity = |key: &AccessKey| ask(&aws, key, "GetCallerIdentity", &[]);
    let held = session(&aws, &key, None);
    assert_eq!(identity(&held).status, 200);
    let mut bare = held.clone();
    bare.token = None;
    assert_refused(&identity(&bare), 403, "InvalidClientTokenId", "The security token included in the request is");
    let mut odd = key.clone();
    odd.token.clone_from(&held.token);
    assert_refused(&identity(&odd), 403, "InvalidClientTokenId", "");
    aws.expire(&held.id);
    assert_refused(&identity(&held), 403, "ExpiredToken", "The security token included in the request is expired");
    let held = session(&aws, &key, None);
    aws.revoke(&held.id);
    assert_refused(&identity(&held), 403, "InvalidClientTokenId", "");
    aws.lifetime(Some(1));
    let brief = session(&aws, &key, None);
    thread::sleep(Duration::from_millis(1100));
    assert_refused(&identity(&brief), 403, "ExpiredToken", "");
    let other = aws.add_user("alice");
    aws.deactivate(&key.id);
    assert_refused(&identity(&key), 403, "InvalidClientTokenId", "");
    assert_eq!(identity(&other).status, 200);
    aws.delete_key(&other.id);
    assert_refused(&identity(&other), 403, "InvalidClientTokenId", "");
    assert!(aws.holder(&other.id).is_none() && aws.holder("AKIAIOSFODNN7EXAMPLE").is_none());
}

#[test]
fn devices_are_paginated() {
    let (aws, key, _) = bench();
    for n in 1..5 {
        aws.add_device("alice", &format!("spare-{n}"));
    }
    aws.add_user("bob");
    aws.add_device("bob", "bob");
    aws.page_size(2);
    let (mut serials, mut marker) = (Vec::new(), None::<String>);
    loop {
        let page: Vec<(&str, &str)> = marker.iter().map(|marker| ("Marker", marker.as_str())).collect();
        let response = ask(&aws, &key, "ListMFADevices", &page);
        serials.extend(
            response.body.split("<SerialNumber>").skip(1).filter_map(|rest| rest.split('<').next().map(str::to_owned)),
        );
        marker = response.text("Marker");
        assert_eq!(response.text("IsTruncated").as_deref(), Some(if marker.is_some() { "true" } else { "false" }));
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(serials.len(), 5);
    assert!(serials.iter().all(|serial| !serial.ends_with("bob")));
    let other = ask(&aws, &key, "ListMFADevices", &[("UserName", "bob")]);
    assert_eq!(other.text("UserName").as_deref(), Some("bob"));
    assert_refused(&ask(&aws, &key, "GetUser", &[("UserName", "eve")]), 404, "NoSuchEntity", "eve");
    assert_eq!(ask(&aws, &key, "GetUser", &[]).text("UserName").as_deref(), Some("alice"));
}
