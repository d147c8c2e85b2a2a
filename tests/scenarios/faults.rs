//! `tests/FAULTS.md` promises a test for every row, and that the test was seen to fail: neither may be missing.

use std::path::Path;
use std::process::Command;

/// The rows without a test or without the guard that was removed.
fn incomplete<'a>(table: &'a str, tests: &[&str]) -> Vec<&'a str> {
    let is_there = |name: &str| {
        tests.iter().any(|test| *test == name || test.starts_with(&format!("{name}::"))) || stands_beside_the_code(name)
    };
    let is_complete = |row: &&str| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [.., named, without] = cells[..] else { return false };
        let mut names = named.split('`').skip(1).step_by(2).peekable();
        // `…::name` is in the same module as the name before it.
        let mut module = "";
        names.peek().is_some()
            && !without.is_empty()
            && names.all(|name| {
                if let Some(last) = name.strip_prefix("…::") {
                    return is_there(&format!("{module}::{last}"));
                }
                module = name.rsplit_once("::").map_or("", |(module, _)| module);
                is_there(name)
            })
    };
    let sections = table.split("\n## ").filter(|section| section.contains("| fails without |"));
    let rows = sections.flat_map(|section| section.lines().filter(|line| line.starts_with("| ")).skip(2));
    rows.filter(|row| !is_complete(row)).collect()
}

/// Tests of the library are in another program: `code::process::tests::name`, `vault::tests::edges::name`.
fn stands_beside_the_code(name: &str) -> bool {
    let Some((module, name)) = name.split_once("::tests::").or_else(|| name.rsplit_once("::")) else { return false };
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module.replace("::", "/"));
    let (folder, name) = name.rsplit_once("::").unwrap_or(("", name));
    let files = match folder {
        // The module itself may consist of tests.
        "" => vec![module.with_extension("rs"), module.join("tests.rs")],
        part => vec![module.join("tests").join(part).with_extension("rs")],
    };
    let is_in = |text: &str| ["", "    "].iter().any(|depth| text.contains(&format!("#[test]\n{depth}fn {name}()")));
    files.iter().any(|file| std::fs::read_to_string(file).is_ok_and(|text| is_in(&text)))
}

#[test]
fn every_row_names_existing_tests_and_the_removed_guard() {
    let table =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/FAULTS.md")).expect("a table");
    let own = std::env::current_exe().expect("this program");
    let list = Command::new(own).args(["--list", "--format", "terse"]).output().expect("the list of tests").stdout;
    let list = String::from_utf8(list).expect("names");
    // The table omits the folder that nearly all of them are in.
    let name = |line| str::strip_suffix(line, ": test").map(|name| name.strip_prefix("scenarios::").unwrap_or(name));
    let tests: Vec<&str> = list.lines().filter_map(name).collect();
    assert!(tests.contains(&"faults::every_row_names_existing_tests_and_the_removed_guard"), "{list}");
    assert_eq!(incomplete(&table, &tests), Vec::<&str>::new());
}

/// The faults that have more than one row with the same test.
fn repeated(table: &str) -> Vec<&str> {
    let mut seen = std::collections::BTreeSet::new();
    let rows =
        table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| fault |") && line.contains('`'));
    let key = |row: &&'_ str| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        Some(((*cells.first()?).to_owned(), (*cells.get(cells.len().checked_sub(2)?)?).to_owned()))
    };
    rows.filter(|row| key(row).is_some_and(|key| !seen.insert(key))).collect()
}

#[test]
fn no_fault_is_listed_twice() {
    let table =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/FAULTS.md")).expect("a table");
    assert_eq!(repeated(&table), Vec::<&str>::new());
    let twice = "| a | x | 0 | `t::u` | it |\n| a | y | 0 | `t::u` | that |\n| a | x | 0 | `t::v` | it |\n";
    assert_eq!(repeated(twice), ["| a | y | 0 | `t::u` | that |"]);
}

#[test]
fn an_incomplete_row_is_detected() {
    let table = "\n## A\n\n| fault | the user sees | exit | test | fails without |\n| --- | --- | --- | --- | --- |\n\
                 | good | x | 0 | `a::b`, `…::c`, `d` | it |\n| no test | x | 0 | `a::x` | it |\n\
                 | none | x | 0 | | it |\n| empty | x | | `a::b` | |\n| other | x | 0 | `d`, `…::c` | it |\n";
    let rows: Vec<&str> = table.lines().skip(6).collect();
    assert_eq!(incomplete(table, &["a::b", "a::c", "d::e"]), rows);
}
