//! `mfa-cred __renew`: what the hooks of `init --auto-renew` run when the credentials of their shell are about to expire.
//!
//! In: the variable that `env` exported with the credentials. Out: statements that replace the credentials, and nothing
//! else, or nothing: the region and the profile may have been changed since. It stands between a person and the command
//! that they typed, so it asks nobody, starts no program that may ask, prints no message, and gives up after three seconds.

use std::time::Duration;

use super::context::Context;
use super::session::{self, Signed};
use super::{Done, write_stdout};
use crate::cache::{self, MinTtl};
use crate::cli::{self, Args, Global, RenewArgs, Verb};
use crate::error::Error;
use crate::exit::{Ending, ExitCode};
use crate::host::{Host, NoTerminal};
use crate::messages::{Level, Messages};
use crate::names::variables;
use crate::output::Renewal;
use crate::settings::{Chosen, Limits, Settings};

/// For everything together.
const PATIENCE: Duration = Duration::from_secs(3);
/// Ends a command earlier, so that it can be killed with all that it started.
const SHORTER: Duration = Duration::from_secs(2);

pub(super) fn run(args: &RenewArgs, global: &Global, host: &Host<'_>) -> Result<Done, Error> {
    (host.end_within)(PATIENCE);
    let code = match renew(args, global, host) {
        Ok(Some(done)) => return Ok(done),
        Ok(None) => ExitCode::Failed,
        Err(error) => match error.ending() {
            Ending::Exit(code) => code,
            Ending::Signal(_) => return Err(error),
        },
    };
    Ok(Done::Verdict(code))
}

/// `None` if this shell holds something else than was exported.
fn renew(args: &RenewArgs, global: &Global, host: &Host<'_>) -> Result<Option<Done>, Error> {
    let variable = |name| host.env.var(name);
    let Some(renewal) = variable(variables::RENEWAL).and_then(|text| text.parse::<Renewal>().ok()) else {
        return Ok(None);
    };
    let words = ["mfa-cred", "env", "--no-prompt"].into_iter().map(str::to_owned).chain(renewal.options);
    let Ok(Args { verb: Verb::Env(env), .. }) = cli::parse(words.map(Into::into)) else { return Ok(None) };
    let (profile, Chosen::Held) = Settings::profile(None, host.env) else { return Ok(None) };
    if variable(variables::aws::ACCESS_KEY_ID).as_ref() != Some(&renewal.key) {
        return Ok(None);
    }
    let settings = hurried(Settings::resolve(global, host.env, host.files, &host.folders)?);
    let context = Context::new(&settings, Host { terminal: &NoTerminal, ..host.clone() });
    let how = context.how(&env.obtain)?;
    let mut plan = context.plan(&profile, &how)?;
    // The profile may have been changed, or is read from other files.
    if cache::identity(&plan) != renewal.identity {
        return Ok(None);
    }
    // It may ask for a touch or a password.
    plan.mfa_process = None;
    let credentials = session::obtain(&context, &plan, &how, MinTtl::RENEWAL)?;
    let signed = Signed { plan, credentials, request: Some(how.request) };
    write_stdout(args.format.render(&signed.renewed())?.expose()).map(Some)
}

/// Settings under which nothing is said, and nothing is waited for.
fn hurried(mut settings: Settings) -> Settings {
    let Limits { connect, attempt, call, provider } = settings.limits;
    settings.limits = Limits {
        connect: connect.min(PATIENCE),
        attempt: attempt.min(PATIENCE),
        call: call.min(PATIENCE),
        provider: provider.min(SHORTER),
    };
    settings.messages = Messages::new(Level::Error, Some(false));
    (settings.mfa_process, settings.unlock_process, settings.dialog) = (None, None, None);
    settings
}
