//! AWS credentials with MFA: one code a day, sealed, for shells, SDKs and the prompt.
//!
//! Data flows down this list; a module uses only what stands above it (a test holds it to that).

pub mod host;
pub mod names;
pub mod secret;
