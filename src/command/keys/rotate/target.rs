//! Which keys are to be rotated. Profiles that share an access key are one target.

use jiff::Timestamp;

use super::super::KeysWork;
use crate::error::Error;
use crate::iam::KeysError;
use crate::names::ProfileName;
use crate::plan::existing;
use crate::safe::{Header, Rotation, SafeError};

/// An access key to be replaced.
pub(super) struct Target {
    /// The profiles that it is sealed for; never empty.
    profiles: Vec<ProfileName>,
    pub(super) access_key_id: String,
    /// The user, as GetCallerIdentity named it when the key was sealed.
    arn: String,
    /// When AWS made it, if that is known here.
    pub(super) created: Option<Timestamp>,
    /// An earlier rotation that was interrupted.
    pub(super) unfinished: Option<Rotation>,
}

impl Target {
    pub(super) fn profile(&self) -> &ProfileName {
        &self.profiles[0]
    }

    pub(super) fn profiles(&self) -> &[ProfileName] {
        &self.profiles
    }

    /// `alice, bob`
    pub(super) fn names(&self) -> String {
        self.profiles.iter().map(ProfileName::as_str).collect::<Vec<_>>().join(", ")
    }

    /// The user's name.
    pub(super) fn user(&self) -> &str {
        self.arn.rsplit(['/', ':']).next().unwrap_or_default()
    }

    fn add(&mut self, profile: &str) {
        if let Some(name) = ProfileName::new(profile).filter(|name| !self.profiles.contains(name)) {
            self.profiles.push(name);
        }
    }
}

/// The keys of these profiles, or all sealed ones where none is named.
pub(super) fn select(work: &KeysWork<'_>, named: &[ProfileName]) -> Result<Vec<Target>, Error> {
    let shelf = work.shelf().map_err(KeysError::from)?;
    let (headers, damaged) = shelf.headers().map_err(KeysError::from)?;
    let (rotations, damaged_rotations) = shelf.rotations().map_err(KeysError::from)?;
    for path in damaged.iter().chain(&damaged_rotations) {
        work.context.settings.messages.warn(&format!("{} is damaged, or not a file of mfa-cred's", path.display()));
    }
    let mut targets: Vec<Target> = rotations.into_iter().map(of_rotation).collect();
    for header in headers {
        let own = targets.iter_mut().find(|target| match &target.unfinished {
            Some(rotation) => rotation.concerns(&header.access_key_id),
            None => target.access_key_id == header.access_key_id,
        });
        match own {
            Some(target) => target.add(&header.profile),
            None => targets.extend(of_header(header)),
        }
    }
    targets.retain(|target| !target.profiles.is_empty());
    if let Some(name) = named.iter().find(|name| !targets.iter().any(|target| target.profiles.contains(name))) {
        return Err(not_sealed(work, name)?.about(name));
    }
    targets.retain(|target| named.is_empty() || target.profiles.iter().any(|name| named.contains(name)));
    targets.sort_by(|one, other| one.profiles.cmp(&other.profiles));
    Ok(targets)
}

fn of_rotation(rotation: Rotation) -> Target {
    let mut target = Target {
        profiles: Vec::new(),
        access_key_id: rotation.old.clone(),
        arn: rotation.arn.clone(),
        created: rotation.old_created,
        unfinished: None,
    };
    for profile in &rotation.profiles {
        target.add(profile);
    }
    Target { unfinished: Some(rotation), ..target }
}

fn of_header(header: Header) -> Option<Target> {
    let profiles = vec![ProfileName::new(&header.profile)?];
    let Header { access_key_id, arn, created, .. } = header;
    Some(Target { profiles, access_key_id, arn, created, unfinished: None })
}

/// Why a profile without a sealed key has none that could be rotated.
fn not_sealed(work: &KeysWork<'_>, profile: &ProfileName) -> Result<Error, Error> {
    let set = work.context.profiles()?;
    let section = existing(set, profile)?;
    if let Some(key) = section.filled("aws_access_key_id").filter(|_| section.session_token().is_none()) {
        return Ok(KeysError::NotSealed { profile: profile.clone(), place: key.place() }.into());
    }
    let plan = work.context.plan(profile, work.how);
    let owner = plan.ok().map(|plan| plan.user).filter(|owner| owner != profile);
    Ok(match owner {
        Some(owner) => KeysError::NotItsOwn { profile: profile.clone(), owner }.into(),
        None => KeysError::from(SafeError::Missing(profile.clone())).into(),
    })
}

/// Refuses to replace a key that some profile also has in plain text, where it would stop working.
pub(super) fn see_that_no_file_has_it(work: &KeysWork<'_>, target: &Target) -> Result<(), Error> {
    let set = work.context.profiles()?;
    for section in set.profiles() {
        let lines = section.filled("aws_access_key_id");
        if let (Some(line), Some(profile)) = (lines, ProfileName::new(section.name()))
            && line.value() == target.access_key_id
        {
            return Err(KeysError::AlsoInFile { profile, place: line.place() }.into());
        }
    }
    Ok(())
}
