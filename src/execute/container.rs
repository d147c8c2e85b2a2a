//! The credentials of a container's role (AWS SDKs and tools reference guide, "Container credential provider").
//!
//! In: the address, which the plan has checked. Out: credentials, or why there are none. The SDK's own provider is not
//! used: it panics on an address without a scheme, takes an empty variable for an address, reads a token file of any
//! kind and size, and does not say why a server refused.

use std::path::Path;
use std::time::Duration;

use aws_sdk_sts::config::BehaviorVersion;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use http::HeaderValue;

use super::process::Answer;
use crate::aws::route::Route;
use crate::aws::transport::client;
use crate::aws::{CallError, classify, runtime};
use crate::host::read_regular;
use crate::names::moment;
use crate::names::variables::aws;
use crate::secret::{Credentials, Secret};

/// The limits of the SDKs, for a server that is one hop away.
const CONNECT: Duration = Duration::from_secs(2);
const ATTEMPT: Duration = Duration::from_secs(5);
const CALL: Duration = Duration::from_secs(20);

/// Asks the server at `url` for credentials.
///
/// # Errors
/// What went wrong, in words that follow "gave no credentials".
pub(super) fn fetch(url: &str) -> Result<Credentials, String> {
    let token = token()?;
    let client = client(&Route::to_this_host()).map_err(|error| said(&error))?;
    let (server, path) = parts(url).ok_or(": its address is not valid")?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(CALL)
        .build();
    let operation = Operation::builder()
        .service_name("container")
        .operation_name("credentials")
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(&server)
        .no_auth()
        .standard_retry(&RetryConfig::standard())
        .timeout_config(timeouts)
        .http_client(client)
        .serializer(move |()| request(&path, token.as_ref()))
        .deserializer(body)
        .build();
    let body = runtime().map_err(|error| said(&error))?.block_on(operation.invoke(()));
    let body = body.map_err(|error| match &error {
        SdkError::ServiceError(refused) => format!(": it answered with HTTP {}", refused.raw().status().as_u16()),
        _ => said(&classify(&error)),
    })?;
    credentials(body.expose()).map_err(|name| match name {
        None => ": what it answered is not a JSON object".to_owned(),
        Some(name) => format!(": `{name}` of its answer is missing, or is not as it must be"),
    })
}

fn said(error: &CallError) -> String {
    match error {
        CallError::Unreachable(obstacle) => format!(": it could not be reached ({obstacle})"),
        CallError::Lost(why) => format!(": its answer was lost ({why})"),
        CallError::TooLong => ": its answer is longer than 1 MB".to_owned(),
        CallError::Unusable(why) => format!(": {why}"),
        _ => ": its answer cannot be read".to_owned(),
    }
}

/// The `Authorization` header; a file's content beats the variable, as in the SDKs.
fn token() -> Result<Option<HeaderValue>, String> {
    let filled = |name| std::env::var_os(name).filter(|value| !value.to_string_lossy().trim().is_empty());
    let name = aws::CONTAINER_AUTHORIZATION_TOKEN_FILE;
    let (name, token) = if let Some(path) = filled(name) {
        let unreadable = |error| format!(": the file of `{name}`: {error}");
        (name, read_regular(Path::new(&path)).map_err(unreadable)?)
    } else if let Some(token) = filled(aws::CONTAINER_AUTHORIZATION_TOKEN) {
        (aws::CONTAINER_AUTHORIZATION_TOKEN, Secret::new(token.into_encoded_bytes()))
    } else {
        return Ok(None);
    };
    let mut header = HeaderValue::from_bytes(token.expose().trim_ascii_end())
        .map_err(|_| format!(": the token of `{name}` cannot be sent in a header"))?;
    header.set_sensitive(true);
    Ok(Some(header))
}

/// The server, and what is asked of it.
fn parts(url: &str) -> Option<(String, String)> {
    let uri: http::Uri = url.parse().ok()?;
    let server = format!("{}://{}", uri.scheme_str()?, uri.authority()?);
    Some((server, uri.path_and_query().map_or("/", |path| path.as_str()).to_owned()))
}

fn request(path: &str, token: Option<&HeaderValue>) -> Result<HttpRequest, BoxError> {
    let mut request = http::Request::builder().method("GET").uri(path).header("accept", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    Ok(request.body(SdkBody::empty())?.try_into()?)
}

fn body(response: &HttpResponse) -> Result<Secret<Vec<u8>>, OrchestratorError<ErrorMetadata>> {
    // The runtime has already read the whole body.
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        Ok(Secret::new(body.to_vec()))
    } else {
        Err(OrchestratorError::operation(ErrorMetadata::builder().build()))
    }
}

/// Reads an answer. The error names the field; whether a key can be used is checked for all bases alike.
fn credentials(body: &[u8]) -> Result<Credentials, Option<&'static str>> {
    let answer = Answer::parse(body).ok_or(None)?;
    let needed = |name| answer.raw(name).ok_or(Some(name));
    let end = |text: &str| moment(text).ok_or(Some("Expiration"));
    Ok(Credentials {
        access_key_id: needed("AccessKeyId")?.to_owned(),
        secret_access_key: Secret::from(needed("SecretAccessKey")?),
        session_token: answer.raw("Token").filter(|token| !token.is_empty()).map(Secret::from),
        expiration: answer.raw("Expiration").map(end).transpose()?,
        account: answer.raw("AccountId").and_then(|id| id.parse().ok()),
    })
}
