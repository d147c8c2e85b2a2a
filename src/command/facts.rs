//! What is known about a profile without a call and without a keyring: the rows of `list` and of the picker.

use super::context::Context;
use super::signed_in::{SignIns, SignedIn};
use std::collections::HashMap;

use jiff::Timestamp;

use crate::cache::{Cache, keys};
use crate::names::ProfileName;
use crate::plan::{Ambient, Base, Device, Plan, PlanRequest, Step, sign_in};
use crate::profile::{Profile, ProfileSet};
use crate::screen::picker::Choice;
use crate::screen::table::Column;
use crate::secret::shown;
use crate::state::CorrectedClock;

/// A profile at a glance.
pub(super) struct Facts {
    pub(super) name: String,
    /// Its kind, in a word.
    pub(super) kind: &'static str,
    pub(super) source: Option<String>,
    pub(super) account: Option<String>,
    /// The role's name.
    pub(super) role: Option<String>,
    pub(super) region: Option<String>,
    pub(super) serial: Option<String>,
    /// The serial's last part.
    pub(super) device: Option<String>,
    /// Now, by the clock of its endpoint.
    pub(super) now: Timestamp,
    /// When the cached credentials expire, by that clock.
    pub(super) end: Option<Timestamp>,
    /// When the user's MFA session, which the roles use, expires.
    pub(super) session_end: Option<Timestamp>,
    /// When the keys that the plan starts from expire, if a file or the environment says so.
    pub(super) keys_end: Option<Timestamp>,
    /// Until when a person is signed in for it, if it starts from a sign-in.
    pub(super) signed_in: Option<SignedIn>,
    /// Is its own access key sealed?
    pub(super) is_sealed: bool,
    /// Why there is no plan.
    pub(super) error: Option<String>,
}

/// The columns of the picker: [`Facts::choice`] fills them.
pub(super) const CHOICE: [Column; 6] = [
    Column::kept("PROFILE"),
    Column::dropped("ACCOUNT", 2),
    Column::dropped("ROLE", 1),
    Column::dropped("REGION", 0),
    Column::dropped("MFA", 3),
    Column::kept("LEFT"),
];

/// The inputs of the facts.
struct View<'a> {
    set: &'a ProfileSet,
    request: PlanRequest,
    ambient: &'a Ambient,
    cache: &'a Cache<'a>,
    clock: &'a CorrectedClock<'a>,
    context: &'a Context<'a>,
}

impl Facts {
    /// The row of the picker.
    pub(super) fn choice(&self) -> Choice {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let role = self.role.clone().unwrap_or_else(|| self.kind.to_owned());
        let cells = vec![self.name.clone(), or_dash(&self.account), role, or_dash(&self.region), or_dash(&self.device)];
        Choice { cells, end: self.end, now: self.now }
    }

    /// The facts of every profile, in the order of the files.
    pub(super) fn of_all(
        set: &ProfileSet,
        context: &Context<'_>,
        cache: &Cache<'_>,
        clock: &CorrectedClock<'_>,
    ) -> Vec<Self> {
        let view =
            View { set, request: context.settings.usual_request(), ambient: context.ambient(), cache, clock, context };
        let mut sessions = Sessions::default();
        let mut all: Vec<Self> = set.profiles().filter_map(|profile| Self::of(profile, &view, &mut sessions)).collect();
        for facts in &mut all {
            facts.session_end = sessions.of_users.get(&facts.name).copied();
        }
        all
    }

    /// Have the plan's starting keys expired, with nothing usable in the cache?
    pub(super) fn is_expired(&self) -> bool {
        self.end.is_none() && self.keys_end.is_some_and(|end| end <= self.now)
    }

    /// Must a person sign in first, with nothing usable in the cache?
    pub(super) fn is_signed_out(&self) -> bool {
        self.end.is_none() && self.signed_in.is_some_and(SignedIn::needs_a_person)
    }

