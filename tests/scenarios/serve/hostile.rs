//! Clients without a right to the credentials, and clients that would keep others from getting them.

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use super::{Answer, Serving, send};
use crate::support::world::{Cast, World};

#[test]
fn only_a_whole_and_honest_request_gets_credentials() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let serving = Serving::start(&world, &["deploy", "--allow-host", "169.254.170.2"]);
    let (port, token) = (serving.port.to_string(), serving.token.clone());
    let host = format!("127.0.0.1:{port}");
    let wrong = format!("{}{}", &token[..63], if token.ends_with('0') { '1' } else { '0' });
    let get = |path: &str, headers: &[&str]| format!("GET {path} HTTP/1.1\r\n{}\r\n\r\n", headers.join("\r\n"));
    let (is_host, is_token) = (format!("Host: {host}"), format!("Authorization: {token}"));
    let good = [&*is_host, &*is_token];
    let path = "/profile/deploy";
    let with = |more: &str| get(path, &[&is_host, &is_token, more]);
    let hosted = |it: &str| get(path, &[it, &is_token]);
    let authorized = |it: &str| get(path, &[&is_host, it]);
    for (what, request, status, code) in [
        ("a good one", get(path, &good), 200, ""),
        ("by localhost", hosted(&format!("Host: LOCALHOST:{port}")), 200, ""),
        ("by an allowed host", hosted("Host: 169.254.170.2"), 200, ""),
        ("with the port of http", hosted("Host: 169.254.170.2:80"), 200, ""),
        (
            "names of headers in any case",
            get(path, &[&is_host.to_uppercase(), &is_token.replacen('A', "a", 1)]),
            200,
            "",
        ),
        ("an encoded letter", get("/profile/%64eploy", &good), 200, ""),
        ("HTTP/1.0", get(path, &good).replace("HTTP/1.1", "HTTP/1.0"), 200, ""),
        ("two at once", get(path, &good).repeat(2), 200, ""),
        ("a body", with("Content-Length: 3") + "abc", 200, ""),
        ("no host", get(path, &[&is_token]), 403, "AccessDenied"),
        ("HTTP/1.0 without a host", get(path, &[&is_token]).replace("HTTP/1.1", "HTTP/1.0"), 403, "AccessDenied"),
        ("another host", hosted("Host: evil.example"), 403, "AccessDenied"),
        ("a host that is led here", hosted(&format!("Host: evil.example:{port}")), 403, "AccessDenied"),
        ("another port", hosted("Host: 127.0.0.1:1"), 403, "AccessDenied"),
        ("no port", hosted("Host: 127.0.0.1"), 403, "AccessDenied"),
        ("another loopback address", hosted(&format!("Host: 127.0.0.2:{port}")), 403, "AccessDenied"),
        ("two hosts", with(&is_host), 400, "BadRequest"),
        ("an origin", with("Origin: https://evil.example"), 403, "AccessDenied"),
        ("the server as origin", with(&format!("Origin: http://{host}")), 403, "AccessDenied"),
        ("a null origin", with("Origin: null"), 403, "AccessDenied"),
        ("no token", get(path, &[&is_host]), 403, "AccessDenied"),
        ("an empty token", authorized("Authorization:"), 403, "AccessDenied"),
        ("a wrong token", authorized(&format!("Authorization: {wrong}")), 403, "AccessDenied"),
        ("half a token", authorized(&format!("Authorization: {}", &token[..32])), 403, "AccessDenied"),
        ("a longer token", authorized(&format!("Authorization: {token}0")), 403, "AccessDenied"),
        ("a bearer token", authorized(&format!("Authorization: Bearer {token}")), 403, "AccessDenied"),
        ("two tokens", with(&is_token), 400, "BadRequest"),
        ("the token in the path", get(&format!("{path}?token={token}"), &[&is_host]), 403, "AccessDenied"),
        ("POST", get(path, &good).replacen("GET", "POST", 1), 405, "MethodNotAllowed"),
        ("HEAD", get(path, &good).replacen("GET", "HEAD", 1), 405, "MethodNotAllowed"),
        ("PUT", get(path, &good).replacen("GET", "PUT", 1), 405, "MethodNotAllowed"),
        ("OPTIONS", get(path, &good).replacen("GET", "OPTIONS", 1), 405, "MethodNotAllowed"),
        ("CONNECT", format!("CONNECT {host} HTTP/1.1\r\n{is_host}\r\n{is_token}\r\n\r\n"), 405, "MethodNotAllowed"),
        ("the root", get("/", &good), 404, "ProfileNotServed"),
        ("no name", get("/profile/", &good), 404, "ProfileNotServed"),
        ("a profile that is not served", get("/profile/audit", &good), 404, "ProfileNotServed"),
        ("the same without a token", get("/profile/audit", &[&is_host]), 403, "AccessDenied"),
        ("another case", get("/profile/Deploy", &good), 404, "ProfileNotServed"),
        ("a slash at the end", get("/profile/deploy/", &good), 404, "ProfileNotServed"),
        ("two slashes", get("//profile/deploy", &good), 404, "ProfileNotServed"),
        ("a query", get("/profile/deploy?x", &good), 404, "ProfileNotServed"),
        ("up and down", get("/profile/../profile/deploy", &good), 404, "ProfileNotServed"),
        ("up and down, encoded", get("/profile/%2e%2e/profile/deploy", &good), 404, "ProfileNotServed"),
        ("a file", get("/profile/../../../../etc/passwd", &good), 404, "ProfileNotServed"),
        ("a NUL", get("/profile/deploy%00", &good), 404, "ProfileNotServed"),
        ("twice encoded", get("/profile/%2564eploy", &good), 404, "ProfileNotServed"),
        ("half an encoding", get("/profile/deploy%", &good), 404, "ProfileNotServed"),
        ("not UTF-8", get("/profile/%ff", &good), 404, "ProfileNotServed"),
        ("a whole URL", get(&format!("http://{host}{path}"), &good), 404, "ProfileNotServed"),
        ("a line that goes on", with("X: a\r\n b"), 400, "BadRequest"),
        ("no version", format!("GET {path}\r\n{is_host}\r\n{is_token}\r\n\r\n"), 400, "BadRequest"),
        ("HTTP/2", get(path, &good).replace("HTTP/1.1", "HTTP/2.0"), 400, "BadRequest"),
        ("a TLS hello", "\u{16}\u{3}\u{1}\r\n\r\n".to_owned(), 400, "BadRequest"),
        ("many headers", with(&"X: y\r\n".repeat(70)), 431, "RequestTooLarge"),
        ("a long header", with(&format!("X: {}", "y".repeat(20_000))), 431, "RequestTooLarge"),
        ("a megabyte", with(&format!("X: {}", "y".repeat(1 << 20))), 431, "RequestTooLarge"),
        ("a long path", get(&format!("/{}", "y".repeat(20_000)), &good), 431, "RequestTooLarge"),
    ] {
        let text = serving.send(request.as_bytes());
        let answer = Answer::read(&text);
        if status == 200 {
            assert_eq!(answer.status, 200, "{what}: {}", answer.body);
            assert_eq!(text.matches("HTTP/1.1 200").count(), 1, "{what}");
        } else {
            assert!(answer.status != 200, "{what}");
            assert_eq!(answer.refusal(), (status, code), "{what}");
            assert!(!text.contains("Secret") && !text.contains(&token), "{what}");
            assert_eq!(answer.head.contains("Allow: GET"), status == 405, "{what}");
        }
    }
    assert!(serving.who(path).contains("assumed-role/deploy/"));
}

