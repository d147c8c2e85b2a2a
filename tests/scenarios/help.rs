//! The program's documentation of itself: `-h`, `--help` and the manual pages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use mfa_cred::output::Format;

use crate::support::pty::{PATIENCE, Pty, Stream, run};
use crate::support::tools::{find, skip_without};
use crate::support::world::{MFA_CRED, World};

/// The groups of commands.
const GROUPS: [&str; 6] = ["Credentials:", "Other programs:", "Shell:", "IAM:", "Help:", "Commands:"];

/// The subcommands of this command, as the help lists them, each with the words that lead to it.
fn commands_below(world: &World, path: &[String]) -> Vec<Vec<String>> {
    let mut words: Vec<&str> = path.iter().map(String::as_str).collect();
    // The short help of the whole program only names those that are seldom used.
    words.push(if path.is_empty() { "--help" } else { "-h" });
    let help = world.run(&words).stdout;
    let mut is_listed = false;
    let mut below = Vec::new();
    for line in help.lines() {
        if line.is_empty() || !line.starts_with(' ') {
            is_listed = GROUPS.contains(&line);
        } else if is_listed && !line.starts_with("    ") {
            let name = line.split_whitespace().next().expect("a word");
            if name != "help" {
                below.push(path.iter().cloned().chain([name.to_owned()]).collect::<Vec<_>>());
            }
        }
    }
    below.into_iter().flat_map(|path| [vec![path.clone()], commands_below(world, &path)].concat()).collect()
}

#[test]
fn every_command_has_a_short_help_and_a_long_one_with_an_example() {
    let world = World::empty();
    let commands = commands_below(&world, &[]);
    assert!(commands.contains(&vec!["device".to_owned(), "enroll".to_owned()]), "{commands:?}");
    assert!(!commands.iter().flatten().any(|word| word == "__complete"));
    for command in commands.iter().chain([&Vec::new()]) {
        let verb = command.join(" ");
        let help = |flag| world.run(&command.iter().map(String::as_str).chain([flag]).collect::<Vec<_>>());
        let (short, long) = (help("-h"), help("--help"));
        for done in [&short, &long] {
            assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{verb}");
            let example = done.stdout.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("{verb}: {}", done.stdout));
            assert!(example.lines().next().is_some_and(|line| line.contains("mfa-cred")), "{verb}: {example}");
            let block: Vec<&str> = example.lines().take_while(|line| !line.is_empty()).collect();
            let is_aligned = |pair: &[&str]| pair[0].ends_with('\\') || !pair[1].starts_with("     ");
            assert!(block.windows(2).all(is_aligned), "{verb}: {example}");
            // Examples, then the command's own options, then the options of every command.
            let place = |text: &str| done.stdout.find(text);
            let own = place("\nArguments:").or(place("\nOptions:")).expect("options");
            assert!(place("Examples:") < Some(own), "{verb}: {}", done.stdout);
            assert!(place("Global options:").is_none_or(|global| place("\nOptions:") < Some(global)), "{verb}");
        }
        assert!(short.stdout.lines().count() < long.stdout.lines().count(), "{verb}");
    }
    // What the short help omits, and the defaults.
    let (short, long) = (world.run(&["exec", "-h"]).stdout, world.run(&["exec", "--help"]).stdout);
    for text in ["--external-id", "--store", "Default: an hour for a role", "Default: 5 minutes", "[default: auto]"] {
        assert!(!short.contains(text) && long.contains(text), "{text}: {long}");
    }
    let env = world.run(&["env", "--help"]).stdout;
    for format in Format::all().map(Format::name) {
        assert!(env.contains(format), "{format}");
    }
}

/// On a terminal of 80 columns.
#[test]
fn the_short_help_fits_one_screen() {
    let world = World::empty();
    for command in commands_below(&world, &[]).iter().chain([&Vec::new()]) {
        let words: Vec<&str> = command.iter().map(String::as_str).chain(["-h"]).collect();
        let mut asked = Command::new(MFA_CRED);
        world.dress(&mut asked);
        asked.args(&words);
        let session = Pty::default().sized(40, 80).streams(Stream::Terminal, Stream::Terminal).spawn(asked);
        let screen = session.finish(PATIENCE).terminal;
        let mut terminal = vt100::Parser::new(200, 80, 0);
        terminal.process(screen.as_bytes());
        let text = terminal.screen().contents();
        assert!(text.lines().count() <= 40, "{words:?} has {} lines:\n{text}", text.lines().count());
        let wrapped = (0..200).filter(|row| terminal.screen().row_wrapped(*row)).count();
        assert_eq!(wrapped, 0, "{words:?}:\n{text}");
    }
}

