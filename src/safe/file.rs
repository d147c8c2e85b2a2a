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
use serde::{Deserialize, Serialize};

use crate::names::{AccountId, ProfileName};
use crate::secret::Secret;
use crate::vault::PersistentKey;
use crate::vault::seal::{SealError, open, seal};

/// The first line. Another number is another format.
const MAGIC: &str = "mfa-cred access key 1";

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

/// A sealed key as it is on disk.
pub(super) struct Sealed {
    pub(super) header: Header,
    clear: Vec<u8>,
    body: Vec<u8>,
}

impl Sealed {
    /// Parses a file; `None` if it is not one of this format.
    pub(super) fn read(mut bytes: Vec<u8>) -> Option<Self> {
        let header = bytes.strip_prefix(MAGIC.as_bytes())?.strip_prefix(b"\n")?;
        let end = header.iter().position(|&b| b == b'\n')?;
        let header: Header = serde_json::from_slice(&header[..end]).ok()?;
        let body = bytes.split_off(MAGIC.len() + 1 + end + 1);
        Some(Self { header, clear: bytes, body })
    }

    /// The secret access key; `None` if another key sealed it, or if the file is not what it claims to be.
    pub(super) fn open(&self, key: &PersistentKey) -> Option<Secret<String>> {
        if self.header.key != key.id.as_str() {
            return None;
        }
        let plain = open(&key.key, &self.clear, &self.body)?;
        Some(Secret::from(std::str::from_utf8(plain.expose()).ok()?))
    }

    /// The bytes of a new file.
    pub(super) fn write(header: Header, secret: &Secret<String>, key: &PersistentKey) -> Result<Vec<u8>, SealError> {
        let header = Header { key: key.id.as_str().to_owned(), ..header };
        let header = serde_json::to_string(&header).expect("a header is plain text and times");
        let clear = format!("{MAGIC}\n{header}\n").into_bytes();
        let sealed = seal(&key.key, &clear, &Secret::new(secret.expose().as_bytes().to_vec()))?;
        Ok([clear, sealed].concat())
    }
}
