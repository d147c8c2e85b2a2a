//! The shells' own completion engines.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::scenarios::shells::{NAMES, assert_nothing_ran, trap};
use crate::support::pty::{PATIENCE, Pty, Session, Stream};
use crate::support::tools::{find, skip_without};
use crate::support::world::{Cast, MFA_CRED, World};

/// A shell, and how its completion is driven.
pub(in crate::scenarios) struct Shell {
    pub(in crate::scenarios) program: &'static str,
    /// Its arguments; `RC` is the file with `setup`.
    words: &'static [&'static str],
    setup: &'static str,
    /// Does it accept keys while it is still busy? Otherwise there is a pause between them.
    is_prompt: bool,
}

const BASH: Shell = Shell {
    program: "bash",
    words: &["--noprofile", "--rcfile", "RC", "-i"],
    setup: "set -u; bind 'set bell-style none'; PS1='ready> '\neval \"$(mfa-cred completions bash --cmd rec)\"\n",
    is_prompt: true,
};
const ZSH: Shell = Shell { program: "zsh", words: &["-f", "-i"], setup: "", is_prompt: true };
const FISH: Shell = Shell {
    program: "fish",
    words: &["--no-config", "-i", "-C", "source RC"],
    setup: "function fish_prompt; echo -n 'ready> '; end; set fish_greeting; set fish_autosuggestion_enabled 0\n\
            mfa-cred completions fish --cmd rec | source\n",
    is_prompt: true,
};
const ELVISH: Shell = Shell {
    program: "elvish",
    words: &["-rc", "RC"],
    setup: "set edit:prompt = { put 'ready> ' }; set edit:rprompt = { }\n\
            eval (mfa-cred completions elvish --cmd rec | slurp)\n",
    is_prompt: false,
};
const XONSH: Shell = Shell {
    program: "xonsh",
    words: &["--rc", "RC", "-i"],
    setup: "$PROMPT = 'ready> '\nexecx($(mfa-cred completions xonsh --cmd rec))\n",
    is_prompt: false,
};
const NU: Shell = Shell {
    program: "nu",
    words: &["-n", "-e", "source RC"],
    setup: "$env.PROMPT_COMMAND = 'ready'\n",
    is_prompt: false,
};
const TCSH: Shell =
    Shell { program: "tcsh", words: &["-i"], setup: "set prompt='ready> '\nsource completion.tcsh\n", is_prompt: true };

pub(in crate::scenarios) const ALL: [Shell; 7] = [BASH, ZSH, FISH, ELVISH, XONSH, NU, TCSH];

/// Ends a list of arguments in the file that `rec` writes.
const END: &str = "<end>";

/// A shell at work.
struct Person {
    session: Session,
    record: PathBuf,
    asked: PathBuf,
    seen: usize,
    answered: usize,
    is_prompt: bool,
}

