//! The access token of a login, renewed where that is possible without a person, and the calls that it allows.
//!
//! In: the token file, the clients. Out: what a call returned. The refresh token is good for one use, so a renewal is
//! made by one process at a time, after it has looked whether another one was faster, and after it has made sure that the
//! new token can be written. A renewal that fails costs nothing while the old token can still be used.
//!
//! Signals that would end the process wait until the new token is in its file.

use std::convert::Infallible;

use jiff::Timestamp;

use super::error::SsoError;
use super::file::{FileError, Held, Room, TokenFile};
use super::oidc::{Grant, Oidc, Registration, TokenError, Tokens};
use super::portal::{Portal, is_forbidden, is_unauthorized};
use super::registration::Registrations;
use super::token::{Renewal, Token};
use crate::aws::CallError;
use crate::messages::{Messages, with_causes};
use crate::os::events::Signals;
use crate::plan::{SsoRole, SsoSession};
use crate::secret::{Credentials, Secret};

/// A login, and what it needs.
pub struct Access<'a> {
    /// The login.
    pub session: &'a SsoSession,
    /// Where its token is.
    pub file: TokenFile,
    /// AWS's time.
    pub now: &'a dyn Fn() -> Timestamp,
    /// Makes the client for a renewal.
    pub oidc: &'a dyn Fn() -> Result<Box<dyn Oidc + 'a>, CallError>,
    /// Makes the client for the calls.
    pub portal: &'a dyn Fn() -> Result<Box<dyn Portal + 'a>, CallError>,
    /// Reports progress to the user.
    pub messages: Messages,
}

/// The end of a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TokenEnd {
    /// When it expires.
    pub at: Timestamp,
    /// Can it be renewed without a person?
    pub is_renewable: bool,
    /// Now, by AWS's clock.
    pub now: Timestamp,
}

/// What became of a login that was to end.
#[derive(Debug)]
pub enum LoggedOut {
    /// It has ended.
    Everywhere,
    /// It had ended before, or expired.
    WasOver,
    /// Its token is removed; AWS was not told.
    OnlyHere(SsoError),
    /// There was no token.
    NobodyWas,
}

