//! Each scenario gets its own home folder: AWS files, a state folder, a strict AWS, and the real binary.
//!
//! Everything that the binary writes is kept, and searched when the world is dropped: no secret, token, or code that this
//! AWS issued or received may appear in plain text in a file under the home, on stderr, or on a terminal. The sealing key
//! is destroyed then, too, so that no test leaves a key in your keyring.

use std::cell::{Cell, RefCell};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use mfa_cred::host::Keystore as _;
use mfa_cred::vault::kernel::KernelKeyring;

use super::aws::{AccessKey, Aws, Device, Kind, RoleSpec};
use super::files::files_below;
use super::pty::{self, Finished, PATIENCE, Pty, Session};

/// The program under test.
pub(crate) const MFA_CRED: &str = env!("CARGO_BIN_EXE_mfa-cred");
/// What that becomes for everything that is not cached.
pub(crate) const MAIN: &str = env!("CARGO_BIN_EXE_mfa-cred-main");

/// A home, an AWS, and the environment of every process that runs there.
pub(crate) struct World {
    pub(crate) aws: Aws,
    home: tempfile::TempDir,
    env: RefCell<Vec<(String, String)>>,
    said: RefCell<Vec<(String, String)>>,
    may_leak: Cell<bool>,
    program: Cell<&'static str>,
}

/// The usual setup: a user with one device, and two roles that trust the user with MFA.
pub(crate) struct Cast {
    pub(crate) world: World,
    pub(crate) key: AccessKey,
    pub(crate) device: Device,
}

impl World {
    /// An empty home.
    pub(crate) fn empty() -> Self {
        let home = tempfile::tempdir().expect("a home");
        fs::create_dir(home.path().join(".aws")).expect("its folder");
        let aws = Aws::start();
        let env = vec![("AWS_ENDPOINT_URL".to_owned(), aws.url())];
        Self {
            aws,
            home,
            env: RefCell::new(env),
            said: RefCell::default(),
            may_leak: Cell::new(false),
            program: Cell::new(MFA_CRED),
        }
    }

    /// The usual setup: see [`Cast`].
    pub(crate) fn cast() -> Cast {
        let world = Self::empty();
        let key = world.aws.add_user("alice");
        let device = world.aws.add_device("alice", "alice-phone");
        let mut config = "[profile alice]\nregion = ap-northeast-1\n".to_owned();
        for name in ["deploy", "audit"] {
            let arn = world.aws.add_role(RoleSpec::new(name).trust_user("alice").require_mfa().max_duration(43_200));
            let serial = device.serial();
            config += &format!("[profile {name}]\nsource_profile = alice\nrole_arn = {arn}\nmfa_serial = {serial}\n");
        }
        world.write(".aws/config", &config);
        world.write_key("alice", &key);
        Cast { world, key, device }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// `mfa-cred`'s state folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.home.path().join("state/mfa-cred")
    }

