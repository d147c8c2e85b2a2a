//! The profile that a command works on: an argument or `--profile`. Both may be given, as long as they agree.

use clap::error::ErrorKind;

use super::{DeviceVerb, KeysVerb, LogoutArgs, PolicyVerb, UnwireArgs, Verb, WireArgs, usage};
use crate::names::ProfileName;

/// The one profile of a command.
pub(super) fn one(
    positional: Option<ProfileName>,
    option: Option<ProfileName>,
) -> Result<Option<ProfileName>, clap::Error> {
    match (positional, option) {
        (Some(one), Some(other)) if one != other => Err(contradiction(&one, &other)),
        (positional, option) => Ok(positional.or(option)),
    }
}

/// The profiles of a command that takes several.
fn many(positional: &mut Vec<ProfileName>, option: Option<ProfileName>) -> Result<(), clap::Error> {
    match (&positional[..], option) {
        (_, None) => {}
        ([], Some(option)) => positional.push(option),
        (several, Some(option)) => {
            if let Some(other) = several.iter().find(|other| **other != option) {
                return Err(contradiction(other, &option));
            }
        }
    }
    Ok(())
}

fn contradiction(one: &ProfileName, other: &ProfileName) -> clap::Error {
    let (one, other) = (one.as_str().escape_debug(), other.as_str().escape_debug());
    usage(ErrorKind::ArgumentConflict, format!("`{one}` and `--profile {other}` are different profiles: name only one"))
}

/// Merges the command's PROFILE argument with `--profile` options before and after the command.
pub(super) fn settle(verb: &mut Verb, before: Option<&ProfileName>) -> Result<(), clap::Error> {
    let both = |inner: Option<ProfileName>| one(inner, before.cloned());
    match verb {
        Verb::Env(args) => args.profile = one(args.profile.take(), both(args.as_option.take())?)?,
        Verb::Process(args)
        | Verb::Exec { target: args, .. }
        | Verb::Show { target: args, .. }
        | Verb::Status { target: args, .. } => args.profile = one(args.profile.take(), both(args.as_option.take())?)?,
        Verb::Console(args) => {
            let target = &mut args.target;
            let option = both(target.as_option.take())?;
            // With `--profile`, the only argument is the page.
            if option.is_some() && args.page.is_none() && target.profile != option {
                args.page = target.profile.take().map(|word| word.as_str().to_owned());
            }
            target.profile = one(target.profile.take(), option)?;
        }
        Verb::Write(args) => {
            let target = &mut args.target;
            target.profile = one(target.profile.take(), both(target.as_option.take())?)?;
        }
        Verb::Wire(WireArgs { profiles, as_option, .. })
        | Verb::Unwire(UnwireArgs { profiles, as_option, .. })
        | Verb::Login { profiles, as_option, .. }
        | Verb::Logout(LogoutArgs { profiles, as_option, .. })
        | Verb::List { profiles, as_option, .. }
        | Verb::Clear { profiles, as_option, .. } => many(profiles, both(as_option.take())?)?,
        Verb::Serve(args) => many(&mut args.profiles, both(args.as_option.take())?)?,
        Verb::Doctor(args) => args.profile = one(args.profile.take(), both(args.as_option.take())?)?,
        Verb::Device(verb) => {
            let (positional, whose) = match verb {
                DeviceVerb::List { named, whose, .. } | DeviceVerb::Enroll { named, whose, .. } => {
                    (named.take(), whose)
                }
                DeviceVerb::Resync { whose, .. }
                | DeviceVerb::Remove { whose, .. }
                | DeviceVerb::KeepSeed { whose, .. }
                | DeviceVerb::ForgetSeed { whose, .. } => (None, whose),
            };
            whose.profile = one(positional, both(whose.profile.take())?)?;
        }
        Verb::Keys(
            KeysVerb::Import { profiles, whose, .. }
            | KeysVerb::List { profiles, whose, .. }
            | KeysVerb::Rotate { profiles, whose, .. },
        ) => {
            many(profiles, both(whose.profile.take())?)?;
        }
        Verb::Keys(
            KeysVerb::Add { named, whose, .. }
            | KeysVerb::Remove { named, whose, .. }
            | KeysVerb::Export { named, whose },
        ) => whose.profile = one(named.take(), both(whose.profile.take())?)?,
        Verb::Setup(args) => args.whose.profile = one(args.named.take(), both(args.whose.profile.take())?)?,
        Verb::Audit(args) => args.profile = one(args.named.take(), both(args.profile.take())?)?,
        Verb::Policy(PolicyVerb::Check(check)) => check.profile = both(check.profile.take())?,
        _ if before.is_some() => {
            return Err(usage(ErrorKind::UnknownArgument, "this command takes no profile".to_owned()));
        }
        _ => {}
    }
    Ok(())
}
