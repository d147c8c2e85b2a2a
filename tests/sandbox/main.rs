//! A shell to try mfa-cred in: `cargo run --example sandbox [-- CMD…]`.
//!
//! It has its own home folder, AWS and MFA device, and removes them at the end. The shell (or CMD) runs with the
//! freshly built `mfa-cred` first in its PATH; none of the caller's AWS configuration gets in, and nothing is sent
//! beyond this machine. The exit code is the command's.

#[allow(dead_code, unused_imports, reason = "it is the tests' AWS, and this uses a part of it")]
#[path = "../support/aws/mod.rs"]
mod aws;

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use aws::{Aws, Device, RoleSpec};
use tempfile::TempDir;

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        say(&format!("sandbox: {error}"));
        ExitCode::FAILURE
    })
}

fn run() -> io::Result<ExitCode> {
    let program = build()?;
    let signals = Signals::catch()?;
    let home = private_home()?;
    let aws = Arc::new(Aws::start());
    let device = furnish(&aws, home.path())?;
    let phone = Phone::switch_on(Arc::clone(&aws), &device, home.path())?;
    let folder = program.parent().unwrap_or(Path::new("/"));
    let inside = |name: &OsStr| -> io::Result<Command> {
        let mut command = Command::new(name);
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = [home.path().join("bin"), folder.to_owned()].into_iter().chain(env::split_paths(&path));
        let path = env::join_paths(folders).map_err(io::Error::other)?;
        isolate(&mut command, home.path());
        command.env("PATH", path).env("AWS_ENDPOINT_URL", aws.url());
        Ok(command)
    };

    let mut words = env::args_os().skip(1);
    let mut command = if let Some(name) = words.next() {
        let mut command = inside(&name)?;
        command.args(words);
        command
    } else {
        explain(&aws, home.path());
        inside(&shell())?
    };
    let status = match command.spawn() {
        Ok(child) => signals.wait(child).map(exit_code),
        Err(error) => {
            say(&format!("sandbox: `{}`: {error}", command.get_program().display()));
            Ok(ExitCode::from(127))
        }
    };

    // The sealing key is outside this home, in the system's keyring.
    let cleared = inside(program.as_os_str())?.args(["clear", "--all"]).stdin(Stdio::null()).output()?;
    if !cleared.status.success() {
        let reason = String::from_utf8_lossy(&cleared.stderr);
        say(&format!("sandbox: `mfa-cred clear --all` failed, a sealing key may be left behind: {}", reason.trim()));
    }
    phone.switch_off();
    remove(home)?;
    status
}

/// Removes the home; tries repeatedly while a program started by the shell still writes into it.
fn remove(home: TempDir) -> io::Result<()> {
    let path = home.keep();
    for _ in 0..20 {
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                thread::sleep(Duration::from_millis(100));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            result => return result,
        }
    }
    fs::remove_dir_all(&path)
}

/// Builds both programs and returns the path of `mfa-cred`. They are built together with this example, because cargo then
/// enables the same features of their dependencies as for the tests; built alone they would need other features, and all
/// dependencies would be compiled again. Cargo's messages are shown.
fn build() -> io::Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--bins", "--example", "sandbox", "--message-format=json-render-diagnostics"]);
    cargo.args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]).stderr(Stdio::inherit());
    // Variables that `cargo run` sets for this program; a build script that watches such a variable would run again.
    for (name, _) in env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "OUT_DIR"]
            .iter()
            .any(|start| starts(&name, start))
        {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output()?;
    let messages = output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    let is_it = |message: &serde_json::Value| message["target"]["name"] == "mfa-cred";
    let mut programs = messages.filter(is_it).filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    programs.next_back().filter(|_| output.status.success()).ok_or_else(|| io::Error::other("`cargo build` failed"))
}

