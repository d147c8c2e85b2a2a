//! `mfa-cred device keep-seed` and `forget-seed`: a seed that is kept on purpose, for profiles with `mfa_source = seed`.
//!
//! A seed is kept only after AWS has accepted a code of it. It is sealed like an access key. What asks a person (the store's
//! passphrase, a seed in its place) comes first, so that a refusal leaves everything as it was.

use std::io::{self, Read};

use super::resync::which;
use super::{DeviceWork, Refusal};
use crate::cache::MinTtl;
use crate::cli::{Obtain, Whose};
use crate::code::ledger::until_next_code;
use crate::code::totp::code_at;
use crate::code::{CodeError, PATIENCE};
use crate::command::context::Context;
use crate::command::{Done, choice, session};
use crate::error::Error;
use crate::execute::ExecuteError;
use crate::host::Usual;
use crate::iam::{DeviceError, why_unusable};
use crate::messages::with_causes;
use crate::names::MfaSerial;
use crate::plan::Device;
use crate::safe::{Safe, SafeError, read_seed};
use crate::secret::Secret;
use crate::settings::{ObtainOptions, Token};

/// In bytes. What holds a seed is shorter by far.
const LONGEST: usize = 1 << 13;

pub(super) fn keep(work: &DeviceWork<'_>, typed: Option<&str>, from_stdin: bool) -> Result<Done, Error> {
    let serial = which(work, typed)?;
    if why_unusable(serial.kind()).is_some() {
        return Err(DeviceError::NoClock(serial).into());
    }
    let shelf = work.context.shelf().ok_or(DeviceError::Safe(SafeError::Nowhere))?;
    // A damaged one is replaced without a question: it is of no use.
    if matches!(shelf.has_seed(&serial), Ok(true)) {
        let question = format!("A seed of {} is kept already. Replace it?", serial.device());
        if !work.confirm(&question, Usual::No, "the replacement must be confirmed")? {
            return Err(DeviceError::Declined.into());
        }
    }
    let seed = if from_stdin { of_stdin()? } else { of_terminal(work, &serial)? };
    in_safe(work, &|safe| {
        safe.prepare().map_err(DeviceError::from)?;
        if work.base.is_long_term() {
            see_that_aws_takes_it(work, &serial, &seed)?;
        } else {
            work.note("the seed was not tried: the credentials are a session's, which takes no code");
        }
        Ok(safe.seal_seed(&serial, &seed, work.clock.now()).map_err(DeviceError::from)?)
    })?;
    work.note(&format!("{}: its seed is kept", serial.device()));
    name_it(work, &serial)?;
    Ok(Done::Well)
}

/// Runs `with` with the sealed secrets and what opens them.
pub(super) fn in_safe<T>(work: &DeviceWork<'_>, with: &dyn Fn(&Safe<'_>) -> Result<T, Error>) -> Result<T, Error> {
    let done = work.context.with_safe(|safe| -> Result<_, SafeError> { Ok(with(safe)) });
    done.map_err(DeviceError::from)?
}

fn of_stdin() -> Result<Secret<String>, DeviceError> {
    let mut bytes = Vec::with_capacity(LONGEST);
    let read = io::stdin().lock().take(LONGEST as u64).read_to_end(&mut bytes);
    let bytes = Secret::new(bytes);
    read.map_err(DeviceError::Stdin)?;
    Ok(read_seed(std::str::from_utf8(bytes.expose()).unwrap_or("?"))?)
}

fn of_terminal(work: &DeviceWork<'_>, serial: &MfaSerial) -> Result<Secret<String>, DeviceError> {
    let terminal = work.context.host.terminal;
    if !terminal.is_there() {
        return Err(DeviceError::NobodyToType);
    }
    let prompt = format!("Seed of {} (base32, or an otpauth address): ", serial.device());
    let typed = terminal.ask_hidden(&prompt, PATIENCE).map_err(|error| DeviceError::Code(error.into()))?;
    Ok(read_seed(typed.expose())?)
}

