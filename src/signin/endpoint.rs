//! The addresses of AWS's sign-in service.

use crate::plan::Service;

/// The address in a region, as the service's endpoint rules have it; `None` where they have none of that kind.
pub fn url(service: &Service) -> Option<String> {
    let (region, partition) = (service.region.as_str(), service.partition.as_str());
    let host = match (partition, service.fips, service.dualstack) {
        ("aws", false, false) => format!("{region}.signin.aws.amazon.com"),
        ("aws", true, false) => format!("signin-fips.{region}.amazonaws.com"),
        ("aws", false, true) => format!("signin.{region}.api.aws"),
        ("aws", true, true) => format!("signin-fips.{region}.api.aws"),
        ("aws-us-gov", true, false) => format!("{region}.signin-fips.amazonaws-us-gov.com"),
        (_, true, _) | (_, _, true) => return None,
        ("aws-cn", ..) => format!("{region}.signin.amazonaws.cn"),
        ("aws-us-gov", ..) => format!("{region}.signin.amazonaws-us-gov.com"),
        ("aws-eusc", ..) => format!("{region}.signin.amazonaws-eusc.eu"),
        ("aws-iso", ..) => format!("{region}.signin.c2shome.ic.gov"),
        ("aws-iso-b", ..) => format!("{region}.signin.sc2shome.sgov.gov"),
        ("aws-iso-e", ..) => format!("{region}.signin.csphome.adc-e.uk"),
        ("aws-iso-f", ..) => format!("{region}.signin.csphome.hci.ic.gov"),
        _ => return None,
    };
    Some(format!("https://{host}"))
}
