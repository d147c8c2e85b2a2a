//! Which region is exported, and which STS and IAM endpoints are called: URL, FIPS, dual-stack and CA bundle, as the
//! AWS SDKs resolve them for the requested profile (the SDK reference guide's "service-specific endpoints").

use std::fmt;
use std::path::PathBuf;

use super::chain::{Chain, origin, parse, sources};
use super::error::{Origin, PlanError};
use super::{Ambient, PlanRequest};
use crate::names::variables;
use crate::names::{Address, MfaSerial, Partition, Region, RoleArn};
use crate::profile::{Profile, ProfileSet, Property, SectionKind};
use crate::secret::shown;

/// An STS or IAM endpoint, and how to call it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Service {
    /// The region of the endpoint, which is also the region of the signature.
    pub region: Region,
    /// The partition of the role or the device.
    pub partition: Partition,
    /// The configured endpoint URL, if any.
    pub endpoint_url: Option<String>,
    /// Use a FIPS endpoint?
    pub fips: bool,
    /// Use a dual-stack endpoint (IPv4 and IPv6)?
    pub dualstack: bool,
    /// Certificates to trust instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Do our settings allow plain `http://` to other machines?
    pub may_be_in_clear: bool,
}

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
        let role = chain.roles.first().map(|link| &link.role).or(chain.base.role());
        let of_names = role.map(RoleArn::partition).or(serial.and_then(MfaSerial::partition));
        let partition = of_names.or(region.map(Partition::of_region)).unwrap_or(Partition::AWS);
        // The person may well work in a region of another partition, but the STS there does not know this role.
        let region = region.filter(|region| Partition::of_region(region) == partition);
        let profile = chain.links[0];
        let ca_bundle = || profile.filled("ca_bundle").map(|property| PathBuf::from(property.value().as_ref()));
        Ok(Self {
            region: region.cloned().unwrap_or_else(|| partition.default_region()),
            partition,
            endpoint_url: endpoint_url(set, profile, Api::Sts, (request.allow_http, ambient))?,
            fips: switch(profile, "use_fips_endpoint", variables::aws::USE_FIPS_ENDPOINT, ambient.use_fips.as_deref())?,
            dualstack: switch(
                profile,
                "use_dualstack_endpoint",
                variables::aws::USE_DUALSTACK_ENDPOINT,
                ambient.use_dualstack.as_deref(),
            )?,
            ca_bundle: ambient.ca_bundle.clone().or_else(ca_bundle),
            may_be_in_clear: request.allow_http,
        })
    }

    /// The IAM endpoint that belongs to this STS: that of the partition, with its own override.
    pub(super) fn iam(&self, set: &ProfileSet, profile: Profile<'_>, ambient: &Ambient) -> Result<Self, PlanError> {
        let endpoint_url = endpoint_url(set, profile, Api::Iam, (self.may_be_in_clear, ambient))?;
        Ok(Self { region: self.partition.default_region(), endpoint_url, ..self.clone() })
    }
}

/// A service whose endpoint can be overridden separately.
#[derive(Clone, Copy)]
enum Api {
    Sts,
    Iam,
}

/// `AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`, the profile's `services` section, the profile's `endpoint_url`.
fn endpoint_url(
    set: &ProfileSet,
    profile: Profile<'_>,
    api: Api,
    (may_be_in_clear, ambient): (bool, &Ambient),
) -> Result<Option<String>, PlanError> {
    let ignore = switch(
        profile,
        "ignore_configured_endpoint_urls",
        variables::aws::IGNORE_CONFIGURED_ENDPOINT_URLS,
        ambient.ignore_endpoint_urls.as_deref(),
    )?;
    if ignore {
        return Ok(None);
    }
    let (word, own) = match api {
        Api::Sts => ("sts", (variables::aws::ENDPOINT_URL_STS, &ambient.endpoint_url_sts)),
        Api::Iam => ("iam", (variables::aws::ENDPOINT_URL_IAM, &ambient.endpoint_url_iam)),
    };
    for (name, value) in [own, (variables::aws::ENDPOINT_URL, &ambient.endpoint_url)] {
        if let Some(url) = value {
            return legal_url(url, Origin::Variable(name), may_be_in_clear);
        }
    }
    let of_services = profile.filled("services").and_then(|services| {
        let property = set.section(SectionKind::Services, &services.value())?.filled(word)?;
        let url = property.nested("endpoint_url").filter(|url| !url.is_empty())?;
        Some((url.to_owned(), property))
    });
    if let Some((url, property)) = of_services {
        return legal_url(&url, origin(&property), may_be_in_clear);
    }
    let of_profile = profile.filled("endpoint_url");
    of_profile.map_or(Ok(None), |property| legal_url(&property.value(), origin(&property), may_be_in_clear))
}

/// A URL to which codes and credentials may be sent.
fn legal_url(url: &str, origin: Origin, may_be_in_clear: bool) -> Result<Option<String>, PlanError> {
    match url.parse::<Address>() {
        Err(_) => Err(PlanError::Refused { origin, why: "is not an http or https address" }),
        Ok(address) if address.is_in_clear() && !may_be_in_clear => {
            Err(PlanError::InClear { origin, address: Box::new(address) })
        }
        Ok(_) => Ok(Some(url.to_owned())),
    }
}

/// A boolean from the environment, else from the profile; absent means no.
fn switch(profile: Profile<'_>, key: &str, variable: &'static str, value: Option<&str>) -> Result<bool, PlanError> {
    let read = |value: &str, origin: &dyn Fn() -> Origin| match value {
        _ if value.eq_ignore_ascii_case("true") => Ok(true),
        _ if value.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(PlanError::Refused { origin: origin(), why: "is neither `true` nor `false`" }),
    };
    let property: Option<Property<'_>> = profile.filled(key);
    match (value, property) {
        (Some(value), _) => read(value, &|| Origin::Variable(variable)),
        (None, Some(property)) => read(&property.value(), &|| origin(&property)),
        (None, None) => Ok(false),
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sts: {}", self.region)?;
        if let Some(url) = &self.endpoint_url {
            write!(f, " at {}", shown::url(url))?;
        }
        for (is, word) in [(self.fips, "FIPS"), (self.dualstack, "dualstack")] {
            if is {
                write!(f, ", {word}")?;
            }
        }
        Ok(())
    }
}
