//! One error per stage, gathered: its exit code and its hint, each in one place.
//!
//! What failed and why is the error's own text; what to do is the hint's, rendered last. Neither holds a secret.

mod hint;
pub mod setup;
mod sign_out;

use std::io;

use crate::audit::AuditError;
use crate::code::CodeError;
use crate::code::command::CommandError;
use crate::console::ConsoleError;
use crate::disk::replace::ReplaceError;
use crate::execute::base::BaseError;
use crate::execute::process::ProcessError;
use crate::execute::{ExecuteError, StsError};
use crate::exit::{Ending, ExitCode};
use crate::host::TerminalError;
use crate::iam::{DeviceError, IamError, KeysError};
use crate::names::ProfileName;
use crate::output::{Format, Inexpressible};
use crate::plan::{Origin, PlanError, SsoSession};
use crate::policy::DocumentError;
use crate::profile::ProfileError;
use crate::safe::SafeError;
use crate::serve::ServeError;
use crate::settings::SettingsError;
use crate::signin::SignInError;
use crate::sso::SsoError;
use crate::sso::login::LoginError;
use crate::sso::oidc::TokenError;
use crate::sso::turn::TurnError;
use crate::state::FolderError;
use crate::vault::passphrase::PassphraseError;
use crate::vault::{PersistentError, VaultError};
use crate::wire::WireError;

