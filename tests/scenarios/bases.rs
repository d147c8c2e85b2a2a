//! Bases other than keys in a file: the environment, the role of a container or an instance, and a
//! `credential_process`; each with the real binary and credentials issued by the strict AWS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::support::aws::{AccessKey, RoleSpec, Signer};
use crate::support::files::make_pipe;
use crate::support::pty::{Finished, PATIENCE};
use crate::support::world::{Cast, World};

/// A cast with a role `inner` that trusts the role `host`, and the host's credentials.
struct Host {
    world: World,
    credentials: AccessKey,
}

fn host(source: &str) -> Host {
    let Cast { world, key, .. } = World::cast();
    let role = world.aws.add_role(RoleSpec::new("host").trust_user("alice"));
    let inner = world.aws.add_role(RoleSpec::new("inner").trust_role(&role));
    let parameters = [("RoleArn", role.as_str()), ("RoleSessionName", "host"), ("DurationSeconds", "3600")];
    let answer = world.aws.call(&key, "AssumeRole", &parameters).expect("an answer");
    let credentials = answer.credentials().expect("credentials");
    world.aws.take_calls();
    world.add_config(&format!("[profile on-host]\nrole_arn = {inner}\n{source}\n"));
    Host { world, credentials }
}

/// The answer of both metadata services.
fn document(key: &AccessKey) -> String {
    let token = key.token.as_deref().expect("a session's token");
    format!(
        "{{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"LastUpdated\":\"2026-01-01T00:00:00Z\",\
         \"Expiration\":\"2099-01-01T00:00:00Z\",\"RoleArn\":\"arn\",\
         \"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\",\"Token\":\"{token}\"}}",
        key.id, key.secret
    )
}

/// A service on the loopback that answers each request according to its method and path.
fn serve(answer: impl Fn(&str, &str) -> Option<String> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            respond(&stream, &answer);
        }
    });
    url
}

fn respond(stream: &TcpStream, answer: &dyn Fn(&str, &str) -> Option<String>) {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    if reader.read_line(&mut request).is_err() {
        return;
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let _ = reader.by_ref().take(length).read_to_end(&mut Vec::new());
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, body) = answer(method, path).map_or(("404 Not Found", String::new()), |body| ("200 OK", body));
    let ttl = "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n";
    let head = format!("HTTP/1.1 {status}\r\n{ttl}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let mut stream = stream;
    let _ = stream.write_all((head + &body).as_bytes());
}

/// The role was assumed once, with the host's credentials, and is cached.
fn assumed_once_by_the_host(host: &Host, first: &Finished) {
    assert!(first.status.success() && first.stderr.is_empty(), "{first:?}");
    let calls = host.world.aws.take_calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!((calls[0].action.as_str(), &calls[0].access_key_id), ("AssumeRole", &host.credentials.id));
    assert!(matches!(&calls[0].signer, Signer::Role { arn, .. } if arn.ends_with("/host")));
    let warm = host.world.run(&["process", "on-host"]);
    assert!(warm.status.success() && host.world.aws.take_calls().is_empty(), "{warm:?}");
    assert_eq!(warm.stdout, first.stdout);
}

#[test]
fn credentials_of_a_containers_role() {
    let host = host("credential_source = EcsContainer");
    let body = document(&host.credentials);
    let url = serve(move |_, path| (path == "/role").then(|| body.clone()));
    host.world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{url}/role"));
    let first = host.world.run(&["process", "on-host"]);
    assumed_once_by_the_host(&host, &first);
}

#[test]
fn empty_variables_of_a_container_count_as_absent() {
    let host = host("credential_source = EcsContainer");
    let (body, world) = (document(&host.credentials), &host.world);
    let url = serve(move |_, path| (path == "/role?task=1").then(|| body.clone()));
    world.set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "");
    world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{url}/role?task=1"));
    world.set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", " ");
    let first = world.run(&["process", "on-host"]);
    assumed_once_by_the_host(&host, &first);
}

