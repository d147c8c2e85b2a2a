//! `mfa-cred wire PROFILE` and `unwire`: the section with which SDKs run `mfa-cred process`.

mod sso;

use super::{Done, init, write_stdout};
use crate::cli::{Obtain, UnwireArgs, WireArgs};
use crate::code::PATIENCE;
use crate::command::choice;
use crate::command::context::Context;
use crate::error::Error;
use crate::host::Usual;
use crate::messages::with_causes;
use crate::names::ProfileName;
use crate::plan::{Ambient, Base, Plan, PlanRequest, Steps};
use crate::profile::edit::{self, Draft, Writer};
use crate::wire::{self, WireError, Wiring};

pub(super) fn run(args: WireArgs, context: &Context<'_>) -> Result<Done, Error> {
    if let Some(session) = &args.of_sso.sso {
        return sso::run(session.as_deref(), &args, context);
    }
    let program = init::program(&context.host)?;
    let mut draft = Draft::new(context.files_now()?);
    let mut names = Vec::new();
    if args.all {
        for profile in draft.set().names().filter_map(ProfileName::new).collect::<Vec<_>>() {
            if let Some(plan) = wanted(&profile, &draft, context) {
                names.extend(
                    add(&plan, None, &program, &mut draft).map_err(|error| Error::from(error).about(&profile))?,
                );
            }
        }
    } else {
        let profiles = named(args.profiles, args.yes, context)?;
        for profile in profiles {
            let plan = plan(&profile, &draft, context).map_err(|error| error.about(&profile))?;
            let added = add(&plan, args.name.clone(), &program, &mut draft);
            names.extend(added.map_err(|error| Error::from(error).about(&profile))?);
        }
    }
    let file = context.settings.config_file.display();
    let is_new = draft.is_changed();
    let mode = Mode { says_yes: args.yes, dry_run: args.dry_run, is_silent: false };
    if !written(&draft, mode, context)? {
        return Ok(Done::Well);
    }
    let messages = context.settings.messages;
    match &names[..] {
        [] => messages.note("no profile has a role or an MFA device: there is nothing to wire"),
        _ if !is_new => messages.note(&format!("{file} has it already: {}", list(&names))),
        _ => messages.note(&format!("wrote {} to {file}", list(&names))),
    }
    for name in names.iter().filter(|name| !wire::is_readable(name)) {
        messages.warn(&format!(
            "only the AWS CLI and boto3 read a profile named `{name}`: other SDKs accept only ASCII letters, digits and `_-./%@:+`"
        ));
    }
    if let (true, Some(name)) = (is_new, names.first()) {
        messages
            .hint(&format!("any SDK and the AWS CLI can use it: `aws {} sts get-caller-identity`", name.as_option()));
    }
    Ok(Done::Well)
}

pub(super) fn undo(args: UnwireArgs, context: &Context<'_>) -> Result<Done, Error> {
    let program = init::program(&context.host)?;
    let mut draft = Draft::new(context.files_now()?);
    let names = if args.all {
        let of = |writer| edit::written(draft.set(), writer).into_iter().map(|section| section.name);
        of(Writer::Wire).chain(of(Writer::WireSso)).chain(wire::wired_in_themselves(draft.set(), &program)).collect()
    } else if let Some(session) = args.sso {
        let names = wire::sso::of_session(draft.set(), &session);
        if names.is_empty() {
            return Err(WireError::NoneForSession(session).into());
        }
        names
    } else {
        named(args.profiles, args.yes, context)?
    };
    for name in &names {
        if !wire::remove(name, &program, &mut draft)? {
            return Err(WireError::NoneFor(name.clone()).into());
        }
    }
    let file = context.settings.config_file.display();
    if draft.is_changed() {
        written(&draft, Mode { says_yes: args.yes, dry_run: false, is_silent: false }, context)?;
        context.settings.messages.note(&format!("removed from {file}: {}", list(&names)));
    } else {
        context.settings.messages.note(&format!("{file} has no section that mfa-cred wrote"));
    }
    Ok(Done::Well)
}

