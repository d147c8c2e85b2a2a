//! `exec --server`: a command with an endpoint of its own.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::scenarios::clients::client;
use crate::support::pty::{PATIENCE, Pty, send_signal};
use crate::support::world::{Cast, MFA_CRED, World, calls};

/// Prints the answer of the endpoint in the environment.
const ASK: &str =
    "curl -s -H \"Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN\" \"$AWS_CONTAINER_CREDENTIALS_FULL_URI\"";

fn signed_in() -> Cast {
    let cast = World::cast();
    cast.world.sign_in(&cast.device, &["login", "deploy"]);
    calls(&cast.world);
    cast
}

/// Runs a script with the endpoint. What it prints may be secret.
fn script(world: &World, text: &str) -> (Option<i32>, String, String) {
    let done = world.run(&["exec", "--server", "deploy", "--", "sh", "-c", text]);
    (done.status.code(), done.stdout, done.stderr)
}

#[test]
fn the_command_has_an_endpoint_and_nothing_that_sdks_would_use_before_it() {
    let Cast { world, .. } = signed_in();
    for (name, value) in [
        ("AWS_PROFILE", "deploy"),
        ("AWS_DEFAULT_PROFILE", "deploy"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_SESSION_TOKEN", "x"),
        ("AWS_SECURITY_TOKEN", "x"),
        ("AWS_ROLE_ARN", "x"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/x"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/x"),
    ] {
        world.set(name, value);
    }
    let (code, stdout, stderr) = script(&world, "env");
    assert_eq!((code, &*stderr), (Some(0), ""));
    let mut names: Vec<&str> = stdout.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.retain(|name| name.starts_with("AWS") || name.starts_with("MFA_CRED_PROFILE"));
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_DEFAULT_REGION",
            "AWS_ENDPOINT_URL",
            "AWS_REGION"
        ]
    );
    let (code, stdout, stderr) = script(&world, ASK);
    assert_eq!((code, &*stderr), (Some(0), ""));
    let body = serde_json::from_str(&stdout).expect("JSON");
    assert!(world.who(&body).contains("assumed-role/deploy/"));
    // The endpoint ends with the command.
    let (_, url, _) = script(&world, "echo $AWS_CONTAINER_CREDENTIALS_FULL_URI");
    let port = url.split(['/', ':']).nth(4).and_then(|port| port.parse::<u16>().ok()).expect("a port");
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn the_exit_code_is_that_of_the_command_or_of_its_signal() {
    let Cast { world, .. } = signed_in();
    for (text, code) in
        [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137)]
    {
        assert_eq!(script(&world, text), (Some(code), String::new(), String::new()), "{text}");
    }
    for (program, code, text) in
        [("/no/such/program", 127, "was not found"), ("/etc/passwd", 126, "cannot be executed")]
    {
        let done = world.run(&["exec", "--server", "deploy", "--", program]);
        done.expect(code, "", &format!("error: `{program}` {text}\n"));
    }
    let done = world.run(&["exec", "deploy", "--without-files", "--", "true"]);
    assert_eq!(done.status.code(), Some(2), "{done:?}");
}

#[test]
fn a_signal_that_is_sent_to_the_parent_reaches_the_command_once() {
    let Cast { world, .. } = signed_in();
    for (signal, name) in [
        (Signal::TERM, "TERM"),
        (Signal::INT, "INT"),
        (Signal::HUP, "HUP"),
        (Signal::QUIT, "QUIT"),
        (Signal::USR1, "USR1"),
    ] {
        let ready = world.home().join("ready");
        let _ = fs::remove_file(&ready);
        let text = format!(
            "n=0; trap 'n=$((n+1))' {name}; : > {}; while [ $n = 0 ]; do sleep 0.05; done; sleep 0.3; exit $((40+n))",
            ready.display()
        );
        let mut child =
            world.command(&["exec", "--server", "deploy", "--", "sh", "-c", &text]).spawn().expect("it starts");
        let start = Instant::now();
        while !ready.exists() {
            assert!(start.elapsed() < PATIENCE, "it does not start");
            thread::sleep(Duration::from_millis(10));
        }
        send_signal(i32::try_from(child.id()).expect("a pid"), signal);
        assert_eq!(child.wait().expect("it ends").code(), Some(41), "{name}");
    }
}

#[test]
fn ctrl_c_reaches_the_command_once_and_the_parent_stays_until_it_ends() {
    let Cast { world, .. } = signed_in();
    let text = "n=0; trap 'n=$((n+1))' INT; echo ready >/dev/tty; while [ $n = 0 ]; do sleep 0.05; done; sleep 0.3; exit $((40+n))";
    let mut session = world.at_terminal(&["exec", "--server", "deploy", "--", "sh", "-c", text]);
    session.wait_for("ready", PATIENCE);
    session.control('c');
    let done = session.finish(PATIENCE);
    world.heard("exec", &done);
    assert_eq!((done.status.code(), &*done.stderr), (Some(41), ""), "{done:?}");
}

#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let Cast { world, .. } = signed_in();
    let line = format!(
        "trap '' HUP; exec {MFA_CRED} exec --server deploy -- sh -c 'kill -HUP $$; kill -HUP $PPID; sleep 0.2; exit 9'"
    );
    let done = world.run_other("sh", &["-c", &line], PATIENCE);
    assert_eq!(done.status.code(), Some(9), "{done:?}");
}

