//! IAM Identity Center (formerly AWS SSO): sign-in, its token, and what the token gives access to.
//!
//! In: an Identity Center's region and start URL, and a person with a browser. Out: a token that lasts as long as the
//! administrator allows, in the file that the AWS CLI and the SDKs share. No request is signed.

pub mod access;
mod callback;
pub mod endpoint;
mod error;
pub mod file;
pub mod login;
pub mod oidc;
mod page;
pub mod portal;
mod registration;
pub mod token;
pub mod turn;
pub mod vanity;

pub use error::SsoError;

use crate::plan::SsoRole;
use crate::secret::Credentials;

/// For a base that is known to be no login at IAM Identity Center.
///
/// # Errors Always.
pub fn none(_: &SsoRole) -> Result<Credentials, SsoError> {
    Err(SsoError::NoHome)
}
