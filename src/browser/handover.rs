//! Hands the browser an address that no other program may see.
//!
//! In: an address that works for whoever has it. Out: a harmless one for the browser's command line, which every user of
//! this machine can read: a random path of a port here, which sends on the first browser that asks for it, once. Whoever
//! guesses gets nothing, and neither does another user who is faster than the browser (on Linux, which tells).

use std::io;

use subtle::ConstantTimeEq;

use super::door::{Door, Knock, unguessable};
use super::peer::is_of_another_user;
use crate::secret::Secret;

/// What everybody reads who is not sent on, and what a browser reads that does not go where it is sent.
const BODY: &str = "<!DOCTYPE html><html lang=en><title>mfa-cred</title><p>There is nothing here.</p></html>\n";

/// An address that waits for the browser.
pub struct Handover {
    door: Door,
    path: Secret<String>,
    address: Secret<String>,
}

impl Handover {
    /// Opens a random port.
    ///
    /// # Errors The system allows none.
    pub fn of(address: Secret<String>) -> io::Result<Self> {
        let path = Secret::concat(&["/", unguessable().expose()]);
        Ok(Self { door: Door::open()?, path, address })
    }

    /// The address for the browser.
    pub fn url(&self) -> String {
        self.door.address(self.path.expose())
    }

    /// Serves who is there, without waiting; true once the browser was sent on.
    pub fn poll(&mut self) -> bool {
        let Self { door, path, address } = self;
        let (port, mut is_done) = (door.port(), false);
        door.poll(&mut |knock| match knock {
            Ok(knock) if !is_done && is_the_browser(&knock, path, port) => {
                is_done = true;
                response("302 Found", &["Location: ", address.expose(), "\r\n"])
            }
            Ok(_) => response("404 Not Found", &[]),
            Err(status) => response(status, &[]),
        });
        is_done
    }
}

/// A whole answer, with one more line in its head.
fn response(status: &str, line: &[&str]) -> Secret<String> {
    let head = format!(
        "Content-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nContent-Security-Policy: default-src 'none'\r\n\
         Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\
         Connection: close\r\n",
        BODY.len()
    );
    Secret::concat(&[&["HTTP/1.1 ", status, "\r\n"], line, &[&head, "\r\n", BODY]].concat())
}

fn is_the_browser(knock: &Knock<'_>, path: &Secret<String>, port: u16) -> bool {
    let is_it = bool::from(knock.target.as_bytes().ct_eq(path.expose().as_bytes()));
    is_it && !knock.from.is_some_and(|from| is_of_another_user(from, port))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    use super::Handover;
    use crate::secret::Secret;

    /// Sends a request for each path at once, and returns the answers.
    fn ask(handover: &mut Handover, paths: &[String]) -> (Vec<String>, bool) {
        let host = format!("127.0.0.1:{}", handover.door.port());
        let mut streams = Vec::new();
        for path in paths {
            let mut stream = TcpStream::connect(&host).expect("it listens");
            stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
            stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).expect("it takes it");
            streams.push(stream);
        }
        let (start, mut is_done) = (Instant::now(), false);
        while start.elapsed() < Duration::from_millis(200) {
            is_done |= handover.poll();
            std::thread::sleep(Duration::from_millis(1));
        }
        let answers = streams.iter_mut().map(|stream| {
            let mut said = String::new();
            stream.read_to_string(&mut said).expect("an answer");
            said
        });
        (answers.collect(), is_done)
    }

    #[test]
    fn the_address_is_given_once_and_to_nobody_who_guesses() {
        let mut handover = Handover::of(Secret::from("https://example.com/secret")).expect("a port");
        let url = handover.url();
        let path = format!("/{}", url.rsplit('/').next().expect("a path"));
        assert_eq!(path.len(), 65);
        let guesses =
            ["/", "/favicon.ico", &path[..64], &format!("{path}?x"), &format!("{path}0"), &path.to_uppercase()];
        let (answers, is_done) = ask(&mut handover, &guesses.map(str::to_owned));
        assert!(!is_done);
        assert!(answers.iter().all(|it| it.starts_with("HTTP/1.1 404 ") && !it.contains("secret")), "{answers:?}");
        let (answers, is_done) = ask(&mut handover, &[path.clone(), path]);
        assert!(is_done);
        let is_sent_on = |answer: &&String| answer.contains("Location: https://example.com/secret\r\n");
        assert_eq!(answers.iter().filter(is_sent_on).count(), 1, "{answers:?}");
        for answer in answers {
            for line in ["Referrer-Policy: no-referrer", "Cache-Control: no-store", "Connection: close"] {
                assert!(answer.lines().any(|said| said == line), "{line} is not in {answer}");
            }
        }
    }
}
