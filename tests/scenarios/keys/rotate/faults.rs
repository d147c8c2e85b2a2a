//! Denied, throttled, killed, a full disk, twenty at once: there is always a key that works, never a third, and the next
//! run finishes.

use super::super::faults::{can_trace, run_below};
use super::{files, is_over, only_key, rotate, sealed_key, signed_in};
use crate::support::aws::Fault;
use crate::support::world::{Cast, World, json};

const KILL: i32 = 9;

/// What alters files, folders, and AWS.
const STEPS: [&str; 8] = ["fsync", "rename", "renameat2", "unlink", "fchmod", "sendto", "recvfrom", "writev"];

/// Does the sealed key sign now?
#[track_caller]
fn the_profile_works(world: &World, when: &str) {
    let done = world.run(&["process", "alice", "--no-cache"]);
    assert!(done.status.success(), "{when}: {done:?}");
    let id = json(&done)["AccessKeyId"].as_str().expect("an ID").to_owned();
    let keys = world.aws.keys_of("alice");
    assert!(keys.contains(&(id.clone(), true)), "{when}: {id} of {keys:?}");
    assert!(keys.len() <= 2, "{when}: {keys:?}");
}

#[test]
fn a_denial_names_the_action_and_the_next_run_finishes() {
    for (action, step, keys) in [
        ("ListAccessKeys", "listing your access keys", 1),
        ("CreateAccessKey", "creating the new access key", 1),
        ("UpdateAccessKey", "deactivating the old access key", 2),
        ("DeleteAccessKey", "deleting the old access key", 2),
    ] {
        let Cast { world, key, .. } = signed_in();
        world.aws.deny(action);
        let done = rotate(&world);
        assert_eq!((done.status.code(), world.aws.keys_of("alice").len()), (Some(5), keys), "{action}: {done:?}");
        let error = format!("error: {action}: AWS refused it (AccessDenied): ");
        assert!(done.stderr.contains(&error), "{action}: {done:?}");
        let hint = format!("hint: {step} needs `iam:{action}` on `arn:aws:iam::123456789012:user/${{aws:username}}`");
        assert!(done.stderr.contains(&hint), "{action}: {done:?}");
        let is_unfinished = done.stderr.starts_with("warning: the rotation of access key ");
        assert_eq!((is_unfinished, files(&world, "rotation-")), (keys == 2, usize::from(keys == 2)), "{action}");
        the_profile_works(&world, action);
        world.aws.allow_all();
        let again = rotate(&world);
        assert!(again.status.success(), "{action}: {again:?}");
        is_over(&world, &key.id);
    }
}

#[test]
fn a_deny_without_mfa_says_how_to_sign_with_mfa() {
    let Cast { world, .. } = signed_in();
    world.write(".aws/config", "[profile alice]\n");
    world.aws.deny_without_mfa("CreateAccessKey");
    let done = rotate(&world);
    assert_eq!(done.status.code(), Some(5), "{done:?}");
    let hint = "needs `iam:CreateAccessKey`, and a Deny forbids it; if it demands MFA, write `mfa_serial` into the user's profile\n";
    assert!(done.stderr.ends_with(hint), "{done:?}");
}

#[test]
fn throttling_is_waited_for_at_each_call() {
    let Cast { world, key, .. } = signed_in();
    for action in ["GetCallerIdentity", "ListAccessKeys", "CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"] {
        world.aws.fault(action, Fault::Throttle, 2);
    }
    let done = rotate(&world);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(world.aws.faults_left(), 0);
    is_over(&world, &key.id);
}

#[test]
fn a_new_key_that_aws_refuses_after_all_is_replaced_by_the_old_one() {
    let Cast { world, key, .. } = signed_in();
    let mut answers = vec![true; 3];
    answers.extend([false; 200]);
    world.aws.new_keys_take(&answers, 0);
    let done = rotate(&world);
    assert_eq!(done.status.code(), Some(5), "{done:?}");
    assert!(done.stderr.contains(&format!("access key {} is in use again\n", key.id)), "{done:?}");
    assert_eq!(sealed_key(&world, "alice"), key.id);
    the_profile_works(&world, "taken back");
}

