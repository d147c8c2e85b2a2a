//! Long-term access keys and kept seeds at rest: one sealed file for each profile or device, in a folder of their own.
//!
//! In: a profile's access key, and the persistent key that seals it ([`PersistentVault`]). Out: the key, or why it cannot be
//! had. AWS shows a secret access key once, so nothing here is a cache: a file that cannot be read is an error and never
//! "no key", a folder that is not this user's alone is refused and never replaced, and a file counts as sealed only after
//! it was read back from the disk and opened. The clear header tells which key of which user a file holds, so that plans
//! and lists need no sealing key. Whether AWS still takes a key is not known here.

mod file;
mod given;
mod kept;
mod rotation;
mod seed;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::disk::private::{self, Insight};
use crate::names::digest::digest_name;
use crate::names::{MfaSerial, ProfileName};
use crate::os::files::{close, sync_folder};
use crate::profile::SealedKeys;
use crate::secret::{Credentials, Secret};
use crate::vault::{KeyHome, PersistentError, PersistentVault};

pub use file::Header;
use file::{Heading, Sealed};
pub use given::{GivenKey, KeyFile, NotAKey};
pub use rotation::{Both, Rotation};
pub use seed::{NotASeed, read_seed};

/// The beginning of the names of the files that hold keys.
const PREFIX: &str = "access-key-";
/// Held while a key is sealed or removed.
const LOCK: &str = "access-keys.lock";

/// Why a sealed access key cannot be had, or not be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SafeError {
    /// The operating system defines no folder for data.
    #[error("no home folder is known, so there is no place for sealed access keys")]
    Nowhere,
    /// The folder or a file in it.
    #[error("the sealed access keys in `{}` cannot be used", path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The persistent key.
    #[error(transparent)]
    Key(#[from] PersistentError),
    /// The profile has no sealed key.
    #[error("profile `{0}` has no sealed access key")]
    Missing(ProfileName),
    /// The file is damaged, of another version, or sealed by another key.
    #[error("the sealed access key of profile `{profile}` does not open: `{}` is damaged or foreign", path.display())]
    Damaged {
        /// Whose key.
        profile: ProfileName,
        /// The file.
        path: PathBuf,
    },
    /// The journal of a rotation is damaged, of another version, or sealed by another key.
    #[error("the rotation of an access key cannot be continued: `{}` is damaged or foreign", path.display())]
    DamagedRotation {
        /// The file.
        path: PathBuf,
    },
    /// No seed of the device is kept.
    #[error("no seed of {0} is kept")]
    MissingSeed(MfaSerial),
    /// The file is damaged, of another version, or sealed by another key.
    #[error("the kept seed of {serial} does not open: `{}` is damaged or foreign", path.display())]
    DamagedSeed {
        /// Whose seed.
        serial: MfaSerial,
        /// The file.
        path: PathBuf,
    },
    /// A seed that was written did not open.
    #[error("the seed of {0} was sealed and could not be opened again, so it is not kept")]
    SeedNotReadBack(MfaSerial),
    /// What was written did not open.
    #[error("the access key of profile `{0}` was sealed and could not be opened again, so it was not taken over")]
    NotReadBack(ProfileName),
}

/// The folder of sealed keys, whose headers can be read without a sealing key.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// The folder, which need not exist.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder's path.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, profile: &str) -> PathBuf {
        self.folder.join(format!("{PREFIX}{}", digest_name(profile)))
    }

    fn unusable(&self) -> impl Fn(io::Error) -> SafeError {
        let path = self.folder.clone();
        move |source| SafeError::Unusable { path: path.clone(), source }
    }

    /// The file of a profile's key; `None` if there is none.
    fn sealed(&self, profile: &ProfileName) -> Result<Option<Sealed<Header>>, SafeError> {
        let path = self.path(profile.as_str());
        let bytes = match private::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unusable()(error)),
        };
        let sealed = Sealed::<Header>::read(bytes).filter(|sealed| sealed.header.profile == profile.as_str());
        sealed.map(Some).ok_or_else(|| SafeError::Damaged { profile: profile.clone(), path })
    }

    /// The header of a profile's key; `None` if it has none.
    pub fn header(&self, profile: &ProfileName) -> Result<Option<Header>, SafeError> {
        Ok(self.sealed(profile)?.map(|sealed| sealed.header))
    }

    /// The headers of all keys, by profile, and the files that are none.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn headers(&self) -> Result<(Vec<Header>, Vec<PathBuf>), SafeError> {
        let (mut headers, mut damaged) = (Vec::new(), Vec::new());
        for path in self.files(PREFIX)? {
            let header = private::read(&path).ok().and_then(Sealed::<Header>::read).map(|sealed| sealed.header);
            match header.filter(|header| self.path(&header.profile) == path) {
                Some(header) => headers.push(header),
                None => damaged.push(path),
            }
        }
        headers.sort_by(|one, other| one.profile.cmp(&other.profile));
        Ok((headers, damaged))
    }

    /// The files whose names begin like this.
    fn files(&self, prefix: &str) -> Result<Vec<PathBuf>, SafeError> {
        let files = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files.map_err(self.unusable())?,
        };
        let is_one = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
        };
        let paths: io::Result<Vec<PathBuf>> = files.map(|file| file.map(|file| file.path())).collect();
        Ok(paths.map_err(self.unusable())?.into_iter().filter(is_one).collect())
    }

    /// The files of this kind that a killed process had not yet given their names. They hold a sealed secret too.
    fn unfinished<H: Heading>(&self) -> Result<Vec<PathBuf>, SafeError> {
        let is_one = |path: &PathBuf| private::read(path).is_ok_and(|bytes| bytes.starts_with(H::MAGIC.as_bytes()));
        Ok(self.files(private::UNFINISHED)?.into_iter().filter(is_one).collect())
    }

    /// Removes them. Only for the holder of the lock: another one may be about to name its file.
    fn remove_unfinished<H: Heading>(&self) -> Result<(), SafeError> {
        for path in self.unfinished::<H>()? {
            std::fs::remove_file(path).map_err(self.unusable())?;
        }
        Ok(())
    }
}

