//! `env --as-profile`: a shell that holds the name of a wired profile in place of keys, from which each SDK renews by
//! itself.

use std::process::Command;

use serde_json::json;

use super::scopes::{script, signed_in};
use super::{BASH, DASH, FISH, FORMS, KSH, MKSH, Shell, ZSH};
use crate::scenarios::clients::client;
use crate::support::pty::{PATIENCE, Pty, Stream};
use crate::support::tools;
use crate::support::world::{Cast, MFA_CRED, World, calls, json as read};

/// A person who is signed in and whose profile `deploy` is wired.
fn wired() -> Cast {
    let cast = signed_in();
    assert!(cast.world.run(&["wire", "deploy", "--yes"]).status.success());
    calls(&cast.world);
    cast
}

/// What a program sees of a key, a name and a region, sorted.
const SEEN: &str = "env | grep -E '^(AWS_.*KEY.*|AWS_.*TOKEN.*|AWS_.*PROFILE|AWS_.*REGION|AWS_ROLE_ARN|AWS_CREDENTIAL.*|AWSUME_.*|MFA_CRED_PROFILE|MFA_CRED_EXPORTED.*)=.' | sed 's/=ASIA.*/=ASIA/' | sort";
const BY_NAME: &str = "AWS_DEFAULT_REGION=ap-northeast-1\nAWS_PROFILE=deploy-mfa\nAWS_REGION=ap-northeast-1\n\
                       MFA_CRED_EXPORTED_PROFILE=deploy-mfa\nMFA_CRED_PROFILE=deploy\n";

#[test]
fn the_name_of_a_wired_profile_is_exported_and_keys_are_cleared() {
    let Cast { world, .. } = wired();
    let exported = json!({
        "AWS_PROFILE": "deploy-mfa",
        "AWS_REGION": "ap-northeast-1",
        "AWS_DEFAULT_REGION": "ap-northeast-1",
        "MFA_CRED_PROFILE": "deploy",
        "MFA_CRED_EXPORTED_PROFILE": "deploy-mfa",
        "AWS_ACCESS_KEY_ID": null,
        "AWS_SECRET_ACCESS_KEY": null,
        "AWS_SESSION_TOKEN": null,
        "AWS_CREDENTIAL_EXPIRATION": null,
        "AWS_SECURITY_TOKEN": null,
        "AWS_DEFAULT_PROFILE": null,
        "AWS_ACCESS_KEY": null,
        "AWS_SECRET_KEY": null,
        "AWS_WEB_IDENTITY_TOKEN_FILE": null,
        "AWS_ROLE_ARN": null,
        "AWSUME_PROFILE": null,
        "AWSUME_EXPIRATION": null,
    });
    for words in [
        &["env", "--as-profile", "deploy"][..],
        &["env", "deploy", "--as-profile"],
        &["--as-profile", "deploy"],
        &["--as-profile", "env", "deploy"],
        // The name of the wired profile itself.
        &["env", "--as-profile", "deploy-mfa"],
    ] {
        let done = world.run(&[words, &["--format", "json"]].concat());
        assert_eq!((done.stderr.as_str(), read(&done)), ("", exported.clone()), "{words:?}");
    }
    // A region that was asked for is recorded, and removed by the next run.
    let done = world.run(&["env", "--as-profile", "deploy", "--region", "eu-west-1", "--format", "dotenv"]);
    assert!(
        done.stdout.contains("AWS_REGION=eu-west-1\n") && done.stdout.contains("MFA_CRED_EXPORTED_REGION=eu-west-1\n")
    );
    // Of several names, the usual one is taken; and the only one, whatever it is.
    assert!(world.run(&["wire", "deploy", "--as", "a-name", "--yes"]).status.success());
    let name = |world: &World, profile: &str| {
        read(&world.run(&["env", "--as-profile", profile, "--format", "json"]))["AWS_PROFILE"].clone()
    };
    assert_eq!((name(&world, "deploy"), name(&world, "a-name")), (json!("deploy-mfa"), json!("a-name")));
    assert!(world.run(&["unwire", "deploy-mfa", "--yes"]).status.success());
    assert_eq!(name(&world, "deploy"), "a-name");
    assert_eq!(calls(&world), [""; 0]);
}