/// Only a single long word may exceed the width, and a narrow terminal changes nothing but the line breaks.
#[test]
fn every_help_fits_the_width_of_the_terminal_and_breaks_between_words() {
    let world = World::empty();
    let commands = commands_below(&world, &[]);
    for (command, flag) in
        commands.iter().chain([&Vec::new()]).flat_map(|command| [(command, "-h"), (command, "--help")])
    {
        let asked = || {
            let mut asked = Command::new(MFA_CRED);
            world.dress(&mut asked);
            asked.args(command).arg(flag);
            asked
        };
        let words = |text: &str| {
            let words = text.split_whitespace().filter(|word| *word != "\\").map(str::to_owned);
            words.collect::<Vec<_>>()
        };
        let whole = words(&run(asked(), b"", PATIENCE).stdout);
        for width in [36, 40, 60, 80, 100] {
            let mut piped = asked();
            piped.env("COLUMNS", width.to_string());
            let piped = run(piped, b"", PATIENCE).stdout;
            assert_eq!(words(&piped), whole, "{command:?} {flag} at {width}:\n{piped}");
            for line in piped.lines().filter(|line| line.chars().count() > width) {
                let is_usage = line.starts_with("Usage: ") && line.split(' ').count() == 2;
                let is_word = words(line).len() == 1 || is_usage;
                assert!(is_word, "{command:?} {flag} at {width}: {line:?}");
            }
            let columns = u16::try_from(width).expect("narrow");
            let session = Pty::default().sized(40, columns).streams(Stream::Terminal, Stream::Terminal).spawn(asked());
            let mut terminal = vt100::Parser::new(400, 200, 0);
            terminal.process(session.finish(PATIENCE).terminal.as_bytes());
            let shown = terminal.screen().contents();
            let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
            assert_eq!(lines(&shown), lines(piped.trim_end()), "{command:?} {flag} at {width}");
        }
    }
}

/// The program's page documents exit codes, the variables and files that it reads, and where things are.
#[test]
fn the_manual_page_has_exit_codes_variables_and_files() {
    let world = World::empty();
    let page = world.run(&["man"]).stdout;
    let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
    let expected = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SUBCOMMANDS", "EXAMPLES"];
    assert_eq!(sections, [&expected[..], &["\"EXIT STATUS\"", "ENVIRONMENT", "FILES"]].concat());
    let settings = include_str!("../../src/names/variables.rs");
    let ours = settings.split("&str = \"MFA_CRED_").skip(1).filter_map(|rest| rest.split('"').next());
    let plain = page.replace('\\', "");
    let mut count = 0;
    // Used only between our own processes.
    for name in ours.filter(|name| !["DEPTH", ""].contains(name)) {
        count += 1;
        assert!(plain.contains(&format!("MFA_CRED_{name}")), "{name}");
    }
    assert!(count > 9, "{count}");
    for text in ["~/.aws/config", "config.ini", "126", "127", "141"] {
        assert!(plain.contains(text), "{text}: {plain}");
    }
}

#[test]
fn manual_pages_for_every_command() {
    let world = World::empty();
    let folder = world.home().join("share/man/man1");
    let words = ["man", folder.to_str().expect("UTF-8")];
    let done = world.run(&words);
    done.expect(0, "", "");
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
    // Once more, over existing files; and into something that is not a folder.
    assert_eq!(world.run(&words).status.code(), Some(0));
    world.write("file", "");
    let done = world.run(&["man", "file"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""));

    if find("groff", &["--version"]).is_none() {
        skip_without("the manual pages", "groff");
        return;
    }
    for name in names {
        let file = folder.join(&name);
        let words = ["-man", "-Tutf8", "-ww", "-z", file.to_str().expect("UTF-8")];
        let done = world.run_other("groff", &words, PATIENCE);
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{name}");
    }
}
