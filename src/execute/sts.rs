//! STS: the SDK's types to ours, and nothing about plans or caches.
//!
//! The SDK signs and sends. A client is built only when a call is made, since loading the system's certificates is
//! most of what a call costs; an `http://` endpoint gets a connector without TLS and loads none. Retries are off for a
//! request with a code: a code works once, and the SDK's standard retry would send it again after a lost answer. The
//! one request that is signed anew is one whose *date* AWS refused, for that spends nothing.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{
    BehaviorVersion, ConfigBag, Intercept, RuntimeComponents, SharedCredentialsProvider, SharedHttpClient,
};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector, tls};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::obstacle::Obstacle;
use crate::cache::CorrectedClock;
use crate::names::{Lifetime, MfaSerial, SessionName};
use crate::plan::{AssumeRole, Service};
use crate::secret::{Code, Credentials, Secret};
use crate::settings::Limits;

/// Proxy Authentication Required (RFC 9110).
const PROXY_PASSWORD: u16 = 407;

/// Why a call gave no credentials.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StsError {
    /// A well-formed refusal.
    Refused {
        /// AWS's code.
        code: String,
        /// AWS's text.
        message: String,
        /// AWS's clock less ours, in seconds, as its answer's `Date` showed.
        ahead: i64,
    },
    /// Too many calls.
    Throttled,
    /// A 5xx.
    Unavailable(u16),
    /// Something else than STS answered, or its answer was cut off.
    Unreadable,
    /// It was sent, and no answer came.
    Lost(&'static str),
    /// Nothing was sent.
    Unreachable(Obstacle),
    /// No request could be made.
    Unusable(String),
}

impl std::error::Error for StsError {}

impl fmt::Display for StsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { code, message, .. } if message.is_empty() => write!(f, "AWS refused it ({code})"),
            Self::Refused { code, message, .. } => write!(f, "AWS refused it ({code}): {message}"),
            Self::Throttled => f.write_str("AWS is throttling calls"),
            Self::Unavailable(status) => write!(f, "AWS failed to answer (HTTP {status})"),
            Self::Unreadable => f.write_str("the answer is not one of AWS's, or was cut off"),
            Self::Lost(why) => write!(f, "the answer was lost ({why})"),
            Self::Unreachable(why) => write!(f, "AWS could not be reached ({why})"),
            Self::Unusable(why) => write!(f, "no request could be made ({why})"),
        }
    }
}

impl StsError {
    /// "MultiFactorAuthentication failed with invalid MFA one time pass code."
    pub fn is_wrong_code(&self) -> bool {
        matches!(self, Self::Refused { code, message, .. }
            if code == "AccessDenied" && message.contains("invalid MFA one time pass code"))
    }

    /// "… unable to validate MFA code. Please verify your MFA serial number …"
    pub fn is_wrong_serial(&self) -> bool {
        matches!(self, Self::Refused { code, message, .. }
            if code == "AccessDenied" && message.contains("unable to validate MFA code"))
    }

    /// Is it certain that a code in the request did not reach AWS?
    pub fn was_never_sent(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unusable(_))
    }

    /// May AWS have taken a code in the request, although no answer says so?
    pub fn may_have_spent_the_code(&self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable(_) | Self::Unreadable | Self::Lost(_))
    }

    /// Does AWS no longer take the session that signed?
    pub fn says_the_session_is_over(&self) -> bool {
        matches!(self, Self::Refused { code, .. }
            if matches!(code.as_str(), "ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId"))
    }

    /// Was the request's date refused? SignatureDoesNotMatch also means a mistyped secret; the clocks tell.
    pub fn is_of_the_clock(&self) -> bool {
        matches!(self, Self::Refused { code, message, ahead }
            if matches!(code.as_str(), "RequestExpired" | "RequestTimeTooSkewed")
                || (code == "SignatureDoesNotMatch"
                    && (message.contains("expired") || message.contains("not yet current"))
                    && ahead.abs() > 60))
    }
}