#[test]
fn a_profile_that_runs_a_command_of_the_users_can_be_held_by_name() {
    let Cast { world, .. } = wired();
    world.add_config(&format!("[profile mine]\ncredential_process = {MFA_CRED} process deploy\n"));
    let done = world.run(&["env", "--as-profile", "mine", "--format", "dotenv"]);
    assert_eq!(
        (done.stderr.as_str(), done.stdout.as_str()),
        ("", "AWS_PROFILE=mine\nMFA_CRED_PROFILE=mine\nMFA_CRED_EXPORTED_PROFILE=mine\n")
    );
    // boto3 and the AWS CLI would take the key of that name.
    world.write(
        ".aws/credentials",
        world.read(".aws/credentials") + "[mine]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
    );
    let done = world.run(&["env", "--as-profile", "mine", "--format", "dotenv"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{done:?}");
}

#[test]
fn what_cannot_be_held_by_name_is_refused() {
    let Cast { world, .. } = wired();
    for (words, code, stderr) in [
        (
            &["env", "--as-profile", "audit"][..],
            1,
            "error: profile `audit` is not wired, so SDKs cannot use it by name\n\
             hint: `mfa-cred wire audit` writes the profile that they can use\n",
        ),
        (
            &["env", "--as-profile", "alice"],
            1,
            "error: profile `alice` is not wired, so SDKs cannot use it by name\n\
             hint: `mfa-cred wire alice` writes the profile that they can use\n",
        ),
    ] {
        world.run(words).expect(code, "", stderr);
    }
    let unknown = world.run(&["env", "--as-profile", "nosuch"]);
    assert_eq!((unknown.status.code(), unknown.stdout.as_str()), (Some(1), ""));
    assert!(unknown.stderr.starts_with("error: there is no profile `nosuch` in "), "{unknown:?}");
    // A section that is no longer ours alone.
    world.add_config("[profile deploy-mfa]\nregion = eu-west-1\n");
    let shared = world.run(&["env", "--as-profile", "deploy"]);
    assert!(shared.stderr.starts_with("error: profile `deploy` is not wired"), "{shared:?}");
    // What an SDK would not get.
    for option in [
        &["--duration", "2h"][..],
        &["--role-arn", "123456789012:audit"],
        &["--session-name", "me"],
        &["--tag", "a=b"],
        &["--no-cache"],
        &["--mfa-serial", "arn:aws:iam::123456789012:mfa/x"],
    ] {
        for words in
            [[&["env", "--as-profile", "deploy"], option].concat(), [option, &["--as-profile", "deploy"]].concat()]
        {
            let done = world.run(&words);
            assert_eq!((done.status.code(), done.stdout.as_str()), (Some(2), ""), "{words:?}");
            assert!(done.stderr.contains("`--as-profile` cannot be combined with options that change"), "{done:?}");
        }
    }
    let done = world.run(&["--as-profile", "process", "deploy"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(done.stderr.starts_with("error: `--as-profile` works only with `env`\n"), "{done:?}");
    assert_eq!(calls(&world), [""; 0]);
}

#[test]
fn a_code_is_asked_for_now_and_not_by_the_sdk() {
    let Cast { world, device, .. } = World::cast();
    assert!(world.run(&["wire", "deploy", "--yes"]).status.success());
    world.run(&["env", "--as-profile", "deploy", "--no-prompt"]).expect(
        3,
        "",
        "error: profile `deploy` needs an MFA code, but there is no terminal to ask on\nhint: run `mfa-cred login deploy` in a terminal\n",
    );
    let done = world.sign_in(&device, &["env", "--as-profile", "deploy", "--format", "dotenv"]);
    assert!(done.stdout.starts_with("AWS_PROFILE=deploy-mfa\n"), "{done:?}");
    assert_eq!(calls(&world), ["GetSessionToken", "AssumeRole"]);
    assert!(world.run(&["process", "deploy", "--no-prompt"]).status.success());
    assert_eq!(calls(&world), [""; 0]);
}

#[test]
fn on_a_terminal_the_line_that_has_an_effect_is_named() {
    let Cast { world, .. } = wired();
    let mut command = Command::new(MFA_CRED);
    world.dress(&mut command);
    command.args(["env", "--as-profile", "deploy"]).env("SHELL", "/bin/zsh");
    let done = Pty::default().streams(Stream::Terminal, Stream::Apart).spawn(command).finish(PATIENCE);
    assert_eq!((done.status.code(), done.terminal.as_str()), (Some(2), ""));
    let said = "error: this output has no effect unless a shell evaluates it\n\
                hint: `eval $(mfa-cred --as-profile deploy)` sets it in this shell; with the line from `mfa-cred init --help` \
                in its startup file, `mfa-cred --as-profile deploy` alone does so; `--format` prints it anyway\n";
    assert_eq!(done.stderr, said);
}

#[test]
fn a_config_file_that_sdks_do_not_read_is_mentioned() {
    let Cast { world, .. } = wired();
    let file = world.home().join("other");
    std::fs::copy(world.home().join(".aws/config"), &file).expect("a copy");
    let file = file.to_str().expect("UTF-8");
    let words = ["env", "--as-profile", "deploy", "--format", "dotenv"];
    let warned = world.run(&[&["--config-file", file], &words[..]].concat());
    assert!(warned.status.success(), "{warned:?}");
    assert_eq!(warned.stderr, format!("warning: SDKs do not read {file} unless `AWS_CONFIG_FILE` names it\n"));
    world.set("AWS_CONFIG_FILE", file);
    assert_eq!(world.run(&words).stderr, "");
}

#[test]
fn what_the_shell_holds_by_name_is_told_until_something_else_takes_precedence() {
    let Cast { world, .. } = wired();
    for line in BY_NAME.lines() {
        let (name, value) = line.split_once('=').expect("a variable");
        world.set(name, value);
    }
    assert_eq!(world.run(&["prompt"]).stdout, "deploy\n");
    let held = |world: &World| read(&world.run(&["status", "--json"]))["shell"].clone();
    assert_eq!(
        held(&world),
        json!({"profile": "deploy", "aws_profile": "deploy-mfa", "access_key_id": null, "expires": null, "left_seconds": null})
    );
    assert!(world.run(&["status"]).stdout.starts_with("shell\tdeploy\tAWS_PROFILE=deploy-mfa\t-\n"));
    let is_held = |world: &World| world.run(&["list", "--json"]).stdout.contains("\"held\":true");
    assert!(is_held(&world));
    // Without a name, the held profile is meant; `env` then exports keys, and nothing of the name is left.
    let keys = world.run(&["env", "--format", "json"]);
    let keys = read(&keys);
    assert_eq!((&keys["MFA_CRED_PROFILE"], &keys["MFA_CRED_EXPORTED_PROFILE"]), (&json!("deploy"), &json!(null)));
    assert_eq!(
        (&keys["AWS_PROFILE"], keys.as_object().map(|all| all.contains_key("MFA_CRED_EXPORTED_PROFILE"))),
        (&json!(null), Some(true))
    );
    let seen = world.run(&["exec", "audit", "--", "sh", "-c", SEEN]);
    assert!(!seen.stdout.contains("AWS_PROFILE") && !seen.stdout.contains("EXPORTED_PROFILE"), "{seen:?}");
    // Another name.
    world.set("AWS_PROFILE", "audit");
    assert_eq!((world.run(&["prompt"]).stdout.as_str(), held(&world), is_held(&world)), ("", json!(null), false));
    assert_eq!(
        world.run(&["env", "--format", "dotenv"]).stdout.lines().rfind(|line| line.starts_with("MFA_CRED_PROFILE")),
        Some("MFA_CRED_PROFILE=audit")
    );
    // Keys of another tool.
    world.set("AWS_PROFILE", "deploy-mfa");
    world.set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    assert_eq!((world.run(&["prompt"]).stdout.as_str(), &held(&world)["profile"]), ("", &json!(null)));
    calls(&world);
}

/// Keys, then a name, then something else, then nothing: by `eval` in both forms, and by the function of `init`.
fn in_a_shell(shell: Shell) {
    if !shell.is_here() {
        return;
    }
    let Cast { world, .. } = wired();
    world.set("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token");
    world.set("AWS_DEFAULT_PROFILE", "old");
    let init = if shell.program == "dash" || shell.program == "ksh" || shell.program == "mksh" {
        "posix"
    } else {
        shell.program
    };
    let init = world.run(&["init", init]).stdout;
    let takes = FORMS.map(|form| move |words: &str| shell.take(form, &format!("{MFA_CRED} {words}")));
    let set = |value: &str| {
        if shell.is_fish { format!("set -gx AWS_PROFILE {value}") } else { format!("export AWS_PROFILE={value}") }
    };
    let check = |take: &dyn Fn(&str) -> String| {
        format!(
            "{}\n{}\necho one; {SEEN}\n{}\necho two; {SEEN}\n{}\n{}\n{}\necho three; {SEEN}\n",
            take("deploy"),
            take("env --as-profile deploy"),
            take("unset"),
            take("env --as-profile deploy"),
            set("mine"),
            take("unset"),
        )
    };
    let mut text: String = takes.iter().map(|take| check(take)).collect();
    text = format!("{text}{init}\n{}", check(&|words| format!("mfa-cred {words}")));
    let done = script(&world, shell.program, shell.bare, &text);
    let expected = format!("one\n{BY_NAME}two\nthree\nAWS_PROFILE=mine\n").repeat(3);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), (expected.as_str(), ""), "{}", shell.program);
    assert_eq!(calls(&world), [""; 0]);
}

#[test]
fn a_name_in_dash() {
    in_a_shell(DASH);
}

#[test]
fn a_name_in_bash() {
    in_a_shell(BASH);
}

#[test]
fn a_name_in_zsh() {
    in_a_shell(ZSH);
}

#[test]
fn a_name_in_ksh() {
    in_a_shell(KSH);
}

#[test]
fn a_name_in_mksh() {
    in_a_shell(MKSH);
}

#[test]
fn a_name_in_fish() {
    in_a_shell(FISH);
}

/// A shell that is neither: how it evaluates a command, and a child's environment after a step.
struct Other<'a> {
    program: &'a str,
    bare: &'a [&'a str],
    /// Does it have our function without a terminal?
    has_function: bool,
    take: &'a str,
    note: &'a str,
}

