//! `mfa-cred keys list`: the access keys of the AWS files and of the safe, and which profiles use them. No question and no
//! secret; no call either, unless AWS is to be asked (`--live`).

mod live;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::live::{LastUse, Live};
use super::{KeysWork, rotate};
use crate::command::{Done, write_stdout};
use crate::error::Error;
use crate::exit::ExitCode;
use crate::iam::KeysError;
use crate::messages::{ours, with_causes};
use crate::names::{ProfileName, is_temporary_key};
use crate::plan::{Base, Plan, PlanRequest, existing};
use crate::profile::{Location, ProfileSet};
use crate::safe::{Header, Rotation};
use crate::screen::table::{Column, Table};
use crate::secret::shown;

const COLUMNS: [Column; 10] = [
    Column::kept("PROFILE"),
    Column::kept("ACCESS KEY"),
    Column::dropped("USER", 4),
    Column::dropped("ACCOUNT", 1),
    Column::kept("KEPT"),
    Column::dropped("SINCE", 0),
    Column::dropped("AGE", 5),
    Column::dropped("USED BY", 2),
    Column::dropped("STATUS", 3),
    Column::dropped("LAST USED", 6),
];
/// Without what AWS alone knows.
const OFFLINE: usize = 8;

/// How the keys are listed.
pub(super) struct Options {
    pub(super) as_json: bool,
    /// Is AWS asked?
    pub(super) is_live: bool,
}

/// A profile's key, and where it is.
struct Row {
    profile: String,
    access_key_id: String,
    sealed: Option<Header>,
    /// The line in plain text. It is used in place of a sealed one.
    line: Option<Location>,
    has_profile: bool,
    /// Is it being replaced, by a rotation that was interrupted?
    is_rotating: bool,
    /// The other profiles that start from it.
    used_by: Vec<String>,
    live: Option<Live>,
}

impl Row {
    fn created(&self) -> Option<Timestamp> {
        let known = self.sealed.as_ref().filter(|header| header.access_key_id == self.access_key_id);
        self.live.as_ref().and_then(|live| live.created).or_else(|| known?.created)
    }
}

pub(super) fn run(work: &KeysWork<'_>, profiles: &[ProfileName], options: &Options) -> Result<Done, Error> {
    let (context, messages) = (work.context, work.context.settings.messages);
    let set = context.profiles()?;
    let shelf = work.shelf().map_err(KeysError::from)?;
    let (headers, damaged) = shelf.headers().map_err(KeysError::from)?;
    let (rotations, _) = shelf.rotations().map_err(KeysError::from)?;
    for path in &damaged {
        messages.warn(&format!("{} is no sealed access key, or is damaged", path.display()));
    }
    for name in profiles.iter().filter(|name| headers.iter().all(|header| header.profile != name.as_str())) {
        existing(set, name)?;
    }
    let mut rows = rows(set, headers, &rotations);
    rows.retain(|row| profiles.is_empty() || profiles.iter().any(|name| name.as_str() == row.profile));
    fill_in_users(&mut rows, work)?;
    let is_whole = !options.is_live || ask_aws(&mut rows, work);
    say_what_is_unfinished(&rows, work);
    let text = if options.as_json {
        Value::Array(rows.iter().map(to_json).collect()).to_string() + "\n"
    } else {
        let now = context.clock().now();
        let columns: &'static [Column] = if options.is_live { &COLUMNS } else { COLUMNS.split_at(OFFLINE).0 };
        let mut table = Table::new(columns);
        let home = context.host.folders.home.as_deref();
        for row in &rows {
            table.add_plain(&cells(row, now, home)[..columns.len()]);
        }
        table.to_stdout(context.settings.paints(true), "no access keys, neither sealed nor in the AWS files")
    };
    write_stdout(&text)?;
    Ok(if is_whole { Done::Well } else { Done::Verdict(ExitCode::Failed) })
}

fn rows(set: &ProfileSet, headers: Vec<Header>, rotations: &[Rotation]) -> Vec<Row> {
    let mut headers: Vec<Option<Header>> = headers.into_iter().map(Some).collect();
    let mut rows = Vec::new();
    let row = |profile: &str, access_key_id: String, sealed: Option<Header>, line: Option<Location>, has_profile| {
        let is_rotating = rotations.iter().any(|rotation| rotation.concerns(&access_key_id));
        let (profile, used_by, live) = (profile.to_owned(), Vec::new(), None);
        Row { profile, access_key_id, sealed, line, has_profile, is_rotating, used_by, live }
    };
    for name in set.names() {
        let sealed = headers.iter_mut().find(|one| one.as_ref().is_some_and(|header| header.profile == name));
        let sealed = sealed.and_then(Option::take);
        let section = set.get(name);
        let id = section.and_then(|section| section.filled("aws_access_key_id"));
        let is_session = section.is_some_and(|section| section.session_token().is_some());
        let id = id.filter(|id| !is_session && !is_temporary_key(&id.value()));
        let of_line = id.map(|id| (id.value().into_owned(), id.place()));
        let access_key_id = match (&of_line, &sealed) {
            (Some((id, _)), _) => id.clone(),
            (None, Some(header)) => header.access_key_id.clone(),
            (None, None) => continue,
        };
        rows.push(row(name, access_key_id, sealed, of_line.map(|(_, place)| place), true));
    }
    // Keys whose profile is gone from the files.
    for header in headers.into_iter().flatten() {
        rows.push(row(&header.profile.clone(), header.access_key_id.clone(), Some(header), None, false));
    }
    rows
}

