//! The shell: which mfa-cred it finds, and whether its startup files load the function.
//!
//! A shell's functions are not visible from outside, so its startup files are read as text.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Facts, Finding};
use crate::host::{self, Env};
use crate::shell::{Shell, Startup};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const NAME: &str = "mfa-cred";

/// Which program would the shell start?
pub(super) fn path(facts: &Facts) -> Finding {
    let Some(program) = &facts.program else { return Finding::skipped("the path of this program is unknown") };
    let folders = facts.variables.os("PATH").unwrap_or_default();
    let name = format!("{NAME}{}", std::env::consts::EXE_SUFFIX);
    let found = std::env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&name))
        .find(|file| is_program(file));
    match found {
        None => Finding::warn(
            format!("{NAME} is not on the PATH; this one is {}", program.display()),
            "add its folder to `PATH`, or link to it from a folder on the `PATH`",
        ),
        Some(found) if is_same(&found, program) => Finding::pass(format!("{NAME} {VERSION} is {}", found.display())),
        Some(found) => Finding::fail(
            format!("another {NAME} comes first on the PATH: {}; this one is {}", found.display(), program.display()),
            "remove the wrong one, or move the right folder to the front of the `PATH`",
        ),
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// A line of a startup file that loads the output of `init`.
struct Loaded {
    file: PathBuf,
    line: usize,
    by: Loader,
    has_prompt: bool,
}

enum Loader {
    /// `… mfa-cred init SHELL …`: the word that calls the program.
    Init(String),
    /// `source FILE`, with a file that `init` wrote.
    File(String),
}

/// The shell that this was started from, else the user's.
fn calling(facts: &Facts) -> Option<Shell> {
    let has_function = |shell: &Shell| shell.dialect().init.is_some();
    let parent = facts.parent.as_deref().and_then(Shell::of_program);
    let usual = || Shell::of_program(&facts.variables.var("SHELL")?);
    parent.filter(has_function).or_else(usual).filter(has_function)
}

/// Does a startup file define the shell function `mfa-cred`, and does that run this program?
pub(super) fn function(facts: &Facts) -> Finding {
    let Some(shell) = calling(facts) else { return Finding::skipped("no supported shell was found") };
    let Some(loaded) = loaded(facts, shell) else {
        return Finding::skipped(format!("no startup file of {shell} runs `{NAME} init`: see `{NAME} init --help`"));
    };
    let place = format!("{}:{}", loaded.file.display(), loaded.line);
    match &loaded.by {
        Loader::Init(word) if !word.contains(['/', '\\']) => {
            Finding::pass(format!("{place} loads the function of {NAME} {VERSION}"))
        }
        Loader::Init(word) => {
            let path = expanded(word, facts);
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
        Loader::File(word) => saved(&expanded(word, facts), &place, facts, shell),
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
    let calls = |(file, _): &(PathBuf, bool)| {
        lines(file).iter().any(|line| words(line).windows(2).any(|it| is_call(it, "prompt")))
    };
    match startup_files(shell, facts).into_iter().find(calls) {
        Some((file, _)) => Finding::pass(format!("{} calls `{NAME} prompt`", file.display())),
        None => Finding::skipped(format!("no segment in the prompt: `{NAME} init --prompt` adds one")),
    }
}

fn loaded(facts: &Facts, shell: Shell) -> Option<Loaded> {
    startup_files(shell, facts).into_iter().find_map(|(file, is_whole)| {
        let lines = lines(&file);
        if is_whole {
            let has_prompt =
                lines.iter().any(|line| line.contains("mfa_cred_segment") || line.contains("mfa_cred_prompt"));
            let by = Loader::File(file.to_string_lossy().into_owned());
            return file.exists().then_some(Loaded { file, line: 1, by, has_prompt });
        }
        let found = (1..).zip(&lines).find_map(|(line, text)| Some((line, loader(text)?)));
        found.map(|(line, (by, has_prompt))| Loaded { file, line, by, has_prompt })
    })
}

/// The lines of a startup file, without comments.
fn lines(file: &Path) -> Vec<String> {
    let text = host::read_regular(file).map(|text| String::from_utf8_lossy(text.expose()).into_owned());
    let text = text.unwrap_or_default();
    text.lines().map(|line| if line.trim_start().starts_with('#') { String::new() } else { line.to_owned() }).collect()
}

/// The words of such a line, in any shell.
fn words(line: &str) -> Vec<&str> {
    let is_between = |c: char| c.is_whitespace() || "\"'()`{}[]|;&^<>=,".contains(c);
    line.split(is_between).filter(|word| !word.is_empty()).collect()
}

fn is_call(pair: &[&str], verb: &str) -> bool {
    let [program, word] = pair else { return false };
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    name.trim_end_matches(".exe") == NAME && *word == verb
}

/// A path in quotes that may contain spaces, before `init`.
fn quoted_program(line: &str) -> Option<&str> {
    ['\'', '"'].into_iter().find_map(|quote| {
        let parts: Vec<&str> = line.split(quote).collect();
        let is_it = |pair: &&[&str]| {
            let follows = pair[1].trim_start().starts_with("init ");
            follows && pair[0].starts_with(['/', '~', '$']) && is_call(&[pair[0], "init"], "init")
        };
        parts.windows(2).find(is_it).map(|pair| pair[0])
    })
}

fn loader(line: &str) -> Option<(Loader, bool)> {
    let words = words(line);
    let has_prompt = words.contains(&"--prompt");
    if let Some(program) = quoted_program(line) {
        return Some((Loader::Init(program.to_owned()), has_prompt));
    }
    if let Some(pair) = words.windows(2).find(|pair| is_call(pair, "init")) {
        return Some((Loader::Init(pair[0].to_owned()), has_prompt));
    }
    let is_source = |word: &str| matches!(word, "source" | "." | "use" | "overlay");
    let file = words.windows(2).find(|pair| is_source(pair[0]) && pair[1].contains(NAME))?;
    Some((Loader::File(file[1].to_owned()), has_prompt))
}

/// Expands `~` and `$HOME` as a shell does.
fn expanded(word: &str, facts: &Facts) -> PathBuf {
    let rest = ["~/", "$HOME/", "${HOME}/", "HOME/"].into_iter().find_map(|prefix| word.strip_prefix(prefix));
    match (rest, &facts.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(word),
    }
}

/// The files that the shell reads when it starts, and whether each is entirely an output of `init`.
fn startup_files(shell: Shell, facts: &Facts) -> Vec<(PathBuf, bool)> {
    let home = facts.home.clone().unwrap_or_default();
    let config = facts.config.clone().unwrap_or_else(|| home.join(".config"));
    let named = |variable| facts.variables.os(variable).map(PathBuf::from);
    let place = |file: &Startup| match *file {
        Startup::Home(name) => Some((home.join(name), false)),
        Startup::Below(variable, name) => Some((named(variable).unwrap_or_else(|| home.clone()).join(name), false)),
        Startup::Config(name) => Some((config.join(name), false)),
        Startup::Named(variable) => named(variable).map(|file| (file, false)),
        Startup::Whole(name) => Some((config.join(name), true)),
    };
    shell.dialect().startup.iter().filter_map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::{Loader, loader};

    #[test]
    fn the_line_that_loads_the_function_is_found_in_every_shell() {
        for (line, wanted) in [
            ("eval \"$(mfa-cred init bash)\"", Some("init mfa-cred")),
            ("eval \"$(/opt/x/mfa-cred init zsh --prompt)\"", Some("init /opt/x/mfa-cred")),
            ("mfa-cred init fish | source", Some("init mfa-cred")),
            ("eval (mfa-cred init elvish | slurp)", Some("init mfa-cred")),
            ("execx($(mfa-cred init xonsh))", Some("init mfa-cred")),
            ("eval \"`~/bin/mfa-cred init tcsh`\"", Some("init ~/bin/mfa-cred")),
            (
                "& 'C:\\x\\mfa-cred.exe' init powershell | Out-String | Invoke-Expression",
                Some("init C:\\x\\mfa-cred.exe"),
            ),
            ("source ~/.config/nushell/mfa-cred.nu", Some("file ~/.config/nushell/mfa-cred.nu")),
            ("eval \"$(other init bash)\"", None),
            ("alias m='mfa-cred list'", None),
            ("eval \"`'/a b/mfa-cred' init tcsh`\"", Some("init /a b/mfa-cred")),
            ("eval \"$(\"$HOME/a b/mfa-cred\" init bash --prompt)\"", Some("init $HOME/a b/mfa-cred")),
            ("", None),
        ] {
            let found = loader(line).map(|(by, _)| match by {
                Loader::Init(word) => format!("init {word}"),
                Loader::File(word) => format!("file {word}"),
            });
            assert_eq!(found.as_deref(), wanted, "{line}");
        }
        assert!(loader("eval \"$(mfa-cred init zsh --prompt)\"").is_some_and(|(_, has_prompt)| has_prompt));
    }
}
