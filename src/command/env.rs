//! `mfa-cred PROFILE`, `mfa-cred env PROFILE`: statements that set the credentials in the calling shell.

use std::io::IsTerminal;

use super::{Done, session, write_stdout};
use crate::cache::MinTtl;
use crate::cli::EnvArgs;
use crate::error::Error;
use crate::host::Host;
use crate::output::Format;
use crate::settings::Settings;

pub(super) fn run(args: EnvArgs, settings: &Settings, host: &Host<'_>) -> Result<Done, Error> {
    let signed = session::sign_in(args.profile, &args.obtain, MinTtl::PERSON, settings, host)?;
    session::note_use(&signed.plan.profile, settings, host);
    let done = write_stdout(format(args.format, host).render(&signed.export(host))?.expose())?;
    if std::io::stdout().is_terminal() {
        // Last, where it is not scrolled away.
        settings.talk.warn("the credentials are on your screen; a shell takes them with `eval $(mfa-cred PROFILE)`");
    }
    Ok(done)
}

/// The format that was asked for, else that of the shell that runs us, else of `$SHELL`, else posix.
pub(super) fn format(asked: Option<Format>, host: &Host<'_>) -> Format {
    let parent = || Format::of_shell(&(host.parent)()?);
    let shell = || Format::of_shell(&host.env.var("SHELL")?);
    asked.or_else(parent).or_else(shell).unwrap_or(Format::Posix)
}
