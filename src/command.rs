//! The commands: settings → profile → plan → execute → output, one file per command.

mod audit;
mod by_name;
mod choice;
mod clear;
mod complete;
mod completions;
mod console;
mod context;
mod device;
mod doctor;
mod env;
mod exec;
mod facts;
mod init;
mod keys;
mod list;
mod login;
mod logout;
mod man;
mod policy;
mod portal;
mod process;
mod prompt;
mod renew;
mod serve;
mod session;
mod setup;
mod show;
mod signed_in;
mod sso_roles;
mod status;
mod unset;
mod wire;
mod write;
pub mod warm;

use crate::command::context::Context;
use std::ffi::OsString;
use std::io::{self, Write};

use crate::cli::{self, Args, Meant, Verb};
use crate::code::dialog::Dialog;
use crate::error::Error;
use crate::exit::{Ending, ExitCode};
use crate::host::{Host, Terminal};
use crate::messages::{Level, Messages, printable, with_causes};
use crate::os::streams::require_stdout;
use crate::settings::Settings;

/// How a successful command ends.
pub enum Done {
    /// With exit code 0.
    Well,
    /// With the exit code of a negative verdict.
    Verdict(ExitCode),
}

/// Runs the program and returns how it ends. It writes to stdout and stderr, and never exits the process itself.
pub fn run(argv: impl IntoIterator<Item = OsString>, host: &Host<'_>) -> Ending {
    let argv: Vec<OsString> = argv.into_iter().collect();
    let args = match cli::parse(argv.clone()) {
        Ok(args) => args,
        Err(error) => return say_usage(&error, &argv),
    };
    let voice = |args: &Args| Settings::voice(&args.global, host.env).at_home(host.folders.home.as_deref());
    if let Some(result) = without_settings(&args, host) {
        return conclude(voice(&args), result);
    }
    let (messages, result) = match Settings::resolve(&args.global, host.env, host.files, &host.folders) {
        Ok(settings) => {
            let dialog = settings.dialog.clone().map(|program| Dialog::new(program, host.env, host.terminal));
            let dialog = dialog.as_ref().map(|dialog| dialog as &dyn Terminal);
            let context = Context::new(&settings, host.clone()).at(host.terminal, dialog);
            (settings.messages, dispatch(args.verb, &context))
        }
        Err(error) => (voice(&args), Err(error.into())),
    };
    let missing = result.as_ref().err().and_then(Error::missing_profile);
    match (missing.and_then(|profile| cli::meant(&argv, profile.as_str())), result) {
        (Some(meant), Err(error)) => say_what_was_meant(messages, &meant, &error),
        (_, result) => conclude(messages, result),
    }
}

/// A word that is not a profile but resembles something else. This comes first: a person who mistyped a command does not
/// need a list of profiles.
fn say_what_was_meant(messages: Messages, meant: &Meant, error: &Error) -> Ending {
    match &meant.instead {
        Some(instead) => messages.error(instead),
        None => messages.error(&with_causes(error)),
    }
    messages.hint(&meant.hint);
    if let Some(hint) = error.hint().filter(|_| error.has_likely_profiles() || meant.instead.is_none()) {
        messages.hint(&hint);
    }
    error.ending()
}

/// The commands that read no settings, and so work even if the settings are broken.
fn without_settings(args: &Args, host: &Host<'_>) -> Option<Result<Done, Error>> {
    Some(match &args.verb {
        Verb::Prompt(prompt) => prompt::run(prompt, &args.global, host),
        Verb::Complete(complete) => complete::run(complete, host),
        Verb::Completions(completions) => completions::run(completions),
        Verb::Man { folder } => man::run(folder.as_deref()),
        Verb::Init(init) => init::run(init, host),
        Verb::Doctor(asked) => doctor::run(asked, &args.global, host),
        Verb::Evaluates(asked) => Ok(init::evaluates(asked)),
        Verb::Renew(asked) => renew::run(asked, &args.global, host),
        _ => return None,
    })
}

