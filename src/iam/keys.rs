//! Why a `keys` command failed, and what to do about it.

use jiff::Timestamp;

use super::failure::denied;
use super::needs::{self, Need, from};
use super::{CallerError, IamError, User};
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
    /// Another tool, which was asked for a key, is not installed.
    #[error("`{0}` was not found")]
    NoTool(&'static str),
    /// It gave none. What it said about that was passed on.
    #[error("`{command}` {why}")]
    Tool {
        /// As it was run.
        command: String,
        /// Why.
        why: String,
    },
    /// It gave a session's keys.
    #[error("`{command}` printed temporary credentials, and only long-term access keys are sealed")]
    ToolSession {
        /// As it was run.
        command: String,
        /// What leads it to the key itself.
        hint: &'static str,
    },
    /// This process was told to end.
    #[error("canceled")]
    Signal(i32),
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
    /// An IAM call failed.
    #[error("{call}: {error}")]
    Call {
        /// The API action.
        call: &'static str,
        /// Why it failed.
        error: IamError,
        /// The user.
        user: Box<User>,
        /// Was it signed with MFA?
        has_mfa: bool,
    },
    /// The user has a second key, and AWS allows no third.
    #[error(transparent)]
    SecondKey(Box<SecondKey>),
    /// The user's keys do not include the sealed one.
    #[error("user `{user}` has no access key {access_key_id} any more")]
    NotListed {
        /// The user.
        user: String,
        /// The sealed key.
        access_key_id: String,
    },
    /// AWS did not take a new key in time, or not any more.
    #[error("AWS does not accept the new access key {access_key_id}: {error}")]
    NotAccepted {
        /// The new key.
        access_key_id: String,
        /// Its last answer.
        error: CallError,
    },
    /// The key belongs to somebody else than when it was sealed.
    #[error("access key {access_key_id} belongs to {arn}")]
    OtherUser {
        /// The key.
        access_key_id: String,
        /// Whose it is.
        arn: String,
    },
    /// Another process rotates keys.
    #[error("another process is rotating access keys")]
    Rotating,
    /// Another profile has the key in plain text.
    #[error("{place}: profile `{profile}` has the same access key in plain text, which would stop working")]
    AlsoInFile {
        /// The profile.
        profile: ProfileName,
        /// The line.
        place: Location,
    },
    /// Only sealed keys are rotated.
    #[error("{place}: the access key of profile `{profile}` is in plain text, and only sealed keys are rotated")]
    NotSealed {
        /// The profile.
        profile: ProfileName,
        /// The line.
        place: Location,
    },
    /// The profile signs with another one's key.
    #[error("profile `{profile}` signs in with the access key of profile `{owner}`")]
    NotItsOwn {
        /// The profile.
        profile: ProfileName,
        /// Whose key it is.
        owner: ProfileName,
    },
    /// The root user's key.
    #[error("access key {0} is the root user's, which should have none")]
    OfRoot(String),
    /// Its age is not known.
    #[error("the age of access key {access_key_id} is not known here, and cannot be looked up: {why}")]
    AgeUnknown {
        /// The key.
        access_key_id: String,
        /// Why.
        why: String,
        /// The profile to sign in to.
        profile: ProfileName,
    },
    /// No terminal to type a key on.
    #[error("there is no terminal to type the access key on")]
    NobodyToType,
}

/// A user with two access keys, one of which was to be rotated.
#[derive(Debug, thiserror::Error)]
#[error("user `{user}` already has two access keys: {old} and {other} ({}{})", if *.is_active { "active" } else { "inactive" }, made(.created.as_ref()))]
pub struct SecondKey {
    /// The user.
    pub user: String,
    /// The key that was to be replaced.
    pub old: String,
    /// The other one.
    pub other: String,
    /// Is the other one active?
    pub is_active: bool,
    /// When the other one was made.
    pub created: Option<Timestamp>,
    /// The profile of the first.
    pub profile: ProfileName,
    /// The profile that the other one is sealed for, if any.
    pub sealed_for: Option<String>,
}

