//! `mfa-cred device resync [SERIAL]`: two codes tell AWS what the device's clock shows.
//!
//! Signed with the user's own key: a user whose codes are refused cannot have an MFA session.

use super::{DeviceWork, find};
use crate::code::ledger::Ledger;
use crate::code::pair::{Pair, Question};
use crate::code::{CodeError, Outcome, PATIENCE};
use crate::command::{Done, session};
use crate::error::Error;
use crate::host::TerminalError;
use crate::iam::{DeviceError, Iam, IamError, needs, why_unusable};
use crate::names::MfaSerial;
use crate::names::digest::digest_name;
use crate::state::Turn;

pub(super) fn run(work: &DeviceWork<'_>, typed: Option<&str>) -> Result<Done, Error> {
    let serial = which(work, typed)?;
    if why_unusable(serial.kind()).is_some() {
        return Err(DeviceError::NoClock(serial).into());
    }
    resync(work, &serial)?;
    work.note(&format!("{}: resynchronized with AWS", serial.device()));
    Ok(Done::Well)
}

/// The device that was typed, else the profile's, else the only one. IAM is asked only where a name must be found.
pub(super) fn which(work: &DeviceWork<'_>, typed: Option<&str>) -> Result<MfaSerial, DeviceError> {
    let is_arn = |typed: &&str| typed.starts_with("arn:");
    match (typed.filter(is_arn).map(str::parse), typed, &work.named) {
        (Some(Ok(serial)), ..) => return Ok(serial),
        (None, None, Some(named)) => return Ok(named.clone()),
        _ => {}
    }
    let devices = work.devices(&needs::MEND)?;
    match typed {
        Some(typed) => find(typed, &devices).ok_or_else(|| work.unknown(typed, &devices)),
        None => work.proof(&devices)?.ok_or_else(|| {
            let serials = devices.iter().map(|device| device.serial.clone()).collect();
            DeviceError::NoneUsable { user: work.user.name.clone(), devices: serials }
        }),
    }
}

/// Asks for two codes and sends them to ResyncMFADevice. After a stop (Ctrl-Z), which releases the device, it starts
/// again.
pub(super) fn resync(work: &DeviceWork<'_>, serial: &MfaSerial) -> Result<(), DeviceError> {
    loop {
        match attempt(work, serial) {
            Err(DeviceError::Code(CodeError::Terminal(TerminalError::Stopping))) => work.context.person().stop(),
            Err(DeviceError::Code(CodeError::Terminal(TerminalError::Continued))) => {}
            result => return result,
        }
    }
}

fn attempt(work: &DeviceWork<'_>, serial: &MfaSerial) -> Result<(), DeviceError> {
    let (terminal, way) = (work.context.person(), work.way());
    let question = |prompt: &str, news: &str| {
        if !news.is_empty() {
            terminal.tell(news);
        }
        terminal.ask_hidden(&format!("{way}{}, {}", serial.device(), lower(prompt)), PATIENCE)
    };
    let asker = session::asker(work.plan, work.how, work.context, work.clock);
    // No other process asks for codes of this device at the same time.
    let name = format!("device-{}", digest_name(serial.as_str()));
    let mut during_wait = |pid: Option<u32>| {
        if let Some(pid) = pid {
            work.note(&format!("waiting for process {pid}, which is asking for a code of this device"));
        }
        match asker.gives_up() {
            Some(reason) => Err(DeviceError::Code(reason.into())),
            None if !asker.waits() => Err(CodeError::NobodyToAsk(work.plan.profile.clone()).into()),
            None => Ok(()),
        }
    };
    let turn = work.cache.take_turn(&name, &mut || Ok::<Option<()>, DeviceError>(None), &mut during_wait)?;
    let _lease = match turn {
        Some(Turn::Ours(lease)) => Some(lease),
        Some(Turn::Canceled) => return Err(DeviceError::Declined),
        Some(Turn::Ready(())) | None => None,
    };
    let ledger = Ledger::of(work.cache.folder(), serial, work.clock.local(), work.context.settings.messages);
    let mut send = |pair: &Pair| {
        let sent = work.iam.resync(&work.base, &work.user.name, serial, pair);
        outcome(sent.map_err(|error| (error.clone(), work.failed("ResyncMFADevice", &needs::MEND)(error))))
    };
    asker.with_pair(&work.plan.profile, &question as &Question<'_>, ledger.as_ref(), &mut send)
}

/// What became of two codes, by what IAM said.
pub(super) fn outcome(sent: Result<(), (IamError, DeviceError)>) -> Outcome<(), DeviceError> {
    match sent {
        Ok(()) => Outcome::Done(()),
        Err((IamError::WrongCodes(_), error)) => Outcome::Wrong(error),
        Err((IamError::Busy(_), error)) => Outcome::Unclear(error),
        Err((IamError::Call(call), error)) if call.was_never_sent() => Outcome::Unsent(error),
        Err((IamError::Call(call), error)) if call.may_have_spent_the_code() => Outcome::Unclear(error),
        Err((_, error)) => Outcome::Failed(error),
    }
}

fn lower(prompt: &str) -> String {
    let mut chars = prompt.chars();
    chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect()
}
