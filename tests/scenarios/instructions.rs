//! The warm path, counted in instructions: they repeat exactly, whatever else the machine does, where times do not.
//!
//! The limits are for the unoptimized build and far above its own noise, which is none: what they guard is that the
//! warm path builds no clap tree, no async runtime, no TLS and no D-Bus connection. Each of those alone costs more than
//! the room that is left.

use std::process::Command;

use crate::support::pty::{PATIENCE, run};
use crate::support::world::{Cast, MFA_CRED, World};

/// 6 million for `process`, half a million more for `env`, of which 1.9 are the dynamic linker's relocations; an
/// optimized build takes a ninth of it.
const WARM: u64 = 7_000_000;

/// 2.8 million for a TAB that wants a profile, all but 0.7 of them relocations; 4.4 where commands can be typed, too.
const TAB: [(&[&str], u64); 3] = [
    (&["__complete", "zsh", "--", "env", ""], 3_000_000),
    (&["__complete", "bash", "--", "mfa-cred de", "de"], 4_700_000),
    (&["list", "--names"], 3_000_000),
];

/// 2.3 million for a segment of the prompt, of which all but 0.4 are relocations, which grow with all that is linked.
const PROMPT: u64 = 2_500_000;

/// Runs the program under callgrind and gives the instructions that it took.
fn instructions(world: &World, words: &[&str]) -> u64 {
    let mut command = Command::new("valgrind");
    world.dress(&mut command);
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", MFA_CRED]).args(words);
    let done = run(command, b"", PATIENCE);
    assert!(done.status.success(), "{done:?}");
    let collected = done.stderr.lines().find_map(|line| line.split_once("Collected : "));
    collected.expect("callgrind's count").1.trim().parse().expect("a number")
}

#[test]
fn a_warm_call_stays_within_its_instruction_budget() {
    let Cast { world, device, .. } = World::cast();
    for n in 0..18 {
        let arn = format!("arn:aws:iam::123456789012:role/filler-{n}");
        world.add_config(&format!("[profile filler-{n}]\nsource_profile = alice\nrole_arn = {arn}\n"));
    }
    world.sign_in(&device, &["process", "deploy"]);
    for words in [["process", "deploy"], ["env", "deploy"], ["status", "deploy"]] {
        let first = instructions(&world, &words);
        assert!(first < WARM, "{words:?}: {first}");
    }
    for (words, limit) in TAB {
        let tab = instructions(&world, words);
        assert!(tab < limit, "{words:?}: {tab}");
    }
    // The guards can fail: a line that clap has to read costs more than the room that is left.
    assert!(instructions(&world, &["process", "deploy", "--min-ttl", "1m"]) > WARM);
    assert!(instructions(&world, &["__complete", "zsh", "--", "env", "--"]) > TAB[1].1);
}

/// What one profile more costs a warm call, whose lines are looked at and not read: 9,100, where to read them takes
/// seven times as much. An optimized build takes a tenth of it.
const A_PROFILE_MORE: u64 = 9_500;

#[test]
fn a_warm_call_parses_only_the_profiles_that_it_needs() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["process", "deploy"]);
    let words = ["process", "deploy"];
    let few = instructions(&world, &words);
    let more: String = (0..5_000)
        .map(|n| {
            let arn = format!("arn:aws:iam::123456789012:role/filler-{n}");
            format!("[profile filler-{n}]\nsource_profile = alice\nrole_arn = {arn}\n\n")
        })
        .collect();
    let plain = world.read(".aws/config");
    world.write(".aws/config", format!("{more}{plain}"));
    let each = |count: u64| count.saturating_sub(few) / 5_000;
    let many = instructions(&world, &words);
    assert!(each(many) < A_PROFILE_MORE, "{few} with few, {many} with 5,000: {} each", each(many));
    // The guard can fail: what is written in an unusual way takes the reading of all.
    world.write(".aws/config", format!("{more}[profile \"quoted\"]\n{plain}"));
    let all = instructions(&world, &words);
    assert!(each(all) > A_PROFILE_MORE, "{few} with few, {all} with 5,000 read: {} each", each(all));
}

#[test]
fn the_prompt_stays_within_its_instruction_budget() {
    let world = World::empty();
    for (name, value) in [
        ("MFA_CRED_PROFILE", "deploy"),
        ("AWS_CREDENTIAL_EXPIRATION", "2038-01-19T03:14:07Z"),
        ("AWS_ACCESS_KEY_ID", "ASIAY34FZKBOKMUTVV7A"),
        ("AWS_REGION", "eu-west-1"),
    ] {
        world.set(name, value);
    }
    for words in [&["prompt"][..], &["prompt", "--shell", "zsh"]] {
        let count = instructions(&world, words);
        assert!(count < PROMPT, "{words:?}: {count}");
    }
    // The guard can fail, as above.
    assert!(instructions(&world, &["prompt", "--color", "always"]) > PROMPT);
}
