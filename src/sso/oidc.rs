//! `sso-oidc`: registers this program as a client, and exchanges what a person confirmed in a browser for tokens.
//!
//! In: the scopes, a device code, an authorization code, or a refresh token. Out: tokens. A refresh token is spent by its
//! use, so a call that carries one is sent at most once, as is an authorization code.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::endpoint::{self, Api};
use crate::aws::CallError;
use crate::aws::json::{JsonCall, JsonService};
use crate::plan::Service;
use crate::secret::Secret;
use crate::settings::Limits;
use crate::state::CorrectedClock;

/// What the AWS CLI asks for: access to the accounts that are assigned to the person. With any scope, AWS returns a
/// refresh token.
pub const DEFAULT_SCOPE: &str = "sso:account:access";

/// The redirect URI that is registered. RFC 8252 lets the port differ when it is used.
const REDIRECT_URI: &str = "http://127.0.0.1/oauth/callback";

/// How a client is going to obtain tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flow {
    /// A browser on this machine is redirected to this program (authorization code with PKCE).
    Browser,
    /// A code is confirmed in a browser anywhere.
    DeviceCode,
}

/// What is registered.
#[derive(Clone, Copy, Debug)]
pub struct Registering<'a> {
    /// The name that the person sees in the browser.
    pub client_name: &'a str,
    /// What the tokens will be good for.
    pub scopes: &'a [String],
    /// The Identity Center's start URL.
    pub start_url: &'a str,
    /// How tokens will be obtained.
    pub flow: Flow,
}

/// A registered client.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Its ID.
    pub client_id: String,
    /// Its secret, which AWS issues to public clients, too.
    pub client_secret: Secret<String>,
    /// When it ends, usually after 90 days.
    pub expires_at: Timestamp,
}

/// What starts the device code flow.
#[derive(Clone, Debug)]
pub struct DeviceAuthorization {
    /// Identifies the authorization.
    pub device_code: Secret<String>,
    /// What the person compares with the page.
    pub user_code: String,
    /// The page on which the person types the code.
    pub verification_uri: String,
    /// The same page with the code filled in.
    pub verification_uri_complete: String,
    /// How long the code is valid.
    pub expires_in: Duration,
    /// How long to pause between two requests for the token.
    pub interval: Duration,
}

/// What is exchanged for tokens.
#[derive(Clone, Copy, Debug)]
pub enum Grant<'a> {
    /// A device code that the person confirms.
    DeviceCode(&'a Secret<String>),
    /// The code that the browser was redirected with.
    AuthorizationCode {
        /// The code.
        code: &'a Secret<String>,
        /// The secret whose hash was in the request.
        verifier: &'a Secret<String>,
        /// The URI that the browser was redirected to, with its port.
        redirect_uri: &'a str,
    },
    /// The token that came with the previous access token. It is spent by this.
    RefreshToken(&'a Secret<String>),
}

/// An access token, and the token that renews it.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// What the portal takes.
    pub access_token: Secret<String>,
    /// How long that is valid.
    pub expires_in: Duration,
    /// Absent if the client was registered without scopes.
    pub refresh_token: Option<Secret<String>>,
}

/// Why there are no tokens.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// The person has not confirmed the code yet.
    #[error("the sign-in has not been confirmed yet")]
    Pending,
    /// The same, and requests come too fast.
    #[error("the sign-in has not been confirmed yet, and AWS wants fewer requests")]
    SlowDown,
    /// The device code is no longer valid.
    #[error("the code expired before the sign-in was confirmed")]
    Expired,
    /// The person, or an administrator's rule, denied it.
    #[error("the sign-in was denied")]
    Denied,
    /// The refresh token or the code is spent, expired or revoked.
    #[error("the session has ended")]
    Ended,
    /// AWS does not know the client, or no longer.
    #[error("AWS no longer knows this client")]
    UnknownClient,
    /// Any other failure.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// The calls of `sso-oidc`.
pub trait Oidc {
    /// RegisterClient.
    fn register(&self, what: &Registering<'_>) -> Result<Registration, CallError>;

    /// StartDeviceAuthorization.
    fn start(&self, client: &Registration, start_url: &str) -> Result<DeviceAuthorization, TokenError>;

    /// CreateToken.
    fn create_token(&self, client: &Registration, grant: Grant<'_>) -> Result<Tokens, TokenError>;
}

/// AWS's own, or the server at the configured endpoint.
pub struct AwsOidc<'a> {
    service: JsonService<'a>,
}

impl<'a> AwsOidc<'a> {
    /// Loads certificates (for `https://` endpoints) and builds a client.
    ///
    /// # Errors
    /// A CA bundle cannot be read, or the async runtime cannot be built.
    pub fn connect(service: &Service, limits: Limits, clock: &'a CorrectedClock<'a>) -> Result<Self, CallError> {
        let url = endpoint::url(Api::Oidc, service)?;
        Ok(Self { service: JsonService::connect("ssooidc", url, service, limits, clock)? })
    }

    /// The same client, whose calls end early once this holds. One that spends a token runs to its end.
    #[must_use]
    pub fn until(self, is_canceled: &'a dyn Fn() -> bool) -> Self {
        Self { service: self.service.until(is_canceled) }
    }

