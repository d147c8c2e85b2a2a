//! `mfa-cred env --as-profile`: statements that set `AWS_PROFILE` to a wired profile in place of keys, so that every SDK
//! obtains and renews the credentials itself.
//!
//! The credentials are obtained first. An SDK that starts `mfa-cred process` then finds them in the cache, and waits for
//! nobody.

use std::io::{self, IsTerminal};

use super::context::Context;
use super::session::{self, Asks};
use super::{Done, choice, env, init, write_stdout};
use crate::cache::MinTtl;
use crate::cli::EnvArgs;
use crate::error::Error;
use crate::names::{ProfileName, variables};
use crate::os::streams::require_stdout;
use crate::output::{Export, Held};
use crate::plan::{Base, Plan, Steps};
use crate::profile::ProfileSet;
use crate::profile::edit::Written;
use crate::settings::Settings;
use crate::wire::{WireError, wired};

pub(super) fn run(args: EnvArgs, context: &Context<'_>) -> Result<Done, Error> {
    let host = &context.host;
    require_stdout().map_err(Error::Output)?;
    if io::stdout().is_terminal() && args.format.is_none() {
        return Err(env::untaken(args, context)?);
    }
    let how = context.how(&args.obtain)?;
    let named = choice::profile(args.profile, &how, context)?;
    let program = init::program(host)?;
    let set = context.profiles()?;
    let section = if let Some(section) = wired(set, &named, &program) {
        section
    } else {
        // Wiring helps neither a profile that does not exist nor one with an error.
        let plan = context.plan(&named, &how).map_err(|error| error.about(&named))?;
        by_itself(set, &plan).ok_or(WireError::NotWired(named.clone()))?
    };
    let profile = ProfileName::new(section.of).unwrap_or(named);
    let signed = session::sign_in(Some(profile), &args.obtain, MinTtl::SDK, Asks::ForSignIn, context)?;
    let plan = &signed.plan;
    choice::note(&plan.profile, context);
    warn_of_other_file(context);
    let is_renewal = host.env.os(variables::PROFILE).is_some();
    let was_noted = host.env.os(variables::EXPORTED_REGION).is_some();
    let held = Held { profile: &plan.profile, wired: &section.name };
    let export = Export::of_name(&held, plan.region.as_ref(), is_renewal)
        .noting_region(plan.region.as_ref().filter(|_| plan.region_is_given), was_noted);
    write_stdout(env::format(args.format, host).render(&export)?.expose())
}

/// A profile that runs a command of the user's, perhaps `mfa-cred process`, for SDKs as well as for us.
fn by_itself(set: &ProfileSet, plan: &Plan) -> Option<Written> {
    let runs_a_command = matches!(&plan.base, Base::CredentialProcess { profile, .. } if *profile == plan.profile)
        && matches!(&plan.steps, Steps::Fixed(steps) if steps.is_empty());
    // boto3 and the AWS CLI would take the key.
    let has_key = set.get(plan.profile.as_str())?.filled("aws_access_key_id").is_some();
    let itself = || Written { name: plan.profile.clone(), of: plan.profile.to_string() };
    (runs_a_command && !has_key).then(itself)
}

/// SDKs know neither `--config-file` nor `MFA_CRED_CONFIG_FILE`.
fn warn_of_other_file(context: &Context<'_>) {
    let ours = &context.settings.config_file;
    let theirs = Settings::config_file_of_sdks(context.host.env, &context.host.folders);
    if theirs.is_some_and(|theirs| theirs != *ours) {
        let ours = ours.display();
        context.settings.messages.warn(&format!("SDKs do not read {ours} unless `AWS_CONFIG_FILE` names it"));
    }
}