fn conclude(messages: Messages, result: Result<Done, Error>) -> Ending {
    match result {
        Ok(Done::Well) => Ending::Exit(ExitCode::Done),
        Ok(Done::Verdict(code)) => Ending::Exit(code),
        Err(error) => {
            let ending = error.ending();
            // After Ctrl-C nobody needs a message; the shell sees the signal.
            if !matches!(ending, Ending::Signal(_)) {
                messages.error(&with_causes(&error));
                if let Some(hint) = error.hint() {
                    messages.hint(&hint);
                }
            }
            ending
        }
    }
}

/// Prints clap's message to stderr; `--help` and `--version` are payload, and go to stdout.
fn say_usage(error: &clap::Error, argv: &[OsString]) -> Ending {
    let is_harmless = |word: &OsString| word.to_str().is_some_and(|word| printable(word) == word);
    // clap quotes the arguments without escaping them. If they could control the terminal, the message is escaped,
    // without color.
    let said = if !error.use_stderr() && require_stdout().is_err() {
        require_stdout()
    } else if argv.iter().all(is_harmless) {
        error.print()
    } else {
        io::stderr().write_all(printable(&error.render().to_string()).as_bytes())
    };
    if error.use_stderr() {
        return Ending::Exit(ExitCode::Usage);
    }
    said.map_err(Error::Output)
        .map_or_else(|error| conclude(Messages::new(Level::Warn, None), Err(error)), |()| Ending::Exit(ExitCode::Done))
}

fn dispatch(verb: Verb, context: &Context<'_>) -> Result<Done, Error> {
    let host = &context.host;
    match verb {
        Verb::Env(args) if args.as_profile => by_name::run(*args, context),
        Verb::Env(args) => env::run(*args, context),
        Verb::Process(args) => process::run(*args, context),
        Verb::Exec { target, command, server: false, .. } => exec::run(*target, command, context),
        Verb::Exec { target, command, without_files, .. } => exec::serving(*target, command, without_files, context),
        Verb::Login { profiles, sso: None, sign_in, obtain, .. } => login::run(profiles, &obtain, sign_in, context),
        Verb::Login { sso: Some(name), sign_in, obtain, .. } => login::run_sso(&name, &obtain, sign_in, context),
        Verb::Logout(args) => logout::run(args, context),
        Verb::Show { target, json } => show::run(*target, json, context),
        Verb::List { sso: Some(name), json, .. } => sso_roles::run(name.as_deref(), json, context),
        Verb::List { profiles, json, names, .. } => list::run(&profiles, json, names, context),
        Verb::Status { target, json } => status::run(&target, json, context),
        Verb::Policy(verb) => policy::run(verb, context),
        Verb::Audit(args) => audit::run(&args, context),
        Verb::Unset { format } => unset::run(format, host),
        Verb::Device(verb) => device::run(verb, context),
        Verb::Keys(verb) => keys::run(verb, context),
        Verb::Setup(args) => setup::run(&args, context),
        Verb::Serve(args) => serve::run(*args, context),
        Verb::Wire(args) => wire::run(args, context),
        Verb::Unwire(args) => wire::undo(args, context),
        Verb::Write(args) => write::run(args, context),
        Verb::Unwrite(args) => write::undo(&args, context),
        Verb::Console(args) => console::run(&args, context),
        Verb::Clear { profiles, all, .. } => clear::run(&profiles, all, context),
        // These commands ran before the settings were read.
        Verb::Prompt(_)
        | Verb::Complete(_)
        | Verb::Doctor(_)
        | Verb::Completions(_)
        | Verb::Man { .. }
        | Verb::Init(_)
        | Verb::Evaluates(_)
        | Verb::Renew(_) => Ok(Done::Well),
    }
}

/// The whole payload at once.
fn write_stdout(payload: &str) -> Result<Done, Error> {
    stream_stdout(&|stdout| stdout.write_all(payload.as_bytes()))
}

/// A payload that is too large to be kept in memory. From here on only writing may fail.
fn stream_stdout(write: &dyn Fn(&mut dyn Write) -> io::Result<()>) -> Result<Done, Error> {
    require_stdout().map_err(Error::Output)?;
    let mut stdout = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    write(&mut stdout).and_then(|()| stdout.flush()).map_err(Error::Output)?;
    Ok(Done::Well)
}
