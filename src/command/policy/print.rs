//! `mfa-cred policy print`: prints a policy that enforces MFA. No call to AWS.

use super::super::{Done, write_stdout};
use crate::cli::PrintArgs;
use crate::error::Error;
use crate::policy::print::{Choices, print};
use crate::settings::Settings;

pub(super) fn run(args: PrintArgs, settings: &Settings) -> Result<Done, Error> {
    if args.console_only {
        settings.messages.warn(
            "with `--console-only`, anyone who holds a long-term access key can use it without MFA; AWS does not recommend this",
        );
    }
    if args.allow_first_password_change {
        settings.messages.warn(
            "with `--allow-first-password-change`, a stolen key or password is enough to change the password; AWS does not recommend this",
        );
    }
    let choices = Choices {
        allows_first_password_change: args.allow_first_password_change,
        with_own_access_keys: args.own_access_keys,
        is_console_only: args.console_only,
        is_quarantine: args.quarantine_group,
        account: args.account,
        partition: args.partition,
        user_path: args.user_path,
        group: args.group,
    };
    write_stdout(&print(args.format.unwrap_or_default(), &choices))
}
