//! The address on this machine to which the browser is sent back: one answer is taken, and nothing else is served.
//!
//! Any program of this machine and any page in the browser can connect to it. So only a request with the secret `state` of
//! this sign-in counts, even for saying that it was denied; every other one gets a short refusal. A client that sends
//! slowly, too much or nothing holds no one up: all are read side by side, for a few seconds each.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use percent_encoding::percent_decode_str;
use subtle::ConstantTimeEq;

use super::page::Page;
use crate::secret::Secret;

/// The path of the registered redirect URI.
const PATH: &str = "/oauth/callback";
/// The longest request, in bytes. An authorization code comes to some hundreds, a browser's headers to about a thousand,
/// and to tens of thousands with the cookies of every other program that ever served pages on 127.0.0.1.
const LONGEST: usize = 64 << 10;
/// How long a client may take for its request.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many clients are waited for at once; a further one takes the place of the one that came first.
const MOST: usize = 64;
/// How many are let in at once, more than the system keeps at the door.
const MOST_NEW: usize = 256;

/// The open address.
pub(super) struct Callback {
    listener: TcpListener,
    port: u16,
    state: Secret<String>,
    visitors: Vec<Visitor>,
}

/// What the browser brought.
#[derive(Debug)]
pub(super) enum Answer {
    /// The authorization code.
    Code(Secret<String>),
    /// The sign-in was denied.
    Denied,
    /// AWS's page failed, with this error code (RFC 6749, 4.1.2.1).
    Failed(String),
}

struct Visitor {
    stream: TcpStream,
    since: Instant,
    request: Vec<u8>,
}

impl Callback {
    /// Opens a random port for a sign-in with this secret.
    pub(super) fn open(state: Secret<String>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port, state, visitors: Vec::new() })
    }

    /// The address, with the port.
    pub(super) fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Serves who is there, without waiting; `Some` once the browser has come back.
    pub(super) fn poll(&mut self) -> Option<Answer> {
        // Not without end, so that a flood of clients does not keep those that are here from being read.
        for _ in 0..MOST_NEW {
            let Ok((stream, _)) = self.listener.accept() else { break };
            if stream.set_nonblocking(true).is_ok() {
                self.visitors.push(Visitor { stream, since: Instant::now(), request: Vec::new() });
            }
        }
        let mut answer = None;
        for mut visitor in std::mem::take(&mut self.visitors) {
            match visitor.read() {
                Some(request) => {
                    let (page, brought) = self.judged(request.expose());
                    visitor.show(page);
                    answer = answer.or(brought);
                }
                None if visitor.is_welcome() => self.visitors.push(visitor),
                None => {}
            }
        }
        self.visitors.drain(..self.visitors.len().saturating_sub(MOST));
        answer
    }

    /// What a whole request gets, and what it brings.
    fn judged(&self, request: &[u8]) -> (Page, Option<Answer>) {
        let refused = |why| (Page::Refused(why), None);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        if !parsed.parse(request).is_ok_and(|status| status.is_complete()) {
            return refused("400 Bad Request");
        }
        // A page elsewhere whose name was made to lead here has that name in `Host`.
        let host = format!("127.0.0.1:{}", self.port);
        let mut hosts = parsed.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("host"));
        if hosts.next().is_none_or(|it| it.value != host.as_bytes()) || hosts.next().is_some() {
            return refused("400 Bad Request");
        }
        let Some((path, query)) = parsed.path.and_then(|path| path.split_once('?')) else {
            return refused("404 Not Found");
        };
        if parsed.method != Some("GET") || path != PATH {
            return refused("404 Not Found");
        }
        let state = only(query, "state");
        let is_ours = state.is_some_and(|it| bool::from(it.expose().as_bytes().ct_eq(self.state.expose().as_bytes())));
        if !is_ours {
            return refused("403 Forbidden");
        }
        match (only(query, "code"), only(query, "error")) {
            (Some(code), None) if !code.expose().is_empty() => (Page::Received, Some(Answer::Code(code))),
            (None, Some(error)) if error.expose() == "access_denied" => (Page::Denied, Some(Answer::Denied)),
            (None, Some(error)) => (Page::Failed, Some(Answer::Failed(error_code(error.expose())))),
            _ => refused("400 Bad Request"),
        }
    }
}

/// The page's error code, if it is one that OAuth could have: it is shown to the person.
fn error_code(text: &str) -> String {
    let is_code = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_code { text.to_owned() } else { "unknown_error".to_owned() }
}

/// The value of a parameter that is there once.
fn only(query: &str, name: &str) -> Option<Secret<String>> {
    let mut values = query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(known, _)| *known == name);
    let (value, other) = (values.next()?.1, values.next());
    let spaced = Secret::new(value.replace('+', " "));
    let decoded = percent_decode_str(spaced.expose()).decode_utf8().ok()?;
    other.is_none().then(|| Secret::new(decoded.into_owned()))
}

