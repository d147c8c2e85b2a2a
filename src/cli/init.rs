//! The words of `init`, and of what the functions that it prints ask.

use std::ffi::OsString;

use clap::Args as ClapArgs;

use super::Verb;
use super::options::CommandName;
use super::options::shell_with;
use crate::shell::Shell;

// The file that makes mfa-cred a command of a shell.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct InitArgs {
    /// The shell [default: the shell that runs this]
    #[arg(value_name = "SHELL", value_parser = shell_with(|dialect| dialect.init.as_ref()))]
    pub shell: Option<Shell>,
    /// The name of the shell's command
    #[arg(long = "cmd", value_name = "NAME", default_value = "mfa-cred")]
    pub command: CommandName,
    /// Add a segment to the prompt: the profile that the shell holds, and for how long
    #[arg(long)]
    pub prompt: bool,
}

// What the function of a shell asks before it runs the words that were typed.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct EvaluatesArgs {
    /// The words
    #[arg(last = true, value_name = "WORD")]
    pub words: Vec<OsString>,
}

impl EvaluatesArgs {
    /// Is what these words print for the shell to evaluate? That of `env` and `unset` is, unless the format was named,
    /// which says that it is wanted as it is.
    pub fn are_for_the_shell(&self) -> bool {
        let argv = std::iter::once("mfa-cred".into()).chain(self.words.iter().cloned());
        match super::parse(argv).map(|args| args.verb) {
            Ok(Verb::Env(args)) => args.format.is_none(),
            Ok(Verb::Unset { format }) => format.is_none(),
            _ => false,
        }
    }
}
