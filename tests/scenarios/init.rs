//! The output of `mfa-cred init SHELL`, in the shells themselves: with strict options, conflicting aliases, without the
//! tester's own files, and with a program whose path would execute something if it were not quoted.
//!
//! Every shell loads the script twice, as its user does, and then runs the same day; another program started by the
//! shell reads the resulting variables. Elvish defines functions only at a prompt, and so is driven on a terminal.
//! PowerShell is not available: its script is compared with an expected text.

mod day;
mod files;
mod prompt;
mod renew;
mod substitution;
mod whole;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::pty::{Finished, PATIENCE, Pty, Session, Stream};
use crate::support::tools;
use crate::support::world::{MFA_CRED, World, install};

/// A shell, and how it is driven.
#[derive(Clone, Copy, Debug)]
struct Shell {
    /// Its name for `init`.
    name: &'static str,
    program: &'static str,
    /// The option that skips its startup files.
    bare: &'static [&'static str],
    /// Lines before the script is loaded: strict options, and aliases that must not affect it.
    strict: &'static str,
    language: Language,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Language {
    Posix,
    Fish,
    Tcsh,
    Elvish,
    Xonsh,
    Nu,
}

/// The output of these aliases, which must not appear anywhere.
const ALIASES: &str =
    "alias eval='echo aliased' export='echo aliased' command='echo aliased' unset='echo aliased' return='echo aliased'";

const BASH: Shell = Shell {
    name: "bash",
    program: "bash",
    bare: &["--norc", "--noprofile"],
    strict: "set -euo pipefail; shopt -s expand_aliases extglob failglob; alias mfa-cred='. mfa-cred' local=echo",
    language: Language::Posix,
};
const ZSH: Shell = Shell {
    name: "zsh",
    program: "zsh",
    bare: &["-f"],
    strict: "setopt err_exit no_unset pipe_fail warn_create_global; alias mfa-cred='. mfa-cred' local=echo",
    language: Language::Posix,
};
const DASH: Shell = Shell { name: "dash", program: "dash", bare: &[], strict: "set -eu", language: Language::Posix };
const KSH: Shell = Shell { name: "ksh", program: "ksh", ..DASH };
const MKSH: Shell = Shell { name: "mksh", program: "mksh", ..DASH };
const FISH: Shell =
    Shell { name: "fish", program: "fish", bare: &["--no-config"], strict: "", language: Language::Fish };
const TCSH: Shell = Shell { name: "tcsh", program: "tcsh", bare: &["-f"], strict: "", language: Language::Tcsh };
const ELVISH: Shell =
    Shell { name: "elvish", program: "elvish", bare: &["-norc"], strict: "", language: Language::Elvish };
const XONSH: Shell = Shell {
    name: "xonsh",
    program: "xonsh",
    bare: &["--no-rc"],
    strict: "$XONSH_SHOW_TRACEBACK = True",
    language: Language::Xonsh,
};
const NU: Shell = Shell { name: "nu", program: "nu", bare: &["--no-config-file"], strict: "", language: Language::Nu };
/// All shells that are run here.
const ALL: [Shell; 10] = [BASH, ZSH, DASH, KSH, MKSH, FISH, TCSH, ELVISH, XONSH, NU];

impl Shell {
    /// Its path. If it is missing, that is reported.
    fn find(self) -> Option<PathBuf> {
        let words: Vec<&str> = self.bare.iter().copied().chain(["-c", "exit"]).collect();
        let found = tools::find(self.program, &words);
        if found.is_none() {
            tools::skip_without(self.program, self.program);
        }
        found
    }

    /// A file in the folder `$OUT`, as a word.
    fn out(self, name: &str) -> String {
        match self.language {
            Language::Posix | Language::Fish | Language::Tcsh => format!("\"$OUT/{name}\""),
            Language::Elvish => format!("$E:OUT/{name}"),
            Language::Xonsh => format!("@($OUT + '/{name}')"),
            Language::Nu => format!("$\"($env.OUT)/{name}\""),
        }
    }

    /// The words that redirect a command's output to a file.
    fn to(self, name: &str) -> String {
        let sign = if self.language == Language::Nu { "out>" } else { ">" };
        format!("{sign} {}", self.out(name))
    }

