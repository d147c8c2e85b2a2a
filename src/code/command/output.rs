//! What a command prints on a stream, read as it arrives and bounded.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::{CHUNK, CommandError};

/// What the command has printed on a stream so far.
pub(super) struct Output {
    name: &'static str,
    source: Option<Pipe>,
    bytes: Zeroizing<Vec<u8>>,
    longest: usize,
}

impl Output {
    pub(super) fn new(name: &'static str, source: Option<Pipe>, longest: usize) -> Self {
        // Allocated at full size, since growing would leave copies of secrets in memory.
        Self { name, source, bytes: Zeroizing::new(Vec::with_capacity(longest + CHUNK)), longest }
    }

    /// Everything so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, moved out.
    pub(super) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.bytes
    }

    /// Reads what arrives within `time`, and returns it as text. Returns sooner at the end of the output.
    pub(super) fn read_for(&mut self, time: Duration) -> Result<String, CommandError> {
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
    pub(super) fn read_rest(&mut self) -> Result<String, CommandError> {
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
pub(super) struct Pipe(std::fs::File);

#[cfg(unix)]
impl Pipe {
    /// Everything that a process wrote before it ended is in the pipe already.
    const REST: Duration = Duration::ZERO;

    pub(super) fn new(pipe: impl Into<std::os::fd::OwnedFd>) -> Self {
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
pub(super) struct Pipe(std::sync::mpsc::Receiver<io::Result<Zeroizing<Vec<u8>>>>);

#[cfg(windows)]
impl Pipe {
    /// Time for the thread to hand over the pipe's content, if a process left running keeps the pipe open.
    const REST: Duration = Duration::from_secs(1);

    pub(super) fn new(mut pipe: impl Read + Send + 'static) -> Self {
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