impl Other<'_> {
    fn holds_a_name(&self) {
        let Some(path) = tools::find(self.program, &[self.bare, &["-c", "exit"]].concat()) else {
            return tools::skip_without("a name", self.program);
        };
        let Cast { world, .. } = wired();
        world.set("SHELL", path.to_str().expect("UTF-8"));
        let init = if self.has_function { world.run(&["init", self.program]).stdout } else { String::new() };
        let [keys, name, unset] =
            ["deploy", "env --as-profile deploy", "unset"].map(|words| self.take.replace("WORDS", words));
        let [one, two] = ["one", "two"].map(|step| self.note.replace("STEP", step).replace("SEEN", SEEN));
        let text = format!("{init}\n{keys}\n{name}\n{one}\n{unset}\n{two}\n");
        let done = script(&world, &path, self.bare, &text);
        let expected = format!("one\n{BY_NAME}two\n");
        assert_eq!((done.stdout.as_str(), done.stderr.as_str()), (expected.as_str(), ""), "{}", self.program);
    }
}

#[test]
fn a_name_in_nu() {
    let note = "print STEP; ^sh -c r#'SEEN'# | print -n";
    Other { program: "nu", bare: &["--no-config-file"], has_function: true, take: "mfa-cred WORDS", note }
        .holds_a_name();
}

