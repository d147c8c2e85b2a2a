//! What is known of actions: the names that IAM and STS have, a few of other services for people to read, what may be
//! left without MFA, and what a thief does with the rest.

use std::sync::LazyLock;

use crate::policy::evaluate::matches_action;

/// Every action of IAM, as its SDK and its list of permissions have them.
const OF_IAM: &str = "\
     AcceptDelegationRequest AcquireRole AddClientIDToOpenIDConnectProvider AddRoleToInstanceProfile AddUserToGroup \
     AssociateDelegationRequest AttachGroupPolicy AttachRolePolicy AttachUserPolicy ChangePassword CreateAccessKey \
     CreateAccountAlias CreateDelegationRequest CreateGroup CreateInstanceProfile CreateLoginProfile \
     CreateOpenIDConnectProvider CreatePolicy CreatePolicyVersion CreateRole CreateSAMLProvider \
     CreateServiceLinkedRole CreateServiceSpecificCredential CreateUser CreateVirtualMFADevice DeactivateMFADevice \
     DeleteAccessKey DeleteAccountAlias DeleteAccountPasswordPolicy DeleteGroup DeleteGroupPolicy \
     DeleteInstanceProfile DeleteLoginProfile DeleteOpenIDConnectProvider DeletePolicy DeletePolicyVersion DeleteRole \
     DeleteRolePermissionsBoundary DeleteRolePolicy DeleteSAMLProvider DeleteSSHPublicKey DeleteServerCertificate \
     DeleteServiceLinkedRole DeleteServiceSpecificCredential DeleteSigningCertificate DeleteUser \
     DeleteUserPermissionsBoundary DeleteUserPolicy DeleteVirtualMFADevice DetachGroupPolicy DetachRolePolicy \
     DetachUserPolicy DisableOrganizationsRootCredentialsManagement DisableOrganizationsRootSessions \
     DisableOutboundWebIdentityFederation EnableMFADevice EnableOrganizationsRootCredentialsManagement \
     EnableOrganizationsRootSessions EnableOutboundWebIdentityFederation GenerateCredentialReport \
     GenerateOrganizationsAccessReport GenerateServiceLastAccessedDetails GetAccessKeyLastUsed \
     GetAccountAuthorizationDetails GetAccountPasswordPolicy GetAccountProperties GetAccountSummary \
     GetContextKeysForCustomPolicy GetContextKeysForPrincipalPolicy GetCredentialReport GetDelegationRequest GetGroup \
     GetGroupPolicy GetHumanReadableSummary GetInstanceProfile GetLoginProfile GetMFADevice GetOpenIDConnectProvider \
     GetOrganizationsAccessReport GetOutboundWebIdentityFederationInfo GetPolicy GetPolicyVersion GetRole \
     GetRolePolicy GetRoleTemplateVersion GetSAMLProvider GetSSHPublicKey GetServerCertificate \
     GetServiceLastAccessedDetails GetServiceLastAccessedDetailsWithEntities GetServiceLinkedRoleDeletionStatus \
     GetUser GetUserPolicy ListAccessKeys ListAccountAliases ListAttachedGroupPolicies ListAttachedRolePolicies \
     ListAttachedUserPolicies ListDelegationRequests ListEntitiesForPolicy ListGroupPolicies ListGroups \
     ListGroupsForUser ListInstanceProfileTags ListInstanceProfiles ListInstanceProfilesForRole ListMFADeviceTags \
     ListMFADevices ListOpenIDConnectProviderTags ListOpenIDConnectProviders ListOrganizationsFeatures ListPolicies \
     ListPoliciesGrantingServiceAccess ListPolicyTags ListPolicyVersions ListRolePolicies ListRoleTags ListRoles \
     ListSAMLProviderTags ListSAMLProviders ListSSHPublicKeys ListServerCertificateTags ListServerCertificates \
     ListServiceSpecificCredentials ListSigningCertificates ListUserPolicies ListUserTags ListUsers \
     ListVirtualMFADevices PassRole PutAccountProperties PutGroupPolicy PutRolePermissionsBoundary PutRolePolicy \
     PutUserPermissionsBoundary PutUserPolicy RejectDelegationRequest RemoveClientIDFromOpenIDConnectProvider \
     RemoveRoleFromInstanceProfile RemoveUserFromGroup ResetServiceSpecificCredential ResyncMFADevice \
     SendDelegationToken SetDefaultPolicyVersion SetSecurityTokenServicePreferences SimulateCustomPolicy \
     SimulatePrincipalPolicy TagInstanceProfile TagMFADevice TagOpenIDConnectProvider TagPolicy TagRole \
     TagSAMLProvider TagServerCertificate TagUser UntagInstanceProfile UntagMFADevice UntagOpenIDConnectProvider \
     UntagPolicy UntagRole UntagSAMLProvider UntagServerCertificate UntagUser UpdateAccessKey \
     UpdateAccountPasswordPolicy UpdateAssumeRolePolicy UpdateDelegationRequest UpdateGroup UpdateLoginProfile \
     UpdateOpenIDConnectProviderThumbprint UpdateRole UpdateRoleDescription UpdateSAMLProvider UpdateSSHPublicKey \
     UpdateServerCertificate UpdateServiceSpecificCredential UpdateSigningCertificate UpdateUser UploadSSHPublicKey \
     UploadServerCertificate UploadSigningCertificate";
