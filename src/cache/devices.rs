//! The answer to `mfa_serial = auto`, kept so that a warm path asks nobody.
//!
//! One small file per base holds the serial in clear text, since it is not secret. It is removed by `clear`, or when
//! STS no longer knows the device, and requested again with `--refresh`.

use std::fs;

use super::identity::base_name;
use super::{Cache, CacheUse};
use crate::names::MfaSerial;
use crate::plan::Plan;
use crate::state::DEVICES;

impl Cache<'_> {
    /// The device that IAM named for this plan's base before.
    pub fn known_device(&self, plan: &Plan) -> Option<MfaSerial> {
        let folder = self.folder.filter(|_| self.use_of_it != CacheUse::Nothing)?;
        folder.read_text(&format!("{DEVICES}/{}", base_name(plan)))?.trim_end().parse().ok()
    }

    /// The plan as far as it can be filled without a call, for commands that make none.
    pub fn with_known_device(&self, plan: Plan) -> Plan {
        match self.known_device(&plan).filter(|_| plan.asks_for_device()) {
            Some(serial) => plan.with_device(&serial),
            None => plan,
        }
    }

    /// Remembers it. A folder that takes nothing costs the memory only.
    pub fn keep_device(&self, plan: &Plan, serial: &MfaSerial) {
        if let Some(folder) = self.folder.filter(|_| self.use_of_it == CacheUse::ReadAndKeep) {
            let _ = folder.write(DEVICES, &base_name(plan), format!("{serial}\n").as_bytes());
        }
    }

    /// Forgets it, for one that AWS no longer knows.
    pub fn forget_device(&self, plan: &Plan) {
        if let Some(folder) = self.folder {
            let _ = fs::remove_file(folder.path().join(DEVICES).join(base_name(plan)));
        }
    }
}
