//! Whose setup it is: the file with the key, and the name of the profile.

use std::io;
use std::path::Path;

use super::SetupWork;
use super::csv;
use super::given::Given;
use super::key::ID;
use crate::cli::{SetupArgs, SetupStep};
use crate::command::keys::add;
use crate::error::Error;
use crate::iam::KeysError;
use crate::names::ProfileName;
use crate::profile::Profile;
use crate::safe::{Header, SafeError};
use crate::settings::{Chosen, Settings};

/// The key of the options; `None` if an earlier run sealed that of the file and deleted it.
pub(super) fn given(work: &SetupWork<'_>) -> Result<Option<Given>, Error> {
    match work.args {
        SetupArgs { stdin: true, .. } => return Ok(Some(Given::Key(add::of_stdin()?))),
        SetupArgs { env: true, .. } => return Ok(Some(Given::Key(add::of_environment(work.context)?))),
        _ => {}
    }
    let Some(path) = work.args.csv.as_deref() else { return Ok(None) };
    match csv::read(work, path) {
        Err(KeysError::Unreadable { source, .. })
            if source.kind() == io::ErrorKind::NotFound && sealed_from(work, path)?.is_some() =>
        {
            Ok(None)
        }
        read => Ok(read.map(|csv| Some(Given::Csv(csv)))?),
    }
}

/// The user's profile: named, else asked for. Where nothing is there yet, the file with the key is asked for first, since
/// it tells the user's name.
pub(super) fn profile(work: &SetupWork<'_>, given: &mut Option<Given>) -> Result<ProfileName, Error> {
    if let Some(named) = &work.args.whose.profile {
        return Ok(named.clone());
    }
    let of_shell = match Settings::profile(None, work.context.host.env) {
        (_, Chosen::Default) => None,
        (name, _) => Some(name),
    };
    let only = only_one(work)?;
    let is_new = given.is_none() && of_shell.is_none() && only.is_none();
    if is_new && !work.args.skip.contains(&SetupStep::Key) {
        *given = csv::ask(work)?.map(Given::Csv);
        work.types_key.set(given.is_none());
    }
    let of_file = match (given.as_ref(), work.args.csv.as_deref()) {
        (Some(given), _) => sealed(work, |header| header.access_key_id == given.key().id)?.or_else(|| given.user()),
        (None, Some(path)) => sealed_from(work, path)?,
        (None, None) => None,
    };
    let usual = of_file.or(of_shell).or(only).or_else(|| ProfileName::new("default")).ok_or(Error::NonePicked)?;
    Ok(work.ask(&format!("Profile name [{usual}]: "))?.and_then(ProfileName::new).unwrap_or(usual))
}

/// The profile for which the key was sealed that this file once held.
fn sealed_from(work: &SetupWork<'_>, file: &Path) -> Result<Option<ProfileName>, Error> {
    if let Some(named) = &work.args.whose.profile {
        return sealed(work, |header| header.profile == named.as_str());
    }
    let Some(user) = csv::user_of(file) else { return Ok(None) };
    sealed(work, |header| [header.profile.as_str(), header.user()].contains(&user.as_str()))
}

/// The first profile with such a sealed key.
fn sealed(work: &SetupWork<'_>, is_it: impl Fn(&Header) -> bool) -> Result<Option<ProfileName>, Error> {
    let shelf = work.context.shelf().ok_or(SafeError::Nowhere).map_err(KeysError::from)?;
    let (headers, _) = shelf.headers().map_err(KeysError::from)?;
    Ok(headers.iter().find(|header| is_it(header)).and_then(|header| ProfileName::new(header.profile.as_str())))
}

/// The only profile with an access key, in a file or sealed.
fn only_one(work: &SetupWork<'_>) -> Result<Option<ProfileName>, Error> {
    let set = work.context.profiles()?;
    let has_key = |profile: &Profile<'_>| {
        profile.filled(ID).is_some() || profile.sealed_key().is_ok_and(|sealed| sealed.is_some())
    };
    let mut with_key = set.profiles().filter(has_key);
    Ok(with_key.next().filter(|_| with_key.next().is_none()).and_then(|only| ProfileName::new(only.name())))
}
