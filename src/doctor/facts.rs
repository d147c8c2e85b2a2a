//! The input of the checks: the command line, the environment, the configuration, and what follows from them.
//!
//! The facts are shared and owned, because a check that hangs outlives the report. Whatever must be read or requested
//! is read or requested by the first check that needs it, within that check's time limit, and shared with the others.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::aws::CallError;
use crate::error::Error;
use crate::host::{self, Env, Files};
use crate::names::{MfaSerial, ProfileName, variables};
use crate::plan::{Plan, PlanError, PlanRequest};
use crate::profile::{Location, ProfileError, ProfileSet};
use crate::safe::Shelf;
use crate::secret::Secret;
use crate::settings::{Chosen, Settings, ambient};
use crate::vault::Store;

/// The variables that a check or the plan reads. For secrets, only whether they are set.
const NAMES: [&str; 46] = [
    "ALL_PROXY",
    variables::aws::ACCESS_KEY_ID,
    variables::aws::ACCOUNT_ID,
    variables::aws::CA_BUNDLE,
    variables::aws::CONFIG_FILE,
    variables::aws::CONTAINER_AUTHORIZATION_TOKEN_FILE,
    variables::aws::CONTAINER_CREDENTIALS_FULL_URI,
    variables::aws::CONTAINER_CREDENTIALS_RELATIVE_URI,
    variables::aws::CREDENTIAL_EXPIRATION,
    variables::aws::DEFAULT_PROFILE,
    variables::aws::DEFAULT_REGION,
    variables::aws::ENDPOINT_URL,
    variables::aws::ENDPOINT_URL_IAM,
    variables::aws::ENDPOINT_URL_SIGNIN,
    variables::aws::ENDPOINT_URL_STS,
    variables::aws::IGNORE_CONFIGURED_ENDPOINT_URLS,
    variables::aws::LOGIN_CACHE_DIRECTORY,
    variables::aws::PROFILE,
    variables::aws::REGION,
    variables::aws::ROLE_ARN,
    variables::aws::ROLE_SESSION_NAME,
    variables::aws::SECRET_ACCESS_KEY,
    variables::aws::SECURITY_TOKEN,
    variables::aws::SESSION_TOKEN,
    variables::aws::SHARED_CREDENTIALS_FILE,
    variables::aws::USE_DUALSTACK_ENDPOINT,
    variables::aws::USE_FIPS_ENDPOINT,
    variables::aws::WEB_IDENTITY_TOKEN_FILE,
    "ENV",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    variables::CONFIG_FILE,
    variables::CREDENTIALS_FILE,
    variables::PROFILE,
    "NO_PROXY",
    "PATH",
    "PROMPT_COMMAND",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "ZDOTDIR",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "STARSHIP_SHELL",
];
/// Why nothing is checked about the profile and its device.
pub(super) const NO_CHOICE: &str = "no profile was chosen";
/// The placeholder for a secret that is set.
const SET: &str = "set";

/// The environment at the start, without its secrets.
#[derive(Clone, Debug, Default)]
pub struct Variables(BTreeMap<&'static str, OsString>);

impl Variables {
    /// The variables in `env`.
    pub fn of(env: &dyn Env) -> Self {
        let is_secret = |name: &str| name.ends_with("_TOKEN") || name == variables::aws::SECRET_ACCESS_KEY;
        let value = |name: &'static str| {
            let value = env.os(name)?;
            Some((name, if is_secret(name) { SET.into() } else { value }))
        };
        Self(NAMES.into_iter().filter_map(value).collect())
    }
}

impl Env for Variables {
    fn os(&self, name: &str) -> Option<OsString> {
        self.0.get(name).cloned()
    }
}

/// A problem that another part of the program reported.
#[derive(Clone, Debug)]
pub struct Fault {
    /// One line.
    pub what: String,
    /// The line of a file that it concerns.
    pub place: Option<Location>,
    /// How to repair it, if known.
    pub repair: Option<String>,
}

