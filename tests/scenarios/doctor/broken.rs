//! Machines with one fault each.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use super::{doctor, finding, findings, ids};
use crate::support::aws::Fault;
use crate::support::world::{Cast, World};

/// How soon the whole report is there.
const SOON: Duration = Duration::from_secs(3);

/// What is wrong, how that comes about, and the id of the check that says so.
type Machine = (&'static str, fn(&Cast), &'static str);

/// A key that nobody issued.
const KEY: &str = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = not-a-secret\n";

const MACHINES: [Machine; 56] = [
    ("the config file has a line that is none", |cast| cast.world.add_config("nonsense\n"), "config-file"),
    (
        "the config file is not UTF-8",
        |cast| cast.world.write(".aws/config", b"[default]\nregion = \xff\n"),
        "config-file",
    ),
    ("the credentials file is a folder", |cast| replace_by_folder(cast, ".aws/credentials"), "credentials-file"),
    (
        "the credentials file has no sections",
        |cast| cast.world.write(".aws/credentials", "a = b\n"),
        "credentials-file",
    ),
    ("a setting is wrong", |cast| cast.world.write("config/mfa-cred/config.ini", "color = sometimes\n"), "settings"),
    ("a variable of ours is wrong", |cast| cast.world.set("MFA_CRED_STORE", "moon"), "settings"),
    ("others may write to the config file", |cast| set_mode(cast, ".aws/config", 0o666), "file-modes"),
    ("others may write to its folder", |cast| set_mode(cast, ".aws", 0o777), "file-modes"),
    ("the state folder is a link", |cast| link_state(cast), "state-folder"),
    ("the state folder is a file", |cast| cast.world.write("state/mfa-cred", ""), "state-folder"),
    (
        "the profile is its own source",
        |cast| edit(cast, "source_profile = alice", "source_profile = deploy"),
        "profile",
    ),
    ("its source does not exist", |cast| edit(cast, "source_profile = alice", "source_profile = alicia"), "profile"),
    ("its role has no source", |cast| edit(cast, "source_profile = alice\n", ""), "profile"),
    ("its duration is no number", |cast| in_deploy(cast, "duration_seconds = abc"), "profile"),
    ("its region is no region", |cast| in_deploy(cast, "region = eu west"), "profile"),
    ("its serial is no serial", |cast| in_deploy(cast, "mfa_serial = a b"), "profile"),
    ("a key stands beside a credential_process of ours", |cast| leave_key(cast), "leftover-key"),
    ("half a key is exported", |cast| cast.world.set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), "env-keys"),
    ("a secret without its key is exported", |cast| cast.world.set("AWS_SECRET_ACCESS_KEY", "x"), "env-keys"),
    ("a user's key and a session token are exported", |cast| export(cast, "AKIA", Some("t")), "env-keys"),
    ("temporary keys are exported without their token", |cast| export(cast, "ASIA", None), "env-keys"),
    ("what is exported has expired", |cast| export_expired(cast), "env-keys"),
    ("AWS_PROFILE names nothing", |cast| cast.world.set("AWS_PROFILE", "nobody"), "env-profile"),
    ("AWS_CONFIG_FILE names nothing", |cast| cast.world.set("AWS_CONFIG_FILE", "/gone/config"), "env-files"),
    ("a token file is gone", |cast| cast.world.set("AWS_WEB_IDENTITY_TOKEN_FILE", "/gone/token"), "env-files"),
    ("[default] comes before the container endpoint", |cast| beat_container(cast), "container-keys"),
    ("the demanded keyring is not there", |cast| cast.world.set("MFA_CRED_STORE", "keyring"), "sealing-key"),
    ("a lock is no file", |cast| spoil_lock(cast), "locks"),
    ("another mfa-cred comes first", |cast| shadow(cast), "path"),
    ("the start-up file runs a program that is gone", |cast| load_from(cast, "/gone/mfa-cred"), "shell-function"),
    ("the CA bundle is gone", |cast| cast.world.set("AWS_CA_BUNDLE", "/gone/ca.pem"), "route"),
    ("the proxy is no address", |cast| cast.world.set("HTTPS_PROXY", "http://"), "route"),
    ("nobody listens where STS should be", |cast| listen_nowhere(cast), "sts"),
    ("a captive portal answers", |cast| cast.world.aws.fault("*", Fault::Html, 9), "sts"),
    ("STS is switched off in the region", |cast| cast.world.aws.fault("*", Fault::region_disabled(), 9), "sts"),
    ("the proxy is not there", |cast| proxy_nowhere(cast), "sts"),
    ("others may write to our settings", |cast| open_settings(cast), "settings"),
    ("what init wrote is gone", |cast| source_gone(cast), "shell-function"),
    ("the clock is an hour behind", |cast| cast.world.aws.skew(3600), "clock"),
    ("the clock is a day ahead", |cast| cast.world.aws.skew(-86_400), "clock"),
    ("another tool's session is over", |cast| end_session(cast), "access-key"),
    ("half of its key is empty", |cast| empty_half(cast), "profile"),
    ("the key was deactivated", |cast| cast.world.aws.deactivate(&cast.key.id), "access-key"),
    ("the secret was mistyped", |cast| mistype(cast), "access-key"),
    ("the config file is a folder", |cast| replace_by_folder(cast, ".aws/config"), "config-file"),
    ("the credentials file is a device", |cast| link_to_null(cast), "credentials-file"),
    ("the home folder does not exist", |cast| move_home(cast), "state-folder"),
    ("the start-up file loads the function for another shell", |cast| load_for_zsh(cast), "shell-function"),
    ("the proxy lacks a slash", |cast| cast.world.set("https_proxy", "http:/proxy:3128"), "route"),
    (
        "the container endpoint is no address",
        |cast| cast.world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "localhost/x"),
        "container-keys",
    ),
    (
        "the container endpoint is a plain address of another machine",
        |cast| cast.world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/x"),
        "container-keys",
    ),
    (
        "the container endpoint's token file is gone",
        |cast| cast.world.set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/gone/token"),
        "env-files",
    ),
    ("[default] signs in to SSO before the container endpoint", |cast| sso_beats_container(cast), "container-keys"),
    ("the program of mfa_process is gone", |cast| in_deploy(cast, "mfa_process = /gone/code x"), "source-file"),
    ("the program of credential_process is gone", |cast| process_gone(cast), "source-file"),
    ("the device is another user's", |cast| edit(cast, "mfa/alice-phone", "mfa/bobs-phone"), "device"),
];

