//! `mfa-cred keys list`: the access keys of the AWS files and of the safe. No call, no question, no secret.

use std::path::Path;

use serde_json::{Value, json};

use crate::command::context::Context;
use crate::command::{Done, write_stdout};
use crate::error::Error;
use crate::iam::KeysError;
use crate::names::{ProfileName, is_temporary_key};
use crate::plan::existing;
use crate::profile::{Location, ProfileSet};
use crate::safe::{Header, SafeError};
use crate::screen::table::{Column, Table};
use crate::secret::shown;

const COLUMNS: [Column; 6] = [
    Column::kept("PROFILE"),
    Column::kept("ACCESS KEY"),
    Column::dropped("USER", 2),
    Column::dropped("ACCOUNT", 1),
    Column::kept("KEPT"),
    Column::dropped("SINCE", 0),
];

/// A profile's key, and where it is.
struct Row {
    profile: String,
    access_key_id: String,
    sealed: Option<Header>,
    /// The line in plain text. It is used in place of a sealed one.
    line: Option<Location>,
    has_profile: bool,
}

pub(super) fn run(profiles: &[ProfileName], as_json: bool, context: &Context<'_>) -> Result<Done, Error> {
    let settings = context.settings;
    let set = context.profiles()?;
    let shelf = context.shelf().ok_or(SafeError::Nowhere).map_err(KeysError::from)?;
    let (headers, damaged) = shelf.headers().map_err(KeysError::from)?;
    for path in &damaged {
        settings.messages.warn(&format!("{} is no sealed access key, or is damaged", path.display()));
    }
    for name in profiles.iter().filter(|name| headers.iter().all(|header| header.profile != name.as_str())) {
        existing(set, name)?;
    }
    let mut rows = rows(set, headers);
    rows.retain(|row| profiles.is_empty() || profiles.iter().any(|name| name.as_str() == row.profile));
    if as_json {
        let rows = rows.iter().map(to_json).collect();
        return write_stdout(&(Value::Array(rows).to_string() + "\n"));
    }
    let mut table = Table::new(&COLUMNS);
    let home = context.host.folders.home.as_deref();
    for row in &rows {
        table.add_plain(&cells(row, home));
    }
    write_stdout(&table.to_stdout(settings.paints(true), "no access keys, neither sealed nor in the AWS files"))
}

fn rows(set: &ProfileSet, headers: Vec<Header>) -> Vec<Row> {
    let mut headers: Vec<Option<Header>> = headers.into_iter().map(Some).collect();
    let mut rows = Vec::new();
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
        let line = of_line.map(|(_, place)| place);
        rows.push(Row { profile: name.to_owned(), access_key_id, sealed, line, has_profile: true });
    }
    // Keys whose profile is gone from the files.
    rows.extend(headers.into_iter().flatten().map(|header| Row {
        profile: header.profile.clone(),
        access_key_id: header.access_key_id.clone(),
        sealed: Some(header),
        line: None,
        has_profile: false,
    }));
    rows
}

fn cells(row: &Row, home: Option<&Path>) -> Vec<String> {
    let dash = || "-".to_owned();
    let sealed = row.sealed.as_ref();
    let kept = match (&row.line, sealed) {
        (Some(line), None) => at_home(&line.to_string(), home),
        (Some(line), Some(_)) => format!("sealed, and {}", at_home(&line.to_string(), home)),
        (None, _) if !row.has_profile => "sealed (no such profile)".to_owned(),
        (None, _) => "sealed".to_owned(),
    };
    vec![
        row.profile.clone(),
        shown::access_key_id(&row.access_key_id).to_owned(),
        sealed.map_or_else(dash, |header| header.user().to_owned()),
        sealed.and_then(Header::account).map_or_else(dash, |account| account.to_string()),
        kept,
        sealed.map_or_else(dash, |header| header.sealed.strftime("%Y-%m-%d").to_string()),
    ]
}

fn at_home(path: &str, home: Option<&Path>) -> String {
    let rest = home.and_then(|home| path.strip_prefix(home.to_str()?));
    rest.filter(|rest| rest.starts_with('/')).map_or_else(|| path.to_owned(), |rest| format!("~{rest}"))
}

fn to_json(row: &Row) -> Value {
    let sealed = row.sealed.as_ref();
    json!({
        "profile": row.profile,
        "access_key_id": shown::access_key_id(&row.access_key_id),
        "sealed": sealed.is_some(),
        "sealed_at": sealed.map(|header| header.sealed.to_string()),
        "user_arn": sealed.map(|header| &header.arn),
        "account": sealed.and_then(Header::account).map(|account| account.to_string()),
        "file": row.line.as_ref().map(|line| line.file.display().to_string()),
        "line": row.line.as_ref().map(|line| line.line),
    })
}
