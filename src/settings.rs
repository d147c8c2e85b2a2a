//! The options, the environment and `config.ini`, resolved into one set of settings.
//!
//! Options override the environment, and the environment overrides the file. Nothing is called here, and the only file
//! that is read is our own (the AWS files have a grammar of their own, see `profile/`).

mod ambient;
mod config_ini;
mod dialog;
mod error;
mod words;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::cli::{Color, Global, Obtain};
use crate::host::{Env, Files, Folders, Words};
use crate::messages::{Level, Messages};
use crate::names::variables;
use crate::names::{Lifetime, NameError, ProfileName, Region};
use crate::plan::{Origin, PlanRequest};
use crate::vault::Store;

use config_ini::ConfigIni;

pub use ambient::{ambient, ambient_credentials};
pub use dialog::DialogProgram;
pub use error::SettingsError;
pub use words::words;

/// How the profile was chosen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Chosen {
    /// On the command line.
    Named,
    /// As the profile that this shell holds (`MFA_CRED_PROFILE`).
    Held,
    /// By `AWS_PROFILE`, or by `AWS_DEFAULT_PROFILE`, the AWS CLI's older name for it.
    AwsProfile,
    /// Nothing selects one: `default`.
    Default,
}

/// The settings that every command needs.
#[derive(Debug)]
pub struct Settings {
    /// `~/.aws/config`, or the file used instead.
    pub config_file: PathBuf,
    /// `~/.aws/credentials`, or the file used instead.
    pub credentials_file: PathBuf,
    /// Our state folder, if the system defines a place for it.
    pub state: Option<PathBuf>,
    /// The folder of sealed access keys, if the system has a place for it.
    pub safe: Option<PathBuf>,
    /// Where the sealing key lives.
    pub store: Store,
    /// The idle time after which the kernel keyring drops the sealing key.
    pub lock_after: Option<Duration>,
    /// Prints messages at the configured level.
    pub messages: Messages,
    /// Colors: always, never, or (`None`) only on a terminal.
    color: Option<bool>,
    /// The `mfa_process` in the settings, for profiles that have none.
    pub mfa_process: Option<String>,
    /// The command that prints the passphrase of a sealing key.
    pub unlock_process: Option<String>,
    /// The program that asks a person where there is no terminal.
    pub dialog: Option<DialogProgram>,
    /// The time limits of a call.
    pub limits: Limits,
    /// May endpoints on other machines use plain `http://`? No variable and no option allows it: anyone who can set
    /// those could also set the endpoint.
    pub allow_http: bool,
    ini: ConfigIni,
}

/// The time limits of a call to AWS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// For making a connection.
    pub connect: Duration,
    /// One attempt.
    pub attempt: Duration,
    /// For all attempts together.
    pub call: Duration,
    /// For an instance or a `credential_process` that gives the base credentials.
    pub provider: Duration,
}

/// How credentials are to be obtained.
#[derive(Clone, Debug)]
pub struct ObtainOptions {
    /// What the plan should give.
    pub request: PlanRequest,
    /// `--mfa-token`
    pub token: Option<Token>,
    /// Redo every step, including the code?
    pub refresh: bool,
    /// Renew credentials with less time left than this; `None` leaves it to the command.
    pub min_ttl: Option<Lifetime>,
    /// May a person be prompted?
    pub may_prompt: bool,
    /// May credentials be read from the cache and saved in it?
    pub may_cache: bool,
    /// The wording of the prompt for a code.
    pub words: Words,
}

/// The source that `--mfa-token` gives.
#[derive(Clone, Debug)]
pub enum Token {
    /// On the command line.
    Given(crate::secret::Code),
    /// On stdin.
    Stdin,
}

impl Limits {
    /// The usual limit for what is asked for the base credentials.
    const PROVIDER: Duration = Duration::from_secs(60);
}

