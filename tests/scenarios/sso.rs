//! IAM Identity Center: its addresses, its calls, and signing in.

#[cfg(unix)]
mod client;
