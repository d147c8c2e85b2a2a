//! The portal of IAM Identity Center: which accounts and roles a person may use, and the credentials of one role.
//!
//! In: the access token of a login. Out: credentials, accounts, roles, or the end of the login. Each call may be sent again
//! when its answer is lost or AWS wants fewer requests.

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::endpoint::{self, Api};
use crate::aws::CallError;
use crate::aws::json::{JsonCall, JsonService};
use crate::names::AccountId;
use crate::plan::Service;
use crate::secret::{Credentials, Secret};
use crate::settings::Limits;
use crate::state::CorrectedClock;

/// The header with the access token.
const BEARER: &str = "x-amz-sso_bearer_token";
/// More pages than any person has: it ends a list that would never end.
const MOST_PAGES: usize = 1000;
/// Every character except those that RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An account that a person may use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// Its ID.
    pub id: AccountId,
    /// Its name in the organization.
    pub name: String,
}

/// The calls of the portal.
pub trait Portal {
    /// GetRoleCredentials.
    fn role_credentials(
        &self,
        token: &Secret<String>,
        account: &AccountId,
        role: &str,
    ) -> Result<Credentials, CallError>;

    /// ListAccounts, all pages.
    fn accounts(&self, token: &Secret<String>) -> Result<Vec<Account>, CallError>;

    /// ListAccountRoles, all pages: the names of the roles in that account.
    fn roles(&self, token: &Secret<String>, account: &AccountId) -> Result<Vec<String>, CallError>;

    /// Logout: ends the sign-in that the token belongs to. Credentials that it gave are not affected.
    fn log_out(&self, token: &Secret<String>) -> Result<(), CallError>;
}

/// Does AWS no longer accept the token?
pub fn is_unauthorized(error: &CallError) -> bool {
    matches!(error, CallError::Refused { code, .. } if code == "UnauthorizedException")
}

/// Is the role not assigned to the person?
pub fn is_forbidden(error: &CallError) -> bool {
    matches!(error, CallError::Refused { code, .. }
        if matches!(code.as_str(), "ForbiddenException" | "ResourceNotFoundException"))
}

