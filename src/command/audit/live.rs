//! The account of a profile, as IAM has it now.

use std::time::Duration;

use super::super::{choice, session};
use crate::audit::outcome::{Outcome, Wish};
use crate::cache::{CacheUse, MinTtl};
use crate::cli::{AuditArgs, Obtain};
use crate::command::context::Context;
use crate::error::Error;
use crate::iam::account::{Gathered, Source, gather};
use crate::iam::{AwsIam, DeviceError};
use crate::names::ProfileName;
use crate::settings::{Limits, ObtainOptions};

/// All attempts at one call. Whoever asks a thousand times is throttled, and waits.
const PATIENCE: Duration = Duration::from_secs(120);

/// Signs in to the profile and asks.
pub(super) fn of_profile(args: &AuditArgs, wish: &Wish, context: &Context<'_>) -> Result<Outcome, Error> {
    let obtain = Obtain { no_prompt: args.no_prompt, ..Obtain::default() };
    let how = context.how(&obtain)?;
    let context = &context.attended_as(&how);
    let profile = choice::profile(args.profile.clone(), &how, context)?;
    let Gathered { account, is_live } =
        gathered(source(args), &profile, &how, context).map_err(|error| error.about(&profile))?;
    let outcome = Outcome::of(account, wish, context.clock().now());
    Ok(Outcome { name: profile.to_string(), is_live, ..outcome })
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
        let bar = settings.messages.progress("asking IAM");
        let mut progress = |done, of| bar.set(done, of);
        Ok(gather(source, &signer, &iam, context.host.clock, &mut progress).map_err(DeviceError::from)?)
    })
}
