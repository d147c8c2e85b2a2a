//! IAM Identity Center (formerly AWS SSO): sign-in, its token, and what the token gives access to.
//!
//! In: an Identity Center's region and start URL, and a person with a browser. Out: a token that lasts as long as the
//! administrator allows, in the file that the AWS CLI and the SDKs share. No request is signed.

mod callback;
pub mod endpoint;
pub mod file;
pub mod login;
pub mod oidc;
mod registration;
pub mod token;
pub mod turn;