/// The two calls of STS that yield credentials.
pub trait Sts {
    /// GetSessionToken with a code.
    fn session_token(
        &self,
        signer: &Credentials,
        serial: &MfaSerial,
        code: &Code,
        duration: Lifetime,
    ) -> Result<Credentials, StsError>;

    /// AssumeRole, with a code where the role's session is to outlive an hour.
    fn assume_role(
        &self,
        signer: &Credentials,
        call: &AssumeRole,
        session_name: &SessionName,
        code: Option<&Code>,
    ) -> Result<Credentials, StsError>;

    /// Any answer shows AWS's time: GetCallerIdentity, which needs no permission. Whether it succeeds does not matter.
    fn ask_the_time(&self, signer: &Credentials);
}

/// AWS's STS, or whatever answers at the configured endpoint.
pub struct AwsSts<'a> {
    client: aws_sdk_sts::Client,
    runtime: tokio::runtime::Runtime,
    clock: &'a CorrectedClock<'a>,
    /// How far AWS's clock was believed to be ahead when the client was built, in seconds. What answers show after that
    /// the client adds by itself, to each request that follows.
    ahead: i64,
    date: Arc<LastDate>,
}

/// The last answer's `Date`, in seconds since 1970; 0 for none.
#[derive(Debug, Default)]
struct LastDate(AtomicI64);

impl<'a> AwsSts<'a> {
    /// Loads certificates (for `https://` endpoints) and builds a client.
    ///
    /// # Errors
    /// A CA bundle that cannot be read; a system that gives no runtime.
    pub fn connect(service: &Service, limits: Limits, clock: &'a CorrectedClock<'a>) -> Result<Self, StsError> {
        let (ahead, date) = (clock.ahead(), Arc::new(LastDate::default()));
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(limits.connect)
            .operation_attempt_timeout(limits.attempt)
            .operation_timeout(limits.call)
            .build();
        let mut config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(aws_sdk_sts::config::Region::new(service.region.as_str().to_owned()))
            .use_fips(service.fips)
            .use_dual_stack(service.dualstack)
            .http_client(client(service.endpoint_url.as_deref(), service.ca_bundle.as_deref())?)
            .timeout_config(timeouts)
            .time_source(SharedTimeSource::new(SigningTime(ahead)))
            .interceptor(ReadDate(Arc::clone(&date)));
        config.set_endpoint_url(service.endpoint_url.clone());
        Ok(Self { client: aws_sdk_sts::Client::from_conf(config.build()), runtime: runtime()?, clock, ahead, date })
    }

    /// Sends, and once more when it was the date that AWS refused.
    fn send<T>(&self, attempt: &dyn Fn() -> Result<T, StsError>) -> Result<T, StsError> {
        let first = self.attempt(attempt);
        match &first {
            Err(error) if error.is_of_the_clock() => self.attempt(attempt),
            _ => first,
        }
    }

    fn attempt<T>(&self, attempt: &dyn Fn() -> Result<T, StsError>) -> Result<T, StsError> {
        let result = attempt();
        let date = self.date.0.swap(0, Ordering::Relaxed);
        if date != 0
            && let Ok(date) = Timestamp::from_second(date)
        {
            let is_sts = !matches!(result, Err(StsError::Unreadable | StsError::Unavailable(_)));
            // A captive portal's clock is nobody's business.
            if is_sts {
                self.clock.learn(date);
            }
        }
        match result {
            Err(StsError::Refused { code, message, .. }) => {
                Err(StsError::Refused { code, message, ahead: self.clock.ahead() - self.ahead })
            }
            other => other,
        }
    }
}