impl Access<'_> {
    /// Can the token be used or renewed, as far as its file tells?
    pub fn is_signed_in(&self) -> bool {
        let now = (self.now)();
        let token = self.file.read().ok().flatten();
        token.is_some_and(|token| token.is_live(now) || token.renewal(now).is_some())
    }

    /// When the token expires, as its file tells; `None` if there is no file.
    ///
    /// # Errors The file cannot be read, or is no token.
    pub fn token_end(&self) -> Result<Option<TokenEnd>, SsoError> {
        let now = (self.now)();
        let token = self.file.read()?;
        Ok(token.map(|token| TokenEnd { at: token.expires_at, is_renewable: token.renewal(now).is_some(), now }))
    }

    /// The credentials of a role.
    ///
    /// # Errors A person must sign in, the role is not assigned to them, or a call failed.
    pub fn role_credentials(&self, role: &SsoRole) -> Result<Credentials, SsoError> {
        let call =
            |portal: &dyn Portal, token: &Secret<String>| portal.role_credentials(token, &role.account, &role.role);
        self.call("GetRoleCredentials", &call).map_err(|error| match error {
            SsoError::Call { error, .. } if is_forbidden(&error) => {
                SsoError::NoAccess { role: Box::new(role.clone()), error }
            }
            error => error,
        })
    }

    /// Makes a call of the portal. If AWS does not accept the token, it is renewed, once.
    ///
    /// # Errors A person must sign in, or the call failed.
    pub fn call<T>(
        &self,
        name: &'static str,
        call: &impl Fn(&dyn Portal, &Secret<String>) -> Result<T, CallError>,
    ) -> Result<T, SsoError> {
        let token = self.token()?;
        let portal = (self.portal)().map_err(SsoError::Client)?;
        let failed = |error| SsoError::Call { call: name, session: Box::new(self.session.clone()), error };
        match call(&*portal, &token.access_token) {
            Err(error) if is_unauthorized(&error) => {
                self.messages.info(&format!("AWS does not accept the token of {}; renewing it", self.session));
                let token = self.renewed(token, Refused::Yes)?;
                call(&*portal, &token.access_token).map_err(|error| match error {
                    error if is_unauthorized(&error) => self.over(),
                    error => failed(error),
                })
            }
            result => result.map_err(failed),
        }
    }

    /// Ends the login at AWS, and then on this machine. The lock is held throughout, so that no process of ours renews the
    /// token in between.
    ///
    /// # Errors The token file cannot be read or removed.
    pub fn log_out(&self) -> Result<LoggedOut, SsoError> {
        if self.file.is_absent() {
            return Ok(LoggedOut::NobodyWas);
        }
        let Ok(held) = self.file.lock::<Infallible>(&mut || None)?;
        let ended = match held.read() {
            Ok(None) => return Ok(LoggedOut::NobodyWas),
            Ok(Some(token)) => self.end(token, &held),
            // There is nothing that could be sent.
            Err(FileError::NotAToken { .. }) => Ok(LoggedOut::WasOver),
            Err(error) => return Err(error.into()),
        };
        held.remove()?;
        ended.or_else(|error| match error {
            SsoError::Over(_) => Ok(LoggedOut::WasOver),
            error => Ok(LoggedOut::OnlyHere(error)),
        })
    }

    /// Ends the login at AWS. An access token that is of no use any longer is renewed for it: the refresh token beside it
    /// would otherwise stay good for as long as the login lasts.
    fn end(&self, token: Token, held: &Held<'_>) -> Result<LoggedOut, SsoError> {
        let renewed = |token: Token| self.exchange(&token, held)?.saved(token, self);
        let is_live = token.is_live((self.now)());
        let token = if is_live { token } else { renewed(token)? };
        let portal = (self.portal)().map_err(SsoError::Client)?;
        let logged_out = match portal.log_out(&token.access_token) {
            Err(error) if is_unauthorized(&error) && is_live => portal.log_out(&renewed(token)?.access_token),
            result => result,
        };
        match logged_out {
            Ok(()) => Ok(LoggedOut::Everywhere),
            Err(error) if is_unauthorized(&error) => Err(self.over()),
            Err(error) => Err(SsoError::Call { call: "Logout", session: Box::new(self.session.clone()), error }),
        }
    }

    /// A token that can be used, renewed if it ends soon.
    fn token(&self) -> Result<Token, SsoError> {
        let token = self.file.read()?.ok_or_else(|| self.signed_out())?;
        let now = (self.now)();
        if !token.ends_soon(now) {
            return Ok(token);
        }
        match token.renewal(now) {
            Some(_) => self.renewed(token, Refused::No),
            None if token.is_live(now) => Ok(token),
            None => Err(self.over()),
        }
    }

    /// A better token than this one; this one if there is none and it can still be used.
    fn renewed(&self, old: Token, refused: Refused) -> Result<Token, SsoError> {
        let is_usable = |token: &Token| refused == Refused::No && token.is_live((self.now)());
        let is_better = |token: &Token| {
            let is_other = token.access_token.expose() != old.access_token.expose();
            is_other && token.is_live((self.now)())
        };
        let better = || self.file.read().ok().flatten().filter(|token| is_better(token));
        let held = self.file.lock(&mut || {
            // While another process renews it, the old token still does.
            if is_usable(&old) { Some(None) } else { better().map(Some) }
        });
        let held = match held {
            Ok(Ok(held)) => held,
            Ok(Err(Some(better))) => return Ok(better),
            Ok(Err(None)) => return Ok(old),
            Err(error) => return self.keep(old, refused, error.into()),
        };
        // Another process, or the AWS CLI, may have been faster.
        let Some(current) = held.read()? else { return Err(self.signed_out()) };
        if is_better(&current) {
            return Ok(current);
        }
        match self.exchange(&current, &held) {
            Ok(tokens) => tokens.saved(current, self),
            Err(error @ SsoError::Signal(_)) => Err(error),
            // A program that takes no lock may have spent the refresh token.
            Err(error) => better().map_or_else(|| self.keep(current, refused, error), Ok),
        }
    }

    /// Spends the refresh token, once there is room for the next one.
    fn exchange<'h>(&self, old: &Token, held: &'h Held<'_>) -> Result<Next<'h>, SsoError> {
        let renewal = old.renewal((self.now)()).cloned().ok_or_else(|| self.over())?;
        let Renewal { refresh_token, client_id, client_secret, registration_expires_at } = renewal;
        let client = Registration { client_id, client_secret, expires_at: registration_expires_at };
        let room = held.reserve()?;
        let oidc = (self.oidc)().map_err(SsoError::Client)?;
        let what = format!("renewing the token of {}", self.session);
        self.messages.info(&what);
        let _waiting = self.messages.waiting(&what);
        let signals = Signals::to_end();
        match oidc.create_token(&client, Grant::RefreshToken(&refresh_token)) {
            Ok(tokens) => Ok(Next { tokens, room, signals }),
            Err(error) => {
                if error == TokenError::UnknownClient {
                    // The next sign-in would be refused on AWS's page, where only the person sees it.
                    Registrations::beside(&self.file, self.session).forget(&client);
                }
                Err(arrived(signals.as_ref()).unwrap_or_else(|| self.refused(error)))
            }
        }
    }

    /// The old token, as long as it can be used.
    fn keep(&self, old: Token, refused: Refused, error: SsoError) -> Result<Token, SsoError> {
        match error {
            error if refused == Refused::No && old.is_live((self.now)()) => {
                let why = with_causes(&error);
                match &error {
                    SsoError::File(FileError::Unwritable { .. }) => self.messages.warn(&self.not_renewed(&why)),
                    _ => self.messages.info(&self.not_renewed(&why)),
                }
                Ok(old)
            }
            error => Err(error),
        }
    }

    fn not_renewed(&self, why: &str) -> String {
        format!("the token of {} was not renewed, and is still valid: {why}", self.session)
    }

    fn refused(&self, error: TokenError) -> SsoError {
        match error {
            TokenError::Call(error) => {
                SsoError::Call { call: "CreateToken", session: Box::new(self.session.clone()), error }
            }
            // The refresh token is spent or revoked, or the client is unknown.
            _ => self.over(),
        }
    }

    fn over(&self) -> SsoError {
        SsoError::Over(Box::new(self.session.clone()))
    }

    fn signed_out(&self) -> SsoError {
        SsoError::SignedOut(Box::new(self.session.clone()))
    }
}

/// What a renewal returned, and where it goes.
struct Next<'h> {
    tokens: Tokens,
    room: Room<'h>,
    signals: Option<Signals>,
}

impl Next<'_> {
    /// The same login with the new tokens, which are saved first.
    fn saved(self, old: Token, access: &Access<'_>) -> Result<Token, SsoError> {
        let Tokens { access_token, expires_in, refresh_token } = self.tokens;
        let now = (access.now)();
        let token = old.renewed(access_token, now.saturating_add(expires_in).unwrap_or(now), refresh_token);
        if let Err(error) = self.room.write(&token) {
            // It serves this command, at least.
            access.messages.warn(&format!("the renewed token is not saved: {}", with_causes(&error)));
        }
        arrived(self.signals.as_ref()).map_or(Ok(token), Err)
    }
}

/// Has AWS refused the token, whatever its end is?
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Refused {
    Yes,
    No,
}

/// A signal that arrived while it was held back.
fn arrived(signals: Option<&Signals>) -> Option<SsoError> {
    signals?.take().map(SsoError::Signal)
}
