//! A code from a command: the `mfa_process` of a profile or of the settings.
//!
//! In: the command line, as the user wrote it. Out: a [`Code`]. `command.rs` runs it. What it prints is treated as a
//! secret and never part of an error; its stderr is passed on.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use super::CodeError;
use super::command::{self, CommandError};
use crate::host::TerminalError;
use crate::messages::relay;
use crate::plan::Origin;
use crate::secret::Code;

/// A code has six digits; longer output is not a code.
const OUTPUT_LIMIT: usize = 4096;

/// Why `mfa_process` gave no code. Never contains its output.
#[derive(Debug, thiserror::Error)]
pub enum ProcessCodeError {
    /// There is no shell, or no process could be created.
    #[error("the command of `mfa_process` could not be started")]
    Spawn(#[source] io::Error),
    /// Its output or its exit status could not be read.
    #[error("the command of `mfa_process` could not be monitored")]
    Lost(#[source] io::Error),
    /// It exited with a status other than 0.
    #[error("the command of `mfa_process` failed ({status})")]
    Failed {
        /// How it ended.
        status: ExitStatus,
    },
    /// It succeeded but printed nothing.
    #[error("the command of `mfa_process` printed nothing")]
    Empty,
    /// It printed something other than six digits.
    #[error("the command of `mfa_process` printed something that is not a code of six digits")]
    NotACode,
    /// It was still running, and was killed.
    #[error("the command of `mfa_process` did not end within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// It was not run, or not to its end, for another reason.
    #[error("the command of `mfa_process` was stopped: {0}")]
    Ended(CommandError),
}

impl ProcessCodeError {
    /// The error for the process that needed a code from this `mfa_process`. A signal came from the user or from
    /// another process.
    pub(super) fn of(self, origin: &Origin) -> CodeError {
        match self {
            Self::Ended(CommandError::Signal(signal)) => CodeError::Terminal(TerminalError::Signal(signal)),
            source => CodeError::Process { origin: origin.clone(), source },
        }
    }
}

impl From<CommandError> for ProcessCodeError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Spawn(source) => Self::Spawn(source),
            CommandError::Lost(source) => Self::Lost(source),
            CommandError::TimedOut(limit) => Self::TimedOut(limit),
            CommandError::TooMuch { stream: "stdout", .. } => Self::NotACode,
            other => Self::Ended(other),
        }
    }
}

