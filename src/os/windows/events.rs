//! Waiting for what happens outside: bytes, clients, Ctrl-C. The library can wait for one thing at a time, so several are
//! looked at in turns.

use std::fs::File;
use std::io::{self, Read};
use std::marker::PhantomData;
use std::net::TcpListener;
use std::os::windows::io::AsHandle;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Once, mpsc};
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

/// How often several things are looked at.
const TURN: Duration = Duration::from_millis(5);
/// How much is read at once.
const CHUNK: usize = 4096;
/// The number that stands for Ctrl-C; programs that it ends exit with this number plus 128.
const SIGINT: i32 = 2;

/// What can be waited for.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a>(PhantomData<&'a ()>);

/// Something as an origin of events.
pub fn origin<T>(_: &T) -> Origin<'_> {
    Origin(PhantomData)
}

/// What is waited for at an origin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Awaited {
    /// Something to read, or a client.
    Input,
    /// Room to write.
    Room,
}

/// Waits a little, after which every origin may be ready.
///
/// # Errors
/// None.
pub fn wait(_: &[(Origin<'_>, Awaited)], time: Duration) -> io::Result<bool> {
    thread::sleep(time.min(TURN));
    Ok(true)
}

/// Does nothing: a read from a pipe without a writer ends here.
///
/// # Errors
/// None.
pub fn wait_for_input(_: &File, _: Duration) -> io::Result<()> {
    Ok(())
}

/// Stdin without the buffer of [`std::io::stdin`], which reads ahead.
///
/// # Errors
/// The system's error.
pub fn stdin() -> io::Result<File> {
    io::stdin().as_handle().try_clone_to_owned().map(File::from)
}

/// This system starts no programs for sockets.
pub fn listener_on_stdin() -> Option<TcpListener> {
    None
}

/// Nothing to do: the library asks for as many clients as the system allows.
pub fn widen(_: &TcpListener) {}

/// Wakes a thread that waits. Here it wakes by itself soon enough.
#[derive(Debug)]
pub struct Bell;

impl Bell {
    /// A bell that nobody has rung.
    ///
    /// # Errors
    /// None.
    pub fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// What another thread rings it by.
    pub fn rope(&self) -> Rope {
        Rope
    }

    /// Ready after a ring.
    pub fn origin(&self) -> Origin<'_> {
        origin(self)
    }

    /// Forgets the rings so far.
    pub fn hush(&self) {}
}

/// Rings a [`Bell`].
#[derive(Debug)]
pub struct Rope;

impl Rope {
    /// Wakes who waits.
    pub fn pull(self) {}
}

/// A socket by which the processes of one user find each other. The library has none of this kind here.
#[derive(Debug)]
pub enum Meeting {}

impl Meeting {
    /// Always fails.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`]
    pub fn at(_: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Never called.
    pub fn tell(&self, _: &dyn Fn() -> Zeroizing<Vec<u8>>) {
        match *self {}
    }

    /// Never called.
    pub fn origin(&self) -> Origin<'_> {
        match *self {}
    }
}

/// Whether processes of one user can find each other here.
pub const HAS_MEETINGS: bool = false;

/// Always fails.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`]
pub fn told_at(_: &Path, _: u64, _: Duration) -> io::Result<Zeroizing<Vec<u8>>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The reading end of a pipe from a command. A pipe cannot be waited for with a time limit here, but a thread can.
pub struct Pipe(mpsc::Receiver<io::Result<Zeroizing<Vec<u8>>>>);

impl Pipe {
    /// For how long the rest is waited for after the command has ended: the thread must hand it over, and a process that
    /// was left running may keep the pipe open.
    pub const REST: Duration = Duration::from_secs(1);

    /// The child's stdout or stderr.
    pub fn new(mut pipe: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::sync_channel(1);
        thread::spawn(move || {
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

    /// How much was read; `None` if nothing arrived in time, zero at the end.
    ///
    /// # Errors
    /// The system's error.
    pub fn read_within(&mut self, time: Duration, chunk: &mut [u8]) -> io::Result<Option<usize>> {
        match self.0.recv_timeout(time) {
            Ok(read) => {
                let read = read?;
                chunk[..read.len()].copy_from_slice(&read);
                Ok(Some(read.len()))
            }
            Err(mpsc::RecvTimeoutError::Timeout) => Ok(None),
            Err(mpsc::RecvTimeoutError::Disconnected) => Ok(Some(0)),
        }
    }
}

static WATCHES: AtomicUsize = AtomicUsize::new(0);
static HAS_ARRIVED: AtomicBool = AtomicBool::new(false);

/// Ctrl-C and Ctrl-Break, which have no other effect while one of these exists.
#[derive(Debug)]
pub struct Signals(());

impl Signals {
    /// Starts watching. `None` if that fails: the keys then have their usual effect.
    pub fn to_end() -> Option<Self> {
        static HANDLER: Once = Once::new();
        // It cannot be removed, and does what the system would have done while nobody watches.
        HANDLER.call_once(|| {
            let _ = ctrlc::set_handler(|| {
                if WATCHES.load(Ordering::SeqCst) == 0 {
                    // As the system's own handler does.
                    std::process::exit(128 + SIGINT);
                }
                HAS_ARRIVED.store(true, Ordering::SeqCst);
            });
        });
        if WATCHES.fetch_add(1, Ordering::SeqCst) == 0 {
            HAS_ARRIVED.store(false, Ordering::SeqCst);
        }
        Some(Self(()))
    }

    /// The number of the one that has arrived, once.
    pub fn take(&self) -> Option<i32> {
        HAS_ARRIVED.swap(false, Ordering::SeqCst).then_some(SIGINT)
    }

    /// Ready when [`Signals::take`] has something to return.
    pub fn origin(&self) -> Origin<'_> {
        origin(self)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        WATCHES.fetch_sub(1, Ordering::SeqCst);
    }
}
