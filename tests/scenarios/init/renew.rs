//! `init --auto-renew`: shells that renew their credentials before a command starts, on real terminals.
//!
//! AWS gives the role's credentials a short life. Another program that the shell starts reads the resulting variables; what
//! the shell starts besides is counted by strace.

mod command;

use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::whole::Person;
use super::*;
use crate::support::aws::{Fault, When};

/// Their options: tcsh has no segment.
fn options(shell: Shell) -> &'static str {
    if shell.language == Language::Tcsh { " --auto-renew" } else { " --auto-renew --prompt" }
}

/// The access key that the shell gave a program, and from when on it is renewed.
fn held(person: &Person, step: &str) -> (String, i64) {
    let value = |name| person.scene.value(step, name).unwrap_or_default();
    let renewal = value("MFA_CRED_RENEWAL");
    let due = renewal.split('/').next().and_then(|due| due.parse().ok());
    (value("AWS_ACCESS_KEY_ID"), due.unwrap_or_else(|| panic!("{step}: {renewal:?}")))
}

/// A person whose MFA session is cached, and who has just taken a role for this many seconds.
fn with_a_role(shell: Shell, secs: i64) -> Option<Person> {
    let mut person = Person::with(shell, options(shell), &[])?;
    person.scene.world.sign_in(&person.device, &["login", "audit"]);
    person.scene.world.aws.lifetime(Some(secs));
    person.scene.world.aws.take_calls();
    person.strike("mfa-cred my-test-role\r");
    Some(person)
}

fn calls_of(person: &Person) -> usize {
    person.scene.world.aws.count("AssumeRole")
}

/// The shell waits at its prompt while the last five minutes begin.
fn renews_before_a_command_in(shell: Shell) {
    let Some(mut person) = with_a_role(shell, 300 + 12) else { return };
    let what = shell.name;
    person.look("first", "");
    let (key, due) = held(&person, "first");
    assert_eq!(calls_of(&person), 1, "{what}: there is time left");
    while Timestamp::now().as_second() <= due {
        sleep(Duration::from_millis(100));
    }
    // tcsh tells the time by the terminal, whose times are rounded to eight seconds.
    sleep(Duration::from_secs(if what == "tcsh" { 9 } else { 1 }));
    let shown = person.look("second", "");
    let (renewed, later) = held(&person, "second");
    assert_ne!(renewed, key, "{what}: {shown:?}");
    assert!(later > due, "{what}");
    assert_eq!(calls_of(&person), 2, "{what}");
    for quiet in ["error", "warning", "Done", "MFA code", "__renew"] {
        assert!(!shown.contains(quiet), "{what}: {shown:?}");
    }
    let same = |name| person.scene.value("first", name) == person.scene.value("second", name);
    assert!(same("MFA_CRED_PROFILE") && same("AWS_REGION"), "{what}");
    let ends = |step| person.scene.value(step, "AWS_CREDENTIAL_EXPIRATION");
    assert!(ends("second") > ends("first"), "{what}");
    // All parts of the key were replaced: AWS takes it.
    let key = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    let [id, secret, token] = key.map(|name| person.scene.value("second", name).unwrap_or_default());
    let key = crate::support::aws::AccessKey { id, secret, token: Some(token) };
    let answer = person.scene.world.aws.call(&key, "GetCallerIdentity", &[]).expect("an answer");
    assert_eq!(answer.status, 200, "{what}");
    person.leave();
}

#[test]
fn bash_renews_before_a_command() {
    renews_before_a_command_in(BASH);
}

#[test]
fn zsh_renews_before_a_command() {
    renews_before_a_command_in(ZSH);
}

#[test]
fn fish_renews_before_a_command() {
    renews_before_a_command_in(FISH);
}

#[test]
fn nu_renews_before_a_command() {
    renews_before_a_command_in(NU);
}

