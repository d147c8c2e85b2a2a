//! `mfa-cred completions SHELL`: the files of `completions/`.
//!
//! They contain no option names: each script calls `mfa-cred __complete`, which reads clap's own definitions, so no
//! file can become outdated. The output of `clap_complete` could not be used: its static scripts know no profiles, and
//! its dynamic ones expand patterns in the candidates (bash) and insert words without quoting them.

use super::{Done, write_stdout};
use crate::cli::{CommandName, CompletionsArgs};
use crate::error::Error;

pub(super) fn run(args: &CompletionsArgs) -> Result<Done, Error> {
    let completion = args.shell.dialect().completion.as_ref();
    let script = completion.map(|completion| completion.script(args.command.as_ref().map(CommandName::as_str)));
    write_stdout(&script.unwrap_or_default())
}
