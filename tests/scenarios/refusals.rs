//! Requests that AWS refuses: each refusal has its own exit code and hint, on one line.

use crate::support::aws::Fault;
use crate::support::world::{Cast, World};

/// The refused call, AWS's status, code and message, the exit code, and a part of the hint.
struct Refusal {
    call: &'static str,
    status: u16,
    code: &'static str,
    message: &'static str,
    exit: i32,
    hint: &'static str,
}

const fn refusal(
    call: &'static str,
    (status, code, message): (u16, &'static str, &'static str),
    exit: i32,
    hint: &'static str,
) -> Refusal {
    Refusal { call, status, code, message, exit, hint }
}

const SESSION: &str = "GetSessionToken";
const ROLE: &str = "AssumeRole";

const REFUSALS: [Refusal; 14] = [
    refusal(
        SESSION,
        (403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. "),
        4,
        "wait for the device's next code",
    ),
    refusal(
        SESSION,
        (
            403,
            "AccessDenied",
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is \
             valid and associated with this user.",
        ),
        4,
        "mfa/alice-phone is not an MFA device of this user",
    ),
    refusal(
        SESSION,
        (403, "AccessDenied", "Cannot call GetSessionToken with session credentials"),
        5,
        "GetSessionToken needs a long-term access key",
    ),
    refusal(
        SESSION,
        (403, "InvalidClientTokenId", "The security token included in the request is invalid."),
        5,
        "the access key was deleted or deactivated, or belongs to another partition",
    ),
    refusal(
        SESSION,
        (
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        ),
        5,
        "the secret access key is mistyped",
    ),
    refusal(
        SESSION,
        (403, "RegionDisabledException", "STS is not activated in this region for account:123456789012."),
        5,
        "STS is not active in that region",
    ),
    refusal(SESSION, (400, "Throttling", "Rate exceeded"), 5, "the code that was sent is spent"),
    refusal(
        ROLE,
        (
            403,
            "AccessDenied",
            "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:AssumeRole",
        ),
        5,
        "the request carried no external ID and no tags. If the role limits the age of the MFA session, `--refresh`",
    ),
    refusal(
        ROLE,
        (400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
        5,
        "ask for a shorter duration: a role allows one hour unless its maximum session duration is longer",
    ),
    refusal(
        ROLE,
        (
            400,
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ),
        5,
        "ask for a shorter duration",
    ),
    refusal(ROLE, (400, "PackedPolicyTooLarge", "Packed size is 120% of the limit"), 5, "together they are too large"),
    refusal(
        ROLE,
        (400, "MalformedPolicyDocument", "This policy contains invalid Json"),
        5,
        "is not a valid IAM policy",
    ),
    refusal(
        ROLE,
        (403, "RegionDisabledException", "STS is not activated in this region"),
        5,
        "choose another with `--region`",
    ),
    refusal(ROLE, (403, "SomethingNew", "\u{202e}AWS says"), 5, ""),
];

#[test]
fn every_refusal_has_its_exit_code_and_its_hint() {
    for Refusal { call, status, code, message, exit, hint } in REFUSALS {
        let Cast { world, device, .. } = World::cast();
        world.aws.fault(call, Fault::Refuse(status, code.to_owned(), message.to_owned()), 9);
        let done = world.run_with_stdin(&["process", "deploy", "--mfa-token", "-"], &device.fresh_code());
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(exit), ""), "{code}: {done:?}");
        let lines: Vec<&str> = done.stderr.lines().collect();
        assert!(lines[0].starts_with(&format!("error: {call}")), "{code}: {done:?}");
        let told = lines.get(1).copied().unwrap_or_default();
        assert!(lines.len() <= 2 && told.contains(hint) && hint.is_empty() == told.is_empty(), "{code}: {done:?}");
        assert!(!done.stderr.contains('\u{202e}'), "{done:?}");
        // A refused code is not spent, and every request with a code was sent once.
        assert_eq!(world.aws.count(SESSION), 1, "{code}");
    }
}

#[test]
fn a_throttled_call_without_a_code_is_repeated() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    world.aws.take_calls();
    world.aws.fault(ROLE, Fault::Throttle, 2);
    let done = world.run(&["process", "audit"]);
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    assert_eq!(world.aws.count(ROLE), 3);
}

