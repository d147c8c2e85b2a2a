//! The prompt segment that shells build themselves, at their own prompts: before, below 15 minutes, and after
//! expiration.

use super::*;
use jiff::{SignedDuration, Timestamp};

use crate::support::world::Cast;

const NAME: &str = "$(touch PWNED) `touch PWNED` %F{red} {RED} ü\u{202e}\u{61c}\u{2066}z";

/// Marks that reorder text are not shown; nothing else changes.
const SHOWN: &str = "$(touch PWNED) `touch PWNED` %F{red} {RED} ü???z";

impl Shell {
    /// After this line no program can be started any more.
    fn without_programs(self) -> &'static str {
        match self.language {
            Language::Posix => "PATH=/nonexistent",
            Language::Fish => "set -gx PATH /nonexistent",
            Language::Elvish => "set paths = [/nonexistent]",
            Language::Xonsh => "$PATH = ['/nonexistent']",
            Language::Nu | Language::Tcsh => unreachable!("no prompt of theirs is tried"),
        }
    }

    /// The shell at a prompt, where the segment was added twice.
    fn at_a_prompt(self, scene: &Scene, more: &[(&str, &str)], before: &str) -> Option<Session> {
        let mut command = Command::new(self.find()?);
        scene.world.dress(&mut command);
        let interactive: &[&str] =
            if matches!(self.language, Language::Posix | Language::Fish) { &["-i"] } else { &[] };
        command.args(self.bare).args(interactive).env("OUT", scene.out.path()).current_dir(scene.work.path());
        command.env("PATH", scene.path()).env("SHELL_TYPE", "readline").envs(more.iter().copied());
        let session = Pty::default().sized(24, 200).streams(Stream::Terminal, Stream::Terminal).spawn(command);
        let load = self.load("--prompt").replace("\\eval", "eval").replace("\\mfa", "mfa");
        session.type_text(&format!("{before}{load}\r{load}\r"));
        Some(session)
    }
}

fn segments_of(shell: Shell) {
    let scene = Scene::new(World::empty());
    for colors in ["", "1"] {
        for (secs, left) in
            [(7_230, " 2h"), (5_430, " 1h30m"), (3_570, " 59m"), (930, " 15m"), (870, " 14m*"), (-60, " EXPIRED")]
        {
            // Without color, one test of each kind is enough.
            if !colors.is_empty() && !matches!(secs, 930 | 870 | -60) {
                continue;
            }
            let end = Timestamp::now() + SignedDuration::from_secs(secs);
            let end = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let env = [("MFA_CRED_PROFILE", NAME), ("AWS_CREDENTIAL_EXPIRATION", &end), ("NO_COLOR", colors)];
            let Some(mut session) = shell.at_a_prompt(&scene, &env, "") else { return };
            let segment = format!("({SHOWN}{left})");
            session.wait_for(&segment, PATIENCE);
            session.type_text(&format!("{}\r", shell.without_programs()));
            session.wait_for(&segment, PATIENCE);
            session.type_text("exit\r");
            let finished = session.finish(PATIENCE);
            let screen = &finished.terminal;
            let what = format!("{} {left} {colors:?}", shell.name);
            assert!(!screen.contains(&format!("{segment} ({SHOWN}")), "{what}: once is enough: {screen:?}");
            let color = if secs <= 0 { '1' } else { '3' };
            let alarms = ["[3#m", "[1;3#m", "[0;3#m", "[3#;1m", "[0;1;3#m", "[9#m"];
            let is_in = |color: char| {
                let painted = |alarm: &&str| format!("\x1b{}({SHOWN}", alarm.replace('#', &color.to_string()));
                alarms.iter().any(|alarm| screen.contains(&painted(alarm)))
            };
            assert_eq!(is_in(color), secs < 900 && colors.is_empty(), "{what}: {screen:?}");
            assert!(!is_in(if secs <= 0 { '3' } else { '1' }), "{what}: {screen:?}");
            scene.assert_nothing_ran(&what);
        }
    }
}

#[test]
fn segments_of_bash() {
    segments_of(BASH);
}

#[test]
fn segments_of_zsh() {
    segments_of(ZSH);
}

#[test]
fn segments_of_fish() {
    segments_of(FISH);
}

#[test]
fn segments_of_elvish() {
    segments_of(ELVISH);
}

#[test]
fn segments_of_xonsh() {
    segments_of(XONSH);
}

