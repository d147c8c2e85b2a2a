//! `mfa-cred wire --sso [SESSION]`: a profile for each role that the person may use.

use serde_json::{Value, json};

use super::{Mode, written};
use crate::cli::{Obtain, WireArgs, WireSsoArgs};
use crate::command::context::Context;
use crate::command::portal::Assignments;
use crate::command::{Done, portal, sso_roles, write_stdout};
use crate::error::Error;
use crate::messages::ours;
use crate::profile::edit::Draft;
use crate::sso::portal::Account;
use crate::wire::WireError;
use crate::wire::sso::{self, Gone, Naming, Row, State};

/// More names than this are only counted.
const MOST_NAMED: usize = 5;

pub(super) fn run(named: Option<&str>, args: &WireArgs, context: &Context<'_>) -> Result<Done, Error> {
    let WireSsoArgs { accounts, roles: wanted, prefix, region, json, .. } = &args.of_sso;
    let session = sso_roles::session(named, context)?;
    let name = session.name.clone().unwrap_or_default();
    let is_meant = |account: &Account| accounts.is_empty() || accounts.iter().any(|it| is(account, it));
    let Assignments { all, fetched, roles } = portal::assignments(&session, &is_meant, context)?;
    let usable = roles.iter().filter(|it| sso::is_usable(it) && (wanted.is_empty() || wanted.contains(&it.1)));
    let mut usable: Vec<_> = usable.cloned().collect();
    usable.dedup();
    for (account, role) in roles.iter().filter(|assigned| !sso::is_usable(assigned)) {
        let messages = context.settings.messages;
        messages.warn(&format!("role `{role}` in account {} is left out: no profile can name it", account.id));
    }
    let unknown = accounts.iter().find(|it| !fetched.iter().any(|account| is(account, it)));
    let unknown = unknown.or_else(|| wanted.iter().find(|role| !usable.iter().any(|(_, it)| it == *role)));
    if let Some(unknown) = unknown {
        return Err(WireError::NotAssigned { session: name, what: unknown.clone() }.into());
    }
    // Only now: the calls may have taken a while.
    let mut draft = Draft::new(context.files_now()?);
    let usual_region = context.how(&Obtain::default())?.request.usual_region;
    let naming = Naming {
        session: &name,
        prefix: prefix.as_deref(),
        region: region.as_ref(),
        usual_region: usual_region.as_ref().unwrap_or(&session.portal.region),
    };
    let gone = sso::gone(draft.set(), &name, (&all, &fetched, &roles));
    let rows = naming.add(&all, &usable, &mut draft)?;
    let mode = Mode { says_yes: args.yes, dry_run: args.dry_run, is_silent: *json };
    let is_written = written(&draft, mode, context)?;
    tell(&rows, &gone, &name, context);
    if is_written && draft.is_changed() {
        let file = context.settings.config_file.display();
        let new: Vec<&Row> = rows.iter().filter(|row| row.state != State::Present).collect();
        context.settings.messages.note(&format!("wrote {} to {file}", many(&new)));
        if let Some(row) = new.first() {
            let option = row.profile.as_option();
            context
                .settings
                .messages
                .hint(&format!("any SDK and the AWS CLI can use it: `aws {option} sts get-caller-identity`"));
        }
    }
    if *json {
        return write_stdout(&(to_json(&rows, &gone).to_string() + "\n"));
    }
    Ok(Done::Well)
}

/// Is it this account's ID or name?
fn is(account: &Account, text: &str) -> bool {
    account.id.as_str() == text || account.name.eq_ignore_ascii_case(text)
}

/// What is as it was, and what the person may no longer use.
fn tell(rows: &[Row], gone: &[Gone], session: &str, context: &Context<'_>) {
    let messages = context.settings.messages;
    let file = context.settings.config_file.display();
    let present: Vec<&Row> = rows.iter().filter(|row| row.state == State::Present).collect();
    match &present[..] {
        [] if rows.is_empty() => messages.note(&format!("SSO session `{session}` gives no role that could be written")),
        [] => {}
        present => messages.note(&format!("{file} has already: {}", many(present))),
    }
    for Gone { profile, account, role } in gone {
        messages.warn(&format!(
            "SSO session `{session}` no longer gives role `{role}` in account {account}; profile `{profile}` is kept"
        ));
    }
    match gone {
        [] => {}
        [only] => messages.hint(&format!("{} removes it", ours("unwire", Some(&only.profile)))),
        several => {
            let names = several.iter().map(|gone| shlex::try_quote(gone.profile.as_str()).unwrap_or_default());
            let names = names.collect::<Vec<_>>().join(" ");
            messages.hint(&format!("{} removes them", ours(&format!("unwire {names}"), None)));
        }
    }
}

fn many(rows: &[&Row]) -> String {
    if rows.len() > MOST_NAMED {
        return format!("{} profiles", rows.len());
    }
    rows.iter().map(|row| format!("`{}`", row.profile)).collect::<Vec<_>>().join(", ")
}

fn to_json(rows: &[Row], gone: &[Gone]) -> Value {
    let state = |state| match state {
        State::New => "new",
        State::Changed => "changed",
        State::Present => "present",
    };
    let row = |Row { profile, assigned: (account, role), state: of }: &Row| {
        json!({
            "profile": profile.as_str(),
            "account": account.id.as_str(),
            "name": account.name,
            "role": role,
            "state": state(*of),
        })
    };
    let lost = |Gone { profile, account, role }: &Gone| json!({"profile": profile.as_str(), "account": account, "name": null, "role": role, "state": "gone"});
    rows.iter().map(row).chain(gone.iter().map(lost)).collect()
}
