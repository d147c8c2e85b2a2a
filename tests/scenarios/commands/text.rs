//! Printed text: the formats of `env` and `unset`, options and their order, help, colors, closed pipes.

use std::process::{Command, Stdio};

use super::{calls, json, member, seen, signed_in};
use crate::support::pty::{self, Finished, PATIENCE, Pty, Stream};
use crate::support::world::{Cast, MFA_CRED, World, variable};

const SET: [&str; 8] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "MFA_CRED_PROFILE",
    "AWSUME_PROFILE",
];
const UNSET: [&str; 4] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SECURITY_TOKEN", "AWSUME_EXPIRATION"];

/// The same credentials as a list of values, in the order of [`SET`].
fn values(world: &World) -> Vec<String> {
    let payload = world.run(&["env", "deploy", "--format", "posix"]).stdout;
    SET.iter().map(|name| variable(&payload, name)).collect()
}

fn unset_in_posix(name: &str) -> String {
    format!("if test \"${{{name}+x}}\";then \\unset {name};fi;").repeat(3) + "\n"
}

fn unset_in_fish(name: &str) -> String {
    format!("while set -ql {name};set -el {name};end;if set -qg {name};set -eg {name};end;")
}

#[test]
fn every_format_sets_and_unsets_the_same_variables() {
    let cast = signed_in();
    let world = &cast.world;
    let values = values(world);
    let pairs = || SET.iter().zip(&values);
    let posix: String = pairs().map(|(name, value)| format!("\\export {name}='{value}';\n")).collect();
    let elvish: String = pairs().map(|(name, value)| format!("set-env {name} \"{value}\"\n")).collect();
    let elvish = UNSET.iter().fold(elvish, |text, name| text + &format!("unset-env {name}\n"));
    let fish: String = pairs().map(|(name, value)| format!("set -gx {name} '{value}';\n")).collect();
    let dotenv: String = pairs().map(|(name, value)| format!("{name}={value}\n")).collect();
    let fish = UNSET.iter().fold(fish, |text, name| {
        let stand_in = if name.ends_with("_PROFILE") { "'deploy'" } else { "''" };
        text + &unset_in_fish(name) + &format!("if set -qUx {name};set -gx {name} {stand_in};end;\n")
    });
    let object = pairs().map(|(name, value)| format!("\"{name}\":\"{value}\""));
    let object = object.chain(UNSET.iter().map(|name| format!("\"{name}\":null"))).collect::<Vec<_>>().join(",");
    let object = format!("{{{object}}}\n");
    // All at once, so that what bash and zsh need for local variables stands once.
    let done = world.run(&["env", "deploy", "--format", "posix"]);
    let unset = format!("if \\unset {};then \\true;fi;", UNSET.join(" ")).repeat(3);
    assert!(done.stdout.starts_with(&posix) && done.stdout.contains(&unset), "{done:?}");
    assert_eq!((done.status.code(), &*done.stderr), (Some(0), ""));
    for (format, payload) in
        [("fish", fish), ("elvish", elvish), ("dotenv", dotenv), ("json", object.clone()), ("nu", object)]
    {
        let done = world.run(&["env", "deploy", "--format", format]);
        assert_eq!(seen(&done), (Some(0), &*payload, ""), "{format}");
    }
    assert_eq!(values[6], "deploy");
    assert!(calls(world).is_empty());

    let gone = |line: &dyn Fn(&str) -> String| SET.iter().map(|name| line(name)).collect::<String>();
    let revealed = UNSET.iter().map(|name| {
        let is_ours = format!("contains -- \"${name}\" \"\" \"$MFA_CRED_PROFILE\" \"$MFA_CRED_EXPORTED_PROFILE\"");
        format!("if set -qU {name};and set -qg {name};and {is_ours};set -eg {name};end;\n")
    });
    let revealed: String = revealed.collect();
    let members: Vec<String> = SET.iter().map(|name| format!("\"{name}\":null")).collect();
    for (format, payload) in [
        ("posix", gone(&unset_in_posix)),
        ("fish", revealed + &gone(&|name| unset_in_fish(name) + "\n")),
        ("dotenv", String::new()),
        ("json", format!("{{{}}}\n", members.join(","))),
    ] {
        assert_eq!(seen(&world.run(&["unset", "--format", format])), (Some(0), &*payload, ""), "{format}");
    }
}

