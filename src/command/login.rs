//! `mfa-cred login PROFILE…`: obtains and keeps, prints nothing on stdout and a line a profile on stderr.

use super::{Done, session, table};
use crate::cache::MinTtl;
use crate::cli::Obtain;
use crate::error::{Ending, Error};
use crate::host::Host;
use crate::names::ProfileName;
use crate::profile::ProfileSet;
use crate::settings::{How, Settings};
use crate::talk::with_causes;

pub(super) fn run(
    profiles: Vec<ProfileName>,
    obtain: &Obtain,
    settings: &Settings,
    host: &Host<'_>,
) -> Result<Done, Error> {
    let how = settings.how(obtain, host.env, host.files)?;
    let set = session::profiles(settings, host)?;
    let named = if profiles.is_empty() { vec![None] } else { profiles.into_iter().map(Some).collect() };
    let named = named.into_iter().map(|name| session::profile(name, &set, &how, settings, host));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    if let [profile] = &named[..] {
        sign_in(profile, &set, &how, settings, host).map_err(|error| error.about(profile))?;
        return Ok(Done::Well);
    }
    let (mut failed, mut exit) = (0, 0);
    for profile in &named {
        let Err(error) = sign_in(profile, &set, &how, settings, host) else { continue };
        let error = error.about(profile);
        match error.ending() {
            // A person who cancels means all of it.
            Ending::Signal(_) | Ending::Exit(130) => return Err(error),
            Ending::Exit(code) if failed == 0 => exit = code,
            Ending::Exit(_) => {}
        }
        failed += 1;
        settings.talk.error(&format!("{profile}: {}", with_causes(&error)));
        if let Some(hint) = error.hint() {
            settings.talk.hint(&hint);
        }
    }
    if failed == 0 { Ok(Done::Well) } else { Err(Error::Some { failed, all: named.len(), exit }) }
}

fn sign_in(
    profile: &ProfileName,
    set: &ProfileSet,
    how: &How,
    settings: &Settings,
    host: &Host<'_>,
) -> Result<(), Error> {
    let plan = session::plan(set, profile, how, host)
        .map_err(|error| session::device::ways_out(error, set, profile, settings, host))?;
    let credentials = session::obtain(set, &plan, how, settings, host, MinTtl::PERSON)?;
    session::note_use(profile, settings, host);
    settings.talk.note(&match credentials.expiration {
        Some(end) => format!("{profile}: signed in for {}", table::left(end, session::now(&plan, settings, host))),
        None => format!("{profile}: these credentials do not end"),
    });
    Ok(())
}