impl Person {
    /// A shell at its prompt, in a folder full of traps; `None` if the shell is not installed.
    fn at(shell: &Shell, world: &World, work: &tempfile::TempDir) -> Option<Self> {
        let Some(program) = find(shell.program, &["--version"]) else {
            skip_without("completion", shell.program);
            return None;
        };
        let bin = world.home().join("bin");
        world.write("bin/rec", "#!/bin/sh\nprintf '%s\\0' \"$@\" '<end>' >>\"$RECORD\"\n");
        world.write("rc", shell.setup);
        // Appends a word to a file for every query that was answered.
        let ours = "#!/bin/sh\n'REAL' \"$@\"\nended=$?\n[ \"$1\" != __complete ] || echo >>\"$ASKED\"\nexit $ended\n";
        world.write("bin/mfa-cred", ours.replace("REAL", MFA_CRED));
        for program in ["rec", "mfa-cred"] {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(bin.join(program), mode).expect("a program");
        }
        let print = |file: &str, words: &[&str]| world.write(file, world.run(words).stdout);
        match shell.program {
            "zsh" => {
                print("_rec", &["completions", "zsh", "--cmd", "rec"]);
                let text = "unsetopt beep; autoload -Uz compinit; compinit -u -D; source ~/_rec; PS1='ready> '\n";
                world.write("rc", text);
            }
            "tcsh" => {
                print("completion.tcsh", &["completions", "tcsh", "--cmd", "rec"]);
                world.write(
                    ".tcshrc",
                    shell.setup.replace("completion", &world.home().join("completion").to_string_lossy()),
                );
            }
            "nu" => {
                let script = world.run(&["completions", "nu", "--cmd", "rec"]).stdout;
                world.write("rc", shell.setup.to_owned() + &script);
            }
            _ => {}
        }
        let mut command = Command::new(program);
        world.dress(&mut command);
        let rc = world.home().join("rc").display().to_string();
        command.args(shell.words.iter().map(|word| word.replace("RC", &rc)));
        let (record, asked) = (world.home().join("record"), world.home().join("asked"));
        let path = std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&command_path(&command))));
        command.env("PATH", path.expect("a path")).env("RECORD", &record).env("ASKED", &asked).current_dir(work.path());
        let session = Pty::default().streams(Stream::Terminal, Stream::Terminal).spawn(command);
        if shell.program == "zsh" {
            session.type_text(&format!("source {rc}\r"));
        }
        let mut person = Self { session, record, asked, seen: 0, answered: 0, is_prompt: shell.is_prompt };
        person.wait_for_prompt();
        Some(person)
    }

    fn wait_for_prompt(&mut self) {
        let started = Instant::now();
        while !self.session.screen().contains("ready") {
            self.answer();
            assert!(started.elapsed() < PATIENCE, "no prompt: {:?}", self.session.screen());
            sleep(Duration::from_millis(10));
        }
        self.settle();
    }

    /// Terminals report the position of the cursor on request; two of the shells wait for that.
    fn answer(&mut self) {
        let asked = self.session.screen().matches("\x1b[6n").count();
        for _ in self.answered..asked {
            self.session.type_text("\x1b[1;1R");
        }
        self.answered = asked;
    }

    /// Waits until the screen has not changed for a while.
    fn settle(&mut self) {
        let (mut shown, mut since) = (String::new(), Instant::now());
        while since.elapsed() < Duration::from_millis(250) {
            sleep(Duration::from_millis(10));
            self.answer();
            let now = self.session.screen();
            if now != shown {
                (shown, since) = (now, Instant::now());
            }
        }
    }

    fn records(&self) -> Vec<Vec<String>> {
        let text = fs::read_to_string(&self.record).unwrap_or_default();
        let mut records = vec![Vec::new()];
        for word in text.split_terminator('\0') {
            if word == END {
                records.push(Vec::new());
            } else if let Some(last) = records.last_mut() {
                last.push(word.to_owned());
            }
        }
        records.pop();
        records
    }

    fn asked(&self) -> usize {
        fs::read(&self.asked).map_or(0, |bytes| bytes.len())
    }

    /// Types `keys` and Return, and returns the arguments that `rec` then received.
    fn run(&mut self, keys: &str) -> Vec<String> {
        let (started, before) = (Instant::now(), self.asked());
        self.session.type_text(keys);
        while !self.is_prompt && self.asked() == before {
            self.answer();
            assert!(started.elapsed() < PATIENCE, "{keys:?} asks nothing; the screen: {:?}", self.session.screen());
            sleep(Duration::from_millis(5));
        }
        loop {
            if !self.is_prompt {
                self.settle();
            }
            // Some shells use the first Return to select from a list.
            self.session.type_text("\r");
            let struck = Instant::now();
            while struck.elapsed() < Duration::from_secs(if self.is_prompt { 60 } else { 2 }) {
                self.answer();
                let mut records = self.records();
                if records.len() > self.seen {
                    self.seen = records.len();
                    if !self.is_prompt {
                        self.settle();
                    }
                    return records.pop().expect("one");
                }
                sleep(Duration::from_millis(5));
            }
            assert!(started.elapsed() < PATIENCE, "{keys:?} ran nothing; the screen: {:?}", self.session.screen());
        }
    }
}

fn command_path(command: &Command) -> std::ffi::OsString {
    let path = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value);
    path.expect("it is dressed").to_owned()
}

/// Options, commands, profiles and devices.
fn completes(shell: &Shell) {
    let Cast { world, device, .. } = World::cast();
    let work = trap();
    let Some(mut person) = Person::at(shell, &world, &work) else { return };
    let serial = device.serial();
    world.add_config("[sso-session corporate]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n");
    world.add_config("[profile single]\nsso_session = corporate\n");
    for (keys, words) in [
        ("rec dep\t", &["deploy"][..]),
        ("rec stat\t", &["status"]),
        ("rec list --na\t", &["list", "--names"]),
        ("rec env deploy --mfa-ser\t", &["env", "deploy", "--mfa-serial"]),
        ("rec process au\t", &["process", "audit"]),
        ("rec --mfa-serial arn\t", &["--mfa-serial", serial]),
        ("rec --store pass\t", &["--store", "passphrase"]),
        ("rec --source-profile=al\t", &["--source-profile=alice"]),
        ("rec login --sso corp\t", &["login", "--sso", "corporate"]),
        ("rec logout sin\t", &["logout", "single"]),
    ] {
        assert_eq!(person.run(keys), words, "{}: {keys:?}", shell.program);
    }
    assert!(world.aws.take_calls().is_empty());
}

/// Each name is the only profile, and is offered as a whole.
fn offers_names_as_data(shell: &Shell, names: &[&str]) {
    let world = World::empty();
    let work = trap();
    let Some(mut person) = Person::at(shell, &world, &work) else { return };
    for name in names {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        world.write(".aws/config", format!("[profile \"{quoted}\"]\n"));
        let words = person.run("rec --source-profile=\t");
        assert_eq!(words, [format!("--source-profile={name}")], "{}", shell.program);
        assert_nothing_ran(work.path(), name);
        assert_nothing_ran(world.home(), name);
    }
}

