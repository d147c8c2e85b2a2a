//! Processes: this one, and commands that it runs.

use std::io;
use std::os::windows::process::CommandExt;
use std::process::{Child, Command};
use std::time::Duration;

use super::events::Signals;

/// The user's shell where no variable names it.
pub const USUAL_SHELL: &str = "cmd";
/// No signal ends a program whose output nobody reads.
pub const READER_GONE: Option<i32> = None;

/// Users have no numbers here.
pub fn user_id() -> String {
    "unknown".to_owned()
}

/// There is nobody else to ask.
pub fn user_name_elsewhere() -> Option<String> {
    None
}

/// Not known here.
pub fn is_stranger(_: u32) -> bool {
    false
}

/// Not known here. The shells of this system that are started by name say so by `--format`.
pub fn parent() -> Option<String> {
    None
}

/// Not known here.
pub fn since_boot() -> Option<Duration> {
    None
}

/// Does nothing: the system writes no core dumps by itself.
pub fn refuse_core_dumps() {}

/// Not known here.
pub fn is_alive(_: u32) -> bool {
    true
}

/// Processes are not stopped here.
pub fn is_stopped(_: u32) -> bool {
    false
}

/// Ends this process with the code that shells give to one that was ended by `signal`.
pub fn die_of(signal: i32) -> ! {
    #[expect(clippy::exit, reason = "no signal can end it here, and everything that matters was dropped")]
    std::process::exit(128 + signal)
}

/// Ctrl-C will not reach the command.
pub fn set_apart(command: &mut Command) {
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// A command line in the shell that every system has. It is passed on as it is: `cmd` does not understand the quotes that
/// would be added around an argument. With `/S`, it removes the outer ones and nothing else; `/D` keeps out what the
/// registry would run first.
pub fn shell(line: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.args(["/D", "/S", "/C"]).raw_arg(format!("\"{line}\""));
    shell
}

/// The words of a command line, if it starts one program and needs no shell. A backslash is a character like any other, and
/// quotes keep blanks.
pub fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let (mut word, mut is_quoted): (Option<String>, bool) = (None, false);
    for c in line.chars() {
        match c {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            c if c.is_ascii_whitespace() && !is_quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (!is_quoted).then_some(words)
}

/// Kills the processes that a command started.
pub fn kill_family(root: u32, _mark: &str) {
    // A job object would do it, but needs unsafe code. This tool has been part of the system since Windows XP.
    let _ = Command::new("taskkill")
        .args(["/T", "/F", "/PID", &root.to_string()])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
}

/// Runs the command and ends with its exit code, which has 32 bits here: no process can be replaced. Ctrl-C is for the
/// command, and ends this process only together with it.
///
/// # Errors
/// The command could not be started. This returns only then.
pub fn become_command(mut command: Command) -> io::Result<u8> {
    let _held = Signals::to_end();
    let code = spawned(&mut command)?.wait()?.code().unwrap_or(1);
    #[expect(
        clippy::exit,
        reason = "the code does not fit into an `ExitCode`, and everything that matters was dropped"
    )]
    std::process::exit(code)
}

/// Starts a command. A name without a folder is looked for as shells do, with the extensions of `PATHEXT`: the library
/// would find only `.exe`.
///
/// # Errors
/// The system's error.
pub fn spawned(command: &mut Command) -> io::Result<Child> {
    let Some(found) = which::which(command.get_program()).ok().filter(|found| !is_exe(found)) else {
        return command.spawn();
    };
    let mut script = Command::new(found);
    script.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    script.spawn()
}

fn is_exe(path: &std::path::Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("exe"))
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn backslashes_belong_to_paths_and_quotes_keep_blanks() {
        for (line, wanted) in [
            (r"C:\bin\mfa-cred.exe process x", Some(&[r"C:\bin\mfa-cred.exe", "process", "x"][..])),
            (
                r#""C:\Program Files\mfa-cred.exe" process "a b""#,
                Some(&[r"C:\Program Files\mfa-cred.exe", "process", "a b"]),
            ),
            (r#"a"b c"d """#, Some(&["ab cd", ""])),
            ("  ", Some(&[])),
            (r#""a"#, None),
        ] {
            assert_eq!(
                words(line).as_deref(),
                wanted.map(|words| words.iter().map(ToString::to_string).collect::<Vec<_>>()).as_deref(),
                "{line}"
            );
        }
    }
}
