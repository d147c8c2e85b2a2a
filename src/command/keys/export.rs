//! `mfa-cred keys export PROFILE`: a sealed key on the terminal, so that there is a way back. The page is wiped, and neither
//! a pipe nor a file ever gets it.

use std::io::{self, IsTerminal};

use super::KeysWork;
use crate::code::PATIENCE;
use crate::command::Done;
use crate::error::Error;
use crate::host::{Sheet, TerminalError, Usual};
use crate::iam::KeysError;
use crate::messages::one_line;
use crate::names::ProfileName;
use crate::safe::SafeError;
use crate::secret::Secret;

pub(super) fn run(work: &KeysWork<'_>, named: Option<ProfileName>) -> Result<Done, Error> {
    let profile = work.profile(named)?;
    export(work, &profile).map_err(|error| Error::from(error).about(&profile))?;
    Ok(Done::Well)
}

fn export(work: &KeysWork<'_>, profile: &ProfileName) -> Result<(), KeysError> {
    let terminal = work.context.host.terminal;
    if !io::stdout().is_terminal() {
        return Err(KeysError::NotToAPipe);
    }
    let header = work.shelf()?.header(profile)?.ok_or_else(|| SafeError::Missing(profile.clone()))?;
    let question = format!("Show the secret of access key {} on this screen?", header.access_key_id);
    work.confirm(&question, Usual::No, "access keys are shown on a terminal")?;
    terminal.size().ok_or(KeysError::Dumb)?;
    let key = work.context.open_sealed(profile)?;
    let title = one_line(profile.as_str());
    let page = Secret::concat(&[
        "profile:            ",
        &title,
        "\r\naccess key ID:      ",
        &key.access_key_id,
        "\r\nsecret access key:  ",
        key.secret_access_key.expose(),
        "\r\n\r\n",
    ]);
    let draw = |_: u16, _: u16| Sheet { page: page.clone(), prompt: "Press Enter to wipe this page: ".to_owned() };
    match terminal.ask_below(&draw, PATIENCE) {
        // However it ends, the page is gone.
        Ok(_) | Err(TerminalError::Canceled | TerminalError::Closed | TerminalError::TimedOut(_)) => Ok(()),
        Err(reason) => Err(KeysError::Terminal(reason)),
    }
}
