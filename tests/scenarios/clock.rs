//! Local clocks that are wrong, or are set between two calls: signing works, nothing expired is served, and nothing
//! valid is discarded. libfaketime changes the wall clock that the program sees; the time since boot is the kernel's.

use std::path::Path;
use std::time::Duration;

use crate::support::aws::{Device, Fault};
use crate::support::world::{Cast, World, calls};

const WRONG: [&str; 4] = ["-15m", "+15m", "-2d", "+2d"];

/// From now on the wall clock of every process in this world is off by this much.
pub(super) fn set_clock(world: &World, off: &str) {
    let library = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime"]
        .map(|folder| Path::new(folder).join("libfaketime.so.1"))
        .into_iter()
        .find(|path| path.exists())
        .expect("libfaketime (Debian: faketime)");
    world.links_dynamically();
    world.set("LD_PRELOAD", library.to_str().expect("UTF-8"));
    world.set("FAKETIME", off);
    world.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}

#[test]
fn a_wrong_clock_costs_one_refused_request_and_no_code() {
    for off in WRONG {
        let Cast { world, device, .. } = World::cast();
        set_clock(&world, off);
        world.sign_in(&device, &["process", "deploy"]);
        // The date is refused, and the same code is sent again with the right date; the next request has it from the
        // start.
        assert_eq!(calls(&world), ["GetSessionToken", "GetSessionToken", "AssumeRole"], "{off}");
        let status = world.run(&["status"]);
        assert!(status.stdout.contains("role/deploy\t59m\n"), "{off}: {status:?}");
        let warm = world.run(&["process", "deploy"]);
        assert!(warm.status.success() && warm.stderr.is_empty(), "{off}: {warm:?}");
        let other = world.run(&["process", "audit"]);
        assert!(other.status.success(), "{off}: {other:?}");
        assert_eq!(calls(&world), ["AssumeRole"], "{off}: the difference is remembered");
    }
}

#[test]
fn setting_the_clock_ends_no_valid_credentials() {
    for off in WRONG {
        let Cast { world, device, .. } = World::cast();
        world.sign_in(&device, &["process", "deploy"]);
        calls(&world);
        set_clock(&world, off);
        for first in [true, false] {
            let done = world.run(&["process", "deploy"]);
            assert!(done.status.success() && done.stderr.is_empty(), "{off}: {done:?}");
            // A clock set forward may be right or wrong, so AWS is asked once.
            let asked: &[&str] = if first && off.starts_with('+') { &["GetCallerIdentity"] } else { &[] };
            assert_eq!(calls(&world), asked, "{off}");
        }
    }
}

#[test]
fn setting_the_clock_back_revives_no_expired_credentials() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    // Longer than a busy machine may take to keep them: those that have expired by then are not kept.
    world.aws.lifetime(Some(8));
    let first = world.run(&["process", "deploy", "--min-ttl", "2h"]);
    assert!(first.status.success(), "{first:?}");
    std::thread::sleep(Duration::from_millis(8500));
    calls(&world);
    world.aws.lifetime(None);
    for off in ["-15m", "-2d"] {
        set_clock(&world, off);
        let done = world.run(&["process", "deploy"]);
        assert!(done.status.success(), "{off}: {done:?}");
        // The first run finds an expired entry; the second finds the entry that the first one made.
        let made: &[&str] = if off == "-15m" { &["AssumeRole"] } else { &[] };
        assert_eq!(calls(&world), made, "{off}");
    }
}

#[test]
fn credentials_that_arrive_expired_are_refused() {
    for (action, words) in [("GetSessionToken", ["process", "deploy"]), ("AssumeRole", ["env", "deploy"])] {
        // By the endpoint's clock, whatever the local one shows.
        for off in ["-2d", "+0", "+2d"] {
            let Cast { world, device, .. } = World::cast();
            set_clock(&world, off);
            // The clocks agree again.
            world.sign_in(&device, &["process", "audit"]);
            assert!(world.run(&["clear"]).status.success());
            let end = "2024-05-06T07:08:09Z";
            world.aws.fault(action, Fault::Content("Expiration", end.to_owned()), 9);
            let code = device.fresh_code();
            let done = world.run(&[&words[..], &["--mfa-token", &code]].concat());
            assert_eq!((done.status.code(), &*done.stdout), (Some(1), ""), "{action} {off}: {done:?}");
            let what = format!("the credentials in the answer expired at {end}, and by the endpoint's clock it is ");
            assert!(done.stderr.contains(&what) && done.stderr.contains("\nhint: the endpoint's clock"), "{done:?}");
            assert_eq!(done.stderr.contains("; the code is spent\n"), action == "GetSessionToken", "{done:?}");
            // Nothing of it is cached.
            world.aws.heal();
            let kept = world.entries().len();
            assert_eq!(kept, usize::from(action == "AssumeRole"), "{action} {off}");
        }
    }
}

