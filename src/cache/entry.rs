//! One sealed entry: a clear header that tells what it is, and the sealed credentials.
//!
//! ```text
//! mfa-cred entry 1
//! {"identity":"…","profile":"…","kind":"role",…}
//! (nonce, ciphertext, tag)
//! ```
//!
//! The file's name and the header are authenticated together with the credentials, so an edited, renamed or swapped
//! file cannot be opened.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::identity::{EntryKind, Key, MAGIC};
use crate::names::Partition;
use crate::secret::{Credentials, Secret};
use crate::vault::UnlockedKey;
use crate::vault::seal::{SealError, SealingKey, open, seal};

/// The clear header of an entry, readable without a key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Header {
    /// The digest of the entry's key, which is also the file's name.
    pub identity: String,
    /// The profile that it was made for.
    pub profile: String,
    /// The kind of session that it contains.
    pub kind: EntryKind,
    /// The account, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The role's ARN, or its name if IAM Identity Center gave the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// When AWS made it, by AWS's clock.
    pub made: Timestamp,
    /// When it expires, by AWS's clock.
    pub end: Timestamp,
    /// The name of that clock, if it is not that of AWS's first partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// The login at IAM Identity Center that it came from, as a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The id of the sealing key.
    pub key: String,
}

/// An entry as it is on disk.
pub(super) struct Sealed {
    pub(super) header: Header,
    clear: Vec<u8>,
    body: Vec<u8>,
}

impl Sealed {
    /// Parses a file; `None` if it is not an entry of this format.
    pub(super) fn read(mut bytes: Vec<u8>) -> Option<Self> {
        let header = bytes.strip_prefix(MAGIC.as_bytes())?.strip_prefix(b"\n")?;
        let end = header.iter().position(|&b| b == b'\n')?;
        let header: Header = serde_json::from_slice(&header[..end]).ok()?;
        let body = bytes.split_off(MAGIC.len() + 1 + end + 1);
        Some(Self { header, clear: bytes, body })
    }

    /// Decrypts the credentials; `None` if another key encrypted them, or if the entry is not what it claims to be.
    pub(super) fn open(&self, key: &Key, held: &UnlockedKey) -> Option<Credentials> {
        if self.header.identity != key.file_name() || self.header.key != held.id.as_str() {
            return None;
        }
        let plain = open(&held.key, &authenticated(key.file_name(), &self.clear), &self.body)?;
        let text = std::str::from_utf8(plain.expose()).ok()?;
        let mut lines = text.split('\n');
        let (id, secret, token) = (lines.next()?, lines.next()?, lines.next()?);
        Some(Credentials {
            access_key_id: id.to_owned(),
            secret_access_key: Secret::from(secret),
            session_token: (!token.is_empty()).then(|| Secret::from(token)),
            expiration: Some(self.header.end),
            account: key.account().cloned(),
        })
    }
}

impl Sealed {
    /// The same entry encrypted with another key; `None` if the old key does not open it.
    pub(super) fn under(&self, new: &UnlockedKey, old: &SealingKey) -> Option<Vec<u8>> {
        let name = &self.header.identity;
        let plain = open(old, &authenticated(name, &self.clear), &self.body)?;
        let clear = clear(&Header { key: new.id.as_str().to_owned(), ..self.header.clone() });
        let sealed = seal(&new.key, &authenticated(name, &clear), &plain).ok()?;
        Some([clear, sealed].concat())
    }
}

/// Tells whether another version of this program wrote these bytes as an entry.
pub(super) fn is_of_another_format(bytes: &[u8]) -> bool {
    let (name, _) = MAGIC.rsplit_once(' ').unwrap_or((MAGIC, ""));
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    first != MAGIC.as_bytes() && first.starts_with(name.as_bytes())
}

/// The bytes of a new entry.
pub(super) fn write(
    key: &Key,
    credentials: &Credentials,
    held: &UnlockedKey,
    made: Timestamp,
    end: Timestamp,
) -> Result<Vec<u8>, SealError> {
    let header = Header {
        identity: key.file_name().to_owned(),
        profile: key.profile().as_str().to_owned(),
        kind: key.kind(),
        account: key.account().map(|account| account.as_str().to_owned()),
        role: key.role().map(str::to_owned),
        made,
        end,
        clock: Some(key.clock()).filter(|clock| clock != Partition::AWS.as_str()),
        login: key.login().map(str::to_owned),
        key: held.id.as_str().to_owned(),
    };
    let clear = clear(&header);
    let token = credentials.session_token.as_ref().map_or("", |token| token.expose());
    let secret = credentials.secret_access_key.expose();
    // None of the three contains a line feed: AWS's values are base64 and identifiers. The buffer has its final size
    // from the start.
    let mut plain = Vec::with_capacity(credentials.access_key_id.len() + secret.len() + token.len() + 2);
    for (n, part) in [&credentials.access_key_id, secret.as_str(), token].into_iter().enumerate() {
        plain.extend((n > 0).then_some(b'\n'));
        plain.extend_from_slice(part.as_bytes());
    }
    let sealed = seal(&held.key, &authenticated(key.file_name(), &clear), &Secret::new(plain))?;
    Ok([clear, sealed].concat())
}

fn clear(header: &Header) -> Vec<u8> {
    let header = serde_json::to_string(header).expect("a header is plain text and times");
    format!("{MAGIC}\n{header}\n").into_bytes()
}

fn authenticated(file_name: &str, clear: &[u8]) -> Vec<u8> {
    [file_name.as_bytes(), b"\n", clear].concat()
}
