//! A port of this machine at which the browser knocks, and nothing else is served.
//!
//! In: the requests of whoever connects. Out: what the owner's judge answers, who is told which of them are a `GET` for this
//! address and which are not.
//! Any program of this machine and any page in the browser can connect. A client that sends slowly, too much or nothing
//! holds no one up: all are read side by side, for a few seconds each.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::secret::Secret;

/// The longest request, in bytes. An authorization code comes to some hundreds, a browser's headers to about a thousand,
/// and to tens of thousands with the cookies of every other program that ever served pages on 127.0.0.1.
const LONGEST: usize = 64 << 10;
/// How long a client may take for its request.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many clients are waited for at once; a further one takes the place of the one that came first.
const MOST: usize = 64;
/// How many are let in at once, more than the system keeps at the door.
const MOST_NEW: usize = 256;

/// The open port.
pub(crate) struct Door {
    listener: TcpListener,
    port: u16,
    visitors: Vec<Visitor>,
}

/// A request that has arrived in whole.
pub(crate) struct Knock<'r> {
    /// The path, and the query if there is one.
    pub(crate) target: &'r str,
    /// The address of the client.
    pub(crate) from: Option<SocketAddr>,
}

struct Visitor {
    stream: TcpStream,
    since: Instant,
    request: Vec<u8>,
}

/// A secret of 256 bits, in characters that a path, a query and a code verifier may have.
pub(crate) fn unguessable() -> Secret<String> {
    let mut drawn = Zeroizing::new([0; 32]);
    getrandom::fill(&mut drawn[..]).expect("the system has random bytes");
    Secret::new(base16ct::lower::encode_string(&drawn[..]))
}

impl Door {
    /// Opens a random port.
    pub(crate) fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port, visitors: Vec::new() })
    }

    /// The address of a path here.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Where it is.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Serves who is there, without waiting. For each request, the judge is given what was asked for, or the status that
    /// refuses a request for something else, and returns the whole answer.
    pub(crate) fn poll(&mut self, judge: &mut dyn FnMut(Result<Knock<'_>, &'static str>) -> Secret<String>) {
        // Not without end, so that a flood of clients does not keep those that are here from being read.
        for _ in 0..MOST_NEW {
            let Ok((stream, _)) = self.listener.accept() else { break };
            if stream.set_nonblocking(true).is_ok() {
                self.visitors.push(Visitor { stream, since: Instant::now(), request: Vec::new() });
            }
        }
        for mut visitor in std::mem::take(&mut self.visitors) {
            match visitor.read() {
                Some(request) => {
                    let from = visitor.stream.peer_addr().ok();
                    let target = self.admitted(request.expose());
                    let knock = target.as_ref().map(|target| Knock { target: target.expose(), from });
                    visitor.show(&judge(knock.map_err(|status| *status)));
                }
                None if visitor.is_welcome() => self.visitors.push(visitor),
                None => {}
            }
        }
        self.visitors.drain(..self.visitors.len().saturating_sub(MOST));
    }

    /// The target of a request that is meant for this port, or the status that refuses it.
    fn admitted(&self, request: &[u8]) -> Result<Secret<String>, &'static str> {
        const MALFORMED: &str = "400 Bad Request";
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        if !parsed.parse(request).is_ok_and(|status| status.is_complete()) {
            return Err(MALFORMED);
        }
        // A page elsewhere whose name was made to lead here has that name in `Host`.
        let host = format!("127.0.0.1:{}", self.port);
        let mut hosts = parsed.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("host"));
        if hosts.next().is_none_or(|it| it.value != host.as_bytes()) || hosts.next().is_some() {
            return Err(MALFORMED);
        }
        let target = parsed.path.filter(|_| parsed.method == Some("GET"));
        target.map(Secret::from).ok_or("404 Not Found")
    }
}