/// How a change is made.
#[derive(Clone, Copy)]
struct Mode {
    /// Is the question answered?
    says_yes: bool,
    /// Is the change only printed?
    dry_run: bool,
    /// Does stdout belong to something else?
    is_silent: bool,
}

/// Shows what would change in the files, asks, and writes it. Was it to be written?
fn written(draft: &Draft, mode: Mode, context: &Context<'_>) -> Result<bool, Error> {
    let Mode { says_yes, dry_run, is_silent } = mode;
    if dry_run && !is_silent {
        write_stdout(&draft.diff())?;
    } else if !dry_run && draft.is_changed() {
        write(draft, says_yes, context)?;
    }
    Ok(!dry_run)
}

fn write(draft: &Draft, says_yes: bool, context: &Context<'_>) -> Result<(), WireError> {
    let (terminal, diff) = (context.host.terminal, draft.diff());
    if terminal.is_there() {
        terminal.show(&context.settings.messages.tilde(&diff));
    } else {
        diff.lines().for_each(|line| context.settings.messages.note(line));
    }
    if !says_yes {
        if !terminal.is_there() {
            return Err(WireError::NobodyThere);
        }
        match terminal.confirm("Write this?", Usual::Yes, PATIENCE) {
            Ok(true) => {}
            Ok(false) => return Err(WireError::Declined),
            Err(reason) => return Err(WireError::Terminal(reason)),
        }
    }
    Ok(draft.write()?)
}

/// The profiles of the command line, else the usual one.
fn named(profiles: Vec<ProfileName>, says_yes: bool, context: &Context<'_>) -> Result<Vec<ProfileName>, Error> {
    if !profiles.is_empty() {
        return Ok(profiles);
    }
    let how = context.how(&Obtain { no_prompt: says_yes, ..Obtain::default() })?;
    Ok(vec![choice::profile(None, &how, context)?])
}

/// What would be done for a profile wherever it is used: what this shell has as region is not of the profile.
fn plan(profile: &ProfileName, draft: &Draft, context: &Context<'_>) -> Result<Plan, Error> {
    let usual_region = context.how(&Obtain::default())?.request.usual_region;
    let request = PlanRequest { usual_region, ..PlanRequest::default() };
    let ambient = Ambient { regions: Vec::new(), ..context.ambient().clone() };
    Ok(Plan::make(draft.set(), profile, &request, &ambient)?)
}

/// The plan of a profile that an SDK cannot use without a code, or not more than an hour without asking STS again.
fn wanted(profile: &ProfileName, draft: &Draft, context: &Context<'_>) -> Option<Plan> {
    match plan(profile, draft, context) {
        Ok(plan) => {
            let has_steps = !matches!(&plan.steps, Steps::Fixed(steps) if steps.is_empty());
            let is_wired = matches!(&plan.base, Base::CredentialProcess { profile: of, .. } if of == profile);
            (matches!(plan.base, Base::SealedKey { .. }) || has_steps && !is_wired).then_some(plan)
        }
        Err(error) => {
            context.settings.messages.note(&format!("{profile} is left out: {}", with_causes(&error)));
            None
        }
    }
}

/// Adds a profile's section to the draft, and returns the name under which SDKs then find it.
fn add(
    plan: &Plan,
    name: Option<ProfileName>,
    program: &str,
    draft: &mut Draft,
) -> Result<Option<ProfileName>, WireError> {
    let Plan { profile, region, .. } = plan;
    let wiring = Wiring { program, profile, region: region.as_ref() };
    let is_plain_user = matches!(&plan.base, Base::SealedKey { profile: of, .. } if of == profile);
    if is_plain_user && name.is_none() {
        wiring.add_to_itself(draft)?;
        return Ok(Some(profile.clone()));
    }
    let name = name.unwrap_or_else(|| wire::second(profile, draft.set()));
    wiring.add(&name, draft)?;
    Ok(Some(name))
}

fn list(names: &[ProfileName]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
