//! `mfa-cred list`: the profiles, their kinds, and how long their credentials last. No call, no keyring.

use crate::command::context::Context;
use std::io::{self, IsTerminal};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::facts::Facts;
use super::{Done, write_stdout};
use crate::cache::CacheUse;
use crate::error::Error;
use crate::messages::one_line;
use crate::names::ProfileName;
use crate::plan::existing;
use crate::profile::ProfileSet;
use crate::screen::table::{Column, Table};
use crate::settings::Settings;

/// In a narrow window, columns are dropped in this order: the source before the kind.
const COLUMNS: [Column; 7] = [
    Column::kept("PROFILE"),
    Column::dropped("KIND", 3),
    Column::dropped("SOURCE", 0),
    Column::dropped("ACCOUNT", 4),
    Column::dropped("REGION", 1),
    Column::dropped("MFA", 2),
    Column::kept("CACHED"),
];

/// `list --names`.
pub(super) fn names(profiles: &[ProfileName], context: &Context<'_>) -> Result<Done, Error> {
    let set = existing_in(profiles, context)?;
    let meant = set.names().filter(|name| is_among(profiles, name));
    let is_for_a_person = io::stdout().is_terminal();
    let line = |name| if is_for_a_person { Some(one_line(name) + "\n") } else { line_for_a_program(name) };
    write_stdout(&meant.filter_map(line).collect::<String>())
}

/// The AWS files, which have all these profiles.
fn existing_in<'c>(profiles: &[ProfileName], context: &'c Context<'_>) -> Result<&'c ProfileSet, Error> {
    let set = context.profiles()?;
    for name in profiles {
        existing(set, name)?;
    }
    Ok(set)
}

/// Is this profile wanted? No names mean all of them.
fn is_among(profiles: &[ProfileName], name: &str) -> bool {
    profiles.is_empty() || profiles.iter().any(|one| one.as_str() == name)
}

pub(super) fn run(
    profiles: &[ProfileName],
    as_json: bool,
    names_only: bool,
    context: &Context<'_>,
) -> Result<Done, Error> {
    if names_only {
        return names(profiles, context);
    }
    let (settings, host) = (context.settings, &context.host);
    let set = existing_in(profiles, context)?;
    let is_meant = |name: &str| is_among(profiles, name);
    let held = Settings::held(host.env);
    context.with_cache(CacheUse::Read, |cache, clock| {
        let mut all = Facts::of_all(set, context, cache, clock);
        all.retain(|facts| is_meant(&facts.name));
        let is_held = |facts: &Facts| held.as_deref() == Some(facts.name.as_str());
        if as_json {
            let rows = all.iter().map(|facts| to_json(facts, is_held(facts))).collect();
            return write_stdout(&(Value::Array(rows).to_string() + "\n"));
        }
        if all.is_empty() {
            tell_that_there_are_none(set, settings);
            return Ok(Done::Well);
        }
        let mut table = Table::new(&COLUMNS);
        let is_for_a_person = io::stdout().is_terminal();
        for facts in &all {
            // A program that reads this column expects the credentials of exactly that profile.
            let of_person = facts.session_end.or_else(|| facts.signed_in?.live_end());
            table.add(cells(facts), facts.end.or(of_person.filter(|_| is_for_a_person)), facts.now);
            table.mark_last(is_held(facts));
        }
        write_stdout(&table.to_stdout(settings.paints(true), ""))
    })
}

/// Reports that the AWS files have no profiles, and what to write. For a list, this is not an error.
pub(super) fn tell_that_there_are_none(set: &ProfileSet, settings: &Settings) {
    let Some(Err(error)) = ProfileName::new("default").map(|usual| existing(set, &usual)) else { return };
    let error = Error::from(error);
    settings.messages.note(&error.to_string());
    error.hint().iter().for_each(|hint| settings.messages.hint(hint));
}

/// A name as it is. Programs do not get names with line breaks or control characters, which they might pass on to a
/// terminal.
fn line_for_a_program(name: &str) -> Option<String> {
    (!name.contains(char::is_control)).then(|| format!("{name}\n"))
}

fn cells(facts: &Facts) -> Vec<String> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        facts.name.clone(),
        match () {
            () if facts.error.is_some() => format!("{} (error)", facts.kind),
            () if facts.is_expired() => format!("{} (expired)", facts.kind),
            () if facts.is_signed_out() => format!("{} (signed out)", facts.kind),
            () if facts.is_sealed => format!("{} (sealed)", facts.kind),
            () => facts.kind.to_owned(),
        },
        or_dash(&facts.source),
        or_dash(&facts.account),
        or_dash(&facts.region),
        or_dash(&facts.device),
    ]
}

fn to_json(facts: &Facts, is_held: bool) -> Value {
    let mut row = json!({
        "name": facts.name,
        "kind": facts.kind,
        "source": facts.source,
        "account": facts.account,
        "region": facts.region,
        "mfa_serial": facts.serial,
        "cached_until": facts.end.as_ref().map(Timestamp::to_string),
        "error": facts.error,
    });
    // Included only if set: most rows have neither.
    if let Some(end) = facts.session_end {
        row["session_until"] = end.to_string().into();
    }
    if let Some(end) = facts.keys_end {
        row["keys_until"] = end.to_string().into();
    }
    if let Some(signed_in) = facts.signed_in {
        row["sign_in"] = signed_in.json();
    }
    if facts.is_sealed {
        row["sealed"] = true.into();
    }
    if is_held {
        row["held"] = true.into();
    }
    row
}