/// Long enough for a slow shell.
const FEW: [&str; 8] =
    ["$(touch PWNED)", "`touch PWNED`", "two words", "it's", "x;touch PWNED;", "\\", "$HOME", "\u{202e}txt"];

/// Where a profile or a command is allowed, zsh lists the profiles first, regardless of the alphabet.
#[test]
fn zsh_lists_profiles_before_commands() {
    let world = World::empty();
    let work = trap();
    world.write(".aws/config", "[profile zz-prod]\n[profile zz-test]\n");
    let Some(mut person) = Person::at(&ZSH, &world, &work) else { return };
    person.session.type_text("rec \t\t");
    person.session.wait_for("zz-test", PATIENCE);
    person.session.wait_for("unset", PATIENCE);
    person.settle();
    let screen = person.session.screen();
    let at = |word: &str| screen.find(word).unwrap_or_else(|| panic!("{word} is not listed: {screen:?}"));
    assert!(at("zz-prod") < at("login") && at("zz-test") < at("unset"), "{screen:?}");
}

#[test]
fn bash_completes() {
    completes(&BASH);
}

#[test]
fn zsh_completes() {
    completes(&ZSH);
}

#[test]
fn fish_completes() {
    completes(&FISH);
}

#[test]
fn elvish_completes() {
    completes(&ELVISH);
}

#[test]
fn xonsh_completes() {
    completes(&XONSH);
}

#[test]
fn nushell_completes() {
    completes(&NU);
}

#[test]
fn tcsh_completes() {
    completes(&TCSH);
}

#[test]
fn names_are_never_executed_in_bash() {
    offers_names_as_data(&BASH, &NAMES);
}

#[test]
fn names_are_never_executed_in_zsh() {
    offers_names_as_data(&ZSH, &NAMES);
}

#[test]
fn names_are_never_executed_in_fish() {
    offers_names_as_data(&FISH, &NAMES);
}

#[test]
fn names_are_never_executed_in_elvish() {
    offers_names_as_data(&ELVISH, &FEW);
}

#[test]
fn names_are_never_executed_in_xonsh() {
    offers_names_as_data(&XONSH, &FEW);
}

#[test]
fn names_are_never_executed_in_nushell() {
    offers_names_as_data(&NU, &FEW);
}

/// Words that need quotes are not offered there, and the typed text stays.
#[test]
fn tcsh_is_offered_no_name_that_it_would_split_or_run() {
    let world = World::empty();
    let work = trap();
    let Some(mut person) = Person::at(&TCSH, &world, &work) else { return };
    for name in NAMES {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        world.write(".aws/config", format!("[profile \"{quoted}\"]\n"));
        let words = person.run("rec --source-profile=\t");
        let typed = "--source-profile=".to_owned();
        assert!(words == [typed.clone()] || words == [typed + name], "{name}: {words:?}");
        assert_nothing_ran(work.path(), name);
        assert_nothing_ran(world.home(), name);
    }
}

/// The quotes that a person has opened are used.
#[test]
fn bash_and_zsh_keep_the_open_quote() {
    let world = World::empty();
    world.write(
        ".aws/config",
        "[profile \"$(touch PWNED) it's \\\"one\\\"\"]\n[profile team:dev]\n[profile team:ops]\n",
    );
    for shell in [BASH, ZSH] {
        world.write(
            ".aws/config",
            "[profile \"$(touch PWNED) it's \\\"one\\\"\"]\n[profile team:dev]\n[profile team:ops]\n",
        );
        let work = trap();
        let Some(mut person) = Person::at(&shell, &world, &work) else { continue };
        let name = "$(touch PWNED) it's \"one\"";
        for keys in ["rec '$\t", "rec \"\\$\t", "rec \\$\t", "rec '$(touch\t", "rec \\$\\(to\t"] {
            assert_eq!(person.run(keys), [name], "{}: {keys}", shell.program);
        }
        assert_eq!(person.run("rec team:d\t"), ["team:dev"]);
        assert_eq!(person.run("rec --source-profile=team:o\t"), ["--source-profile=team:ops"]);
        assert_eq!(person.run("rec -- team:d\t"), ["--", "team:dev"]);
        // The typed backslash does not quote anything yet. If it stayed in front of the added text, it would unquote
        // that.
        world.write(".aws/config", "[profile \"`touch PWNED`\"]\n");
        if shell.program == "bash" {
            for keys in ["rec --source-profile=\\\t", "rec --source-profile=\"\\\t"] {
                assert_eq!(person.run(keys), ["--source-profile=`touch PWNED`"], "{keys}");
            }
        }
        assert_nothing_ran(work.path(), shell.program);
        fs::remove_file(world.home().join("record")).expect("a record");
    }
}