/// Every action of STS.
const OF_STS: &str = "\
     AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity AssumeRoot DecodeAuthorizationMessage GetAccessKeyInfo \
     GetCallerIdentity GetDelegatedAccessToken GetFederationToken GetServiceBearerToken GetSessionToken \
     GetWebIdentityToken SetContext SetSourceIdentity TagGetWebIdentityToken TagSession";

/// Well-known actions of other services, those first that a thief would take: a wildcard is shown as one of them.
const OF_OTHERS: [&str; 96] = [
    "ec2:RunInstances",
    "secretsmanager:GetSecretValue",
    "s3:GetObject",
    "ssm:GetParameter",
    "kms:Decrypt",
    "lambda:InvokeFunction",
    "lambda:CreateFunction",
    "lambda:UpdateFunctionCode",
    "dynamodb:GetItem",
    "rds:CreateDBSnapshot",
    "ssm:SendCommand",
    "ssm:StartSession",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:ListAllMyBuckets",
    "s3:ListBucket",
    "s3:PutBucketPolicy",
    "ec2:DescribeInstances",
    "ec2:TerminateInstances",
    "ec2:StopInstances",
    "ec2:StartInstances",
    "ec2:CreateSnapshot",
    "ec2:AssociateIamInstanceProfile",
    "secretsmanager:ListSecrets",
    "ssm:GetParameters",
    "ssm:DescribeParameters",
    "kms:Encrypt",
    "kms:ListKeys",
    "kms:ScheduleKeyDeletion",
    "lambda:ListFunctions",
    "lambda:GetFunction",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:PutItem",
    "dynamodb:DeleteTable",
    "dynamodb:ListTables",
    "rds:DescribeDBInstances",
    "rds:DeleteDBInstance",
    "cloudformation:CreateStack",
    "cloudformation:DescribeStacks",
    "cloudformation:DeleteStack",
    "cloudtrail:StopLogging",
    "cloudtrail:DeleteTrail",
    "cloudtrail:LookupEvents",
    "cloudtrail:DescribeTrails",
    "cloudwatch:ListMetrics",
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    "logs:FilterLogEvents",
    "logs:DescribeLogGroups",
    "logs:DeleteLogGroup",
    "logs:PutLogEvents",
    "sqs:SendMessage",
    "sqs:ReceiveMessage",
    "sqs:ListQueues",
    "sqs:DeleteQueue",
    "sns:Publish",
    "sns:ListTopics",
    "sns:Subscribe",
    "ecr:GetAuthorizationToken",
    "ecr:BatchGetImage",
    "ecr:PutImage",
    "ecr:DescribeRepositories",
    "ecs:RunTask",
    "ecs:ListClusters",
    "ecs:ExecuteCommand",
    "eks:DescribeCluster",
    "eks:ListClusters",
    "route53:ChangeResourceRecordSets",
    "route53:ListHostedZones",
    "cloudfront:CreateInvalidation",
    "cloudfront:ListDistributions",
    "autoscaling:CreateAutoScalingGroup",
    "autoscaling:DescribeAutoScalingGroups",
    "elasticloadbalancing:DescribeLoadBalancers",
    "athena:StartQueryExecution",
    "glue:GetTables",
    "glue:CreateJob",
    "sagemaker:CreateNotebookInstance",
    "codebuild:StartBuild",
    "codecommit:GitPull",
    "codepipeline:StartPipelineExecution",
    "states:StartExecution",
    "events:PutRule",
    "kinesis:GetRecords",
    "kinesis:PutRecord",
    "firehose:PutRecord",
    "es:ESHttpGet",
    "elasticache:DescribeCacheClusters",
    "redshift:GetClusterCredentials",
    "organizations:ListAccounts",
    "organizations:LeaveOrganization",
    "account:GetContactInformation",
    "billing:GetBillingData",
    "ce:GetCostAndUsage",
    "guardduty:DeleteDetector",
];