#[test]
fn a_time_zone_changes_nothing() {
    // In POSIX notation, which needs no files: 14 hours ahead of UTC, and 11 behind it.
    for (first, then) in [("EAST-14", "WEST+11"), ("WEST+11", "EAST-14")] {
        let Cast { world, device, .. } = World::cast();
        world.set("TZ", first);
        let cold = world.sign_in(&device, &["process", "deploy"]);
        calls(&world);
        world.set("TZ", then);
        let warm = world.run(&["process", "deploy"]);
        assert!(warm.status.success() && calls(&world).is_empty(), "{warm:?}");
        assert_eq!(warm.stdout, cold.stdout, "{first} {then}");
        assert!(warm.stdout.contains("Z\""), "{warm:?}");
    }
}

/// The user of a second home, with an endpoint of its own, in the first home's files.
fn other_endpoint(world: &World) -> (World, Device) {
    let Cast { world: other, device, key } = World::cast();
    let text = other.read(".aws/config").replace("alice]", "bob]").replace("= alice", "= bob");
    let text = text.replace("deploy]", "theirs]").replace("audit]", "theirs-too]");
    world.add_config(&text.replace("]\n", &format!("]\nendpoint_url = {}\n", other.aws.url())));
    let keys = world.read(".aws/credentials");
    world.write_key("bob", &key);
    world.write(".aws/credentials", keys + &world.read(".aws/credentials"));
    (other, device)
}

#[test]
fn an_endpoint_hours_ahead_affects_neither_other_endpoints_sessions_nor_spent_codes() {
    for skew in [13 * 3600, -13 * 3600] {
        let Cast { world, device, .. } = World::cast();
        let own = world.aws.url();
        let (other, others_device) = other_endpoint(&world);
        // If the profile names an endpoint, no variable may override it.
        world.edit_config("[profile alice]\n", &format!("[profile alice]\nendpoint_url = {own}\n"));
        for name in ["deploy", "audit"] {
            let header = format!("[profile {name}]\n");
            world.edit_config(&header, &format!("{header}endpoint_url = {own}\n"));
        }
        world.set("AWS_ENDPOINT_URL", "");
        let code = device.fresh_code();
        let first = world.run_with_stdin(&["process", "deploy", "--mfa-token", "-"], &code);
        assert!(first.status.success() && first.stderr.is_empty(), "{first:?}");
        calls(&world);

        other.aws.skew(skew);
        let theirs = world.run_with_stdin(&["process", "theirs", "--mfa-token", "-"], &others_device.fresh_code());
        assert!(theirs.status.success(), "{skew}: {theirs:?}");
        assert_eq!(calls(&other), ["GetSessionToken", "GetSessionToken", "AssumeRole"], "{skew}");

        // The other endpoint's entry is made, and the sweep that follows does not remove ours; ours are still served.
        let warm = world.run(&["process", "deploy"]);
        assert!(warm.status.success() && warm.stderr.is_empty(), "{skew}: {warm:?}");
        assert_eq!((warm.stdout, calls(&world)), (first.stdout, Vec::new()), "{skew}");
        let too = world.run(&["process", "theirs-too"]);
        assert!(too.status.success(), "{skew}: {too:?}");
        assert_eq!(calls(&other), ["AssumeRole"], "{skew}: its own clock is remembered");
        let status = world.run(&["status"]);
        let roles = status.stdout.lines().filter(|line| line.contains(":role/") && line.ends_with("\t59m"));
        assert_eq!(roles.count(), 3, "{skew}: {status:?}");

        let again = world.run_with_stdin(&["process", "deploy", "--refresh", "--mfa-token", "-"], &code);
        assert_eq!((again.status.code(), calls(&world)), (Some(4), Vec::new()), "{skew}: {again:?}");
    }
}

#[test]
fn a_spent_code_stays_spent_when_the_clock_is_set() {
    for off in WRONG {
        let Cast { world, device, .. } = World::cast();
        let code = device.fresh_code();
        let first = world.run_with_stdin(&["process", "deploy", "--mfa-token", "-"], &code);
        assert!(first.status.success(), "{first:?}");
        calls(&world);
        set_clock(&world, off);
        let again = world.run_with_stdin(&["process", "deploy", "--refresh", "--mfa-token", "-"], &code);
        let asked = calls(&world);
        assert_eq!(again.status.code(), Some(4), "{off}: {again:?}");
        assert!(!asked.contains(&"GetSessionToken".to_owned()), "{off}: {asked:?}");
    }
}
