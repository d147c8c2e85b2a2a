//! `mfa-cred prompt`: a segment of a shell's prompt, which runs before every command line. It reads the environment and
//! the clock, but no file, not even our settings.

use std::io::{self, IsTerminal};

use super::{Done, write_stdout};
use crate::cli::{Color, Global, PromptArgs};
use crate::error::Error;
use crate::host::Host;
use crate::names::variables;
use crate::output::segment::{Segment, account_of_key};
use crate::settings::Settings;
use crate::shell::ColorMarks;

/// Prints nothing if this shell holds no credentials.
pub(super) fn run(args: &PromptArgs, global: &Global, host: &Host<'_>) -> Result<Done, Error> {
    let env = host.env;
    let Some(profile) = Settings::held(env) else { return Ok(Done::Well) };
    let account = || env.var(variables::aws::ACCESS_KEY_ID).and_then(|id| account_of_key(&id));
    let segment = Segment {
        profile,
        end: env.var(variables::aws::CREDENTIAL_EXPIRATION).and_then(|end| end.parse().ok()),
        region: env.var(variables::aws::REGION).or_else(|| env.var(variables::aws::DEFAULT_REGION)),
        // The account id comes from the key itself; the variable may be older.
        account: account().or_else(|| env.var(variables::aws::ACCOUNT_ID)),
    };
    let template = args.format.clone().unwrap_or_default();
    let line = segment.render(&template, host.clock.now(), marks(args, global, host));
    if line.is_empty() { Ok(Done::Well) } else { write_stdout(&(line + "\n")) }
}

/// In `$(mfa-cred prompt)` stdout is a pipe; only `--shell` tells that the output goes into a prompt.
fn marks(args: &PromptArgs, global: &Global, host: &Host<'_>) -> Option<ColorMarks> {
    let said = global.color.or_else(|| host.env.var(variables::COLOR)?.parse().ok());
    let are_wanted = match said {
        Some(Color::Always) => true,
        Some(Color::Never) => false,
        Some(Color::Auto) | None => {
            let can = host.env.os("NO_COLOR").is_none() && host.env.os("TERM").is_none_or(|term| term != "dumb");
            can && (args.shell.is_some() || io::stdout().is_terminal())
        }
    };
    are_wanted.then(|| args.shell.and_then(|shell| shell.dialect().color_marks).unwrap_or(ColorMarks::NONE))
}