/// All of them, as `service:Name`; of the thefts first.
pub(super) fn known() -> impl Iterator<Item = String> {
    let of = |service: &'static str, names: &'static str| {
        names.split_whitespace().map(move |name| format!("{service}:{name}"))
    };
    of("iam", OF_IAM).chain(of("sts", OF_STS)).chain(OF_OTHERS.into_iter().map(str::to_owned))
}

/// How far an action may be left without MFA.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Leave {
    /// Users without a device need it, the console's pages read it, or no policy decides it.
    Open,
    /// So for the own user; on another one it is a theft.
    OwnUser,
    /// It is for the trust policies of the roles.
    Role,
    /// It changes a password that is known.
    Password,
    /// A virtual device that is nobody's.
    SpareDevice,
    /// It takes MFA.
    Never,
}

/// What enrolling takes, and what the console's own pages read meanwhile in the forms that AWS has published.
const OPEN: [&str; 14] = [
    "iam:createvirtualmfadevice",
    "iam:listmfadevices",
    "iam:listvirtualmfadevices",
    "iam:getuser",
    "iam:getmfadevice",
    "iam:listusers",
    "iam:getaccountsummary",
    "iam:getaccountpasswordpolicy",
    "iam:listaccountaliases",
    "iam:listaccesskeys",
    "iam:listsshpublickeys",
    "iam:listservicespecificcredentials",
    "sts:getsessiontoken",
    "sts:getcalleridentity",
];

impl Leave {
    /// Of an action in lower case.
    pub(super) fn of(action: &str) -> Self {
        match action {
            _ if OPEN.contains(&action) => Self::Open,
            "iam:enablemfadevice" | "iam:resyncmfadevice" => Self::OwnUser,
            "sts:assumerole" => Self::Role,
            "iam:changepassword" => Self::Password,
            "iam:deletevirtualmfadevice" => Self::SpareDevice,
            _ => Self::Never,
        }
    }
}

/// Are there actions of IAM or STS that all these patterns cover, and may each of them be left without MFA in some way?
/// Then what else they cover are names that there are not.
pub(super) fn are_of_enrolling(patterns: &[&str]) -> bool {
    let is_covered = |(action, _): &&(String, Leave)| patterns.iter().all(|pattern| matches_action(pattern, action));
    let mut covered = OWN.iter().filter(is_covered).peekable();
    covered.peek().is_some()
        && covered.all(|(_, leave)| matches!(leave, Leave::Open | Leave::OwnUser | Leave::SpareDevice))
}

/// The actions of IAM and STS, and how far each may be left without MFA.
static OWN: LazyLock<Vec<(String, Leave)>> = LazyLock::new(|| {
    let names = known().map(|name| name.to_ascii_lowercase());
    let own = names.filter(|name| name.starts_with("iam:") || name.starts_with("sts:"));
    own.map(|name| (name.clone(), Leave::of(&name))).collect()
});

