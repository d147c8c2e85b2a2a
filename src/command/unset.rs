//! `mfa-cred unset`: statements that clear what `env` set.

use super::{Done, env, write_stdout};
use crate::error::Error;
use crate::host::Host;
use crate::names::variables;
use crate::output::{Export, Format};

pub(super) fn run(format: Option<Format>, host: &Host<'_>) -> Result<Done, Error> {
    let was_noted = host.env.os(variables::EXPORTED_REGION).is_some();
    let (earlier, current) = (host.env.var(variables::EXPORTED_PROFILE), host.env.var(variables::aws::PROFILE));
    let export =
        Export::clearing().noting_region(None, was_noted).forgetting_name(earlier.as_deref(), current.as_deref());
    let endpoint = host.env.var(variables::aws::CONTAINER_CREDENTIALS_FULL_URI);
    let export = export.forgetting_endpoint(endpoint.as_deref());
    // The shell goes on renewing what it gets next.
    let renews = host.env.os(variables::RENEWAL).is_some();
    let export = if renews { export.noting_renewal(None) } else { export };
    write_stdout(env::format(format, host).render(&export)?.expose())
}
