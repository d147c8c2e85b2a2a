//! What is known about actions: the names of IAM and STS, a few familiar ones of other services, what may be allowed
//! without MFA, and what an attacker can do with the rest.

use std::sync::LazyLock;

use crate::policy::evaluate::matches_action;

/// Every action of IAM, from its SDK and its list of permissions.
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

/// Well-known actions of other services, those most useful to an attacker first: they stand for wildcards in examples.
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

/// All known actions, as `service:Name`, with the thefts first.
pub(super) fn known() -> impl Iterator<Item = String> {
    let of = |service: &'static str, names: &'static str| {
        names.split_whitespace().map(move |name| format!("{service}:{name}"))
    };
    of("iam", OF_IAM).chain(of("sts", OF_STS)).chain(OF_OTHERS.into_iter().map(str::to_owned))
}

/// Whether an action may be allowed without MFA.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Leave {
    /// Yes: users without a device need it, the console's pages read it, or no policy decides it.
    Open,
    /// Only on the user themselves; on another user it is a theft.
    OwnUser,
    /// The roles' trust policies decide.
    Role,
    /// It changes a password, given the old one.
    Password,
    /// It deletes an unassigned virtual device.
    SpareDevice,
    /// No: it requires MFA.
    Never,
}

/// What enrollment needs, and what the console's own pages read during it, as in the policies that AWS publishes.
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
    /// For an action in lower case.
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

/// Do the patterns all cover some actions of IAM or STS, and may each of those be allowed without MFA in some way? Then
/// any other name that they cover does not exist.
pub(super) fn are_of_enrolling(patterns: &[&str]) -> bool {
    let is_covered = |(action, _): &&(String, Leave)| patterns.iter().all(|pattern| matches_action(pattern, action));
    let mut covered = OWN.iter().filter(is_covered).peekable();
    covered.peek().is_some()
        && covered.all(|(_, leave)| matches!(leave, Leave::Open | Leave::OwnUser | Leave::SpareDevice))
}

/// The actions of IAM and STS, and whether each may be allowed without MFA.
static OWN: LazyLock<Vec<(String, Leave)>> = LazyLock::new(|| {
    let names = known().map(|name| name.to_ascii_lowercase());
    let own = names.filter(|name| name.starts_with("iam:") || name.starts_with("sts:"));
    own.map(|name| (name.clone(), Leave::of(&name))).collect()
});

/// What an attacker can do with a stolen key or password.
const THEFTS: [(&str, &str); 29] = [
    ("iam:AttachUserPolicy", "an attacker can attach any policy to the user"),
    ("iam:PutUserPolicy", "an attacker can put any inline policy on the user"),
    ("iam:DetachUserPolicy", "an attacker can detach the policy that requires MFA from the user"),
    ("iam:DeleteUserPolicy", "an attacker can delete the user's policy that requires MFA"),
    ("iam:RemoveUserFromGroup", "an attacker can leave the group whose policy requires MFA"),
    ("iam:AddUserToGroup", "an attacker can join a group with more permissions"),
    ("iam:AttachGroupPolicy", "an attacker can attach any policy to the user's group"),
    ("iam:PutGroupPolicy", "an attacker can put any inline policy on the user's group"),
    ("iam:DetachGroupPolicy", "an attacker can detach the policy that requires MFA from the group"),
    ("iam:DeleteGroupPolicy", "an attacker can delete the group's policy that requires MFA"),
    ("iam:CreatePolicyVersion", "an attacker can rewrite the user's policies, including the one that requires MFA"),
    ("iam:SetDefaultPolicyVersion", "an attacker can restore an older version of a policy, which may not require MFA"),
    ("iam:DeleteUserPermissionsBoundary", "an attacker can remove the user's permissions boundary"),
    ("iam:PutUserPermissionsBoundary", "an attacker can replace the user's permissions boundary"),
    ("iam:UpdateLoginProfile", "an attacker can set a new password without knowing the old one"),
    ("iam:CreateLoginProfile", "an attacker can give a user a password"),
    ("iam:DeactivateMFADevice", "an attacker can deactivate a user's device, and then enroll another one"),
    ("iam:CreateAccessKey", "an attacker can create another access key, which outlives the stolen one"),
    ("iam:CreateServiceSpecificCredential", "an attacker can create credentials that outlive the stolen ones"),
    ("iam:UploadSSHPublicKey", "an attacker can add a key that outlives the stolen one"),
    ("iam:UpdateAssumeRolePolicy", "an attacker can gain access to any role"),
    ("iam:CreateRole", "an attacker can create a role to assume"),
    ("iam:AttachRolePolicy", "an attacker can attach any policy to a role"),
    ("iam:PutRolePolicy", "an attacker can put any inline policy on a role"),
    ("iam:CreateUser", "an attacker can create another user"),
    ("iam:PassRole", "an attacker can pass a role to an instance or a function, and use it there"),
    (
        "iam:ChangePassword",
        "it needs the old password: an attacker with only a key cannot use it, one with the password can",
    ),
    ("sts:AssumeRole", "an attacker can assume the roles whose trust policies do not require MFA"),
    ("sts:GetFederationToken", "an attacker can create credentials that outlive the stolen ones"),
];

/// What an attacker can do with the action, in a phrase.
pub(in crate::policy) fn theft(action: &str) -> Option<&'static str> {
    THEFTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(action)).map(|(_, what)| *what)
}

/// Ranks example requests: the worst theft first, then actions that exist, then made-up ones.
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
    fn every_name_exists() {
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
