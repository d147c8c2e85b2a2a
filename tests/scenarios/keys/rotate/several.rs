//! A second key at AWS: one that a broken rotation lost, or somebody's own.

use std::time::Duration;

use super::super::refused;
use super::{files, is_over, only_key, rotate, signed_in};
use crate::support::aws::{Fault, When};
use crate::support::world::{Cast, World};

/// From now on, the answer to CreateAccessKey is lost, and nothing can be listed after it.
fn lose_the_new_key(world: &World) {
    world.aws.fault("CreateAccessKey", Fault::Drop(When::After), 1);
    world.aws.fault("ListAccessKeys", Fault::Delay(When::Before, Duration::ZERO), 1);
    world.aws.fault("ListAccessKeys", Fault::Drop(When::Before), 100);
}

#[test]
fn a_user_with_two_keys_is_told_the_way_out() {
    let Cast { world, key, .. } = signed_in();
    let other = world.aws.add_user("alice");
    world.aws.age_key(&other.id, 400, None);
    let made = (world.aws.now() - jiff::SignedDuration::from_hours(400 * 24)).strftime("%Y-%m-%d").to_string();
    let delete =
        |id: &str| format!("`mfa-cred exec alice -- aws iam delete-access-key --user-name alice --access-key-id {id}`");
    refused(
        &world,
        &["keys", "rotate", "alice", "--yes"],
        1,
        &format!(
            "error: user `alice` already has two access keys: {} and {} (active, created {made})\n\
             hint: `mfa-cred exec alice -- aws iam get-access-key-last-used --access-key-id {}` tells whether {} is in use; \
             if not, {} deletes it. {} is this profile's\n",
            key.id,
            other.id,
            other.id,
            other.id,
            delete(&other.id),
            key.id
        ),
    );
    world.aws.deactivate(&other.id);
    refused(
        &world,
        &["keys", "rotate", "alice", "--yes"],
        1,
        &format!(
            "error: user `alice` already has two access keys: {} and {} (inactive, created {made})\n\
             hint: {} deletes the inactive one\n",
            key.id,
            other.id,
            delete(&other.id)
        ),
    );
    assert_eq!((world.aws.count("CreateAccessKey"), files(&world, "rotation-")), (0, 0));
    world.aws.delete_key(&other.id);
    assert!(rotate(&world).status.success());
    is_over(&world, &key.id);
}

#[test]
fn a_second_key_that_another_profile_has_sealed_is_named() {
    let Cast { world, .. } = signed_in();
    let other = world.aws.add_user("alice");
    world.write_key("second", &other);
    assert!(world.run(&["keys", "import", "second", "--yes"]).status.success());
    let done = rotate(&world);
    assert_eq!(done.status.code(), Some(1));
    let hint = format!(
        "hint: {} is sealed for profile `second`: delete the one that is not needed at AWS; `mfa-cred keys remove second` removes it here\n",
        other.id
    );
    assert!(done.stderr.ends_with(&hint), "{done:?}");
}

#[test]
fn a_key_whose_answer_was_lost_is_deleted_and_another_one_made() {
    for fault in [Fault::Drop(When::After), Fault::Truncate, Fault::ServerError(When::After, 503)] {
        let Cast { world, key, .. } = signed_in();
        world.aws.fault("CreateAccessKey", fault.clone(), 1);
        let done = rotate(&world);
        assert!(done.status.success(), "{fault:?}: {done:?}");
        assert!(done.stderr.contains(", whose secret was lost\n"), "{fault:?}: {done:?}");
        is_over(&world, &key.id);
        assert_eq!(world.aws.count("CreateAccessKey"), 2, "{fault:?}");
    }
}

#[test]
fn the_next_run_deletes_a_key_that_was_lost_but_none_that_is_somebodys_own() {
    for (made, used, is_lost) in [(0, None, true), (0, Some(0), false), (1, None, false)] {
        let Cast { world, key, .. } = signed_in();
        lose_the_new_key(&world);
        let broken = rotate(&world);
        assert_eq!((broken.status.code(), files(&world, "rotation-")), (Some(6), 1), "{broken:?}");
        assert!(broken.stderr.contains("is not finished; `mfa-cred keys rotate alice` continues it"), "{broken:?}");
        world.aws.heal();
        let keys = world.aws.keys_of("alice");
        let other = keys.iter().map(|(id, _)| id).find(|id| **id != key.id).expect("the lost key").clone();
        // Somebody has used it, or it is much older than the journal: then it is another key.
        world.aws.age_key(&other, made, used);
        let again = rotate(&world);
        if is_lost {
            assert!(again.status.success(), "{again:?}");
            is_over(&world, &key.id);
        } else {
            assert_eq!((again.status.code(), files(&world, "rotation-")), (Some(1), 0), "{again:?}");
            assert!(again.stderr.contains("already has two access keys"), "{again:?}");
            assert_eq!(world.aws.keys_of("alice").len(), 2);
        }
    }
}

#[test]
fn a_quota_that_still_counts_a_deleted_key_is_waited_for() {
    let Cast { world, key, .. } = signed_in();
    let full =
        || Fault::Refuse(409, "LimitExceeded".to_owned(), "Cannot exceed quota for AccessKeysPerUser: 2".to_owned());
    world.aws.fault("CreateAccessKey", full(), 2);
    assert!(rotate(&world).status.success());
    is_over(&world, &key.id);
    world.aws.fault("CreateAccessKey", full(), 100);
    let done = rotate(&world);
    assert_eq!(done.status.code(), Some(5), "{done:?}");
    assert!(
        done.stderr.contains("hint: AWS allows two access keys per user: delete one that is not in use\n"),
        "{done:?}"
    );
    only_key(&world, "alice");
}
