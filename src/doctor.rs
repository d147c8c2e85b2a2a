//! Finds problems with the setup of this machine, and tells how to repair them.
//!
//! In: [`Facts`], gathered by the command. Out: a [`Report`] for each [`Check`]. Checks run in parallel, each on its
//! own thread, which is abandoned when its time is up: a dead file server or a hanging keyring costs one line of the
//! report. Checks only read and call: they create or repair no folder, take no lock, copy no key, remember no clock,
//! and never prompt. No finding contains a secret.
//!
//! A problem is reported once. A check whose subject another check has already reported is skipped, with the reason.

mod check;
mod device;
mod environment;
mod facts;
mod files;
mod keys;
mod finding;
mod network;
mod profile;
mod reading;
mod redact;
mod shell;
mod source;
mod stores;

use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

pub use check::{Check, Group};
pub use facts::{Facts, Fault, Found, Variables};
pub use finding::{Finding, Report, Verdict};
pub use redact::Redaction;

/// The time limit of a check. Checks start together, so it is also the limit for all of them.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Runs all checks, and returns when the last one has ended or its time is up. In the order of [`Check::ALL`].
pub fn examine(facts: &Arc<Facts>) -> Vec<Report> {
    examine_by(find, facts)
}

fn examine_by(find: fn(Check, &Facts) -> Finding, facts: &Arc<Facts>) -> Vec<Report> {
    let start = Instant::now();
    let (sender, receiver) = mpsc::channel();
    let (offline, online): (Vec<Check>, Vec<Check>) = Check::ALL.into_iter().partition(|check| !check.needs_network());
    for check in offline.into_iter().chain(online) {
        let (facts, sender) = (Arc::clone(facts), sender.clone());
        let run = move || {
            let started = Instant::now();
            let finding = find(check, &facts);
            // The receiver may be gone.
            let _ = sender.send(Report { check, finding, took: started.elapsed() });
        };
        // A system that cannot start a thread has a problem, which the missing answer shows.
        let _ = thread::Builder::new().name(check.id().to_owned()).spawn(run);
    }
    drop(sender);
    let mut reports = HashMap::new();
    while let Ok(report) = receiver.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
        reports.insert(report.check, report);
    }
    let silent = |check: Check| Report { check, finding: unanswered(check), took: start.elapsed() };
    Check::ALL.into_iter().map(|check| reports.remove(&check).unwrap_or_else(|| silent(check))).collect()
}

fn unanswered(check: Check) -> Finding {
    let what = format!("no answer within {} s", PATIENCE.as_secs());
    let repair = match check.group() {
        Group::Files | Group::Profile | Group::Environment | Group::Shell => {
            "check whether the file system of your home folder still responds"
        }
        Group::Stores => "check whether the system's keyring still responds: restart or unlock it",
        Group::Network | Group::Device => "check whether the network is slow, or try again",
    };
    Finding::fail(what, repair)
}

fn find(check: Check, facts: &Facts) -> Finding {
    match check {
        Check::Settings => files::settings(facts),
        Check::ConfigFile => files::config(facts),
        Check::CredentialsFile => files::credentials(facts),
        Check::FileModes => files::modes(facts),
        Check::Differences => files::differences(facts),
        Check::IgnoredSections => files::ignored(facts),
        Check::PlainTextCaches => files::caches(facts),
        Check::SsoTokens => files::sso_tokens(facts),
        Check::StateFolder => files::state(facts),
        Check::StateFormat => files::format(facts),
        Check::Profile => profile::resolves(facts),
        Check::Region => profile::region(facts),
        Check::MfaSerial => profile::serial(facts),
        Check::LeftoverKey => profile::leftover_key(facts),
        Check::CredentialStyles => profile::styles(facts),
        Check::SourceFile => source::file(facts),
        Check::SealingKey => stores::sealing_key(facts),
        Check::SealedKeys => keys::sealed(facts),
        Check::Locks => stores::locks(facts),
        Check::EnvKeys => environment::keys(facts),
        Check::EnvProfile => environment::profile(facts),
        Check::EnvFiles => environment::files(facts),
        Check::EnvOverrides => environment::overrides(facts),
        Check::ContainerKeys => environment::container(facts),
        Check::Path => shell::path(facts),
        Check::ShellFunction => shell::function(facts),
        Check::Prompt => shell::prompt(facts),
        Check::Route => network::route(facts),
        Check::Sts => network::sts(facts),
        Check::Clock => network::clock(facts),
        Check::AccessKey => device::access_key(facts),
        Check::DeviceKind => device::kind(facts),
        Check::Device => device::known(facts),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::{Check, Facts, Finding, PATIENCE, Verdict, examine_by};

    #[test]
    fn a_check_that_hangs_or_panics_costs_a_line_and_the_others_are_reported() {
        let find = |check, _: &Facts| match check {
            Check::ConfigFile => loop {
                thread::park();
            },
            Check::Locks => panic!("a fault of ours"),
            _ => Finding::pass("fine"),
        };
        let start = Instant::now();
        let reports = examine_by(find, &Arc::new(Facts::for_tests()));
        assert!(start.elapsed() < PATIENCE + Duration::from_millis(500), "{:?}", start.elapsed());
        assert_eq!(reports.iter().map(|report| report.check).collect::<Vec<_>>(), Check::ALL);
        let failed: Vec<Check> =
            reports.iter().filter(|it| it.finding.verdict == Verdict::Fail).map(|it| it.check).collect();
        assert_eq!(failed, [Check::ConfigFile, Check::Locks]);
        assert!(reports.iter().all(|it| it.finding.what == "fine" || it.finding.repair.is_some()), "{reports:?}");
    }
}
