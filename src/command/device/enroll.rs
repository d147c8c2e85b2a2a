//! `mfa-cred device enroll`: creates a virtual device, shows it, enables it with two codes, and sets `mfa_serial`.
//!
//! Between CreateVirtualMFADevice and EnableMFADevice the device is unassigned, and its seed cannot be retrieved again.
//! However the command ends there, a signal included, it deletes the device, or says that it remains and how to remove
//! it. If an answer is lost, the state is looked up and never guessed. If the command is interrupted later, the next run
//! continues.

use std::cell::Cell;

use super::resync::{outcome, resync};
use super::seeds::in_safe;
use super::{DeviceWork, find, is_signal};
use crate::aws::CallError;
use crate::code::ledger::Ledger;
use crate::code::pair::{Pair, Question};
use crate::code::totp::steps_ago;
use crate::code::{CodeError, Outcome};
use crate::command::{Done, session};
use crate::error::Error;
use crate::host::{Sheet, TerminalError, Usual};
use crate::iam::{Bound, DeviceError, Iam, IamError, MOST_DEVICES, New, left_hint, needs, usable};
use crate::messages::{ours, with_causes};
use crate::names::{DeviceName, MfaSerial};
use crate::os::events::Signals;
use crate::safe::Safe;
use crate::screen::page::{Page, TooSmall, longest_news};
use crate::secret::{Credentials, Secret};

/// What was typed.
pub(super) struct Options {
    pub(super) name: Option<DeviceName>,
    pub(super) shows_seed: bool,
    pub(super) keeps_seed: bool,
}

/// Long enough to find and install an app.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(900);
/// The columns that a code takes after its prompt, with one to spare.
const CODE: usize = 7;
/// A terminal without an alternate screen moves rows to its scrollback when its window shrinks, and GNU screen cannot be
/// told to erase them.
const SHRUNK: &str = "the window became smaller while the page was shown, so the scrollback was erased: if it still \
                      shows part of the page (in GNU screen), close the window";
/// AWS takes codes this many steps off; a device that is further off is out of sync.
const WINDOW: i64 = 1;

pub(super) fn run(work: &DeviceWork<'_>, options: &Options) -> Result<Done, Error> {
    see_that_a_page_fits(work, options)?;
    if options.keeps_seed {
        return in_safe(work, &|safe| {
            // What may ask for a passphrase comes before a device is created.
            safe.prepare().map_err(DeviceError::from)?;
            let Some(_turn) = safe.take_turn_to_enroll().map_err(DeviceError::from)? else {
                return Err(DeviceError::Enrolling.into());
            };
            enroll(work, options, Some(safe))
        });
    }
    enroll(work, options, None)
}

