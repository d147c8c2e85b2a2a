//! STS: converts between the SDK's types and ours. It knows nothing about plans or caches.
//!
//! Retries are off for a request with a code: a code works once, and the SDK's standard retry would send it again if an
//! answer was lost.

use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use aws_smithy_types::retry::RetryConfig;
use jiff::Timestamp;

use crate::names::{Lifetime, MfaSerial, SessionName};
use crate::plan::{AssumeRole, Service};
use crate::secret::{Code, Credentials, Secret};
use crate::settings::Limits;
use crate::state::CorrectedClock;

pub use crate::aws::CallError as StsError;
use crate::aws::classify;
use crate::aws::transport::{Transport, provider};

/// The calls of STS: two that return credentials, and one that tells who signs.
pub trait Sts {
    /// GetSessionToken with a code.
    fn session_token(
        &self,
        signer: &Credentials,
        serial: &MfaSerial,
        code: &Code,
        duration: Lifetime,
    ) -> Result<Credentials, StsError>;

    /// AssumeRole, with a code if the role's session is to last longer than an hour.
    fn assume_role(
        &self,
        signer: &Credentials,
        call: &AssumeRole,
        session_name: &SessionName,
        code: Option<&Code>,
    ) -> Result<Credentials, StsError>;

    /// AssumeRoleWithWebIdentity, which the token proves and nobody signs.
    fn web_identity(
        &self,
        token: &Secret<String>,
        call: &AssumeRole,
        session_name: &SessionName,
    ) -> Result<Credentials, StsError>;

    /// Learns AWS's time, which every answer contains, with a call that needs no permission: GetCallerIdentity. Its
    /// result does not matter.
    fn ask_the_time(&self, signer: &Credentials);

    /// GetCallerIdentity: the ARN of the signer. Needs no permission.
    fn caller(&self, signer: &Credentials) -> Result<String, StsError>;
}

/// AWS's STS, or whatever is at the configured endpoint.
pub struct AwsSts<'a> {
    client: aws_sdk_sts::Client,
    transport: Transport<'a>,
}

impl<'a> AwsSts<'a> {
    /// Loads certificates (for `https://` endpoints) and builds a client.
    ///
    /// # Errors A CA bundle cannot be read, or the system does not provide a runtime.
    pub fn connect(service: &Service, limits: Limits, clock: &'a CorrectedClock<'a>) -> Result<Self, StsError> {
        let transport = Transport::new(clock.of(service))?;
        let config = aws_sdk_sts::config::Builder::from(&transport.config(service, limits)?);
        let client = aws_sdk_sts::Client::from_conf(config.interceptor(transport.read_date()).build());
        Ok(Self { client, transport })
    }
}

