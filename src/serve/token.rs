//! The secret that a client must send.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::ServeError;
use crate::host::Files;
use crate::os::files;
use crate::secret::Secret;

/// In characters. A token from elsewhere must be as hard to guess as a password generator's.
const SHORTEST: usize = 32;
/// In characters. Clients send it in a header, and what a request may hold is bounded.
const LONGEST: usize = 4096;

const ODD: &str = "contains other characters than letters, digits and `+/=._-`";

/// What is in the `Authorization` header of every request.
#[derive(Clone, Debug)]
pub struct Token(Secret<String>);

impl Token {
    /// 256 random bits.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn random() -> Result<Self, ServeError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|error| ServeError::Failed(io::Error::other(error.to_string())))?;
        Ok(Self(Secret::new(base16ct::lower::encode_string(&*bytes))))
    }

    /// The token in a file, which is made if it is not there. It has no line end, since SDKs refuse one.
    ///
    /// # Errors
    /// [`ServeError::TokenFile`], [`ServeError::TokenFileIo`].
    pub fn in_file(path: &Path, files: &dyn Files) -> Result<Self, ServeError> {
        let unusable = |source| ServeError::TokenFileIo { path: path.to_owned(), source };
        let token = Self::random()?;
        match files::for_the_owner(OpenOptions::new().write(true).create_new(true)).open(path) {
            Ok(mut file) => {
                let written = file.write_all(token.0.expose().as_bytes());
                return written.map(|()| token).map_err(|error| {
                    // Half a token would be refused by the next start.
                    let _ = fs::remove_file(path);
                    unusable(error)
                });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unusable(error)),
        }
        let wrong = |why| ServeError::TokenFile { path: path.to_owned(), why };
        if files::standing(&fs::metadata(path).map_err(unusable)?).lets_in {
            return Err(wrong("can be read or written by other users"));
        }
        let bytes = files.read_regular(path).map_err(unusable)?;
        let text = std::str::from_utf8(bytes.expose()).map_err(|_| wrong(ODD))?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "+/=._-".contains(c);
        match text {
            text if text.contains(['\r', '\n']) => Err(wrong("contains a line break, which SDKs refuse")),
            // Others would have to be quoted for shells and in files.
            text if !text.chars().all(is_plain) => Err(wrong(ODD)),
            text if text.len() < SHORTEST => Err(wrong("contains a token that is too short: 32 characters are needed")),
            text if text.len() > LONGEST => Err(wrong("contains a token that is too long")),
            text => Ok(Self(Secret::from(text))),
        }
    }

    /// From a running server.
    pub(super) fn told(text: Secret<String>) -> Self {
        Self(text)
    }

    /// The text of the header.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Is it this one? Takes as long for every answer, so nobody can find it out character by character.
    pub(super) fn is(&self, sent: &[u8]) -> bool {
        self.0.expose().as_bytes().ct_eq(sent).into()
    }
}