    /// The sealed entries.
    pub(crate) fn entries(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.state().join("entries"));
        files.map(|files| files.flatten().map(|file| file.path()).collect()).unwrap_or_default()
    }

    /// Writes a file under the home.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        fs::write(&path, text).expect("it is written");
        if name.starts_with(".aws/") {
            // With the AWS CLI's mode: only the owner can read it.
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is ours");
        }
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.home.path().join(name)).expect(name)
    }

    /// Adds lines to `~/.aws/config`.
    pub(crate) fn add_config(&self, text: &str) {
        self.write(".aws/config", self.read(".aws/config") + text);
    }

    /// Replaces text in `~/.aws/config`, which must be there.
    pub(crate) fn edit_config(&self, from: &str, to: &str) {
        let config = self.read(".aws/config");
        assert!(config.contains(from), "{from} is not in\n{config}");
        self.write(".aws/config", config.replace(from, to));
    }

    /// Writes a user's key to `~/.aws/credentials`, which it replaces.
    pub(crate) fn write_key(&self, profile: &str, key: &AccessKey) {
        let (id, secret) = (&key.id, &key.secret);
        self.write(
            ".aws/credentials",
            format!("[{profile}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"),
        );
    }

    /// Sets a variable for every process that starts later.
    pub(crate) fn set(&self, name: &str, value: impl AsRef<str>) {
        self.env.borrow_mut().push((name.to_owned(), value.as_ref().to_owned()));
    }

    /// The last value that [`Self::set`] gave a variable.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.env.borrow().iter().rfind(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// For scenarios that expose credentials on purpose.
    pub(crate) fn may_leak(&self) {
        self.may_leak.set(true);
    }

    /// Gives a process this home, and nothing from your own environment.
    pub(crate) fn dress(&self, command: &mut Command) {
        command.env_clear().current_dir(self.home.path());
        let home = self.home.path();
        command.env("HOME", home).env("XDG_STATE_HOME", home.join("state")).env("XDG_CONFIG_HOME", home.join("config"));
        command.env("PATH", path_with_binary()).env("LANG", "C.UTF-8").env("TERM", "xterm");
        // Not your desktop keyring: the kernel keyring is used. Scenarios about keyrings set their own.
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent").env("MFA_CRED_STORE", "kernel");
        command.envs(self.env.borrow().iter().map(|(name, value)| (name, value)));
    }

    /// From now on, everything is done by the program that is linked dynamically: a library can be put in front of the C
    /// library only there.
    pub(crate) fn links_dynamically(&self) {
        self.program.set(MAIN);
    }

    /// The program with these arguments, without a terminal.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = pty::off_terminal(self.program.get());
        self.dress(&mut command);
        command.args(words);
        command
    }

    /// Runs the program without a terminal.
    pub(crate) fn run(&self, words: &[&str]) -> Finished {
        self.run_with_stdin(words, "")
    }

    pub(crate) fn run_with_stdin(&self, words: &[&str], stdin: &str) -> Finished {
        let mut finished = pty::run(self.command(words), stdin.as_bytes(), PATIENCE);
        self.heard(&words.join(" "), &finished);
        finished.stderr = self.without_tilde(&finished.stderr);
        finished
    }

    /// A message with `~` replaced by the home's path, so that tests can compare paths. Another test checks the `~`.
    pub(crate) fn without_tilde(&self, text: &str) -> String {
        text.replace("~/", &format!("{}/", self.home().display()))
    }

    /// Runs the program with a code of the device on stdin. It must succeed.
    pub(crate) fn sign_in(&self, device: &Device, words: &[&str]) -> Finished {
        let words: Vec<&str> = words.iter().copied().chain(["--mfa-token", "-"]).collect();
        let finished = self.run_with_stdin(&words, &device.fresh_code());
        assert!(finished.status.success(), "{words:?}: {finished:?}");
        finished
    }

    /// The program on a terminal, with separate stdout and stderr.
    pub(crate) fn at_terminal(&self, words: &[&str]) -> Session {
        let mut command = Command::new(MFA_CRED);
        self.dress(&mut command);
        command.args(words);
        Pty::default().spawn(command)
    }

    /// Another program in this home, without a terminal.
    pub(crate) fn run_other(&self, program: impl AsRef<OsStr>, words: &[&str], limit: Duration) -> Finished {
        let mut command = pty::off_terminal(program);
        self.dress(&mut command);
        command.args(words);
        pty::run(command, b"", limit)
    }

    /// Keeps the output of a process, to be searched for secrets at the end.
    pub(crate) fn heard(&self, what: &str, finished: &Finished) {
        let said = format!("{}\n{}", finished.stderr, finished.terminal);
        self.said.borrow_mut().push((what.to_owned(), said));
    }

    /// The folder of sealed access keys.
    pub(crate) fn safe(&self) -> PathBuf {
        self.home.path().join(".local/share/mfa-cred-keys")
    }

    /// Takes the unlocked key of the sealed access keys from the kernel keyring, as the end of a login does.
    pub(crate) fn forget_unlocked_keys(&self) {
        let record = fs::read_to_string(self.safe().join("key-id")).unwrap_or_default();
        for id in record.lines().filter_map(|line| line.split(' ').nth(1)) {
            let _ = KernelKeyring.delete(id);
        }
    }

    /// The places where a secret appears in plain text.
    fn leaks(&self) -> Vec<String> {
        let said = self.said.borrow();
        let said = said.iter().map(|(what, text)| (format!("stderr of `{what}`"), text.clone().into_bytes()));
        // What others keep in plain text: access keys, and the tokens of identity providers.
        let is_ours = |path: &PathBuf| {
            let is_of_login = path.starts_with(self.home.path().join(".aws/login/cache"));
            !path.ends_with(".aws/credentials") && !is_of_login && path.extension().is_none_or(|kind| kind != "token")
        };
        let files = files_below(self.home.path()).into_iter().filter(is_ours);
        let files = files.map(|path| (path.display().to_string(), fs::read(&path).unwrap_or_default()));
        said.chain(files)
            .filter_map(|(place, bytes)| {
                let mut leaks = self.aws.leaks(&bytes);
                // Identity Center's tokens are shared with the AWS CLI and the SDKs, which read them in plain text.
                leaks.retain(|kind| *kind != Kind::SsoToken || !place.contains("/.aws/sso/cache/"));
                (!leaks.is_empty()).then(|| format!("{place}: {leaks:?}"))
            })
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let mut command = self.command(&["clear", "--all"]);
        // A setting that a scenario broke on purpose must not prevent the removal of its key.
        for (name, _) in self.env.borrow().iter().filter(|(name, _)| name.starts_with("MFA_CRED_")) {
            command.env_remove(name);
        }
        let cleared = pty::run(command, b"", PATIENCE);
        self.forget_unlocked_keys();
        if std::thread::panicking() {
            return;
        }
        assert!(self.may_leak.get() || self.leaks().is_empty(), "secrets in plain text: {:#?}", self.leaks());
        assert!(matches!(cleared.status.code(), Some(0 | 1)), "{cleared:?}");
    }
}