/// The command line, the environment and the configuration.
pub struct Facts {
    /// The profile that was named on the command line.
    pub named: Option<ProfileName>,
    /// `--offline`
    pub is_offline: bool,
    /// The environment.
    pub variables: Variables,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// The user's folder of configuration, in which `mfa-cred/config.ini` is.
    pub config: Option<PathBuf>,
    /// Why our settings cannot be read; the other facts are then based on the defaults.
    pub settings: Option<Fault>,
    /// The AWS config file.
    pub config_file: PathBuf,
    /// The AWS credentials file.
    pub credentials_file: PathBuf,
    /// Our state folder.
    pub state: Option<PathBuf>,
    /// The folder of sealed access keys.
    pub safe: Option<PathBuf>,
    /// Where the sealing key may live.
    pub store: Store,
    /// The request for a plan without any options.
    pub request: PlanRequest,
    /// Now, by this machine's clock.
    pub now: Timestamp,
    /// When the clock was read.
    pub start: Instant,
    /// The path of this program.
    pub program: Option<PathBuf>,
    /// The name of the program that started this one.
    pub parent: Option<String>,
    /// What checks find out and share.
    pub found: Found,
}

/// What the first check that needs it finds out.
#[derive(Default)]
pub struct Found {
    profiles: OnceLock<Result<ProfileSet, ProfileError>>,
    resolved: OnceLock<Resolved>,
    pub(super) answer: OnceLock<Answer>,
}

/// The result of the call to STS.
pub(super) struct Answer {
    /// The user's ARN, if the user's own key signed and was accepted.
    pub(super) caller: Option<Result<String, CallError>>,
    /// Why STS did not respond.
    pub(super) obstacle: Option<CallError>,
    /// How far AWS's clock is ahead of ours, in seconds.
    pub(super) ahead: i64,
    /// The host whose name was still being looked up when the time for the call was up.
    pub(super) unresolved: Option<String>,
}

/// What a profile resolves to.
pub(super) enum Resolved {
    /// There is no profile to check; the reason.
    Nothing(String),
    /// It has no plan.
    Fault(Fault),
    /// It has one.
    Plan {
        /// The plan, without its device if that is FIDO.
        plan: Box<Plan>,
        /// The FIDO device that the profile names, and AWS's rule about it.
        fido: Option<(MfaSerial, Fault)>,
    },
}

#[cfg(test)]
impl Facts {
    /// The facts of an empty machine.
    pub(super) fn for_tests() -> Self {
        Self {
            named: None,
            is_offline: true,
            variables: Variables::default(),
            home: None,
            config: None,
            settings: None,
            config_file: PathBuf::from("/nonexistent/config"),
            credentials_file: PathBuf::from("/nonexistent/credentials"),
            state: None,
            safe: None,
            store: Store::Auto,
            request: PlanRequest::default(),
            now: Timestamp::UNIX_EPOCH,
            start: Instant::now(),
            program: None,
            parent: None,
            found: Found::default(),
        }
    }
}

impl Facts {
    /// The AWS files.
    pub(super) fn profiles(&self) -> Result<&ProfileSet, &ProfileError> {
        let load = || {
            let set = ProfileSet::load(&Disk, &self.config_file, &self.credentials_file)?;
            Ok(match self.safe.clone() {
                Some(folder) => set.with_sealed(Box::new(Shelf::at(folder))),
                None => set,
            })
        };
        self.found.profiles.get_or_init(load).as_ref()
    }

    /// The profile to check, and how it was chosen: if nothing names one, `default` or the only one.
    pub(super) fn profile(&self, set: &ProfileSet) -> (ProfileName, Chosen) {
        let (name, chosen) = Settings::profile(self.named.clone(), &self.variables);
        let mut names = set.names();
        match (chosen, names.next().and_then(ProfileName::new), names.next()) {
            (Chosen::Default, Some(only), None) => (only, chosen),
            _ => (name, chosen),
        }
    }

    /// What that profile resolves to.
    pub(super) fn resolved(&self) -> &Resolved {
        self.found.resolved.get_or_init(|| self.resolve())
    }

    /// The plan of the profile, or why there is none.
    pub(super) fn plan(&self) -> Result<&Plan, &str> {
        match self.resolved() {
            Resolved::Nothing(why) => Err(why),
            Resolved::Fault(_) => Err("the profile cannot be used"),
            Resolved::Plan { plan, .. } => Ok(plan),
        }
    }

