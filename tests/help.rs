//! What the program says of itself: `-h`, `--help` and the manual pages.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::pty::PATIENCE;
use crate::support::tools::{find, skip};
use crate::support::world::World;

/// The commands below this one, as the helps list them, each with the words that lead to it.
fn commands_below(world: &World, path: &[String]) -> Vec<Vec<String>> {
    let mut words: Vec<&str> = path.iter().map(String::as_str).collect();
    words.push("-h");
    let help = world.run(&words).stdout;
    let Some(list) = help.split("Commands:\n").nth(1) else { return Vec::new() };
    let lines = list.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("    "));
    let names = lines.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    let below = names.map(|name| path.iter().cloned().chain([name.to_owned()]).collect::<Vec<_>>());
    below.flat_map(|path| [vec![path.clone()], commands_below(world, &path)].concat()).collect()
}

#[test]
fn every_command_has_a_short_help_and_a_long_one_with_an_example() {
    let world = World::empty();
    let commands = commands_below(&world, &[]);
    assert!(commands.contains(&vec!["device".to_owned(), "enroll".to_owned()]), "{commands:?}");
    assert!(!commands.iter().flatten().any(|word| word == "__complete"));
    for command in commands {
        let verb = command.join(" ");
        let help = |flag| world.run(&command.iter().map(String::as_str).chain([flag]).collect::<Vec<_>>());
        let (short, long) = (help("-h"), help("--help"));
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
    let mut expected: Vec<String> =
        commands_below(&world, &[]).iter().map(|path| format!("mfa-cred-{}.1", path.join("-"))).collect();
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