/// Runs `command` in a shell for at most `limit` and reads the code that it prints.
///
/// The command must exit with 0 and print one line. Processes that it leaves running are not waited for, even if they
/// hold its output open. At the limit it is killed together with all that it started.
pub fn run_mfa_process(command: &str, limit: Duration) -> Result<Code, ProcessCodeError> {
    let ran = command::run(command, limit, OUTPUT_LIMIT, &relay)?;
    if !ran.status.success() {
        return Err(ProcessCodeError::Failed { status: ran.status });
    }
    let text = std::str::from_utf8(&ran.stdout).map_err(|_| ProcessCodeError::NotACode)?.trim();
    if text.is_empty() {
        return Err(ProcessCodeError::Empty);
    }
    // Two lines of three digits are not a code, but spaces within one line are accepted.
    let line = Some(text).filter(|text| !text.contains(['\n', '\r']));
    line.and_then(Code::parse).ok_or(ProcessCodeError::NotACode)
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::{Duration, Instant};

    use super::{OUTPUT_LIMIT, ProcessCodeError, run_mfa_process};

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn a_code_is_read_from_the_output_of_a_command() {
        for command in [
            "echo 123456",
            "printf 123456",
            "printf ' 123 456 \\r\\n\\n'",
            "printf 123; sleep 0.1; printf 456",
            // Its stdin is empty, not ours.
            "cat; echo 123456",
            "echo talk >&2; echo 123456",
        ] {
            assert_eq!(run_mfa_process(command, LONG).expect(command).expose(), "123456", "{command}");
        }
    }

    #[test]
    fn a_command_without_a_code_is_an_error_with_the_reason() {
        for (command, message) in [
            ("echo 123456; exit 3", "the command of `mfa_process` failed (exit status: 3)"),
            ("kill -9 $$", "the command of `mfa_process` failed (signal: 9 (SIGKILL))"),
            ("no-such-command-5ba9 2>/dev/null", "the command of `mfa_process` failed (exit status: 127)"),
            ("", "the command of `mfa_process` printed nothing"),
            ("printf ' \\n'", "the command of `mfa_process` printed nothing"),
            ("echo hunter2", "the command of `mfa_process` printed something that is not a code of six digits"),
            ("echo 12345", "the command of `mfa_process` printed something that is not a code of six digits"),
            (
                "printf '123\\n456\\n'",
                "the command of `mfa_process` printed something that is not a code of six digits",
            ),
            (
                "printf '123456\\n654321'",
                "the command of `mfa_process` printed something that is not a code of six digits",
            ),
            ("printf '\\377'", "the command of `mfa_process` printed something that is not a code of six digits"),
        ] {
            let error = run_mfa_process(command, LONG).expect_err(command);
            assert_eq!(error.to_string(), message, "{command}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_command_that_never_ends_is_killed_and_reaped() {
        let start = Instant::now();
        let limit = Duration::from_secs(1);
        let folder = tempfile::tempdir().expect("a folder");
        let pid_file = folder.path().join("pid");
        let command = format!("echo $$ > {}; exec sleep 100", pid_file.display());
        let error = run_mfa_process(&command, limit).expect_err("a limit");
        assert!(matches!(error, ProcessCodeError::TimedOut(given) if given == limit), "{error:?}");
        assert!(start.elapsed() >= limit && start.elapsed() < LONG);
        let pid = std::fs::read_to_string(pid_file).expect("it ran").trim().parse().expect("a number");
        let pid = rustix::process::Pid::from_raw(pid).expect("a process");
        // A zombie would still be there.
        assert_eq!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH));
    }

    #[test]
    fn a_background_process_of_a_command_is_not_waited_for() {
        let start = Instant::now();
        // The background process keeps the pipe that we read open.
        let code = run_mfa_process("sleep 30 & echo 123456", LONG).expect("a code");
        assert_eq!(code.expose(), "123456");
        assert!(start.elapsed() < Duration::from_secs(25));
    }

    #[test]
    fn endless_output_is_cut_off() {
        let start = Instant::now();
        let error = run_mfa_process("exec yes 123456", LONG).expect_err("too much");
        assert!(matches!(error, ProcessCodeError::NotACode), "{error:?}");
        assert!(start.elapsed() < LONG);
    }

    #[test]
    fn a_silent_command_is_waited_for() {
        let start = Instant::now();
        let ran = run_mfa_process("exec >&-; sleep 0.3; exit 1", LONG).expect_err("it fails");
        assert!(matches!(ran, ProcessCodeError::Failed { .. }) && start.elapsed() >= Duration::from_millis(300));
    }

    #[test]
    fn spaces_around_a_code_are_ignored_up_to_the_limit() {
        let blanks = OUTPUT_LIMIT - "123456".len();
        let code = run_mfa_process(&format!("printf '123456%{blanks}s' ' '"), LONG).expect("a code");
        assert_eq!(code.expose(), "123456");
        let error = run_mfa_process(&format!("printf '123456%{}s' ' '", blanks + 1), LONG).expect_err("too much");
        assert!(matches!(error, ProcessCodeError::NotACode), "{error:?}");
    }

    #[test]
    fn more_spaces_than_the_limit_are_not_a_code() {
        let error = run_mfa_process("printf '123456%9000s' ' '", LONG).expect_err("too much");
        assert!(matches!(error, ProcessCodeError::NotACode), "{error:?}");
    }
}
