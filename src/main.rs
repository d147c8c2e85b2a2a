//! Builds the real host, runs the command and exits with its code.

use std::process::ExitCode;

use mfa_cred::command;
use mfa_cred::exit::Ending;
use mfa_cred::host::Host;
use mfa_cred::system::{self, System};
use mfa_cred::terminal::Tty;
use mfa_cred::vault::{self, kernel::KernelKeyring, keyring::OsKeyring};

fn main() -> ExitCode {
    system::refuse_core_dumps();
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
        become_command: &system::become_command,
    };
    match command::run(std::env::args_os(), &host) {
        Ending::Exit(code) => ExitCode::from(code.number()),
        Ending::Signal(signal) => system::die_of(signal),
    }
}