/// The actions that were called since the last time, in order.
pub(crate) fn calls(world: &World) -> Vec<String> {
    world.aws.take_calls().into_iter().map(|call| call.action).collect()
}

/// The JSON that a program printed.
pub(crate) fn json(done: &Finished) -> serde_json::Value {
    serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"))
}

/// The variables of a POSIX payload, evaluated by a shell.
pub(crate) fn evaluate(payload: &str) -> Vec<(String, String)> {
    let script = format!("{payload}\nenv -0");
    let output = Command::new("sh").args(["-c", &script]).env_clear().env("PATH", "/usr/bin:/bin").output();
    let output = output.expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.split_terminator('\0').filter_map(|line| line.split_once('=')).map(|(n, v)| (n.into(), v.into())).collect()
}

/// One variable of a POSIX payload.
pub(crate) fn variable(payload: &str, name: &str) -> String {
    let value = evaluate(payload).into_iter().find(|(known, _)| known == name);
    value.map_or_else(|| panic!("{name} is not set"), |(_, value)| value)
}

/// Puts both programs into a folder, and returns the path of the one that people start.
pub(crate) fn install(folder: &Path) -> PathBuf {
    for (program, name) in [(MAIN, "mfa-cred-main"), (MFA_CRED, "mfa-cred")] {
        let file = folder.join(name);
        // A link to another file system is impossible; a symbolic one would be resolved.
        if fs::hard_link(program, &file).is_err() {
            fs::copy(program, &file).expect("a copy");
        }
    }
    folder.join("mfa-cred")
}

fn path_with_binary() -> String {
    let folder = Path::new(MFA_CRED).parent().expect("a folder");
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default())
}
