//! The third step: the profile of a role that the user assumes.

use super::SetupWork;
use crate::cache::MinTtl;
use crate::cli::{SetupStep, SignInArgs};
use crate::command::{device, session};
use crate::error::{Error, SetupError};
use crate::execute::ExecuteError;
use crate::exit::{Ending, ExitCode};
use crate::host::Usual;
use crate::iam::User;
use crate::messages::with_causes;
use crate::names::{NamedRole, ProfileName, RoleArn};
use crate::profile::edit::Draft;
use crate::profile::{Profile, ProfileSet};

/// The profile to sign in to, if it is a role's.
pub(super) fn run(work: &SetupWork<'_>, user: &ProfileName) -> Result<Option<ProfileName>, Error> {
    let context = work.context.anew();
    let set = work.keys(&context).files()?;
    let mut role = match wanted(work, user, &set)? {
        Wanted::Role(role) => role,
        Wanted::Known(profile) => return Ok(profile),
    };
    loop {
        if let Some(known) = known(work, user, &role, &set) {
            work.note(&format!("profile `{known}` already assumes {}", role.as_str()));
            return Ok(Some(known));
        }
        let Some(refused) = tried(work, user, &role)? else { break };
        match instead(work, user, refused)? {
            Instead::Write => break,
            Instead::Another(another) => role = another,
            Instead::Nothing => return Ok(None),
        }
    }
    let name = name(work, user, &role, &set)?;
    let mut draft = Draft::new(set);
    for (key, value) in [("role_arn", role.as_str()), ("source_profile", user.as_str())] {
        draft.set_key(name.as_str(), key, value).map_err(SetupError::from)?;
    }
    Ok(work.write(&draft)?.then_some(name))
}

/// What the step is to do.
enum Wanted {
    /// Write a profile of this role.
    Role(RoleArn),
    /// Nothing: there are such profiles, and this is the only one; or no role is wanted.
    Known(Option<ProfileName>),
}

/// What becomes of a role that AWS refuses.
enum Instead {
    /// Its profile is written all the same: perhaps its trust policy is not there yet.
    Write,
    Another(RoleArn),
    Nothing,
}

/// The profile of that role and this user, if there is one.
fn known(work: &SetupWork<'_>, user: &ProfileName, role: &RoleArn, set: &ProfileSet) -> Option<ProfileName> {
    let is_it = |profile: &Profile<'_>| has(*profile, user, Some(role));
    let named = work.args.role_profile.as_ref();
    let known = set.profiles().filter(is_it).find(|profile| named.is_none_or(|name| name.as_str() == profile.name()));
    known.and_then(|known| ProfileName::new(known.name()))
}

/// Assumes the role before its profile is written: a mistyped name must not stay in the file. Returns AWS's refusal. What
/// else goes wrong says nothing about the role, unless a person who was asked for a code gave none or a wrong one.
/// What AWS gives is cached, so the sign-in costs no second code.
fn tried(work: &SetupWork<'_>, user: &ProfileName, role: &RoleArn) -> Result<Option<Box<ExecuteError>>, Error> {
    if work.args.skip.contains(&SetupStep::Login) {
        return Ok(None);
    }
    let mut how = work.how.clone();
    (how.request.role_arn, how.request.source_profile) = (Some(role.clone()), Some(user.clone()));
    let context = work.context.anew();
    let obtain = || -> Result<(), Error> {
        let plan = context.plan(user, &how)?;
        session::sso::obtain(&context, &plan, (&how, SignInArgs::default()), MinTtl::PERSON)?;
        Ok(())
    };
    match obtain() {
        Err(Error::Execute(error @ ExecuteError::Call { .. })) if error.says_the_role_is_refused() => {
            Ok(Some(Box::new(error)))
        }
        Err(error) => match error.ending() {
            Ending::Signal(_) | Ending::Exit(ExitCode::Canceled | ExitCode::MfaRefused) => Err(error),
            Ending::Exit(_) => Ok(None),
        },
        Ok(()) => Ok(None),
    }
}

