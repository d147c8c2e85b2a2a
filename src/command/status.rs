//! `mfa-cred status [PROFILE]`: what this shell holds and what is cached, from the environment and the clear headers
//! alone, and where the sealing key is. The key is located but not read, so `status` does not count as use of it. With
//! PROFILE, the exit code says whether credentials are available without a code.

use crate::command::choice;
use crate::command::context::Context;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Done, list, portal, write_stdout};
use crate::cache::{CacheUse, EntryKind, Header, Key, keys};
use crate::cli::ProfileArgs;
use crate::error::Error;
use crate::exit::ExitCode;
use crate::host::{Host, Life};
use crate::names::{Lifetime, is_access_key_id, moment, variables};
use crate::plan::{Base, Plan, Step};
use crate::screen::table::{Column, Table};
use crate::secret::shown;
use crate::settings::Settings;
use crate::signin::{self, Standing};
use crate::vault::{KeyHome, Store, Whereabouts};

pub(super) fn run(args: &ProfileArgs, as_json: bool, context: &Context<'_>) -> Result<Done, Error> {
    let plan = match &args.profile {
        None => None,
        Some(profile) => {
            let how = context.how(&args.obtain)?;
            let profile = choice::profile(Some(profile.clone()), &how, context)?;
            Some(context.plan(&profile, &how)?)
        }
    };
    let access = plan.as_ref().map_or(Access::AsCached, |plan| access(plan, context));
    tell(plan, access, as_json, context)
}

/// Whether the plan's base is signed in, as far as that is not told by the cache.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Access {
    /// The cache tells.
    AsCached,
    /// Somebody must sign in first, unless the cache has what is needed.
    SignedOut,
}

/// Whether a sign-in is still good, or can still be renewed, as far as its file tells.
fn access(plan: &Plan, context: &Context<'_>) -> Access {
    let is_signed_in = match &plan.base {
        Base::Sso(role) => portal::is_signed_in(&role.session, context),
        Base::Login(session) => {
            let standing = context.login_file(session).map(|file| signin::standing(session, &file));
            let is_recent = |end: Timestamp| end.duration_since(context.now(plan)) > -signin::LONGEST;
            matches!(standing, Ok(Standing::Until(end)) if is_recent(end))
        }
        _ => true,
    };
    if is_signed_in { Access::AsCached } else { Access::SignedOut }
}

/// The same for a profile whose plan is made.
pub(super) fn tell(plan: Option<Plan>, access: Access, as_json: bool, context: &Context<'_>) -> Result<Done, Error> {
    let (settings, host) = (context.settings, &context.host);
    context.with_cache(CacheUse::Read, |cache, clock| {
        let plan = plan.map(|plan| cache.with_known_device(plan));
        let now = clock.now();
        let held = ShellCredentials::of(host);
        let mut cached = cache.headers(now);
        cached.sort_by(|a, b| (&a.profile, a.end).cmp(&(&b.profile, b.end)));
        if let Some(plan) = &plan {
            let its = |header: &Header| {
                header.profile == plan.profile.as_str() || of_plan(plan).any(|key| key.file_name() == header.identity)
            };
            cached.retain(its);
        }
        // Each entry expires by the clock of its own endpoint, and so do the shell's credentials that came from it.
        let cached: Vec<_> = cached.into_iter().map(|header| (cache.now_of(&header, now), header)).collect();
        // Looked up only if it is shown.
        let key = (as_json || plan.is_none()).then(|| cache.whereabouts());
        let verdict = plan.as_ref().map(|plan| needs_no_code(plan, access, &cached, now));
        let sealed = key.and_then(|_| sealed_keys(context));
        let payload = if as_json {
            json!({
                "shell": held.as_ref().map(|held| held.json(held.now(&cached, now))),
                "cached": cached.iter().map(|(now, header)| entry_json(header, *now)).collect::<Vec<_>>(),
                "sealing_key": key.map(|key| key_json(key, settings)),
                "access_keys": sealed.as_ref().map(|(count, place)| json!({"sealed": count, "store": place.as_str()})),
                "available_without_code": verdict,
            })
            .to_string()
                + "\n"
        } else {
            to_text(held.as_ref(), &cached, key, now, settings) + &sealed_text(sealed)
        };
        write_stdout(&payload)?;
        if !as_json && held.is_none() && cached.is_empty() && std::io::stdout().is_terminal() {
            // A broken AWS file is no reason to fail: `status` works without it.
            if let Some(set) = context.profiles().ok().filter(|set| set.names().next().is_none()) {
                list::tell_that_there_are_none(set, settings);
            }
        }
        Ok(if verdict == Some(false) { Done::Verdict(ExitCode::NobodyToAsk) } else { Done::Well })
    })
}

