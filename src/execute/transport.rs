//! How a call to AWS travels: one HTTP client, one clock, one reading of what went wrong, for every service.
//!
//! The SDK signs and sends. A client is built only when a call is made, since loading the system's certificates is
//! most of what a call costs; an `http://` endpoint gets a connector without TLS and loads none. The one request that is
//! signed anew here is one whose *date* AWS refused, for that spends nothing. Which calls may be retried is for their
//! service's file to say.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{
    BehaviorVersion, ConfigBag, Intercept, Region, RuntimeComponents, SharedCredentialsProvider, SharedHttpClient,
};
use aws_sdk_sts::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector, tls};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::timeout::TimeoutConfig;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::bounded::{bounded, is_too_long};
use super::obstacle::Obstacle;
use super::route::{Route, Trust};
use crate::cache::CorrectedClock;
use crate::host::read_regular;
use crate::names::Address;
use crate::plan::Service;
use crate::secret::Credentials;
use crate::settings::Limits;

/// Proxy Authentication Required (RFC 9110).
const PROXY_PASSWORD: u16 = 407;

/// In characters. AWS's longest texts, those with an encoded authorization message aside, have some four hundred.
const LONGEST_MESSAGE: usize = 1000;
/// In characters.
const LONGEST_CODE: usize = 100;

/// Why a call failed, whichever service was called.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CallError {
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
    /// Something else than AWS answered, or its answer was cut off.
    Unreadable,
    /// The answer went on and on.
    TooLong,
    /// It was sent, and no answer came.
    Lost(&'static str),
    /// Nothing was sent.
    Unreachable(Obstacle),
    /// No request could be made.
    Unusable(String),
}

impl std::error::Error for CallError {}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { code, message, .. } if message.is_empty() => write!(f, "AWS refused it ({code})"),
            Self::Refused { code, message, .. } => write!(f, "AWS refused it ({code}): {message}"),
            Self::Throttled => f.write_str("AWS is throttling calls"),
            Self::Unavailable(status) => write!(f, "AWS failed to answer (HTTP {status})"),
            Self::Unreadable => f.write_str("the answer is not one of AWS's, or was cut off"),
            Self::TooLong => f.write_str("the answer is longer than 1 MB, which none of AWS's is"),
            Self::Lost(why) => write!(f, "the answer was lost ({why})"),
            Self::Unreachable(why) => write!(f, "AWS could not be reached ({why})"),
            Self::Unusable(why) => write!(f, "no request could be made ({why})"),
        }
    }
}

impl CallError {
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
        matches!(self, Self::Throttled | Self::Unavailable(_) | Self::Unreadable | Self::TooLong | Self::Lost(_))
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

/// What the calls of one client share.
pub(crate) struct Transport<'a> {
    runtime: tokio::runtime::Runtime,
    clock: CorrectedClock<'a>,
    /// How far AWS's clock was believed to be ahead when this was made, in seconds. What answers show after that the
    /// client adds by itself, to each request that follows.
    ahead: i64,
    date: Arc<LastDate>,
}

/// The last answer's `Date`, in seconds since 1970; 0 for none.
#[derive(Debug, Default)]
struct LastDate(AtomicI64);

impl<'a> Transport<'a> {
    /// # Errors
    /// A system that gives no runtime.
    pub(crate) fn new(clock: CorrectedClock<'a>) -> Result<Self, CallError> {
        Ok(Self { runtime: runtime()?, ahead: clock.ahead(), clock, date: Arc::new(LastDate::default()) })
    }

    /// Loads certificates (for `https://` endpoints) and gives what a client is built from.
    ///
    /// # Errors
    /// A CA bundle that cannot be read.
    pub(crate) fn config(&self, service: &Service, limits: Limits) -> Result<SdkConfig, CallError> {
        // The plan refused it already, with its place; whoever makes a service otherwise is stopped here.
        let endpoint = service.endpoint_url.as_deref().map(str::parse::<Address>);
        if endpoint.is_some_and(|address| address.is_ok_and(|it| it.is_in_clear()) && !service.may_be_in_clear) {
            return Err(CallError::Unusable("the endpoint is plain http".to_owned()));
        }
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(limits.connect)
            .operation_attempt_timeout(limits.attempt)
            .operation_timeout(limits.call)
            .build();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(service.region.as_str().to_owned()))
            .use_fips(service.fips)
            .use_dual_stack(service.dualstack)
            .http_client(client(&Route::to(service))?)
            .timeout_config(timeouts)
            .time_source(SharedTimeSource::new(SigningTime(self.ahead)));
        config.set_endpoint_url(service.endpoint_url.clone());
        Ok(config.build())
    }

    /// What a client needs besides, to show AWS's time.
    pub(crate) fn read_date(&self) -> ReadDate {
        ReadDate(Arc::clone(&self.date))
    }

    /// Waits for a call.
    pub(crate) fn wait<F: Future>(&self, call: F) -> F::Output {
        self.runtime.block_on(call)
    }

    /// Sends, and once more when it was the date that AWS refused.
    pub(crate) fn send<T>(&self, attempt: &dyn Fn() -> Result<T, CallError>) -> Result<T, CallError> {
        let first = self.attempt(attempt);
        match &first {
            Err(error) if error.is_of_the_clock() => self.attempt(attempt),
            _ => first,
        }
    }

    pub(crate) fn attempt<T>(&self, attempt: &dyn Fn() -> Result<T, CallError>) -> Result<T, CallError> {
        let result = attempt();
        let date = self.date.0.swap(0, Ordering::Relaxed);
        if date != 0
            && let Ok(date) = Timestamp::from_second(date)
        {
            let is_aws = !matches!(result, Err(CallError::Unreadable | CallError::TooLong | CallError::Unavailable(_)));
            // A captive portal's clock is nobody's business.
            if is_aws {
                self.clock.learn(date);
            }
        }
        match result {
            Err(CallError::Refused { code, message, .. }) => {
                Err(CallError::Refused { code, message, ahead: self.clock.ahead() - self.ahead })
            }
            other => other,
        }
    }
}

