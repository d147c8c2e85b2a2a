//! `mfa-cred unset`: statements that clear what `env` set.

use super::{Done, env, write_stdout};
use crate::error::Error;
use crate::host::Host;
use crate::output::{Export, Format};

pub(super) fn run(format: Option<Format>, host: &Host<'_>) -> Result<Done, Error> {
    write_stdout(env::format(format, host).render(&Export::clearing())?.expose())
}
