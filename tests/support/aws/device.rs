//! MFA devices: the phone in a person's hand, and what AWS believes about its clock.
//!
//! A device shows the code of the server's time step plus `ahead` plus `drift`. AWS expects that of the step plus
//! `ahead` plus `synced`, one step early or late, and accepts each step once. `ahead` moves both: it lets a test get
//! code after code without waiting, and affects no other device and no other clock.

use std::collections::BTreeSet;
use std::sync::Arc;

use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;

use super::front::Shared;
use super::random;
use super::reply::Refusal;
use super::totp;
use super::world::{Kind, World};

/// How many steps a code may be off.
const WINDOW: i64 = 1;
/// How many steps two consecutive codes may be off when a device is enabled or resynced.
const FAR: i64 = 60;

pub(super) struct DeviceState {
    pub(super) seed: Vec<u8>,
    /// The user that it is enabled for, and since when; `None` between `CreateVirtualMFADevice` and `EnableMFADevice`.
    pub(super) assigned: Option<(String, Timestamp)>,
    pub(super) ahead: i64,
    pub(super) drift: i64,
    pub(super) synced: i64,
    /// Steps whose code was accepted.
    pub(super) used: BTreeSet<i64>,
    /// The last step whose code was handed to a test.
    given: Option<i64>,
}

impl DeviceState {
    /// A device with its own seed, as long as AWS's.
    pub(super) fn new(assigned: Option<(String, Timestamp)>) -> Self {
        let seed = random::bytes::<40>().to_vec();
        Self { seed, assigned, ahead: 0, drift: 0, synced: 0, used: BTreeSet::new(), given: None }
    }

    /// The steps whose codes AWS accepts at the server's step.
    fn window(&self, step: i64) -> impl Iterator<Item = i64> {
        let expected = step + self.ahead + self.synced;
        expected - WINDOW..=expected + WINDOW
    }

    /// Accepts a code at the server's step: false if it is outside the window, or was accepted before.
    pub(super) fn take(&mut self, code: &str, step: i64) -> bool {
        let fresh = self
            .window(step)
            .find(|&candidate| !self.used.contains(&candidate) && totp::code(&self.seed, candidate) == code);
        fresh.is_some_and(|step| self.used.insert(step))
    }

    /// Accepts two consecutive codes and believes the device's clock from then on; otherwise `None`. Late codes are
    /// accepted too, and the device is then believed to be that late.
    pub(super) fn take_pair(&mut self, first: &str, second: &str, step: i64) -> Option<()> {
        let now = step + self.ahead;
        let is_it = |&at: &i64| {
            !self.used.contains(&at)
                && !self.used.contains(&(at + 1))
                && totp::code(&self.seed, at) == first
                && totp::code(&self.seed, at + 1) == second
        };
        let at = (now - FAR..=now + FAR).find(is_it)?;
        self.used.extend([at, at + 1]);
        let off = at + 1 - now;
        self.synced = if off.abs() <= WINDOW { 0 } else { off };
        Some(())
    }

    pub(super) fn is_of(&self, user: &str) -> bool {
        self.assigned.as_ref().is_some_and(|(owner, _)| owner == user)
    }
}

impl World {
    /// Authenticates `user` with a code. Takes effect even if the call is refused later: a code that was seen is spent.
    pub(super) fn check_code(&mut self, user: &str, serial: &str, code: &str) -> Result<(), Refusal> {
        let step = self.step();
        let device = self.devices.get_mut(serial).filter(|device| {
            let owner = device.assigned.as_ref().map(|(owner, _)| owner.as_str());
            owner == Some(user) && !serial.contains(":u2f/")
        });
        let Some(device) = device else {
            return Err(Refusal::denied(
                "MultiFactorAuthentication failed, unable to validate MFA code. Please verify your MFA serial number \
                 is valid and associated with this user.",
            ));
        };
        if device.take(code, step) {
            Ok(())
        } else {
            Err(Refusal::denied("MultiFactorAuthentication failed with invalid MFA one time pass code."))
        }
    }

    fn device(&mut self, serial: &str) -> &mut DeviceState {
        self.devices.get_mut(serial).expect("a test's device is not deleted under it")
    }
}

/// A person's device.
#[derive(Clone)]
pub(crate) struct Device {
    pub(super) shared: Arc<Shared>,
    pub(super) serial: String,
}

impl Device {
    /// The serial: an ARN, or a hardware device's bare number.
    pub(crate) fn serial(&self) -> &str {
        &self.serial
    }

    /// A code that is valid now and was neither used nor returned before. Never waits: the device's clock and AWS's
    /// idea of it are moved forward instead. The three newest codes stay valid.
    pub(crate) fn fresh_code(&self) -> String {
        let mut world = self.shared.world();
        let step = world.step();
        let device = world.device(&self.serial);
        let shown = step + device.ahead + device.drift;
        let last = device.used.last().copied().max(device.given);
        let next = last.map_or(shown, |last| shown.max(last + 1));
        device.ahead += (next - shown - WINDOW).max(0);
        device.given = Some(next);
        let code = totp::code(&device.seed, next);
        world.secrets.push((Kind::Code, code.clone()));
        code
    }

    /// The code that the device shows `steps` of 30 s from now, used or not. In real time, unless `fresh_code` moved
    /// it.
    pub(crate) fn code_at(&self, steps: i64) -> String {
        let mut world = self.shared.world();
        let step = world.step();
        let device = world.device(&self.serial);
        let code = totp::code(&device.seed, step + device.ahead + device.drift + steps);
        world.secrets.push((Kind::Code, code.clone()));
        code
    }

    /// The code that the device shows now.
    pub(crate) fn code_now(&self) -> String {
        self.code_at(0)
    }

    /// Six digits that are not a code of this device within minutes of now.
    pub(crate) fn wrong_code(&self) -> String {
        let mut world = self.shared.world();
        let step = world.step();
        let device = world.device(&self.serial);
        let center = step + device.ahead;
        let near: BTreeSet<String> = (center - 20..=center + 20).map(|at| totp::code(&device.seed, at)).collect();
        let wrong = (111_111..111_211).map(|n| n.to_string()).find(|code| !near.contains(code));
        wrong.expect("a hundred codes are more than forty-one")
    }

    /// The seed as `CreateVirtualMFADevice` returns it.
    pub(crate) fn seed_base32(&self) -> String {
        BASE32_NOPAD.encode(&self.shared.world().device(&self.serial).seed)
    }

    /// Sets how many steps the phone's clock differs from what AWS believes.
    pub(crate) fn set_drift(&self, steps: i64) {
        self.shared.world().device(&self.serial).drift = steps;
    }
}
