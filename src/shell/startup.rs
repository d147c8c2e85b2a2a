//! A shell's startup files: whether one of them loads our function, and what makes one load it.
//!
//! A shell's functions are not visible from outside, so the files are read as text. Nothing here writes: an
//! [`Installation`] says what the files would contain, and the command shows and writes it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Loading, Shell, Startup};
use crate::host::{self, Env};
use crate::os::files::is_program;
use crate::os::{KIND, Kind};
use crate::secret::Secret;

const NAME: &str = "mfa-cred";

/// The shell of a user for whom `init` has a script: the one that started this program, else `$SHELL`.
pub fn calling(parent: Option<&str>, env: &dyn Env) -> Option<Shell> {
    let has_function = |shell: &Shell| shell.dialect().init.is_some();
    let usual = || Shell::of_program(&env.var("SHELL")?);
    parent.and_then(Shell::of_program).filter(has_function).or_else(usual).filter(has_function)
}

/// The program `mfa-cred` that a shell would start.
pub fn on_path(env: &dyn Env) -> Option<PathBuf> {
    all_on_path(env, NAME).next()
}

/// The programs with that name, in the order in which a shell looks for them.
pub fn all_on_path(env: &dyn Env, name: &str) -> impl Iterator<Item = PathBuf> {
    let folders = env.os("PATH").unwrap_or_default();
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let folders: Vec<PathBuf> = std::env::split_paths(&folders).filter(|folder| folder.is_absolute()).collect();
    folders.into_iter().map(move |folder| folder.join(&name)).filter(|file| is_program(file))
}

/// Do both paths lead to the same file?
pub fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// A line of a startup file that loads the output of `init`.
#[derive(Debug)]
pub struct Loaded {
    /// The file.
    pub file: PathBuf,
    /// Counted from 1.
    pub line: usize,
    /// What the line runs or reads.
    pub by: Loader,
    /// Does it add the prompt segment?
    pub has_prompt: bool,
}

/// How the output of `init` is loaded.
#[derive(Debug)]
pub enum Loader {
    /// `… mfa-cred init SHELL …`: the word that calls the program.
    Init(String),
    /// `source FILE`, with a file that `init` wrote.
    File(String),
}

/// Where a user's shells look for their startup files.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// `ZDOTDIR`, `ENV`, `PATH`.
    pub env: &'a dyn Env,
    /// The home folder.
    pub home: Option<&'a Path>,
    /// The folder for configuration.
    pub config: Option<&'a Path>,
}

impl Places<'_> {
    /// The line that loads the function in this shell, if there is one.
    pub fn loaded(&self, shell: Shell) -> Option<Loaded> {
        self.files(shell).into_iter().find_map(|(file, is_whole)| {
            let lines = lines(&file);
            if is_whole {
                let has_prompt =
                    lines.iter().any(|line| line.contains("mfa_cred_segment") || line.contains("mfa_cred_prompt"));
                let by = Loader::File(file.to_string_lossy().into_owned());
                return file.exists().then_some(Loaded { file, line: 1, by, has_prompt });
            }
            let is_for_it = |text: &&String| of_another(text, shell).is_none();
            let found = (1..).zip(&lines).filter(|(_, text)| is_for_it(text));
            let found = found.map(|(line, text)| (line, loader(text))).find_map(|(line, by)| Some((line, by?)));
            found.map(|(line, (by, has_prompt))| Loaded { file, line, by, has_prompt })
        })
    }

    /// The first line in this shell's startup files that runs `init` for another shell, and that shell.
    pub fn for_another(&self, shell: Shell) -> Option<(PathBuf, usize, Shell)> {
        self.files(shell).into_iter().filter(|(_, is_whole)| !is_whole).find_map(|(file, _)| {
            let found = (1..).zip(lines(&file)).find_map(|(line, text)| Some((line, of_another(&text, shell)?)));
            found.map(|(line, other)| (file, line, other))
        })
    }

    /// The startup file that runs `mfa-cred prompt`.
    pub fn calling_prompt(&self, shell: Shell) -> Option<PathBuf> {
        let calls = |(file, _): &(PathBuf, bool)| {
            lines(file).iter().any(|line| words(line).windows(2).any(|it| is_call(it, "prompt")))
        };
        self.files(shell).into_iter().find(calls).map(|(file, _)| file)
    }

    /// A word of a startup file as a path, with `~` and `$HOME` expanded as a shell does.
    pub fn expanded(&self, word: &str) -> PathBuf {
        let rest = ["~/", "$HOME/", "${HOME}/", "HOME/"].into_iter().find_map(|prefix| word.strip_prefix(prefix));
        match (rest, self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(word),
        }
    }

    /// What loads the function whenever this shell starts. `None` if that is not known: PowerShell on Windows, a POSIX
    /// shell without `$ENV`.
    pub fn installation(&self, shell: Shell, program: &Path) -> Option<Installation> {
        let init = shell.dialect().init.as_ref()?;
        let files = self.files(shell);
        let home = self.home?;
        Some(match init.loading {
            Loading::Line(_) if KIND == Kind::Windows => return None,
            Loading::Line(line) => {
                let file = match shell {
                    // It reads only one of them.
                    Shell::Elvish => files.iter().find(|(file, _)| file.exists()).or(files.first())?,
                    // All others of a POSIX shell are for login shells, or for one program.
                    _ if shell.dialect().startup.len() > files.len() => return None,
                    _ => files.first()?,
                };
                let is_found = on_path(self.env).is_some_and(|found| is_same(&found, program));
                let word = if is_found { NAME.to_owned() } else { (init.quote)(program.to_str()?) };
                Installation { script: None, line: Some((file.0.clone(), line.replace("__BINARY__", &word))) }
            }
            Loading::Itself => {
                let (file, _) = files.into_iter().find(|(_, is_whole)| *is_whole)?;
                Installation { script: Some(file), line: None }
            }
            Loading::Script { file, line } => {
                // `~/.cshrc` is not read where `~/.tcshrc` exists.
                let (startup, _) = files.iter().take(2).find(|(file, _)| file.exists()).or(files.first())?;
                Installation { script: Some(home.join(file)), line: Some((startup.clone(), line.to_owned())) }
            }
        })
    }

    /// The files that the shell reads when it starts, and whether each is entirely an output of `init`.
    fn files(&self, shell: Shell) -> Vec<(PathBuf, bool)> {
        let home = self.home.unwrap_or(Path::new("")).to_owned();
        let config = self.config.map_or_else(|| home.join(".config"), Path::to_owned);
        let named = |variable| self.env.os(variable).map(PathBuf::from);
        let place = |file: &Startup| match *file {
            Startup::Home(name) => Some((home.join(name), false)),
            Startup::Below(variable, name) => Some((named(variable).unwrap_or_else(|| home.clone()).join(name), false)),
            Startup::Config(name) => Some((config.join(name), false)),
            Startup::Named(variable) => named(variable).map(|file| (file, false)),
            Startup::Whole(name) => Some((config.join(name), true)),
        };
        shell.dialect().startup.iter().filter_map(place).collect()
    }
}

