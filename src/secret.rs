//! Secrets, and the only way to read them.
//!
//! Everything confidential (secret access keys, session tokens, MFA codes, sealing keys, the text of the credentials
//! file) lives in a [`Secret`] from the moment it exists. Its `Debug` prints `[redacted]`, it has no `Display`, it is
//! zeroed when dropped, and the value is available only through [`Secret::expose`], so a search for that word finds
//! every use of a secret. Long-lived secrets (a sealing key, a code that waits to be sent) are [`Locked`] instead: the
//! system is asked to keep them out of swap. This module does no I/O.

mod locked;

pub mod shown;

use std::fmt;

use jiff::Timestamp;
use zeroize::Zeroize;

use crate::names::AccountId;

pub use locked::Locked;

/// A value that can be zeroed in place, including its spare capacity.
pub trait Wipe: Zeroize {
    /// Overwrites the value with zeros.
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl Wipe for String {}

impl<const N: usize> Wipe for [u8; N] {}

impl Wipe for Vec<u8> {
    /// Clearing first makes all of the memory spare capacity, which is zeroed in one pass and not byte by byte.
    fn wipe(&mut self) {
        self.clear();
        self.zeroize();
    }
}

/// A value that is never printed and is zeroed when dropped.
pub struct Secret<T: Wipe>(T);

impl<T: Wipe> Secret<T> {
    /// Wraps the value. If the caller keeps a copy, the caller must zero it.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The only way to read the value.
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
    /// Joins the parts in one buffer of the right size. A buffer that grows, like `format!`'s, leaves unzeroed copies.
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

/// A TOTP code: exactly six digits, as STS requires for `TokenCode`. It may have to wait for up to 30 seconds.
#[derive(Clone, Debug)]
pub struct Code(Locked);

impl Code {
    /// Parses a code typed by a person or printed by a program. White space around and inside it is allowed (`123
    /// 456`). Returns `None` if the rest is not six ASCII digits; the input is not kept.
    pub fn parse(input: &str) -> Option<Self> {
        let digits: Secret<String> = Secret::new(input.chars().filter(|c| !c.is_whitespace()).collect());
        let legal = digits.expose().len() == 6 && digits.expose().bytes().all(|b| b.is_ascii_digit());
        legal.then(|| Self(Locked::copy_of(digits.expose().as_bytes())))
    }

    /// The six digits.
    pub fn expose(&self) -> &str {
        std::str::from_utf8(self.0.expose()).expect("digits are text")
    }
}

/// AWS credentials: long-term (no token, no expiration) or those of a session.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `AKIA…` for a user, `ASIA…` for a session. An identifier, not a secret.
    pub access_key_id: String,
    /// The key that signs requests.
    pub secret_access_key: Secret<String>,
    /// Present for sessions. More than 1,000 characters with regional endpoints; AWS guarantees no maximum length.
    pub session_token: Option<Secret<String>>,
    /// When temporary credentials expire, in UTC.
    pub expiration: Option<Timestamp>,
    /// The account they belong to, if it is known without a call.
    pub account: Option<AccountId>,
}

impl Credentials {
    /// A user's access key.
    pub fn long_term(access_key_id: &str, secret: Secret<String>) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret,
            session_token: None,
            expiration: None,
            account: None,
        }
    }

    /// Is this a user's long-term access key, not a session?
    pub fn is_long_term(&self) -> bool {
        self.session_token.is_none()
    }

    /// The part that is empty or contains a control character. Such a part cannot be sent in a request's headers, and
    /// the program that receives it might read it as something else.
    pub fn unsendable(&self) -> Option<&'static str> {
        let token = self.session_token.as_ref().map(|token| ("the session token", token.expose().as_str()));
        let secret = ("the secret access key", self.secret_access_key.expose().as_str());
        let parts = [("the access key ID", self.access_key_id.as_str()), secret].into_iter().chain(token);
        let is_bad = |text: &str| text.is_empty() || text.contains(char::is_control);
        parts.into_iter().find(|(_, text)| is_bad(text)).map(|(part, _)| part)
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Secret};

    #[test]
    fn a_code_is_six_digits_and_may_contain_spaces() {
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
    fn debug_output_is_redacted() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "[redacted]");
        assert!(!format!("{:?}", Code::parse("123456")).contains("123456"));
    }
}
