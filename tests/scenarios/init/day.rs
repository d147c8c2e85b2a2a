//! The same day in every shell: a code, a second role, a failure, the commands that are passed through, and `unset`.

use super::*;
use crate::support::world::Cast;

const PROMPT: &str = "MFA code for deploy (alice-phone): ";

/// Names that have a meaning in some shell.
const NAMES: [&str; 24] = [
    "$(touch PWNED)",
    "`touch PWNED`",
    "x;touch PWNED;",
    "';touch PWNED;'",
    "\";touch PWNED;\"",
    "x&touch PWNED",
    "x|touch PWNED",
    ">PWNED",
    "(touch PWNED)",
    "{touch,PWNED}",
    "$HOME",
    "two  words ",
    "it's",
    "'",
    "say \"hi\"",
    "\\",
    "end\\",
    "*",
    "[a]",
    "!!",
    "x!y",
    "~",
    "#x %s",
    "ü 東京 \u{1f408}",
];

fn a_day_in(shell: Shell) {
    let Some(program) = shell.find() else { return };
    let Cast { world, device, .. } = World::cast();
    let files = world.home().join(".aws");
    for name in NAMES {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        let arn = format!("arn:aws:iam::{}:role/deploy", world.aws.account());
        let serial = device.serial();
        world.add_config(&format!(
            "[profile \"{quoted}\"]\nsource_profile = alice\nrole_arn = {arn}\nmfa_serial = {serial}\n"
        ));
    }
    world.set("AWS_PROFILE", "old");
    // What `serve --print-env` sets.
    world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/profile/deploy");
    world.set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "t");
    let scene = Scene::new(world);
    let mut script = String::new();
    for (step, command) in [
        ("before", "mfa-cred unset".to_owned()),
        ("first", "mfa-cred deploy".to_owned()),
        ("second", "mfa-cred --region eu-west-1 env audit".to_owned()),
        ("unknown", "mfa-cred nosuch".to_owned()),
        ("usage", "mfa-cred deploy --nonsense".to_owned()),
        ("region", format!("mfa-cred deploy --region {}", shell.word(";touch PWNED;"))),
        ("printed", format!("mfa-cred --format json deploy {}", shell.to("json"))),
        ("help", format!("mfa-cred deploy --help {}", shell.to("help.text"))),
        ("list", format!("mfa-cred list --names {}", shell.to("names"))),
        ("exec", format!("mfa-cred exec deploy -- sh -c {}", shell.word("exit 7"))),
        ("again", "mfa-cred".to_owned()),
        ("gone", "mfa-cred unset".to_owned()),
    ] {
        script += &shell.step(step, &command);
    }
    for (n, name) in NAMES.iter().enumerate() {
        script += &shell.step(&format!("name{n}"), &format!("mfa-cred -- {}", shell.word(name)));
    }
    let mut session = shell.start(&program, &scene, "", &script);
    session.wait_for(PROMPT, PATIENCE);
    session.type_text(&format!("{}\n", device.fresh_code()));
    let finished = shell.finish(session, &scene, shell.name);
    let what = shell.name;

    assert_eq!(finished.stdout, "", "{what}: {}", finished.stderr);
    let files = format!("{} or {}", files.join("config").display(), files.join("credentials").display());
    let unknown = format!("error: there is no profile `nosuch` in {files}\nhint: `mfa-cred list` shows the profiles\n");
    let stderr = scene.world.without_tilde(&finished.stderr);
    let rest = stderr.strip_prefix(&unknown).unwrap_or_else(|| panic!("{what}: {stderr}"));
    assert_eq!(rest.matches("error: ").count(), 2, "{what}: {rest}");
    assert!(rest.contains("'--nonsense'") && rest.contains("'--region <REGION>'"), "{what}: {rest}");
    assert!(!rest.to_lowercase().contains("traceback"), "{what}: {rest}");
    if shell.language != Language::Elvish {
        assert_eq!(finished.terminal_without_address().replace("**", ""), format!("{PROMPT}\r\n"), "{what}");
    }

    let codes: Vec<String> = ["before", "first", "second", "unknown", "usage", "region", "printed", "help", "list"]
        .iter()
        .chain(&["exec", "again", "gone"])
        .map(|step| scene.code(step))
        .collect();
    assert_eq!(codes, ["0", "0", "0", "1", "2", "2", "0", "0", "0", "7", "0", "0"], "{what}");

    let profile = |step: &str| scene.value(step, "MFA_CRED_PROFILE");
    assert_eq!(scene.seen("before"), [("AWS_PROFILE".to_owned(), "old".to_owned())], "{what}: the endpoint is gone");
    assert_eq!(profile("first").as_deref(), Some("deploy"), "{what}");
    assert_eq!(scene.value("first", "AWS_REGION").as_deref(), Some("ap-northeast-1"), "{what}");
    assert_eq!(scene.value("first", "AWS_PROFILE"), None, "{what}: what contradicts is gone");
    assert_eq!(profile("second").as_deref(), Some("audit"), "{what}");
    assert_eq!(scene.value("second", "AWS_REGION").as_deref(), Some("eu-west-1"), "{what}: an option before the verb");
    for step in ["unknown", "usage", "region", "printed", "help", "list", "exec"] {
        assert_eq!(scene.seen(step), scene.seen("second"), "{what}: {step} leaves the shell alone");
    }
    assert_eq!(
        scene.value("again", "AWS_ACCESS_KEY_ID"),
        scene.value("second", "AWS_ACCESS_KEY_ID"),
        "{what}: renewed"
    );
    assert_eq!(scene.seen("gone"), [], "{what}: no trace is left");

    let json: serde_json::Value = serde_json::from_str(&scene.read("json")).expect("JSON");
    assert_eq!(json["AWS_ACCESS_KEY_ID"].as_str(), scene.value("first", "AWS_ACCESS_KEY_ID").as_deref(), "{what}");
    assert!(scene.read("help.text").contains("Usage: "), "{what}");
    assert_eq!(scene.read("names").lines().next(), Some("alice"), "{what}");
    for (n, name) in NAMES.iter().enumerate() {
        let step = format!("name{n}");
        assert_eq!((scene.code(&step).as_str(), profile(&step).as_deref()), ("0", Some(*name)), "{what}");
    }
    scene.assert_nothing_ran(what);
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
fn a_day_in_dash() {
    a_day_in(DASH);
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

#[test]
fn a_day_in_tcsh() {
    a_day_in(TCSH);
}

#[test]
fn a_day_in_elvish() {
    a_day_in(ELVISH);
}

#[test]
fn a_day_in_xonsh() {
    a_day_in(XONSH);
}

#[test]
fn a_day_in_nu() {
    a_day_in(NU);
}
