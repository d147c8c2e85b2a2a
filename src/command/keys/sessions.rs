//! The MFA session that signs calls of IAM, and what becomes of cached sessions when their user's key is replaced.
//!
//! They belong to the user and not to the key, so a rotation costs no second code: each is filed under the new key too.

use std::collections::BTreeSet;

use crate::cache::{Cache, Key, Lookup, MinTtl, keys};
use crate::command::context::Context;
use crate::command::session::{self, Session};
use crate::error::Error;
use crate::execute::base::RealBases;
use crate::names::{MfaSerial, ProfileName};
use crate::plan::{Base, Plan, PlanRequest, Step};
use crate::secret::Credentials;
use crate::settings::ObtainOptions;
use crate::signin;
use crate::sso;
use crate::state::CorrectedClock;

/// The sessions of the user whose key a profile has.
pub(super) struct Sessions<'s> {
    pub(super) context: &'s Context<'s>,
    pub(super) how: &'s ObtainOptions,
    pub(super) cache: &'s Cache<'s>,
    pub(super) clock: &'s CorrectedClock<'s>,
    pub(super) profile: &'s ProfileName,
}

impl Sessions<'_> {
    /// The user's MFA session, with a code if none is cached; `None` if no profile that uses the key names a device.
    pub(super) fn obtain(&self) -> Result<Option<Credentials>, Error> {
        let Some(plan) = self.plan()? else { return Ok(None) };
        self.session().credentials(&plan, MinTtl::PERSON).map(Some)
    }

    /// The same if it is cached.
    pub(super) fn cached(&self) -> Option<Credentials> {
        session::cached(&self.plan().ok()??, self.cache, self.clock)
    }

    /// Forgets the cached session, which AWS no longer accepts.
    pub(super) fn forget(&self) {
        if let Ok(Some(plan)) = self.plan() {
            for key in keys(&plan, plan.steps.given(true)) {
                self.cache.forget(&key);
            }
        }
    }

    /// A profile whose sign-in obtains the MFA session: the user's own, or a role's that names the device.
    pub(super) fn login_profile(&self) -> ProfileName {
        let own = self.context.plan(self.profile, self.how).ok().filter(|plan| plan.device.is_some());
        let named = own.or_else(|| self.plans_with_device().into_iter().next());
        named.map_or_else(|| self.profile.clone(), |plan| plan.profile)
    }

    fn session(&self) -> Session<'_, '_> {
        Session { context: self.context, how: self.how, cache: self.cache, clock: self.clock }
    }

    /// The plan of the user's MFA session: with the device of the key's own profile, else with that of a profile that
    /// starts from it, preferably one whose session is cached.
    fn plan(&self) -> Result<Option<Plan>, Error> {
        let context = self.context;
        let own = context.plan(self.profile, self.how)?;
        let (ambient, heard) = (|| context.ambient_credentials(), |text: &str| context.hear(text));
        let sealed = |profile: &ProfileName| context.open_sealed(profile);
        let bases = session::device::Once::new(RealBases {
            ambient: &ambient,
            sealed: &sealed,
            login: &signin::none,
            sso: &sso::none,
            heard: &heard,
            patience: context.settings.limits.provider,
        });
        let settled = session::device::settle(&own, &bases, &self.session())?;
        if let Some(serial) = settled.device.as_ref().and_then(|device| device.serial()) {
            return Ok(Some(own.session_of(serial)));
        }
        let mut plans = Vec::new();
        for other in self.plans_with_device() {
            let settled = session::device::settle(&other, &bases, &self.session())?;
            let serial = settled.device.as_ref().and_then(|device| device.serial()).cloned();
            // Where nobody can be asked, a sign-in to that profile is the way out.
            plans.extend(serial.map(|serial| Plan { profile: other.profile.clone(), ..own.session_of(&serial) }));
        }
        let cached = plans.iter().position(|plan| session::cached(plan, self.cache, self.clock).is_some());
        Ok((!plans.is_empty()).then(|| plans.swap_remove(cached.unwrap_or(0))))
    }

    fn plans_with_device(&self) -> Vec<Plan> {
        let is_its = |base: &Base| matches!(base, Base::SealedKey { profile, .. } | Base::AccessKey { profile, .. } if profile == self.profile);
        let plans = self.plans(&is_its);
        plans.into_iter().filter(|plan| plan.device.is_some()).collect()
    }

    /// The plans of all profiles that start from such a base. Profiles without a plan have nothing in the cache.
    fn plans(&self, wanted: &dyn Fn(&Base) -> bool) -> Vec<Plan> {
        let context = self.context;
        let Ok(set) = context.profiles() else { return Vec::new() };
        let request = PlanRequest { at_a_glance: true, ..context.settings.usual_request() };
        let plan = |name: &str| Plan::make(set, &ProfileName::new(name)?, &request, context.ambient()).ok();
        set.names().filter_map(plan).filter(|plan| wanted(&plan.base)).collect()
    }

    /// Files all sessions of one access key under the other one as well.
    pub(super) fn refile(&self, old: &str, new: &str) {
        for (from, to) in self.pairs(old, new) {
            if let Some(serial) = self.cache.known_device(&from) {
                // For `mfa_serial = auto`: the device is the user's, too.
                self.cache.keep_device(&to, &serial);
            }
            let now = self.clock.of(&from.service).now();
            for (from, to) in entries(&from).iter().zip(&entries(&to)) {
                self.cache.file_also(from, to, now);
            }
        }
    }

    /// Drops the sessions of the deleted key, and its user's own ones under the new key if they are over. Returns whether
    /// any is.
    pub(super) fn drop_those_that_ended(&self, old: &str, new: &str, is_over: &dyn Fn(&Credentials) -> bool) -> bool {
        let (mut has_ended, mut asked) = (false, BTreeSet::new());
        for (from, to) in self.pairs(old, new) {
            for key in entries(&from) {
                self.cache.forget(&key);
            }
            self.cache.forget_device(&from);
            for key in of_sessions(&to).into_iter().filter(|key| asked.insert(key.file_name().to_owned())) {
                let now = self.clock.of(&to.service).now();
                if let Ok(Lookup::Fresh(session) | Lookup::Stale(session)) =
                    self.cache.lookup(&key, MinTtl::SIGNER, now)
                    && is_over(&session)
                {
                    self.cache.forget(&key);
                    has_ended = true;
                }
            }
        }
        has_ended
    }

    /// The plans of all profiles that use the key, each as it was with the old one and as it is with the new one.
    fn pairs(&self, old: &str, new: &str) -> Vec<(Plan, Plan)> {
        let is_its = |base: &Base| matches!(base, Base::SealedKey { access_key_id: id, .. } if id == old || id == new);
        let both = |plan: Plan| {
            let (from, to) = (with_key(&plan, old), with_key(&plan, new));
            let known = self.cache.known_device(&from).or_else(|| self.cache.known_device(&to));
            match known.filter(|_| plan.asks_for_device()) {
                Some(serial) => (from.with_device(&serial), to.with_device(&serial)),
                None => (from, to),
            }
        };
        self.plans(&is_its).into_iter().map(both).collect()
    }
}

fn with_key(plan: &Plan, id: &str) -> Plan {
    let mut plan = plan.clone();
    if let Base::SealedKey { access_key_id, .. } = &mut plan.base {
        id.clone_into(access_key_id);
    }
    plan
}

/// The entries of a plan: of its own steps, and of its user's session.
fn entries(plan: &Plan) -> Vec<Key> {
    keys(plan, plan.steps.given(true)).into_iter().chain(of_sessions(plan)).collect()
}

/// Those of the user's sessions.
fn of_sessions(plan: &Plan) -> Vec<Key> {
    let serial = plan.device.as_ref().and_then(|device| device.serial());
    let of_device = |serial: &MfaSerial| {
        let plan = plan.session_of(serial);
        keys(&plan, plan.steps.given(true))
    };
    let first = plan.steps.given(true).iter().take_while(|step| matches!(step, Step::SessionToken { .. })).count();
    serial.map_or_else(|| keys(plan, &plan.steps.given(true)[..first]), of_device)
}
