//! How another process of this user finds a running server and learns its token (`serve --print-env`): it connects to a
//! socket in the state folder, which nobody else can enter. So the token is in no file, and gone with the server.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Gate, ServeError, Token, path_of};
use crate::names::ProfileName;
use crate::os::events::{HAS_MEETINGS, Meeting, Origin, told_at};
use crate::secret::Secret;
use crate::state::Folder;

/// The subfolder of the sockets, each of which is named after its port.
const FOLDER: &str = "servers";
/// The longest answer, in bytes.
const LONGEST: u64 = 1 << 20;
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The socket of a server; removed when this is dropped.
#[derive(Debug)]
pub struct Beacon {
    path: PathBuf,
    port: u16,
    meeting: Meeting,
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

impl Beacon {
    /// Opens the socket of the server on this port.
    ///
    /// # Errors
    /// The system's, as for a path that is too long for a socket, or without such sockets.
    pub fn light(folder: &Folder, port: u16) -> io::Result<Self> {
        let path = folder.subfolder(FOLDER)?.join(format!("{port}.sock"));
        // The port is ours, so a socket of that name is left from a server that was killed.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let meeting = Meeting::at(&path)?;
        Ok(Self { path, port, meeting })
    }

    pub(super) fn origin(&self) -> Origin<'_> {
        self.meeting.origin()
    }

    /// Tells those who have connected where the server is.
    pub(super) fn tell(&self, gate: &Gate) {
        self.meeting.tell(&|| {
            let profiles = gate.profiles().iter().map(|profile| profile.as_str().to_owned()).collect();
            let told = Told { port: self.port, token: gate.token().expose().to_owned(), profiles };
            let text = serde_json::to_vec(&told).expect("it is written to memory");
            drop(Secret::new(told.token));
            Zeroizing::new(text)
        });
    }
}

/// The servers of this user that run, in the order of their ports.
///
/// # Errors
/// [`ServeError::NoBeacons`]
pub fn announced(folder: &Folder) -> Result<Vec<Announced>, ServeError> {
    if !HAS_MEETINGS {
        return Err(ServeError::NoBeacons);
    }
    let Ok(folder) = folder.subfolder(FOLDER) else { return Ok(Vec::new()) };
    let sockets = std::fs::read_dir(folder).map(|files| files.flatten().map(|file| file.path()).collect::<Vec<_>>());
    let mut found: Vec<_> = sockets.unwrap_or_default().iter().filter_map(|path| ask(path)).collect();
    found.sort_by_key(|server| server.port);
    Ok(found)
}

fn ask(path: &Path) -> Option<Announced> {
    let bytes = match told_at(path, LONGEST, PATIENCE) {
        Ok(bytes) => bytes,
        Err(error) => {
            if error.kind() == io::ErrorKind::ConnectionRefused {
                // Left from a server that was killed.
                let _ = std::fs::remove_file(path);
            }
            return None;
        }
    };
    let told: Told = serde_json::from_slice(&bytes).ok()?;
    let token = Token::told(Secret::new(told.token));
    let profiles = told.profiles.into_iter().filter_map(ProfileName::new).collect();
    Some(Announced { port: told.port, token, profiles })
}
