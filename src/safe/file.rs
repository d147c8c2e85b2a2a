//! One sealed access key: a clear header that tells whose it is, and the sealed secret.
//!
//! ```text
//! mfa-cred access key 1
//! {"profile":"…","access_key_id":"AKIA…",…}
//! (nonce, ciphertext, tag)
//! ```
//!
//! The header is authenticated together with the secret: a file that was edited, or put in another profile's place, does not
//! open.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::names::{AccountId, ProfileName};
use crate::secret::Secret;
use crate::vault::seal::{SealError, open, seal};
use crate::vault::{KeyId, PersistentKey};

/// The clear header of a sealed file.
pub(super) trait Heading: DeserializeOwned + Serialize {
    /// The first line. Another number is another format.
    const MAGIC: &'static str;

    /// The id of the sealing key.
    fn key(&self) -> &str;

    /// The same header for a file that this key seals.
    fn under(self, key: &KeyId) -> Self;
}

/// The clear header of a sealed key, readable without a sealing key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Header {
    /// The profile that it belongs to.
    pub profile: String,
    /// The key's identifier.
    pub access_key_id: String,
    /// The user, as GetCallerIdentity named it when the key was sealed.
    pub arn: String,
    /// When it was sealed, by AWS's clock.
    pub sealed: Timestamp,
    /// When AWS made it, if that was known then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// The id of the sealing key.
    key: String,
}

impl Header {
    /// The header of a key that is to be sealed.
    pub(super) fn new(profile: &ProfileName, access_key_id: &str, arn: &str, now: Timestamp) -> Self {
        Self {
            profile: profile.as_str().to_owned(),
            access_key_id: access_key_id.to_owned(),
            arn: arn.to_owned(),
            sealed: now,
            created: None,
            key: String::new(),
        }
    }

    /// The account of its user.
    pub fn account(&self) -> Option<AccountId> {
        self.arn.split(':').nth(4)?.parse().ok()
    }

    /// The user's name, or `root`.
    pub fn user(&self) -> &str {
        self.arn.rsplit(['/', ':']).next().unwrap_or_default()
    }
}

impl Heading for Header {
    const MAGIC: &'static str = "mfa-cred access key 1";

    fn key(&self) -> &str {
        &self.key
    }

    fn under(self, key: &KeyId) -> Self {
        Self { key: key.as_str().to_owned(), ..self }
    }
}

/// A sealed secret as it is on disk.
pub(super) struct Sealed<H> {
    pub(super) header: H,
    clear: Vec<u8>,
    body: Vec<u8>,
}

impl<H: Heading> Sealed<H> {
    /// Parses a file; `None` if it is not one of this format.
    pub(super) fn read(mut bytes: Vec<u8>) -> Option<Self> {
        let header = bytes.strip_prefix(H::MAGIC.as_bytes())?.strip_prefix(b"\n")?;
        let end = header.iter().position(|&b| b == b'\n')?;
        let header: H = serde_json::from_slice(&header[..end]).ok()?;
        let body = bytes.split_off(H::MAGIC.len() + 1 + end + 1);
        Some(Self { header, clear: bytes, body })
    }

    /// The secret; `None` if another key sealed it, or if the file is not what it claims to be.
    pub(super) fn open(&self, key: &PersistentKey) -> Option<Secret<String>> {
        if self.header.key() != key.id.as_str() {
            return None;
        }
        let plain = open(&key.key, &self.clear, &self.body)?;
        Some(Secret::from(std::str::from_utf8(plain.expose()).ok()?))
    }

    /// The bytes of a new file.
    pub(super) fn write(header: H, secret: &Secret<String>, key: &PersistentKey) -> Result<Vec<u8>, SealError> {
        let header = serde_json::to_string(&header.under(&key.id)).expect("a header is plain text and times");
        let clear = format!("{}\n{header}\n", H::MAGIC).into_bytes();
        let sealed = seal(&key.key, &clear, &Secret::new(secret.expose().as_bytes().to_vec()))?;
        Ok([clear, sealed].concat())
    }
}
