//! Sessions of `aws login`: whose they are, and where they are renewed.
//!
//! A session is bound to the region where it was started, which its file does not name. So it is renewed in the region of
//! its own profile and in no other, whatever the command line, the environment or a role's profile says.

use super::endpoint::{Api, Caller, Service};
use super::error::{Origin, PlanError};
use crate::names::{AccountId, Partition, ProfileName, Region};
use crate::profile::{Profile, Property};

/// A session that `aws login` started.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LoginSession {
    /// The profile that names it.
    pub profile: ProfileName,
    /// `login_session`: the ARN of who signed in.
    pub arn: String,
    /// The sign-in service; `None` if the profile has no region.
    pub service: Option<Service>,
}

impl LoginSession {
    /// Did the root user sign in?
    pub(super) fn is_root(&self) -> bool {
        self.arn.ends_with(":root")
    }

    /// The account of who signed in, if the ARN tells.
    pub fn account(&self) -> Option<AccountId> {
        self.arn.split(':').nth(4)?.parse().ok()
    }
}

/// `login_session` of a profile.
pub(super) fn of_profile(
    profile: Profile<'_>,
    property: &Property<'_>,
    caller: Caller<'_>,
) -> Result<LoginSession, PlanError> {
    let region = |region: Property<'_>| -> Result<Region, PlanError> {
        region.value().parse().map_err(|why| PlanError::BadValue { origin: Origin::of(&region), why })
    };
    let region = profile.filled("region").map(region).transpose()?;
    let name = ProfileName::new(profile.name()).expect("a section's name is not empty");
    let service = |region: Region| Service::of(Api::SignIn, Partition::of_region(&region), region, caller);
    let service = region.map(service).transpose()?;
    let arn = property.value().trim().to_owned();
    Ok(LoginSession { profile: name, arn, service })
}
