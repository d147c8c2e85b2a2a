//! `mfa-cred show PROFILE`: the resolved profile, each property with its file and line, and the plan. No call, no prompt,
//! no keyring.

use crate::command::choice;
use crate::command::context::Context;
use serde_json::{Map, Value, json};

use super::signed_in::SignedIn;
use super::{Done, write_stdout};
use crate::cache::{Cache, CacheUse, Key, keys};
use crate::cli::ProfileArgs;
use crate::error::Error;
use crate::host::Host;
use crate::messages::printable;
use crate::names::{ProfileName, RoleArn};
use crate::plan::{End, Plan, PlanError, Step, Steps, existing, included, sign_in, sources};
use crate::profile::{Difference, Profile, ProfileSet, Property, SectionKind};
use crate::screen::table;
use crate::secret::shown;
use crate::settings::{Chosen, Settings};
use crate::state::CorrectedClock;

pub(super) fn run(args: ProfileArgs, as_json: bool, context: &Context<'_>) -> Result<Done, Error> {
    let host = &context.host;
    let how = context.how(&args.obtain)?;
    let set = context.profiles()?;
    let named = args.profile.or_else(|| only_profile(set, host));
    let name = choice::profile(named, &how, context)?;
    let profile = existing(set, &name)?;
    let plan = Plan::make(set, &name, &how.request, context.ambient());
    let added = included(set, profile);
    let differences = differences(set, name.as_str());
    context.with_cache(CacheUse::Read, |cache, clock| {
        let plan = plan.map(|plan| cache.with_known_device(plan));
        let signed_in = plan.as_ref().ok().and_then(|plan| SignedIn::of(plan, context));
        if as_json {
            let text = with_included(to_json(profile, &plan, (cache, clock, signed_in)), &added).to_string();
            return write_stdout(&(text + "\n"));
        }
        let text = to_text(profile, &plan, &differences, (cache, clock, signed_in));
        write_stdout(&table::folded(&printable(&(text + &lines_of(&added))), context.settings.messages))
    })
}

/// The only profile, if none was named: `show` does not sign in, so a wrong choice does no harm.
fn only_profile(set: &ProfileSet, host: &Host<'_>) -> Option<ProfileName> {
    let mut names = set.names();
    match (Settings::profile(None, host.env).1, names.next(), names.next()) {
        (Chosen::Default, Some(only), None) => ProfileName::new(only),
        _ => None,
    }
}

/// How other tools read the profile, its sources, and the sections that these name.
fn differences(set: &ProfileSet, name: &str) -> Vec<String> {
    let named = |profile: Profile<'_>, key, kind| Some((kind, profile.filled(key)?.value().into_owned()));
    let sections: Vec<(SectionKind, String)> = sources(set, name)
        .into_iter()
        .flat_map(|profile| {
            [
                Some((SectionKind::Profile, profile.name().to_owned())),
                named(profile, "services", SectionKind::Services),
                named(profile, "sso_session", SectionKind::SsoSession),
            ]
        })
        .flatten()
        .collect();
    let concerns = |it: &&Difference<'_>| sections.iter().any(|(kind, name)| it.concerns(*kind, name));
    let differences = set.differences();
    let lines = differences.iter().filter(concerns).map(ToString::to_string);
    lines.chain(sources(set, name).into_iter().skip(1).filter_map(passed_over)).collect()
}

/// A source's own keys sign, as in the SDK for Rust, whatever else the source contains.
fn passed_over(source: Profile<'_>) -> Option<String> {
    source.filled("aws_access_key_id")?;
    let (property, what) = sign_in(source)?;
    Some(format!(
        "{}: `{}`: as a source, profile `{}` signs with its access key here; the AWS CLI would use {what}",
        property.place(),
        property.key(),
        source.name()
    ))
}

/// What is known besides the plan: the cache, the time, and the sign-in.
type Known<'k> = (&'k Cache<'k>, &'k CorrectedClock<'k>, Option<SignedIn>);

fn to_text(
    profile: Profile<'_>,
    plan: &Result<Plan, PlanError>,
    differences: &[String],
    (cache, clock, signed_in): Known<'_>,
) -> String {
    let mut text = format!("profile {}\n", profile.name());
    for property in profile.properties() {
        let value = shown(&property);
        text.push_str(&format!("  {} = {}    {}\n", property.key(), value.replace('\n', "\n    "), property.place()));
    }
    for difference in differences {
        text.push_str(&format!("  note: {difference}\n"));
    }
    text.push_str("plan\n");
    match plan {
        Err(error) => text.push_str(&format!("  error: {error}\n")),
        Ok(plan) => {
            text.push_str(&format!("  base: {}\n", plan.base));
            text.push_str(&plan.end.as_ref().map(|end| end_line(end, clock)).unwrap_or_default());
            for (when, steps) in ways(plan) {
                if steps.is_empty() {
                    text.push_str(&format!("  {when}no call\n"));
                }
                for (step, key) in steps.iter().zip(keys(plan, steps)) {
                    text.push_str(&format!("  {when}{step}{}\n", cached(&key, cache, clock)));
                }
            }
            if let Some(signed_in) = signed_in {
                text.push_str(&format!("  sign-in: {}\n", signed_in.in_words()));
            }
            if let Some(origin) = plan.kept_seed.as_ref().filter(|_| plan.device.is_some()) {
                text.push_str(&format!("  code: from the device's kept seed ({origin})\n"));
            }
            if plan.steps != Steps::Fixed(Vec::new()) {
                text.push_str(&format!("  {}\n", plan.service));
            }
            text.push_str(&format!("  region: {}\n", plan.region.as_ref().map_or("none", |region| region.as_str())));
            for warning in notes(plan) {
                text.push_str(&format!("  note: {warning}\n"));
            }
        }
    }
    text
}

