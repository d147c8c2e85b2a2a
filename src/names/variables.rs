//! Every environment variable that this program reads or writes, defined once.

/// AWS's variables: <https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html>
#[allow(missing_docs, reason = "their names say what they are, and AWS documents them")]
pub mod aws {
    pub const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
    pub const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
    pub const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
    /// The old name of [`SESSION_TOKEN`].
    pub const SECURITY_TOKEN: &str = "AWS_SECURITY_TOKEN";
    /// The Go SDK, and version 1 of Java's, read these if [`ACCESS_KEY_ID`] and [`SECRET_ACCESS_KEY`] are not set.
    pub const ACCESS_KEY: &str = "AWS_ACCESS_KEY";
    pub const SECRET_KEY: &str = "AWS_SECRET_KEY";
    /// A file with keys, from EC2's first command-line tools, which boto3 and the AWS CLI still read.
    pub const CREDENTIAL_FILE: &str = "AWS_CREDENTIAL_FILE";
    /// When the credentials in the environment expire. The AWS CLI writes it, and botocore reads it.
    pub const CREDENTIAL_EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";
    /// The account ID, used for account-based endpoints.
    pub const ACCOUNT_ID: &str = "AWS_ACCOUNT_ID";
    pub const REGION: &str = "AWS_REGION";
    /// The AWS CLI and boto3 read this instead of [`REGION`].
    pub const DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";
    pub const PROFILE: &str = "AWS_PROFILE";
    /// The old name of [`PROFILE`], which the AWS CLI still reads.
    pub const DEFAULT_PROFILE: &str = "AWS_DEFAULT_PROFILE";
    pub const CONFIG_FILE: &str = "AWS_CONFIG_FILE";
    pub const SHARED_CREDENTIALS_FILE: &str = "AWS_SHARED_CREDENTIALS_FILE";
    pub const ROLE_ARN: &str = "AWS_ROLE_ARN";
    pub const ROLE_SESSION_NAME: &str = "AWS_ROLE_SESSION_NAME";
    pub const WEB_IDENTITY_TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
    /// The folder of the sessions of `aws login`.
    pub const LOGIN_CACHE_DIRECTORY: &str = "AWS_LOGIN_CACHE_DIRECTORY";
    pub const CONTAINER_CREDENTIALS_FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    pub const CONTAINER_CREDENTIALS_RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
    pub const CONTAINER_AUTHORIZATION_TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
    pub const CONTAINER_AUTHORIZATION_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
    pub const EC2_METADATA_SERVICE_ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
    pub const EC2_METADATA_SERVICE_ENDPOINT_MODE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
    pub const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
    pub const ENDPOINT_URL_STS: &str = "AWS_ENDPOINT_URL_STS";
    pub const ENDPOINT_URL_IAM: &str = "AWS_ENDPOINT_URL_IAM";
    pub const ENDPOINT_URL_SSO: &str = "AWS_ENDPOINT_URL_SSO";
    pub const ENDPOINT_URL_SSO_OIDC: &str = "AWS_ENDPOINT_URL_SSO_OIDC";
    pub const ENDPOINT_URL_SIGNIN: &str = "AWS_ENDPOINT_URL_SIGNIN";
    pub const IGNORE_CONFIGURED_ENDPOINT_URLS: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
    pub const USE_FIPS_ENDPOINT: &str = "AWS_USE_FIPS_ENDPOINT";
    pub const USE_DUALSTACK_ENDPOINT: &str = "AWS_USE_DUALSTACK_ENDPOINT";
    pub const CA_BUNDLE: &str = "AWS_CA_BUNDLE";
    /// The prefix of the variables through which SDKs in a container find their credentials.
    pub const CONTAINER_PREFIX: &str = "AWS_CONTAINER_";
}

/// AWSume's variables, which its users' prompts and scripts read.
pub mod awsume {
    /// The profile that the shell holds.
    pub const PROFILE: &str = "AWSUME_PROFILE";
    /// When the credentials expire, in AWSume's own format.
    pub const EXPIRATION: &str = "AWSUME_EXPIRATION";
}

// Our own variables are a closed list. None of them deletes anything or answers a question.

/// The prefix of all of our variables.
pub const PREFIX: &str = "MFA_CRED_";
/// Like `--region`.
pub const REGION: &str = "MFA_CRED_REGION";
/// Like `--duration`.
pub const DURATION: &str = "MFA_CRED_DURATION";
/// Like `--min-ttl`.
pub const MIN_TTL: &str = "MFA_CRED_MIN_TTL";
/// Like `--no-prompt`.
pub const NO_PROMPT: &str = "MFA_CRED_NO_PROMPT";
/// Like `--no-cache`.
pub const NO_CACHE: &str = "MFA_CRED_NO_CACHE";
/// Like `--store`.
pub const STORE: &str = "MFA_CRED_STORE";
/// Like `--config-file`.
pub const CONFIG_FILE: &str = "MFA_CRED_CONFIG_FILE";
/// Like `--credentials-file`.
pub const CREDENTIALS_FILE: &str = "MFA_CRED_CREDENTIALS_FILE";
/// Like `--color`.
pub const COLOR: &str = "MFA_CRED_COLOR";
/// `error`, `warn`, `info` or `debug`: the same as `-q`, no option, `-v` and `-vv`.
pub const LOG: &str = "MFA_CRED_LOG";
/// Output only: the profile that this shell holds.
pub const PROFILE: &str = "MFA_CRED_PROFILE";
/// Output only: the region that `env` exported, if neither the profile nor the user's own variables set it.
pub const EXPORTED_REGION: &str = "MFA_CRED_EXPORTED_REGION";
/// Output only: the profile that `env --as-profile` put into `AWS_PROFILE`.
pub const EXPORTED_PROFILE: &str = "MFA_CRED_EXPORTED_PROFILE";
/// Output only: when, and for which access key, a shell that renews its credentials does so. Exported where it is set,
/// if only to `-`, as `init --auto-renew` does.
pub const RENEWAL: &str = "MFA_CRED_RENEWAL";
/// How deeply our processes are nested, for example when a `credential_process` calls us again.
pub const DEPTH: &str = "MFA_CRED_DEPTH";
