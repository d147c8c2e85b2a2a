//! `mfa-cred list --sso [SESSION]`: the accounts and roles that a person may use with an SSO session, as AWS says now.

use serde_json::{Value, json};

use super::context::Context;
use super::{Done, portal, write_stdout};
use crate::error::Error;
use crate::plan::{PlanRequest, SsoSession};
use crate::profile::SectionKind;
use crate::screen::table::{Column, Table};
use crate::sso::portal::Account;

const COLUMNS: [Column; 3] = [Column::kept("ACCOUNT"), Column::dropped("NAME", 0), Column::kept("ROLE")];

pub(super) fn run(named: Option<&str>, as_json: bool, context: &Context<'_>) -> Result<Done, Error> {
    let settings = context.settings;
    let session = session(named, context)?;
    let roles = portal::assignments(&session, &|_| true, context)?.roles;
    if as_json {
        let row = |(account, role): &(Account, String)| json!({"account": account.id.as_str(), "name": account.name, "role": role});
        return write_stdout(&(Value::Array(roles.iter().map(row).collect()).to_string() + "\n"));
    }
    let mut table = Table::new(&COLUMNS);
    for (account, role) in roles {
        table.add_plain(&[account.id.to_string(), account.name, role]);
    }
    let none = format!("{session} gives no role in any account");
    write_stdout(&table.to_stdout(settings.paints(true), &none))
}

/// The SSO session of that name, or the only one.
pub(super) fn session(named: Option<&str>, context: &Context<'_>) -> Result<SsoSession, Error> {
    let set = context.profiles()?;
    let all: Vec<&str> = set.names_of(SectionKind::SsoSession).collect();
    let name = match (named, &all[..]) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, several) => {
            return Err(Error::WhichSsoSession(several.iter().map(|name| (*name).to_owned()).collect()));
        }
    };
    let request = PlanRequest { allow_http: context.settings.allow_http, ..PlanRequest::default() };
    Ok(SsoSession::named(name, set, &request, context.ambient())?)
}