/// What the user should know about the plan.
fn notes(plan: &Plan) -> Vec<String> {
    let skipped = plan.skipped_serial.iter().map(|origin| {
        format!("{origin} is skipped: a session of `aws login` carries the MFA of its sign-in, and takes no code")
    });
    plan.warnings.iter().map(ToString::to_string).chain(skipped).collect()
}

/// The lines that stand for aws-vault's `include_profile`, ready to be copied. Secrets are hidden in them, too.
fn lines_of(added: &[Property<'_>]) -> String {
    let line = |property: &Property<'_>| format!("  {} = {}\n", property.key(), shown(property).replace('\n', "\n  "));
    let lines: String = added.iter().map(line).collect();
    if lines.is_empty() { lines } else { format!("to put in place of that line\n{lines}") }
}

/// The same in JSON, where there is something.
fn with_included(mut text: Value, added: &[Property<'_>]) -> Value {
    if !added.is_empty() {
        let properties = added.iter().map(|property| (property.key().into_owned(), shown(property).into()));
        text["included"] = properties.collect::<Map<String, Value>>().into();
    }
    text
}

/// When the plan's starting keys expire, and what says so.
fn end_line(end: &End, clock: &CorrectedClock<'_>) -> String {
    let (at, origin) = (end.at, &end.origin);
    if at <= clock.now() {
        return format!("  expired at {at} ({origin})\n");
    }
    format!("  expires at {at}, {} left ({origin})\n", table::left(at, clock.now()))
}

fn cached(key: &Key, cache: &Cache<'_>, clock: &CorrectedClock<'_>) -> String {
    let now = clock.now();
    cache.peek(key, now).map_or_else(String::new, |header| {
        format!(" (cached, {} left)", table::left(header.end, cache.now_of(&header, now)))
    })
}

/// The branches of the plan, each with the condition that its lines start with.
fn ways(plan: &Plan) -> Vec<(&'static str, &[Step])> {
    match &plan.steps {
        Steps::Fixed(steps) => vec![("", &steps[..])],
        Steps::ByBase { long_term, session } => {
            vec![("if long-term: ", &long_term[..]), ("if a session: ", &session[..])]
        }
    }
}

fn shown(property: &Property<'_>) -> String {
    shown::value(&property.key(), &property.value()).into_owned()
}

fn to_json(profile: Profile<'_>, plan: &Result<Plan, PlanError>, (cache, clock, signed_in): Known<'_>) -> Value {
    let property = |property: Property<'_>| {
        let place = property.place();
        let value = json!({"value": shown(&property), "file": place.file.display().to_string(), "line": place.line});
        (property.key().into_owned(), value)
    };
    let properties: Map<String, Value> = profile.properties().into_iter().map(property).collect();
    let plan_shown = plan.as_ref().ok().map(|plan| {
        let mut shown = plan_json(plan, cache, clock);
        // Included only where there is one.
        if let Some(signed_in) = signed_in {
            shown["sign_in"] = signed_in.json();
        }
        shown
    });
    json!({
        "profile": profile.name(),
        "properties": properties,
        "plan": plan_shown,
        "error": plan.as_ref().err().map(ToString::to_string),
    })
}

fn plan_json(plan: &Plan, cache: &Cache<'_>, clock: &CorrectedClock<'_>) -> Value {
    let now = clock.now();
    let step = |when: &str, step: &Step, key: &Key| {
        let call = match step {
            Step::SessionToken { .. } => "GetSessionToken",
            Step::AssumeRole(_) => "AssumeRole",
            Step::WebIdentity(_) => "AssumeRoleWithWebIdentity",
            Step::RoleCredentials(_) => "GetRoleCredentials",
        };
        let mut shown = json!({
            "call": call,
            "when": when.trim_end_matches([':', ' ']),
            "role_arn": step.role_arn().map(RoleArn::as_str),
            "mfa_serial": step.needs_code_of().map(ToString::to_string),
            "duration_seconds": step.duration().secs(),
            "cached_until": cache.peek(key, now).map(|header| header.end.to_string()),
        });
        if let Step::RoleCredentials(role) = step {
            // The permission set decides.
            shown["duration_seconds"] = Value::Null;
            shown["account"] = role.account.as_str().into();
            shown["role_name"] = role.role.as_str().into();
        }
        shown
    };
    let steps: Vec<Value> = ways(plan)
        .into_iter()
        .flat_map(|(when, steps)| {
            steps.iter().zip(keys(plan, steps)).map(|(one, key)| step(when, one, &key)).collect::<Vec<_>>()
        })
        .collect();
    let mut shown = json!({
        "base": plan.base.to_string(),
        "steps": steps,
        "mfa_serial": plan.device.as_ref().map(ToString::to_string),
        "region": plan.region.as_ref().map(ToString::to_string),
        "sts_region": plan.service.region.to_string(),
        "endpoint_url": plan.service.endpoint_url.as_deref().map(shown::url),
        "warnings": notes(plan),
    });
    // Included only if set, as in `list`.
    if let Some(end) = &plan.end {
        shown["keys_until"] = end.at.to_string().into();
    }
    if plan.kept_seed.is_some() {
        shown["mfa_source"] = "seed".into();
    }
    shown
}
