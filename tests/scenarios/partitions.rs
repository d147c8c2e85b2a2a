//! Our table of partitions against the SDK's data, as its STS endpoints show it.

use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use mfa_cred::names::{Partition, Region};

/// Each partition, its default region, a second region of it, and the domain that its endpoints are in.
const PARTITIONS: [(&str, &str, &str, &str); 8] = [
    ("aws", "us-east-1", "mx-central-1", "amazonaws.com"),
    ("aws-cn", "cn-northwest-1", "cn-north-1", "amazonaws.com.cn"),
    ("aws-us-gov", "us-gov-west-1", "us-gov-east-1", "amazonaws.com"),
    ("aws-eusc", "eusc-de-east-1", "eusc-de-west-9", "amazonaws.eu"),
    ("aws-iso", "us-iso-east-1", "us-iso-west-1", "c2s.ic.gov"),
    ("aws-iso-b", "us-isob-east-1", "us-isob-west-1", "sc2s.sgov.gov"),
    ("aws-iso-e", "eu-isoe-west-1", "eu-isoe-east-9", "cloud.adc-e.uk"),
    ("aws-iso-f", "us-isof-south-1", "us-isof-east-1", "csp.hci.ic.gov"),
];

fn endpoint(region: &Region, fips: bool) -> String {
    let params = Params::builder().region(region.as_str()).use_fips(fips).build().expect("parameters");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let endpoint = runtime.block_on(async { DefaultResolver::new().resolve_endpoint(&params).await });
    endpoint.unwrap_or_else(|error| panic!("{region}: {error}")).url().to_owned()
}

fn region(name: &str) -> Region {
    name.parse().expect(name)
}

#[test]
fn the_sdk_knows_the_same_partitions_by_the_same_regions() {
    for (name, default, second, domain) in PARTITIONS {
        let partition: Partition = name.parse().expect(name);
        assert_eq!(partition.default_region(), region(default), "{name}");
        for region in [region(default), region(second)] {
            assert_eq!(Partition::of_region(&region), partition, "{region}");
            assert_eq!(endpoint(&region, false), format!("https://sts.{region}.{domain}"));
            // Only in GovCloud, which shares its domain with the commercial partition, is the usual host the FIPS one.
            let host = if name == "aws-us-gov" { "sts" } else { "sts-fips" };
            assert_eq!(endpoint(&region, true), format!("https://{host}.{region}.{domain}"));
        }
    }
}

#[test]
fn an_unknown_region_is_commercial_here_and_in_the_sdk() {
    for name in ["xx-new-9", "local", "eu-isox-west-1", "cnx-north-1"] {
        let region = region(name);
        assert_eq!(Partition::of_region(&region), Partition::AWS, "{name}");
        assert_eq!(endpoint(&region, false), format!("https://sts.{name}.amazonaws.com"));
    }
}

#[test]
fn an_unknown_partition_is_refused() {
    for name in ["", "aws-mars", "AWS", "aws-iso-g"] {
        assert!(name.parse::<Partition>().is_err(), "{name:?}");
    }
}