impl AwsSts<'_> {
    /// Like [`Sts::caller`], but if the endpoint cannot be reached, this fails at once instead of retrying.
    ///
    /// # Errors Those of any call.
    pub fn caller_at_once(&self, signer: &Credentials) -> Result<String, StsError> {
        self.transport.send(&|| {
            let signer = signed_by(signer).retry_config(RetryConfig::disabled());
            let call = self.client.get_caller_identity().customize().config_override(signer);
            let answer = self.transport.wait(call.send()).map_err(|error| classify(&error))?;
            answer.arn().filter(|arn| !arn.is_empty()).map(str::to_owned).ok_or(StsError::Unreadable)
        })
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
        self.transport.send(&|| {
            let call = self
                .client
                .get_session_token()
                .duration_seconds(seconds(duration))
                .serial_number(serial.as_str())
                .token_code(code.expose())
                .customize()
                .config_override(signed_by(signer).retry_config(RetryConfig::disabled()));
            let answer = self.transport.wait(call.send()).map_err(|error| classify(&error))?;
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
        self.transport.send(&|| {
            let tag = |tag: &crate::names::Tag| Tag::builder().key(&tag.key).value(&tag.value).build();
            let tags: Result<Vec<_>, _> = call.tags.iter().map(tag).collect();
            let tags = tags.map_err(|_| StsError::Unusable("a tag is not complete".to_owned()))?;
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
                .set_policy_arns(policy_arns(call))
                .set_serial_number(code.and(call.device.as_ref()).map(ToString::to_string))
                .set_token_code(code.map(|code| code.expose().to_owned()));
            let signer = match code {
                Some(_) => signed_by(signer).retry_config(RetryConfig::disabled()),
                None => signed_by(signer),
            };
            let answer = self
                .transport
                .wait(request.customize().config_override(signer).send())
                .map_err(|error| classify(&error))?;
            answer.credentials().ok_or(StsError::Unreadable).and_then(ours)
        })
    }

    fn web_identity(
        &self,
        token: &Secret<String>,
        call: &AssumeRole,
        session_name: &SessionName,
    ) -> Result<Credentials, StsError> {
        self.transport.send(&|| {
            let request = self
                .client
                .assume_role_with_web_identity()
                .role_arn(call.role.as_str())
                .role_session_name(session_name.as_str())
                .web_identity_token(token.expose())
                .duration_seconds(seconds(call.duration))
                .set_policy(call.session_policy.clone())
                .set_policy_arns(policy_arns(call));
            let answer = self.transport.wait(request.send()).map_err(|error| classify(&error))?;
            answer.credentials().ok_or(StsError::Unreadable).and_then(ours)
        })
    }

    fn ask_the_time(&self, signer: &Credentials) {
        let _ = self.transport.attempt(&|| {
            let call = self.client.get_caller_identity().customize();
            let signer = signed_by(signer).retry_config(RetryConfig::disabled());
            self.transport.wait(call.config_override(signer).send()).map_err(|error| classify(&error))
        });
    }

    fn caller(&self, signer: &Credentials) -> Result<String, StsError> {
        self.transport.send(&|| {
            let call = self.client.get_caller_identity().customize().config_override(signed_by(signer));
            let answer = self.transport.wait(call.send()).map_err(|error| classify(&error))?;
            answer.arn().filter(|arn| !arn.is_empty()).map(str::to_owned).ok_or(StsError::Unreadable)
        })
    }
}

fn signed_by(signer: &Credentials) -> aws_sdk_sts::config::Builder {
    aws_sdk_sts::Config::builder().credentials_provider(provider(signer))
}

fn policy_arns(call: &AssumeRole) -> Option<Vec<PolicyDescriptorType>> {
    let arns = call.policy_arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build());
    (!call.policy_arns.is_empty()).then(|| arns.collect())
}

fn seconds(duration: Lifetime) -> i32 {
    i32::try_from(duration.secs()).unwrap_or(i32::MAX)
}

fn ours(credentials: &aws_sdk_sts::types::Credentials) -> Result<Credentials, StsError> {
    let end = Timestamp::from_second(credentials.expiration().secs()).map_err(|_| StsError::Unreadable)?;
    let ours = Credentials {
        access_key_id: credentials.access_key_id().to_owned(),
        secret_access_key: Secret::from(credentials.secret_access_key()),
        session_token: Some(Secret::from(credentials.session_token())),
        expiration: Some(end),
        account: None,
    };
    if ours.unsendable().is_some() { Err(StsError::Unreadable) } else { Ok(ours) }
}

/// The credentials from one of the SDK's own providers.
pub(super) fn from_sdk(credentials: &aws_credential_types::Credentials) -> Credentials {
    Credentials {
        access_key_id: credentials.access_key_id().to_owned(),
        secret_access_key: Secret::from(credentials.secret_access_key()),
        // An empty token counts as absent, as everywhere.
        session_token: credentials.session_token().filter(|token| !token.is_empty()).map(Secret::from),
        expiration: credentials.expiry().and_then(|end| Timestamp::try_from(end).ok()),
        account: credentials.account_id().and_then(|id| id.as_str().parse().ok()),
    }
}