fn replace_by_folder(cast: &Cast, name: &str) {
    let path = cast.world.home().join(name);
    fs::remove_file(&path).expect("it was there");
    fs::create_dir(path).expect("it is made");
}

fn link_to_null(cast: &Cast) {
    let path = cast.world.home().join(".aws/credentials");
    fs::remove_file(&path).expect("it was there");
    symlink("/dev/null", path).expect("it is made");
}

/// Where nothing can be made: the superuser could make any other folder.
fn move_home(cast: &Cast) {
    cast.world.set("HOME", "/proc/gone");
    cast.world.set("XDG_STATE_HOME", "/proc/gone/state");
}

fn load_for_zsh(cast: &Cast) {
    cast.world.set("SHELL", "/bin/bash");
    cast.world.write(".bashrc", "# mine\neval \"$(mfa-cred init zsh)\"\n");
}

fn sso_beats_container(cast: &Cast) {
    cast.world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/");
    cast.world.add_config("[default]\nsso_start_url = https://corp.awsapps.com/start\n");
}

fn process_gone(cast: &Cast) {
    let line = "region = us-east-1\ncredential_process = no-such-program --profile x\n";
    let role = cast.world.read(".aws/config");
    let role = role.split("[profile deploy]\n").nth(1).and_then(|rest| rest.split('[').next()).expect("it is there");
    cast.world.edit_config(role, line);
}

