//! The services of the AWS console: the names that people type for them, and the pages where they begin.
//!
//! The pages are those that the console is known to link to, without its domain, which differs by partition. Nothing here
//! can try them: a page that has moved is the console's to report.

/// A service of the console.
#[derive(Debug)]
pub struct ConsoleService {
    /// What it is called here, and the usual short names; separated by blanks, the main one first.
    names: &'static str,
    /// The path of its first page, and the part after `#` if there is one.
    page: &'static str,
    /// AWS's name for it.
    pub title: &'static str,
    /// Is it the same in every region?
    pub is_global: bool,
}

const fn regional(names: &'static str, page: &'static str, title: &'static str) -> ConsoleService {
    ConsoleService { names, page, title, is_global: false }
}

const fn global(names: &'static str, page: &'static str, title: &'static str) -> ConsoleService {
    ConsoleService { names, page, title, is_global: true }
}

/// In the order of their main names.
const SERVICES: &[ConsoleService] = &[
    regional("access-analyzer accessanalyzer", "access-analyzer/home", "IAM Access Analyzer"),
    global("account", "billing/home#/account", "Account settings"),
    regional("acm certificates certificate-manager", "acm/home", "Certificate Manager"),
    regional("acm-pca pca private-ca", "acm-pca/home", "Private Certificate Authority"),
    regional("alarms", "cloudwatch/home#alarmsV2:", "CloudWatch alarms"),
    regional("ami amis", "ec2/home#Images:", "EC2 images"),
    regional("amplify", "amplify/home", "Amplify"),
    regional("apigateway apigw api-gateway", "apigateway/home", "API Gateway"),
    regional("appconfig", "systems-manager/appconfig", "AppConfig"),
    regional("apprunner app-runner", "apprunner/home", "App Runner"),
    regional("appsync", "appsync/home", "AppSync"),
    regional("athena", "athena/home", "Athena"),
    regional("auditmanager audit-manager", "auditmanager/home", "Audit Manager"),
    regional("autoscaling asg", "ec2/home#AutoScalingGroups:", "EC2 Auto Scaling groups"),
    regional("backup", "backup/home", "Backup"),
    regional("batch", "batch/home", "Batch"),
    regional("bedrock", "bedrock/home", "Bedrock"),
    global("billing bill bills", "billing/home", "Billing"),
    global("budgets", "billing/home#/budgets", "Budgets"),
    regional("cloudformation cfn stacks", "cloudformation/home", "CloudFormation"),
    global("cloudfront cf cdn", "cloudfront/v4/home", "CloudFront"),
    regional("cloudmap cloud-map servicediscovery", "cloudmap/home", "Cloud Map"),
    regional("cloudshell shell", "cloudshell/home", "CloudShell"),
    regional("cloudtrail trail ct", "cloudtrail/home", "CloudTrail"),
    regional("cloudwatch cw", "cloudwatch/home", "CloudWatch"),
    regional("codeartifact", "codesuite/codeartifact/home", "CodeArtifact"),
    regional("codebuild cb", "codesuite/codebuild/home", "CodeBuild"),
    regional("codecommit", "codesuite/codecommit/home", "CodeCommit"),
    regional("codedeploy", "codesuite/codedeploy/home", "CodeDeploy"),
    regional("codepipeline", "codesuite/codepipeline/home", "CodePipeline"),
    regional("cognito", "cognito/v2/home", "Cognito"),
    regional("comprehend", "comprehend/home", "Comprehend"),
    regional("compute-optimizer", "compute-optimizer/home", "Compute Optimizer"),
    regional("config awsconfig", "config/home", "Config"),
    regional("connect", "connect/home", "Connect"),
    regional("controltower control-tower", "controltower/home", "Control Tower"),
    global("cost-explorer ce cost costs", "cost-management/home", "Cost Explorer"),
    regional("datasync", "datasync/home", "DataSync"),
    regional("detective", "detective/home", "Detective"),
    regional("directconnect direct-connect dx", "directconnect/v2/home", "Direct Connect"),
    regional("directoryservice ds", "directoryservicev2/home", "Directory Service"),
    regional("dms", "dms/v2/home", "Database Migration Service"),
    regional("docdb documentdb", "docdb/home", "DocumentDB"),
    regional("dynamodb ddb", "dynamodbv2/home", "DynamoDB"),
    regional("ebs volumes", "ec2/home#Volumes:", "EC2 volumes"),
    regional("ec2", "ec2/home", "EC2"),
    regional("ecr", "ecr/home", "Elastic Container Registry"),
    regional("ecs", "ecs/v2/home", "Elastic Container Service"),
    regional("efs", "efs/home", "Elastic File System"),
    regional("eks", "eks/home", "Elastic Kubernetes Service"),
    regional("elasticache redis", "elasticache/home", "ElastiCache"),
    regional("elasticbeanstalk beanstalk eb", "elasticbeanstalk/home", "Elastic Beanstalk"),
    regional("elb alb nlb loadbalancers", "ec2/home#LoadBalancers:", "EC2 load balancers"),
    regional("emr", "emr/home", "EMR"),
    regional("eventbridge events", "events/home", "EventBridge"),
    regional("firehose", "firehose/home", "Data Firehose"),
    regional("fsx", "fsx/home", "FSx"),
    global("globalaccelerator global-accelerator ga", "globalaccelerator/home", "Global Accelerator"),
    regional("glue", "glue/home", "Glue"),
    regional("grafana", "grafana/home", "Managed Grafana"),
    regional("guardduty gd", "guardduty/home", "GuardDuty"),
    global("health phd", "health/home", "Health Dashboard"),
    global("iam", "iam/home", "Identity and Access Management"),
    regional("identity-center sso identitycenter", "singlesignon/home", "IAM Identity Center"),
    regional("imagebuilder image-builder", "imagebuilder/home", "EC2 Image Builder"),
    regional("inspector", "inspector/v2/home", "Inspector"),
    regional("iot", "iot/home", "IoT Core"),
    regional("keyspaces cassandra", "keyspaces/home", "Keyspaces"),
    regional("kinesis", "kinesis/home", "Kinesis"),
    regional("kms", "kms/home", "Key Management Service"),
    regional("lakeformation lake-formation", "lakeformation/home", "Lake Formation"),
    regional("lambda", "lambda/home", "Lambda"),
    regional("lex", "lexv2/home", "Lex"),
    regional("license-manager", "license-manager/home", "License Manager"),
    regional("logs cwl cloudwatch-logs", "cloudwatch/home#logsV2:log-groups", "CloudWatch Logs"),
    regional("macie", "macie/home", "Macie"),
    regional("mediaconvert", "mediaconvert/home", "MediaConvert"),
    regional("memorydb", "memorydb/home", "MemoryDB"),
    regional("mq amazonmq activemq rabbitmq", "amazon-mq/home", "MQ"),
    regional("msk kafka", "msk/home", "Managed Streaming for Kafka"),
    regional("mwaa airflow", "mwaa/home", "Managed Workflows for Apache Airflow"),
    regional("neptune", "neptune/home", "Neptune"),
    regional("opensearch es elasticsearch", "aos/home", "OpenSearch Service"),
    global("organizations org orgs", "organizations/v2/home", "Organizations"),
    regional("parameter-store parameters", "systems-manager/parameters", "Systems Manager Parameter Store"),
    regional("pinpoint", "pinpoint/home", "Pinpoint"),
    regional("polly", "polly/home", "Polly"),
    regional("prometheus amp", "prometheus/home", "Managed Service for Prometheus"),
    regional("quotas servicequotas service-quotas", "servicequotas/home", "Service Quotas"),
    regional("ram", "ram/home", "Resource Access Manager"),
    regional("rds aurora", "rds/home", "RDS"),
    regional("redshift", "redshiftv2/home", "Redshift"),
    regional("rekognition", "rekognition/home", "Rekognition"),
    regional("resource-explorer", "resource-explorer/home", "Resource Explorer"),
    regional("resource-groups tag-editor", "resource-groups/home", "Resource Groups"),
    global("route53 r53 dns", "route53/v2/home", "Route 53"),
    regional("s3 buckets", "s3/home", "S3"),
    regional("sagemaker", "sagemaker/home", "SageMaker"),
    regional("scheduler", "scheduler/home", "EventBridge Scheduler"),
    regional("secretsmanager secrets sm", "secretsmanager/home", "Secrets Manager"),
    regional("securityhub security-hub", "securityhub/home", "Security Hub"),
    regional("servicecatalog service-catalog sc", "servicecatalog/home", "Service Catalog"),
    regional("ses", "ses/home", "Simple Email Service"),
    regional("session-manager sessions", "systems-manager/session-manager", "Systems Manager Session Manager"),
    regional("sg security-groups", "ec2/home#SecurityGroups:", "EC2 security groups"),
    global("shield", "wafv2/shieldv2", "Shield"),
    regional("sns", "sns/v3/home", "Simple Notification Service"),
    regional("sqs", "sqs/v3/home", "Simple Queue Service"),
    regional("ssm systems-manager", "systems-manager/home", "Systems Manager"),
    regional("stepfunctions sfn states step-functions", "states/home", "Step Functions"),
    regional("storagegateway storage-gateway sgw", "storagegateway/home", "Storage Gateway"),
    global("support", "support/home", "Support"),
    regional("textract", "textract/home", "Textract"),
    regional("timestream", "timestream/home", "Timestream"),
    regional("transcribe", "transcribe/home", "Transcribe"),
    regional("transfer sftp", "transfer/home", "Transfer Family"),
    regional("transit-gateway tgw", "vpc/home#TransitGateways:", "VPC transit gateways"),
    regional("translate", "translate/home", "Translate"),
    global("trustedadvisor trusted-advisor ta", "trustedadvisor/home", "Trusted Advisor"),
    regional("vpc", "vpc/home", "VPC"),
    regional("vpn", "vpc/home#VpnConnections:", "VPC site-to-site VPN"),
    regional("waf wafv2", "wafv2/homev2", "WAF"),
    regional("workspaces", "workspaces/home", "WorkSpaces"),
    regional("xray x-ray traces", "cloudwatch/home#xray:traces", "X-Ray traces"),
];

