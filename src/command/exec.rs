//! `mfa-cred exec PROFILE -- CMD…`: becomes CMD, with the credentials in its environment.

mod server;

use crate::command::choice;
use crate::command::context::Context;
use crate::names::variables;
use crate::os::processes::USUAL_SHELL;
use std::ffi::{OsStr, OsString};
use std::io;
use std::process::Command;

use super::Done;
use super::session::{self, Asks};
use crate::cache::MinTtl;
use crate::cli::ProfileArgs;
use crate::error::Error;
use crate::exit::ExitCode;
use crate::host::Host;
use crate::messages::printable;
use crate::output::Export;

/// Variables that would make an SDK ignore the credentials that it is given.
const OVERRIDING: [&str; 5] = [
    variables::aws::PROFILE,
    variables::aws::DEFAULT_PROFILE,
    variables::aws::SECURITY_TOKEN,
    variables::aws::ROLE_ARN,
    variables::aws::WEB_IDENTITY_TOKEN_FILE,
];
const OVERRIDING_PREFIX: &str = variables::aws::CONTAINER_PREFIX;

pub(super) fn run(args: ProfileArgs, command: Vec<OsString>, context: &Context<'_>) -> Result<Done, Error> {
    let host = &context.host;
    let signed = session::sign_in(args.profile, &args.obtain, MinTtl::PERSON, Asks::ForSignIn, context)?;
    choice::note(&signed.plan.profile, context);
    let export = signed.export(host);

    let child = dressed(command, &export, host);
    let program = child.get_program().to_owned();
    match (host.become_command)(child) {
        Ok(code) => Ok(Done::Verdict(ExitCode::OfCommand(code))),
        Err(error) => Err(not_started(&program, &error)),
    }
}

pub(super) use server::run as serving;

/// The command, or the user's shell, with the export in its environment and nothing that would override it.
fn dressed(command: Vec<OsString>, export: &Export, host: &Host<'_>) -> Command {
    let mut words = command.into_iter();
    let usual_shell = || host.env.os("SHELL").unwrap_or_else(|| OsString::from(USUAL_SHELL));
    let mut child = Command::new(words.next().unwrap_or_else(usual_shell));
    child.args(words);
    for name in OVERRIDING {
        child.env_remove(name);
    }
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(OVERRIDING_PREFIX)) {
        child.env_remove(name);
    }
    for (name, value) in export.iter() {
        match value {
            Some(value) => child.env(name, value.expose()),
            None => child.env_remove(name),
        };
    }
    child
}

fn not_started(program: &OsStr, error: &io::Error) -> Error {
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    Error::Exec { program: printable(&program.to_string_lossy()), is_missing }
}
