//! Signs a person in to IAM Identity Center: with the browser of this machine, or with a code on any device.

use std::cell::OnceCell;

use crate::browser::Browser;
use crate::cache::MinTtl;
use crate::cli::SignInArgs;
use crate::command::context::Context;
use crate::error::Error;
use crate::host::{Env, TerminalError};
use crate::os::events::Signals;
use crate::plan::{Base, Plan, SsoSession};
use crate::secret::Credentials;
use crate::settings::{ObtainOptions, SettingsError};
use crate::sso::file::TokenFile;
use crate::sso::login::{Login, LoginError, PATIENCE};
use crate::sso::oidc::{AwsOidc, Flow};
use crate::sso::turn::{Needs, SignIn, TurnError};
use crate::sso::vanity;

/// Signs in, unless another process just does, or there is such a token already.
pub(in crate::command) fn sign_in(
    session: &SsoSession,
    (how, args): (&ObtainOptions, SignInArgs),
    needs: Needs,
    context: &Context<'_>,
) -> Result<(), Error> {
    let Context { settings, host, .. } = context;
    let home = host.folders.home.as_deref().ok_or(SettingsError::NoHome)?;
    let failed = |why| Error::SsoSignIn { session: Box::new(session.clone()), why };
    let browser = browser(args, host.env);
    // Without a terminal and a browser nobody sees the address, unless it was asked for.
    let is_seen = host.terminal.is_there() || browser.is_some() || args.no_browser || args.use_device_code;
    if !how.may_prompt || !is_seen {
        return Err(failed(TurnError::NobodyToAsk));
    }
    let told = Signals::to_end();
    // Whoever looks again must find it again.
    let arrived = OnceCell::new();
    let signal = || {
        if let Some(signal) = told.as_ref().and_then(Signals::take) {
            let _ = arrived.set(signal);
        }
        arrived.get().copied().map(TerminalError::Signal)
    };
    let gives_up = || signal().or_else(|| host.terminal.gives_up());
    let is_canceled = || gives_up().is_some();
    let say = |line: &str| {
        if host.terminal.is_there() {
            host.terminal.tell(line);
        } else {
            settings.messages.note(line);
        }
    };
    let clock = context.clock();
    let ask = || {
        let oidc = AwsOidc::connect(&session.oidc, settings.limits, &clock).map_err(LoginError::Register)?;
        let oidc = oidc.until(&is_canceled);
        let start_url = vanity::resolved(session, settings.limits, &clock, &is_canceled);
        let login = Login {
            session,
            start_url: &start_url,
            oidc: &oidc,
            home,
            clock: host.clock,
            browser: browser.as_ref(),
            say: &say,
            gives_up: &gives_up,
            patience: PATIENCE,
        };
        match login.token(flow(session, args, browser.as_ref())) {
            // A sandbox may forbid it; a code needs no port.
            Err(LoginError::Port(_)) => login.token(Flow::DeviceCode),
            token => token,
        }
    };
    let file = TokenFile::of(home, session);
    let folder = context.folder();
    let turn = SignIn { session, file: &file, folder, clock: host.clock, gives_up: &gives_up, say: &say };
    turn.run(needs, &ask).map_err(failed)?;
    // The token is saved, but nothing else is to happen.
    signal().map_or(Ok(()), |why| Err(failed(LoginError::Terminal(why).into())))
}

/// The credentials of a profile. Where they need a person to sign in first, the person is asked to.
pub(in crate::command) fn obtain(
    context: &Context<'_>,
    plan: &Plan,
    (how, args): (&ObtainOptions, SignInArgs),
    usual: MinTtl,
) -> Result<Credentials, Error> {
    let obtained = || super::obtain(context, plan, how, usual);
    match (obtained(), &plan.base) {
        (Err(error), Base::Sso(role)) if how.may_prompt && error.needs_sign_in() => {
            // The token that is there, if any, is of no use.
            sign_in(&role.session, (how, args), Needs::New, context)?;
            obtained()
        }
        (result, _) => result,
    }
}

fn browser(args: SignInArgs, env: &dyn Env) -> Option<Browser> {
    if args.no_browser { None } else { Browser::of(env) }
}

/// The AWS CLI, too, confirms profiles in the older form with a code. So does a person without a browser here: the one
/// elsewhere could not come back to this machine.
fn flow(session: &SsoSession, args: SignInArgs, browser: Option<&Browser>) -> Flow {
    let has_browser = browser.is_some() || args.no_browser;
    if args.use_device_code || session.name.is_none() || !has_browser { Flow::DeviceCode } else { Flow::Browser }
}
