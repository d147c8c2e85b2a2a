//! Files with many profiles: the time is proportional to their number, and no chain is endless.

use std::fmt::Write;

use crate::support::pty::PATIENCE;
use crate::support::world::{Cast, MFA_CRED, World};

/// As many as a test without optimization can afford.
const MANY: usize = 5_000;

/// The processor time that the program takes, in seconds: unlike the time that passes, a busy machine does not change it.
fn seconds(world: &World, words: &[&str]) -> f64 {
    // The second line of `times` is about the children.
    let script = ["-c", "\"$@\" >/dev/null 2>&1; times", "sh", MFA_CRED];
    let done = world.run_other("sh", &[&script[..], words].concat(), 10 * PATIENCE);
    let children = done.stdout.lines().nth(1).unwrap_or_else(|| panic!("no times: {done:?}"));
    let parts = children.split(' ').map(|part| {
        let (minutes, seconds) = part.trim_end_matches('s').split_once('m').expect("minutes");
        minutes.parse::<f64>().expect("minutes") * 60.0 + seconds.parse::<f64>().expect("seconds")
    });
    parts.sum()
}

fn config(line: impl Fn(usize) -> String) -> String {
    (0..MANY).fold(String::new(), |mut text, n| {
        let _ = write!(text, "[profile p{n}]\n{}", line(n));
        text
    })
}

#[test]
fn listing_many_profiles_takes_linear_time() {
    let arn = "arn:aws:iam::123456789012:role/x";
    let role = |source: String| format!("role_arn = {arn}\nsource_profile = {source}\n");
    let files: [(&str, String); 10] = [
        ("a chain", config(|n| role(format!("p{}", n + 1)))),
        ("sources that there are none of", config(|n| role(format!("no-such-source-of-a-profile-{n}")))),
        ("a circle", config(|n| role(format!("p{}", (n + 1) % MANY)))),
        ("commands", config(|n| format!("credential_process = mfa-cred process p{}\n", n + 1))),
        ("services", config(|n| format!("services = s{n}\n[services s{n}]\nsts =\n  endpoint_url = https://s{n}\n"))),
        ("one source", config(|_| role("p0".to_owned()))),
        ("ignored sections", config(|n| format!("region = x\n[p{n}]\nmfa_serial = x\n"))),
        ("marks", format!("[profile p0]\nendpoint_url = http://localhost/{}\n", "a@//b:".repeat(50_000))),
        ("tags", {
            let tags: String = (0..50_000).map(|n| format!("k{n}=v,")).collect();
            format!("[profile p0]\n{}session_tags = {tags}\n", role("p0".to_owned()))
        }),
        ("the same section", "[profile p0]\nregion = x\n".repeat(MANY)),
    ];
    for (what, text) in files {
        let world = World::empty();
        world.write(".aws/config", text);
        let all = [&["list", "--json"][..], &["list", "--names"], &["show", "p0"], &["process", "p0"]];
        let all = all.map(|words| (words, seconds(&world, words)));
        assert!(all.iter().all(|(_, seconds)| *seconds < 10.0), "{what}: {all:?}");
        assert!(all.iter().any(|(_, seconds)| *seconds > 0.0), "nothing was measured");
    }
}

#[test]
fn a_section_that_is_repeated_takes_linear_time() {
    let world = World::empty();
    let line = "role_arn = arn:aws:iam::123456789012:role/x\nsource_profile = nobody\n";
    world.write(".aws/config", format!("[profile p0]\n{line}").repeat(60_000));
    let done = world.run(&["process", "p0"]);
    assert!(done.stderr.contains("nobody"), "{done:?}");
    let seconds = seconds(&world, &["process", "p0"]);
    assert!(seconds > 0.0 && seconds < 15.0, "{seconds} s");
}

#[test]
fn a_chain_of_60000_profiles_is_refused_with_file_and_line() {
    let world = World::empty();
    for (line, key) in [
        ("role_arn = arn:aws:iam::123456789012:role/x\nsource_profile = p", "source_profile"),
        ("credential_process = mfa-cred process p", "credential_process"),
    ] {
        let text: String = (0..60_000).map(|n| format!("[profile p{n}]\n{line}{}\n", n + 1)).collect();
        world.write(".aws/config", text);
        let done = world.run(&["process", "p0"]);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{done:?}");
        let file = world.home().join(".aws/config");
        assert!(done.stderr.starts_with(&format!("error: {}:", file.display())), "{done:?}");
        let end = format!("`{key}` leads through more than 64 profiles\n");
        assert!(done.stderr.lines().next().is_some_and(|line| format!("{line}\n").ends_with(&end)), "{done:?}");
    }
}

#[test]
fn a_chain_of_64_profiles_is_followed_and_one_more_is_not() {
    let Cast { world, key, .. } = World::cast();
    world.write_key("p63", &key);
    for (first, stands) in [("p0", true), ("more", false)] {
        let line = "role_arn = arn:aws:iam::123456789012:role/x\nsource_profile = p";
        let text: String = (0..63).map(|n| format!("[profile p{n}]\n{line}{}\n", n + 1)).collect();
        world.write(".aws/config", format!("{text}[profile more]\n{line}0\n"));
        let done = world.run(&["show", first]);
        assert_eq!(!done.stdout.contains("error:"), stands, "{first}: {done:?}");
    }
}
