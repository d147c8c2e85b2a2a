//! What roles start from besides keys in a file: the environment, the role of a container or an instance, and a
//! `credential_process`; each through the real binary, with credentials that the strict AWS has issued.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::support::aws::{AccessKey, RoleSpec, Signer};
use crate::support::pty::Finished;
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

/// A service on the loopback that answers each request by its method and path.
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

/// The role was assumed once, by the host's credentials, and is cached.
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
fn a_containers_role() {
    let host = host("credential_source = EcsContainer");
    let body = document(&host.credentials);
    let url = serve(move |_, path| (path == "/role").then(|| body.clone()));
    host.world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{url}/role"));
    let first = host.world.run(&["process", "on-host"]);
    assumed_once_by_the_host(&host, &first);
}

#[test]
fn an_instances_role() {
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
fn the_environments_session() {
    let host = host("credential_source = Environment");
    let key = &host.credentials;
    host.world.set("AWS_ACCESS_KEY_ID", &key.id);
    host.world.set("AWS_SECRET_ACCESS_KEY", &key.secret);
    host.world.set("AWS_SESSION_TOKEN", key.token.as_deref().expect("a token"));
    let first = host.world.run(&["process", "on-host"]);
    assumed_once_by_the_host(&host, &first);
    // What we exported ourselves is no input.
    host.world.set("MFA_CRED_PROFILE", "deploy");
    let ours = host.world.run(&["process", "on-host"]);
    assert_eq!((ours.status.code(), ours.stdout.as_str()), (Some(1), ""), "{ours:?}");
    assert!(ours.stderr.ends_with("hint: run `mfa-cred unset` in this shell first\n"), "{ours:?}");
}

#[test]
fn a_metadata_service_that_is_not_there_is_an_error() {
    let host = host("credential_source = EcsContainer");
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    host.world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://{gone}/role"));
    let done = host.world.run(&["process", "on-host"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{done:?}");
    assert!(done.stderr.starts_with("error: role of this container gave no credentials"), "{done:?}");
    assert!(host.world.aws.take_calls().is_empty());
}

/// A `credential_process` that prints these keys, from a file that is taken away before the home is searched.
fn process(world: &World, key: &AccessKey) -> String {
    let token = key.token.as_ref().map_or_else(String::new, |token| format!(",\"SessionToken\":\"{token}\""));
    let answer =
        format!("{{\"Version\":1,\"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\"{token}}}", key.id, key.secret);
    world.write("answer", answer);
    format!("credential_process = cat {}", world.home().join("answer").display())
}

#[test]
fn a_process_with_long_term_keys_needs_a_code_and_one_with_a_session_none() {
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

    // The same command, which now yields a session of the user's own: its MFA is good for the role.
    let parameters = [("SerialNumber", serial), ("TokenCode", &device.fresh_code()), ("DurationSeconds", "3600")];
    let answer = world.aws.call(&key, "GetSessionToken", &parameters).expect("an answer");
    process(&world, &answer.credentials().expect("a session"));
    world.run(&["clear"]);
    actions(&world);
    let done = world.run(&["process", "by-vendor", "--duration", "2h"]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(actions(&world), ["AssumeRole"]);
    assert!(done.stderr.starts_with("warning: profile `by-vendor`: 2h was asked for, but AWS caps"), "{done:?}");
    std::fs::remove_file(world.home().join("answer")).expect("it was there");
}

#[test]
fn a_process_that_fails_is_named_and_what_it_printed_is_not() {
    let Cast { world, .. } = World::cast();
    for (command, why) in [("false", "failed"), ("echo hunter2hunter2", "junk"), ("/nonexistent", "missing")] {
        world.write(".aws/config", format!("[profile vendor]\ncredential_process = {command}\n"));
        let done = world.run(&["process", "vendor"]);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{why}: {done:?}");
        assert!(
            done.stderr.starts_with("error: `credential_process` of profile `vendor` gave no credentials"),
            "{done:?}"
        );
        assert!(!done.stderr.contains("hunter2"), "{done:?}");
    }
}