/// Its line editor asks the terminal for the cursor position and waits; so a script calls the prompt function.
#[test]
fn segments_of_nu() {
    let Some(program) = NU.find() else { return };
    let scene = Scene::new(World::empty());
    let init = scene.world.run(&["init", "nu", "--prompt"]).stdout;
    fs::write(scene.work.path().join("init.nu"), init).expect("a file");
    let own = "$env.PROMPT_COMMAND = {|| 'own' }\n";
    let script = format!("{own}source init.nu\nsource init.nu\n$env.PATH = []\nprint -n (do $env.PROMPT_COMMAND)\n");
    fs::write(scene.work.path().join("script.nu"), script).expect("a file");
    for (colors, secs, text) in [
        ("", Some(5_430), format!("\x1b[32m({SHOWN} 1h30m) \x1b[0mown")),
        ("", Some(930), format!("\x1b[32m({SHOWN} 15m) \x1b[0mown")),
        ("", Some(870), format!("\x1b[1;33m({SHOWN} 14m*) \x1b[0mown")),
        ("", Some(-60), format!("\x1b[1;31m({SHOWN} EXPIRED) \x1b[0mown")),
        ("1", Some(7_230), format!("({SHOWN} 2h) own")),
        ("1", Some(870), format!("({SHOWN} 14m*) own")),
        ("1", Some(-60), format!("({SHOWN} EXPIRED) own")),
        ("1", None, format!("({SHOWN}) own")),
    ] {
        let end = secs.map(|secs| (Timestamp::now() + SignedDuration::from_secs(secs)).strftime("%FT%TZ").to_string());
        let mut command = Command::new(&program);
        scene.world.dress(&mut command);
        command.args(NU.bare).arg("script.nu").current_dir(scene.work.path());
        command.env("MFA_CRED_PROFILE", NAME).env("NO_COLOR", colors);
        command.env("AWS_CREDENTIAL_EXPIRATION", end.as_deref().unwrap_or("a[$(touch PWNED)]"));
        let finished = crate::support::pty::run(command, b"", PATIENCE);
        assert_eq!((finished.stdout, finished.stderr), (text, String::new()));
        scene.assert_nothing_ran("nu");
    }
}

/// Some languages read `08` and `09` as invalid octal numbers.
#[test]
fn leading_zeros_are_not_octal() {
    for shell in [BASH, ZSH, FISH, ELVISH, XONSH] {
        let scene = Scene::new(World::empty());
        // All digits of the time except the last hour digit: a wrong day or month is detected, an hour that passes
        // during the test is not.
        let far = "2999-09-08T09:08:09Z";
        let hours = far.parse::<Timestamp>().expect("a time").duration_since(Timestamp::now()).as_hours();
        let far_left = format!("(x {}", hours / 10);
        for (end, left) in [("2020-08-09T08:09:08Z", "(x EXPIRED)"), (far, &far_left)] {
            let env = [("MFA_CRED_PROFILE", "x"), ("AWS_CREDENTIAL_EXPIRATION", end), ("NO_COLOR", "1")];
            let Some(mut session) = shell.at_a_prompt(&scene, &env, "") else { break };
            session.wait_for(left, PATIENCE);
            session.type_text("exit\r");
            session.finish(PATIENCE);
        }
    }
}

/// An expiration that is not a time is not used in arithmetic: in bash and zsh, `a[$(…)]` would be executed there.
#[test]
fn an_expiration_that_contains_a_command_is_not_evaluated() {
    for shell in [BASH, ZSH, FISH, ELVISH, XONSH] {
        let scene = Scene::new(World::empty());
        for end in [
            "a[$(touch PWNED)]",
            "2026-01-0a[$(touch PWNED)]",
            // Of the right form, but not a number.
            "a[0]-x$-()T%%:**:++Z",
            "",
            "tomorrow",
            "2026-13-45T99:99:99Z",
        ] {
            let env = [("MFA_CRED_PROFILE", "x"), ("AWS_CREDENTIAL_EXPIRATION", end), ("NO_COLOR", "1")];
            let Some(mut session) = shell.at_a_prompt(&scene, &env, "") else { break };
            session.wait_for(if end.contains("99") { "(x" } else { "(x)" }, PATIENCE);
            session.type_text("exit\r");
            let screen = session.finish(PATIENCE).terminal;
            assert!(!screen.to_lowercase().contains("error"), "{} {end}: {screen}", shell.name);
            scene.assert_nothing_ran(shell.name);
        }
    }
}