    fn of(profile: Profile<'_>, view: &View<'_>, sessions: &mut Sessions) -> Option<Self> {
        let View { set, request, ambient, cache, clock, context } = view;
        let name = profile.name();
        let text = |key| profile.filled(key).map(|property| shown::value(key, &property.value()).into_owned());
        let made =
            Plan::make(set, &ProfileName::new(name)?, request, ambient).map(|plan| cache.with_known_device(plan));
        let plan = made.as_ref().ok();
        let now = plan.map_or_else(|| clock.now(), |plan| clock.of(&plan.service).now());
        let end = plan.and_then(|plan| {
            let last = |is_long_term| cache.peek(keys(plan, plan.steps.given(is_long_term)).last()?, now);
            Some(last(true).or_else(|| last(false))?.end)
        });
        if let Some(plan) = plan {
            sessions.note(plan, cache, now);
        }
        let signed_in = plan.and_then(|plan| sessions.sign_ins.of(plan, context));
        let device = plan.and_then(|plan| plan.device.clone());
        let serial = device.as_ref().and_then(Device::serial);
        let role = plan.and_then(|plan| plan.steps.given(true).iter().rev().find_map(Step::role));
        let account = role.map(|(_, account)| account.clone()).or_else(|| serial?.account());
        let account = account.or_else(|| plan?.base.account());
        Some(Self {
            name: name.to_owned(),
            kind: kind(profile, plan),
            source: ["source_profile", "credential_source", "sso_session"].into_iter().find_map(text),
            account: account
                .map(|account| account.to_string())
                .or_else(|| text("aws_account_id"))
                .or_else(|| text("sso_account_id")),
            role: role.map(|(name, _)| name.to_owned()),
            region: plan.and_then(|plan| plan.region.as_ref()).map(ToString::to_string).or_else(|| text("region")),
            device: device.as_ref().map(|it| {
                let name = it.serial().map_or_else(|| it.to_string(), |it| it.device().to_owned());
                if plan.is_some_and(|plan| plan.kept_seed.is_some()) { name + " (seed)" } else { name }
            }),
            serial: device.map(|device| device.to_string()),
            now,
            end,
            session_end: None,
            signed_in,
            keys_end: plan.and_then(|plan| Some(plan.end.as_ref()?.at)),
            is_sealed: plan
                .is_some_and(|plan| matches!(&plan.base, Base::SealedKey { profile, .. } if profile.as_str() == name)),
            error: made.err().map(|error| error.to_string()),
        })
    }
}

/// The cached MFA sessions. Many roles share one, so each is looked up only once.
#[derive(Default)]
struct Sessions {
    known: HashMap<String, Option<Timestamp>>,
    /// Keyed by the profile that contains the user's key.
    of_users: HashMap<String, Timestamp>,
    sign_ins: SignIns,
}

impl Sessions {
    fn note(&mut self, plan: &Plan, cache: &Cache<'_>, now: Timestamp) {
        let steps = plan.steps.given(true);
        let (Some(Step::SessionToken { .. }), Some(key)) = (steps.first(), keys(plan, steps).into_iter().next()) else {
            return;
        };
        let end = *self.known.entry(key.file_name().to_owned()).or_insert_with(|| Some(cache.peek(&key, now)?.end));
        if let Some(end) = end {
            let known = self.of_users.entry(plan.user.as_str().to_owned()).or_insert(end);
            *known = end.max(*known);
        }
    }
}

/// The kind of a profile, in a word.
fn kind(profile: Profile<'_>, plan: Option<&Plan>) -> &'static str {
    let has = |key| profile.filled(key).is_some();
    match () {
        () if has("web_identity_token_file") => "web-identity",
        () if has("role_arn") => "role",
        () if sign_in(profile).is_some_and(|(property, _)| property.key() == "login_session") => "login",
        () if sign_in(profile).is_some() => "sso",
        () if plan.is_some_and(|plan| matches!(plan.base, Base::CredentialProcess { .. })) => "process",
        () if has("aws_access_key_id") => "user",
        () if has("credential_process") => "process",
        () if has("credential_source") => "host",
        // Without a role it is of the same kind as its source.
        () => match plan.map(|plan| &plan.base) {
            Some(Base::AccessKey { .. } | Base::SealedKey { .. }) => "user",
            Some(Base::CredentialProcess { .. }) => "process",
            Some(Base::WebIdentity(_)) => "web-identity",
            Some(Base::Sso(_)) => "sso",
            Some(Base::Login(_)) => "login",
            Some(_) => "host",
            None => "none",
        },
    }
}