/// Finds the profiles that start from each key.
fn fill_in_users(rows: &mut [Row], work: &KeysWork<'_>) -> Result<(), Error> {
    let (set, ambient) = (work.context.profiles()?, work.context.ambient());
    let request = PlanRequest { at_a_glance: true, ..work.context.settings.usual_request() };
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in set.names() {
        let plan = ProfileName::new(name).and_then(|name| Plan::make(set, &name, &request, ambient).ok());
        if let Some(Base::AccessKey { profile, .. } | Base::SealedKey { profile, .. }) = plan.map(|plan| plan.base)
            && profile.as_str() != name
        {
            users.entry(profile.as_str().to_owned()).or_default().push(name.to_owned());
        }
    }
    for row in rows {
        row.used_by = users.remove(&row.profile).unwrap_or_default();
    }
    Ok(())
}

/// Asks AWS for each key once. Returns whether all answers came.
fn ask_aws(rows: &mut [Row], work: &KeysWork<'_>) -> bool {
    let mut known: BTreeMap<String, Option<Live>> = BTreeMap::new();
    let mut is_whole = true;
    for row in rows.iter_mut().filter(|row| row.has_profile) {
        let Some(profile) = ProfileName::new(&row.profile) else { continue };
        let live = known.entry(row.access_key_id.clone()).or_insert_with(|| {
            let answer = live::ask(work, &profile, &row.access_key_id);
            if let Some(error) = answer.error {
                work.context.settings.messages.warn(&format!("{profile}: {}", with_causes(&error)));
                is_whole = false;
            }
            answer.live
        });
        row.live.clone_from(live);
    }
    is_whole
}

fn say_what_is_unfinished(rows: &[Row], work: &KeysWork<'_>) {
    if let Some(row) = rows.iter().find(|row| row.is_rotating) {
        let rotate = ours("keys rotate", ProfileName::new(&row.profile).as_ref());
        work.context.settings.messages.hint(&format!("{rotate} finishes the rotation of {}", row.access_key_id));
    }
}

fn cells(row: &Row, now: Timestamp, home: Option<&Path>) -> [String; COLUMNS.len()] {
    let dash = || "-".to_owned();
    let sealed = row.sealed.as_ref();
    let kept = match (&row.line, sealed) {
        (Some(line), None) => at_home(&line.to_string(), home),
        (Some(line), Some(_)) => format!("sealed, and {}", at_home(&line.to_string(), home)),
        (None, _) if !row.has_profile => "sealed (no such profile)".to_owned(),
        (None, _) if row.is_rotating => "sealed (rotation unfinished)".to_owned(),
        (None, _) => "sealed".to_owned(),
    };
    let live = row.live.as_ref();
    [
        row.profile.clone(),
        shown::access_key_id(&row.access_key_id).to_owned(),
        sealed.map_or_else(dash, |header| header.user().to_owned()),
        sealed.and_then(Header::account).map_or_else(dash, |account| account.to_string()),
        kept,
        sealed.map_or_else(dash, |header| day(header.sealed)),
        row.created().map_or_else(dash, |created| format!("{}d", rotate::age(created, now))),
        if row.used_by.is_empty() { dash() } else { row.used_by.join(", ") },
        live.map_or_else(dash, |live| if live.is_active { "active" } else { "inactive" }.to_owned()),
        live.map_or_else(dash, |live| match live.last_used {
            LastUse::At(time) => day(time),
            LastUse::Never => "never".to_owned(),
            LastUse::Unknown => dash(),
        }),
    ]
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

fn at_home(path: &str, home: Option<&Path>) -> String {
    let rest = home.and_then(|home| path.strip_prefix(home.to_str()?));
    rest.filter(|rest| rest.starts_with('/')).map_or_else(|| path.to_owned(), |rest| format!("~{rest}"))
}

fn to_json(row: &Row) -> Value {
    let (sealed, live) = (row.sealed.as_ref(), row.live.as_ref());
    json!({
        "profile": row.profile,
        "access_key_id": shown::access_key_id(&row.access_key_id),
        "sealed": sealed.is_some(),
        "sealed_at": sealed.map(|header| header.sealed.to_string()),
        "user_arn": sealed.map(|header| &header.arn),
        "account": sealed.and_then(Header::account).map(|account| account.to_string()),
        "file": row.line.as_ref().map(|line| line.file.display().to_string()),
        "line": row.line.as_ref().map(|line| line.line),
        "created_at": row.created().map(|created| created.to_string()),
        "used_by": row.used_by,
        "rotation_unfinished": row.is_rotating,
        "active": live.map(|live| live.is_active),
        "last_used_at": live.and_then(|live| match live.last_used {
            LastUse::At(time) => Some(time.to_string()),
            LastUse::Never | LastUse::Unknown => None,
        }),
        "never_used": live.map(|live| live.last_used).filter(|used| *used != LastUse::Unknown).map(|used| used == LastUse::Never),
    })
}