/// A prompt that shows the last exit status continues to do so.
#[test]
fn the_exit_status_reaches_the_users_prompt() {
    for (shell, before, fails) in [
        (BASH, "PROMPT_COMMAND='printf \"own:%s:\" $? ; '; PS1='ps:$?:# '\r", "(exit 3)\r"),
        (BASH, "PROMPT_COMMAND=('printf \"own:%s:\" $?'); PS1='ps:$?:# '\r", "(exit 3)\r"),
        (ZSH, "precmd() { printf 'own:%s:' $? }; PS1='ps:%?:# '\r", "(exit 3)\r"),
        (FISH, "function fish_prompt; printf 'own:%s:ps:%s:# ' $status $status; end\r", "sh -c 'exit 3'\r"),
    ] {
        let scene = Scene::new(World::empty());
        let env = [("MFA_CRED_PROFILE", "x"), ("NO_COLOR", "1")];
        let Some(mut session) = shell.at_a_prompt(&scene, &env, before) else { continue };
        session.wait_for("(x)", PATIENCE);
        session.type_text(fails);
        session.wait_for("own:3:", PATIENCE);
        session.wait_for(if shell.language == Language::Fish { "ps:" } else { "ps:3:" }, PATIENCE);
        session.type_text("exit 0\r");
        session.finish(PATIENCE);
    }
}

/// A tool that rebuilds the prompt before each command, as Starship does, in every way that such tools use.
#[test]
fn a_prompt_that_is_rebuilt_each_time_keeps_the_segment() {
    let Some(program) = BASH.find() else { return };
    let load = "eval \"$(mfa-cred init bash --prompt)\"\n";
    let tool = "build() { local code=$?; PS1=\"\\nbuilt $code> \"; return $code; }\n";
    let starship =
        "build_all() { local code=$?; [[ -z ${OTHERS-} ]] || eval \"$OTHERS\"; PS1=\"\\nbuilt $code> \"; }\n";
    for (what, file) in [
        ("before", format!("{tool}PROMPT_COMMAND=build\n{load}")),
        ("before, with a semicolon", format!("{tool}PROMPT_COMMAND='build;'\n{load}")),
        ("before, an array", format!("{tool}PROMPT_COMMAND=(true build)\n{load}")),
        ("after, appended", format!("{tool}{load}PROMPT_COMMAND=\"$PROMPT_COMMAND;build\"\n")),
        ("after, appended to an array", format!("{tool}PROMPT_COMMAND=(true)\n{load}PROMPT_COMMAND+=(build)\n")),
        ("after, prepended", format!("{tool}{load}PROMPT_COMMAND=\"build;$PROMPT_COMMAND\"\n")),
        ("after, in its place", format!("{tool}{load}PROMPT_COMMAND=build\n")),
        ("Starship after", format!("{starship}{load}OTHERS=$PROMPT_COMMAND PROMPT_COMMAND=build_all\n")),
        ("Starship before", format!("{starship}PROMPT_COMMAND=build_all\n{load}")),
        ("loaded twice", format!("{tool}PROMPT_COMMAND=build\n{load}{load}")),
    ] {
        let Cast { world, device, .. } = World::cast();
        world.sign_in(&device, &["login", "deploy"]);
        let scene = Scene::new(world);
        scene.world.write("rc", file);
        let mut command = Command::new(&program);
        scene.world.dress(&mut command);
        command.args(["--noprofile", "--rcfile", "rc", "-i"]).env("PATH", scene.path()).env("NO_COLOR", "1");
        command.current_dir(scene.world.home());
        let mut session = Pty::default().sized(24, 200).streams(Stream::Terminal, Stream::Terminal).spawn(command);
        session.wait_for("built 0> ", PATIENCE);
        session.type_text("mfa-cred deploy\r");
        for code in [0, 7] {
            session.wait_for("(deploy ", PATIENCE);
            session.wait_for(&format!(") built {code}> "), PATIENCE);
            session.type_text("(exit 7)\r");
        }
        session.wait_for("(deploy ", PATIENCE);
        session.wait_for(") built 7> ", PATIENCE);
        session.type_text("exit\r");
        let screen = session.finish(PATIENCE).terminal;
        assert!(screen.matches("(deploy ").count() == 3 && !screen.contains("syntax error"), "{what}: {screen}");
    }
}

