//! `mfa-cred device …`: a user's MFA devices, from the terminal.
//!
//! What the four commands have in common: the user of the profile (from GetCallerIdentity), the signing credentials,
//! questions, and edits of the profile.

pub(super) mod adopt;
mod enroll;
mod list;
mod remove;
mod resync;
mod seeds;

use crate::aws::route::Route;
use crate::cache::{Cache, MinTtl};
use crate::cli::{DeviceVerb, Obtain, Whose};
use crate::code::PATIENCE;
use crate::command::choice;
use crate::command::context::Context;
use crate::command::{Done, portal, session};
use crate::error::Error;
use crate::execute::base::{Bases, RealBases, alive};
use crate::execute::sts::AwsSts;
use crate::execute::{ExecuteError, Sts};
use crate::host::{TerminalError, Usual, Words};
use crate::iam::needs::Need;
use crate::iam::{AwsIam, Bound, DeviceError, Iam, IamError, User, usable};
use crate::names::{MfaSerial, ProfileName};
use crate::plan::{Device, LoginSession, Plan, PlanError, SsoRole};
use crate::profile::ProfileSet;
use crate::profile::edit::{Draft, EditError};
use crate::secret::Credentials;
use crate::settings::{Chosen, ObtainOptions, Settings};
use crate::state::CorrectedClock;

pub(super) fn run(verb: DeviceVerb, context: &Context<'_>) -> Result<Done, Error> {
    match verb {
        DeviceVerb::List { whose, user, json, .. } => list::run(&whose, user.as_deref(), json, context),
        DeviceVerb::KeepSeed { serial, whose, stdin, yes } => {
            let (serial, whose) = read_word("keep-seed", serial, whose, context)?;
            with_desk(&whose, yes, context, |work| seeds::keep(work, serial.as_deref(), stdin))
        }
        DeviceVerb::ForgetSeed { serial, whose, yes } => {
            let (serial, whose) = read_word("forget-seed", serial, whose, context)?;
            seeds::forget(serial.as_deref(), &whose, yes, context)
        }
        DeviceVerb::Enroll { whose, name, seed, keep_seed, yes, .. } => {
            let options = enroll::Options { name, shows_seed: seed, keeps_seed: keep_seed };
            with_desk(&whose, yes, context, |work| enroll::run(work, &options))
        }
        DeviceVerb::Resync { serial, whose } => {
            let (serial, whose) = read_word("resync", serial, whose, context)?;
            with_desk(&whose, false, context, |work| resync::run(work, serial.as_deref()))
        }
        DeviceVerb::Remove { serial, whose, yes } => {
            let (serial, whose) = read_word("remove", serial, whose, context)?;
            with_desk(&whose, yes, context, |work| remove::run(work, serial.as_deref()))
        }
    }
}

/// A word that names a profile is that profile, as for every command. If the environment names another profile, the word
/// could also be a device of that profile's user, and nothing is guessed.
fn read_word(
    verb: &'static str,
    word: Option<String>,
    mut whose: Whose,
    context: &Context<'_>,
) -> Result<(Option<String>, Whose), Error> {
    let host = &context.host;
    let is_name = |word: &&String| whose.profile.is_none() && !word.starts_with("arn:");
    let Some(named) = word.as_ref().filter(is_name).and_then(ProfileName::new) else { return Ok((word, whose)) };
    if context.profiles()?.get(named.as_str()).is_none() {
        return Ok((word, whose));
    }
    match Settings::profile(None, host.env) {
        (other, Chosen::Held | Chosen::AwsProfile) if other != named => {
            Err(Error::DeviceOrProfile { verb, word: named, profile: other })
        }
        _ => {
            whose.profile = Some(named);
            Ok((None, whose))
        }
    }
}

