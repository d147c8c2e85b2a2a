//! Secrets, and the one way out of them.
//!
//! Everything that must not be seen (secret access keys, session tokens, MFA codes, sealing keys, the text of the
//! credentials file) lives in a [`Secret`] from the moment it exists. Its `Debug` says `[redacted]`, it has no
//! `Display`, it is zeroed when dropped, and the value leaves only through [`Secret::expose`], so that a search for
//! that word finds every place where a secret is used. What lives long (a sealing key, a code that waits to be sent) is a
//! [`Locked`] instead, which the system is asked to keep out of the swap. This module does no I/O.

mod locked;

pub mod shown;

use std::fmt;

use jiff::Timestamp;
use zeroize::Zeroize;

use crate::names::AccountId;

pub use locked::Locked;

/// What can be zeroed in place, all of its memory included.
pub trait Wipe: Zeroize {
    /// Zeroes it.
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl Wipe for String {}

impl<const N: usize> Wipe for [u8; N] {}

impl Wipe for Vec<u8> {
    /// At the speed of the memory: of an empty vector all is spare, which is zeroed at once and not byte by byte.
    fn wipe(&mut self) {
        self.clear();
        self.zeroize();
    }
}

/// A value that is never shown and is zeroed when dropped.
pub struct Secret<T: Wipe>(T);

impl<T: Wipe> Secret<T> {
    /// Takes the value in. The caller's copy, if there is one, is the caller's to zero.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The one way out.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Wipe> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl<T: Wipe> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T: Wipe + Clone> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Secret<String> {
    /// The parts in one buffer of the right size: one that grows, as `format!`'s does, leaves unzeroed copies behind.
    pub fn concat(parts: &[&str]) -> Self {
        let mut whole = String::with_capacity(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            whole.push_str(part);
        }
        Self(whole)
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

/// A TOTP code: exactly six digits, as STS demands of `TokenCode`. It may wait half a minute for its turn.
#[derive(Clone, Debug)]
pub struct Code(Locked);

impl Code {
    /// Reads a code as a person or a program gives it; white space around and inside is forgiven (`123 456`).
    /// `None` when what remains is not six ASCII digits; the input is not kept.
    pub fn parse(input: &str) -> Option<Self> {
        let digits: Secret<String> = Secret::new(input.chars().filter(|c| !c.is_whitespace()).collect());
        let legal = digits.expose().len() == 6 && digits.expose().bytes().all(|b| b.is_ascii_digit());
        legal.then(|| Self(Locked::copy_of(digits.expose().as_bytes())))
    }

    /// The digits.
    pub fn expose(&self) -> &str {
        std::str::from_utf8(self.0.expose()).expect("digits are text")
    }
}

/// AWS credentials: long-term (no token, no end) or those of a session.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `AKIA…` of a user, `ASIA…` of a session. An identifier, not a secret.
    pub access_key_id: String,
    /// Signs requests.
    pub secret_access_key: Secret<String>,
    /// Present for sessions; over 1,000 characters with regional endpoints, and its length has no promised bound.
    pub session_token: Option<Secret<String>>,
    /// When a session ends, in UTC.
    pub expiration: Option<Timestamp>,
    /// The account they belong to, where it is known without a call.
    pub account: Option<AccountId>,
}

impl Credentials {
    /// Does a user's own access key sign here, rather than a session?
    pub fn is_long_term(&self) -> bool {
        self.session_token.is_none()
    }

    /// The part that is empty, or has a control character in it: a request could not carry it in its headers, and
    /// whoever gets it next might read it as something else.
    pub fn unsendable(&self) -> Option<&'static str> {
        let token = self.session_token.as_ref().map(|token| ("the session token", token.expose().as_str()));
        let secret = ("the secret access key", self.secret_access_key.expose().as_str());
        let parts = [("the access key id", self.access_key_id.as_str()), secret].into_iter().chain(token);
        let is_bad = |text: &str| text.is_empty() || text.contains(char::is_control);
        parts.into_iter().find(|(_, text)| is_bad(text)).map(|(part, _)| part)
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Secret};

    #[test]
    fn a_code_is_six_digits_and_forgives_spaces() {
        for (input, legal) in [
            ("123456", true),
            (" 123 456\n", true),
            ("12345", false),
            ("1234567", false),
            ("12345a", false),
            ("１２３４５６", false),
            ("", false),
        ] {
            assert_eq!(Code::parse(input).is_some(), legal, "{input:?}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "[redacted]");
        assert!(!format!("{:?}", Code::parse("123456")).contains("123456"));
    }
}
