//! `mfa-cred write PROFILE --as NAME` and `unwrite`: credentials in a section of the credentials file, for tools that read
//! files alone.

use super::{Done, session};
use crate::cache::MinTtl;
use crate::cli::{UnwriteArgs, WriteArgs};
use crate::command::choice;
use crate::command::context::Context;
use crate::disk::replace::ReplaceError;
use crate::error::Error;
use crate::names::ProfileName;
use crate::profile::edit::{Draft, EditError, Writer, Written, place_of_others, written};
use crate::screen::table;
use crate::secret::{Credentials, Secret};
use crate::state::{Folder, FolderError};
use crate::wire::WireError;

/// The lock of everybody who writes credentials into the file.
const LOCK: &str = "credentials-file";

/// How often an edit is tried if another program changes the file at the same moment.
const MOST_TRIES: usize = 10;

pub(super) fn run(args: WriteArgs, context: &Context<'_>) -> Result<Done, Error> {
    let WriteArgs { name, target } = args;
    let how = context.how(&target.obtain)?;
    let profile = choice::profile(target.profile.clone(), &how, context)?;
    // Before anybody is asked for a code.
    see_that_it_is_ours(&name, &profile, &context.files_now()?)?;
    let signed =
        session::sign_in(Some(profile.clone()), &target.obtain, MinTtl::SDK, session::Asks::ForSignIn, context)?;
    if signed.credentials.is_long_term() {
        return Err(WireError::LongTerm(profile).into());
    }
    let lines = lines(&signed.credentials, signed.plan.region.as_ref().map(super::super::names::Region::as_str));
    edit(context, |draft| {
        see_that_it_is_ours(&name, &profile, draft.set())?;
        let section = Written { name: name.clone(), of: profile.to_string() };
        Ok(draft.write_section(Writer::Write, &section, &lines)?)
    })?;
    let file = context.settings.credentials_file.display();
    let left = signed.credentials.expiration.map(|end| table::left(end, context.now(&signed.plan)));
    context.settings.messages.note(&format!(
        "{profile}: wrote `[{name}]` to {file} in plain text{}",
        left.map(|left| format!(", valid for {left}")).unwrap_or_default()
    ));
    Ok(Done::Well)
}

pub(super) fn undo(args: &UnwriteArgs, context: &Context<'_>) -> Result<Done, Error> {
    let removed = remove(context, |section| {
        args.all || args.names.iter().any(|name| section.name == *name || section.of == name.as_str())
    })?;
    let is_removed = |name: &&ProfileName| removed.iter().any(|it| it.name == **name || it.of == name.as_str());
    if let Some(missing) = args.names.iter().find(|name| !is_removed(name)) {
        return Err(WireError::NoneFor(missing.clone()).into());
    }
    if removed.is_empty() {
        let file = context.settings.credentials_file.display();
        context.settings.messages.note(&format!("{file} has no section that mfa-cred wrote"));
    }
    Ok(Done::Well)
}

/// Takes sections of ours out of the credentials file, and says so. Returns which.
pub(super) fn remove(context: &Context<'_>, which: impl Fn(&Written) -> bool) -> Result<Vec<Written>, Error> {
    let found = |draft: &Draft| written(draft.set(), Writer::Write).into_iter().filter(&which).collect::<Vec<_>>();
    let mut removed = Vec::new();
    edit(context, |draft| {
        removed = found(draft);
        removed.iter().try_for_each(|section| draft.remove_section(Writer::Write, &section.name).map(|_| ()))?;
        Ok(())
    })?;
    let file = context.settings.credentials_file.display();
    for section in &removed {
        context.settings.messages.note(&format!("removed `[{}]` from {file}", section.name));
    }
    Ok(removed)
}

/// Changes the files, and tries again if another program changed them in between.
fn edit(context: &Context<'_>, mut change: impl FnMut(&mut Draft) -> Result<(), WireError>) -> Result<(), Error> {
    // Between the last look at the file and its replacement, another process of ours could write.
    let turn = |folder: &Folder| folder.take_turn::<(), FolderError>(LOCK, &mut || Ok(None), &mut |_| Ok(())).ok();
    let _turn = context.folder().and_then(turn);
    let mut tries = 1..=MOST_TRIES;
    loop {
        let mut draft = Draft::new(context.files_now()?);
        change(&mut draft)?;
        match draft.write() {
            Err(EditError::Replace(ReplaceError::Changed { .. })) if tries.next().is_some() => {}
            written => return Ok(written.map_err(WireError::from)?),
        }
    }
}

fn see_that_it_is_ours(
    name: &ProfileName,
    of: &ProfileName,
    set: &crate::profile::ProfileSet,
) -> Result<(), WireError> {
    match place_of_others(set, Writer::Write, name) {
        Some(place) => Err(WireError::Taken { name: name.clone(), place, command: "write", of: of.clone() }),
        None => Ok(()),
    }
}

/// The lines of a section. The expiration stands under the names by which prompts and other tools look for it.
fn lines(credentials: &Credentials, region: Option<&str>) -> Vec<(&'static str, Secret<String>)> {
    let mut lines = vec![
        ("aws_access_key_id", Secret::from(credentials.access_key_id.as_str())),
        ("aws_secret_access_key", credentials.secret_access_key.clone()),
    ];
    lines.extend(credentials.session_token.clone().map(|token| ("aws_session_token", token)));
    if let Some(end) = credentials.expiration {
        lines.extend(["x_security_token_expires", "expiration"].map(|key| (key, Secret::new(end.to_string()))));
    }
    lines.extend(region.map(|region| ("region", Secret::from(region))));
    lines
}
