//! One code, two roles, and back: typed at a prompt, and in a script.

use std::fs;
use std::path::Path;

use mfa_cred::output::VARIABLES;

use super::{BASH, DASH, FISH, FORMS, Form, KSH, MKSH, Shell, ZSH, nul_ended};
use crate::support::aws::{AccessKey, Signer};
use crate::support::pty::{PATIENCE, Pty, Session, Stream};
use crate::support::world::{Cast, World, calls};

/// Already set, and in conflict with what will be set.
const IN_THE_WAY: [&str; 4] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SECURITY_TOKEN", "AWSUME_EXPIRATION"];
const PROMPT: &str = "MFA code for deploy (alice-phone): ";
/// The shell's own prompt. With a `#`, since mksh allows root no other.
const READY: &str = "ready# ";
const UNKNOWN: &str = "there is no profile `nosuch` in ";

/// A person, a folder outside their home for the output of `env`, and conflicting variables of another tool.
fn scene() -> (Cast, tempfile::TempDir) {
    let cast = World::cast();
    let out = tempfile::tempdir().expect("a folder");
    cast.world.set("OUT", out.path().to_str().expect("UTF-8"));
    for name in IN_THE_WAY {
        cast.world.set(name, "old");
    }
    // The parent decides, not this variable.
    cast.world.set("SHELL", "/bin/csh");
    (cast, out)
}

/// The environment of a child of the shell.
struct Seen(Vec<(String, String)>);

