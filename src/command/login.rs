//! `mfa-cred login PROFILE…`: obtains and caches credentials. It prints nothing on stdout, and one line per profile on
//! stderr.

use super::{Done, session};
use crate::cache::MinTtl;
use crate::cli::{Obtain, SignInArgs};
use crate::command::choice;
use crate::command::context::Context;
use crate::error::Error;
use crate::exit::{Ending, ExitCode};
use crate::messages::with_causes;
use crate::names::ProfileName;
use crate::plan::{Base, SsoSession};
use crate::screen::table;
use crate::settings::ObtainOptions;
use crate::sso::turn::Needs;

/// `mfa-cred login --sso SESSION`
pub(super) fn run_sso(name: &str, obtain: &Obtain, with: SignInArgs, context: &Context<'_>) -> Result<Done, Error> {
    let how = context.how(obtain)?;
    let context = &context.attended_as(&how);
    let session = SsoSession::named(name, context.profiles()?, &how.request, context.ambient())?;
    let needs = if how.refresh { Needs::New } else { Needs::LiveOrRenewable };
    session::sso::sign_in(&session, (&how, with), needs, context)?;
    context.settings.messages.note(&format!("{session}: signed in"));
    Ok(Done::Well)
}

pub(super) fn run(
    profiles: Vec<ProfileName>,
    obtain: &Obtain,
    with: SignInArgs,
    context: &Context<'_>,
) -> Result<Done, Error> {
    let settings = context.settings;
    let how = context.how(obtain)?;
    let context = &context.attended_as(&how);
    let named = if profiles.is_empty() { vec![None] } else { profiles.into_iter().map(Some).collect() };
    let named = named.into_iter().map(|name| choice::profile(name, &how, context));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    if let [profile] = &named[..] {
        sign_in(profile, (&how, with), context).map_err(|error| error.about(profile))?;
        return Ok(Done::Well);
    }
    let (mut failed, mut exit) = (0, ExitCode::Failed);
    for profile in &named {
        let Err(error) = sign_in(profile, (&how, with), context) else { continue };
        let error = error.about(profile);
        match error.ending() {
            // If a person cancels, that applies to all profiles.
            Ending::Signal(_) | Ending::Exit(ExitCode::Canceled) => return Err(error),
            Ending::Exit(code) if failed == 0 => exit = code,
            Ending::Exit(_) => {}
        }
        failed += 1;
        settings.messages.error(&format!("{profile}: {}", with_causes(&error)));
        if let Some(hint) = error.hint() {
            settings.messages.hint(&hint);
        }
    }
    if failed == 0 { Ok(Done::Well) } else { Err(Error::Some { failed, all: named.len(), exit }) }
}

/// Obtains and caches the credentials of one profile, and says for how long.
pub(super) fn sign_in(
    profile: &ProfileName,
    (how, with): (&ObtainOptions, SignInArgs),
    context: &Context<'_>,
) -> Result<(), Error> {
    let settings = context.settings;
    let plan = context.plan(profile, how).map_err(|error| session::device::ways_out(error, profile, context))?;
    if let Base::Sso(role) = &plan.base
        && how.refresh
    {
        session::sso::sign_in(&role.session, (how, with), Needs::New, context)?;
    }
    let credentials = session::sso::obtain(context, &plan, (how, with), MinTtl::PERSON)?;
    choice::note(profile, context);
    settings.messages.note(&match credentials.expiration {
        Some(end) => format!("{profile}: signed in for {}", table::left(end, context.now(&plan))),
        None => format!("{profile}: these credentials do not expire"),
    });
    Ok(())
}