fn entry_json(header: &Header, now: Timestamp) -> Value {
    let is_sso = header.kind == EntryKind::Sso;
    let mut entry = json!({
        "profile": header.profile,
        "kind": header.kind,
        "role_arn": header.role.as_ref().filter(|_| !is_sso),
        "account": header.account,
        "expires": header.end.to_string(),
        "left_seconds": header.end.duration_since(now).as_secs(),
    });
    if is_sso {
        entry["role_name"] = header.role.as_deref().into();
    }
    entry
}

/// How many access keys are sealed, and the store of the key that opens them. Nothing is opened.
fn sealed_keys(context: &Context<'_>) -> Option<(usize, KeyHome)> {
    let count = context.shelf()?.headers().ok()?.0.len();
    let place = || context.place_of_sealed().ok();
    (count > 0).then(place)?.map(|place| (count, place))
}

fn sealed_text(sealed: Option<(usize, KeyHome)>) -> String {
    let Some((count, place)) = sealed else { return String::new() };
    if std::io::stdout().is_terminal() {
        return format!("access keys: {count} sealed ({})\n", place.name());
    }
    format!("access keys\t\t{count} sealed ({})\t-\n", place.name())
}

fn of_plan(plan: &Plan) -> impl Iterator<Item = Key> {
    [true, false].into_iter().flat_map(|is_long_term| keys(plan, plan.steps.given(is_long_term)))
}

/// Is everything from the last step that needs a code onward either cached or not needed? If nothing is cached, the
/// plan's starting keys are needed, and must not have expired.
fn needs_no_code(plan: &Plan, access: Access, cached: &[(Timestamp, Header)], now: Timestamp) -> bool {
    let way = |is_long_term: bool| {
        let steps = plan.steps.given(is_long_term);
        let is_there = |key: &Key| cached.iter().any(|(_, header)| header.identity == key.file_name());
        let is_cached = |from: usize| keys(plan, steps)[from..].iter().any(is_there);
        match steps.iter().position(|step| Step::needs_code_of(step).is_some()) {
            Some(first) => is_cached(first),
            None if access == Access::SignedOut => is_cached(0),
            None => plan.end.as_ref().is_none_or(|end| end.at > now) || is_cached(0),
        }
    };
    way(true)
}

/// The value of `AWS_ACCESS_KEY_ID`.
enum KeyId {
    Missing,
    Is(String),
    /// Something else, perhaps a secret in the wrong variable: it is not shown.
    SomethingElse,
}

impl KeyId {
    fn text(&self) -> &str {
        match self {
            Self::Missing => "no access key ID",
            Self::Is(id) => id,
            Self::SomethingElse => "AWS_ACCESS_KEY_ID is not an access key ID",
        }
    }
}

/// What this shell holds.
struct ShellCredentials {
    /// `None` if another tool exported them.
    profile: Option<String>,
    /// The wired profile in `AWS_PROFILE`, if it is held by name.
    by_name: Option<String>,
    access_key_id: KeyId,
    end: Option<Timestamp>,
}

impl ShellCredentials {
    fn of(host: &Host<'_>) -> Option<Self> {
        let profile = Settings::held(host.env);
        let access_key_id = match host.env.os(variables::aws::ACCESS_KEY_ID).map(OsString::into_string) {
            None if profile.is_none() => return None,
            None => KeyId::Missing,
            Some(Ok(id)) if is_access_key_id(&id) && shown::access_key_id(&id) == id => KeyId::Is(id),
            Some(_) => KeyId::SomethingElse,
        };
        Some(Self {
            profile,
            by_name: Settings::held_by_name(host.env),
            access_key_id,
            end: host.env.var(variables::aws::CREDENTIAL_EXPIRATION).and_then(|end| moment(&end)),
        })
    }

    /// The current time by the clock of these credentials' endpoint, if they are cached.
    fn now(&self, cached: &[(Timestamp, Header)], now: Timestamp) -> Timestamp {
        let mut same = cached
            .iter()
            .filter(|(_, header)| Some(&header.profile) == self.profile.as_ref() && Some(header.end) == self.end);
        same.next().map_or(now, |(now, _)| *now)
    }

    fn text(&self) -> String {
        if let Some(name) = &self.by_name {
            return format!("AWS_PROFILE={name}");
        }
        match (&self.profile, &self.access_key_id) {
            (Some(_), id) => id.text().to_owned(),
            (None, id) => format!("keys that mfa-cred did not export ({})", id.text()),
        }
    }

    fn json(&self, now: Timestamp) -> Value {
        json!({
            "profile": self.profile,
            "aws_profile": self.by_name,
            "access_key_id": match &self.access_key_id {
                KeyId::Is(id) => Some(id),
                KeyId::Missing | KeyId::SomethingElse => None,
            },
            "expires": self.end.map(|end| end.to_string()),
            "left_seconds": self.end.map(|end| end.duration_since(now).as_secs()),
        })
    }
}