#[test]
fn variables_set_by_an_earlier_run_and_not_by_this_one_are_unset() {
    let cast = signed_in();
    let world = &cast.world;
    let first = world.run(&["env", "deploy", "--format", "json"]);
    assert_eq!(member(&json(&first), "/AWS_REGION"), "ap-northeast-1");
    // A profile without a region, in the same shell.
    world.edit_config("region = ap-northeast-1\n", "");
    let unset = |done: &Finished| json(done).get("AWS_REGION").cloned();
    assert_eq!(unset(&world.run(&["env", "deploy", "--format", "json"])), None);
    world.set("MFA_CRED_PROFILE", "deploy");
    assert_eq!(unset(&world.run(&["env", "deploy", "--format", "json"])), Some(serde_json::Value::Null));
    // A region that the person set is theirs.
    world.set("MFA_CRED_PROFILE", "");
    world.set("AWS_REGION", "eu-west-1");
    assert_eq!(unset(&world.run(&["env", "deploy", "--format", "json"])), Some("eu-west-1".into()));
}

#[test]
fn unset_clears_an_endpoint_of_ours_and_leaves_that_of_another_program() {
    let world = World::empty();
    let names = ["CREDENTIALS_FULL_URI", "AUTHORIZATION_TOKEN", "AUTHORIZATION_TOKEN_FILE", "CREDENTIALS_RELATIVE_URI"];
    let names = names.map(|name| format!("AWS_CONTAINER_{name}"));
    for (url, is_ours) in
        [("http://127.0.0.1:9911/profile/deploy", true), ("http://169.254.170.23/v1/credentials", false), ("", false)]
    {
        world.set(&names[0], url);
        let told = json(&world.run(&["unset", "--format", "json"]));
        for (name, is_gone) in names.iter().zip([is_ours, is_ours, is_ours, false]) {
            assert_eq!(told.get(name), is_gone.then_some(&serde_json::Value::Null), "{url} {name}");
        }
    }
}

/// Runs `script` in a shell.
fn in_shell(world: &World, shell: &str, script: &str) -> Finished {
    let mut command = pty::off_terminal(shell);
    world.dress(&mut command);
    command.args(["-c", script]);
    pty::run(command, b"", PATIENCE)
}

#[test]
fn the_default_format_is_that_of_the_calling_shell() {
    let world = World::empty();
    let starts = |done: &Finished| done.stdout.split(' ').nth(1).map(str::to_owned);
    let (posix, fish) = (Some("test".to_owned()), Some("set".to_owned()));
    // The parent is not a shell: `$SHELL` decides, else it is posix.
    for (shell, format) in [("", &posix), ("/usr/bin/fish", &fish), ("/bin/zsh", &posix), ("/usr/bin/python3", &posix)]
    {
        world.set("SHELL", shell);
        assert_eq!(starts(&world.run(&["unset"])), *format, "{shell}");
    }
    for (parent, shell, format) in
        [("fish", "/bin/bash", &fish), ("bash", "/usr/bin/fish", &posix), ("sh", "/usr/bin/fish", &posix)]
    {
        world.set("SHELL", shell);
        // Not as the last command, which a shell may exec directly.
        assert_eq!(starts(&in_shell(&world, parent, "mfa-cred unset; true")), *format, "{parent}");
    }
    assert_eq!(starts(&in_shell(&world, "fish", "mfa-cred unset --format posix; true")), posix);
}

