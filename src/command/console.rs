//! `mfa-cred console PROFILE [SERVICE|URL]`: the AWS console in the browser, signed in as the profile's role.
//!
//! The browser gets an address of this machine that sends it on once, since its command line is visible to every user.
//! Where no browser can be seen, the address is printed.

use std::time::{Duration, Instant};

use super::session::{self, Asks, Signed};
use super::{Done, write_stdout};
use crate::browser::handover::Handover;
use crate::browser::{Browser, Opening};
use crate::cache::MinTtl;
use crate::cli::ConsoleArgs;
use crate::command::choice;
use crate::command::context::Context;
use crate::console::destination::Destination;
use crate::console::token::Federation;
use crate::console::{ConsoleError, link, session_duration, sign_in_address};
use crate::error::Error;
use crate::host::TerminalError;
use crate::names::console::ConsoleService;
use crate::names::{AccountId, ProfileName};
use crate::os::events::Signals;
use crate::os::streams::require_stdout;
use crate::plan::{self, BaseKind, Plan, Service, SsoRole, Step};
use crate::screen::table;
use crate::secret::Secret;
use crate::settings::{Chosen, ObtainOptions, Settings};

/// How long the browser may take to start and to open the address.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two looks.
const TICK: Duration = Duration::from_millis(20);

/// A page, signed in.
struct Link {
    profile: ProfileName,
    address: Secret<String>,
    /// As whom, in words.
    who: String,
    /// Can anyone use it who has it?
    is_secret: bool,
}

pub(super) fn run(args: &ConsoleArgs, context: &Context<'_>) -> Result<Done, Error> {
    let browser = browser(args, context)?;
    if browser.is_none() {
        require_stdout().map_err(Error::Output)?;
    }
    let how = context.how(&args.target.obtain)?;
    let context = &context.attended_as(&how);
    let profile = choice::profile(args.target.profile.clone(), &how, context)?;
    let about = |error: Error| error.about(&profile);
    let link = link(&profile, args, &how, context).map_err(|error| service_as_profile(error, args, context));
    let link = link.map_err(about)?;
    choice::note(&profile, context);
    match browser {
        Some(browser) => open(link, &browser, context).map_err(about),
        None => print(&link, args.print, context),
    }
}

/// The browser, if one is to be opened.
fn browser(args: &ConsoleArgs, context: &Context<'_>) -> Result<Option<Browser>, Error> {
    match &args.browser {
        _ if args.print => Ok(None),
        Some(command) => Ok(Some(Browser::named(command).ok_or(ConsoleError::Command)?)),
        None => Ok(Browser::of(context.host.env)),
    }
}

fn link(profile: &ProfileName, args: &ConsoleArgs, how: &ObtainOptions, context: &Context<'_>) -> Result<Link, Error> {
    let plan = context.plan(profile, how).map_err(|error| session::device::ways_out(error, profile, context))?;
    let service = plan.console(context.profiles()?, context.ambient())?;
    let destination = |words| destination(words, &service, context);
    if let [.., Step::RoleCredentials(role)] = plan.steps.given(false) {
        // The start page knows the console's home.
        let page = args.page.as_deref().map(|words| destination(Some(words))).transpose()?;
        return of_start_page(profile, role, args.logout_first, page.as_ref());
    }
    let destination = destination(args.page.as_deref())?;
    if plan.base.kind() == BaseKind::LongTerm && plan.steps.given(true).iter().all(|step| step.role().is_none()) {
        return Err(ConsoleError::NoRole { profile: profile.clone(), other: role_of(profile, context)? }.into());
    }
    let sign_in = sign_in_address(&service)?;
    let signed = session::sign_in(Some(profile.clone()), &args.target.obtain, MinTtl::SDK, Asks::ForSignIn, context)?;
    let clock = context.clock();
    let federation = Federation { service: &service, limits: context.settings.limits, clock: &clock };
    let issued = {
        let _waiting = context.settings.messages.waiting("waiting for AWS to issue a sign-in token");
        federation.token(&signed.credentials, session_duration(&signed.plan))?
    };
    let mut address = link::login(&sign_in, &destination, &issued.token);
    if args.logout_first {
        address = link::logout_first(&sign_in, &address);
    }
    let left = signed.credentials.expiration.map(|end| table::left(end, context.now(&signed.plan)));
    let left = issued.duration.map(|it| it.to_string()).or(left);
    let who = who(&signed) + &left.map(|left| format!(", for {left}")).unwrap_or_default();
    Ok(Link { profile: profile.clone(), address, who, is_secret: true })
}

