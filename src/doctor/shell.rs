//! The shell: which mfa-cred it finds, and whether its startup files load the function.
//!
//! What the startup files say is found out by `shell/startup.rs`.

use std::path::{Path, PathBuf};

use super::{Facts, Finding};
use crate::host::{self, Env};
use crate::shell::Shell;
use crate::shell::startup::{self, Loaded, Loader, Places, all_on_path, is_same};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const NAME: &str = "mfa-cred";
/// The program that it becomes, which lies in the same folder.
const MAIN: &str = "mfa-cred-main";

/// Which program would the shell start?
pub(super) fn path(facts: &Facts) -> Finding {
    let Some(program) = &facts.program else { return Finding::skipped("the path of this program is unknown") };
    if program.file_stem().is_some_and(|name| name == MAIN) {
        return Finding::fail(
            format!("{} is installed without {NAME}, which belongs in the same folder", program.display()),
            format!("install {NAME} again"),
        );
    }
    match startup::on_path(&facts.variables) {
        None => Finding::warn(
            format!("{NAME} is not on the PATH; this one is {}", program.display()),
            "add its folder to `PATH`, or link to it from a folder on the `PATH`",
        ),
        Some(found) if is_same(&found, program) => {
            let is_another = |file: &PathBuf| !is_same(file, program);
            match all_on_path(&facts.variables, NAME).find(is_another) {
                None => Finding::pass(format!("{NAME} {VERSION} is {}", found.display())),
                Some(other) => Finding::warn(
                    format!(
                        "{NAME} is {}; another one further down the PATH is not used: {}",
                        found.display(),
                        other.display()
                    ),
                    "remove the one that you do not need",
                ),
            }
        }
        Some(found) => Finding::fail(
            format!("another {NAME} comes first on the PATH: {}; this one is {}", found.display(), program.display()),
            "remove the wrong one, or move the right folder to the front of the `PATH`",
        ),
    }
}

/// The shell that this was started from, else the user's.
fn calling(facts: &Facts) -> Option<Shell> {
    startup::calling(facts.parent.as_deref(), &facts.variables)
}

fn places(facts: &Facts) -> Places<'_> {
    Places { env: &facts.variables, home: facts.home.as_deref(), config: facts.config.as_deref() }
}

fn loaded(facts: &Facts, shell: Shell) -> Option<Loaded> {
    places(facts).loaded(shell)
}

/// Does a startup file define the shell function `mfa-cred`, and does that run this program?
pub(super) fn function(facts: &Facts) -> Finding {
    let Some(shell) = calling(facts) else { return Finding::skipped("no supported shell was found") };
    let Some(loaded) = loaded(facts, shell) else {
        if let Some((file, line, other)) = places(facts).for_another(shell) {
            return Finding::fail(
                format!("{}:{line} loads the function for {other}, which {shell} cannot read", file.display()),
                format!("use `{NAME} init {}` there", shell.name()),
            );
        }
        return Finding::skipped(format!("no startup file of {shell} runs `{NAME} init`: see `{NAME} init --help`"));
    };
    let place = format!("{}:{}", loaded.file.display(), loaded.line);
    match &loaded.by {
        Loader::Init(word) if !word.contains(['/', '\\']) => {
            Finding::pass(format!("{place} loads the function of {NAME} {VERSION}"))
        }
        Loader::Init(word) => {
            let path = places(facts).expanded(word);
            match &facts.program {
                _ if !path.exists() => Finding::fail(
                    format!("{place} runs a program that does not exist: {}", path.display()),
                    format!("use `{NAME} init {}` there, or the path of this program", shell.name()),
                ),
                Some(program) if !is_same(&path, program) => Finding::warn(
                    format!("{place} loads the function of another {NAME}: {}", path.display()),
                    format!("use the path of this program there: {}", program.display()),
                ),
                _ => Finding::pass(format!("{place} loads the function of {NAME} {VERSION}")),
            }
        }
        Loader::File(word) => saved(&places(facts).expanded(word), &place, facts, shell),
    }
}

/// A saved output of `init`.
fn saved(file: &Path, place: &str, facts: &Facts, shell: Shell) -> Finding {
    let reloading = match shell {
        Shell::Nu => format!("`{NAME} init nu | save -f {}`", file.display()),
        _ => format!("`{NAME} init {} > {}`", shell.name(), file.display()),
    };
    let Ok(text) = host::read_regular(file) else {
        return Finding::fail(format!("{place} loads a file that cannot be read: {}", file.display()), reloading);
    };
    let program = facts.program.as_ref().and_then(|program| program.to_str());
    let current = program.and_then(|path| Some(shell.dialect().init.as_ref()?.command(path, NAME)));
    let text = String::from_utf8_lossy(text.expose());
    match current {
        Some(current) if !text.contains(current.trim()) => {
            Finding::warn(format!("{} is from another version or location of {NAME}", file.display()), reloading)
        }
        _ => Finding::pass(format!("{place} loads the function of {NAME} {VERSION}")),
    }
}

/// Does the prompt show the shell's profile?
pub(super) fn prompt(facts: &Facts) -> Finding {
    let Some(shell) = calling(facts) else { return Finding::skipped("no supported shell was found") };
    if let Some(loaded) = loaded(facts, shell).filter(|loaded| loaded.has_prompt) {
        return Finding::pass(format!("{}:{} adds the segment", loaded.file.display(), loaded.line));
    }
    if facts.variables.os("STARSHIP_SHELL").is_some() {
        return Finding::pass("Starship shows the profile and the time left");
    }
    match places(facts).calling_prompt(shell) {
        Some(file) => Finding::pass(format!("{} calls `{NAME} prompt`", file.display())),
        None => Finding::skipped(format!("no segment in the prompt: `{NAME} init --prompt` adds one")),
    }
}
