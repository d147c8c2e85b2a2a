//! The program that asks a person where there is no terminal: `pinentry` or `askpass`.

use std::path::{Component, Path, PathBuf};

use super::config_ini::ConfigIni;
use super::error::SettingsError;
use super::expand_home;
use crate::host::Folders;

/// A program that asks a person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DialogProgram {
    /// `pinentry`
    Pinentry(PathBuf),
    /// `askpass`
    Askpass(PathBuf),
}

impl DialogProgram {
    /// The configured one.
    pub(super) fn of(ini: &ConfigIni, folders: &Folders) -> Result<Option<Self>, SettingsError> {
        let program = |key: &'static str| -> Result<Option<PathBuf>, SettingsError> {
            let Some(path) = ini.value(key).map(|value| expand_home(PathBuf::from(value), folders)) else {
                return Ok(None);
            };
            // A path from the working folder would be another program in each folder.
            if path.is_absolute() || is_name(&path) {
                return Ok(Some(path));
            }
            Err(ini.wrong(key, "expected the name of a program, or its absolute path"))
        };
        match (program("pinentry")?, program("askpass")?) {
            (Some(_), Some(_)) => Err(ini.wrong("askpass", "`pinentry` is set as well; keep one of them")),
            (pinentry, askpass) => Ok(pinentry.map(Self::Pinentry).or(askpass.map(Self::Askpass))),
        }
    }

    /// The setting that names it.
    pub fn setting(&self) -> &'static str {
        match self {
            Self::Pinentry(_) => "pinentry",
            Self::Askpass(_) => "askpass",
        }
    }

    /// Its path, or a name to be found in PATH.
    pub fn path(&self) -> &Path {
        match self {
            Self::Pinentry(path) | Self::Askpass(path) => path,
        }
    }
}

/// Is it one word, to be found in PATH?
fn is_name(path: &Path) -> bool {
    let mut parts = path.components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
}
