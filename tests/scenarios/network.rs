//! Failing networks: one line, exit code 6, within the time limits, and no unsent code is lost.

mod bounds;
mod clear;
mod tls;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::aws::{Fault, When};
use crate::support::pty::Finished;
use crate::support::world::{Cast, World};

/// Short limits, so that no test waits for the real ones.
const LIMITS: &str = "connect_timeout = 1\nattempt_timeout = 2\ncall_timeout = 4\n";

fn cold() -> Cast {
    let cast = World::cast();
    cast.world.write("config/mfa-cred/config.ini", LIMITS);
    cast
}

fn sign_in(cast: &Cast, endpoint: &str) -> (Finished, Duration) {
    cast.world.set("AWS_ENDPOINT_URL", endpoint);
    let start = Instant::now();
    let done = cast.world.run_with_stdin(&["process", "deploy", "--mfa-token", "-"], &cast.device.fresh_code());
    (done, start.elapsed())
}

fn assert_network(done: &Finished, error: &str) {
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(6), ""), "{done:?}");
    let lines: Vec<&str> = done.stderr.lines().collect();
    assert_eq!(lines[0], format!("error: GetSessionToken for profile `deploy`: {error}"), "{done:?}");
    assert!(lines.len() <= 2 && lines[1..].iter().all(|line| line.starts_with("hint: ")), "{done:?}");
}

/// Is the code still unspent according to the ledger?
fn code_is_unspent(cast: &Cast) -> bool {
    let ledgers = std::fs::read_dir(cast.world.state()).expect("the state folder");
    ledgers
        .flatten()
        .filter(|file| file.file_name().to_string_lossy().starts_with("ledger-") && file.file_name() != "ledger-key")
        .all(|file| std::fs::read(file.path()).expect("a ledger").is_empty())
}

#[test]
fn a_refused_connection() {
    let cast = cold();
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
    let (done, _) = sign_in(&cast, &format!("http://127.0.0.1:{port}"));
    assert_network(&done, "AWS could not be reached (connection refused)");
    assert!(code_is_unspent(&cast));
}

#[test]
fn a_name_that_does_not_resolve() {
    let cast = cold();
    let (done, _) = sign_in(&cast, "https://sts.invalid:9");
    assert_network(&done, "AWS could not be reached (its name cannot be resolved)");
    assert!(code_is_unspent(&cast));
}

#[test]
fn packets_that_are_dropped_time_out() {
    let cast = cold();
    // A full queue: the kernel drops further connections, as a firewall does.
    let listener = rustix_listener();
    let address = listener.local_addr().expect("its address");
    let filler: Vec<_> =
        (0..8).map(|_| thread::spawn(move || TcpStream::connect_timeout(&address, Duration::from_secs(9)))).collect();
    thread::sleep(Duration::from_millis(500));
    let (done, took) = sign_in(&cast, &format!("http://{address}"));
    assert_network(&done, "AWS could not be reached (it took too long to connect)");
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert!(code_is_unspent(&cast));
    drop(listener);
    drop(filler);
}

fn rustix_listener() -> TcpListener {
    use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&socket, &"127.0.0.1:0".parse::<std::net::SocketAddr>().expect("an address")).expect("a port");
    listen(&socket, 0).expect("it listens");
    TcpListener::from(socket)
}

#[test]
fn an_answer_that_never_comes_or_comes_very_slowly_times_out() {
    for crawls in [false, true] {
        let cast = cold();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || answer_slowly(stream, crawls));
            }
        });
        let (done, took) = sign_in(&cast, &format!("http://{address}"));
        assert_network(&done, "the answer was lost (it took too long)");
        assert!(took < Duration::from_secs(8), "{took:?}");
        assert!(!code_is_unspent(&cast), "a code whose answer was lost counts as spent");
    }
}

fn answer_slowly(mut stream: TcpStream, crawls: bool) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request);
    for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n<GetSessionTokenResponse>" {
        if !crawls || stream.write_all(&[*byte]).is_err() {
            break;
        }
        thread::sleep(Duration::from_millis(200));
    }
    thread::sleep(Duration::from_secs(10));
}

#[test]
fn a_server_that_does_not_speak_tls() {
    // One server hangs up on unknown input, and one answers in HTTP.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let cast = cold();
    for url in [cast.world.aws.url().replace("http://", "https://"), format!("https://{address}")] {
        let (done, _) = sign_in(&cast, &url);
        assert_network(&done, "AWS could not be reached (the server did not complete a TLS handshake)");
        assert!(code_is_unspent(&cast));
        assert!(cast.world.aws.take_calls().is_empty());
    }
}

#[test]
fn a_proxy_that_is_not_running() {
    let cast = cold();
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
    cast.world.set("HTTPS_PROXY", format!("http://127.0.0.1:{port}"));
    let (done, _) = sign_in(&cast, "https://sts.invalid:9");
    assert_network(&done, "AWS could not be reached (connection refused)");
    cast.world.set("NO_PROXY", "sts.invalid");
    let (done, _) = sign_in(&cast, "https://sts.invalid:9");
    assert_network(&done, "AWS could not be reached (its name cannot be resolved)");
}

#[test]
fn valid_credentials_are_served_when_the_network_is_down() {
    let cast = cold();
    let Cast { world, device, .. } = &cast;
    world.sign_in(device, &["process", "deploy"]);
    // Another endpoint would be another identity, so the same one is shut down for all attempts.
    world.aws.fault("AssumeRole", Fault::Drop(When::Before), 9);
    let done = world.run(&["process", "deploy", "--min-ttl", "2h"]);
    assert!(done.status.success() && done.stdout.contains("ASIA"), "{done:?}");
    assert_eq!(
        done.stderr,
        format!(
            "warning: the credentials of `deploy` were not renewed; the old ones are still valid: AssumeRole \
             arn:aws:iam::{}:role/deploy for profile `deploy`: the answer was lost (the connection broke)\n",
            world.aws.account()
        )
    );
}
