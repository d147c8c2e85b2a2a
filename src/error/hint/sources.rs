//! What to do when a source other than an access key gives no credentials.

use std::io;
use std::path::Path;

use crate::aws::CallError;
use crate::messages::{aws_login, ours};
use crate::names::ProfileName;
use crate::signin::SignInError;
use crate::sso::SsoError;
use crate::sso::file::FileError;
use crate::web_token::TokenError;

/// Why a login at IAM Identity Center gives no credentials.
pub(super) fn sso(error: &SsoError, profile: Option<&ProfileName>) -> Option<String> {
    let login = || ours("login", profile);
    Some(match error {
        SsoError::SignedOut(session) | SsoError::Over(session) => {
            let login = match (profile, &session.name) {
                (None, Some(name)) => {
                    ours(&format!("login --sso {}", shlex::try_quote(name).unwrap_or_default()), None)
                }
                _ => login(),
            };
            format!("run {login} in a terminal")
        }
        SsoError::File(FileError::NotAToken { .. }) => format!("{} replaces it", login()),
        SsoError::File(FileError::Unwritable { path, .. } | FileError::Unreadable { path, .. }) => {
            let folder = path.parent().unwrap_or(path).to_string_lossy();
            format!(
                "free or unlock that file system, or run `ls -la {}`",
                shlex::try_quote(&folder).unwrap_or_default()
            )
        }
        SsoError::File(FileError::Busy { .. }) => "end that process, or try again".to_owned(),
        SsoError::NoAccess { role, .. } => {
            let compare = "compare `sso_account_id` and `sso_role_name` with what";
            match &role.session.name {
                Some(name) => {
                    let name = shlex::try_quote(name).unwrap_or_default();
                    format!("{compare} {} shows, or ask for the assignment", ours(&format!("list --sso {name}"), None))
                }
                None => format!("{compare} the start page offers, or ask for the assignment"),
            }
        }
        SsoError::Call { error, .. } | SsoError::Client(error) => return super::call_hint(None, error, profile),
        SsoError::NoHome => "set HOME".to_owned(),
        SsoError::Signal(_) => return None,
    })
}

/// Why AWS does not take the token of a web identity.
pub(super) fn web_identity(code: &str, message: &str, profile: Option<&ProfileName>) -> Option<String> {
    let has = |part: &str| message.contains(part);
    Some(match code {
        "ExpiredTokenException" => format!(
            "the token file is stale: what writes it (such as the kubelet or a CI job) has stopped renewing it; {} names it",
            ours("show", profile)
        ),
        "AccessDenied" => "the role's trust policy does not admit this identity: compare its conditions with the \
                           issuer, subject and audience in the token"
            .to_owned(),
        "InvalidIdentityToken" if has("No OpenIDConnect provider") => {
            "IAM in the role's account has no identity provider with the token's issuer: create it, or check the \
             account in `role_arn`"
                .to_owned()
        }
        "InvalidIdentityToken" if has("audience") => {
            "the token was issued for another audience: request one for an audience that the IAM identity provider \
             lists (usually `sts.amazonaws.com`)"
                .to_owned()
        }
        "InvalidIdentityToken" => {
            "AWS needs an OpenID Connect ID token that the provider's published keys verify: check which token is in \
             the file"
                .to_owned()
        }
        "IDPRejectedClaim" => {
            "the identity provider does not accept the token, which may have been revoked: obtain a new one from it"
                .to_owned()
        }
        "IDPCommunicationError" => {
            "AWS could not reach the identity provider in three attempts: try again, and check that its \
             `.well-known/openid-configuration` is reachable from the internet"
                .to_owned()
        }
        _ => return None,
    })
}

/// A token file that gives no token.
pub(super) fn token_file(path: &Path, why: &TokenError) -> Option<String> {
    let shown = path.to_string_lossy();
    match why {
        TokenError::Unreadable(_) if shown.starts_with('~') || shown.contains('$') => {
            Some("write the whole path: like the SDKs, mfa-cred expands neither `~` nor variables in it".to_owned())
        }
        TokenError::Unreadable(error) if error.kind() == io::ErrorKind::NotFound => {
            let relative = if path.is_relative() { "; the path is relative to the working folder" } else { "" };
            Some(format!(
                "start what writes that file (such as the kubelet or a CI job), or correct the path{relative}"
            ))
        }
        _ => None,
    }
}

/// A session of `aws login` that gives no credentials.
pub(super) fn sign_in(error: &SignInError) -> Option<String> {
    Some(match error {
        SignInError::Absent { profile, .. } => format!("sign in with {}", aws_login(profile)),
        SignInError::Damaged { profile, .. } => {
            format!("{} starts a new session, and replaces the file", aws_login(profile))
        }
        SignInError::NoRegion { profile } => {
            format!(
                "add the `region` in which the session was started; otherwise, {} starts a new one",
                aws_login(profile)
            )
        }
        SignInError::Unwritable { .. } => {
            "make room on the disk, or correct the permissions of the folder; the session is as it was".to_owned()
        }
        SignInError::Call { profile, region, error } => match error {
            CallError::Refused { code, .. } => refused_renewal(code, profile, region.as_str()),
            CallError::Unreachable(obstacle) => obstacle.hint().to_owned(),
            CallError::Throttled => "wait a moment and try again".to_owned(),
            _ => return None,
        },
        _ => return None,
    })
}

/// Why AWS does not renew a session.
fn refused_renewal(code: &str, profile: &ProfileName, region: &str) -> String {
    let login = aws_login(profile);
    match code {
        "USER_CREDENTIALS_CHANGED" => format!("the password was changed after the sign-in: sign in again with {login}"),
        "INSUFFICIENT_PERMISSIONS" => format!(
            "the user needs `signin:CreateOAuth2Token` (the managed policy `SignInLocalDevelopmentAccess` allows it); \
             then sign in again with {login}"
        ),
        "INVALID_REQUEST" => format!(
            "a session can be renewed only in the region where it was started: if that was not `{region}`, correct \
             `region` in profile `{profile}`; otherwise, sign in again with {login}"
        ),
        _ => format!("sign in again with {login}"),
    }
}
