//! Which region is exported, and which STS and IAM endpoints are called for a plan.

use super::chain::{Chain, parse, sources};
use super::endpoint::{Api, Caller, Service, endpoint_url};
use super::error::{Origin, PlanError};
use super::{Ambient, Plan, PlanRequest};
use crate::names::{MfaSerial, Partition, Region};
use crate::profile::{Profile, ProfileSet, Property};

/// The exported region, which does not depend on what this shell held before: a region in AWS's variables is our own
/// output, and not input, if it equals the region of the profile that the shell holds, or the one that was exported
/// instead. If the region comes neither from the profile nor from the user's own variables, only a variable of ours can
/// tell it from the user's own in the next run.
pub(super) fn region(
    set: &ProfileSet,
    chain: &Chain<'_>,
    request: &PlanRequest,
    ambient: &Ambient,
) -> Result<(Option<Region>, bool), PlanError> {
    let of_profile = chain.nearest("region");
    if let (None, Some(property)) = (&request.region, &of_profile) {
        return Ok((Some(parse(property)?), false));
    }
    let held = ambient.held.as_deref().filter(|_| !ambient.regions.is_empty()).and_then(|held| set.get(held));
    let ours = held.and_then(|held| sources(set, held).into_iter().find_map(|link| link.filled("region")));
    let ours = ours.map(Property::value);
    let is_ours = |value: &str| ours.as_deref() == Some(value) || ambient.exported_region.as_deref() == Some(value);
    let of_user = ambient.regions.iter().find(|(_, value)| !is_ours(value));
    match (&request.region, of_user) {
        (Some(region), of_user) => {
            let is_said = |value: &str| value == region.as_str();
            let is_known =
                of_profile.is_some_and(|it| is_said(&it.value())) || of_user.is_some_and(|it| is_said(&it.1));
            Ok((Some(region.clone()), !is_known))
        }
        (None, Some((name, value))) => {
            let wrong = |why| PlanError::BadValue { origin: Origin::Variable(name), why };
            Ok((Some(value.parse().map_err(wrong)?), false))
        }
        (None, None) => Ok((request.usual_region.clone(), request.usual_region.is_some())),
    }
}

impl Service {
    pub(super) fn resolve(
        set: &ProfileSet,
        chain: &Chain<'_>,
        serial: Option<&MfaSerial>,
        region: Option<&Region>,
        (request, ambient): (&PlanRequest, &Ambient),
    ) -> Result<Self, PlanError> {
        let of_names = chain.roles.first().map(|link| link.role.partition()).or(serial.and_then(MfaSerial::partition));
        let of_names = of_names.or(chain.base.partition());
        let partition = of_names.or(region.map(Partition::of_region)).unwrap_or(Partition::AWS);
        // The person may well work in a region of another partition, but the STS there does not know this role.
        let region = region.filter(|region| Partition::of_region(region) == partition);
        let region = region.cloned().unwrap_or_else(|| partition.default_region());
        Self::of(Api::Sts, partition, region, Caller { set, profile: Some(chain.links[0]), request, ambient })
    }

    /// The IAM endpoint that belongs to this STS: that of the partition, with its own override.
    pub(super) fn iam(&self, set: &ProfileSet, profile: Profile<'_>, ambient: &Ambient) -> Result<Self, PlanError> {
        let request = &PlanRequest { allow_http: self.may_be_in_clear, ..PlanRequest::default() };
        let endpoint_url = endpoint_url(Api::Iam, Caller { set, profile: Some(profile), request, ambient })?;
        Ok(Self { region: self.partition.default_region(), endpoint_url, ..self.clone() })
    }

    /// The sign-in service of the same region and partition, with its own override.
    fn sign_in(&self, set: &ProfileSet, profile: Profile<'_>, ambient: &Ambient) -> Result<Self, PlanError> {
        let request = &PlanRequest { allow_http: self.may_be_in_clear, ..PlanRequest::default() };
        let endpoint_url = endpoint_url(Api::SignIn, Caller { set, profile: Some(profile), request, ambient })?;
        Ok(Self { endpoint_url, ..self.clone() })
    }
}

impl Plan {
    /// Which sign-in service gives this profile a session in the console, and how to call it.
    ///
    /// # Errors An override that is not a URL.
    pub fn console(&self, set: &ProfileSet, ambient: &Ambient) -> Result<Service, PlanError> {
        let profile = set.get(self.profile.as_str()).expect("a plan's profile is in the set that it was made of");
        self.service.sign_in(set, profile, ambient)
    }
}