#[test]
fn a_new_key_that_somebody_deletes_ends_the_rotation() {
    let Cast { world, key, .. } = signed_in();
    world.aws.deny("UpdateAccessKey");
    assert_eq!(rotate(&world).status.code(), Some(5));
    let keys = world.aws.keys_of("alice");
    let new = keys.iter().map(|(id, _)| id).find(|id| **id != key.id).expect("the new key");
    world.aws.delete_key(new);
    world.aws.allow_all();
    let done = rotate(&world);
    assert_eq!((done.status.code(), files(&world, "rotation-")), (Some(5), 0), "{done:?}");
    the_profile_works(&world, "the old key is back");
    assert!(rotate(&world).status.success());
    is_over(&world, &key.id);
}

#[test]
fn a_full_disk_leaves_the_old_key_and_no_second_one() {
    if !can_trace() {
        return;
    }
    // Before the new key is made, and before its secret is sealed.
    for nth in [1, 2] {
        let Cast { world, key, .. } = signed_in();
        let failed =
            run_below(&world, &format!("?fsync:error=ENOSPC:when={nth}+"), &["keys", "rotate", "alice", "--yes"]);
        assert_eq!(failed.status.code(), Some(1), "{nth}: {failed:?}");
        assert!(failed.stderr.contains("No space left on device"), "{nth}: {failed:?}");
        assert_eq!(only_key(&world, "alice"), key.id, "{nth}");
        the_profile_works(&world, "full");
        assert!(rotate(&world).status.success());
        is_over(&world, &key.id);
    }
}

#[test]
fn twenty_rotations_at_once_make_one_new_key() {
    let Cast { world, key, .. } = signed_in();
    let codes: Vec<Option<i32>> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..20)
            .map(|_| {
                let mut command = world.command(&["keys", "rotate", "alice", "--yes"]);
                scope.spawn(move || command.output().expect("it runs").status.code())
            })
            .collect();
        running.into_iter().map(|one| one.join().expect("it ends")).collect()
    });
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 1))) && codes.contains(&Some(0)), "{codes:?}");
    assert_eq!(world.aws.count("CreateAccessKey"), 1, "{codes:?}");
    is_over(&world, &key.id);
}

/// How a killed rotation left things: the keys at AWS and how many are active, whether the profile has the new one, and
/// whether the next run found a key without a secret.
type Left = (usize, usize, bool, bool);

#[test]
fn a_rotation_that_is_killed_at_any_step_is_continued_and_there_is_always_a_key() {
    if !can_trace() {
        return;
    }
    let left: Vec<Left> = std::thread::scope(|scope| {
        let running: Vec<_> = STEPS.iter().map(|step| scope.spawn(|| killed_at_each(step))).collect();
        running.into_iter().flat_map(|one| one.join().expect("no key is lost")).collect()
    });
    for state in [
        (1, 1, false, false),
        // The new key's secret was not sealed yet, or it was.
        (2, 2, false, true),
        (2, 2, false, false),
        (2, 2, true, false),
        (2, 1, true, false),
        (1, 1, true, false),
    ] {
        assert!(left.contains(&state), "{state:?} of {left:?}");
    }
}

/// Kills a rotation before each call of that name in turn.
fn killed_at_each(step: &str) -> Vec<Left> {
    let mut left = Vec::new();
    for nth in 1..1000 {
        let Cast { world, key, .. } = signed_in();
        let crashed =
            run_below(&world, &format!("?{step}:signal=KILL:when={nth}"), &["keys", "rotate", "alice", "--yes"]);
        if crashed.status.success() {
            is_over(&world, &key.id);
            return left;
        }
        assert_eq!(crashed.signal(), Some(KILL), "{step} {nth}: {crashed:?}");
        the_profile_works(&world, &format!("{step} {nth}"));
        let (keys, has_new) = (world.aws.keys_of("alice"), sealed_key(&world, "alice") != key.id);
        let is_begun = files(&world, "rotation-") > 0 || !has_new;
        world.aws.take_calls();
        // What is over needs no second rotation.
        if is_begun {
            let again = rotate(&world);
            assert!(again.status.success(), "{step} {nth}: {again:?}");
            let active = keys.iter().filter(|(_, is_active)| *is_active).count();
            left.push((keys.len(), active, has_new, again.stderr.contains("whose secret was lost")));
        }
        assert_eq!(world.aws.count("GetSessionToken"), 0, "{step} {nth}: another code");
        is_over(&world, &key.id);
        if let Some((new, _)) = keys.iter().find(|(id, _)| has_new && *id != key.id) {
            assert_eq!(only_key(&world, "alice"), *new, "{step} {nth}: another new key");
        }
    }
    unreachable!("a rotation ends")
}
