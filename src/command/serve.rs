//! `mfa-cred serve PROFILE…`: an endpoint from which SDKs read credentials, until it is told to end.
//!
//! The person is asked at the start, and never again: the terminal belongs to whoever looks at it. After that, what can
//! be renewed without a person is renewed; for the rest, requests get an error that names `mfa-cred login`, and as soon as
//! that was run, in any terminal, they get credentials.

use std::ffi::OsString;
use std::io::{self, IsTerminal};

use jiff::Timestamp;

use super::context::Context;
use super::{Done, choice, session, write_stdout};
use crate::cache::MinTtl;
use crate::cli::{Obtain, ServeArgs, SignInArgs};
use crate::error::Error;
use crate::messages::{ours, with_causes};
use crate::names::variables;
use crate::names::{Lifetime, ProfileName};
use crate::os::events::{HAS_MEETINGS, Origin, Signals};
use crate::output::{Export, Format};
use crate::plan::Plan;
use crate::serve::{self, Beacon, Gate, Guest, Renewals, ServeError, Server, Source, Token, announced, path_of};
use crate::settings::{ObtainOptions, Settings};
use crate::state::Recall;

pub(super) fn run(args: ServeArgs, context: &Context<'_>) -> Result<Done, Error> {
    let how = context.how(&args.obtain)?;
    let context = &context.attended_as(&how);
    if let Some(format) = args.print_env {
        return print(args.profiles, format, &how, context);
    }
    let named = if args.profiles.is_empty() { vec![None] } else { args.profiles.into_iter().map(Some).collect() };
    let named = named.into_iter().map(|name| choice::profile(name, &how, context));
    let profiles = named.collect::<Result<Vec<_>, _>>()?;
    serve::check_names(&profiles)?;
    let plans = plans(&profiles, &how, context)?;
    let token = match &args.token_file {
        Some(path) => Token::in_file(path, context.host.files)?,
        None => Token::random()?,
    };
    // Before anybody is asked for a code.
    let listener = match args.port {
        Some(port) => serve::bind(port)?,
        None => serve::inherited()?.map_or_else(|| serve::bind(0), Ok)?,
    };
    let port = listener.local_addr().map_err(ServeError::Failed)?.port();
    let gate = Gate::new(port, &args.allowed_hosts, token, profiles);
    let messages = context.settings.messages;
    let beacon = context.folder().and_then(|folder| {
        let failed = |error: &io::Error| messages.warn(&format!("`--print-env` will not find this server: {error}"));
        HAS_MEETINGS.then(|| Beacon::light(folder, port).inspect_err(failed).ok())?
    });
    let source = World { plans: &plans, context };
    let renewals = renewals(&args.obtain, context)?;
    let mut server = Server::new(listener, gate, least(&how), renewals, &source)?.found_by(beacon);
    stock(&mut server, &plans, &how, context)?;
    for plan in &plans {
        let profile = &plan.profile;
        messages.note(&format!("serving `{profile}` at http://127.0.0.1:{port}{}", path_of(profile)));
    }
    if let [plan, ..] = &plans[..] {
        let print = ours("serve --print-env posix", Some(&plan.profile));
        messages.note(&format!("variables for another shell: {print}"));
        messages.note("Ctrl-C ends this server");
    }
    server.run(&mut UntilTold(Signals::to_end()))?;
    Ok(Done::Well)
}

/// Ends with the first signal that ends programs.
struct UntilTold(Option<Signals>);

impl Guest for UntilTold {
    type End = ();

    fn events(&self) -> Option<Origin<'_>> {
        self.0.as_ref().map(Signals::origin)
    }

    fn over(&mut self) -> Option<()> {
        self.0.as_ref().and_then(Signals::take).map(|_| ())
    }
}

/// The clocks of the endpoints that the plans call, and what was taken back in the state folder.
pub(super) struct World<'a> {
    pub(super) plans: &'a [Plan],
    pub(super) context: &'a Context<'a>,
}