    /// Is there no home folder? Then there are no files either, unless they are named.
    pub(super) fn is_homeless(&self) -> bool {
        let Some(home) = &self.home else { return self.state.is_none() };
        !home.exists() && self.state.as_ref().is_none_or(|state| state.starts_with(home))
    }

    /// The variable that names an AWS file that does not exist.
    pub(super) fn missing_file(&self) -> Option<&'static str> {
        let files = [
            (&self.config_file, [variables::CONFIG_FILE, variables::aws::CONFIG_FILE]),
            (&self.credentials_file, [variables::CREDENTIALS_FILE, variables::aws::SHARED_CREDENTIALS_FILE]),
        ];
        let named = |names: [&'static str; 2]| names.into_iter().find(|name| self.variables.os(name).is_some());
        files.into_iter().find_map(|(file, names)| named(names).filter(|_| !file.exists()))
    }

    fn resolve(&self) -> Resolved {
        let Ok(set) = self.profiles() else { return Resolved::Nothing("the AWS files cannot be read".to_owned()) };
        if self.is_homeless() && set.names().next().is_none() {
            return Resolved::Nothing("there is no home folder".to_owned());
        }
        let (name, chosen) = self.profile(set);
        if chosen != Chosen::Named && set.get(name.as_str()).is_none() {
            return Resolved::Nothing(match chosen {
                Chosen::Default if set.names().next().is_none() => "there are no profiles yet".to_owned(),
                Chosen::Default => NO_CHOICE.to_owned(),
                _ => "the environment names a profile that does not exist".to_owned(),
            });
        }
        let ambient = ambient(&self.variables);
        let fault = |error: PlanError| {
            let (place, usual) = (error.place().cloned(), usual_repair(&error));
            let error = Error::from(error).about(&name);
            let repair = error.hint().or_else(|| usual.map(str::to_owned));
            Fault { what: crate::messages::with_causes(&error), place, repair }
        };
        match Plan::make(set, &name, &self.request, &ambient) {
            Ok(plan) => Resolved::Plan { plan: Box::new(plan), fido: None },
            Err(_) if self.missing_file().is_some() => {
                Resolved::Nothing("a file that the environment names does not exist".to_owned())
            }
            Err(PlanError::Fido { origin, serial, usable }) => {
                let open = PlanRequest { leaves_device_open: true, ..self.request.clone() };
                match Plan::make(set, &name, &open, &ambient) {
                    Ok(plan) => {
                        let why = fault(PlanError::Fido { origin, serial: serial.clone(), usable });
                        Resolved::Plan { plan: Box::new(plan), fido: Some((serial, why)) }
                    }
                    Err(error) => Resolved::Fault(fault(error)),
                }
            }
            Err(error) => Resolved::Fault(fault(error)),
        }
    }

    /// The remaining time of all checks, minus the time that reporting takes.
    pub(super) fn time_left(&self) -> Duration {
        const TO_REPORT: Duration = Duration::from_millis(150);
        super::PATIENCE.saturating_sub(self.start.elapsed()).saturating_sub(TO_REPORT)
    }
}

/// The repair for an error without a hint, because its text says what is wrong.
fn usual_repair(error: &PlanError) -> Option<&'static str> {
    Some(match error {
        PlanError::Cycle(_) | PlanError::ProcessLoop { .. } | PlanError::LongChain { .. } => {
            "end the chain with a profile that has an access key"
        }
        PlanError::HalfKey { .. } | PlanError::EmptyHalf { .. } => "set both halves of the access key, or neither",
        PlanError::NoCredentials { .. } => "give it an access key, or a role and a `source_profile`",
        PlanError::NoAmbientKeys { .. } => "export the keys, or name another source",
        PlanError::Duration { .. } => "use a duration that AWS accepts",
        PlanError::Sso(_) => "correct the profile; `aws configure sso` writes one",
        PlanError::BadValue { .. } | PlanError::Refused { .. } => "correct the value",
        _ => return None,
    })
}

/// The files of this machine. Only regular files are read.
pub(super) struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Secret<Vec<u8>>> {
        host::read_regular(path)
    }
}
