//! What a command prints on a stream, read as it arrives and bounded.

use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::{CHUNK, CommandError};
use crate::os::events::Pipe;

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