/// A shell that starts with credentials, as `exec` and editors start it, may never call the function that maintains
/// `PROMPT_COMMAND`; each run of the segment does so, too.
#[test]
fn a_rebuilt_prompt_shows_an_inherited_profile_from_the_second_prompt_on() {
    let Some(program) = BASH.find() else { return };
    let load = "eval \"$(mfa-cred init bash --prompt)\"\n";
    let tool = "build() { PS1='built> '; }\n";
    for (what, line) in [
        ("appended", "PROMPT_COMMAND=\"$PROMPT_COMMAND;build\""),
        ("appended to an array", "PROMPT_COMMAND=(__mfa_cred_prompt build)"),
        ("called by the tool", "OTHERS=$PROMPT_COMMAND; all() { eval \"$OTHERS\"; build; }; PROMPT_COMMAND=all"),
    ] {
        let scene = Scene::new(World::empty());
        scene.world.write("rc", format!("{tool}{load}{line}\n"));
        let mut command = Command::new(&program);
        scene.world.dress(&mut command);
        command.args(["--noprofile", "--rcfile", "rc", "-i"]).env("PATH", scene.path()).env("NO_COLOR", "1");
        command.env("MFA_CRED_PROFILE", "deploy").current_dir(scene.world.home());
        let mut session = Pty::default().sized(24, 200).streams(Stream::Terminal, Stream::Terminal).spawn(command);
        session.wait_for("built> ", PATIENCE);
        for _ in 0..2 {
            session.type_text("\r");
            session.wait_for("(deploy) built> ", PATIENCE);
        }
        session.type_text("exit\r");
        let screen = session.finish(PATIENCE).terminal;
        assert!(!screen.contains("(deploy) (deploy)"), "{what}: {screen:?}");
    }
}

/// Other tools define the prompt, once or each time, before our line or after it.
#[test]
fn a_prompt_that_other_tools_replace_keeps_the_segment_in_zsh_and_fish() {
    let zsh = "eval \"$(mfa-cred init zsh --prompt)\"\n";
    let fish = "mfa-cred init fish --prompt | source\n";
    let once = "function fish_prompt; echo -n \"built $status> \"; end\n";
    let chosen = "function fish_prompt; set -l s $status; echo -n \"chosen \"; echo \"exit $s\" | source; old; end\n";
    let venv = format!("functions --copy fish_prompt old\n{chosen}");
    for (shell, what, file) in [
        (ZSH, "precmd before", format!("precmd() {{ PROMPT='built %?> ' }}\n{zsh}")),
        (ZSH, "precmd after", format!("{zsh}precmd() {{ PS1='built %?> ' }}\n")),
        (ZSH, "a hook after", format!("{zsh}build() {{ prompt='built %?> ' }}\nadd-zsh-hook precmd build\n")),
        (ZSH, "once, after", format!("{zsh}setopt prompt_subst\nPROMPT='$(echo built) %?> '\n")),
        (ZSH, "loaded twice", format!("{zsh}precmd() {{ PROMPT='built %?> ' }}\n{zsh}")),
        (FISH, "before", format!("{once}{fish}")),
        (FISH, "after", format!("{fish}{once}")),
        (FISH, "loaded twice", format!("{fish}{once}{fish}")),
        (FISH, "around ours", format!("{once}{fish}{venv}")),
        (FISH, "around ours, and ours again", format!("{once}{fish}{venv}{fish}")),
    ] {
        let Some(program) = shell.find() else { continue };
        let Cast { world, device, .. } = World::cast();
        world.sign_in(&device, &["login", "deploy"]);
        let scene = Scene::new(world);
        scene.world.write("rc", file);
        let mut command = Command::new(&program);
        scene.world.dress(&mut command);
        command.args(shell.bare).arg("-i").env("PATH", scene.path()).env("NO_COLOR", "1");
        command.current_dir(scene.world.home());
        let mut session = Pty::default().sized(24, 200).streams(Stream::Terminal, Stream::Terminal).spawn(command);
        session.type_text("source ./rc\r");
        session.wait_for("built 0> ", PATIENCE);
        session.type_text("mfa-cred deploy\r");
        session.wait_for("(deploy ", PATIENCE);
        session.wait_for("built 0> ", PATIENCE);
        session.type_text("sh -c 'exit 7'\r");
        session.wait_for("(deploy ", PATIENCE);
        session.wait_for("built 7> ", PATIENCE);
        session.type_text("exit\r");
        let screen = session.finish(PATIENCE).terminal;
        assert!(!screen.contains("(deploy 59m) (deploy"), "{} {what}: once is enough: {screen}", shell.name);
    }
}
