//! Where a key is, as the other commands say it.

use super::{CREDENTIALS, sealed};
use crate::support::world::{Cast, calls, json};

#[test]
fn list_says_which_keys_are_sealed_and_which_are_in_plain_text() {
    let Cast { world, key, .. } = sealed();
    let bob = world.aws.add_user("bob");
    world.write_key("bob", &bob);
    world.add_config("[profile bob]\n");
    let done = world.run(&["keys", "list"]);
    let (file, account) = (world.home().join(CREDENTIALS).display().to_string(), world.aws.account());
    let date = &world.aws.now().to_string()[..10];
    let shown = file.replace(&world.home().display().to_string(), "~");
    done.expect(
        0,
        &format!(
            "alice\t{}\talice\t{account}\tsealed\t{date}\t-\tdeploy, audit\nbob\t{}\t-\t-\t{shown}:2\t-\t-\t-\n",
            key.id, bob.id
        ),
        "",
    );
    let rows = json(&world.run(&["keys", "list", "--json"]));
    assert_eq!(
        (&rows[0]["sealed"], &rows[0]["file"], &rows[0]["account"]),
        (&true.into(), &().into(), &account.into())
    );
    assert_eq!((&rows[1]["sealed"], &rows[1]["file"], &rows[1]["line"]), (&false.into(), &file.into(), &2.into()));
    let one = json(&world.run(&["keys", "list", "bob", "--json"]));
    assert_eq!(one.as_array().map(Vec::len), Some(1));
    assert_eq!(world.run(&["keys", "list", "nobody"]).status.code(), Some(1));
    // A key whose profile is gone is still there.
    world.write(CREDENTIALS, "");
    world.write(".aws/config", "");
    let done = world.run(&["keys", "list"]);
    assert!(done.stdout.contains("\tsealed (no such profile)\t") && done.stdout.lines().count() == 1, "{done:?}");
    assert_eq!(world.aws.take_calls().len(), 0);
}

#[test]
fn live_asks_aws_for_age_status_and_last_use_and_no_person() {
    let Cast { world, key, device } = sealed();
    let bob = world.aws.add_user("bob");
    world.write_key("bob", &bob);
    world.aws.age_key(&key.id, 120, Some(7));
    world.aws.age_key(&bob.id, 3, None);
    world.aws.deny_without_mfa("ListAccessKeys");
    let words = ["keys", "list", "--live"];
    // Without a session, the keys themselves sign.
    let done = world.run(&words);
    assert_eq!((done.status.code(), done.stdout.lines().count()), (Some(1), 2), "{done:?}");
    assert!(done.stderr.starts_with("warning: alice: ListAccessKeys: AWS refused it (AccessDenied): "), "{done:?}");
    assert_eq!(calls(&world), ["GetCallerIdentity", "ListAccessKeys", "GetCallerIdentity", "ListAccessKeys"]);
    world.aws.allow_all();
    world.aws.deny_without_mfa("GetAccessKeyLastUsed");
    world.sign_in(&device, &["env", "deploy"]);
    world.aws.take_calls();
    let done = world.run(&words);
    let (alice, used) = (done.stdout.lines().next().expect("alice"), (world.aws.now() - day(7)).to_string());
    assert!(alice.ends_with(&format!("\t120d\tdeploy, audit\tactive\t{}", &used[..10])), "{done:?}");
    // Bob has no device.
    assert_eq!(done.status.code(), Some(1));
    assert!(done.stdout.ends_with("\t3d\t-\tactive\t-\n"), "{done:?}");
    assert!(done.stderr.starts_with("warning: bob: GetAccessKeyLastUsed: "), "{done:?}");
    world.aws.allow_all();
    let rows = json(&world.run(&["keys", "list", "--live", "--json"]));
    let (alice, bobs) = (&rows[0], &rows[1]);
    assert_eq!((&alice["active"], &alice["used_by"]), (&true.into(), &serde_json::json!(["deploy", "audit"])));
    assert_eq!(alice["last_used_at"].as_str().map(|time| &time[..10]), Some(&used[..10]));
    assert_eq!((&bobs["active"], &bobs["last_used_at"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!((&alice["never_used"], &bobs["never_used"]), (&false.into(), &true.into()));
    assert!(bobs["created_at"].is_string());
    assert!(!calls(&world).contains(&"GetSessionToken".to_owned()));
}

fn day(days: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(24 * days)
}

#[test]
fn show_list_and_status_say_that_the_key_is_sealed_and_unlock_nothing() {
    let Cast { world, key, .. } = sealed();
    super::lock(&world);
    let show = world.run(&["show", "deploy"]);
    assert!(show.stdout.contains(&format!("base: sealed access key {} of profile `alice`\n", key.id)), "{show:?}");
    let list = world.run(&["list"]);
    assert!(list.stdout.contains("alice\tuser (sealed)\t"), "{list:?}");
    let rows = json(&world.run(&["list", "--json"]));
    let alice = rows.as_array().expect("rows").iter().find(|row| row["name"] == "alice").expect("alice");
    assert_eq!((&alice["kind"], &alice["sealed"]), (&"user".into(), &true.into()));
    let status = json(&world.run(&["status", "--json"]));
    assert_eq!(status["access_keys"], serde_json::json!({"sealed": 1, "store": "passphrase"}));
    let status = world.run(&["status"]);
    assert!(status.stdout.contains("access keys\t\t1 sealed (passphrase-protected file)\t-\n"), "{status:?}");
    for done in [show, list, status] {
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""));
    }
}
