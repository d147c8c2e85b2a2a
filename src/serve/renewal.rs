//! Runs `mfa-cred process` for a profile, as an SDK would, and reads what it prints.
//!
//! Each run has a thread, which ends with it. It is killed when it takes too long, or when this process is told to end.
//! It is in a process group of its own, so that Ctrl-C at the command of `exec --server` does not reach it, and so that
//! nothing it starts can take keys from the terminal.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::answer::Refusal;
use super::kept::{Failure, FailureKind};
use crate::code::command::{CommandError, MEGABYTE, Ran, run_without_shell};
use crate::execute::process::parsed;
use crate::exit::ExitCode;
use crate::messages::{one_line, ours};
use crate::names::ProfileName;
use crate::os::events::{Bell, Origin};
use crate::os::processes::set_apart;
use crate::secret::Credentials;

/// Longer than a call to AWS and a command for a code together.
const LIMIT: Duration = Duration::from_mins(4);
/// In characters.
const LONGEST_MESSAGE: usize = 1000;

/// How `mfa-cred process` is run, and what it gave.
pub struct Renewals {
    program: PathBuf,
    options: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    results: (Sender<Done>, Receiver<Done>),
    running: usize,
    bell: Bell,
}

/// The number of a profile, and what its run gave.
type Done = (usize, Outcome);

/// What a run gave.
#[derive(Debug)]
pub(super) enum Outcome {
    Credentials(Box<Credentials>),
    Failed(Failure),
    /// This process was told to end.
    Interrupted,
}

impl Renewals {
    /// `options` go before the profile, and `variables` into the environment.
    ///
    /// # Errors
    /// The system's.
    pub fn new(program: PathBuf, options: Vec<OsString>, variables: Vec<(&'static str, OsString)>) -> io::Result<Self> {
        Ok(Self { program, options, variables, results: channel(), running: 0, bell: Bell::new()? })
    }

    /// Readable when there may be a result.
    pub(super) fn woken(&self) -> Origin<'_> {
        self.bell.origin()
    }

    /// A result, if there is one.
    pub(super) fn take(&mut self) -> Option<(usize, Outcome)> {
        self.bell.hush();
        let result = self.results.1.try_recv().ok()?;
        self.running -= 1;
        Some(result)
    }

    /// Starts a run for the profile with that number.
    pub(super) fn start(&mut self, number: usize, profile: &ProfileName) {
        let mut command = Command::new(&self.program);
        command.arg("process").args(&self.options);
        if profile.as_str().starts_with('-') {
            command.arg("--");
        }
        command.arg(profile.as_str()).envs(self.variables.iter().cloned()).stdin(Stdio::null());
        set_apart(&mut command);
        let (profile, sender) = (profile.clone(), self.results.0.clone());
        let rope = self.bell.rope();
        self.running += 1;
        let run = move || {
            let ran = run_without_shell(&mut command, LIMIT, MEGABYTE, &|_| ());
            let _ = sender.send((number, outcome(ran, &profile)));
            rope.pull();
        };
        if let Err(error) = thread::Builder::new().spawn(run) {
            let failed = Outcome::Failed(broken(&error.to_string()));
            let _ = self.results.0.send((number, failed));
        }
    }

    /// Waits a moment for runs that are being ended because this process was told to end.
    pub(super) fn finish(&mut self) {
        while self.running > 0 && self.results.1.recv_timeout(Duration::from_millis(300)).is_ok() {
            self.running -= 1;
        }
    }
}

fn outcome(ran: Result<Ran, CommandError>, profile: &ProfileName) -> Outcome {
    let ran = match ran {
        Ok(ran) => ran,
        Err(CommandError::Signal(_) | CommandError::Unread) => return Outcome::Interrupted,
        Err(error) => return Outcome::Failed(broken(&crate::messages::with_causes(&error))),
    };
    if !ran.status.success() {
        return Outcome::Failed(failure(ran.status.code(), &String::from_utf8_lossy(&ran.stderr), profile));
    }
    match parsed(&ran.stdout) {
        Ok(found) if found.session_token.is_some() && found.expiration.is_some() => {
            Outcome::Credentials(Box::new(found))
        }
        Ok(_) => Outcome::Failed(Failure {
            refusal: Refusal::new(
                "403 Forbidden",
                "CredentialsDoNotExpire",
                &format!("the credentials of profile `{profile}` do not expire, and are not served"),
            ),
            kind: FailureKind::Other,
        }),
        Err(error) => Outcome::Failed(broken(&error.to_string())),
    }
}

