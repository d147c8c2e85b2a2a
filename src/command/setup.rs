//! `mfa-cred setup`: from the console's CSV file to working credentials in one sitting.
//!
//! Five steps, each of which looks at what is there before it asks or writes. So a run that ended anywhere, by Ctrl-C or
//! by a kill, is continued by the next one, and a run after the last one changes nothing. A step that fails is reported,
//! and the others are done, unless the key itself is what is wrong.

mod csv;
mod given;
mod key;
mod role;
mod startup;
mod whose;

use std::cell::{Cell, RefCell};

use crate::cli::{Obtain, SetupArgs, SetupStep, SignInArgs, Whose};
use crate::code::PATIENCE;
use crate::command::context::Context;
use crate::command::device::adopt::adopt;
use crate::command::keys::{KeysWork, Takes};
use crate::command::{Done, login};
use crate::error::{Error, SetupError};
use crate::exit::{Ending, ExitCode};
use crate::host::Usual;
use crate::iam::DeviceError;
use crate::messages::{ours, with_causes};
use crate::names::ProfileName;
use crate::profile::edit::Draft;
use crate::settings::ObtainOptions;

use given::Given;

pub(super) fn run(args: &SetupArgs, context: &Context<'_>) -> Result<Done, Error> {
    let no_prompt = args.whose.no_prompt;
    let obtain = Obtain { no_prompt, mfa_token: args.mfa_token.clone(), ..Obtain::default() };
    let how = context.how(&obtain)?;
    let context = &context.attended_as(&how);
    if args.stdin && args.mfa_token.as_deref() == Some("-") {
        return Err(SetupError::StdinTwice.into());
    }
    if !args.yes && !context.host.terminal.is_there() {
        return Err(SetupError::NobodyThere.into());
    }
    let (types_key, undone, exit) = (Cell::new(false), RefCell::default(), Cell::new(None));
    let work = SetupWork { context, how: &how, args, types_key, undone, exit };
    let mut given = whose::given(&work)?;
    let profile = whose::profile(&work, &mut given)?;
    steps(&work, &profile, given).map_err(|error| error.about(&profile))
}

fn steps(work: &SetupWork<'_>, profile: &ProfileName, given: Option<Given>) -> Result<Done, Error> {
    if work.begins(SetupStep::Key) {
        key::run(work, profile, given)?;
    }
    if work.begins(SetupStep::Device) {
        work.settle(SetupStep::Device, device(work, profile))?;
    }
    let mut target = profile.clone();
    if work.begins(SetupStep::Role) {
        let role = work.settle(SetupStep::Role, role::run(work, profile))?.flatten();
        target = role.unwrap_or(target);
    }
    if work.begins(SetupStep::Shell) {
        work.settle(SetupStep::Shell, startup::run(work))?;
    }
    if work.begins(SetupStep::Login) {
        login::sign_in(&target, (work.how, SignInArgs::default()), &work.context.anew())
            .map_err(|error| error.about(&target))?;
    }
    work.note("");
    for line in startup::usage(work, &target) {
        work.note(&line);
    }
    let undone = work.undone.borrow();
    if undone.is_empty() {
        return Ok(Done::Well);
    }
    let setup = ours("setup", Some(profile));
    work.context.settings.messages.warn(&format!("not done: {}; {setup} goes on from there", undone.join(", ")));
    Ok(Done::Verdict(work.exit.get().unwrap_or(ExitCode::Failed)))
}

/// The user's device: found, chosen, or new. A page that does not fit the window is shown as text if the person agrees.
fn device(work: &SetupWork<'_>, profile: &ProfileName) -> Result<(), Error> {
    let args = work.args;
    let whose = Whose { profile: Some(profile.clone()), no_prompt: !work.how.may_prompt };
    let mut wanted = args.device.clone();
    let tried = adopt(&whose, args.yes, &work.context.anew(), &wanted);
    let Err(error) = tried else { return tried };
    let Error::Device(DeviceError::TooSmall { rows, columns }) = error.cause() else { return Err(error) };
    if wanted.seed || args.yes {
        return Err(error);
    }
    let question =
        format!("The QR code needs a window of {rows} rows and {columns} columns. Show the seed as text instead?");
    if !work.confirm(&question, Usual::No)? {
        return Err(error);
    }
    wanted.seed = true;
    adopt(&whose, args.yes, &work.context.anew(), &wanted)
}