/// A new home folder, which only its owner can access.
fn private_home() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("mfa-cred-sandbox-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}

/// Adds a user with a device, one without, and roles to the account, and writes the users' files into the home. The
/// profiles have the names of the documentation, so that its commands can be tried as printed.
fn furnish(aws: &Aws, home: &Path) -> io::Result<Device> {
    let user = aws.add_user("my-user");
    let device = aws.add_device("my-user", "my-phone");
    let mut config = "[profile my-user]\nregion = ap-northeast-1\n".to_owned();
    for name in ["my-test-role", "my-other-role", "my-admin-role"] {
        let role = RoleSpec::new(name).trust_user("my-user").require_mfa().max_duration(43_200).allow_tags();
        let (role, serial) = (aws.add_role(role), device.serial());
        let profile = [
            format!("\n[profile {name}]\n"),
            format!("role_arn = {role}\nsource_profile = my-user\nmfa_serial = {serial}\n"),
            "region = ap-northeast-1\n".to_owned(),
        ];
        config.extend(profile);
    }
    let plain = aws.add_role(RoleSpec::new("my-plain-role").trust_user("my-user"));
    config.push_str(&format!("\n[profile my-plain-role]\nrole_arn = {plain}\nsource_profile = my-user\n"));
    let keys = format!("[my-user]\naws_access_key_id = {}\naws_secret_access_key = {}\n", user.id, user.secret);
    let new = aws.add_user("new-user");
    let csv = format!("\u{feff}Access key ID,Secret access key\r\n{},{}\r\n", new.id, new.secret);
    write(&home.join("new-user_accessKeys.csv"), &csv, 0o600)?;
    fs::create_dir(home.join(".aws"))?;
    fs::create_dir(home.join("bin"))?;
    write(&home.join(".aws/config"), &config, 0o600)?;
    write(&home.join(".aws/credentials"), &keys, 0o600)?;
    write(&home.join(".bashrc"), "PS1='(sandbox) \\w \\$ '\n", 0o600)?;
    // Without it zsh asks a new user questions.
    write(&home.join(".zshrc"), "PROMPT='(sandbox) %~ %# '\n", 0o600)?;
    Ok(device)
}

/// Gives a command the home, and removes the caller's variables about AWS, mfa-cred and folders.
fn isolate(command: &mut Command, home: &Path) {
    for (name, _) in env::vars_os() {
        if ["AWS_", "AWSUME_", "MFA_CRED_", "CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| starts(&name, start)) {
            command.env_remove(name);
        }
    }
    command.env("HOME", home).env("USERPROFILE", home).env_remove("ZDOTDIR").env_remove("ENV").env_remove("BASH_ENV");
    for (name, folder) in [
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_STATE_HOME", ".local/state"),
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_CACHE_HOME", ".cache"),
    ] {
        command.env(name, home.join(folder));
    }
}

fn explain(aws: &Aws, home: &Path) {
    say(&format!("A sandbox: its AWS is {},", aws.url()));
    say(&format!("its HOME is {}; `exit` removes both.", home.display()));
    say("Get a code first, then sign in and type it. A code is valid once, for 30 s.");
    say("  mfa-code                            print the current MFA code");
    say("  eval $(mfa-cred my-test-role)       set the role's credentials in this shell");
    say("  mfa-cred exec my-other-role -- env  run a command with another role's");
    say("  mfa-cred setup --csv ~/new-user_accessKeys.csv");
    say("                                      set up a new user, who has no device yet;");
    say("                                      codes of its device, in another terminal:");
    say(&format!("    {}/bin/mfa-code DEVICE", home.display()));
    say("Profiles: my-user (access key); my-test-role, my-other-role, and my-admin-role");
    say("(roles that require MFA); my-plain-role (a role that does not).");
}

/// The devices in the person's hand: a program `mfa-code [DEVICE]` that prints the code that a device shows, in real
/// time. A newly created device works, too, as if its QR code had been scanned.
struct Phone {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

/// How often to check whether a device was added or a code changed.
const GLANCE: Duration = Duration::from_millis(200);

impl Phone {
    /// The first code exists when this returns.
    fn switch_on(aws: Arc<Aws>, usual: &Device, home: &Path) -> io::Result<Self> {
        let folder = home.join(".mfa-codes");
        fs::create_dir(&folder)?;
        show(&aws, &folder)?;
        let (codes, usual) = (folder.display(), name_of(usual.serial()).to_owned());
        if cfg!(windows) {
            let script = format!("@if \"%~1\"==\"\" (type \"{codes}\\{usual}\") else (type \"{codes}\\%~1\")\r\n");
            write(&home.join("bin/mfa-code.cmd"), &script, 0o700)?;
        } else {
            let script = format!("#!/bin/sh\nexec cat '{codes}/'\"${{1:-{usual}}}\"\n");
            write(&home.join("bin/mfa-code"), &script, 0o700)?;
        }
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            while stopped.recv_timeout(GLANCE) == Err(RecvTimeoutError::Timeout) {
                // With a full disk, the old code remains, and AWS refuses it.
                drop(show(&aws, &folder));
            }
        });
        Ok(Self { stop, thread })
    }

    fn switch_off(self) {
        drop(self.stop);
        drop(self.thread.join());
    }
}

