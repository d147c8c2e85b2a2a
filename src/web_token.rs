//! The file with the token of a web identity, and what the token says of itself.
//!
//! The file is rotated by whatever wrote it (a kubelet, a CI job, a login tool), often hourly, so it is read anew for
//! each call. The issuer and the subject in it tell one identity from another; they are not verified here, since only AWS
//! decides what they are worth, and a forged pair finds no cached session that its owner could not have read anyway.

use std::fmt;
use std::io;
use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::host::read_regular;
use crate::secret::Secret;

/// What AWS accepts, in characters.
const LONGEST: usize = 20_000;

/// Who a token is for, in the words of its issuer. `None` for a claim that it lacks, and for a token of another kind.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Identity {
    /// `iss`
    #[serde(rename = "iss")]
    pub issuer: Option<String>,
    /// `sub`
    #[serde(rename = "sub")]
    pub subject: Option<String>,
}

#[derive(Deserialize)]
struct Times {
    exp: i64,
}

/// Why a file gives no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The system's reason, or that it is no regular file.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// More than AWS accepts.
    #[error("it is longer than the 20,000 characters that AWS accepts")]
    TooLong,
    /// A token is one word of plain text.
    #[error("it holds something other than one token")]
    NotAToken,
}

/// Tells whose token a file holds, without asking anybody.
pub trait TokenFiles: fmt::Debug + Send + Sync {
    /// The identity in the token; the default if the file cannot be read, or if the token does not tell.
    fn identity(&self, file: &Path) -> Identity;
}

/// The files of this machine.
#[derive(Debug)]
pub struct RealTokenFiles;

impl TokenFiles for RealTokenFiles {
    fn identity(&self, file: &Path) -> Identity {
        read(file).map(|token| identity(token.expose())).unwrap_or_default()
    }
}

/// The token in a file. The path is taken as it stands, as in the SDKs: relative to the working folder, and `~` is the
/// name of a file like any other.
///
/// # Errors
/// The file is not there, or holds no token.
pub fn read(file: &Path) -> Result<Secret<String>, TokenError> {
    let bytes = read_regular(file)?;
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| TokenError::NotAToken)?.trim_ascii();
    match text {
        "" => Err(TokenError::Empty),
        _ if text.chars().any(|c| c.is_control() || c.is_whitespace()) => Err(TokenError::NotAToken),
        _ if text.chars().count() > LONGEST => Err(TokenError::TooLong),
        _ => Ok(Secret::from(text)),
    }
}

/// When a token expires (`exp`), if it tells.
pub fn expiration(token: &Secret<String>) -> Option<Timestamp> {
    let Times { exp } = claims(token.expose())?;
    Timestamp::from_second(exp).ok()
}

fn identity(token: &str) -> Identity {
    claims(token).unwrap_or_default()
}

/// The claims in the middle part of a JSON web token (RFC 7519).
fn claims<T: DeserializeOwned>(token: &str) -> Option<T> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let claims = Secret::new(Base64UrlUnpadded::decode_vec(claims).ok()?);
    serde_json::from_slice(claims.expose()).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use base64ct::{Base64UrlUnpadded, Encoding};

    use super::{Identity, RealTokenFiles, TokenFiles, read};

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", Base64UrlUnpadded::encode_string(claims.as_bytes()))
    }

    #[test]
    fn the_issuer_and_the_subject_identify_a_token() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        for (token, issuer, subject) in [
            (
                jwt(r#"{"iss":"https://oidc.example","sub":"system:serviceaccount:a:b","exp":1}"#),
                Some("https://oidc.example"),
                Some("system:serviceaccount:a:b"),
            ),
            (jwt(r#"{"sub":"x","aud":["sts.amazonaws.com"]}"#), None, Some("x")),
            (jwt(r#"{"iss":7}"#), None, None),
            (jwt("not JSON"), None, None),
            ("e30.!!.c2ln".to_owned(), None, None),
            (jwt(r#"{"sub":"x"}"#) + ".more", None, None),
            ("an-opaque-token".to_owned(), None, None),
            (String::new(), None, None),
        ] {
            fs::write(&file, format!("{token}\n")).expect("it is written");
            let wanted = Identity { issuer: issuer.map(str::to_owned), subject: subject.map(str::to_owned) };
            assert_eq!(RealTokenFiles.identity(&file), wanted, "{token}");
        }
        assert_eq!(RealTokenFiles.identity(&folder.path().join("none")), Identity::default());
    }

    #[test]
    fn a_file_holds_one_token_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        for (text, wanted) in [
            ("abcd".to_owned(), Ok("abcd")),
            ("abcd\n".to_owned(), Ok("abcd")),
            ("\r\n abcd \r\n".to_owned(), Ok("abcd")),
            (String::new(), Err("it is empty")),
            (" \n".to_owned(), Err("it is empty")),
            ("two words".to_owned(), Err("it holds something other than one token")),
            ("two\nlines".to_owned(), Err("it holds something other than one token")),
            ("a\x1b[2J".to_owned(), Err("it holds something other than one token")),
            ("x".repeat(20_001), Err("it is longer than the 20,000 characters that AWS accepts")),
        ] {
            fs::write(&file, &text).expect("it is written");
            let found = read(&file).map(|token| token.expose().clone()).map_err(|error| error.to_string());
            assert_eq!(found.as_deref().map_err(String::as_str), wanted, "{text:?}");
        }
        fs::write(&file, [0xff, 0xfe, b'a']).expect("it is written");
        assert!(read(&file).is_err());
        let why = if cfg!(windows) { "Access denied. (os error 5)" } else { "Is a directory (os error 21)" };
        assert_eq!(read(folder.path()).expect_err("a folder").to_string(), why);
    }
}
