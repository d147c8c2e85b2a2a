//! Waiting for what happens outside: bytes, clients, signals.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

pub use super::signals::Signals;

/// What can be waited for.
pub type Origin<'a> = BorrowedFd<'a>;

/// Something as an origin of events.
pub fn origin<T: AsFd>(of: &T) -> Origin<'_> {
    of.as_fd()
}

/// What is waited for at an origin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Awaited {
    /// Something to read, or a client.
    Input,
    /// Room to write.
    Room,
}

/// Waits until one of the origins is ready, or the time is over; true if one is. A signal ends the wait early.
///
/// # Errors
/// The system's error.
pub fn wait(origins: &[(Origin<'_>, Awaited)], time: Duration) -> io::Result<bool> {
    let mut fds: Vec<PollFd<'_>> = origins
        .iter()
        .map(|(origin, awaited)| {
            let flags = if *awaited == Awaited::Input { PollFlags::IN } else { PollFlags::OUT };
            PollFd::from_borrowed_fd(*origin, flags)
        })
        .collect();
    match poll(&mut fds, Some(&Timespec::try_from(time).map_err(io::Error::other)?)) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Waits for the next bytes of a file that is not a regular one.
///
/// # Errors
/// The system's error; [`io::ErrorKind::TimedOut`].
pub fn wait_for_input(file: &File, time: Duration) -> io::Result<()> {
    match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&Timespec::try_from(time).map_err(io::Error::other)?)) {
        Ok(0) => Err(io::ErrorKind::TimedOut.into()),
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Stdin without the buffer of [`std::io::stdin`], which reads ahead.
///
/// # Errors
/// The system's error.
pub fn stdin() -> io::Result<File> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

/// The socket that is stdin, if a service manager opened one and started this program for it.
pub fn listener_on_stdin() -> Option<TcpListener> {
    let stdin = io::stdin().as_fd().try_clone_to_owned().ok()?;
    // A connection is none, as in `ssh host mfa-cred serve`.
    (rustix::net::getpeername(&stdin) == Err(Errno::NOTCONN)).then(|| TcpListener::from(stdin))
}

/// Lets more clients stand at the door than the 128 of the library: the system does not answer a further one, which then
/// tries again after a second, when SDKs have given up.
pub fn widen(listener: &TcpListener) {
    const MOST: i32 = 4096;
    let _ = rustix::net::listen(listener, MOST);
}

/// Wakes a thread that waits.
#[derive(Debug)]
pub struct Bell {
    heard: UnixStream,
    rings: UnixStream,
}

impl Bell {
    /// A bell that nobody has rung.
    ///
    /// # Errors
    /// The system's error.
    pub fn new() -> io::Result<Self> {
        let (heard, rings) = UnixStream::pair()?;
        heard.set_nonblocking(true)?;
        rings.set_nonblocking(true)?;
        Ok(Self { heard, rings })
    }

    /// What another thread rings it by.
    pub fn rope(&self) -> Rope {
        Rope(self.rings.try_clone().ok())
    }

    /// Ready after a ring.
    pub fn origin(&self) -> Origin<'_> {
        self.heard.as_fd()
    }

    /// Forgets the rings so far.
    pub fn hush(&self) {
        while matches!((&self.heard).read(&mut [0; 64]), Ok(1..)) {}
    }
}

/// Rings a [`Bell`].
#[derive(Debug)]
pub struct Rope(Option<UnixStream>);

impl Rope {
    /// Wakes who waits.
    pub fn pull(mut self) {
        if let Some(stream) = &mut self.0 {
            let _ = stream.write(&[0]);
        }
    }
}

/// A socket by which the processes of one user find each other.
#[derive(Debug)]
pub struct Meeting(UnixListener);

impl Meeting {
    /// Opens it at that path, where nothing may be.
    ///
    /// # Errors
    /// The system's, as for a path that is too long for a socket.
    pub fn at(path: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// Sends these bytes to each that has come. They fit into the socket's buffer; whoever does not read them harms only
    /// themselves.
    pub fn tell(&self, bytes: &dyn Fn() -> zeroize::Zeroizing<Vec<u8>>) {
        while let Ok((mut stream, _)) = self.0.accept() {
            let _ = stream.set_nonblocking(true);
            let _ = stream.write_all(&bytes());
        }
    }

    /// Ready when somebody has come.
    pub fn origin(&self) -> Origin<'_> {
        self.0.as_fd()
    }
}

/// Whether processes of one user can find each other here.
pub const HAS_MEETINGS: bool = true;

/// What the process at that socket sends, at most `longest` bytes.
///
/// # Errors
/// The system's error; [`io::ErrorKind::ConnectionRefused`] for a socket whose process has gone.
pub fn told_at(path: &Path, longest: u64, patience: Duration) -> io::Result<zeroize::Zeroizing<Vec<u8>>> {
    let stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(patience))?;
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(1 << 16));
    stream.take(longest).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The reading end of a pipe from a command.
pub struct Pipe(File);

impl Pipe {
    /// For how long the rest is waited for after the command has ended: all that it wrote is in the pipe already.
    pub const REST: Duration = Duration::ZERO;

    /// The child's stdout or stderr.
    pub fn new(pipe: impl Into<OwnedFd>) -> Self {
        Self(File::from(pipe.into()))
    }

    /// How much was read; `None` if nothing arrived in time, zero at the end.
    ///
    /// # Errors
    /// The system's error.
    pub fn read_within(&mut self, time: Duration, chunk: &mut [u8]) -> io::Result<Option<usize>> {
        if wait(&[(self.0.as_fd(), Awaited::Input)], time)? { self.0.read(chunk).map(Some) } else { Ok(None) }
    }
}
