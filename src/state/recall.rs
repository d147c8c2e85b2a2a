//! How commands that take credentials back (`clear`, `logout`, `keys remove`) tell the servers that hold some in memory.
//!
//! A file in the state folder gets a new random text. A server compares it before it answers, and forgets what it holds
//! when it differs, or is gone.

use std::io;

use super::Folder;
use crate::vault::KeyId;

/// The name of the file.
const FILE: &str = "recall";

/// The last time that credentials were taken back; equal to another one if none were in between.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recall(Option<Vec<u8>>);

impl Recall {
    /// The last one in this folder.
    pub fn last(folder: &Folder) -> Self {
        Self(folder.read(FILE))
    }

    /// Makes every server of this folder forget what it holds. Called after the credentials are gone from the cache, for
    /// a server asks the cache again at once.
    ///
    /// # Errors
    /// The system's: a server may then go on.
    pub fn declare(folder: &Folder) -> io::Result<()> {
        let text = KeyId::random().map_err(io::Error::other)?;
        folder.write("", FILE, text.as_str().as_bytes())
    }
}
