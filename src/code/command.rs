//! Runs a user's command (`mfa_process`, `credential_process`) or dialog program (`pinentry`, `askpass`) within limits.
//!
//! In: the command line, as the user wrote it, or a program. Out: what it printed. A command line runs in a shell. Both run
//! with this process's environment and in its process group: in its own group it would be in the background, and programs
//! that ask on the terminal (`ykman`, `pinentry-tty`, password managers) would be stopped. A command's stdin is empty,
//! because ours may be the input of the command that `exec` is about to start. Its stderr is passed on as it arrives, so
//! that it can say `touch your key`.
//!
//! A command that does not end in time, prints without end, or still runs when this process is told to end is killed
//! together with all processes that it started. Its output is treated as a secret: it is bounded, zeroed, and never
//! part of an error.

mod output;

use std::io::{self, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use self::output::Output;
use crate::names::variables;
use crate::os::events::Pipe;
use crate::os::events::Signals;
use crate::os::processes;

/// The variable that marks a command and everything it starts: how many of our processes are above it, and which one
/// started it. Only for this program: a wrapper script may hide that a configuration leads back here.
const DEPTH: &str = variables::DEPTH;
/// How deeply commands may be nested.
const DEEPEST: u32 = 3;
/// The maximum length of a command's answer, and of its stderr.
pub(crate) const MEGABYTE: usize = 1 << 20;
/// The number of bytes read at once.
const CHUNK: usize = 4096;
/// The longest pause between checks of whether the command has ended.
const LONGEST_STEP: Duration = Duration::from_millis(20);
/// How long a program may take to end after it has answered. The answer counts even if it takes longer.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no shell, or no process could be created.
    #[error("it could not be started")]
    Spawn(#[source] io::Error),
    /// Its output or its exit status could not be read.
    #[error("it could not be monitored")]
    Lost(#[source] io::Error),
    /// It was still running, and was killed.
    #[error("it did not end within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// It was still printing, and was killed.
    #[error("it printed more than {} on {}", size(*.limit), .stream)]
    TooMuch {
        /// The stream.
        stream: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// This process was told to end while the command ran.
    #[error("canceled")]
    Signal(i32),
    /// The program that reads this process's output has gone.
    #[error("nothing reads the output anymore")]
    Unread,
    /// Commands that start mfa-cred are nested too deeply.
    #[error("this would be the {}th mfa-cred that starts another one: the configuration forms a cycle", DEEPEST + 1)]
    TooDeep,
}

fn size(limit: usize) -> String {
    if limit >= MEGABYTE { format!("{} MB", limit / MEGABYTE) } else { format!("{limit} bytes") }
}

/// The result of a command.
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// Its stdout.
    pub stdout: Zeroizing<Vec<u8>>,
    /// Its stderr.
    pub stderr: Zeroizing<Vec<u8>>,
}

/// Who listens to a program while it runs, and talks to it.
pub(super) trait Listener {
    /// Receives its stderr as it arrives.
    fn heard(&mut self, text: &str);

    /// Receives everything that it has printed so far, and tells what it gets to read.
    fn reply(&mut self, _printed: &[u8]) -> Reply {
        Reply::Wait
    }

    /// Is its answer useless by now?
    fn is_unwanted(&self) -> bool {
        false
    }

    /// May what it has started stay, now that it has ended by itself? A window whose program gave no answer may not.
    fn lets_descendants_stay(&self, _status: ExitStatus) -> bool {
        true
    }
}

/// What a [`Listener`] does about what the program has printed.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Reply {
    /// It waits for more.
    Wait,
    /// It sends this to the program's stdin, and is then asked again.
    Say(String),
    /// It has what it needs: the program's stdin is closed, and the program may end.
    Over,
}

/// Passes a command's stderr on.
struct Relay<'a>(&'a dyn Fn(&str));

impl Listener for Relay<'_> {
    fn heard(&mut self, text: &str) {
        (self.0)(text);
    }
}