pub use setup::SetupError;
pub use sign_out::SignOutError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Options, variables, `config.ini`.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The AWS files.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// No plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// No credentials.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// An MFA device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A sign-in to IAM Identity Center.
    #[error("could not sign in to {session}")]
    SsoSignIn {
        /// Where.
        session: Box<SsoSession>,
        /// Why.
        #[source]
        why: TurnError,
    },
    /// A person who is not signed out.
    #[error(transparent)]
    SignOut(#[from] SignOutError),
    /// `list --sso` without a name, and not exactly one session.
    #[error("{}", which_session(.0))]
    WhichSsoSession(Vec<String>),
    /// A sealed access key.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A step of `setup`.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A section for other programs.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The endpoint.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A page of the AWS console.
    #[error(transparent)]
    Console(#[from] ConsoleError),
    /// A word that names a profile and may name a device.
    #[error("`{word}` is ambiguous: it is a profile, and may be a device of the user of profile `{profile}`")]
    DeviceOrProfile {
        /// What is done to the device.
        verb: &'static str,
        /// The word.
        word: ProfileName,
        /// The profile that the environment names.
        profile: ProfileName,
    },
    /// Any of these, with the profile that it is about.
    #[error(transparent)]
    Concerning(Box<Concerning>),
    /// No sealing key, where the command is about the key.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// No state folder, where the command needs one.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A value that the format cannot hold.
    #[error(transparent)]
    Inexpressible(#[from] Inexpressible),
    /// `init --prompt` for a shell that cannot tell the time by itself.
    #[error("this shell cannot show the time left without running a program")]
    NoSegment,
    /// `init --auto-renew` for a shell that cannot.
    #[error("this shell cannot renew credentials: it has no hook that runs before a command")]
    NoRenewal,
    /// Where this program is.
    #[error("the path of this program is unknown")]
    Program(#[source] io::Error),
    /// A path that no text of a shell can hold.
    #[error("the path of this program is not UTF-8")]
    NotText,
    /// `env` on a terminal, with no shell to take what it prints.
    #[error("{}", untaken(*is_by_name))]
    Untaken {
        /// The profile, as it was typed.
        profile: Option<ProfileName>,
        /// Would the shell hold the profile by name?
        is_by_name: bool,
        /// The shell's format.
        format: Format,
    },
    /// stdout does not take the payload.
    #[error("the output could not be written")]
    Output(#[source] io::Error),
    /// The command of `exec`.
    #[error("`{program}` {}", if *.is_missing { "was not found" } else { "cannot be executed" })]
    Exec {
        /// The program.
        program: String,
        /// Is there no such program?
        is_missing: bool,
    },
    /// `-` where no profile was used before.
    #[error("there is no previous profile")]
    NoneBefore,
    /// `clear` could not remove everything.
    #[error("{} cannot be removed", .path.display())]
    Kept {
        /// What is still there.
        path: std::path::PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The picker was closed without a choice.
    #[error("no profile was selected")]
    NonePicked,
    /// The picker's terminal.
    #[error(transparent)]
    Picker(TerminalError),
    /// A policy document that IAM would refuse.
    #[error(transparent)]
    Policy(#[from] DocumentError),
    /// A policy document that cannot be read.
    #[error("{name} cannot be read")]
    PolicyFile {
        /// The file.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// An audit that could not be made.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Policies that cannot be checked together, or at all.
    #[error(transparent)]
    PolicyKind(#[from] PolicyKindError),
    /// A repaired policy that does not come into its file, which is as it was.
    #[error(transparent)]
    PolicyNotWritten(#[from] ReplaceError),
    /// `login` of several profiles, some of which failed and were reported.
    #[error("could not sign in to {failed} of {all} profiles")]
    Some {
        /// How many failed.
        failed: usize,
        /// Of how many.
        all: usize,
        /// The exit code of the first.
        exit: ExitCode,
    },
    /// `keys rotate` of several keys, some of which failed and were reported.
    #[error("could not rotate {failed} of {all} access keys")]
    SomeKeys {
        /// How many failed.
        failed: usize,
        /// Of how many.
        all: usize,
        /// The exit code of the first.
        exit: ExitCode,
    },
}

/// An error and the profile that the command was for, which its hints name.
#[derive(Debug)]
pub struct Concerning {
    profile: ProfileName,
    cause: Error,
}

impl std::fmt::Display for Concerning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.cause.fmt(f)
    }
}

impl std::error::Error for Concerning {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
}

/// Policies that cannot be checked together, or at all.
#[derive(Debug, thiserror::Error)]
pub enum PolicyKindError {
    /// A trust policy and a user's.
    #[error("{first} and {other} are different kinds of policy (one has a `Principal`): check each separately")]
    Mixed {
        /// The first document.
        first: String,
        /// One of another kind.
        other: String,
    },
    /// What both allow cannot be said in one list.
    #[error(
        "a boundary and a service control policy that allows only some actions cannot be checked together: check the policies with each one separately"
    )]
    TwoLimits,
    /// No user of that name is in the files.
    #[error("the files have no policies for user `{user}`")]
    NoSuchUser {
        /// The name.
        user: String,
    },
    /// Nothing of what the files hold is of the kind that was asked for.
    #[error("the files have no policies of users, groups or roles to check")]
    NothingToJudge,
    /// A repair for several sets of policies at once.
    #[error("`--fix` repairs the policies of one user, group or role at a time, and these files have {0}")]
    ManySets(usize),
    /// An explanation for several users at once.
    #[error(
        "`--explain` is about one user, and the files have the policies of {0} users or groups: choose with `--user NAME`"
    )]
    WhichSet(usize),
    /// An explanation for a role.
    #[error("`--explain` is about a user and the ways in that a user has, not about a role or a trust policy")]
    ExplainOfRole,
    /// An explanation with an organization's policies alone.
    #[error(
        "`--explain` is about a user's policies: give them as FILE or with `--user`, and the service control policy with `--scp FILE`"
    )]
    ExplainOfOrganization,
    /// An explanation in a format that is for findings.
    #[error("`--explain` prints a table, or JSON with `--format json`")]
    FormatOfExplanation,
    /// A repair in a format that is for findings.
    #[error("`--fix` prints the repaired policies, or JSON with `--format json`")]
    FormatOfRepair,
    /// A repair written into a template or an answer.
    #[error("`--write` can only write policies that are files of their own, not policies inside other files")]
    NotItsOwnFile,
}

impl Error {
    /// How the program ends.
    pub fn ending(&self) -> Ending {
        Ending::Exit(match self {
            Self::Audit(AuditError::Signal(signal)) => return Ending::Signal(*signal),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ending::READER_GONE,

            Self::Plan(PlanError::Fido { .. }) => ExitCode::MfaRefused,
            Self::Settings(
                SettingsError::Variable { .. } | SettingsError::Token | SettingsError::PolicyNotJson { .. },
            )
            | Self::Plan(PlanError::NoRole { .. })
            | Self::Policy(_)
            | Self::PolicyFile { .. }
            | Self::Audit(
                AuditError::File { .. }
                | AuditError::Write { .. }
                | AuditError::Accounts { .. }
                | AuditError::NoAccounts(_)
                | AuditError::NoProfiles(_)
                | AuditError::Report { .. }
                | AuditError::Accept { .. },
            )
            | Self::PolicyNotWritten(_)
            | Self::Untaken { .. }
            | Self::DeviceOrProfile { .. }
            | Self::PolicyKind(_)
            | Self::WhichSsoSession(_)
            | Self::NoRenewal
            | Self::NoSegment => ExitCode::Usage,
            Self::Plan(
                PlanError::Duration { origin, .. }
                | PlanError::Refused { origin, .. }
                | PlanError::BadValue { origin, .. },
            ) if matches!(origin, Origin::Flag(_)) => ExitCode::Usage,
            Self::Vault(error) => return vault_ending(error),
            Self::Execute(error) => return execute_ending(error),
            Self::Device(error) => return device_ending(error),
            Self::Keys(error) => return keys_ending(error),
            Self::Setup(error) => return setup_ending(error),
            Self::Wire(WireError::Terminal(reason)) | Self::Picker(reason) => {
                return terminal_ending(reason, ExitCode::NobodyToAsk);
            }
            Self::Wire(WireError::NobodyThere) => ExitCode::NobodyToAsk,
            Self::Wire(WireError::Declined) | Self::NonePicked => ExitCode::Canceled,
            Self::Console(error) => return console_ending(error),
            Self::SsoSignIn { why, .. } => return sign_in_ending(why),
            Self::Concerning(about) => return about.cause.ending(),
            Self::Exec { is_missing, .. } => {
                if *is_missing {
                    ExitCode::NotFound
                } else {
                    ExitCode::NotExecutable
                }
            }
            Self::Some { exit, .. } | Self::SomeKeys { exit, .. } | Self::SignOut(SignOutError::Some { exit, .. }) => {
                *exit
            }
            Self::SignOut(SignOutError::OnlyHere { why, .. }) => return sso_ending(why),
            Self::Settings(_)
            | Self::Audit(AuditError::Quarantine { .. } | AuditError::Unfinished { .. })
            | Self::Profile(_)
            | Self::Plan(_)
            | Self::Folder(_)
            | Self::Output(_)
            | Self::Kept { .. }
            | Self::NoneBefore
            | Self::Inexpressible(_)
            | Self::Program(_)
            | Self::Wire(_)
            | Self::Serve(_)
            | Self::SignOut(_)
            | Self::NotText => ExitCode::Failed,
        })
    }

    /// The error, as one of a command for this profile.
    #[must_use]
    pub fn about(self, profile: &ProfileName) -> Self {
        match self {
            Self::Concerning(_) => self,
            cause => Self::Concerning(Box::new(Concerning { profile: profile.clone(), cause })),
        }
    }

    /// The error itself, without the profile that it is about.
    pub fn cause(&self) -> &Self {
        match self {
            Self::Concerning(about) => about.cause.cause(),
            cause => cause,
        }
    }

    /// The profile that is not there, where that is what is wrong.
    pub fn missing_profile(&self) -> Option<&ProfileName> {
        match self {
            Self::Plan(
                PlanError::UnknownProfile { name, .. }
                | PlanError::NoProfiles { name, .. }
                | PlanError::AllIgnored { name, .. },
            ) => Some(name),
            Self::Concerning(about) => about.cause.missing_profile(),
            _ => None,
        }
    }

    /// Is there a profile that may have been meant by the one that is not there?
    pub fn has_likely_profiles(&self) -> bool {
        match self {
            Self::Plan(PlanError::UnknownProfile { likely, .. }) => !likely.is_empty(),
            Self::Plan(PlanError::AllIgnored { .. }) => true,
            Self::Concerning(about) => about.cause.has_likely_profiles(),
            _ => false,
        }
    }

    /// Does it help if the person signs in to IAM Identity Center?
    pub fn needs_sign_in(&self) -> bool {
        matches!(self, Self::Execute(ExecuteError::Base(BaseError::Sso(error))) if error.needs_sign_in())
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        hint::of(self, None)
    }
}

fn untaken(is_by_name: bool) -> &'static str {
    if is_by_name {
        "this output has no effect unless a shell evaluates it"
    } else {
        "credentials are not printed to a terminal, which would keep them in its scrollback"
    }
}

