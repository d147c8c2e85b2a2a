//! Which requests get in. Pure.
//!
//! Every program of this machine can connect, and so can a page in a browser, whose scripts may use a name that was made
//! to lead to 127.0.0.1. So the token decides, and besides, a request counts only if it is addressed to us (`Host`) and
//! comes from no page (`Origin`). Who lacks the token does not learn which profiles there are.

use percent_encoding::percent_decode_str;

use super::Token;
use super::answer::Refusal;
use crate::names::{HostHeader, ProfileName};
use crate::output::ENDPOINT_PREFIX;

/// The most headers of a request. SDKs send about ten.
const MOST_HEADERS: usize = 64;

/// What a request must match.
#[derive(Debug)]
pub struct Gate {
    hosts: Vec<HostHeader>,
    token: Token,
    profiles: Vec<ProfileName>,
}

impl Gate {
    /// For a server on this port of 127.0.0.1.
    pub fn new(port: u16, also: &[HostHeader], token: Token, profiles: Vec<ProfileName>) -> Self {
        let own = ["127.0.0.1", "localhost"].map(|host| format!("{host}:{port}").parse().expect("a host and a port"));
        Self { hosts: own.into_iter().chain(also.iter().cloned()).collect(), token, profiles }
    }

    /// The profiles, in the order of [`Gate::judge`]'s numbers.
    pub(super) fn profiles(&self) -> &[ProfileName] {
        &self.profiles
    }

    pub(super) fn token(&self) -> &Token {
        &self.token
    }

    /// The number of the profile that a request's head asks for.
    pub(super) fn judge(&self, head: &[u8]) -> Result<usize, Refusal> {
        let bad = |message| Refusal::new("400 Bad Request", "BadRequest", message);
        let denied = |message| Refusal::new("403 Forbidden", "AccessDenied", message);
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(_)) => {}
            Err(httparse::Error::TooManyHeaders) => return Err(too_large()),
            _ => return Err(bad("this is not an HTTP request")),
        }
        let mut found = [("host", None), ("origin", None), ("authorization", None)];
        for header in parsed.headers.iter() {
            let Some((_, value)) = found.iter_mut().find(|(name, _)| header.name.eq_ignore_ascii_case(name)) else {
                continue;
            };
            if value.replace(header.value).is_some() {
                return Err(bad("a header is there twice"));
            }
        }
        let [(_, host), (_, origin), (_, authorization)] = found;
        if !host.is_some_and(|sent| self.hosts.iter().any(|host| host.is(sent))) {
            return Err(denied("the `Host` header names another server"));
        }
        if origin.is_some() {
            return Err(denied("web pages get no credentials"));
        }
        if parsed.method != Some("GET") {
            return Err(Refusal::new("405 Method Not Allowed", "MethodNotAllowed", "only GET is allowed"));
        }
        if !authorization.is_some_and(|sent| self.token.is(sent)) {
            return Err(denied("the token in the `Authorization` header is missing or wrong"));
        }
        self.asked_for(parsed.path.unwrap_or_default())
            .ok_or_else(|| Refusal::new("404 Not Found", "ProfileNotServed", "this server does not serve that profile"))
    }

    fn asked_for(&self, path: &str) -> Option<usize> {
        let name = path.strip_prefix(ENDPOINT_PREFIX).filter(|name| !name.contains(['?', '#']))?;
        let name: Vec<u8> = percent_decode_str(name).collect();
        self.profiles.iter().position(|profile| profile.as_str().as_bytes() == name)
    }
}

/// For a request that is longer than any should be.
pub(super) fn too_large() -> Refusal {
    Refusal::new("431 Request Header Fields Too Large", "RequestTooLarge", "the request is too large")
}
