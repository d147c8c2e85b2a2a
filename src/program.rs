//! The whole program: builds the real host, runs the command and returns how it ended.

use std::process::ExitCode;

use crate::command;
use crate::exit::{self, Ending};
use crate::host::Host;
use crate::messages::{Level, Messages, with_causes};
use crate::os::processes;
use crate::system::{self, System, pair};
use crate::terminal::Tty;
use crate::vault::{self, kernel::KernelKeyring, keyring::OsKeyring};

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    processes::refuse_core_dumps();
    let argv = match pair::taken_over(std::env::args_os().collect()) {
        Ok(argv) => argv,
        Err(error) => return failed(&error),
    };
    let (system, terminal, kernel) = (System, Tty, KernelKeyring);
    let keyring = OsKeyring::new(|| vault::patience(&terminal));
    let host = Host {
        env: &system,
        files: &system,
        clock: &system,
        terminal: &terminal,
        kernel: &kernel,
        keyring: &keyring,
        folders: system::folders(),
        user: &system::user,
        machine: &system::machine,
        parent: &system::parent,
        program: &system::program,
        end_within: &system::end_within,
        become_command: &processes::become_command,
    };
    match command::run(argv, &host) {
        Ending::Exit(code) => ExitCode::from(code.number()),
        Ending::Signal(signal) => processes::die_of(signal),
    }
}

/// Reports that this program and its other half do not fit together.
pub fn failed(error: &pair::PairError) -> ExitCode {
    let messages = Messages::new(Level::Error, None);
    messages.error(&with_causes(error));
    messages.hint(&error.hint());
    ExitCode::from(exit::ExitCode::Failed.number())
}
