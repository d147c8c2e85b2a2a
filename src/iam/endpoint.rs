//! IAM's endpoints. IAM is one service per partition, whatever the region, and its requests are signed for the region that
//! hosts the service. A test compares the table with botocore's rules.

use crate::aws::CallError;
use crate::plan::Service;

/// IAM's address, and the region for which requests are signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// `https://iam.amazonaws.com`
    pub url: String,
    /// The region of the signature's scope.
    pub signing_region: &'static str,
}

/// The hosts of IAM in one partition. They follow no pattern, so each is listed.
struct Hosts {
    partition: &'static str,
    signing_region: &'static str,
    usual: &'static str,
    fips: &'static str,
    dualstack: &'static str,
    fips_dualstack: &'static str,
}

const HOSTS: [Hosts; 8] = [
    Hosts {
        partition: "aws",
        signing_region: "us-east-1",
        usual: "iam.amazonaws.com",
        fips: "iam-fips.amazonaws.com",
        dualstack: "iam.global.api.aws",
        fips_dualstack: "iam-fips.global.api.aws",
    },
    Hosts {
        partition: "aws-cn",
        signing_region: "cn-north-1",
        usual: "iam.cn-north-1.amazonaws.com.cn",
        fips: "iam-fips.amazonaws.com.cn",
        dualstack: "iam.global.api.amazonwebservices.com.cn",
        fips_dualstack: "iam-fips.api.amazonwebservices.com.cn",
    },
    // In GovCloud the usual hosts are the FIPS hosts.
    Hosts {
        partition: "aws-us-gov",
        signing_region: "us-gov-west-1",
        usual: "iam.us-gov.amazonaws.com",
        fips: "iam.us-gov.amazonaws.com",
        dualstack: "iam.us-gov.api.aws",
        fips_dualstack: "iam.us-gov.api.aws",
    },
    Hosts {
        partition: "aws-eusc",
        signing_region: "eusc-de-east-1",
        usual: "iam.eusc-de-east-1.amazonaws.eu",
        fips: "iam-fips.amazonaws.eu",
        dualstack: "iam.api.amazonwebservices.eu",
        fips_dualstack: "iam-fips.api.amazonwebservices.eu",
    },
    Hosts {
        partition: "aws-iso",
        signing_region: "us-iso-east-1",
        usual: "iam.us-iso-east-1.c2s.ic.gov",
        fips: "iam-fips.us-iso-east-1.c2s.ic.gov",
        dualstack: "iam.api.aws.ic.gov",
        fips_dualstack: "iam-fips.api.aws.ic.gov",
    },
    Hosts {
        partition: "aws-iso-b",
        signing_region: "us-isob-east-1",
        usual: "iam.us-isob-east-1.sc2s.sgov.gov",
        fips: "iam-fips.us-isob-east-1.sc2s.sgov.gov",
        dualstack: "iam.api.aws.scloud",
        fips_dualstack: "iam-fips.api.aws.scloud",
    },
    Hosts {
        partition: "aws-iso-e",
        signing_region: "eu-isoe-west-1",
        usual: "iam.eu-isoe-west-1.cloud.adc-e.uk",
        fips: "iam-fips.cloud.adc-e.uk",
        dualstack: "iam.api.cloud-aws.adc-e.uk",
        fips_dualstack: "iam-fips.api.cloud-aws.adc-e.uk",
    },
    Hosts {
        partition: "aws-iso-f",
        signing_region: "us-isof-south-1",
        usual: "iam.us-isof-south-1.csp.hci.ic.gov",
        fips: "iam-fips.csp.hci.ic.gov",
        dualstack: "iam.api.aws.hci.ic.gov",
        fips_dualstack: "iam-fips.api.aws.hci.ic.gov",
    },
];

impl Endpoint {
    /// The configured address, otherwise the partition's own.
    ///
    /// # Errors
    /// A configured address cannot be combined with FIPS or dualstack, as in the SDKs: we cannot know whether it supports
    /// them.
    pub fn of(service: &Service) -> Result<Self, CallError> {
        let unusable = |why: &str| CallError::Unusable(why.to_owned());
        let hosts = HOSTS.iter().find(|hosts| hosts.partition == service.partition.as_str());
        let hosts = hosts.ok_or_else(|| unusable("IAM's address in this partition is unknown"))?;
        let url = match (&service.endpoint_url, service.fips, service.dualstack) {
            (Some(url), false, false) => url.clone(),
            (Some(_), true, _) => return Err(unusable("a configured endpoint cannot be used with FIPS")),
            (Some(_), false, true) => return Err(unusable("a configured endpoint cannot be used with dualstack")),
            (None, fips, dualstack) => format!("https://{}", hosts.host(fips, dualstack)),
        };
        Ok(Self { url, signing_region: hosts.signing_region })
    }
}

impl Hosts {
    fn host(&self, fips: bool, dualstack: bool) -> &'static str {
        match (fips, dualstack) {
            (false, false) => self.usual,
            (true, false) => self.fips,
            (false, true) => self.dualstack,
            (true, true) => self.fips_dualstack,
        }
    }
}
