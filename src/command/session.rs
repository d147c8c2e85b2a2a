//! What the commands that obtain credentials share: the state folder, the vault, the cache and the executor, each built
//! from the settings and the host.

pub(super) mod device;
mod exposed;
pub(super) mod sso;

use super::context::Context;
use super::{choice, portal};
use crate::aws::route::Route;
use crate::cache::{self, Cache, CacheUse, Lookup, MinTtl, keys};
use crate::cli::{Obtain, SignInArgs};
use crate::code::{Asker, CodeSource};
use crate::error::Error;
use crate::execute::base::RealBases;
use crate::execute::sts::AwsSts;
use crate::execute::{ExecuteError, Executor, Reuse, Sts};
use crate::host::Host;
use crate::names::ProfileName;
use crate::names::variables;
use crate::output::{Export, Renewal};
use crate::plan::{LoginSession, MfaProcess, Origin, Plan, PlanRequest, SsoRole};
use crate::secret::Credentials;
use crate::settings::{self, ObtainOptions, Settings, Token};
use crate::state::CorrectedClock;

/// A profile's credentials, and the plan that produced them.
pub(super) struct Signed {
    pub(super) plan: Plan,
    pub(super) credentials: Credentials,
    /// What was asked for, if it can be asked for again: not with `--no-cache`, which keeps no MFA session.
    pub(super) request: Option<PlanRequest>,
}

/// May the person be sent to a browser?
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Asks {
    /// If the profile's SSO session has expired.
    ForSignIn,
    /// Only for codes: an SDK is waiting.
    ForCodes,
}

/// Signs in to the profile that a command is for.
pub(super) fn sign_in(
    named: Option<ProfileName>,
    options: &Obtain,
    usual: MinTtl,
    asks: Asks,
    context: &Context<'_>,
) -> Result<Signed, Error> {
    let how = context.how(options)?;
    let context = &context.attended_as(&how);
    let profile = choice::profile(named, &how, context)?;
    let about = |error: Error| error.about(&profile);
    let plan = context.plan(&profile, &how).map_err(|error| device::ways_out(error, &profile, context));
    let plan = plan.map_err(about)?;
    let credentials = match asks {
        // Only a person at the terminal expects a browser to open.
        Asks::ForSignIn if context.host.terminal.is_there() => {
            sso::obtain(context, &plan, (&how, SignInArgs::default()), usual)
        }
        _ => obtain(context, &plan, &how, usual),
    };
    let credentials = credentials.map_err(about)?;
    Ok(Signed { credentials, plan, request: how.may_cache.then_some(how.request) })
}

impl Signed {
    /// The variables to export.
    pub(super) fn export(&self, host: &Host<'_>) -> Export {
        let is_renewal = host.env.os(variables::PROFILE).is_some();
        let region = self.plan.region.as_ref();
        let was_noted = host.env.os(variables::EXPORTED_REGION).is_some();
        let export = Export::of(&self.credentials, &self.plan.profile, region, is_renewal)
            .noting_region(region.filter(|_| self.plan.region_is_given), was_noted)
            .forgetting_name(host.env.var(variables::EXPORTED_PROFILE).as_deref(), None);
        if host.env.os(variables::RENEWAL).is_some() { export.noting_renewal(self.renewal().as_ref()) } else { export }
    }

    /// The variables of a renewal.
    pub(super) fn renewed(&self) -> Export {
        Export::replacing(&self.credentials).noting_renewal(self.renewal().as_ref())
    }

    fn renewal(&self) -> Option<Renewal> {
        let Credentials { access_key_id, expiration, .. } = &self.credentials;
        let options = settings::words(self.request.as_ref()?);
        Some(Renewal::before((*expiration)?, access_key_id, cache::identity(&self.plan), options))
    }
}

/// The credentials of a profile.
pub(super) fn obtain(
    context: &Context<'_>,
    plan: &Plan,
    how: &ObtainOptions,
    usual: MinTtl,
) -> Result<Credentials, Error> {
    context.with_cache(cache_use(how), |cache, clock| Session { context, how, cache, clock }.credentials(plan, usual))
}

/// How these options use the cache.
pub(super) fn cache_use(how: &ObtainOptions) -> CacheUse {
    if how.may_cache { CacheUse::ReadAndKeep } else { CacheUse::Nothing }
}

