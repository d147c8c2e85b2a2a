//! `mfa-cred process PROFILE`: the `credential_process` JSON for an SDK.

use super::{Done, session, write_stdout};
use crate::cache::MinTtl;
use crate::cli::ProfileArgs;
use crate::error::Error;
use crate::host::Host;
use crate::output::process_json;
use crate::settings::Settings;

pub(super) fn run(args: ProfileArgs, settings: &Settings, host: &Host<'_>) -> Result<Done, Error> {
    let signed = session::sign_in(args.profile, &args.obtain, MinTtl::SDK, settings, host)?;
    write_stdout(process_json(&signed.credentials).expose())
}