    fn post<T: for<'de> Deserialize<'de>>(
        &self,
        (action, path): (&'static str, &str),
        body: &impl Serialize,
        is_repeatable: bool,
    ) -> Result<T, CallError> {
        let call = JsonCall {
            action,
            method: "POST",
            path: path.to_owned(),
            header: None,
            body: Some(text_of(body)?),
            is_repeatable,
        };
        let answer = self.service.send(&call)?;
        serde_json::from_slice(answer.expose()).map_err(|_| CallError::Unreadable)
    }
}

/// Room for every request, so that no copy of a secret stays behind in a buffer that was too small.
const ROOM: usize = 1 << 16;

fn text_of(body: &impl Serialize) -> Result<Secret<String>, CallError> {
    let mut text = Vec::with_capacity(ROOM);
    let unusable = || CallError::Unusable("the request cannot be written".to_owned());
    serde_json::to_writer(&mut text, body).map_err(|_| unusable())?;
    String::from_utf8(text).map(Secret::new).map_err(|_| unusable())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RegisterClient<'a> {
    client_name: &'a str,
    client_type: &'static str,
    scopes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_types: Option<[&'static str; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uris: Option<[&'static str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer_url: Option<&'a str>,
}

#[derive(Deserialize)]
struct Registered {
    #[serde(rename = "clientId")]
    id: String,
    #[serde(rename = "clientSecret")]
    secret: String,
    #[serde(rename = "clientSecretExpiresAt")]
    expires_at: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StartDeviceAuthorization<'a> {
    client_id: &'a str,
    client_secret: &'a str,
    start_url: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: Option<u32>,
    interval: Option<u32>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateToken<'a> {
    client_id: &'a str,
    client_secret: &'a str,
    grant_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_verifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    access_token: String,
    expires_in: u32,
    refresh_token: Option<String>,
}

impl<'a> CreateToken<'a> {
    fn of(client: &'a Registration, grant: Grant<'a>) -> Self {
        let client =
            Self { client_id: &client.client_id, client_secret: client.client_secret.expose(), ..Self::default() };
        match grant {
            Grant::DeviceCode(code) => Self {
                grant_type: "urn:ietf:params:oauth:grant-type:device_code",
                device_code: Some(code.expose()),
                ..client
            },
            Grant::AuthorizationCode { code, verifier, redirect_uri } => Self {
                grant_type: "authorization_code",
                code: Some(code.expose()),
                code_verifier: Some(verifier.expose()),
                redirect_uri: Some(redirect_uri),
                ..client
            },
            Grant::RefreshToken(token) => {
                Self { grant_type: "refresh_token", refresh_token: Some(token.expose()), ..client }
            }
        }
    }
}

impl Oidc for AwsOidc<'_> {
    fn register(&self, what: &Registering<'_>) -> Result<Registration, CallError> {
        let by_browser = what.flow == Flow::Browser;
        let body = RegisterClient {
            client_name: what.client_name,
            client_type: "public",
            scopes: what.scopes,
            grant_types: by_browser.then_some(["authorization_code", "refresh_token"]),
            redirect_uris: by_browser.then_some([REDIRECT_URI]),
            issuer_url: by_browser.then_some(what.start_url),
        };
        let answer: Registered = self.post(("RegisterClient", "/client/register"), &body, true)?;
        let client_secret = Secret::new(answer.secret);
        let expires_at = Timestamp::from_second(answer.expires_at).map_err(|_| CallError::Unreadable)?;
        Ok(Registration { client_id: answer.id, client_secret, expires_at })
    }

    fn start(&self, client: &Registration, start_url: &str) -> Result<DeviceAuthorization, TokenError> {
        let body = StartDeviceAuthorization {
            client_id: &client.client_id,
            client_secret: client.client_secret.expose(),
            start_url,
        };
        let answer: Started =
            self.post(("StartDeviceAuthorization", "/device_authorization"), &body, true).map_err(refused)?;
        let seconds =
            |given: Option<u32>, usual| Duration::from_secs(given.filter(|it| *it > 0).unwrap_or(usual).into());
        Ok(DeviceAuthorization {
            device_code: Secret::new(answer.device_code),
            user_code: answer.user_code,
            verification_uri: answer.verification_uri,
            verification_uri_complete: answer.verification_uri_complete,
            expires_in: seconds(answer.expires_in, 600),
            interval: seconds(answer.interval, 5),
        })
    }

    fn create_token(&self, client: &Registration, grant: Grant<'_>) -> Result<Tokens, TokenError> {
        // Asking for a device code's tokens once more is how that flow works.
        let is_repeatable = matches!(grant, Grant::DeviceCode(_));
        let body = CreateToken::of(client, grant);
        let answer: Created = self.post(("CreateToken", "/token"), &body, is_repeatable).map_err(refused)?;
        let tokens = Tokens {
            access_token: Secret::new(answer.access_token),
            expires_in: Duration::from_secs(answer.expires_in.into()),
            refresh_token: answer.refresh_token.filter(|token| !token.is_empty()).map(Secret::new),
        };
        // It travels in a header.
        let is_sendable = |token: &str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_sendable(tokens.access_token.expose()) {
            return Err(CallError::Unreadable.into());
        }
        Ok(tokens)
    }
}

fn refused(error: CallError) -> TokenError {
    let CallError::Refused { code, .. } = &error else { return error.into() };
    match code.as_str() {
        "AuthorizationPendingException" => TokenError::Pending,
        "SlowDownException" => TokenError::SlowDown,
        "ExpiredTokenException" => TokenError::Expired,
        "AccessDeniedException" => TokenError::Denied,
        "InvalidGrantException" => TokenError::Ended,
        "InvalidClientException" | "UnauthorizedClientException" => TokenError::UnknownClient,
        _ => error.into(),
    }
}