#[test]
fn a_bare_profile_does_not_print_credentials_on_a_terminal() {
    let cast = signed_in();
    let on_screen = |words: &[&str], shell: &str| {
        let mut command = Command::new(MFA_CRED);
        cast.world.dress(&mut command);
        command.args(words).env("SHELL", shell);
        Pty::default().streams(Stream::Terminal, Stream::Apart).spawn(command).finish(PATIENCE)
    };
    let error = "error: credentials are not printed to a terminal, which would keep them in its scrollback\n";
    for (words, shell, line, typed) in [
        (&["deploy"][..], "/bin/bash", "eval $(mfa-cred deploy)", "mfa-cred deploy"),
        (&["env", "deploy"], "/usr/bin/fish", "mfa-cred deploy | source", "mfa-cred deploy"),
        (&["env", "deploy"], "/usr/bin/tcsh", "eval \"`mfa-cred deploy`\"", "mfa-cred deploy"),
        (&["-"], "/bin/zsh", "eval $(mfa-cred -)", "mfa-cred -"),
        (&[], "/bin/zsh", "eval $(mfa-cred)", "mfa-cred"),
    ] {
        let done = on_screen(words, shell);
        assert_eq!((done.status.code(), done.terminal.as_str()), (Some(2), ""), "{words:?}");
        let hint = format!(
            "hint: `{line}` sets them in this shell; with the line from `mfa-cred init --help` in its startup file, \
             `{typed}` alone does so; `--format` prints them anyway\n"
        );
        assert_eq!(done.stderr, format!("{error}{hint}"), "{words:?}");
    }
    // Errors about the profile come first.
    let done = on_screen(&["deplyo"], "");
    assert!(done.stderr.starts_with("error: there is no profile `deplyo`"), "{done:?}");
    assert_eq!(done.status.code(), Some(1));
    // With an explicit format, the credentials are printed, with a warning.
    let warning = "warning: the credentials are on your screen and in its scrollback\n";
    for (words, start) in [
        (&["env", "deploy", "--format", "posix"][..], "export AWS_ACCESS_KEY_ID="),
        (&["process", "deploy"], "{\"Version\":1"),
    ] {
        let done = on_screen(words, "");
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), warning), "{words:?}");
        assert!(done.terminal.contains(start), "{done:?}");
    }
}

#[test]
fn options_may_precede_the_command_and_a_bare_profile_means_env() {
    let cast = signed_in();
    let world = &cast.world;
    let region = |words: &[&str]| {
        let done = world.run(words);
        assert!(done.status.success(), "{words:?}: {done:?}");
        member(&json(&done), "/AWS_REGION").clone()
    };
    for words in [
        &["--region", "eu-west-1", "--format", "json", "env", "deploy"][..],
        &["env", "--region", "eu-west-1", "deploy", "--format", "json"],
        &["--format", "json", "deploy", "--region", "eu-west-1"],
        &["--region", "eu-central-1", "env", "deploy", "--region", "eu-west-1", "--format", "json"],
        &["-q", "--config-file", ".aws/config", "--region", "eu-west-1", "env", "deploy", "--format", "json"],
    ] {
        assert_eq!(region(words), "eu-west-1", "{words:?}");
    }
    // A profile with the name of a command.
    world.edit_config("[profile deploy]", "[profile list]");
    for words in [&["env", "list", "--format", "json"][..], &["--format", "json", "--", "list"]] {
        assert_eq!(region(words), "ap-northeast-1", "{words:?}");
    }
}

#[test]
fn usage_errors_exit_with_2_and_print_nothing_on_stdout() {
    let cast = World::cast();
    for words in [
        &["deploy", "process"][..],
        &["deploy", "audit"],
        &["process", "deploy", "audit"],
        &["--nonsense"],
        &["process", "--nonsense", "deploy"],
        &["env", "deploy", "--format", "cmd.exe"],
        &["--format", "json", "list"],
        &["--refresh", "clear"],
        &["list", "--json", "--names"],
        &["clear", "deploy", "--all"],
        &["exec", "deploy", "env", "-v"],
        &["--color", "sometimes", "list"],
        &["process", ""],
    ] {
        let done = cast.world.run(words);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(2), ""), "{words:?}");
        assert!(done.stderr.starts_with("error: "), "{words:?}: {}", done.stderr);
    }
    assert!(calls(&cast.world).is_empty());
}