impl Sts for AwsSts<'_> {
    fn session_token(
        &self,
        signer: &Credentials,
        serial: &MfaSerial,
        code: &Code,
        duration: Lifetime,
    ) -> Result<Credentials, StsError> {
        self.send(&|| {
            let call = self
                .client
                .get_session_token()
                .duration_seconds(seconds(duration))
                .serial_number(serial.as_str())
                .token_code(code.expose())
                .customize()
                .config_override(signed_by(signer).retry_config(RetryConfig::disabled()));
            let answer = self.runtime.block_on(call.send()).map_err(|error| classify(&error))?;
            answer.credentials().ok_or(StsError::Unreadable).and_then(ours)
        })
    }

    fn assume_role(
        &self,
        signer: &Credentials,
        call: &AssumeRole,
        session_name: &SessionName,
        code: Option<&Code>,
    ) -> Result<Credentials, StsError> {
        self.send(&|| {
            let tag = |tag: &crate::names::Tag| Tag::builder().key(&tag.key).value(&tag.value).build();
            let tags: Result<Vec<_>, _> = call.tags.iter().map(tag).collect();
            let tags = tags.map_err(|_| StsError::Unusable("a tag is not complete".to_owned()))?;
            let arns = call.policy_arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build()).collect();
            let some = |list: Vec<_>| (!list.is_empty()).then_some(list);
            let request = self
                .client
                .assume_role()
                .role_arn(call.role.as_str())
                .role_session_name(session_name.as_str())
                .duration_seconds(seconds(call.duration))
                .set_external_id(call.external_id.as_ref().map(ToString::to_string))
                .set_source_identity(call.source_identity.as_ref().map(ToString::to_string))
                .set_tags((!tags.is_empty()).then_some(tags))
                .set_transitive_tag_keys((!call.transitive_tags.is_empty()).then(|| call.transitive_tags.clone()))
                .set_policy(call.session_policy.clone())
                .set_policy_arns(some(arns))
                .set_serial_number(code.and(call.serial.as_ref()).map(ToString::to_string))
                .set_token_code(code.map(|code| code.expose().to_owned()));
            let signer = match code {
                Some(_) => signed_by(signer).retry_config(RetryConfig::disabled()),
                None => signed_by(signer),
            };
            let answer = self
                .runtime
                .block_on(request.customize().config_override(signer).send())
                .map_err(|error| classify(&error))?;
            answer.credentials().ok_or(StsError::Unreadable).and_then(ours)
        })
    }

    fn ask_the_time(&self, signer: &Credentials) {
        let _ = self.attempt(&|| {
            let call = self.client.get_caller_identity().customize();
            let signer = signed_by(signer).retry_config(RetryConfig::disabled());
            self.runtime.block_on(call.config_override(signer).send()).map_err(|error| classify(&error))
        });
    }
}

/// A runtime for one thread: calls are made one after another.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, StsError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| StsError::Unusable(format!("no runtime: {error}")))
}

/// An HTTP client for the endpoint, through the environment's proxies (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
pub(super) fn client(endpoint: Option<&str>, ca_bundle: Option<&Path>) -> Result<SharedHttpClient, StsError> {
    let is_plain = endpoint.is_some_and(|url| url.starts_with("http://"));
    let context = match ca_bundle {
        _ if is_plain => tls::TlsContext::default(),
        None => tls::TlsContext::default(),
        Some(path) => trusting(path)?,
    };
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        if is_plain {
            connector.build_http()
        } else {
            connector.tls_provider(tls::Provider::rustls(CryptoMode::Ring)).tls_context(context.clone()).build()
        }
    }))
}

fn trusting(path: &Path) -> Result<tls::TlsContext, StsError> {
    let unusable = |why: String| StsError::Unusable(format!("the CA bundle {}: {why}", path.display()));
    let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let store = tls::TrustStore::empty().with_pem_certificate(pem);
    tls::TlsContext::builder().with_trust_store(store).build().map_err(|error| unusable(error.to_string()))
}

fn signed_by(signer: &Credentials) -> aws_sdk_sts::config::Builder {
    let token = signer.session_token.as_ref().map(|token| token.expose().clone());
    let credentials = aws_credential_types::Credentials::new(
        &signer.access_key_id,
        signer.secret_access_key.expose(),
        token,
        None,
        "mfa-cred",
    );
    aws_sdk_sts::Config::builder().credentials_provider(SharedCredentialsProvider::new(credentials))
}

