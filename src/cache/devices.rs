//! The device found for `mfa_serial = auto`, saved so that the warm path needs no call.
//!
//! One small file per base contains the serial number in clear text; it is not secret. It is removed by `clear` and
//! when STS no longer knows the device; `--refresh` looks it up again.

use std::fs;

use super::identity::base_name;
use super::{Cache, CacheUse};
use crate::names::MfaSerial;
use crate::plan::Plan;
use crate::state::DEVICES;

impl Cache<'_> {
    /// The device that IAM named earlier for this plan's base.
    pub fn known_device(&self, plan: &Plan) -> Option<MfaSerial> {
        let folder = self.folder.filter(|_| self.use_of_it != CacheUse::Nothing)?;
        folder.read_text(&format!("{DEVICES}/{}", base_name(plan)))?.trim_end().parse().ok()
    }

    /// Fills in the plan as far as possible without a call, for commands that make none.
    pub fn with_known_device(&self, plan: Plan) -> Plan {
        // Only then is the file read.
        match plan.asks_for_device().then(|| self.known_device(&plan)).flatten() {
            Some(serial) => plan.with_device(&serial),
            None => plan,
        }
    }

    /// Saves the device. If the folder cannot be written, it is looked up again next time.
    pub fn keep_device(&self, plan: &Plan, serial: &MfaSerial) {
        if let Some(folder) = self.folder.filter(|_| self.use_of_it == CacheUse::ReadAndKeep) {
            let _ = folder.write(DEVICES, &base_name(plan), format!("{serial}\n").as_bytes());
        }
    }

    /// Removes a device that AWS no longer knows.
    pub fn forget_device(&self, plan: &Plan) {
        if let Some(folder) = self.folder {
            let _ = fs::remove_file(folder.path().join(DEVICES).join(base_name(plan)));
        }
    }
}
