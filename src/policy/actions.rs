//! Names of real actions, so that examples are familiar to the reader: the most used actions of the services that
//! policies name most often.
//!
//! The list is not complete, and no verdict depends on it.

use super::evaluate::matches_action;

/// By service, with the preferred examples first.
const KNOWN: &[(&str, &str)] = &[
    (
        "s3",
        "GetObject PutObject ListBucket ListAllMyBuckets DeleteObject CreateBucket DeleteBucket GetBucketPolicy \
         PutBucketPolicy HeadBucket AbortMultipartUpload",
    ),
    (
        "ec2",
        "DescribeInstances RunInstances StartInstances StopInstances TerminateInstances RebootInstances \
         CreateSecurityGroup AuthorizeSecurityGroupIngress AttachVolume ModifyInstanceAttribute GetConsoleOutput \
         DeleteVolume",
    ),
    ("secretsmanager", "GetSecretValue ListSecrets DescribeSecret PutSecretValue CreateSecret DeleteSecret"),
    ("ssm", "GetParameter GetParameters PutParameter StartSession SendCommand DescribeParameters ListDocuments"),
    ("kms", "Decrypt Encrypt GenerateDataKey DescribeKey ListKeys CreateKey PutKeyPolicy ScheduleKeyDeletion"),
    ("dynamodb", "GetItem PutItem Query Scan UpdateItem DeleteItem DescribeTable ListTables CreateTable"),
    ("lambda", "InvokeFunction CreateFunction UpdateFunctionCode GetFunction ListFunctions DeleteFunction"),
    ("sqs", "SendMessage ReceiveMessage DeleteMessage GetQueueUrl ListQueues CreateQueue"),
    ("sns", "Publish Subscribe ListTopics GetTopicAttributes CreateTopic"),
    ("logs", "GetLogEvents FilterLogEvents DescribeLogGroups PutLogEvents CreateLogGroup StartQuery"),
    ("cloudwatch", "GetMetricData ListMetrics PutMetricData DescribeAlarms PutMetricAlarm"),
    ("rds", "DescribeDBInstances CreateDBInstance DeleteDBInstance ModifyDBInstance StartDBInstance"),
    ("cloudformation", "DescribeStacks CreateStack UpdateStack DeleteStack ListStacks GetTemplate"),
    ("ecs", "RunTask ListClusters DescribeServices UpdateService ExecuteCommand"),
    ("ecr", "GetAuthorizationToken BatchGetImage PutImage DescribeRepositories ListImages"),
    ("eks", "DescribeCluster ListClusters CreateCluster UpdateClusterConfig"),
    ("route53", "ListHostedZones ChangeResourceRecordSets GetHostedZone"),
    ("cloudfront", "ListDistributions CreateInvalidation GetDistribution UpdateDistribution"),
    ("apigateway", "GET POST PUT PATCH DELETE"),
    ("cloudtrail", "LookupEvents DescribeTrails StopLogging GetTrailStatus ListTrails"),
    ("elasticloadbalancing", "DescribeLoadBalancers CreateLoadBalancer RegisterTargets"),
    ("autoscaling", "DescribeAutoScalingGroups UpdateAutoScalingGroup SetDesiredCapacity"),
    ("athena", "StartQueryExecution GetQueryResults ListWorkGroups"),
    ("glue", "GetTable StartJobRun CreateJob ListJobs"),
    ("states", "StartExecution ListStateMachines DescribeExecution GetExecutionHistory"),
    ("events", "PutEvents PutRule ListRules DescribeRule"),
    ("codebuild", "StartBuild BatchGetBuilds ListProjects UpdateProject"),
    ("codecommit", "GitPull GitPush ListRepositories GetRepository"),
    ("codepipeline", "StartPipelineExecution GetPipeline ListPipelines"),
    ("bedrock", "InvokeModel ListFoundationModels GetFoundationModel"),
    ("sagemaker", "InvokeEndpoint CreateNotebookInstance ListModels DescribeEndpoint"),
    ("redshift", "DescribeClusters GetClusterCredentials CreateCluster"),
    ("kinesis", "PutRecord GetRecords ListStreams DescribeStream"),
    ("organizations", "DescribeOrganization ListAccounts AttachPolicy CreateAccount LeaveOrganization"),
    ("account", "GetContactInformation ListRegions EnableRegion PutContactInformation CloseAccount"),
    ("ce", "GetCostAndUsage ListCostAllocationTags DescribeReport"),
    ("support", "CreateCase DescribeCases"),
    ("ses", "SendEmail ListIdentities GetSendQuota"),
    (
        "iam",
        "GetUser ListUsers CreateAccessKey ListAccessKeys CreateUser AttachUserPolicy PutUserPolicy \
         CreateLoginProfile UpdateLoginProfile ChangePassword AddUserToGroup RemoveUserFromGroup DetachUserPolicy \
         DeleteUserPolicy CreatePolicyVersion SetDefaultPolicyVersion UpdateAssumeRolePolicy PassRole \
         CreateVirtualMFADevice EnableMFADevice DeactivateMFADevice DeleteVirtualMFADevice ListMFADevices \
         ResyncMFADevice GetMFADevice ListVirtualMFADevices GetAccountSummary GetAccountPasswordPolicy TagUser \
         UploadSSHPublicKey SimulatePrincipalPolicy GenerateCredentialReport",
    ),
    ("sts", "AssumeRole GetCallerIdentity GetSessionToken GetFederationToken DecodeAuthorizationMessage TagSession"),
];

/// A real action that the pattern matches, if one is known.
pub fn example(pattern: &str) -> Option<String> {
    let names = |(service, names): &(&str, &'static str)| {
        let service = (*service).to_owned();
        names.split(' ').filter(|name| !name.is_empty()).map(move |name| format!("{service}:{name}"))
    };
    KNOWN.iter().flat_map(|of| names(of)).find(|action| matches_action(pattern, action))
}

#[cfg(test)]
mod tests {
    use super::example;

    #[test]
    fn an_example_is_a_real_action_and_an_unknown_pattern_has_none() {
        for (pattern, action) in [
            ("s3:*", Some("s3:GetObject")),
            ("S3:list*", Some("s3:ListBucket")),
            ("s3:Put?bject", Some("s3:PutObject")),
            ("*", Some("s3:GetObject")),
            ("iam:C*", Some("iam:CreateAccessKey")),
            ("i?m:*", Some("iam:GetUser")),
            ("sqs:Send*", Some("sqs:SendMessage")),
            ("apigateway:*", Some("apigateway:GET")),
            ("example:*", None),
            ("s3:Nothing*", None),
        ] {
            assert_eq!(example(pattern).as_deref(), action, "{pattern}");
        }
    }
}
