//! `mfa_serial = auto`: finds the device, in the state folder or by asking IAM.

use std::cell::OnceCell;
use std::time::Duration;

use super::Session;
use crate::command::context::Context;
use crate::error::Error;
use crate::execute::base::{BaseError, Bases, RealBases, alive};
use crate::host::NoTerminal;
use crate::iam::{AwsIam, DeviceError, Iam, IamError, needs, usable};
use crate::names::{MfaSerial, ProfileName};
use crate::plan::{BaseKind, Plan, PlanError, PlanRequest, WebIdentity};
use crate::profile::ProfileSet;
use crate::secret::{Credentials, Secret};
use crate::settings::Limits;
use crate::signin;
use crate::sso;

/// A base that is asked only once: a `credential_process` may be slow, or may prompt a person.
pub(in crate::command) struct Once<'a> {
    inner: RealBases<'a>,
    found: OnceCell<Credentials>,
}

impl<'a> Once<'a> {
    pub(in crate::command) fn new(inner: RealBases<'a>) -> Self {
        Self { inner, found: OnceCell::new() }
    }

    /// Was the base needed? Never on the warm path.
    pub(in crate::command) fn were_asked(&self) -> bool {
        self.found.get().is_some()
    }
}

impl Bases for Once<'_> {
    fn credentials(&self, plan: &Plan, set: &ProfileSet) -> Result<Credentials, BaseError> {
        if let Some(found) = self.found.get() {
            return Ok(found.clone());
        }
        let found = self.inner.credentials(plan, set)?;
        Ok(self.found.get_or_init(|| found).clone())
    }

    fn token(&self, web: &WebIdentity) -> Result<Secret<String>, BaseError> {
        self.inner.token(web)
    }
}

/// The plan with its device filled in. IAM is asked only if the device of this base has not been looked up before, and
/// only for a user's long-term key: no session needs the answer.
pub(in crate::command) fn settle(plan: &Plan, bases: &dyn Bases, session: &Session<'_, '_>) -> Result<Plan, Error> {
    let Session { context, how, cache, clock } = *session;
    let (settings, set) = (context.settings, context.profiles()?);
    if !plan.asks_for_device() || plan.base.kind() == BaseKind::Session {
        return Ok(plan.clone());
    }
    if let Some(serial) = cache.known_device(plan).filter(|_| !how.refresh) {
        return Ok(plan.clone().with_device(&serial));
    }
    let base = bases.credentials(plan, set).and_then(|base| alive(base, plan, clock.now()));
    let base = base.map_err(crate::execute::ExecuteError::from)?;
    if !base.is_long_term() {
        return Ok(plan.clone());
    }
    let service = plan.iam(set, context.ambient())?;
    let iam = AwsIam::connect(&service, settings.limits, clock).map_err(DeviceError::Client)?;
    settings.messages.info("ListMFADevices, for `mfa_serial = auto`");
    let devices = iam.devices(&base, None).map_err(list_failed)?;
    let user = plan.user.to_string();
    match &usable(&devices)[..] {
        [serial] => {
            cache.keep_device(plan, serial);
            Ok(plan.clone().with_device(serial))
        }
        [] => {
            let devices = devices.into_iter().map(|device| device.serial).collect();
            Err(DeviceError::NoneUsable { user, devices }.into())
        }
        several => Err(DeviceError::Several { user, devices: several.to_vec() }.into()),
    }
}

fn list_failed(error: IamError) -> Error {
    DeviceError::Call { call: "ListMFADevices", error, journey: &needs::LOOK, user: None }.into()
}

/// The refusal of a FIDO device, extended by the user's devices that could be used instead, if the user's own key is
/// available and AWS answers. All other errors are returned unchanged.
pub(in crate::command) fn ways_out(error: Error, profile: &ProfileName, context: &Context<'_>) -> Error {
    match error {
        Error::Plan(PlanError::Fido { origin, serial, usable: _ }) => {
            let usable = codes_of(profile, context).unwrap_or_default();
            Error::Plan(PlanError::Fido { origin, serial, usable })
        }
        error => error,
    }
}

/// How long an error may be delayed to add this information.
const BRIEF: Limits = Limits {
    connect: Duration::from_secs(2),
    attempt: Duration::from_secs(3),
    call: Duration::from_secs(3),
    provider: Duration::from_secs(3),
};

fn codes_of(profile: &ProfileName, context: &Context<'_>) -> Option<Vec<MfaSerial>> {
    let (set, ambient) = (context.profiles().ok()?, context.ambient());
    let request = PlanRequest { leaves_device_open: true, ..context.settings.usual_request() };
    let plan = Plan::make(set, profile, &request, ambient).ok()?;
    // No command is run just to improve an error message.
    if plan.base.kind() != BaseKind::LongTerm {
        return None;
    }
    // Nobody is asked to unlock a key either.
    let sealed = |profile: &ProfileName| context.at(&NoTerminal, None).open_sealed(profile);
    let of_environment = || context.ambient_credentials();
    let bases = RealBases {
        ambient: &of_environment,
        sealed: &sealed,
        login: &signin::none,
        sso: &sso::none,
        heard: &|_| (),
        patience: BRIEF.provider,
    };
    let base = bases.credentials(&plan, set).ok()?;
    let clock = context.clock();
    let iam = AwsIam::connect(&plan.iam(set, ambient).ok()?, BRIEF, &clock).ok()?;
    Some(usable(&iam.devices(&base, None).ok()?))
}
