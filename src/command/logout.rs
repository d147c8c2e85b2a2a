//! `mfa-cred logout`: ends a login at IAM Identity Center, and forgets what came from it.

use std::cell::RefCell;

use jiff::SignedDuration;

use super::context::Context;
use super::{Done, choice, portal, write};
use crate::cache::{CacheUse, Removed};
use crate::cli::{LogoutArgs, Obtain};
use crate::error::{Error, SignOutError};
use crate::exit::{Ending, ExitCode};
use crate::messages::with_causes;
use crate::names::{ProfileName, variables};
use crate::plan::{PlanRequest, SignsIn, SsoSession};
use crate::profile::SectionKind;
use crate::screen::table;
use crate::settings::{Chosen, Settings};
use crate::sso::access::LoggedOut;

pub(super) fn run(args: LogoutArgs, context: &Context<'_>) -> Result<Done, Error> {
    // Of several, all are known before the first one ends.
    let sessions = sessions(args, context)?;
    let messages = context.settings.messages;
    match &sessions[..] {
        [] => messages.note("there is no SSO session to sign out of"),
        [session] => sign_out(session, context)?,
        several => {
            let (mut failed, mut exit) = (0, ExitCode::Failed);
            for session in several {
                let Err(error) = sign_out(session, context) else { continue };
                match error.ending() {
                    Ending::Exit(code) if failed == 0 => exit = code,
                    Ending::Exit(_) => {}
                    Ending::Signal(_) => return Err(error),
                }
                failed += 1;
                messages.error(&with_causes(&error));
                error.hint().iter().for_each(|hint| messages.hint(hint));
            }
            if failed > 0 {
                return Err(SignOutError::Some { failed, all: several.len(), exit }.into());
            }
        }
    }
    Ok(Done::Well)
}

/// The logins that are meant, each once.
fn sessions(args: LogoutArgs, context: &Context<'_>) -> Result<Vec<SsoSession>, Error> {
    let LogoutArgs { profiles, as_option: _, sso, all } = args;
    let set = context.profiles()?;
    let asked = PlanRequest { at_a_glance: false, ..request(context) };
    let named = |name: &str| SsoSession::named(name, set, &asked, context.ambient());
    let mut found = Vec::new();
    let configured: Vec<&str> = set.names_of(SectionKind::SsoSession).collect();
    let is_for_nobody = profiles.is_empty() && Settings::profile(None, context.host.env).1 == Chosen::Default;
    match (sso, &configured[..]) {
        (Some(name), _) => found.push(named(&name)?),
        (None, _) if all => {
            for name in configured {
                match named(name) {
                    Ok(session) => found.push(session),
                    Err(error) => context.settings.messages.warn(&with_causes(&error)),
                }
            }
            found.extend(set.names().filter_map(ProfileName::new).filter_map(|name| session_of(&name, context)));
        }
        (None, [only]) if is_for_nobody => found.push(named(only)?),
        (None, [_, _, ..]) if is_for_nobody => {
            return Err(Error::WhichSsoSession(configured.into_iter().map(str::to_owned).collect()));
        }
        (None, _) => {
            let how = context.how(&Obtain::default())?;
            let named = if profiles.is_empty() { vec![None] } else { profiles.into_iter().map(Some).collect() };
            for name in named {
                let profile = choice::profile(name, &how, context)?;
                found.push(needed(&profile, context).map_err(|error| error.about(&profile))?);
            }
        }
    }
    let mut once: Vec<SsoSession> = Vec::new();
    for session in found {
        if !once.iter().any(|known| known.token_key() == session.token_key()) {
            once.push(session);
        }
    }
    Ok(once)
}

fn request(context: &Context<'_>) -> PlanRequest {
    context.settings.usual_request()
}

