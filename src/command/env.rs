//! `mfa-cred PROFILE`, `mfa-cred env PROFILE`: statements that set the credentials in the calling shell.

use std::io::IsTerminal;

use super::{Done, session, write_stdout};
use crate::cache::MinTtl;
use crate::cli::EnvArgs;
use crate::error::Error;
use crate::host::Host;
use crate::output::{Export, Format};
use crate::settings::{Settings, variables};
use crate::talk::Talk;

pub(super) fn run(args: EnvArgs, settings: &Settings, host: &Host<'_>, talk: Talk) -> Result<Done, Error> {
    let how = settings.how(&args.obtain, host.env, host.files)?;
    let (profile, _) = Settings::profile(args.profile, host.env);
    let set = session::profiles(settings, host, talk)?;
    let plan = session::plan(&set, &profile, &how, host)?;
    let credentials = session::obtain(&set, &plan, &how, settings, host, talk, MinTtl::PERSON)?;
    let is_renewal = host.env.os(variables::PROFILE).is_some();
    let export = Export::of(&credentials, &profile, plan.region.as_ref(), is_renewal);
    let format = format(args.format, host);
    let done = write_stdout(format.render(&export).expose())?;
    if std::io::stdout().is_terminal() {
        // Last, where it is not scrolled away.
        talk.warn("the credentials are on your screen; a shell takes them with `eval $(mfa-cred PROFILE)`");
    }
    Ok(done)
}

/// The format that was asked for, else that of the shell that runs us, else of `$SHELL`, else posix.
pub(super) fn format(asked: Option<Format>, host: &Host<'_>) -> Format {
    let parent = || Format::of_shell(&(host.parent)()?);
    let shell = || Format::of_shell(&host.env.var("SHELL")?);
    asked.or_else(parent).or_else(shell).unwrap_or(Format::Posix)
}