fn seconds(duration: Lifetime) -> i32 {
    i32::try_from(duration.secs()).unwrap_or(i32::MAX)
}

fn ours(credentials: &aws_sdk_sts::types::Credentials) -> Result<Credentials, StsError> {
    let end = Timestamp::from_second(credentials.expiration().secs()).map_err(|_| StsError::Unreadable)?;
    Ok(Credentials {
        access_key_id: credentials.access_key_id().to_owned(),
        secret_access_key: Secret::from(credentials.secret_access_key()),
        session_token: Some(Secret::from(credentials.session_token())),
        expiration: Some(end),
        account: None,
    })
}

/// What one of the SDK's own providers gave.
pub(super) fn from_sdk(credentials: &aws_credential_types::Credentials) -> Credentials {
    Credentials {
        access_key_id: credentials.access_key_id().to_owned(),
        secret_access_key: Secret::from(credentials.secret_access_key()),
        session_token: credentials.session_token().map(Secret::from),
        expiration: credentials.expiry().and_then(|end| Timestamp::try_from(end).ok()),
        account: credentials.account_id().and_then(|id| id.as_str().parse().ok()),
    }
}

fn classify<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> StsError {
    match error {
        SdkError::ServiceError(service) => {
            let (meta, status) = (service.err().meta(), service.raw().status().as_u16());
            match (meta.code(), status) {
                // AWS never answers so: a proxy does, and passes nothing on.
                (_, PROXY_PASSWORD) => StsError::Unreachable(Obstacle::ProxyPassword),
                (Some(code), _) if is_throttling(code) => StsError::Throttled,
                (_, 429) => StsError::Throttled,
                (_, 500..) => StsError::Unavailable(status),
                (Some(code), _) => StsError::Refused {
                    code: code.to_owned(),
                    message: meta.message().unwrap_or_default().to_owned(),
                    ahead: 0,
                },
                (None, _) => StsError::Unreadable,
            }
        }
        SdkError::ResponseError(response) => match response.raw().status().as_u16() {
            PROXY_PASSWORD => StsError::Unreachable(Obstacle::ProxyPassword),
            status @ 500.. => StsError::Unavailable(status),
            _ => StsError::Unreadable,
        },
        SdkError::TimeoutError(_) => StsError::Lost("it took too long"),
        SdkError::DispatchFailure(failure) => {
            let connector = failure.as_connector_error();
            let never_sent = connector.and_then(|error| Obstacle::of(error));
            match (never_sent, failure.is_timeout()) {
                (Some(why), _) => StsError::Unreachable(why),
                (None, true) => StsError::Lost("it took too long"),
                (None, false) => StsError::Lost("the connection broke"),
            }
        }
        SdkError::ConstructionFailure(_) => StsError::Unusable("the request cannot be built".to_owned()),
        _ => StsError::Unusable("the SDK failed".to_owned()),
    }
}

fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
    )
}

/// The local clock, and how far AWS's is ahead of it, in seconds.
#[derive(Debug)]
struct SigningTime(i64);

impl TimeSource for SigningTime {
    fn now(&self) -> SystemTime {
        let (now, ahead) = (SystemTime::now(), self.0);
        let by = Duration::from_secs(ahead.unsigned_abs());
        if ahead < 0 { now.checked_sub(by) } else { now.checked_add(by) }.unwrap_or(now)
    }
}

/// Reads the `Date` of every answer.
#[derive(Debug)]
struct ReadDate(Arc<LastDate>);

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for ReadDate {
    fn name(&self) -> &'static str {
        "ReadDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), aws_sdk_sts::error::BoxError> {
        if let Some(date) = context.response().headers().get("date")
            && let Ok(date) = rfc2822::parse(date)
        {
            self.0.0.store(date.timestamp().as_second(), Ordering::Relaxed);
        }
        Ok(())
    }
}
