//! `mfa-cred keys import --from TOOL PROFILE…`: out of another tool's store, which only that tool can open.
//!
//! The tool is run as its users run it, and no shell comes in between. What it prints is the JSON of a
//! `credential_process`, which is read strictly; it may ask on the terminal, and what it says on stderr is passed on.

use std::io::{self, IsTerminal};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::KeysWork;
use crate::cli::Tool;
use crate::code::command::{self, CommandError};
use crate::error::Error;
use crate::iam::KeysError;
use crate::messages::{ours, with_causes};
use crate::names::ProfileName;
use crate::safe::{GivenKey, NotAKey};

/// It may wait for a person who unlocks a keyring.
const PATIENCE: Duration = Duration::from_mins(2);
/// In bytes. What holds a key is shorter by far.
const LONGEST: usize = 1 << 16;

pub(super) fn import(work: &KeysWork<'_>, profile: &ProfileName, tool: Tool) -> Result<(), Error> {
    let set = work.files()?;
    if let Some(key) = set.get(profile.as_str()).and_then(|section| section.filled("aws_access_key_id")) {
        return Err(KeysError::InFile { profile: profile.clone(), place: key.place() }.into());
    }
    let key = asked(tool, profile)?;
    work.see_that_it_replaces_none(profile, &key)?;
    let mut draft = work.draft(profile, &key)?;
    draft.add_profile(profile.as_str()).map_err(|source| super::not_written(profile, source))?;
    work.take_over(profile, &key, &draft)?;
    let messages = work.context.settings.messages;
    if let Some(line) = draft.set().get(profile.as_str()).and_then(|section| section.filled("credential_process")) {
        let process = ours("process", Some(profile));
        messages.hint(&format!("{}: `credential_process` still runs another program; make it {process}", line.place()));
    }
    messages.hint(&format!("{} still has the key: `{}` deletes it there", tool.name(), tool.removal(profile)));
    Ok(())
}

/// The key that the tool has for the profile.
fn asked(tool: Tool, profile: &ProfileName) -> Result<GivenKey, KeysError> {
    let words = tool.words(profile);
    let mut program = Command::new(tool.program());
    program.args(&words).stdin(if io::stdin().is_terminal() { Stdio::inherit() } else { Stdio::null() });
    let shown = shlex::try_join([tool.program()].into_iter().chain(words.iter().copied()));
    let command = shown.unwrap_or_else(|_| tool.program().to_owned());
    let failed = |why: String| KeysError::Tool { command: command.clone(), why };
    let ran = match command::run_without_shell(&mut program, PATIENCE, LONGEST, &crate::messages::relay) {
        Ok(ran) => ran,
        Err(CommandError::Spawn(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Err(KeysError::NoTool(tool.program()));
        }
        Err(CommandError::Signal(signal)) => return Err(KeysError::Signal(signal)),
        Err(error) => return Err(failed(format!("gave no key: {}", with_causes(&error)))),
    };
    if !ran.status.success() {
        return Err(failed(format!("failed ({})", ran.status)));
    }
    GivenKey::of_process(&ran.stdout).map_err(|why| match why {
        NotAKey::Temporary => KeysError::ToolSession { command: command.clone(), hint: tool.way_to_the_key() },
        why => failed(format!("gave no key: {why}")),
    })
}

impl Tool {
    fn program(self) -> &'static str {
        match self {
            Self::AwsVault => "aws-vault",
            Self::Granted => "granted",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::AwsVault => "aws-vault",
            Self::Granted => "Granted",
        }
    }

    /// The arguments by which it prints a profile's key, and no session of it.
    fn words(self, profile: &ProfileName) -> Vec<&str> {
        match self {
            Self::AwsVault => {
                vec!["export", "--no-session", "--format", "json", "--", profile.as_str()]
            }
            Self::Granted => vec!["credential-process", "--no-cache", "--profile", profile.as_str()],
        }
    }

    /// Why it may have printed a session, and what to do.
    fn way_to_the_key(self) -> &'static str {
        match self {
            Self::AwsVault => "name the user's own profile, not a role's",
            Self::Granted => {
                "name the user's own profile, not a role's; while the profile has `mfa_serial`, Granted gives sessions only"
            }
        }
    }

    /// The command that deletes the key from its store.
    fn removal(self, profile: &ProfileName) -> String {
        let words = match self {
            Self::AwsVault => ["aws-vault", "remove"].as_slice(),
            Self::Granted => &["granted", "credentials", "remove"],
        };
        let dashes = profile.as_str().starts_with('-').then_some("--");
        let words = words.iter().copied().chain(dashes).chain([profile.as_str()]);
        shlex::try_join(words).unwrap_or_default()
    }
}
