//! `mfa-cred audit`: finds users without MFA and other risks in an account.

mod live;
mod quarantine;
mod text;

use std::io::Read;
use std::path::Path;

use jiff::SignedDuration;

use super::context::Context;
use super::{Done, stream_stdout, write_stdout};
use crate::audit::judge::Limits;
use crate::audit::outcome::{Outcome, Wish};
use crate::audit::{AuditError, accepted, html, json, report, rows};
use crate::cli::AuditArgs;
use crate::error::Error;
use crate::exit::ExitCode;
use crate::host::Host;
use crate::messages::one_line;

/// The size of a report of about 40,000 users; anything larger is some other file.
const LONGEST: u64 = 16 << 20;

pub(super) fn run(args: &AuditArgs, context: &Context<'_>) -> Result<Done, Error> {
    if let Some(group) = &args.quarantine {
        return quarantine::run(group, args, context);
    }
    let wish = wish(args, context)?;
    let outcomes = match &args.report {
        Some(Some(file)) => vec![of_file(file, &wish, context)?],
        _ => live::outcomes(args, &wish, context)?,
    };
    if let Some(file) = &args.html {
        let name = file.display().to_string();
        std::fs::write(file, html::page(&outcomes))
            .map_err(|source| AuditError::Write { name: one_line(&name), source })?;
        context.settings.messages.note(&format!("wrote {name}"));
    }
    match () {
        () if args.json => stream_stdout(&|stdout| json::report(&outcomes, stdout))?,
        () if args.csv => stream_stdout(&|stdout| rows::report(&outcomes, stdout))?,
        () => write_stdout(&text::report(&outcomes, &text::Style::of(context.settings)))?,
    };
    Ok(if outcomes.iter().all(Outcome::is_well) { Done::Well } else { Done::Verdict(ExitCode::Failed) })
}

fn wish(args: &AuditArgs, context: &Context<'_>) -> Result<Wish, Error> {
    let days = |days: u32| SignedDuration::from_hours(i64::from(days) * 24);
    let limits = Limits { key_age: days(args.key_age), unused: days(args.unused) };
    let accepted = match &args.accept {
        None => Vec::new(),
        Some(file) => {
            let (name, bytes) = bytes(file, &context.host)?;
            let text = String::from_utf8(bytes)
                .map_err(|_| AuditError::File { name: name.clone(), source: std::io::ErrorKind::InvalidData.into() })?;
            let all = accepted::read(&text).map_err(|source| AuditError::Accept { name: one_line(&name), source })?;
            for one in all.iter().filter(|one| one.is_over(context.clock().now())) {
                let (line, until) = (one.line, one.until);
                context.settings.messages.warn(&format!("{name}:{line} was accepted until {until} and counts again"));
            }
            all
        }
    };
    Ok(Wish { limits, only: args.only.clone(), ignored: args.ignore.clone(), accepted })
}

/// Audits a saved credential report. No call to AWS.
fn of_file(file: &Path, wish: &Wish, context: &Context<'_>) -> Result<Outcome, Error> {
    let (name, bytes) = bytes(file, &context.host)?;
    let account = report::read(&bytes).map_err(|source| AuditError::Report { name: one_line(&name), source })?;
    Ok(Outcome { name, ..Outcome::of(account, wish, context.clock().now()) })
}

/// The name and the contents of a file.
fn bytes(file: &Path, host: &Host<'_>) -> Result<(String, Vec<u8>), Error> {
    let is_stdin = file == Path::new("-");
    let name = if is_stdin { "stdin".to_owned() } else { file.display().to_string() };
    let bytes = if is_stdin {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(LONGEST).read_to_end(&mut bytes).map(|_| bytes)
    } else {
        host.files.read(file).map(|bytes| bytes.expose().clone())
    };
    let bytes = bytes.map_err(|source| AuditError::File { name: one_line(&name), source })?;
    Ok((name, bytes))
}
