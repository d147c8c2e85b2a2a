//! A person who has done only what docs/shells.md says: the line in the startup file, and then, at the shell's own
//! prompt, TAB, Enter, the code, a second role, and `unset`.
//!
//! Every key is typed on a pseudo-terminal. Another program started by the shell reads the resulting variables.

use std::os::unix::fs::PermissionsExt as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::*;
use crate::support::aws::Device;
use crate::support::world::Cast;

const PAGE: &str = include_str!("../../../docs/shells.md");

/// What is done once: a line from docs/shells.md, in a file, or at a prompt if the shell has no file.
struct Install {
    file: Option<&'static str>,
    line: &'static str,
    /// Other contents of the user's own file.
    before: &'static str,
    after: &'static str,
}

impl Install {
    /// The table in docs/shells.md, and the prompts of the shells without a segment.
    fn of(shell: Shell) -> Self {
        let prompt = "PS1='$(mfa-cred prompt) > '\n";
        let (file, line, before, after) = match shell.name {
            "bash" => (Some(".bashrc"), "eval \"$(mfa-cred init bash)\"", "PS1='own> '\n", ""),
            "zsh" => {
                let own = "PS1='own> '; autoload -Uz compinit; compinit -u\n";
                (Some(".zshrc"), "eval \"$(mfa-cred init zsh)\"", own, "")
            }
            "fish" => (Some(".config/fish/config.fish"), "mfa-cred init fish | source", "set fish_greeting\n", ""),
            "elvish" => (Some(".config/elvish/rc.elv"), "eval (mfa-cred init elvish | slurp)", "", ""),
            "nu" => (
                None,
                "mkdir $nu.user-autoload-dirs.0; mfa-cred init nu | save -f ($nu.user-autoload-dirs.0 | path join mfa-cred.nu)",
                "",
                "",
            ),
            "xonsh" => {
                (None, "mkdir -p ~/.config/xonsh/rc.d; mfa-cred init xonsh > ~/.config/xonsh/rc.d/mfa-cred.xsh", "", "")
            }
            "tcsh" => {
                let own = "alias precmd 'set prompt = \"`\\mfa-cred prompt` > \"'\n";
                (None, "\\mfa-cred init tcsh >~/.mfa-cred.tcsh; echo source ~/.mfa-cred.tcsh >>~/.tcshrc", own, "")
            }
            _ => (Some("env"), "eval \"$(mfa-cred init posix)\"", "", prompt),
        };
        Self { file, line, before, after }
    }
}

/// On an idle machine.
const PAUSE: Duration = Duration::from_millis(300);

/// At the prompt of a shell.
pub(super) struct Person {
    session: Session,
    shell: Shell,
    pub(super) scene: Scene,
    pub(super) device: Device,
    /// How much of the screen has been read.
    read: usize,
    answered: usize,
    /// How long nothing must be shown until the shell is taken to wait for keys: longer on a busy machine.
    pause: Duration,
}

impl Person {
    fn at(shell: Shell) -> Option<Self> {
        let has_segment =
            !matches!(shell.language, Language::Tcsh) && shell.name != "dash" && !shell.name.ends_with("ksh");
        Self::with(shell, if has_segment { " --prompt" } else { "" }, &[])
    }