fn vault_ending(error: &VaultError) -> Ending {
    match error {
        VaultError::Passphrase(PassphraseError::Terminal(reason)) => terminal_ending(reason, ExitCode::Keyring),
        VaultError::Demanded { .. } | VaultError::Passphrase(_) | VaultError::Left { .. } => {
            Ending::Exit(ExitCode::Keyring)
        }
        _ => Ending::Exit(ExitCode::Failed),
    }
}

fn safe_ending(error: &SafeError) -> Ending {
    let SafeError::Key(error) = error else { return Ending::Exit(ExitCode::Failed) };
    match error {
        PersistentError::Passphrase(PassphraseError::Terminal(reason)) => terminal_ending(reason, ExitCode::Keyring),
        PersistentError::Passphrase(PassphraseError::File(_))
        | PersistentError::Folder(_)
        | PersistentError::Seal(_) => Ending::Exit(ExitCode::Failed),
        PersistentError::Store { .. }
        | PersistentError::Lost(_)
        | PersistentError::Passphrase(_)
        | PersistentError::Busy(_) => Ending::Exit(ExitCode::Keyring),
    }
}

fn keys_ending(error: &KeysError) -> Ending {
    Ending::Exit(match error {
        KeysError::Safe(error) => return safe_ending(error),
        KeysError::NotTaken { error, .. }
        | KeysError::NotAccepted { error, .. }
        | KeysError::Call { error: IamError::Call(error), .. } => call_exit(error),
        KeysError::Call { .. } => ExitCode::AwsRefused,
        KeysError::Signal(signal) => return Ending::Signal(*signal),
        KeysError::Terminal(reason) => return terminal_ending(reason, ExitCode::NobodyToAsk),
        KeysError::NobodyThere(_) | KeysError::NobodyToType => ExitCode::NobodyToAsk,
        KeysError::Declined => ExitCode::Canceled,
        _ => ExitCode::Failed,
    })
}

