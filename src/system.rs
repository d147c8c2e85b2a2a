//! The real host: this process, this machine.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use jiff::Timestamp;

use crate::host::{Clock, Env, Files, Folders};
use crate::secret::Secret;

/// This process's environment, and its files, clock and folders.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Env for System {
    fn os(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name).filter(|value| !value.is_empty())
    }
}

impl Files for System {
    fn read(&self, path: &Path) -> io::Result<Secret<Vec<u8>>> {
        fs::read(path).map(Secret::new)
    }
}

impl Clock for System {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn since_boot(&self) -> Option<Duration> {
        since_boot()
    }

    fn boot(&self) -> Option<String> {
        fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim_end().to_owned())
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// CLOCK_BOOTTIME, as Linux also writes it; elsewhere there is no such file.
fn since_boot() -> Option<Duration> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    uptime.split('.').next()?.parse().ok().map(Duration::from_secs)
}

/// This user's folders, as the system has them.
pub fn folders() -> Folders {
    Folders {
        home: dirs::home_dir(),
        config: dirs::config_dir(),
        // macOS and Windows have no folder for state.
        state: dirs::state_dir().or_else(dirs::data_local_dir),
    }
}

/// The name of the user that the process belongs to, by user id and not by `$USER`, which anybody can set.
pub fn user() -> String {
    whoami::username().unwrap_or_default()
}

/// The name of the program that started this one.
pub fn parent() -> Option<String> {
    parent_name()
}

#[cfg(target_os = "linux")]
fn parent_name() -> Option<String> {
    let parent = rustix::process::getppid()?;
    fs::read_to_string(format!("/proc/{parent}/comm")).ok().map(|name| name.trim_end().to_owned())
}

#[cfg(not(target_os = "linux"))]
fn parent_name() -> Option<String> {
    None
}

/// Core dumps off, and no debugger of the same user attached: memory holds secrets. Undone by `exec`, so that a
/// command inherits nothing of it.
pub fn refuse_core_dumps() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Ends this process by a signal, so that whoever waits for it sees that signal.
pub fn die_of(signal: i32) -> ExitCode {
    #[cfg(unix)]
    crate::code::signals::die_of(signal);
    #[cfg(not(unix))]
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
}

/// Replaces this process with the command.
///
/// # Errors
/// The command could not be started; on Unix the only way that this returns.
#[cfg(unix)]
pub fn become_command(mut command: Command) -> io::Result<u8> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

/// Runs the command and gives its exit code: Windows cannot replace a process.
///
/// # Errors
/// The command could not be started.
#[cfg(not(unix))]
pub fn become_command(mut command: Command) -> io::Result<u8> {
    let status = command.status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
