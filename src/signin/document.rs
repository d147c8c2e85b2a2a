//! The file of a session: JSON that the AWS CLI and the SDKs write, of which every key is kept.
//!
//! ```json
//! {"accessToken": {"accessKeyId": "…", "secretAccessKey": "…", "sessionToken": "…", "accountId": "…", "expiresAt": "…"},
//!  "tokenType": "aws_sigv4", "clientId": "…", "refreshToken": "…", "idToken": "…", "dpopKey": "-----BEGIN EC …"}
//! ```

use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::answer::Answer;
use super::error::SignInError;
use super::key::ProofKey;
use crate::host::read_regular;
use crate::names::{ProfileName, moment};
use crate::secret::{Credentials, Secret};

/// A session's file. Its texts are zeroed when it is dropped.
pub(super) struct Document {
    fields: Map<String, Value>,
    profile: ProfileName,
    path: PathBuf,
}

/// What a renewal sends.
pub(super) struct Request {
    pub(super) client: String,
    pub(super) refresh_token: Secret<String>,
    pub(super) key: ProofKey,
}

impl Document {
    /// Reads the file of the session that this profile names.
    pub(super) fn read(path: &Path, profile: &ProfileName) -> Result<Self, SignInError> {
        let (profile, path) = (profile.clone(), path.to_owned());
        match read_regular(&path) {
            Ok(text) => match serde_json::from_slice(text.expose()) {
                Ok(fields) => Ok(Self { fields, profile, path }),
                Err(_) => Err(SignInError::Damaged { profile, path, what: "it is not a JSON object".to_owned() }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SignInError::Absent { profile, path }),
            Err(source) => Err(SignInError::Unreadable { path, source }),
        }
    }

    /// The credentials, expired or not.
    pub(super) fn credentials(&self) -> Result<Credentials, SignInError> {
        let Some(Value::Object(inner)) = self.fields.get("accessToken") else {
            return Err(self.damaged("accessToken"));
        };
        let text = |name: &str| inner.get(name).and_then(Value::as_str);
        let needed = |name: &str| text(name).ok_or_else(|| self.damaged(&format!("accessToken.{name}")));
        let end = moment(needed("expiresAt")?).ok_or_else(|| self.damaged("accessToken.expiresAt"))?;
        let credentials = Credentials {
            access_key_id: needed("accessKeyId")?.to_owned(),
            secret_access_key: Secret::from(needed("secretAccessKey")?),
            session_token: Some(Secret::from(needed("sessionToken")?)),
            expiration: Some(end),
            account: text("accountId").and_then(|id| id.parse().ok()),
        };
        match credentials.unsendable() {
            Some(part) => Err(self.wrong(format!("{part} is empty or contains a control character"))),
            None => Ok(credentials),
        }
    }

    /// What a renewal sends, and the key that proves it.
    pub(super) fn request(&self) -> Result<Request, SignInError> {
        let needed = |name: &str| {
            let text = self.fields.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).ok_or_else(|| self.damaged(name))
        };
        let key = ProofKey::of_pem(needed("dpopKey")?).ok_or_else(|| self.damaged("dpopKey"))?;
        Ok(Request {
            client: needed("clientId")?.to_owned(),
            refresh_token: Secret::from(needed("refreshToken")?),
            key,
        })
    }

    /// Takes in what AWS answered at `now`.
    pub(super) fn renew(&mut self, answer: &Answer, now: Timestamp) {
        let end = now.saturating_add(SignedDuration::from_secs(answer.expires_in)).unwrap_or(Timestamp::MAX);
        let Value::Object(inner) = self.fields.entry("accessToken").or_insert_with(|| Map::new().into()) else {
            return;
        };
        for (name, value) in [
            ("accessKeyId", answer.access_key_id.as_str()),
            ("secretAccessKey", answer.secret_access_key.expose()),
            ("sessionToken", answer.session_token.expose()),
            // Without fractions: not every reader takes them.
            ("expiresAt", &end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ] {
            put(inner, name, value);
        }
        put(&mut self.fields, "refreshToken", answer.refresh_token.expose());
    }

    /// The text of the file.
    pub(super) fn text(&self) -> Secret<Vec<u8>> {
        Secret::new(serde_json::to_vec(&self.fields).expect("a map of texts is JSON"))
    }

    fn damaged(&self, name: &str) -> SignInError {
        self.wrong(format!("`{name}` is missing or not valid"))
    }

    fn wrong(&self, what: String) -> SignInError {
        SignInError::Damaged { profile: self.profile.clone(), path: self.path.clone(), what }
    }
}

fn put(fields: &mut Map<String, Value>, name: &str, value: &str) {
    if let Some(Value::String(old)) = fields.insert(name.to_owned(), value.into()) {
        drop(Secret::new(old));
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        wipe(std::mem::take(&mut self.fields));
    }
}

fn wipe(fields: Map<String, Value>) {
    for (_, value) in fields {
        match value {
            Value::String(text) => drop(Secret::new(text)),
            Value::Object(inner) => wipe(inner),
            _ => {}
        }
    }
}
