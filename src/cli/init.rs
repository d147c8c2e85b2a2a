//! The arguments of `init` and of the hidden command that its shell functions call.

use std::ffi::OsString;

use clap::Args as ClapArgs;

use super::Verb;
use super::options::CommandName;
use super::options::{one_of, shell_with};
use crate::output::Format;
use crate::shell::Shell;

// `init`.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct InitArgs {
    /// The shell [default: the shell that runs this]
    #[arg(value_name = "SHELL", value_parser = shell_with(|dialect| dialect.init.as_ref()))]
    pub shell: Option<Shell>,
    /// The name of the shell function
    #[arg(long = "cmd", value_name = "NAME", default_value = "mfa-cred")]
    pub command: CommandName,
    /// Add a prompt segment: the shell's profile and the time left
    #[arg(long)]
    pub prompt: bool,
    /// Renew the shell's credentials before they expire
    ///
    /// Before each command, the shell checks how much time is left, without starting a process. Below five minutes, it renews
    /// its credentials, at most once a minute and for at most three seconds. It never asks anything: when the MFA session has
    /// expired, run `mfa-cred PROFILE` again.
    #[arg(long)]
    pub auto_renew: bool,
}

// Called by the hooks of `init --auto-renew`.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct RenewArgs {
    /// The shell to write for
    #[arg(long, value_name = "FORMAT", value_parser = one_of::<Format>(Format::all().map(Format::name)))]
    pub format: Format,
}

// Called by the shell function before it runs a command line.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct EvaluatesArgs {
    /// The words
    #[arg(last = true, value_name = "WORD")]
    pub words: Vec<OsString>,
}

impl EvaluatesArgs {
    /// Is the output of this command line for the shell to evaluate? That of `env` and `unset` is, unless `--format` was
    /// given, which asks for the plain output.
    pub fn are_for_the_shell(&self) -> bool {
        let argv = std::iter::once("mfa-cred".into()).chain(self.words.iter().cloned());
        match super::parse(argv).map(|args| args.verb) {
            Ok(Verb::Env(args)) => args.format.is_none(),
            Ok(Verb::Unset { format }) => format.is_none(),
            _ => false,
        }
    }
}