#[test]
fn a_containers_token_that_is_no_regular_file_is_refused_and_every_failure_is_named() {
    let host = host("credential_source = EcsContainer");
    let (body, world) = (document(&host.credentials), &host.world);
    let url = serve(move |_, _| Some(body.clone()));
    world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{url}/role"));
    let pipe = world.home().join("pipe");
    make_pipe(&pipe);
    std::fs::File::create(world.home().join("huge")).and_then(|file| file.set_len(17 << 20)).expect("a file");
    let home = world.home().display().to_string();
    let refused = |why: &str| {
        let done = world.run(&["process", "on-host"]);
        let error = format!("error: the role of this container gave no credentials: {why}\n");
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{done:?}");
        assert!(done.stderr.starts_with(&error), "{why}: {done:?}");
    };
    for (file, why) in [
        ("/dev/zero".to_owned(), "it is not a regular file"),
        (format!("{home}/pipe"), "it is not a regular file"),
        (format!("{home}/huge"), "it is longer than 16 MB"),
        (format!("{home}/.aws"), "Is a directory (os error 21)"),
        (format!("{home}/none"), "No such file or directory (os error 2)"),
    ] {
        world.set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file);
        refused(&format!("the file of `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`: {why}"));
    }
    world.set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "");
    world.set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nX-Other: b");
    refused("the token of `AWS_CONTAINER_AUTHORIZATION_TOKEN` cannot be sent in a header");
    world.set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "");
    for (answer, why) in [
        (None, "it answered with HTTP 404"),
        (Some("<html>"), "what it answered is not a JSON object"),
        (Some("{\"AccessKeyId\":\"ASIAX\"}"), "`SecretAccessKey` of its answer is missing, or is not as it must be"),
    ] {
        let url = serve(move |_, _| answer.map(str::to_owned));
        world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{url}/role"));
        refused(why);
    }
    world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "");
    refused("neither `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` nor `AWS_CONTAINER_CREDENTIALS_FULL_URI` is set");
}

#[test]
fn credentials_of_an_instances_role() {
    let host = host("credential_source = Ec2InstanceMetadata");
    let body = document(&host.credentials);
    let url = serve(move |method, path| {
        let folder = "/latest/meta-data/iam/security-credentials/";
        match (method, path) {
            ("PUT", "/latest/api/token") => Some("token".to_owned()),
            ("GET", path) if path == folder || path == folder.trim_end_matches('/') => Some("host".to_owned()),
            ("GET", path) if path.strip_prefix(folder) == Some("host") => Some(body.clone()),
            _ => None,
        }
    });
    host.world.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", url);
    let first = host.world.run(&["process", "on-host"]);
    assumed_once_by_the_host(&host, &first);
}

#[test]
fn a_key_that_no_request_can_carry_is_an_error_from_every_source() {
    let host = host("credential_source = EcsContainer");
    let world = &host.world;
    let refused = |profile: &str, from: &str, part: &str| {
        let done = world.run(&["process", profile]);
        let error = format!(
            "error: {from} gave an access key that cannot be used: {part} is empty or contains a control character\n\
             hint: `mfa-cred show {profile}` shows where it comes from\n"
        );
        assert_eq!((done.status.code(), done.stdout.as_str(), done.stderr), (Some(1), "", error));
    };
    for (id, secret, token, part) in [
        ("ASIAX\\nX: y", "s", "t", "the access key ID"),
        ("", "s", "t", "the access key ID"),
        ("ASIAX", "s\\u0000", "t", "the secret access key"),
        ("ASIAX", "", "t", "the secret access key"),
        ("ASIAX", "s", "t\\u001b[2J", "the session token"),
    ] {
        let end = "\"Expiration\":\"2099-01-01T00:00:00Z\"";
        let body = format!("{{\"AccessKeyId\":\"{id}\",\"SecretAccessKey\":\"{secret}\",\"Token\":\"{token}\",{end}}}");
        let url = serve(move |_, _| Some(body.clone()));
        world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{url}/role"));
        refused("on-host", "the role of this container", part);
    }
    world.add_config("[profile odd]\n");
    for (secret, token, part) in [("s\x01", "t", "the secret access key"), ("s", "t\x1b[2J", "the session token")] {
        let keys =
            format!("aws_access_key_id = ASIAX\naws_secret_access_key = {secret}\naws_session_token = {token}\n");
        world.write(".aws/credentials", format!("[odd]\n{keys}"));
        refused("odd", "session ASIAX of profile `odd`", part);
    }
    world
        .add_config("[profile around]\nrole_arn = arn:aws:iam::123456789012:role/x\ncredential_source = Environment\n");
    for (name, value) in
        [("AWS_ACCESS_KEY_ID", "ASIAX"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "t\nX: y")]
    {
        world.set(name, value);
    }
    refused("around", "session ASIAX from the environment", "the session token");
    assert!(world.aws.take_calls().is_empty());
}

#[test]
fn a_session_in_the_environment() {
    let host = host("credential_source = Environment");
    let key = &host.credentials;
    host.world.set("AWS_ACCESS_KEY_ID", &key.id);
    host.world.set("AWS_SECRET_ACCESS_KEY", &key.secret);
    host.world.set("AWS_SESSION_TOKEN", key.token.as_deref().expect("a token"));
    let first = host.world.run(&["process", "on-host"]);
    assumed_once_by_the_host(&host, &first);
    // Our own exports are not accepted as input.
    host.world.set("MFA_CRED_PROFILE", "deploy");
    let ours = host.world.run(&["process", "on-host"]);
    assert_eq!((ours.status.code(), ours.stdout.as_str()), (Some(1), ""), "{ours:?}");
    assert!(ours.stderr.ends_with("hint: remove them from this shell first: `eval $(mfa-cred unset)`\n"), "{ours:?}");
}

