//! `mfa-cred init SHELL`: the file that makes mfa-cred a command of that shell and completes it; and what its function
//! asks.
//!
//! No setting is read: it stands in a start-up file, and must work whatever `config.ini` says.

use super::{Done, completions, write_stdout};
use crate::cli::{CompletionShell, EvaluatesArgs, InitArgs};
use crate::error::Error;
use crate::host::Host;
use crate::output::Script;

pub(super) fn run(args: &InitArgs, host: &Host<'_>) -> Result<Done, Error> {
    let shell = args.shell.unwrap_or_else(|| calling(host));
    let program = program(host)?;
    let mut text = shell.command(&program, args.command.as_str());
    if let Some(completes) = completing(shell) {
        let completion = shell.completion(&completions::script(completes, Some(&args.command)), &program);
        // The file of tcsh is sourced for its status, and nothing may come behind that.
        text = if shell == Script::Tcsh { completion + "\n" + &text } else { text + "\n" + &completion };
    }
    if args.prompt {
        text.push('\n');
        text.push_str(shell.prompt().ok_or(Error::NoSegment)?);
    }
    write_stdout(&text)
}

/// The shell that runs us, else `$SHELL`, else posix.
fn calling(host: &Host<'_>) -> Script {
    let parent = || Script::of_program(&(host.parent)()?);
    let shell = || Script::of_program(&host.env.var("SHELL")?);
    parent().or_else(shell).unwrap_or(Script::Posix)
}

/// As what a shell completes, if it does.
fn completing(shell: Script) -> Option<CompletionShell> {
    Some(match shell {
        Script::Bash => CompletionShell::Bash,
        Script::Zsh => CompletionShell::Zsh,
        Script::Fish => CompletionShell::Fish,
        Script::PowerShell => CompletionShell::PowerShell,
        Script::Nu => CompletionShell::Nu,
        Script::Elvish => CompletionShell::Elvish,
        Script::Xonsh => CompletionShell::Xonsh,
        Script::Tcsh => CompletionShell::Tcsh,
        Script::Posix => return None,
    })
}

/// Says by the exit code whether the function evaluates what these words print: 0, else 1.
pub(super) fn evaluates(args: &EvaluatesArgs) -> Done {
    if args.are_for_the_shell() { Done::Well } else { Done::Verdict(1) }
}

fn program(host: &Host<'_>) -> Result<String, Error> {
    let path = (host.program)().map_err(Error::Program)?;
    path.into_os_string().into_string().map_err(|_| Error::NotText)
}