/// What makes a shell load the function.
#[derive(Debug, Eq, PartialEq)]
pub struct Installation {
    /// A file that holds the output of `init`.
    pub script: Option<PathBuf>,
    /// A line at the end of a startup file.
    pub line: Option<(PathBuf, String)>,
}

/// A startup file with one more line at its end, and a diff that shows nothing of the other lines, which may hold
/// secrets.
pub fn appended(text: &Secret<Vec<u8>>, file: &str, line: &str) -> (Secret<Vec<u8>>, String) {
    let before = text.expose();
    let gap: &[u8] = if before.is_empty() || before.ends_with(b"\n") { b"" } else { b"\n" };
    let mut after = Vec::with_capacity(before.len() + line.len() + 2);
    for part in [before.as_slice(), gap, line.as_bytes(), b"\n"] {
        after.extend_from_slice(part);
    }
    let lines = String::from_utf8_lossy(before).lines().count();
    let diff = format!("--- {file}\n+++ {file}\n@@ -{lines},0 +{} @@\n+{line}\n", lines + 1);
    (Secret::new(after), diff)
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

/// The shell for which the line runs `init`, if this one cannot read its output.
fn of_another(line: &str, shell: Shell) -> Option<Shell> {
    let words = words(line);
    let at = words.windows(2).position(|pair| is_call(pair, "init"))?;
    let other = words.get(at + 2)?.parse().ok()?;
    let reads_posix = matches!(shell, Shell::Bash | Shell::Zsh | Shell::Posix);
    (other != shell && !(other == Shell::Posix && reads_posix)).then_some(other)
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

// On Windows, no file is known.
#[cfg(all(test, unix))]
mod tests {
    use std::collections::HashMap;
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use super::{Installation, Loader, Places, appended, loader};
    use crate::host::Env;
    use crate::secret::Secret;
    use crate::shell::{Loading, Shell};

    #[test]
    fn a_line_for_another_shell_is_told_from_one_for_this_shell() {
        for (line, shell, wanted) in [
            ("eval \"$(mfa-cred init bash)\"", Shell::Bash, None),
            ("eval \"$(mfa-cred init posix)\"", Shell::Bash, None),
            ("eval \"$(mfa-cred init zsh --prompt)\"", Shell::Bash, Some(Shell::Zsh)),
            ("eval \"$(/opt/mfa-cred init bash)\"", Shell::Zsh, Some(Shell::Bash)),
            ("mfa-cred init fish | source", Shell::Bash, Some(Shell::Fish)),
            ("eval \"$(mfa-cred init \"$name\")\"", Shell::Bash, None),
            ("mfa-cred list", Shell::Bash, None),
        ] {
            assert_eq!(super::of_another(line, shell), wanted, "{line}");
        }
    }

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

    struct Variables(HashMap<&'static str, PathBuf>);

    impl Env for Variables {
        fn os(&self, name: &str) -> Option<OsString> {
            self.0.get(name).map(|value| value.clone().into_os_string())
        }
    }

    fn installed(home: &Path, variables: &[(&'static str, PathBuf)], shell: Shell) -> Option<Installation> {
        let env = Variables(variables.iter().cloned().collect());
        let places = Places { env: &env, home: Some(home), config: None };
        places.installation(shell, Path::new("/a b/mfa-cred"))
    }

    #[test]
    fn each_shell_has_one_file_and_one_line_and_finds_it_again() {
        let home = tempfile::tempdir().expect("a home");
        let home = home.path();
        std::fs::create_dir_all(home.join(".config")).expect("a folder");
        for (shell, script, line) in [
            (Shell::Bash, None, Some((".bashrc", "eval \"$('/a b/mfa-cred' init bash)\""))),
            (Shell::Zsh, None, Some((".zshrc", "eval \"$('/a b/mfa-cred' init zsh)\""))),
            (Shell::Fish, None, Some((".config/fish/config.fish", "'/a b/mfa-cred' init fish | source"))),
            (Shell::Elvish, None, Some((".config/elvish/rc.elv", "eval (\"/a b/mfa-cred\" init elvish | slurp)"))),
            (Shell::Nu, Some(".config/nushell/autoload/mfa-cred.nu"), None),
            (Shell::Xonsh, Some(".config/xonsh/rc.d/mfa-cred.xsh"), None),
            (Shell::Tcsh, Some(".mfa-cred.tcsh"), Some((".tcshrc", "source ~/.mfa-cred.tcsh"))),
        ] {
            let wanted = Installation {
                script: script.map(|file| home.join(file)),
                line: line.map(|(file, line)| (home.join(file), line.to_owned())),
            };
            assert_eq!(installed(home, &[], shell), Some(wanted), "{shell}");
            let env = Variables(HashMap::new());
            let places = Places { env: &env, home: Some(home), config: None };
            assert!(places.loaded(shell).is_none(), "{shell}");
            for (file, text) in [(script, ""), (line.map(|(file, _)| file), line.map_or("", |(_, line)| line))] {
                let Some(file) = file.map(|file| home.join(file)) else { continue };
                std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
                std::fs::write(file, format!("# mine\n{text}\n")).expect("written");
            }
            assert!(places.loaded(shell).is_some(), "{shell}");
        }
        assert_eq!(installed(home, &[], Shell::Cmd), None);
    }

    #[test]
    fn the_file_is_the_one_that_the_shell_reads() {
        let home = tempfile::tempdir().expect("a home");
        let home = home.path();
        let file = |variables: &[(&'static str, PathBuf)], shell| {
            installed(home, variables, shell).and_then(|all| all.line).map(|(file, _)| file)
        };
        assert_eq!(file(&[("ZDOTDIR", "/z".into())], Shell::Zsh), Some("/z/.zshrc".into()));
        assert_eq!(file(&[("ENV", "/e/rc".into())], Shell::Posix), Some("/e/rc".into()));
        assert_eq!(file(&[], Shell::Posix), None, "nothing is guessed");
        std::fs::write(home.join(".cshrc"), "").expect("written");
        assert_eq!(file(&[], Shell::Tcsh), Some(home.join(".cshrc")), "a new .tcshrc would hide it");
        std::fs::create_dir(home.join(".elvish")).expect("made");
        std::fs::write(home.join(".elvish/rc.elv"), "").expect("written");
        assert_eq!(file(&[], Shell::Elvish), Some(home.join(".elvish/rc.elv")));
    }

    #[test]
    fn a_line_is_appended_and_the_diff_shows_no_other() {
        for (before, after, hunk) in [
            ("", "x\n", "@@ -0,0 +1 @@"),
            ("export TOKEN=hunter2\n", "export TOKEN=hunter2\nx\n", "@@ -1,0 +2 @@"),
            ("export TOKEN=hunter2", "export TOKEN=hunter2\nx\n", "@@ -1,0 +2 @@"),
        ] {
            let (text, diff) = appended(&Secret::new(before.as_bytes().to_vec()), "f", "x");
            assert_eq!(text.expose(), after.as_bytes());
            assert_eq!(diff, format!("--- f\n+++ f\n{hunk}\n+x\n"));
        }
    }

    #[test]
    fn every_shell_with_a_function_says_how_it_is_loaded() {
        for shell in Shell::with(|dialect| dialect.init.as_ref()) {
            let dialect = shell.dialect();
            let has_whole = dialect.startup.iter().any(|file| matches!(file, crate::shell::Startup::Whole(_)));
            let loading = dialect.init.as_ref().expect("it has one").loading;
            assert_eq!(has_whole, matches!(loading, Loading::Itself), "{shell}");
            if let Loading::Line(line) = loading {
                assert!(line.contains(&format!("__BINARY__ init {}", shell.name())), "{line}");
            }
        }
    }
}