impl Visitor {
    /// Reads what has arrived; `Some` once the request's head is complete, or longer than any should be.
    fn read(&mut self) -> Option<Secret<Vec<u8>>> {
        if self.request.is_empty() {
            // At full size at once: the request may hold a secret.
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
    fn show(&self, answer: &Secret<String>) {
        let _ = (&self.stream).write_all(answer.expose().as_bytes());
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

    use super::{Door, MOST};
    use crate::secret::Secret;

    fn connect(door: &Door) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", door.port)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
        stream
    }

    /// Serves until a request has come to the judge.
    fn poll_until_judged(door: &mut Door) -> String {
        let start = Instant::now();
        let mut judged = None;
        while judged.is_none() {
            door.poll(&mut |knock| {
                judged = knock.ok().map(|knock| knock.target.to_owned());
                Secret::from("")
            });
            assert!(start.elapsed() < Duration::from_secs(20), "nothing came");
            std::thread::sleep(Duration::from_millis(1));
        }
        judged.unwrap_or_default()
    }

    /// The status of the answer to a request, and whether the judge saw it.
    fn ask(head: &str) -> (String, bool) {
        let mut door = Door::open().expect("a port");
        let mut stream = connect(&door);
        let head = head.replace("PORT", &door.port.to_string());
        let mut client = stream.try_clone().expect("the same stream");
        // More than the system keeps for the door is written while it is read, until the connection is reset.
        let writer = std::thread::spawn(move || drop(client.write_all(head.as_bytes())));
        let start = Instant::now();
        let mut is_judged = false;
        while !door.visitors.is_empty() || start.elapsed() < Duration::from_millis(30) {
            door.poll(&mut |knock| {
                is_judged |= knock.is_ok();
                Secret::new(format!("HTTP/1.1 {}\r\n\r\n", knock.err().unwrap_or("200 OK")))
            });
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(door);
        writer.join().expect("it does not panic");
        let mut said = String::new();
        // Where more was sent than is read, the connection is reset, perhaps before the answer has arrived.
        let _ = stream.read_to_string(&mut said);
        (said.lines().next().unwrap_or_default().to_owned(), is_judged)
    }

    #[test]
    fn only_a_get_request_for_this_address_is_judged() {
        let host = "Host: 127.0.0.1:PORT\r\n\r\n";
        for (line, rest, status) in [
            ("GET /x", host, "200 OK"),
            ("POST /x", host, "404 Not Found"),
            ("HEAD /x", host, "404 Not Found"),
            ("GET /x", "Host: evil.example:PORT\r\n\r\n", "400 Bad Request"),
            ("GET /x", "Host: 127.0.0.1:PORT\r\nHost: 127.0.0.1:PORT\r\n\r\n", "400 Bad Request"),
            ("GET /x", "Host: 127.0.0.1\r\n\r\n", "400 Bad Request"),
            ("GET /x", "\r\n", "400 Bad Request"),
            ("GET\0/x", host, "400 Bad Request"),
        ] {
            let wanted = (format!("HTTP/1.1 {status}"), status == "200 OK");
            assert_eq!(ask(&format!("{line} HTTP/1.1\r\n{rest}")), wanted, "{line} {rest}");
        }
        // A megabyte: in the address, in a header, or in many.
        for head in [
            format!("GET /x?{} HTTP/1.1\r\n{host}", "x".repeat(1 << 20)),
            format!("GET /x HTTP/1.1\r\nX: {}\r\n{host}", "x".repeat(1 << 20)),
            format!("GET /x HTTP/1.1\r\n{}{host}", "X: y\r\n".repeat(1 << 18)),
            format!("GET /x HTTP/1.1\r\n{}{host}", "X: y\r\n".repeat(65)),
        ] {
            assert!(!ask(&head).1, "{}", head.len());
        }
    }

    #[test]
    fn clients_that_send_nothing_hold_up_nobody_and_are_few() {
        let mut door = Door::open().expect("a port");
        let mut idle = Vec::new();
        for _ in 0..3 * MOST {
            idle.push(connect(&door));
            door.poll(&mut |_| panic!("nobody has sent anything"));
            assert!(door.visitors.len() <= MOST);
        }
        let mut slow = connect(&door);
        slow.write_all(b"GET /slo").expect("it takes it");
        let mut browser = connect(&door);
        let start = Instant::now();
        browser
            .write_all(format!("GET /x HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", door.port).as_bytes())
            .expect("it takes it");
        assert_eq!(poll_until_judged(&mut door), "/x");
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn a_request_may_arrive_in_pieces_and_a_client_that_goes_is_forgotten() {
        let mut door = Door::open().expect("a port");
        let mut browser = connect(&door);
        let host = format!("127.0.0.1:{}", door.port);
        drop(connect(&door));
        for piece in ["GET /a", "?b=c HTTP/1.1\r\nHo", &format!("st: {host}\r\n\r"), "\n"] {
            door.poll(&mut |_| panic!("it is not whole yet"));
            browser.write_all(piece.as_bytes()).expect("it takes it");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(poll_until_judged(&mut door), "/a?b=c");
        assert!(door.visitors.is_empty());
    }
}
