//! How the program ends.

use std::fmt;

/// What the exit code says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExitCode {
    /// What was asked for was done.
    Done,
    /// Files, profiles, plans; a verdict that does not hold.
    Failed,
    /// The command line, and values on it.
    Usage,
    /// Not signed in, and nobody could be asked.
    NobodyToAsk,
    /// The MFA code or device was refused.
    MfaRefused,
    /// AWS refused the request.
    AwsRefused,
    /// AWS could not be reached.
    Network,
    /// The keyring, where one was demanded.
    Keyring,
    /// `exec`: the command cannot be executed, as in a shell.
    NotExecutable,
    /// `exec`: there is no such command, as in a shell.
    NotFound,
    /// The person canceled.
    Canceled,
    /// `exec`: that of the command.
    OfCommand(u8),
}

impl ExitCode {
    /// All of ours, in the order of their numbers.
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

    /// The number.
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

    /// What it means, for the help and the manual page.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed: files, profiles, plans, or a check that found something",
            Self::Usage => "wrong usage, including values on the command line",
            Self::NobodyToAsk => "not signed in, and nobody could be asked for a code",
            Self::MfaRefused => "AWS refused the MFA code or device",
            Self::AwsRefused => "AWS refused the request",
            Self::Network => "AWS could not be reached",
            Self::Keyring => "the keyring that `--store` demands cannot be used",
            Self::NotExecutable => "`exec`: the command cannot be executed",
            Self::NotFound => "`exec`: the command was not found; otherwise `exec` ends with the command's own code",
            Self::Canceled => "canceled",
            Self::OfCommand(_) => "that of the command",
        }
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// How a program ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// With an exit code.
    Exit(ExitCode),
    /// By the signal that it was sent, after the terminal was restored.
    Signal(i32),
}

#[cfg(unix)]
impl Ending {
    /// Nobody reads stdout any more, as after `| head`: by the signal that ends `cat` and `ls` then, without a word. Rust
    /// ignores that signal from the start, so that a closed pipe is an error that can be told from others.
    pub const READER_GONE: Self = Self::Signal(signal_hook::consts::SIGPIPE);
}
