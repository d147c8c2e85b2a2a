//! Audits the account of a profile live, from IAM.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use super::super::{choice, session};
use super::bytes;
use crate::audit::AuditError;
use crate::audit::outcome::{Outcome, Wish};
use crate::cache::{CacheUse, MinTtl};
use crate::cli::{AuditArgs, Obtain};
use crate::command::context::Context;
use crate::error::Error;
use crate::exit::{Ending, ExitCode};
use crate::iam::account::{Gathered, Source, gather};
use crate::iam::{AwsIam, DeviceError};
use crate::messages::{one_line, with_causes};
use crate::names::{AccountId, Partition, ProfileName};
use crate::settings::{Limits, ObtainOptions};

/// The time for all attempts at one call: a client that makes a thousand calls is throttled, and has to wait.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// Audits one account or several. One that cannot be read becomes a row with the reason; canceling ends the whole
/// audit.
pub(super) fn outcomes(args: &AuditArgs, wish: &Wish, context: &Context<'_>) -> Result<Vec<Outcome>, Error> {
    let obtain = Obtain { no_prompt: args.no_prompt, ..Obtain::default() };
    let how = context.how(&obtain)?;
    let context = &context.attended_as(&how);
    let run = Run { source: source(args), wish, context };
    if let Some(glob) = &args.profiles {
        let names: Vec<&str> = context.profiles()?.names().filter(|name| is_like(glob, name)).collect();
        if names.is_empty() {
            return Err(AuditError::NoProfiles(one_line(glob)).into());
        }
        let mut outcomes: Vec<Outcome> = Vec::new();
        for profile in names.into_iter().filter_map(ProfileName::new) {
            let outcome = run.or_row(&profile, &how, Outcome::named(profile.as_str()))?;
            let is_same = |other: &&mut Outcome| other.error.is_none() && other.id.is_some() && other.id == outcome.id;
            match outcomes.iter_mut().find(is_same).filter(|_| outcome.error.is_none()) {
                // One account counts once, under the names of all of its profiles.
                Some(same) => same.name = format!("{}, {}", same.name, outcome.name),
                None => outcomes.push(outcome),
            }
        }
        return Ok(outcomes);
    }
    let profile = choice::profile(args.profile.clone(), &how, context)?;
    let (Some(file), Some(role)) = (&args.accounts, &args.role_name) else {
        return Ok(vec![run.of(&profile, &how).map_err(|error| error.about(&profile))?]);
    };
    let mut outcomes = Vec::new();
    for (id, name) in accounts(file, context)? {
        let row = Outcome { id: Some(id.clone()), ..Outcome::named(&name) };
        let partition = context.plan(&profile, &how)?.service.region;
        let partition = Partition::of_region(&partition);
        let role_arn = format!("arn:{}:iam::{}:role/{role}", partition.as_str(), id.as_str()).parse();
        outcomes.push(match role_arn {
            Ok(role_arn) => {
                let obtain = Obtain { role_arn: Some(role_arn), ..obtain.clone() };
                run.or_row(&profile, &context.how(&obtain)?, row)?
            }
            Err(error) => Outcome { error: Some(format!("`{role}`: {error}")), ..row },
        });
    }
    Ok(outcomes)
}

/// What all accounts share.
struct Run<'r, 'a> {
    source: Source,
    wish: &'r Wish,
    context: &'r Context<'a>,
}

impl Run<'_, '_> {
    /// Signs in to the profile and audits its account.
    fn of(&self, profile: &ProfileName, how: &ObtainOptions) -> Result<Outcome, Error> {
        let Gathered { account, is_live } = gathered(self.source, profile, how, self.context)?;
        let outcome = Outcome::of(account, self.wish, self.context.clock().now());
        Ok(Outcome { name: profile.as_str().to_owned(), is_live, ..outcome })
    }

    /// The same; on an error, the row with the reason.
    fn or_row(&self, profile: &ProfileName, how: &ObtainOptions, row: Outcome) -> Result<Outcome, Error> {
        match self.of(profile, how) {
            Ok(found) => {
                let id = row.id.or_else(|| found.id.clone());
                Ok(Outcome { name: row.name, id, ..found })
            }
            Err(error) if matches!(error.ending(), Ending::Signal(_) | Ending::Exit(ExitCode::Canceled)) => {
                Err(error.about(profile))
            }
            Err(error) => Ok(Outcome { error: Some(with_causes(&error)), ..row }),
        }
    }
}

