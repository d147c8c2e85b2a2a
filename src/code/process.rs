//! A code from a command: the `mfa_process` of a profile or of the settings.
//!
//! In goes the command line, as the user wrote it; out comes a [`Code`]. The command runs in a shell with this
//! process's environment, in this process's group: in a group of its own it would be in the background, and programs
//! that ask on the terminal (`ykman`, `pinentry-tty`, password managers) would be stopped. Its stdin is empty, because
//! ours may be the input of the command that `exec` is about to start; its stderr is ours, so that it can say
//! `touch your key`.
//!
//! What it prints is a secret until proven otherwise: it is bounded, zeroed, and in no error.

use std::io;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::secret::Code;

/// A code has six digits; what prints more than this is not printing one.
const OUTPUT_LIMIT: usize = 4096;

/// The longest pause between two looks at whether the command has ended.
const LONGEST_STEP: Duration = Duration::from_millis(20);

/// Why `mfa_process` gave no code. Never holds what it printed.
#[derive(Debug, thiserror::Error)]
pub enum ProcessCodeError {
    /// There is no shell, or no process could be made.
    #[error("the command of `mfa_process` could not be started")]
    Spawn(#[source] io::Error),
    /// Its output or its end could not be read.
    #[error("the command of `mfa_process` got out of sight")]
    Lost(#[source] io::Error),
    /// It ended otherwise than with 0.
    #[error("the command of `mfa_process` failed ({status})")]
    Failed {
        /// How it ended.
        status: ExitStatus,
    },
    /// It ended well and printed nothing.
    #[error("the command of `mfa_process` printed nothing")]
    Empty,
    /// It printed something else than six digits.
    #[error("the command of `mfa_process` printed something that is not a code of six digits")]
    NotACode,
    /// It was still running, and was killed.
    #[error("the command of `mfa_process` did not end within {} s", .0.as_secs())]
    TimedOut(Duration),
}

/// Runs `command` in a shell for at most `limit` and reads the code that it prints.
///
/// The command has to end with 0 and print one line. Processes that it leaves behind are not waited for, even if they
/// hold its output open. When the limit is over, the shell is killed; what the shell started is not, as only a group
/// of its own could tell.
pub fn run_mfa_process(command: &str, limit: Duration) -> Result<Code, ProcessCodeError> {
    let deadline = Instant::now().checked_add(limit);
    let mut child = shell(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map(Running)
        .map_err(ProcessCodeError::Spawn)?;
    let stdout = child.0.stdout.take();
    let mut output = Output::new(stdout);
    let mut step = Duration::from_millis(1);
    let status = loop {
        output.read_for(step).map_err(ProcessCodeError::Lost)?;
        if output.is_too_long() {
            return Err(ProcessCodeError::NotACode);
        }
        if let Some(status) = child.0.try_wait().map_err(ProcessCodeError::Lost)? {
            break status;
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(ProcessCodeError::TimedOut(limit));
        }
        step = (step * 2).min(LONGEST_STEP);
    };
    if !status.success() {
        return Err(ProcessCodeError::Failed { status });
    }
    output.read_rest().map_err(ProcessCodeError::Lost)?;
    output.code()
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    use std::os::windows::process::CommandExt;
    let mut shell = Command::new("cmd");
    // As it stands: `cmd` does not read the quotes that an argument would be put into.
    shell.arg("/C").raw_arg(command);
    shell
}

/// The command, ended and collected on every way out.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both do nothing when it was collected already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the command printed so far.
struct Output {
    source: Option<Source>,
    bytes: Zeroizing<Vec<u8>>,
}

impl Output {
    fn new(stdout: Option<ChildStdout>) -> Self {
        // At its full size from the start, as growing would leave copies behind.
        Self { source: stdout.map(Source::new), bytes: Zeroizing::new(Vec::with_capacity(2 * OUTPUT_LIMIT)) }
    }

    /// Reads what comes within `time`. Returns sooner at the end of the output and when there is too much of it.
    fn read_for(&mut self, time: Duration) -> io::Result<()> {
        let Some(source) = &mut self.source else {
            std::thread::sleep(time);
            return Ok(());
        };
        let deadline = Instant::now() + time;
        while self.bytes.len() <= OUTPUT_LIMIT {
            let mut chunk = Zeroizing::new([0; OUTPUT_LIMIT]);
            match source.read_within(deadline.saturating_duration_since(Instant::now()), &mut chunk[..])? {
                Some(0) => {
                    self.source = None;
                    break;
                }
                Some(length) => self.bytes.extend_from_slice(&chunk[..length]),
                None => break,
            }
        }
        Ok(())
    }

    /// Reads what a command that has ended left behind.
    fn read_rest(&mut self) -> io::Result<()> {
        match self.source {
            Some(_) => self.read_for(Source::REST),
            None => Ok(()),
        }
    }

    fn is_too_long(&self) -> bool {
        self.bytes.len() > OUTPUT_LIMIT
    }

    fn code(&self) -> Result<Code, ProcessCodeError> {
        let text = std::str::from_utf8(&self.bytes).map_err(|_| ProcessCodeError::NotACode)?.trim();
        if text.is_empty() {
            return Err(ProcessCodeError::Empty);
        }
        // Two lines of three digits are not a code, though blanks within one are forgiven.
        let line = Some(text).filter(|text| !self.is_too_long() && !text.contains(['\n', '\r']));
        line.and_then(Code::parse).ok_or(ProcessCodeError::NotACode)
    }
}

/// The command's end of the pipe.
#[cfg(unix)]
struct Source(ChildStdout);

#[cfg(unix)]
impl Source {
    /// What a process wrote before it ended is in the pipe already.
    const REST: Duration = Duration::ZERO;

    fn new(stdout: ChildStdout) -> Self {
        Self(stdout)
    }

    /// `None` when nothing came in time, zero at the end.
    fn read_within(&mut self, time: Duration, chunk: &mut [u8]) -> io::Result<Option<usize>> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        use std::io::Read;
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        match poll(&mut fds, Timespec::try_from(time).ok().as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(None),
            Ok(_) => self.0.read(chunk).map(Some),
            Err(error) => Err(error.into()),
        }
    }
}

/// The command's end of the pipe. Windows cannot wait for a pipe with a limit; a thread can.
#[cfg(windows)]
struct Source(std::sync::mpsc::Receiver<io::Result<Zeroizing<Vec<u8>>>>);

#[cfg(windows)]
impl Source {
    /// For the thread to hand over what is in the pipe, where a process left behind keeps it open.
    const REST: Duration = Duration::from_secs(1);

    fn new(mut stdout: ChildStdout) -> Self {
        use std::io::Read;
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        std::thread::spawn(move || {
            loop {
                let mut chunk = Zeroizing::new(vec![0; OUTPUT_LIMIT]);
                let read = stdout.read(&mut chunk).map(|length| {
                    chunk.truncate(length);
                    chunk
                });
                let is_last = !matches!(&read, Ok(chunk) if !chunk.is_empty());
                if sender.send(read).is_err() || is_last {
                    break;
                }
            }
        });
        Self(receiver)
    }

    /// `None` when nothing came in time, zero at the end.
    fn read_within(&mut self, time: Duration, chunk: &mut [u8]) -> io::Result<Option<usize>> {
        match self.0.recv_timeout(time) {
            Ok(read) => {
                let read = read?;
                chunk[..read.len()].copy_from_slice(&read);
                Ok(Some(read.len()))
            }
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => Ok(None),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => Ok(Some(0)),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::{Duration, Instant};

    use std::process::Stdio;

    use super::{OUTPUT_LIMIT, Output, ProcessCodeError, run_mfa_process, shell};

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn a_command_that_prints_a_code() {
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
    fn a_command_that_does_not() {
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
    fn a_command_that_never_ends_is_killed_and_collected() {
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
    fn a_process_left_behind_is_not_waited_for() {
        let start = Instant::now();
        // It ends with this test's patience at the latest; its pipe is the one that we read.
        let code = run_mfa_process("sleep 30 & echo 123456", LONG).expect("a code");
        assert_eq!(code.expose(), "123456");
        assert!(start.elapsed() < Duration::from_secs(25));
    }

    #[test]
    fn endless_output_is_cut_short() {
        let start = Instant::now();
        let error = run_mfa_process("exec yes 123456", LONG).expect_err("too much");
        assert!(matches!(error, ProcessCodeError::NotACode), "{error:?}");
        assert!(start.elapsed() < LONG);
    }

    #[test]
    fn what_a_command_wrote_before_it_ended_is_read() {
        let mut child = shell("echo 123456").stdout(Stdio::piped()).spawn().expect("it starts");
        let mut output = Output::new(child.stdout.take());
        child.wait().expect("it ends");
        output.read_rest().expect("it is in the pipe");
        assert_eq!(output.code().expect("a code").expose(), "123456");
        output.read_rest().expect("at the end there is nothing more to read");
    }

    #[test]
    fn a_quiet_command_is_waited_for_and_not_polled_without_a_pause() {
        let mut child = shell("exec sleep 30").stdout(Stdio::piped()).spawn().expect("it starts");
        let mut output = Output::new(child.stdout.take());
        let (start, time) = (Instant::now(), Duration::from_millis(50));
        output.read_for(time).expect("nothing comes");
        assert!(start.elapsed() >= time);
        child.kill().and_then(|()| child.wait()).expect("it ends");
    }

    #[test]
    fn blanks_up_to_the_limit_are_forgiven() {
        let blanks = OUTPUT_LIMIT - "123456".len();
        let code = run_mfa_process(&format!("printf '123456%{blanks}s' ' '"), LONG).expect("a code");
        assert_eq!(code.expose(), "123456");
        let error = run_mfa_process(&format!("printf '123456%{}s' ' '", blanks + 1), LONG).expect_err("too much");
        assert!(matches!(error, ProcessCodeError::NotACode), "{error:?}");
    }

    #[test]
    fn blanks_beyond_the_limit_are_no_code() {
        let error = run_mfa_process("printf '123456%9000s' ' '", LONG).expect_err("too much");
        assert!(matches!(error, ProcessCodeError::NotACode), "{error:?}");
    }
}