impl Visitor {
    /// Reads what has arrived; `Some` once the request's head is complete, or longer than any should be.
    fn read(&mut self) -> Option<Secret<Vec<u8>>> {
        if self.request.is_empty() {
            // At full size at once: the request holds the code.
            self.request.reserve_exact(LONGEST);
        }
        let mut rest = (&self.stream).take((LONGEST - self.request.len()) as u64);
        // An error is that nothing more has arrived, or that the client has gone.
        let ended = rest.read_to_end(&mut self.request).is_ok();
        let is_whole = self.request.windows(4).any(|bytes| bytes == b"\r\n\r\n") || self.request.len() >= LONGEST;
        if ended && !is_whole {
            self.since = Instant::now().checked_sub(PATIENCE).unwrap_or(self.since);
        }
        is_whole.then(|| Secret::new(std::mem::take(&mut self.request)))
    }

    fn is_welcome(&self) -> bool {
        self.since.elapsed() < PATIENCE
    }

    /// The answer is short, so it fits into the connection's buffer.
    fn show(&self, page: Page) {
        let _ = (&self.stream).write_all(page.response().as_bytes());
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        drop(Secret::new(std::mem::take(&mut self.request)));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    use super::{Answer, Callback, MOST};
    use crate::secret::Secret;

    fn open() -> Callback {
        Callback::open(Secret::from("s3cret")).expect("a port")
    }

    fn connect(callback: &Callback) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", callback.port)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
        stream
    }