#[test]
fn a_name_in_elvish() {
    let (take, note) = ("eval (mfa-cred WORDS | slurp)", "echo STEP; sh -c \"SEEN\"");
    Other { program: "elvish", bare: &["-norc"], has_function: false, take, note }.holds_a_name();
}

#[test]
fn a_name_in_xonsh() {
    let note = "print('STEP', flush=True); \
                __import__('subprocess').run(\"\"\"SEEN\"\"\", shell=True, env=${...}.detype())";
    Other { program: "xonsh", bare: &["--no-rc"], has_function: true, take: "mfa-cred WORDS", note }.holds_a_name();
}

#[test]
fn a_name_in_tcsh() {
    let (take, note) = ("eval `mfa-cred WORDS`", "echo STEP; SEEN");
    Other { program: "tcsh", bare: &["-f"], has_function: false, take, note }.holds_a_name();
}

/// In a function that declares the variables itself, which bring back those of the caller.
#[test]
fn keys_of_a_caller_take_no_precedence_over_a_name() {
    for (shell, local) in [(BASH, "local"), (ZSH, "typeset"), (MKSH, "local"), (DASH, "local")] {
        if !shell.is_here() {
            continue;
        }
        let Cast { world, .. } = wired();
        let seen = "env | grep -E '^AWS_(PROFILE|DEFAULT_PROFILE|ACCESS_KEY_ID)=.'";
        let text = format!(
            "export AWS_ACCESS_KEY_ID=outer AWS_DEFAULT_PROFILE=outer\n\
             plain() {{ eval $(mfa-cred env --as-profile deploy); {seen}; }}\n\
             caller() {{ {local} AWS_ACCESS_KEY_ID=caller; export AWS_ACCESS_KEY_ID; plain; }}\ncaller\n"
        );
        let done = script(&world, shell.program, shell.bare, &text);
        assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("AWS_PROFILE=deploy-mfa\n", ""), "{}", shell.program);
    }
}

