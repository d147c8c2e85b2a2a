//! `POST /federation` with `Action=getSigninToken`: a role's session becomes a token with which a browser signs in.
//!
//! The call is not signed, since the session itself is in its body. It changes nothing, so it may be sent again when its
//! answer is lost.

use aws_runtime::user_agent::ApiMetadata;
use aws_sdk_sts::config::BehaviorVersion;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use serde::{Deserialize, Serialize};

use super::link::encoded;
use super::sign_in_address;
use crate::aws::transport::Transport;
use crate::aws::{CallError, classify, of_every_call};
use crate::console::ConsoleError;
use crate::names::Lifetime;
use crate::plan::Service;
use crate::secret::{Credentials, Secret};
use crate::settings::Limits;
use crate::state::CorrectedClock;

/// In the user agent.
const NAME: &str = "federation";
const PATH: &str = "/federation";
/// Of a token, in bytes: it becomes part of an address, and AWS's have some hundreds.
const LONGEST: usize = 16 << 10;
/// AWS's answer to a session that it does not take, or to a duration that this session may not have.
const REFUSED: &str = "HTTP 400";
/// In characters.
const LONGEST_REASON: usize = 200;

/// Who calls whom.
pub struct Federation<'a> {
    /// The sign-in service.
    pub service: &'a Service,
    /// For the call.
    pub limits: Limits,
    /// AWS's time.
    pub clock: &'a CorrectedClock<'a>,
}

/// A token, and how long the session in the console lasts.
pub struct Issued {
    /// It signs a browser in, for 15 minutes.
    pub token: Secret<String>,
    /// `None`: as long as the credentials.
    pub duration: Option<Lifetime>,
}

/// The session as AWS wants it in the form.
#[derive(Serialize)]
struct Session<'a> {
    #[serde(rename = "sessionId")]
    id: &'a str,
    #[serde(rename = "sessionKey")]
    key: &'a str,
    #[serde(rename = "sessionToken")]
    token: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    signin_token: String,
}

impl Federation<'_> {
    /// A token for a session. If AWS does not let the session's duration be chosen, it is asked once more without one.
    ///
    /// # Errors
    /// The credentials are not a session's, or those of any call.
    pub fn token(&self, credentials: &Credentials, duration: Option<Lifetime>) -> Result<Issued, ConsoleError> {
        let session = form(credentials).ok_or(ConsoleError::LongTerm)?;
        let sent = |duration: Option<Lifetime>| -> Result<Issued, ConsoleError> {
            let wish = duration.map(|it| format!("&SessionDuration={}", it.secs())).unwrap_or_default();
            let body = Secret::concat(&["Action=getSigninToken&Session=", session.expose(), &wish]);
            Ok(Issued { token: self.send(&body)?, duration })
        };
        match sent(duration) {
            Err(ConsoleError::Call(CallError::Refused { code, .. })) if code == REFUSED && duration.is_some() => {
                sent(None)
            }
            result => result,
        }
    }

    fn send(&self, body: &Secret<String>) -> Result<Secret<String>, ConsoleError> {
        let server = sign_in_address(self.service)?;
        let transport = Transport::new(self.clock.of(self.service))?;
        let config = transport.config(self.service, self.limits)?;
        let mut layer = Layer::new(NAME);
        layer.store_put(ApiMetadata::new(NAME, env!("CARGO_PKG_VERSION")));
        let mut operation = Operation::builder()
            .service_name("Signin")
            .operation_name("getSigninToken")
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(&server)
            .no_auth()
            .standard_retry(&RetryConfig::standard())
            .runtime_plugin(
                StaticRuntimePlugin::new()
                    .with_config(layer.freeze())
                    .with_runtime_components(of_every_call(NAME, transport.read_date())),
            )
            .serializer(|body: Secret<String>| request(&body))
            .deserializer(answer);
        if let Some(client) = config.http_client() {
            operation = operation.http_client(client);
        }
        if let Some(timeouts) = config.timeout_config() {
            operation = operation.timeout_config(timeouts.clone());
        }
        if let Some(time) = config.time_source() {
            operation = operation.time_source(time);
        }
        let operation = operation.build();
        let sent = || {
            let answer = transport.wait(operation.invoke(body.clone())).map_err(|error| classify(&error))?;
            token_in(answer.expose()).ok_or(CallError::Unreadable)
        };
        Ok(transport.attempt(&sent)?)
    }
}