/// Who signs, as the SDK takes it.
pub(crate) fn provider(signer: &Credentials) -> SharedCredentialsProvider {
    let token = signer.session_token.as_ref().map(|token| token.expose().clone());
    SharedCredentialsProvider::new(aws_credential_types::Credentials::new(
        &signer.access_key_id,
        signer.secret_access_key.expose(),
        token,
        None,
        "mfa-cred",
    ))
}

/// A runtime for one thread: calls are made one after another.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, CallError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CallError::Unusable(format!("no runtime: {error}")))
}

/// An HTTP client for the endpoint, by the way that [`Route`] says.
pub(super) fn client(route: &Route) -> Result<SharedHttpClient, CallError> {
    let context = match (route.is_plain(), &route.trust) {
        (true, _) => trusting(Vec::new()),
        (false, Trust::System) => Ok(tls::TlsContext::default()),
        (false, Trust::Variable(file)) => {
            // It is the crate that reads the system's certificates which reads this one: here it is only looked at.
            read_bundle(file).map(|_| tls::TlsContext::default())
        }
        (false, Trust::Bundle(file)) => read_bundle(file).and_then(trusting),
    }?;
    let (proxies, is_plain, is_local) = (route.proxies(), route.is_plain(), route.is_named_loopback());
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(proxies.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        if is_plain && !is_local {
            return connector.build_http();
        }
        let connector = connector.tls_provider(tls::Provider::rustls(CryptoMode::Ring)).tls_context(context.clone());
        if is_local { connector.build_with_resolver(ThisMachine) } else { connector.build() }
    });
    Ok(bounded(client))
}

/// A name of this machine leads to this machine, whatever a resolver or a hosts file says.
#[derive(Clone, Debug)]
struct ThisMachine;

impl ResolveDns for ThisMachine {
    fn resolve_dns<'a>(&'a self, _: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]))
    }
}

fn trusting(pem: Vec<u8>) -> Result<tls::TlsContext, CallError> {
    let store = tls::TrustStore::empty();
    let store = if pem.is_empty() { store } else { store.with_pem_certificate(pem) };
    tls::TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|error| CallError::Unusable(format!("the CA bundle: {error}")))
}

fn read_bundle(path: &Path) -> Result<Vec<u8>, CallError> {
    let unusable = |error: io::Error| CallError::Unusable(format!("the CA bundle {}: {error}", path.display()));
    Ok(read_regular(path).map_err(unusable)?.expose().clone())
}

pub(crate) fn classify<E: ProvideErrorMetadata + std::error::Error + 'static>(
    error: &SdkError<E, HttpResponse>,
) -> CallError {
    match error {
        SdkError::ServiceError(service) => {
            let (meta, status) = (service.err().meta(), service.raw().status().as_u16());
            match (meta.code(), status) {
                // AWS never answers so: a proxy does, and passes nothing on.
                (_, PROXY_PASSWORD) => CallError::Unreachable(Obstacle::ProxyPassword),
                (Some(code), _) if is_throttling(code) => CallError::Throttled,
                (_, 429) => CallError::Throttled,
                (_, 500..) => CallError::Unavailable(status),
                (Some(code), _) => CallError::Refused {
                    code: cut(code, LONGEST_CODE),
                    message: said(meta.message().unwrap_or_default()),
                    ahead: 0,
                },
                (None, _) => CallError::Unreadable,
            }
        }
        SdkError::ResponseError(_) if is_too_long(error) => CallError::TooLong,
        SdkError::ResponseError(response) => match response.raw().status().as_u16() {
            PROXY_PASSWORD => CallError::Unreachable(Obstacle::ProxyPassword),
            status @ 500.. => CallError::Unavailable(status),
            _ => CallError::Unreadable,
        },
        SdkError::TimeoutError(_) => CallError::Lost("it took too long"),
        SdkError::DispatchFailure(failure) => {
            let connector = failure.as_connector_error();
            let never_sent = connector.and_then(|error| Obstacle::of(error));
            match (never_sent, failure.is_timeout()) {
                (Some(why), _) => CallError::Unreachable(why),
                (None, true) => CallError::Lost("it took too long"),
                (None, false) => CallError::Lost("the connection broke"),
            }
        }
        SdkError::ConstructionFailure(_) => CallError::Unusable("the request cannot be built".to_owned()),
        _ => CallError::Unusable("the SDK failed".to_owned()),
    }
}

/// AWS's text, as long as a person reads it. Where a signature did not match it also quotes the request, whose headers
/// hold the session token.
fn said(message: &str) -> String {
    let end = message.find("The Canonical String").unwrap_or(message.len());
    cut(message[..end].trim_end(), LONGEST_MESSAGE)
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
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
pub(crate) struct ReadDate(Arc<LastDate>);

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
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date")
            && let Ok(date) = rfc2822::parse(date)
        {
            self.0.0.store(date.timestamp().as_second(), Ordering::Relaxed);
        }
        Ok(())
    }
}
