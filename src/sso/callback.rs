//! The address on this machine to which the browser is sent back: one answer is taken, and nothing else is served.
//!
//! Any program of this machine and any page in the browser can connect to it. So only a request with the secret `state` of
//! this sign-in counts, even for saying that it was denied; every other one gets a short refusal.

use std::io;

use percent_encoding::percent_decode_str;
use subtle::ConstantTimeEq;

use super::page::Page;
use crate::browser::door::{Door, Knock};
use crate::secret::Secret;

/// The path of the registered redirect URI.
const PATH: &str = "/oauth/callback";

/// The open address.
pub(super) struct Callback {
    door: Door,
    state: Secret<String>,
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

impl Callback {
    /// Opens a random port for a sign-in with this secret.
    pub(super) fn open(state: Secret<String>) -> io::Result<Self> {
        Ok(Self { door: Door::open()?, state })
    }

    /// The address, with the port.
    pub(super) fn redirect_uri(&self) -> String {
        self.door.address(PATH)
    }

    /// Serves who is there, without waiting; `Some` once the browser has come back.
    pub(super) fn poll(&mut self) -> Option<Answer> {
        let (mut answer, state) = (None, &self.state);
        self.door.poll(&mut |knock| {
            let (page, brought) = match knock {
                Ok(knock) => judged(&knock, state),
                Err(status) => (Page::Refused(status), None),
            };
            answer = answer.take().or(brought);
            Secret::new(page.response())
        });
        answer
    }
}

/// What a request gets, and what it brings.
fn judged(knock: &Knock<'_>, secret: &Secret<String>) -> (Page, Option<Answer>) {
    let refused = |status| (Page::Refused(status), None);
    let Some((PATH, query)) = knock.target.split_once('?') else { return refused("404 Not Found") };
    let state = only(query, "state");
    let is_ours = state.is_some_and(|it| bool::from(it.expose().as_bytes().ct_eq(secret.expose().as_bytes())));
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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    use super::{Answer, Callback, Page, judged};
    use crate::browser::door::Knock;
    use crate::secret::Secret;

    #[test]
    fn only_the_redirect_of_this_sign_in_counts() {
        for (target, status, brought) in [
            ("/oauth/callback?code=a%2Fb+c&state=s3cret", "", Some("a/b c")),
            ("/oauth/callback?state=s3cret&error=access_denied&error_description=x", "", Some("denied")),
            ("/oauth/callback?state=s3cret&error=server_error", "", Some("failed: server_error")),
            ("/oauth/callback?state=s3cret&error=%1b%5B2J%0a", "", Some("failed: unknown_error")),
            ("/oauth/callback?state=s3cret&error=", "", Some("failed: unknown_error")),
            ("/oauth/callback?state=s3cret&code=%00%0d%0aX:%20%22%5c%e2%82%ac", "", Some("\0\r\nX: \"\\€")),
            ("/oauth/callback?state=s3cret&code=%ff", "400 Bad Request", None),
            ("/oauth/callback?state=s3cret&code=x&CODE=y&x", "", Some("x")),
            ("/oauth/callback?code=x&state=other", "403 Forbidden", None),
            ("/oauth/callback?code=x&state=s3cre", "403 Forbidden", None),
            ("/oauth/callback?code=x&state=", "403 Forbidden", None),
            ("/oauth/callback?code=x", "403 Forbidden", None),
            ("/oauth/callback?error=access_denied", "403 Forbidden", None),
            ("/oauth/callback?state=s3cret&state=s3cret&code=x", "403 Forbidden", None),
            ("/oauth/callback?state=s3cret&code=x&code=y", "400 Bad Request", None),
            ("/oauth/callback?state=s3cret&code=x&error=y", "400 Bad Request", None),
            ("/oauth/callback?state=s3cret&code=", "400 Bad Request", None),
            ("/oauth/callback?state=s3cret", "400 Bad Request", None),
            ("/oauth/callback/?code=x&state=s3cret", "404 Not Found", None),
            ("/oauth/callback", "404 Not Found", None),
            ("/favicon.ico", "404 Not Found", None),
        ] {
            let (page, answer) = judged(&Knock { target, from: None }, &Secret::from("s3cret"));
            let answer = answer.map(|answer| match answer {
                Answer::Code(code) => code.expose().clone(),
                Answer::Denied => "denied".to_owned(),
                Answer::Failed(error) => format!("failed: {error}"),
            });
            assert_eq!(answer.as_deref(), brought, "{target}");
            let refused = if let Page::Refused(status) = page { status } else { "" };
            assert_eq!(refused, status, "{target}");
        }
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

    #[test]
    fn an_answer_for_another_sign_in_does_not_end_this_one_and_the_first_of_two_counts() {
        let mut callback = Callback::open(Secret::from("s3cret")).expect("a port");
        let port = callback.door.port();
        let send = |query: &str| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
            let head = format!("GET /oauth/callback?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
            stream.write_all(head.as_bytes()).expect("it takes it");
            stream
        };
        let _theirs = [send("code=theirs&state=s3cre7"), send("error=access_denied&state=x")];
        poll_until(&mut callback, |answer| {
            assert!(answer.is_none());
            Some(())
        });
        let both = [send("code=first&state=s3cret"), send("code=second&state=s3cret")];
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
}