fn set_mode(cast: &Cast, name: &str, mode: u32) {
    fs::set_permissions(cast.world.home().join(name), fs::Permissions::from_mode(mode)).expect("it is ours");
}

fn link_state(cast: &Cast) {
    let elsewhere = cast.world.home().join("elsewhere");
    fs::create_dir(&elsewhere).expect("it is made");
    fs::create_dir(cast.world.home().join("state")).expect("it is made");
    symlink(elsewhere, cast.world.state()).expect("it is made");
}

fn edit(cast: &Cast, from: &str, to: &str) {
    cast.world.edit_config(from, to);
}

/// A line that wins in the profile that is checked.
fn in_deploy(cast: &Cast, line: &str) {
    cast.world.edit_config("[profile audit]", &format!("{line}\n[profile audit]"));
}

fn leave_key(cast: &Cast) {
    cast.world.add_config("[profile tool]\ncredential_process = mfa-cred process deploy\n");
    cast.world.write(".aws/credentials", cast.world.read(".aws/credentials") + "[tool]\n" + KEY);
}

fn export(cast: &Cast, kind: &str, token: Option<&str>) {
    cast.world.set("AWS_ACCESS_KEY_ID", format!("{kind}IOSFODNN7EXAMPLE"));
    cast.world.set("AWS_SECRET_ACCESS_KEY", "x");
    if let Some(token) = token {
        cast.world.set("AWS_SESSION_TOKEN", token);
    }
}

fn export_expired(cast: &Cast) {
    export(cast, "ASIA", Some("t"));
    cast.world.set("MFA_CRED_PROFILE", "deploy");
    cast.world.set("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z");
}

fn beat_container(cast: &Cast) {
    cast.world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/");
    cast.world.write(".aws/credentials", cast.world.read(".aws/credentials") + "[default]\n" + KEY);
}

fn spoil_lock(cast: &Cast) {
    cast.world.sign_in(&cast.device, &["login", "deploy"]);
    fs::create_dir(cast.world.state().join("locks/not-a-file")).expect("it is made");
}

fn shadow(cast: &Cast) {
    cast.world.write("bin/mfa-cred", "#!/bin/sh\n");
    set_mode(cast, "bin/mfa-cred", 0o755);
    let path = std::env::var("PATH").unwrap_or_default();
    cast.world.set("PATH", format!("{}/bin:{path}", cast.world.home().display()));
}

fn load_from(cast: &Cast, program: &str) {
    cast.world.set("SHELL", "/bin/bash");
    cast.world.write(".bashrc", format!("# mine\neval \"$({program} init bash)\"\n"));
}

fn listen_nowhere(cast: &Cast) {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
    cast.world.set("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"));
}

fn proxy_nowhere(cast: &Cast) {
    cast.world.set("AWS_ENDPOINT_URL", "https://sts.example");
    cast.world.set("HTTPS_PROXY", "http://127.0.0.1:1");
}

fn open_settings(cast: &Cast) {
    cast.world.write("config/mfa-cred/config.ini", "color = never\n");
    set_mode(cast, "config/mfa-cred/config.ini", 0o666);
}

fn source_gone(cast: &Cast) {
    cast.world.set("SHELL", "/usr/bin/tcsh");
    cast.world.write(".tcshrc", "source ~/.mfa-cred.tcsh\n");
}

fn end_session(cast: &Cast) {
    let text = cast.world.read(".aws/credentials");
    let session = "aws_session_token = t\nx_security_token_expires = 2020-01-01T00:00:00Z\n";
    cast.world.write(".aws/credentials", text + session);
    cast.world.edit_config(&format!("mfa_serial = {}\n", cast.device.serial()), "");
}

