//! The shell: which mfa-cred it finds, and what its start-up files make of it.
//!
//! A shell's functions cannot be seen from outside it, so its start-up files are read, as text.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Facts, Finding};
use crate::host::{self, Env};
use crate::shell::Shell;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const NAME: &str = "mfa-cred";

/// Which program the shell would start.
pub(super) fn path(facts: &Facts) -> Finding {
    let Some(program) = &facts.program else { return Finding::skipped("the path of this program is not known") };
    let folders = facts.variables.os("PATH").unwrap_or_default();
    let name = format!("{NAME}{}", std::env::consts::EXE_SUFFIX);
    let found = std::env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&name))
        .find(|file| is_program(file));
    match found {
        None => Finding::warn(
            format!("{NAME} is not on the PATH; this one is {}", program.display()),
            "add its folder to `PATH`, or put a link to it into a folder that is there",
        ),
        Some(found) if is_same(&found, program) => Finding::pass(format!("{NAME} {VERSION} is {}", found.display())),
        Some(found) => Finding::fail(
            format!("another {NAME} comes first on the PATH: {}; this one is {}", found.display(), program.display()),
            "remove the one that is not meant, or put the folder of the other before it",
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

/// A line of a start-up file that loads what `init` prints.
struct Loaded {
    file: PathBuf,
    line: usize,
    by: Loader,
    has_prompt: bool,
}

enum Loader {
    /// `… mfa-cred init SHELL …`: the word by which the program is called.
    Init(String),
    /// `source FILE`, which `init` wrote.
    File(String),
}

/// The shell that this was started from, else the user's.
fn calling(facts: &Facts) -> Option<Shell> {
    let has_function = |shell: &Shell| shell.dialect().init.is_some();
    let parent = facts.parent.as_deref().and_then(Shell::of_program);
    let usual = || Shell::of_program(&facts.variables.var("SHELL")?);
    parent.filter(has_function).or_else(usual).filter(has_function)
}

/// Does a start-up file make `mfa-cred` a command of the shell, and does that run this program?
pub(super) fn function(facts: &Facts) -> Finding {
    let Some(shell) = calling(facts) else { return Finding::skipped("no shell is known that has a function") };
    let Some(loaded) = loaded(facts, shell) else {
        if let Some(file) = autoloaded(shell, facts).filter(|file| file.exists()) {
            return saved(&file, &file.display().to_string(), facts, shell);
        }
        return Finding::skipped(format!("no start-up file of {shell} runs `{NAME} init`: see `{NAME} init --help`"));
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
                    format!("write `{NAME} init {}` there, or the path of this program", shell.name()),
                ),
                Some(program) if !is_same(&path, program) => Finding::warn(
                    format!("{place} loads the function of another {NAME}: {}", path.display()),
                    format!("write the path of this one there: {}", program.display()),
                ),
                _ => Finding::pass(format!("{place} loads the function of {NAME} {VERSION}")),
            }
        }
        Loader::File(word) => saved(&expanded(word, facts), &place, facts, shell),
    }
}

/// A file that `init` wrote, once.
fn saved(file: &Path, place: &str, facts: &Facts, shell: Shell) -> Finding {
    let anew = match shell {
        Shell::Nu => format!("`{NAME} init nu | save -f {}`", file.display()),
        _ => format!("`{NAME} init {} > {}`", shell.name(), file.display()),
    };
    let Ok(text) = host::read_regular(file) else {
        return Finding::fail(format!("{place} loads a file that cannot be read: {}", file.display()), anew);
    };
    let program = facts.program.as_ref().and_then(|program| program.to_str());
    let current = program.and_then(|path| Some(shell.dialect().init.as_ref()?.command(path, NAME)));
    let text = String::from_utf8_lossy(text.expose());
    match current {
        Some(current) if !text.contains(current.trim()) => {
            Finding::warn(format!("{} is of another version or place of {NAME}", file.display()), anew)
        }
        _ => Finding::pass(format!("{place} loads the function of {NAME} {VERSION}")),
    }
}

/// Does the prompt show what the shell holds?
pub(super) fn prompt(facts: &Facts) -> Finding {
    let Some(shell) = calling(facts) else { return Finding::skipped("no shell is known that has a prompt") };
    if let Some(loaded) = loaded(facts, shell).filter(|loaded| loaded.has_prompt) {
        return Finding::pass(format!("{}:{} adds the segment", loaded.file.display(), loaded.line));
    }
    if facts.variables.os("STARSHIP_SHELL").is_some() {
        return Finding::pass("Starship shows the profile and its time");
    }
    let calls = |file: &PathBuf| lines(file).iter().any(|line| words(line).windows(2).any(|it| is_call(it, "prompt")));
    match startup_files(shell, facts).into_iter().find(calls) {
        Some(file) => Finding::pass(format!("{} calls `{NAME} prompt`", file.display())),
        None => Finding::skipped(format!("no segment in the prompt: `{NAME} init --prompt` adds one")),
    }
}