#[test]
fn a_denied_role_names_what_the_request_carried() {
    let Cast { world, device, .. } = World::cast();
    let words =
        ["process", "deploy", "--mfa-token", "-", "--external-id", "wrong-id", "--tag", "a=b", "--duration", "2h"];
    let done = world.run_with_stdin(&words, &device.fresh_code());
    assert_eq!(done.status.code(), Some(5), "{done:?}");
    assert!(
        done.stderr.contains("the request carried an external ID, tags (which need `sts:TagSession`), a code."),
        "{done:?}"
    );
}

#[test]
fn a_rotated_key_starts_with_an_empty_cache() {
    let Cast { world, device, key } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let second = world.aws.add_user("alice");
    world.aws.delete_key(&key.id);
    world.write_key("alice", &second);
    world.aws.take_calls();
    let done = world.sign_in(&device, &["login", "deploy"]);
    assert!(done.stderr.starts_with("deploy: signed in for "), "{done:?}");
    assert_eq!((world.aws.count(SESSION), world.aws.count(ROLE)), (1, 1));
}

#[test]
fn a_revoked_session_is_dropped_and_renewed_once() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let session = world.aws.take_calls().into_iter().find(|call| call.action == ROLE).expect("a call");
    world.aws.revoke(&session.access_key_id);
    let cold = world.run(&["process", "audit"]);
    assert_eq!(cold.status.code(), Some(3), "nobody can be asked for the new code: {cold:?}");
    let done = world.sign_in(&device, &["process", "audit"]);
    assert!(done.stderr.is_empty(), "{done:?}");
    let actions: Vec<String> = world.aws.take_calls().into_iter().map(|call| call.action).collect();
    assert_eq!(actions, [ROLE, SESSION, ROLE]);
}

#[test]
fn an_mfa_session_too_old_for_a_role_hints_at_refresh() {
    use crate::support::aws::RoleSpec;
    let Cast { world, device, .. } = World::cast();
    let arn = world.aws.add_role(RoleSpec::new("young").trust_user("alice").mfa_max_age(600));
    let serial = device.serial();
    world.add_config(&format!("[profile young]\nsource_profile = alice\nrole_arn = {arn}\nmfa_serial = {serial}\n"));
    world.sign_in(&device, &["login", "deploy"]);
    world.aws.age_mfa(3600);
    let denied = world.run(&["process", "young"]);
    assert_eq!(denied.status.code(), Some(5), "{denied:?}");
    assert!(denied.stderr.contains("`--refresh` asks for a new code"), "{denied:?}");
    world.sign_in(&device, &["process", "young", "--refresh"]);
}

#[test]
fn a_role_that_requires_mfa_hints_at_the_missing_device() {
    let Cast { world, device, .. } = World::cast();
    let serial = format!("mfa_serial = {}\n", device.serial());
    world.edit_config(&serial, "");
    let done = world.run(&["process", "deploy"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(5), ""), "{done:?}");
    let hint = "hint: no MFA was used, and the role may require it: set `mfa_serial = auto` in profile `alice`, or run \
                `mfa-cred device enroll --profile alice` if its user has no device yet. Otherwise, the role's trust policy, your policy or an SCP denies it; the request carried no external ID and no tags";
    assert_eq!(done.stderr.lines().nth(1), Some(hint), "{done:?}");
    // Following the hint works: the role inherits the setting.
    world.edit_config("[profile alice]\n", "[profile alice]\nmfa_serial = auto\n");
    world.sign_in(&device, &["process", "deploy"]);
}

#[test]
fn a_user_without_a_device_gets_one_hint() {
    let Cast { world, .. } = World::cast();
    for words in [["login", "alice"], ["env", "alice"], ["process", "alice"]] {
        let done = world.run(&words);
        assert!(done.status.success(), "{done:?}");
        let way = "or create one with `mfa-cred device enroll --profile alice`";
        assert_eq!(done.stderr.matches(way).count(), 1, "{done:?}");
        assert_eq!(done.stderr.matches("warning: ").count(), 1, "{done:?}");
    }
}
