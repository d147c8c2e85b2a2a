//! Programs on a real pseudo-terminal, as a person uses them.
//!
//! [`Pty::spawn`] makes a program the leader of a session whose controlling terminal is a new pseudo-terminal. Threads
//! record the terminal, stdout, and stderr separately, so no program ever waits for a test. Every wait has a limit and ends in a panic that shows the screen. [`off_terminal`] is the
//! opposite: a program that has no terminal at all.
//!
//! When the leader ends, the kernel resets the terminal's modes. To see the modes that a program left, run it in a shell
//! that stays.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};

/// Enough for a busy machine; no test waits this long unless it fails.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The options of a pseudo-terminal, and which streams of the program are separate from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pty {
    rows: u16,
    columns: u16,
    stdout: Stream,
    stderr: Stream,
}

/// Where a stream of the program goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stream {
    /// To the terminal, as in a shell.
    Terminal,
    /// Into a pipe, as in `$(…)` or under an SDK.
    Apart,
}

impl Default for Pty {
    /// 80 × 24, both streams apart: the terminal shows only what the program writes to the terminal itself.
    fn default() -> Self {
        Self { rows: 24, columns: 80, stdout: Stream::Apart, stderr: Stream::Apart }
    }
}

impl Pty {
    /// Sets the size of the window.
    pub(crate) fn sized(self, rows: u16, columns: u16) -> Self {
        Self { rows, columns, ..self }
    }

    /// Sets where the streams go.
    pub(crate) fn streams(self, stdout: Stream, stderr: Stream) -> Self {
        Self { stdout, stderr, ..self }
    }

    /// Starts `command` with the terminal as its controlling one and as its stdin.
    pub(crate) fn spawn(self, command: Command) -> Session {
        let (pty, pts) = pty_process::blocking::open().expect("a pseudo-terminal");
        pty.resize(pty_process::Size::new(self.rows, self.columns)).expect("its size");
        let mut command = pty_process::blocking::Command::from(command);
        if self.stdout == Stream::Apart {
            command = command.stdout(Stdio::piped());
        }
        if self.stderr == Stream::Apart {
            command = command.stderr(Stdio::piped());
        }
        let mut child = command.spawn(pts).expect("the program starts");
        let pty = Arc::new(pty);
        let screen = Recording::start(SharedPty(Arc::clone(&pty)));
        let stdout = child.stdout.take().map(Recording::start);
        let stderr = child.stderr.take().map(Recording::start);
        Session { child, pty, screen, seen: 0, stdout, stderr }
    }
}

/// A running program and its terminal. Dropping it kills the program.
pub(crate) struct Session {
    child: Child,
    pty: Arc<pty_process::blocking::Pty>,
    screen: Recording,
    seen: usize,
    stdout: Option<Recording>,
    stderr: Option<Recording>,
}

/// A finished program's output.
#[derive(Debug)]
pub(crate) struct Finished {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// What it wrote to stdout, where that was a pipe.
    pub(crate) stdout: String,
    /// What it wrote to stderr, where that was a pipe.
    pub(crate) stderr: String,
    /// Everything that was on the terminal, including echo.
    pub(crate) terminal: String,
}

impl Session {
    /// Waits until `text` appears on the terminal, after what earlier waits have found.
    pub(crate) fn wait_for(&mut self, text: &str, limit: Duration) {
        let found = self.screen.wait(limit, |bytes| {
            let rest = bytes.get(self.seen..)?;
            let at = rest.windows(text.len()).position(|part| part == text.as_bytes())?;
            Some(self.seen + at + text.len())
        });
        match found {
            Some(end) => self.seen = end,
            None => panic!("`{text}` did not appear within {limit:?} on: {:?}", self.screen()),
        }
    }

    /// Waits for `label` and returns the number after it.
    pub(crate) fn wait_for_number(&mut self, label: &str, limit: Duration) -> i32 {
        self.wait_for(label, limit);
        let start = self.seen;
        let number = self.screen.wait(limit, |bytes| {
            let rest = std::str::from_utf8(bytes.get(start..)?).ok()?;
            rest[..rest.find(|c: char| !c.is_ascii_digit())?].parse().ok()
        });
        number.unwrap_or_else(|| panic!("no number follows `{label}` on: {:?}", self.screen()))
    }

    /// Types keys.
    pub(crate) fn type_text(&self, text: &str) {
        (&*self.pty).write_all(text.as_bytes()).expect("the terminal takes keys");
    }

    /// Types Ctrl and a letter.
    pub(crate) fn control(&self, letter: char) {
        self.type_text(&char::from(letter.to_ascii_uppercase() as u8 & 0x1f).to_string());
    }

