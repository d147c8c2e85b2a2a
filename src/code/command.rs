//! Runs a user's command (`mfa_process`, `credential_process`) within limits.
//!
//! In: the command line, as the user wrote it. Out: what it printed. The command runs in a shell with this process's
//! environment and in its process group: in its own group it would be in the background, and programs that ask on the
//! terminal (`ykman`, `pinentry-tty`, password managers) would be stopped. Its stdin is empty, because ours may be the
//! input of the command that `exec` is about to start. Its stderr is passed on as it arrives, so that it can say `touch
//! your key`.
//!
//! A command that does not end in time, prints without end, or still runs when this process is told to end is killed
//! together with all processes that it started. Its output is treated as a secret: it is bounded, zeroed, and never
//! part of an error.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

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

/// Runs `line` in a shell for at most `limit`; output of more than `longest` bytes is an error. `said` receives its
/// stderr as it arrives.
///
/// Processes that it leaves running when it ends are not waited for, even if they hold its output open.
///
/// [`CommandError`]; all processes that the command started have then ended.
pub fn run(line: &str, limit: Duration, longest: usize, said: &dyn Fn(&str)) -> Result<Ran, CommandError> {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let depth = depth(std::env::var(DEPTH).ok().as_deref());
    if depth >= DEEPEST {
        return Err(CommandError::TooDeep);
    }
    let mark = format!("{} {}.{}", depth + 1, std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
    let deadline = Instant::now().checked_add(limit);
    let told = told_to_end();
    let mut child = shell(line)
        .env(DEPTH, &mark)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(CommandError::Spawn)?;
    let mut stdout = Output::new("stdout", child.stdout.take().map(Pipe::new), longest);
    let mut stderr = Output::new("stderr", child.stderr.take().map(Pipe::new), MEGABYTE);
    let mut running = Running { child, mark, is_over: false };
    let mut step = Duration::from_millis(1);
    let status = loop {
        stdout.read_for(step)?;
        said(&stderr.read_for(Duration::ZERO)?);
        if let Some(status) = running.child.try_wait().map_err(CommandError::Lost)? {
            running.is_over = true;
            break status;
        }
        if let Some(signal) = told.as_ref().and_then(ToldToEnd::take) {
            return Err(CommandError::Signal(signal));
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(CommandError::TimedOut(limit));
        }
        step = (step * 2).min(LONGEST_STEP);
    };
    stdout.read_rest()?;
    said(&stderr.read_rest()?);
    // A Ctrl-C that ended the command was meant for all processes.
    match told.as_ref().and_then(ToldToEnd::take) {
        Some(signal) => Err(CommandError::Signal(signal)),
        None => Ok(Ran { status, stdout: stdout.bytes, stderr: stderr.bytes }),
    }
}

/// The number of our processes above this one.
fn depth(mark: Option<&str>) -> u32 {
    mark.and_then(|mark| mark.split(' ').next()?.parse().ok()).unwrap_or(0)
}

#[cfg(unix)]
use crate::names::variables;
use crate::terminal::signals::Watch as ToldToEnd;

#[cfg(unix)]
fn told_to_end() -> Option<ToldToEnd> {
    use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    // Without it, signals have their usual effect.
    ToldToEnd::new(&[SIGINT, SIGTERM, SIGHUP, SIGQUIT]).ok()
}

#[cfg(windows)]
struct ToldToEnd;

#[cfg(windows)]
impl ToldToEnd {
    fn take(&self) -> Option<i32> {
        None
    }
}

#[cfg(windows)]
fn told_to_end() -> Option<ToldToEnd> {
    None
}

#[cfg(unix)]
pub(super) fn shell(line: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(line);
    shell
}

#[cfg(windows)]
pub(super) fn shell(line: &str) -> Command {
    use std::os::windows::process::CommandExt;
    let mut shell = Command::new("cmd");
    // Passed unchanged: `cmd` does not understand the quotes that would be added around an argument.
    shell.arg("/C").raw_arg(line);
    shell
}

/// A running command. Unless it ends by itself, it is killed with all that it started, however this function returns.
struct Running {
    child: Child,
    mark: String,
    is_over: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        #[cfg(unix)]
        family::kill(self.child.id(), &format!("{DEPTH}={}", self.mark));
        // Both have no effect if it was already collected.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processes that a command started. They share our process group (see above), so the group does not identify them.
#[cfg(unix)]
mod family {
    use std::collections::BTreeMap;
    use std::fs;

    use rustix::process::{Pid, Signal, kill_process};

    /// New processes may start while others are killed.
    const ROUNDS: usize = 20;

    /// Kills the descendants of `root` and every process with `mark` in its environment: that includes processes whose
    /// parents have exited, and those in a session of their own.
    pub(super) fn kill(root: u32, mark: &str) {
        for _ in 0..ROUNDS {
            let all = members(root, mark);
            if all.is_empty() {
                return;
            }
            for pid in all {
                if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
        }
    }

    fn members(root: u32, mark: &str) -> Vec<u32> {
        let parents = parents();
        let is_below = |pid: u32| {
            let mut chain = std::iter::successors(Some(pid), |pid| parents.get(pid).copied()).take(1000);
            chain.any(|pid| pid == root)
        };
        let is_marked = |pid: u32| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        parents.keys().copied().filter(|pid| is_below(*pid) || is_marked(*pid)).collect()
    }

    /// The parent of each running process.
    #[cfg(target_os = "linux")]
    fn parents() -> BTreeMap<u32, u32> {
        let Ok(folders) = fs::read_dir("/proc") else { return BTreeMap::new() };
        let pids = folders.flatten().filter_map(|folder| folder.file_name().to_str()?.parse().ok());
        let parent = |pid: u32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The process name before it may contain any character.
            let mut fields = stat.rsplit_once(") ")?.1.split(' ');
            let (state, parent) = (fields.next()?, fields.next()?.parse().ok()?);
            (!matches!(state, "Z" | "X")).then_some((pid, parent))
        };
        pids.filter_map(parent).collect()
    }

    #[cfg(not(target_os = "linux"))]
    fn parents() -> BTreeMap<u32, u32> {
        let listed = std::process::Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output();
        let text = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let pair = |line: &str| {
            let mut numbers = line.split_whitespace().map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        };
        text.lines().filter_map(pair).collect()
    }
}

/// What the command has printed on a stream so far.
pub(super) struct Output {
    name: &'static str,
    source: Option<Pipe>,
    bytes: Zeroizing<Vec<u8>>,
    longest: usize,
}

impl Output {
    fn new(name: &'static str, source: Option<Pipe>, longest: usize) -> Self {
        // Allocated at full size, since growing would leave copies of secrets in memory.
        Self { name, source, bytes: Zeroizing::new(Vec::with_capacity(longest + CHUNK)), longest }
    }

    /// Reads what arrives within `time`, and returns it as text. Returns sooner at the end of the output.
    fn read_for(&mut self, time: Duration) -> Result<String, CommandError> {
        let start = self.bytes.len();
        let Some(source) = &mut self.source else {
            std::thread::sleep(time);
            return Ok(String::new());
        };
        let deadline = Instant::now() + time;
        loop {
            let mut chunk = Zeroizing::new([0; CHUNK]);
            let left = deadline.saturating_duration_since(Instant::now());
            match source.read_within(left, &mut chunk[..]).map_err(CommandError::Lost)? {
                Some(0) => {
                    self.source = None;
                    break;
                }
                Some(length) => self.bytes.extend_from_slice(&chunk[..length]),
                None => break,
            }
            if self.bytes.len() > self.longest {
                return Err(CommandError::TooMuch { stream: self.name, limit: self.longest });
            }
            // The other stream must be read too.
            if self.bytes.len() - start >= 16 * CHUNK {
                break;
            }
        }
        Ok(String::from_utf8_lossy(&self.bytes[start..]).into_owned())
    }

    /// Reads the remaining output of a command that has ended.
    fn read_rest(&mut self) -> Result<String, CommandError> {
        let mut text = String::new();
        while self.source.is_some() {
            let more = self.read_for(Pipe::REST)?;
            if more.is_empty() {
                break;
            }
            text += &more;
        }
        Ok(text)
    }
}

/// The reading end of a pipe from the command.
#[cfg(unix)]
struct Pipe(std::fs::File);

#[cfg(unix)]
impl Pipe {
    /// Everything that a process wrote before it ended is in the pipe already.
    const REST: Duration = Duration::ZERO;

    fn new(pipe: impl Into<std::os::fd::OwnedFd>) -> Self {
        Self(std::fs::File::from(pipe.into()))
    }

    /// `None` if nothing arrived in time, zero at the end.
    fn read_within(&mut self, time: Duration, chunk: &mut [u8]) -> io::Result<Option<usize>> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        match poll(&mut fds, Timespec::try_from(time).ok().as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(None),
            Ok(_) => self.0.read(chunk).map(Some),
            Err(error) => Err(error.into()),
        }
    }
}

/// The reading end of a pipe from the command. Windows cannot wait for a pipe with a time limit, but a thread can.
#[cfg(windows)]
struct Pipe(std::sync::mpsc::Receiver<io::Result<Zeroizing<Vec<u8>>>>);

#[cfg(windows)]
impl Pipe {
    /// Time for the thread to hand over the pipe's content, if a process left running keeps the pipe open.
    const REST: Duration = Duration::from_secs(1);

    fn new(mut pipe: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        std::thread::spawn(move || {
            loop {
                let mut chunk = Zeroizing::new(vec![0; CHUNK]);
                let read = pipe.read(&mut chunk).map(|length| {
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

    /// `None` if nothing arrived in time, zero at the end.
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