impl SealedKeys for Shelf {
    fn access_key_id(&self, profile: &str) -> Result<Option<String>, String> {
        let Some(profile) = ProfileName::new(profile) else { return Ok(None) };
        let header = self.header(&profile).map_err(|error| crate::messages::with_causes(&error))?;
        Ok(header.map(|header| header.access_key_id))
    }
}

/// The sealed keys, and the key that opens them.
pub struct Safe<'a> {
    shelf: &'a Shelf,
    vault: PersistentVault<'a>,
}

impl<'a> Safe<'a> {
    /// Opens nothing yet. The vault is that of the shelf's folder.
    pub fn new(shelf: &'a Shelf, vault: PersistentVault<'a>) -> Self {
        Self { shelf, vault }
    }

    /// A profile's access key, opened. May open a keyring or ask for a passphrase.
    pub fn open(&self, profile: &ProfileName) -> Result<Credentials, SafeError> {
        let sealed = self.shelf.sealed(profile)?.ok_or_else(|| SafeError::Missing(profile.clone()))?;
        let damaged = || SafeError::Damaged { profile: profile.clone(), path: self.shelf.path(profile.as_str()) };
        let key = self.vault.find()?.ok_or_else(damaged)?;
        let secret = sealed.open(&key).ok_or_else(damaged)?;
        let account = sealed.header.account();
        Ok(Credentials { account, ..Credentials::long_term(&sealed.header.access_key_id, secret) })
    }

    /// Seals a key, replacing the profile's former one, and opens it again from the disk. Asks for a new passphrase where
    /// no persistent key was made yet. Until this returns, the former key stands.
    pub fn seal(&self, header: Header, secret: &Secret<String>) -> Result<Credentials, SafeError> {
        let _alone = self.lock()?;
        let profile = ProfileName::new(&header.profile).ok_or(SafeError::Nowhere)?;
        let path = self.shelf.path(profile.as_str());
        self.write(&path, header, secret, SafeError::NotReadBack(profile.clone()))?;
        self.open(&profile)
    }

    /// Writes a sealed file. It is opened before it takes the former one's place, and once more from there; `unread` is the
    /// error if it does not open.
    fn write<H: Heading>(
        &self,
        path: &Path,
        header: H,
        secret: &Secret<String>,
        unread: SafeError,
    ) -> Result<(), SafeError> {
        let unusable = self.shelf.unusable();
        let key = self.vault.find_or_make()?;
        let bytes = Sealed::write(header, secret, &key).map_err(PersistentError::Seal)?;
        let opens = |bytes: Vec<u8>| {
            let opened = Sealed::<H>::read(bytes).and_then(|sealed| sealed.open(&key));
            opened.is_some_and(|opened| opened.expose() == secret.expose())
        };
        if !opens(bytes.clone()) {
            return Err(unread);
        }
        private::write(path, &bytes).map_err(&unusable)?;
        sync_folder(self.shelf.folder());
        if opens(private::read(path).map_err(&unusable)?) { Ok(()) } else { Err(unread) }
    }

    /// Removes a profile's key. With the last one, the persistent key is destroyed too, since it opens nothing any more.
    pub fn remove(&self, profile: &ProfileName) -> Result<(), SafeError> {
        let _alone = self.lock()?;
        let path = self.shelf.path(profile.as_str());
        match std::fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(SafeError::Missing(profile.clone()));
            }
            removed => removed.map_err(self.shelf.unusable())?,
        }
        self.remove_stray_rotations()?;
        self.shelf.remove_unfinished::<Header>()?;
        sync_folder(self.shelf.folder());
        self.destroy_unused_key()
    }

    /// Destroys the persistent key if nothing is sealed under it any more.
    fn destroy_unused_key(&self) -> Result<(), SafeError> {
        for prefix in [PREFIX, rotation::PREFIX, kept::PREFIX] {
            if !self.shelf.files(prefix)?.is_empty() {
                return Ok(());
            }
        }
        Ok(self.vault.destroy()?)
    }

    /// Unlocks the persistent key, or makes it: what may ask a person comes before anything that cannot be undone.
    pub fn prepare(&self) -> Result<(), SafeError> {
        let _alone = self.lock()?;
        self.vault.find_or_make()?;
        Ok(())
    }

    /// The store that the persistent key belongs to.
    pub fn place(&self) -> Result<KeyHome, SafeError> {
        self.vault.place()?.ok_or_else(|| self.shelf.unusable()(io::ErrorKind::NotFound.into()))
    }

    /// The header of a new key, for [`Safe::seal`].
    pub fn header(profile: &ProfileName, access_key_id: &str, arn: &str, now: Timestamp) -> Header {
        Header::new(profile, access_key_id, arn, now)
    }

    /// Makes and checks the folder, and waits for its lock. One that others could write to, or that is not ours, is refused:
    /// what lies in it may have been planted, and nothing may be lost by setting it aside.
    fn lock(&self) -> Result<File, SafeError> {
        let (folder, unusable) = (self.shelf.folder(), self.shelf.unusable());
        private::make_folder(folder).map_err(&unusable)?;
        if private::look(folder).map_err(&unusable)? == Insight::Others {
            close(folder).map_err(&unusable)?;
        }
        let file = private::open_or_make(&folder.join(LOCK)).map_err(&unusable)?;
        // Its holder may be asking a person for a passphrase, which ends by itself.
        file.lock().map_err(&unusable)?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests;