/// Runs `line` in a shell for at most `limit`; output of more than `longest` bytes is an error. `said` receives its
/// stderr as it arrives.
///
/// Processes that it leaves running when it ends are not waited for, even if they hold its output open.
///
/// [`CommandError`]; all processes that the command started have then ended.
pub fn run(line: &str, limit: Duration, longest: usize, said: &dyn Fn(&str)) -> Result<Ran, CommandError> {
    run_program(processes::shell(line).stdin(Stdio::null()), limit, longest, &mut Relay(said))
}

/// The same for a program that no shell starts, and whose stdin the caller has chosen.
pub fn run_without_shell(
    program: &mut Command,
    limit: Duration,
    longest: usize,
    said: &dyn Fn(&str),
) -> Result<Ran, CommandError> {
    run_program(program, limit, longest, &mut Relay(said))
}

/// The same for a program whose stdin the caller has chosen. With a pipe, `listener` can talk to it.
pub(super) fn run_program(
    program: &mut Command,
    limit: Duration,
    longest: usize,
    listener: &mut dyn Listener,
) -> Result<Ran, CommandError> {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let depth = depth(std::env::var(DEPTH).ok().as_deref());
    if depth >= DEEPEST {
        return Err(CommandError::TooDeep);
    }
    let mark = format!("{} {}.{}", depth + 1, std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
    let told = Signals::to_end();
    let start = Instant::now();
    let child = program.env(DEPTH, &mark).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut running = Running { child: child.map_err(CommandError::Spawn)?, mark, is_over: false };
    let mut stdout = Output::new("stdout", running.child.stdout.take().map(Pipe::new), longest);
    let mut stderr = Output::new("stderr", running.child.stderr.take().map(Pipe::new), MEGABYTE);
    let (mut step, mut answered) = (Duration::from_millis(1), None);
    let status = loop {
        stdout.read_for(step)?;
        listener.heard(&stderr.read_for(Duration::ZERO)?);
        if answered.is_none() && running.talk(stdout.bytes(), listener) {
            answered = Some(Instant::now());
        }
        if let Some(status) = running.child.try_wait().map_err(CommandError::Lost)? {
            running.is_over = true;
            break status;
        }
        if let Some(signal) = told.as_ref().and_then(Signals::take) {
            return Err(CommandError::Signal(signal));
        }
        match answered {
            Some(answered) if answered.elapsed() >= FAREWELL => break running.end().map_err(CommandError::Lost)?,
            None if listener.is_unwanted() => return Err(CommandError::Unread),
            None if start.elapsed() >= limit => return Err(CommandError::TimedOut(limit)),
            Some(_) | None => {}
        }
        step = (step * 2).min(LONGEST_STEP);
    };
    stdout.read_rest()?;
    listener.heard(&stderr.read_rest()?);
    if answered.is_none() {
        running.talk(stdout.bytes(), listener);
    }
    if !listener.lets_descendants_stay(status) {
        running.kill_descendants();
    }
    // A Ctrl-C that ended the command was meant for all processes.
    match told.as_ref().and_then(Signals::take) {
        Some(signal) => Err(CommandError::Signal(signal)),
        None => Ok(Ran { status, stdout: stdout.into_bytes(), stderr: stderr.into_bytes() }),
    }
}

/// The number of our processes above this one.
fn depth(mark: Option<&str>) -> u32 {
    mark.and_then(|mark| mark.split(' ').next()?.parse().ok()).unwrap_or(0)
}

/// A running command. Unless it ends by itself, it is killed with all that it started, however this function returns.
struct Running {
    child: Child,
    mark: String,
    is_over: bool,
}

impl Running {
    /// Lets the listener answer what was printed so far; true when it has what it needs.
    fn talk(&mut self, printed: &[u8], listener: &mut dyn Listener) -> bool {
        loop {
            match listener.reply(printed) {
                Reply::Wait => return false,
                Reply::Say(line) => {
                    // A program that no longer reads is about to end, or runs into its limit.
                    if let Some(stdin) = &mut self.child.stdin {
                        let _ = stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush());
                    }
                }
                Reply::Over => {
                    self.child.stdin = None;
                    return true;
                }
            }
        }
    }

    /// Kills all that it started.
    fn kill_descendants(&self) {
        processes::kill_family(self.child.id(), &format!("{DEPTH}={}", self.mark));
    }

    /// Kills it with all that it started.
    fn end(&mut self) -> io::Result<ExitStatus> {
        self.is_over = true;
        self.kill_descendants();
        // No effect if it was already collected.
        let _ = self.child.kill();
        self.child.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over {
            let _ = self.end();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::cell::RefCell;
    use std::time::{Duration, Instant};

    use super::{CommandError, MEGABYTE, depth, run};

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn both_streams_and_the_exit_status_are_returned() {
        let heard = RefCell::new(String::new());
        let said = |text: &str| heard.borrow_mut().push_str(text);
        let ran = run("echo out; echo touch your key >&2; exit 3", LONG, MEGABYTE, &said).expect("it ends");
        assert_eq!(
            (ran.status.code(), &ran.stdout[..], &ran.stderr[..]),
            (Some(3), &b"out\n"[..], &b"touch your key\n"[..])
        );
        assert_eq!(*heard.borrow(), "touch your key\n");
    }

    #[test]
    fn killing_a_command_kills_all_its_descendants() {
        let folder = tempfile::tempdir().expect("a folder");
        let pids = folder.path().join("pids");
        let note = format!("echo $! >> {}", pids.display());
        // A child, one whose parent has exited, and one in a session of its own.
        let start = format!("sleep 97 & {note}; (sleep 98 & {note}); setsid sleep 99 & {note};");
        for (line, stream) in [("sleep 96", None), ("yes", Some("stdout")), ("yes >&2", Some("stderr"))] {
            let limit = if stream.is_none() { Duration::from_secs(1) } else { LONG };
            let begun = Instant::now();
            let failed = run(&format!("{start} {line}"), limit, MEGABYTE, &|_| ()).err().expect("a bound");
            match (stream, failed) {
                (None, CommandError::TimedOut(given)) => assert_eq!(given, limit),
                (Some(expected), CommandError::TooMuch { stream, limit: MEGABYTE }) => assert_eq!(stream, expected),
                (_, other) => panic!("{line}: {other}"),
            }
            assert!(begun.elapsed() < LONG / 2, "{line}");
            for pid in std::fs::read_to_string(&pids).expect("they ran").lines() {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                assert!(stat.is_empty() || stat.contains(") Z "), "{line}: {stat}");
            }
        }
    }

    #[test]
    fn a_daemon_survives_the_command_that_started_it_and_succeeded() {
        let begun = Instant::now();
        let ran = run("sleep 7 >/dev/null 2>&1 & echo $!", LONG, MEGABYTE, &|_| ()).expect("it ends");
        let pid = String::from_utf8_lossy(&ran.stdout).trim().to_owned();
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert!(std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z ")));
    }

    #[test]
    fn the_nesting_depth_is_counted_and_junk_counts_as_zero() {
        for (mark, counted) in
            [(None, 0), (Some("2 77.0"), 2), (Some("3"), 3), (Some(""), 0), (Some("x"), 0), (Some("-1 2"), 0)]
        {
            assert_eq!(depth(mark), counted, "{mark:?}");
        }
    }
}

#[cfg(all(test, windows))]
mod tests {
    use std::time::{Duration, Instant};

    use super::{CommandError, MEGABYTE, run};

    #[test]
    fn what_a_command_line_quotes_reaches_cmd_and_one_without_end_is_ended() {
        let ran = run(r#"echo "a  b" c"#, Duration::from_mins(1), MEGABYTE, &|_| ()).expect("it ends");
        assert_eq!(String::from_utf8_lossy(&ran.stdout).trim_end(), r#""a  b" c"#);
        let begun = Instant::now();
        let endless = "for /l %i in (0,0,1) do @rem";
        let failed = run(endless, Duration::from_secs(1), MEGABYTE, &|_| ()).err().expect("a limit");
        assert!(matches!(failed, CommandError::TimedOut(_)), "{failed}");
        assert!(begun.elapsed() < Duration::from_secs(40));
    }
}
