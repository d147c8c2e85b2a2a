//! `mfa-cred keys import PROFILE…`: from the AWS files, or from another tool, into the safe.

use super::{KeysWork, tool};
use crate::cli::Tool;
use crate::command::Done;
use crate::error::Error;
use crate::iam::KeysError;
use crate::messages::ours;
use crate::names::ProfileName;
use crate::plan::{Base, Plan, PlanRequest, existing};
use crate::profile::{Profile, ProfileSet, Property};
use crate::safe::GivenKey;

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";

pub(super) fn run(work: &KeysWork<'_>, profiles: Vec<ProfileName>, from: Option<Tool>) -> Result<Done, Error> {
    let named = if profiles.is_empty() { vec![work.profile(None)?] } else { profiles };
    for profile in &named {
        let done = match from {
            Some(tool) => tool::import(work, profile, tool),
            None => import(work, profile),
        };
        done.map_err(|error| error.about(profile))?;
    }
    Ok(Done::Well)
}

/// Moves the key of one profile.
pub(in crate::command) fn import(work: &KeysWork<'_>, profile: &ProfileName) -> Result<(), Error> {
    let set = work.files()?;
    let key = key_of(work, profile, &set)?;
    work.see_that_it_replaces_none(profile, &key)?;
    let mut draft = work.draft(profile, &key)?;
    for name in [ID, SECRET] {
        draft.remove_key(profile.as_str(), name).map_err(|source| super::not_written(profile, source))?;
    }
    work.take_over(profile, &key, &draft)?;
    if draft.set().get(profile.as_str()).is_some_and(|section| section.filled("credential_process").is_none()) {
        let process = ours("process", Some(profile));
        work.context.settings.messages.hint(&format!(
            "the AWS CLI and SDKs no longer find this key; with {process} as the profile's `credential_process`, they get its credentials"
        ));
    }
    Ok(())
}

/// The profile's key in the files, as long as it is the one that the profile uses and the only one.
fn key_of(work: &KeysWork<'_>, profile: &ProfileName, set: &ProfileSet) -> Result<GivenKey, Error> {
    let section = existing(set, profile)?;
    let is_sealed = || Ok::<_, KeysError>(work.shelf()?.header(profile)?.is_some());
    if section.filled(ID).is_none() && section.filled(SECRET).is_none() {
        return Err(KeysError::NoKey { profile: profile.clone(), is_sealed: is_sealed()? }.into());
    }
    if let Some(token) = section.session_token() {
        return Err(KeysError::Temporary { profile: profile.clone(), place: token.place() }.into());
    }
    // Half a key, one in quotes, and whatever else the profile could not be used with.
    let request = PlanRequest { leaves_device_open: true, ..work.how.request.clone() };
    let plan = Plan::make(set, profile, &request, work.context.ambient())?;
    if matches!(&plan.base, Base::CredentialProcess { profile: of, .. } if of == profile) {
        return Err(KeysError::Unused(profile.clone()).into());
    }
    if let Some(place) = another(section) {
        return Err(KeysError::TwoKeys { profile: profile.clone(), place }.into());
    }
    let missing = || KeysError::NoKey { profile: profile.clone(), is_sealed: false };
    let (id, secret) = (section.filled(ID).ok_or_else(missing)?, section.filled(SECRET).ok_or_else(missing)?);
    let from = id.place().to_string();
    Ok(GivenKey::of(&id.value(), &secret.value()).map_err(|why| KeysError::Given { from, why })?)
}

/// A line that loses against another one and has another value: it would go with the rest.
fn another(section: Profile<'_>) -> Option<crate::profile::Location> {
    [ID, SECRET].into_iter().find_map(|name| {
        let winner = section.filled(name)?.value();
        let mut others = section.occurrences(name).filter(|line| !line.value().is_empty());
        others.find(|line| line.value() != winner).map(Property::place)
    })
}