impl Settings {
    /// Reads `config.ini` and resolves the settings that every command needs.
    pub fn resolve(
        global: &Global,
        env: &dyn Env,
        files: &dyn Files,
        folders: &Folders,
    ) -> Result<Self, SettingsError> {
        let ini = ConfigIni::read(files, folders.config.as_deref())?;
        let aws = |flag: &Option<PathBuf>, ours: &str, theirs: &str, name: &str| {
            let named = flag.clone().or_else(|| env.os(ours).or_else(|| env.os(theirs)).map(PathBuf::from));
            let usual = || folders.home.as_ref().map(|home| home.join(".aws").join(name));
            named.map(|path| expand_home(path, folders)).or_else(usual).ok_or(SettingsError::NoHome)
        };
        let level = ini.pick(typed_level(global), env, variables::LOG, "log")?.unwrap_or_default();
        let color = ini.pick(global.color, env, variables::COLOR, "color")?;
        Ok(Self {
            config_file: aws(&global.config_file, variables::CONFIG_FILE, variables::aws::CONFIG_FILE, "config")?,
            credentials_file: aws(
                &global.credentials_file,
                variables::CREDENTIALS_FILE,
                variables::aws::SHARED_CREDENTIALS_FILE,
                "credentials",
            )?,
            state: folders.state.as_ref().map(|state| state.join("mfa-cred")),
            // Not below the folder for state, which on some systems is the same, and which is set aside when others could
            // have written to it.
            safe: folders.data.as_ref().map(|data| data.join("mfa-cred-keys")),
            store: ini.pick(global.store, env, variables::STORE, "store")?.unwrap_or_default(),
            lock_after: ini.lock_after()?,
            messages: Messages::new(level, is_colored(color, env)).at_home(folders.home.as_deref()),
            color: is_colored(color, env),
            mfa_process: ini.value("mfa_process").map(str::to_owned),
            unlock_process: ini.value("unlock_process").map(str::to_owned),
            dialog: DialogProgram::of(&ini, folders)?,
            limits: Limits {
                connect: ini.time("connect_timeout", 5)?,
                attempt: ini.time("attempt_timeout", 20)?,
                call: ini.time("call_timeout", 60)?,
                provider: Limits::PROVIDER,
            },
            allow_http: ini.is_on("allow_http")?,
            ini,
        })
    }

    /// The config file that SDKs read, which do not know our options and variables.
    pub fn config_file_of_sdks(env: &dyn Env, folders: &Folders) -> Option<PathBuf> {
        let named = env.os(variables::aws::CONFIG_FILE).map(|path| expand_home(path.into(), folders));
        named.or_else(|| Some(folders.home.as_ref()?.join(".aws").join("config")))
    }

    /// Is output to a stream colored? By default it is on a terminal.
    pub fn paints(&self, is_terminal: bool) -> bool {
        self.color.unwrap_or(is_terminal)
    }

    /// How to report a failure of [`Settings::resolve`]: according to the options and variables, as far as they are
    /// valid.
    pub fn voice(global: &Global, env: &dyn Env) -> Messages {
        let level = typed_level(global).or_else(|| env.var(variables::LOG)?.parse().ok());
        let color = global.color.or_else(|| env.var(variables::COLOR)?.parse().ok());
        Messages::new(level.unwrap_or_default(), is_colored(color, env))
    }

    /// The request for one of many plans, without options of the command line.
    pub fn usual_request(&self) -> PlanRequest {
        PlanRequest { allow_http: self.allow_http, at_a_glance: true, ..PlanRequest::default() }
    }

    /// The profile that this shell holds, if it still does: a name that `env --as-profile` set may have been replaced
    /// since, or keys of another tool, which take precedence over any name.
    pub fn held(env: &dyn Env) -> Option<String> {
        let profile = env.var(variables::PROFILE)?;
        let is_by_name = env.os(variables::EXPORTED_PROFILE).is_some();
        (!is_by_name || Self::held_by_name(env).is_some()).then_some(profile)
    }

    /// The name in `AWS_PROFILE`, if `env --as-profile` put it there and it takes effect.
    pub fn held_by_name(env: &dyn Env) -> Option<String> {
        let name = env.var(variables::EXPORTED_PROFILE)?;
        let is_current = env.var(variables::aws::PROFILE).as_ref() == Some(&name);
        (is_current && env.var(variables::aws::ACCESS_KEY_ID).is_none()).then_some(name)
    }

    /// The profile that a command is for.
    pub fn profile(named: Option<ProfileName>, env: &dyn Env) -> (ProfileName, Chosen) {
        let variable = |name| env.var(name).and_then(ProfileName::new);
        let held = || Some((Self::held(env).and_then(ProfileName::new)?, Chosen::Held));
        let aws = || {
            Some((
                variable(variables::aws::PROFILE).or_else(|| variable(variables::aws::DEFAULT_PROFILE))?,
                Chosen::AwsProfile,
            ))
        };
        named
            .map(|name| (name, Chosen::Named))
            .or_else(held)
            .or_else(aws)
            .unwrap_or_else(|| (ProfileName::new("default").expect("it is not empty"), Chosen::Default))
    }

