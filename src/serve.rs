//! The container-credentials endpoint (`mfa-cred serve`, `mfa-cred exec --server`): SDKs read credentials from it over
//! loopback HTTP, and read them again before they expire.
//!
//! In: the profiles, a token, and what time it is. Out: answers. Nothing here asks a person, opens the cache or calls
//! AWS: credentials come from `mfa-cred process`, run for each profile as an SDK would run it, with its prompts switched
//! off. So a call that hangs delays one profile alone, a change of the AWS files counts at once, and this process holds
//! nothing but the credentials that it hands out. A request is answered within a second, from memory; whoever is not
//! signed in gets an error that names the command, and never expired credentials.
//!
//! HTTP is `std`'s listener, `poll` and `httparse`, which the HTTP client brings along anyway, and not hyper's server:
//! the protocol is one GET with one header and one answer per connection, and what matters here is what a stranger can
//! make us hold. Every bound (bytes, connections, seconds) is in [`door`], on one page. All of it runs in one thread
//! without a runtime, so `exec --server` can watch its command in the same loop.

mod answer;
mod beacon;
mod door;
mod gate;
mod inherited;
mod kept;
mod renewal;
mod token;
mod visitor;

use std::io;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::messages::ours;
use crate::names::ProfileName;
use crate::output::ENDPOINT_PREFIX;
use crate::profile::Location;

pub use beacon::{Announced, Beacon, announced};
pub use door::{Guest, Server, bind};
pub use gate::Gate;
pub use inherited::inherited;
pub use kept::Source;
pub use renewal::Renewals;
pub use token::Token;

/// What a URL need not encode (RFC 3986).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port cannot be had.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Bind {
        /// The port; 0 is any.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// The socket of systemd or launchd is open to other machines.
    #[error("the socket that this program was started with listens on {0}; only 127.0.0.1 is served")]
    Elsewhere(std::net::SocketAddr),
    /// The server's own files and threads.
    #[error("the server failed")]
    Failed(#[source] io::Error),
    /// The file of the token.
    #[error("the token file {} {why}", .path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The same, as the system puts it.
    #[error("the token file {} cannot be used", .path.display())]
    TokenFileIo {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Credentials that never expire are not handed out.
    #[error("the credentials of profile `{0}` do not expire, and are not served")]
    Endless(ProfileName),
    /// A profile whose name a URL cannot hold.
    #[error("profile `{0}` cannot be served: a URL drops a path segment that is only dots")]
    Dots(ProfileName),
    /// The same profile twice.
    #[error("profile `{0}` is named twice")]
    Twice(ProfileName),
    /// `exec --server`, and SDKs would find other credentials before the endpoint.
    #[error("{place}: `{key}` of `[default]` gives the command other credentials: SDKs use them before an endpoint")]
    Default {
        /// The property.
        key: String,
        /// Where it stands.
        place: Location,
        /// The profile that is to be served.
        profile: ProfileName,
    },
    /// `--print-env`, and no server that runs serves the profile.
    #[error("no running server serves profile `{0}`")]
    NotRunning(ProfileName),
    /// `--print-env` on a system where a running server cannot be found.
    #[error("a running server cannot be asked on this system")]
    NoBeacons,
}

impl ServeError {
    /// What to do about it, if that is known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Bind { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                "choose another port, or leave out `--port` to get any free one".to_owned()
            }
            Self::Endless(_) => "name a profile with an MFA device or a role: its credentials expire".to_owned(),
            Self::TokenFile { .. } => "remove the file, and a new one that only you can read is made".to_owned(),
            Self::Default { profile, .. } => {
                let hidden = ours("exec --server --without-files", Some(profile));
                format!("hide the AWS files from the command: {hidden}; or move `[default]` to a profile with a name")
            }
            Self::NotRunning(profile) => {
                format!("start it in another terminal: {}", ours("serve", Some(profile)))
            }
            Self::NoBeacons => {
                "set the variables yourself, with `--port` and `--token-file` (see docs/sdk.md)".to_owned()
            }
            _ => return None,
        })
    }
}

/// The path of a profile below the server's address.
pub fn path_of(profile: &ProfileName) -> String {
    format!("{ENDPOINT_PREFIX}{}", utf8_percent_encode(profile.as_str(), ENCODED))
}

/// Profiles that one server can serve side by side.
///
/// # Errors
/// [`ServeError::Dots`], [`ServeError::Twice`].
pub fn check_names(profiles: &[ProfileName]) -> Result<(), ServeError> {
    for (n, profile) in profiles.iter().enumerate() {
        if matches!(profile.as_str(), "." | "..") {
            return Err(ServeError::Dots(profile.clone()));
        }
        if profiles[..n].contains(profile) {
            return Err(ServeError::Twice(profile.clone()));
        }
    }
    Ok(())
}