impl Seen {
    fn read(folder: &Path, step: &str) -> Self {
        let lines = nul_ended(&folder.join(step));
        let pairs = lines.iter().filter_map(|line| line.split_once('='));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All variables that we set, in order.
    fn ours(&self) -> [Option<&str>; 8] {
        VARIABLES.map(|name| self.get(name))
    }

    /// Asserts that the shell has the credentials of that role, everything that belongs to them, and nothing that
    /// contradicts them.
    fn assert_is(&self, world: &World, role: &str, what: &str) {
        let [id, secret, token, ends, region, default_region, profile, awsume] =
            self.ours().map(|value| value.unwrap_or_else(|| panic!("{what}: not all is set: {:?}", self.names())));
        let holder = world.aws.holder(id).expect("AWS knows the key");
        assert!(
            matches!(&holder.signer, Signer::Role { arn, .. } if arn.ends_with(&format!("role/{role}"))),
            "{what}: {holder:?}"
        );
        assert_eq!(Some(ends), holder.expires.map(|end| end.to_string()).as_deref(), "{what}");
        assert_eq!((region, default_region), ("ap-northeast-1", "ap-northeast-1"), "{what}");
        assert_eq!((profile, awsume), (role, role), "{what}");
        let key = AccessKey { id: id.to_owned(), secret: secret.to_owned(), token: Some(token.to_owned()) };
        let answer = world.aws.call(&key, "GetCallerIdentity", &[]).expect("it answers");
        assert!(answer.text("Arn").is_some_and(|arn| arn.contains(&format!("assumed-role/{role}/"))), "{what}");
        assert_eq!(calls(world), ["GetCallerIdentity"]);
        for name in IN_THE_WAY {
            assert_eq!(self.get(name), None, "{what}: {name}");
        }
    }

    /// Names only, since a value may be a secret.
    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// A line, the environment of a child afterward, and the line's exit code, on the terminal.
fn step(shell: Shell, name: &str, line: &str) -> String {
    let status = shell.status();
    format!("{line}\nprintf 'at:%s:%s:\\n' {name} {status}\nenv -0 >\"$OUT/{name}\"\n")
}

/// Types a step and waits for its end.
fn type_step(session: &mut Session, shell: Shell, name: &str, line: &str) {
    session.type_text(&step(shell, name, line));
    session.wait_for(&format!("at:{name}:0:"), PATIENCE);
    // The child has finished writing when the next line is done.
    session.type_text("printf 'seen:%s:\\n' it\n");
    session.wait_for("seen:it:", PATIENCE);
}

fn at_a_prompt(shell: Shell, form: Form) {
    let (Cast { world, device, .. }, out) = scene();
    let mut command = shell.interactive();
    world.dress(&mut command);
    command.env("PS1", READY);
    let mut session = Pty::default().sized(24, 200).streams(Stream::Terminal, Stream::Terminal).spawn(command);
    if shell.is_fish {
        session.type_text("function fish_prompt; printf 'ready# '; end\n");
    }
    session.type_text("printf 'at:%s:\\n' start\n");
    session.wait_for("at:start:", PATIENCE);
    let take = |words: &str| shell.take(form, &format!("mfa-cred {words}"));
    let seen = |step: &str| Seen::read(out.path(), step);
    let what = format!("{} {form:?}", shell.program);

    session.type_text(&format!("{}\n", take("deploy")));
    session.wait_for(PROMPT, PATIENCE);
    session.type_text(&format!("{}\n", device.fresh_code()));
    // Text typed before the shell is ready is discarded.
    session.wait_for(READY, PATIENCE);
    type_step(&mut session, shell, "first", "true");
    assert_eq!(calls(&world), ["GetSessionToken", "AssumeRole"], "{what}");
    seen("first").assert_is(&world, "deploy", &what);

    type_step(&mut session, shell, "second", &take("env audit"));
    assert_eq!(calls(&world), ["AssumeRole"], "{what}: a second role asks nothing");
    seen("second").assert_is(&world, "audit", &what);

    type_step(&mut session, shell, "third", &take("deploy"));
    assert_eq!(calls(&world), [""; 0], "{what}: a third call makes no call");
    assert_eq!(seen("third").ours(), seen("first").ours(), "{what}");

    session.type_text(&format!("{}\n", take("nosuch")));
    session.wait_for(UNKNOWN, PATIENCE);
    type_step(&mut session, shell, "failed", "true");
    assert_eq!(seen("failed").ours(), seen("third").ours(), "{what}: a failure leaves the old ones alone");

    session.type_text(&format!("{}\n", take("env audit --refresh")));
    session.wait_for("MFA code for audit (alice-phone): ", PATIENCE);
    session.type_text("123");
    session.control('c');
    session.wait_for(READY, PATIENCE);
    type_step(&mut session, shell, "canceled", "true");
    assert_eq!(seen("canceled").ours(), seen("third").ours(), "{what}: so does Ctrl-C");
    assert_eq!(calls(&world), [""; 0], "{what}");

    type_step(&mut session, shell, "gone", &take("unset"));
    assert_eq!(seen("gone").ours(), [None; 8], "{what}: nothing is left");

    session.type_text("exit\n");
    let finished = session.finish(PATIENCE);
    assert_eq!(finished.terminal.matches("MFA code for").count(), 2, "{what}: {}", finished.terminal);
    world.heard(&what, &finished);
}

fn in_a_script(shell: Shell, form: Form) {
    let (Cast { world, device, .. }, out) = scene();
    let take = |words: &str| shell.take(form, &format!("mfa-cred {words}"));
    let strict = if shell.is_fish { "" } else { "set -eu\n" };
    let steps = [
        ("first", take("deploy")),
        ("second", take("env audit")),
        ("third", take("deploy")),
        ("failed", take("nosuch")),
        ("gone", take("unset")),
    ];
    let text: String = steps.iter().map(|(name, line)| step(shell, name, line)).collect();
    let file = out.path().join("script");
    fs::write(&file, format!("{strict}{text}")).expect("a script");
    let mut command = shell.script(&file);
    world.dress(&mut command);
    let mut session = Pty::default().spawn(command);
    session.wait_for(PROMPT, PATIENCE);
    session.type_text(&format!("{}\n", device.fresh_code()));
    let finished = session.finish(PATIENCE);
    let what = format!("{} {form:?}", shell.program);
    world.heard(&what, &finished);
    let done: String = steps.iter().map(|(name, _)| format!("at:{name}:0:\n")).collect();
    let terminal = finished.terminal_without_address().replace("**", "");
    assert_eq!((finished.stdout, terminal), (done, format!("{PROMPT}\r\n")), "{what}: {}", finished.stderr);
    let aws = world.home().join(".aws");
    let files = format!("{} or {}", aws.join("config").display(), aws.join("credentials").display());
    let said = format!("error: {UNKNOWN}{files}\nhint: `mfa-cred list` shows the profiles\n");
    assert_eq!(world.without_tilde(&finished.stderr), said, "{what}");

    assert_eq!(calls(&world), ["GetSessionToken", "AssumeRole", "AssumeRole"], "{what}");
    let seen = |step: &str| Seen::read(out.path(), step);
    seen("first").assert_is(&world, "deploy", &what);
    seen("second").assert_is(&world, "audit", &what);
    assert_eq!(seen("third").ours(), seen("first").ours(), "{what}");
    assert_eq!(seen("failed").ours(), seen("third").ours(), "{what}: a failure leaves the old ones alone");
    assert_eq!(seen("gone").ours(), [None; 8], "{what}: nothing is left");
}

fn a_day_in(shell: Shell) {
    if shell.is_here() {
        for form in FORMS {
            at_a_prompt(shell, form);
            in_a_script(shell, form);
        }
    }
}

#[test]
fn a_day_in_dash() {
    a_day_in(DASH);
}

#[test]
fn a_day_in_bash() {
    a_day_in(BASH);
}

#[test]
fn a_day_in_zsh() {
    a_day_in(ZSH);
}

#[test]
fn a_day_in_ksh() {
    a_day_in(KSH);
}

#[test]
fn a_day_in_mksh() {
    a_day_in(MKSH);
}

#[test]
fn a_day_in_fish() {
    a_day_in(FISH);
}
