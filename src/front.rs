//! The program `mfa-cred`. On Linux it answers from the cache if that takes no question, no call and no message, and
//! otherwise becomes `mfa-cred-main`: it links nothing that only the others need, and so starts as fast as an empty
//! program. Elsewhere it is the whole program.

use std::process::ExitCode;

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    mfa_cred::program::main()
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    let argv: Vec<_> = std::env::args_os().collect();
    answered(&argv).map_or_else(
        || mfa_cred::program::failed(&mfa_cred::system::pair::hand_over(&argv)),
        |code| ExitCode::from(code.number()),
    )
}

/// The exit code, if the command was answered.
#[cfg(target_os = "linux")]
fn answered(argv: &[std::ffi::OsString]) -> Option<mfa_cred::exit::ExitCode> {
    use mfa_cred::host::{Host, NoKeystore, NoTerminal};
    use mfa_cred::system::{self, System};
    use mfa_cred::vault::kernel::KernelKeyring;

    mfa_cred::os::processes::refuse_core_dumps();
    let (system, kernel) = (System, KernelKeyring);
    let host = Host {
        env: &system,
        files: &system,
        clock: &system,
        terminal: &NoTerminal,
        kernel: &kernel,
        keyring: &NoKeystore,
        folders: system::folders_of_environment()?,
        user: &String::new,
        machine: &String::new,
        parent: &system::parent,
        program: &|| Err(std::io::ErrorKind::Unsupported.into()),
        end_within: &|_| (),
        become_command: &|_| Err(std::io::ErrorKind::Unsupported.into()),
    };
    mfa_cred::command::warm::run(argv, &host)
}
