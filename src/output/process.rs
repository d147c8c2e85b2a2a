//! The `credential_process` JSON, version 1, with exactly the keys that the SDKs read.

use serde::Serialize;

use crate::secret::{Credentials, Secret};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    version: u8,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

/// The credentials as one line of JSON.
pub fn process_json(credentials: &Credentials) -> Secret<String> {
    let token = credentials.session_token.as_ref().map(|token| token.expose().as_str());
    let answer = Answer {
        version: 1,
        access_key_id: &credentials.access_key_id,
        secret_access_key: credentials.secret_access_key.expose(),
        session_token: token,
        expiration: credentials.expiration.map(|end| end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        account_id: credentials.account.as_ref().map(super::super::names::AccountId::as_str),
    };
    // Escapes can make a value six times as long; a buffer that never grows leaves no copy of a secret.
    let long = answer.secret_access_key.len() + token.map_or(0, str::len) + answer.access_key_id.len();
    let mut text = Vec::with_capacity(long * 6 + 256);
    serde_json::to_writer(&mut text, &answer).expect("it is written to memory");
    text.push(b'\n');
    Secret::new(String::from_utf8(text).expect("JSON is UTF-8"))
}