/// What every step works with.
struct SetupWork<'a> {
    context: &'a Context<'a>,
    how: &'a ObtainOptions,
    args: &'a SetupArgs,
    /// Does the person want to type the key?
    types_key: Cell<bool>,
    /// The steps that failed.
    undone: RefCell<Vec<&'static str>>,
    /// The exit code of the first of them.
    exit: Cell<Option<ExitCode>>,
}

impl SetupWork<'_> {
    /// Prints a step's heading. Is it to be done?
    fn begins(&self, step: SetupStep) -> bool {
        let skips = self.args.skip.contains(&step);
        let (number, all) =
            (SetupStep::ALL.iter().take_while(|other| **other != step).count() + 1, SetupStep::ALL.len());
        self.note(&format!("[{number}/{all}] {}{}", step.title(), if skips { ": skipped" } else { "" }));
        !skips
    }

    /// What a step gave. If it failed, that is reported, and the others can still be done; but not if the person
    /// cancelled it, or if AWS does not know the key.
    fn settle<T>(&self, step: SetupStep, result: Result<T, Error>) -> Result<Option<T>, Error> {
        let error = match result {
            Ok(value) => return Ok(Some(value)),
            Err(error) => error,
        };
        let is_of_the_key = matches!(
            error.cause(),
            Error::Execute(_)
                | Error::Profile(_)
                | Error::Keys(_)
                | Error::Plan(_)
                | Error::Device(DeviceError::Caller(_) | DeviceError::Who(_) | DeviceError::Client(_))
        );
        let exit = match error.ending() {
            Ending::Exit(exit) if exit != ExitCode::Canceled && !is_of_the_key => exit,
            _ => return Err(error),
        };
        let messages = self.context.settings.messages;
        messages.warn(&with_causes(&error));
        if let Some(hint) = error.hint() {
            messages.hint(&hint);
        }
        self.undone.borrow_mut().push(step.title());
        self.exit.set(self.exit.get().or(Some(exit)));
        Ok(None)
    }

    /// What the commands about keys work with. The context is one that has read nothing yet.
    fn keys<'k>(&'k self, context: &'k Context<'k>) -> KeysWork<'k> {
        KeysWork { context, how: self.how, says_yes: self.args.yes, takes: Takes::NotRoots }
    }

    /// A question that yes or no answers; `--yes` is a yes.
    fn confirm(&self, question: &str, usual: Usual) -> Result<bool, Error> {
        if self.args.yes {
            return Ok(true);
        }
        Ok(self.context.host.terminal.confirm(question, usual, PATIENCE).map_err(SetupError::Terminal)?)
    }

    /// One line that the person types, trimmed; `None` for an empty one, and where `--yes` stands for the person.
    fn ask(&self, prompt: &str) -> Result<Option<String>, Error> {
        if self.args.yes {
            return Ok(None);
        }
        let answer = self.context.host.terminal.ask(prompt, PATIENCE).map_err(SetupError::Terminal)?;
        let answer = answer.expose().trim();
        Ok((!answer.is_empty()).then(|| answer.to_owned()))
    }

    /// The same for a value of a type, asked again while it is none.
    fn ask_for<T: std::str::FromStr>(&self, prompt: &str) -> Result<Option<T>, Error>
    where
        T::Err: std::fmt::Display,
    {
        loop {
            match self.ask(prompt)?.map(|text| text.parse()) {
                None => return Ok(None),
                Some(Ok(value)) => return Ok(Some(value)),
                Some(Err(why)) => self.context.host.terminal.tell(&why.to_string()),
            }
        }
    }

    /// Shows a change. Is it to be written?
    fn agrees(&self, diff: &str) -> Result<bool, Error> {
        let terminal = self.context.host.terminal;
        if terminal.is_there() {
            terminal.show(&self.context.settings.messages.tilde(diff));
        } else {
            diff.lines().for_each(|line| self.note(line));
        }
        self.confirm("Write this?", Usual::Yes)
    }

    /// Shows what an edit would change, and writes it after confirmation. Was it written?
    fn write(&self, draft: &Draft) -> Result<bool, Error> {
        if draft.is_changed() {
            if !self.agrees(&draft.diff())? {
                return Ok(false);
            }
            draft.write().map_err(SetupError::from)?;
        }
        Ok(true)
    }

    fn note(&self, text: &str) {
        self.context.settings.messages.note(text);
    }
}