#[test]
fn two_hundred_idle_and_slow_clients_neither_get_in_nor_slow_down_another_one() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let serving = Serving::start(&world, &["deploy"]);
    let head = serving.head("/profile/deploy");
    let mut clients: Vec<_> = (0..400).map(|_| serving.connect()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        let sent = match n % 4 {
            0 => "",
            1 => "GET /profile/deploy HT",
            2 => &head[..head.len() - 2],
            _ => "x",
        };
        let _ = client.write_all(sent.as_bytes());
    }
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        let asked = Instant::now();
        assert!(serving.ask("/profile/deploy").status == 200 && asked.elapsed() < Duration::from_secs(1));
        for client in &mut clients {
            let _ = client.write_all(b"\n");
        }
        thread::sleep(Duration::from_millis(200));
    }
    // Each of them is let go, and none has got a secret.
    for (n, mut client) in clients.into_iter().enumerate() {
        let mut text = String::new();
        let _ = client.read_to_string(&mut text);
        assert!(n % 4 == 2 || !text.contains("SecretAccessKey"), "{n}: {text}");
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn two_hundred_clients_at_once_all_get_an_answer_within_a_second() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let serving = Serving::start(&world, &["deploy"]);
    let start = Instant::now();
    let slowest = thread::scope(|scope| {
        let (port, head) = (serving.port, serving.head("/profile/deploy"));
        let ask = move || {
            let asked = Instant::now();
            let is_good = Answer::read(&send(port, head.as_bytes())).status == 200;
            (is_good, asked.elapsed())
        };
        let clients: Vec<_> = (0..200).map(|_| scope.spawn(ask.clone())).collect();
        let answers = clients.into_iter().map(|client| client.join().expect("an answer"));
        answers.inspect(|(is_good, _)| assert!(is_good)).map(|(_, time)| time).max()
    });
    assert!(slowest < Some(Duration::from_secs(1)), "{slowest:?} of {:?}", start.elapsed());
}

#[test]
fn nothing_of_the_token_or_the_keys_is_said_with_every_step_printed() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let serving = Serving::start(&world, &["-vv", "deploy"]);
    assert_eq!(serving.ask("/profile/deploy").status, 200);
    let wrong = serving.head("/profile/deploy").replace(&serving.token, "hunter2hunter2");
    assert_eq!(Answer::read(&serving.send(wrong.as_bytes())).status, 403);
    assert!(!world.read("serve.log").contains("hunter2"));
    // The log is a file of the home, which is searched for secrets at the end.
}