    /// The line that loads the script, as in docs/shells.md.
    fn load(self, options: &str) -> String {
        let init = format!("mfa-cred init {} {options}", self.name);
        match self.language {
            // The aliases are active while the script is loaded, but not for the test's own words.
            Language::Posix => format!("\\eval \"$(\\{init})\""),
            Language::Fish => format!("{init} | source"),
            Language::Tcsh => format!("\\{init} >~/.mfa-cred.tcsh; source ~/.mfa-cred.tcsh"),
            Language::Elvish => format!("eval ({init} | slurp)"),
            // Its own `$(…)` loses data now and then on a busy machine.
            Language::Xonsh => {
                format!("execx(__import__('subprocess').check_output('{init}', shell=True, text=True))")
            }
            // It reads files before it runs a line.
            Language::Nu => "source init.nu".to_owned(),
        }
    }

    /// `text` as one word of this shell, as a person would quote it.
    fn word(self, text: &str) -> String {
        match self.language {
            Language::Posix => format!("'{}'", text.replace('\'', "'\\''")),
            Language::Fish => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
            Language::Tcsh => format!("'{}'", text.replace('\'', "'\\''").replace('!', "\\!")),
            Language::Elvish => format!("'{}'", text.replace('\'', "''")),
            Language::Xonsh => format!("@('{}')", text.replace('\\', "\\\\").replace('\'', "\\'")),
            Language::Nu => format!("r##'{text}'##"),
        }
    }

    /// Lines that run one of our commands, and save its exit code in `NAME.code` and a child's environment in `NAME`.
    fn step(self, name: &str, command: &str) -> String {
        let (code, seen) = (self.out(&format!("{name}.code")), self.out(name));
        match self.language {
            Language::Posix => {
                format!("s=0\n{command} || s=$?\nprintf %s \"$s\" >{code}\nenv -0 >{seen}\n")
            }
            Language::Fish | Language::Tcsh => format!("{command}\nprintf %s $status >{code}\nenv -0 >{seen}\n"),
            Language::Elvish => format!(
                "try {{ {command}; print 0 > {code} }} catch e {{ print $e[reason][exit-status] > {code} }}\n\
                 env -0 > {seen}\n"
            ),
            Language::Xonsh => format!(
                "r = ![{command}]\n__import__('subprocess').run('printf %s ' + str(r.returncode) + ' >{}; env -0 >{}', \
                 shell=True, env=${{...}}.detype())\n",
                format_args!("\"$OUT/{name}.code\""),
                format_args!("\"$OUT/{name}\"")
            ),
            Language::Nu => format!(
                "try {{ {command}; 0 }} catch {{ $env.LAST_EXIT_CODE }} | save --force {code}\n^env -0 out> {seen}\n"
            ),
        }
    }

    /// Runs `script` in the shell, on its own terminal, with stdout separate if possible.
    fn start(self, program: &Path, scene: &Scene, options: &str, script: &str) -> Session {
        let folder = scene.out.path();
        if self.language == Language::Nu {
            let words: Vec<&str> = options.split_whitespace().collect();
            let init = scene.world.run(&[&["init", "nu"], &words[..]].concat()).stdout;
            let odd = scene.binary.display().to_string();
            // As the unusual program would print it.
            let quoted = format!("\"{}\"", odd.replace('\\', "\\\\").replace('"', "\\\""));
            fs::write(folder.join("init.nu"), init.replace(&format!("\"{MFA_CRED}\""), &quoted)).expect("a file");
        }
        let mut command = Command::new(program);
        scene.world.dress(&mut command);
        command.args(self.bare).env("OUT", folder).env("PATH", scene.path()).current_dir(scene.work.path());
        let (load, strict) = (self.load(options), self.strict);
        let aliases = if self.language == Language::Posix { ALIASES } else { "" };
        let text = format!("{strict}\n{aliases}\n{load}\n{load}\n{script}");
        let file = folder.join(if self.language == Language::Nu { "script.nu" } else { "script" });
        if self.language == Language::Elvish {
            fs::write(&file, script).expect("a script");
            let session = Pty::default().streams(Stream::Terminal, Stream::Terminal).spawn(command);
            let load = format!("{load} > $E:OUT/load.out 2> $E:OUT/load.err\n");
            session.type_text(&format!(
                "{load}{load}eval (slurp < $E:OUT/script) > $E:OUT/stdout 2> $E:OUT/stderr; exit\n"
            ));
            return session;
        }
        fs::write(&file, text).expect("a script");
        command.arg(&file);
        Pty::default().spawn(command)
    }

