//! Endless input, and files that are not regular.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::{cold, sign_in};
use crate::support::aws::Fault;
use crate::support::files::make_pipe;
use crate::support::pty::PATIENCE;
use crate::support::world::Cast;

/// Answers with an endless body, or with one of a declared length.
fn endless(status: &'static str, length: Option<u64>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || pour(stream, status, length));
        }
    });
    format!("http://{address}")
}

fn pour(mut stream: TcpStream, status: &str, length: Option<u64>) {
    let _ = stream.read(&mut [0; 8192]);
    let length = length.map_or("connection: close".to_owned(), |length| format!("content-length: {length}"));
    let _ = write!(stream, "HTTP/1.1 {status}\r\n{length}\r\n\r\n<GetSessionTokenResponse>");
    while stream.write_all(&[b' '; 1 << 14]).is_ok() {}
}

#[test]
fn an_endless_answer_is_cut_off_after_one_megabyte() {
    for (status, length) in [("200 OK", None), ("200 OK", Some(1 << 40)), ("403 Forbidden", None)] {
        let cast = cold();
        let (done, took) = sign_in(&cast, &endless(status, length));
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(6), ""), "{done:?}");
        let error =
            "error: GetSessionToken for profile `deploy`: the answer is longer than 1 MB, which none of AWS's is\n";
        assert!(done.stderr.starts_with(error), "{status}: {done:?}");
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

/// A list of IAM's whose pages of almost a megabyte never end.
fn endless_pages() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        let member = "<member><SerialNumber>GAHT12345678</SerialNumber><UserName>u</UserName>\
                      <EnableDate>2026-01-01T00:00:00Z</EnableDate></member>";
        let members = member.repeat(900_000 / member.len());
        for (page, mut stream) in listener.incoming().flatten().enumerate() {
            let _ = stream.read(&mut [0; 8192]);
            let rest = format!("<IsTruncated>true</IsTruncated><Marker>{page}</Marker>");
            let list = format!("<MFADevices>{members}</MFADevices>{rest}");
            let body = format!("<ListMFADevicesResult>{list}</ListMFADevicesResult>");
            let body = format!("<ListMFADevicesResponse>{body}</ListMFADevicesResponse>");
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn a_list_whose_pages_never_end_is_refused() {
    let Cast { world, .. } = crate::support::world::World::cast();
    world.set("AWS_ENDPOINT_URL_IAM", endless_pages());
    let done = world.run(&["device", "list", "--profile", "alice"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(6), ""), "{done:?}");
    assert!(done.stderr.starts_with("error: ListMFADevices: the answer is longer than 1 MB"), "{done:?}");
}

#[test]
fn a_session_whose_key_has_a_line_break_is_an_unreadable_answer() {
    for (id, token) in [("ASIAX&#10;X: y", "t"), ("ASIAX", "t&#27;[2J"), ("ASIAX", "")] {
        let cast = cold();
        let key = format!("<AccessKeyId>{id}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>");
        let rest = format!("<SessionToken>{token}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>");
        let answer = "GetSessionTokenRe";
        let body = format!(
            "<{answer}sponse><{answer}sult><Credentials>{key}{rest}</Credentials></{answer}sult></{answer}sponse>"
        );
        let (done, _) = sign_in(&cast, &answering(body));
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(6), ""), "{done:?}");
        let error = "error: GetSessionToken for profile `deploy`: the answer is not one of AWS's, or was cut off\n";
        assert!(done.stderr.starts_with(error), "{id}: {done:?}");
        assert!(cast.world.entries().is_empty(), "{:?}", cast.world.entries());
    }
}

/// Answers each request with this body.
fn answering(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 8192]);
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    });
    format!("http://{address}")
}

#[test]
fn a_refusal_of_300_kb_is_shortened_and_does_not_quote_the_request() {
    let cast = cold();
    let Cast { world, device, .. } = &cast;
    let long = "x".repeat(300_000);
    for (text, said) in [
        (long.as_str(), format!("{}...", "x".repeat(1000))),
        (
            "The request signature we calculated does not match.\n\nThe Canonical String for this request should have \
             been\n'POST\nx-amz-security-token:hunter2'",
            "The request signature we calculated does not match.".to_owned(),
        ),
    ] {
        world.aws.fault("GetSessionToken", Fault::Refuse(403, "SignatureDoesNotMatch".to_owned(), text.to_owned()), 1);
        let done = world.run_with_stdin(&["process", "deploy", "--mfa-token", "-"], &device.fresh_code());
        let line = done.stderr.lines().next().unwrap_or_default();
        assert_eq!(done.status.code(), Some(5), "{line}");
        assert!(line.ends_with(&format!("AWS refused it (SignatureDoesNotMatch): {said}")), "{line}");
    }
}

#[test]
fn a_ca_bundle_that_is_not_a_file_is_refused_before_a_code_is_asked_for() {
    let cast = cold();
    let Cast { world, .. } = &cast;
    let pipe = world.home().join("pipe");
    make_pipe(&pipe);
    std::fs::File::create(world.home().join("huge")).and_then(|file| file.set_len(17 << 20)).expect("a file");
    world.set("AWS_ENDPOINT_URL", "https://127.0.0.1:9");
    let home = world.home().display().to_string();
    for (file, why) in [
        (format!("{home}/pipe"), "it is not a regular file"),
        ("/dev/zero".to_owned(), "it is not a regular file"),
        (format!("{home}/.aws"), "Is a directory (os error 21)"),
        (format!("{home}/huge"), "it is longer than 16 MB"),
    ] {
        for variable in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
            world.set("AWS_CA_BUNDLE", "");
            world.set(variable, &file);
            let start = Instant::now();
            // On a terminal, where a prompt would be visible.
            let finished = world.at_terminal(&["process", "deploy"]).finish(PATIENCE);
            assert_eq!(finished.status.code(), Some(1), "{variable}={file}: {finished:?}");
            assert!(!finished.terminal.contains("MFA code"), "{finished:?}");
            let error = format!(
                "error: no connection to AWS can be set up: no request could be made (the CA bundle {file}: {why})\n"
            );
            assert_eq!(world.without_tilde(&finished.stderr), error, "{variable}");
            assert!(start.elapsed() < PATIENCE / 4, "{variable}={file}");
        }
    }
}
