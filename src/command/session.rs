//! What the commands that need credentials have in common: the state folder, the vault, the cache and the executor,
//! each made from the settings and the host.

pub(super) mod device;
mod exposed;

use std::io::{self, IsTerminal};

use jiff::Timestamp;

use super::facts::Facts;
use super::picker;
use crate::cache::{Cache, CacheUse, CorrectedClock, Folder, FolderError, Lookup, MinTtl, keys};
use crate::cli::Obtain;
use crate::code::{Asker, Source};
use crate::error::Error;
use crate::execute::base::RealBases;
use crate::execute::route::Route;
use crate::execute::sts::AwsSts;
use crate::execute::{ExecuteError, Executor, Reuse, Sts};
use crate::history::{self, History};
use crate::host::{Host, TerminalError};
use crate::names::ProfileName;
use crate::output::Export;
use crate::plan::{MfaProcess, Origin, Plan};
use crate::profile::ProfileSet;
use crate::secret::Credentials;
use crate::settings::{Chosen, How, Settings, Token, ambient, ambient_credentials, variables};
use crate::talk::relay;
use crate::vault::Vault;
use crate::vault::passphrase::Cost;

/// The AWS files.
pub(super) fn profiles(settings: &Settings, host: &Host<'_>) -> Result<ProfileSet, Error> {
    let set = ProfileSet::load(host.files, &settings.config_file, &settings.credentials_file)?;
    for note in set.notes() {
        settings.talk.info(&note.to_string());
    }
    Ok(set)
}

/// The plan for a profile.
pub(super) fn plan(set: &ProfileSet, profile: &ProfileName, how: &How, host: &Host<'_>) -> Result<Plan, Error> {
    Ok(Plan::make(set, profile, &how.wish, &ambient(host.env))?)
}

/// The state folder.
pub(super) fn state(settings: &Settings) -> Result<Folder, FolderError> {
    Folder::open_or_set_aside(settings.state.as_deref(), settings.talk)
}

/// Runs `with` with the cache of this user. A state folder that cannot be used costs the cache only: one warning.
pub(super) fn with_cache<T>(
    settings: &Settings,
    use_of_it: CacheUse,
    host: &Host<'_>,
    with: impl FnOnce(&Cache<'_>, &CorrectedClock<'_>) -> T,
) -> T {
    let lost =
        if use_of_it == CacheUse::Read { "the cache cannot be looked at" } else { "the credentials are not kept" };
    let folder = state(settings).inspect_err(|error| settings.talk.warn(&format!("{lost}: {error}"))).ok();
    let nowhere = std::path::Path::new("");
    let path = folder.as_ref().map_or(nowhere, Folder::path);
    let vault = Vault::new(path, settings.store, host.kernel, host.keyring, host.terminal, Cost::RFC_9106)
        .locking_after(settings.lock_after);
    let clock = CorrectedClock::new(host.clock, folder.as_ref());
    with(&Cache::new(folder.as_ref(), &vault, use_of_it, settings.talk).timed_by(&clock), &clock)
}

/// The time by which a plan's credentials end.
pub(super) fn now(plan: &Plan, settings: &Settings, host: &Host<'_>) -> Timestamp {
    let folder = state(settings).ok();
    CorrectedClock::new(host.clock, folder.as_ref()).of(&plan.service).now()
}

/// A profile's credentials, and the plan that they came of.
pub(super) struct Signed {
    pub(super) plan: Plan,
    pub(super) credentials: Credentials,
}

/// Passes on what a command says while it runs (`touch your key`) to whoever sits there: by stderr where that is a
/// terminal, and by the terminal itself where an SDK captures stderr.
pub(super) fn heard<'a>(host: &Host<'a>) -> impl Fn(&str) + use<'a> {
    let terminal = host.terminal;
    move |text| match text {
        "" => {}
        text if io::stderr().is_terminal() => relay(text),
        text if terminal.is_there() => text.lines().for_each(|line| terminal.tell(line)),
        _ => {}
    }
}

/// The profile that a command is for: the one that was named, `-` for the one before, or what the environment says; else
/// a person picks one, and where nobody is there it is `default`.
pub(super) fn profile(
    named: Option<ProfileName>,
    set: &ProfileSet,
    how: &How,
    settings: &Settings,
    host: &Host<'_>,
) -> Result<ProfileName, Error> {
    let history = || state(settings).map(|folder| History::read(&folder)).unwrap_or_default();
    if named.as_ref().is_some_and(|name| name.as_str() == "-") {
        return history().previous(host.env.var(variables::PROFILE).as_deref()).ok_or(Error::NoneBefore);
    }
    let (profile, chosen) = Settings::profile(named, host.env);
    let streams_are_a_terminal = || io::stdin().is_terminal() && io::stderr().is_terminal();
    if chosen != Chosen::Default || !how.may_prompt || !host.terminal.is_there() || !streams_are_a_terminal() {
        return Ok(profile);
    }
    with_cache(settings, CacheUse::Read, host, |cache, clock| {
        let mut all = Facts::of_all(set, (&settings.usual_wish(), &ambient(host.env)), cache, clock);
        if all.is_empty() {
            return Ok(profile);
        }
        history().sort(&mut all, |facts| &facts.name);
        match picker::pick(all, settings.paints(true), host.terminal) {
            Ok(Some(name)) => ProfileName::new(&name).ok_or(Error::NonePicked),
            Ok(None) => Err(Error::NonePicked),
            // A terminal that has no second screen.
            Err(TerminalError::Absent) => Ok(profile),
            Err(error) => Err(Error::Picker(error)),
        }
    })
}

