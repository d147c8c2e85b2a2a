//! What is listed, and of whom; and the same with a server that is not ours.

use super::{calls, failed, finish, newcomer};
use crate::support::world::{Cast, World};

const PHONE: &str = "arn:aws:iam::123456789012:mfa/alice-phone";
const FIDO: &str = "arn:aws:iam::123456789012:u2f/user/alice/key";

/// Alice with a device of each kind.
fn every_kind() -> World {
    let Cast { world, .. } = World::cast();
    for serial in [FIDO, "GAHT12345678", "arn:aws:iam::123456789012:sms-mfa/alice"] {
        world.aws.add_device_with_serial("alice", serial);
    }
    world
}

#[test]
fn devices_are_listed_with_kind_use_and_profiles() {
    let world = every_kind();
    // However many pages AWS gives.
    for (page, pages) in [(100, 1), (1, 4)] {
        world.aws.page_size(page);
        let done = world.run(&["device", "list", "--profile", "alice"]);
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""));
        let rows: Vec<Vec<&str>> = done.stdout.lines().map(|line| line.split('\t').collect()).collect();
        let brief: Vec<[&str; 5]> = rows.iter().map(|row| [row[0], row[1], row[2], row[3], row[5]]).collect();
        assert_eq!(
            brief,
            [
                ["GAHT12345678", "hardware", "yes", "-", "GAHT12345678"],
                ["alice-phone", "virtual", "yes", "deploy, audit", PHONE],
                [
                    "alice",
                    "SMS",
                    "no: AWS no longer sends codes by SMS",
                    "-",
                    "arn:aws:iam::123456789012:sms-mfa/alice"
                ],
                ["key", "FIDO", "no: AWS's API accepts no FIDO codes", "-", FIDO],
            ]
        );
        let made = calls(&world);
        assert_eq!((made[0].as_str(), made.len()), ("GetCallerIdentity", 1 + pages));
        assert!(made[1..].iter().all(|call| call == "ListMFADevices"), "{made:?}");
    }
    let done = world.run(&["device", "list", "--profile", "alice", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert!(json[1]["enabled_at"].as_str().is_some_and(|since| since.ends_with('Z')));
    let mut first = json[1].clone();
    first["enabled_at"] = serde_json::Value::Null;
    assert_eq!(
        first,
        serde_json::json!({
            "serial": PHONE, "name": "alice-phone", "kind": "virtual", "usable": true, "why_not": null,
            "enabled_at": null, "profiles": ["deploy", "audit"],
        })
    );
    assert_eq!((&json[3]["usable"], &json[3]["why_not"]), (&false.into(), &"AWS's API accepts no FIDO codes".into()));
}

#[test]
fn an_administrator_lists_another_users_devices() {
    let Cast { world, device, .. } = World::cast();
    world.aws.add_user("bob");
    world.aws.add_device("bob", "bob-phone");
    let words = ["device", "list", "--user", "bob", "--profile", "deploy"];
    let mut session = world.at_terminal(&words);
    super::answer(&mut session, "alice-phone, MFA code: ", &device.fresh_code());
    let done = finish(&world, session);
    assert!(done.status.success() && done.stdout.contains("mfa/bob-phone"), "{done:?}");
    assert_eq!(calls(&world), ["GetSessionToken", "AssumeRole with MFA", "ListMFADevices as a role"]);
    world.aws.deny("ListMFADevices");
    let done = world.run(&words);
    let (code, said) = failed(&done);
    assert_eq!(code, Some(5));
    assert!(
        said.ends_with(
            "hint: a policy must allow `iam:ListMFADevices` on `arn:aws:iam::123456789012:user/bob`, such as \
             {\"Effect\":\"Allow\",\"Action\":\"iam:ListMFADevices\",\"Resource\":\
             \"arn:aws:iam::123456789012:user/bob\"}\n"
        ),
        "{said}"
    );
}

#[test]
fn devices_are_found_by_name_and_a_missing_one_is_reported() {
    let world = every_kind();
    let done = world.run(&["device", "resync", "tablet", "--profile", "alice"]);
    let (code, said) = failed(&done);
    assert_eq!(code, Some(1));
    assert!(
        said.starts_with("error: user `alice` has no MFA device `tablet`\nhint: there are GAHT12345678, arn:"),
        "{said}"
    );
    let done = world.run(&["device", "resync", "key", "--profile", "alice"]);
    done.expect(1, "", format!("error: {FIDO} has no clock to resynchronize\n").as_str());
    let done = world.run(&["device", "resync", "--profile", "alice"]);
    done.expect(
        1,
        "",
        format!(
            "error: user `alice` has several MFA devices: GAHT12345678, {PHONE}\n\
                 hint: choose one: write it as `mfa_serial` into the profile\n"
        )
        .as_str(),
    );
    let done = world.run(&["device", "resync", "alice-phone", "--profile", "alice"]);
    done.expect(
        3,
        "",
        "error: profile `alice` needs an MFA code, but there is no terminal to ask on\n\
             hint: run it in a terminal; `--yes` confirms everything except codes\n",
    );
    let done = world.run(&["device", "remove", "alice-phone", "--profile", "alice"]);
    assert_eq!(failed(&done).0, Some(3));
    assert_eq!(world.aws.devices().len(), 4);
}

#[test]
fn a_hardware_device_is_deactivated_with_its_own_code_and_not_deleted() {
    let (world, _) = newcomer();
    let device = world.aws.add_device_with_serial("alice", "GAHT12345678");
    world.add_config("mfa_serial = GAHT12345678\n");
    let mut session = world.at_terminal(&["device", "remove", "--profile", "alice", "--yes"]);
    super::answer(&mut session, "GAHT12345678, MFA code: ", &device.fresh_code());
    let done = finish(&world, session);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(
        calls(&world),
        ["GetCallerIdentity", "ListMFADevices", "GetSessionToken", "DeactivateMFADevice with MFA"]
    );
    assert_eq!(world.read(".aws/config"), super::CONFIG);
}

#[test]
fn iam_has_an_endpoint_of_its_own() {
    let Cast { world, .. } = World::cast();
    let url = world.aws.url();
    world.set("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    world.set("AWS_ENDPOINT_URL_STS", &url);
    let list = ["device", "list", "--profile", "alice"];
    let done = world.run(&list);
    assert_eq!(failed(&done).0, Some(6), "the general one serves where no other is set");
    world.set("AWS_ENDPOINT_URL_IAM", &url);
    assert!(world.run(&list).status.success());
    world.set("AWS_ENDPOINT_URL_IAM", "");
    world.set("AWS_ENDPOINT_URL", "");
    world.edit_config("[profile alice]\n", "[profile alice]\nservices = s\n");
    world.add_config(&format!("[services s]\niam =\n  endpoint_url = {url}\n"));
    assert!(world.run(&list).status.success());
    world.edit_config(&url, "ftp://x");
    let done = world.run(&list);
    assert!(done.stderr.contains("`iam` is not an http or https address"), "{done:?}");
}

#[test]
fn a_session_without_mfa_learns_that_it_cannot_call_iam() {
    let Cast { world, key, .. } = World::cast();
    let bare = world.aws.call(&key, "GetSessionToken", &[]).expect("an answer").credentials().expect("a session");
    world.write_key("alice", &bare);
    let token = bare.token.expect("a token");
    world.write(".aws/credentials", world.read(".aws/credentials") + &format!("aws_session_token = {token}\n"));
    let done = world.run(&["device", "list", "--profile", "alice"]);
    let (code, said) = failed(&done);
    assert_eq!(code, Some(5));
    assert!(said.ends_with("or it belongs to a session without MFA, which may not call IAM\n"), "{said}");
}

#[test]
fn a_role_in_front_of_the_user_is_skipped() {
    // The user behind a role's profile, whatever the role may do.
    let Cast { world, .. } = World::cast();
    let done = world.run(&["device", "list", "--profile", "deploy"]);
    assert!(done.status.success() && done.stdout.contains(PHONE), "{done:?}");
    assert_eq!(calls(&world), ["GetCallerIdentity", "ListMFADevices"]);
}
