//! The condition keys that IAM documents for all services, for IAM and for STS. The keys of other services are not
//! listed here, and are accepted as written.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>

/// A key that ends in `/` is followed by a name.
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

/// What is known about a key's name.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Spelling {
    /// It is documented, or belongs to a service whose keys are not listed here.
    Well,
    /// It may be a misspelling of another key.
    Near(&'static str),
    /// No key of IAM, STS or all services has a similar name.
    Unknown,
}

pub(super) fn spelling(key: &str) -> Spelling {
    const SLIPS: usize = 3;
    // A tag's name follows the slash.
    let head = key.find('/').map_or(key, |slash| &key[..=slash]);
    if KNOWN.iter().any(|known| known.eq_ignore_ascii_case(head)) {
        return Spelling::Well;
    }
    let head = head.to_ascii_lowercase();
    let is_ours = ["aws:", "iam:", "sts:"].iter().any(|service| head.starts_with(service));
    // The service itself may be misspelled, but a short name is close to the names of many services.
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
    fn misspelled_keys_and_keys_of_other_services() {
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