#[test]
fn ctrl_z_stops_both_and_fg_continues_both() {
    let Cast { world, .. } = signed_in();
    let mut command = Command::new("bash");
    world.dress(&mut command);
    command.args(["--norc", "--noprofile", "-i"]).env("PS1", "prompt> ");
    let mut session = Pty::default().spawn(command);
    let wait = |session: &mut crate::support::pty::Session, text: &str| session.wait_for(text, PATIENCE);
    session.type_text("mfa-cred exec --server deploy -- sh -c 'echo rea\"\"dy >/dev/tty; read x </dev/tty; echo got-$x >/dev/tty; exit 5'\n");
    wait(&mut session, "ready");
    session.control('z');
    thread::sleep(Duration::from_millis(300));
    session.type_text("jobs >/dev/tty; echo shell\"\"-is-here >/dev/tty\n");
    wait(&mut session, "Stopped");
    wait(&mut session, "shell-is-here");
    session.type_text("fg >/dev/null\n");
    thread::sleep(Duration::from_millis(300));
    session.type_text("hello\n");
    wait(&mut session, "got-hello");
    session.type_text("echo code-$? >/dev/tty\n");
    wait(&mut session, "code-5");
    // A command that stops itself alone gives the terminal back, too.
    session.type_text("mfa-cred exec --server deploy -- bash --norc -ic 'echo in\"\"side >/dev/tty; kill -STOP $$; echo again >/dev/tty'\n");
    wait(&mut session, "inside");
    thread::sleep(Duration::from_millis(500));
    session.type_text("echo outer\"\"-shell >/dev/tty; fg >/dev/null\n");
    wait(&mut session, "outer-shell");
    wait(&mut session, "again");
    session.type_text("exit 0\n");
    let done = session.finish(PATIENCE);
    world.heard("bash", &done);
}

#[test]
fn credentials_of_default_that_would_win_are_an_error_that_names_the_way_out() {
    let Cast { world, .. } = signed_in();
    let (config, credentials) = (world.read(".aws/config"), world.read(".aws/credentials"));
    let file = |name: &str| world.home().join(".aws").join(name).display().to_string();
    let key = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n";
    for (name, text, found) in [
        ("credentials", format!("[default]\n{key}"), Some("aws_access_key_id")),
        ("config", format!("[default]\n{key}"), Some("aws_access_key_id")),
        ("config", "[default]\ncredential_process = /bin/false\n".to_owned(), Some("credential_process")),
        (
            "config",
            "[profile default]\nsource_profile = alice\nrole_arn = arn:aws:iam::123456789012:role/x\n".to_owned(),
            Some("role_arn"),
        ),
        ("config", "[default]\nsso_session = x\nsso_account_id = 123456789012\n".to_owned(), Some("sso_account_id")),
        ("config", "[default]\nlogin_session = arn:aws:iam::123456789012:user/x\n".to_owned(), Some("login_session")),
        ("config", "[default]\nregion = eu-west-1\noutput = json\nsso_session = x\n".to_owned(), None),
    ] {
        world.write(".aws/config", if name == "config" { text.clone() + &config } else { config.clone() });
        world.write(
            ".aws/credentials",
            if name == "config" { credentials.clone() } else { text.clone() + &credentials },
        );
        let done = world.run(&["exec", "--server", "deploy", "--", "true"]);
        let Some(key) = found else {
            done.expect(0, "", "");
            continue;
        };
        let line = 1 + text.lines().position(|line| line.starts_with(key)).expect("it is there");
        done.expect(
            1,
            "",
            &format!(
                "error: {}:{line}: `{key}` of `[default]` gives the command other credentials: SDKs use them before an endpoint\n\
                 hint: hide the AWS files from the command: `mfa-cred exec --server --without-files deploy`; or move `[default]` to a profile with a name\n",
                file(name)
            ),
        );
        let hidden = world.run(&[
            "exec",
            "--server",
            "--without-files",
            "deploy",
            "--",
            "sh",
            "-c",
            "cat $AWS_CONFIG_FILE $AWS_SHARED_CREDENTIALS_FILE",
        ]);
        hidden.expect(0, "", "");
    }
    // The files of the command count, not those that we read.
    world.set("MFA_CRED_CREDENTIALS_FILE", file("credentials"));
    world.write(".aws/config", &config);
    world.write("other", format!("[default]\n{key}"));
    world.set("AWS_SHARED_CREDENTIALS_FILE", world.home().join("other").display().to_string());
    world
        .run(&["exec", "--server", "deploy", "--", "true"])
        .stderr
        .contains("/other:2: ")
        .then_some(())
        .expect("the error");
}

#[test]
fn the_aws_cli_finds_the_credentials_of_the_endpoint() {
    let Cast { world, .. } = signed_in();
    let Some(aws) = client("the AWS CLI", "aws", &["--version"]) else { return };
    world.set("AWS_PAGER", "");
    let aws = aws.to_str().expect("UTF-8");
    let words = ["--", aws, "--output", "json", "sts", "get-caller-identity"];
    for more in [&[][..], &["--without-files"]] {
        let done = world.run(&[&["exec", "--server", "deploy"], more, &words].concat());
        assert!(done.stdout.contains(":assumed-role/deploy/"), "{done:?}");
    }
}

#[test]
fn a_session_that_has_ended_is_an_answer_to_the_command_and_nothing_on_the_terminal() {
    let Cast { world, device, .. } = World::cast();
    world.aws.lifetime(Some(6));
    world.sign_in(&device, &["login", "deploy"]);
    let text = format!("sleep 7; {ASK}");
    let session = world.at_terminal(&["exec", "--server", "deploy", "--", "sh", "-c", &text]);
    let done = session.finish(PATIENCE);
    world.heard("exec", &done);
    assert_eq!((&*done.stderr, &*done.terminal), ("", ""), "{done:?}");
    assert!(done.stdout.contains("SignInRequired") && done.stdout.contains("`mfa-cred login deploy`"), "{done:?}");
}