/// AWS's own, or the server at the configured endpoint.
pub struct AwsPortal<'a> {
    service: JsonService<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleCredentialsAnswer {
    role_credentials: Given,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    /// In milliseconds since 1970.
    expiration: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccountsPage {
    #[serde(default)]
    account_list: Vec<AccountEntry>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccountEntry {
    account_id: String,
    #[serde(default)]
    account_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RolesPage {
    #[serde(default)]
    role_list: Vec<RoleEntry>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleEntry {
    role_name: String,
}

impl<'a> AwsPortal<'a> {
    /// Loads certificates (for `https://` endpoints) and builds a client.
    ///
    /// # Errors
    /// A CA bundle cannot be read, or the async runtime cannot be built.
    pub fn connect(service: &Service, limits: Limits, clock: &'a CorrectedClock<'a>) -> Result<Self, CallError> {
        let url = endpoint::url(Api::Portal, service)?;
        Ok(Self { service: JsonService::connect("sso", url, service, limits, clock)? })
    }

    fn get<T: for<'de> Deserialize<'de>>(
        &self,
        (action, path): (&'static str, &str),
        query: &[(&str, &str)],
        token: &Secret<String>,
    ) -> Result<T, CallError> {
        let query = query.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, RESERVED)));
        let path = format!("{path}?{}", query.collect::<Vec<_>>().join("&"));
        let answer = self.service.send(&call(action, "GET", path, token))?;
        serde_json::from_slice(answer.expose()).map_err(|_| CallError::Unreadable)
    }
}

/// A call with that token. It may be sent again: all of them only read, but for the end of a sign-in, which can be ended
/// twice.
fn call(action: &'static str, method: &'static str, path: String, token: &Secret<String>) -> JsonCall {
    JsonCall { action, method, path, header: Some((BEARER, token.clone())), body: None, is_repeatable: true }
}

/// A part of a list, and the marker of the next one.
type Page<T> = (Vec<T>, Option<String>);

/// Collects the pages of a list; `page` gets the marker of the page.
fn pages<T>(page: &impl Fn(Option<&str>) -> Result<Page<T>, CallError>) -> Result<Vec<T>, CallError> {
    let (mut all, mut marker) = (Vec::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let (entries, next) = page(marker.as_deref())?;
        all.extend(entries);
        match next.filter(|next| !next.is_empty()) {
            None => return Ok(all),
            // A list without an end.
            Some(next) if marker.as_ref() == Some(&next) => break,
            next => marker = next,
        }
    }
    Err(CallError::Unreadable)
}

impl Portal for AwsPortal<'_> {
    fn role_credentials(
        &self,
        token: &Secret<String>,
        account: &AccountId,
        role: &str,
    ) -> Result<Credentials, CallError> {
        let query = [("role_name", role), ("account_id", account.as_str())];
        let answer: RoleCredentialsAnswer =
            self.get(("GetRoleCredentials", "/federation/credentials"), &query, token)?;
        let given = answer.role_credentials;
        let credentials = Credentials {
            access_key_id: given.access_key_id,
            secret_access_key: Secret::new(given.secret_access_key),
            session_token: Some(Secret::new(given.session_token)),
            expiration: Some(Timestamp::from_millisecond(given.expiration).map_err(|_| CallError::Unreadable)?),
            account: Some(account.clone()),
        };
        if credentials.unsendable().is_some() { Err(CallError::Unreadable) } else { Ok(credentials) }
    }

    fn accounts(&self, token: &Secret<String>) -> Result<Vec<Account>, CallError> {
        pages(&|marker| {
            let mut query = vec![("max_result", "100")];
            query.extend(marker.map(|marker| ("next_token", marker)));
            let page: AccountsPage = self.get(("ListAccounts", "/assignment/accounts"), &query, token)?;
            let account = |entry: AccountEntry| {
                let id = entry.account_id.parse().map_err(|_| CallError::Unreadable)?;
                Ok(Account { id, name: entry.account_name })
            };
            let accounts: Result<Vec<_>, CallError> = page.account_list.into_iter().map(account).collect();
            Ok((accounts?, page.next_token))
        })
    }

    fn roles(&self, token: &Secret<String>, account: &AccountId) -> Result<Vec<String>, CallError> {
        pages(&|marker| {
            let mut query = vec![("account_id", account.as_str()), ("max_result", "100")];
            query.extend(marker.map(|marker| ("next_token", marker)));
            let page: RolesPage = self.get(("ListAccountRoles", "/assignment/roles"), &query, token)?;
            Ok((page.role_list.into_iter().map(|entry| entry.role_name).collect(), page.next_token))
        })
    }

    fn log_out(&self, token: &Secret<String>) -> Result<(), CallError> {
        self.service.send(&call("Logout", "POST", "/logout".to_owned(), token)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_to_its_end_and_one_without_an_end_is_refused() {
        let three = |marker: Option<&str>| {
            let next = match marker {
                None => Some("a"),
                Some("a") => Some("b"),
                _ => Some(""),
            };
            Ok((vec![marker.unwrap_or("first").to_owned()], next.map(str::to_owned)))
        };
        assert_eq!(pages(&three), Ok(["first", "a", "b"].map(str::to_owned).to_vec()));
        let same = |_: Option<&str>| Ok((vec![()], Some("a".to_owned())));
        assert_eq!(pages(&same), Err(CallError::Unreadable));
        let count = std::cell::Cell::new(0);
        let endless = |_: Option<&str>| {
            count.set(count.get() + 1);
            Ok((vec![()], Some(count.get().to_string())))
        };
        assert_eq!((pages(&endless), count.get()), (Err(CallError::Unreadable), MOST_PAGES));
    }
}
