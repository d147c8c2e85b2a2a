//! `mfa-cred process PROFILE`: the `credential_process` JSON for an SDK.

use crate::command::context::Context;
use std::time::Duration;

use std::io::{self, IsTerminal};

use super::{Done, session, write_stdout};
use crate::cache::MinTtl;
use crate::cli::ProfileArgs;
use crate::error::Error;
use crate::host::{Impatient, require_stdout};
use crate::output::process_json;

/// For how long a person is waited for. SDKs give their programs a minute, and are gone then: nobody would get what a
/// code was spent on.
const PATIENCE: Duration = Duration::from_secs(50);

pub(super) fn run(args: ProfileArgs, context: &Context<'_>) -> Result<Done, Error> {
    require_stdout().map_err(Error::Output)?;
    let terminal = Impatient::new(context.host.terminal, PATIENCE);
    let signed = session::sign_in(args.profile, &args.obtain, MinTtl::SDK, &context.at(&terminal))?;
    let done = write_stdout(process_json(&signed.credentials).expose())?;
    if io::stdout().is_terminal() {
        // Whoever asks for it by name gets it. SDKs read a pipe.
        context.settings.messages.warn("the credentials are on your screen, and in what can be scrolled back to");
    }
    Ok(done)
}
