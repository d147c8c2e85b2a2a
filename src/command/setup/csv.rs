//! The CSV file that the AWS console offers with a new access key. It is the last place with the key in plain text.

use std::fs;
use std::path::{Path, PathBuf};

use super::SetupWork;
use crate::error::{Error, SetupError};
use crate::host::Usual;
use crate::iam::KeysError;
use crate::names::ProfileName;
use crate::safe::KeyFile;

/// What the console puts after the user's name in the file's name.
const ENDING: &str = "_accessKeys";

/// A file that was read.
pub(super) struct Csv {
    path: PathBuf,
    pub(super) file: KeyFile,
}

pub(super) fn read(work: &SetupWork<'_>, path: &Path) -> Result<Csv, KeysError> {
    let shown = || path.display().to_string();
    let bytes = work.context.host.files.read(path);
    let bytes = bytes.map_err(|source| KeysError::Unreadable { file: shown(), source })?;
    let file = KeyFile::read(bytes.expose());
    let file = file.map_err(|why| KeysError::Given { from: format!("`{}`", shown()), why })?;
    Ok(Csv { path: path.to_owned(), file })
}

/// Asks for the file until one can be read. `None`: the person wants to type the key.
pub(super) fn ask(work: &SetupWork<'_>) -> Result<Option<Csv>, Error> {
    loop {
        let prompt = "CSV file with the access key (Enter: type the key): ";
        let Some(typed) = work.ask(prompt)? else { return Ok(None) };
        match read(work, &path_of(&typed, work.context.host.folders.home.as_deref())) {
            Ok(csv) => return Ok(Some(csv)),
            Err(error) => work.context.host.terminal.tell(&crate::messages::with_causes(&error)),
        }
    }
}

/// A path as people type, paste, or drop it: in quotes, with escaped blanks, from the home folder.
fn path_of(typed: &str, home: Option<&Path>) -> PathBuf {
    let word = match shlex::split(typed).as_deref() {
        Some([one]) => one.clone(),
        _ => typed.to_owned(),
    };
    match (word.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(word),
    }
}

/// The user's name, as the console puts it into the file's name.
pub(super) fn user_of(path: &Path) -> Option<ProfileName> {
    ProfileName::new(path.file_stem()?.to_str()?.strip_suffix(ENDING)?)
}

impl Csv {
    /// The user's name, if the file or its name tells.
    pub(super) fn user(&self) -> Option<ProfileName> {
        self.file.user.clone().and_then(ProfileName::new).or_else(|| user_of(&self.path))
    }

    /// Deletes the file if the person wants that. Its key is sealed, and the sealed one was opened just now.
    pub(super) fn offer_deletion(&self, work: &SetupWork<'_>, profile: &ProfileName) -> Result<(), Error> {
        // A pipe needs no deletion.
        if !fs::metadata(&self.path).is_ok_and(|found| found.is_file()) {
            return Ok(());
        }
        let sealed = work.context.anew().open_sealed(profile).map_err(KeysError::from)?;
        if sealed.secret_access_key.expose() != self.file.key.secret.expose() {
            return Ok(());
        }
        let shown = work.context.settings.messages.tilde(&self.path.to_string_lossy());
        let password = if self.file.has_password { ", and your console password" } else { "" };
        let question = format!("{shown} has the key in plain text{password}. Delete the file?");
        let asks = !work.args.yes;
        if !(work.args.delete_csv || asks && work.confirm(&question, Usual::No)?) {
            let path = self.path.to_string_lossy();
            let quoted = shlex::try_quote(&path).unwrap_or_default();
            let messages = work.context.settings.messages;
            messages.hint(&format!("the file still has the key in plain text: `rm {quoted}`"));
            return Ok(());
        }
        match self.delete(work) {
            Ok(()) => work.note(&format!("{shown} is deleted")),
            Err(error) => {
                let messages = work.context.settings.messages;
                messages.warn(&crate::messages::with_causes(&error));
                error.hint().iter().for_each(|hint| messages.hint(hint));
            }
        }
        Ok(())
    }

    fn delete(&self, work: &SetupWork<'_>) -> Result<(), SetupError> {
        let kept = |source| SetupError::CsvKept { path: self.path.clone(), source };
        // Another file may have come into its place while the person was reading.
        let again = read(work, &self.path).ok().map(|again| again.file.key);
        let is_it = |key: crate::safe::GivenKey| {
            key.id == self.file.key.id && key.secret.expose() == self.file.key.secret.expose()
        };
        if !again.is_some_and(is_it) {
            return Err(kept(std::io::Error::other("it changed on disk since it was read")));
        }
        // A link's target is what holds the key.
        let target = fs::canonicalize(&self.path).map_err(kept)?;
        fs::remove_file(&target).map_err(kept)?;
        if fs::symlink_metadata(&self.path).is_ok() {
            fs::remove_file(&self.path).map_err(kept)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::path_of;
    use std::path::{Path, PathBuf};

    #[test]
    fn a_path_is_read_as_a_shell_would_read_it() {
        for (typed, path) in [
            ("keys.csv", "keys.csv"),
            ("~/Downloads/keys.csv", "/home/me/Downloads/keys.csv"),
            ("'/home/me/my keys.csv'", "/home/me/my keys.csv"),
            ("/home/me/my\\ keys.csv", "/home/me/my keys.csv"),
            ("/home/me/my keys.csv", "/home/me/my keys.csv"),
            ("/home/me/alice's.csv", "/home/me/alice's.csv"),
        ] {
            assert_eq!(path_of(typed, Some(Path::new("/home/me"))), PathBuf::from(path), "{typed}");
        }
    }
}
