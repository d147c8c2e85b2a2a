//! `POST /v1/token` of AWS's sign-in service (CreateOAuth2Token), which is not signed but carries a proof of the key.
//!
//! A renewal may be sent again when its answer is lost: within its validity, AWS answers the same refresh token alike. Each
//! attempt carries a proof of its own.

use std::time::SystemTime;

use aws_runtime::user_agent::ApiMetadata;
use aws_sdk_sts::config::{BehaviorVersion, ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use jiff::Timestamp;
use serde_json::json;

use super::answer::{Answer, refusal};
use super::document::Request;
use super::endpoint;
use super::key::ProofKey;
use crate::aws::transport::Transport;
use crate::aws::{CallError, classify, of_every_call};
use crate::plan::Service;
use crate::secret::Secret;
use crate::settings::Limits;
use crate::state::CorrectedClock;

/// In the user agent.
const NAME: &str = "signin";
const PATH: &str = "/v1/token";

/// Exchanges a refresh token.
///
/// # Errors
/// Those of any call.
pub(super) fn send(
    request: &Request,
    service: &Service,
    limits: Limits,
    clock: &CorrectedClock<'_>,
) -> Result<Answer, CallError> {
    let unknown = || CallError::Unusable("no sign-in endpoint of that kind is known".to_owned());
    let server = service.endpoint_url.clone().or_else(|| endpoint::url(service)).ok_or_else(unknown)?;
    let server = server.trim_end_matches('/').to_owned();
    let transport = Transport::new(clock.of(service))?;
    let config = transport.config(service, limits)?;
    let proof = Proof { key: request.key.clone(), url: format!("{server}{PATH}") };
    let mut layer = Layer::new(NAME);
    layer.store_put(ApiMetadata::new(NAME, env!("CARGO_PKG_VERSION")));
    let mut operation = Operation::builder()
        .service_name("Signin")
        .operation_name("CreateOAuth2Token")
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(&server)
        .no_auth()
        .standard_retry(&RetryConfig::standard())
        .runtime_plugin(
            StaticRuntimePlugin::new()
                .with_config(layer.freeze())
                .with_runtime_components(of_every_call(NAME, transport.read_date()).with_interceptor(proof)),
        )
        .serializer(|body: Secret<String>| http_request(&body))
        .deserializer(body);
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
    transport.attempt(&|| {
        let answer = transport.wait(operation.invoke(form(request))).map_err(|error| classify(&error))?;
        Answer::read(answer.expose()).ok_or(CallError::Unreadable)
    })
}

fn form(request: &Request) -> Secret<String> {
    let form = json!({
        "clientId": request.client, "grantType": "refresh_token", "refreshToken": request.refresh_token.expose(),
    });
    Secret::new(form.to_string())
}

fn http_request(body: &Secret<String>) -> Result<HttpRequest, BoxError> {
    let request = http::Request::builder()
        .method("POST")
        .uri(PATH)
        .header("content-type", "application/json")
        .header("content-length", body.expose().len())
        .body(SdkBody::from(body.expose().as_str()))?;
    Ok(request.try_into()?)
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

/// Adds a new proof to each attempt.
#[derive(Debug)]
struct Proof {
    key: ProofKey,
    url: String,
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Proof {
    fn name(&self) -> &'static str {
        "Proof"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        components: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let now = components.time_source().map_or_else(SystemTime::now, |time| time.now());
        let proof = self.key.proof(&self.url, Timestamp::try_from(now)?).ok_or("no proof can be made")?;
        context.request_mut().headers_mut().insert("dpop", proof);
        Ok(())
    }
}
