//! Where an instance and a container get the credentials of their role: the addresses that the SDKs take, checked before
//! anything is sent.
//!
//! An empty variable is absent. Plain `http://` is for this machine and for AWS's own agents, which are one hop away; to
//! any other machine it is refused like that of a service.

use super::base::Base;
use super::error::{Origin, PlanError};
use super::{Ambient, PlanRequest};
use crate::names::Address;
use crate::names::variables::aws;
use crate::profile::Profile;

/// Where a container's relative address leads.
const CONTAINER_HOST: &str = "http://169.254.170.2";
const INSTANCE_IPV4: &str = "http://169.254.169.254";
const INSTANCE_IPV6: &str = "http://[fd00:ec2::254]";
/// AWS's agents: of instances, and of containers (ECS, EKS).
const AGENTS: [&str; 5] = ["169.254.169.254", "[fd00:ec2::254]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

/// `credential_source = Ec2InstanceMetadata` of this profile.
pub(super) fn instance(profile: Profile<'_>, (request, ambient): (&PlanRequest, &Ambient)) -> Result<Base, PlanError> {
    let said = |variable: (&'static str, &Option<String>), key: &str| {
        let of_variable = variable.1.clone().map(|value| (Origin::Variable(variable.0), value));
        of_variable
            .or_else(|| profile.filled(key).map(|property| (Origin::of(&property), property.value().into_owned())))
    };
    let address = said((aws::EC2_METADATA_SERVICE_ENDPOINT, &ambient.instance), "ec2_metadata_service_endpoint");
    if let Some((origin, url)) = address {
        return Ok(Base::Ec2InstanceMetadata(legal(url, origin, request.allow_http)?));
    }
    let mode =
        said((aws::EC2_METADATA_SERVICE_ENDPOINT_MODE, &ambient.instance_mode), "ec2_metadata_service_endpoint_mode");
    let address = match mode {
        None => INSTANCE_IPV4,
        Some((_, mode)) if mode.eq_ignore_ascii_case("IPv4") => INSTANCE_IPV4,
        Some((_, mode)) if mode.eq_ignore_ascii_case("IPv6") => INSTANCE_IPV6,
        Some((origin, _)) => return Err(PlanError::Refused { origin, why: "is neither `IPv4` nor `IPv6`" }),
    };
    Ok(Base::Ec2InstanceMetadata(address.to_owned()))
}

/// `credential_source = EcsContainer`.
pub(super) fn container((request, ambient): (&PlanRequest, &Ambient)) -> Result<Base, PlanError> {
    let address = match &ambient.container {
        None => None,
        Some((name, path)) if *name == aws::CONTAINER_CREDENTIALS_RELATIVE_URI => {
            let origin = Origin::Variable(name);
            if !path.starts_with('/') {
                return Err(PlanError::Refused { origin, why: "is not a path that starts with `/`" });
            }
            Some(legal(format!("{CONTAINER_HOST}{path}"), origin, request.allow_http)?)
        }
        Some((name, url)) => Some(legal(url.clone(), Origin::Variable(name), request.allow_http)?),
    };
    Ok(Base::EcsContainer(address))
}

fn legal(url: String, origin: Origin, may_be_in_clear: bool) -> Result<String, PlanError> {
    match url.parse::<Address>() {
        Err(_) => Err(PlanError::Refused { origin, why: "is not an http or https address" }),
        Ok(address) if address.is_in_clear() && !AGENTS.contains(&address.host()) && !may_be_in_clear => {
            Err(PlanError::InClear { origin, address: Box::new(address) })
        }
        Ok(_) => Ok(url),
    }
}
