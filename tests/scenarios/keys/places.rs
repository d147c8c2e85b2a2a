//! Where a key is, as the other commands say it.

use super::{CREDENTIALS, sealed};
use crate::support::world::{Cast, json};

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
        &format!("alice\t{}\talice\t{account}\tsealed\t{date}\nbob\t{}\t-\t-\t{shown}:2\t-\n", key.id, bob.id),
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