fn empty_half(cast: &Cast) {
    let text = cast.world.read(".aws/credentials").replace(&cast.key.secret, "");
    cast.world.write(".aws/credentials", text);
}

fn two_roles_for_long(cast: &Cast) {
    let (one, two) = ("source_profile = alice", "duration_seconds = 7200\nsource_profile = audit");
    edit(cast, &format!("[profile deploy]\n{one}"), &format!("[profile deploy]\n{two}"));
}

fn mistype(cast: &Cast) {
    let text = cast.world.read(".aws/credentials").replace(&cast.key.secret, "mistyped");
    cast.world.write(".aws/credentials", text);
}

fn install_twice(cast: &Cast) {
    cast.world.write("bin/mfa-cred", "#!/bin/sh\n");
    set_mode(cast, "bin/mfa-cred", 0o755);
    let ours = std::path::Path::new(crate::support::world::MFA_CRED).parent().expect("a folder");
    cast.world.set("PATH", format!("{}:{}/bin:/usr/bin:/bin", ours.display(), cast.world.home().display()));
}

#[test]
fn each_fault_is_the_only_failure_and_is_found_quickly() {
    for (what, broken, id) in MACHINES {
        let cast = World::cast();
        broken(&cast);
        let start = Instant::now();
        let rows = findings(&cast.world, &["deploy"]);
        assert!(start.elapsed() < SOON, "{what}: {:?}", start.elapsed());
        assert_eq!(ids(&rows, "fail"), [id], "{what}: {rows:#?}");
        let row = finding(&rows, id);
        assert!(row["repair"].as_str().is_some_and(|repair| !repair.is_empty()), "{what}: {row}");
        assert_eq!(doctor(&cast.world, &["deploy"]).stdout.matches('✗').count(), 1, "{what}");
    }
}

#[test]
fn a_profile_that_does_not_exist_is_named_and_nothing_else() {
    let Cast { world, .. } = World::cast();
    let rows = findings(&world, &["deply"]);
    assert_eq!(ids(&rows, "fail"), ["profile"]);
    assert!(finding(&rows, "profile")["repair"].as_str().expect("text").contains("did you mean `deploy`?"));
}

#[test]
fn a_fido_only_user_and_a_profile_that_names_fido_are_shown_alternatives() {
    let fido = "arn:aws:iam::123456789012:u2f/user/alice/key-ABCDEF";
    for is_named in [true, false] {
        let cast = World::cast();
        let world = &cast.world;
        world.aws.remove_device(cast.device.serial());
        world.aws.add_device_with_serial("alice", fido);
        let serial = if is_named { fido } else { "auto" };
        world.edit_config(&format!("mfa_serial = {}", cast.device.serial()), &format!("mfa_serial = {serial}"));
        let rows = findings(world, &["deploy"]);
        assert_eq!(ids(&rows, "fail"), ["device-kind"], "{rows:#?}");
        let repair = finding(&rows, "device-kind")["repair"].as_str().expect("text").to_owned();
        assert!(repair.contains("aws login") && repair.contains("device enroll"), "{repair}");
    }
}

#[test]
fn a_user_without_a_device_and_one_with_several_are_told_apart() {
    let cast = World::cast();
    let world = &cast.world;
    world.edit_config(&format!("mfa_serial = {}", cast.device.serial()), "mfa_serial = auto");
    assert!(ids(&findings(world, &["deploy"]), "fail").is_empty());
    world.aws.add_device("alice", "alice-tablet");
    let rows = findings(world, &["deploy"]);
    assert_eq!(ids(&rows, "fail"), ["device"]);
    assert!(finding(&rows, "device")["what"].as_str().expect("text").contains("2 devices"));
    for (serial, _) in world.aws.devices() {
        world.aws.remove_device(&serial);
    }
    let rows = findings(world, &["deploy"]);
    assert_eq!(ids(&rows, "fail"), ["device"]);
    assert!(finding(&rows, "device")["what"].as_str().expect("text").contains("no MFA device"));
    // Whoever may not ask IAM is not told that anything is wrong.
    world.aws.deny("ListMFADevices");
    let rows = findings(world, &["deploy"]);
    assert!(ids(&rows, "fail").is_empty(), "{rows:#?}");
}

