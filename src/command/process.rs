//! `mfa-cred process PROFILE`: the `credential_process` JSON for an SDK.

use std::time::Duration;

use std::io::{self, IsTerminal};

use super::{Done, session, write_stdout};
use crate::cache::MinTtl;
use crate::cli::ProfileArgs;
use crate::error::Error;
use crate::host::{Host, Impatient};
use crate::output::process_json;
use crate::settings::Settings;

/// For how long a person is waited for. SDKs give their programs a minute, and are gone then: nobody would get what a
/// code was spent on.
const PATIENCE: Duration = Duration::from_secs(50);

pub(super) fn run(args: ProfileArgs, settings: &Settings, host: &Host<'_>) -> Result<Done, Error> {
    let terminal = Impatient::new(host.terminal, PATIENCE);
    let host = &Host { terminal: &terminal, ..host.clone() };
    let signed = session::sign_in(args.profile, &args.obtain, MinTtl::SDK, settings, host)?;
    let done = write_stdout(process_json(&signed.credentials).expose())?;
    if io::stdout().is_terminal() {
        // Whoever asks for it by name gets it. SDKs read a pipe.
        settings.talk.warn("the credentials are on your screen, and in what can be scrolled back to");
    }
    Ok(done)
}
