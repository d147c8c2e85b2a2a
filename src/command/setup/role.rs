//! The third step: the profile of a role that the user assumes.

use super::SetupWork;
use crate::error::{Error, SetupError};
use crate::names::{ProfileName, RoleArn};
use crate::profile::edit::Draft;
use crate::profile::{Profile, ProfileSet};

/// The profile to sign in to, if it is a role's.
pub(super) fn run(work: &SetupWork<'_>, user: &ProfileName) -> Result<Option<ProfileName>, Error> {
    let context = work.context.anew();
    let set = work.keys(&context).files()?;
    let role = match wanted(work, user, &set)? {
        Wanted::Role(role) => role,
        Wanted::Known(profile) => return Ok(profile),
    };
    let is_it = |profile: &Profile<'_>| has(*profile, user, Some(&role));
    let named = work.args.role_profile.as_ref();
    let known = set.profiles().filter(is_it).find(|profile| named.is_none_or(|name| name.as_str() == profile.name()));
    if let Some(known) = known.and_then(|known| ProfileName::new(known.name())) {
        work.note(&format!("profile `{known}` already assumes {}", role.as_str()));
        return Ok(Some(known));
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

/// Where the user has profiles of roles already, nothing is asked.
fn wanted(work: &SetupWork<'_>, user: &ProfileName, set: &ProfileSet) -> Result<Wanted, Error> {
    if let Some(role) = &work.args.role_arn {
        return Ok(Wanted::Role(role.clone()));
    }
    let known: Vec<&str> = set.profiles().filter(|profile| has(*profile, user, None)).map(Profile::name).collect();
    if !known.is_empty() {
        let names = known.join("`, `");
        work.note(&format!("{user} already assumes roles in `{names}`; `--role-arn` adds one"));
        let only = known.first().filter(|_| known.len() == 1);
        return Ok(Wanted::Known(only.and_then(|only| ProfileName::new(*only))));
    }
    let role = work.ask_for("Role to assume, as an ARN or ACCOUNT:ROLE (Enter: none): ")?;
    Ok(role.map_or(Wanted::Known(None), Wanted::Role))
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
