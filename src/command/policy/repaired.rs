//! `policy check --fix`: the repaired documents, on stdout or in their files.

use crate::command::context::Context;
use std::path::PathBuf;

use super::super::{Done, write_stdout};
use super::{Case, json, text};
use crate::cli::{CheckArgs, CheckFormat};
use crate::code::PATIENCE;
use crate::disk::replace::replace;
use crate::error::Error;
use crate::host::Host;
use crate::iam::DeviceError;
use crate::policy::evaluate::Policies;
use crate::policy::repair::diff;
use crate::policy::{Document, Report};
use crate::secret::Secret;
use crate::settings::Settings;

/// The repaired documents, and the remaining findings.
pub(super) struct Repaired {
    pub(super) documents: Vec<Document>,
    pub(super) report: Report,
}

/// Prints the documents on stdout, each after a line with its name if there are several, and the changes and remaining
/// findings on stderr.
pub(super) fn print(args: &CheckArgs, case: &Case, after: &Repaired, settings: &Settings) -> Result<Done, Error> {
    let diffs = diffs(&case.identity, &after.documents);
    if args.format() == CheckFormat::Json {
        let policies = Policies { identity: &after.documents, boundary: &case.boundary };
        return write_stdout(&(json::repaired(policies, &after.report, &diffs).to_string() + "\n"));
    }
    for line in diffs.iter().flat_map(|diff| diff.lines()) {
        settings.messages.note(line);
    }
    settings.messages.note(&text::verdict(&after.report));
    for finding in &after.report.findings {
        settings.messages.note(&text::line(finding));
    }
    let are_many = after.documents.len() > 1;
    let shown = |document: &Document| {
        let head = if are_many { format!("==> {} <==\n", document.name) } else { String::new() };
        let end = if document.text().ends_with('\n') { "" } else { "\n" };
        format!("{head}{}{end}", document.text())
    };
    write_stdout(&after.documents.iter().map(shown).collect::<String>())
}

/// Writes each changed document to its file, after showing the changes and asking; then prints the remaining findings.
pub(super) fn write(args: &CheckArgs, case: &Case, after: &Repaired, context: &Context<'_>) -> Result<Done, Error> {
    let (settings, host) = (context.settings, &context.host);
    let all = args.files.iter().zip(case.identity.iter().zip(&after.documents));
    let changed: Vec<(&PathBuf, &Document, &Document)> =
        all.filter(|(_, (old, new))| old.text() != new.text()).map(|(path, (old, new))| (path, old, new)).collect();
    if !changed.is_empty() {
        let diff: String = changed.iter().map(|(_, old, new)| diff(&old.name, old.text(), new.text())).collect();
        // The person who confirms must see the changes, wherever stderr goes.
        if !args.yes && host.terminal.is_there() {
            host.terminal.show(&diff);
        } else {
            diff.lines().for_each(|line| settings.messages.note(line));
        }
        let files = if changed.len() == 1 { "this file".to_owned() } else { format!("these {} files", changed.len()) };
        if !args.yes && !is_wanted(&format!("Write {files}?"), host)? {
            return Err(DeviceError::Declined.into());
        }
    }
    for (path, old, new) in changed {
        let bytes = |document: &Document| Secret::new(document.text().as_bytes().to_vec());
        replace(path, Some(&bytes(old)), &bytes(new))?;
        settings.messages.note(&format!("wrote `{}`", path.display()));
    }
    let policies = Policies { identity: &after.documents, boundary: &case.boundary };
    if args.format() == CheckFormat::Json {
        let diffs = diffs(&case.identity, &after.documents);
        return write_stdout(&(json::repaired(policies, &after.report, &diffs).to_string() + "\n"));
    }
    write_stdout(&text::report(policies, &after.report, &text::Style::of(settings)))
}

fn is_wanted(question: &str, host: &Host<'_>) -> Result<bool, Error> {
    if !host.terminal.is_there() {
        return Err(DeviceError::NobodyThere("the policy change must be confirmed").into());
    }
    let answer = host.terminal.ask(&format!("{question} [y/N] "), PATIENCE);
    let answer = answer.map_err(|error| DeviceError::Code(error.into()))?;
    Ok(matches!(answer.expose().trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn diffs(before: &[Document], after: &[Document]) -> Vec<String> {
    before.iter().zip(after).map(|(old, new)| diff(&old.name, old.text(), new.text())).collect()
}
