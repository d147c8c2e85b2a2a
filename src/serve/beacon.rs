//! How another process of this user finds a running server and learns its token (`serve --print-env`): it connects to a
//! socket in the state folder, which nobody else can enter. So the token is in no file, and gone with the server.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Gate, ServeError, Token, path_of};
use crate::names::ProfileName;
use crate::secret::Secret;
use crate::state::Folder;

/// The subfolder of the sockets, each of which is named after its port.
#[cfg(unix)]
const FOLDER: &str = "servers";
/// The longest answer, in bytes.
#[cfg(unix)]
const LONGEST: u64 = 1 << 20;

/// The socket of a server; removed when this is dropped.
#[derive(Debug)]
pub struct Beacon {
    path: PathBuf,
    port: u16,
    #[cfg(unix)]
    listener: std::os::unix::net::UnixListener,
}

/// A server that runs.
#[derive(Clone, Debug)]
pub struct Announced {
    port: u16,
    token: Token,
    profiles: Vec<ProfileName>,
}

#[derive(Deserialize, Serialize)]
struct Told {
    port: u16,
    token: String,
    profiles: Vec<String>,
}

impl Announced {
    /// Does it serve this profile?
    pub fn serves(&self, profile: &ProfileName) -> bool {
        self.profiles.contains(profile)
    }

    /// The profiles that it serves.
    pub fn profiles(&self) -> &[ProfileName] {
        &self.profiles
    }

    /// The URL of a profile's credentials.
    pub fn url(&self, profile: &ProfileName) -> String {
        format!("http://127.0.0.1:{}{}", self.port, path_of(profile))
    }

    /// What clients must send.
    pub fn token(&self) -> &Token {
        &self.token
    }
}

impl Drop for Beacon {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(unix)]
impl Beacon {
    /// Opens the socket of the server on this port.
    ///
    /// # Errors
    /// The system's, as for a path that is too long for a socket.
    pub fn light(folder: &Folder, port: u16) -> io::Result<Self> {
        let path = folder.subfolder(FOLDER)?.join(format!("{port}.sock"));
        // The port is ours, so a socket of that name is left from a server that was killed.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = std::os::unix::net::UnixListener::bind(&path)?;
        let beacon = Self { path, port, listener };
        beacon.listener.set_nonblocking(true)?;
        Ok(beacon)
    }

    pub(super) fn listener(&self) -> &std::os::unix::net::UnixListener {
        &self.listener
    }

    /// Tells those who have connected where the server is.
    pub(super) fn tell(&self, gate: &Gate) {
        while let Ok((stream, _)) = self.listener.accept() {
            let profiles = gate.profiles().iter().map(|profile| profile.as_str().to_owned()).collect();
            let told = Told { port: self.port, token: gate.token().expose().to_owned(), profiles };
            let text = Secret::new(serde_json::to_vec(&told).expect("it is written to memory"));
            drop(Secret::new(told.token));
            // It fits into the socket's buffer; whoever does not read it harms only themselves.
            let _ = stream.set_nonblocking(true);
            let _ = io::Write::write_all(&mut &stream, text.expose());
        }
    }
}

/// The servers of this user that run, in the order of their ports.
///
/// # Errors
/// [`ServeError::NoBeacons`]
#[cfg(unix)]
pub fn announced(folder: &Folder) -> Result<Vec<Announced>, ServeError> {
    let Ok(folder) = folder.subfolder(FOLDER) else { return Ok(Vec::new()) };
    let sockets = std::fs::read_dir(folder).map(|files| files.flatten().map(|file| file.path()).collect::<Vec<_>>());
    let mut found: Vec<_> = sockets.unwrap_or_default().iter().filter_map(|path| ask(path)).collect();
    found.sort_by_key(|server| server.port);
    Ok(found)
}

#[cfg(unix)]
fn ask(path: &Path) -> Option<Announced> {
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;
    let stream = match UnixStream::connect(path) {
        Ok(stream) => stream,
        Err(error) => {
            if error.kind() == io::ErrorKind::ConnectionRefused {
                // Left from a server that was killed.
                let _ = std::fs::remove_file(path);
            }
            return None;
        }
    };
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(1 << 16));
    stream.take(LONGEST).read_to_end(&mut bytes).ok()?;
    let told: Told = serde_json::from_slice(&bytes).ok()?;
    let token = Token::told(Secret::new(told.token));
    let profiles = told.profiles.into_iter().filter_map(ProfileName::new).collect();
    Some(Announced { port: told.port, token, profiles })
}

#[cfg(not(unix))]
impl Beacon {
    /// This system's library has no such sockets.
    ///
    /// # Errors
    /// Always.
    pub fn light(_: &Folder, _: u16) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn tell(&self, _: &Gate) {}
}

/// The servers of this user that run.
///
/// # Errors
/// [`ServeError::NoBeacons`]
#[cfg(not(unix))]
pub fn announced(_: &Folder) -> Result<Vec<Announced>, ServeError> {
    Err(ServeError::NoBeacons)
}
