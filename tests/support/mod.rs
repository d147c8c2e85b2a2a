//! What the scenarios use: a strict AWS on the loopback, home folders, terminals, and keyrings.

#![allow(
    dead_code,
    unused_imports,
    reason = "the test binary and the sandbox share this module, and each uses only a part of it"
)]

pub(crate) mod aws;
pub(crate) mod cases;
pub(crate) mod files;
#[cfg(unix)]
pub(crate) mod pty;
#[cfg(unix)]
pub(crate) mod secret_service;
pub(crate) mod tools;
pub(crate) mod texts;
#[cfg(unix)]
pub(crate) mod world;