/// Signs in with a code of the seed; the session is cached as any other.
fn see_that_aws_takes_it(work: &DeviceWork<'_>, serial: &MfaSerial, seed: &Secret<String>) -> Result<(), Error> {
    let DeviceWork { context, cache, clock, .. } = *work;
    let plan = work.plan.session_of(serial);
    let mut how = context.how(&Obtain::default())?;
    how.refresh = true;
    let sign_in =
        |how: &ObtainOptions| session::Session { context, how, cache, clock }.credentials(&plan, MinTtl::PERSON);
    loop {
        how.token = code_at(seed, clock.now()).map(Token::Given);
        match sign_in(&how) {
            // This window's code was used by somebody else.
            Err(Error::Execute(ExecuteError::Code(CodeError::Spent(_)))) => {
                let wait = until_next_code(clock.now());
                work.context.host.clock.sleep(std::time::Duration::from_secs(wait.secs().into()));
            }
            done => return done.map(drop),
        }
    }
}

/// Has the profile use the seed, after the diff was shown.
fn name_it(work: &DeviceWork<'_>, serial: &MfaSerial) -> Result<(), DeviceError> {
    let profile = work.plan.profile.as_str();
    let names_it = work.plan.device.as_ref().is_some_and(|device| match device {
        Device::Named(named) => named == serial,
        Device::Auto => true,
    });
    let edit = || {
        let mut draft = work.draft()?;
        if !names_it {
            draft.set_key(profile, "mfa_serial", serial.as_str())?;
        }
        draft.set_key(profile, "mfa_source", "seed")?;
        work.write(&draft)
    };
    let written = edit().map_err(|refusal: Refusal| refusal.about(Some(serial)))?;
    work.note(&if written {
        format!("profile `{profile}` now takes its codes from it")
    } else {
        format!("the profile was not changed; add `mfa_source = seed` to profile `{profile}` to use it")
    });
    Ok(())
}

/// Forgets without a call: also when AWS cannot be reached, or the device is long gone.
pub(super) fn forget(typed: Option<&str>, whose: &Whose, says_yes: bool, context: &Context<'_>) -> Result<Done, Error> {
    let how = context.how(&Obtain { no_prompt: whose.no_prompt, ..Obtain::default() })?;
    let context = &context.attended_as(&how);
    let serial = meant(typed, whose, &how, context)?;
    let terminal = context.host.terminal;
    if !says_yes {
        if !terminal.is_there() {
            return Err(DeviceError::NobodyThere("forgetting the seed must be confirmed").into());
        }
        let question = format!("Forget the kept seed of {serial}?");
        let answer =
            terminal.confirm(&question, Usual::No, PATIENCE).map_err(|error| DeviceError::Code(error.into()))?;
        if !answer {
            return Err(DeviceError::Declined.into());
        }
    }
    let was_kept = context.with_safe(|safe| safe.forget_seed(&serial)).map_err(DeviceError::from)?;
    if !was_kept {
        return Err(DeviceError::Safe(SafeError::MissingSeed(serial)).into());
    }
    context.settings.messages.note(&format!("{}: its seed is forgotten", serial.device()));
    context.settings.messages.hint("remove `mfa_source = seed` from the profiles that used it");
    Ok(Done::Well)
}

/// The device that was typed, by serial or by the name of the profile's; else the profile's.
fn meant(typed: Option<&str>, whose: &Whose, how: &ObtainOptions, context: &Context<'_>) -> Result<MfaSerial, Error> {
    if let Some(Ok(serial)) = typed.filter(|typed| typed.starts_with("arn:")).map(str::parse) {
        return Ok(serial);
    }
    let profile = choice::profile(whose.profile.clone(), how, context)?;
    let plan = context.plan(&profile, how);
    let named = plan.as_ref().ok().and_then(|plan| plan.device.as_ref()?.serial().cloned());
    match (typed, named) {
        (None, Some(named)) => Ok(named),
        (Some(typed), Some(named)) if named.device() == typed => Ok(named),
        (Some(typed), _) => typed.parse().map_err(|_| {
            let (user, device) = (profile.to_string(), typed.to_owned());
            DeviceError::Unknown { user, device, devices: Vec::new() }.into()
        }),
        (None, None) => {
            let user = plan?.user.to_string();
            Err(DeviceError::NoneUsable { user, devices: Vec::new() }.into())
        }
    }
}

/// Drops the seed of a device that is gone. That it could not be dropped is told, and the device is gone all the same.
pub(super) fn drop_seed(work: &DeviceWork<'_>, serial: &MfaSerial) {
    match work.context.with_safe(|safe| safe.forget_seed(serial)) {
        Ok(true) => work.note(&format!("{}: its kept seed is forgotten", serial.device())),
        Ok(false) | Err(SafeError::Nowhere) => {}
        Err(error) => {
            work.context.settings.messages.warn(&format!("its kept seed remains: {}", with_causes(&error)));
        }
    }
}
