//! What AWS's own variables say, and the keys that they hold.

use std::path::PathBuf;

use super::variables;
use crate::host::Env;
use crate::names::moment;
use crate::plan::{Ambient, AmbientKeys};
use crate::secret::{Credentials, Secret};

/// When the environment's keys end.
const EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";

/// What AWS's own variables say.
pub fn ambient(env: &dyn Env) -> Ambient {
    let keys = env.var("AWS_ACCESS_KEY_ID").filter(|_| env.os("AWS_SECRET_ACCESS_KEY").is_some());
    let token = ["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"].into_iter().find_map(|name| env.os(name));
    let region = |name: &'static str| Some((name, env.var(name)?));
    Ambient {
        keys: keys.map(|access_key_id| AmbientKeys { access_key_id, is_session: token.is_some() }),
        expiration: env.var(EXPIRATION),
        held: env.os(variables::PROFILE).map(|held| held.to_string_lossy().into_owned()),
        regions: ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().filter_map(region).collect(),
        session_name: env.var("AWS_ROLE_SESSION_NAME"),
        endpoint_url_sts: env.var("AWS_ENDPOINT_URL_STS"),
        endpoint_url_iam: env.var("AWS_ENDPOINT_URL_IAM"),
        endpoint_url: env.var("AWS_ENDPOINT_URL"),
        ignore_endpoint_urls: env.var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
        use_fips: env.var("AWS_USE_FIPS_ENDPOINT"),
        use_dualstack: env.var("AWS_USE_DUALSTACK_ENDPOINT"),
        ca_bundle: env.os("AWS_CA_BUNDLE").map(PathBuf::from),
        container: env
            .var("AWS_CONTAINER_CREDENTIALS_FULL_URI")
            .or_else(|| env.var("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")),
    }
}

/// The environment's keys, for the one base that is them.
pub fn ambient_credentials(env: &dyn Env) -> Option<Credentials> {
    Some(Credentials {
        access_key_id: env.var("AWS_ACCESS_KEY_ID")?,
        secret_access_key: Secret::new(env.var("AWS_SECRET_ACCESS_KEY")?),
        session_token: env.var("AWS_SESSION_TOKEN").or_else(|| env.var("AWS_SECURITY_TOKEN")).map(Secret::new),
        expiration: env.var(EXPIRATION).and_then(|end| moment(&end)),
        account: None,
    })
}
