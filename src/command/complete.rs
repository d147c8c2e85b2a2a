//! `mfa-cred __complete SHELL -- WORDS…`: what may stand at the cursor, for the scripts of `completions/`.
//!
//! It is asked on every TAB, so it says nothing when something is wrong: a file that cannot be read has no profiles.
//! It reads the AWS files and the clear headers of the cache; no keyring is touched, nothing is called or made.
//!
//! What it prints starts with a line that says who knows the candidates: `values` follow, or the shell itself is to
//! offer `files`, `folders` or `programs`.

use super::{Done, write_stdout};
use crate::cache::{Cache, CacheUse};
use crate::cli::{CompleteArgs, CompletionShell, Global, Live, Slot, place};
use crate::command::context::Context;
use crate::error::Error;
use crate::host::Host;
use crate::output::candidates::{self, Candidate, CommandLine};
use crate::profile::ProfileSet;
use crate::settings::Settings;
use crate::state::{CorrectedClock, Folder};

pub(super) fn run(args: &CompleteArgs, host: &Host<'_>) -> Result<Done, Error> {
    let line = match args.shell {
        // The line up to the cursor, and what of it would be replaced.
        CompletionShell::Bash => CommandLine::read(args.words.first().map_or("", String::as_str)),
        CompletionShell::Tcsh => CommandLine::read(&host.env.var("COMMAND_LINE").unwrap_or_default()),
        _ => CommandLine::default(),
    };
    let words = match args.shell {
        CompletionShell::Bash | CompletionShell::Tcsh => line.arguments(),
        _ => &args.words,
    };
    let place = place(words);
    let by_shell = match place.live {
        Some(Live::Files) => "files\n",
        Some(Live::Folders) => "folders\n",
        Some(Live::Programs) => "programs\n",
        _ => "",
    };
    if !by_shell.is_empty() {
        // tcsh reads words and nothing else.
        let is_read = args.shell != CompletionShell::Tcsh;
        return write_stdout(if is_read { by_shell } else { "" });
    }
    let found = found(&place, host);
    let current = words.last().map_or("", String::as_str);
    let before = place.before.as_str();
    let list = found.iter();
    let text = match args.shell {
        CompletionShell::Bash => candidates::bash(&line, args.words.get(1).map_or("", String::as_str), before, list),
        CompletionShell::Zsh => candidates::zsh(list),
        CompletionShell::Fish | CompletionShell::Elvish => candidates::described(before, list),
        CompletionShell::Nu => candidates::quoted(candidates::nu_word, current, before, list),
        CompletionShell::PowerShell => candidates::quoted(candidates::powershell_word, current, before, list),
        CompletionShell::Xonsh => candidates::quoted(candidates::xonsh_word, current, before, list),
        CompletionShell::Tcsh => return write_stdout(&candidates::tcsh(before, list)),
    };
    write_stdout(&("values\n".to_owned() + &text))
}

/// Everything that may stand there and can: what drives a terminal cannot be typed, and what starts with a dash is an
/// option but where it cannot be one.
fn found(place: &Slot, host: &Host<'_>) -> Vec<Candidate> {
    let fixed = place.fixed.iter().cloned().map(|(value, about)| Candidate { value, about });
    let live = place.live.map(|live| look_up(live, &place.global, host).unwrap_or_default()).unwrap_or_default();
    let can = |value: &String| !value.chars().any(char::is_control) && (place.is_dash_legal || !value.starts_with('-'));
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
        let of = |name: &str| Some(set.get(name)?.get(key)?.value().into_owned());
        let mut values: Vec<String> = set.names().filter_map(of).collect();
        values.sort();
        values.dedup();
        values
    };
    Some(match live {
        Live::Profiles => set.names().map(str::to_owned).collect(),
        Live::Serials => values("mfa_serial"),
        Live::Roles => values("role_arn"),
        Live::Regions => values("region"),
        Live::Cached | Live::Files | Live::Folders | Live::Programs => return None,
    })
}

/// The profiles that have live entries. A state folder that is not there stays so.
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