    fn poll_until<T>(callback: &mut Callback, done: impl Fn(&Option<Answer>) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(done) = done(&callback.poll()) {
                return done;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "nothing came");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What a request gets, and what it brings.
    fn ask(head: &str) -> (String, Option<String>) {
        let mut callback = open();
        let head = head.replace("PORT", &callback.port.to_string());
        let mut stream = connect(&callback);
        stream.write_all(head.as_bytes()).expect("it takes it");
        let start = Instant::now();
        let mut brought = None;
        while callback.visitors.len() + usize::from(brought.is_some()) > 0
            || start.elapsed() < Duration::from_millis(30)
        {
            brought = callback.poll().or(brought);
            std::thread::sleep(Duration::from_millis(1));
            if brought.is_some() {
                break;
            }
        }
        drop(callback);
        let mut said = String::new();
        // Where more was sent than is read, the connection is reset, perhaps before the answer has arrived.
        let _ = stream.read_to_string(&mut said);
        let code = brought.map(|answer| match answer {
            Answer::Code(code) => code.expose().clone(),
            Answer::Denied => "denied".to_owned(),
            Answer::Failed(error) => format!("failed: {error}"),
        });
        (said.lines().next().unwrap_or_default().to_owned(), code)
    }

    #[test]
    fn only_the_redirect_of_this_sign_in_counts() {
        let host = "Host: 127.0.0.1:PORT\r\n\r\n";
        let ok = "HTTP/1.1 200 OK";
        for (line, rest, status, brought) in [
            ("GET /oauth/callback?code=a%2Fb+c&state=s3cret", host, ok, Some("a/b c")),
            ("GET /oauth/callback?state=s3cret&error=access_denied&error_description=x", host, ok, Some("denied")),
            ("GET /oauth/callback?state=s3cret&error=server_error", host, ok, Some("failed: server_error")),
            ("GET /oauth/callback?state=s3cret&error=%1b%5B2J%0a", host, ok, Some("failed: unknown_error")),
            ("GET /oauth/callback?state=s3cret&error=", host, ok, Some("failed: unknown_error")),
            ("GET /oauth/callback?state=s3cret&code=%00%0d%0aX:%20%22%5c%e2%82%ac", host, ok, Some("\0\r\nX: \"\\€")),
            ("GET /oauth/callback?state=s3cret&code=%ff", host, "HTTP/1.1 400 Bad Request", None),
            ("GET /oauth/callback?state=s3cret&code=x&CODE=y&x", host, ok, Some("x")),
            ("GET /oauth/callback?code=x&state=other", host, "HTTP/1.1 403 Forbidden", None),
            ("GET /oauth/callback?code=x&state=s3cre", host, "HTTP/1.1 403 Forbidden", None),
            ("GET /oauth/callback?code=x&state=", host, "HTTP/1.1 403 Forbidden", None),
            ("GET /oauth/callback?code=x", host, "HTTP/1.1 403 Forbidden", None),
            ("GET /oauth/callback?error=access_denied", host, "HTTP/1.1 403 Forbidden", None),
            ("GET /oauth/callback?state=s3cret&state=s3cret&code=x", host, "HTTP/1.1 403 Forbidden", None),
            ("GET /oauth/callback?state=s3cret&code=x&code=y", host, "HTTP/1.1 400 Bad Request", None),
            ("GET /oauth/callback?state=s3cret&code=x&error=y", host, "HTTP/1.1 400 Bad Request", None),
            ("GET /oauth/callback?state=s3cret&code=", host, "HTTP/1.1 400 Bad Request", None),
            ("GET /oauth/callback?state=s3cret", host, "HTTP/1.1 400 Bad Request", None),
            ("POST /oauth/callback?code=x&state=s3cret", host, "HTTP/1.1 404 Not Found", None),
            ("GET /oauth/callback/?code=x&state=s3cret", host, "HTTP/1.1 404 Not Found", None),
            ("GET /favicon.ico", host, "HTTP/1.1 404 Not Found", None),
            (
                "GET /oauth/callback?code=x&state=s3cret",
                "Host: evil.example:PORT\r\n\r\n",
                "HTTP/1.1 400 Bad Request",
                None,
            ),
            ("GET /oauth/callback?code=x&state=s3cret", "\r\n", "HTTP/1.1 400 Bad Request", None),
            ("GET\0/oauth/callback?code=x&state=s3cret", host, "HTTP/1.1 400 Bad Request", None),
        ] {
            let wanted = (status.to_owned(), brought.map(str::to_owned));
            assert_eq!(ask(&format!("{line} HTTP/1.1\r\n{rest}")), wanted, "{line}");
        }
        // A megabyte, even with the right secret in it: in the address, in a header, or in many.
        let right = "GET /oauth/callback?code=x&state=s3cret";
        for head in [
            format!("{right}&{} HTTP/1.1\r\n{host}", "x".repeat(1 << 20)),
            format!("{right} HTTP/1.1\r\nX: {}\r\n{host}", "x".repeat(1 << 20)),
            format!("{right} HTTP/1.1\r\n{}{host}", "X: y\r\n".repeat(1 << 18)),
            format!("{right} HTTP/1.1\r\n{}{host}", "X: y\r\n".repeat(65)),
        ] {
            assert_eq!(ask(&head).1, None, "{}", head.len());
        }
    }

    #[test]
    fn an_answer_for_another_sign_in_does_not_end_this_one_and_the_first_of_two_counts() {
        let mut callback = open();
        let port = callback.port;
        let send = |callback: &Callback, query: &str| {
            let mut stream = connect(callback);
            let head = format!("GET /oauth/callback?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
            stream.write_all(head.as_bytes()).expect("it takes it");
            stream
        };
        let _theirs = [send(&callback, "code=theirs&state=s3cre7"), send(&callback, "error=access_denied&state=x")];
        poll_until(&mut callback, |answer| {
            assert!(answer.is_none());
            Some(())
        });
        let both = [send(&callback, "code=first&state=s3cret"), send(&callback, "code=second&state=s3cret")];
        let code = poll_until(&mut callback, |answer| match answer {
            Some(Answer::Code(code)) => Some(code.expose().clone()),
            other => {
                assert!(other.is_none(), "{other:?}");
                None
            }
        });
        assert_eq!(code, "first");
        drop((both, callback));
    }

    #[test]
    fn clients_that_send_nothing_hold_up_nobody_and_are_few() {
        let mut callback = open();
        let mut idle = Vec::new();
        for _ in 0..3 * MOST {
            idle.push(connect(&callback));
            assert!(callback.poll().is_none() && callback.visitors.len() <= MOST);
        }
        let mut slow = connect(&callback);
        slow.write_all(b"GET /oauth/callback?code=x&sta").expect("it takes it");
        let mut browser = connect(&callback);
        let host = format!("127.0.0.1:{}", callback.port);
        let start = Instant::now();
        browser
            .write_all(format!("GET /oauth/callback?code=x&state=s3cret HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())
            .expect("it takes it");
        poll_until(&mut callback, |answer| answer.is_some().then_some(()));
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn a_request_may_arrive_in_pieces_and_a_client_that_goes_is_forgotten() {
        let mut callback = open();
        let mut browser = connect(&callback);
        let host = format!("127.0.0.1:{}", callback.port);
        drop(connect(&callback));
        for piece in ["GET /oauth/call", "back?code=x&state=s3cret HTTP/1.1\r\nHo", &format!("st: {host}\r\n\r"), "\n"]
        {
            assert!(callback.poll().is_none());
            browser.write_all(piece.as_bytes()).expect("it takes it");
            std::thread::sleep(Duration::from_millis(20));
        }
        poll_until(&mut callback, |answer| answer.is_some().then_some(()));
        assert!(callback.visitors.is_empty());
    }
}
