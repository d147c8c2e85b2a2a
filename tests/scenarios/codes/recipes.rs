//! The recipes of `docs/codes.md` that are said to be run, with the programs of Debian and the very lines of the page.

use std::process::{Command, Stdio};

use crate::support::aws::Device;
use crate::support::pty::{self, PATIENCE};
use crate::support::tools::{find, skip_without};
use crate::support::world::{Cast, World};

const PAGE: &str = include_str!("../../../docs/codes.md");

/// The lines `mfa_process = …` of the page that it says are run, or not run.
fn recipes(are_run: bool) -> Vec<&'static str> {
    let (run, not_run) = PAGE.split_once("The others were not run").expect("both parts");
    let part = if are_run { run } else { not_run };
    part.lines().filter(|line| line.starts_with("mfa_process = ")).collect()
}

fn address(device: &Device) -> String {
    format!("otpauth://totp/AWS:alice?secret={}&issuer=AWS", device.seed_base32())
}

/// Runs a program in the world's home. It must succeed.
fn set_up(world: &World, program: &str, words: &[&str], stdin: &str) {
    let mut command = Command::new(program);
    world.dress(&mut command);
    command.args(words).stdin(Stdio::piped());
    let done = pty::run(command, stdin.as_bytes(), PATIENCE);
    assert!(done.status.success(), "{program} {words:?}: {done:?}");
}

/// A key of GnuPG's without a passphrase. Its home's path must be short enough for a socket.
fn gnupg(world: &World) {
    let words = [
        "--batch",
        "--quiet",
        "--passphrase",
        "",
        "--quick-gen-key",
        "alice@example.org",
        "default",
        "default",
        "never",
    ];
    set_up(world, "gpg", &words, "");
}

fn pass(world: &World, device: &Device) {
    gnupg(world);
    set_up(world, "pass", &["init", "alice@example.org"], "");
    set_up(world, "pass", &["otp", "insert", "aws/alice"], &address(device));
}

fn keepassxc(world: &World, device: &Device) {
    world.set("QT_QPA_PLATFORM", "offscreen");
    let address = address(device).replace('&', "&amp;");
    let export = format!(
        "<KeePassFile><Meta><Generator>x</Generator></Meta><Root><Group><UUID>AAAAAAAAAAAAAAAAAAAAAQ==</UUID>\
         <Name>Root</Name><Entry><UUID>AAAAAAAAAAAAAAAAAAAAAg==</UUID><String><Key>Title</Key><Value>AWS</Value></String>\
         <String><Key>otp</Key><Value ProtectInMemory=\"True\">{address}</Value></String></Entry></Group></Root></KeePassFile>"
    );
    world.write("export.xml", export);
    set_up(world, "keepassxc-cli", &["import", "-k", "aws.keyx", "export.xml", "aws.kdbx"], "");
    std::fs::remove_file(world.home().join("export.xml")).expect("it was there");
}

fn oathtool(world: &World, device: &Device) {
    gnupg(world);
    let words = ["--batch", "--quiet", "--encrypt", "--recipient", "alice@example.org", "--output", "aws-seed.gpg"];
    set_up(world, "gpg", &words, &device.seed_base32());
}

#[test]
fn the_recipes_that_are_said_to_be_run_work_as_they_are_printed() {
    let all = [
        ("pass", ["otp", "--help"].as_slice(), pass as fn(&World, &Device)),
        ("keepassxc-cli", &["--version"], keepassxc),
        ("oathtool", &["--version"], oathtool),
    ];
    let lines = recipes(true);
    assert_eq!(lines.len(), all.len());
    for (line, (program, probe, set_up_with)) in lines.into_iter().zip(all) {
        assert!(line.contains(program), "{line}");
        if find(program, probe).is_none() {
            skip_without("a recipe", program);
            continue;
        }
        let Cast { world, device, .. } = World::cast();
        set_up_with(&world, &device);
        world.edit_config("[profile deploy]\n", &format!("[profile deploy]\n{line}\n"));
        let done = world.run(&["process", "deploy"]);
        let mut agent = Command::new("gpgconf");
        world.dress(&mut agent);
        let _ = agent.args(["--kill", "all"]).status();
        assert!(done.status.success() && done.stdout.starts_with("{\"Version\":1,"), "{line}: {done:?}");
        assert_eq!(done.stderr, "", "{line}");
    }
}

#[test]
fn every_other_recipe_says_that_it_was_not_run() {
    let not_run = PAGE.split_once("The others were not run").expect("both parts").1;
    let titles = not_run.lines().filter(|line| line.starts_with("**") && line.ends_with("(not run)")).count();
    assert_eq!(recipes(false).len(), titles);
}
