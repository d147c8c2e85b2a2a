//! `mfa-cred doctor [PROFILE]`: one line per check, and the repair below each problem.
//!
//! It works even if our settings are invalid, which is one of its findings.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::{Done, write_stdout};
use crate::cli::{DoctorArgs, Global};
use crate::doctor::{Check, Facts, Fault, Found, Redaction, Report, Variables, Verdict, examine};
use crate::error::Error;
use crate::exit::ExitCode;
use crate::host::{Env, Files, Folders, Host};
use crate::messages::printable;
use crate::names::variables;
use crate::plan::PlanRequest;
use crate::screen::table;
use crate::secret::Secret;
use crate::settings::{Settings, SettingsError};

pub(super) fn run(args: &DoctorArgs, global: &Global, host: &Host<'_>) -> Result<Done, Error> {
    let (settings, fault) = match Settings::resolve(global, host.env, host.files, &host.folders) {
        Ok(settings) => (settings, None),
        Err(error) => (by_default(global, host)?, Some(fault(error))),
    };
    let facts = Arc::new(facts(args, &settings, fault, host));
    let mut reports = examine(&facts);
    let redaction = args.redact.then(|| Redaction::of(&facts, &(host.user)(), &(host.machine)()));
    if let Some(redaction) = &redaction {
        reports = redaction.apply(reports);
    }
    let shown = |place: &str| redaction.as_ref().map_or_else(|| place.to_owned(), |it| it.text(place));
    let payload = if args.json {
        Value::Array(reports.iter().map(|report| to_json(report, &shown)).collect()).to_string() + "\n"
    } else {
        painted(&table::folded(&printable(&to_text(&reports, &shown)), settings.messages), &settings)
    };
    write_stdout(&payload)?;
    let has_failed = reports.iter().any(|report| report.finding.verdict == Verdict::Fail);
    Ok(if has_failed { Done::Verdict(ExitCode::Failed) } else { Done::Well })
}

fn fault(error: SettingsError) -> Fault {
    let error = Error::from(error);
    Fault { what: crate::messages::with_causes(&error), place: None, repair: error.hint() }
}

/// The settings to use if ours cannot be read: as if there were neither a `config.ini` nor `MFA_CRED_…` variables.
fn by_default(global: &Global, host: &Host<'_>) -> Result<Settings, SettingsError> {
    struct Nothing;
    impl Files for Nothing {
        fn read(&self, _: &Path) -> io::Result<Secret<Vec<u8>>> {
            Err(io::ErrorKind::NotFound.into())
        }
    }
    struct Others<'a>(&'a dyn Env);
    impl Env for Others<'_> {
        fn os(&self, name: &str) -> Option<OsString> {
            self.0.os(name).filter(|_| !name.starts_with(variables::PREFIX))
        }
    }
    let homeless = || Folders { home: Some("~".into()), ..host.folders.clone() };
    match Settings::resolve(global, &Others(host.env), &Nothing, &host.folders) {
        // As it would be named if it were known.
        Err(SettingsError::NoHome) => Settings::resolve(global, &Others(host.env), &Nothing, &homeless()),
        settings => settings,
    }
}

fn facts(args: &DoctorArgs, settings: &Settings, fault: Option<Fault>, host: &Host<'_>) -> Facts {
    Facts {
        named: args.profile.clone(),
        is_offline: args.offline,
        variables: Variables::of(host.env),
        home: host.folders.home.clone(),
        config: host.folders.config.clone(),
        settings: fault,
        config_file: settings.config_file.clone(),
        credentials_file: settings.credentials_file.clone(),
        state: settings.state.clone(),
        safe: settings.safe.clone(),
        store: settings.store,
        request: PlanRequest { at_a_glance: false, ..settings.usual_request() },
        now: host.clock.now(),
        start: Instant::now(),
        program: (host.program)().ok(),
        parent: (host.parent)(),
        found: Found::default(),
    }
}

fn to_json(report: &Report, shown: &dyn Fn(&str) -> String) -> Value {
    let Report { check, finding, took } = report;
    json!({
        "id": check.id(),
        "group": check.group().id(),
        "status": finding.verdict.as_str(),
        "what": finding.what,
        "where": finding.place.as_ref().map(|place| {
            json!({"file": shown(&place.file.display().to_string()), "line": place.line})
        }),
        "repair": finding.repair,
        "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    })
}

/// One line per check, under the heading of its group, and a summary.
fn to_text(reports: &[Report], shown: &dyn Fn(&str) -> String) -> String {
    let mut text = String::new();
    let mut group = None;
    for Report { check, finding, .. } in reports {
        if group.replace(check.group()) != Some(check.group()) {
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{}\n", check.group().title()));
        }
        let place = finding.place.as_ref().map(|place| format!("{}: ", shown(&place.to_string())));
        // Text from files may contain line feeds.
        let subject = (finding.verdict == Verdict::Skipped).then(|| format!("{}: ", check.subject()));
        let before = place.or(subject).unwrap_or_default();
        let what = crate::messages::one_line(&format!("{before}{}", finding.what));
        text.push_str(&format!("  {} {what}\n", finding.verdict.mark()));
        if let Some(repair) = &finding.repair {
            text.push_str(&format!("    → {}\n", crate::messages::one_line(repair)));
        }
    }
    let count = |verdict| reports.iter().filter(|report| report.finding.verdict == verdict).count();
    text + &summary(count(Verdict::Fail), count(Verdict::Warn))
}

fn summary(failed: usize, warned: usize) -> String {
    let several = |count: usize, one: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    };
    match (failed, warned) {
        (0, 0) => "\nno problems found\n".to_owned(),
        (0, warned) => format!("\n{}\n", several(warned, "warning")),
        (failed, 0) => format!("\n{}\n", several(failed, "problem")),
        (failed, warned) => format!("\n{}, {}\n", several(failed, "problem"), several(warned, "warning")),
    }
}

/// Colors the marks and makes headings bold, if colors are enabled.
fn painted(text: &str, settings: &Settings) -> String {
    if !settings.paints(io::stdout().is_terminal()) {
        return text.to_owned();
    }
    let paint = |line: &str| {
        let color = |mark: char| match mark {
            '✓' => Some("32"),
            '!' => Some("33"),
            '✗' => Some("31"),
            '–' => Some("2"),
            _ => None,
        };
        match line.strip_prefix("  ").and_then(|rest| Some((rest.chars().next()?, rest))) {
            Some((mark, rest)) if color(mark).is_some() => {
                let color = color(mark).unwrap_or_default();
                format!("  \x1b[{color}m{mark}\x1b[0m{}\n", &rest[mark.len_utf8()..])
            }
            _ if is_heading(line) => format!("\x1b[1m{line}\x1b[0m\n"),
            _ => format!("{line}\n"),
        }
    };
    text.lines().map(paint).collect()
}

fn is_heading(line: &str) -> bool {
    Check::ALL.iter().any(|check| check.group().title() == line)
}
