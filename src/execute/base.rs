//! The base credentials of a plan: a user's keys from the AWS files or the environment, or the answer of one of the
//! SDK's providers.

use std::path::PathBuf;
use std::time::Duration;

use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use jiff::Timestamp;

use super::container;
use super::process::{self, ProcessError};
use super::sts::{StsError, from_sdk};
use crate::aws::route::Route;
use crate::aws::runtime;
use crate::aws::transport::client;
use crate::names::{ProfileName, is_temporary_key};
use crate::plan::{Base, LoginSession, Origin, Plan, SsoRole, WebIdentity};
use crate::profile::ProfileSet;
use crate::safe::SafeError;
use crate::secret::{Credentials, Secret};
use crate::signin::SignInError;
use crate::sso::SsoError;
use crate::web_token::{self, TokenError};

/// Why there are no base credentials.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// The keys were removed after the plan was made.
    #[error("the access key of profile `{0}` was removed")]
    NoKey(ProfileName),
    /// The environment has no keys.
    #[error("the environment has no access key")]
    NoAmbientKey,
    /// One of the SDK's providers failed.
    #[error("{from} gave no credentials{why}")]
    Provider {
        /// Which one.
        from: String,
        /// Its reason, as far as that can be shown.
        why: String,
    },
    /// A `credential_process`.
    #[error("{from} gave no credentials: {why}")]
    Process {
        /// Which one.
        from: String,
        /// Why.
        why: ProcessError,
    },
    /// They have expired.
    #[error("{from} gave credentials that expired at {end}{}", .origin.as_ref().map(|it| format!(" ({it})")).unwrap_or_default())]
    Expired {
        /// What the plan starts from.
        from: String,
        /// When.
        end: Timestamp,
        /// The file or variable that says so, if any.
        origin: Option<Origin>,
    },
    /// A temporary key without its session token.
    #[error("{from} gave temporary keys (`ASIA…`) without their session token")]
    NoToken {
        /// What the plan starts from.
        from: String,
    },
    /// A part of the key that no request can contain.
    #[error("{from} gave an access key that cannot be used: {part} is empty or contains a control character")]
    Unsendable {
        /// What the plan starts from.
        from: String,
        /// The part.
        part: &'static str,
    },
    /// The file of a web identity gives no token.
    #[error("{origin}: no token can be read from `{}`: {why}", .path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// Where it is named.
        origin: Origin,
        /// Why.
        why: TokenError,
    },
    /// The sealed access key.
    #[error(transparent)]
    Sealed(#[from] SafeError),
    /// The session of `aws login`.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// A login at IAM Identity Center.
    #[error(transparent)]
    Sso(#[from] SsoError),
    /// No client could be built for the provider.
    #[error(transparent)]
    Client(#[from] StsError),
}

/// Gets the credentials that a plan starts from.
pub trait Bases {
    /// Gets the base credentials of the plan.
    fn credentials(&self, plan: &Plan, set: &ProfileSet) -> Result<Credentials, BaseError>;

    /// Reads the token of a web identity, which is the base instead of credentials.
    fn token(&self, web: &WebIdentity) -> Result<Secret<String>, BaseError>;
}

/// The real implementation: the files, the environment, and the SDK's providers on their own runtime.
pub struct RealBases<'a> {
    /// The environment's keys.
    pub ambient: &'a dyn Fn() -> Option<Credentials>,
    /// Opens a profile's sealed key.
    pub sealed: &'a dyn Fn(&ProfileName) -> Result<Credentials, SafeError>,
    /// Reads a session of `aws login`, and renews it.
    pub login: &'a dyn Fn(&LoginSession) -> Result<Credentials, SignInError>,
    /// Gets the credentials of a role with a login at IAM Identity Center.
    pub sso: &'a dyn Fn(&SsoRole) -> Result<Credentials, SsoError>,
    /// Passes the stderr of a `credential_process` on to the person at the terminal.
    pub heard: &'a dyn Fn(&str),
    /// The time limit for an instance or a command.
    pub patience: Duration,
}

impl Bases for RealBases<'_> {
    fn credentials(&self, plan: &Plan, set: &ProfileSet) -> Result<Credentials, BaseError> {
        let credentials = self.of_base(plan, set)?;
        let account = credentials.account.clone().or_else(|| plan.account.clone());
        Ok(Credentials { account, ..credentials })
    }

    fn token(&self, web: &WebIdentity) -> Result<Secret<String>, BaseError> {
        let WebIdentity { file, origin, .. } = web;
        web_token::read(file).map_err(|why| BaseError::Token { path: file.clone(), origin: origin.clone(), why })
    }
}

