//! Where the key is at the moment, for how long, and when that is reported.

use std::fs;
use std::time::{Duration, Instant};

use super::{
    BUS, assert_cold, assert_warm, cast, fallback, has_service, is_in_kernel, key, meet, sign_in, take_from_kernel,
};
use crate::support::pty::{PATIENCE, Pty, Stream};
use crate::support::secret_service::SecretService;
use crate::support::world::{Cast, MFA_CRED, World};

/// The line of `status` about the key, and the same from its JSON.
fn where_the_key_is(world: &World) -> (String, serde_json::Value) {
    let text = world.run(&["status"]);
    let row = text.stdout.lines().find_map(|line| line.strip_prefix("key\t\t")).unwrap_or_default().to_owned();
    let json = world.run(&["status", "--json"]);
    let mut json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    (row, json["sealing_key"].take())
}

/// The seconds for which the kernel keeps the key, from its own list: whole seconds, minutes or hours.
fn kernel_keeps(id: &str) -> u64 {
    let keys = fs::read_to_string("/proc/keys").expect("it is there");
    let line = keys.lines().rfind(|line| line.contains(id)).expect("the key is there");
    let timeout = line.split_whitespace().nth(3).expect("a timeout");
    let unit = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)];
    let (unit, seconds) = unit.into_iter().find(|(unit, _)| timeout.ends_with(*unit)).expect("a unit");
    timeout.trim_end_matches(unit).parse::<u64>().expect("a number") * seconds
}

#[test]
fn status_names_the_store_of_the_key_and_how_long_it_stays_there() {
    if !has_service() {
        return;
    }
    let mut service = SecretService::unlocked();
    let Cast { world, device, .. } = cast();
    meet(&world, &service);
    assert_eq!(where_the_key_is(&world).1["store"], "none");
    sign_in(&world, &device);
    let (row, json) = where_the_key_is(&world);
    assert!(row.starts_with("kernel keyring; copied from the Secret Service\t"), "{row}");
    assert_eq!((&json["store"], &json["served_from"]), (&"keyring".into(), &"kernel".into()));
    assert!((11 * 3600..=12 * 3600).contains(&json["left_seconds"].as_u64().expect("seconds")), "{json}");
    // The keyring is locked, but we still serve credentials: `status` names the copy.
    service.lock();
    assert_warm(&world);
    assert!(where_the_key_is(&world).0.starts_with("kernel keyring; copied"));
    take_from_kernel(&key(&world).0);
    let (row, json) = where_the_key_is(&world);
    assert_eq!(row, "Secret Service\t-");
    assert_eq!((&json["served_from"], &json["left_seconds"]), (&"keyring".into(), &serde_json::Value::Null));
    service.unlock();

    world.set("MFA_CRED_STORE", "none");
    assert_eq!(where_the_key_is(&world).0, "none; `store = none` keeps nothing\t-");
    let Cast { world, device, .. } = cast();
    sign_in(&world, &device);
    assert!(where_the_key_is(&world).0.starts_with("kernel keyring only\t"));
    take_from_kernel(&key(&world).0);
    assert_eq!(where_the_key_is(&world).1["store"], "none");
}

#[test]
fn on_a_narrow_terminal_status_wraps_between_words() {
    let Cast { world, device, .. } = cast();
    world.write("config/mfa-cred/config.ini", "lock_after = 15m\n");
    sign_in(&world, &device);
    let mut command = std::process::Command::new(MFA_CRED);
    world.dress(&mut command);
    command.arg("status").env("NO_COLOR", "1");
    let seen = Pty::default().sized(24, 40).streams(Stream::Terminal, Stream::Apart).spawn(command).finish(PATIENCE);
    let lines: Vec<&str> = seen.terminal.lines().map(str::trim_end).collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 40), "{lines:#?}");
    let key = &lines[lines.len() - 2..];
    assert!(
        ["key: kernel keyring only, 15m left", "key: kernel keyring only, 14m left"].contains(&key[0]),
        "{lines:#?}"
    );
    assert_eq!(key[1], "     locked after 15m without use");
}