    /// Waits for it to end.
    fn finish(self, session: Session, scene: &Scene, what: &str) -> Finished {
        let mut finished = session.finish(PATIENCE);
        if self.language == Language::Elvish {
            let read = |name| fs::read_to_string(scene.out.path().join(name)).unwrap_or_default();
            assert_eq!(read("load.out") + &read("load.err"), "", "{what}");
            finished.stdout = read("stdout");
            finished.stderr = read("stderr");
            finished.terminal = String::new();
        }
        scene.world.heard(what, &finished);
        finished
    }
}

/// A home, a working folder, a folder for results, and the program at a path that would execute something.
struct Scene {
    world: World,
    work: tempfile::TempDir,
    out: tempfile::TempDir,
    binary: PathBuf,
}

impl Scene {
    fn new(world: World) -> Self {
        let out = tempfile::tempdir().expect("a folder");
        let folder = out.path().join("it's a $(touch PWNED) `touch PWNED` \"x\" \\ !;&");
        fs::create_dir(&folder).expect("a folder");
        let binary = install(&folder);
        Self { world, work: tempfile::tempdir().expect("a folder"), out, binary }
    }

    /// `PATH`, starting with that program.
    fn path(&self) -> String {
        let folder = self.binary.parent().expect("a folder").display();
        format!("{folder}:{}", std::env::var("PATH").expect("there is a PATH"))
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.out.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Our variables in a child of the shell after a step.
    fn seen(&self, step: &str) -> Vec<(String, String)> {
        let is_the_worlds = |name: &str| ["AWS_ENDPOINT_URL", "MFA_CRED_STORE"].contains(&name);
        let ours = |name: &str| (name.starts_with("AWS") || name.starts_with("MFA_CRED")) && !is_the_worlds(name);
        let text = self.read(step);
        let pairs = text.split_terminator('\0').filter_map(|line| line.split_once('='));
        pairs.filter(|(name, _)| ours(name)).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn value(&self, step: &str, name: &str) -> Option<String> {
        self.seen(step).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn code(&self, step: &str) -> String {
        self.read(&format!("{step}.code")).trim_end().to_owned()
    }

    /// Nothing in a name, a value or a path was executed.
    fn assert_nothing_ran(&self, what: &str) {
        for folder in [self.work.path(), self.world.home()] {
            for file in fs::read_dir(folder).expect("a folder").flatten() {
                assert!(!file.file_name().to_string_lossy().contains("PWNED"), "{what}: {}", file.path().display());
            }
        }
        assert!(!self.out.path().join("PWNED").exists(), "{what}");
    }
}

#[test]
fn every_shell_in_the_table_is_covered() {
    let page = include_str!("../../docs/shells.md").replace("&#124;", "|");
    for dialect in mfa_cred::shell::Shell::ALL.map(mfa_cred::shell::Shell::dialect) {
        let name = dialect.name;
        // PowerShell is not available here; cmd has no functions.
        let is_run = name != "powershell" && dialect.init.is_some();
        assert!(
            !is_run
                || ALL.iter().any(|shell| shell.name == name || name == "posix" && shell.language == Language::Posix),
            "{name} is missing in the tests of `init`"
        );
        assert!(
            dialect.init.is_none() || page.contains(&format!("mfa-cred init {name}")),
            "{name}: no row in docs/shells.md"
        );
        let completes = name == "powershell" || dialect.completion.is_none();
        let is_completed = super::completion::shells::ALL.iter().any(|shell| shell.program == name);
        assert!(completes || is_completed, "{name} is missing in the tests of completion");
        let evaluates = matches!(dialect.statements, mfa_cred::shell::Statements::SameAs(_)) || name == "cmd";
        assert!(evaluates || super::shells::is_evaluated(name), "{name} is missing in the tests of `env`");
    }
}