/// A context with its cache open, and how credentials are to be obtained.
#[derive(Clone, Copy)]
pub(super) struct Session<'s, 'a> {
    pub(super) context: &'s Context<'a>,
    pub(super) how: &'s ObtainOptions,
    pub(super) cache: &'s Cache<'s>,
    pub(super) clock: &'s CorrectedClock<'s>,
}

impl Session<'_, '_> {
    /// The credentials of a plan.
    pub(super) fn credentials(&self, plan: &Plan, usual: MinTtl) -> Result<Credentials, Error> {
        let Self { context, how, cache, clock } = *self;
        let (settings, set) = (context.settings, context.profiles()?);
        let (ambient, heard) = (|| context.ambient_credentials(), |text: &str| context.hear(text));
        let sealed = |profile: &ProfileName| context.open_sealed(profile);
        let login = |session: &LoginSession| context.renewed(session, cache.folder(), clock);
        let sso = |role: &SsoRole| portal::role_credentials(role, context);
        let patience = settings.limits.provider;
        let bases = RealBases { ambient: &ambient, sealed: &sealed, login: &login, sso: &sso, heard: &heard, patience };
        let bases = device::Once::new(bases);
        let settled = device::settle(plan, &bases, self)?;
        let clock = &clock.of(&settled.service);
        let asker = asker(&settled, how, context, clock);
        let connect = || Ok(Box::new(AwsSts::connect(&settled.service, settings.limits, clock)?) as Box<dyn Sts + '_>);
        let executor = Executor {
            plan: &settled,
            set,
            cache,
            asker: &asker,
            clock,
            base: &bases,
            connect: &connect,
            user: context.host.user,
            messages: settings.messages,
            min_ttl: how.min_ttl.map_or(usual, MinTtl::of),
            reuse: if how.refresh { Reuse::Nothing } else { Reuse::Fresh },
        };
        let result = executor.credentials();
        if bases.were_asked() {
            exposed::warn(set, cache.folder(), settings.messages, context.host.clock.now());
        }
        result.map_err(|error: ExecuteError| {
            if plan.asks_for_device() && error.says_the_device_is_unknown() {
                cache.forget_device(plan);
            }
            error.into()
        })
    }
}

/// The plan's credentials if they are cached: without a prompt and without a call.
pub(super) fn cached(plan: &Plan, cache: &Cache<'_>, clock: &CorrectedClock<'_>) -> Option<Credentials> {
    let last = keys(plan, plan.steps.given(true)).pop()?;
    match cache.lookup(&last, MinTtl::SIGNER, clock.of(&plan.service).now()) {
        Ok(Lookup::Fresh(credentials) | Lookup::Stale(credentials)) => Some(credentials),
        _ => None,
    }
}

/// The source of codes for this run.
pub(super) fn asker<'a>(
    plan: &Plan,
    how: &ObtainOptions,
    context: &'a Context<'_>,
    clock: &'a CorrectedClock<'a>,
) -> Asker<'a> {
    let Context { settings, host, .. } = context;
    let service = plan.service.clone();
    let asker = Asker::new(source(plan, how, settings), context.person(), host.clock, clock)
        .in_words_of(how.words)
        .by_way_of(move || Route::to(&service).in_words(&service))
        .opening_seeds(|serial| context.with_safe(|safe| safe.open_seed(serial)));
    if how.may_prompt { asker } else { asker.waiting_for_nobody() }
}

/// Where a code for this plan would come from.
fn source(plan: &Plan, how: &ObtainOptions, settings: &Settings) -> CodeSource {
    match &how.token {
        Some(Token::Given(code)) => return CodeSource::Given(code.clone()),
        Some(Token::Stdin) => return CodeSource::Stdin,
        None => {}
    }
    if plan.kept_seed.is_some() {
        return CodeSource::Seed;
    }
    let of_settings = || {
        let origin = Origin::Setting("mfa_process");
        settings.mfa_process.clone().map(|command| MfaProcess { origin, command })
    };
    let process = plan.mfa_process.clone().or_else(of_settings);
    process.map_or(CodeSource::Terminal, CodeSource::Process)
}
