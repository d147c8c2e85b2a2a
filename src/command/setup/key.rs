//! The first step: the user's access key, sealed, and the profile with its region.

use std::str::FromStr;

use super::SetupWork;
use super::csv;
use super::given::Given;
use crate::command::keys::{KeysWork, add, import, not_written};
use crate::error::{Error, SetupError};
use crate::iam::KeysError;
use crate::names::{ProfileName, Region};
use crate::plan::Origin;
use crate::profile::Profile;
use crate::profile::edit::Draft;

/// What makes a profile another one than a user's with an access key.
const OTHERWISE: [&str; 6] =
    ["sso_session", "sso_start_url", "sso_account_id", "login_session", "web_identity_token_file", "credential_source"];
/// An access key in the AWS files.
pub(super) const ID: &str = "aws_access_key_id";

/// Seals the profile's key, unless it is.
pub(super) fn run(work: &SetupWork<'_>, profile: &ProfileName, given: Option<Given>) -> Result<(), Error> {
    let context = work.context.anew();
    let keys = work.keys(&context);
    let set = keys.files()?;
    let section = set.get(profile.as_str());
    if let Some(section) = section {
        see_that_it_is_a_users(section, profile)?;
    }
    let region = region(work, section)?;
    if let Some(in_file) = section.and_then(|section| section.filled(ID)) {
        if given.as_ref().is_some_and(|given| given.key().id != in_file.value()) {
            return Err(KeysError::InFile { profile: profile.clone(), place: in_file.place() }.into());
        }
        work.note(&format!("{}: the access key is in plain text, and will be sealed", in_file.place()));
        match import::import(&keys, profile) {
            Err(Error::Keys(KeysError::Declined)) => {
                work.note(&format!("{profile}: the access key stays in plain text"));
                return write_profile(work, profile, region.as_ref());
            }
            imported => imported?,
        }
    } else if let Some(header) = keys.shelf().and_then(|shelf| shelf.header(profile)).map_err(KeysError::from)? {
        if header.user() == "root" && header.arn.ends_with(":root") {
            return Err(KeysError::Root { access_key_id: header.access_key_id }.into());
        }
        if let Some(given) = &given {
            keys.see_that_it_replaces_none(profile, given.key())?;
        }
        work.note(&format!("{profile}: access key {} of {} is already sealed", header.access_key_id, header.user()));
    } else {
        let given = match given {
            None if !work.types_key.get() => csv::ask(work)?.map(Given::Csv),
            given => given,
        };
        seal(work, &keys, &New { profile, region: region.as_ref() }, given.as_ref())?;
        return given.map_or(Ok(()), |given| given.offer_deletion(work, profile));
    }
    write_profile(work, profile, region.as_ref())?;
    given.map_or(Ok(()), |given| given.offer_deletion(work, profile))
}

/// A profile that gets its key.
struct New<'a> {
    profile: &'a ProfileName,
    /// The region to write.
    region: Option<&'a Region>,
}

/// Seals a key that is nowhere yet, and writes the profile for it.
fn seal(work: &SetupWork<'_>, keys: &KeysWork<'_>, new: &New<'_>, given: Option<&Given>) -> Result<(), Error> {
    let New { profile, region } = *new;
    let key = match given {
        Some(given) => given.key().clone(),
        None if !work.context.host.terminal.is_there() => return Err(SetupError::NoKey(profile.clone()).into()),
        None => add::typed(keys, profile)?,
    };
    let mut draft = keys.draft(profile, &key)?;
    let refused = |source| not_written(profile, source);
    draft.add_profile(profile.as_str()).map_err(refused)?;
    if let Some(region) = region {
        draft.set_key(profile.as_str(), "region", region.as_str()).map_err(refused)?;
    }
    keys.take_over(profile, &key, &draft)
}

fn see_that_it_is_a_users(section: Profile<'_>, profile: &ProfileName) -> Result<(), SetupError> {
    let profile = profile.clone();
    if let Some(role) = section.filled("role_arn") {
        let source = section.filled("source_profile").and_then(|source| ProfileName::new(source.value().into_owned()));
        let source_profile = source.filter(|source| *source != profile);
        return Err(SetupError::OfRole { origin: Origin::of(&role), profile, source_profile });
    }
    match OTHERWISE.into_iter().find_map(|key| section.filled(key)) {
        Some(property) => Err(SetupError::WithoutKey { origin: Origin::of(&property), profile }),
        None => Ok(()),
    }
}

/// The region that is to be written: the option's, or what the person types where the profile has none.
fn region(work: &SetupWork<'_>, section: Option<Profile<'_>>) -> Result<Option<Region>, Error> {
    if work.args.region.is_some() || section.is_some_and(|section| section.filled("region").is_some()) {
        return Ok(work.args.region.clone());
    }
    // What another profile left in this shell is nobody's wish.
    let ambient = work.context.ambient();
    let of_shell = ambient.regions.first().filter(|_| ambient.held.is_none());
    let of_shell = of_shell.and_then(|(_, region)| region.parse::<Region>().ok());
    let region = match &of_shell {
        Some(usual) => {
            typed_region(work, &format!("Region [{}]: ", usual.as_str()))?.or(of_shell.filter(|_| !work.args.yes))
        }
        None => typed_region(work, "Region, such as eu-west-1 (Enter: none): ")?,
    };
    if region.is_none() && ambient.regions.is_empty() {
        work.note("the profile has no region: the AWS CLI needs `--region` with most commands");
    }
    Ok(region)
}

/// A region that a person typed. A region of AWS's form is demanded here, since any word would be accepted from a file: a
/// `y` that was meant for another question would become the profile's region.
struct TypedRegion(Region);

impl FromStr for TypedRegion {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let is_like_one = text.split('-').count() >= 3 && text.ends_with(|last: char| last.is_ascii_digit());
        let region = text.parse().ok().filter(|_| is_like_one);
        region.map(Self).ok_or("that is not a region: type its code, such as `eu-west-1`, or press Enter")
    }
}

fn typed_region(work: &SetupWork<'_>, prompt: &str) -> Result<Option<Region>, Error> {
    Ok(work.ask_for(prompt)?.map(|TypedRegion(region)| region))
}

/// Writes what the profile lacks. A run that was killed after it sealed the key has not written the profile.
fn write_profile(work: &SetupWork<'_>, profile: &ProfileName, region: Option<&Region>) -> Result<(), Error> {
    let context = work.context.anew();
    let mut draft = Draft::new(work.keys(&context).files()?);
    draft.add_profile(profile.as_str()).map_err(SetupError::from)?;
    if let Some(region) = region {
        draft.set_key(profile.as_str(), "region", region.as_str()).map_err(SetupError::from)?;
    }
    work.write(&draft)?;
    Ok(())
}