#[test]
fn elvish_renews_before_a_command() {
    renews_before_a_command_in(ELVISH);
}

#[test]
fn xonsh_renews_before_a_command() {
    renews_before_a_command_in(XONSH);
}

#[test]
fn tcsh_renews_before_a_command() {
    renews_before_a_command_in(TCSH);
}

/// They always have less than five minutes, so every try renews them: once a minute.
#[test]
fn credentials_of_ninety_seconds_never_expire_before_a_command() {
    let Some(mut person) = with_a_role(BASH, 90) else { return };
    // The shell looks once a second.
    sleep(Duration::from_secs(2));
    for step in ["first", "second"] {
        person.look(step, "");
    }
    assert_eq!(held(&person, "second"), held(&person, "first"), "one try a minute");
    assert_eq!(calls_of(&person), 2);
    sleep(Duration::from_secs(61));
    person.look("third", "");
    assert_ne!(held(&person, "third"), held(&person, "second"));
    assert_eq!(calls_of(&person), 3);
    person.leave();
}

/// Plays scenes that mostly wait, at the same time.
fn at_once<T: Send>(scenes: impl IntoIterator<Item = T>, play: impl Fn(T) + Sync) {
    let play = &play;
    std::thread::scope(|scope| scenes.into_iter().for_each(|scene| _ = scope.spawn(move || play(scene))));
}

fn a_dead_network_costs_three_seconds_in(shell: Shell) {
    let Some(mut person) = with_a_role(shell, 300 + 12) else { return };
    let what = shell.name;
    person.look("first", "");
    let due = held(&person, "first").1;
    person.scene.world.aws.fault("AssumeRole", Fault::Delay(When::Before, Duration::from_secs(40)), 9);
    while Timestamp::now().as_second() <= due {
        sleep(Duration::from_millis(100));
    }
    sleep(Duration::from_secs(if what == "tcsh" { 9 } else { 1 }));
    let mut took = |step: &str| {
        let out = person.scene.out.path().join(step);
        person.strike(&format!("see {step}\r"));
        let start = Instant::now();
        while !out.exists() {
            person.shown();
            assert!(start.elapsed() < PATIENCE, "{what}: {step}");
            sleep(Duration::from_millis(10));
        }
        start.elapsed()
    };
    let (tried, next) = (took("second"), took("third"));
    assert!(tried > Duration::from_millis(2_500) && tried < Duration::from_secs(6), "{what}: {tried:?}");
    assert!(next < Duration::from_millis(2_500), "{what}: {next:?}");
    assert_eq!(held(&person, "second").0, held(&person, "first").0, "{what}");
    let shown = person.shown();
    assert!(!shown.contains("error") && !shown.contains("mfa-cred"), "{what}: {shown:?}");
    person.leave();
}

#[test]
fn a_dead_network_costs_three_seconds_in_bash_and_zsh() {
    at_once([BASH, ZSH], a_dead_network_costs_three_seconds_in);
}

#[test]
fn a_dead_network_costs_three_seconds_in_fish_and_nu() {
    at_once([FISH, NU], a_dead_network_costs_three_seconds_in);
}

#[test]
fn a_dead_network_costs_three_seconds_in_elvish_xonsh_and_tcsh() {
    at_once([ELVISH, XONSH, TCSH], a_dead_network_costs_three_seconds_in);
}

