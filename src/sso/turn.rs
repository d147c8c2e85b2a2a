//! One sign-in for all processes that want it: the first asks the person, and the others wait for its token.
//!
//! In: where the token goes, and how to obtain one. Out: a token file that is new enough. The turn is a lock in the state
//! folder, apart from the lock of the token file, which a renewal must not have to wait ten minutes for.

use super::file::{FileError, Held, TokenFile};
use super::login::LoginError;
use super::token::Token;
use crate::host::{Clock, TerminalError};
use crate::names::digest::digest_name;
use crate::plan::SsoSession;
use crate::state::{Folder, FolderError, Turn};

/// Which tokens make a sign-in unnecessary.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Needs {
    /// Any that can still be used, or be renewed without a person.
    LiveOrRenewable,
    /// One that comes after the present one, which AWS refuses or the person wants replaced.
    New,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// The sign-in itself.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// Where the token is kept.
    #[error(transparent)]
    File(#[from] FileError),
    /// Where the turn is kept.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Nobody is there, or nobody may be asked.
    #[error("there is nobody to confirm it")]
    NobodyToAsk,
    /// Another process asked the person, who declined or did not answer.
    #[error("another process opened the sign-in, and it was not confirmed")]
    CanceledElsewhere,
}

/// What waits for a turn.
pub struct SignIn<'a> {
    /// The login.
    pub session: &'a SsoSession,
    /// Where its token goes.
    pub file: &'a TokenFile,
    /// `None`: every process asks for itself.
    pub folder: Option<&'a Folder>,
    /// This machine's clock.
    pub clock: &'a dyn Clock,
    /// Why not to wait any longer.
    pub gives_up: &'a dyn Fn() -> Option<TerminalError>,
    /// Shows a line to the person.
    pub say: &'a dyn Fn(&str),
}

impl SignIn<'_> {
    /// Asks the person with `ask`, unless another process does or has.
    ///
    /// # Errors
    /// Why there is no token.
    pub fn run(&self, needs: Needs, ask: &dyn Fn() -> Result<Token, LoginError>) -> Result<(), TurnError> {
        let before = self.token();
        let mut ready = || Ok(self.token().filter(|token| self.is_enough(needs, before.as_ref(), token)).map(drop));
        let mut during_wait = |holder: Option<u32>| match ((self.gives_up)(), holder) {
            (Some(why), _) => Err(LoginError::Terminal(why).into()),
            (None, Some(pid)) => {
                (self.say)(&format!("waiting for process {pid}, which is signing in to {}", self.session));
                Ok(())
            }
            (None, None) => Ok(()),
        };
        let turn = self.folder.map(|folder| folder.take_turn(&self.turn(), &mut ready, &mut during_wait));
        match turn.transpose() {
            Ok(Some(Turn::Ready(()))) => Ok(()),
            Ok(Some(Turn::Canceled)) => Err(TurnError::CanceledElsewhere),
            Ok(Some(Turn::Ours(lease))) => self.ask(ask).inspect_err(|error| {
                if is_the_persons(error) {
                    lease.cancel();
                }
            }),
            // A folder that cannot be used costs only that each process asks.
            Ok(None) | Err(TurnError::Folder(_)) => match ready()? {
                Some(()) => Ok(()),
                None => self.ask(ask),
            },
            Err(error) => Err(error),
        }
    }

    fn ask(&self, ask: &dyn Fn() -> Result<Token, LoginError>) -> Result<(), TurnError> {
        // Before the person is asked: without room for the token the sign-in would be for nothing.
        drop(self.held()?.reserve()?);
        let token = ask()?;
        Ok(self.held()?.reserve()?.write(&token)?)
    }

    /// The name of the turn: one per login.
    fn turn(&self) -> String {
        format!("sso-{}", digest_name(self.session.token_key()))
    }

    fn held(&self) -> Result<Held<'_>, TurnError> {
        match self.file.lock::<TerminalError>(&mut || (self.gives_up)())? {
            Ok(held) => Ok(held),
            Err(why) => Err(LoginError::Terminal(why).into()),
        }
    }

    fn token(&self) -> Option<Token> {
        // One that cannot be read is none: the sign-in replaces it, or says why it cannot.
        self.file.read().ok().flatten()
    }

    fn is_enough(&self, needs: Needs, before: Option<&Token>, token: &Token) -> bool {
        let is_new = || before.is_none_or(|before| before.access_token.expose() != token.access_token.expose());
        let now = self.clock.now();
        match needs {
            Needs::LiveOrRenewable => token.is_live(now) || token.renewal(now).is_some(),
            Needs::New => token.is_live(now) && is_new(),
        }
    }
}

/// Has the person decided, so that those who wait need not ask again?
fn is_the_persons(error: &TurnError) -> bool {
    matches!(error, TurnError::Login(LoginError::Terminal(_) | LoginError::Denied | LoginError::TimedOut(_)))
}
