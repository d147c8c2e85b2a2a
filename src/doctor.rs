//! What is wrong on this machine, and how to repair it.
//!
//! In: [`Facts`], gathered by the command. Out: a [`Report`] for each [`Check`]. Checks run side by side, each on a
//! thread of its own that is left behind when its time is up: a dead file server or a keyring that hangs costs one line
//! of the report. They read and call, and change nothing: no folder is made or mended, no lock is taken, no key is
//! copied, no clock is remembered, nobody is asked. No finding holds a secret.
//!
//! One fault is reported once. A check whose subject another check already reported skips itself and says why.

mod check;
mod device;
mod environment;
mod facts;
mod files;
mod keys;
mod finding;
mod network;
mod profile;
mod redact;
mod shell;
mod stores;

use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

pub use check::{Check, Group};
pub use facts::{Facts, Fault, Found, Variables};
pub use finding::{Finding, Report, Verdict};
pub use redact::Redaction;

/// How long a check may take. They start together, so this is how long all of them take at most.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Runs all checks, and returns when the last has ended or its time is up. In the order of [`Check::ALL`].
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
            // Nobody may be waiting any more.
            let _ = sender.send(Report { check, finding, took: started.elapsed() });
        };
        // A system without threads to spare is itself a fault, which the missing answer shows.
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
            "see whether the file system that your home is on still answers"
        }
        Group::Stores => "see whether the system's keyring still answers: restart or unlock it",
        Group::Network | Group::Device => "see whether the network is slow, or try again",
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
