//! What the program says of itself: `-h`, `--help` and the manual pages.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::pty::PATIENCE;
use crate::support::tools::{find, skip};
use crate::support::world::World;

/// The commands, as the help of the whole program lists them.
fn verbs(world: &World) -> Vec<String> {
    let help = world.run(&["-h"]).stdout;
    let lines = help.split("Commands:\n").nth(1).expect("a list").lines().take_while(|line| !line.is_empty());
    let first = |line: &str| line.split_whitespace().next().map(str::to_owned);
    lines.filter(|line| !line.starts_with("    ")).filter_map(first).filter(|verb| verb != "help").collect()
}

#[test]
fn every_command_has_a_short_help_and_a_long_one_with_an_example() {
    let world = World::empty();
    let verbs = verbs(&world);
    assert!(verbs.len() > 10, "{verbs:?}");
    assert!(!verbs.contains(&"__complete".to_owned()));
    for verb in verbs {
        let short = world.run(&[&verb, "-h"]);
        let long = world.run(&[&verb, "--help"]);
        for done in [&short, &long] {
            assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{verb}");
        }
        assert!(!short.stdout.contains("Example"), "{verb}");
        let example = long.stdout.split("Example:\n").nth(1).unwrap_or_else(|| panic!("{verb}: {}", long.stdout));
        assert!(example.contains("mfa-cred"), "{verb}: {example}");
        assert!(short.stdout.lines().count() < long.stdout.lines().count(), "{verb}");
    }
    assert!(world.run(&["--help"]).stdout.contains("Example:\n"));
}

#[test]
fn manual_pages_for_every_command() {
    let world = World::empty();
    let folder = world.home().join("share/man/man1");
    let words = ["man", folder.to_str().expect("UTF-8")];
    let done = world.run(&words);
    assert_eq!((done.status.code(), done.stdout.as_str(), done.stderr.as_str()), (Some(0), "", ""));
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("it")
        .flatten()
        .map(|file| file.file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    let mut expected: Vec<String> = verbs(&world).into_iter().map(|verb| format!("mfa-cred-{verb}.1")).collect();
    expected.push("mfa-cred.1".to_owned());
    expected.sort();
    assert_eq!(names, expected);
    let mode = fs::metadata(folder.join("mfa-cred.1")).expect("it").permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    assert_eq!(world.run(&["man"]).stdout, world.read("share/man/man1/mfa-cred.1"));
    let page = world.read("share/man/man1/mfa-cred-exec.1");
    assert!(page.contains("mfa\\-cred\\-exec") && page.contains(".SH EXAMPLES"), "{page}");
    // Once more, over what is there; and into what is no folder.
    assert_eq!(world.run(&words).status.code(), Some(0));
    world.write("file", "");
    let done = world.run(&["man", "file"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""));

    if find("groff", &["--version"]).is_none() {
        skip("the manual pages", "groff");
        return;
    }
    for name in names {
        let file = folder.join(&name);
        let words = ["-man", "-Tutf8", "-ww", "-z", file.to_str().expect("UTF-8")];
        let done = world.run_other("groff", &words, PATIENCE);
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{name}");
    }
}
