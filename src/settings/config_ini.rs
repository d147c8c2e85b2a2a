//! Our own settings file, `config.ini`: its keys, its grammar, and how an option or a variable overrides it.
//!
//! `rust-ini` reads it; lines that it would misread are refused first. The AWS files have a grammar of their own, see
//! `profile/`.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use ini::{Ini, ParseOption};

use super::error::SettingsError;
use crate::host::{Env, Files};
use crate::names::Lifetime;

/// The contents of `config.ini`, by key.
#[derive(Debug, Default)]
pub(super) struct ConfigIni {
    file: PathBuf,
    values: Vec<(String, String)>,
}

const KEYS: [&str; 17] = [
    "region",
    "duration",
    "min_ttl",
    "no_prompt",
    "no_cache",
    "store",
    "lock_after",
    "color",
    "log",
    "mfa_process",
    "unlock_process",
    "pinentry",
    "askpass",
    "connect_timeout",
    "attempt_timeout",
    "call_timeout",
    "allow_http",
];

const NOT_A_LINE: &str = "it is not `KEY = VALUE`";

/// Is it a line of an INI file? Its contents are checked elsewhere.
fn is_a_line(line: &str) -> bool {
    let is_section = line.starts_with('[') && line.ends_with(']');
    let has_key = || line.split_once(['=', ':']).is_some_and(|(key, _)| !key.trim().is_empty());
    line.is_empty() || line.starts_with(['#', ';']) || is_section || !line.starts_with('[') && has_key()
}

impl ConfigIni {
    pub(super) fn read(files: &dyn Files, folder: Option<&Path>) -> Result<Self, SettingsError> {
        let Some(file) = folder.map(|folder| folder.join("mfa-cred").join("config.ini")) else {
            return Ok(Self::default());
        };
        let bytes = match files.read_regular(&file) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(SettingsError::Unreadable { file, source }),
        };
        // A command in it is run: `mfa_process`, `unlock_process`, `pinentry`, `askpass`.
        if let Some(why) = files.distrust(&file) {
            return Err(SettingsError::Distrusted(why));
        }
        let malformed = |line, what| SettingsError::Malformed { file: file.clone(), line, what };
        let text = std::str::from_utf8(bytes.expose()).map_err(|error| {
            let lines = bytes.expose()[..error.valid_up_to()].split(|byte| *byte == b'\n');
            malformed(lines.count(), "the line is not UTF-8")
        })?;
        // `rust-ini` would join a key that has no value with the next line.
        if let Some(at) = text.lines().position(|line| !is_a_line(line.trim())) {
            return Err(malformed(at + 1, NOT_A_LINE));
        }
        // Quotes and backslashes belong to the command, as in the AWS files.
        let as_written = ParseOption { enabled_quote: false, enabled_escape: false, ..ParseOption::default() };
        // `rust-ini` would read an indented comment as part of the line above it.
        let text = text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
        let ini = Ini::load_from_str_opt(&text, as_written).map_err(|error| malformed(error.line, NOT_A_LINE))?;
        let mut values = Vec::new();
        for (section, properties) in &ini {
            if let (Some(section), true) = (section, properties.iter().next().is_some()) {
                let (file, key) = (file.clone(), format!("[{section}]"));
                return Err(SettingsError::Setting { file, key, why: "sections are not supported".to_owned() });
            }
            for (key, value) in properties {
                if !KEYS.contains(&key) {
                    let why = format!("unknown setting; expected one of {}", KEYS.join(", "));
                    return Err(SettingsError::Setting { file, key: key.to_owned(), why });
                }
                values.push((key.to_owned(), value.to_owned()));
            }
        }
        Ok(Self { file, values })
    }

    /// The last value of the key. An empty value counts as absent, as in the AWS files and in variables.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        let last = self.values.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.trim());
        last.filter(|value| !value.is_empty())
    }

    /// The error for a value that is not accepted.
    pub(super) fn wrong(&self, key: &str, why: &str) -> SettingsError {
        SettingsError::Setting { file: self.file.clone(), key: key.to_owned(), why: why.to_owned() }
    }

    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, key: &str) -> Result<Option<T>, SettingsError> {
        let wrong =
            |why: T::Err| SettingsError::Setting { file: self.file.clone(), key: key.to_owned(), why: why.to_string() };
        self.value(key).map(|value| value.parse().map_err(wrong)).transpose()
    }

    pub(super) fn time(&self, key: &str, usual: u32) -> Result<Duration, SettingsError> {
        let time = self.parsed::<Lifetime>(key)?.unwrap_or(Lifetime::from_secs(usual));
        Ok(Duration::from_secs(time.secs().into()))
    }

    pub(super) fn lock_after(&self) -> Result<Option<Duration>, SettingsError> {
        const KEY: &str = "lock_after";
        match self.parsed::<Lifetime>(KEY)? {
            Some(idle) if idle.secs() == 0 => {
                let why = "the key would never be available; `store = keyring` keeps no copy of it".to_owned();
                Err(SettingsError::Setting { file: self.file.clone(), key: KEY.to_owned(), why })
            }
            idle => Ok(idle.map(|idle| Duration::from_secs(idle.secs().into()))),
        }
    }

    /// The option, else the variable, else the setting.
    pub(super) fn pick<T: FromStr<Err: std::fmt::Display>>(
        &self,
        flag: Option<T>,
        env: &dyn Env,
        name: &'static str,
        key: &str,
    ) -> Result<Option<T>, SettingsError> {
        if flag.is_some() {
            return Ok(flag);
        }
        match env.var(name) {
            Some(text) => {
                text.parse().map(Some).map_err(|why: T::Err| SettingsError::Variable { name, why: why.to_string() })
            }
            None => self.parsed(key),
        }
    }

    /// Is the setting set to yes?
    pub(super) fn is_on(&self, key: &str) -> Result<bool, SettingsError> {
        Ok(self.parsed::<Switch>(key)?.is_some_and(|Switch(on)| on))
    }

    pub(super) fn switch(
        &self,
        flag: bool,
        env: &dyn Env,
        name: &'static str,
        key: &str,
    ) -> Result<bool, SettingsError> {
        let flag = flag.then_some(Switch(true));
        Ok(self.pick(flag, env, name, key)?.is_some_and(|Switch(on)| on))
    }
}

/// A boolean in the forms that people write.
struct Switch(bool);

impl FromStr for Switch {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Self(true)),
            "0" | "false" | "no" | "off" => Ok(Self(false)),
            _ => Err("expected `true` or `false`"),
        }
    }
}
