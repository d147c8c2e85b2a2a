//! `mfa-cred clear [PROFILE…] [--all]`: removes cached credentials.

use super::{Done, write};
use crate::cache::{Cache, CacheUse, Removed, keys};
use crate::command::context::Context;
use crate::error::Error;
use crate::names::ProfileName;
use crate::plan::{Plan, PlanRequest, existing};
use crate::profile::ProfileSet;
use crate::state::CorrectedClock;

pub(super) fn run(profiles: &[ProfileName], all: bool, context: &Context<'_>) -> Result<Done, Error> {
    let settings = context.settings;
    let folder = context.open_folder()?;
    let vault = context.vault(folder.path());
    let cache = Cache::new(Some(&folder), &vault, CacheUse::ReadAndKeep, settings.messages);
    let removed = if profiles.is_empty() {
        cache.clear_all()
    } else {
        let set = context.profiles()?;
        // Checked before anything is removed: if one of several names is mistyped, none is cleared.
        let kept = cache.headers(CorrectedClock::new(context.host.clock, Some(&folder)).now());
        for profile in profiles {
            if !kept.iter().any(|header| header.profile == profile.as_str()) {
                existing(set, profile)?;
            }
        }
        profiles.iter().fold(Removed::default(), |mut removed, profile| {
            removed.add(clear_profile(&cache, set, profile, context));
            removed
        })
    };
    context.recall(&folder);
    settings.messages.note(&match removed.count {
        1 => "removed 1 cached entry".to_owned(),
        n => format!("removed {n} cached entries"),
    });
    // What `write` put into a file is a copy of them.
    write::remove(context, |section| {
        profiles.is_empty() || profiles.iter().any(|profile| section.of == profile.as_str())
    })?;
    if all {
        let had_one = vault.has_keys()?;
        vault.destroy()?;
        settings.messages.note(if had_one {
            "the sealing key was destroyed: cached credentials, copies included, can no longer be opened"
        } else {
            "there was no sealing key to destroy"
        });
    }
    // Last: what can be removed is, and the key too.
    removed.kept.map_or(Ok(Done::Well), |(path, source)| Err(Error::Kept { path, source }))
}

/// Removes also the entries that the profile shares with another one of the same role. A profile that is no longer in
/// the files still has the entries under its name.
fn clear_profile(cache: &Cache<'_>, set: &ProfileSet, profile: &ProfileName, context: &Context<'_>) -> Removed {
    // Nothing is sent, so no endpoint can do harm.
    let request = PlanRequest { allow_http: true, ..PlanRequest::default() };
    let plan = Plan::make(set, profile, &request, context.ambient());
    let last = plan.map(|plan| cache.with_known_device(plan)).map(|plan| {
        let last = |is_long_term| keys(&plan, plan.steps.given(is_long_term)).pop();
        [last(true), last(false)].into_iter().flatten().collect::<Vec<_>>()
    });
    cache.clear(profile, &last.unwrap_or_default())
}
