//! What a client gets: credentials in the form that every SDK reads, or an error in the form that some of them show.

use serde::Serialize;

use crate::secret::{Credentials, Secret};

/// Why a request gets no credentials.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: &'static str,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: &'static str, code: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Given<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    token: &'a str,
    expiration: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Refused<'a> {
    code: &'a str,
    message: &'a str,
}

/// The JSON of credentials that expire; `None` for others, which SDKs would refuse or keep for good.
pub(super) fn credentials(credentials: &Credentials) -> Option<Secret<String>> {
    let given = Given {
        access_key_id: &credentials.access_key_id,
        secret_access_key: credentials.secret_access_key.expose(),
        token: credentials.session_token.as_ref()?.expose(),
        expiration: credentials.expiration?.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        account_id: credentials.account.as_ref().map(crate::names::AccountId::as_str),
    };
    // Escapes can make a value six times as long; a buffer that never grows leaves no copy of a secret.
    let long = given.secret_access_key.len() + given.token.len() + given.access_key_id.len();
    let mut text = Vec::with_capacity(long * 6 + 256);
    serde_json::to_writer(&mut text, &given).expect("it is written to memory");
    Some(Secret::new(String::from_utf8(text).expect("JSON is UTF-8")))
}

/// The whole answer with credentials.
pub(super) fn given(body: &Secret<String>) -> Secret<String> {
    Secret::concat(&[&head("200 OK", body.expose().len()), body.expose()])
}

/// The whole answer without.
pub(super) fn refused(refusal: &Refusal) -> Secret<String> {
    let body = Refused { code: refusal.code, message: &refusal.message };
    let body = serde_json::to_string(&body).expect("it is written to memory");
    Secret::concat(&[&head(refusal.status, body.len()), &body])
}

/// Each connection gets one answer: a client that keeps connections open holds none of ours.
fn head(status: &str, length: usize) -> String {
    let more = match &status[..3] {
        "405" => "Allow: GET\r\n",
        "503" => "Retry-After: 1\r\n",
        _ => "",
    };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
}
