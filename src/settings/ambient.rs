//! AWS's own environment variables, and the keys in them.

use std::path::PathBuf;

use crate::host::Env;
use crate::names::moment;
use crate::names::variables;
use crate::plan::{Ambient, AmbientKeys, AmbientToken};
use crate::secret::{Credentials, Secret};
use crate::settings::Settings;

/// When the keys in the environment expire.
const EXPIRATION: &str = variables::aws::CREDENTIAL_EXPIRATION;

/// The values of AWS's own environment variables.
pub fn ambient(env: &dyn Env) -> Ambient {
    let keys = env.var(variables::aws::ACCESS_KEY_ID).filter(|_| env.os(variables::aws::SECRET_ACCESS_KEY).is_some());
    let token =
        [variables::aws::SESSION_TOKEN, variables::aws::SECURITY_TOKEN].into_iter().find_map(|name| env.os(name));
    let region = |name: &'static str| Some((name, env.var(name)?));
    Ambient {
        keys: keys.map(|access_key_id| AmbientKeys { access_key_id, is_session: token.is_some() }),
        expiration: env.var(EXPIRATION),
        account: env.var(variables::aws::ACCOUNT_ID),
        held: held(env),
        regions: [variables::aws::REGION, variables::aws::DEFAULT_REGION].into_iter().filter_map(region).collect(),
        exported_region: env.var(variables::EXPORTED_REGION),
        web_identity: env
            .os(variables::aws::WEB_IDENTITY_TOKEN_FILE)
            .map(|file| AmbientToken { file: file.into(), role: env.var(variables::aws::ROLE_ARN) }),
        session_name: env.var(variables::aws::ROLE_SESSION_NAME),
        endpoint_url_sts: env.var(variables::aws::ENDPOINT_URL_STS),
        endpoint_url_iam: env.var(variables::aws::ENDPOINT_URL_IAM),
        endpoint_url_sso: env.var(variables::aws::ENDPOINT_URL_SSO),
        endpoint_url_sso_oidc: env.var(variables::aws::ENDPOINT_URL_SSO_OIDC),
        endpoint_url_signin: env.var(variables::aws::ENDPOINT_URL_SIGNIN),
        endpoint_url: env.var(variables::aws::ENDPOINT_URL),
        ignore_endpoint_urls: env.var(variables::aws::IGNORE_CONFIGURED_ENDPOINT_URLS),
        use_fips: env.var(variables::aws::USE_FIPS_ENDPOINT),
        use_dualstack: env.var(variables::aws::USE_DUALSTACK_ENDPOINT),
        ca_bundle: env.os(variables::aws::CA_BUNDLE).map(PathBuf::from),
        // In the SDKs' order.
        container: [variables::aws::CONTAINER_CREDENTIALS_RELATIVE_URI, variables::aws::CONTAINER_CREDENTIALS_FULL_URI]
            .into_iter()
            .find_map(|name| Some((name, env.var(name)?))),
        instance: env.var(variables::aws::EC2_METADATA_SERVICE_ENDPOINT),
        instance_mode: env.var(variables::aws::EC2_METADATA_SERVICE_ENDPOINT_MODE),
    }
}

/// What an earlier `env` exported. Its keys are no input, whatever the name is.
fn held(env: &dyn Env) -> Option<String> {
    let held = env.os(variables::PROFILE).map(|held| held.to_string_lossy().into_owned());
    held.filter(|_| env.os(variables::EXPORTED_PROFILE).is_none() || Settings::held(env).is_some())
}

/// The keys in the environment, for the base that consists of them.
pub fn ambient_credentials(env: &dyn Env) -> Option<Credentials> {
    Some(Credentials {
        access_key_id: env.var(variables::aws::ACCESS_KEY_ID)?,
        secret_access_key: Secret::new(env.var(variables::aws::SECRET_ACCESS_KEY)?),
        session_token: env
            .var(variables::aws::SESSION_TOKEN)
            .or_else(|| env.var(variables::aws::SECURITY_TOKEN))
            .map(Secret::new),
        expiration: env.var(EXPIRATION).and_then(|end| moment(&end)),
        account: None,
    })
}