/// The login of a profile, which must have one.
fn needed(profile: &ProfileName, context: &Context<'_>) -> Result<SsoSession, Error> {
    let request = PlanRequest { at_a_glance: false, ..request(context) };
    match SignsIn::of(context.profiles()?, profile, &request, context.ambient())? {
        SignsIn::Sso(session) => Ok(*session),
        SignsIn::AwsLogin(of) => Err(SignOutError::AwsLogin { profile: profile.clone(), of }.into()),
        SignsIn::Nowhere => Err(SignOutError::NoSso(profile.clone()).into()),
    }
}

/// The login of a profile, if it has one.
fn session_of(profile: &ProfileName, context: &Context<'_>) -> Option<SsoSession> {
    match SignsIn::of(context.profiles().ok()?, profile, &request(context), context.ambient()) {
        Ok(SignsIn::Sso(session)) => Some(*session),
        _ => None,
    }
}

/// Ends one login, and forgets what came from it, whether or not AWS can be told.
fn sign_out(session: &SsoSession, context: &Context<'_>) -> Result<(), Error> {
    let messages = context.settings.messages;
    let ended = portal::log_out(session, context);
    match &ended {
        Ok(LoggedOut::Everywhere) => messages.note(&format!("{session}: signed out")),
        Ok(LoggedOut::WasOver) => messages.note(&format!("{session}: signed out; the sign-in had already expired")),
        Ok(LoggedOut::NobodyWas) => messages.note(&format!("{session}: nobody is signed in")),
        Ok(LoggedOut::OnlyHere(_)) | Err(_) => {}
    }
    let (removed, left) = context.with_cache(CacheUse::Read, |cache, clock| {
        // Expired or not: a clock that is wrong must not keep one.
        cache.clear_login(session, clock.now())
    });
    context.folder().into_iter().for_each(|folder| context.recall(folder));
    match removed.count {
        0 => {}
        1 => messages.note("removed 1 cached entry"),
        n => messages.note(&format!("removed {n} cached entries")),
    }
    let written = forget_copies(session, context);
    say_what_is_left(session, matches!(ended, Ok(LoggedOut::NobodyWas)), left, context);
    let ended = ended?;
    written?;
    if let Removed { kept: Some((path, source)), .. } = removed {
        return Err(Error::Kept { path, source });
    }
    match ended {
        LoggedOut::OnlyHere(why) => Err(SignOutError::OnlyHere { session: Box::new(session.clone()), why }.into()),
        _ => Ok(()),
    }
}

/// Removes the sections that `write` wrote for a profile of this login.
fn forget_copies(session: &SsoSession, context: &Context<'_>) -> Result<(), Error> {
    let known = RefCell::new(Vec::<(String, bool)>::new());
    let is_of_login = |name: &str| {
        let of = ProfileName::new(name).and_then(|name| session_of(&name, context));
        of.is_some_and(|of| of.token_key() == session.token_key())
    };
    write::remove(context, |section| {
        if let Some((_, is)) = known.borrow().iter().find(|(name, _)| *name == section.of) {
            return *is;
        }
        let is = is_of_login(&section.of);
        known.borrow_mut().push((section.of.clone(), is));
        is
    })?;
    Ok(())
}

/// Role credentials outlive the login that gave them.
fn say_what_is_left(session: &SsoSession, nobody_was: bool, left: Option<SignedDuration>, context: &Context<'_>) {
    let messages = context.settings.messages;
    let now = context.clock().of(&session.portal).now();
    match left.and_then(|left| now.checked_add(left).ok()) {
        Some(end) => messages.note(&format!(
            "credentials that programs already have stay valid until they expire; the last of those that were cached \
             here expires in {}",
            table::left(end, now)
        )),
        None if nobody_was => return,
        None => messages.note("credentials that programs already have stay valid until they expire"),
    }
    let held = context.host.env.var(variables::PROFILE).and_then(ProfileName::new);
    let of_shell = held.and_then(|held| session_of(&held, context));
    if of_shell.is_some_and(|of| of.token_key() == session.token_key()) {
        messages.hint("this shell holds some of them: `eval $(mfa-cred unset)` removes them");
    }
}