fn setup_ending(error: &SetupError) -> Ending {
    match error {
        SetupError::Terminal(reason) => terminal_ending(reason, ExitCode::NobodyToAsk),
        SetupError::NobodyThere | SetupError::NoKey(_) => Ending::Exit(ExitCode::NobodyToAsk),
        SetupError::Unusable { .. } => Ending::Exit(ExitCode::MfaRefused),
        SetupError::RoleRefused(_) => Ending::Exit(ExitCode::AwsRefused),
        SetupError::Role(_) | SetupError::StdinTwice => Ending::Exit(ExitCode::Usage),
        _ => Ending::Exit(ExitCode::Failed),
    }
}

fn which_session(names: &[String]) -> String {
    match names {
        [] => "the config file has no `[sso-session NAME]`".to_owned(),
        names => format!("there are several SSO sessions: name one of `{}`", names.join("`, `")),
    }
}

fn console_ending(error: &ConsoleError) -> Ending {
    Ending::Exit(match error {
        ConsoleError::Terminal(reason) => return terminal_ending(reason, ExitCode::NobodyToAsk),
        ConsoleError::Elsewhere { .. }
        | ConsoleError::NoSuchPage { .. }
        | ConsoleError::LogoutOfStartPage
        | ConsoleError::Command => ExitCode::Usage,
        ConsoleError::Call(error) => call_exit(error),
        _ => ExitCode::Failed,
    })
}

fn sign_in_ending(error: &TurnError) -> Ending {
    let TurnError::Login(error) = error else {
        return Ending::Exit(match error {
            TurnError::NobodyToAsk | TurnError::CanceledElsewhere => ExitCode::NobodyToAsk,
            _ => ExitCode::Failed,
        });
    };
    Ending::Exit(match error {
        LoginError::Terminal(reason) => return terminal_ending(reason, ExitCode::NobodyToAsk),
        LoginError::Denied => ExitCode::MfaRefused,
        LoginError::TimedOut(_) => ExitCode::NobodyToAsk,
        LoginError::Register(error)
        | LoginError::Start(TokenError::Call(error))
        | LoginError::Exchange(TokenError::Call(error)) => call_exit(error),
        LoginError::Start(_) | LoginError::Exchange(_) | LoginError::Page(_) => ExitCode::AwsRefused,
        LoginError::Port(_) => ExitCode::Failed,
    })
}