    /// With these options of `init`, and these variables in the shell.
    pub(super) fn with(shell: Shell, option: &str, variables: &[(&str, &str)]) -> Option<Self> {
        let program = shell.find()?;
        let Cast { world, device, .. } = World::cast();
        world.edit_config("[profile deploy]", "[profile my-test-role]");
        let scene = Scene::new(world);
        // Records the environment that the shell gave it.
        let see = scene.binary.with_file_name("see");
        let text = "#!/bin/sh\nenv -0 >\"$OUT/new\"\nprintf %s \"$2\" >\"$OUT/$1.code\"\nmv \"$OUT/new\" \"$OUT/$1\"\n";
        fs::write(&see, text).expect("a program");
        fs::set_permissions(&see, fs::Permissions::from_mode(0o755)).expect("it may run");

        let install = Install::of(shell);
        assert!(PAGE.replace("&#124;", "|").contains(install.line), "{}: docs/shells.md has another line", shell.name);
        let line = ["bash", "zsh", "fish", "elvish", "nu", "xonsh", "tcsh"]
            .iter()
            .fold(install.line.to_owned(), |line, name| {
                line.replace(&format!("init {name}"), &format!("init {name}{option}"))
            });
        let start = |words: &[&str]| {
            let mut command = Command::new(&program);
            scene.world.dress(&mut command);
            command.args(words).env("PATH", scene.path()).env("OUT", scene.out.path());
            command
                .env("ENV", scene.world.home().join("env"))
                .env("XDG_CONFIG_HOME", scene.world.home().join(".config"));
            command
        };
        if let Some(file) = install.file {
            scene.world.write(file, format!("{}{line}\n{}", install.before, install.after));
        } else {
            if !install.before.is_empty() {
                scene.world.write(".tcshrc", install.before);
            }
            let done = crate::support::pty::run(start(&["-c", &line]), b"", PATIENCE);
            let said = (done.status.code(), done.stdout.as_str(), done.stderr.as_str());
            assert_eq!(said, (Some(0), "", ""), "{}", shell.name);
        }
        let words: &[&str] = if matches!(shell.language, Language::Posix) { &["-i"] } else { &[] };
        let mut command = start(words);
        command.envs(variables.iter().copied());
        let started = Instant::now();
        let session = Pty::default().sized(40, 100).streams(Stream::Terminal, Stream::Terminal).spawn(command);
        let mut person = Self { session, shell, scene, device, read: 0, answered: 0, pause: PAUSE };
        person.settle();
        person.pause = (started.elapsed() / 2).clamp(PAUSE, 10 * PAUSE);
        Some(person)
    }

    /// The output since the last call. Terminals report the position of the cursor on request; some line editors wait
    /// for that.
    pub(super) fn shown(&mut self) -> String {
        let screen = self.session.screen();
        let asked = screen.matches("\x1b[6n").count();
        for _ in self.answered..asked {
            self.session.type_text("\x1b[1;1R");
        }
        self.answered = asked;
        String::from_utf8_lossy(&screen.as_bytes()[self.read.min(screen.len())..]).into_owned()
    }

    /// Waits until something is shown, and then until no more output arrives.
    pub(super) fn settle(&mut self) {
        let (mut shown, started, mut since) = (String::new(), Instant::now(), Instant::now());
        while shown.is_empty() || since.elapsed() < self.pause {
            assert!(started.elapsed() < PATIENCE, "{}: {:?}", self.shell.name, self.session.screen());
            sleep(Duration::from_millis(10));
            let now = self.shown();
            if now != shown {
                (shown, since) = (now, Instant::now());
            }
        }
    }

    /// Types keys; the text to wait for next comes after them.
    pub(super) fn strike(&mut self, keys: &str) {
        self.settle();
        self.read = self.session.screen().len();
        self.session.type_text(keys);
    }

    fn wait_for(&mut self, text: &str) {
        self.wait_for_one(&[text]);
    }

    fn wait_for_one(&mut self, texts: &[&str]) {
        let started = Instant::now();
        loop {
            let shown = self.shown();
            if texts.iter().any(|text| shown.contains(text)) {
                return;
            }
            let screen = self.session.screen();
            assert!(started.elapsed() < PATIENCE, "{}: none of {texts:?} on {screen:?}", self.shell.name);
            sleep(Duration::from_millis(10));
        }
    }