/// `mfa-cred process` itself could not be run.
fn broken(why: &str) -> Failure {
    let message = format!("the credentials could not be renewed: {}", one_line(why));
    let refusal = Refusal::new("500 Internal Server Error", "ProcessFailed", &message);
    Failure { refusal, kind: FailureKind::Other }
}

/// What a failed run means for a client. SDKs repeat a 5xx, so only what may be over in a moment is one.
fn failure(code: Option<i32>, stderr: &str, profile: &ProfileName) -> Failure {
    let said = |label: &str| stderr.lines().find_map(|line| line.strip_prefix(label)).map(str::to_owned);
    let is = |exit: ExitCode| code == Some(exit.number().into());
    let (status, name, kind) = if is(ExitCode::NobodyToAsk) {
        ("403 Forbidden", "SignInRequired", FailureKind::SignIn)
    } else if is(ExitCode::MfaRefused) || is(ExitCode::Canceled) {
        ("403 Forbidden", "SignInRequired", FailureKind::Code)
    } else if is(ExitCode::AwsRefused) {
        ("403 Forbidden", "RefusedByAws", FailureKind::Other)
    } else if is(ExitCode::Network) {
        ("503 Service Unavailable", "AwsUnreachable", FailureKind::Other)
    } else {
        ("400 Bad Request", "NoCredentials", FailureKind::Other)
    };
    let error = said("error: ").unwrap_or_else(|| "there are no credentials".to_owned());
    let login = ours("login", Some(profile));
    let hint = match said("hint: ") {
        Some(hint) if kind == FailureKind::Other || hint.contains(&login) => Some(hint),
        _ if kind == FailureKind::Other => None,
        _ => Some(format!("run {login} in a terminal")),
    };
    let whole = hint.map_or(error.clone(), |hint| format!("{error}: {hint}"));
    let message: String = one_line(&whole).chars().take(LONGEST_MESSAGE).collect();
    Failure { refusal: Refusal { status, code: name, message }, kind }
}

#[cfg(test)]
mod tests {
    use super::{Failure, FailureKind, failure};
    use crate::names::ProfileName;

    #[test]
    fn an_exit_code_becomes_an_answer_that_says_what_to_do() {
        let profile = ProfileName::new("two words").expect("a name");
        let login = "run `mfa-cred login 'two words'` in a terminal";
        let nobody = format!("error: nobody\nhint: {login}\n");
        for (code, stderr, status, name, kind, message) in [
            (3, &*nobody, "403", "SignInRequired", FailureKind::SignIn, format!("nobody: {login}")),
            (4, "error: wrong\nhint: resync\n", "403", "SignInRequired", FailureKind::Code, format!("wrong: {login}")),
            (130, "error: canceled\n", "403", "SignInRequired", FailureKind::Code, format!("canceled: {login}")),
            (5, "warning: w\nerror: no\nhint: ask\n", "403", "RefusedByAws", FailureKind::Other, "no: ask".to_owned()),
            (6, "error: down\n", "503", "AwsUnreachable", FailureKind::Other, "down".to_owned()),
            (1, "", "400", "NoCredentials", FailureKind::Other, "there are no credentials".to_owned()),
        ] {
            let Failure { refusal, kind: found } = failure(Some(code), stderr, &profile);
            assert_eq!((&refusal.status[..3], refusal.code, found), (status, name, kind), "{code}");
            assert_eq!(refusal.message, message, "{code}");
        }
        let long = failure(Some(1), &format!("error: {}", "x\u{1b}".repeat(5000)), &profile);
        assert_eq!(long.refusal.message.chars().count(), 1000);
        assert!(!long.refusal.message.contains('\u{1b}'));
    }
}
