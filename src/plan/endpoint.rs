//! An AWS service as a plan names it: its URL, FIPS, dual-stack and CA bundle, as the AWS SDKs resolve them for a profile
//! (the SDK reference guide's "service-specific endpoints").

use std::fmt;
use std::path::PathBuf;

use super::error::{Origin, PlanError};
use super::{Ambient, PlanRequest};
use crate::names::variables;
use crate::names::{Address, Partition, Region};
use crate::profile::{Profile, ProfileSet, SectionKind};
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

/// A service whose endpoint can be overridden separately.
#[derive(Clone, Copy)]
pub(super) enum Api {
    Sts,
    Iam,
    /// The portal of IAM Identity Center.
    Sso,
    /// Its token service.
    SsoOidc,
    /// AWS's sign-in service, for `aws login`.
    SignIn,
}

/// The profile that configures the calls, if any, and what else does.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) set: &'a ProfileSet,
    pub(super) profile: Option<Profile<'a>>,
    pub(super) request: &'a PlanRequest,
    pub(super) ambient: &'a Ambient,
}

impl Api {
    /// Its key in a `services` section, its variable, and that variable's value.
    fn own(self, ambient: &Ambient) -> (&'static str, &'static str, Option<&String>) {
        match self {
            Self::Sts => ("sts", variables::aws::ENDPOINT_URL_STS, ambient.endpoint_url_sts.as_ref()),
            Self::Iam => ("iam", variables::aws::ENDPOINT_URL_IAM, ambient.endpoint_url_iam.as_ref()),
            Self::Sso => ("sso", variables::aws::ENDPOINT_URL_SSO, ambient.endpoint_url_sso.as_ref()),
            Self::SignIn => ("signin", variables::aws::ENDPOINT_URL_SIGNIN, ambient.endpoint_url_signin.as_ref()),
            Self::SsoOidc => {
                ("sso_oidc", variables::aws::ENDPOINT_URL_SSO_OIDC, ambient.endpoint_url_sso_oidc.as_ref())
            }
        }
    }
}

impl Service {
    pub(super) fn of(api: Api, partition: Partition, region: Region, caller: Caller<'_>) -> Result<Self, PlanError> {
        let Caller { profile, request, ambient, .. } = caller;
        let ca_bundle = || Some(PathBuf::from(profile?.filled("ca_bundle")?.value().as_ref()));
        let dualstack = (variables::aws::USE_DUALSTACK_ENDPOINT, ambient.use_dualstack.as_deref());
        Ok(Self {
            region,
            partition,
            endpoint_url: endpoint_url(api, caller)?,
            fips: switch(
                profile,
                "use_fips_endpoint",
                (variables::aws::USE_FIPS_ENDPOINT, ambient.use_fips.as_deref()),
            )?,
            dualstack: switch(profile, "use_dualstack_endpoint", dualstack)?,
            ca_bundle: ambient.ca_bundle.clone().or_else(ca_bundle),
            may_be_in_clear: request.allow_http,
        })
    }
}

/// The service's own variable, `AWS_ENDPOINT_URL`, the profile's `services` section, the profile's `endpoint_url`.
pub(super) fn endpoint_url(api: Api, caller: Caller<'_>) -> Result<Option<String>, PlanError> {
    let Caller { set, profile, request, ambient } = caller;
    let ignore = (variables::aws::IGNORE_CONFIGURED_ENDPOINT_URLS, ambient.ignore_endpoint_urls.as_deref());
    if switch(profile, "ignore_configured_endpoint_urls", ignore)? {
        return Ok(None);
    }
    let (word, variable, own) = api.own(ambient);
    for (name, value) in [(variable, own), (variables::aws::ENDPOINT_URL, ambient.endpoint_url.as_ref())] {
        if let Some(url) = value {
            return legal_url(url, Origin::Variable(name), request.allow_http);
        }
    }
    let filled = |key: &str| profile.and_then(|profile| profile.filled(key));
    let of_services = filled("services").and_then(|services| {
        let property = set.section(SectionKind::Services, &services.value())?.filled(word)?;
        let url = property.nested("endpoint_url").filter(|url| !url.is_empty())?;
        Some((url.to_owned(), property))
    });
    if let Some((url, property)) = of_services {
        return legal_url(&url, Origin::of(&property), request.allow_http);
    }
    filled("endpoint_url")
        .map_or(Ok(None), |property| legal_url(&property.value(), Origin::of(&property), request.allow_http))
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
fn switch(
    profile: Option<Profile<'_>>,
    key: &str,
    (variable, value): (&'static str, Option<&str>),
) -> Result<bool, PlanError> {
    let read = |value: &str, origin: &dyn Fn() -> Origin| match value {
        _ if value.eq_ignore_ascii_case("true") => Ok(true),
        _ if value.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(PlanError::Refused { origin: origin(), why: "is neither `true` nor `false`" }),
    };
    match (value, profile.and_then(|profile| profile.filled(key))) {
        (Some(value), _) => read(value, &|| Origin::Variable(variable)),
        (None, Some(property)) => read(&property.value(), &|| Origin::of(&property)),
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
