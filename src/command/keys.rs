//! `mfa-cred keys …`: long-term access keys, sealed instead of in plain text.
//!
//! What the commands have in common: questions, the check with AWS, and the order in which a key changes its place. It is
//! sealed and opened again before anything else that has it is changed, so a process that is killed at any point leaves it
//! in one place at least.

pub(super) mod add;
mod export;
pub(super) mod import;
mod list;
mod remove;
mod rotate;
mod sessions;
mod tool;

use crate::cli::{KeysVerb, Obtain, Whose};
use crate::code::PATIENCE;
use crate::command::context::Context;
use crate::command::{Done, choice};
use crate::error::Error;
use crate::execute::Sts;
use crate::execute::sts::AwsSts;
use crate::host::Usual;
use crate::iam::{CallerError, KeysError, User};
use crate::names::ProfileName;
use crate::plan::{Plan, PlanRequest};
use crate::profile::edit::{Draft, EditError};
use crate::profile::{ProfileSet, SealedKeys};
use crate::safe::{GivenKey, Safe, SafeError, Shelf};
use crate::secret::Credentials;
use crate::settings::{ObtainOptions, Settings};

pub(super) fn run(verb: KeysVerb, context: &Context<'_>) -> Result<Done, Error> {
    match verb {
        KeysVerb::Import { profiles, whose, from, yes } => {
            with_work(&whose, yes, context, |work| import::run(work, profiles, from))
        }
        KeysVerb::Add { whose, csv, stdin, env, yes, .. } => {
            let from = match (csv, stdin, env) {
                (Some(file), ..) => add::From::Csv(file),
                (_, true, _) => add::From::Stdin,
                (_, _, true) => add::From::Environment,
                _ => add::From::Terminal,
            };
            with_work(&whose, yes, context, |work| add::run(work, whose.profile.clone(), &from))
        }
        KeysVerb::List { profiles, json, live, whose } => {
            let options = list::Options { as_json: json, is_live: live };
            with_work(&whose, false, context, |work| list::run(work, &profiles, &options))
        }
        KeysVerb::Rotate { profiles, whose, all, older_than, dry_run: is_dry, yes } => {
            let options = rotate::Options { all, older_than, is_dry };
            with_work(&whose, yes, context, |work| rotate::run(work, profiles, &options))
        }
        KeysVerb::Remove { whose, yes, .. } => {
            with_work(&whose, yes, context, |work| remove::run(work, whose.profile.clone()))
        }
        KeysVerb::Export { whose, .. } => {
            with_work(&whose, false, context, |work| export::run(work, whose.profile.clone()))
        }
    }
}

/// What a command about keys works with.
pub(super) struct KeysWork<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) how: &'a ObtainOptions,
    /// Is every question answered with yes?
    pub(super) says_yes: bool,
    /// Whose keys are taken.
    pub(super) takes: Takes,
}

/// Whose keys a command takes.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Takes {
    /// A user's, the root user's too.
    AnyUsers,
    /// Only those of a user who can have an MFA device.
    NotRoots,
}