#[test]
fn universal_variables_of_fish_take_no_precedence_over_a_name_and_come_back() {
    if !FISH.is_here() {
        return;
    }
    let Cast { world, .. } = wired();
    let seen = "env | grep -E '^AWS_(PROFILE|DEFAULT_PROFILE|ACCESS_KEY_ID)=.' | sort";
    let text = format!(
        "set -Ux AWS_PROFILE stale\nset -Ux AWS_DEFAULT_PROFILE stale\nset -Ux AWS_ACCESS_KEY_ID stale\n\
         mfa-cred env --as-profile deploy | source\necho one\n{seen}\nmfa-cred unset | source\necho two\n{seen}\n"
    );
    let done = script(&world, "fish", &[], &text);
    let expected = "one\nAWS_DEFAULT_PROFILE=deploy-mfa\nAWS_PROFILE=deploy-mfa\n\
                    two\nAWS_ACCESS_KEY_ID=stale\nAWS_DEFAULT_PROFILE=stale\nAWS_PROFILE=stale\n";
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), (expected, ""));
}

/// boto3 prefers a web identity in the environment to the profile that `AWS_PROFILE` names.
#[test]
fn boto3_uses_the_profile_that_the_shell_holds_by_name() {
    let Some(python) = client("boto3", "python3", &["-c", "import boto3"]) else { return };
    let Cast { world, .. } = wired();
    world.set("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token");
    world.set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/other");
    let ask = "import boto3; s = boto3.Session(); print(s.get_credentials().method, s.region_name, s.client(\"sts\").get_caller_identity()[\"Arn\"].split(\"/\")[1])";
    let text = format!(
        "eval $(mfa-cred deploy)\neval $(mfa-cred env --as-profile deploy)\n'{}' -c '{ask}'\n",
        python.display()
    );
    let done = script(&world, BASH.program, BASH.bare, &text);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("custom-process ap-northeast-1 deploy\n", ""));
    assert_eq!(calls(&world), ["GetCallerIdentity"]);
}
