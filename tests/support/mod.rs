//! What the scenarios stand on: a strict AWS on the loopback, homes, terminals and keyrings.

#![allow(dead_code, unused_imports, reason = "the test binary and the sandbox share it, and each uses its own part")]

pub(crate) mod aws;
#[cfg(unix)]
pub(crate) mod pty;
#[cfg(unix)]
pub(crate) mod secret_service;
pub(crate) mod tools;
pub(crate) mod texts;
#[cfg(unix)]
pub(crate) mod world;
