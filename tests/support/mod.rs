//! What the scenarios stand on: a strict AWS on the loopback.

#![allow(dead_code, unused_imports, reason = "the test binary and the sandbox share it, and each uses its own part")]

pub(crate) mod aws;
