//! One connection: reads a request, waits for credentials, writes the answer, and says good-bye.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::answer::{self, Refusal};
use super::gate::too_large;
use crate::os::events;
use crate::secret::Secret;

/// The longest head of a request, in bytes. SDKs send some hundreds.
const LONGEST: usize = 16 << 10;
/// How long a client may take to send a request, or to read the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a request waits for a renewal. SDKs give up after one second.
const WAIT: Duration = Duration::from_millis(800);
/// For how long, and how many bytes, what a client still sends is read after the answer. Closing a connection with unread
/// bytes resets it, and the client may never see the answer.
const FAREWELL: Duration = Duration::from_secs(1);
const MOST_UNREAD: usize = 2 << 20;

/// A client.
pub(super) struct Visitor {
    stream: TcpStream,
    until: Instant,
    state: State,
}

enum State {
    /// Sending its request.
    Asking(Zeroizing<Vec<u8>>),
    /// Let in, and waiting for the credentials of that profile.
    Waiting(usize),
    /// Reading the answer, of which so much is sent.
    Reading(Secret<String>, usize),
    /// Served, after so many bytes that nobody needs.
    Leaving(usize),
    Gone,
}

/// What the server has to do for a visitor.
pub(super) enum Turn {
    /// Nothing.
    None,
    /// Judge this head.
    Judge(Zeroizing<Vec<u8>>),
}

impl Visitor {
    /// `None`: the connection is already unusable.
    pub(super) fn new(stream: TcpStream) -> Option<Self> {
        stream.set_nonblocking(true).ok()?;
        // At full size at once: the request holds the token, and a buffer that grows leaves copies.
        let request = Zeroizing::new(Vec::with_capacity(LONGEST + 64));
        Some(Self { stream, until: Instant::now() + PATIENCE, state: State::Asking(request) })
    }

    pub(super) fn origin(&self) -> events::Origin<'_> {
        events::origin(&self.stream)
    }

    /// Has it something to send or to read? Else it is not looked at until its time has come.
    pub(super) fn reads(&self) -> bool {
        matches!(self.state, State::Asking(_) | State::Leaving(_))
    }

    pub(super) fn writes(&self) -> bool {
        matches!(self.state, State::Reading(..))
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self.state, State::Gone)
    }

    /// Has it not yet shown that it may be here?
    pub(super) fn is_stranger(&self) -> bool {
        matches!(self.state, State::Asking(_) | State::Leaving(_))
    }

    /// When it is no longer waited for.
    pub(super) fn until(&self) -> Instant {
        self.until
    }

    /// The profile that it waits for.
    pub(super) fn waits_for(&self) -> Option<usize> {
        if let State::Waiting(profile) = self.state { Some(profile) } else { None }
    }

    /// Reads and writes what can be without waiting.
    pub(super) fn go_on(&mut self) -> Turn {
        if let State::Asking(request) = &mut self.state {
            let (head, is_over) = take(&self.stream, request);
            match head {
                Head::Whole(head) => return Turn::Judge(head),
                Head::TooLong => self.refuse(&too_large()),
                Head::Part if is_over => self.state = State::Gone,
                Head::Part => {}
            }
        }
        self.send();
        if let State::Leaving(read) = &mut self.state {
            let mut bytes = [0; 4096];
            loop {
                match (&self.stream).read(&mut bytes) {
                    Ok(0) => self.state = State::Gone,
                    Ok(n) if *read + n <= MOST_UNREAD => {
                        *read += n;
                        continue;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Ok(_) | Err(_) => self.state = State::Gone,
                }
                break;
            }
        }
        Turn::None
    }

    /// Lets it wait for a renewal.
    pub(super) fn wait(&mut self, profile: usize) {
        self.until = Instant::now() + WAIT;
        self.state = State::Waiting(profile);
    }

    pub(super) fn give(&mut self, body: &Secret<String>) {
        self.answer(answer::given(body));
    }

    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        self.answer(answer::refused(refusal));
    }

    fn answer(&mut self, whole: Secret<String>) {
        self.until = Instant::now() + PATIENCE;
        self.state = State::Reading(whole, 0);
        self.send();
    }

    fn send(&mut self) {
        let State::Reading(whole, sent) = &mut self.state else { return };
        while *sent < whole.expose().len() {
            match (&self.stream).write(&whole.expose().as_bytes()[*sent..]) {
                Ok(n) if n > 0 => *sent += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => {
                    self.state = State::Gone;
                    return;
                }
            }
        }
        let _ = self.stream.shutdown(Shutdown::Write);
        self.until = Instant::now() + FAREWELL;
        self.state = State::Leaving(0);
    }

    /// Its time is over, and it waits for nothing that the server could still give.
    pub(super) fn dismiss(&mut self) {
        self.state = State::Gone;
    }
}

/// Reads what has arrived, and tells whether nothing more will come.
fn take(stream: &TcpStream, request: &mut Zeroizing<Vec<u8>>) -> (Head, bool) {
    let before = request.len();
    let mut rest = Read::take(stream, (LONGEST - before) as u64);
    let is_over = match rest.read_to_end(request) {
        Ok(_) => request.len() < LONGEST,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    };
    let fresh = &request[before.saturating_sub(3)..];
    let is_whole = fresh.windows(4).any(|end| end == b"\r\n\r\n") || fresh.windows(2).any(|end| end == b"\n\n");
    let head = match request.len() {
        _ if is_whole => Head::Whole(std::mem::take(request)),
        LONGEST.. => Head::TooLong,
        _ => Head::Part,
    };
    (head, is_over)
}

/// What there is of a request's head.
enum Head {
    Part,
    Whole(Zeroizing<Vec<u8>>),
    /// Longer than any should be.
    TooLong,
}