impl RealBases<'_> {
    fn of_base(&self, plan: &Plan, set: &ProfileSet) -> Result<Credentials, BaseError> {
        match &plan.base {
            Base::AccessKey { profile, .. } => access_key(set, profile, plan).ok_or(BaseError::NoKey(profile.clone())),
            Base::SealedKey { profile, .. } => Ok((self.sealed)(profile)?),
            Base::Environment(_) => (self.ambient)().ok_or(BaseError::NoAmbientKey),
            Base::CredentialProcess { command, .. } => {
                let failed = |why| BaseError::Process { from: plan.base.to_string(), why };
                process::run(command, self.patience, self.heard).map_err(failed)
            }
            Base::Sso(role) => Ok((self.sso)(role)?),
            Base::Ec2InstanceMetadata(url) => {
                let config = ProviderConfig::without_region().with_http_client(client(&Route::to_this_host())?);
                // Named, so that the SDK looks for no other in files and variables of its own choice.
                let agent = imds::Client::builder().configure(&config).endpoint(url);
                let failed = |_| failed(plan, ": its address is not valid".to_owned());
                let agent = agent.map_err(failed)?.build();
                let provider = ImdsCredentialsProvider::builder().configure(&config).imds_client(agent).build();
                provide(plan, &provider, self.patience)
            }
            Base::EcsContainer(None) => {
                let why = ": neither `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` nor `AWS_CONTAINER_CREDENTIALS_FULL_URI` is set";
                Err(failed(plan, why.to_owned()))
            }
            Base::Login(session) => Ok((self.login)(session)?),
            Base::WebIdentity(_) => Err(failed(plan, ": it signs nothing".to_owned())),
            Base::EcsContainer(Some(url)) => container::fetch(url).map_err(|why| failed(plan, why)),
        }
    }
}

fn access_key(set: &ProfileSet, profile: &ProfileName, plan: &Plan) -> Option<Credentials> {
    let profile = set.get(profile.as_str())?;
    let text = |key| profile.filled(key).map(|property| property.value().into_owned());
    Some(Credentials {
        access_key_id: text("aws_access_key_id")?,
        secret_access_key: Secret::new(text("aws_secret_access_key")?),
        session_token: profile.session_token().map(|token| Secret::new(token.value().into_owned())),
        expiration: plan.end.as_ref().map(|end| end.at),
        account: None,
    })
}

/// Returns the credentials if they can sign requests; checked before a code is asked for.
///
/// # Errors They have expired, are temporary without a session token, or contain what no request can contain.
pub fn alive(credentials: Credentials, plan: &Plan, now: Timestamp) -> Result<Credentials, BaseError> {
    if let Some(part) = credentials.unsendable() {
        return Err(BaseError::Unsendable { from: plan.base.to_string(), part });
    }
    if credentials.session_token.is_none() && is_temporary_key(&credentials.access_key_id) {
        return Err(BaseError::NoToken { from: plan.base.to_string() });
    }
    match credentials.expiration {
        Some(end) if end <= now => Err(BaseError::Expired {
            from: plan.base.to_string(),
            end,
            origin: plan.end.as_ref().map(|end| end.origin.clone()),
        }),
        _ => Ok(credentials),
    }
}

fn failed(plan: &Plan, why: String) -> BaseError {
    BaseError::Provider { from: plan.base.to_string(), why }
}

fn provide(plan: &Plan, provider: &dyn ProvideCredentials, patience: Duration) -> Result<Credentials, BaseError> {
    let failed = |why| failed(plan, why);
    let answer = runtime()?.block_on(async { tokio::time::timeout(patience, provider.provide_credentials()).await });
    match answer {
        Err(_) => Err(failed(format!(" within {} s", patience.as_secs()))),
        Ok(Err(error)) => Err(failed(reason(&error))),
        Ok(Ok(credentials)) => Ok(from_sdk(&credentials)),
    }
}

/// The kind of failure, but never the provider's own text: that of a `credential_process` may quote its output.
fn reason(error: &CredentialsError) -> String {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => ": it found none".to_owned(),
        CredentialsError::ProviderTimedOut(_) => " in time".to_owned(),
        CredentialsError::InvalidConfiguration(_) => ": its configuration is not valid".to_owned(),
        _ => ": it failed, or its answer cannot be read".to_owned(),
    }
}