impl KeysError {
    /// What to do about it, if that is known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Safe(error) => return safe_hint(error, None),
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
            Self::Call { error, user, has_mfa, .. } => return call_hint(error, user, *has_mfa),
            Self::SecondKey(two) => return Some(second_key_hint(two)),
            Self::NotListed { .. } => format!("{} seals another one", ours("keys add", None)),
            Self::NotAccepted { error: CallError::Unreachable(obstacle), .. } => obstacle.hint().to_owned(),
            Self::NoTool(_) => "install it, or add its folder to PATH".to_owned(),
            Self::ToolSession { hint, .. } => (*hint).to_owned(),
            Self::Rotating => "run the command again when that one has ended".to_owned(),
            Self::AlsoInFile { profile, .. } | Self::NotSealed { profile, .. } => {
                format!("{} seals it", ours("keys import", Some(profile)))
            }
            Self::NotItsOwn { owner, .. } => format!("{} rotates it", ours("keys rotate", Some(owner))),
            Self::OfRoot(_) => "delete it in the AWS console, and use an IAM user or IAM Identity Center".to_owned(),
            Self::AgeUnknown { profile, .. } => {
                format!("{} signs in with MFA; then it can be looked up", ours("login", Some(profile)))
            }
            Self::StillInFile { .. } => "run the same command again: nothing is lost".to_owned(),
            _ => return None,
        })
    }
}

fn made(created: Option<&Timestamp>) -> String {
    created.map_or_else(String::new, |created| format!(", created {}", created.strftime("%Y-%m-%d")))
}

/// What a policy must allow, or the way out of a Deny without MFA.
fn call_hint(error: &IamError, user: &User, has_mfa: bool) -> Option<String> {
    Some(match error {
        IamError::Denied { denial: Some(denial), .. } => match from(&needs::ROTATE, &denial.action) {
            [need, ..] if denial.is_explicit => {
                let Need { step, action, .. } = need;
                let mfa = if has_mfa {
                    "no Allow helps"
                } else {
                    "if it demands MFA, write `mfa_serial` into the user's profile"
                };
                format!("{step} needs `{action}`, and a Deny forbids it; {mfa}")
            }
            [need, after @ ..] => denied(need, after, false, user),
            [] => return None,
        },
        IamError::UnknownKey(_) => {
            "the access key was deleted or deactivated, or it belongs to a session without MFA, which may not call IAM"
                .to_owned()
        }
        IamError::Full(_) => "AWS allows two access keys per user: delete one that is not in use".to_owned(),
        IamError::Call(CallError::Unreachable(obstacle)) => obstacle.hint().to_owned(),
        _ => return None,
    })
}

/// The way out for a user with two keys. A command of AWS's is signed with the profile's own session.
fn second_key_hint(two: &SecondKey) -> String {
    let SecondKey { user, old, other, profile, .. } = two;
    if let Some(name) = two.sealed_for.as_deref().and_then(ProfileName::new) {
        let remove = ours("keys remove", Some(&name));
        return format!(
            "{other} is sealed for profile `{name}`: delete the one that is not needed at AWS; {remove} removes it here"
        );
    }
    let exec = ours("exec", Some(profile));
    let exec = exec.trim_matches('`');
    // A session must name the user, even its own.
    let user = shlex::try_quote(user).unwrap_or_default();
    let delete = |id: &str| format!("`{exec} -- aws iam delete-access-key --user-name {user} --access-key-id {id}`");
    if two.is_active {
        let last_use = format!("`{exec} -- aws iam get-access-key-last-used --access-key-id {other}`");
        format!(
            "{last_use} tells whether {other} is in use; if not, {} deletes it. {old} is this profile's",
            delete(other)
        )
    } else {
        format!("{} deletes the inactive one", delete(other))
    }
}

/// What to do about a sealed key that nothing opens.
pub fn damaged_key_hint(profile: &ProfileName) -> String {
    let (remove, add) = (ours("keys remove", Some(profile)), ours("keys add", Some(profile)));
    format!("restore the file from a backup, or make a new access key at AWS, then {remove} and {add}")
}

/// What to do about a sealed key that cannot be had.
pub fn safe_hint(error: &SafeError, profile: Option<&ProfileName>) -> Option<String> {
    let SafeError::Key(error) = error else {
        return match error {
            SafeError::Missing(profile) => Some(format!("{} seals one", ours("keys add", Some(profile)))),
            SafeError::Damaged { profile, .. } => Some(damaged_key_hint(profile)),
            SafeError::MissingSeed(serial) | SafeError::DamagedSeed { serial, .. } => Some(format!(
                "{} keeps it; without `mfa_source = seed` in the profile, you are asked for codes",
                ours(&format!("device keep-seed {serial}"), profile)
            )),
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
