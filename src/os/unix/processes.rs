//! Processes: this one, its parent, and commands that it runs.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::{Pid, getppid, test_kill_process};
use signal_hook::low_level::emulate_default_handler;

pub use super::family::kill as kill_family;
use super::streams::close_what_was_closed;

/// The user's shell where no variable names it.
pub const USUAL_SHELL: &str = "/bin/sh";
/// The signal that ends a program whose output nobody reads.
pub const READER_GONE: Option<i32> = Some(signal_hook::consts::SIGPIPE);

/// The number of this process's user.
pub fn user_id() -> String {
    rustix::process::geteuid().to_string()
}

/// The name of this process's user as the system's own `id` knows it. A program linked statically with musl reads
/// `/etc/passwd` alone, and cannot load what `nsswitch.conf` names besides, such as LDAP or SSSD.
#[cfg(target_env = "musl")]
pub fn user_name_elsewhere() -> Option<String> {
    let said = Command::new("/usr/bin/id").arg("-un").stdin(std::process::Stdio::null()).output().ok()?;
    // Without a name it prints the number, and fails.
    let name = String::from_utf8(said.stdout).ok()?.trim_end().to_owned();
    (said.status.success() && !name.is_empty()).then_some(name)
}

/// The C library has asked everybody.
#[cfg(not(target_env = "musl"))]
pub fn user_name_elsewhere() -> Option<String> {
    None
}

/// Is it the number of a user who is neither this process's nor root?
pub fn is_stranger(user: u32) -> bool {
    ![0, rustix::process::geteuid().as_raw()].contains(&user)
}

/// The name of the parent process's program.
#[cfg(target_os = "linux")]
pub fn parent() -> Option<String> {
    let parent = getppid()?.as_raw_nonzero();
    fs::read_to_string(format!("/proc/{parent}/comm")).ok().map(|name| name.trim_end().to_owned())
}

/// The same from `ps`, which prints the path on macOS, and `-zsh` for a shell that is a login shell.
#[cfg(not(target_os = "linux"))]
pub fn parent() -> Option<String> {
    let parent = getppid()?.as_raw_nonzero().to_string();
    let listed = Command::new("ps").args(["-o", "comm=", "-p", &parent]).output().ok()?;
    let text = String::from_utf8(listed.stdout).ok()?;
    let name = text.trim().rsplit('/').next()?.trim_start_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

/// Reads CLOCK_BOOTTIME, which takes no system call. Other systems have no such clock.
#[cfg(target_os = "linux")]
pub fn since_boot() -> Option<Duration> {
    rustix::time::clock_gettime(rustix::time::ClockId::Boottime).try_into().ok()
}

/// Not known here.
#[cfg(not(target_os = "linux"))]
pub fn since_boot() -> Option<Duration> {
    None
}

/// Turns core dumps off and keeps debuggers of the same user out. A command that replaces this process does not inherit
/// that.
pub fn refuse_core_dumps() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Is there a process with that number?
pub fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // Another user's process cannot be signaled, but is alive.
    pid.is_some_and(|pid| !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH)))
}

/// Has a signal stopped the process (not a debugger, which stops it at each step)? `false` where the system does not tell.
pub fn is_stopped(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The process name before it may contain any character, so only the last parenthesis counts.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

/// Ends this process with `signal`, regardless of handlers, so that the parent sees how it ended (a shell: 128+n).
///
/// Destructors do not run: the caller must have dropped what matters.
pub fn die_of(signal: i32) -> ! {
    // There is no use in reporting this: the next line also ends the process, with another signal.
    let _ = emulate_default_handler(signal);
    std::process::abort()
}

/// The signals of the terminal will not reach the command.
pub fn set_apart(command: &mut Command) {
    command.process_group(0);
}

/// A command line in the shell that every system has.
pub fn shell(line: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(line);
    shell
}

/// The words of a command line, if it starts one program and needs no shell.
pub fn words(line: &str) -> Option<Vec<String>> {
    shlex::split(line)
}

/// Starts a command.
///
/// # Errors
/// The system's error.
pub fn spawned(command: &mut Command) -> io::Result<Child> {
    command.spawn()
}

/// Replaces this process with the command.
///
/// # Errors
/// The command could not be started. This returns only then.
pub fn become_command(mut command: Command) -> io::Result<u8> {
    close_what_was_closed();
    Err(command.exec())
}
