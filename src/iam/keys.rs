//! Why a `keys` command failed, and what to do about it.

use super::CallerError;
use crate::aws::CallError;
use crate::host::{StoreError, TerminalError};
use crate::messages::ours;
use crate::names::ProfileName;
use crate::profile::Location;
use crate::profile::edit::EditError;
use crate::safe::{NotAKey, SafeError};
use crate::vault::{PassphraseError, PersistentError};

/// Why a `keys` command failed.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The sealed keys.
    #[error(transparent)]
    Safe(#[from] SafeError),
    /// AWS does not take the key, or cannot be asked.
    #[error("GetCallerIdentity with access key {access_key_id}: {error}")]
    NotTaken {
        /// The key's identifier.
        access_key_id: String,
        /// Why.
        error: CallError,
    },
    /// GetCallerIdentity's answer.
    #[error(transparent)]
    Caller(#[from] CallerError),
    /// A key of the account's root user, where a user with an MFA device is wanted.
    #[error(
        "access key {access_key_id} is the root user's: it can do everything in the account, and no policy limits it"
    )]
    Root {
        /// The key's identifier.
        access_key_id: String,
    },
    /// The client could not be built.
    #[error("no connection to AWS can be set up")]
    Client(#[source] CallError),
    /// The AWS files have no key for the profile.
    #[error("profile `{profile}` has no access key in the AWS files{}", if *.is_sealed { ": its key is already sealed" } else { "" })]
    NoKey {
        /// The profile.
        profile: ProfileName,
        /// Has it a sealed key?
        is_sealed: bool,
    },
    /// A session's keys.
    #[error("{place}: profile `{profile}` has temporary credentials, which end by themselves and are not sealed")]
    Temporary {
        /// The profile.
        profile: ProfileName,
        /// The session token.
        place: Location,
    },
    /// The profile has two keys in the files, one of which is never used.
    #[error("{place}: profile `{profile}` has another access key here, which would be lost")]
    TwoKeys {
        /// The profile.
        profile: ProfileName,
        /// The one that is not used.
        place: Location,
    },
    /// The profile's command comes before its key.
    #[error("profile `{0}` uses its `credential_process` and not its access key")]
    Unused(ProfileName),
    /// What would be sealed is not a key.
    #[error("{from}: {why}")]
    Given {
        /// The file, stdin or the environment.
        from: String,
        /// Why.
        why: NotAKey,
    },
    /// The file with the key cannot be read.
    #[error("`{file}` cannot be read")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The environment's keys are what `env` exported, or another session's.
    #[error("the environment has temporary credentials, and only long-term access keys are sealed")]
    TemporaryEnvironment,
    /// The environment has no key.
    #[error("the environment has no access key (`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`)")]
    NoEnvironment,
    /// Another key of the profile is sealed.
    #[error("profile `{profile}` already has the sealed access key {access_key_id}, which would be lost")]
    Another {
        /// The profile.
        profile: ProfileName,
        /// The sealed key.
        access_key_id: String,
    },
    /// A key in the files would be used instead.
    #[error("{place}: profile `{profile}` has an access key in this file, which would be used instead")]
    InFile {
        /// The profile.
        profile: ProfileName,
        /// The key.
        place: Location,
    },
    /// No terminal for a question.
    #[error("{0}, and there is no terminal to do it on")]
    NobodyThere(&'static str),
    /// The terminal gave no answer.
    #[error("nothing was changed")]
    Terminal(#[source] TerminalError),
    /// The answer was no.
    #[error("nothing was changed")]
    Declined,
    /// stdout is a pipe or a file.
    #[error("access keys are shown on the terminal only, and never written to a pipe or a file")]
    NotToAPipe,
    /// The terminal cannot wipe a page.
    #[error("this terminal cannot wipe what it has shown (TERM is `dumb`, unset or unknown, or its size is unknown)")]
    Dumb,
    /// The file could not be changed. The key is sealed, and still in the file.
    #[error("the access key of profile `{profile}` is sealed, but the file was not changed")]
    StillInFile {
        /// The profile.
        profile: ProfileName,
        /// Why.
        source: EditError,
    },
    /// The files are written in a way that the change cannot keep. Nothing was sealed.
    #[error("profile `{profile}` cannot be changed")]
    NotWritten {
        /// The profile.
        profile: ProfileName,
        /// Why.
        source: EditError,
    },
    /// No terminal to type a key on.
    #[error("there is no terminal to type the access key on")]
    NobodyToType,
}

impl KeysError {
    /// What to do about it, if that is known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Safe(error) => return safe_hint(error),
            Self::NotTaken { error, .. } => match error {
                CallError::Unreachable(obstacle) => obstacle.hint().to_owned(),
                CallError::Refused { .. } => {
                    "the access key was deleted or deactivated, or is mistyped; `aws iam list-access-keys` lists a user's keys"
                        .to_owned()
                }
                _ => return None,
            },
            Self::Root { .. } => {
                "delete it in the AWS console (Security credentials), and use an access key of an IAM user".to_owned()
            }
            Self::NoKey { profile, is_sealed: false } => {
                format!("{} seals a key that is not in these files", ours("keys add", Some(profile)))
            }
            Self::TwoKeys { .. } => "delete the lines of the key that you do not need".to_owned(),
            Self::Another { profile, .. } => format!(
                "{} shows it, {} deletes it",
                ours("keys export", Some(profile)),
                ours("keys remove", Some(profile))
            ),
            Self::InFile { profile, .. } => format!("{} seals that key", ours("keys import", Some(profile))),
            Self::NobodyThere(_) => "`--yes` answers the questions".to_owned(),
            Self::NobodyToType => "`--csv FILE`, `--stdin` and `--env` read it from elsewhere".to_owned(),
            Self::StillInFile { .. } => "run the same command again: nothing is lost".to_owned(),
            _ => return None,
        })
    }
}

/// What to do about a sealed key that nothing opens.
pub fn damaged_key_hint(profile: &ProfileName) -> String {
    let (remove, add) = (ours("keys remove", Some(profile)), ours("keys add", Some(profile)));
    format!("restore the file from a backup, or make a new access key at AWS, then {remove} and {add}")
}

/// What to do about a sealed key that cannot be had.
pub fn safe_hint(error: &SafeError) -> Option<String> {
    let SafeError::Key(error) = error else {
        return match error {
            SafeError::Missing(profile) => Some(format!("{} seals one", ours("keys add", Some(profile)))),
            SafeError::Damaged { profile, .. } => Some(damaged_key_hint(profile)),
            _ => None,
        };
    };
    Some(match error {
        PersistentError::Store { reason: StoreError::Absent(_), .. } => {
            "run the command in a session that has this keyring: your desktop, or a login that starts one".to_owned()
        }
        PersistentError::Store { .. } => "unlock it, and run the command again".to_owned(),
        PersistentError::Lost(_) => {
            let list = ours("keys list", None);
            format!("restore it from a backup, or make new access keys at AWS; {list} shows what is sealed")
        }
        PersistentError::Passphrase(PassphraseError::Terminal(TerminalError::Absent | TerminalError::Background)) => {
            "run mfa-cred once in a terminal: this unlocks the key for your login session".to_owned()
        }
        PersistentError::Passphrase(PassphraseError::NoAnswer(_)) => {
            "run the command by hand: it must print the passphrase on one line, and exit with 0".to_owned()
        }
        PersistentError::Busy(_) => "answer its question, or run the command again later".to_owned(),
        _ => return None,
    })
}
