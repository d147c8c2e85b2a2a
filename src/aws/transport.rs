//! How calls to AWS are sent: one HTTP client, one clock and one interpretation of errors for all services.
//!
//! The SDK signs and sends. A client is built only for a call, since loading the system's certificates is most of a
//! call's cost; an `http://` endpoint gets a connector without TLS and loads none. The only request that is signed
//! again here is one whose *date* AWS refused, since that spends nothing. Each service's file decides which calls may
//! be retried.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{
    BehaviorVersion, ConfigBag, Intercept, Region, RuntimeComponents, SharedCredentialsProvider, SharedHttpClient,
};
use aws_sdk_sts::error::BoxError;
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector, tls};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};
use aws_smithy_types::timeout::TimeoutConfig;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::bounded::bounded;
use super::certificates;
use super::error::CallError;
use super::route::{Route, Trust};
use super::runtime::{Runtime, runtime};
use crate::names::Address;
use crate::plan::Service;
use crate::secret::Credentials;
use crate::settings::Limits;
use crate::state::CorrectedClock;

/// What the calls of one client share.
pub(crate) struct Transport<'a> {
    runtime: Runtime,
    clock: CorrectedClock<'a>,
    /// How far AWS's clock was believed to be ahead of ours when this was made, in seconds. The client itself adds what
    /// later answers show to each following request.
    ahead: i64,
    date: Arc<LastDate>,
}

/// The `Date` header of the last answer, in seconds since 1970; 0 for none.
#[derive(Debug, Default)]
struct LastDate(AtomicI64);

impl<'a> Transport<'a> {
    /// # Errors The system does not provide a runtime.
    pub(crate) fn new(clock: CorrectedClock<'a>) -> Result<Self, CallError> {
        Ok(Self { runtime: runtime()?, ahead: clock.ahead(), clock, date: Arc::new(LastDate::default()) })
    }

    /// Loads certificates (for `https://` endpoints) and returns what a client is built from.
    ///
    /// # Errors A CA bundle cannot be read.
    pub(crate) fn config(&self, service: &Service, limits: Limits) -> Result<SdkConfig, CallError> {
        // The plan has already refused it, with its location; this stops a service that was made in any other way.
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

    /// What else a client needs in order to report AWS's time.
    pub(crate) fn read_date(&self) -> ReadDate {
        ReadDate(Arc::clone(&self.date))
    }

    /// Runs a call to its end.
    pub(crate) fn wait<F: Future>(&self, call: F) -> F::Output {
        self.runtime.block_on(call)
    }

    /// Sends the request, and sends it again once if AWS refused its date.
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
            // The clock of a captive portal is irrelevant.
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

/// The signer in the SDK's form.
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

/// An HTTP client for the endpoint, using the route that [`Route`] describes.
pub(crate) fn client(route: &Route) -> Result<SharedHttpClient, CallError> {
    let context = if route.is_plain() { trusting(Vec::new()) } else { context(&route.trust) }?;
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

/// A name of this machine resolves to this machine, whatever a resolver or hosts file says.
#[derive(Clone, Debug)]
struct ThisMachine;

impl ResolveDns for ThisMachine {
    fn resolve_dns<'a>(&'a self, _: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]))
    }
}

/// Can the configured certificates be read, whether or not this endpoint needs them?
///
/// # Errors A CA bundle, or what `SSL_CERT_FILE` or `SSL_CERT_DIR` names, cannot be read or has no certificate.
pub(crate) fn check_trust(route: &Route) -> Result<(), CallError> {
    context(&route.trust).map(drop)
}

/// The SDK reads neither the variables nor a bundle by itself: what it cannot use makes it panic.
fn context(trust: &Trust) -> Result<tls::TlsContext, CallError> {
    match trust {
        Trust::System => Ok(tls::TlsContext::default()),
        Trust::Bundle(file) => trusting(certificates::of_file(file)?),
        Trust::Named { file, folders } => {
            let mut pem = file.as_deref().map_or(Ok(Vec::new()), certificates::of_file)?;
            pem.extend(folders.as_deref().map_or(Ok(Vec::new()), certificates::of_folders)?);
            trusting(pem)
        }
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