fn loaded(facts: &Facts, shell: Shell) -> Option<Loaded> {
    startup_files(shell, facts).into_iter().find_map(|file| {
        let lines = lines(&file);
        let found = (1..).zip(&lines).find_map(|(line, text)| Some((line, loader(text)?)));
        found.map(|(line, (by, has_prompt))| Loaded { file, line, by, has_prompt })
    })
}

/// The lines of a start-up file that are no comments.
fn lines(file: &Path) -> Vec<String> {
    let text = host::read_regular(file).map(|text| String::from_utf8_lossy(text.expose()).into_owned());
    let text = text.unwrap_or_default();
    text.lines().map(|line| if line.trim_start().starts_with('#') { String::new() } else { line.to_owned() }).collect()
}

/// Words as all shells have them in such a line.
fn words(line: &str) -> Vec<&str> {
    let is_between = |c: char| c.is_whitespace() || "\"'()`{}[]|;&^<>=,".contains(c);
    line.split(is_between).filter(|word| !word.is_empty()).collect()
}

fn is_call(pair: &[&str], verb: &str) -> bool {
    let [program, word] = pair else { return false };
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    name.trim_end_matches(".exe") == NAME && *word == verb
}

fn loader(line: &str) -> Option<(Loader, bool)> {
    let words = words(line);
    let has_prompt = words.contains(&"--prompt");
    if let Some(pair) = words.windows(2).find(|pair| is_call(pair, "init")) {
        return Some((Loader::Init(pair[0].to_owned()), has_prompt));
    }
    let is_source = |word: &str| matches!(word, "source" | "." | "use" | "overlay");
    let file = words.windows(2).find(|pair| is_source(pair[0]) && pair[1].contains(NAME))?;
    Some((Loader::File(file[1].to_owned()), has_prompt))
}

/// `~` and `$HOME`, as a shell takes them.
fn expanded(word: &str, facts: &Facts) -> PathBuf {
    let rest = ["~/", "$HOME/", "${HOME}/", "HOME/"].into_iter().find_map(|prefix| word.strip_prefix(prefix));
    match (rest, &facts.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(word),
    }
}

/// The file of ours that a shell loads although no line says so.
fn autoloaded(shell: Shell, facts: &Facts) -> Option<PathBuf> {
    let config = facts.config.as_ref()?;
    match shell {
        Shell::Nu => Some(config.join("nushell/autoload/mfa-cred.nu")),
        Shell::Xonsh => Some(config.join("xonsh/rc.d/mfa-cred.xsh")),
        _ => None,
    }
}

/// What a shell reads when it starts, as far as a person writes it.
fn startup_files(shell: Shell, facts: &Facts) -> Vec<PathBuf> {
    let home = facts.home.clone().unwrap_or_default();
    let config = facts.config.clone().unwrap_or_else(|| home.join(".config"));
    let at = |folder: &Path, names: &[&str]| names.iter().map(|name| folder.join(name)).collect::<Vec<_>>();
    match shell {
        Shell::Bash => at(&home, &[".bashrc", ".bash_profile", ".bash_login", ".profile"]),
        Shell::Zsh => {
            let folder = facts.variables.os("ZDOTDIR").map_or_else(|| home.clone(), PathBuf::from);
            at(&folder, &[".zshrc", ".zprofile", ".zlogin", ".zshenv"])
        }
        Shell::Fish => {
            let mut files = at(&config, &["fish/config.fish"]);
            let more = fs::read_dir(config.join("fish/conf.d")).into_iter().flatten().flatten();
            files.extend(more.map(|file| file.path()));
            files
        }
        Shell::PowerShell => at(&config, &["powershell/Microsoft.PowerShell_profile.ps1", "powershell/profile.ps1"]),
        Shell::Nu => at(&config, &["nushell/config.nu", "nushell/env.nu"]),
        Shell::Elvish => [at(&config, &["elvish/rc.elv"]), at(&home, &[".elvish/rc.elv"])].concat(),
        Shell::Xonsh => [at(&home, &[".xonshrc"]), at(&config, &["xonsh/rc.xsh"])].concat(),
        Shell::Tcsh => at(&home, &[".tcshrc", ".cshrc", ".login"]),
        Shell::Cmd => Vec::new(),
        Shell::Posix => {
            let env = facts.variables.os("ENV").map(PathBuf::from);
            [env.into_iter().collect(), at(&home, &[".profile", ".kshrc", ".mkshrc", ".shrc"])].concat()
        }
    }
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
