//! `mfa-cred PROFILE`, `mfa-cred env PROFILE`: statements that set the credentials in the calling shell.

use crate::command::choice;
use crate::command::context::Context;
use std::io::{self, IsTerminal};

use super::session::{self, Asks, Signed};
use super::{Done, write_stdout};
use crate::cache::MinTtl;
use crate::cli::EnvArgs;
use crate::error::Error;
use crate::host::Host;
use crate::os::streams::require_stdout;
use crate::os::{KIND, Kind};
use crate::output::Format;
use crate::settings::{Chosen, Settings};
use crate::shell::Shell;

pub(super) fn run(args: EnvArgs, context: &Context<'_>) -> Result<Done, Error> {
    require_stdout().map_err(Error::Output)?;
    let settings = context.settings;
    let is_on_screen = io::stdout().is_terminal();
    if is_on_screen && args.format.is_none() {
        return Err(untaken(args, context)?);
    }
    let signed = session::sign_in(args.profile, &args.obtain, MinTtl::PERSON, Asks::ForSignIn, context)?;
    let done = print(&signed, args.format, context)?;
    if is_on_screen {
        // Printed last, so that it stays visible.
        settings.messages.warn("the credentials are on your screen and in its scrollback");
    }
    Ok(done)
}

pub(super) fn print(signed: &Signed, asked: Option<Format>, context: &Context<'_>) -> Result<Done, Error> {
    choice::note(&signed.plan.profile, context);
    let host = &context.host;
    write_stdout(format(asked, host).render(&signed.export(host))?.expose())
}

/// A person who runs the command without `eval` wants the shell to evaluate its output. On a terminal, the credentials
/// would end up in the scrollback and in no variable. Errors about the profile come first.
pub(super) fn untaken(args: EnvArgs, context: &Context<'_>) -> Result<Error, Error> {
    let host = &context.host;
    let how = context.how(&args.obtain)?;
    context.profiles()?;
    let typed = args.profile.clone().filter(|name| name.as_str() != "-");
    let (profile, chosen) = Settings::profile(typed, host.env);
    let is_chosen = chosen != Chosen::Default && args.profile.as_ref().is_none_or(|name| name.as_str() != "-");
    if is_chosen {
        context.plan(&profile, &how)?;
    }
    Ok(Error::Untaken { profile: args.profile, is_by_name: args.as_profile, format: format(None, host) })
}

/// The requested format, else that of the calling shell, else of `$SHELL`, else that of the system's own shell.
pub(super) fn format(asked: Option<Format>, host: &Host<'_>) -> Format {
    let parent = || Shell::of_program(&(host.parent)()?);
    let shell = || Shell::of_program(&host.env.var("SHELL")?);
    let usual = if KIND == Kind::Windows { Shell::Cmd } else { Shell::Posix };
    asked.unwrap_or_else(|| Format::of(parent().or_else(shell).unwrap_or(usual)))
}
