//! `mfa-cred __complete SHELL -- WORDS…`: the candidates at the cursor, for the scripts in `completions/`.
//!
//! It runs on every TAB, so it reports no errors: a file that cannot be read has no profiles.
//! It reads the AWS files and the clear headers of the cache; it uses no keyring, makes no call, and creates nothing.
//!
//! The first line of the output says where the candidates come from: `values` follow, or the shell itself offers
//! `files`, `folders` or `programs`.

use super::{Done, write_stdout};
use crate::cache::{Cache, CacheUse};
use crate::cli::{CompleteArgs, Global, Live, Slot, place};
use crate::command::context::Context;
use crate::error::Error;
use crate::host::Host;
use crate::plan::{sign_in, sources};
use crate::profile::{Profile, ProfileSet, SectionKind};
use crate::settings::Settings;
use crate::shell::Words;
use crate::shell::candidates::{Candidate, Cursor};
use crate::shell::line::CommandLine;
use crate::state::{CorrectedClock, Folder};

pub(super) fn run(args: &CompleteArgs, host: &Host<'_>) -> Result<Done, Error> {
    offer(args, host, |words| Some(place(words))).unwrap_or(Ok(Done::Well))
}

/// The same; `None` if the words are not among those that `place` knows.
pub(super) fn offer(
    args: &CompleteArgs,
    host: &Host<'_>,
    place: impl FnOnce(&[String]) -> Option<Slot>,
) -> Option<Result<Done, Error>> {
    let Some(completion) = &args.shell.dialect().completion else { return Some(Ok(Done::Well)) };
    let given = |n: usize| args.words.get(n).map_or("", String::as_str);
    let line = match completion.words {
        Words::Arguments => CommandLine::default(),
        Words::Line => CommandLine::read(given(0)),
        Words::Variable(name) => CommandLine::read(&host.env.var(name).unwrap_or_default()),
    };
    let words = if completion.words == Words::Arguments { &args.words } else { line.arguments() };
    let slot = place(words)?;
    let by_shell = match slot.live {
        Some(Live::Files) => "files\n",
        Some(Live::Folders) => "folders\n",
        Some(Live::Programs) => "programs\n",
        _ => "values\n",
    };
    let head = if completion.can_offer { by_shell } else { "" };
    if by_shell != "values\n" {
        return Some(write_stdout(head));
    }
    let current = words.last().map_or("", String::as_str);
    let cursor = Cursor { line: &line, replaced: given(1), current, before: &slot.before };
    Some(write_stdout(&(head.to_owned() + &(completion.offer)(&cursor, &found(&slot, host)))))
}

/// All candidates that can be typed: nothing with control characters, and nothing that starts with a dash where it would
/// be read as an option.
fn found(slot: &Slot, host: &Host<'_>) -> Vec<Candidate> {
    let fixed = slot.fixed.iter().cloned().map(|(value, about)| Candidate { value, about });
    let live = slot.live.map(|live| look_up(live, &slot.global, host).unwrap_or_default()).unwrap_or_default();
    let can = |value: &String| !value.chars().any(char::is_control) && (slot.is_dash_legal || !value.starts_with('-'));
    let live = live.into_iter().filter(can).map(|value| Candidate { value, about: String::new() });
    live.chain(fixed).collect()
}

fn look_up(live: Live, global: &Global, host: &Host<'_>) -> Option<Vec<String>> {
    let settings = Settings::resolve(global, host.env, host.files, &host.folders).ok()?;
    if live == Live::Cached {
        return Some(cached(&Context::new(&settings, host.clone())));
    }
    let set = ProfileSet::load(host.files, &settings.config_file, &settings.credentials_file).ok()?;
    let values = |key: &str| {
        let of = |profile: Profile<'_>| Some(profile.get(key)?.value().into_owned());
        let mut values: Vec<String> = set.profiles().filter_map(of).collect();
        values.sort();
        values.dedup();
        values
    };
    Some(match live {
        Live::Profiles => set.names().map(str::to_owned).collect(),
        Live::Serials => values("mfa_serial"),
        Live::Roles => values("role_arn"),
        Live::Regions => values("region"),
        Live::SsoSessions => set.names_of(SectionKind::SsoSession).map(str::to_owned).collect(),
        Live::SsoProfiles => set.names().filter(|name| signs_in_with_sso(&set, name)).map(str::to_owned).collect(),
        Live::Cached | Live::Files | Live::Folders | Live::Programs => return None,
    })
}

/// Does the profile, or the one at the end of its chain, name a login at IAM Identity Center?
fn signs_in_with_sso(set: &ProfileSet, name: &str) -> bool {
    let last = sources(set, name).pop();
    last.and_then(sign_in).is_some_and(|(property, _)| property.key().starts_with("sso_"))
}

/// The profiles with valid entries. A missing state folder is not created.
fn cached(context: &Context<'_>) -> Vec<String> {
    let is_there = context.settings.state.as_deref().filter(|path| path.is_dir());
    let Ok(folder) = Folder::open(is_there) else { return Vec::new() };
    let vault = context.vault(folder.path());
    let clock = CorrectedClock::new(context.host.clock, Some(&folder));
    let cache = Cache::new(Some(&folder), &vault, CacheUse::Read, context.settings.messages).timed_by(&clock);
    let mut names: Vec<String> = cache.headers(clock.now()).into_iter().map(|header| header.profile).collect();
    names.sort();
    names.dedup();
    names
}