/// The session, encoded for the form; `None` for long-term credentials.
fn form(credentials: &Credentials) -> Option<Secret<String>> {
    let session = Session {
        id: &credentials.access_key_id,
        key: credentials.secret_access_key.expose(),
        token: credentials.session_token.as_ref()?.expose(),
    };
    let size = session.id.len() + session.key.len() + session.token.len();
    // Twice the size, so that the buffer does not grow and leave a copy: these texts need hardly any escapes.
    let mut json = Vec::with_capacity(2 * size + 100);
    serde_json::to_writer(&mut json, &session).ok()?;
    let json = Secret::new(String::from_utf8(json).ok()?);
    Some(encoded(json.expose()))
}

fn request(body: &Secret<String>) -> Result<HttpRequest, BoxError> {
    let request = http::Request::builder()
        .method("POST")
        .uri(PATH)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("content-length", body.expose().len())
        .body(SdkBody::from(body.expose().as_str()))?;
    Ok(request.try_into()?)
}

fn answer(response: &HttpResponse) -> Result<Secret<Vec<u8>>, OrchestratorError<ErrorMetadata>> {
    // The runtime has already read the whole body.
    let body = response.body().bytes().unwrap_or_default();
    let status = response.status();
    if status.is_success() {
        return Ok(Secret::new(body.to_vec()));
    }
    let mut meta = ErrorMetadata::builder();
    if status.is_client_error() {
        meta = meta.code(format!("HTTP {}", status.as_u16())).message(reason(body));
    }
    Err(OrchestratorError::operation(meta.build()))
}

/// What a refusal says, unless it is a page for browsers.
fn reason(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).unwrap_or_default().trim();
    let is_sentence = !text.contains('<') && text.chars().count() <= LONGEST_REASON;
    if is_sentence { text.to_owned() } else { String::new() }
}

/// The token of a successful answer; `None` if it is none that an address could carry.
fn token_in(body: &[u8]) -> Option<Secret<String>> {
    let token = Secret::new(serde_json::from_slice::<Answer>(body).ok()?.signin_token);
    let is_legal = token.expose().len() <= LONGEST && token.expose().bytes().all(|byte| byte.is_ascii_graphic());
    (!token.expose().is_empty() && is_legal).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, form, reason, token_in};
    use crate::secret::{Credentials, Secret};

    #[test]
    fn the_form_carries_the_session_and_nothing_breaks_out_of_it() {
        let mut credentials = Credentials {
            access_key_id: "ASIAX".to_owned(),
            secret_access_key: Secret::from("a+b/\"&x=y"),
            session_token: Some(Secret::from("t==")),
            expiration: None,
            account: None,
        };
        assert_eq!(
            form(&credentials).expect("a session").expose(),
            "%7B%22sessionId%22%3A%22ASIAX%22%2C%22sessionKey%22%3A%22a%2Bb%2F%5C%22%26x%3Dy%22%2C%22sessionToken%22%3A\
             %22t%3D%3D%22%7D"
        );
        credentials.session_token = None;
        assert!(form(&credentials).is_none());
    }

    #[test]
    fn only_a_token_that_fits_into_an_address_counts() {
        let of = |body: &str| token_in(body.as_bytes()).map(|token| token.expose().clone());
        assert_eq!(of(r#"{"SigninToken":"abc"}"#).as_deref(), Some("abc"));
        let long = format!(r#"{{"SigninToken":"{}"}}"#, "x".repeat(LONGEST + 1));
        for body in [
            "",
            "<html>",
            "[]",
            r#"{"SigninToken":""}"#,
            r#"{"SigninToken":7}"#,
            r#"{"SigninToken":"a b"}"#,
            r#"{"SigninToken":"a\nb"}"#,
            r#"{"signinToken":"abc"}"#,
            &long,
        ] {
            assert_eq!(of(body), None, "{body}");
        }
    }

    #[test]
    fn a_reason_is_a_sentence_and_not_a_page() {
        for (body, text) in [
            (" Invalid credentials parameter\n", "Invalid credentials parameter"),
            ("<html><body>Bad Request</body></html>", ""),
            ("", ""),
            (&*"x".repeat(300), ""),
        ] {
            assert_eq!(reason(body.as_bytes()), text);
        }
    }
}
