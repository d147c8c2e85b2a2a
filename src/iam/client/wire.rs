//! Sends a call: the SDK's runtime signs it, sends it, waits, and retries it where that is allowed.
//!
//! Generated clients configure the runtime for each operation; here it is configured once for all: the same signer,
//! retries, timeouts, clock correction, and headers. Only the form and the XML are ours.

use aws_config::SdkConfig;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::service_clock_skew::{ServiceClockSkewClassifier, ServiceClockSkewInterceptor};
use aws_runtime::user_agent::ApiMetadata;
use aws_sdk_sts::config::{BehaviorVersion, SharedCredentialsProvider};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::{SharedRuntimePlugin, StaticRuntimePlugin};
use aws_smithy_runtime_api::shared::IntoShared;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SigningName;
use aws_types::region::SigningRegion;

use super::answer::refusal;
use super::call::Call;
use crate::aws::of_every_call;
use crate::aws::transport::ReadDate;
use crate::iam::endpoint::Endpoint;
use crate::secret::Secret;

/// What all calls to one endpoint share.
pub(super) struct Wire {
    endpoint: Endpoint,
    config: SdkConfig,
    shared: SharedRuntimePlugin,
}

/// A form for a request. Its `Debug` output, which the runtime may log, is redacted.
type Form = Secret<String>;

impl Wire {
    pub(super) fn new(endpoint: Endpoint, config: SdkConfig, date: ReadDate) -> Self {
        let shared = StaticRuntimePlugin::new()
            .with_config(signing(&endpoint).freeze())
            .with_runtime_components(components(date))
            .into_shared();
        Self { endpoint, config, shared }
    }

    /// Signs and sends a call, and returns the body of a successful answer.
    pub(super) async fn send(
        &self,
        call: &Call<'_>,
        signer: SharedCredentialsProvider,
    ) -> Result<Secret<Vec<u8>>, SdkError<ErrorMetadata, HttpResponse>> {
        let retries = if call.is_repeatable() { RetryConfig::standard() } else { RetryConfig::disabled() };
        let signer = RuntimeComponentsBuilder::new("signer").with_identity_resolver(SCHEME_ID, signer);
        let mut operation = Operation::builder()
            .service_name("IAM")
            .operation_name(call.action())
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(&self.endpoint.url)
            .standard_retry(&retries)
            .runtime_plugin(self.shared.clone())
            .runtime_plugin(StaticRuntimePlugin::new().with_runtime_components(signer))
            .serializer(|form: Form| request(&form))
            .deserializer(body);
        if let Some(client) = self.config.http_client() {
            operation = operation.http_client(client);
        }
        if let Some(timeouts) = self.config.timeout_config() {
            operation = operation.timeout_config(timeouts.clone());
        }
        if let Some(time) = self.config.time_source() {
            operation = operation.time_source(time);
        }
        operation.build().invoke(Form::new(call.form())).await
    }
}

fn signing(endpoint: &Endpoint) -> Layer {
    let mut layer = Layer::new("iam");
    layer.store_put(SigV4OperationSigningConfig {
        region: Some(SigningRegion::from_static(endpoint.signing_region)),
        name: Some(SigningName::from_static("iam")),
        ..SigV4OperationSigningConfig::default()
    });
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(ApiMetadata::new("iam", env!("CARGO_PKG_VERSION")));
    layer
}

fn components(date: ReadDate) -> RuntimeComponentsBuilder {
    let resolver = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    of_every_call("iam", date)
        .with_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
        .with_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(resolver)))
        .with_retry_classifier(ServiceClockSkewClassifier::<ErrorMetadata>::new())
        .with_interceptor(ServiceClockSkewInterceptor::new())
}

fn request(form: &Form) -> Result<HttpRequest, BoxError> {
    let request = http::Request::builder()
        .method("POST")
        .uri("/")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("content-length", form.expose().len())
        .body(SdkBody::from(form.expose().as_str()))?;
    Ok(request.try_into()?)
}

fn body(response: &HttpResponse) -> Result<Secret<Vec<u8>>, OrchestratorError<ErrorMetadata>> {
    // The runtime has already read the whole body.
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        Ok(Secret::new(body.to_vec()))
    } else {
        Err(OrchestratorError::operation(refusal(body)))
    }
}
