//! `mfa-cred completions SHELL`: the files of `completions/`.
//!
//! They hold no word of ours: each asks `mfa-cred __complete`, which reads clap's tree, and so no file falls behind an
//! option. What `clap_complete` generates could not be used: its static scripts know no profile, and its dynamic ones
//! expand patterns in what they got (bash) and hand words to the line without quoting them.

use super::{Done, write_stdout};
use crate::cli::{CommandName, CompletionShell, CompletionsArgs};
use crate::error::Error;

pub(super) fn run(args: &CompletionsArgs) -> Result<Done, Error> {
    write_stdout(&script(args.shell, args.command.as_ref()))
}

/// The file of a shell; it completes the program, and a command of another name.
pub(super) fn script(shell: CompletionShell, command: Option<&CommandName>) -> String {
    let script = match shell {
        CompletionShell::Bash => include_str!("../../completions/mfa-cred.bash"),
        CompletionShell::Zsh => include_str!("../../completions/_mfa-cred"),
        CompletionShell::Fish => include_str!("../../completions/mfa-cred.fish"),
        CompletionShell::PowerShell => include_str!("../../completions/mfa-cred.ps1"),
        CompletionShell::Nu => include_str!("../../completions/mfa-cred.nu"),
        CompletionShell::Elvish => include_str!("../../completions/mfa-cred.elv"),
        CompletionShell::Xonsh => include_str!("../../completions/mfa-cred.xsh"),
        CompletionShell::Tcsh => include_str!("../../completions/mfa-cred.tcsh"),
    };
    // The last line of each registers `mfa-cred`; once more, and it registers the other name.
    let last = script.lines().next_back().unwrap_or_default();
    let other = command.filter(|name| name.as_str() != "mfa-cred");
    let again = other.map(|name| last.replacen("mfa-cred", name.as_str(), 1) + "\n");
    script.to_owned() + &again.unwrap_or_default()
}
