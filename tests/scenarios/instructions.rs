//! The warm path, measured in instructions: their number is the same on every run, unlike times, whatever else the
//! machine does.
//!
//! The limits are for the unoptimized build, whose count does not vary. They ensure that the warm path builds no clap
//! definitions, no async runtime, no TLS and no D-Bus connection: each of these alone costs more than the margin.

use std::process::Command;

use crate::support::pty::{PATIENCE, run};
use crate::support::world::{Cast, MFA_CRED, World};

/// 4.5 million for `process` and half a million more for `env`. The margin is what the dynamic linker takes where the small
/// program cannot be linked statically.
const WARM: u64 = 5_800_000;

/// 0.9 million for a TAB at a profile, with the same margin.
const TAB: [(&[&str], u64); 3] = [
    (&["__complete", "zsh", "--", "env", ""], 1_400_000),
    (&["__complete", "bash", "--", "mfa-cred de", "de"], 1_400_000),
    (&["list", "--names"], 1_400_000),
];

/// 0.4 million for a prompt segment, with the same margin.
const PROMPT: u64 = 900_000;

/// Runs the program under callgrind and returns the number of its instructions.
fn instructions(world: &World, words: &[&str]) -> u64 {
    let mut command = Command::new("valgrind");
    world.dress(&mut command);
    command.args(["--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null", MFA_CRED]).args(words);
    let done = run(command, b"", PATIENCE);
    assert!(done.status.success(), "{done:?}");
    let collected = done.stderr.lines().filter_map(|line| line.split_once("Collected : ")).next_back();
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
    // Check that the limits can be exceeded: a command line that clap has to parse costs more than the margin.
    assert!(instructions(&world, &["process", "deploy", "--min-ttl", "1m"]) > WARM);
    assert!(instructions(&world, &["__complete", "zsh", "--", "env", "--"]) > TAB[1].1);
}

/// What each additional profile costs a warm call, which scans its lines without parsing them: 9,100; parsing would
/// cost seven times as much. An optimized build needs a tenth.
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
    // Check that the limit can be exceeded: an unusual notation requires parsing everything.
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
    // Check that the limit can be exceeded, as above.
    assert!(instructions(&world, &["prompt", "--color", "always"]) > PROMPT);
}

#[test]
fn an_audit_in_which_every_user_is_accepted_by_a_line_grows_no_faster_than_their_number() {
    let world = World::empty();
    let count = |users: u32| {
        let mut report = "user,password_enabled,mfa_active,access_key_1_active\n".to_owned();
        let mut accepted = String::new();
        for user in 0..users {
            report += &format!("user-{user:05},false,false,true\n");
            accepted += &format!("key-without-mfa=user-{user:05} until 9999-12-31\n");
        }
        world.write("report.csv", report);
        world.write("accepted", accepted);
        instructions(&world, &["audit", "--report", "report.csv", "--accept", "accepted"])
    };
    let [few, more, most] = [200, 400, 800].map(count);
    // Twice as many more users cost twice as much; comparing each with every line would cost four times as much.
    assert!(most - more < (more - few) * 5 / 2, "{few}, {more}, {most}");
}
