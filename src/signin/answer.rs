//! What the sign-in service answers: new credentials with a new refresh token, or why not.

use aws_smithy_types::error::ErrorMetadata;
use serde_json::{Map, Value};

use crate::secret::Secret;

/// New credentials, and the token that renews them next time.
pub(super) struct Answer {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: Secret<String>,
    pub(super) session_token: Secret<String>,
    pub(super) refresh_token: Secret<String>,
    /// In seconds.
    pub(super) expires_in: i64,
}

impl Answer {
    /// Reads a successful answer; `None` if it is none of AWS's.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut fields: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let Value::Object(mut inner) = fields.remove("accessToken")? else { return None };
        let refresh_token = taken(&mut fields, "refreshToken")?;
        let expires_in = fields.get("expiresIn")?.as_i64().filter(|seconds| *seconds > 0)?;
        Some(Self {
            access_key_id: taken(&mut inner, "accessKeyId")?.expose().clone(),
            secret_access_key: taken(&mut inner, "secretAccessKey")?,
            session_token: taken(&mut inner, "sessionToken")?,
            refresh_token,
            expires_in,
        })
    }
}

/// A text that a request could carry.
fn taken(fields: &mut Map<String, Value>, name: &str) -> Option<Secret<String>> {
    let Value::String(text) = fields.remove(name)? else { return None };
    let text = Secret::new(text);
    (!text.expose().is_empty() && !text.expose().contains(char::is_control)).then_some(text)
}

/// Reads a refusal: `{"error": "TOKEN_EXPIRED", "message": "…"}`. Its `error` tells more than the name of its type, which
/// stands in a header.
pub(super) fn refusal(kind: Option<&str>, body: &[u8]) -> ErrorMetadata {
    let fields: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let kind = kind.map(|kind| kind.split(':').next().unwrap_or_default());
    let mut meta = ErrorMetadata::builder();
    if let Some(code) = text("error").or(kind) {
        meta = meta.code(code);
    }
    if let Some(message) = text("message").or_else(|| text("Message")) {
        meta = meta.message(message);
    }
    meta.build()
}

#[cfg(test)]
mod tests {
    use super::{Answer, refusal};

    #[test]
    fn only_a_whole_answer_counts() {
        let token = r#"{"accessKeyId":"ASIAX","secretAccessKey":"s","sessionToken":"t"}"#;
        let whole = format!(r#"{{"accessToken":{token},"tokenType":"aws_sigv4","expiresIn":900,"refreshToken":"r"}}"#);
        let answer = Answer::read(whole.as_bytes()).expect("an answer");
        assert_eq!((answer.access_key_id.as_str(), answer.expires_in), ("ASIAX", 900));
        assert_eq!(answer.refresh_token.expose(), "r");
        for (from, to) in [
            ("900", "0"),
            ("900", "\"900\""),
            ("900", "-5"),
            ("\"r\"", "\"\""),
            ("\"r\"", "7"),
            ("refreshToken", "refresh_token"),
            ("\"t\"", "\"t\\n\""),
            ("sessionToken", "token"),
            ("\"s\"", "\"\""),
            ("ASIAX", "ASIA\\u0000"),
            ("accessToken", "tokenOutput"),
        ] {
            let broken = whole.replacen(from, to, 1);
            assert!(Answer::read(broken.as_bytes()).is_none(), "{broken}");
        }
        assert!(Answer::read(b"<html>").is_none() && Answer::read(b"[]").is_none());
    }

    #[test]
    fn a_refusal_is_named_by_its_body_or_else_by_its_header() {
        let body = br#"{"error":"TOKEN_EXPIRED","message":"Your session has expired."}"#;
        for (kind, body, code, message) in [
            (Some("AccessDeniedException"), &body[..], Some("TOKEN_EXPIRED"), Some("Your session has expired.")),
            (Some("ValidationException:http://x/"), b"{}", Some("ValidationException"), None),
            (None, br#"{"Message":"m"}"#, None, Some("m")),
            (None, b"<html>", None, None),
        ] {
            let meta = refusal(kind, body);
            assert_eq!((meta.code(), meta.message()), (code, message));
        }
    }
}
