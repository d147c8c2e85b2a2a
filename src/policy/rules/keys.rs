//! The condition keys that IAM documents for every service, for IAM and for STS. Those of other services are not here,
//! and are taken as they stand.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>

/// One that ends in `/` has a name behind it.
const KNOWN: &[&str] = &[
    "aws:AssumedRoot",
    "aws:CalledVia",
    "aws:CalledViaAWSMCP",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:ChatbotSourceArn",
    "aws:CurrentTime",
    "aws:Ec2InstanceSourcePrivateIPv4",
    "aws:Ec2InstanceSourceVpc",
    "aws:EpochTime",
    "aws:FederatedProvider",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:PrincipalTag/",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:RequestedRegion",
    "aws:RequestTag/",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "aws:ResourceTag/",
    "aws:SecureTransport",
    "aws:SignInSessionArn",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceVpc",
    "aws:SourceVpcArn",
    "aws:SourceVpce",
    "aws:SourceVpceAccount",
    "aws:SourceVpceOrgID",
    "aws:SourceVpceOrgPaths",
    "aws:TagKeys",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
    "aws:ViaAWSMCPService",
    "aws:ViaAWSService",
    "aws:VpcSourceIp",
    "iam:AssociatedResourceArn",
    "iam:AWSServiceName",
    "iam:DelegationDuration",
    "iam:DelegationRequestOwner",
    "iam:FIDO-certification",
    "iam:FIDO-FIPS-140-2-certification",
    "iam:FIDO-FIPS-140-3-certification",
    "iam:NotificationChannel",
    "iam:OrganizationsPolicyId",
    "iam:PassedToService",
    "iam:PermissionsBoundary",
    "iam:PolicyARN",
    "iam:RegisterSecurityKey",
    "iam:ResourceTag/",
    "iam:ServiceSpecificCredentialAgeDays",
    "iam:ServiceSpecificCredentialServiceName",
    "iam:TemplateArn",
    "sts:AWSServiceName",
    "sts:DurationSeconds",
    "sts:ExternalId",
    "sts:RequestContext/",
    "sts:RequestContextProviders",
    "sts:RoleSessionName",
    "sts:SourceIdentity",
    "sts:TaskPolicyArn",
    "sts:TransitiveTagKeys",
];

/// What is known of a key's name.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Spelling {
    /// It is documented, or of a service whose keys are not known here.
    Well,
    /// It may be another key's name with a slip in it.
    Near(&'static str),
    /// No key of IAM, STS or of all services is named like it.
    Unknown,
}

pub(super) fn spelling(key: &str) -> Spelling {
    const SLIPS: usize = 3;
    // What stands behind the slash is a tag's name.
    let head = key.find('/').map_or(key, |slash| &key[..=slash]);
    if KNOWN.iter().any(|known| known.eq_ignore_ascii_case(head)) {
        return Spelling::Well;
    }
    let head = head.to_ascii_lowercase();
    let is_ours = ["aws:", "iam:", "sts:"].iter().any(|service| head.starts_with(service));
    // The service itself may be misspelt, but a short name of another service is near to much.
    let most = if is_ours { SLIPS } else { 2 };
    let slips = |known: &str| strsim::damerau_levenshtein(&known.to_ascii_lowercase(), &head);
    let near = KNOWN.iter().filter(|known| known.len().abs_diff(head.len()) <= most && (is_ours || head.len() > 12));
    let near = near.map(|known| (slips(known), *known)).filter(|(slips, _)| *slips <= most).min();
    match near {
        Some((_, nearest)) => Spelling::Near(nearest),
        None if is_ours => Spelling::Unknown,
        None => Spelling::Well,
    }
}

#[cfg(test)]
mod tests {
    use super::{Spelling, spelling};

    #[test]
    fn names_with_slips_and_those_of_others() {
        for (key, expected) in [
            ("aws:MultiFactorAuthPresent", Spelling::Well),
            ("AWS:multifactorauthpresent", Spelling::Well),
            ("aws:PrincipalTag/team", Spelling::Well),
            ("aws:MultifactorAuthenticationPresent", Spelling::Unknown),
            ("aws:MultiFactorAuthPresnt", Spelling::Near("aws:MultiFactorAuthPresent")),
            ("aws:MultiFactoAuthPresent", Spelling::Near("aws:MultiFactorAuthPresent")),
            ("aw:MultiFactorAuthPresent", Spelling::Near("aws:MultiFactorAuthPresent")),
            ("aws:ViaAwsServices", Spelling::Near("aws:ViaAWSService")),
            ("aws:PrincipalTags/team", Spelling::Near("aws:PrincipalTag/")),
            ("iam:PassedToServices", Spelling::Near("iam:PassedToService")),
            ("sts:ExternalID", Spelling::Well),
            ("s3:prefix", Spelling::Well),
            ("ec2:ResourceTag/team", Spelling::Well),
            ("kms:ViaService", Spelling::Well),
            ("aws:Whatever", Spelling::Unknown),
        ] {
            assert_eq!(spelling(key), expected, "{key}");
        }
    }
}
