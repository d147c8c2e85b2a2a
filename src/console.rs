//! A signed-in page of the AWS console for a role.
//!
//! In: a role's session, the sign-in service of its partition, and the page that is wanted. Out: an address that signs a
//! browser in. For 15 minutes it works for whoever has it, so it is a [`crate::secret::Secret`]. The session is
//! sent in the body of a `POST`, never in an address. A role from IAM Identity Center needs none of that: the start page
//! has a link for each role, which holds no secret.

pub mod destination;
mod error;
pub mod link;
pub mod token;

pub use error::ConsoleError;

use crate::names::Lifetime;
use crate::plan::{BaseKind, Plan, Service, Step, Steps};
use crate::signin::endpoint;

/// The address of the service that signs a browser in, without a slash at its end.
///
/// # Errors
/// FIPS is wanted where the console has no such address.
pub fn sign_in_address(service: &Service) -> Result<String, ConsoleError> {
    if let Some(url) = &service.endpoint_url {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    // In the other partitions, the FIPS hosts take tokens of `aws login` and have no pages.
    if service.fips && service.partition.as_str() != "aws-us-gov" {
        return Err(ConsoleError::NoFips(service.partition));
    }
    let pages = Service { dualstack: false, ..service.clone() };
    endpoint::url(&pages).ok_or(ConsoleError::NoConsole { partition: service.partition, sign_in: None })
}

/// How long the session in the console may be asked to last: AWS lets this be chosen only where a user's access key, or a
/// web identity, assumed the one role directly. Otherwise, the session ends with the credentials.
pub fn session_duration(plan: &Plan) -> Option<Lifetime> {
    let Steps::Fixed(steps) = &plan.steps else { return None };
    match (&steps[..], plan.base.kind()) {
        ([Step::AssumeRole(call)], BaseKind::LongTerm) | ([Step::WebIdentity(call)], _) => Some(call.duration),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::sign_in_address;
    use crate::names::{Partition, Region};
    use crate::plan::Service;

    fn service(region: &str, fips: bool) -> Service {
        let region: Region = region.parse().expect("a region");
        Service {
            partition: Partition::of_region(&region),
            region,
            endpoint_url: None,
            fips,
            dualstack: true,
            ca_bundle: None,
            may_be_in_clear: false,
        }
    }

    #[test]
    fn each_partition_has_its_own_address() {
        for (region, fips, address) in [
            ("us-east-1", false, Some("https://us-east-1.signin.aws.amazon.com")),
            ("ap-northeast-1", false, Some("https://ap-northeast-1.signin.aws.amazon.com")),
            ("cn-north-1", false, Some("https://cn-north-1.signin.amazonaws.cn")),
            ("us-gov-west-1", false, Some("https://us-gov-west-1.signin.amazonaws-us-gov.com")),
            ("eusc-de-east-1", false, Some("https://eusc-de-east-1.signin.amazonaws-eusc.eu")),
            ("us-iso-east-1", false, Some("https://us-iso-east-1.signin.c2shome.ic.gov")),
            ("us-isob-east-1", false, Some("https://us-isob-east-1.signin.sc2shome.sgov.gov")),
            ("eu-isoe-west-1", false, Some("https://eu-isoe-west-1.signin.csphome.adc-e.uk")),
            ("us-isof-south-1", false, Some("https://us-isof-south-1.signin.csphome.hci.ic.gov")),
            ("us-gov-east-1", true, Some("https://us-gov-east-1.signin-fips.amazonaws-us-gov.com")),
            ("us-east-1", true, None),
            ("cn-north-1", true, None),
        ] {
            let service = service(region, fips);
            let service = if fips { Service { dualstack: false, ..service } } else { service };
            assert_eq!(sign_in_address(&service).ok().as_deref(), address, "{region}");
        }
        let local = Service { endpoint_url: Some("http://127.0.0.1:1/".to_owned()), ..service("us-east-1", true) };
        assert_eq!(sign_in_address(&local).ok().as_deref(), Some("http://127.0.0.1:1"));
    }
}
