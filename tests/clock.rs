//! Local clocks that are wrong, or are set between two calls: signing works, nothing that ended is served, and nothing
//! that still lives is thrown away. libfaketime stands between the program and the wall clock; the time since boot is
//! the kernel's own.

use std::path::Path;
use std::time::Duration;

use crate::support::world::{Cast, World};

const WRONG: [&str; 4] = ["-15m", "+15m", "-2d", "+2d"];

/// From here on the wall clock of every process in this world is off by that much.
fn set_clock(world: &World, off: &str) {
    let library = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime"]
        .map(|folder| Path::new(folder).join("libfaketime.so.1"))
        .into_iter()
        .find(|path| path.exists())
        .expect("libfaketime (Debian: faketime)");
    world.set("LD_PRELOAD", library.to_str().expect("UTF-8"));
    world.set("FAKETIME", off);
    world.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}

fn calls(world: &World) -> Vec<String> {
    world.aws.take_calls().into_iter().map(|call| call.action).collect()
}

#[test]
fn a_clock_that_is_off_costs_one_refused_request_and_no_code() {
    for off in WRONG {
        let Cast { world, device, .. } = World::cast();
        set_clock(&world, off);
        world.sign_in(&device, &["process", "deploy"]);
        // The date is refused, the same code goes out with the right date; the next request has it at once.
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
fn a_clock_that_is_set_ends_nothing_that_lives() {
    for off in WRONG {
        let Cast { world, device, .. } = World::cast();
        world.sign_in(&device, &["process", "deploy"]);
        calls(&world);
        set_clock(&world, off);
        for first in [true, false] {
            let done = world.run(&["process", "deploy"]);
            assert!(done.status.success() && done.stderr.is_empty(), "{off}: {done:?}");
            // Forward may be right or wrong, so AWS is asked once.
            let asked: &[&str] = if first && off.starts_with('+') { &["GetCallerIdentity"] } else { &[] };
            assert_eq!(calls(&world), asked, "{off}");
        }
    }
}

#[test]
fn a_clock_that_is_set_back_revives_nothing() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    world.aws.lifetime(Some(4));
    let first = world.run(&["process", "deploy", "--min-ttl", "2h"]);
    assert!(first.status.success(), "{first:?}");
    std::thread::sleep(Duration::from_millis(4500));
    calls(&world);
    world.aws.lifetime(None);
    for off in ["-15m", "-2d"] {
        set_clock(&world, off);
        let done = world.run(&["process", "deploy"]);
        assert!(done.status.success(), "{off}: {done:?}");
        // The first finds an entry that ended; the second finds what the first made.
        let made: &[&str] = if off == "-15m" { &["AssumeRole"] } else { &[] };
        assert_eq!(calls(&world), made, "{off}");
    }
}

#[test]
fn a_time_zone_changes_nothing() {
    // As POSIX writes them, which needs no files: 14 hours before Greenwich's noon, and 11 after it.
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
