//! The exit codes of the program.

use std::fmt;

use crate::os::processes::READER_GONE;

/// What an exit code means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExitCode {
    /// The command did what was asked.
    Done,
    /// Files, profiles or plans failed, or a check found something.
    Failed,
    /// Wrong command line, or an invalid value on it.
    Usage,
    /// Not signed in, and there is no one to ask for a code.
    NobodyToAsk,
    /// AWS refused the MFA code or the device, or the person denied the sign-in in the browser.
    MfaRefused,
    /// AWS refused the request.
    AwsRefused,
    /// AWS could not be reached.
    Network,
    /// The keyring that `--store` requires cannot be used.
    Keyring,
    /// `exec`: the command cannot be executed. The same number as in a shell.
    NotExecutable,
    /// `exec`: the command was not found. The same number as in a shell.
    NotFound,
    /// The user canceled.
    Canceled,
    /// `exec`: the command's own exit code.
    OfCommand(u8),
}

impl ExitCode {
    /// All of this program's own exit codes, in ascending order.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::NobodyToAsk,
        Self::MfaRefused,
        Self::AwsRefused,
        Self::Network,
        Self::Keyring,
        Self::NotExecutable,
        Self::NotFound,
        Self::Canceled,
    ];

    /// The number that the process exits with.
    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NobodyToAsk => 3,
            Self::MfaRefused => 4,
            Self::AwsRefused => 5,
            Self::Network => 6,
            Self::Keyring => 7,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
            Self::Canceled => 130,
            Self::OfCommand(code) => code,
        }
    }

    /// The meaning, for the help and the manual page.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed: a problem with files, profiles or plans, or a check that found something",
            Self::Usage => "wrong usage, including invalid values on the command line",
            Self::NobodyToAsk => "not signed in, and no one could be asked for a code or to sign in",
            Self::MfaRefused => "AWS refused the MFA code or device, or the sign-in was denied in the browser",
            Self::AwsRefused => "AWS refused the request",
            Self::Network => "AWS could not be reached",
            Self::Keyring => "the keyring that `--store` requires cannot be used",
            Self::NotExecutable => "`exec`: the command cannot be executed",
            Self::NotFound => "`exec`: the command was not found; otherwise `exec` exits with the code of the command",
            Self::Canceled => "canceled",
            Self::OfCommand(_) => "the exit code of the command",
        }
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// How the process ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// With an exit code.
    Exit(ExitCode),
    /// By the signal that it received, after the terminal is restored.
    Signal(i32),
}

impl Ending {
    /// Nothing reads stdout anymore, as after `| head`: die silently by SIGPIPE, as `cat` and `ls` do. Rust ignores
    /// that signal at startup, so a closed pipe is an error that can be told apart from others.
    pub const READER_GONE: Self = match READER_GONE {
        Some(signal) => Self::Signal(signal),
        None => Self::Exit(ExitCode::Failed),
    };
}