#[test]
fn auto_falls_back_to_the_kernel_with_one_message() {
    let Cast { world, device, .. } = cast();
    let said = sign_in(&world, &device).stderr;
    assert!(
        said.starts_with("note: the cache's key is in the kernel keyring only, so the cache is lost on restart"),
        "{said}"
    );
    assert_eq!(said, fallback("not available here"));
    // The next day's key: it has been reported.
    take_from_kernel(&key(&world).0);
    assert_eq!(sign_in(&world, &device).stderr, "");
    // If the user chose the store, no message is needed.
    let Cast { world, device, .. } = cast();
    world.set("MFA_CRED_STORE", "kernel");
    assert_eq!(sign_in(&world, &device).stderr, "");
}

#[test]
fn a_forged_header_cannot_extend_the_key_in_the_kernel() {
    let Cast { world, device, .. } = cast();
    sign_in(&world, &device);
    let entry = fs::read(&world.entries()[0]).expect("an entry");
    let text = String::from_utf8_lossy(&entry).into_owned();
    let header = text.lines().nth(1).expect("a header");
    let mut header: serde_json::Value = serde_json::from_str(header).expect("JSON");
    header["identity"] = "planted".into();
    header["end"] = "2150-01-01T00:00:00Z".into();
    world.write("state/mfa-cred/entries/planted", format!("mfa-cred entry 1\n{header}\nsealed"));
    // Every reason to count the entries again: another one is saved, or the key is fetched again.
    let done = world.run(&["process", "audit"]);
    assert!(done.status.success(), "{done:?}");
    let id = key(&world).0;
    assert!(kernel_keeps(&id) <= 37 * 3600, "{}", kernel_keeps(&id));
    assert!(
        !world.run(&["status"]).stdout.contains("2150") && !world.run(&["status", "--json"]).stdout.contains("2150")
    );
}

#[test]
fn an_idle_limit_expires_the_kernel_copy_and_only_use_extends_it() {
    if !has_service() {
        return;
    }
    let service = SecretService::unlocked();
    let Cast { world, device, .. } = cast();
    meet(&world, &service);
    world.write("config/mfa-cred/config.ini", "lock_after = 5s\n");
    sign_in(&world, &device);
    let id = key(&world).0;
    assert!(kernel_keeps(&id) <= 5);
    let (row, json) = where_the_key_is(&world);
    assert!(row.contains("; locked after 5s without use\t"), "{row}");
    assert_eq!(json["lock_after_seconds"], 5);
    // Use extends it, and nothing else could have put it back.
    world.set(BUS, "unix:path=/nonexistent");
    for _ in 0..3 {
        std::thread::sleep(Duration::from_secs(2));
        assert_warm(&world);
    }
    assert!(is_in_kernel(&id));
    // `status` does not.
    let start = Instant::now();
    while is_in_kernel(&id) {
        for words in [&["status"][..], &["status", "deploy"], &["list"], &["prompt"], &["show", "deploy"]] {
            world.run(words);
        }
        assert!(start.elapsed() < Duration::from_secs(20), "looking kept the key");
    }
    assert_eq!(where_the_key_is(&world).0, "Secret Service\t-");
    meet(&world, &service);
    // The store is asked again, and refuses a process that cannot prompt.
    let bus = world.run(&["process", "deploy"]);
    assert!(bus.status.success() && is_in_kernel(&id), "{bus:?}");
    take_from_kernel(&id);
    world.set(BUS, "unix:path=/nonexistent");
    assert_cold(&world);
    for (text, why) in [
        ("lock_after = 0", "the key would never be available; `store = keyring` keeps no copy of it"),
        ("lock_after = soon", "a duration is written `900`, `15m`, `1h30m` or `12h`"),
    ] {
        world.write("config/mfa-cred/config.ini", text);
        let failed = world.run(&["process", "deploy"]);
        assert_eq!(failed.status.code(), Some(1));
        assert!(failed.stderr.ends_with(&format!("config.ini: `lock_after`: {why}\n")), "{failed:?}");
    }
}
