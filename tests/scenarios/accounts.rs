//! `AccountId` in what `process` prints: known without a call, and of the credentials themselves.

use crate::support::world::{Cast, World, json};

const OTHER: &str = "999999999999";

/// The account that `process` prints, if any.
fn account(world: &World, profile: &str) -> Option<String> {
    let done = world.run(&["process", profile]);
    assert!(done.status.success(), "{profile}: {done:?}");
    json(&done).get("AccountId").map(|id| id.as_str().expect("text").to_owned())
}

#[test]
fn a_users_account_is_that_of_its_profile_and_a_roles_is_its_own() {
    let Cast { world, key, device } = World::cast();
    let ours = world.aws.account();
    let hardware = world.aws.add_device_with_serial("alice", "GAHT12345678");
    world.add_config(&format!(
        "[profile plain]\n[profile bare]\naws_account_id = {OTHER}\n\
         [profile by-hardware]\naws_account_id = {OTHER}\nmfa_serial = {}\n\
         [profile by-phone]\naws_account_id = {OTHER}\nmfa_serial = {}\n",
        hardware.serial(),
        device.serial()
    ));
    let (id, secret) = (&key.id, &key.secret);
    let keys = format!("aws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    let profiles = ["alice", "plain", "bare", "by-hardware", "by-phone"];
    world.write(".aws/credentials", profiles.map(|name| format!("[{name}]\n{keys}")).concat());
    world.edit_config("[profile deploy]\n", &format!("[profile deploy]\naws_account_id = {OTHER}\n"));
    world.edit_config("[profile alice]\n", &format!("[profile alice]\naws_account_id = {OTHER}\n"));
    assert_eq!(account(&world, "plain"), None);
    assert_eq!(account(&world, "bare").as_deref(), Some(OTHER));
    // The serial of a hardware device tells no account; an ARN does, and nobody can contradict it. Also from the cache.
    for (profile, device, wanted) in
        [("by-hardware", &hardware, OTHER), ("by-phone", &device, &*ours), ("deploy", &device, &*ours)]
    {
        let done = world.sign_in(device, &["process", profile, "--refresh"]);
        assert_eq!(json(&done)["AccountId"], wanted, "{profile}");
        assert_eq!(account(&world, profile).as_deref(), Some(wanted), "{profile}, cached");
    }
}

#[test]
fn other_bases_have_the_account_that_comes_with_them() {
    let Cast { world, key, .. } = World::cast();
    let answer = |more: &str| {
        let (id, secret) = (&key.id, &key.secret);
        format!("{{\"Version\":1,\"AccessKeyId\":\"{id}\",\"SecretAccessKey\":\"{secret}\"{more}}}")
    };
    world.write("says-none.token", answer(""));
    world.write("says-one.token", answer(",\"AccountId\":\"111111111111\""));
    let home = world.home().display();
    world.add_config(&format!(
        "[profile says-none]\naws_account_id = {OTHER}\ncredential_process = cat {home}/says-none.token\n\
         [profile says-one]\naws_account_id = {OTHER}\ncredential_process = cat {home}/says-one.token\n\
         [profile around]\naws_account_id = {OTHER}\ncredential_source = Environment\n"
    ));
    assert_eq!(account(&world, "says-none").as_deref(), Some(OTHER));
    assert_eq!(account(&world, "says-one").as_deref(), Some("111111111111"));
    world.set("AWS_ACCESS_KEY_ID", &key.id);
    world.set("AWS_SECRET_ACCESS_KEY", &key.secret);
    assert_eq!(account(&world, "around"), None, "whose keys they are, the profile cannot know");
    world.set("AWS_ACCOUNT_ID", "222222222222");
    assert_eq!(account(&world, "around").as_deref(), Some("222222222222"));
    world.set("AWS_ACCOUNT_ID", "mine");
    let refused = world.run(&["process", "around"]);
    let error = "error: `AWS_ACCOUNT_ID` in the environment: an account ID has 12 digits\n";
    assert_eq!((refused.status.code(), &*refused.stderr), (Some(1), error));
    world.edit_config(
        &format!("aws_account_id = {OTHER}\ncredential_process"),
        "aws_account_id = 1234\ncredential_process",
    );
    let refused = world.run(&["process", "says-none"]);
    let error = format!("error: {home}/.aws/config:12: `aws_account_id`: an account ID has 12 digits\n");
    assert_eq!((refused.status.code(), refused.stderr), (Some(1), error));
}