/// What a command about devices works with.
struct DeviceWork<'a> {
    context: &'a Context<'a>,
    how: &'a ObtainOptions,
    set: &'a ProfileSet,
    /// How the profile's user signs in.
    plan: &'a Plan,
    /// The device that the profile or its chain names.
    named: Option<MfaSerial>,
    cache: &'a Cache<'a>,
    clock: &'a CorrectedClock<'a>,
    iam: AwsIam<'a>,
    /// The user's own credentials.
    base: Credentials,
    user: User,
    /// Is every question answered with yes?
    says_yes: bool,
}

/// The user whose key a profile has, as AWS says.
pub(super) fn user(profile: &ProfileName, how: &ObtainOptions, context: &Context<'_>) -> Result<User, Error> {
    let whose = Whose { profile: Some(profile.clone()), no_prompt: !how.may_prompt };
    with_desk(&whose, false, context, |work| Ok(work.user.clone()))
}

fn with_desk<T>(
    whose: &Whose,
    says_yes: bool,
    context: &Context<'_>,
    with: impl FnOnce(&DeviceWork<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let obtain = Obtain { no_prompt: whose.no_prompt, ..Obtain::default() };
    let mut how = context.how(&obtain)?;
    how.words = Words::Device;
    let context = &context.attended_as(&how);
    let set = context.profiles()?;
    let profile = choice::profile(whose.profile.clone(), &how, context)?;
    let plan = match context.plan(&profile, &how) {
        // A user with a FIDO device may enroll another one.
        Err(Error::Plan(PlanError::Fido { .. })) => {
            how.request.leaves_device_open = true;
            context.plan(&profile, &how)?
        }
        plan => plan?,
    };
    let work = || {
        // An address that is refused is refused before anything is run, asked or sent.
        let service = plan.iam(set, context.ambient())?;
        context.with_cache(session::cache_use(&how), |cache, clock| {
            let (ambient, heard) = (|| context.ambient_credentials(), |text: &str| context.hear(text));
            let sealed = |profile: &ProfileName| context.open_sealed(profile);
            let login = |session: &LoginSession| context.renewed(session, cache.folder(), clock);
            let sso = |role: &SsoRole| portal::role_credentials(role, context);
            let patience = context.settings.limits.provider;
            let base =
                RealBases { ambient: &ambient, sealed: &sealed, login: &login, sso: &sso, heard: &heard, patience };
            let base = base.credentials(&plan, set).and_then(|base| alive(base, &plan, clock.now()));
            let base = base.map_err(ExecuteError::from)?;
            let limits = context.settings.limits;
            let sts = AwsSts::connect(&plan.service, limits, clock).map_err(DeviceError::Client)?;
            let arn = sts.caller(&base).map_err(DeviceError::Who)?;
            let user = User::of_arn(&arn).map_err(DeviceError::from)?;
            let clock = &clock.of(&service);
            let iam = AwsIam::connect(&service, limits, clock).map_err(DeviceError::Client)?;
            let named = plan.device.as_ref().and_then(Device::serial).cloned();
            with(&DeviceWork { context, how: &how, set, plan: &plan, named, cache, clock, iam, base, user, says_yes })
        })
    };
    work().map_err(|error: Error| error.about(&profile))
}

impl DeviceWork<'_> {
    /// What a prompt shows about the route to IAM: an endpoint, proxy or CA bundle that is not AWS's or the system's own.
    fn way(&self) -> String {
        let service = self.plan.iam(self.set, self.context.ambient());
        service.map_or_else(|_| String::new(), |service| Route::to(&service).in_words(&service).bracketed())
    }

    /// Turns a failed IAM call into an error of this command.
    fn failed(&self, call: &'static str, journey: &'static [Need]) -> impl Fn(IamError) -> DeviceError {
        let user = self.user.clone();
        move |error| DeviceError::Call { call, error, journey, user: Some(Box::new(user.clone())) }
    }

    fn devices(&self, journey: &'static [Need]) -> Result<Vec<Bound>, DeviceError> {
        self.iam.devices(&self.base, Some(&self.user.name)).map_err(self.failed("ListMFADevices", journey))
    }

    /// The user's MFA session, with a code of this device where none is cached. A base that is a session signs itself.
    fn session(&self, serial: &MfaSerial) -> Result<Credentials, Error> {
        if !self.base.is_long_term() {
            return Ok(self.base.clone());
        }
        let plan = self.plan.session_of(serial);
        let Self { how, context, cache, clock, .. } = *self;
        session::Session { context, how, cache, clock }.credentials(&plan, MinTtl::PERSON)
    }

    /// The device that proves who the user is: the profile's, else the only one.
    fn proof(&self, devices: &[Bound]) -> Result<Option<MfaSerial>, DeviceError> {
        let usable = usable(devices);
        if let Some(named) = self.named.as_ref().filter(|named| usable.contains(named)) {
            return Ok(Some(named.clone()));
        }
        match &usable[..] {
            [] => Ok(None),
            [only] => Ok(Some(only.clone())),
            _ => Err(DeviceError::Several { user: self.user.name.clone(), devices: usable }),
        }
    }

    fn unknown(&self, typed: &str, devices: &[Bound]) -> DeviceError {
        let devices = devices.iter().map(|device| device.serial.clone()).collect();
        DeviceError::Unknown { user: self.user.name.clone(), device: typed.to_owned(), devices }
    }

    /// A question that yes or no answers.
    fn confirm(&self, question: &str, usual: Usual, what: &'static str) -> Result<bool, DeviceError> {
        if self.says_yes {
            return Ok(true);
        }
        if !self.context.host.terminal.is_there() {
            return Err(DeviceError::NobodyThere(what));
        }
        let answer = self.context.host.terminal.confirm(question, usual, PATIENCE);
        answer.map_err(|error| DeviceError::Code(error.into()))
    }

    /// Shows what an edit would change, and writes it after confirmation. Returns whether it was written.
    fn write(&self, draft: &Draft) -> Result<bool, Refusal> {
        if !draft.is_changed() {
            return Ok(true);
        }
        let diff = draft.diff();
        if self.context.host.terminal.is_there() {
            self.context.host.terminal.show(&self.context.settings.messages.tilde(&diff));
        } else {
            diff.lines().for_each(|line| self.context.settings.messages.note(line));
        }
        if !self.confirm("Write this?", Usual::Yes, "the profile change must be confirmed").map_err(Refusal::Answer)? {
            return Ok(false);
        }
        draft.write().map_err(Refusal::Edit)?;
        Ok(true)
    }

    /// A draft of the files as they are now: they may have changed since they were first read.
    fn draft(&self) -> Result<Draft, EditError> {
        let Settings { config_file, credentials_file, .. } = self.context.settings;
        Ok(Draft::new(ProfileSet::load(self.context.host.files, config_file, credentials_file)?))
    }

    fn note(&self, text: &str) {
        self.context.settings.messages.note(text);
    }
}

/// The device that was typed, by serial or name.
fn find(typed: &str, devices: &[Bound]) -> Option<MfaSerial> {
    let mut serials = devices.iter().map(|device| &device.serial);
    serials.find(|serial| serial.as_str() == typed || serial.device() == typed).cloned()
}

/// Why an edit was not made.
enum Refusal {
    Edit(EditError),
    Answer(DeviceError),
}

impl Refusal {
    fn about(self, serial: Option<&MfaSerial>) -> DeviceError {
        match self {
            Self::Edit(source) => DeviceError::Edit { source, serial: serial.cloned() },
            Self::Answer(error) => error,
        }
    }
}

impl From<EditError> for Refusal {
    fn from(error: EditError) -> Self {
        Self::Edit(error)
    }
}

/// Was it a signal that ended the question?
fn is_signal(error: &DeviceError) -> bool {
    matches!(error, DeviceError::Code(crate::code::CodeError::Terminal(TerminalError::Signal(_))))
}
