//! Signing in: a person confirms in a browser, and tokens come back.
//!
//! In: a login, the client of `sso-oidc`, and a browser where there is one. Out: the [`Token`] for the file that is shared
//! with the AWS CLI. Two ways lead there. The browser on this machine is sent back to a port of this process (authorization
//! code with PKCE, RFC 7636 and 8252), or a short code is confirmed on any device (RFC 8628). Neither puts a secret on the
//! screen. Nothing is stored here except the client's registration.

#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::callback::{Answer, Callback};
use super::endpoint::{self, Api};
use super::oidc::{Flow, Grant, Oidc, Registering, Registration, TokenError, Tokens};
use super::registration::Registrations;
use super::token::{Renewal, Token};
use crate::aws::CallError;
use crate::browser::door::unguessable;
use crate::browser::{Browser, Opening};
use crate::host::{Clock, TerminalError};
use crate::names::Address;
use crate::plan::SsoSession;
use crate::secret::Secret;

/// How long the person may take, as with the AWS CLI.
pub const PATIENCE: Duration = Duration::from_mins(10);
/// The pause between two looks at what happened.
const TICK: Duration = Duration::from_millis(20);
/// What AWS wants the pause between two requests to grow by (RFC 8628, 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// A page of AWS may be no longer than this, in bytes.
const LONGEST_ADDRESS: usize = 2048;
/// Every character except those that RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The client could not be registered.
    #[error("the sign-in could not be started")]
    Register(#[source] CallError),
    /// There is no code to confirm.
    #[error("the sign-in could not be started")]
    Start(#[source] TokenError),
    /// No port of this machine can be opened.
    #[error("no local port can be opened for the browser to come back to")]
    Port(#[source] io::Error),
    /// The person said no, or an administrator's rule did.
    #[error("the sign-in was denied in the browser")]
    Denied,
    /// AWS's page reported another error.
    #[error("the sign-in page reported `{0}`")]
    Page(String),
    /// Nobody confirmed in time.
    #[error("nobody confirmed the sign-in within {} min", .0.as_secs().div_ceil(60))]
    TimedOut(Duration),
    /// What was confirmed could not be exchanged for tokens.
    #[error("the sign-in was confirmed, but AWS returned no token")]
    Exchange(#[source] TokenError),
    /// The person canceled.
    #[error(transparent)]
    Terminal(TerminalError),
}

/// A sign-in.
pub struct Login<'a> {
    /// The login.
    pub session: &'a SsoSession,
    /// Its start URL as AWS knows it.
    pub start_url: &'a str,
    /// `sso-oidc`
    pub oidc: &'a dyn Oidc,
    /// The folder with `.aws`.
    pub home: &'a Path,
    /// For the token's end, and for pauses.
    pub clock: &'a dyn Clock,
    /// `None`: the person opens the page.
    pub browser: Option<&'a Browser>,
    /// Shows a line to the person.
    pub say: &'a dyn Fn(&str),
    /// Why not to wait any longer.
    pub gives_up: &'a dyn Fn() -> Option<TerminalError>,
    /// How long the person may take.
    pub patience: Duration,
}

impl Login<'_> {
    /// Asks the person, and exchanges the answer for a token.
    ///
    /// # Errors
    /// What AWS refused, or why the person did not answer.
    pub fn token(&self, flow: Flow) -> Result<Token, LoginError> {
        let (client, tokens) = match flow {
            Flow::Browser => self.by_browser()?,
            Flow::DeviceCode => self.by_code()?,
        };
        let now = self.clock.now();
        let expires_at = now.saturating_add(tokens.expires_in).unwrap_or(now);
        let renewal = tokens.refresh_token.map(|refresh_token| Renewal {
            refresh_token,
            client_id: client.client_id,
            client_secret: client.client_secret,
            registration_expires_at: client.expires_at,
        });
        let mut token = Token::new(tokens.access_token, expires_at, renewal);
        token.start_url = Some(self.session.start_url.clone());
        token.region = Some(self.session.oidc.region.to_string());
        Ok(token)
    }

    /// The authorization code flow.
    fn by_browser(&self) -> Result<(Registration, Tokens), LoginError> {
        let client = self.client(Flow::Browser)?;
        let verifier = unguessable();
        let state = unguessable();
        let mut callback = Callback::open(state.clone()).map_err(LoginError::Port)?;
        let redirect_uri = callback.redirect_uri();
        let url = self.page(&client, &redirect_uri, &state, &verifier)?;
        let code = self.answer(&mut callback, &url).inspect_err(|error| {
            // AWS's page may have refused a client that it no longer knows, which only the person saw.
            if !matches!(error, LoginError::Denied) {
                self.registrations().forget(&client);
            }
        })?;
        // Nobody else has anything to bring.
        drop(callback);
        let grant = Grant::AuthorizationCode { code: &code, verifier: &verifier, redirect_uri: &redirect_uri };
        let tokens = self.oidc.create_token(&client, grant).map_err(|error| self.exchange(error, &client))?;
        Ok((client, tokens))
    }

    /// Why a call failed, unless the person canceled meanwhile.
    fn unless_canceled(&self, why: LoginError) -> LoginError {
        (self.gives_up)().map_or(why, LoginError::Terminal)
    }

    /// The page that sends the browser back.
    fn page(
        &self,
        client: &Registration,
        redirect_uri: &str,
        state: &Secret<String>,
        verifier: &Secret<String>,
    ) -> Result<String, LoginError> {
        let host = endpoint::url(Api::Oidc, &self.session.oidc).map_err(LoginError::Register)?;
        let challenge = challenge(verifier);
        let scopes = self.session.scopes.join(" ");
        // AWS calls the parameter `scopes`.
        let query = [
            ("response_type", "code"),
            ("client_id", &client.client_id),
            ("redirect_uri", redirect_uri),
            ("state", state.expose()),
            ("code_challenge_method", "S256"),
            ("scopes", &scopes),
            ("code_challenge", &challenge),
        ];
        let query = query.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, RESERVED)));
        Ok(format!("{}/authorize?{}", host.trim_end_matches('/'), query.join("&")))
    }

    /// Waits until the browser has come back.
    fn answer(&self, callback: &mut Callback, url: &str) -> Result<Secret<String>, LoginError> {
        let mut waiting = self.waiting(self.patience);
        self.show(url, "", &mut waiting);
        loop {
            match callback.poll() {
                Some(Answer::Code(code)) => return Ok(code),
                Some(Answer::Denied) => return Err(LoginError::Denied),
                Some(Answer::Failed(code)) => return Err(LoginError::Page(code)),
                None => waiting.tick()?,
            }
        }
    }

    /// The device code flow.
    fn by_code(&self) -> Result<(Registration, Tokens), LoginError> {
        let mut client = self.client(Flow::DeviceCode)?;
        let started = match self.oidc.start(&client, self.start_url) {
            Err(TokenError::UnknownClient) => {
                self.registrations().forget(&client);
                client = self.client(Flow::DeviceCode)?;
                self.oidc.start(&client, self.start_url)
            }
            started => started,
        };
        let device = started.map_err(|error| self.unless_canceled(LoginError::Start(error)))?;
        let page = &device.verification_uri_complete;
        if !is_page(page) {
            return Err(LoginError::Start(CallError::Unreadable.into()));
        }
        let mut waiting = self.waiting(device.expires_in.min(self.patience));
        self.show(page, &format!(" and confirm the code {}", device.user_code), &mut waiting);
        let mut interval = device.interval;
        loop {
            let asked = waiting.watch.elapsed();
            while waiting.watch.elapsed().saturating_sub(asked) < interval {
                waiting.tick()?;
            }
            match self.oidc.create_token(&client, Grant::DeviceCode(&device.device_code)) {
                Ok(tokens) => return Ok((client, tokens)),
                Err(TokenError::Pending) => {}
                Err(TokenError::SlowDown) => interval += SLOWER,
                Err(TokenError::Expired) => return Err(LoginError::TimedOut(device.expires_in)),
                Err(TokenError::Denied) => return Err(LoginError::Denied),
                // The person may be confirming right now: a network that is away for a moment ends nothing.
                Err(TokenError::Call(error)) if may_pass(&error) => {}
                Err(error) => return Err(self.exchange(error, &client)),
            }
        }
    }

    /// Opens the page, or asks the person to. `task` says what to do there.
    fn show<'l>(&'l self, url: &str, task: &str, waiting: &mut Waiting<'l>) {
        let session = self.session;
        let on = if task.is_empty() { "in a browser on this machine" } else { "on any device" };
        (self.say)(&if self.browser.is_some() {
            format!("opening your browser to sign in to {session}{task}; if no page opens, go to:")
        } else {
            format!("to sign in to {session}, open this page {on}{task}:")
        });
        (self.say)(url);
        waiting.opening = self.browser.map(|browser| browser.open(url));
    }

    fn waiting(&self, limit: Duration) -> Waiting<'_> {
        Waiting { login: self, watch: Stopwatch::start(self.clock), limit, opening: None }
    }

    fn registrations(&self) -> Registrations<'_> {
        Registrations::of(self.home, self.session)
    }

    /// The client that is registered for a flow, registered now if need be.
    fn client(&self, flow: Flow) -> Result<Registration, LoginError> {
        let registrations = self.registrations();
        let now = self.clock.now();
        if let Some(client) = registrations.find(flow, now) {
            return Ok(client);
        }
        // What the AWS CLI calls itself, so that a person sees one client for one login.
        let name = match &self.session.name {
            Some(name) => format!("botocore-client-{name}"),
            None => format!("botocore-client-{}", now.as_second()),
        };
        let what = Registering { client_name: &name, scopes: &self.session.scopes, start_url: self.start_url, flow };
        let registered = self.oidc.register(&what);
        let client = registered.map_err(|error| self.unless_canceled(LoginError::Register(error)))?;
        registrations.keep(flow, &client);
        Ok(client)
    }

    fn exchange(&self, error: TokenError, client: &Registration) -> LoginError {
        match error {
            TokenError::Denied => LoginError::Denied,
            TokenError::UnknownClient => {
                self.registrations().forget(client);
                LoginError::Exchange(TokenError::UnknownClient)
            }
            error => self.unless_canceled(LoginError::Exchange(error)),
        }
    }
}

