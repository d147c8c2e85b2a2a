//! Names for files that stand for a text and do not hold it.

use sha2::{Digest as _, Sha256};

/// SHA-256 over parts, each with its length before it, so that no two lists of parts have the same digest.
pub struct Digest(Sha256);

impl Digest {
    /// Starts with what the digest is for: digests for different purposes never meet.
    pub fn of(purpose: &str) -> Self {
        Self(Sha256::new()).text(purpose)
    }

    /// With these bytes.
    #[must_use]
    pub fn part(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// With this text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.part(text.as_bytes())
    }

    /// With a text that may be absent, which differs from an empty one.
    #[must_use]
    pub fn option(self, text: Option<&str>) -> Self {
        self.list(text.into_iter())
    }

    /// With a list of texts and its length.
    #[must_use]
    pub fn list<'t>(self, texts: impl Iterator<Item = &'t str>) -> Self {
        let texts: Vec<&str> = texts.collect();
        texts.iter().fold(self.part(&(texts.len() as u64).to_le_bytes()), |digest, text| digest.text(text))
    }

    /// The 32 bytes.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// A file name for a text. Every version of this program makes the same one, since locks go by it.
pub fn digest_name(text: &str) -> String {
    base16ct::lower::encode_string(&Digest::of("mfa-cred name").text(text).finish()[..16])
}
