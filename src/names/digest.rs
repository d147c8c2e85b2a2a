//! File names that identify a text without containing it.

use sha2::{Digest as _, Sha256};

/// SHA-256 over parts, each preceded by its length, so that no two lists of parts have the same digest.
pub struct Digest(Sha256);

impl Digest {
    /// Starts with the purpose of the digest, so that digests for different purposes never collide.
    pub fn of(purpose: &str) -> Self {
        Self(Sha256::new()).text(purpose)
    }

    /// Adds bytes.
    #[must_use]
    pub fn part(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.part(text.as_bytes())
    }

    /// Adds a text that may be absent; absent and empty differ.
    #[must_use]
    pub fn option(self, text: Option<&str>) -> Self {
        self.list(text.into_iter())
    }

    /// Adds a list of texts, preceded by its length.
    #[must_use]
    pub fn list<'t>(self, texts: impl Iterator<Item = &'t str>) -> Self {
        let texts: Vec<&str> = texts.collect();
        texts.iter().fold(self.part(&(texts.len() as u64).to_le_bytes()), |digest, text| digest.text(text))
    }

    /// The 32 bytes of the digest.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// A file name for a text. It must stay the same in every version of this program, since locks depend on it.
pub fn digest_name(text: &str) -> String {
    base16ct::lower::encode_string(&Digest::of("mfa-cred name").text(text).finish()[..16])
}