impl Source for World<'_> {
    fn now(&self, profile: usize) -> Timestamp {
        self.context.now(&self.plans[profile])
    }

    fn recall(&self) -> Recall {
        self.context.folder().map(Recall::last).unwrap_or_default()
    }
}

/// The plans of the profiles, in the same order.
pub(super) fn plans(profiles: &[ProfileName], how: &ObtainOptions, context: &Context<'_>) -> Result<Vec<Plan>, Error> {
    let plan = |profile: &ProfileName| {
        let plan = context.plan(profile, how).map_err(|error| session::device::ways_out(error, profile, context));
        plan.map_err(|error| error.about(profile))
    };
    profiles.iter().map(plan).collect()
}

/// Credentials with less time left are renewed.
pub(super) fn least(how: &ObtainOptions) -> Lifetime {
    how.min_ttl.unwrap_or(MinTtl::SDK.least())
}

/// `mfa-cred process` with the same options, which asks nobody.
pub(super) fn renewals(options: &Obtain, context: &Context<'_>) -> Result<Renewals, Error> {
    let Settings { config_file, credentials_file, store, .. } = context.settings;
    let program = (context.host.program)().map_err(Error::Program)?;
    let variables = vec![
        (variables::CONFIG_FILE, config_file.clone().into_os_string()),
        (variables::CREDENTIALS_FILE, credentials_file.clone().into_os_string()),
        (variables::STORE, OsString::from(store.as_str())),
        (variables::NO_PROMPT, "1".into()),
        (variables::COLOR, "never".into()),
        (variables::LOG, "error".into()),
    ];
    Ok(Renewals::new(program, options.words(), variables).map_err(ServeError::Failed)?)
}

/// Signs in to the profiles. If nobody is there to ask, the server starts all the same: it may start before the network or
/// the person is there.
fn stock(server: &mut Server<'_>, plans: &[Plan], how: &ObtainOptions, context: &Context<'_>) -> Result<(), Error> {
    let messages = context.settings.messages;
    for (n, plan) in plans.iter().enumerate() {
        let profile = &plan.profile;
        match session::sso::obtain(context, plan, (how, SignInArgs::default()), MinTtl::SDK) {
            Ok(found) if found.session_token.is_none() || found.expiration.is_none() => {
                return Err(ServeError::Endless(profile.clone()).into());
            }
            Ok(found) => {
                choice::note(profile, context);
                server.stock(n, &found);
            }
            Err(error) if context.host.terminal.is_there() => return Err(error.about(profile)),
            Err(error) => {
                let error = error.about(profile);
                messages.warn(&format!("{profile}: {}", with_causes(&error)));
                if let Some(hint) = error.hint() {
                    messages.hint(&hint);
                }
            }
        }
    }
    Ok(())
}

/// `--print-env`
fn print(
    mut named: Vec<ProfileName>,
    format: Format,
    how: &ObtainOptions,
    context: &Context<'_>,
) -> Result<Done, Error> {
    let servers = announced(&context.open_folder()?)?;
    let profile = match (named.pop(), &servers[..]) {
        (Some(profile), _) => profile,
        // There is no doubt which one is meant.
        (None, [server]) if server.profiles().len() == 1 => server.profiles()[0].clone(),
        (None, _) => choice::profile(None, how, context)?,
    };
    let server = servers.iter().find(|server| server.serves(&profile));
    let server = server.ok_or_else(|| ServeError::NotRunning(profile.clone()))?;
    // It served the profile when it started, whatever became of the files.
    let region = context.plan(&profile, how).ok().and_then(|plan| plan.region);
    let export = Export::of_endpoint(&server.url(&profile), server.token().expose(), region.as_ref());
    let done = write_stdout(format.render(&export)?.expose())?;
    if io::stdout().is_terminal() {
        context.settings.messages.warn("the token of the server is on your screen and in its scrollback");
    }
    Ok(done)
}
