//! The socket that systemd or launchd has opened, and started this program for.

use std::net::{Ipv4Addr, TcpListener};

use super::ServeError;
use crate::os::events::listener_on_stdin;

/// The listening socket that is stdin: systemd's `StandardInput=socket`, launchd's `inetdCompatibility` with `Wait`. Not
/// systemd's `LISTEN_FDS`, since safe Rust can adopt no other descriptor.
///
/// # Errors
/// [`ServeError::Elsewhere`], [`ServeError::Failed`].
pub fn inherited() -> Result<Option<TcpListener>, ServeError> {
    let Some(listener) = listener_on_stdin() else { return Ok(None) };
    match listener.local_addr() {
        Ok(address) if address.ip() == Ipv4Addr::LOCALHOST => Ok(Some(listener)),
        Ok(address) => Err(ServeError::Elsewhere(address)),
        // Not of TCP.
        Err(_) => Ok(None),
    }
}