/// Asks what to do about a role that AWS refused.
fn instead(work: &SetupWork<'_>, user: &ProfileName, refused: Box<ExecuteError>) -> Result<Instead, Error> {
    if work.args.yes {
        return Err(SetupError::RoleRefused(refused).into());
    }
    let terminal = work.context.host.terminal;
    terminal.tell(&with_causes(&refused));
    if work.confirm("Write the role's profile all the same?", Usual::No)? {
        return Ok(Instead::Write);
    }
    match work.ask_for("Another role to assume (Enter: none): ")? {
        Some(named) => Ok(Instead::Another(whole(work, user, &named)?)),
        None => Ok(Instead::Nothing),
    }
}

/// The ARN of a role. One that is named without an account is in the user's own.
fn whole(work: &SetupWork<'_>, user: &ProfileName, named: &NamedRole) -> Result<RoleArn, Error> {
    if let NamedRole::Whole(role) = named {
        return Ok(role.clone());
    }
    let shelf = work.context.shelf();
    let sealed = shelf.and_then(|shelf| shelf.header(user).ok()?).and_then(|header| User::of_arn(&header.arn).ok());
    let of_user = match sealed {
        Some(of_user) => of_user,
        None => device::user(user, work.how, &work.context.anew())?,
    };
    let role = named.in_account(of_user.partition, &of_user.account).map_err(SetupError::Role)?;
    work.note(&format!("the role is {}", role.as_str()));
    Ok(role)
}

/// Where the user has profiles of roles already, nothing is asked.
fn wanted(work: &SetupWork<'_>, user: &ProfileName, set: &ProfileSet) -> Result<Wanted, Error> {
    if let Some(role) = &work.args.role_arn {
        return whole(work, user, role).map(Wanted::Role);
    }
    let known: Vec<&str> = set.profiles().filter(|profile| has(*profile, user, None)).map(Profile::name).collect();
    if !known.is_empty() {
        let names = known.join("`, `");
        work.note(&format!("{user} already assumes roles in `{names}`; `--role-arn` adds one"));
        let only = known.first().filter(|_| known.len() == 1);
        return Ok(Wanted::Known(only.and_then(|only| ProfileName::new(*only))));
    }
    match work.ask_for("Role to assume: its name, its ARN, or ACCOUNT:ROLE (Enter: none): ")? {
        Some(named) => whole(work, user, &named).map(Wanted::Role),
        None => Ok(Wanted::Known(None)),
    }
}

/// Does the profile assume this role, or any, by way of the user?
fn has(profile: Profile<'_>, user: &ProfileName, role: Option<&RoleArn>) -> bool {
    let is = |key: &str, value: &str| profile.filled(key).is_some_and(|property| property.value() == value);
    let is_role = role.map_or_else(|| profile.filled("role_arn").is_some(), |role| is("role_arn", role.as_str()));
    is_role && is("source_profile", user.as_str())
}

/// A name that no profile has.
fn name(work: &SetupWork<'_>, user: &ProfileName, role: &RoleArn, set: &ProfileSet) -> Result<ProfileName, Error> {
    let is_free = |name: &ProfileName| set.get(name.as_str()).is_none();
    let of_role = || ProfileName::new(role.name());
    if let Some(only) = work.args.role_profile.clone().or_else(|| of_role().filter(|_| work.args.yes)) {
        return if is_free(&only) { Ok(only) } else { Err(SetupError::RoleName(only).into()) };
    }
    let longer = || ProfileName::new(format!("{user}-{}", role.name()));
    let usual = of_role().filter(is_free).or_else(longer).ok_or(Error::NonePicked)?;
    loop {
        let typed = work.ask(&format!("Name of the role's profile [{usual}]: "))?.and_then(ProfileName::new);
        let name = typed.unwrap_or_else(|| usual.clone());
        if is_free(&name) {
            return Ok(name);
        }
        work.context.host.terminal.tell(&format!("there is a profile `{name}` already"));
    }
}