fn execute_ending(error: &ExecuteError) -> Ending {
    Ending::Exit(match error {
        ExecuteError::Code(error) => return code_ending(error),
        ExecuteError::CanceledElsewhere(_) => ExitCode::NobodyToAsk,
        ExecuteError::Base(BaseError::Process { why: ProcessError::Command(CommandError::Signal(signal)), .. }) => {
            return Ending::Signal(*signal);
        }
        ExecuteError::Base(BaseError::Sealed(error)) => return safe_ending(error),
        ExecuteError::Base(BaseError::SignIn(error)) => sign_in_exit(error),
        ExecuteError::Base(BaseError::Sso(error)) => return sso_ending(error),
        ExecuteError::Base(_) | ExecuteError::Client(_) | ExecuteError::NoDevice(_) => ExitCode::Failed,
        ExecuteError::Vault(error) => return vault_ending(error),
        ExecuteError::Call { error, .. } => call_exit(error),
    })
}

fn sign_in_exit(error: &SignInError) -> ExitCode {
    match error {
        error if error.needs_a_person() => ExitCode::NobodyToAsk,
        SignInError::Call { error, .. } => call_exit(error),
        _ => ExitCode::Failed,
    }
}

fn sso_ending(error: &SsoError) -> Ending {
    Ending::Exit(match error {
        error if error.needs_sign_in() => ExitCode::NobodyToAsk,
        SsoError::NoAccess { .. } => ExitCode::AwsRefused,
        SsoError::Call { error, .. } => call_exit(error),
        SsoError::Signal(signal) => return Ending::Signal(*signal),
        _ => ExitCode::Failed,
    })
}

/// A question without an answer. `absent` is the exit code if nobody could be asked.
fn terminal_ending(reason: &TerminalError, absent: ExitCode) -> Ending {
    match reason {
        TerminalError::Signal(signal) => Ending::Signal(*signal),
        TerminalError::Unread => Ending::READER_GONE,
        TerminalError::Canceled | TerminalError::Closed => Ending::Exit(ExitCode::Canceled),
        TerminalError::TimedOut(_) => Ending::Exit(ExitCode::NobodyToAsk),
        _ => Ending::Exit(absent),
    }
}

fn code_ending(error: &CodeError) -> Ending {
    Ending::Exit(match error {
        CodeError::Terminal(reason) => return terminal_ending(reason, ExitCode::NobodyToAsk),
        CodeError::NobodyToAsk(_) => ExitCode::NobodyToAsk,
        CodeError::Spent(_) | CodeError::NotACode => ExitCode::MfaRefused,
        CodeError::Stdin => ExitCode::Usage,
        CodeError::Process { .. } => ExitCode::Failed,
        CodeError::Seed(error) => return safe_ending(error),
    })
}

fn call_exit(error: &StsError) -> ExitCode {
    match error {
        _ if error.is_wrong_code() || error.is_wrong_serial() => ExitCode::MfaRefused,
        StsError::Refused { .. } | StsError::Throttled => ExitCode::AwsRefused,
        StsError::Unavailable(_)
        | StsError::Unreadable
        | StsError::TooLong
        | StsError::Lost(_)
        | StsError::Unreachable(_) => ExitCode::Network,
        StsError::Over { .. } | StsError::Unusable(_) => ExitCode::Failed,
    }
}

fn device_ending(error: &DeviceError) -> Ending {
    Ending::Exit(match error {
        DeviceError::Left { cause, .. } => return device_ending(cause),
        DeviceError::Code(error) => return code_ending(error),
        DeviceError::Who(error) | DeviceError::Call { error: IamError::Call(error), .. } => call_exit(error),
        DeviceError::Call { error: IamError::WrongCodes(_), .. } => ExitCode::MfaRefused,
        DeviceError::Call { .. } => ExitCode::AwsRefused,
        DeviceError::Safe(error) => return safe_ending(error),
        DeviceError::NobodyThere(_) | DeviceError::NobodyToType => ExitCode::NobodyToAsk,
        DeviceError::Declined => ExitCode::Canceled,
        _ => ExitCode::Failed,
    })
}