/// The time since the wait began. Where the system tells, the time in which the machine slept counts too, as it does for
/// the code at AWS.
struct Stopwatch<'l> {
    clock: &'l dyn Clock,
    since_boot: Option<Duration>,
    start: Instant,
}

impl<'l> Stopwatch<'l> {
    fn start(clock: &'l dyn Clock) -> Self {
        Self { clock, since_boot: clock.since_boot(), start: Instant::now() }
    }

    fn elapsed(&self) -> Duration {
        match (self.since_boot, self.clock.since_boot()) {
            (Some(start), Some(now)) => now.saturating_sub(start),
            _ => self.start.elapsed(),
        }
    }
}

/// The wait for a person.
struct Waiting<'l> {
    login: &'l Login<'l>,
    watch: Stopwatch<'l>,
    limit: Duration,
    opening: Option<Opening<'l>>,
}

impl Waiting<'_> {
    /// Waits for a moment.
    fn tick(&mut self) -> Result<(), LoginError> {
        if let Some(why) = (self.login.gives_up)() {
            return Err(LoginError::Terminal(why));
        }
        if self.watch.elapsed() >= self.limit {
            return Err(LoginError::TimedOut(self.limit));
        }
        if self.opening.as_mut().is_some_and(Opening::has_failed) {
            self.opening = None;
            (self.login.say)("no browser could be started: open the page above yourself");
        }
        self.login.clock.sleep(TICK);
        Ok(())
    }
}

/// The verifier's hash in base64 for URLs, without padding.
fn challenge(verifier: &Secret<String>) -> String {
    let hash = Sha256::digest(verifier.expose().as_bytes());
    aws_smithy_types::base64::encode(hash).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

/// An address that a browser may be sent to, and that a terminal shows as it is.
fn is_page(url: &str) -> bool {
    let is_web = url.parse::<Address>().is_ok_and(|address| !address.is_in_clear());
    is_web && url.len() <= LONGEST_ADDRESS && url.bytes().all(|byte| byte.is_ascii_graphic())
}

fn may_pass(error: &CallError) -> bool {
    matches!(
        error,
        CallError::Throttled
            | CallError::Unavailable(_)
            | CallError::Unreadable
            | CallError::Lost(_)
            | CallError::Unreachable(_)
    )
}