impl ConsoleService {
    /// Every service, in the order of the names.
    pub fn all() -> &'static [Self] {
        SERVICES
    }

    /// The service that is called so, in any case.
    pub fn find(name: &str) -> Option<&'static Self> {
        let name = name.to_ascii_lowercase();
        SERVICES.iter().find(|service| service.names.split(' ').any(|known| known == name))
    }

    /// The name that is most like a mistyped one, if any is.
    pub fn nearest(name: &str) -> Option<&'static str> {
        let name = name.to_ascii_lowercase();
        let names = SERVICES.iter().flat_map(|service| service.names.split(' '));
        let scored = names.map(|known| (strsim::osa_distance(&name, known), known));
        let (distance, known) = scored.min_by_key(|(distance, _)| *distance)?;
        // Of a short name, two letters are half.
        (distance <= name.chars().count() / 3).then_some(known)
    }

    /// The main name.
    pub fn name(&self) -> &'static str {
        self.names.split(' ').next().unwrap_or_default()
    }

    /// The path of its first page, and the part that follows `#`, which may be empty.
    pub fn page(&self) -> (&'static str, &'static str) {
        self.page.split_once('#').unwrap_or((self.page, ""))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ConsoleService;

    #[test]
    fn every_name_means_one_service() {
        let all = ConsoleService::all();
        assert!(all.len() >= 100, "{}", all.len());
        let mut seen = BTreeSet::new();
        for service in all {
            for name in service.names.split(' ') {
                assert!(seen.insert(name), "{name} is there twice");
                let is_legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                assert!(!name.is_empty() && name.chars().all(is_legal), "{name}");
                assert_eq!(ConsoleService::find(&name.to_uppercase()).map(|it| it.title), Some(service.title));
            }
            let (path, _) = service.page();
            let is_legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-/".contains(c);
            assert!(path.chars().all(is_legal) && !path.starts_with('/') && !path.contains("//"), "{path}");
            assert!(service.title.len() <= 40, "{}", service.title);
        }
        assert!(all.is_sorted_by_key(ConsoleService::name));
    }

    #[test]
    fn a_mistyped_name_is_near_the_right_one() {
        for (name, near) in [
            ("lamda", Some("lambda")),
            ("dynamobd", Some("dynamodb")),
            ("cloudwacth", Some("cloudwatch")),
            ("s4", None),
            ("frobnicate", None),
        ] {
            assert_eq!(ConsoleService::nearest(name), near, "{name}");
        }
    }
}
