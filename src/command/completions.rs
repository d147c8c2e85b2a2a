//! `mfa-cred completions SHELL`: the files of `completions/`.
//!
//! They hold no word of ours: each asks `mfa-cred __complete`, which reads clap's tree, and so no file falls behind an
//! option. What `clap_complete` generates could not be used: its static scripts know no profile, and its dynamic ones
//! expand patterns in what they got (bash) and hand words to the line without quoting them.

use super::{Done, write_stdout};
use crate::cli::{CommandName, CompletionsArgs};
use crate::error::Error;

pub(super) fn run(args: &CompletionsArgs) -> Result<Done, Error> {
    let completion = args.shell.dialect().completion.as_ref();
    let script = completion.map(|completion| completion.script(args.command.as_ref().map(CommandName::as_str)));
    write_stdout(&script.unwrap_or_default())
}
