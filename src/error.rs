//! One error per stage, gathered: its exit code and its hint, each in one place.
//!
//! What failed and why is the error's own text; what to do is the hint's, rendered last. Neither holds a secret.

use std::io;

use crate::cache::FolderError;
use crate::code::CodeError;
use crate::code::command::CommandError;
use crate::disk::replace::ReplaceError;
use crate::disk::trust::Distrust;
use crate::execute::base::BaseError;
use crate::execute::process::ProcessError;
use crate::execute::{ExecuteError, StsError};
use crate::host::TerminalError;
use crate::iam::{DeviceError, IamError};
use crate::names::ProfileName;
use crate::output::{Format, Inexpressible};
use crate::plan::{AssumeRole, Origin, PlanError, Step};
use crate::policy::DocumentError;
use crate::profile::ProfileError;
use crate::settings::SettingsError;
use crate::talk::ours;
use crate::vault::VaultError;
use crate::vault::passphrase::PassphraseError;

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
    /// A word that is a profile's name, and may be a device's.
    #[error("`{word}` is a profile, and may be a device of profile `{profile}`'s user")]
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
    /// No sealing key, where it was the point.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// No state folder, where it was the point.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A value that the format cannot hold.
    #[error(transparent)]
    Inexpressible(#[from] Inexpressible),
    /// `init --prompt` for a shell that cannot tell the time by itself.
    #[error("this shell cannot show the time left without a program")]
    NoSegment,
    /// Where this program is.
    #[error("the path of this program is not known")]
    Program(#[source] io::Error),
    /// A path that no text of a shell can hold.
    #[error("the path of this program is not UTF-8")]
    NotText,
    /// `env` on a terminal, with no shell to take what it prints.
    #[error("credentials are not printed on a terminal, which would keep them in its scroll-back")]
    Untaken {
        /// The profile, as it was typed.
        profile: Option<ProfileName>,
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
    #[error("no other profile was used before this one")]
    NoneBefore,
    /// The picker was left without a choice.
    #[error("no profile was picked")]
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
    /// Policies that cannot be checked together, or at all.
    #[error(transparent)]
    PolicyKind(#[from] PolicyKindError),
    /// A repaired policy that does not come into its file, which is as it was.
    #[error(transparent)]
    PolicyNotWritten(#[from] ReplaceError),
    /// `login` of several profiles, some of which failed and were reported.
    #[error("{failed} of {all} profiles are not signed in")]
    Some {
        /// How many failed.
        failed: usize,
        /// Of how many.
        all: usize,
        /// The exit code of the first.
        exit: u8,
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

/// How a program ends that did not do what was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// With an exit code.
    Exit(u8),
    /// By the signal that it was sent, after the terminal was restored.
    Signal(i32),
}

#[cfg(unix)]
impl Ending {
    /// Whoever read stdout has gone, as `head` does: by the signal that ends `cat` and `ls` then, without a word. Rust
    /// ignores that signal from the start, so that a closed pipe is an error that can be told from others.
    const READER_GONE: Self = Self::Signal(signal_hook::consts::SIGPIPE);
}

/// Policies that cannot be checked together, or at all.
#[derive(Debug, thiserror::Error)]
pub enum PolicyKindError {
    /// The policy of a bucket, a queue, a key.
    #[error(
        "{name} has a `Principal` and a `Resource`: it is the policy of a resource, and says nothing of a user's MFA devices"
    )]
    OfResource {
        /// The document.
        name: String,
    },
    /// A trust policy and a user's.
    #[error("{first} and {other} are attached to different things (one has a `Principal`): check each by itself")]
    Mixed {
        /// The first document.
        first: String,
        /// One of another kind.
        other: String,
    },
    /// What both allow cannot be said in one list.
    #[error(
        "a boundary and a service control policy that allows only some actions cannot be checked together: check the policies with each of them"
    )]
    TwoLimits,
}

impl Error {
    /// How the program ends.
    pub fn ending(&self) -> Ending {
        Ending::Exit(match self {
            #[cfg(unix)]
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ending::READER_GONE,

            Self::Plan(PlanError::Fido { .. }) => 4,
            Self::Settings(
                SettingsError::Variable { .. } | SettingsError::Token | SettingsError::PolicyNotJson { .. },
            )
            | Self::Plan(PlanError::NoRole { .. })
            | Self::Policy(_)
            | Self::PolicyFile { .. }
            | Self::PolicyNotWritten(_)
            | Self::Untaken { .. }
            | Self::DeviceOrProfile { .. }
            | Self::PolicyKind(_)
            | Self::NoSegment => 2,
            Self::Plan(
                PlanError::Duration { origin, .. }
                | PlanError::Refused { origin, .. }
                | PlanError::BadValue { origin, .. },
            ) if matches!(origin, Origin::Flag(_)) => 2,
            Self::Settings(_)
            | Self::Profile(_)
            | Self::Plan(_)
            | Self::Folder(_)
            | Self::Output(_)
            | Self::NoneBefore
            | Self::Inexpressible(_)
            | Self::Program(_)
            | Self::NotText => 1,
            Self::Vault(error) => return vault_ending(error),
            Self::Execute(error) => return execute_ending(error),
            Self::Device(error) => return device_ending(error),
            Self::Concerning(about) => return about.cause.ending(),
            Self::Exec { is_missing, .. } => {
                if *is_missing {
                    127
                } else {
                    126
                }
            }
            Self::Some { exit, .. } => *exit,
            Self::NonePicked => 130,
            Self::Picker(reason) => return terminal_ending(reason, 3),
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

    /// The profile that is not there, where that is what is wrong.
    pub fn missing_profile(&self) -> Option<&ProfileName> {
        match self {
            Self::Plan(PlanError::UnknownProfile { name, .. } | PlanError::NoProfiles { name, .. }) => Some(name),
            Self::Concerning(about) => about.cause.missing_profile(),
            _ => None,
        }
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        self.hint_for(None)
    }

    fn hint_for(&self, profile: Option<&ProfileName>) -> Option<String> {
        match self {
            Self::Concerning(about) => about.cause.hint_for(Some(&about.profile)),
            Self::Plan(error) => plan_hint(error, profile),
            Self::Execute(error) => execute_hint(error, profile),
            Self::Device(DeviceError::Code(error)) if code_hint(error).is_some() => code_hint(error),
            Self::Device(
                DeviceError::Who(error)
                | DeviceError::Client(error)
                | DeviceError::Call { error: IamError::Call(error), .. },
            ) => call_hint(None, error, profile),
            Self::Device(error) => error.hint(profile),
            Self::Vault(error) => vault_hint(error),
            Self::Picker(error) => terminal_hint(error),
            Self::DeviceOrProfile { verb, word, .. } => {
                let command = ours(&format!("device {verb}"), Some(word));
                Some(format!("{command} takes it as the profile; a device can be named by its serial"))
            }
            Self::Inexpressible(_) => Some("`--format json` holds any value".to_owned()),
            Self::Untaken { profile, format } => Some(take(profile.as_ref(), *format)),
            Self::NoSegment => Some(format!("let its prompt run {}", ours("prompt", None))),
            Self::Settings(SettingsError::NoHome) => {
                Some("set HOME, or name the files with `--config-file` and `--credentials-file`".to_owned())
            }
            Self::Settings(SettingsError::Distrusted(Distrust::Open { path })) => {
                let path = path.to_string_lossy();
                Some(format!("`chmod go-w {}` closes it", shlex::try_quote(&path).unwrap_or_default()))
            }
            Self::Settings(SettingsError::Token) => {
                Some("`--mfa-token -` reads the code from stdin, which keeps it out of the process list".to_owned())
            }
            _ => None,
        }
    }
}

fn vault_ending(error: &VaultError) -> Ending {
    match error {
        VaultError::Passphrase(PassphraseError::Terminal(reason)) => terminal_ending(reason, 7),
        VaultError::Demanded { .. } | VaultError::Passphrase(_) | VaultError::Left { .. } => Ending::Exit(7),
        _ => Ending::Exit(1),
    }
}

fn execute_ending(error: &ExecuteError) -> Ending {
    Ending::Exit(match error {
        ExecuteError::Code(error) => return code_ending(error),
        ExecuteError::CancelledElsewhere(_) => 3,
        ExecuteError::Base(BaseError::Process { why: ProcessError::Command(CommandError::Signal(signal)), .. }) => {
            return Ending::Signal(*signal);
        }
        ExecuteError::Base(_) | ExecuteError::Client(_) | ExecuteError::NoDevice(_) => 1,
        ExecuteError::Vault(error) => return vault_ending(error),
        ExecuteError::Call { error, .. } => call_exit(error),
    })
}

/// A question that got no answer. Whoever could not be asked ends with `absent`.
fn terminal_ending(reason: &TerminalError, absent: u8) -> Ending {
    match reason {
        TerminalError::Signal(signal) => Ending::Signal(*signal),
        #[cfg(unix)]
        TerminalError::Unread => Ending::READER_GONE,
        TerminalError::Cancelled | TerminalError::Closed => Ending::Exit(130),
        TerminalError::TimedOut(_) => Ending::Exit(3),
        _ => Ending::Exit(absent),
    }
}

fn code_ending(error: &CodeError) -> Ending {
    Ending::Exit(match error {
        CodeError::Terminal(reason) => return terminal_ending(reason, 3),
        CodeError::NobodyToAsk(_) => 3,
        CodeError::Spent(_) | CodeError::NotACode => 4,
        CodeError::Stdin => 2,
        CodeError::Process { .. } => 1,
    })
}

fn call_exit(error: &StsError) -> u8 {
    match error {
        _ if error.is_wrong_code() || error.is_wrong_serial() => 4,
        StsError::Refused { .. } | StsError::Throttled => 5,
        StsError::Unavailable(_)
        | StsError::Unreadable
        | StsError::TooLong
        | StsError::Lost(_)
        | StsError::Unreachable(_) => 6,
        StsError::Unusable(_) => 1,
    }
}

fn device_ending(error: &DeviceError) -> Ending {
    Ending::Exit(match error {
        DeviceError::Left { cause, .. } => return device_ending(cause),
        DeviceError::Code(error) => return code_ending(error),
        DeviceError::Who(error) | DeviceError::Call { error: IamError::Call(error), .. } => call_exit(error),
        DeviceError::Call { error: IamError::WrongCodes(_), .. } => 4,
        DeviceError::Call { .. } => 5,
        DeviceError::NobodyThere(_) => 3,
        DeviceError::Declined => 130,
        _ => 1,
    })
}

fn plan_hint(error: &PlanError, profile: Option<&ProfileName>) -> Option<String> {
    if let Some(hint) = overlooked_hint(error) {
        return Some(hint);
    }
    let did_you_mean = |names: &[String]| match names {
        [] => None,
        [one] => Some(format!("did you mean `{one}`?")),
        [most @ .., last] => Some(format!("did you mean `{}` or `{last}`?", most.join("`, `"))),
    };
    Some(match error {
        PlanError::UnknownProfile { likely, name, .. } => {
            let names_one = || {
                let first = if name.as_str() == "default" { "name a profile: " } else { "" };
                format!("{first}{} shows the profiles", ours("list", None))
            };
            return Some(did_you_mean(&likely.nearest).unwrap_or_else(names_one));
        }
        PlanError::NoProfiles { .. } => no_profiles_hint(),
        PlanError::UnknownSource { likely, .. } => return did_you_mean(&likely.nearest),
        PlanError::Fido { usable, .. } if !usable.is_empty() => {
            let usable: Vec<String> = usable.iter().map(|serial| format!("`mfa_serial = {serial}`")).collect();
            format!("name a device whose codes AWS takes: {}", usable.join(" or "))
        }
        PlanError::Fido { .. } => {
            let enroll = ours("device enroll", profile);
            format!(
                "register a TOTP device beside it ({enroll}), which is then named in `mfa_serial`; or sign in with \
                 `aws login` and use its `login_session` profile"
            )
        }
        PlanError::SerialCannotBeMet { .. } => {
            "take `mfa_serial` out, or let a profile with a user's access key be the source".to_owned()
        }
        PlanError::NoToken { origin } => {
            let (verb, key) = match origin {
                Origin::Variable(_) => ("export", "AWS_SESSION_TOKEN"),
                _ => ("copy", "aws_session_token"),
            };
            format!("{verb} the token as well, as `{key}`, or take the keys from where they came again")
        }
        PlanError::OwnExports { .. } => "take them out of this shell first: `eval $(mfa-cred unset)`".to_owned(),
        PlanError::IncludeProfile { .. } => "copy what it includes into the profile".to_owned(),
        PlanError::NoSource { .. } => {
            "add `source_profile = PROFILE` (whose keys sign) or `credential_source`".to_owned()
        }
        PlanError::InClear { .. } => {
            "use an `https://` address; where you trust the whole way there, put `allow_http = true` into mfa-cred's \
             own config.ini"
                .to_owned()
        }
        PlanError::TwoSources { .. } => "keep the one that is meant".to_owned(),
        _ => return None,
    })
}

/// Sections that may have been meant and do not count.
fn overlooked_hint(error: &PlanError) -> Option<String> {
    let overlooked = match error {
        PlanError::UnknownProfile { likely, .. } | PlanError::UnknownSource { likely, .. } => &likely.overlooked[..],
        PlanError::NoSource { overlooked, .. }
        | PlanError::NoCredentials { overlooked, .. }
        | PlanError::HalfKey { overlooked, .. } => overlooked,
        _ => return None,
    };
    let all: Vec<String> = overlooked.iter().map(ToString::to_string).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn vault_hint(error: &VaultError) -> Option<String> {
    match error {
        VaultError::Demanded { .. } => {
            Some("unlock or start that store, or let `--store auto` choose another".to_owned())
        }
        VaultError::Passphrase(PassphraseError::Terminal(TerminalError::Absent | TerminalError::Background)) => {
            Some("run mfa-cred in a terminal once: the key is then unlocked for this login".to_owned())
        }
        VaultError::Passphrase(PassphraseError::Refused | PassphraseError::Damaged) => {
            Some(format!("{} forgets the passphrase, and all that it sealed", ours("clear --all", None)))
        }
        VaultError::Left { .. } => Some("run it again when that store works".to_owned()),
        _ => None,
    }
}

fn execute_hint(error: &ExecuteError, profile: Option<&ProfileName>) -> Option<String> {
    Some(match error {
        ExecuteError::Code(CodeError::NobodyToAsk(profile)) => {
            format!("run {} in a terminal", ours("login", Some(profile)))
        }
        ExecuteError::CancelledElsewhere(profile) => {
            format!("run {} when the code is at hand", ours("login", Some(profile)))
        }
        ExecuteError::Code(CodeError::Terminal(TerminalError::TimedOut(_))) => {
            let login = ours("login", profile);
            format!("sign in beforehand with {login}: an SDK waits for no more than a minute")
        }
        ExecuteError::Code(error) => return code_hint(error),
        ExecuteError::Vault(error) => return vault_hint(error),
        ExecuteError::Base(BaseError::Expired { origin, .. }) => match origin {
            Some(Origin::Variable(_)) => {
                "obtain new ones as these were obtained; where that variable is a leftover, unset it"
            }
            Some(_) => "sign in again with the tool that wrote them; where that line is a leftover, take it out",
            None => "sign in again as that program wants it; it must give credentials that still live",
        }
        .to_owned(),
        ExecuteError::Base(BaseError::Provider { .. } | BaseError::NoToken { .. } | BaseError::Process { .. }) => {
            format!("{} shows where it comes from", ours("show", profile))
        }
        ExecuteError::Call { step, error, without_mfa, .. } => match (&**step, without_mfa) {
            (Step::AssumeRole(call), Some(user)) if is_denied(error) => denied_without_mfa(call, user),
            (step, _) => return call_hint(Some(step), error, profile),
        },
        ExecuteError::Client(error) => return call_hint(None, error, profile),
        _ => return None,
    })
}

/// The same for every command that asks for codes.
fn code_hint(error: &CodeError) -> Option<String> {
    Some(match error {
        CodeError::Terminal(error) => return terminal_hint(error),
        CodeError::Process { .. } => "run the command by hand: it must print six digits and nothing else".to_owned(),
        _ => return None,
    })
}

fn terminal_hint(error: &TerminalError) -> Option<String> {
    matches!(error, TerminalError::Background).then(|| "bring it to the foreground".to_owned())
}

/// Where there is nothing yet, not even `default`.
fn no_profiles_hint() -> String {
    format!(
        "`aws configure` writes an access key into ~/.aws/credentials; the end of {} shows what a role that wants MFA \
         looks like in ~/.aws/config",
        ours("--help", None)
    )
}

/// A hint for each of STS's refusals.
fn call_hint(step: Option<&Step>, error: &StsError, profile: Option<&ProfileName>) -> Option<String> {
    let code_of = || step.and_then(Step::needs_code_of);
    let StsError::Refused { code, message, ahead } = error else {
        return match error {
            StsError::Throttled if code_of().is_none() => Some("wait a moment".to_owned()),
            StsError::Throttled => {
                Some("wait a moment; a code that was sent is spent, so take the next one".to_owned())
            }
            StsError::Lost(_) | StsError::Unavailable(_) if code_of().is_some() => {
                Some("the code may be spent: wait for the device's next one".to_owned())
            }
            StsError::Unreadable | StsError::TooLong => {
                let spent = if code_of().is_some() { "; the code may be spent all the same" } else { "" };
                let what = "something between here and AWS answers in its place: a captive portal, or a proxy";
                Some(format!("{what}{spent}"))
            }
            StsError::Unreachable(obstacle) => Some(obstacle.hint().to_owned()),
            _ => None,
        };
    };
    Some(match (code.as_str(), step) {
        _ if error.is_wrong_code() => {
            let resync = ours("device resync", profile);
            format!("wait for the device's next code; where codes keep failing, the device has drifted: {resync}")
        }
        _ if error.is_wrong_serial() => {
            let serial = code_of().map(ToString::to_string).unwrap_or_default();
            let list = ours("device list", profile);
            format!("{serial} is not a device of this user, or not one with codes; {list} lists them")
        }
        ("AccessDenied", Some(Step::AssumeRole(call))) => denied_role(call),
        ("AccessDenied", Some(Step::SessionToken { .. })) if message.contains("session credentials") => {
            "the profile's access key is that of a session; only a user's own key gets another one".to_owned()
        }
        ("InvalidClientTokenId", _) => {
            "the access key was deleted or deactivated, or belongs to another partition".to_owned()
        }
        ("ExpiredToken" | "ExpiredTokenException", _) => "the session that signs is over: obtain a new one".to_owned(),
        _ if error.is_of_the_clock() => format!("this clock is {} s off AWS's: set it", ahead.abs()),
        ("SignatureDoesNotMatch", _) => "the secret access key was mistyped, or belongs to another key".to_owned(),
        ("ValidationError", Some(Step::AssumeRole(_))) if message.contains("DurationSeconds") => {
            "ask for less: roles allow an hour unless their maximum session duration says more".to_owned()
        }
        ("RegionDisabledException", _) => "STS is switched off in that region: name another with `--region`".to_owned(),
        ("PackedPolicyTooLarge", _) => "shorten the session policies and tags: together they are too large".to_owned(),
        ("MalformedPolicyDocument", _) => "the session policy is no valid IAM policy".to_owned(),
        _ => return None,
    })
}

fn is_denied(error: &StsError) -> bool {
    matches!(error, StsError::Refused { code, .. } if code == "AccessDenied")
}

/// What a trust policy may have missed.
fn denied_role(call: &AssumeRole) -> String {
    format!("{}. Where the MFA may be too old for the role, `--refresh` asks for a new code", forbidden(call))
}

/// The same without a code: the first thing to look at is whether the role demands one.
fn denied_without_mfa(call: &AssumeRole, user: &ProfileName) -> String {
    let (name, enroll) = (user.as_str(), ours("device enroll", Some(user)));
    format!(
        "no MFA was used, and the role may demand it: write `mfa_serial = auto` into profile `{name}`, or run {enroll} \
         where its user has no device yet. Otherwise {}",
        forbidden(call)
    )
}

/// What may forbid a role, and what was sent that may not please it.
fn forbidden(call: &AssumeRole) -> String {
    let sent = [
        ("an external id", call.external_id.is_some()),
        ("a session name", call.session_name.is_some()),
        ("a source identity (which needs `sts:SetSourceIdentity`)", call.source_identity.is_some()),
        ("tags (which need `sts:TagSession`)", !call.tags.is_empty()),
        ("a code", call.device.is_some()),
    ];
    let sent: Vec<&str> = sent.into_iter().filter(|(_, is)| *is).map(|(what, _)| what).collect();
    let sent = if sent.is_empty() { "no external id and no tags".to_owned() } else { sent.join(", ") };
    format!("the role's trust policy, an own policy or the organization's forbids it; sent were {sent}")
}

/// How a shell takes what `env` prints.
fn take(profile: Option<&ProfileName>, format: Format) -> String {
    let word = |name: &str| if name == "-" { "-".to_owned() } else { argument(name) };
    let argument = profile.map(|name| format!(" {}", word(name.as_str()))).unwrap_or_default();
    let line = format.taking(&format!("mfa-cred{argument}"));
    format!(
        "`{line}` takes them into this shell; with the line of {} in its startup file, `mfa-cred{argument}` does so \
         by itself; `--format` prints them all the same",
        ours("init --help", None)
    )
}

/// A profile's name as an argument in a shell, for a command that a person copies.
fn argument(name: &str) -> String {
    let word = shlex::try_quote(name).map_or_else(|_| "PROFILE".to_owned(), std::borrow::Cow::into_owned);
    if name.starts_with('-') { format!("-- {word}") } else { word }
}