    /// Changes the size of the window.
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        self.pty.resize(pty_process::Size::new(rows, columns)).expect("its size");
    }

    /// The program that leads the session.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the program that leads the session.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the program still runs");
    }

    /// Everything that was on the terminal so far.
    pub(crate) fn screen(&self) -> String {
        self.screen.text()
    }

    /// Has the program ended?
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_some()
    }

    /// Is echo on?
    pub(crate) fn echo_is_on(&self) -> bool {
        tcgetattr(&*self.pty).expect("modes").local_modes.contains(LocalModes::ECHO)
    }

    /// Waits until echo is on, or off.
    pub(crate) fn wait_for_echo(&self, is_on: bool, limit: Duration) {
        let start = Instant::now();
        while self.echo_is_on() != is_on {
            assert!(start.elapsed() < limit, "echo never became {is_on}; the terminal: {:?}", self.screen());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the program to end and returns everything that it wrote.
    pub(crate) fn finish(mut self, limit: Duration) -> Finished {
        let status = wait_for_end(&mut self.child, limit)
            .unwrap_or_else(|| panic!("it still runs after {limit:?}; the terminal: {:?}", self.screen()));
        Finished {
            status,
            stdout: self.stdout.as_ref().map(|stream| stream.wait_for_end(limit)).unwrap_or_default(),
            stderr: self.stderr.as_ref().map(|stream| stream.wait_for_end(limit)).unwrap_or_default(),
            terminal: self.screen.wait_for_end(limit),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Both do nothing when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    /// What was on the terminal, without the address of the loopback AWS, which prompts name.
    pub(crate) fn terminal_without_address(&self) -> String {
        let mut parts = self.terminal.split("[http://127.0.0.1:");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| text + part.split_once("] ").map_or(part, |(_, rest)| rest))
    }

    /// Checks the exit code and both streams.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, stdout: &str, stderr: &str) {
        let found = (self.status.code(), self.stdout.as_str(), self.stderr.as_str());
        assert_eq!(found, (Some(code), stdout, stderr));
    }

    /// The signal that ended it.
    pub(crate) fn signal(&self) -> Option<i32> {
        self.status.signal()
    }
}

/// A command without a controlling terminal, even if the tests have one. The caller adds arguments and environment.
pub(crate) fn off_terminal(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("/usr/bin/setsid");
    command.arg(program);
    command
}

/// Runs a command with `stdin` as its input, and captures both output streams.
pub(crate) fn run(mut command: Command, stdin: &[u8], limit: Duration) -> Finished {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut keyboard = child.stdin.take().expect("a pipe");
    let stdin = stdin.to_vec();
    // The program may end without reading.
    thread::spawn(move || keyboard.write_all(&stdin));
    let stdout = Recording::start(child.stdout.take().expect("a pipe"));
    let stderr = Recording::start(child.stderr.take().expect("a pipe"));
    let Some(status) = wait_for_end(&mut child, limit) else {
        let _ = child.kill();
        let _ = child.wait();
        panic!("it still runs after {limit:?}; stderr: {:?}", stderr.text());
    };
    let (stdout, stderr) = (stdout.wait_for_end(limit), stderr.wait_for_end(limit));
    Finished { status, stdout, stderr, terminal: String::new() }
}

/// Sends a signal to a process by its ID.
pub(crate) fn send_signal(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).expect("a process number"), signal).expect("the process still runs");
}

fn wait_for_end(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return Some(status);
        }
        if start.elapsed() > limit {
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The reading half of a pseudo-terminal.
struct SharedPty(Arc<pty_process::blocking::Pty>);

impl Read for SharedPty {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

/// A stream that a thread reads.
struct Recording(Arc<(Mutex<Recorded>, Condvar)>);

#[derive(Default)]
struct Recorded {
    bytes: Vec<u8>,
    is_over: bool,
}

impl Recording {
    fn start(mut source: impl Read + Send + 'static) -> Self {
        let shared = Arc::new((Mutex::new(Recorded::default()), Condvar::new()));
        let recording = Self(Arc::clone(&shared));
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            loop {
                // A pseudo-terminal ends with an error (EIO) when its last program closes it.
                let length = match source.read(&mut chunk) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                    read => read.unwrap_or(0),
                };
                let mut recorded = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
                recorded.bytes.extend_from_slice(&chunk[..length]);
                recorded.is_over = length == 0;
                shared.1.notify_all();
                if length == 0 {
                    return;
                }
            }
        });
        recording
    }

    /// Waits until `look` finds something; `None` if the time or the stream ends first.
    fn wait<T>(&self, limit: Duration, look: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut recorded = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let found = look(&recorded.bytes);
            let left = deadline.saturating_duration_since(Instant::now());
            if found.is_some() || recorded.is_over || left.is_zero() {
                return found;
            }
            recorded = self.0.1.wait_timeout(recorded, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The whole stream. If a remaining process holds it open, what arrived within `limit`.
    fn wait_for_end(&self, limit: Duration) -> String {
        self.wait(limit, |_| None::<()>);
        self.text()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.0.lock().unwrap_or_else(PoisonError::into_inner).bytes).into_owned()
    }
}