/// Writes the code of each device into a file with its name, if it has changed.
fn show(aws: &Aws, folder: &Path) -> io::Result<()> {
    for (serial, _) in aws.devices() {
        let Some(device) = aws.device(&serial) else { continue };
        let (display, shown) = (folder.join(name_of(&serial)), format!("{}\n", device.code_now()));
        if fs::read_to_string(&display).is_ok_and(|text| text == shown) {
            continue;
        }
        // A rename, so that nobody reads an incomplete code.
        let next = folder.join(".next");
        write(&next, &shown, 0o600)?;
        fs::rename(&next, &display)?;
    }
    Ok(())
}

fn name_of(serial: &str) -> &str {
    serial.rsplit('/').next().unwrap_or(serial)
}

/// Ctrl-C and Ctrl-\ are for the program inside; a signal that ends the sandbox ends that program first.
#[cfg(unix)]
struct Signals(std::sync::Arc<std::sync::atomic::AtomicBool>);

#[cfg(unix)]
impl Signals {
    /// Handlers, since an ignored signal would stay ignored in the programs that are started.
    fn catch() -> io::Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

        for signal in [SIGINT, SIGQUIT] {
            signal_hook::flag::register(signal, std::sync::Arc::default())?;
        }
        let ending = std::sync::Arc::default();
        for signal in [SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, std::sync::Arc::clone(&ending))?;
        }
        Ok(Self(ending))
    }

    fn wait(&self, mut child: Child) -> io::Result<ExitStatus> {
        use std::sync::atomic::Ordering;

        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if self.0.swap(false, Ordering::SeqCst) {
                // An interactive shell ends on a hang-up, but not on SIGTERM.
                rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::HUP)?;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Ctrl-C is for the program inside.
#[cfg(not(unix))]
struct Signals(Option<mfa_cred::os::events::Signals>);

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    fn catch() -> io::Result<Self> {
        Ok(Self(mfa_cred::os::events::Signals::to_end()))
    }

    fn wait(&self, mut child: Child) -> io::Result<ExitStatus> {
        let ended = child.wait();
        // What was pressed has reached the program inside, too.
        let _ = self.0.as_ref().map(mfa_cred::os::events::Signals::take);
        ended
    }
}

fn shell() -> OsString {
    let (name, usual) = if cfg!(windows) { ("COMSPEC", "cmd.exe") } else { ("SHELL", "/bin/sh") };
    env::var_os(name).unwrap_or_else(|| usual.into())
}

/// The command's own exit code, or 128 plus the number of its signal.
fn exit_code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    let code = status.code().or(signal.map(|signal: i32| 128 + signal)).unwrap_or(1);
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Writes a file with its final mode from the moment it exists.
fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)?.write_all(text.as_bytes())
}

fn starts(name: &OsStr, prefix: &str) -> bool {
    name.as_encoded_bytes().starts_with(prefix.as_bytes())
}

/// One line for the person; a closed stderr is no error.
fn say(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}
