//! The journal of a rotation: which access key is being replaced, and both secrets until that is over.
//!
//! It is written before AWS is asked for a new key, and once more as soon as there is one. From then on, the new secret
//! is here, whether or not a profile has it yet; and so is the old one, in case AWS stops taking the new key after all.
//! One file for each user, in the folder of the sealed keys and sealed as they are.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::file::{Heading, Sealed};
use super::{Safe, SafeError, Shelf};
use crate::disk::private;
use crate::names::ProfileName;
use crate::names::digest::digest_name;
use crate::os::files::sync_folder;
use crate::secret::{Credentials, Secret};
use crate::vault::KeyId;

/// The beginning of the names of these files.
pub(super) const PREFIX: &str = "rotation-";
/// Held by the process that rotates.
const TURN: &str = "rotation.lock";

/// A rotation that was begun and is not over.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Rotation {
    /// The access key that is replaced.
    pub old: String,
    /// When AWS made it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_created: Option<Timestamp>,
    /// The new one, as soon as AWS has made it and its secret is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// When AWS made the new one, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_created: Option<Timestamp>,
    /// The user, as GetCallerIdentity named it.
    pub arn: String,
    /// The profiles whose sealed key is replaced.
    pub profiles: Vec<String>,
    /// When AWS was about to be asked for the new key, by AWS's clock.
    pub begun: Timestamp,
    /// The id of the sealing key.
    #[serde(default)]
    key: String,
}

impl Heading for Rotation {
    const MAGIC: &'static str = "mfa-cred rotation 1";

    fn key(&self) -> &str {
        &self.key
    }

    fn under(self, key: &KeyId) -> Self {
        Self { key: key.as_str().to_owned(), ..self }
    }
}

impl Rotation {
    /// One that is about to begin.
    pub fn new(old: &str, old_created: Option<Timestamp>, arn: &str, begun: Timestamp) -> Self {
        let (new, new_created, profiles, key) = (None, None, Vec::new(), String::new());
        Self { old: old.to_owned(), old_created, new, new_created, arn: arn.to_owned(), profiles, begun, key }
    }

    /// Is this one of its two keys?
    pub fn concerns(&self, access_key_id: &str) -> bool {
        self.old == access_key_id || self.new.as_deref() == Some(access_key_id)
    }

    fn profile(&self) -> Result<ProfileName, SafeError> {
        self.profiles.first().and_then(ProfileName::new).ok_or(SafeError::Nowhere)
    }
}

/// Both keys of a rotation.
#[derive(Debug)]
pub struct Both {
    /// The one that is replaced.
    pub old: Credentials,
    /// The new one, if there is one.
    pub new: Option<Credentials>,
}

impl Both {
    /// The two keys with these secrets. Neither secret has a line feed.
    fn of(rotation: &Rotation, secrets: &Secret<String>) -> Option<Self> {
        let mut lines = secrets.expose().split('\n');
        let mut key = |id: &str| Some(Credentials::long_term(id, Secret::from(lines.next()?)));
        let old = key(&rotation.old)?;
        let new = rotation.new.as_deref().map(|id| key(id).ok_or(())).transpose().ok()?;
        Some(Self { old, new })
    }

    fn secrets(&self) -> Secret<String> {
        let old = self.old.secret_access_key.expose();
        match &self.new {
            None => Secret::from(old.as_str()),
            Some(new) => Secret::concat(&[old, "\n", new.secret_access_key.expose()]),
        }
    }
}

impl Shelf {
    /// The rotations that are not over, and the files that are none.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn rotations(&self) -> Result<(Vec<Rotation>, Vec<PathBuf>), SafeError> {
        let (mut rotations, mut damaged) = (Vec::new(), Vec::new());
        for path in self.files(PREFIX)? {
            let rotation = private::read(&path).ok().and_then(Sealed::<Rotation>::read).map(|sealed| sealed.header);
            match rotation.filter(|rotation| self.rotation_path(rotation) == path) {
                Some(rotation) => rotations.push(rotation),
                None => damaged.push(path),
            }
        }
        rotations.sort_by(|one, other| one.profiles.cmp(&other.profiles));
        Ok((rotations, damaged))
    }

    /// A user has at most two keys, so there is one rotation of a user's keys at a time.
    fn rotation_path(&self, rotation: &Rotation) -> PathBuf {
        self.folder().join(format!("{PREFIX}{}", digest_name(&rotation.arn)))
    }
}

impl Safe<'_> {
    /// The right to rotate, which one process at a time has; `None` if another one has it.
    pub fn take_turn(&self) -> Result<Option<File>, SafeError> {
        self.turn(TURN)
    }

    /// A lock that one process at a time has; `None` if another one has it.
    pub(super) fn turn(&self, name: &str) -> Result<Option<File>, SafeError> {
        drop(self.lock()?);
        let unusable = self.shelf.unusable();
        let file = private::open_or_make(&self.shelf.folder().join(name)).map_err(&unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    /// Writes the journal of a rotation, with what is known of the keys now, and opens it again from the disk. Until
    /// this returns, the former journal stands.
    pub fn note_rotation(&self, rotation: &Rotation, both: &Both) -> Result<(), SafeError> {
        let _alone = self.lock()?;
        let path = self.shelf.rotation_path(rotation);
        self.write(&path, rotation.clone(), &both.secrets(), SafeError::NotReadBack(rotation.profile()?))
    }

    /// Both keys of a rotation, opened. May open a keyring or ask for a passphrase.
    pub fn open_rotation(&self, rotation: &Rotation) -> Result<Both, SafeError> {
        let path = self.shelf.rotation_path(rotation);
        let bytes = private::read(&path).map_err(self.shelf.unusable())?;
        let sealed = Sealed::<Rotation>::read(bytes).filter(|sealed| sealed.header == *rotation);
        let key = self.vault.find()?;
        let both = sealed.zip(key).and_then(|(sealed, key)| Both::of(rotation, &sealed.open(&key)?));
        both.ok_or(SafeError::DamagedRotation { path })
    }

    /// Removes the journal: the rotation is over, or nothing came of it.
    pub fn end_rotation(&self, rotation: &Rotation) -> Result<(), SafeError> {
        let _alone = self.lock()?;
        match std::fs::remove_file(self.shelf.rotation_path(rotation)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(self.shelf.unusable())?,
        }
        sync_folder(self.shelf.folder());
        Ok(())
    }

    /// Removes the journals of which no profile has a sealed key any more.
    pub(super) fn remove_stray_rotations(&self) -> Result<(), SafeError> {
        let is_sealed = |profile: &String| self.shelf.path(profile).exists();
        for rotation in self.shelf.rotations()?.0.iter().filter(|it| !it.profiles.iter().any(is_sealed)) {
            std::fs::remove_file(self.shelf.rotation_path(rotation)).map_err(self.shelf.unusable())?;
        }
        Ok(())
    }
}
