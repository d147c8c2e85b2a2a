//! `mfa-cred exec --server PROFILE -- CMD…`: runs CMD and serves it the credentials for as long as it runs.
//!
//! This process stays, says nothing and asks nothing while CMD has the terminal. CMD gets the address of the endpoint and
//! its token in its environment, and no key. SDKs use an endpoint last, so whatever they would find before it is taken
//! out of the environment; and if `[default]` of the AWS files has credentials, the command is refused, because it would
//! work with those. Copies of the files without them would be no way out: they would hold the other profiles' keys, and
//! what CMD writes into them would be lost.

use std::ffi::OsString;
use std::path::PathBuf;

use super::super::Done;
use super::super::context::Context;
use super::super::serve::{World, least, plans, renewals};
use super::super::{choice, session};
use super::{dressed, not_started};
use crate::cache::MinTtl;
use crate::cli::{ProfileArgs, SignInArgs};
use crate::error::Error;
use crate::exit::ExitCode;
use crate::host::Terminal;
use crate::names::ProfileName;
use crate::names::variables;
use crate::os::events::{self, Origin};
use crate::os::files;
use crate::output::Export;
use crate::profile::ProfileSet;
use crate::serve::{self, Gate, Guest, ServeError, Server, Token, path_of};
use crate::terminal::Companion;

/// What gives a profile credentials. `sso_session` alone gives a token, and no credentials.
const GIVING: [&str; 6] = [
    "aws_access_key_id",
    "role_arn",
    "sso_account_id",
    "web_identity_token_file",
    "login_session",
    "credential_process",
];

/// Serves while the command runs, and ends as it does. `without_files`: it sees no AWS files.
pub(in crate::command) fn run(
    args: ProfileArgs,
    command: Vec<OsString>,
    without_files: bool,
    context: &Context<'_>,
) -> Result<Done, Error> {
    let how = context.how(&args.obtain)?;
    let context = &context.attended_as(&how);
    let profile = choice::profile(args.profile, &how, context)?;
    let about = |error: Error| error.about(&profile);
    serve::check_names(std::slice::from_ref(&profile))?;
    let plans = plans(std::slice::from_ref(&profile), &how, context)?;
    if !without_files {
        look_at_default(&profile, context)?;
    }
    // Before anybody is asked for a code.
    let listener = serve::bind(0)?;
    let port = listener.local_addr().map_err(ServeError::Failed)?.port();
    let token = Token::random()?;
    let url = format!("http://127.0.0.1:{port}{}", path_of(&profile));
    let export = Export::of_endpoint(&url, token.expose(), plans[0].region.as_ref());
    let gate = Gate::new(port, &[], token, vec![profile.clone()]);
    let source = World { plans: &plans, context };
    let mut server = Server::new(listener, gate, least(&how), renewals(&args.obtain, context)?, &source)?;
    let found = session::sso::obtain(context, &plans[0], (&how, SignInArgs::default()), MinTtl::SDK).map_err(about)?;
    if found.session_token.is_none() || found.expiration.is_none() {
        return Err(ServeError::Endless(profile).into());
    }
    choice::note(&profile, context);
    server.stock(0, &found);
    drop(found);

    let mut child = dressed(command, &export, &context.host);
    if without_files {
        child.env(variables::aws::CONFIG_FILE, files::EMPTY).env(variables::aws::SHARED_CREDENTIALS_FILE, files::EMPTY);
    }
    let companion = Companion::start(&mut child).map_err(|error| not_started(child.get_program(), &error))?;
    let code = server.run(&mut UntilEnded { companion, terminal: context.host.terminal })?;
    Ok(Done::Verdict(ExitCode::OfCommand(code)))
}

/// Ends with the command.
struct UntilEnded<'a> {
    companion: Companion,
    terminal: &'a dyn Terminal,
}

impl Guest for UntilEnded<'_> {
    type End = u8;

    fn events(&self) -> Option<Origin<'_>> {
        Some(events::origin(&self.companion))
    }

    fn over(&mut self) -> Option<u8> {
        self.companion.ended(&|| self.terminal.stop())
    }
}

/// Refuses if SDKs would find credentials in `[default]` of the files that the command will read, which need not be those
/// that we read. Files that cannot be read give it none.
fn look_at_default(profile: &ProfileName, context: &Context<'_>) -> Result<(), ServeError> {
    let host = &context.host;
    let file = |variable, name: &str| {
        let usual = || host.folders.home.as_ref().map(|home| home.join(".aws").join(name));
        host.env.os(variable).map(PathBuf::from).or_else(usual).unwrap_or_else(|| PathBuf::from(files::EMPTY))
    };
    let config = file(variables::aws::CONFIG_FILE, "config");
    let credentials = file(variables::aws::SHARED_CREDENTIALS_FILE, "credentials");
    let Ok(set) = ProfileSet::load(host.files, &config, &credentials) else { return Ok(()) };
    let found = set.get("default").and_then(|section| GIVING.iter().find_map(|key| section.filled(key)));
    match found {
        Some(found) => {
            Err(ServeError::Default { key: found.key().into_owned(), place: found.place(), profile: profile.clone() })
        }
        None => Ok(()),
    }
}
