//! `mfa-cred init SHELL`: the shell integration (function, completion, prompt), and the hidden command that the function
//! calls.
//!
//! It reads no settings: it runs in a startup file, and must work even if `config.ini` is broken.

use std::path::Path;

use super::{Done, write_stdout};
use crate::cli::{EvaluatesArgs, InitArgs};
use crate::error::Error;
use crate::exit::ExitCode;
use crate::host::Host;
use crate::shell::{Shell, startup};

pub(super) fn run(args: &InitArgs, host: &Host<'_>) -> Result<Done, Error> {
    let shell = args.shell.unwrap_or_else(|| calling(host));
    let program = (host.program)().map_err(Error::Program)?;
    let mut text = script_named(shell, &program, args.command.as_str())?;
    let (init, completion) = (shell.dialect().init.as_ref(), shell.dialect().completion.as_ref());
    if args.auto_renew {
        let renewal = init.and_then(|init| init.renewal(program.to_str()?)).ok_or(Error::NoRenewal)?;
        let comes_first = completion.is_some_and(|completion| completion.comes_first);
        text = if comes_first { renewal + "\n" + &text } else { text + "\n" + &renewal };
    }
    if args.prompt {
        let segment = init.and_then(|init| init.segment);
        text.push('\n');
        text.push_str(segment.ok_or(Error::NoSegment)?);
    }
    write_stdout(&text)
}

/// The function and its completion for the program at this path.
pub(super) fn script(shell: Shell, program: &Path) -> Result<String, Error> {
    script_named(shell, program, "mfa-cred")
}

fn script_named(shell: Shell, program: &Path, name: &str) -> Result<String, Error> {
    let dialect = shell.dialect();
    let init = dialect.init.as_ref().expect("only shells that have it are taken");
    let program = program.to_str().ok_or(Error::NotText)?;
    let mut text = init.command(program, name);
    if let Some(completion) = &dialect.completion {
        let script = completion.script_at(Some(name), &(init.quote)(program));
        text = if completion.comes_first { script + "\n" + &text } else { text + "\n" + &script };
    }
    Ok(text)
}

/// The calling shell, else `$SHELL`, else posix.
fn calling(host: &Host<'_>) -> Shell {
    startup::calling((host.parent)().as_deref(), host.env).unwrap_or(Shell::Posix)
}

/// The exit code tells whether the function should evaluate the output for these arguments: 0 for yes, 1 for no.
pub(super) fn evaluates(args: &EvaluatesArgs) -> Done {
    if args.are_for_the_shell() { Done::Well } else { Done::Verdict(ExitCode::Failed) }
}

/// The path of this program, as text that a file can hold.
pub(super) fn program(host: &Host<'_>) -> Result<String, Error> {
    let path = (host.program)().map_err(Error::Program)?;
    path.into_os_string().into_string().map_err(|_| Error::NotText)
}
