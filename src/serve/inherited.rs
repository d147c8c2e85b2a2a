//! The socket that systemd or launchd has opened, and started this program for.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd;

use super::ServeError;

/// The listening socket that is stdin: systemd's `StandardInput=socket`, launchd's `inetdCompatibility` with `Wait`. Not
/// systemd's `LISTEN_FDS`, since safe Rust can adopt no other descriptor.
///
/// # Errors
/// [`ServeError::Elsewhere`], [`ServeError::Failed`].
pub fn inherited() -> Result<Option<TcpListener>, ServeError> {
    let Ok(stdin) = io::stdin().as_fd().try_clone_to_owned() else { return Ok(None) };
    // A connection is none, as in `ssh host mfa-cred serve`.
    if rustix::net::getpeername(&stdin) != Err(rustix::io::Errno::NOTCONN) {
        return Ok(None);
    }
    let listener = TcpListener::from(stdin);
    match listener.local_addr() {
        Ok(address) if address.ip() == Ipv4Addr::LOCALHOST => Ok(Some(listener)),
        Ok(address) => Err(ServeError::Elsewhere(address)),
        // Not of TCP.
        Err(_) => Ok(None),
    }
}
