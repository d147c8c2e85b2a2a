//! `mfa-cred completions SHELL`: the files of `completions/`.
//!
//! They contain no option names: each calls `mfa-cred __complete`, which reads clap's tree, so no file can be out of date.
//! What `clap_complete` generates could not be used: its static scripts know no profile, and its dynamic ones
//! expand patterns in what they got (bash) and hand words to the line without quoting them.

use super::{Done, write_stdout};
use crate::cli::{CommandName, CompletionsArgs};
use crate::error::Error;

pub(super) fn run(args: &CompletionsArgs) -> Result<Done, Error> {
    let completion = args.shell.dialect().completion.as_ref();
    let script = completion.map(|completion| completion.script(args.command.as_ref().map(CommandName::as_str)));
    write_stdout(&script.unwrap_or_default())
}