/// The account IDs and names in a file: one line each, the ID first. Without a name, the ID is the name. An account
/// that is listed again is read once, under its first name.
fn accounts(file: &Path, context: &Context<'_>) -> Result<Vec<(AccountId, String)>, Error> {
    let (name, bytes) = bytes(file, &context.host)?;
    let text = String::from_utf8_lossy(&bytes);
    let (mut all, mut known) = (Vec::new(), HashSet::new());
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start_matches('\u{feff}').split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (id, rest) = line.split_once(|c: char| c.is_whitespace() || c == ',').unwrap_or((line, ""));
        let wrong = |_| AuditError::Accounts { name: one_line(&name), line: index + 1 };
        let id: AccountId = id.parse().map_err(wrong)?;
        let called = if rest.trim().is_empty() { id.as_str() } else { rest.trim() }.to_owned();
        if known.insert(id.as_str().to_owned()) {
            all.push((id, called));
        }
    }
    // Otherwise a list that is empty by mistake would look like accounts without findings.
    if all.is_empty() { Err(AuditError::NoAccounts(one_line(&name)).into()) } else { Ok(all) }
}

/// `*` matches any text, `?` any character. On a mismatch only the last `*` takes more, so that a pattern of many
/// stars takes no more time than the two lengths multiplied.
fn is_like(glob: &str, name: &str) -> bool {
    let (glob, name): (Vec<char>, Vec<char>) = (glob.chars().collect(), name.chars().collect());
    let (mut at, mut taken, mut star) = (0, 0, None);
    while taken < name.len() {
        match (glob.get(at), star) {
            (Some('*'), _) => {
                star = Some((at + 1, taken));
                at += 1;
            }
            (Some(char), _) if *char == '?' || *char == name[taken] => (at, taken) = (at + 1, taken + 1),
            (_, Some((after, from))) => {
                star = Some((after, from + 1));
                (at, taken) = (after, from + 1);
            }
            (_, None) => return false,
        }
    }
    glob[at..].iter().all(|char| *char == '*')
}

fn source(args: &AuditArgs) -> Source {
    match &args.report {
        Some(_) => Source::Report,
        None if args.live => Source::Live,
        None => Source::Auto,
    }
}

fn gathered(
    source: Source,
    profile: &ProfileName,
    how: &ObtainOptions,
    context: &Context<'_>,
) -> Result<Gathered, Error> {
    let (settings, set) = (context.settings, context.profiles()?);
    let plan = context.plan(profile, how)?;
    let signer = session::obtain(context, &plan, how, MinTtl::PERSON)?;
    context.with_cache(CacheUse::ReadAndKeep, |_, clock| {
        let service = plan.iam(set, context.ambient())?;
        let limits = Limits { call: settings.limits.call.max(PATIENCE), ..settings.limits };
        let iam = AwsIam::connect(&service, limits, clock).map_err(DeviceError::Client)?;
        let bar = settings.messages.progress("reading IAM");
        let mut progress = |done, of| bar.set(done, of);
        Ok(gather(source, &signer, &iam, context.host.clock, &mut progress).map_err(DeviceError::from)?)
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::is_like;

    #[test]
    fn patterns_of_profile_names() {
        for (glob, name, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a", "", false),
            ("*-audit", "prod-audit", true),
            ("*-audit", "-audit-audit", true),
            ("*-audit", "prod-audits", false),
            ("a?c*", "abc", true),
            ("a?c", "ac", false),
            ("*a*b", "xxaxxbxxb", true),
            ("*a*b", "xxbxxa", false),
            ("**", "x", true),
            ("é?", "éa", true),
        ] {
            assert_eq!(is_like(glob, name), expected, "{glob} {name}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_exponential_time() {
        let start = Instant::now();
        assert!(!is_like(&("*a".repeat(30) + "*b"), &"a".repeat(1_000)));
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
}