/// Nothing is cached any more: the renewal fails without a word, and the person is asked by the command alone.
#[test]
fn when_the_mfa_session_has_expired_the_segment_says_so_and_the_command_asks() {
    for shell in [BASH, ZSH] {
        let Some(mut person) = with_a_role(shell, 3600) else { continue };
        let what = shell.name;
        person.look("first", "");
        let (key, _) = held(&person, "first");
        person.strike("mfa-cred clear\r");
        let due = "MFA_CRED_RENEWAL=1/${MFA_CRED_RENEWAL#*/}";
        person.strike(&format!("export AWS_CREDENTIAL_EXPIRATION=2020-01-01T00:00:00Z {due}\r"));
        let shown = person.look("second", "");
        assert!(
            shown.contains("EXPIRED") && !shown.contains("MFA code") && !shown.contains("error"),
            "{what}: {shown:?}"
        );
        person.scene.world.aws.lifetime(None);
        person.strike("mfa-cred my-test-role\r");
        person.give_code("my-test-role");
        let shown = person.look("third", "");
        assert!(!shown.contains("EXPIRED"), "{what}: {shown:?}");
        assert_ne!(held(&person, "third").0, key, "{what}");
        // Without credentials there is nothing to renew, and what is taken next is renewed again.
        person.strike("mfa-cred unset\r");
        person.look("fourth", "");
        assert_eq!(person.scene.value("fourth", "MFA_CRED_RENEWAL").as_deref(), Some("-"), "{what}");
        person.leave();
    }
}

/// A shell at its prompt, below strace.
struct Watched {
    session: Session,
    answered: usize,
    trace: PathBuf,
    shell: Shell,
}

impl Watched {
    /// `file` is what the shell reads when it starts.
    fn start(shell: Shell, scene: &Scene, file: &str, variables: &[(&str, &str)]) -> Option<Self> {
        let program = shell.find()?;
        if tools::find("strace", &["--version"]).is_none() {
            tools::skip_without("what a shell starts", "strace");
            return None;
        }
        let (rc, trace) = (scene.out.path().join("rc"), scene.out.path().join("trace"));
        fs::write(&rc, file).expect("a file");
        let _ = fs::remove_file(&trace);
        let mut command = Command::new("strace");
        scene.world.dress(&mut command);
        command.args(["-f", "-qq", "-o"]).arg(&trace).args(["-e", "trace=fork,vfork,clone,clone3,execve"]).arg(program);
        match shell.language {
            Language::Posix if shell.name == "bash" => command.args(["--noprofile", "--rcfile"]).arg(&rc).arg("-i"),
            Language::Posix => command.arg("-i").env("ZDOTDIR", scene.out.path()),
            Language::Fish => command.arg("--no-config").arg("-C").arg(format!("source {}", rc.display())),
            Language::Tcsh => &mut command,
            Language::Elvish => command.arg("-rc").arg(&rc),
            Language::Xonsh => command.arg("--rc").arg(&rc),
            Language::Nu => command.arg("--config").arg(&rc),
        };
        let _ = fs::copy(&rc, scene.out.path().join(".zshrc"));
        let _ = fs::copy(&rc, scene.world.home().join(".tcshrc"));
        command.env("SHELL_TYPE", "readline").envs(variables.iter().copied());
        let session = Pty::default().sized(24, 200).streams(Stream::Terminal, Stream::Terminal).spawn(command);
        let mut watched = Self { session, answered: 0, trace, shell };
        watched.settle();
        Some(watched)
    }

    fn settle(&mut self) {
        let (mut before, started, mut since) = (0, Instant::now(), Instant::now());
        while before == 0 || since.elapsed() < Duration::from_millis(700) {
            assert!(started.elapsed() < PATIENCE, "{}: {:?}", self.shell.name, self.session.screen());
            sleep(Duration::from_millis(10));
            let screen = self.session.screen();
            let asked = screen.matches("\x1b[6n").count();
            (self.answered..asked).for_each(|_| self.session.type_text("\x1b[1;1R"));
            self.answered = asked;
            if screen.len() != before {
                (before, since) = (screen.len(), Instant::now());
            }
        }
    }

    fn enter(&mut self, line: &str) {
        self.session.type_text(&format!("{line}\r"));
        self.settle();
    }

    /// A command that is part of the shell.
    fn idle(&mut self) {
        self.enter(match self.shell.language {
            Language::Tcsh => "set x = 1",
            Language::Elvish => "nop",
            Language::Xonsh | Language::Nu => "1",
            Language::Posix | Language::Fish => "true",
        });
    }