#[test]
fn a_missing_metadata_service_is_an_error() {
    let host = host("credential_source = EcsContainer");
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    host.world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://{gone}/role"));
    let done = host.world.run(&["process", "on-host"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{done:?}");
    assert!(done.stderr.starts_with("error: the role of this container gave no credentials"), "{done:?}");
    assert!(host.world.aws.take_calls().is_empty());
}

/// A `credential_process` that prints these keys from a file. The file is removed before the home is searched for
/// secrets.
fn process(world: &World, key: &AccessKey) -> String {
    let token = key.token.as_ref().map_or_else(String::new, |token| format!(",\"SessionToken\":\"{token}\""));
    let answer =
        format!("{{\"Version\":1,\"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\"{token}}}", key.id, key.secret);
    world.write("answer", answer);
    format!("credential_process = cat {}", world.home().join("answer").display())
}

#[test]
fn a_credential_process_with_long_term_keys_needs_a_code_and_one_with_a_session_does_not() {
    let Cast { world, key, device } = World::cast();
    let source = process(&world, &key);
    let arn = format!("arn:aws:iam::{}:role/deploy", world.aws.account());
    let serial = device.serial();
    world.add_config(&format!(
        "[profile vendor]\n{source}\n[profile by-vendor]\nsource_profile = vendor\nrole_arn = {arn}\nmfa_serial = {serial}\n"
    ));
    world.sign_in(&device, &["process", "by-vendor"]);
    let actions = |world: &World| world.aws.take_calls().into_iter().map(|call| call.action).collect::<Vec<_>>();
    assert_eq!(actions(&world), ["GetSessionToken", "AssumeRole"]);

    // The same command, which now returns a session of the user: its MFA is sufficient for the role.
    let parameters = [("SerialNumber", serial), ("TokenCode", &device.fresh_code()), ("DurationSeconds", "3600")];
    let answer = world.aws.call(&key, "GetSessionToken", &parameters).expect("an answer");
    process(&world, &answer.credentials().expect("a session"));
    world.run(&["clear"]);
    actions(&world);
    let done = world.run(&["process", "by-vendor", "--duration", "2h"]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(actions(&world), ["AssumeRole"]);
    assert!(done.stderr.starts_with("warning: profile `by-vendor`: 2h was requested, but AWS limits"), "{done:?}");
    std::fs::remove_file(world.home().join("answer")).expect("it was there");
}

#[test]
fn a_failed_credential_process_gives_its_reason_but_never_its_output() {
    let Cast { world, .. } = World::cast();
    let field = |name: &str, why: &str| format!("`{name}` in its output {why}");
    let (id, secret) = ("\"AccessKeyId\":\"AKIAEXAMPLE\"", "\"SecretAccessKey\":\"hunter2hunter2\"");
    for (script, why) in [
        ("exit 3", "it failed (exit status: 3)".to_owned()),
        ("kill -9 $$", "it failed (signal: 9 (SIGKILL))".to_owned()),
        (
            "printf 'not logged in\\033[2J\\nrun vendor login\\n' >&2; exit 1",
            "it failed (exit status: 1) and said: not logged in\\u{1b}[2J | run vendor login".to_owned(),
        ),
        (
            "echo hunter2hunter2; echo hunter2hunter2 >&2; exit 1",
            "it failed (exit status: 1) and said: (hidden)".to_owned(),
        ),
        ("true", "it printed nothing".to_owned()),
        ("echo hunter2hunter2", "its output is not a JSON object".to_owned()),
        ("echo []", "its output is not a JSON object".to_owned()),
        (&format!("echo '{{{id},{secret}}}'"), field("Version", "is missing")),
        (&format!("echo '{{\"Version\":2,{id},{secret}}}'"), field("Version", "is not the number 1")),
        (&format!("echo '{{\"Version\":1,{secret}}}'"), field("AccessKeyId", "is missing")),
        (&format!("echo '{{\"Version\":1,{id}}}'"), field("SecretAccessKey", "is missing")),
        (&format!("echo '{{\"Version\":1,{id},\"SecretAccessKey\":\"\"}}'"), field("SecretAccessKey", "is empty")),
        (&format!("echo '{{\"Version\":1,{id},{secret},\"SessionToken\":7}}'"), field("SessionToken", "is not text")),
        (
            &format!("echo '{{\"Version\":1,{id},{secret},\"Expiration\":\"hunter2\"}}'"),
            field("Expiration", "is not an ISO 8601 time"),
        ),
    ] {
        let file = world.home().join("vendor.sh");
        world.write("vendor.sh", script);
        world.write(".aws/config", format!("[profile vendor]\ncredential_process = exec sh {}\n", file.display()));
        let done = world.run(&["process", "vendor"]);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{script}: {done:?}");
        let error = format!("error: `credential_process` of profile `vendor` gave no credentials: {why}\n");
        assert!(done.stderr.starts_with(&error), "{script}: {done:?}");
        assert!(!done.stderr.contains("hunter2"), "{done:?}");
    }
}

#[test]
fn an_empty_session_token_from_a_credential_process_counts_as_none() {
    let Cast { world, key, device } = World::cast();
    let empty = AccessKey { token: Some(String::new()), ..key };
    let source = process(&world, &empty);
    let arn = format!("arn:aws:iam::{}:role/deploy", world.aws.account());
    let serial = device.serial();
    world.add_config(&format!(
        "[profile vendor]\n{source}\n[profile by-vendor]\nsource_profile = vendor\nrole_arn = {arn}\nmfa_serial = {serial}\n"
    ));
    world.sign_in(&device, &["process", "by-vendor"]);
    let actions: Vec<_> = world.aws.take_calls().into_iter().map(|call| call.action).collect();
    assert_eq!(actions, ["GetSessionToken", "AssumeRole"]);
    std::fs::remove_file(world.home().join("answer")).expect("it was there");
}

#[test]
fn stderr_of_a_credential_process_reaches_the_terminal_while_it_runs() {
    let Cast { world, .. } = World::cast();
    world.write("vendor.sh", "echo touch your key >&2; read -r line </dev/tty; exit 1\n");
    let file = world.home().join("vendor.sh");
    world.write(".aws/config", format!("[profile vendor]\ncredential_process = sh {}\n", file.display()));
    // stderr is captured, as SDKs do.
    let mut session = world.at_terminal(&["process", "vendor"]);
    session.wait_for("touch your key", PATIENCE);
    session.type_text("\n");
    let done = session.finish(PATIENCE);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(done.stderr.contains("it failed (exit status: 1) and said: touch your key\n"), "{done:?}");
}

#[test]
fn a_credential_process_that_prints_endlessly_or_hangs_is_killed_with_its_children() {
    let Cast { world, .. } = World::cast();
    let (pids, file) = (world.home().join("pids"), world.home().join("vendor.sh"));
    let children = format!("sleep 97 & echo $! >>{0}; (sleep 98 & echo $! >>{0})", pids.display());
    world.write(".aws/config", format!("[profile vendor]\ncredential_process = sh {}\n", file.display()));
    let gone = || {
        for pid in std::fs::read_to_string(&pids).expect("they ran").lines() {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
        }
        std::fs::remove_file(&pids).expect("it was there");
    };
    for (flood, stream) in [("yes", "stdout"), ("yes >&2", "stderr")] {
        world.write("vendor.sh", format!("{children}\n{flood}\n"));
        let done = world.run(&["process", "vendor"]);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{done:?}");
        let error = format!("gave no credentials: it printed more than 1 MB on {stream}\n");
        assert!(done.stderr.lines().next().is_some_and(|line| format!("{line}\n").ends_with(&error)), "{done:?}");
        gone();
    }
    // It hangs, and the process that started us gives up.
    world.write("vendor.sh", format!("{children}\nsleep 99\n"));
    let session = world.at_terminal(&["process", "vendor"]);
    while std::fs::read_to_string(&pids).unwrap_or_default().lines().count() < 2 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    session.signal(rustix::process::Signal::TERM);
    let done = session.finish(PATIENCE);
    assert_eq!(done.signal(), Some(15), "{done:?}");
    gone();
}

#[test]
fn a_wrapper_around_mfa_cred_that_calls_itself_stops_three_levels_deep() {
    let Cast { world, .. } = World::cast();
    let (file, log) = (world.home().join("wrapper"), world.home().join("log"));
    world.write("wrapper", format!("echo run >>{}\nexec mfa-cred process vendor\n", log.display()));
    world.write(".aws/config", format!("[profile vendor]\ncredential_process = sh {}\n", file.display()));
    let done = world.run(&["process", "vendor"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{done:?}");
    assert_eq!(std::fs::read_to_string(&log).expect("it ran").lines().count(), 3);
    assert!(done.stderr.contains("the configuration forms a cycle"), "{done:?}");
}
