//! The addresses of Identity Center's two services: `sso-oidc`, which issues tokens, and the portal (`sso`), which takes
//! them. A test compares them with botocore's rules.

use crate::aws::CallError;
use crate::plan::Service;

/// One of the two services.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Api {
    /// `oidc.REGION.amazonaws.com`
    Oidc,
    /// `portal.sso.REGION.amazonaws.com`
    Portal,
}

/// The DNS suffixes of the partitions, usual and dual-stack.
const SUFFIXES: [(&str, &str, &str); 8] = [
    ("aws", "amazonaws.com", "api.aws"),
    ("aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("aws-us-gov", "amazonaws.com", "api.aws"),
    ("aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"),
    ("aws-iso", "c2s.ic.gov", "api.aws.ic.gov"),
    ("aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"),
    ("aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
];

/// The configured address, otherwise the region's own.
///
/// # Errors
/// A configured address cannot be combined with FIPS or dual-stack, as in the SDKs.
pub fn url(api: Api, service: &Service) -> Result<String, CallError> {
    let unusable = |why: &str| CallError::Unusable(why.to_owned());
    let suffixes = SUFFIXES.iter().find(|(partition, ..)| *partition == service.partition.as_str());
    let (partition, usual, dualstack) = suffixes.ok_or_else(|| unusable("this partition's addresses are unknown"))?;
    match (&service.endpoint_url, service.fips, service.dualstack) {
        (Some(url), false, false) => return Ok(url.clone()),
        (Some(_), true, _) => return Err(unusable("a configured endpoint cannot be used with FIPS")),
        (Some(_), false, true) => return Err(unusable("a configured endpoint cannot be used with dualstack")),
        (None, ..) => {}
    }
    // In GovCloud the usual hosts are the FIPS hosts.
    let is_fips = service.fips && (service.dualstack || *partition != "aws-us-gov");
    let host = match (api, is_fips) {
        (Api::Oidc, false) => "oidc",
        (Api::Oidc, true) => "oidc-fips",
        (Api::Portal, false) => "portal.sso",
        (Api::Portal, true) => "portal.sso-fips",
    };
    let suffix = if service.dualstack { dualstack } else { usual };
    Ok(format!("https://{host}.{}.{suffix}", service.region))
}