    /// How a command is to obtain credentials.
    pub fn how(&self, obtain: &Obtain, env: &dyn Env, files: &dyn Files) -> Result<ObtainOptions, SettingsError> {
        let ini = &self.ini;
        let session_policy = obtain.session_policy.as_deref().map(|text| session_policy(text, files)).transpose()?;
        let request = PlanRequest {
            role_arn: obtain.role_arn.clone(),
            source_profile: obtain.source_profile.clone(),
            external_id: obtain.external_id.clone(),
            session_name: obtain.session_name.clone(),
            source_identity: obtain.source_identity.clone(),
            tags: obtain.tags.clone(),
            transitive_tags: obtain.transitive_tags.clone(),
            session_policy,
            policy_arns: obtain.policy_arns.clone(),
            duration: or_variable(obtain.duration, env, variables::DURATION)?.map(|duration| {
                let flag = Origin::Flag(if obtain.duration.is_some() { "--duration" } else { variables::DURATION });
                (flag, duration)
            }),
            usual_duration: ini.parsed::<Lifetime>("duration")?,
            region: or_variable(obtain.region.clone(), env, variables::REGION)?,
            usual_region: ini.parsed::<Region>("region")?,
            mfa_serial: obtain.mfa_serial.clone(),
            allow_http: self.allow_http,
            at_a_glance: false,
            leaves_device_open: false,
        };
        let token = match obtain.mfa_token.as_deref() {
            None => None,
            Some("-") => Some(Token::Stdin),
            Some(code) => Some(Token::Given(crate::secret::Code::parse(code).ok_or(SettingsError::Token)?)),
        };
        Ok(ObtainOptions {
            request,
            token,
            refresh: obtain.refresh,
            min_ttl: ini.pick(obtain.min_ttl, env, variables::MIN_TTL, "min_ttl")?,
            may_prompt: !ini.switch(obtain.no_prompt, env, variables::NO_PROMPT, "no_prompt")?,
            may_cache: !ini.switch(obtain.no_cache, env, variables::NO_CACHE, "no_cache")?,
            words: Words::Profile,
        })
    }
}

/// `-q` and `-v`; `-q` wins.
fn typed_level(global: &Global) -> Option<Level> {
    match (global.quiet, global.verbose) {
        (true, _) => Some(Level::Error),
        (false, 0) => None,
        (false, 1) => Some(Level::Info),
        (false, _) => Some(Level::Debug),
    }
}

/// Colors on stderr: always, never, or (`None`) only on a terminal. <https://no-color.org>
fn is_colored(color: Option<Color>, env: &dyn Env) -> Option<bool> {
    match color {
        Some(Color::Always) => Some(true),
        Some(Color::Never) => Some(false),
        Some(Color::Auto) | None => env.os("NO_COLOR").map(|_| false),
    }
}

/// `~/…` in a variable that no shell expanded.
fn expand_home(path: PathBuf, folders: &Folders) -> PathBuf {
    match (path.strip_prefix("~"), &folders.home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path,
    }
}

fn session_policy(text: &str, files: &dyn Files) -> Result<String, SettingsError> {
    let text = match text.strip_prefix('@') {
        None => text.to_owned(),
        Some(file) => {
            let file = PathBuf::from(file);
            let policy = |source| SettingsError::Policy { file: file.clone(), source };
            let bytes = files.read(&file).map_err(policy)?;
            String::from_utf8(bytes.expose().clone()).map_err(|e| policy(std::io::Error::other(e.utf8_error())))?
        }
    };
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(_) => Ok(text),
        Err(e) => Err(SettingsError::PolicyNotJson { line: e.line(), column: e.column() }),
    }
}

fn or_variable<T: FromStr<Err = NameError>>(
    flag: Option<T>,
    env: &dyn Env,
    name: &'static str,
) -> Result<Option<T>, SettingsError> {
    match (flag, env.var(name)) {
        (Some(value), _) => Ok(Some(value)),
        (None, Some(text)) => {
            text.parse().map(Some).map_err(|why: NameError| SettingsError::Variable { name, why: why.to_string() })
        }
        (None, None) => Ok(None),
    }
}