#[test]
fn a_check_without_an_answer_takes_one_line_and_two_seconds() {
    let cast = World::cast();
    let world = &cast.world;
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let bus = world.home().join("bus");
    let _bus = UnixListener::bind(&bus).expect("a socket");
    world.set("AWS_ENDPOINT_URL", format!("http://{}", silent.local_addr().expect("bound")));
    world.set("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus.display()));
    world.set("MFA_CRED_STORE", "keyring");
    let start = Instant::now();
    let rows = findings(world, &["deploy"]);
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert_eq!(ids(&rows, "fail"), ["sealing-key", "sts"], "{rows:#?}");
}

#[test]
fn what_works_but_not_as_it_should_is_a_warning_and_exits_with_0() {
    let warned: [Machine; 17] = [
        ("others may read the keys", |cast| set_mode(cast, ".aws/credentials", 0o644), "file-modes"),
        ("a comment behind a value", |cast| in_deploy(cast, "region = eu-west-1 # home"), "read-differently"),
        ("a section without its prefix", |cast| cast.world.add_config("[other]\nregion = x\n"), "ignored-sections"),
        (
            "the AWS CLI's cache",
            |cast| {
                let end = "2999-01-01T00:00:00Z";
                let text = format!("{{\"Credentials\": {{\"SecretAccessKey\": \"x\", \"Expiration\": \"{end}\"}}}}");
                cast.world.write(".aws/cli/cache/a.json", text);
            },
            "plain-text-caches",
        ),
        (
            "an SSO token that others can read",
            |cast| {
                let text = r#"{"accessToken": "x", "expiresAt": "2999-01-01T00:00:00Z"}"#;
                cast.world.write(".aws/sso/cache/a.json", text);
                set_mode(cast, ".aws/sso/cache/a.json", 0o644);
            },
            "sso-tokens",
        ),
        (
            "a newer version's entry",
            |cast| {
                cast.world.sign_in(&cast.device, &["login", "deploy"]);
                fs::write(cast.world.state().join("entries/later"), "mfa-cred entry 2\n{}\n").expect("it is written");
            },
            "state-format",
        ),
        ("a duration that AWS caps", |cast| two_roles_for_long(cast), "profile"),
        (
            "a time that nobody can read",
            |cast| {
                let text = cast.world.read(".aws/credentials");
                cast.world.write(".aws/credentials", text + "aws_session_expiration = tomorrow\n");
            },
            "profile",
        ),
        ("no region", |cast| edit(cast, "region = ap-northeast-1\n", ""), "region"),
        ("no serial", |cast| edit(cast, &format!("mfa_serial = {}\n", cast.device.serial()), ""), "mfa-serial"),
        ("two kinds of credentials", |cast| in_deploy(cast, "credential_process = true"), "credential-styles"),
        ("keys that are not ours", |cast| export(cast, "ASIA", Some("t")), "env-keys"),
        ("a clock that is a minute off", |cast| cast.world.aws.skew(60), "clock"),
        ("another region in the environment", |cast| cast.world.set("AWS_REGION", "eu-west-1"), "env-overrides"),
        (
            "what another version's init wrote",
            |cast| {
                cast.world.set("SHELL", "/usr/bin/nu");
                cast.world.write("config/nushell/autoload/mfa-cred.nu", "def x [] {}\n");
            },
            "shell-function",
        ),
        ("a second installation further down the PATH", |cast| install_twice(cast), "path"),
        (
            "the function of another program",
            |cast| {
                cast.world.write("other/mfa-cred", "");
                load_from(cast, &format!("{}/other/mfa-cred", cast.world.home().display()));
            },
            "shell-function",
        ),
    ];
    for (what, broken, id) in warned {
        let cast = World::cast();
        broken(&cast);
        let rows = findings(&cast.world, &["deploy"]);
        assert_eq!((ids(&rows, "fail"), ids(&rows, "warn")), (vec![], vec![id]), "{what}: {rows:#?}");
    }
}

#[test]
fn credentials_of_other_tools_that_have_expired_are_not_mentioned() {
    let Cast { world, .. } = World::cast();
    let end = "2020-01-01T00:00:00Z";
    world.write(".aws/cli/cache/a.json", format!("{{\"Credentials\": {{\"Expiration\": \"{end}\"}}}}"));
    world.write(".awsume/cache/b", format!("{{\"SecretAccessKey\": \"x\", \"Expiration\": \"{end}\"}}"));
    assert!(ids(&findings(&world, &["deploy"]), "warn").is_empty());
}

#[test]
fn sso_tokens_are_valid_expired_or_readable_by_others() {
    let live = r#"{"accessToken": "x", "expiresAt": "2999-01-01T00:00:00Z"}"#;
    let expired = r#"{"accessToken": "x", "expiresAt": "2020-01-01T00:00:00Z"}"#;
    let renewable = r#"{"accessToken": "x", "refreshToken": "y", "expiresAt": "2020-01-01T00:00:00Z"}"#;
    let registration = r#"{"clientId": "x", "clientSecret": "y", "expiresAt": "2999-01-01T00:00:00Z"}"#;
    for (files, mode, status, what) in [
        (&[][..], 0o600, "pass", "no SSO token is stored"),
        (&[live, expired, registration][..], 0o600, "pass", "1 SSO token in "),
        (&[expired, expired][..], 0o600, "pass", "2 SSO tokens in "),
        (&[live][..], 0o640, "warn", "other users of this machine can read it"),
        (&[expired][..], 0o644, "pass", "expired: `aws sso login` renews"),
        (&[renewable][..], 0o644, "warn", "other users of this machine can read it"),
        (&[registration][..], 0o644, "warn", "other users of this machine can read it"),
        (&["{}", "nonsense"][..], 0o644, "pass", "no SSO token is stored"),
    ] {
        let cast = World::cast();
        for (number, text) in files.iter().enumerate() {
            let file = format!(".aws/sso/cache/{number}.json");
            cast.world.write(&file, text);
            set_mode(&cast, &file, mode);
        }
        let rows = findings(&cast.world, &["deploy"]);
        let row = finding(&rows, "sso-tokens");
        let said = row["what"].as_str().expect("text");
        assert_eq!((row["status"].as_str(), said.contains(what)), (Some(status), true), "{files:?}: {row}");
        assert!(ids(&rows, "fail").is_empty(), "{rows:#?}");
    }
}

/// A network that is not there: what needs it is skipped with the reason, and everything else is checked.
#[test]
fn offline_checks_that_need_the_network_are_skipped_with_a_reason() {
    let Cast { world, .. } = World::cast();
    world.set("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let rows = findings(&world, &["deploy", "--offline"]);
    assert_eq!((ids(&rows, "fail"), ids(&rows, "warn")), (vec![], vec![]), "{rows:#?}");
    let skipped = ids(&rows, "skipped");
    for id in ["sts", "clock", "access-key"] {
        assert!(skipped.contains(&id), "{id}: {rows:#?}");
        assert_eq!(finding(&rows, id)["what"], "offline");
    }
    // Without the option it is one problem, and what depends on it is skipped.
    let rows = findings(&world, &["deploy"]);
    assert_eq!(ids(&rows, "fail"), ["sts"], "{rows:#?}");
    assert!(ids(&rows, "skipped").contains(&"clock") && ids(&rows, "pass").contains(&"sealing-key"), "{rows:#?}");
}
