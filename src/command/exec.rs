//! `mfa-cred exec PROFILE -- CMD…`: becomes CMD, with the credentials in its environment.

use crate::command::choice;
use crate::command::context::Context;
use crate::names::variables;
use std::ffi::OsString;
use std::process::Command;

use super::Done;
use super::session::{self, Asks};
use crate::cache::MinTtl;
use crate::cli::ProfileArgs;
use crate::error::Error;
use crate::exit::ExitCode;
use crate::messages::printable;

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

    let mut words = command.into_iter();
    let usual_shell =
        || host.env.os("SHELL").unwrap_or_else(|| OsString::from(if cfg!(windows) { "cmd" } else { "/bin/sh" }));
    let program = words.next().unwrap_or_else(usual_shell);
    let mut child = Command::new(&program);
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
    let error = (host.become_command)(child);
    match error {
        Ok(code) => Ok(Done::Verdict(ExitCode::OfCommand(code))),
        Err(error) => {
            let is_missing = error.kind() == std::io::ErrorKind::NotFound;
            Err(Error::Exec { program: printable(&program.to_string_lossy()), is_missing })
        }
    }
}
