//! What commands need in order to use a login at IAM Identity Center: its token file, its two clients, and AWS's time.

use crate::command::context::Context;
use crate::error::Error;
use crate::execute::base::BaseError;
use crate::plan::{SsoRole, SsoSession};
use crate::secret::Credentials;
use crate::sso::SsoError;
use crate::sso::access::{Access, LoggedOut, TokenEnd};
use crate::sso::file::TokenFile;
use crate::sso::oidc::{AwsOidc, Oidc};
use crate::sso::portal::{Account, AwsPortal, Portal};

/// Runs `with` with a login. Nothing is read or connected before it needs that.
fn with_access<T>(
    session: &SsoSession,
    context: &Context<'_>,
    with: impl FnOnce(&Access<'_>) -> Result<T, SsoError>,
) -> Result<T, SsoError> {
    let home = context.host.folders.home.as_deref().ok_or(SsoError::NoHome)?;
    let (limits, messages, clock) = (context.settings.limits, context.settings.messages, context.clock());
    let local = clock.of(&session.oidc);
    let oidc = || Ok(Box::new(AwsOidc::connect(&session.oidc, limits, &clock)?) as Box<dyn Oidc + '_>);
    let portal = || Ok(Box::new(AwsPortal::connect(&session.portal, limits, &clock)?) as Box<dyn Portal + '_>);
    let now = || local.now();
    let file = TokenFile::of(home, session);
    with(&Access { session, file, now: &now, oidc: &oidc, portal: &portal, messages })
}

/// Would that login give credentials without a person? Only its file tells; nothing is asked.
pub(super) fn is_signed_in(session: &SsoSession, context: &Context<'_>) -> bool {
    with_access(session, context, |access| Ok(access.is_signed_in())).unwrap_or(false)
}

/// When the token of that login expires, as its file tells; `None` if there is none.
#[expect(clippy::redundant_closure_for_method_calls, reason = "the method alone has one lifetime, and all are needed")]
pub(super) fn token_end(session: &SsoSession, context: &Context<'_>) -> Result<Option<TokenEnd>, SsoError> {
    with_access(session, context, |access| access.token_end())
}

/// What a person may use.
pub(super) struct Assignments {
    /// The accounts, in the order of their IDs.
    pub(super) all: Vec<Account>,
    /// Those whose roles were asked for.
    pub(super) fetched: Vec<Account>,
    /// Their roles, in the order of accounts and names.
    pub(super) roles: Vec<(Account, String)>,
}

/// The accounts that the person may use, and the roles in those that are meant: a call for each.
pub(super) fn assignments(
    session: &SsoSession,
    is_meant: &dyn Fn(&Account) -> bool,
    context: &Context<'_>,
) -> Result<Assignments, Error> {
    let failed = |error: SsoError| Error::Execute(BaseError::Sso(error).into());
    with_access(session, context, |access| {
        let mut all = access.call("ListAccounts", &|portal, token| portal.accounts(token))?;
        all.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
        let fetched: Vec<Account> = all.iter().filter(|account| is_meant(account)).cloned().collect();
        let mut found = Vec::new();
        for account in &fetched {
            let mut roles = access.call("ListAccountRoles", &|portal, token| portal.roles(token, &account.id))?;
            roles.sort();
            found.extend(roles.into_iter().map(|role| (account.clone(), role)));
        }
        Ok(Assignments { all, fetched, roles: found })
    })
    .map_err(failed)
}

/// Ends the login at AWS and on this machine.
#[expect(clippy::redundant_closure_for_method_calls, reason = "the method alone has one lifetime, and all are needed")]
pub(super) fn log_out(session: &SsoSession, context: &Context<'_>) -> Result<LoggedOut, Error> {
    with_access(session, context, |access| access.log_out())
        .map_err(|error| Error::Execute(BaseError::Sso(error).into()))
}

/// The credentials of a role that a person takes with a login.
pub(super) fn role_credentials(role: &SsoRole, context: &Context<'_>) -> Result<Credentials, SsoError> {
    with_access(&role.session, context, |access| access.role_credentials(role))
}
