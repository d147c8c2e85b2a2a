//! `mfa-cred keys add PROFILE`: a key that is in no file of AWS's yet.

use std::io::{self, Read};
use std::path::PathBuf;

use super::KeysWork;
use crate::code::PATIENCE;
use crate::command::Done;
use crate::command::context::Context;
use crate::error::Error;
use crate::host::TerminalError;
use crate::iam::KeysError;
use crate::names::{ProfileName, variables};
use crate::safe::GivenKey;
use crate::secret::Secret;

/// In bytes. What holds a key is shorter by far.
const LONGEST: usize = 1 << 16;

/// Where the key comes from.
pub(super) enum From {
    /// The person types it.
    Terminal,
    /// The console's CSV file.
    Csv(PathBuf),
    Stdin,
    Environment,
}

pub(super) fn run(work: &KeysWork<'_>, named: Option<ProfileName>, from: &From) -> Result<Done, Error> {
    let profile = work.profile(named)?;
    add(work, &profile, from).map_err(|error| error.about(&profile))?;
    Ok(Done::Well)
}

fn add(work: &KeysWork<'_>, profile: &ProfileName, from: &From) -> Result<(), Error> {
    // Before anybody types a secret.
    let set = work.files()?;
    if let Some(key) = set.get(profile.as_str()).and_then(|section| section.filled("aws_access_key_id")) {
        return Err(KeysError::InFile { profile: profile.clone(), place: key.place() }.into());
    }
    let key = given(work, profile, from)?;
    work.see_that_it_replaces_none(profile, &key)?;
    let mut draft = work.draft(profile, &key)?;
    draft.add_profile(profile.as_str()).map_err(|source| super::not_written(profile, source))?;
    work.take_over(profile, &key, &draft)?;
    if let From::Csv(file) = from {
        let shown = file.to_string_lossy();
        let quoted = shlex::try_quote(&shown).unwrap_or_default();
        work.context.settings.messages.hint(&format!("the file still has the key in plain text: `rm {quoted}`"));
    }
    Ok(())
}

fn given(work: &KeysWork<'_>, profile: &ProfileName, from: &From) -> Result<GivenKey, KeysError> {
    match from {
        From::Terminal => typed(work, profile),
        From::Csv(file) => {
            let shown = file.display().to_string();
            let unreadable = |source| KeysError::Unreadable { file: shown.clone(), source };
            let bytes = work.context.host.files.read(file).map_err(unreadable)?;
            GivenKey::of_csv(bytes.expose()).map_err(|why| KeysError::Given { from: format!("`{shown}`"), why })
        }
        From::Stdin => of_stdin(),
        From::Environment => of_environment(work.context),
    }
}

/// A key that another program prints, or that was put into a file.
pub(in crate::command) fn of_stdin() -> Result<GivenKey, KeysError> {
    let mut bytes = Vec::with_capacity(LONGEST);
    let read = io::stdin().lock().take(LONGEST as u64).read_to_end(&mut bytes);
    let bytes = Secret::new(bytes);
    read.map_err(|source| KeysError::Unreadable { file: "stdin".to_owned(), source })?;
    GivenKey::of_text(bytes.expose()).map_err(|why| KeysError::Given { from: "stdin".to_owned(), why })
}

/// AWS's variables, if a person set them.
pub(in crate::command) fn of_environment(context: &Context<'_>) -> Result<GivenKey, KeysError> {
    let found = context.ambient_credentials().ok_or(KeysError::NoEnvironment)?;
    if !found.is_long_term() || context.host.env.os(variables::PROFILE).is_some() {
        return Err(KeysError::TemporaryEnvironment);
    }
    let key = GivenKey::of(&found.access_key_id, found.secret_access_key.expose());
    key.map_err(|why| KeysError::Given { from: "the environment".to_owned(), why })
}

/// A key that the person types.
pub(in crate::command) fn typed(work: &KeysWork<'_>, profile: &ProfileName) -> Result<GivenKey, KeysError> {
    let terminal = work.context.host.terminal;
    if !terminal.is_there() {
        return Err(KeysError::NobodyToType);
    }
    let failed = |reason: TerminalError| KeysError::Terminal(reason);
    let id = terminal.ask(&format!("Access key ID for {profile}: "), PATIENCE).map_err(failed)?;
    let secret = terminal.ask_hidden("Secret access key: ", PATIENCE).map_err(failed)?;
    GivenKey::of(id.expose(), secret.expose())
        .map_err(|why| KeysError::Given { from: "what was typed".to_owned(), why })
}