/// An unknown profile that is named like a service was meant as one.
fn service_as_profile(error: Error, args: &ConsoleArgs, context: &Context<'_>) -> Error {
    let word =
        error.missing_profile().filter(|word| args.page.is_none() && args.target.profile.as_ref() == Some(*word));
    let service = word.and_then(|word| ConsoleService::find(word.as_str()));
    match service {
        Some(service) => {
            let (profile, chosen) = Settings::profile(None, context.host.env);
            let profile = Some(profile).filter(|_| chosen != Chosen::Default);
            ConsoleError::ServiceAsProfile { service: service.name(), profile }.into()
        }
        None => error,
    }
}

fn destination(words: Option<&str>, service: &Service, context: &Context<'_>) -> Result<Destination, Error> {
    let found = Destination::of(words, service.partition, &service.region).map_err(|error| match error {
        ConsoleError::NoConsole { partition, .. } => {
            ConsoleError::NoConsole { partition, sign_in: sign_in_address(service).ok() }
        }
        error => error,
    })?;
    if let Some(word) = words.filter(|_| found.is_unknown) {
        let near = ConsoleService::nearest(word).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        context.settings.messages.warn(&format!("`{word}` is not a service in the list, and is used as it is{near}"));
    }
    Ok(found)
}

/// No credentials are obtained for this: the start page signs the browser in.
fn of_start_page(
    profile: &ProfileName,
    role: &SsoRole,
    logout_first: bool,
    destination: Option<&Destination>,
) -> Result<Link, Error> {
    if logout_first {
        return Err(ConsoleError::LogoutOfStartPage.into());
    }
    let address = link::of_start_page(role, destination)?;
    let who = format!("{} by the start page of IAM Identity Center", role_in_words(&role.role, &role.account));
    Ok(Link { profile: profile.clone(), address, who, is_secret: false })
}

fn role_in_words(name: &str, account: &AccountId) -> String {
    format!("as role `{name}` in account {}", account.as_str())
}

/// Whose session it is. Where only AWS knows, the words name the profile.
fn who(signed: &Signed) -> String {
    let Plan { steps, profile, .. } = &signed.plan;
    let role = steps.given(false).last().and_then(Step::role);
    role.map_or_else(
        || format!("with the session of profile `{profile}`"),
        |(name, account)| role_in_words(name, account),
    )
}

/// A profile whose role is assumed with this profile's credentials.
fn role_of(profile: &ProfileName, context: &Context<'_>) -> Result<Option<ProfileName>, Error> {
    let set = context.profiles()?;
    let is_below = |name: &&str| {
        let is_it = |source: crate::profile::Profile<'_>| source.name() == profile.as_str();
        let has_role = set.get(name).is_some_and(|found| found.filled("role_arn").is_some());
        has_role && plan::sources(set, name).into_iter().skip(1).any(is_it)
    };
    Ok(set.names().find(is_below).and_then(ProfileName::new))
}

fn print(link: &Link, is_wanted: bool, context: &Context<'_>) -> Result<Done, Error> {
    let messages = context.settings.messages;
    let Link { profile, who, .. } = link;
    if !is_wanted {
        messages.note(&format!("{profile}: there is no browser here: open this address in yours"));
    }
    if link.is_secret {
        messages.warn(&format!(
            "for 15 minutes, this address signs in anyone who has it to the AWS console, {who}: keep it to yourself"
        ));
    }
    write_stdout(Secret::concat(&[link.address.expose(), "\n"]).expose())
}

fn open(link: Link, browser: &Browser, context: &Context<'_>) -> Result<Done, Error> {
    let Link { profile, address, who, .. } = link;
    let messages = context.settings.messages;
    let mut handover = Handover::of(address).map_err(ConsoleError::Port)?;
    let mut opening = browser.open_for(profile.as_str(), &handover.url());
    let waiting = messages.waiting("waiting for your browser to open the AWS console");
    wait(&mut handover, &mut opening, context)?;
    drop(waiting);
    messages.note(&format!("{profile}: opened the AWS console {who}"));
    Ok(Done::Well)
}

/// Waits until the browser has been sent on.
fn wait(handover: &mut Handover, opening: &mut Opening<'_>, context: &Context<'_>) -> Result<(), ConsoleError> {
    let host = &context.host;
    let told = Signals::to_end();
    let signal = || told.as_ref().and_then(Signals::take).map(TerminalError::Signal);
    let start = Instant::now();
    while !handover.poll() {
        if let Some(why) = signal().or_else(|| host.terminal.gives_up()) {
            return Err(ConsoleError::Terminal(why));
        }
        if opening.has_failed() {
            return Err(ConsoleError::NoBrowser);
        }
        if start.elapsed() >= PATIENCE {
            return Err(ConsoleError::NotOpened(PATIENCE));
        }
        host.clock.sleep(TICK);
    }
    Ok(())
}