#[test]
fn help_and_version_work_in_a_broken_environment() {
    let world = World::empty();
    world.write("config/mfa-cred/config.ini", "broken");
    world.write(".aws/config", "broken");
    world.set("MFA_CRED_STORE", "broken");
    world.set("MFA_CRED_LOG", "broken");
    for words in
        [&["--help"][..], &["-h"], &["env", "--help"], &["exec", "-h"], &["help", "login"], &["--version"], &["-V"]]
    {
        let done = world.run(words);
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{words:?}");
        assert!(!done.stdout.is_empty(), "{words:?}");
    }
    assert_eq!(world.run(&["--version"]).stdout, concat!("mfa-cred ", env!("CARGO_PKG_VERSION"), "\n"));
    std::fs::remove_file(world.home().join("config/mfa-cred/config.ini")).expect("it was there");
    world.set("MFA_CRED_STORE", "");
}

#[test]
fn a_closed_pipe_ends_every_command_silently() {
    let cast = signed_in();
    let world = &cast.world;
    world.write(
        "policy.json",
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#,
    );
    for line in [
        "-h",
        "--help",
        "--version",
        "help env",
        "env deploy",
        "deploy",
        "process deploy",
        "show deploy",
        "show deploy --json",
        "list",
        "list --json",
        "list --names",
        "status",
        "status deploy --json",
        // A verdict that nobody reads.
        "status audit --region eu-west-1",
        "unset",
        "device list --profile alice",
        "policy print",
        "policy check policy.json",
        "policy check --json policy.json",
        "init bash",
        "completions zsh",
        "man",
        "prompt",
        "__complete fish -- ",
    ] {
        let words: Vec<&str> = line.split_terminator(' ').collect();
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = world.command(&words);
        command.env("RUST_BACKTRACE", "1").env("MFA_CRED_PROFILE", "deploy");
        command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
        let done = command.spawn().expect("it starts").wait_with_output().expect("a child of ours");
        let stderr = String::from_utf8_lossy(&done.stderr);
        let signal = std::os::unix::process::ExitStatusExt::signal(&done.status);
        assert_eq!((signal, &*stderr), (Some(13), ""), "{line}");
    }
    // As a person types it, with more output than a pipe holds.
    let many: String = (0..5_000).map(|n| format!("[profile p{n}]\nregion = eu-west-1\n")).collect();
    world.add_config(&many);
    let done = in_shell(world, "bash", "mfa-cred list | head -n 1 | wc -l; echo ${PIPESTATUS[0]}");
    assert_eq!((done.stdout.trim(), done.stderr.as_str()), ("1\n141", ""));
    // A stdout that is not a pipe, or a pipe that was never read, is a failure that is reported.
    let done = in_shell(world, "sh", "mfa-cred process deploy >/dev/full");
    let said = "error: the output could not be written: No space left on device (os error 28)\n";
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(1), said));
    // And a closed stderr is no reason to fail.
    let done = in_shell(&cast.world, "sh", "mfa-cred process deploy -vv 2>&-");
    assert!(done.status.success() && done.stdout.starts_with("{\"Version\":1,"), "{done:?}");
}

#[test]
fn a_closed_stdout_is_an_error_in_every_command_that_prints() {
    let Cast { world, device, .. } = &signed_in();
    let said = "error: the output could not be written: Bad file descriptor (os error 9)\n";
    for line in [
        "-h",
        "--version",
        "help env",
        "env deploy",
        "deploy",
        "process deploy",
        "show deploy",
        "list",
        "list --json",
        "status",
        "status deploy",
        "unset",
        "device list --profile alice",
        "policy print",
        "policy explain",
        "init bash",
        "completions zsh",
        "man",
        "prompt",
        "__complete fish -- ",
    ] {
        for closed in [">&-", "<&- >&-"] {
            let done = in_shell(world, "sh", &format!("MFA_CRED_PROFILE=deploy mfa-cred {line} {closed}"));
            assert_eq!((done.status.code(), done.stderr.as_str()), (Some(1), said), "{line} {closed}: {done:?}");
        }
        // Without a stderr, the exit code is still right.
        let done = in_shell(world, "sh", &format!("MFA_CRED_PROFILE=deploy mfa-cred {line} >&- 2>&-"));
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(1), ""), "{line}: {done:?}");
    }
    // No code is spent on output that nobody gets, and a command that prints nothing needs no stdout.
    world.run(&["clear"]);
    let calls = world.aws.calls().len();
    let code = device.fresh_code();
    for line in ["process deploy", "env deploy"] {
        let done = in_shell(world, "sh", &format!("echo {code} | mfa-cred {line} --mfa-token - >&-"));
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(1), said), "{line}: {done:?}");
    }
    assert_eq!(world.aws.calls().len(), calls, "{:?}", world.aws.calls());
    let done = in_shell(world, "sh", &format!("echo {code} | mfa-cred login deploy --mfa-token - >&-"));
    assert!(done.status.success(), "{done:?}");
    // The null device is a valid stdout, however it was opened.
    for null in [">/dev/null", "1<>/dev/null"] {
        let done = in_shell(world, "sh", &format!("mfa-cred process deploy {null}"));
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{null}: {done:?}");
    }
}

