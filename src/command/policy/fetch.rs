//! `mfa-cred policy check --user NAME`: reads the policies from IAM.
//!
//! A policy that cannot be read is reported on stderr and counts as a document that may say anything, so that no
//! verdict depends on its absence.

use super::super::session;
use super::{Case, subject};
use crate::cache::{CacheUse, MinTtl};
use crate::cli::{CheckArgs, Obtain};
use crate::command::context::Context;
use crate::error::Error;
use crate::iam::policies::{Applying, Document as Fetched, applying_to};
use crate::iam::{AwsIam, DeviceError, User};
use crate::policy::journey::Subject;
use crate::policy::{Document, PolicyKind};
use crate::settings::Settings;

pub(super) fn policies_of(user: &str, args: &CheckArgs, context: &Context<'_>) -> Result<Case, Error> {
    let settings = context.settings;
    // A name is unique in the account, whatever its path.
    let user = user.rsplit('/').next().unwrap_or(user);
    let Applying { arn, identity, boundary, missing } = fetch(user, args, context)?;
    let mut identity = parsed(&identity)?;
    let mut boundary = parsed(boundary.as_slice())?;
    for one in &missing {
        settings
            .messages
            .warn(&format!("{} cannot be read because iam:{} is denied: treated as unknown", one.what, one.call));
        let into = if one.is_boundary { &mut boundary } else { &mut identity };
        into.push(Document::unread(&one.what, PolicyKind::User));
    }
    let known = arn.and_then(|arn| User::of_arn(&arn).ok());
    let known = known.and_then(|user| {
        let name = format!("{}{}", user.path, user.name);
        Some((Subject::new(&name, user.account.clone(), user.partition)?, user))
    });
    Ok(if let Some((subject, User { account, partition, .. })) = known {
        Case { identity, boundary, subject, account: Some(account), partition: Some(partition) }
    } else {
        let subject = subject(args, Some(user), &identity);
        Case { identity, boundary, subject, account: None, partition: None }
    })
}

fn fetch(user: &str, args: &CheckArgs, context: &Context<'_>) -> Result<Applying, Error> {
    let (settings, host) = (context.settings, &context.host);
    let obtain = Obtain { no_prompt: args.no_prompt, ..Obtain::default() };
    let how = context.how(&obtain)?;
    let (profile, _) = Settings::profile(args.profile.clone(), host.env);
    let set = context.profiles()?;
    let plan = context.plan(&profile, &how)?;
    let service = plan.iam(set, context.ambient())?;
    let signer = session::obtain(context, &plan, &how, MinTtl::PERSON)?;
    context.with_cache(CacheUse::ReadAndKeep, |_, clock| {
        let iam = AwsIam::connect(&service, settings.limits, clock);
        let iam = iam.map_err(DeviceError::Client)?;
        Ok(applying_to(user, &signer, &iam).map_err(DeviceError::from)?)
    })
}

fn parsed(documents: &[Fetched]) -> Result<Vec<Document>, Error> {
    let one = |document: &Fetched| Ok(Document::parse(&document.name, &document.text, PolicyKind::User)?);
    documents.iter().map(one).collect()
}