/// With a safe, the seed is sealed as soon as the device exists, and forgotten with a device that is not enabled.
fn enroll(work: &DeviceWork<'_>, options: &Options, keeper: Option<&Safe<'_>>) -> Result<Done, Error> {
    let devices = work.devices(&needs::ENROLL)?;
    let name =
        options.name.clone().unwrap_or_else(|| DeviceName::for_user(&work.user.name, &(work.context.host.machine)()));
    if let Some(ours) = bound_as(work, &name, &devices) {
        // An earlier run got this far, and its seed is in somebody's app.
        work.note(&format!("{name} is already enabled; use `--name` to create another device"));
        return finish(work, &ours, &devices, keeper);
    }
    if devices.len() >= MOST_DEVICES {
        return Err(DeviceError::Eight(work.user.name.clone()).into());
    }
    let signer = match work.proof(&devices)? {
        // AWS wants MFA before a further device.
        Some(first) => work.session(&first)?,
        None => work.base.clone(),
    };
    let held = DeferredSignals::new();
    let made = make(work, &signer, name, &devices)?;
    let (new, name) = match made {
        Made::New(new, name) => (new, name),
        Made::Bound(serial) => return finish(work, &serial, &devices, keeper),
    };
    let kept = keeper.map_or(Ok(()), |safe| safe.seal_seed(&new.serial, &new.seed, work.clock.now()));
    let enabled = match held.signal() {
        Some(signal) => Err(DeviceError::Code(CodeError::Terminal(TerminalError::Signal(signal)))),
        None => kept.map_err(DeviceError::from).and_then(|()| enable(work, &signer, &new, &name, options)),
    };
    let New { serial, seed } = new;
    drop(seed);
    let late = match enabled {
        Ok(late) => late,
        Err(cause) => {
            let cause = take_back(work, &signer, serial.clone(), cause);
            // A device that remains was never enabled, so nobody needs its seed. One that was enabled after all keeps it.
            let is_free = || {
                let devices = work.iam.devices(&signer, Some(&work.user.name));
                devices.is_ok_and(|devices| !devices.iter().any(|device| device.serial == serial))
            };
            if let Some(safe) = keeper.filter(|_| is_free()) {
                let _ = safe.forget_seed(&serial);
            }
            return Err(cause.into());
        }
    };
    work.cache.forget_device(work.plan);
    if late.is_some_and(|steps| steps > WINDOW) && held.signal().is_none() {
        work.note(
            "the codes arrived late, so AWS assumes that the device's clock is slow: two more codes correct that",
        );
        if let Err(error) = resync(work, &serial) {
            let text = with_causes(&error);
            let resync = ours(&format!("device resync {serial}"), Some(&work.plan.profile));
            work.context.settings.messages.warn(&format!("{text}; run {resync} to correct this"));
        }
    }
    work.note(&format!("{name} is enabled for {}", work.user.name));
    if let Some(signal) = held.signal() {
        return Err(DeviceError::Code(CodeError::Terminal(TerminalError::Signal(signal))).into());
    }
    drop(held);
    write_profile(work, &serial, &devices, keeper.is_some())?;
    Ok(Done::Well)
}

/// Goes on with a device that was enabled before. A run that was killed after that may have sealed its seed.
fn finish(
    work: &DeviceWork<'_>,
    serial: &MfaSerial,
    devices: &[Bound],
    keeper: Option<&Safe<'_>>,
) -> Result<Done, Error> {
    let kept = keeper.map(|safe| safe.open_seed(serial));
    write_profile(work, serial, devices, matches!(kept, Some(Ok(_))))?;
    match kept {
        Some(Err(error)) => Err(DeviceError::from(error).into()),
        _ => Ok(Done::Well),
    }
}

/// Nothing is created that could not be shown.
fn see_that_a_page_fits(work: &DeviceWork<'_>, options: &Options) -> Result<(), DeviceError> {
    let terminal = work.context.host.terminal;
    if !terminal.is_there() {
        return Err(DeviceError::NobodyThere("the seed must be shown"));
    }
    let (rows, columns) = terminal.size().ok_or(DeviceError::Dumb)?;
    // As long as AWS's.
    let seed = Secret::new("A".repeat(64));
    let account = work.user.account.as_str();
    let page = Page { device: &"x".repeat(64), account, seed: &seed, shows_seed: options.shows_seed };
    page.draw(&longest_news(), rows, columns).map(drop).map_err(too_small)
}

fn too_small(TooSmall { rows, columns }: TooSmall) -> DeviceError {
    DeviceError::TooSmall { rows, columns }
}

/// The user's own device of that name.
fn bound_as(work: &DeviceWork<'_>, name: &DeviceName, devices: &[Bound]) -> Option<MfaSerial> {
    find(&work.user.device(name.as_str()), devices)
}

/// How making a device ended.
enum Made {
    /// It is new, and under this name.
    New(New, DeviceName),
    /// It is one of the user's already.
    Bound(MfaSerial),
}

