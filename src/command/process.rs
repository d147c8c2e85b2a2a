//! `mfa-cred process PROFILE`: the `credential_process` JSON for an SDK.

use super::{Done, session, write_stdout};
use crate::cache::MinTtl;
use crate::cli::ProfileArgs;
use crate::error::Error;
use crate::host::Host;
use crate::output::process_json;
use crate::settings::Settings;
use crate::talk::Talk;

pub(super) fn run(args: ProfileArgs, settings: &Settings, host: &Host<'_>, talk: Talk) -> Result<Done, Error> {
    let how = settings.how(&args.obtain, host.env, host.files)?;
    let (profile, _) = Settings::profile(args.profile, host.env);
    let set = session::profiles(settings, host, talk)?;
    let plan = session::plan(&set, &profile, &how, host)?;
    let credentials = session::obtain(&set, &plan, &how, settings, host, talk, MinTtl::SDK)?;
    write_stdout(process_json(&credentials).expose())
}
