//! `mfa-cred list`: the profiles, what they are and how long their credentials last. No call and no keyring.

use serde_json::{Value, json};

use super::{Done, session, table, write_stdout};
use crate::cache::{Cache, CacheUse, CorrectedClock, keys};
use crate::error::Error;
use crate::host::Host;
use crate::names::ProfileName;
use crate::plan::{Ambient, Base, Plan, Wish};
use crate::profile::{Profile, ProfileSet};
use crate::settings::{Settings, ambient};
use crate::talk::one_line;

pub(super) fn run(as_json: bool, names_only: bool, settings: &Settings, host: &Host<'_>) -> Result<Done, Error> {
    let set = session::profiles(settings, host)?;
    if names_only {
        // A name is one line, whatever is in it.
        let line = |name: &str| one_line(name) + "\n";
        return write_stdout(&set.names().map(line).collect::<String>());
    }
    let ambient = ambient(host.env);
    session::with_cache(settings, CacheUse::ReadAndKeep, host, |cache, clock| {
        let rows: Vec<Row> = set.names().filter_map(|name| Row::of(&set, name, &ambient, cache, clock)).collect();
        if as_json {
            return write_stdout(&(Value::Array(rows.iter().map(Row::json).collect()).to_string() + "\n"));
        }
        let headings = ["PROFILE", "KIND", "SOURCE", "ACCOUNT", "REGION", "MFA", "CACHED"];
        write_stdout(&table::render(&headings, &rows.iter().map(Row::cells).collect::<Vec<_>>()))
    })
}

struct Row {
    name: String,
    kind: &'static str,
    source: Option<String>,
    account: Option<String>,
    region: Option<String>,
    serial: Option<String>,
    device: Option<String>,
    end: Option<jiff::Timestamp>,
    left: Option<String>,
    error: Option<String>,
}

impl Row {
    fn of(
        set: &ProfileSet,
        name: &str,
        ambient: &Ambient,
        cache: &Cache<'_>,
        clock: &CorrectedClock<'_>,
    ) -> Option<Self> {
        let profile = set.get(name)?;
        let text = |key| profile.get(key).map(|property| property.value().into_owned());
        let plan = Plan::make(set, &ProfileName::new(name)?, &Wish::default(), ambient);
        let now = clock.now();
        let end = plan.as_ref().ok().and_then(|plan| {
            let last = |is_long_term| cache.peek(keys(plan, plan.steps.given(is_long_term)).last()?, now);
            Some(last(true).or_else(|| last(false))?.end)
        });
        let serial = plan.as_ref().ok().and_then(|plan| plan.serial.clone());
        let account = plan.as_ref().ok().and_then(|plan| {
            let role = plan.steps.given(true).iter().rev().find_map(|step| match step {
                crate::plan::Step::AssumeRole(call) => Some(call.role.account().clone()),
                crate::plan::Step::SessionToken { .. } => None,
            });
            role.or_else(|| serial.as_ref()?.account()).map(|account| account.to_string())
        });
        Some(Self {
            name: name.to_owned(),
            kind: kind(profile, plan.as_ref().ok()),
            source: text("source_profile").or_else(|| text("credential_source")),
            account: account.or_else(|| text("aws_account_id")).or_else(|| text("sso_account_id")),
            region: plan
                .as_ref()
                .ok()
                .and_then(|plan| plan.region.as_ref())
                .map(ToString::to_string)
                .or_else(|| text("region")),
            device: serial.as_ref().map(|serial| serial.device().to_owned()),
            serial: serial.map(|serial| serial.to_string()),
            left: end.map(|end| table::left(end, now)),
            end,
            error: plan.err().map(|error| error.to_string()),
        })
    }

    fn cells(&self) -> Vec<String> {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        vec![
            self.name.clone(),
            if self.error.is_some() { format!("{} (error)", self.kind) } else { self.kind.to_owned() },
            or_dash(&self.source),
            or_dash(&self.account),
            or_dash(&self.region),
            or_dash(&self.device),
            or_dash(&self.left),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "kind": self.kind,
            "source": self.source,
            "account": self.account,
            "region": self.region,
            "mfa_serial": self.serial,
            "cached_until": self.end.map(|end| end.to_string()),
            "error": self.error,
        })
    }
}

/// What a profile is, in a word.
fn kind(profile: Profile<'_>, plan: Option<&Plan>) -> &'static str {
    let has = |key| profile.get(key).is_some();
    match () {
        () if has("web_identity_token_file") => "web-identity",
        () if has("role_arn") => "role",
        () if has("aws_access_key_id") => "user",
        () if has("sso_session") || has("sso_start_url") => "sso",
        () if has("login_session") => "login",
        () if has("credential_process") => "process",
        () if has("credential_source") => "host",
        // Without a role it is whatever its source is.
        () => match plan.map(|plan| &plan.base) {
            Some(Base::AccessKey { .. }) => "user",
            Some(Base::CredentialProcess { .. }) => "process",
            Some(_) => "host",
            None => "none",
        },
    }
}
