//! Programs of others that the tests run: where they are, and what is said when they are not.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where `tests/run` puts the Python tools.
const VIRTUALENV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/bin");

/// The first program of that name that starts with these words: in PATH, else where `tests/run` installed it.
pub(crate) fn find(program: &str, words: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([Path::new(VIRTUALENV).to_owned()]);
    let works = |file: &PathBuf| {
        let output = Command::new(file).args(words).stdin(Stdio::null()).output();
        output.is_ok_and(|output| output.status.success())
    };
    folders.map(|folder| folder.join(program)).filter(|file| file.is_file()).find(works)
}

/// Says what was not tested. In CI everything is there, and whatever is not fails the run.
pub(crate) fn skip(what: &str, missing: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what} cannot be tested here: {missing} is missing");
    writeln!(std::io::stderr(), "skipped: {what}: {missing} is missing").expect("stderr is open");
}

/// The same for want of a program of others: it also fails where `tests/run` has seen to it that all of them are there.
pub(crate) fn skip_without(what: &str, program: &str) {
    let is_complete = std::env::var_os("TESTS_HAVE_PROGRAMS").is_some();
    assert!(!is_complete, "{what} cannot be tested: {program} does not work, and `tests/run` installed it");
    skip(what, program);
}
