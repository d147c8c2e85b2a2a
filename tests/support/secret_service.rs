//! A Secret Service of one's own, in each of the states that people have it in.
//!
//! Every variant has a home, a runtime folder and a bus of its own, and no service file that could start something of
//! the machine's. [`SecretService::env`] is for the child that is to meet it; what was started ends on drop, by its
//! process id.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What opens the login collection.
const PASSWORD: &str = "a password of the tests";
/// How long a daemon may take to come up on a busy machine.
const READY: Duration = Duration::from_secs(20);

/// A bus that lets everybody do everything and starts nothing by itself.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A private Secret Service, or the lack of one.
///
/// The fields end in this order: the keyring before the bus, which it would miss, and the folder last, since the silent
/// bus is woken through its socket.
pub(crate) struct SecretService {
    keyring: Option<Running>,
    _bus: Option<Running>,
    _silence: Option<Silence>,
    address: OsString,
    folder: TempDir,
}

/// The first of the programs that these services are made of which is not installed here.
pub(crate) fn missing_program() -> Option<&'static str> {
    ["dbus-daemon", "dbus-send", "gnome-keyring-daemon", "secret-tool"].into_iter().find(|program| {
        std::env::var_os("PATH").is_none_or(|path| !std::env::split_paths(&path).any(|dir| dir.join(program).exists()))
    })
}

impl SecretService {
    /// gnome-keyring with an unlocked login collection.
    pub(crate) fn unlocked() -> Self {
        let mut service = Self::empty_bus();
        service.start_keyring(true);
        service
    }

    /// gnome-keyring whose login collection exists and is locked, without a display to ask on.
    pub(crate) fn locked() -> Self {
        let mut service = Self::unlocked();
        service.lock();
        service
    }

    /// A bus on which nobody offers the service.
    pub(crate) fn empty_bus() -> Self {
        let folder = home();
        let socket = folder.path().join("run/bus");
        let config = folder.path().join("bus.conf");
        fs::write(&config, BUS.replace("SOCKET", socket.to_str().expect("a path in UTF-8"))).expect("written");
        let mut command = Command::new("dbus-daemon");
        command.arg("--config-file").arg(&config).args(["--nofork", "--nopidfile", "--nosyslog"]);
        let bus = Running::start(command, folder.path(), None);
        wait_for("the bus", || UnixStream::connect(&socket).is_ok());
        let address = unix(&socket);
        Self { folder, address, keyring: None, _bus: Some(bus), _silence: None }
    }

    /// No bus at all.
    pub(crate) fn absent() -> Self {
        let folder = home();
        let address = unix(&folder.path().join("run/nonexistent"));
        Self { folder, address, keyring: None, _bus: None, _silence: None }
    }

    /// A bus that takes every connection and never answers.
    pub(crate) fn silent() -> Self {
        let folder = home();
        let socket = folder.path().join("run/bus");
        let silence = Silence::at(&socket);
        Self { folder, address: unix(&socket), keyring: None, _bus: None, _silence: Some(silence) }
    }

    /// What a child must have in its environment to meet this service and no other.
    pub(crate) fn env(&self) -> Vec<(&'static str, OsString)> {
        let path = |name: &str| self.folder.path().join(name).into_os_string();
        vec![
            ("HOME", path("home")),
            ("XDG_RUNTIME_DIR", path("run")),
            ("XDG_DATA_HOME", path("data")),
            ("XDG_CONFIG_HOME", path("config")),
            ("XDG_CACHE_HOME", path("cache")),
            ("DBUS_SESSION_BUS_ADDRESS", self.address.clone()),
        ]
    }

    /// A command that meets this service, and no display on which something could be asked.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(self.env()).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command
    }

    /// Locks the collection with all that it holds, by starting the daemon again without the password.
    pub(crate) fn lock(&mut self) {
        self.start_keyring(false);
    }

    /// Opens the collection again.
    pub(crate) fn unlock(&mut self) {
        self.start_keyring(true);
    }

    /// The text that `secret-tool` reads for these attributes, or `None` when it finds nothing.
    pub(crate) fn lookup(&self, attributes: &[&str]) -> Option<String> {
        let output = self.command("secret-tool").arg("lookup").args(attributes).output().expect("secret-tool runs");
        output.status.success().then(|| String::from_utf8(output.stdout).expect("text"))
    }

    fn start_keyring(&mut self, unlock: bool) {
        // Ended first: only one can own the name, and the file must be closed before it is opened again.
        self.keyring = None;
        wait_for("the end of the keyring", || !self.is_owned());
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]);
        if unlock {
            command.arg("--unlock");
        }
        self.keyring = Some(Running::start(command, self.folder.path(), unlock.then_some(PASSWORD)));
        wait_for("the keyring", || self.is_owned());
        if unlock {
            let login = self.folder.path().join("data/keyrings/login.keyring");
            wait_for("the login collection", || login.exists());
        }
    }

    fn is_owned(&self) -> bool {
        let output = self
            .command("dbus-send")
            .args(["--session", "--print-reply=literal", "--dest=org.freedesktop.DBus", "/"])
            .args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"])
            .output()
            .expect("dbus-send runs");
        String::from_utf8_lossy(&output.stdout).contains("true")
    }
}

/// A process that ends with this value.
struct Running(Child);

impl Running {
    /// Starts `command` with its output redirected to a file in the folder, for analyzing failures.
    fn start(mut command: Command, folder: &Path, input: Option<&str>) -> Self {
        let log = fs::OpenOptions::new().append(true).create(true).open(folder.join("log")).expect("a log");
        let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        command.stdin(stdin).stdout(log.try_clone().expect("a second handle")).stderr(log);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
            pipe.write_all(input.as_bytes()).expect("the daemon reads its password");
        }
        Self(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is waited for, so that none is left as a zombie.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A listener that keeps what it accepts and says nothing.
struct Silence {
    socket: PathBuf,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Silence {
    fn at(socket: &Path) -> Self {
        let listener = UnixListener::bind(socket).expect("a socket");
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                held.push(stream);
            }
        });
        Self { socket: socket.to_owned(), over, thread: Some(thread) }
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
        let _ = UnixStream::connect(&self.socket);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A home with the folders that `env` names, all of them private.
fn home() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["home", "run", "data", "config", "cache"] {
        DirBuilder::new().mode(0o700).create(folder.path().join(name)).expect("a folder");
    }
    folder
}

fn unix(socket: &Path) -> OsString {
    let mut address = OsString::from("unix:path=");
    address.push(socket);
    address
}

fn wait_for(what: &str, is_ready: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_ready() {
        assert!(started.elapsed() < READY, "{what} did not come within {READY:?}");
        thread::sleep(Duration::from_millis(20));
    }
}
