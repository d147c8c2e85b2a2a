//! Services that take unsigned requests and answer in JSON: IAM Identity Center's sso-oidc and its portal.
//!
//! In: a [`JsonCall`]. Out: the body of a successful answer, or a [`CallError`]. The SDK's runtime sends, waits, and
//! retries where a call allows that; nothing is signed, since a token in the request authorizes it.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_runtime::user_agent::ApiMetadata;
use aws_sdk_sts::config::BehaviorVersion;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_plugin::{SharedRuntimePlugin, StaticRuntimePlugin};
use aws_smithy_runtime_api::shared::IntoShared;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use serde_json::Value;

use super::calls::of_every_call;
use super::error::{CallError, classify};
use super::transport::Transport;
use crate::plan::Service;
use crate::secret::Secret;
use crate::settings::Limits;
use crate::state::CorrectedClock;

/// The pause between two looks at whether a call is still wanted.
const TICK: Duration = Duration::from_millis(50);

/// One service at one address.
pub(crate) struct JsonService<'a> {
    transport: Transport<'a>,
    config: SdkConfig,
    url: String,
    name: &'static str,
    shared: SharedRuntimePlugin,
    is_canceled: &'a dyn Fn() -> bool,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct JsonCall {
    /// The operation, as AWS names it.
    pub(crate) action: &'static str,
    /// `GET` or `POST`
    pub(crate) method: &'static str,
    /// Path and query, percent-encoded.
    pub(crate) path: String,
    /// A header that holds a token.
    pub(crate) header: Option<(&'static str, Secret<String>)>,
    /// The body of a `POST`.
    pub(crate) body: Option<Secret<String>>,
    /// May it be sent again when its answer is lost? It only reads, or doing it twice is harmless.
    pub(crate) is_repeatable: bool,
}

impl<'a> JsonService<'a> {
    /// Loads certificates (for `https://` addresses) and builds a client. `name` is the service's name in the user agent.
    ///
    /// # Errors A CA bundle cannot be read, or the async runtime cannot be built.
    pub(crate) fn connect(
        name: &'static str,
        url: String,
        service: &Service,
        limits: Limits,
        clock: &'a CorrectedClock<'a>,
    ) -> Result<Self, CallError> {
        let transport = Transport::new(clock.of(service))?;
        let config = transport.config(service, limits)?;
        let mut layer = Layer::new(name);
        layer.store_put(ApiMetadata::new(name, env!("CARGO_PKG_VERSION")));
        let shared = StaticRuntimePlugin::new()
            .with_config(layer.freeze())
            .with_runtime_components(of_every_call(name, transport.read_date()))
            .into_shared();
        Ok(Self { transport, config, url, name, shared, is_canceled: &|| false })
    }

    /// The same client, whose repeatable calls end as lost once nobody waits for them any longer. Other calls, which may
    /// spend a token, always run to their end.
    pub(crate) fn until(self, is_canceled: &'a dyn Fn() -> bool) -> Self {
        Self { is_canceled, ..self }
    }

    /// Sends a call, and returns the body of a successful answer, which is not yet known to be JSON.
    ///
    /// # Errors AWS's refusal with the name of its exception, or what happened on the way.
    pub(crate) fn send(&self, call: &JsonCall) -> Result<Secret<Vec<u8>>, CallError> {
        self.transport.attempt(&|| self.transport.wait(self.unless_canceled(call, body)))
    }

    /// Where a request is redirected to; `None` if it is not. Redirects are never followed here.
    ///
    /// # Errors What happened on the way.
    pub(crate) fn location(&self, call: &JsonCall) -> Result<Option<String>, CallError> {
        self.transport.attempt(&|| self.transport.wait(self.unless_canceled(call, location)))
    }

