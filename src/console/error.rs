//! Why there is no signed-in page of the console.

use std::io;
use std::time::Duration;

use crate::aws::CallError;
use crate::host::TerminalError;
use crate::messages::ours;
use crate::names::{Partition, ProfileName};

/// Why there is no signed-in page of the console.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// A user's own session.
    #[error("the AWS console takes the session of a role, and profile `{profile}` is a user without one")]
    NoRole {
        /// The profile.
        profile: ProfileName,
        /// A profile whose role this user assumes.
        other: Option<ProfileName>,
    },
    /// A `credential_process` or the environment gave a long-term key.
    #[error("the AWS console takes the session of a role, and these credentials are a long-term access key")]
    LongTerm,
    /// An isolated partition, or one that AWS opened later.
    #[error("the address of the AWS console in partition `{partition}` is not public, so no page of it can be opened")]
    NoConsole {
        /// The partition.
        partition: Partition,
        /// The page where a person signs in there, if known.
        sign_in: Option<String>,
    },
    /// FIPS is wanted.
    #[error("the AWS console has no FIPS endpoint in partition `{}`", .0.as_str())]
    NoFips(Partition),
    /// An address elsewhere.
    #[error("only `https://` addresses on `{domain}` can be opened")]
    Elsewhere {
        /// The console's domain.
        domain: &'static str,
    },
    /// A word that is neither.
    #[error("expected the name of a service, or an `https://` address on `{domain}`")]
    NoSuchPage {
        /// The console's domain.
        domain: &'static str,
    },
    /// The name of a service where a profile belongs.
    #[error("there is no profile `{service}`, and a service follows the profile")]
    ServiceAsProfile {
        /// The service.
        service: &'static str,
        /// The profile that the environment names.
        profile: Option<ProfileName>,
    },
    /// `--logout-first` for a role of IAM Identity Center.
    #[error("`--logout-first` does not work with IAM Identity Center, whose start page has a session of its own")]
    LogoutOfStartPage,
    /// A start URL that no browser may be sent to.
    #[error("`sso_start_url` is not an `https://` address")]
    StartUrl,
    /// AWS refused, or could not be asked.
    #[error("AWS issued no sign-in token")]
    Call(#[from] CallError),
    /// `--browser` is not a command line.
    #[error("`--browser` has no words, or a quote in it is not closed")]
    Command,
    /// No port of this machine can be opened.
    #[error("no local port can be opened for the browser")]
    Port(#[source] io::Error),
    /// Every command failed.
    #[error("no browser could be started")]
    NoBrowser,
    /// The browser has not asked for the address.
    #[error("the browser did not open the address within {} s", .0.as_secs())]
    NotOpened(Duration),
    /// The person canceled.
    #[error(transparent)]
    Terminal(TerminalError),
}

impl ConsoleError {
    /// What to do about it. `profile` is the one that was asked for.
    pub fn hint(&self, profile: Option<&ProfileName>) -> Option<String> {
        Some(match self {
            Self::NoRole { other: Some(other), .. } => format!("run {}", ours("console", Some(other))),
            Self::NoRole { other: None, profile } => {
                format!(
                    "name a role with `--role-arn`, or add a profile with `role_arn` and `source_profile = {}`",
                    profile.as_str()
                )
            }
            Self::LongTerm => "name a role with `--role-arn`".to_owned(),
            Self::NoConsole { sign_in: Some(page), .. } => format!("sign in at {page}"),
            Self::NoFips(_) => "set `AWS_USE_FIPS_ENDPOINT=false` for this command, if that is permitted".to_owned(),
            Self::NoSuchPage { .. } => "such as `s3`, `ec2`, or `iam`; TAB completes the names".to_owned(),
            Self::ServiceAsProfile { service, profile: Some(profile) } => {
                format!("run {}", ours(&format!("console {} {service}", profile.as_option()), None))
            }
            Self::ServiceAsProfile { profile: None, .. } => format!("{} shows the profiles", ours("list", None)),
            Self::Command => "`{url}` in it stands for the address".to_owned(),
            Self::Call(CallError::Refused { message, .. }) if message.contains("assume role") => {
                "the AWS console takes sessions of roles only: use a profile with `role_arn`".to_owned()
            }
            Self::Call(CallError::Refused { .. }) => {
                format!("if the session was revoked, {} obtains a new one", ours("console --refresh", profile))
            }
            Self::Port(_) | Self::NoBrowser | Self::NotOpened(_) => {
                format!("{} prints the address", ours("console --print", profile))
            }
            _ => return None,
        })
    }
}
