//! The real code from texts to a plan: argv, variables, `config.ini`, and the two AWS files, without files or processes.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use mfa_cred::cli::{self, Global, Obtain, Verb};
use mfa_cred::error::Error;
use mfa_cred::exit::Ending;
use mfa_cred::host::{Env, Files, Folders};
use mfa_cred::names::ProfileName;
use mfa_cred::plan::Plan;
use mfa_cred::profile::ProfileSet;
use mfa_cred::secret::Secret;
use mfa_cred::settings::{ObtainOptions, Settings, ambient};

/// What a person wrote, typed, and exported.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    /// By name: the AWS files are `config` and `credentials`, and our settings are `config.ini`.
    pub(crate) files: Vec<(String, String)>,
    pub(crate) env: Vec<(String, String)>,
    /// What is typed after `mfa-cred env`.
    pub(crate) words: Vec<String>,
}

/// Why there is no plan, in the words of the program.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) exit: u8,
    pub(crate) text: String,
    pub(crate) hint: Option<String>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let Ending::Exit(exit) = error.ending() else { panic!("{error:?} is no signal") };
        let text = mfa_cred::messages::with_causes(&error);
        // Expected texts have the paths of other systems.
        let text = if cfg!(windows) { text.replace('\\', "/") } else { text };
        Self { exit: exit.number(), text, hint: error.hint() }
    }
}

impl Texts {
    /// The plan of `mfa-cred env WORDS`.
    pub(crate) fn plan(&self) -> Result<Plan, Refusal> {
        let (global, profile, obtain) = self.typed()?;
        let settings = self.settings(&global).map_err(Refusal::from)?;
        let how = settings.how(&obtain, self, self).map_err(Error::from)?;
        let (profile, _) = Settings::profile(profile, self);
        let load = || ProfileSet::load(self, &settings.config_file, &settings.credentials_file);
        let (by_section, whole) = (load().map_err(Error::from)?, load().map_err(Error::from)?);
        // Counting parses the files completely; the plan must be the same.
        let count = whole.names().count();
        let plan = |set: &ProfileSet| Plan::make(set, &profile, &how.request, &ambient(self));
        let (planned, by_whole) = (plan(&by_section), plan(&whole));
        assert_eq!(format!("{planned:?}"), format!("{by_whole:?}"), "{count} profiles read by section, and whole");
        Ok(planned.map_err(Error::from)?)
    }

    /// The settings, and how credentials are to be obtained by them.
    pub(crate) fn how(&self) -> Result<(Settings, ObtainOptions), Refusal> {
        let (global, _, obtain) = self.typed()?;
        let settings = self.settings(&global).map_err(Refusal::from)?;
        let how = settings.how(&obtain, self, self).map_err(Error::from)?;
        Ok((settings, how))
    }

    /// The global options that were typed.
    pub(crate) fn global(&self) -> Global {
        self.typed().expect("the words are an `env` command").0
    }

    fn typed(&self) -> Result<(Global, Option<ProfileName>, Obtain), Refusal> {
        let argv = ["mfa-cred", "env"].into_iter().chain(self.words.iter().map(String::as_str)).map(OsString::from);
        let args = cli::parse(argv).map_err(|error| {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Refusal { exit: 2, text: first, hint: None }
        })?;
        let Verb::Env(env) = args.verb else { panic!("`env` is what was typed") };
        Ok((args.global, env.profile, env.obtain))
    }

    fn settings(&self, global: &Global) -> Result<Settings, Error> {
        let folders = Folders { home: None, config: Some(PathBuf::from("/settings")), state: None, data: None };
        Ok(Settings::resolve(global, self, self, &folders)?)
    }
}

impl Env for Texts {
    fn os(&self, name: &str) -> Option<OsString> {
        let usual = [("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")];
        let set = self.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let found = set.rev().chain(usual).find(|(known, _)| *known == name).map(|(_, value)| value);
        found.filter(|value| !value.is_empty()).map(OsString::from)
    }
}

impl Files for Texts {
    fn read(&self, path: &Path) -> io::Result<Secret<Vec<u8>>> {
        let name = path.strip_prefix("/settings/mfa-cred").unwrap_or(path);
        let file = self.files.iter().find(|(known, _)| Path::new(known) == name);
        let (_, text) = file.ok_or(io::ErrorKind::NotFound)?;
        Ok(Secret::new(text.clone().into_bytes()))
    }
}