/// What the holder of a stolen key or password does with it.
const THEFTS: [(&str, &str); 29] = [
    ("iam:AttachUserPolicy", "it attaches any policy to the own user"),
    ("iam:PutUserPolicy", "it writes any policy into the own user"),
    ("iam:DetachUserPolicy", "it takes the policy that asks for MFA off the user"),
    ("iam:DeleteUserPolicy", "it deletes the user's policy that asks for MFA"),
    ("iam:RemoveUserFromGroup", "it leaves the group whose policy asks for MFA"),
    ("iam:AddUserToGroup", "it joins a group that may do more"),
    ("iam:AttachGroupPolicy", "it attaches any policy to a group of the user"),
    ("iam:PutGroupPolicy", "it writes any policy into a group of the user"),
    ("iam:DetachGroupPolicy", "it takes the policy that asks for MFA off the group"),
    ("iam:DeleteGroupPolicy", "it deletes the group's policy that asks for MFA"),
    ("iam:CreatePolicyVersion", "it rewrites a policy of the user, the one that asks for MFA as well"),
    ("iam:SetDefaultPolicyVersion", "it goes back to an older version of a policy, which may not ask for MFA"),
    ("iam:DeleteUserPermissionsBoundary", "it takes the permissions boundary off the user"),
    ("iam:PutUserPermissionsBoundary", "it replaces the user's permissions boundary"),
    ("iam:UpdateLoginProfile", "it sets a new password without the old one"),
    ("iam:CreateLoginProfile", "it gives a user a password"),
    ("iam:DeactivateMFADevice", "it takes the device from a user, after which another one can be enrolled"),
    ("iam:CreateAccessKey", "it makes another access key, which outlives the stolen one"),
    ("iam:CreateServiceSpecificCredential", "it makes credentials that outlive the stolen ones"),
    ("iam:UploadSSHPublicKey", "it adds a key that outlives the stolen one"),
    ("iam:UpdateAssumeRolePolicy", "it lets itself into any role"),
    ("iam:CreateRole", "it makes a role that it may assume"),
    ("iam:AttachRolePolicy", "it attaches any policy to a role"),
    ("iam:PutRolePolicy", "it writes any policy into a role"),
    ("iam:CreateUser", "it makes a user of its own"),
    ("iam:PassRole", "it hands a role to a machine or a function, and works with it there"),
    (
        "iam:ChangePassword",
        "it takes the old password: a thief who has a key alone cannot use it, one who has the password can",
    ),
    ("sts:AssumeRole", "it assumes the roles that do not ask for MFA themselves"),
    ("sts:GetFederationToken", "it makes credentials that outlive the stolen ones"),
];

/// What a theft comes to, in a sentence.
pub(in crate::policy) fn theft(action: &str) -> Option<&'static str> {
    THEFTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(action)).map(|(_, what)| *what)
}

/// Which of several requests is shown: the worst theft, then what there is, then what is made up.
pub(super) fn rank(action: &str, is_known: bool) -> usize {
    let theft = THEFTS.iter().position(|(name, _)| name.eq_ignore_ascii_case(action));
    let other = || OF_OTHERS.iter().position(|name| name.eq_ignore_ascii_case(action)).map(|at| THEFTS.len() + at);
    let rest = THEFTS.len() + OF_OTHERS.len();
    theft.or_else(other).unwrap_or(if is_known { rest } else { rest + 1 })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Leave, OPEN, THEFTS, are_of_enrolling, known};

    #[test]
    fn every_name_is_one_that_there_is() {
        let all: HashSet<String> = known().map(|action| action.to_ascii_lowercase()).collect();
        assert_eq!(all.len(), known().count());
        for action in OPEN.into_iter().chain(THEFTS.iter().map(|(action, _)| *action)) {
            assert!(all.contains(&action.to_ascii_lowercase()), "{action}");
        }
        for (action, _) in THEFTS {
            assert!(
                matches!(Leave::of(&action.to_ascii_lowercase()), Leave::Never | Leave::Role | Leave::Password),
                "{action}"
            );
        }
    }

    #[test]
    fn wildcards_that_cover_enrolling_and_nothing_else() {
        for (pattern, is) in [
            ("iam:List*MFADevices", true),
            ("iam:resync?fadevice", true),
            ("iam:*VirtualMFADevice*", true),
            ("iam:*MFADevice*", false),
            ("iam:Get*", false),
            ("iam:NoSuch*", false),
            ("*", false),
            ("sts:*", false),
            ("sts:GetS*", false),
            ("sts:*SessionToken", true),
            ("s3:List*", false),
        ] {
            assert_eq!(are_of_enrolling(&[pattern]), is, "{pattern}");
        }
        assert!(are_of_enrolling(&["iam:*", "iam:C*", "iam:*MFADevice*"]));
        assert!(!are_of_enrolling(&["iam:*", "iam:D*", "iam:*MFADevice*"]));
    }
}
