//! `mfa-cred process PROFILE`: the `credential_process` JSON for an SDK.

use crate::command::context::Context;
use std::time::Duration;

use std::io::{self, IsTerminal};

use super::session::{self, Asks, Signed};
use super::{Done, write_stdout};
use crate::cache::MinTtl;
use crate::cli::ProfileArgs;
use crate::error::Error;
use crate::host::{Impatient, Terminal};
use crate::os::streams::require_stdout;
use crate::output::process_json;

/// How long to wait for a person. SDKs give the program one minute; after that nobody would receive the credentials,
/// and the code would be wasted.
const PATIENCE: Duration = Duration::from_secs(50);

pub(super) fn run(args: ProfileArgs, context: &Context<'_>) -> Result<Done, Error> {
    require_stdout().map_err(Error::Output)?;
    let terminal = Impatient::new(context.host.terminal, PATIENCE);
    let dialog = context.dialog().map(|dialog| Impatient::new(dialog, PATIENCE));
    let context = context.at(&terminal, dialog.as_ref().map(|dialog| dialog as &dyn Terminal));
    let signed = session::sign_in(args.profile, &args.obtain, MinTtl::SDK, Asks::ForCodes, &context)?;
    let done = print(&signed)?;
    if io::stdout().is_terminal() {
        // A person who runs `process` on a terminal gets the output. SDKs read a pipe.
        context.settings.messages.warn("the credentials are on your screen and in its scrollback");
    }
    Ok(done)
}

pub(super) fn print(signed: &Signed) -> Result<Done, Error> {
    write_stdout(process_json(&signed.credentials).expose())
}
