//! What is answered without a question, a call or a message: the commands that shells and SDKs run all day, with a warm
//! cache. The program `mfa-cred` links this and nothing else, so that it starts as fast as an empty program, whatever
//! the rest grows to.
//!
//! In: the arguments and a host without a terminal and without the OS keyring. Out: the exit code, after the payload was
//! written, or `None`: nothing was written, and `mfa-cred-main` does the whole command. Every error ends here as `None`,
//! so that each has one text, in one place.

use std::ffi::OsString;
use std::io::{self, IsTerminal};

use super::context::Context;
use super::session::Signed;
use super::status::{self, Access};
use super::{Done, complete, env, list, process, prompt};
use crate::cache::{CacheUse, MinTtl};
use crate::cli::{self, Args, EnvArgs, ProfileArgs, Verb};
use crate::execute;
use crate::exit::ExitCode;
use crate::host::Host;
use crate::messages::Level;
use crate::names::ProfileName;
use crate::os::streams::require_stdout;
use crate::plan::Base;
use crate::settings::Settings;
use crate::state::Folder;

/// Runs the command if the cache has what it needs.
pub fn run(argv: &[OsString], host: &Host<'_>) -> Option<ExitCode> {
    let Args { verb, global } = cli::parse_plain(argv)?;
    require_stdout().ok()?;
    let done = match verb {
        Verb::Prompt(args) => prompt::run(&args, &global, host).ok()?,
        Verb::Complete(args) => complete::offer(&args, host, cli::place_at_once)?.ok()?,
        verb => {
            let settings = Settings::resolve(&global, host.env, host.files, &host.folders).ok()?;
            // What is read and ignored takes a full read of the files.
            if settings.messages.says(Level::Info) {
                return None;
            }
            if let Verb::List { names: true, .. } = verb {
                list::names(&[], &Context::new(&settings, host.clone())).ok()?
            } else {
                let folder = Folder::look(settings.state.as_deref()).ok()??;
                with_settings(verb, &Context::in_folder(&settings, host.clone(), folder))?
            }
        }
    };
    Some(match done {
        Done::Well => ExitCode::Done,
        Done::Verdict(code) => code,
    })
}

fn with_settings(verb: Verb, context: &Context<'_>) -> Option<Done> {
    match verb {
        Verb::Env(args) if !io::stdout().is_terminal() => {
            let EnvArgs { profile, as_option: None, format, as_profile: false, obtain } = *args else { return None };
            let signed = signed(profile, &obtain, MinTtl::PERSON, context)?;
            env::print(&signed, format, context).ok()
        }
        Verb::Process(args) if !io::stdout().is_terminal() => {
            let ProfileArgs { profile, as_option: None, obtain } = *args else { return None };
            process::print(&signed(profile, &obtain, MinTtl::SDK, context)?).ok()
        }
        Verb::Status { target, json } => {
            let how = context.how(&target.obtain).ok()?;
            let plan = context.plan(target.profile.as_ref()?, &how).ok()?;
            // What a login still allows is in its file, which only the other program reads.
            if matches!(plan.base, Base::Sso(_) | Base::Login(_)) {
                return None;
            }
            status::tell(Some(plan), Access::AsCached, json, context).ok()
        }
        _ => None,
    }
}

/// What [`super::session::sign_in`] would find, if that were in the cache.
fn signed(named: Option<ProfileName>, options: &cli::Obtain, usual: MinTtl, context: &Context<'_>) -> Option<Signed> {
    let how = context.how(options).ok().filter(|how| how.may_cache && !how.refresh)?;
    let min_ttl = how.min_ttl.map_or(usual, MinTtl::of);
    let plan = context.plan(&named?, &how).ok()?;
    context.with_cache(CacheUse::Read, |cache, clock| {
        let settled = cache.with_known_device(plan.clone());
        let clock = clock.of(&settled.service);
        if !settled.warnings.is_empty() || clock.is_in_doubt() {
            return None;
        }
        let credentials = execute::cached(&settled, cache, min_ttl, &clock).ok()??;
        Some(Signed { plan, credentials, request: Some(how.request) })
    })
}