    /// Return. Some shells use the first one to select from a list.
    fn enter_until(&mut self, text: &str) {
        self.strike("\r");
        let started = Instant::now();
        let mut again = Instant::now();
        while !self.shown().contains(text) {
            let screen = self.session.screen();
            assert!(started.elapsed() < PATIENCE, "{}: no {text:?} on {screen:?}", self.shell.name);
            if again.elapsed() > Duration::from_secs(10) {
                self.session.type_text("\r");
                again = Instant::now();
            }
            sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn give_code(&mut self, profile: &str) {
        self.wait_for(&format!("MFA code for {profile} (alice-phone): "));
        self.strike(&format!("{}\r", self.device.fresh_code()));
    }

    /// Our variables in a child process, and the prompt at that moment.
    pub(super) fn look(&mut self, step: &str, words: &str) -> String {
        self.strike(&format!("see {step} {words}\r"));
        let started = Instant::now();
        while !self.scene.out.path().join(step).exists() {
            self.shown();
            assert!(started.elapsed() < PATIENCE, "{}: {:?}", self.shell.name, self.session.screen());
            sleep(Duration::from_millis(10));
        }
        self.settle();
        self.shown()
    }

    pub(super) fn leave(mut self) {
        self.strike("exit\r");
        let Self { session, shell, scene, .. } = self;
        scene.world.heard(shell.name, &session.finish(PATIENCE));
        scene.assert_nothing_ran(shell.name);
    }
}

fn profile(person: &Person, step: &str) -> Option<String> {
    person.scene.value(step, "MFA_CRED_PROFILE")
}

fn a_person_in(shell: Shell) -> Option<Person> {
    let mut person = Person::at(shell)?;
    let completes = shell.language != Language::Posix || matches!(shell.name, "bash" | "zsh");
    let what = shell.name;
    if matches!(what, "bash" | "zsh" | "fish") {
        person.strike(if what == "bash" { "mfa-cred \t\t" } else { "mfa-cred \t" });
        for word in ["alice", "my-test-role", "audit", "clear"] {
            person.wait_for(word);
        }
        person.strike("\x03");
    }
    person.strike(if completes { "mfa-cred my-t\t" } else { "mfa-cred my-test-role" });
    person.wait_for("mfa-cred");
    person.enter_until("MFA code for my-test-role");
    person.give_code("my-test-role");
    person.wait_for("my-test-role ");
    person.look("first", "");
    // The prompt may come late.
    person.wait_for_one(&["my-test-role 59m", "my-test-role 1h"]);
    assert_eq!(profile(&person, "first").as_deref(), Some("my-test-role"), "{what}");
    assert!(person.scene.value("first", "AWS_SESSION_TOKEN").is_some(), "{what}");

    person.strike("mfa-cred env audit\r");
    person.wait_for("audit ");
    person.look("second", "");
    person.wait_for_one(&["audit 59m", "audit 1h"]);
    assert_eq!(profile(&person, "second").as_deref(), Some("audit"), "{what}");
    assert_eq!(person.scene.world.aws.count("GetSessionToken"), 1, "{what}: one code");

    person.strike("mfa-cred unset\r");
    let shown = person.look("gone", "");
    assert!(!shown.contains("audit"), "{what}: {shown:?}");
    assert_eq!(person.scene.seen("gone"), [], "{what}");
    Some(person)
}

/// The rest of the session: no name, and Ctrl-C at the code prompt.
fn more_in(person: &mut Person) {
    let what = person.shell.name;
    person.strike("mfa-cred\r");
    person.wait_for("Profile: ");
    person.strike("audi");
    person.wait_for("> audit");
    person.strike("\r");
    person.look("picked", "$?");
    person.wait_for("(audit ");
    assert_eq!((profile(person, "picked").as_deref(), person.scene.code("picked").as_str()), (Some("audit"), "0"));

    person.strike("mfa-cred clear\r");
    person.strike("mfa-cred my-test-role\r");
    person.wait_for("MFA code for my-test-role (alice-phone): ");
    person.strike("\x03");
    person.look("canceled", "$?");
    // After an interrupted substitution, zsh reports its own number.
    assert_eq!(person.scene.code("canceled"), if what == "zsh" { "2" } else { "130" });
    assert_eq!(person.scene.seen("canceled"), person.scene.seen("picked"), "{what}");
    // Escape in the picker does the same.
    person.strike("mfa-cred unset\r");
    person.strike("mfa-cred\r");
    person.wait_for("Profile: ");
    person.strike("\x1b");
    person.look("escaped", "$?");
    assert_eq!((person.scene.code("escaped").as_str(), person.scene.seen("escaped")), ("130", vec![]), "{what}");
}

fn goes_through(shell: Shell, more: fn(&mut Person)) {
    if let Some(mut person) = a_person_in(shell) {
        more(&mut person);
        person.leave();
    }
}

#[test]
fn a_person_in_bash() {
    goes_through(BASH, more_in);
}

#[test]
fn a_person_in_zsh() {
    goes_through(ZSH, more_in);
}

#[test]
fn a_person_in_fish() {
    goes_through(FISH, |_| ());
}

#[test]
fn a_person_in_dash() {
    goes_through(DASH, |_| ());
}

#[test]
fn a_person_in_ksh() {
    goes_through(KSH, |_| ());
}

#[test]
fn a_person_in_mksh() {
    goes_through(MKSH, |_| ());
}

#[test]
fn a_person_in_tcsh() {
    goes_through(TCSH, |_| ());
}

#[test]
fn a_person_in_elvish() {
    goes_through(ELVISH, |_| ());
}

#[test]
fn a_person_in_xonsh() {
    goes_through(XONSH, |_| ());
}

#[test]
fn a_person_in_nu() {
    goes_through(NU, |_| ());
}