/// In a narrow window, a star in front of the row marks what the shell holds.
const COLUMNS: [Column; 4] =
    [Column::dropped("WHERE", 0), Column::kept("PROFILE"), Column::kept("WHAT"), Column::kept("LEFT")];

/// A role's name for people; `--json` has the full ARN.
fn role_name(arn: &str, is_for_a_person: bool) -> String {
    let name = arn.split_once(":role/").map_or(arn, |(_, path)| path.rsplit('/').next().unwrap_or(path));
    if is_for_a_person { format!("role {name}") } else { arn.to_owned() }
}

fn to_text(
    held: Option<&ShellCredentials>,
    cached: &[(Timestamp, Header)],
    key: Option<Whereabouts>,
    now: Timestamp,
    settings: &Settings,
) -> String {
    let is_terminal = std::io::stdout().is_terminal();
    let mut table = Table::new(&COLUMNS);
    if let Some(held) = held {
        let profile = held.profile.clone().unwrap_or_default();
        table.add(vec!["shell".to_owned(), profile, held.text()], held.end, held.now(cached, now));
        table.mark_last(true);
    }
    for (now, header) in cached {
        let what = match header.kind {
            EntryKind::Session => "MFA session".to_owned(),
            EntryKind::Role => header.role.as_deref().map_or_else(String::new, |arn| role_name(arn, is_terminal)),
            EntryKind::Sso => format!("SSO role {}", header.role.as_deref().unwrap_or_default()),
        };
        table.add(vec!["cached".to_owned(), header.profile.clone(), what], Some(header.end), *now);
    }
    let is_ours = held.is_some_and(|held| held.profile.is_some());
    let key = key.filter(|key| is_ours || !cached.is_empty() || key.lives.is_some() || settings.store == Store::None);
    if let Some(key) = key.filter(|_| !is_terminal) {
        let end = left(key).and_then(|left| now.checked_add(left).ok());
        table.add(vec!["key".to_owned(), String::new(), key_text(key, settings).join("; ")], end, now);
    }
    let mut text = table.to_stdout(settings.paints(true), "this shell holds no credentials, and none are cached");
    // On separate lines, which fit into the narrowest window.
    if let Some(key) = key.filter(|_| is_terminal) {
        let left = left(key).map(|left| format!(", {} left", Lifetime::from_secs(secs(left))));
        let lines = key_text(key, settings).join("\n     ");
        let (first, rest) =
            lines.split_once('\n').map_or((lines.as_str(), String::new()), |(f, r)| (f, format!("\n{r}")));
        text += &format!("key: {first}{}{rest}\n", left.unwrap_or_default());
    }
    text
}

/// How long the kernel keyring will keep the key.
fn left(key: Whereabouts) -> Option<Duration> {
    match key.in_kernel {
        Some(Life::AtLeast(left)) => Some(left),
        _ => None,
    }
}

/// The store that serves the key, then where that store got it from and when it will drop it.
fn key_text(key: Whereabouts, settings: &Settings) -> Vec<String> {
    let keyring = KeyHome::Keyring.name();
    let mut said = match (key.lives, key.in_kernel) {
        (None, _) if settings.store == Store::None => {
            vec!["none".to_owned(), "`store = none` keeps nothing".to_owned()]
        }
        (None, _) => vec!["none".to_owned()],
        (Some(KeyHome::Keyring), Some(_)) => vec!["kernel keyring".to_owned(), format!("copied from the {keyring}")],
        (Some(KeyHome::Keyring), None) => vec![keyring.to_owned()],
        (Some(KeyHome::Passphrase), Some(_)) => {
            vec!["kernel keyring".to_owned(), "unlocked with the passphrase".to_owned()]
        }
        (Some(KeyHome::Passphrase), None) => vec!["passphrase".to_owned(), "not unlocked".to_owned()],
        (Some(KeyHome::Kernel), _) => vec!["kernel keyring only".to_owned()],
    };
    if let Some(idle) = settings.lock_after.filter(|_| key.in_kernel.is_some()) {
        said.push(format!("locked after {} without use", Lifetime::from_secs(secs(idle))));
    }
    said
}

fn key_json(key: Whereabouts, settings: &Settings) -> Value {
    json!({
        "store": key.lives.map_or("none", KeyHome::as_str),
        "served_from": key.served_from().map(KeyHome::as_str),
        "left_seconds": left(key).map(|left| left.as_secs()),
        "lock_after_seconds": settings.lock_after.map(|idle| idle.as_secs()),
    })
}

fn secs(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}
