//! `mfa-cred clear [PROFILE…] [--all]`: forgets cached credentials.

use super::{Done, session};
use crate::cache::{Cache, CacheUse, CorrectedClock, keys};
use crate::error::Error;
use crate::host::Host;
use crate::names::ProfileName;
use crate::plan::{Plan, Wish, existing};
use crate::profile::ProfileSet;
use crate::settings::{Settings, ambient};
use crate::vault::Vault;
use crate::vault::passphrase::Cost;

pub(super) fn run(profiles: &[ProfileName], all: bool, settings: &Settings, host: &Host<'_>) -> Result<Done, Error> {
    let folder = session::state(settings)?;
    let vault = Vault::new(folder.path(), settings.store, host.kernel, host.keyring, host.terminal, Cost::RFC_9106);
    let cache = Cache::new(Some(&folder), &vault, CacheUse::ReadAndKeep, settings.talk);
    let forgotten = if profiles.is_empty() {
        cache.clear_all()
    } else {
        let set = session::profiles(settings, host)?;
        // Before anything is forgotten: who mistypes one of several means none of it.
        let kept = cache.headers(CorrectedClock::new(host.clock, Some(&folder)).now());
        for profile in profiles {
            if !kept.iter().any(|header| header.profile == profile.as_str()) {
                existing(&set, profile)?;
            }
        }
        profiles.iter().map(|profile| clear_profile(&cache, &set, profile, host)).sum()
    };
    settings.talk.note(&match forgotten {
        1 => "forgot 1 cached entry".to_owned(),
        n => format!("forgot {n} cached entries"),
    });
    if all {
        let had_one = vault.has_keys()?;
        vault.destroy()?;
        settings.talk.note(if had_one {
            "the sealing key is destroyed: no cached credential can be opened again, not even a copy of one"
        } else {
            "there was no sealing key to destroy"
        });
    }
    Ok(Done::Well)
}

/// Also what the profile shares with another one of the same role; a profile that is gone from the files still has the
/// entries that bear its name.
fn clear_profile(cache: &Cache<'_>, set: &ProfileSet, profile: &ProfileName, host: &Host<'_>) -> usize {
    // Nothing is sent, so no endpoint is a danger.
    let wish = Wish { allow_http: true, ..Wish::default() };
    let plan = Plan::make(set, profile, &wish, &ambient(host.env));
    let last = plan.map(|plan| session::device::from_memory(plan, cache)).map(|plan| {
        let last = |is_long_term| keys(&plan, plan.steps.given(is_long_term)).pop();
        [last(true), last(false)].into_iter().flatten().collect::<Vec<_>>()
    });
    cache.clear(profile, &last.unwrap_or_default())
}