    /// The processes so far: threads do not count.
    fn started(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.trace).expect("a trace");
        let is_process = |line: &&str| line.contains('(') && !line.contains("CLONE_THREAD") && !line.contains("---");
        text.lines().filter(is_process).map(str::to_owned).collect()
    }

    /// How often a renewal was started.
    fn renewals(&self) -> usize {
        let is_renewal = |line: &&String| {
            // The program may become its other half.
            line.contains("execve(") && line.contains("\"__renew\"") && !line.contains("--handed-over")
        };
        self.started().iter().filter(is_renewal).count()
    }
}

impl Drop for Watched {
    /// When strace is killed, the shell would live on, and some do not end without a terminal.
    fn drop(&mut self) {
        self.session.type_text("\x15exit\r");
        let begun = Instant::now();
        while !self.session.has_ended() && begun.elapsed() < Duration::from_secs(5) {
            sleep(Duration::from_millis(10));
        }
    }
}

/// The variables of a shell that holds credentials for that many seconds before they are to be renewed.
fn holding(left: i64) -> Vec<(&'static str, String)> {
    let due = Timestamp::now().as_second() + left;
    vec![
        ("AWS_ACCESS_KEY_ID", "ASIAOURS".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ("AWS_SESSION_TOKEN", "token".to_owned()),
        ("MFA_CRED_PROFILE", "deploy".to_owned()),
        ("MFA_CRED_RENEWAL", format!("{due}/x/-/ASIAOURS")),
    ]
}

fn as_text<'v>(variables: &'v [(&'static str, String)]) -> Vec<(&'v str, &'v str)> {
    variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// What the shell reads: tcsh reads it again and again, by its name.
fn script_of(shell: Shell, scene: &Scene) -> String {
    let script = scene.world.run(&["init", shell.name, "--auto-renew"]).stdout;
    if shell.language == Language::Tcsh {
        scene.world.write(".mfa-cred.tcsh", script);
        return "source ~/.mfa-cred.tcsh\n".to_owned();
    }
    // Their usual prompts start git.
    match shell.language {
        Language::Xonsh => format!(
            "$PROMPT = '> '
{script}"
        ),
        Language::Fish => format!(
            "function fish_prompt; echo '> '; end
{script}"
        ),
        _ => script,
    }
}

fn nothing_is_started_without_need_in(shell: Shell) {
    let another = |name: &'static str, value: &str| {
        let mut variables = holding(-100);
        variables.retain(|(known, _)| *known != name);
        variables.push((name, value.to_owned()));
        variables
    };
    for (why, variables, renewals) in [
        ("there is time left", holding(3_000), 0),
        ("another tool's key", another("AWS_ACCESS_KEY_ID", "ASIAOTHER"), 0),
        ("another profile", another("AWS_PROFILE", "other"), 0),
        ("not a time", another("MFA_CRED_RENEWAL", "a[$(touch PWNED)]/x/-/ASIAOURS"), 0),
        ("it is time", holding(-100), 1),
    ] {
        let scene = Scene::new(World::empty());
        let file = script_of(shell, &scene);
        let Some(mut watched) = Watched::start(shell, &scene, &file, &as_text(&variables)) else { return };
        // Some shells start something of their own once.
        watched.idle();
        let before = watched.started().len();
        (0..3).for_each(|_| watched.idle());
        let what = format!("{}, {why}: {:?}\n{}", shell.name, watched.started(), watched.session.screen());
        assert_eq!(watched.renewals(), renewals, "{what}");
        assert_eq!(watched.started().len(), before, "{what}");
        scene.assert_nothing_ran(&what);
    }
}

#[test]
fn bash_zsh_and_fish_start_nothing_without_need() {
    [BASH, ZSH, FISH].into_iter().for_each(nothing_is_started_without_need_in);
}

#[test]
fn nu_and_elvish_start_nothing_without_need() {
    [NU, ELVISH].into_iter().for_each(nothing_is_started_without_need_in);
}

#[test]
fn xonsh_and_tcsh_start_nothing_without_need() {
    [XONSH, TCSH].into_iter().for_each(nothing_is_started_without_need_in);
}

/// What is changed in our script.
type Change<'c> = &'c (dyn Fn(&str) -> String + Sync);

/// Options, hooks and variables of the user's own, before our script and after it.
#[test]
fn a_users_own_options_and_hooks_are_respected() {
    let old = |script: &str| script.replace("BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1]", "302");
    let kept = |script: &str| script.to_owned();
    let strict =
        "set -u; set -C; IFS=:0123456789; alias command='echo aliased' eval='echo aliased' local='echo aliased'\n";
    let cases: [(Shell, &str, Change<'_>, &str, usize); 16] = [
        (BASH, "", &kept, "", 1),
        (BASH, "", &old, "", 1),
        (BASH, strict, &kept, "", 1),
        (BASH, "", &kept, "set -T; shopt -s extdebug", 1),
        (BASH, "trap 'true' DEBUG\n", &kept, "", 1),
        (BASH, "PROMPT_COMMAND=(true)\n", &kept, "", 1),
        (BASH, "", &kept, "PROMPT_COMMAND='true'", 1),
        (BASH, "", &kept, "trap - DEBUG", 1),
        (BASH, "readonly AWS_SESSION_TOKEN\n", &kept, "", 0),
        (BASH, "", &kept, "unset MFA_CRED_RENEWAL", 0),
        (ZSH, "setopt no_unset warn_create_global no_clobber sh_word_split ksh_arrays\n", &kept, "", 1),
        (ZSH, strict, &kept, "", 1),
        (ZSH, "", &kept, "precmd_functions=()", 1),
        (ZSH, "", &kept, "preexec_functions=()", 1),
        (ZSH, "readonly AWS_SESSION_TOKEN\n", &kept, "", 0),
        (ZSH, "", &kept, "unset MFA_CRED_RENEWAL", 0),
    ];
    let play = |(shell, before, change, after, renewals): (Shell, &str, Change<'_>, &str, usize)| {
        let scene = Scene::new(World::empty());
        let file = format!("{before}{}", change(&script_of(shell, &scene)).repeat(2));
        // Twelve seconds at the prompt before it is time.
        let variables = holding(12);
        let Some(mut watched) = Watched::start(shell, &scene, &file, &as_text(&variables)) else { return };
        watched.enter(after);
        assert_eq!(watched.renewals(), 0, "{} {before} {after}: early", shell.name);
        sleep(Duration::from_secs(12));
        watched.enter("(exit 7)");
        watched.enter("echo \"status:$?\" \"last:$_\"");
        watched.enter("jobs");
        watched.enter("fc -l 1");
        let screen = watched.session.screen();
        let what = format!("{} {before} {after}: {screen}", shell.name);
        assert!(screen.contains("status:7"), "{what}");
        assert_eq!(watched.renewals(), renewals, "{what}");
        for noise in ["aliased", "not found", "unbound", "parameter not set", "Done", "read-only", "readonly variable"]
        {
            assert!(!screen.contains(noise), "{noise}: {what}");
        }
        let listed = screen.rsplit("fc -l 1").next().unwrap_or_default();
        assert!(!listed.contains("__mfa_cred"), "{what}");
    };
    at_once(cases, play);
}

#[test]
fn shells_without_a_hook_say_so() {
    let world = World::empty();
    world.run(&["init", "posix", "--auto-renew"]).expect(
        2,
        "",
        "error: this shell cannot renew credentials: it has no hook that runs before a command\n\
         hint: a profile that `wire` adds lets SDKs renew their credentials themselves\n",
    );
}
