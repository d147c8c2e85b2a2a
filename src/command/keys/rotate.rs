//! `mfa-cred keys rotate PROFILE…`: a sealed key is replaced by a new one of the same user.
//!
//! The order makes every step repeatable: a journal, the new key, its secret sealed in the journal, three answers of AWS in
//! a row, the new key in the profiles, the old one inactive, three answers again, the old one deleted. A process that is
//! killed at any point leaves a key that works and a journal that the next run continues. One process rotates at a time.

mod engine;
mod target;

use jiff::Timestamp;

use self::engine::Desk;
use self::target::{Target, select};
use super::KeysWork;
use crate::command::{Done, write_stdout};
use crate::error::Error;
use crate::exit::{Ending, ExitCode};
use crate::host::Usual;
use crate::iam::KeysError;
use crate::messages::{one_line, with_causes};
use crate::names::ProfileName;
use crate::screen::table::{Column, Table};
use crate::secret::shown;

const COLUMNS: [Column; 5] = [
    Column::kept("PROFILE"),
    Column::kept("ACCESS KEY"),
    Column::dropped("USER", 1),
    Column::kept("AGE"),
    Column::dropped("ACTION", 0),
];

/// What to rotate, and whether to.
pub(super) struct Options {
    pub(super) all: bool,
    /// In days.
    pub(super) older_than: Option<u32>,
    pub(super) is_dry: bool,
}

pub(super) fn run(work: &KeysWork<'_>, profiles: Vec<ProfileName>, options: &Options) -> Result<Done, Error> {
    let named = if profiles.is_empty() && !options.all { vec![work.profile(None)?] } else { profiles };
    let targets = select(work, &named)?;
    if targets.is_empty() {
        work.note("no sealed access keys");
    }
    let mut table = Table::new(&COLUMNS);
    let (mut failed, mut exit) = (0, ExitCode::Failed);
    for target in &targets {
        let error = match one(work, target, options) {
            Ok(None) => continue,
            Ok(Some(row)) => {
                table.add_plain(&row);
                continue;
            }
            Err(error) => error.about(target.profile()),
        };
        match error.ending() {
            _ if targets.len() == 1 => return Err(error),
            // If a person cancels, that applies to all keys.
            Ending::Signal(_) | Ending::Exit(ExitCode::Canceled) => return Err(error),
            Ending::Exit(code) if failed == 0 => exit = code,
            Ending::Exit(_) => {}
        }
        failed += 1;
        let messages = work.context.settings.messages;
        messages.error(&format!("{}: {}", target.names(), with_causes(&error)));
        if let Some(hint) = error.hint() {
            messages.hint(&hint);
        }
    }
    if options.is_dry && !table.is_empty() {
        write_stdout(&table.to_stdout(work.context.settings.paints(true), ""))?;
    }
    if failed == 0 { Ok(Done::Well) } else { Err(Error::SomeKeys { failed, all: targets.len(), exit }) }
}

/// Rotates one key if it is due, or returns the row that a dry run prints.
fn one(work: &KeysWork<'_>, target: &Target, options: &Options) -> Result<Option<Vec<String>>, Error> {
    let now = work.context.clock().now();
    let known = target.created.map(|created| age(created, now));
    let is_young = |days: u32| options.older_than.is_some_and(|least| days < least);
    if target.unfinished.is_none() && known.is_some_and(is_young) {
        say_young(work, target, known);
        return Ok(None);
    }
    target::see_that_no_file_has_it(work, target)?;
    let can_tell = known.is_some() || options.older_than.is_none() || target.unfinished.is_some();
    if options.is_dry && can_tell {
        return Ok(Some(row(target, known)));
    }
    engine::with_desk(work, target, |desk| {
        let age = if can_tell { known } else { Some(looked_up(desk, target, options.is_dry, now)?) };
        if target.unfinished.is_none() && age.is_some_and(is_young) {
            say_young(work, target, age);
            return Ok(None);
        }
        if options.is_dry {
            return Ok(Some(row(target, age)));
        }
        rotate(work, desk, target, age).map(|()| None)
    })
}

/// The key's age, as AWS says. A dry run asks for no code.
fn looked_up(desk: &Desk<'_>, target: &Target, is_dry: bool, now: Timestamp) -> Result<u32, Error> {
    let created = desk.created(is_dry)?;
    if !is_dry {
        desk.remember(target, created)?;
    }
    Ok(age(created, now))
}

fn rotate(work: &KeysWork<'_>, desk: &Desk<'_>, target: &Target, age: Option<u32>) -> Result<(), Error> {
    if let Some(rotation) = &target.unfinished {
        work.note(&format!("{}: continuing the rotation of access key {}", target.names(), rotation.old));
    } else {
        let aged = age.map_or_else(String::new, |days| format!(", {}", in_days(days)));
        let question = format!("Replace access key {} of {}{aged}?", target.access_key_id, target.names());
        work.confirm(&question, Usual::Yes, "the rotation must be confirmed")?;
    }
    desk.get_ready_to_sign()?;
    let Some(_turn) = desk.safe.take_turn().map_err(KeysError::from)? else {
        return Err(KeysError::Rotating.into());
    };
    // Another process may have rotated it while a person was asked.
    let again = select(work, std::slice::from_ref(target.profile()))?;
    let Some(target) = again.into_iter().find(|again| again.access_key_id == target.access_key_id) else {
        work.note(&format!("{}: another process has replaced access key {}", target.names(), target.access_key_id));
        return Ok(());
    };
    let done = desk.rotate(&target);
    if done.is_err() && desk.is_unfinished(&target) {
        work.context.settings.messages.warn(&format!(
            "the rotation of access key {} is not finished; {} continues it",
            target.access_key_id,
            crate::messages::ours("keys rotate", Some(target.profile()))
        ));
    }
    let new = done?;
    work.note(&format!("{}: access key {} is replaced by {new}", target.names(), target.access_key_id));
    Ok(())
}

fn say_young(work: &KeysWork<'_>, target: &Target, age: Option<u32>) {
    let aged = in_days(age.unwrap_or_default());
    work.note(&format!("{}: access key {} is {aged}; not rotated", target.names(), target.access_key_id));
}

fn row(target: &Target, age: Option<u32>) -> Vec<String> {
    let action = if target.unfinished.is_some() { "finish the rotation" } else { "rotate" };
    vec![
        one_line(&target.names()),
        shown::access_key_id(&target.access_key_id).to_owned(),
        target.user().to_owned(),
        age.map_or_else(|| "-".to_owned(), |days| format!("{days}d")),
        action.to_owned(),
    ]
}

fn in_days(days: u32) -> String {
    if days == 1 { "1 day old".to_owned() } else { format!("{days} days old") }
}

/// In days.
pub(super) fn age(created: Timestamp, now: Timestamp) -> u32 {
    u32::try_from(now.duration_since(created).as_hours() / 24).unwrap_or(0)
}
