//! The program `mfa-cred-main`: every command.

use std::process::ExitCode;

fn main() -> ExitCode {
    mfa_cred::program::main()
}
