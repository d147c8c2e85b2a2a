//! Credentials that end while the server runs.

use std::thread;
use std::time::{Duration, Instant};

use super::Serving;
use crate::support::aws::{Fault, When};
use crate::support::world::{Cast, World, calls};

const PATH: &str = "/profile/deploy";

#[test]
fn credentials_of_seconds_are_renewed_before_they_end_and_none_is_given_that_has_ended() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    world.run(&["clear", "deploy"]);
    // The MFA session lasts; the role's sessions are short.
    world.sign_in(&device, &["login", "alice", "--mfa-serial", device.serial()]);
    world.aws.lifetime(Some(6));
    let serving = Serving::start(&world, &["deploy"]);
    calls(&world);
    let (start, mut seen) = (Instant::now(), Vec::new());
    while start.elapsed() < Duration::from_secs(16) {
        let asked = Instant::now();
        let answer = serving.ask(PATH);
        assert!(answer.status == 200 && asked.elapsed() < Duration::from_secs(1), "{answer:?}");
        let end: jiff::Timestamp = answer.body["Expiration"].as_str().and_then(|end| end.parse().ok()).expect("a time");
        assert!(end > jiff::Timestamp::now() - jiff::SignedDuration::from_secs(1), "{end}");
        assert!(world.who(&answer.body).contains("assumed-role/deploy/"));
        let id = answer.body["AccessKeyId"].as_str().expect("an id").to_owned();
        if seen.last() != Some(&id) {
            seen.push(id);
        }
        thread::sleep(Duration::from_millis(100));
    }
    assert!((3..=8).contains(&seen.len()), "{seen:?}");
    let renewals = calls(&world).into_iter().filter(|call| call == "AssumeRole").count();
    assert!(renewals <= seen.len() + 1, "{renewals} for {seen:?}");
}

#[test]
fn without_a_sign_in_the_answer_names_the_command_and_the_sign_in_is_noticed() {
    let Cast { world, device, .. } = World::cast();
    let serving = Serving::start(&world, &["deploy", "audit"]);
    assert!(world.read("serve.log").contains("hint: run `mfa-cred login deploy` in a terminal\n"));
    for profile in ["deploy", "audit"] {
        let asked = Instant::now();
        let answer = serving.ask(&format!("/profile/{profile}"));
        assert_eq!(answer.refusal(), (403, "SignInRequired"));
        let message = answer.body["Message"].as_str().expect("a message");
        assert!(message.contains(&format!("`mfa-cred login {profile}`")), "{message}");
        assert!(asked.elapsed() < Duration::from_secs(1));
    }
    assert!(calls(&world).is_empty());
    world.sign_in(&device, &["login", "deploy"]);
    thread::sleep(Duration::from_millis(600));
    assert!(serving.who(PATH).contains("assumed-role/deploy/"));
    // The same code serves the other profile.
    assert!(serving.who("/profile/audit").contains("assumed-role/audit/"));
}

#[test]
fn while_aws_does_not_answer_requests_get_what_still_works_and_other_profiles_are_not_delayed() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let serving = Serving::start(&world, &["deploy", "audit", "--min-ttl", "2h"]);
    calls(&world);
    world.aws.fault("AssumeRole", Fault::Delay(When::Before, Duration::from_secs(5)), 2);
    // Renewals are due all the time, since no session lasts two hours.
    for _ in 0..3 {
        let asked = Instant::now();
        assert!(serving.who(PATH).contains("assumed-role/deploy/"));
        assert!(serving.who("/profile/audit").contains("assumed-role/audit/"));
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    }
}

#[test]
fn a_request_that_cannot_wait_for_aws_is_told_to_come_again() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    world.run(&["clear", "deploy"]);
    world.sign_in(&device, &["login", "audit"]);
    world.aws.fault("AssumeRole", Fault::ServerError(When::Before, 503), 10);
    let serving = Serving::start(&world, &["deploy"]);
    let answer = serving.ask(PATH);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.head.contains("\r\nRetry-After: 1\r\n"), "{answer:?}");
    world.aws.heal();
    let start = Instant::now();
    while serving.ask(PATH).status != 200 {
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", serving.ask(PATH));
        thread::sleep(Duration::from_millis(200));
    }
}