#[test]
fn quiet_and_verbose_set_the_amount_of_messages() {
    let Cast { world, device, .. } = World::cast();
    let warning = "warning: profile `alice` has no `mfa_serial`, so these are its long-term keys, without MFA: set `mfa_serial = auto` to use the device that IAM lists, or create one with `mfa-cred device enroll --profile alice`\n";
    let stderr = |words: &[&str]| world.run(words).stderr;
    for (words, said) in [
        (&["process", "alice"][..], warning),
        (&["-q", "process", "alice"], ""),
        (&["process", "-q", "alice"], ""),
        (&["process", "alice", "--quiet"], ""),
        (&["-q", "process", "nobody-at-all"], "error: there is no profile `nobody-at-all` in "),
    ] {
        let stderr = stderr(words);
        assert!(stderr.starts_with(said) && stderr.is_empty() == said.is_empty(), "{words:?}: {stderr}");
    }
    for (level, said) in [("error", ""), ("warn", warning), ("info", warning), ("debug", warning)] {
        world.set("MFA_CRED_LOG", level);
        assert_eq!(stderr(&["process", "alice"]), said, "{level}");
    }
    // The option overrides the variable.
    assert_eq!(stderr(&["process", "alice", "-q"]), "");
    world.set("MFA_CRED_LOG", "");

    let serial = device.serial();
    let session = format!("mfa-cred: GetSessionToken for 12h, with a code of {serial}\n");
    let role = "mfa-cred: AssumeRole arn:aws:iam::123456789012:role/deploy for 1h\n";
    assert_eq!(world.sign_in(&device, &["-v", "process", "deploy"]).stderr, format!("{session}{role}"));
    assert_eq!(stderr(&["process", "deploy", "-v"]), "");
    assert_eq!(stderr(&["process", "deploy", "-vv"]), "mfa-cred: `deploy` is cached\n");
}

#[test]
fn colors_appear_on_terminals_or_on_request() {
    let world = World::empty();
    world.write(".aws/config", "[default]\n");
    let plain = |text: &str| text.starts_with("error: there is no profile `x` in ");
    let colored = |text: &str| text.starts_with("\u{1b}[31merror: \u{1b}[0mthere is no profile `x` in ");
    let piped = |words: &[&str]| world.run(words).stderr;
    assert!(plain(&piped(&["process", "x"])));
    assert!(colored(&piped(&["process", "x", "--color", "always"])));
    let on_terminal = |words: &[&str]| {
        let mut command = Command::new(MFA_CRED);
        world.dress(&mut command);
        command.args(words);
        Pty::default().streams(Stream::Apart, Stream::Terminal).spawn(command).finish(PATIENCE).terminal
    };
    assert!(colored(&on_terminal(&["process", "x"])));
    assert!(plain(&on_terminal(&["process", "x", "--color", "never"])));
    world.set("NO_COLOR", "1");
    assert!(plain(&on_terminal(&["process", "x"])));
    assert!(colored(&on_terminal(&["process", "x", "--color", "always"])));
    world.set("NO_COLOR", "");
    world.set("MFA_CRED_COLOR", "never");
    assert!(plain(&on_terminal(&["process", "x"])));
    world.set("MFA_CRED_COLOR", "always");
    assert!(colored(&piped(&["process", "x"])));
    assert!(plain(&piped(&["process", "x", "--color", "never"])));
}