    async fn unless_canceled<T: fmt::Debug + Send + Sync + 'static>(
        &self,
        call: &JsonCall,
        read: Reader<T>,
    ) -> Result<T, CallError> {
        let mut sent = pin!(self.sent(call, read));
        loop {
            match tokio::time::timeout(TICK, sent.as_mut()).await {
                Ok(answer) => return answer.map_err(|error| classify(&error)),
                Err(_) if call.is_repeatable && (self.is_canceled)() => return Err(CallError::Lost("it was canceled")),
                Err(_) => {}
            }
        }
    }

    async fn sent<T: fmt::Debug + Send + Sync + 'static>(
        &self,
        call: &JsonCall,
        read: Reader<T>,
    ) -> Result<T, SdkError<ErrorMetadata, HttpResponse>> {
        let retries = if call.is_repeatable { RetryConfig::standard() } else { RetryConfig::disabled() };
        let mut operation = Operation::builder()
            .service_name(self.name)
            .operation_name(call.action)
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(&self.url)
            .no_auth()
            .standard_retry(&retries)
            .runtime_plugin(self.shared.clone())
            .serializer(|call: JsonCall| request(&call))
            .deserializer(read);
        if let Some(client) = self.config.http_client() {
            operation = operation.http_client(client);
        }
        if let Some(timeouts) = self.config.timeout_config() {
            operation = operation.timeout_config(timeouts.clone());
        }
        if let Some(time) = self.config.time_source() {
            operation = operation.time_source(time);
        }
        operation.build().invoke(call.clone()).await
    }
}

fn request(call: &JsonCall) -> Result<HttpRequest, BoxError> {
    let mut request = http::Request::builder().method(call.method).uri(&call.path);
    if let Some((name, value)) = &call.header {
        let mut value = http::HeaderValue::from_str(value.expose())?;
        value.set_sensitive(true);
        request = request.header(*name, value);
    }
    let request = match &call.body {
        Some(body) => request
            .header("content-type", "application/json")
            .header("content-length", body.expose().len())
            .body(SdkBody::from(body.expose().as_str()))?,
        None => request.body(SdkBody::empty())?,
    };
    Ok(request.try_into()?)
}

/// What an answer is read with.
type Reader<T> = fn(&HttpResponse) -> Result<T, OrchestratorError<ErrorMetadata>>;

#[expect(clippy::unnecessary_wraps, reason = "it is a `Reader`")]
fn location(response: &HttpResponse) -> Result<Option<String>, OrchestratorError<ErrorMetadata>> {
    let is_redirect = (300..400).contains(&response.status().as_u16());
    Ok(response.headers().get("location").filter(|_| is_redirect).map(str::to_owned))
}

fn body(response: &HttpResponse) -> Result<Secret<Vec<u8>>, OrchestratorError<ErrorMetadata>> {
    // The runtime has already read the whole body.
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        Ok(Secret::new(body.to_vec()))
    } else {
        Err(OrchestratorError::operation(refusal(response.headers().get("x-amzn-errortype"), body)))
    }
}

/// AWS's exception and its text. The header names it in some answers, the body in others:
/// `com.amazonaws.switchboard.portal#UnauthorizedException`, `AuthorizationPendingException:http://...`
fn refusal(header: Option<&str>, body: &[u8]) -> ErrorMetadata {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |names: &[&str]| names.iter().find_map(|name| body.get(name)?.as_str());
    let code = header.or_else(|| text(&["__type", "code"]));
    let code = code.map(|code| code.split(':').next().unwrap_or_default()).and_then(|code| code.rsplit('#').next());
    let mut refusal = ErrorMetadata::builder();
    if let Some(code) = code.filter(|code| !code.is_empty()) {
        refusal = refusal.code(code);
    }
    if let Some(message) = text(&["message", "Message", "error_description"]) {
        refusal = refusal.message(message);
    }
    refusal.build()
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn an_exception_is_found_in_the_header_or_the_body() {
        for (header, body, code, message) in [
            (
                Some("AuthorizationPendingException:http://internal.amazon.com/coral/"),
                r#"{"error":"authorization_pending","error_description":"Authorization is pending"}"#,
                Some("AuthorizationPendingException"),
                Some("Authorization is pending"),
            ),
            (
                None,
                r#"{"message":"No access","__type":"com.amazonaws.switchboard.portal#ForbiddenException"}"#,
                Some("ForbiddenException"),
                Some("No access"),
            ),
            (None, r#"{"code":"X","Message":"m"}"#, Some("X"), Some("m")),
            (Some("UnauthorizedException"), "", Some("UnauthorizedException"), None),
            (None, "<html>", None, None),
            (None, r#"{"message":7}"#, None, None),
        ] {
            let refusal = refusal(header, body.as_bytes());
            assert_eq!((refusal.code(), refusal.message()), (code, message), "{header:?} {body}");
        }
    }
}
