//! Which profile a command is for, and the history of what a person chose.

use std::io::{self, IsTerminal};

use super::context::Context;
use super::facts::{self, Facts};
use crate::cache::CacheUse;
use crate::error::Error;
use crate::history::{self, History};
use crate::host::TerminalError;
use crate::names::ProfileName;
use crate::names::variables;
use crate::screen::picker::pick;
use crate::settings::{Chosen, ObtainOptions, Settings};

/// The named profile, the previous one for `-`, or the one in the environment; otherwise the person picks one, or it is
/// `default` if nobody can be asked.
pub(super) fn profile(
    named: Option<ProfileName>,
    how: &ObtainOptions,
    context: &Context<'_>,
) -> Result<ProfileName, Error> {
    let Context { settings, host, .. } = context;
    // Errors in the files are reported before anything else.
    let set = context.profiles()?;
    let history = || context.folder().map(History::read).unwrap_or_default();
    if named.as_ref().is_some_and(|name| name.as_str() == "-") {
        return history().previous(host.env.var(variables::PROFILE).as_deref()).ok_or(Error::NoneBefore);
    }
    let (profile, chosen) = Settings::profile(named, host.env);
    let streams_are_a_terminal = || io::stdin().is_terminal() && io::stderr().is_terminal();
    if chosen != Chosen::Default || !how.may_prompt || !host.terminal.is_there() || !streams_are_a_terminal() {
        return Ok(profile);
    }
    context.with_cache(CacheUse::Read, |cache, clock| {
        let mut all = Facts::of_all(set, context, cache, clock);
        if all.is_empty() {
            return Ok(profile);
        }
        history().sort(&mut all, |facts| &facts.name);
        let choices = all.iter().map(Facts::choice).collect();
        match pick(&facts::CHOICE, choices, settings.paints(true), host.terminal) {
            Ok(Some(at)) => ProfileName::new(&all[at].name).ok_or(Error::NonePicked),
            Ok(None) => Err(Error::NonePicked),
            // A terminal without an alternate screen.
            Err(TerminalError::Absent) => Ok(profile),
            Err(error) => Err(Error::Picker(error)),
        }
    })
}

/// Records that a person chose this profile. Renewing the profile that the shell already holds does not count.
pub(super) fn note(profile: &ProfileName, context: &Context<'_>) {
    if context.host.env.var(variables::PROFILE).as_deref() != Some(profile.as_str())
        && let Some(folder) = context.folder()
    {
        history::note(folder, profile);
    }
}