fn make(work: &DeviceWork<'_>, signer: &Credentials, name: DeviceName, devices: &[Bound]) -> Result<Made, DeviceError> {
    let (mut name, mut has_cleared) = (name, false);
    let failed = work.failed("CreateVirtualMFADevice", &needs::ENROLL);
    loop {
        match work.iam.create(signer, &name) {
            Ok(new) if new.serial.as_str() == work.user.device(name.as_str()) => return Ok(Made::New(new, name)),
            // A serial of another device or account: its seed is not shown, and our device is deleted.
            Ok(_) => return Err(not_left(work, signer, &name, failed(CallError::Unreadable.into()))),
            Err(IamError::Taken(_)) if !has_cleared => {
                clear_way(work, signer, &name)?;
                has_cleared = true;
            }
            Err(IamError::Denied { denial, message }) => {
                let error = failed(IamError::Denied { denial, message });
                let Ok(users) = work.user.name.parse::<DeviceName>() else { return Err(error) };
                let question = format!(
                    "`{name}` was denied. An older policy may allow only a device named after the user. Create `{users}`?"
                );
                if name == users || !work.confirm(&question, Usual::No, "the name must be confirmed")? {
                    return Err(error);
                }
                name = users;
                if let Some(ours) = bound_as(work, &name, devices) {
                    return Ok(Made::Bound(ours));
                }
                has_cleared = false;
            }
            Err(error) if error.may_have_been_done() => {
                return Err(not_left(work, signer, &name, failed(error)));
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Deletes what was created under that name, if anything was.
fn not_left(work: &DeviceWork<'_>, signer: &Credentials, name: &DeviceName, cause: DeviceError) -> DeviceError {
    match work.user.device(name.as_str()).parse() {
        Ok(serial) => take_back(work, signer, serial, cause),
        Err(_) => cause,
    }
}

/// Deletes the device of that name if it is unassigned: its seed is lost, so it can never be enabled.
fn clear_way(work: &DeviceWork<'_>, signer: &Credentials, name: &DeviceName) -> Result<(), DeviceError> {
    let text = work.user.device(name.as_str());
    let Ok(serial) = text.parse::<MfaSerial>() else { return Err(DeviceError::NameTaken(name.clone())) };
    let is_known = match work.iam.unassigned(signer) {
        Ok(unassigned) if unassigned.contains(&serial) => true,
        Ok(_) => return Err(DeviceError::NameTaken(name.clone())),
        // A user who may not list the devices may still try: AWS deletes no device that is assigned.
        Err(IamError::Denied { .. }) => false,
        Err(error) => return Err(work.failed("ListVirtualMFADevices", &needs::CLEAR_UP)(error)),
    };
    let question = if is_known {
        format!("`{name}` was created before but never enabled, and its seed is lost. Delete it and create it again?")
    } else {
        format!("A device `{name}` exists. Delete it if it is unassigned, and create it again?")
    };
    if !work.confirm(&question, Usual::No, "the deletion must be confirmed")? {
        return Err(DeviceError::Declined);
    }
    match work.iam.delete(signer, &serial) {
        Ok(()) | Err(IamError::Gone(_)) => Ok(()),
        Err(IamError::InUse(_)) => Err(DeviceError::NameTaken(name.clone())),
        Err(error) => {
            let cause = Box::new(work.failed("DeleteVirtualMFADevice", &needs::CLEAR_UP)(error));
            Err(DeviceError::Left { serial, cause })
        }
    }
}

/// Shows the seed, asks for two codes and enables the device. How many steps late the codes were, where that is known.
fn enable(
    work: &DeviceWork<'_>,
    signer: &Credentials,
    new: &New,
    name: &DeviceName,
    options: &Options,
) -> Result<Option<i64>, DeviceError> {
    let terminal = work.context.host.terminal;
    let page = Page {
        device: name.as_str(),
        account: work.user.account.as_str(),
        seed: &new.seed,
        shows_seed: options.shows_seed,
    };
    let way = work.way();
    let (last_size, has_shrunk) = (Cell::new((0, 0)), Cell::new(false));
    let question = |prompt: &str, news: &str| {
        let draw = |rows: u16, columns: u16| {
            let before = last_size.replace((rows, columns));
            has_shrunk.set(has_shrunk.get() || rows < before.0 || columns < before.1);
            // A code needs room after the prompt.
            let fits = way.chars().count() + prompt.len() + CODE < usize::from(columns);
            let (before, news) = if fits { (way.as_str(), news.to_owned()) } else { ("", format!("{way}{news}")) };
            // The window may have become smaller. Without the page, a code can still be typed.
            let page = page.draw(&news, rows, columns).unwrap_or_else(|needed| needed.notice(rows));
            Sheet { page, prompt: format!("{before}{prompt}") }
        };
        terminal.ask_below(&draw, PATIENCE)
    };
    let asker = session::asker(work.plan, work.how, work.context, work.clock);
    if asker.is_a_program() {
        let handed = question("Give the seed to the program that `mfa_process` asks, then press Enter ", "");
        handed.map_err(|error| DeviceError::Code(error.into()))?;
    }
    let ledger = Ledger::of(work.cache.folder(), &new.serial, work.clock.local(), work.context.settings.messages);
    let mut late = None;
    let mut send = |pair: &Pair| {
        let sent = work.iam.enable(signer, &work.user.name, &new.serial, pair);
        late = steps_ago(&new.seed, &pair.second, work.clock.now());
        let failed = work.failed("EnableMFADevice", &needs::ENROLL);
        match sent {
            // An answer was lost, now or before: what is there counts.
            Err(error) if error.may_have_been_done() || matches!(error, IamError::Taken(_)) => {
                let is_bound = work
                    .iam
                    .devices(signer, Some(&work.user.name))
                    .is_ok_and(|devices| devices.iter().any(|device| device.serial == new.serial));
                if is_bound { Outcome::Done(()) } else { Outcome::Unclear(failed(error)) }
            }
            sent => outcome(sent.map_err(|error| (error.clone(), failed(error)))),
        }
    };
    let done = asker.with_pair(&work.plan.profile, &question as &Question<'_>, ledger.as_ref(), &mut send);
    if has_shrunk.get() {
        work.context.settings.messages.warn(SHRUNK);
    }
    done.map(|()| late)
}

/// Deletes the device that will not be used. If that fails, the error says what remains.
fn take_back(work: &DeviceWork<'_>, signer: &Credentials, serial: MfaSerial, cause: DeviceError) -> DeviceError {
    match work.iam.delete(signer, &serial) {
        Ok(()) | Err(IamError::Gone(_)) => cause,
        // An answer was lost after all.
        Err(IamError::InUse(_)) => {
            work.note(&format!("{} was enabled after all; run the command again", serial.device()));
            cause
        }
        Err(_) if is_signal(&cause) => {
            // A process that dies of a signal prints nothing more, so this is printed now.
            work.context.settings.messages.error(&format!("the device {serial} remains, unassigned"));
            work.context.settings.messages.hint(&left_hint(&serial));
            cause
        }
        Err(_) => DeviceError::Left { serial, cause: Box::new(cause) },
    }
}

/// Names the device in the profile, after the diff was shown.
fn write_profile(
    work: &DeviceWork<'_>,
    serial: &MfaSerial,
    before: &[Bound],
    keeps_seed: bool,
) -> Result<(), DeviceError> {
    let profile = work.plan.profile.as_str();
    let finds_it = work.plan.asks_for_device() && !work.how.request.leaves_device_open;
    let is_only_one = usable(before).iter().all(|other| other == serial);
    let needs_no_serial = finds_it && is_only_one;
    if needs_no_serial && !keeps_seed {
        work.note(&format!("profile `{profile}` finds it through `mfa_serial = auto`"));
        return Ok(());
    }
    let edit = || {
        let mut draft = work.draft()?;
        if !needs_no_serial {
            draft.set_key(profile, "mfa_serial", serial.as_str())?;
        }
        if keeps_seed {
            draft.set_key(profile, "mfa_source", "seed")?;
        }
        work.write(&draft)
    };
    let written = edit().map_err(|refusal: super::Refusal| refusal.about(Some(serial)))?;
    work.note(&if written && keeps_seed {
        format!("profile `{profile}` now uses it, with codes of its kept seed")
    } else if written {
        format!("profile `{profile}` now uses it; sign in with the device's next code")
    } else {
        format!("the profile was not changed; add `mfa_serial = {serial}` to use the device")
    });
    Ok(())
}

/// Signals that are held until the current step is finished or undone.
struct DeferredSignals {
    signals: Option<Signals>,
    taken: std::cell::Cell<Option<i32>>,
}

impl DeferredSignals {
    fn new() -> Self {
        // Without it a signal ends the program at once, as it does everywhere else.
        Self { signals: Signals::to_end(), taken: std::cell::Cell::new(None) }
    }

    /// The one that arrived, if any.
    fn signal(&self) -> Option<i32> {
        if self.taken.get().is_none() {
            self.taken.set(self.signals.as_ref().and_then(Signals::take));
        }
        self.taken.get()
    }
}