/// Notes that a person chose this profile; renewing what the shell holds is no choice.
pub(super) fn note_use(profile: &ProfileName, settings: &Settings, host: &Host<'_>) {
    if host.env.var(variables::PROFILE).as_deref() != Some(profile.as_str())
        && let Ok(folder) = state(settings)
    {
        history::note(&folder, profile);
    }
}

/// Signs in to the profile that a command is for.
pub(super) fn sign_in(
    named: Option<ProfileName>,
    options: &Obtain,
    usual: MinTtl,
    settings: &Settings,
    host: &Host<'_>,
) -> Result<Signed, Error> {
    let how = settings.how(options, host.env, host.files)?;
    let set = profiles(settings, host)?;
    let profile = profile(named, &set, &how, settings, host)?;
    let sign_in = || {
        let plan = plan(&set, &profile, &how, host);
        let plan = plan.map_err(|error| device::ways_out(error, &set, &profile, settings, host))?;
        let credentials = obtain(&set, &plan, &how, settings, host, usual)?;
        Ok(Signed { plan, credentials })
    };
    sign_in().map_err(|error: Error| error.about(&profile))
}

impl Signed {
    /// What an environment gets of it.
    pub(super) fn export(&self, host: &Host<'_>) -> Export {
        let is_renewal = host.env.os(variables::PROFILE).is_some();
        Export::of(&self.credentials, &self.plan.profile, self.plan.region.as_ref(), is_renewal)
    }
}

/// The credentials of a profile.
pub(super) fn obtain(
    set: &ProfileSet,
    plan: &Plan,
    how: &How,
    settings: &Settings,
    host: &Host<'_>,
    usual: MinTtl,
) -> Result<Credentials, Error> {
    let use_of_it = if how.may_cache { CacheUse::ReadAndKeep } else { CacheUse::Nothing };
    // A passphrase is a prompt too.
    let host = &if how.may_prompt { host.clone() } else { host.unattended() };
    with_cache(settings, use_of_it, host, |cache, clock| {
        obtain_with(set, plan, how, settings, host, usual, cache, clock)
    })
}

/// The same with a cache that is open already.
#[allow(clippy::too_many_arguments, reason = "each is a part of its own, and they meet here alone")]
pub(super) fn obtain_with(
    set: &ProfileSet,
    plan: &Plan,
    how: &How,
    settings: &Settings,
    host: &Host<'_>,
    usual: MinTtl,
    cache: &Cache<'_>,
    clock: &CorrectedClock<'_>,
) -> Result<Credentials, Error> {
    let ambient = || ambient_credentials(host.env);
    let heard = heard(host);
    let bases = device::Once::new(RealBases { ambient: &ambient, heard: &heard });
    let settled = device::settle(plan, &bases, set, how, settings, host, cache, clock)?;
    let clock = &clock.of(&settled.service);
    let asker = asker(&settled, how, settings, host, clock);
    let connect = || Ok(Box::new(AwsSts::connect(&settled.service, settings.limits, clock)?) as Box<dyn Sts + '_>);
    let executor = Executor {
        plan: &settled,
        set,
        cache,
        asker: &asker,
        clock,
        base: &bases,
        connect: &connect,
        user: host.user,
        talk: settings.talk,
        min_ttl: how.min_ttl.map_or(usual, MinTtl),
        reuse: if how.refresh { Reuse::Nothing } else { Reuse::Fresh },
    };
    let result = executor.credentials();
    if bases.were_asked() {
        exposed::warn(set, cache.folder(), settings.talk, host.clock.now());
    }
    result.map_err(|error: ExecuteError| {
        if plan.asks_for_device() && error.says_the_device_is_unknown() {
            cache.forget_device(plan);
        }
        error.into()
    })
}

/// The plan's credentials, where they are cached: nobody is asked, and no call is made.
pub(super) fn cached(plan: &Plan, cache: &Cache<'_>, clock: &CorrectedClock<'_>) -> Option<Credentials> {
    let last = keys(plan, plan.steps.given(true)).pop()?;
    match cache.lookup(&last, MinTtl::SIGNER, clock.of(&plan.service).now()) {
        Ok(Lookup::Fresh(credentials) | Lookup::Stale(credentials)) => Some(credentials),
        _ => None,
    }
}

/// Who is asked for codes.
pub(super) fn asker<'a>(
    plan: &Plan,
    how: &How,
    settings: &Settings,
    host: &Host<'a>,
    clock: &'a CorrectedClock<'a>,
) -> Asker<'a> {
    let service = plan.service.clone();
    let asker = Asker::new(source(plan, how, settings), host.terminal, host.clock, clock)
        .in_words_of(how.words)
        .by_way_of(move || Route::to(&service).in_words(&service));
    if how.may_prompt { asker } else { asker.waiting_for_nobody() }
}

/// Where a code for this plan would come from.
fn source(plan: &Plan, how: &How, settings: &Settings) -> Source {
    match &how.token {
        Some(Token::Given(code)) => return Source::Given(code.clone()),
        Some(Token::Stdin) => return Source::Stdin,
        None => {}
    }
    let of_settings = || {
        let origin = Origin::Setting("mfa_process");
        settings.mfa_process.clone().map(|command| MfaProcess { origin, command })
    };
    let process = plan.mfa_process.clone().or_else(of_settings);
    process.map_or(Source::Terminal, Source::Process)
}
