//! The fourth step: the function in the user's shell. And how to use the result, in three lines.

use std::io;
use std::path::Path;

use super::SetupWork;
use crate::command::init;
use crate::disk::replace::{ReplaceError, replace};
use crate::error::{Error, SetupError};
use crate::messages::ours;
use crate::names::ProfileName;
use crate::secret::Secret;
use crate::shell::Shell;
use crate::shell::startup::{Places, appended, calling};

pub(super) fn run(work: &SetupWork<'_>) -> Result<(), Error> {
    let Some(shell) = shell(work) else {
        work.note("no supported shell was found; `--shell` names one");
        return Ok(());
    };
    let host = &work.context.host;
    let places = Places { env: host.env, home: host.folders.home.as_deref(), config: host.folders.config.as_deref() };
    if let Some(loaded) = places.loaded(shell) {
        work.note(&format!("{}:{} already loads the function `mfa-cred`", loaded.file.display(), loaded.line));
        return Ok(());
    }
    let program = (host.program)().map_err(Error::Program)?;
    let found = places.installation(shell, &program);
    let found = found.ok_or(SetupError::NoStartup("the startup file of this shell is not known"))?;
    let (mut changes, mut diff) = (Vec::new(), String::new());
    if let Some(script) = &found.script {
        let text = init::script(shell, &program)?;
        diff += &format!(
            "--- {0}\n+++ {0}\n+({1} lines, which {2} prints)\n",
            script.display(),
            text.lines().count(),
            ours(&format!("init {shell}"), None)
        );
        changes.push(Change::of(script, Secret::new(text.into_bytes()))?);
    }
    if let Some((file, line)) = &found.line {
        let before = read(file)?;
        let nothing = Secret::new(Vec::new());
        let (text, shown) = appended(before.as_ref().unwrap_or(&nothing), &file.display().to_string(), line);
        diff += &shown;
        changes.push(Change { file, before, after: text });
    }
    if !work.agrees(&diff)? {
        return Ok(());
    }
    let instead = match &found.line {
        Some((file, line)) => format!("add this line to {}: `{line}`", file.display()),
        None => format!("{} prints what the file should hold", ours(&format!("init {shell}"), None)),
    };
    for Change { file, before, after } in &changes {
        let failed = |error| SetupError::startup(error, instead.clone());
        replace(file, before.as_ref(), after).map_err(failed)?;
    }
    work.note("new shells have the function `mfa-cred`");
    Ok(())
}

fn shell(work: &SetupWork<'_>) -> Option<Shell> {
    let host = &work.context.host;
    work.args.shell.or_else(|| calling((host.parent)().as_deref(), host.env))
}

/// A file and what it is to hold.
struct Change<'a> {
    file: &'a Path,
    before: Option<Secret<Vec<u8>>>,
    after: Secret<Vec<u8>>,
}

impl<'a> Change<'a> {
    fn of(file: &'a Path, after: Secret<Vec<u8>>) -> Result<Self, SetupError> {
        Ok(Self { file, before: read(file)?, after })
    }
}

/// What a file holds; `None` if it does not exist.
fn read(file: &Path) -> Result<Option<Secret<Vec<u8>>>, SetupError> {
    match crate::host::read_regular(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => {
            let instead = format!("make sure that {} can be read", file.display());
            Err(SetupError::startup(ReplaceError::Unwritable { path: file.to_owned(), source }, instead))
        }
    }
}

/// How to use a profile: each line runs as it is printed.
pub(super) fn usage(work: &SetupWork<'_>, profile: &ProfileName) -> [String; 3] {
    let word = shlex::try_quote(profile.as_str()).map_or_else(|_| "PROFILE".to_owned(), std::borrow::Cow::into_owned);
    let is_plain = !word.starts_with('-') && !crate::cli::is_command(profile.as_str());
    let word = if is_plain { word } else { format!("-- {word}") };
    let dialect = shell(work).unwrap_or(Shell::Posix).dialect();
    let lines = [
        ((dialect.evaluating)(&format!("mfa-cred {word}")), "credentials for this shell"),
        (format!("mfa-cred exec {word} -- aws s3 ls").replace("-- --", "--"), "for one command"),
        ("mfa-cred status".to_owned(), "what is cached, and for how long"),
    ];
    let width = lines.iter().map(|(command, _)| command.chars().count()).max().unwrap_or_default();
    lines.map(|(command, what)| format!("  {command:width$}  # {what}"))
}