fn with_work(
    whose: &Whose,
    says_yes: bool,
    context: &Context<'_>,
    with: impl FnOnce(&KeysWork<'_>) -> Result<Done, Error>,
) -> Result<Done, Error> {
    let obtain = Obtain { no_prompt: whose.no_prompt, ..Obtain::default() };
    let how = context.how(&obtain)?;
    let context = &context.attended_as(&how);
    with(&KeysWork { context, how: &how, says_yes, takes: Takes::AnyUsers })
}

/// A key that is about to be sealed for a profile, as plans will see it then.
#[derive(Debug)]
struct Soon {
    profile: ProfileName,
    access_key_id: String,
}

impl SealedKeys for Soon {
    fn access_key_id(&self, profile: &str) -> Result<Option<String>, String> {
        Ok((self.profile.as_str() == profile).then(|| self.access_key_id.clone()))
    }
}

impl KeysWork<'_> {
    /// The profile that a command is for.
    fn profile(&self, named: Option<ProfileName>) -> Result<ProfileName, Error> {
        choice::profile(named, self.how, self.context)
    }

    pub(super) fn shelf(&self) -> Result<Shelf, SafeError> {
        self.context.shelf().ok_or(SafeError::Nowhere)
    }

    /// The AWS files as they are now.
    pub(super) fn files(&self) -> Result<ProfileSet, Error> {
        let Settings { config_file, credentials_file, .. } = self.context.settings;
        Ok(ProfileSet::load(self.context.host.files, config_file, credentials_file)?)
    }

    /// The files as they are now, in which the profile has this key sealed.
    pub(super) fn draft(&self, profile: &ProfileName, key: &GivenKey) -> Result<Draft, Error> {
        let soon = Soon { profile: profile.clone(), access_key_id: key.id.clone() };
        Ok(Draft::new(self.files()?.with_sealed(Box::new(soon))))
    }

    /// Refuses to replace another sealed key of the profile, whose secret would be lost.
    pub(super) fn see_that_it_replaces_none(&self, profile: &ProfileName, key: &GivenKey) -> Result<(), KeysError> {
        match self.shelf()?.header(profile)? {
            Some(header) if header.access_key_id != key.id => {
                Err(KeysError::Another { profile: profile.clone(), access_key_id: header.access_key_id })
            }
            _ => Ok(()),
        }
    }

    /// Seals a key after AWS took it and the person agreed to what changes in the files, and then changes them.
    pub(super) fn take_over(&self, profile: &ProfileName, key: &GivenKey, draft: &Draft) -> Result<(), Error> {
        let arn = self.caller(profile, key, draft.set())?;
        self.agree(draft)?;
        let header = Safe::header(profile, &key.id, &arn, self.context.clock().now());
        let user = header.user().to_owned();
        let place = self.context.with_safe(|safe| {
            safe.seal(header, &key.secret)?;
            safe.place()
        });
        let place = place.map_err(KeysError::from)?;
        draft.write().map_err(|source| KeysError::StillInFile { profile: profile.clone(), source })?;
        self.note(&format!("{profile}: access key {} of {user} is sealed ({})", key.id, place.name()));
        Ok(())
    }

    /// The user whose key it is, as AWS says.
    fn caller(&self, profile: &ProfileName, key: &GivenKey, set: &ProfileSet) -> Result<String, Error> {
        let context = self.context;
        let request = PlanRequest { leaves_device_open: true, ..self.how.request.clone() };
        let plan = Plan::make(set, profile, &request, context.ambient())?;
        let clock = context.clock();
        let sts = AwsSts::connect(&plan.service, context.settings.limits, &clock).map_err(KeysError::Client)?;
        let signer = Credentials::long_term(&key.id, key.secret.clone());
        let not_taken = |error| KeysError::NotTaken { access_key_id: key.id.clone(), error };
        let arn = sts.caller(&signer).map_err(not_taken)?;
        match User::of_arn(&arn) {
            Err(CallerError::Root) if self.takes == Takes::NotRoots => {
                Err(KeysError::Root { access_key_id: key.id.clone() }.into())
            }
            Ok(_) | Err(CallerError::Root) => Ok(arn),
            Err(error) => Err(KeysError::from(error).into()),
        }
    }

    /// Shows what would change in the files, and asks.
    fn agree(&self, draft: &Draft) -> Result<(), KeysError> {
        if !draft.is_changed() {
            return Ok(());
        }
        let (terminal, diff) = (self.context.host.terminal, draft.diff());
        if terminal.is_there() {
            terminal.show(&self.context.settings.messages.tilde(&diff));
        } else {
            diff.lines().for_each(|line| self.note(line));
        }
        self.confirm("Seal the key and write this?", Usual::Yes, "the change of the file must be confirmed")
    }

    /// A question that yes or no answers; no is an error.
    fn confirm(&self, question: &str, usual: Usual, what: &'static str) -> Result<(), KeysError> {
        if self.says_yes {
            return Ok(());
        }
        let terminal = self.context.host.terminal;
        if !terminal.is_there() {
            return Err(KeysError::NobodyThere(what));
        }
        match terminal.confirm(question, usual, PATIENCE) {
            Ok(true) => Ok(()),
            Ok(false) => Err(KeysError::Declined),
            Err(reason) => Err(KeysError::Terminal(reason)),
        }
    }

    fn note(&self, text: &str) {
        self.context.settings.messages.note(text);
    }
}

pub(super) fn not_written(profile: &ProfileName, source: EditError) -> KeysError {
    KeysError::NotWritten { profile: profile.clone(), source }
}
