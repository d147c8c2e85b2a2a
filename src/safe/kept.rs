//! Seeds of virtual MFA devices that are kept on purpose: one sealed file for each device, beside the access keys and under
//! the same key.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::file::{Heading, Sealed};
use super::{Safe, SafeError, Shelf};
use crate::disk::private;
use crate::names::MfaSerial;
use crate::names::digest::digest_name;
use crate::os::files::sync_folder;
use crate::secret::Secret;
use crate::vault::KeyId;

/// The beginning of the names of the files that hold seeds.
pub(super) const PREFIX: &str = "mfa-seed-";
/// The lock of whoever creates a device.
const TURN: &str = "enrollment.lock";

/// The clear header of a kept seed, readable without a sealing key.
#[derive(Deserialize, Serialize)]
struct KeptSeed {
    /// The device whose codes it makes.
    serial: String,
    /// When it was sealed, by AWS's clock.
    sealed: Timestamp,
    /// The id of the sealing key.
    key: String,
}

impl Heading for KeptSeed {
    const MAGIC: &'static str = "mfa-cred mfa seed 1";

    fn key(&self) -> &str {
        &self.key
    }

    fn under(self, key: &KeyId) -> Self {
        Self { key: key.as_str().to_owned(), ..self }
    }
}

impl Shelf {
    /// The path of a device's seed.
    fn seed_path(&self, serial: &MfaSerial) -> PathBuf {
        self.folder().join(format!("{PREFIX}{}", digest_name(serial.as_str())))
    }

    fn sealed_seed(&self, serial: &MfaSerial) -> Result<Option<Sealed<KeptSeed>>, SafeError> {
        let path = self.seed_path(serial);
        let bytes = match private::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unusable()(error)),
        };
        let sealed = Sealed::<KeptSeed>::read(bytes).filter(|sealed| sealed.header.serial == serial.as_str());
        sealed.map(Some).ok_or_else(|| SafeError::DamagedSeed { serial: serial.clone(), path })
    }

    /// Is a seed of the device kept?
    pub fn has_seed(&self, serial: &MfaSerial) -> Result<bool, SafeError> {
        Ok(self.sealed_seed(serial)?.is_some())
    }
}

impl Safe<'_> {
    /// The right to create a device and keep its seed, which one process at a time has; `None` if another one has it. Two of
    /// the same name would otherwise seal the seed of one and enable the other.
    pub fn take_turn_to_enroll(&self) -> Result<Option<File>, SafeError> {
        self.turn(TURN)
    }

    /// Seals a device's seed, replacing a former one, and opens it again from the disk. Until this returns, the former
    /// seed stands.
    pub fn seal_seed(&self, serial: &MfaSerial, seed: &Secret<String>, now: Timestamp) -> Result<(), SafeError> {
        let _alone = self.lock()?;
        let header = KeptSeed { serial: serial.as_str().to_owned(), sealed: now, key: String::new() };
        self.write(&self.shelf.seed_path(serial), header, seed, SafeError::SeedNotReadBack(serial.clone()))
    }

    /// A device's seed, opened. May open a keyring or ask for a passphrase.
    pub fn open_seed(&self, serial: &MfaSerial) -> Result<Secret<String>, SafeError> {
        let sealed = self.shelf.sealed_seed(serial)?.ok_or_else(|| SafeError::MissingSeed(serial.clone()))?;
        let damaged = || SafeError::DamagedSeed { serial: serial.clone(), path: self.shelf.seed_path(serial) };
        let key = self.vault.find()?.ok_or_else(damaged)?;
        sealed.open(&key).ok_or_else(damaged)
    }

    /// Forgets a device's seed, damaged or not; `false` if none was kept. With the last sealed secret, the persistent key
    /// is destroyed too.
    pub fn forget_seed(&self, serial: &MfaSerial) -> Result<bool, SafeError> {
        let path = self.shelf.seed_path(serial);
        if !path.exists() && self.shelf.unfinished::<KeptSeed>()?.is_empty() {
            return Ok(false);
        }
        let _alone = self.lock()?;
        self.shelf.remove_unfinished::<KeptSeed>()?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            removed => removed.map_err(self.shelf.unusable())?,
        }
        sync_folder(self.shelf.folder());
        self.destroy_unused_key()?;
        Ok(true)
    }
}
